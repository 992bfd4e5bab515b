//! SPF, DKIM and DMARC as a table for whoever keeps the zone: what is published, and what should be.
//!
//! Owns the records that are proposed. A proposal changes as little as it can of what is there.

use super::{Names, RelayNames, check_coverage, check_spf, judge_key, same_key};
use crate::doctor::check::Verdict;
use crate::doctor::dkim_key::{self, PublishedKey};
use crate::doctor::dmarc::{self, Found};
use crate::doctor::names::{Asked, Known};
use crate::doctor::note::{Needed, NoteFinding};
use crate::doctor::spf::{self, Published, Sender};
use crate::message::dkim::Signer as OwnSigner;

/// The table's lines; `own` are the keys we sign with, each of which has a line.
///
/// # Errors
/// The question that must be answered first.
pub fn table(known: &Known, names: &Names, own: &[OwnSigner]) -> Asked<Vec<NoteFinding>> {
    let mut rows = vec![spf_row(known, names)?];
    for signer in own {
        rows.push(own_key_row(known, signer)?);
    }
    if own.is_empty() {
        rows.push(signing_row(known, names)?);
    }
    rows.push(dmarc_row(known, names)?);
    Ok(rows)
}

/// What and where.
type At = (&'static str, String);

fn row((what, name): At, found: &[String], needed: Needed) -> NoteFinding {
    NoteFinding { what, name, found: found.join(" "), needed, record: String::new() }
}

fn publish(at: At, found: &[String], record: String) -> NoteFinding {
    NoteFinding { record, ..row(at, found, Needed::Publish) }
}

/// TXT of a name that begin so; none where nobody answers, which whoever asks has seen already.
fn beginning(known: &Known, name: &str, begins: &str) -> Asked<Vec<String>> {
    let texts = known.texts(name)?.unwrap_or_default();
    let is_one = |text: &&String| {
        text.get(..begins.len()).is_some_and(|start| start.eq_ignore_ascii_case(begins))
    };
    Ok(texts.iter().filter(is_one).cloned().collect())
}

fn spf_row(known: &Known, names: &Names) -> Asked<NoteFinding> {
    let domain = &names.bounce.1;
    let what = ("SPF", domain.clone());
    let found = beginning(known, domain, "v=spf1")?;
    match spf::published(known, domain)? {
        Published::Failed(_) => return Ok(row(what, &found, Needed::Unknown)),
        Published::None => {
            let missing = missing_terms(known, names)?;
            return Ok(match missing.is_empty() {
                true => row(what, &found, Needed::Servers),
                false => publish(what, &found, format!("v=spf1 {} ~all", missing.join(" "))),
            });
        }
        _ => {}
    }
    let spf = check_spf(known, domain)?;
    if spf.check.verdict == Verdict::Skip {
        return Ok(row(what, &found, Needed::Unknown));
    }
    let (coverage, _) = check_coverage(known, names, &spf)?;
    let missing = missing_terms(known, names)?;
    Ok(match (spf.is_usable, coverage.verdict, found.first()) {
        (true, Verdict::Fail | Verdict::Warn, Some(record)) if !missing.is_empty() => {
            let (version, rest) = record.split_at("v=spf1".len());
            publish(what, &found, format!("{version} {}{rest}", missing.join(" ")))
        }
        (true, ..) if spf.check.verdict == Verdict::Pass => row(what, &found, Needed::Ok),
        _ => row(what, &found, Needed::Mend),
    })
}

/// What the record would have to name so that it covers the relay, and does not yet.
fn missing_terms(known: &Known, names: &Names) -> Asked<Vec<String>> {
    let (local, domain) = &names.bounce;
    Ok(match &names.relay {
        RelayNames::Here => Vec::new(),
        RelayNames::Service { spf_include, .. } => {
            let is_in = spf::survey(known, domain)?.leads_to(spf_include);
            if is_in { Vec::new() } else { vec![format!("include:{spf_include}")] }
        }
        RelayNames::Host { name, addresses } => {
            let mut missing = Vec::new();
            for address in addresses {
                let sender = Sender { address: *address, local, domain, hello: name };
                if spf::evaluate(known, &sender)? != spf::Verdict::Pass {
                    let network = if address.is_ipv4() { "ip4" } else { "ip6" };
                    missing.push(format!("{network}:{address}"));
                }
            }
            missing
        }
    })
}

/// A key of ours, and whether it is the one that is published.
fn own_key_row(known: &Known, signer: &OwnSigner) -> Asked<NoteFinding> {
    let record = signer.record();
    let what = ("DKIM", record.name.clone());
    let found = known.texts(&record.name)?.unwrap_or_default().to_vec();
    let own = signer.key.public();
    let is_in_order = match dkim_key::find(known, &signer.selector, &signer.domain)? {
        PublishedKey::Failed(_) => return Ok(row(what, &found, Needed::Unknown)),
        PublishedKey::Rsa { der, is_test, .. } => !is_test && same_key(own, &der),
        PublishedKey::Ed25519 { key, is_test } => !is_test && same_key(own, &key),
        _ => false,
    };
    Ok(match is_in_order {
        true => row(what, &found, Needed::Ok),
        false => publish(what, &found, record.value),
    })
}

/// The keys of whoever signs for us: one that is in order is enough.
fn signing_row(known: &Known, names: &Names) -> Asked<NoteFinding> {
    let Some(signer) = &names.signer else {
        return Ok(row(("DKIM", names.author.clone()), &[], Needed::Selector));
    };
    let mut looked_at = Vec::new();
    for selector in &signer.selectors {
        let name = dkim_key::name(selector, &signer.domain);
        let found = known.texts(&name)?.unwrap_or_default().to_vec();
        let key = dkim_key::find(known, selector, &signer.domain)?;
        match judge_key(&name, &key, signer).verdict {
            Verdict::Pass => return Ok(row(("DKIM", name), &found, Needed::Ok)),
            Verdict::Skip => return Ok(row(("DKIM", name), &found, Needed::Unknown)),
            _ => looked_at.push((name, found)),
        }
    }
    let names: Vec<_> = looked_at.iter().map(|(name, _)| name.as_str()).collect();
    let found: Vec<_> = looked_at.iter().flat_map(|(_, found)| found.clone()).collect();
    Ok(row(("DKIM", names.join(", ")), &found, Needed::Signing))
}

fn dmarc_row(known: &Known, names: &Names) -> Asked<NoteFinding> {
    let at = |domain: &str| format!("_dmarc.{domain}");
    let what = |domain: &str| ("DMARC", at(domain));
    let author = &names.author;
    Ok(match dmarc::find(known, author)? {
        Found::Failed(_) => row(what(author), &[], Needed::Unknown),
        Found::None => publish(what(author), &[], "v=DMARC1; p=none".to_owned()),
        Found::Broken { at: domain, .. } => {
            row(what(&domain), &beginning(known, &at(&domain), "v=DMARC1")?, Needed::Mend)
        }
        Found::Record(record) => {
            row(what(&record.at), &beginning(known, &at(&record.at), "v=DMARC1")?, Needed::Ok)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{good, names};
    use super::*;
    use crate::doctor::domains::check_names;
    use crate::message::dkim::{Key, NewKey, make_key};

    fn shown(zone: &str, names: &Names, own: &[OwnSigner]) -> Vec<String> {
        let rows = Known::of_zone(zone).settle(|known| table(known, names, own));
        let shown = |r: &NoteFinding| {
            format!("{} {} | {} | {:?} {}", r.what, r.name, r.found, r.needed, r.record)
        };
        rows.iter().map(|r| shown(r).trim_end().to_owned()).collect()
    }

    #[test]
    fn what_is_in_order_stays() {
        let rows = shown(&good(), &names(), &[]);
        let expected = [
            "SPF forum.example | v=spf1 ip4:192.0.2.0/27 -all | Ok",
            "DKIM s1._domainkey.forum.example | v=DKIM1; k=ed25519; \
             p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= | Ok",
            "DMARC _dmarc.forum.example | v=DMARC1; p=reject; rua=mailto:dmarc@forum.example | Ok",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn what_is_missing_is_written_out() {
        let mut service = names();
        service.relay = RelayNames::Service { name: "S", spf_include: "spf.s.example" };
        let there = format!("{}\nspf.s.example TXT v=spf1 ip4:198.51.100.1 -all", good());
        let nothing = "forum.example A 192.0.2.1\nmail.forum.example A 192.0.2.20";
        let spf = "SPF forum.example |";
        for (zone, names, expected) in [
            (
                there.as_str(),
                &service,
                format!(
                    "{spf} v=spf1 ip4:192.0.2.0/27 -all | Publish v=spf1 include:spf.s.example ip4:192.0.2.0/27 -all"
                ),
            ),
            (
                &good().replace("2.0/27", "3.0/27"),
                &names(),
                format!(
                    "{spf} v=spf1 ip4:192.0.3.0/27 -all | Publish v=spf1 ip4:192.0.2.20 ip4:192.0.3.0/27 -all"
                ),
            ),
            (
                &good().replace("ip4:192.0.2.0/27", "ipv4:192.0.2.0"),
                &names(),
                format!("{spf} v=spf1 ipv4:192.0.2.0 -all | Mend"),
            ),
            (nothing, &service, format!("{spf}  | Publish v=spf1 include:spf.s.example ~all")),
            (nothing, &names(), format!("{spf}  | Publish v=spf1 ip4:192.0.2.20 ~all")),
            (nothing, &Names { relay: RelayNames::Here, ..names() }, format!("{spf}  | Servers")),
            ("forum.example FAILS", &names(), format!("{spf}  | Unknown")),
        ] {
            assert_eq!(shown(zone, names, &[])[0], expected, "{zone}");
        }
        let rest = shown(nothing, &names(), &[]);
        assert_eq!(rest[1], "DKIM s1._domainkey.forum.example |  | Signing");
        assert_eq!(rest[2], "DMARC _dmarc.forum.example |  | Publish v=DMARC1; p=none");
        let nobody = Names { signer: None, ..names() };
        assert_eq!(shown(nothing, &nobody, &[])[1], "DKIM forum.example |  | Selector");
    }

    /// A made key's record, published as it was printed, is the one that the checks expect.
    #[test]
    fn the_record_of_a_key_of_ours_is_known_again() {
        for kind in [NewKey::Rsa, NewKey::Ed25519] {
            let made = make_key(kind, "forum.example", "autumn").unwrap();
            let key = Key::from_pem(made.pem.reveal().as_bytes()).unwrap();
            let (domain, selector) = ("forum.example".to_owned(), "autumn".to_owned());
            let own = [OwnSigner { domain: domain.clone(), selector: selector.clone(), key }];
            let zone = format!("{}\n{} TXT {}", good(), made.record.name, made.record.value);
            let name = "DKIM autumn._domainkey.forum.example";
            assert_eq!(
                shown(&zone, &names(), &own)[1],
                format!("{name} | {} | Ok", made.record.value)
            );
            let without = shown(&good(), &names(), &own);
            assert_eq!(without[1], format!("{name} |  | Publish {}", made.record.value));
            let mut signed = names();
            signed.signer = Some(super::super::Signer {
                domain,
                selectors: vec![selector],
                own_key: Some(own[0].key.public().to_vec()),
            });
            let checks = Known::of_zone(&zone).settle(|known| check_names(known, &signed));
            assert!(checks.iter().all(|c| c.verdict == Verdict::Pass), "{checks:?}");
        }
    }
}
