//! Signing in without a password: by a command, a browser, a code; and what a spent token does to a
//! mailing.
//!
//! Security S4 (no token leaves before TLS is right), S16 (no token is told anywhere).

use crate::support::certificates::{Authority, Validity};
use crate::support::provider::{CANARY, CLIENT_ID, Provider, follow};
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Protection, Script, Who};
use crate::support::workspace::{Output, Running, Workspace, files_under};
use crate::support::{count, eventually, proof, skip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NAME: &str = "secretariat@forum.example";

/// A relay with a good certificate that takes only the provider's tokens.
fn relay(authority: &Authority, provider: &Provider) -> Relay {
    Relay::with(script(authority, provider))
}

fn script(authority: &Authority, provider: &Provider) -> Script {
    let server = authority.server(&["localhost"], Validity::Current);
    Script::new().protection(Protection::Implicit(server)).tokens(NAME, provider.is_good())
}

/// A workspace that trusts the office's authority and has a sign-in name.
fn workspace(authority: &Authority, relay: &Relay, people: usize) -> Workspace {
    Workspace::with_people(people)
        .file("office-ca.pem", authority.pem())
        .relay(relay)
        .relay_lines("ca_file = \"office-ca.pem\"")
        .relay_lines(&format!("user = \"{NAME}\""))
        .variable("SECRETARIAT_VAULT", "file")
}

/// A workspace whose officer signs in at the provider.
fn signing_in(
    authority: &Authority,
    relay: &Relay,
    people: usize,
    provider: &Provider,
    way: &str,
) -> Workspace {
    workspace(authority, relay, people)
        .relay_lines(&format!("sign_in = {way:?}\ntenant = \"forum.example\""))
        .relay_lines(&format!("client_id = {CLIENT_ID:?}"))
        .variable("SECRETARIAT_SIGN_IN_URL", &provider.url())
}

fn send(workspace: &Workspace) -> Output {
    let plan = workspace.fingerprint();
    workspace.run(&["send", "--plan", &plan, "--no-wait", "-v"])
}

/// `sign-in` while the test plays the browser: it opens what the program hands its opener.
fn sign_in_with_browser(workspace: &Workspace) -> Output {
    let heard = workspace.beside("opened");
    drop(std::fs::remove_file(&heard));
    let running = workspace.spawn(&["sign-in", "-q"]);
    let url = eventually_read(&heard, |text| text.ends_with('\n').then(|| text.trim().to_owned()));
    ends_with_page(running, &url)
}

#[track_caller]
fn ends_with_page(running: Running, url: &str) -> Output {
    assert!(!url.contains(CANARY), "an argument that others can read: {url}");
    let page = follow(url);
    let output = running.wait();
    assert!(!page.contains(CANARY), "{page}");
    assert_eq!(page.contains("You are signed in"), output.code == Some(0), "{page} {output:#?}");
    output
}

fn eventually_read<T>(file: &std::path::Path, read: impl Fn(&str) -> Option<T>) -> T {
    let mut found = None;
    let in_time = eventually(Duration::from_secs(30), || {
        found = std::fs::read_to_string(file).ok().and_then(|text| read(&text));
        found.is_some()
    });
    assert!(in_time, "nothing in {}", file.display());
    found.expect("found above")
}

/// A program that opens addresses: it writes them down.
fn with_opener(workspace: Workspace) -> Workspace {
    let (opener, heard) = (workspace.beside("opener"), workspace.beside("opened"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\n", heard.display());
    std::fs::write(&opener, script).expect("a script");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let opener = opener.to_string_lossy().into_owned();
    workspace.variable("BROWSER", &opener)
}

/// No token stands in an output or in a file, but in the one that is for it.
#[track_caller]
fn check_secret(workspace: &Workspace, outputs: &[&Output]) {
    // Of the base64 of a text that holds the canary one of these three is a part.
    let shifted = |n: usize| STANDARD.encode(format!("{}{CANARY}", "x".repeat(n)));
    let inner = |n| shifted(n)[4..20].to_owned();
    let forms = [CANARY.to_owned(), inner(0), inner(1), inner(2)];
    let holds = |text: &str| forms.iter().any(|form| text.contains(form.as_str()));
    for output in outputs {
        assert!(!holds(&output.everything()), "told: {output:#?}");
    }
    let all = workspace.beside(".");
    for file in files_under(&all) {
        let is_vault = file.contains("state/vault/");
        let bytes = std::fs::read(all.join(&file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!holds(&text) || is_vault, "told in {file}");
        #[cfg(unix)]
        if is_vault {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(all.join(&file)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file} is open to others: {mode:o}");
        }
    }
}

#[track_caller]
fn check_all_have_it(relay: &Relay, provider: &Provider, people: usize) {
    proof::everybody_has_one(relay, people);
    assert!(relay.messages().iter().all(|m| m.signed_in.as_deref() == Some(NAME) && m.protected));
    assert_eq!(relay.violations(), [""; 0]);
    assert_eq!(provider.violations(), [""; 0]);
}

#[test]
fn a_command_prints_the_token() {
    let authority = Authority::new();
    for (mechanisms, is_long) in [
        ("XOAUTH2", false),
        ("PLAIN OAUTHBEARER XOAUTH2", false),
        ("XOAUTH2", true),
        ("OAUTHBEARER", true),
    ] {
        let provider = Provider::start();
        let provider = if is_long { provider.long_tokens() } else { provider };
        let relay = Relay::with(script(&authority, &provider).mechanisms(mechanisms));
        let workspace = workspace(&authority, &relay, 3)
            .relay_lines("sign_in = \"command\"\ntoken_command = [\"sh\", \"-c\", \"echo $TOKEN\"]")
            .variable("TOKEN", &provider.token());
        let output = send(&workspace);
        assert_eq!(output.code, Some(0), "{mechanisms}: {output:#?}");
        check_all_have_it(&relay, &provider, 3);
        let auth: Vec<_> = relay.commands();
        let auth = auth.iter().find(|c| c.line.starts_with("AUTH")).expect("AUTH").line.clone();
        let wanted = if mechanisms.contains("OAUTHBEARER") { "OAUTHBEARER" } else { "XOAUTH2" };
        assert_eq!(auth.split(' ').nth(1), Some(wanted));
        // A long one does not fit into a command line (RFC 4954 4).
        assert_eq!(auth.split(' ').count(), if is_long { 2 } else { 3 });
        check_secret(&workspace, &[&output]);
    }
}

/// The command is asked twice, and the mail server is: never more, whatever it prints.
#[test]
fn a_refused_token_is_tried_once_more_and_never_a_third_time() {
    let authority = Authority::new();
    for (script_text, tries) in [
        (format!("echo {CANARY}-same"), 1),
        (format!("date +{CANARY}-%N >> ../asked; tail -n1 ../asked"), 2),
    ] {
        let provider = Provider::start();
        let relay = relay(&authority, &provider);
        let workspace = workspace(&authority, &relay, 3).relay_lines(&format!(
            "sign_in = \"command\"\ntoken_command = [\"sh\", \"-c\", {script_text:?}]"
        ));
        let output = send(&workspace);
        assert_eq!(output.code, Some(3), "{output:#?}");
        let asked = relay.commands().iter().filter(|c| c.line.starts_with("AUTH")).count();
        assert_eq!(asked, tries, "{script_text}");
        assert!(output.stderr.contains("also after it was renewed: 535 5.7.8"), "{output:#?}");
        assert_eq!(proof::counts(&workspace)["planned"], 3);
        assert_eq!(relay.violations(), [""; 0]);
        drop(std::fs::remove_file(workspace.beside("asked")));
        // The command line in the configuration is the test's own.
        assert!(!output.everything().contains(CANARY), "{output:#?}");
    }
}

#[test]
fn a_command_that_fails_is_said_before_anything_is_asked() {
    let authority = Authority::new();
    let provider = Provider::start();
    let relay = relay(&authority, &provider);
    let workspace = workspace(&authority, &relay, 3)
        .relay_lines("sign_in = \"command\"\ntoken_command = [\"sh\", \"-c\", \"exit 7\"]");
    let output = send(&workspace);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("the token command sh failed: exit status: 7"), "{output:#?}");
    assert_eq!(relay.sessions(), 0);
}

#[cfg(unix)]
#[test]
fn somebody_signs_in_with_a_browser_and_letters_go() {
    let authority = Authority::new();
    let provider = Provider::start();
    let relay = relay(&authority, &provider);
    let workspace = with_opener(signing_in(&authority, &relay, 3, &provider, "browser"));
    let before = send(&workspace);
    assert_eq!(before.code, Some(3), "{before:#?}");
    assert!(before.stderr.contains("nobody has signed in as"), "{before:#?}");
    assert!(before.stderr.contains("secretariat sign-in"), "{before:#?}");
    assert_eq!(relay.sessions(), 0);
    let signed_in = sign_in_with_browser(&workspace);
    assert_eq!(signed_in.code, Some(0), "{signed_in:#?}");
    assert!(signed_in.stdout.starts_with(&format!("Signed in as {NAME}. ")), "{signed_in:#?}");
    assert!(signed_in.stdout.contains("in a file, which only you may read"), "said aloud");
    let output = send(&workspace);
    assert_eq!(output.code, Some(0), "{output:#?}");
    check_all_have_it(&relay, &provider, 3);
    check_secret(&workspace, &[&before, &signed_in, &output]);
}

/// As on a computer where no browser can be opened: the address is on the screen, and a page of
/// somebody else that knocks first changes nothing.
#[cfg(unix)]
#[test]
fn the_address_is_shown_and_only_its_own_answer_is_taken() {
    let authority = Authority::new();
    let provider = Provider::start();
    let relay = relay(&authority, &provider);
    let workspace = with_opener(signing_in(&authority, &relay, 1, &provider, "browser"));
    let screen = workspace.beside("screen");
    let aside = format!("exec \"$0\" \"$@\" 2> {}", screen.display());
    let running = workspace.spawn_under(&["sh", "-c", &aside], &["sign-in", "--no-browser"]);
    let shown =
        |text: &str| text.lines().find(|line| line.starts_with("http://")).map(str::to_owned);
    let url = eventually_read(&screen, |text| text.contains("\n\n").then(|| shown(text))).unwrap();
    let port = url.split("localhost%3A").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    // A browser that connects ahead and says nothing keeps nobody waiting for long.
    let _silent =
        std::net::TcpStream::connect(format!("127.0.0.1:{port}")).expect("somebody there");
    for knock in ["?code=stolen&state=guessed", "favicon.ico", "?code=stolen"] {
        let page = follow(&format!("http://127.0.0.1:{port}/{knock}"));
        assert!(page.starts_with("HTTP/1.1 404"), "{knock}: {page}");
    }
    let output = ends_with_page(running, &url);
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(!workspace.beside("opened").exists(), "--no-browser opens none");
    assert_eq!(send(&workspace).code, Some(0));
    check_all_have_it(&relay, &provider, 1);
    check_secret(&workspace, &[&output]);
}

#[cfg(unix)]
#[test]
fn whoever_declines_is_not_signed_in() {
    let authority = Authority::new();
    let provider = Provider::start().declined("access_denied");
    let relay = relay(&authority, &provider);
    let workspace = with_opener(signing_in(&authority, &relay, 1, &provider, "browser"));
    let output = sign_in_with_browser(&workspace);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("the permission was declined"), "{output:#?}");
    assert_eq!(send(&workspace).code, Some(3));
}

#[test]
fn somebody_signs_in_with_a_code_and_out_again() {
    let authority = Authority::new();
    let provider = Provider::start().before_typed(&["authorization_pending"]);
    let relay = relay(&authority, &provider);
    let workspace = signing_in(&authority, &relay, 3, &provider, "device-code");
    let (code, json) = workspace.run_json(&["sign-in"]);
    assert_eq!((code, &json["kept"]), (Some(0), &"file".into()), "{json:#}");
    let again = workspace.run(&["sign-in"]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    let told = "On any device open https://device.example/login and type the code\n\n    WXYZ-7";
    assert!(again.stderr.contains(told), "{again:#?}");
    let output = send(&workspace);
    assert_eq!(output.code, Some(0), "{output:#?}");
    check_all_have_it(&relay, &provider, 3);
    check_secret(&workspace, &[&again, &output]);
    let (code, json) = workspace.run_json(&["sign-out"]);
    assert_eq!((code, &json["signed_out"]), (Some(0), &true.into()), "{json:#}");
    assert_eq!(files_under(&workspace.beside("state/vault")), ["lock"]);
    let (_, json) = workspace.run_json(&["sign-out"]);
    assert_eq!(json["signed_out"], false);
}

#[test]
fn a_code_that_is_refused_says_what_to_ask_it_for() {
    let authority = Authority::new();
    let provider = Provider::start().before_typed(&["unauthorized_client"]);
    let relay = relay(&authority, &provider);
    let workspace = signing_in(&authority, &relay, 1, &provider, "device-code");
    let output = workspace.run(&["sign-in"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("not registered for this way of signing in"), "{output:#?}");
    assert!(output.stderr.contains("Show these words to your IT department"), "{output:#?}");
}

/// A relay whose provider's tokens end once it has taken so many letters: it asks whoever comes with
/// the next one to sign in again, and refuses the old token.
fn expiring(authority: &Authority, provider: &Provider, after: usize, hangs_up: bool) -> Relay {
    let (ends, has_ended) = (provider.clone(), Arc::new(AtomicBool::new(false)));
    let spent = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    let choose = move |moment: &crate::support::relay::script::Moment<'_>| {
        if moment.at != At::Mail || moment.transaction <= after {
            if moment.at == At::Mail {
                spent.lock().expect("whole").insert(moment.session);
            }
            return None;
        }
        if !has_ended.swap(true, Ordering::SeqCst) {
            ends.expire();
        }
        let was_open = spent.lock().expect("whole").remove(&moment.session);
        let answer = "530 5.7.57 Client not authenticated to send mail";
        was_open.then(|| match hangs_up {
            true => Action::reply_and_close("421 4.7.66 token expired"),
            false => Action::reply(answer),
        })
    };
    Relay::with(script(authority, provider).choosing(choose))
}

#[test]
fn a_token_that_expires_in_the_middle_is_renewed_and_the_run_goes_on() {
    let authority = Authority::new();
    let (people, after) = (count(65, 650), count(20, 200));
    for (connections, hangs_up) in [(1, false), (1, true), (4, false)] {
        let provider = Provider::start().rotating();
        let relay = expiring(&authority, &provider, after, hangs_up);
        let workspace = signing_in(&authority, &relay, people, &provider, "device-code")
            .relay_lines(&format!("connections = {connections}"));
        let signed_in = workspace.run(&["sign-in"]);
        assert_eq!(signed_in.code, Some(0), "{signed_in:#?}");
        let output = send(&workspace);
        assert_eq!(output.code, Some(0), "{output:#?}");
        check_all_have_it(&relay, &provider, people);
        assert_eq!(provider.renewals(), 2, "one at the start, one for all connections");
        check_secret(&workspace, &[&signed_in, &output]);
        assert_eq!(proof::counts(&workspace)["accepted"], people as u64);
    }
}

/// What was rotated is kept: the next run renews with it.
#[test]
fn a_token_that_is_short_lived_is_renewed_before_it_is_used() {
    let authority = Authority::new();
    let provider = Provider::start().rotating().lasting(200);
    let relay = relay(&authority, &provider);
    let workspace = signing_in(&authority, &relay, 3, &provider, "device-code");
    assert_eq!(workspace.run(&["sign-in"]).code, Some(0));
    for _ in 0..2 {
        let plan = workspace.fingerprint();
        let output = workspace.run(&["send", "--plan", &plan, "--no-wait", "--first", "1"]);
        assert_eq!(output.code, Some(4), "{output:#?}");
    }
    assert_eq!(relay.count(), 2);
    assert_eq!(provider.violations(), [""; 0]);
    assert!(provider.renewals() >= 2);
}

#[test]
fn a_refused_renewal_halts_the_run_and_the_same_send_goes_on_after_sign_in() {
    let authority = Authority::new();
    let provider = Provider::start();
    let (people, after) = (count(65, 650), count(20, 200));
    let relay = expiring(&authority, &provider, after, false);
    let workspace = signing_in(&authority, &relay, people, &provider, "device-code");
    assert_eq!(workspace.run(&["sign-in"]).code, Some(0));
    let withdrawn = r#"{"error":"invalid_grant","error_description":
        "AADSTS50173: The provided grant {refresh} has expired due to it being revoked."}"#;
    let one_line = withdrawn.replace('\n', "");
    // The renewal at the start is let in, the next one is not.
    provider.refuse_renewals(Some((1, 400, &one_line)));
    let halted = send(&workspace);
    assert_eq!(halted.code, Some(4), "{halted:#?}");
    let words = "the sign-in is over: Microsoft gives no token: the sign-in was withdrawn";
    assert!(halted.stderr.contains(words), "{halted:#?}");
    assert!(halted.stderr.contains("Run secretariat sign-in, then send again"), "{halted:#?}");
    let counts = proof::counts(&workspace);
    assert_eq!(counts["accepted"], after as u64, "{counts:?}");
    // One whose bytes were on their way together with MAIL is due again at once.
    let open = counts["planned"] + counts["deferred"];
    assert_eq!(open, (people - after) as u64, "the others are untouched: {counts:?}");
    // Before anybody is asked anything.
    let early = send(&workspace);
    assert_eq!(early.code, Some(3), "{early:#?}");
    assert!(early.stderr.contains(words), "{early:#?}");
    provider.refuse_renewals(None);
    let again = workspace.run(&["sign-in"]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    let output = send(&workspace);
    assert_eq!(output.code, Some(0), "{output:#?}");
    check_all_have_it(&relay, &provider, people);
    check_secret(&workspace, &[&halted, &early, &again, &output]);
}

/// No network to the sign-in service is like no network to the mail server: the same command later.
#[test]
fn a_sign_in_service_out_of_reach_changes_nothing() {
    let authority = Authority::new();
    let provider = Provider::start();
    let relay = relay(&authority, &provider);
    let workspace = signing_in(&authority, &relay, 3, &provider, "device-code");
    assert_eq!(workspace.run(&["sign-in"]).code, Some(0));
    provider.refuse_renewals(Some((0, 503, "<html>busy {refresh}</html>")));
    let output = send(&workspace);
    assert_eq!(output.code, Some(4), "{output:#?}");
    assert!(output.stderr.contains("it cannot answer now"), "{output:#?}");
    assert_eq!(proof::counts(&workspace)["planned"], 3);
    provider.refuse_renewals(None);
    let again = send(&workspace);
    assert_eq!(again.code, Some(0), "{again:#?}");
    check_all_have_it(&relay, &provider, 3);
    check_secret(&workspace, &[&output, &again]);
}

/// Security S4 in full with a token: STARTTLS hidden, refused, followed by injected answers; a
/// certificate for another name, an expired one, one of a stranger.
#[test]
fn a_relay_in_the_middle_gets_no_token() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let good = || authority.server(&["localhost"], Validity::Current);
    let start_tls = |server| Script::new().protection(Protection::StartTls(server));
    let at = |script: Script, action| script.at(At::StartTls, Who::Anyone, action);
    let slipped = b"220 2.0.0 Ready\r\n250-relay.example\r\n250 AUTH XOAUTH2\r\n".to_vec();
    let elsewhere = authority.server(&["mail.elsewhere.example"], Validity::Current);
    for (what, script) in [
        ("hidden", Script::new()),
        ("injected", at(start_tls(good()), Action::Reply(slipped))),
        ("refused", at(start_tls(good()), Action::reply_and_close("454 4.7.0 not now"))),
        ("unknown", at(start_tls(good()), Action::reply("500 5.5.1 what"))),
        ("name", start_tls(elsewhere.clone())),
        ("expired", start_tls(authority.server(&["localhost"], Validity::Expired))),
        ("stranger", start_tls(stranger.server(&["localhost"], Validity::Current))),
        ("name at once", Script::new().protection(Protection::Implicit(elsewhere.clone()))),
    ] {
        let provider = Provider::start();
        let relay = Relay::with(script.tokens(NAME, provider.is_good()));
        let url = match what {
            "hidden" => format!("smtp+starttls://localhost:{}", relay.port()),
            _ => relay.url(),
        };
        let workspace = signing_in(&authority, &relay, 3, &provider, "device-code").relay_url(&url);
        assert_eq!(workspace.run(&["sign-in"]).code, Some(0), "{what}");
        let output = send(&workspace);
        assert!(matches!(output.code, Some(3 | 4)), "{what}: {output:#?}");
        assert_eq!(relay.count(), 0, "{what}");
        for command in relay.commands() {
            let verb = command.line.split(' ').next().unwrap_or_default().to_owned();
            assert!(["EHLO", "STARTTLS", "QUIT"].contains(&verb.as_str()), "{what}: {command:?}");
        }
        check_secret(&workspace, &[&output]);
    }
}

/// Security S16: a configuration that names another mail server gets nothing of what is kept.
#[test]
fn a_sign_in_is_for_the_mail_server_it_was_made_for() {
    let authority = Authority::new();
    let provider = Provider::start();
    let (meant, other) = (relay(&authority, &provider), relay(&authority, &provider));
    let workspace = signing_in(&authority, &meant, 1, &provider, "device-code");
    assert_eq!(workspace.run(&["sign-in"]).code, Some(0));
    let workspace = workspace.relay(&other);
    let output = send(&workspace);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("nobody has signed in as"), "{output:#?}");
    assert_eq!((other.sessions(), provider.renewals()), (0, 0));
}

/// A program that runs in a session with a keyring, as on a Linux desktop.
#[cfg(target_os = "linux")]
const WITH_KEYRING: &str = "printf x | gnome-keyring-daemon --unlock --components=secrets \
                            > /dev/null 2>&1; exec \"$0\" \"$@\"";

/// Nothing of it lies in a file then; what was rotated in the middle of a run lies there too.
#[cfg(target_os = "linux")]
#[test]
fn a_sign_in_is_kept_in_the_keyring_of_the_computer() {
    let has = |program: &str| {
        std::process::Command::new("which").arg(program).output().is_ok_and(|o| o.status.success())
    };
    if !has("dbus-run-session") || !has("gnome-keyring-daemon") {
        return skip("the keyring of a desktop", "gnome-keyring is not installed");
    }
    let authority = Authority::new();
    let provider = Provider::start().rotating().long_tokens();
    let relay = relay(&authority, &provider);
    let workspace = signing_in(&authority, &relay, 2, &provider, "device-code")
        .variable("SECRETARIAT_VAULT", "");
    let session = ["dbus-run-session", "--", "sh", "-c", WITH_KEYRING];
    let run = |arguments: &[&str]| workspace.run_under(&session, arguments);
    let signed_in = run(&["sign-in"]);
    assert!(signed_in.stdout.contains("in the keyring of this computer"), "{signed_in:#?}");
    let plan = workspace.fingerprint();
    for code in [4, 0] {
        let output = run(&["send", "--plan", &plan, "--no-wait", "--first", "1"]);
        assert_eq!(output.code, Some(code), "{output:#?}");
        check_secret(&workspace, &[&signed_in, &output]);
    }
    assert_eq!(files_under(&workspace.beside("state/vault")), ["lock"]);
    check_all_have_it(&relay, &provider, 2);
    assert!(run(&["sign-out"]).stdout.starts_with("Signed out"));
    assert_eq!(run(&["send", "--plan", &plan]).code, Some(3), "nobody is signed in");
}

#[cfg(unix)]
#[test]
fn a_password_is_kept_by_sign_in_and_forgotten_by_sign_out() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], Validity::Current);
    let script = Script::new().protection(Protection::Implicit(server));
    let relay = Relay::with(script.sign_in(NAME, CANARY));
    let workspace = workspace(&authority, &relay, 2).relay_lines("password = { keyring = true }");
    let before = send(&workspace);
    assert_eq!(before.code, Some(3), "{before:#?}");
    assert!(before.stderr.contains("no password is kept for"), "{before:#?}");
    let typed = format!("printf '{CANARY}\\n' | \"$0\" \"$@\"");
    let signed_in = workspace.run_under(&["sh", "-c", &typed], &["sign-in"]);
    assert_eq!(signed_in.code, Some(0), "{signed_in:#?}");
    let output = send(&workspace);
    assert_eq!(output.code, Some(0), "{output:#?}");
    proof::everybody_has_one(&relay, 2);
    check_secret(&workspace, &[&signed_in, &output]);
    let out = workspace.run(&["sign-out"]);
    assert!(out.stdout.starts_with("Signed out"), "{out:#?}");
    assert_eq!(send(&workspace).code, Some(3));
}

