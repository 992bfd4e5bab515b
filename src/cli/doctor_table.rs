//! What the name service says of a mailing's names, for the page for IT.
//!
//! # Failure
//! None: without a name service the table is empty, and the page says so.

use super::args;
use super::doctor_note::{Subject, bounce_address};
use crate::address::EmailAddress;
use crate::doctor::domains::{Names, RelayNames, Signer, table};
use crate::doctor::names::{Answer, Asked, Kind, Known};
use crate::doctor::note::NoteFinding;
use crate::doctor::resolver::Resolver;
use crate::limits::NOTE_DNS_TIME_MAX;
use std::net::IpAddr;

/// The table; empty where nobody answered anything.
pub(super) fn findings(subject: &Subject<'_>, args: &args::Doctor) -> Vec<NoteFinding> {
    let selector = args.selector.as_deref();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let rows = runtime.block_on(async {
        let resolver = Resolver::new(args.name_server).ok()?;
        let mut known = Known::default();
        let rule =
            |known: &Known| table(known, &names(known, subject, selector)?, subject.dkim.signers());
        let settled = async {
            // Without a network each answer fails, after a long wait: one is enough, and a table of
            // question marks helps nobody.
            let author = subject.sender.from.address.domain();
            let first = |known: &Known| known.texts(author).map(|found| found.is_ok());
            if !resolver.settle(&mut known, first).await.ok()? {
                return None;
            }
            resolver.settle(&mut known, rule).await.ok()
        };
        tokio::time::timeout(NOTE_DNS_TIME_MAX, settled).await.ok()?
    });
    runtime.shutdown_background();
    rows.unwrap_or_default()
}

/// What is asked about.
fn names(known: &Known, subject: &Subject<'_>, selector: Option<&str>) -> Asked<Names> {
    let author = &subject.sender.from.address;
    let bounce = EmailAddress::parse(&bounce_address(subject)).unwrap_or_else(|_| author.clone());
    let domain = |address: &EmailAddress| address.domain().to_ascii_lowercase();
    let host = &subject.relay.url.host;
    let relay = match subject.service.map(|service| service.facts()) {
        Some(facts) => RelayNames::Service { name: facts.name, spf_include: facts.spf_include },
        None if subject.relay.url.is_on_this_computer() => RelayNames::Here,
        None => RelayNames::Host { name: host.clone(), addresses: addresses(known, host)? },
    };
    let by_service = || {
        let facts = subject.service.map(|service| service.facts());
        facts.map(|f| f.dkim_selectors.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    };
    let selectors = selector.map(|selector| vec![selector.to_owned()]).or_else(by_service);
    let signer =
        selectors.map(|selectors| Signer { domain: domain(author), selectors, own_key: None });
    let bounce = (bounce.local_part().to_owned(), domain(&bounce));
    Ok(Names { author: domain(author), bounce, relay, signer })
}

fn addresses(known: &Known, host: &str) -> Asked<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    Ok(match known.ask(Kind::Addresses, host)? {
        Answer::Addresses(found) => found.clone(),
        _ => Vec::new(),
    })
}
