//! `[relay] service`: what a great service fills in, and what written beside it cannot be.
//!
//! Owns the meaning of the key and the warnings that compare the configuration with what is known of
//! the service. The facts are `services/`. No I/O.
//!
//! # Invariants
//! Whatever is filled in may be written otherwise: a fact grows old, and an office may have an
//! agreement of its own. Nothing here is an error but a name that is no service's.

use super::relay_url::RelayUrl;
use super::section::{Placed, Reader, Refusal};
use super::{Campaign, Relay, Sender};
use crate::address::EmailAddress;
use crate::problem::{Place, Problem, nearest};
use crate::send::pace::{Pacing, Rate};
use crate::services::{Fact, Service};
use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Reads the name of a service.
pub(super) fn parse_service(text: &str) -> Result<Service, Refusal> {
    Service::from_name(text).ok_or_else(|| {
        let names = || Service::ALL.into_iter().map(Service::as_str);
        let near = nearest(text, names()).map(|near| format!("Did you mean {near:?}? "));
        let hint = "Write \"microsoft365\" or \"google\"; for any other mail server remove the line \
                    and write url.";
        let hint = near.unwrap_or_default() + hint;
        Refusal::new(format!("is no service that is known here: {text:?}"), hint)
    })
}

/// What the service takes from a mailbox.
pub(super) fn pacing_of(service: Service) -> Pacing {
    let facts = service.facts();
    let letters = NonZeroU32::new(facts.a_minute.value);
    Pacing {
        rate: letters.map(|letters| Rate { letters, per: MINUTE }),
        daily_limit: NonZeroU64::new(facts.a_day.value),
    }
}

/// Whose server the URL names, beside what is written of it.
pub(super) fn check_url(
    name: &str,
    service: Option<&Placed<Service>>,
    url: &Placed<RelayUrl>,
    reader: &mut Reader<'_>,
) {
    let host = &url.value.host;
    let Some(found) = Service::of_host(host) else { return };
    let (facts, key) = (found.facts(), found.as_str());
    let problem = match service {
        Some(written) if written.value == found => return,
        Some(written) => {
            let written = written.value.as_str();
            let message =
                format!("{name} is a server of {}, and service is {written:?}", facts.name);
            let hint = format!("Write service = {key:?}, or remove the line url.");
            Problem::warning("service-url", message).hint(hint)
        }
        None => {
            let message = format!("{host} is {}'s, whose limits are known", facts.name);
            let hint = format!(
                "Write service = {key:?} under [relay]: letters then go at its pace, and not in vain."
            );
            Problem::note("service-unwritten", message).hint(hint)
        }
    };
    reader.report(problem.place(url.place.clone()));
}

/// What is written against what the service takes. `places` are those of `connections`, `rate` and
/// `daily_limit`.
pub(super) fn check_habits(
    service: Service,
    connections: Option<NonZeroUsize>,
    written: Pacing,
    places: [Option<Place>; 3],
    reader: &mut Reader<'_>,
) {
    let facts = service.facts();
    let usual = pacing_of(service);
    let [at_connections, at_rate, at_day] = places;
    let (most, minute, day) = (facts.connections, facts.a_minute, facts.a_day);
    let is_above = most.value > 0 && connections.is_some_and(|n| n.get() > usize::from(most.value));
    if let Some(place) = at_connections.filter(|_| is_above) {
        let takes = format!("{} at once", most.value);
        report_above("connections", service, &takes, &most, place, reader);
    }
    let is_above =
        usual.rate.is_some_and(|u| written.rate.is_some_and(|w| w.spacing() < u.spacing()));
    if let Some(place) = at_rate.filter(|_| is_above) {
        let takes = format!("{} letters a minute", minute.value);
        report_above("rate", service, &takes, &minute, place, reader);
    }
    let is_above = written.daily_limit.is_some_and(|limit| limit.get() > day.value);
    if let Some(place) = at_day.filter(|_| is_above) {
        let takes = format!("{} a day", day.value);
        report_above("daily_limit", service, &takes, &day, place, reader);
    }
}

fn report_above<T>(
    key: &str,
    service: Service,
    takes: &str,
    fact: &Fact<T>,
    place: Place,
    reader: &mut Reader<'_>,
) {
    let name = service.facts().name;
    let message = format!("relay.{key} is above what {name} takes of a mailbox: {takes}");
    let hint =
        format!("Remove the line, unless your office has another limit. Source: {}.", fact.cited());
    reader.report(Problem::warning("service-limit", message).place(place).hint(hint));
}

