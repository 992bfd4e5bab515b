//! Whether the world will believe that a mailing is from its author: SPF, DKIM, DMARC, and whether
//! answers and bounces find a way back.
//!
//! Pure rules over what the name service said (`names.rs`). A receiving server judges by the same
//! records; where it sees what we cannot (the address a relay sends from, the domain it signs for),
//! the check says what it took for granted.
//!
//! # Standards
//! RFC 7208 (SPF), RFC 6376 (DKIM), RFC 9989 (DMARC), RFC 7505 (null MX), RFC 5321 5.1 (MX).

mod table;

pub use table::table;

use super::check::{Check, Verdict};
use super::dkim_key::{self, PublishedKey};
use super::dmarc::{self, Found};
use super::names::{Answer, Asked, Kind, Known};
use super::spf::{self, Published, Sender, Survey};
use super::spf_record::Qualifier;
use crate::limits::{
    DKIM_PUBLISHED_BITS_MIN, DKIM_RSA_BITS_MIN, SPF_LOOKUPS_MAX, SPF_VOID_LOOKUPS_MAX,
};
use std::net::IpAddr;

/// What of a mailing the name service is asked about.
#[derive(Clone, Debug)]
pub struct Names {
    /// Domain of the author's address.
    pub author: String,
    /// Local part and domain of the bounce address.
    pub bounce: (String, String),
    /// The relay.
    pub relay: RelayNames,
    /// Who signs, where anybody does: the domain and the selectors its keys may have.
    pub signer: Option<Signer>,
}

/// How the relay is known to the world.
#[derive(Clone, Debug)]
pub enum RelayNames {
    /// On this computer or in a network of one's own: from where it hands on is not known here.
    Here,
    /// A service, with the name its customers include in SPF.
    Service {
        /// `Microsoft 365`.
        name: &'static str,
        /// `spf.protection.outlook.com`.
        spf_include: &'static str,
    },
    /// A host with these addresses, which are taken for those that it sends from.
    Host {
        /// Its name.
        name: String,
        /// Where it was found.
        addresses: Vec<IpAddr>,
    },
}

/// Who signs.
#[derive(Clone, Debug)]
pub struct Signer {
    /// `d=`.
    pub domain: String,
    /// One that is configured, or those a service uses.
    pub selectors: Vec<String>,
    /// Our own key, DER or 32 octets as published, where we sign.
    pub own_key: Option<Vec<u8>>,
}

/// All checks of names, in the order they are shown.
///
/// # Errors
/// The question that must be answered first.
pub fn check_names(known: &Known, names: &Names) -> Asked<Vec<Check>> {
    let mut checks = vec![check_mail("answers-arrive", known, &names.author)?];
    let bounce = &names.bounce.1;
    if *bounce != names.author {
        checks.push(check_mail("bounces-arrive", known, bounce)?);
    }
    let spf = check_spf(known, bounce)?;
    let covered = check_coverage(known, names, &spf)?;
    let (dkim, is_signed) = check_dkim(known, names)?;
    let policy = dmarc::find(known, &names.author)?;
    let ways = Ways { is_spf: covered.1, is_dkim: is_signed };
    let alignment = check_alignment(known, names, &policy, &ways)?;
    checks.extend([spf.check, covered.0, dkim, check_dmarc(&policy, &names.author), alignment]);
    Ok(checks)
}

/// Whether mail to a domain has a way (RFC 5321 5.1).
fn check_mail(id: &'static str, known: &Known, domain: &str) -> Asked<Check> {
    let what = if id == "bounces-arrive" { "bounces" } else { "answers" };
    let remedy = format!("Ask whoever runs {domain} for its MX record, or use another address.");
    let exchangers = match known.ask(Kind::Exchangers, domain)? {
        Answer::Exchangers(found) => found,
        Answer::Failed(words) => {
            return Ok(Check::skip(
                id,
                format!("nobody could say who takes mail for {domain}: {words}"),
            ));
        }
        Answer::NoSuchName => {
            let remedy = "Correct [sender] in secretariat.toml: nobody can write to it.";
            return Ok(Check::fail(id, format!("there is no domain {domain}")).remedy(remedy));
        }
        _ => return check_mail_without_mx(id, known, domain, &remedy),
    };
    if exchangers.iter().all(|(_, host)| host.is_empty()) {
        let found = format!("{domain} says that it takes no mail (null MX): {what} are lost");
        return Ok(Check::fail(id, found).remedy(remedy));
    }
    for (_, host) in exchangers {
        if matches!(known.ask(Kind::Addresses, host)?, Answer::Addresses(_)) {
            return Ok(Check::pass(id, format!("{host} takes {what} to {domain}")));
        }
    }
    let found = format!("no mail server of {domain} has an address: {what} are lost");
    Ok(Check::fail(id, found).remedy(remedy))
}

