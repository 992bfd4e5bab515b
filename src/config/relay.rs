//! `[relay]` and `[retry]`, with what the environment says instead.
//!
//! Owns which relay may be spoken to how: without encryption on this computer only, unless the file
//! says otherwise, and elsewhere never with a password. URLs are `relay_url.rs`, fetching a
//! password is `password.rs`. No I/O.
//!
//! # Standards
//! RFC 5321 4.1.1.1 (the name in EHLO), RFC 5321 4.5.4.1 (retries).
//!
//! # Invariants
//! No password stands in the file or in a message (security S16). The environment beats the file,
//! and what holds for a URL in the file holds for one in the environment (security S4).

use super::environment::{Environment, RELAY_PASSWORD, RELAY_URL};
use super::habits::read_habits;
use super::relay_url::RelayUrl;
use super::section::{Entry, Placed, Reader, Refusal, Section, as_section, parse_path};
use super::units::parse_duration;
use super::{Habits, PasswordSource, Relay, SignIn};
use crate::plan::pattern::is_identifier;
use crate::problem::{Place, Problem};
use crate::send::retry::Retry;
use crate::transport::smtp::Security;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const PASSWORD_HINT: &str = "Write password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }, \
                             { file = \"...\" } or { command = [\"...\"] }.";

/// What the file says under `[relay]`.
#[derive(Debug)]
struct Written {
    /// Where the table begins; where there is none, the top of the file.
    place: Place,
    url: Option<Placed<RelayUrl>>,
    user: Option<String>,
    password: Option<Placed<PasswordSource>>,
    signs_in: Option<Placed<bool>>,
    allow_plaintext: bool,
    ca_file: Option<Placed<String>>,
    hello: Option<String>,
    habits: Habits,
}

/// Reads `[relay]`. `None` when neither file nor environment names a relay, or its URL has an
/// error.
pub(super) fn read_relay(
    section: Option<Section<'_>>,
    environment: &Environment,
    reader: &mut Reader<'_>,
) -> Option<Relay> {
    let url_there = environment.relay_url();
    let user_there = reader.kept(environment.relay_user()).flatten();
    let written = read_written(section, !matches!(url_there, Ok(None)), reader);
    let (name, url) = match reader.kept(url_there)? {
        Some(url) => (RELAY_URL, Placed::new(url, written.place.clone())),
        None => ("relay.url", written.url.clone()?),
    };
    let user = user_there.or_else(|| written.user.clone());
    let sign_in = decide_sign_in(&written, user, environment, reader);
    check_plain(name, &url, written.allow_plaintext, &sign_in, reader);
    Some(Relay {
        url: url.value,
        sign_in,
        ca_file: written.ca_file,
        hello: written.hello,
        habits: written.habits,
    })
}

fn read_written(
    section: Option<Section<'_>>,
    url_elsewhere: bool,
    reader: &mut Reader<'_>,
) -> Written {
    let is_written = section.is_some();
    let mut section = section.unwrap_or_else(|| Section::empty("relay", reader.place(0)));
    let place = section.place.clone();
    let example = "\"smtps://mail.forum.example:465\"";
    if is_written && !section.has("url") && !url_elsewhere {
        let problem = Problem::error("config-missing", "relay.url is missing").place(place.clone());
        reader.report_absence(problem.hint(format!("Write url = {example} under [relay].")));
    }
    let url = section.take_meaning("url", example, reader, RelayUrl::parse);
    let example = "\"secretariat@forum.example\"";
    let user = section.take_meaning("user", example, reader, parse_user);
    let password = section.take("password");
    let password = password.and_then(|entry| read_password(entry, reader));
    let signs_in = section.take_meaning("sign_in", "\"password\"", reader, parse_sign_in);
    let allow_plaintext = section.take_flag("allow_plaintext", reader).unwrap_or(false);
    let parse_ca_file = |text: &str| parse_path(text, "office-ca.pem");
    let ca_file = section.take_meaning("ca_file", "\"office-ca.pem\"", reader, parse_ca_file);
    let hello = section.take_meaning("hello", "\"mail.forum.example\"", reader, parse_hello);
    let habits = read_habits(&mut section, reader);
    section.finish(reader);
    let user = user.map(|user| user.value);
    let hello = hello.map(|hello| hello.value);
    Written { place, url, user, password, signs_in, allow_plaintext, ca_file, hello, habits }
}