/// Security S16: what everybody on the computer can read of a running program.
#[cfg(target_os = "linux")]
#[test]
fn the_list_of_programs_shows_no_token() {
    let authority = Authority::new();
    let provider = Provider::start();
    let relay = Relay::with(script(&authority, &provider).delay(Duration::from_millis(60)));
    let workspace = signing_in(&authority, &relay, 10, &provider, "device-code");
    assert_eq!(workspace.run(&["sign-in"]).code, Some(0));
    let plan = workspace.fingerprint();
    let mut running = workspace.spawn(&["send", "--plan", &plan, "--no-wait"]);
    let line = format!("/proc/{}/cmdline", running.id());
    let mut looks = 0;
    while !running.has_ended() {
        let shown = std::fs::read(&line).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&shown).contains(CANARY));
        looks += usize::from(!shown.is_empty());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(looks > 3, "it was looked at while it ran");
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn a_way_to_sign_in_without_its_keys_is_a_problem_of_the_configuration() {
    let workspace = Workspace::with_people(1)
        .relay_url("smtp+starttls://smtp.office365.com")
        .relay_lines(&format!("user = \"{NAME}\"\nsign_in = \"browser\""));
    for command in [&["check"][..], &["sign-in"]] {
        let output = workspace.run(command);
        assert_eq!(output.code, Some(3), "{output:#?}");
        assert!(output.everything().contains("relay.client_id is missing"), "{output:#?}");
        assert!(output.everything().contains("Your IT department registers"), "{output:#?}");
    }
}

/// Security S4: on this computer too. It had ended as a mistake of the program's own.
#[test]
fn nobody_signs_in_to_a_server_without_tls() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(1)
        .relay(&relay)
        .relay_lines("user = \"ana\"")
        .variable("SECRETARIAT_RELAY_PASSWORD", CANARY);
    let plan = workspace.fingerprint();
    let output = workspace.run(&["send", "--plan", &plan]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("has no TLS, and nobody signs in without"), "{output:#?}");
    assert_eq!(relay.count(), 0);
}
