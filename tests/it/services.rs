//! Microsoft 365 and Google: what `service` fills in, and that each of their known answers is told in
//! terms of the account and the author wherever somebody reads it.

use crate::support::certificates::{Authority, Validity};
use crate::support::provider::{CLIENT_ID, Provider};
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Protection, Script, Who};
use crate::support::workspace::{Workspace, pdf, person};
use secretariat::services::{Fact, Service, known_answer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const ACCOUNT: &str = "secretariat@forum.example";
const PASSWORD: &str = "canary";
const MICROSOFT: Service = Service::Microsoft365;
const GOOGLE: Service = Service::Google;

/// Answers as they come, each where it comes.
const ANSWERS: &[(Service, At, &str)] = &[
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
         Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. \
         [AM0PR10CA0001.EURPRD10.PROD.OUTLOOK.COM]",
    ),
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
         Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
    ),
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security \
         defaults policy. Contact your administrator.",
    ),
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, account locked. Contact your administrator.",
    ),
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be \
         authenticated successfully. Contact your administrator.",
    ),
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
    ),
    (
        MICROSOFT,
        At::SignIn,
        "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
    ),
    (MICROSOFT, At::SignIn, "535 5.7.3 Authentication unsuccessful"),
    (
        MICROSOFT,
        At::SignIn,
        "550 5.7.30 Basic authentication is not supported for Client Submission.",
    ),
    (
        MICROSOFT,
        At::Mail,
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "554 5.2.252 SendAsDenied; secretariat@forum.example not allowed to send as \
         outreach@forum.example; STOREDRV.Submission.Exception:SendAsDeniedException",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.2.252 Sender throttled due to continuous send as denied errors.",
    ),
    (MICROSOFT, At::EndOfMessage, "550 5.2.252 SendAsDenied; not allowed to send as it"),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    ),
    (MICROSOFT, At::Mail, "550 5.7.1 Client does not have permissions to send as this sender"),
    (
        MICROSOFT,
        At::EndOfMessage,
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message \
         recipients",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily \
         limit for sending email to external recipients",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for \
         sending email to external recipients",
    ),
    (MICROSOFT, At::EndOfMessage, "550 5.7.236 Your tenant exceeded its onmicrosoft.com limit"),
    (
        MICROSOFT,
        At::EndOfMessage,
        "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.2.251 Sender throttled due to continuous mailbox full errors.",
    ),
    (
        MICROSOFT,
        At::EndOfMessage,
        "550 5.2.253 Sender throttled due to continuous invalid license errors.",
    ),
    (MICROSOFT, At::Mail, "552 5.3.4 Message size exceeds fixed maximum message size"),
    (MICROSOFT, At::EndOfMessage, "550 5.1.8 Access denied, bad outbound sender AS(42004)"),
    (MICROSOFT, At::EndOfMessage, "550 5.7.705 Access denied, tenant has exceeded threshold"),
    (MICROSOFT, At::EndOfMessage, "550 5.7.708 Access denied, traffic not accepted from this IP"),
    (GOOGLE, At::SignIn, "534 5.7.9 Application-specific password required. - gsmtp"),
    (
        GOOGLE,
        At::SignIn,
        "534 5.7.9 Please log in with your web browser and then try again. - gsmtp",
    ),
    (GOOGLE, At::SignIn, "534 5.7.14 <https://accounts.google.com/signin/continue> - gsmtp"),
    (GOOGLE, At::SignIn, "535 5.7.8 Username and Password not accepted. - gsmtp"),
    (GOOGLE, At::SignIn, "535 5.7.1 Application-specific password required. - gsmtp"),
    (
        GOOGLE,
        At::SignIn,
        "535 5.7.1 Please log in with your web browser and then try again. - gsmtp",
    ),
    (GOOGLE, At::SignIn, "535 5.7.1 Username and Password not accepted. - gsmtp"),
    (GOOGLE, At::SignIn, "454 4.7.0 Too many login attempts, please try again later. - gsmtp"),
    (
        GOOGLE,
        At::SignIn,
        "454 4.7.0 Cannot authenticate due to temporary system problem. Try again later. - gsmtp",
    ),
    (GOOGLE, At::Mail, "530 5.7.0 Authentication Required. - gsmtp"),
    (GOOGLE, At::Mail, "530 5.5.1 Authentication Required. - gsmtp"),
    (GOOGLE, At::Mail, "550 5.7.0 Mail Sending denied. - gsmtp"),
    (GOOGLE, At::Mail, "550 5.7.0 Mail relay denied. - gsmtp"),
    (GOOGLE, At::EndOfMessage, "550 5.4.5 Daily SMTP relay limit exceeded for user. - gsmtp"),
    (GOOGLE, At::EndOfMessage, "550 5.4.5 Daily user sending limit exceeded. - gsmtp"),
    (GOOGLE, At::EndOfMessage, "550 5.7.1 Daily SMTP relay limit exceeded for customer. - gsmtp"),
    (GOOGLE, At::Greeting, "421 4.7.0 Try again later, closing connection. - gsmtp"),
    (GOOGLE, At::Greeting, "421 4.3.0 Temporary System Problem. Try again later. - gsmtp"),
    (
        GOOGLE,
        At::EndOfMessage,
        "550 5.7.1 Our system has detected an unusual rate of unsolicited mail originating from \
         your IP address. - gsmtp",
    ),
    (
        GOOGLE,
        At::EndOfMessage,
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail. - gsmtp",
    ),
    (
        GOOGLE,
        At::EndOfMessage,
        "552 5.7.0 This message was blocked because its content presents a potential security \
         issue. - gsmtp",
    ),
    (GOOGLE, At::Mail, "552 5.3.4 Your message exceeded Google's message size limits. - gsmtp"),
    (
        GOOGLE,
        At::EndOfMessage,
        "552 5.2.3 Your message exceeded Google's message size limits. - gsmtp",
    ),
];