/// A user signs in unless `sign_in = "none"`; the environment's password beats the file's.
fn decide_sign_in(
    written: &Written,
    user: Option<String>,
    environment: &Environment,
    reader: &mut Reader<'_>,
) -> SignIn {
    let wanted = written.signs_in.as_ref();
    if wanted.is_some_and(|signs_in| !signs_in.value) {
        return SignIn::None;
    }
    let Some(user) = user else {
        let hint = "Write user = \"...\" under [relay] to sign in, or remove the line.";
        if let Some(wanted) = wanted {
            let refusal = Refusal::new("is \"password\", and relay.user is missing", hint);
            reader.refuse("relay.sign_in", &wanted.place, refusal);
        } else if let Some(password) = &written.password {
            let message = "relay.password is not used, because relay.user is missing";
            let problem = Problem::warning("config-unused", message).hint(hint);
            reader.report(problem.place(password.place.clone()));
        }
        return SignIn::None;
    };
    let usual =
        || Placed::new(PasswordSource::Variable(RELAY_PASSWORD.to_owned()), written.place.clone());
    let in_file = written.password.clone().filter(|_| !environment.has_relay_password());
    SignIn::Password { user, password: in_file.unwrap_or_else(usual) }
}

/// Plain SMTP can be read and changed by whoever carries it.
fn check_plain(
    name: &str,
    url: &Placed<RelayUrl>,
    allowed: bool,
    sign_in: &SignIn,
    reader: &mut Reader<'_>,
) {
    if url.value.security != Security::Plain || url.value.is_on_this_computer() {
        return;
    }
    let host = &url.value.host;
    let encrypted = format!("Write \"smtp+starttls://{host}:587\" or \"smtps://{host}:465\"");
    if *sign_in != SignIn::None {
        let message = "would show the password to everybody on the way";
        let hint = format!("{encrypted}; without encryption nobody may sign in.");
        reader.refuse(name, &url.place, Refusal::new(message, hint));
    } else if !allowed {
        let hint = format!("{encrypted}, or allow_plaintext = true in a network of your own.");
        let message = "goes to another computer without encryption";
        reader.refuse(name, &url.place, Refusal::new(message, hint));
    }
}

/// `{ env = "..." }`, `{ file = "..." }` or `{ command = [...] }`.
fn read_password(entry: Entry<'_>, reader: &mut Reader<'_>) -> Option<Placed<PasswordSource>> {
    let name = "relay.password";
    let place = reader.place(entry.value.span().start);
    if entry.value.get_ref().is_str() {
        let refusal = Refusal::new("stands in the file, where others can read it", PASSWORD_HINT);
        reader.refuse(name, &place, refusal);
        return None;
    }
    let example = "password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }";
    let mut table = as_section(name.to_owned(), entry, example, reader)?;
    let written = ["env", "file", "command"].iter().filter(|key| table.has(key)).count();
    let mut sources = Vec::new();
    let example = "\"SECRETARIAT_RELAY_PASSWORD\"";
    let variable = table.take_meaning("env", example, reader, parse_variable);
    sources.extend(variable.map(|v| PasswordSource::Variable(v.value)));
    let file = table.take_meaning("file", "\"../relay-password\"", reader, parse_file);
    sources.extend(file.map(|f| PasswordSource::File(f.value)));
    let example = "[\"pass\", \"show\", \"relay\"]";
    if let Some(words) = table.take_texts("command", example, reader) {
        let words: Vec<String> = words.into_iter().map(|word| word.value).collect();
        if words.first().is_none_or(String::is_empty) {
            let hint = format!("Write command = {example}: a program and its arguments.");
            reader.refuse("relay.password.command", &place, Refusal::new("is empty", hint));
        } else {
            sources.push(PasswordSource::Command(words));
        }
    }
    // A misspelled source is an unknown key already.
    let is_misspelled = written == 0 && !table.is_exhausted();
    table.finish(reader);
    if written != 1 && !is_misspelled {
        let refusal = Refusal::new("must name exactly one source", PASSWORD_HINT);
        reader.refuse(name, &place, refusal);
        return None;
    }
    sources.pop().map(|source| Placed::new(source, place))
}