fn check_mail_without_mx(
    id: &'static str,
    known: &Known,
    domain: &str,
    remedy: &str,
) -> Asked<Check> {
    Ok(match known.ask(Kind::Addresses, domain)? {
        Answer::Addresses(_) => {
            let found = format!("{domain} has no MX record; mail goes to its own address");
            Check::warn(id, found).remedy(remedy)
        }
        _ => {
            let found = format!("{domain} has neither an MX record nor an address");
            Check::fail(id, found).remedy(remedy)
        }
    })
}

/// What SPF says, before anybody's address is looked at.
struct SpfState {
    check: Check,
    /// Whether receiving servers can evaluate it.
    is_usable: bool,
    survey: Survey,
}

fn check_spf(known: &Known, domain: &str) -> Asked<SpfState> {
    const ID: &str = "spf";
    let survey = spf::survey(known, domain)?;
    let usable = |check, survey| SpfState { check, is_usable: true, survey };
    let broken = |check, survey| SpfState { check, is_usable: false, survey };
    Ok(match spf::published(known, domain)? {
        Published::Failed(words) => {
            let found = format!("nobody could say whether {domain} has SPF: {words}");
            broken(Check::skip(ID, found), survey)
        }
        Published::None => {
            let found = format!("{domain} has no SPF record: many servers doubt its mail");
            let remedy = format!("Publish a TXT record at {domain} that names its mail servers.");
            broken(Check::fail(ID, found).remedy(remedy), survey)
        }
        _ if !survey.faults.is_empty() => {
            let found = format!("SPF of {domain} cannot be followed: {}", survey.faults.join("; "));
            let remedy = "Correct the record: receiving servers take it as an error.";
            broken(Check::fail(ID, found).remedy(remedy), survey)
        }
        _ if survey.lookups > SPF_LOOKUPS_MAX => {
            let found = format!(
                "SPF of {domain} needs {} look-ups, and servers stop after {SPF_LOOKUPS_MAX}",
                survey.lookups
            );
            let remedy = "Take out what is no longer used, or write networks instead of includes.";
            broken(Check::fail(ID, found).remedy(remedy), survey)
        }
        _ if survey.voids.len() > SPF_VOID_LOOKUPS_MAX => {
            let found = format!(
                "SPF of {domain} names {} that do not exist, and servers stop after {SPF_VOID_LOOKUPS_MAX}: {}",
                survey.voids.len(),
                survey.voids.join(", ")
            );
            broken(Check::fail(ID, found).remedy("Take them out."), survey)
        }
        _ => usable(check_spf_words(domain, &survey), survey),
    })
}

/// A record that works, and what of it is unwise.
fn check_spf_words(domain: &str, survey: &Survey) -> Check {
    const ID: &str = "spf";
    if survey.everybody_else == Some(Qualifier::Pass) {
        let found = format!("SPF of {domain} lets everybody send in its name (+all)");
        return Check::warn(ID, found).remedy("End it with ~all or -all.");
    }
    if survey.uses_ptr {
        let found = format!("SPF of {domain} uses ptr, which many servers pass over");
        return Check::warn(ID, found).remedy("Write networks or names of hosts instead.");
    }
    if !survey.voids.is_empty() {
        let found =
            format!("SPF of {domain} names what does not exist: {}", survey.voids.join(", "));
        return Check::warn(ID, found).remedy("Take it out.");
    }
    let rest = match survey.everybody_else {
        Some(Qualifier::Fail) => "others must not send",
        Some(Qualifier::SoftFail) => "others should not send",
        _ => {
            let found = format!("SPF of {domain} says nothing of other servers");
            return Check::warn(ID, found).remedy("End it with ~all or -all.");
        }
    };
    let lookups = match survey.lookups {
        1 => "1 look-up".to_owned(),
        count => format!("{count} look-ups"),
    };
    Check::pass(
        ID,
        format!("SPF of {domain} can be followed: {lookups} of {SPF_LOOKUPS_MAX}, {rest}"),
    )
}

