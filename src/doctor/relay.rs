//! What was seen of a mail server, judged: name, addresses, TLS, certificate, sign-in, size, sender.
//!
//! Pure: `transport/smtp/probe.rs` has looked. What the known services mean by their answers is
//! `services`'s.

use super::certificate::{self, Certificate};
use super::check::{Check, Verdict};
use crate::limits::{CERTIFICATE_DAYS_MIN, CLOCK_SKEW_MAX};
use crate::response::Response;
use crate::send::Halt;
use crate::services::{Service, known_answer};
use crate::time::Timestamp;
use crate::transport::smtp::{Extensions, Probe, Security, Seen, SignedIn};
use crate::transport::tokens::NoToken;
use crate::transport::{Ending, Loss, Outcome, Stage};

/// What the relay is meant to be.
#[derive(Clone, Debug)]
pub struct Meant<'a> {
    /// Its name in the configuration.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// What protects the connection.
    pub security: Security,
    /// Whether it is on this computer.
    pub is_here: bool,
    /// Whose it is, where it is a great service's.
    pub service: Option<Service>,
    /// Who signs in, if anybody does.
    pub account: Option<&'a str>,
    /// Whose letters they are, as far as the relay is asked: where bounces go.
    pub author: &'a str,
    /// Octets of the largest letter, where there is a mailing.
    pub largest: Option<u64>,
    /// What time it is here.
    pub now: Timestamp,
}

/// All checks of a mail server, in the order they are shown.
#[must_use]
pub fn check_relay(probe: &Probe, meant: &Meant<'_>) -> Vec<Check> {
    let mut checks = vec![check_name(probe, meant)];
    if probe.not_found.is_none() {
        checks.push(check_reached(probe, meant));
    }
    if let Some(outcome) = &probe.no_tls {
        let words = outcome.ending.in_words();
        checks.push(Check::fail("tls", words).remedy(Halt::TlsFailed.explained().1));
    }
    checks.extend(of_each(probe, |seen| check_tls(seen, meant)));
    checks.extend(of_each(probe, |seen| check_certificate(seen, meant)));
    let Some(open) = asked(probe) else {
        let why = "not tried, nor size and sender asked: no mail server could be spoken to";
        checks.push(Check::skip("sign-in", why));
        return checks;
    };
    checks.push(check_sign_in(open, meant));
    checks.push(check_extensions(open, meant));
    checks.push(check_author(open, meant));
    checks
}

/// The address that was asked for more, which is the first that came so far.
fn asked(probe: &Probe) -> Option<&Seen> {
    probe.addresses.iter().find(|seen| seen.is_open())
}

/// A check of each address. What is the same everywhere is told once; what differs, with where.
fn of_each(probe: &Probe, check: impl Fn(&Seen) -> Option<Check>) -> Vec<Check> {
    let mut found: Vec<(Check, String)> = Vec::new();
    for seen in &probe.addresses {
        let Some(check) = check(seen) else { continue };
        match found.iter_mut().find(|(known, _)| *known == check) {
            Some((_, at)) => at.push_str(&format!(", {}", seen.address.ip())),
            None => found.push((check, seen.address.ip().to_string())),
        }
    }
    let differ = found.len() > 1;
    let told = |(check, at): (Check, String)| match differ {
        true => Check { what: format!("{} (at {at})", check.what), ..check },
        false => check,
    };
    found.into_iter().map(told).collect()
}

fn check_name(probe: &Probe, meant: &Meant<'_>) -> Check {
    const ID: &str = "relay-name";
    let host = meant.host;
    match &probe.not_found {
        None => {
            let all: Vec<String> = probe.found().iter().map(ToString::to_string).collect();
            match host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
                Ok(_) => Check::pass(ID, format!("{host} is an address")),
                Err(_) => Check::pass(ID, format!("{host} is at {}", all.join(", "))),
            }
        }
        Some(Loss::NoSuchHost) => Check::fail(ID, format!("{host} has no address")).remedy(
            "Check the name in [relay] url, and whether this computer is online; your IT \
             department knows the right one.",
        ),
        Some(loss) => Check::fail(ID, format!("nobody could say where {host} is: {loss}"))
            .remedy("Check whether this computer is online, then run the same command again."),
    }
}