/// Reads `[retry]`: each wait is at most the next.
pub(super) fn read_retry(section: Option<Section<'_>>, reader: &mut Reader<'_>) -> Retry {
    let usual = Retry::default();
    let Some(mut section) = section else { return usual };
    let mut take = |key, example| section.take_meaning(key, example, reader, parse_duration);
    let first_wait = take("first_wait", "\"5min\"");
    let max_wait = take("max_wait", "\"67min\"");
    let give_up_after = take("give_up_after", "\"5d\"");
    let written = |time: &Option<Placed<Duration>>, usual| time.as_ref().map_or(usual, |t| t.value);
    let retry = Retry {
        first_wait: written(&first_wait, usual.first_wait),
        max_wait: written(&max_wait, usual.max_wait),
        give_up_after: written(&give_up_after, usual.give_up_after),
    };
    let place_of = |time: Option<Placed<Duration>>| time.map(|t| t.place);
    let hint = "Unless written, first_wait is 5min, max_wait 67min and give_up_after 5d.";
    if retry.max_wait < retry.first_wait {
        let place = place_of(max_wait.clone()).or(place_of(first_wait));
        let place = place.unwrap_or_else(|| section.place.clone());
        let refusal = Refusal::new("is shorter than retry.first_wait", hint);
        reader.refuse("retry.max_wait", &place, refusal);
    }
    if retry.give_up_after < retry.max_wait {
        let place = place_of(give_up_after).or(place_of(max_wait));
        let place = place.unwrap_or_else(|| section.place.clone());
        let refusal = Refusal::new("is shorter than retry.max_wait", hint);
        reader.refuse("retry.give_up_after", &place, refusal);
    }
    section.finish(reader);
    retry
}

fn parse_user(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new("is empty", "Write the sign-in name, or remove the line."));
    }
    Ok(text.to_owned())
}

/// Whether somebody signs in.
fn parse_sign_in(text: &str) -> Result<bool, Refusal> {
    match text {
        "none" => Ok(false),
        "password" => Ok(true),
        _ => {
            let hint = "Write \"none\" or \"password\".";
            Err(Refusal::new(format!("is no way to sign in: {text:?}"), hint))
        }
    }
}

/// A variable's name. What is none is not repeated: it may be the password itself.
fn parse_variable(text: &str) -> Result<String, Refusal> {
    if is_identifier(text) {
        return Ok(text.to_owned());
    }
    let hint = "Write the name of a variable, such as \"SECRETARIAT_RELAY_PASSWORD\".";
    Err(Refusal::new("is no name of an environment variable", hint))
}

/// Any path: a password is better kept outside of the workspace.
fn parse_file(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("is empty", "Write the path of the file."));
    }
    Ok(text.to_owned())
}