/// A workspace whose relay stands for a service, or for nobody's.
fn workspace(authority: &Authority, relay: &Relay, service: Option<Service>) -> Workspace {
    let line = service.map_or(String::new(), |s| format!("service = {:?}", s.as_str()));
    Workspace::with_people(3)
        .relay(relay)
        .file("office-ca.pem", authority.pem())
        .relay_lines("ca_file = \"office-ca.pem\"")
        .relay_lines(&line)
        .relay_lines(&format!("user = {ACCOUNT:?}\nconnections = 1\nrate = \"900/s\""))
        .variable("SECRETARIAT_RELAY_PASSWORD", PASSWORD)
}

fn answering(authority: &Authority, at: At, answer: &str) -> Relay {
    let server = authority.server(&["localhost"], Validity::Current);
    let script = Script::new().protection(Protection::StartTls(server)).sign_in(ACCOUNT, PASSWORD);
    Relay::with(script.at(at, Who::Anyone, Action::reply(answer)))
}

/// Text as a person reads it, however it was wrapped.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The codes of what a run told, without those about the configuration.
fn codes(json: &Value) -> Vec<String> {
    let problems = json["problems"].as_array().cloned().unwrap_or_default();
    let codes = problems.iter().map(|p| p["code"].as_str().unwrap_or_default().to_owned());
    codes.filter(|code| !code.starts_with("service-")).collect()
}

#[test]
fn answers_of_microsoft_are_told_in_terms_of_account_and_author_and_change_no_code() {
    check_told(MICROSOFT);
}

#[test]
fn answers_of_google_are_told_in_terms_of_account_and_author_and_change_no_code() {
    check_told(GOOGLE);
}