fn check_reached(probe: &Probe, meant: &Meant<'_>) -> Check {
    const ID: &str = "relay-reached";
    let port = meant.port;
    // Whoever greets is a mail server; with TLS from the first byte a handshake comes before.
    let greets = |seen: &&Seen| match &seen.ended {
        Some(outcome) => outcome.stage > Stage::Greeting || seen.greeting.is_some(),
        None => true,
    };
    let greeting: Vec<&Seen> = probe.addresses.iter().filter(greets).collect();
    let silent: Vec<&Seen> = probe.addresses.iter().filter(|seen| !greets(seen)).collect();
    let words = |seen: &Seen| {
        let why = seen.ended.as_ref().map(|outcome| outcome.ending.in_words());
        format!("{}: {}", seen.address.ip(), why.unwrap_or_default())
    };
    let why: Vec<String> = silent.iter().map(|seen| words(seen)).collect();
    let late = match probe.not_looked_at.len() {
        0 => String::new(),
        late => format!("; for {late} more no time was left"),
    };
    match (greeting.first(), why.as_slice()) {
        (None, []) => Check::skip(ID, format!("port {port} was not looked at")),
        (None, why) => {
            let found = format!("no mail server answers on port {port} ({}){late}", why.join("; "));
            Check::fail(ID, found).remedy(not_reached(&silent))
        }
        (Some(_), []) => Check::pass(ID, format!("{} on port {port}{late}", answers(&greeting))),
        (Some(_), why) => {
            let found = format!("not everywhere on port {port}: {}{late}", why.join("; "));
            Check::warn(ID, found).remedy(
                "Letters go to the others. A network without IPv6 is the usual reason and harmless.",
            )
        }
    }
}

fn answers(greeting: &[&Seen]) -> String {
    let name = greeting.iter().find_map(|seen| seen.name.as_deref()).unwrap_or_default();
    let who = if name.is_empty() { "a mail server".to_owned() } else { name.to_owned() };
    match greeting.len() {
        1 => format!("{who} answers"),
        all => format!("{who} answers at all {all} addresses"),
    }
}

fn not_reached(silent: &[&Seen]) -> &'static str {
    let ending = silent.iter().find_map(|seen| seen.ended.as_ref()).map(|outcome| &outcome.ending);
    match ending {
        Some(Ending::Answered(_)) => Halt::RelayRefusesUs.explained().1,
        Some(Ending::Lost(Loss::NotSmtp(_))) => Halt::NotAMailServer.explained().1,
        Some(Ending::Lost(Loss::TimedOut)) => {
            "A firewall may be in between: many networks let nobody out on port 25, and some not on \
             465 and 587. Try another network, or ask IT."
        }
        _ => "Check host and port in [relay] url; your IT department knows both.",
    }
}

fn check_tls(seen: &Seen, meant: &Meant<'_>) -> Option<Check> {
    const ID: &str = "tls";
    if let Some(encryption) = &seen.encryption {
        return Some(Check::pass(ID, encryption.clone()));
    }
    if meant.security == Security::Plain {
        return seen.is_open().then(|| match meant.is_here {
            true => Check::pass(ID, "none is needed: the mail server is on this computer"),
            false => Check::warn(ID, "letters go unencrypted to another computer")
                .remedy("Write smtp+starttls:// or smtps:// in [relay] url, if the server can."),
        });
    }
    let outcome = seen.ended.as_ref()?;
    if outcome.stage != Stage::StartTls {
        return None;
    }
    let words = outcome.ending.in_words();
    Some(match &outcome.ending {
        Ending::NotOffered(_) => {
            let (what, remedy) = Halt::TlsNotOffered.explained();
            Check::fail(ID, what).remedy(remedy)
        }
        _ if seen.certificate.is_some() => Check::fail(ID, "no secure connection: see certificate")
            .remedy(
                "Letters wait until the certificate is in order: nothing is said to a mail server \
                 that may be another's.",
            ),
        _ => Check::fail(ID, words).remedy(Halt::TlsFailed.explained().1),
    })
}

fn check_certificate(seen: &Seen, meant: &Meant<'_>) -> Option<Check> {
    const ID: &str = "certificate";
    let shown = certificate::read(seen.certificate.as_ref()?);
    let refused = seen.ended.as_ref().filter(|outcome| outcome.stage == Stage::StartTls);
    let (Some(read), None) = (&shown, refused) else {
        let why = refused.map(|outcome| outcome.ending.in_words()).unwrap_or_default();
        let what = match &shown {
            Some(read) => format!("{why} ({})", described(read)),
            None => why,
        };
        return Some(Check::fail(ID, what).remedy(untrusted(shown.as_ref(), meant)));
    };
    let days = read.not_after.since(meant.now).as_secs() / 86_400;
    let what = format!("{}, {}", described(read), days_left(days));
    Some(match days < CERTIFICATE_DAYS_MIN {
        true => Check::warn(ID, what).remedy(
            "Ask whoever runs the mail server to renew it before then: letters stop on that day.",
        ),
        false => Check::pass(ID, what),
    })
}

fn days_left(days: u64) -> String {
    match days {
        0 => "less than a day left".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    }
}