/// A domain or an address literal (RFC 5321 4.1.1.1, 4.1.3).
fn parse_hello(text: &str) -> Result<String, Refusal> {
    let literal = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let is_literal = literal.is_some_and(|inside| match inside.strip_prefix("IPv6:") {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => inside.parse::<Ipv4Addr>().is_ok(),
    });
    if is_literal {
        return Ok(text.to_owned());
    }
    let domain = idna::domain_to_ascii_strict(text).unwrap_or_default();
    if domain.is_empty() || domain.ends_with('.') {
        let hint = "Write this computer's name as others know it, such as \"mail.forum.example\", \
                    or remove the line.";
        return Err(Refusal::new(format!("is no name of a computer: {text:?}"), hint));
    }
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, read};
    use crate::problem::Problems;

    fn read_relay(relay: &str, variables: &[(&str, &str)]) -> (Option<Config>, Vec<String>) {
        let text = format!("{relay}\n[conference]\nname = \"A\"");
        let mut problems = Problems::new();
        let config = read("f", text.as_bytes(), &Environment::of(variables), &mut problems);
        assert!(!format!("{config:?}{problems:?}").contains("canary"), "a secret in {problems:?}");
        let shown = |p: &&Problem| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} | {}", place, p.message, p.hint.as_deref().unwrap_or_default())
        };
        (config, problems.sorted().iter().map(shown).collect())
    }

    /// What goes wrong in `relay`: one problem that begins with `expected`, or none for "".
    #[track_caller]
    fn check(relay: &str, variables: &[(&str, &str)], expected: &str) {
        let (_, found) = read_relay(relay, variables);
        assert_eq!(found.len(), usize::from(!expected.is_empty()), "{relay}: {found:#?}");
        assert!(found.iter().all(|f| f.starts_with(expected)), "{relay}: {found:#?}");
    }

    /// It was called missing by the commands that need one.
    #[test]
    fn a_relay_with_an_error_is_broken_and_not_absent() {
        let url = "[relay]\nurl = \"smtps://mail.example\"\n";
        let there = (RELAY_URL, "mail.example:25:25");
        for (relay, variables, is_broken) in [
            ("", vec![], false),
            (url, vec![], false),
            ("[relay]", vec![], true),
            ("relay = 1", vec![], true),
            ("[relay]\nurl = \"mail\"", vec![], true),
            (&format!("{url}ca_file = \"/ca\""), vec![], true),
            ("", vec![there], true),
            ("[retry]\nfirst_wait = \"soon\"", vec![], false),
        ] {
            let (config, found) = read_relay(relay, &variables);
            assert_eq!(config.unwrap().relay_is_broken, is_broken, "{relay} {found:?}");
        }
    }

    /// Security S4: nothing is sent in plain to another computer by mistake, a password never.
    #[test]
    fn plain_smtp_stays_on_this_computer() {
        let plain = "[relay]\nurl = \"smtp://mail.example\"\n";
        let local = "[relay]\nurl = \"smtp://localhost:2525\"\n";
        let refused = "f:2:7 relay.url goes to another computer without encryption | \
                       Write \"smtp+starttls://mail.example:587\" or \"smtps://mail.example:465\"";
        let naked = "f:2:7 relay.url would show the password to everybody on the way | Write";
        check(local, &[], "");
        check(&format!("{local}user = \"ana\""), &[], "");
        check(plain, &[], refused);
        check(&format!("{plain}allow_plaintext = false"), &[], refused);
        check(&format!("{plain}allow_plaintext = true"), &[], "");
        check(&format!("{plain}allow_plaintext = true\nuser = \"ana\""), &[], naked);
        check(
            &format!("{plain}allow_plaintext = true"),
            &[("SECRETARIAT_RELAY_USER", "ana")],
            naked,
        );
        let none = "allow_plaintext = true\nuser = \"ana\"\nsign_in = \"none\"";
        check(&format!("{plain}{none}"), &[], "");
        let there = [("SECRETARIAT_RELAY_URL", "smtp://mail.example")];
        let refused = "SECRETARIAT_RELAY_URL goes to another computer without encryption";
        for relay in ["", local] {
            let (_, found) = read_relay(relay, &there);
            assert!(found.len() == 1 && found[0].contains(refused), "{found:#?}");
        }
    }

    #[test]
    fn the_environment_beats_the_file() {
        let file = "[relay]\nurl = \"smtps://file.example\"\nuser = \"file\"\n\
                    password = { file = \"p\" }";
        let source = |relay: &str, variables: &[(&str, &str)]| {
            let (config, found) = read_relay(relay, variables);
            assert_eq!(found, [""; 0]);
            let relay = config.and_then(|c| c.relay).unwrap();
            let SignIn::Password { user, password } = relay.sign_in else {
                return (relay.url.to_string(), String::new(), None);
            };
            (relay.url.to_string(), user, Some(password.value))
        };
        let in_file = Some(PasswordSource::File("p".to_owned()));
        let variable = Some(PasswordSource::Variable("SECRETARIAT_RELAY_PASSWORD".to_owned()));
        let url = "smtps://file.example:465".to_owned();
        let password = [("SECRETARIAT_RELAY_PASSWORD", "canary")];
        let all = [
            ("SECRETARIAT_RELAY_URL", "smtp://127.0.0.1:2525"),
            ("SECRETARIAT_RELAY_USER", "ana"),
            ("SECRETARIAT_RELAY_PASSWORD", "canary"),
        ];
        assert_eq!(source(file, &[]), (url.clone(), "file".to_owned(), in_file.clone()));
        assert_eq!(source(file, &password), (url.clone(), "file".to_owned(), variable.clone()));
        let local = "smtp://127.0.0.1:2525".to_owned();
        assert_eq!(source(file, &all), (local.clone(), "ana".to_owned(), variable.clone()));
        assert_eq!(source("", &all), (local.clone(), "ana".to_owned(), variable));
        assert_eq!(source("[relay]", &all[..1]), (local, String::new(), None));
        let (config, found) = read_relay("", &all[1..]);
        assert!(config.unwrap().relay.is_none() && found.is_empty());
    }

    /// Security S16: the file never holds the password, and no message repeats what was written.
    #[test]
    fn a_password_is_named_not_written() {
        let with = |line: &str| format!("[relay]\nurl = \"smtps://x\"\nuser = \"ana\"\n{line}");
        for (line, expected) in [
            ("password = \"canary\"", "f:4:12 relay.password stands in the file, where others"),
            (
                "password = 1",
                "f:4:12 relay.password must be a table, not a number | Write password = { env",
            ),
            (
                "password = {}",
                "f:4:12 relay.password must name exactly one source | Write password",
            ),
            (
                "password = { env = \"A\", file = \"b\" }",
                "f:4:12 relay.password must name exactly one source | Write password",
            ),
            ("password = { env = \"canary!\" }", "f:4:20 relay.password.env is no name of an env"),
            ("password = { file = \"\" }", "f:4:21 relay.password.file is empty | Write"),
            ("password = { command = [] }", "f:4:12 relay.password.command is empty | Write"),
            ("password = { keyring = true }", "f:4:14 unknown key \"keyring\" in [relay.password]"),
            ("password = { file = \"/run/secrets/relay\" }", ""),
            (
                "sign_in = \"command\"",
                "f:4:11 relay.sign_in is no way to sign in: \"command\" | Write",
            ),
        ] {
            check(&with(line), &[], expected);
        }
        for url in ["smtps://ana:canary@x", "smtps://canary@x"] {
            let relay = format!("[relay]\nurl = \"{url}\"");
            check(&relay, &[], "f:2:7 relay.url holds a user name or password | Write the host");
            let (_, found) = read_relay("", &[("SECRETARIAT_RELAY_URL", url)]);
            assert!(found[0].contains("SECRETARIAT_RELAY_URL holds a user name or password"));
        }
    }

    #[test]
    fn half_a_relay_is_a_problem() {
        let url = "[relay]\nurl = \"smtps://x\"\n";
        for (relay, expected) in [
            ("[relay]".to_owned(), "f:1:2 relay.url is missing | Write url = \"smtps://"),
            (
                format!("{url}sign_in = \"password\""),
                "f:3:11 relay.sign_in is \"password\", and relay.user is missing | Write user",
            ),
            (
                format!("{url}password = {{ env = \"A\" }}"),
                "f:3:12 relay.password is not used, because relay.user is missing | Write user",
            ),
            (format!("{url}user = \" \""), "f:3:8 relay.user is empty | Write the sign-in name"),
            (format!("{url}hello = \"my host\""), "f:3:9 relay.hello is no name of a computer"),
            (format!("{url}hello = \"[192.0.2.1]\""), ""),
            (format!("{url}hello = \"[IPv6:2001:db8::1]\""), ""),
            (
                format!("{url}ca_file = \"/etc/ca.pem\""),
                "f:3:11 relay.ca_file does not start in the workspace: \"/etc/ca.pem\" | Copy it \
                 into the workspace and write its path as seen from secretariat.toml, such as \
                 \"office-ca.pem\".",
            ),
        ] {
            check(&relay, &[], expected);
        }
    }
}
