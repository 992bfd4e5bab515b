//! The page for IT and the keys: what `doctor --note-for-it` and `doctor --make-dkim-key` write, and
//! what they never do.
//!
//! Security S8 (values stay text) and S16 (a key is in its file and nowhere else).

use crate::support::dkim::dkimpy;
use crate::support::name_server::NameServer;
use crate::support::workspace::Workspace;
use secretariat::doctor::note::NoteLanguage;
use secretariat::message::dkim::{Key, KeyRecord, Signer};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Nobody answers there.
const NOBODY: &str = "127.0.0.1:9";

const MICROSOFT: &str = "smtp+starttls://smtp.office365.com:587";

/// A name server that knows these TXT records and nothing else.
fn name_server(records: &[(&str, &str)]) -> NameServer {
    let lines = records.iter().map(|(name, text)| format!("{name} TXT {text}\n"));
    NameServer::start(&lines.collect::<String>())
}

fn note(workspace: &Workspace, more: &[&str]) -> String {
    let output = workspace.run(&[&["doctor", "--note-for-it"], more].concat());
    assert_eq!(output.code, Some(0), "{output:#?}");
    output.stdout
}

fn office() -> Workspace {
    Workspace::with_copies(6).relay_url(MICROSOFT).relay_lines(
        "user = \"office@forum.example\"\nsign_in = \"browser\"\ntenant = \"forum.example\"\n\
         client_id = \"0b3c\"\nrate = \"30/min\"\ndaily_limit = 4",
    )
}

#[test]
fn the_page_is_of_this_mailing_and_this_mail_server() {
    let names = name_server(&[
        ("forum.example", "v=spf1 include:spf.protection.outlook.com -all"),
        ("spf.protection.outlook.com", "v=spf1 ip4:192.0.2.0/24 -all"),
        ("_dmarc.forum.example", "v=DMARC1; p=none; x=_a_"),
    ]);
    let page = note(&office(), &["--name-server", &names.at()]);
    for held in [
        "letters of Forum of Towns",
        "Written on 2026-11-05 ",
        // Six letters, three copies to assistants and two to an office.
        "| Letters | 11: one to each person",
        "| Pace | 30/min, at most 4/24 h; connections at once: ",
        "; in all 3 days |",
        "| Author (`From:`) | secretariat@forum.example |",
        "| Answers go to | answers@forum.example |",
        "| Bounces go to | office@forum.example |",
        "`Set-CASMailbox -Identity office@forum.example -SmtpClientAuthenticationDisabled $false`",
        "-Identity secretariat@forum.example -Trustee office@forum.example -AccessRights SendAs`",
        "`0b3c`",
        "smtp.office365.com:587, login.microsoftonline.com:443",
        "| SPF `forum.example` | `v=spf1 include:spf.protection.outlook.com -all` | ok |",
        "| DKIM `selector1._domainkey.forum.example, selector2._domainkey.forum.example` | nothing | switched on",
        "| DMARC `_dmarc.forum.example` | `v=DMARC1; p=none; x=_a_` | ok |",
    ] {
        assert!(page.contains(held), "{held}\nis not in\n{page}");
    }
}