fn check_told(of: Service) {
    let authority = Authority::new();
    for (service, at, answer) in ANSWERS.iter().filter(|(service, ..)| *service == of) {
        let known = known_answer(answer, Some(*service)).expect("a known answer");
        let (what, remedy) = (known.what(ACCOUNT, ACCOUNT), known.remedy(ACCOUNT, ACCOUNT));
        let relay = answering(&authority, *at, answer);
        let told = workspace(&authority, &relay, Some(*service));
        let (code, json) = told.send();
        let (usual, plainly) = workspace(&authority, &relay, None).send();
        assert_eq!((code, codes(&json)), (usual, codes(&plainly)), "{answer}: {json:#}");
        let status = plain(&told.run(&["status"]).stdout);
        let why = plain(&told.run(&["why", &person(1)]).stdout);
        let problems = json["problems"].to_string();
        let is_told = problems.contains(&what.replace('"', "\\\"")) || status.contains(&what);
        assert!(is_told, "{answer}: {what}\n{json:#}\n{status}");
        let bracketed = format!("{what} ({answer})");
        let in_brackets = problems.contains(&bracketed.replace('"', "\\\""));
        assert!(in_brackets || status.contains(&bracketed), "{answer}\n{json:#}\n{status}");
        // Where the answer was to a letter, both screens have it.
        if why.contains(answer) {
            assert!(why.contains(&format!("meaning {what}. {remedy}")), "{answer}\n{why}");
            assert!(status.contains(&bracketed), "{answer}\n{status}");
        } else {
            assert!(problems.contains(&remedy.replace('"', "\\\"")), "{answer}\n{json:#}");
        }
    }
}

#[test]
fn every_row_of_the_tables_is_met_by_a_true_answer() {
    for service in Service::ALL {
        let answers = ANSWERS.iter().filter(|(of, ..)| *of == service);
        let met = answers.filter_map(|(_, _, answer)| known_answer(answer, Some(service)));
        let met: BTreeSet<String> = met.map(|known| known.pattern()).collect();
        let rows = service.known_answers().iter().map(|known| known.pattern());
        // The run goes on with fewer connections: nobody reads this one.
        let missing: Vec<_> =
            rows.filter(|row| !met.contains(row) && !row.starts_with("432")).collect();
        assert_eq!(missing, [""; 0]);
    }
}

/// A token that is refused is not called a password, and what is said of the mailbox is said.
#[test]
fn a_refused_token_is_told_of_in_its_own_words() {
    let authority = Authority::new();
    for (answer, expected) in [
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
             Mailbox.",
            "Microsoft does not let secretariat@forum.example send by SMTP (535 5.7.139",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
            "the mail server refused the sign-in, also after it was renewed: 535 5.7.139",
        ),
    ] {
        let provider = Provider::start();
        let server = authority.server(&["localhost"], Validity::Current);
        let script = Script::new().protection(Protection::Implicit(server));
        let script = script.tokens(ACCOUNT, provider.is_good());
        let relay = Relay::with(script.at(At::SignIn, Who::Anyone, Action::reply(answer)));
        let workspace = Workspace::with_people(2)
            .file("office-ca.pem", authority.pem())
            .relay(&relay)
            .relay_lines("ca_file = \"office-ca.pem\"\nservice = \"microsoft365\"")
            .relay_lines(&format!("user = {ACCOUNT:?}\nclient_id = {CLIENT_ID:?}"))
            .relay_lines("sign_in = \"command\"\ntoken_command = [\"sh\", \"-c\", \"echo $TOKEN\"]")
            .variable("TOKEN", &provider.token());
        let (code, json) = workspace.send();
        assert_eq!((code, relay.count()), (Some(3), 0), "{json:#}");
        let problem = json["problems"]
            .as_array()
            .and_then(|p| p.iter().find(|p| p["code"] == "token-refused"));
        let message = problem.and_then(|p| p["message"].as_str()).unwrap_or_default();
        assert!(message.starts_with(expected), "{json:#}");
    }
}

#[test]
fn the_pace_of_a_service_is_kept_and_shown() {
    let relay = Relay::start();
    let workspace =
        Workspace::with_people(2).relay(&relay).relay_lines("service = \"microsoft365\"");
    let screen = workspace.run(&["send", "--dry-run"]).stdout;
    let pace = "pace       Microsoft 365: 30 a minute, at most 10,000 a day: ";
    assert!(screen.contains(pace), "{screen}");
    let checked = workspace.run(&["check"]);
    assert!(checked.stdout.contains(pace), "{checked:#?}");
    let begun = std::time::Instant::now();
    assert_eq!(workspace.send().0, Some(0));
    // Not how fast it is: how slow.
    assert!(begun.elapsed() >= std::time::Duration::from_secs(2));
    let slower = workspace.relay_lines("rate = \"10/min\"");
    assert!(slower.run(&["send", "--dry-run"]).stdout.contains("Microsoft 365: 10 a minute"));
}

