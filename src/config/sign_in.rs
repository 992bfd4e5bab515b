//! How `[relay]` says who signs in: `sign_in`, and the keys that go with each way of it.
//!
//! Owns which way needs which keys, and whose accounts a mail server's are. Where a password is
//! fetched is `password.rs`, what is done with all this `cli/`. No I/O.
//!
//! # Invariants
//! No secret stands in the file or in a message (security S16). There is no `client_id` of ours:
//! each office registers the program for itself.

use super::environment::{Environment, RELAY_PASSWORD};
use super::relay_url::RelayUrl;
use super::section::{Placed, Reader, Refusal};
use super::{PasswordSource, ProviderSignIn, SignIn, Way};
use crate::problem::{Place, Problem};
use crate::services::Service;
use crate::transport::tokens::Provider;

/// What `sign_in` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    None,
    Password,
    Command,
    Provider(Way),
}

/// The keys of `[relay]` about signing in, as they are written.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Whose relay it is, where that is written.
    pub(super) service: Option<Service>,
    pub(super) wanted: Option<Placed<Wanted>>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Placed<PasswordSource>>,
    pub(super) token_command: Option<Placed<Vec<String>>>,
    pub(super) tenant: Option<Placed<String>>,
    pub(super) client_id: Option<Placed<String>>,
    pub(super) client_secret: Option<Placed<PasswordSource>>,
}

/// What the reader of a refusal may write instead.
const WAYS: &str = "Write \"password\", \"browser\", \"device-code\", \"command\" or \"none\".";

/// Reads a way to sign in.
pub(super) fn parse_wanted(text: &str) -> Result<Wanted, Refusal> {
    match text {
        "none" => Ok(Wanted::None),
        "password" => Ok(Wanted::Password),
        "command" => Ok(Wanted::Command),
        "browser" => Ok(Wanted::Provider(Way::Browser)),
        "device-code" => Ok(Wanted::Provider(Way::DeviceCode)),
        _ => Err(Refusal::new(format!("is no way to sign in: {text:?}"), WAYS)),
    }
}

/// Reads a tenant: a domain or a number. It becomes part of an address.
pub(super) fn parse_tenant(text: &str) -> Result<String, Refusal> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    let hint = "Write your office's domain, such as \"forum.example\", or its number there.";
    Err(Refusal::new(format!("is no tenant: {text:?}"), hint))
}

/// Reads a client_id.
pub(super) fn parse_client_id(text: &str) -> Result<String, Refusal> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is empty or has blanks", CLIENT_ID_HINT))
}

const CLIENT_ID_HINT: &str = "Your IT department registers secretariat with Microsoft or Google \
                              and gets a client_id for it: write it under [relay]. What to ask them \
                              for is written by secretariat doctor --note-for-it.";

/// Who signs in, and how. Without `sign_in`, a user signs in with a password; the environment's
/// password beats the file's.
pub(super) fn decide(
    keys: &Keys,
    section: &Place,
    url: &RelayUrl,
    environment: &Environment,
    reader: &mut Reader<'_>,
) -> SignIn {
    let wanted = keys.wanted.as_ref().map(|wanted| wanted.value);
    report_unused(keys, wanted, reader);
    if wanted == Some(Wanted::None) {
        return SignIn::None;
    }
    let Some(user) = keys.user.clone() else {
        report_nobody(keys, reader);
        return SignIn::None;
    };
    let place = keys.wanted.as_ref().map_or(section, |wanted| &wanted.place);
    match wanted {
        Some(Wanted::Command) => by_command(keys, user, place, reader),
        Some(Wanted::Provider(way)) => {
            by_provider(keys, user, way, place, url, environment, reader)
        }
        _ => {
            let variable = PasswordSource::Variable(RELAY_PASSWORD.to_owned());
            let usual = || Placed::new(variable, section.clone());
            let in_file = keys.password.clone().filter(|_| !environment.has_relay_password());
            SignIn::Password { user, password: in_file.unwrap_or_else(usual) }
        }
    }
}

fn report_nobody(keys: &Keys, reader: &mut Reader<'_>) {
    let hint = "Write user = \"...\" under [relay] to sign in, or remove the line.";
    if let Some(wanted) = &keys.wanted {
        let name = match wanted.value {
            Wanted::None | Wanted::Password => "password",
            Wanted::Command => "command",
            Wanted::Provider(way) => way.as_str(),
        };
        let message = format!("is {name:?}, and relay.user is missing");
        reader.refuse("relay.sign_in", &wanted.place, Refusal::new(message, hint));
    } else if let Some(password) = &keys.password {
        let message = "relay.password is not used, because relay.user is missing";
        let problem = Problem::warning("config-unused", message).hint(hint);
        reader.report(problem.place(password.place.clone()));
    }
}