/// `for mail.forum.example, by Let's Encrypt, until 3 March 2027`.
fn described(read: &Certificate) -> String {
    const SHOWN: usize = 4;
    let more = match read.names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names: Vec<&str> = read.names.iter().take(SHOWN).map(String::as_str).collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let by = match read.is_self_signed {
        true => "signed by itself".to_owned(),
        false => format!("by {}", read.issuer),
    };
    format!("for {names}{more}, {by}, until {}", read.not_after.local_date())
}

fn untrusted(read: Option<&Certificate>, meant: &Meant<'_>) -> String {
    let Some(read) = read else {
        return "Ask whoever runs the mail server for a certificate in order.".to_owned();
    };
    if read.not_after < meant.now {
        return "Ask whoever runs the mail server to renew it; first look whether this computer's \
                clock is right."
            .to_owned();
    }
    if read.not_before > meant.now {
        return "Set this computer's clock.".to_owned();
    }
    let host = meant.host.to_ascii_lowercase();
    let is_for = |name: &String| covers(&name.to_ascii_lowercase(), &host);
    match read.names.iter().find(|name| !name.contains('*')) {
        Some(other) if !read.names.iter().any(is_for) => format!(
            "If {other} is the same server, write that name in [relay] url; if not, you have reached \
             somebody else's. Ask IT."
        ),
        _ => "If it is your own organisation's, get the certificate of its authority from IT and \
              set [relay] ca_file; if not, do not go on."
            .to_owned(),
    }
}

/// Whether a name in a certificate is that of a host (RFC 6125 6.4.3: one label for the star).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest == domain),
        None => name == host.trim_matches(['[', ']']),
    }
}

fn check_sign_in(seen: &Seen, meant: &Meant<'_>) -> Check {
    const ID: &str = "sign-in";
    let offered = seen.offers.as_ref().map(|offers| offers.auth.join(", ")).unwrap_or_default();
    let offered = match offered.as_str() {
        "" => "none is offered".to_owned(),
        kinds => format!("{kinds} offered"),
    };
    let account = meant.account.unwrap_or_default();
    match &seen.sign_in {
        SignedIn::Done(by) => Check::pass(ID, format!("{account} is let in by {by} ({offered})")),
        SignedIn::Failed(outcome) => refused_sign_in(outcome, meant, &offered),
        SignedIn::NotTried if meant.account.is_none() => {
            Check::skip(ID, format!("[relay] names nobody who signs in ({offered})"))
        }
        SignedIn::NotTried => Check::skip(ID, format!("not tried ({offered})")),
    }
}

fn refused_sign_in(outcome: &Outcome, meant: &Meant<'_>, offered: &str) -> Check {
    const ID: &str = "sign-in";
    let words = outcome.ending.in_words();
    let halt = match &outcome.ending {
        Ending::Answered(response) | Ending::TokenRefused(response) => {
            if let Some(check) = known(ID, response, meant) {
                return check;
            }
            match &outcome.ending {
                Ending::TokenRefused(_) => {
                    let (_, remedy) = Halt::TokenRefused.explained();
                    let what = format!("the mail server refused the token: {words}");
                    return Check::fail(ID, what).remedy(remedy);
                }
                _ if response.is_transient() => {
                    let what = format!("not let in for now: {words}");
                    return Check::warn(ID, what)
                        .remedy("Wait a while, then run the same command again.");
                }
                _ => Halt::SignInRefused,
            }
        }
        Ending::NotOffered(_) => {
            let (what, remedy) = Halt::SignInNotOffered.explained();
            return Check::fail(ID, format!("{what}: {words} ({offered})")).remedy(remedy);
        }
        Ending::NoToken(NoToken::Unreachable(_)) => {
            return Check::fail(ID, format!("there is no token: {words}"))
                .remedy("Check whether this computer is online, then run the same command again.");
        }
        Ending::NoToken(NoToken::SignInAgain(_)) => Halt::SignInOver,
        Ending::NoToken(NoToken::Refused(_)) => Halt::TokenDenied,
        Ending::NoToken(NoToken::Failed(_)) => Halt::NoToken,
        _ => Halt::SignInBroken,
    };
    let (what, remedy) = halt.explained();
    Check::fail(ID, format!("{what}: {words}")).remedy(remedy)
}

/// A refusal whose meaning is known.
fn known(id: &'static str, response: &Response, meant: &Meant<'_>) -> Option<Check> {
    let words = response.to_string();
    let answer = known_answer(&words, meant.service)?;
    let account = meant.account.unwrap_or("this computer");
    let code = match response.enhanced {
        Some(enhanced) => format!("{} {enhanced}", response.code),
        None => response.code.to_string(),
    };
    let what = format!("{} ({code})", answer.what(account, meant.author));
    let verdict = if response.is_transient() { Verdict::Warn } else { Verdict::Fail };
    Some(Check::new(id, verdict, what).remedy(answer.remedy(account, meant.author)))
}