/// Whether SPF names the relay; with it, whether a receiving server will find a pass.
fn check_coverage(known: &Known, names: &Names, spf: &SpfState) -> Asked<(Check, Option<bool>)> {
    const ID: &str = "spf-covers-relay";
    let (local, domain) = &names.bounce;
    if !spf.is_usable {
        let check = Check::skip(ID, format!("SPF of {domain} must be in order first"));
        // What nobody could say is no fault of the record.
        let is_known = spf.check.verdict != Verdict::Skip;
        return Ok((check, is_known.then_some(false)));
    }
    match &names.relay {
        RelayNames::Here => {
            let found = "the mail server is on this computer or in your own network: from where it sends on \
                         is not known";
            Ok((Check::skip(ID, found), None))
        }
        RelayNames::Service { name, spf_include } => {
            let is_in = spf.survey.leads_to(spf_include);
            let check = match is_in {
                true => Check::pass(ID, format!("SPF of {domain} names {name}")),
                false => Check::fail(ID, format!("SPF of {domain} does not name {name}"))
                    .remedy(format!("Add include:{spf_include} to the TXT record at {domain}.")),
            };
            Ok((check, Some(is_in)))
        }
        RelayNames::Host { name, addresses } => {
            let mut refused = Vec::new();
            for address in addresses {
                let sender = Sender { address: *address, local, domain, hello: name };
                let verdict = spf::evaluate(known, &sender)?;
                if verdict != spf::Verdict::Pass {
                    refused.push((address, verdict));
                }
            }
            Ok((host_coverage(domain, name, addresses, &refused), Some(refused.is_empty())))
        }
    }
}

fn host_coverage(
    domain: &str,
    name: &str,
    addresses: &[IpAddr],
    refused: &[(&IpAddr, spf::Verdict)],
) -> Check {
    const ID: &str = "spf-covers-relay";
    if addresses.is_empty() {
        return Check::skip(ID, format!("{name} has no address"));
    }
    let Some((address, verdict)) = refused.first() else {
        let found = format!("SPF of {domain} lets {name} send, if it sends from where it listens");
        return Check::pass(ID, found);
    };
    let network = if address.is_ipv4() { "ip4" } else { "ip6" };
    let remedy = format!(
        "Ask whoever runs {name} which addresses it sends from, and have them added, such as {network}:{address}."
    );
    match verdict {
        spf::Verdict::Fail | spf::Verdict::PermError(_) => {
            Check::fail(ID, format!("SPF of {domain} forbids {address} ({name}) to send"))
        }
        spf::Verdict::TempError(words) => {
            Check::skip(ID, format!("nobody could say whether SPF covers {name}: {words}"))
        }
        _ => Check::warn(ID, format!("SPF of {domain} does not name {address} ({name})")),
    }
    .remedy(remedy)
}

/// Whether there is a key receiving servers can verify with; `None` where nobody is known to sign.
fn check_dkim(known: &Known, names: &Names) -> Asked<(Check, Option<bool>)> {
    const ID: &str = "dkim-key";
    let Some(signer) = &names.signer else {
        let found = "whether the mail server signs (DKIM) is not known here; name its selector with \
                     --selector";
        return Ok((Check::skip(ID, found), None));
    };
    let mut first = None;
    for selector in &signer.selectors {
        let key = dkim_key::find(known, selector, &signer.domain)?;
        let check = judge_key(&dkim_key::name(selector, &signer.domain), &key, signer);
        if check.verdict < Verdict::Fail {
            let is_known = check.verdict != Verdict::Skip;
            return Ok((check, is_known.then_some(true)));
        }
        first.get_or_insert(check);
    }
    let nothing = || Check::skip(ID, "no selector is named");
    Ok((first.unwrap_or_else(nothing), Some(false)))
}

fn judge_key(at: &str, key: &PublishedKey, signer: &Signer) -> Check {
    const ID: &str = "dkim-key";
    let publish = "Publish the key that the mail server signs with as a TXT record there.";
    let is_other =
        |published: &[u8]| signer.own_key.as_ref().is_some_and(|own| !same_key(own, published));
    let good = |kind: String, is_test: bool, published: &[u8]| {
        if is_other(published) {
            let found = format!("the key at {at} is not the one letters are signed with");
            return Check::fail(ID, found).remedy(
                "Publish the record that secretariat doctor --make-dkim-key wrote, or correct \
                 [dkim] selector or key.",
            );
        }
        match is_test {
            true => {
                Check::warn(ID, format!("the key at {at} says that it is only tried out (t=y)"))
                    .remedy("Take t=y out of the record.")
            }
            false => Check::pass(ID, format!("{kind} at {at}")),
        }
    };
    match key {
        PublishedKey::None => Check::fail(ID, format!("there is no key at {at}")).remedy(publish),
        PublishedKey::Revoked => {
            Check::fail(ID, format!("the key at {at} was withdrawn (p= is empty)")).remedy(publish)
        }
        PublishedKey::Broken(why) => {
            Check::fail(ID, format!("the key at {at} cannot be used: {why}")).remedy(publish)
        }
        PublishedKey::Failed(words) => {
            Check::skip(ID, format!("nobody could say whether there is a key at {at}: {words}"))
        }
        PublishedKey::Rsa { bits, .. } if *bits < DKIM_PUBLISHED_BITS_MIN => {
            Check::fail(ID, format!("the key at {at} has {bits} bits: servers refuse it"))
                .remedy("Make a key of 2048 bits.")
        }
        PublishedKey::Rsa { bits, .. } if *bits < DKIM_RSA_BITS_MIN => {
            Check::warn(ID, format!("the key at {at} has {bits} bits, which is short"))
                .remedy("Make a key of 2048 bits.")
        }
        PublishedKey::Rsa { bits, is_test, der } => {
            good(format!("an RSA key of {bits} bits"), *is_test, der)
        }
        PublishedKey::Ed25519 { is_test, key } => good("an Ed25519 key".to_owned(), *is_test, key),
    }
}

