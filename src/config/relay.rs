//! `[relay]` and `[retry]`, with what the environment says instead.
//!
//! Owns which relay may be spoken to how: without encryption on this computer only, unless the file
//! says otherwise, and elsewhere never with a password. URLs are `relay_url.rs`, who signs in is
//! `sign_in.rs`, what a great service fills in `service.rs`, fetching a password `password.rs`. No
//! I/O.
//!
//! # Standards
//! RFC 5321 4.1.1.1 (the name in EHLO), RFC 5321 4.5.4.1 (retries).
//!
//! # Invariants
//! No password stands in the file or in a message (security S16). The environment beats the file,
//! and what holds for a URL in the file holds for one in the environment (security S4).

use super::environment::{Environment, RELAY_URL};
use super::habits::read_habits;
use super::relay_url::RelayUrl;
use super::section::{Entry, Placed, Reader, Refusal, Section, as_section, parse_path};
use super::service::{self, parse_service};
use super::sign_in::{self, Keys};
use super::units::parse_duration;
use super::{Habits, PasswordSource, Relay, SignIn};
use crate::plan::pattern::is_identifier;
use crate::problem::{Place, Problem};
use crate::send::retry::Retry;
use crate::services::Service;
use crate::transport::smtp::Security;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const PASSWORD_HINT: &str = "Write password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }, \
                             { file = \"...\" }, { command = [\"...\"] } or { keyring = true }.";

/// What the file says under `[relay]`.
#[derive(Debug)]
struct Written {
    /// Where the table begins; where there is none, the top of the file.
    place: Place,
    service: Option<Placed<Service>>,
    url: Option<Placed<RelayUrl>>,
    keys: Keys,
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
    let mut written = read_written(section, !matches!(url_there, Ok(None)), reader);
    let of_service = || {
        let service = written.service.as_ref()?;
        Some(Placed::new(RelayUrl::of_service(service.value), service.place.clone()))
    };
    let (name, url) = match reader.kept(url_there)? {
        Some(url) => (RELAY_URL, Placed::new(url, written.place.clone())),
        None => ("relay.url", written.url.clone().or_else(of_service)?),
    };
    service::check_url(name, written.service.as_ref(), &url, reader);
    written.keys.user = user_there.or(written.keys.user);
    let sign_in = sign_in::decide(&written.keys, &written.place, &url.value, environment, reader);
    check_plain(name, &url, written.allow_plaintext, &sign_in, reader);
    Some(Relay {
        service: written.service.map(|service| service.value),
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
    let example_of_service = "\"microsoft365\"";
    let is_without = !section.has("url") && !section.has("service");
    if is_written && is_without && !url_elsewhere {
        let problem = Problem::error("config-missing", "relay.url is missing").place(place.clone());
        reader.report_absence(problem.hint(format!("Write url = {example} under [relay].")));
    }
    let service = section.take_meaning("service", example_of_service, reader, parse_service);
    let url = section.take_meaning("url", example, reader, RelayUrl::parse);
    let whose = service.as_ref().map(|service| service.value);
    let keys = Keys { service: whose, ..read_keys(&mut section, reader) };
    let allow_plaintext = section.take_flag("allow_plaintext", reader).unwrap_or(false);
    let parse_ca_file = |text: &str| parse_path(text, "office-ca.pem");
    let ca_file = section.take_meaning("ca_file", "\"office-ca.pem\"", reader, parse_ca_file);
    let hello = section.take_meaning("hello", "\"mail.forum.example\"", reader, parse_hello);
    let habits = read_habits(&mut section, whose, reader);
    section.finish(reader);
    let hello = hello.map(|hello| hello.value);
    Written { place, service, url, keys, allow_plaintext, ca_file, hello, habits }
}

/// The keys about signing in.
fn read_keys(section: &mut Section<'_>, reader: &mut Reader<'_>) -> Keys {
    let example = "\"secretariat@forum.example\"";
    let user = section.take_meaning("user", example, reader, parse_user);
    let password = section.take("password");
    let password = password.and_then(|entry| read_password("password", entry, reader));
    let wanted = section.take_meaning("sign_in", "\"browser\"", reader, sign_in::parse_wanted);
    let place = section.place_of("token_command", reader);
    let words = section.take_texts("token_command", "[\"oama\", \"access\"]", reader);
    let words = words.map(|words| words.into_iter().map(|word| word.value).collect::<Vec<_>>());
    let token_command = words.zip(place).map(|(words, place)| Placed::new(words, place));
    let is_command = |command: &Placed<Vec<String>>| {
        let is_empty = command.value.first().is_none_or(String::is_empty);
        if is_empty {
            let refusal = Refusal::new("is empty", "Write a program and its arguments.");
            reader.refuse("relay.token_command", &command.place, refusal);
        }
        !is_empty
    };
    let token_command = token_command.filter(is_command);
    let example = "\"forum.example\"";
    let tenant = section.take_meaning("tenant", example, reader, sign_in::parse_tenant);
    let client_id = section.take_meaning("client_id", "\"...\"", reader, sign_in::parse_client_id);
    let secret = section.take("client_secret");
    let client_secret = secret.and_then(|entry| read_password("client_secret", entry, reader));
    let user = user.map(|user| user.value);
    let service = None;
    Keys { service, wanted, user, password, token_command, tenant, client_id, client_secret }
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

/// `{ env = "..." }`, `{ file = "..." }`, `{ command = [...] }` or, for a password, `{ keyring =
/// true }`.
fn read_password(
    key: &'static str,
    entry: Entry<'_>,
    reader: &mut Reader<'_>,
) -> Option<Placed<PasswordSource>> {
    let name = &format!("relay.{key}");
    let hint = PASSWORD_HINT.replace("Write password", &format!("Write {key}"));
    let place = reader.place(entry.value.span().start);
    if entry.value.get_ref().is_str() {
        let refusal = Refusal::new("stands in the file, where others can read it", hint);
        reader.refuse(name, &place, refusal);
        return None;
    }
    let example = "password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }";
    let mut table = as_section(name.to_owned(), entry, example, reader)?;
    let written = ["env", "file", "command", "keyring"].iter().filter(|key| table.has(key)).count();
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
            reader.refuse(&table.name("command"), &place, Refusal::new("is empty", hint));
        } else {
            sources.push(PasswordSource::Command(words));
        }
    }
    let in_keyring = if key == "password" { table.take_flag("keyring", reader) } else { None };
    sources.extend(in_keyring.filter(|is_there| *is_there).map(|_| PasswordSource::Keyring));
    // A misspelled source is an unknown key already.
    let is_misspelled = written == 0 && !table.is_exhausted();
    table.finish(reader);
    if (written != 1 || in_keyring == Some(false)) && !is_misspelled {
        let refusal = Refusal::new("must name exactly one source", hint);
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
            ("password = { keyring = true }", ""),
            (
                "password = { keyring = false }",
                "f:4:12 relay.password must name exactly one source | Write password",
            ),
            (
                "client_secret = \"canary\"",
                "f:4:17 relay.client_secret stands in the file, where others can read it | Write cl",
            ),
            ("password = { file = \"/run/secrets/relay\" }", ""),
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
