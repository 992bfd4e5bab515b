//! What `doctor` asks the name service: about the author, where bounces go, and who signs.

use super::args;
use super::doctor::sender;
use super::doctor_machine::Mailing;
use super::shell::Opened;
use crate::address::EmailAddress;
use crate::config;
use crate::doctor::check::Check;
use crate::doctor::domains::{Names, RelayNames, Signer, check_names};
use crate::doctor::names::{Answer, Kind, Known};
use crate::doctor::resolver::Resolver;
use crate::message::{Sender, dkim};
use crate::problem::Problems;
use crate::services::Service;
use crate::transport::smtp::Probe;
use std::net::IpAddr;

/// All checks of names.
pub(super) async fn look_at_names(
    opened: &Opened,
    args: &args::Doctor,
    mailing: Option<&Mailing>,
    probe: Option<&Probe>,
) -> Vec<Check> {
    let skipped = |why: String| vec![Check::skip("names", why)];
    let Some(sender) = sender(opened, mailing) else {
        return skipped("[sender] from must be in order first".to_owned());
    };
    let resolver = match Resolver::new(args.name_server) {
        Ok(resolver) => resolver,
        Err(why) => return skipped(format!("this computer has no name server: {why}")),
    };
    let author = sender.from.address.domain().to_ascii_lowercase();
    let bounces = bounce_address(&sender);
    let signers = signers(opened, args, &author);
    let mut known = Known::default();
    let relay = relay_names(opened.config.relay.as_ref(), probe, &resolver, &mut known).await;
    let names = |signer: Option<Signer>| Names {
        author: author.clone(),
        bounce: (bounces.local_part().to_owned(), bounces.domain().to_ascii_lowercase()),
        relay: relay.clone(),
        signer,
    };
    let mut checks = Vec::new();
    let each = signers.iter().cloned().map(Some);
    for (n, signer) in each.chain(signers.is_empty().then_some(None)).enumerate() {
        let names = names(signer);
        match resolver.settle(&mut known, |known| check_names(known, &names)).await {
            Ok(found) if n == 0 => checks = found,
            // Of a second key only the key is another one.
            Ok(found) => checks.extend(found.into_iter().filter(|c| c.id == "dkim-key")),
            Err(asked) => return skipped(format!("given up after {asked} questions")),
        }
    }
    checks
}

/// Where non-delivery reports go.
pub(super) fn bounce_address(sender: &Sender) -> &EmailAddress {
    sender.bounce_address.as_ref().unwrap_or(&sender.from.address)
}

/// Who signs: we with our own keys, or the mail server with the selector that is named, or with
/// those that its service is known to use.
fn signers(opened: &Opened, args: &args::Doctor, author: &str) -> Vec<Signer> {
    let config = &opened.config;
    let of_author = |selectors| Signer { domain: author.to_owned(), selectors, own_key: None };
    if let Some(selector) = &args.selector {
        return vec![of_author(vec![selector.clone()])];
    }
    if !config.dkim.is_empty() {
        let root = opened.workspace.root();
        // What is wrong with a key is among the mailing's errors.
        let keys = config::read_dkim_keys(&config.dkim, root, author, &mut Problems::new());
        return keys.signers().iter().map(own).collect();
    }
    let service = config.relay.as_ref().and_then(config::Relay::known_service);
    let selectors = |s: Service| s.facts().dkim_selectors.iter().map(|&s| s.to_owned()).collect();
    service.map(|service| of_author(selectors(service))).into_iter().collect()
}

fn own(signer: &dkim::Signer) -> Signer {
    Signer {
        domain: signer.domain.clone(),
        selectors: vec![signer.selector.clone()],
        own_key: Some(signer.key.public().to_vec()),
    }
}

/// How the world knows the relay: by the addresses at which it was reached, else by those that the
/// name server gives.
async fn relay_names(
    relay: Option<&config::Relay>,
    probe: Option<&Probe>,
    resolver: &Resolver,
    known: &mut Known,
) -> RelayNames {
    let Some(relay) = relay.filter(|relay| !relay.url.is_on_this_computer()) else {
        return RelayNames::Here;
    };
    let name = relay.url.host.clone();
    if let Some(service) = relay.known_service() {
        let facts = service.facts();
        return RelayNames::Service { name: facts.name, spf_include: facts.spf_include };
    }
    let mut addresses: Vec<IpAddr> = probe.map(Probe::found).unwrap_or_default();
    if addresses.is_empty() {
        let ask = |known: &Known| known.ask(Kind::Addresses, &name).cloned();
        if let Ok(Answer::Addresses(found)) = resolver.settle(known, ask).await {
            addresses = found;
        }
    }
    match !addresses.is_empty() && addresses.iter().all(is_of_own_network) {
        true => RelayNames::Here,
        false => RelayNames::Host { name, addresses },
    }
}

/// What no receiving server ever sees (RFC 1918, RFC 4193, RFC 3927).
fn is_of_own_network(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}