/// Whether two published forms are of one key: with and without the wrapping that says RSA.
fn same_key(own: &[u8], published: &[u8]) -> bool {
    own == published || own.ends_with(published) || published.ends_with(own)
}

fn check_dmarc(policy: &Found, author: &str) -> Check {
    const ID: &str = "dmarc";
    match policy {
        Found::Failed(words) => Check::skip(
            ID,
            format!("nobody could say whether {author} has a DMARC policy: {words}"),
        ),
        Found::None => {
            let found = format!("{author} has no DMARC policy; large services ask senders for one");
            Check::warn(ID, found)
                .remedy(format!("Publish v=DMARC1; p=none as a TXT record at _dmarc.{author}."))
        }
        Found::Broken { at, why } => {
            let found = format!("the DMARC policy of {at} is followed by nobody: {why}");
            Check::fail(ID, found).remedy(format!("Correct the TXT record at _dmarc.{at}."))
        }
        Found::Record(record) => {
            let test = if record.is_test { ", only tried out" } else { "" };
            let found =
                format!("{}: what fails meets p={}{test}", record.at, record.policy.as_str());
            Check::pass(ID, found)
        }
    }
}

/// The two ways to be believed, as far as they are known: `None` where they are not.
struct Ways {
    is_spf: Option<bool>,
    is_dkim: Option<bool>,
}

/// Whether a receiving server will find one of them in the author's own name (RFC 9989 4.4).
fn check_alignment(known: &Known, names: &Names, policy: &Found, ways: &Ways) -> Asked<Check> {
    const ID: &str = "dmarc-alignment";
    let (is_spf_strict, is_dkim_strict, weight) = match policy {
        Found::Record(record) => (record.is_spf_strict, record.is_dkim_strict, Some(record.policy)),
        _ => (false, false, None),
    };
    let author = &names.author;
    let (_, bounce) = &names.bounce;
    let spf = dmarc::is_aligned(known, author, bounce, is_spf_strict)?;
    let dkim = match &names.signer {
        Some(signer) => dmarc::is_aligned(known, author, &signer.domain, is_dkim_strict)?,
        None => false,
    };
    if ways.is_dkim == Some(true) && dkim {
        return Ok(Check::pass(ID, format!("letters are signed in the name of {author}")));
    }
    if ways.is_spf == Some(true) && spf {
        let found =
            format!("bounces go to {author}'s own name, and its SPF covers the mail server");
        return Ok(match ways.is_dkim {
            Some(false) => Check::warn(ID, format!("{found}; only the signature is missing"))
                .remedy("Forwarded letters lose SPF: have DKIM signing switched on too."),
            _ => Check::pass(ID, found),
        });
    }
    if (ways.is_spf.is_none() && spf) || ways.is_dkim.is_none() {
        let found = match policy {
            Found::Failed(_) => "whether letters pass DMARC cannot be said: see above",
            _ => "whether letters pass DMARC depends on what the mail server does: see above",
        };
        return Ok(Check::skip(ID, found));
    }
    let found =
        format!("nothing will show that letters are from {author}: {}", lack(names, spf, dkim));
    let remedy = format!(
        "Have DKIM signing switched on for {author}, or a bounce address under {author} and its SPF \
         cover the mail server."
    );
    Ok(match weight {
        Some(dmarc::Policy::Quarantine | dmarc::Policy::Reject) => Check::fail(ID, found),
        _ => Check::warn(ID, found),
    }
    .remedy(remedy))
}

fn lack(names: &Names, spf: bool, dkim: bool) -> String {
    let spf = match spf {
        true => "SPF does not cover the mail server".to_owned(),
        false => format!("bounces go to {}, another organisation", names.bounce.1),
    };
    let dkim = match (&names.signer, dkim) {
        (Some(signer), false) => format!("the signature would be of {}", signer.domain),
        _ => "there is no usable DKIM key".to_owned(),
    };
    format!("{spf}, and {dkim}")
}

#[cfg(test)]
mod tests;