/// A key of another way to sign in is a misunderstanding.
fn report_unused(keys: &Keys, wanted: Option<Wanted>, reader: &mut Reader<'_>) {
    let by_provider = matches!(wanted, Some(Wanted::Provider(_)));
    let at_microsoft = by_provider && keys.service != Some(Service::Google);
    let place = |key: &Option<Placed<String>>| key.as_ref().map(|key| key.place.clone());
    let secret = keys.client_secret.as_ref().map(|secret| secret.place.clone());
    let command = keys.token_command.as_ref().map(|command| command.place.clone());
    let password = keys.password.as_ref().map(|password| password.place.clone());
    let is_token = by_provider || wanted == Some(Wanted::Command);
    for (key, place, is_used, for_what) in [
        (
            "tenant",
            place(&keys.tenant),
            at_microsoft,
            "\"browser\" or \"device-code\" at Microsoft",
        ),
        ("client_id", place(&keys.client_id), by_provider, "\"browser\" or \"device-code\""),
        ("client_secret", secret, by_provider, "\"browser\" or \"device-code\""),
        ("token_command", command, wanted == Some(Wanted::Command), "\"command\""),
        ("password", password, !is_token, "\"password\""),
    ] {
        let Some(place) = place.filter(|_| !is_used) else { continue };
        let message = format!("relay.{key} is not used: it is for sign_in = {for_what}");
        let hint = "Remove the line, or change relay.sign_in.";
        reader.report(Problem::warning("config-unused", message).hint(hint).place(place));
    }
}

fn by_command(keys: &Keys, user: String, place: &Place, reader: &mut Reader<'_>) -> SignIn {
    let Some(command) = keys.token_command.clone() else {
        let hint = "Write token_command = [\"...\"]: a program that prints an access token, and its \
                    arguments.";
        let refusal = Refusal::new("is \"command\", and relay.token_command is missing", hint);
        reader.refuse("relay.sign_in", place, refusal);
        return SignIn::None;
    };
    SignIn::Command { user, command }
}

fn by_provider(
    keys: &Keys,
    user: String,
    way: Way,
    place: &Place,
    url: &RelayUrl,
    environment: &Environment,
    reader: &mut Reader<'_>,
) -> SignIn {
    let refuse = |reader: &mut Reader<'_>, message: String, hint: &str| {
        reader.refuse("relay.sign_in", place, Refusal::new(message, hint));
    };
    let said = format!("is {:?}", way.as_str());
    let tenant = keys.tenant.as_ref().map(|tenant| tenant.value.as_str());
    let provider = provider_of(keys.service, url, tenant);
    match &provider {
        None => {
            let hint = "For Microsoft 365 write service = \"microsoft365\", for Google service = \
                        \"google\"; for any other provider use sign_in = \"command\".";
            refuse(
                reader,
                format!("{said}, and whose accounts {} has is not known", url.host),
                hint,
            );
        }
        Some(provider) if provider.device.is_none() && way == Way::DeviceCode => {
            let message = format!("{said}, and {} gives no codes for mail", provider.name);
            refuse(reader, message, "Write sign_in = \"browser\".");
        }
        Some(_) => {}
    }
    if keys.client_id.is_none() {
        refuse(reader, format!("{said}, and relay.client_id is missing"), CLIENT_ID_HINT);
    }
    let here = reader.kept(environment.sign_in_url()).flatten();
    // Without a client_id, which was reported, the page for IT still says who is to sign in how.
    let client_id = keys.client_id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
    match provider {
        Some(provider) => SignIn::Provider(Box::new(ProviderSignIn {
            user,
            way,
            provider: match here {
                Some(base) => provider.at(&base),
                None => provider,
            },
            client_id,
            client_secret: keys.client_secret.clone(),
        })),
        None => SignIn::None,
    }
}