/// Nobody need have lists, letters or a network to ask IT.
#[test]
fn the_page_is_there_before_the_lists_and_without_a_network() {
    let workspace = Workspace::new().relay_url("smtps://mail.forum.example");
    let output = workspace.run(&["doctor", "--note-for-it", "--name-server", NOBODY]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(output.stderr.contains("[note-without-plan]"), "{output:#?}");
    for held in [
        "| Letters | number not known yet: ",
        "Not looked at: the name service could not be asked",
        "`openssl s_client -connect mail.forum.example:465 -verify_hostname mail.forum.example`",
        "please say whether your server signs for the domain of secretariat@forum.example",
    ] {
        assert!(output.stdout.contains(held), "{held}\nis not in\n{}", output.stdout);
    }
    assert!(!output.stdout.contains("Microsoft") && !output.stdout.contains("keyring"));
}

/// The registration's id is what the page asks for: without it the page is needed most.
#[test]
fn the_page_is_there_before_the_registration() {
    let lines = "user = \"office@forum.example\"\nsign_in = \"device-code\"";
    let workspace = Workspace::with_people(3).relay_url(MICROSOFT).relay_lines(lines);
    let page = note(&workspace, &["--name-server", &name_server(&[]).at()]);
    assert!(page.contains("`Set-CASMailbox -Identity office@forum.example -Smtp"), "{page}");
    assert!(page.contains("*device code flow*") && !page.contains("The officer has"), "{page}");
    let output = workspace.run(&["sign-in"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("relay.client_id is missing"), "{output:#?}");
    assert!(output.stderr.contains("doctor --note-for-it"), "{output:#?}");
}

#[test]
fn the_language_is_the_one_asked_for_or_the_workspaces() {
    let in_french = "[languages]\ndefault = \"fr-CA\"";
    let in_german = "[languages]\ndefault = \"de\"";
    for (config, more, title) in [
        ("", vec![], "# For the IT department"),
        (in_french, vec![], "# Pour le service informatique"),
        (in_german, vec![], "# For the IT department"),
        (in_french, vec!["--language", "es"], "# Para el departamento de informática"),
    ] {
        let workspace = office().config(config);
        let page = note(
            &workspace,
            &[&["--name-server", &name_server(&[]).at()], more.as_slice()].concat(),
        );
        assert!(page.starts_with(title), "{config} {more:?}\n{page}");
    }
    let output = office().run(&["doctor", "--note-for-it", "--language", "de"]);
    assert_eq!(output.code, Some(2), "{output:#?}");
}

/// Security S8: a name of a conference and a record of a zone stay text, in both forms.
#[test]
fn what_lists_and_zones_hold_stays_text() {
    let spf = "v=spf1 ~all <script>alert(1)</script> | `x` \u{1b}[2J";
    let names = name_server(&[("forum.example", spf)]);
    let mut workspace = office();
    workspace.write_config();
    let config = fs::read_to_string(workspace.path().join("secretariat.toml")).expect("written");
    let odd = "F <img src=x> | *a* [b](c) `d` &amp; _e_";
    workspace = workspace.whole_config(&config.replace("Forum of Towns", odd));
    for language in NoteLanguage::ALL {
        let out = workspace.beside(&format!("{}.html", language.code()));
        let (to, code) = (out.to_string_lossy(), language.code());
        note(&workspace, &["--name-server", &names.at(), "--out", &to, "--language", code]);
        let page = fs::read_to_string(&out).expect("a page");
        assert!(page.contains("F &lt;img src=x&gt; | *a* [b](c) `d` &amp;amp; _e_</h1>"), "{page}");
        assert!(!page.contains("<img") && !page.contains("<script") && !page.contains('\u{1b}'));
        assert!(page.contains("alert(1)&lt;/script&gt; | x [2J</code></td>"), "{page}");
        let rows = page.matches("<tr>").count();
        assert_eq!(rows, page.matches("</tr>").count());
        assert!(!note(&workspace, &["--name-server", &names.at()]).contains('\u{1b}'));
    }
}

#[test]
fn an_older_page_is_replaced_and_nothing_else() {
    let (workspace, empty) = (office(), name_server(&[]));
    for name in ["note.html", "note.md"] {
        let out = workspace.beside(name);
        let run = || {
            let to = out.to_string_lossy();
            workspace.run(&["doctor", "--note-for-it", "--name-server", &empty.at(), "--out", &to])
        };
        let output = run();
        assert!(output.stdout.contains("is in ") && output.stdout.contains(name), "{output:#?}");
        assert_eq!((run().code, fs::read(&out).is_ok()), (Some(0), true));
        fs::write(&out, "mine").expect("written");
        let output = run();
        assert_eq!(output.code, Some(3), "{output:#?}");
        assert!(output.stderr.contains("[already-there]"), "{output:#?}");
        assert_eq!(fs::read_to_string(&out).expect("there"), "mine");
    }
    let before = workspace.inventory();
    let output = workspace.run(&[
        "doctor",
        "--note-for-it",
        "--name-server",
        &empty.at(),
        "--out",
        "templates/note.md",
    ]);
    assert!(output.stderr.contains("[out-among-inputs]"), "{output:#?}");
    assert_eq!(workspace.inventory(), before);
}

fn make(workspace: &Workspace, more: &[&str]) -> (Option<i32>, Value) {
    workspace.run_json(&[&["doctor", "--make-dkim-key", "--out", "../key.pem"], more].concat())
}

/// Security S16: the key is for its owner only, and in no output.
#[test]
fn a_made_key_signs_and_its_record_is_what_verifiers_want() {
    for (kind, selector) in [("rsa", "secretariat2026"), ("ed25519", "secretariat2026e")] {
        let mut workspace = Workspace::with_people(2);
        let (code, json) = make(&workspace, &["--kind", kind]);
        assert_eq!(code, Some(0), "{json:#}");
        let made = &json["dkim_key"];
        let file = workspace.beside("key.pem");
        let mode = fs::metadata(&file).expect("a key").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let pem = fs::read_to_string(&file).expect("a key");
        let secret = pem.lines().nth(1).expect("a second line");
        assert!(!json.to_string().contains(secret), "the key is in the answer");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let record = KeyRecord {
            name: text(&made["record"]["name"]),
            value: text(&made["record"]["value"]),
        };
        let key = Key::from_pem(pem.as_bytes()).expect("a key");
        let domain = "forum.example".to_owned();
        let signer = Signer { domain, selector: selector.to_owned(), key };
        assert_eq!(signer.record(), record);
        assert_eq!(made["record"]["zone_line"], record.to_string());
        let strings = made["record"]["strings"].as_array().expect("strings");
        assert!(strings.iter().all(|s| s.as_str().is_some_and(|s| s.len() <= 255)));
        assert_eq!(strings.iter().map(text).collect::<String>(), record.value);
        // The lines for secretariat.toml, as they are.
        workspace.set_config(&text(&made["config"]));
        let folder = workspace.dry_run_out("letters");
        let messages: Vec<_> = fs::read_dir(folder)
            .expect("letters")
            .map(|f| fs::read(f.expect("a file").path()).expect("read"))
            .collect();
        assert_eq!(messages.len(), 2);
        if let Some(verdicts) = dkimpy(&messages, std::slice::from_ref(&record)) {
            assert!(
                verdicts.iter().all(|v| v.iter().all(|ok| *ok) && !v.is_empty()),
                "{verdicts:?}"
            );
        }
        // And IT's page finds it where it was published as it stood there.
        let names = name_server(&[(&record.name, &record.value)]);
        let page = note(&workspace, &["--name-server", &names.at()]);
        let row = format!("| DKIM `{}` | `{}` | ok |", record.name, record.value);
        assert!(page.contains(&row), "{row}\nis not in\n{page}");
        let names = name_server(&[("forum.example", "v=spf1 -all")]);
        let page = note(&workspace, &["--name-server", &names.at()]);
        assert!(page.contains(&format!("| nothing | `{}` |", record.value)), "{page}");
    }
}

#[test]
fn a_key_is_never_written_over() {
    let workspace = Workspace::with_people(1);
    assert_eq!(make(&workspace, &["--selector", "autumn"]).0, Some(0));
    let before = fs::read(workspace.beside("key.pem")).expect("a key");
    let (code, json) = make(&workspace, &[]);
    assert_eq!(
        (code, &json["problems"][0]["code"]),
        (Some(3), &"already-there".into()),
        "{json:#}"
    );
    assert_eq!(fs::read(workspace.beside("key.pem")).expect("a key"), before);
    for (more, problem) in [
        (["--selector", "a_b"], "bad-selector"),
        (["--out", "attachments/key.pem"], "out-among-inputs"),
        (["--out", "nowhere/key.pem"], "cannot-write"),
    ] {
        let out: &[&str] = if more[0] == "--out" { &[] } else { &["--out", "../other.pem"] };
        let arguments = [&["doctor", "--make-dkim-key"], out, more.as_slice()].concat();
        let (code, json) = workspace.run_json(&arguments);
        assert_eq!((code, &json["problems"][0]["code"]), (Some(3), &problem.into()), "{json:#}");
    }
    assert!(!workspace.beside("other.pem").exists());
}

#[test]
fn each_key_has_a_selector_of_its_own() {
    let workspace = Workspace::with_people(1);
    let (_, json) = make(&workspace, &[]);
    let table = json["dkim_key"]["config"].as_str().expect("lines").to_owned();
    let workspace = workspace.config(&table);
    let out = ["--out", "../second.pem"];
    let second = |more: &[&str]| {
        workspace.run_json(&[&["doctor", "--make-dkim-key"], out.as_slice(), more].concat())
    };
    let (code, json) = second(&[]);
    assert_eq!((code, &json["problems"][0]["code"]), (Some(3), &"selector-taken".into()));
    let (code, json) = second(&["--kind", "ed25519"]);
    assert_eq!(code, Some(0), "{json:#}");
    let more = json["dkim_key"]["config"].as_str().expect("lines");
    assert!(more.starts_with("[[dkim]]"), "{more}");
}

/// A page that Word would call damaged helps nobody.
#[test]
fn a_page_with_another_ending_is_refused() {
    let workspace = Workspace::with_people(1);
    let note = ["doctor", "--note-for-it", "--name-server", NOBODY, "--out", "../for-it.docx"];
    let (code, json) = workspace.run_json(&note);
    let told = json["problems"].to_string();
    assert!(code == Some(3) && told.contains("the page is HTML or Markdown"), "{told}");
    assert!(!workspace.beside("for-it.docx").exists());
}
