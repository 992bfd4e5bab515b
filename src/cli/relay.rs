//! The relay a command speaks to: settings, proof of who signs in and certificates put together.
//!
//! Owns what must be right about it before a person is asked anything.

use super::credentials::credentials;
use super::shell::{Opened, Shell};
use super::ui::size;
use crate::config::{self, SignIn};
use crate::limits::CONFIG_BYTES_MAX;
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::services::Service;
use crate::transport::smtp::{Credentials, Relay, Security, Timeouts};

/// The relay with its password and certificates; `None` with a problem.
pub(super) fn relay(
    shell: &Shell,
    opened: &Opened,
    plan: &Plan,
    problems: &mut Problems,
) -> Option<Relay> {
    if opened.config.relay_is_broken {
        // What is wrong with it stands among the configuration's problems.
        return None;
    }
    let Some(setting) = &opened.config.relay else {
        problems.push(Problem::error("no-relay", "no mail server is configured").hint(
            "Write [relay] url = \"smtps://HOST:465\" into secretariat.toml; your IT \
                       department knows the host.",
        ));
        return None;
    };
    check_reserved(plan, setting.url.is_on_this_computer(), problems);
    check_size(plan, setting, problems);
    check_sign_in_is_protected(setting, problems);
    // Both are looked at before either ends it, so that both are told.
    // Nobody waits for a sign-in service where nothing can go anyway.
    let may_ask = !problems.has_errors();
    let credentials = problems.take_from(credentials(shell, opened, setting, may_ask));
    let extra_ca_pem = problems.take_from(extra_ca_pem(opened, setting));
    let (credentials, extra_ca_pem) = (credentials?, extra_ca_pem?);
    Some(assembled(setting, credentials, extra_ca_pem))
}

/// A sign-in goes over no connection without TLS, also not on this computer (security S4).
fn check_sign_in_is_protected(setting: &config::Relay, problems: &mut Problems) {
    let is_plain = setting.url.security == Security::Plain;
    if is_plain && !matches!(setting.sign_in, SignIn::None) {
        let message = format!("{} has no TLS, and nobody signs in without", setting.url);
        problems.push(Problem::error("sign-in-in-plain", message).hint(
            "Write smtp+starttls:// or smtps:// in [relay] url, or remove user where the server \
             wants no sign-in.",
        ));
    }
}

/// The relay for whoever only looks at it. Where there is no proof of who signs in, without it, and
/// with the reason.
///
/// # Errors
/// What is wrong with `ca_file`.
pub(super) fn relay_to_look_at(
    shell: &Shell,
    opened: &Opened,
    setting: &config::Relay,
) -> Result<(Relay, Option<Problem>), Problem> {
    let extra_ca_pem = extra_ca_pem(opened, setting)?;
    // A token is fetched when it is its turn, so that all else is seen without one.
    let (credentials, lacking) = match credentials(shell, opened, setting, false) {
        Ok(credentials) => (credentials, None),
        Err(problem) => (None, Some(problem)),
    };
    Ok((assembled(setting, credentials, extra_ca_pem), lacking))
}

fn assembled(
    setting: &config::Relay,
    credentials: Option<Credentials>,
    extra_ca_pem: Option<Vec<u8>>,
) -> Relay {
    Relay {
        host: setting.url.host.clone(),
        port: setting.url.port,
        security: setting.url.security,
        hello: setting.hello.clone(),
        credentials,
        extra_ca_pem,
        disable: setting.habits.disable.clone(),
        timeouts: Timeouts::default(),
    }
}

/// Certificates besides the operating system's.
fn extra_ca_pem(opened: &Opened, setting: &config::Relay) -> Result<Option<Vec<u8>>, Problem> {
    let Some(file) = &setting.ca_file else { return Ok(None) };
    opened.workspace.read(&file.value, CONFIG_BYTES_MAX).map(Some)
}

/// The largest letter against what the service takes of a mailbox unless IT has raised it: what the
/// server itself says of its size is often more.
fn check_size(plan: &Plan, setting: &config::Relay, problems: &mut Problems) {
    let Some(facts) = setting.known_service().map(Service::facts) else { return };
    let largest = plan.deliveries.iter().max_by_key(|letter| letter.octets);
    let Some(letter) = largest.filter(|letter| letter.octets > facts.message_bytes.value) else {
        return;
    };
    let (weight, takes) = (size(letter.octets), size(facts.message_bytes.value));
    let message = format!(
        "the largest letter has {weight}, and {} takes {takes} of a mailbox unless it is raised",
        facts.name
    );
    let hint = format!(
        "Make the documents smaller or link to them, or ask IT for the limit of your mailbox. \
         Source: {}.",
        facts.message_bytes.cited()
    );
    problems.push(Problem::warning("service-size", message).hint(hint));
}

/// Reserved domains only to a relay on this computer (security S22).
pub(super) fn check_reserved(plan: &Plan, on_this_computer: bool, problems: &mut Problems) {
    let addresses = || plan.all().map(|(_, address)| address);
    let reserved: Vec<_> = addresses().filter(|address| address.is_reserved()).collect();
    if on_this_computer || reserved.is_empty() {
        return;
    }
    let message = format!(
        "{} of {} addresses are in domains reserved for examples, such as {}",
        reserved.len(),
        addresses().count(),
        reserved[0]
    );
    problems.push(
        Problem::error("reserved-domain", message)
            .hint(
                "They exist nowhere: remove the sample's lists from recipients/, or mend the \
                   addresses.",
            )
            .count(reserved.len() as u64),
    );
}