/// Authors and bounce addresses that are not the mailbox that signs in.
pub(super) fn check_senders(relay: &Relay, campaigns: &[Campaign], reader: &mut Reader<'_>) {
    let user = relay.sign_in.user().and_then(|user| EmailAddress::parse(user).ok());
    let (Some(service), Some(user)) = (relay.known_service(), user) else { return };
    let mut told = BTreeSet::new();
    for sender in campaigns.iter().map(|campaign| &campaign.sender) {
        for problem in of_sender(service, &user, sender) {
            // One [sender] is that of many mailings.
            if told.insert((problem.place.clone(), problem.message.clone())) {
                reader.report(problem);
            }
        }
    }
}

fn of_sender(service: Service, user: &EmailAddress, sender: &Sender) -> Vec<Problem> {
    let (facts, own) = (service.facts(), user.compare_key());
    let is_other = |address: &EmailAddress| address.compare_key() != own;
    let mut problems = Vec::new();
    let author = sender.author().filter(|author| is_other(author));
    if let (Some(author), Some(from)) = (author, &sender.from) {
        let message =
            format!("{} lets {user} write as {author} {}", facts.name, facts.other_author.value);
        let hint = format!(
            "Nothing is to be done where that is so; else ask IT, or change from. Source: {}.",
            facts.other_author.cited()
        );
        let problem = Problem::warning("service-sender", message).hint(hint);
        problems.push(problem.place(from.place.clone()));
    }
    if let Some(bounces) = sender.bounce_address.as_ref().filter(|b| is_other(&b.value)) {
        let fact = facts.other_bounce_address;
        let message = format!(
            "{} lets {user} have bounces sent to {} {}",
            facts.name, bounces.value, fact.value
        );
        let hint = format!(
            "Nothing is to be done where that is so; else remove bounce_address. Source: {}.",
            fact.cited()
        );
        let problem = Problem::warning("service-bounces", message).hint(hint);
        problems.push(problem.place(bounces.place.clone()));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment, SignIn, read};
    use crate::limits::CONNECTIONS_USUAL;
    use crate::problem::Problems;

    fn read_relay(relay: &str, from: &str, variables: &[(&str, &str)]) -> (Config, Vec<String>) {
        let text = format!(
            "[relay]\n{relay}\n[conference]\nname = \"A\"\n[sender]\nfrom = \"{from}\"\n\
             [campaigns.one]\n[campaigns.two]"
        );
        let mut problems = Problems::new();
        let config = read("f", text.as_bytes(), &Environment::of(variables), &mut problems);
        let shown = |p: &&Problem| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let hint = p.hint.as_deref().unwrap_or_default();
            format!("{} {place} {} | {hint}", p.severity.as_str(), p.message)
        };
        (config.unwrap(), problems.sorted().iter().map(shown).collect())
    }

    const MICROSOFT: &str = "service = \"microsoft365\"";
    const OWN: &str = "me@forum.example";

    #[test]
    fn a_service_fills_the_relay_and_each_key_is_overridden() {
        let (config, found) = read_relay(MICROSOFT, OWN, &[]);
        assert_eq!(found, [""; 0]);
        let relay = config.relay.unwrap();
        assert_eq!(relay.url.to_string(), "smtp+starttls://smtp.office365.com:587");
        let pacing = relay.habits.pacing;
        assert_eq!(pacing.rate.map(|rate| rate.spacing().as_secs()), Some(2));
        assert_eq!(pacing.daily_limit.map(NonZeroU64::get), Some(10_000));
        assert_eq!(relay.habits.connections, CONNECTIONS_USUAL);
        let lines = "url = \"smtps://proxy.forum.example\"\nrate = \"10/min\"\ndaily_limit = 9\n\
                     connections = 1";
        let (config, found) = read_relay(&format!("{MICROSOFT}\n{lines}"), OWN, &[]);
        assert_eq!(found, [""; 0]);
        let relay = config.relay.unwrap();
        assert_eq!(relay.url.to_string(), "smtps://proxy.forum.example:465");
        assert_eq!(relay.habits.pacing.rate.map(|rate| rate.spacing().as_secs()), Some(6));
        assert_eq!(relay.habits.pacing.daily_limit.map(NonZeroU64::get), Some(9));
        assert_eq!(relay.habits.connections.get(), 1);
        let there = [("SECRETARIAT_RELAY_URL", "smtp://127.0.0.1:2525")];
        let (config, found) = read_relay(MICROSOFT, OWN, &there);
        assert_eq!(found, [""; 0]);
        assert_eq!(config.relay.unwrap().url.to_string(), "smtp://127.0.0.1:2525");
        let (config, _) = read_relay("service = \"google\"", OWN, &[]);
        let relay = config.relay.unwrap();
        assert_eq!(relay.url.host, "smtp.gmail.com");
        assert_eq!(relay.habits.pacing.rate, None, "Google tells none");
        assert_eq!(relay.habits.pacing.daily_limit.map(NonZeroU64::get), Some(2_000));
    }

    #[test]
    fn a_service_says_whose_accounts_they_are() {
        let sign_in = "user = \"me@forum.example\"\nsign_in = \"browser\"\nclient_id = \"1\"";
        for (lines, provider) in [
            ("service = \"microsoft365\"", "login.microsoftonline.com/organizations/"),
            (
                "service = \"microsoft365\"\ntenant = \"f.example\"",
                "microsoftonline.com/f.example/",
            ),
            ("service = \"microsoft365\"\nurl = \"smtps://proxy.example\"", "/organizations/"),
            ("service = \"google\"\nurl = \"smtps://proxy.example\"", "accounts.google.com"),
        ] {
            let (config, found) = read_relay(&format!("{lines}\n{sign_in}"), OWN, &[]);
            assert_eq!(found, [""; 0], "{lines}");
            let SignIn::Provider(of) = config.relay.unwrap().sign_in else { panic!("{lines}") };
            assert!(of.provider.authorisation.contains(provider), "{:?}", of.provider);
        }
        let lines = format!("service = \"google\"\n{sign_in}\ntenant = \"f.example\"");
        let (_, found) = read_relay(&lines, OWN, &[]);
        assert!(found.len() == 1 && found[0].contains("relay.tenant is not used"), "{found:#?}");
    }

    #[test]
    fn what_cannot_be_is_warned_of_with_its_source() {
        for (lines, expected) in [
            (
                "service = \"microsoft365\"\nrate = \"31/min\"",
                "warning f:3:8 relay.rate is above what Microsoft 365 takes of a mailbox: 30 \
                 letters a minute | Remove the line, unless your office has another limit. Source: \
                 learn.microsoft.com/",
            ),
            (
                "service = \"microsoft365\"\nconnections = 4",
                "warning f:3:15 relay.connections is above what Microsoft 365 takes of a mailbox: 3 \
                 at once | ",
            ),
            (
                "service = \"google\"\ndaily_limit = 2001",
                "warning f:3:15 relay.daily_limit is above what Google Workspace takes of a \
                 mailbox: 2000 a day | ",
            ),
            ("service = \"google\"\nconnections = 9", ""),
            (
                "service = \"google\"\nurl = \"smtp+starttls://smtp.office365.com\"",
                "warning f:3:7 relay.url is a server of Microsoft 365, and service is \"google\" | \
                 Write service = \"microsoft365\", or",
            ),
            (
                "url = \"smtp+starttls://smtp.office365.com\"",
                "note f:2:7 smtp.office365.com is Microsoft 365's, whose limits are known | Write \
                 service = \"microsoft365\" under [relay]",
            ),
            ("url = \"smtps://mail.forum.example\"", ""),
            (
                "service = \"microsoft\"",
                "error f:2:11 relay.service is no service that is known here: \"microsoft\" | ",
            ),
        ] {
            let (_, found) = read_relay(lines, OWN, &[]);
            assert_eq!(found.len(), usize::from(!expected.is_empty()), "{lines}: {found:#?}");
            assert!(found.iter().all(|f| f.starts_with(expected)), "{lines}: {found:#?}");
        }
    }

    #[test]
    fn another_author_is_warned_of_once_with_what_the_service_does() {
        let lines = format!("{MICROSOFT}\nuser = \"me@forum.example\"");
        let (_, found) = read_relay(&lines, "Forum <Me@Forum.example>", &[]);
        assert_eq!(found, [""; 0]);
        let (_, found) = read_relay(&lines, "Forum <outreach@forum.example>", &[]);
        let expected = "warning f:7:8 Microsoft 365 lets me@forum.example write as \
                        outreach@forum.example only with the right \"Send As\" for that address | ";
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
        let bounces = "me@forum.example\"\nbounce_address = \"bounces@forum.example";
        let lines = "service = \"google\"\nuser = \"me@forum.example\"";
        let (_, found) = read_relay(lines, bounces, &[]);
        let expected = "warning f:8:18 Google Workspace lets me@forum.example have bounces sent to \
                        bounces@forum.example not at all: bounces go to the mailbox that signs in | ";
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
        // A sign-in name that is no address says nothing of the mailbox.
        let (_, found) = read_relay("service = \"google\"\nuser = \"ana\"", "o@f.example", &[]);
        assert_eq!(found, [""; 0]);
    }
}