/// What it can do, in words: what letters need first.
fn check_extensions(seen: &Seen, meant: &Meant<'_>) -> Check {
    const ID: &str = "extensions";
    let none = Extensions::default();
    let offers = seen.offers.as_ref().unwrap_or(&none);
    let most = match offers.size_limit() {
        Some(limit) => format!("takes letters up to {}", megabytes(limit)),
        None => "names no largest size".to_owned(),
    };
    if let (Some(limit), Some(largest)) = (offers.size_limit(), meant.largest)
        && largest > limit
    {
        let what = format!("{most}, and the largest letter has {}", megabytes(largest));
        return Check::fail(ID, what)
            .remedy("Make its documents smaller, or put a link to them into the letter.");
    }
    let can = [
        (offers.pipelining, "several commands at once (PIPELINING)"),
        (offers.chunking, "letters in one piece (CHUNKING)"),
        (offers.dsn, "reports of failure in a form of their own (DSN)"),
        (offers.smtputf8, "addresses beyond ASCII (SMTPUTF8)"),
    ];
    let can: Vec<&str> = can.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    match can.is_empty() {
        true => Check::pass(ID, most),
        false => Check::pass(ID, format!("{most}; {}", can.join(", "))),
    }
}

fn megabytes(octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} bytes"),
        1_000..1_024_000 => format!("{:.1} KB", octets as f64 / 1024.0),
        _ => format!("{:.1} MB", octets as f64 / 1024.0 / 1024.0),
    }
}

fn check_author(seen: &Seen, meant: &Meant<'_>) -> Check {
    const ID: &str = "author-accepted";
    let author = meant.author;
    let Some(answer) = &seen.author else {
        let why = match (&seen.sign_in, &seen.ended) {
            (SignedIn::Failed(_), _) => "nobody is signed in".to_owned(),
            (_, Some(outcome)) => outcome.ending.in_words(),
            _ => "it was not asked".to_owned(),
        };
        return Check::skip(
            ID,
            format!("whether letters may be from {author} is not known: {why}"),
        );
    };
    if answer.is_positive() {
        return Check::pass(ID, format!("{author} may write (MAIL accepted, then taken back)"));
    }
    if let Some(check) = known(ID, answer, meant) {
        return check;
    }
    let what = format!("refused as a sender: {author}: {answer}");
    match answer.is_transient() {
        true => Check::warn(ID, what).remedy("Wait a while, then run the same command again."),
        false => Check::fail(ID, what).remedy(Halt::SenderRefused.explained().1),
    }
}

/// Whether this computer's clock is right, as far as a mail server lets it be known.
#[must_use]
pub fn check_clock(probe: Option<&Probe>, now: Timestamp) -> Check {
    const ID: &str = "clock";
    let remedy = "Set this computer's clock (time from the network): letters are dated by it, and \
                  sign-in services refuse a wrong one.";
    let told = probe.and_then(|probe| probe.addresses.iter().find_map(time_told));
    if let Some(told) = told {
        let off = told.since(now).max(now.since(told));
        return match off > CLOCK_SKEW_MAX {
            true => {
                let is_late = now < told;
                let way = if is_late { "behind" } else { "ahead of" };
                let off = crate::time::in_words(off);
                Check::warn(ID, format!("{off} {way} the mail server's")).remedy(remedy)
            }
            false => Check::pass(ID, "the same as the mail server's, to a few minutes"),
        };
    }
    let shown = probe.and_then(|probe| {
        probe.addresses.iter().find_map(|s| certificate::read(s.certificate.as_ref()?))
    });
    match shown {
        Some(read) if read.not_before > now => {
            let day = read.not_before.local_date();
            let what = format!("the mail server's certificate begins on {day}, which is to come");
            Check::warn(ID, what).remedy(remedy)
        }
        _ => Check::skip(ID, "the mail server does not tell the time"),
    }
}

/// The date in a greeting, as Exchange and others give it: `... ready at Wed, 25 Nov 2026 ...`.
fn time_told(seen: &Seen) -> Option<Timestamp> {
    let greeting = seen.greeting.as_ref()?.to_string();
    let days = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let at = days.iter().find_map(|day| greeting.find(day))?;
    // `Wed, 25 Nov 2026 17:26:14 +0000`, and whatever stands behind it.
    let words: Vec<&str> = greeting[at..].split_whitespace().take(6).collect();
    Timestamp::from_rfc_5322(&words.join(" "))
}

#[cfg(test)]
mod tests;