/// With `service` alone the letters would go to the real server: nothing but its name is needed.
#[test]
fn check_speaks_of_what_cannot_be() {
    let foreign = Workspace::with_people(1).relay_lines(
        "service = \"microsoft365\"\nuser = \"desk@forum.example\"\nrate = \"60/min\"",
    );
    let checked = plain(&foreign.run(&["check"]).stdout);
    for words in [
        "Microsoft 365 lets desk@forum.example write as secretariat@forum.example only with the \
         right \"Send As\" for that address [service-sender]",
        "relay.rate is above what Microsoft 365 takes of a mailbox: 30 letters a minute \
         [service-limit]",
    ] {
        assert!(checked.contains(words), "{words}\n{checked}");
    }
    let unwritten = Workspace::with_people(1).relay_url("smtp+starttls://smtp.gmail.com");
    let checked = plain(&unwritten.run(&["check", "-v"]).stdout);
    let words = "smtp.gmail.com is Google Workspace's, whose limits are known [service-unwritten]";
    assert!(checked.contains(words), "{checked}");
    let heavy = Workspace::with_people(1)
        .attachment("statement.pdf", pdf(27 << 20, 1))
        .relay_lines("service = \"google\"")
        .config("[limits]\nletter_warn = \"50 MB\"\nletter_error = \"50 MB\"");
    let checked = plain(&heavy.run(&["check"]).stdout);
    let words =
        "and Google Workspace takes 25.0 MB of a mailbox unless it is raised [service-size]";
    assert!(checked.contains(words), "{checked}");
}

fn fact<T>(page: &mut String, what: &str, value: &str, fact: &Fact<T>) {
    writeln!(page, "| {what} | {value} | {}, {} |", fact.source, fact.read).expect("room");
}

fn number(value: u64) -> String {
    if value == 0 { "none is told".to_owned() } else { value.to_string() }
}

/// `docs/services.md`, from the facts.
fn page() -> String {
    let mut page = "# Microsoft 365 and Google\n\nWritten from `src/services` (see \
        `tests/it/services.rs`). `[relay] service` fills in server, port and STARTTLS, the identity\n\
        provider of the sign-in, `rate` and `daily_limit`; each key that is written beside it goes \
        before it\n([configuration.md](configuration.md#relay)). The pages were read in stored \
        copies on the day that is named; services change their\nlimits without notice.\n"
        .to_owned();
    for service in Service::ALL {
        let facts = service.facts();
        write!(page, "\n## {}: `service = {:?}`\n\n", facts.name, service.as_str()).expect("room");
        writeln!(page, "`{}`, port {}, STARTTLS.\n", facts.host, facts.port).expect("room");
        writeln!(page, "| of one mailbox | | source, read on |\n|---|---|---|").expect("room");
        let (connections, minute) = (&facts.connections, &facts.a_minute);
        fact(&mut page, "connections at once", &number(connections.value.into()), connections);
        fact(&mut page, "letters a minute", &number(minute.value.into()), minute);
        fact(&mut page, "recipients in 24 hours", &number(facts.a_day.value), &facts.a_day);
        let size = format!("{} MB, encoded", facts.message_bytes.value >> 20);
        fact(&mut page, "size of a letter", &size, &facts.message_bytes);
        let (author, bounces) = (&facts.other_author, &facts.other_bounce_address);
        fact(&mut page, "letters from another address", author.value, author);
        fact(&mut page, "bounces to another address", bounces.value, bounces);
        writeln!(page, "\n| answer | what it means | what to do |\n|---|---|---|").expect("room");
        for known in service.known_answers() {
            let (what, remedy) =
                (known.what("ACCOUNT", "AUTHOR"), known.remedy("ACCOUNT", "AUTHOR"));
            writeln!(page, "| `{}` | {what} | {remedy} |", known.pattern()).expect("room");
        }
    }
    page
}

#[test]
fn the_reference_of_services_is_what_the_facts_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md");
    if std::env::var_os("SECRETARIAT_UPDATE_DOCS").is_some() {
        std::fs::write(&file, page()).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, page(), "SECRETARIAT_UPDATE_DOCS=1 cargo test --test it reference");
}