/// Whose accounts a mail server has: as written, else a tenant is Microsoft's, and the great
/// services' own names are known.
fn provider_of(service: Option<Service>, url: &RelayUrl, tenant: Option<&str>) -> Option<Provider> {
    let host = url.host.to_ascii_lowercase();
    let is_of = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let is_microsoft = ["office365.com", "outlook.com", "office.com"].into_iter().any(is_of);
    let is_google = ["gmail.com", "google.com", "googlemail.com"].into_iter().any(is_of);
    let is_microsoft = is_microsoft || service == Some(Service::Microsoft365);
    match tenant {
        _ if service == Some(Service::Google) => Some(Provider::google()),
        Some(tenant) => Some(Provider::microsoft(tenant)),
        None if is_microsoft => Some(Provider::microsoft("organizations")),
        None if is_google => Some(Provider::google()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, read};
    use crate::problem::Problems;

    fn read_relay(lines: &str, variables: &[(&str, &str)]) -> (Option<Config>, Vec<String>) {
        let text = format!("[relay]\n{lines}\n[conference]\nname = \"A\"");
        let mut problems = Problems::new();
        let config = read("f", text.as_bytes(), &Environment::of(variables), &mut problems);
        let shown = |p: &&Problem| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
        };
        // That a service could be written is not what these are about.
        let meant = problems.sorted().into_iter().filter(|p| p.code != "service-unwritten");
        (config, meant.map(|p| shown(&p)).collect())
    }

    const OFFICE: &str = "url = \"smtp+starttls://smtp.office365.com\"\nuser = \"ana\"\n";
    const GMAIL: &str = "url = \"smtps://smtp.gmail.com\"\nuser = \"ana\"\n";
    const OWN: &str = "url = \"smtps://mail.forum.example\"\nuser = \"ana\"\n";

    #[test]
    fn each_way_to_sign_in_needs_its_keys() {
        let missing =
            "f:4:11 relay.sign_in is \"browser\", and relay.client_id is missing | Your IT";
        for (lines, expected) in [
            (format!("{OFFICE}sign_in = \"browser\"\nclient_id = \"1-2\""), ""),
            (format!("{OFFICE}sign_in = \"device-code\"\nclient_id = \"1-2\""), ""),
            (format!("{OFFICE}sign_in = \"browser\""), missing),
            (
                format!("{GMAIL}sign_in = \"device-code\"\nclient_id = \"1\""),
                "f:4:11 relay.sign_in is \"device-code\", and Google gives no codes for mail | Write",
            ),
            (
                format!("{OWN}sign_in = \"browser\"\nclient_id = \"1\""),
                "f:4:11 relay.sign_in is \"browser\", and whose accounts mail.forum.example has",
            ),
            (format!("{OWN}sign_in = \"browser\"\nclient_id = \"1\"\ntenant = \"f.example\""), ""),
            (
                format!("{OWN}sign_in = \"command\""),
                "f:4:11 relay.sign_in is \"command\", and relay.token_command is missing | Write",
            ),
            (format!("{OWN}sign_in = \"command\"\ntoken_command = [\"oama\", \"ana\"]"), ""),
            (
                format!("{OWN}sign_in = \"oauth\""),
                "f:4:11 relay.sign_in is no way to sign in: \"oauth\" | Write \"password\"",
            ),
            (
                format!("{OWN}tenant = \"f.example\""),
                "f:4:10 relay.tenant is not used: it is for sign_in = \"browser\" or \"device",
            ),
            (
                format!(
                    "{OWN}sign_in = \"command\"\ntoken_command = [\"x\"]\npassword = {{ env = \"A\" }}"
                ),
                "f:6:12 relay.password is not used: it is for sign_in = \"password\" | Remove",
            ),
            (
                format!("{OFFICE}sign_in = \"browser\"\nclient_id = \"1\"\ntenant = \"a/../b\""),
                "f:6:10 relay.tenant is no tenant: \"a/../b\" | Write your office's domain",
            ),
            (
                "url = \"smtps://x\"\nsign_in = \"browser\"\nclient_id = \"1\"".to_owned(),
                "f:3:11 relay.sign_in is \"browser\", and relay.user is missing | Write user",
            ),
        ] {
            let (_, found) = read_relay(&lines, &[]);
            let expected_count = usize::from(!expected.is_empty());
            assert_eq!(found.len(), expected_count, "{lines}: {found:#?}");
            assert!(found.iter().all(|f| f.starts_with(expected)), "{lines}: {found:#?}");
        }
    }

    #[test]
    fn a_great_service_is_known_by_its_server_and_an_office_by_its_tenant() {
        let of = |lines: &str| {
            let lines = format!("{lines}sign_in = \"browser\"\nclient_id = \"1\"");
            let relay = read_relay(&lines, &[]).0.and_then(|config| config.relay).unwrap();
            let SignIn::Provider(found) = relay.sign_in else { panic!("{lines}") };
            found.provider.authorisation
        };
        let microsoft = |tenant: &str| Provider::microsoft(tenant).authorisation;
        assert_eq!(of(OFFICE), microsoft("organizations"));
        assert_eq!(
            of(&format!("{OFFICE}tenant = \"forum.example\"\n")),
            microsoft("forum.example")
        );
        assert_eq!(of(GMAIL), Provider::google().authorisation);
        for stranger in ["smtp.gmail.com.evil.example", "notgmail.com"] {
            let url = RelayUrl::parse(&format!("smtps://{stranger}")).unwrap();
            assert_eq!(provider_of(None, &url, None), None, "{stranger}");
        }
    }

    /// Only a provider of the tests, on this computer, may stand in for the real one.
    #[test]
    fn another_address_of_the_provider_must_be_here() {
        let lines = format!("{OFFICE}sign_in = \"browser\"\nclient_id = \"1\"");
        for (url, is_taken) in [
            ("http://127.0.0.1:8080", true),
            ("https://login.evil.example", false),
            ("http://192.0.2.1:80", false),
        ] {
            let (_, found) = read_relay(&lines, &[("SECRETARIAT_SIGN_IN_URL", url)]);
            assert_eq!(found.is_empty(), is_taken, "{url}: {found:?}");
        }
    }
}
