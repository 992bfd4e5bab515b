//! A domain's DMARC policy, where it is found, and whose names are aligned with the author's.
//!
//! # Standards
//! RFC 9989 4.7 (records), 4.10 (the tree walk that finds policy and organisational domain), 4.4
//! (alignment). RFC 7489, which many receivers still follow, finds the same wherever a domain
//! publishes at its registered name.

use super::names::{Asked, Known};
use super::tag_list;
use crate::limits::DMARC_WALK_QUERIES_MAX;

/// What receivers are asked to do with mail that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Nothing.
    None,
    /// Into the spam folder.
    Quarantine,
    /// Not to take it.
    Reject,
}

impl Policy {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }
}

/// A record that holds for a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The domain it stands at, without `_dmarc`.
    pub at: String,
    /// `p=`, or `sp=` where it stands above the domain.
    pub policy: Policy,
    /// Whether the signature's domain must be the author's to the letter: `adkim=s`.
    pub is_dkim_strict: bool,
    /// The same for the bounce address: `aspf=s`.
    pub is_spf_strict: bool,
    /// Whether it is only tried out: `t=y`, or `pct=` below 100 as RFC 7489 had it.
    pub is_test: bool,
    /// Whether anybody hears of what fails: `rua=`.
    pub has_reports: bool,
}

/// What was found for an author's domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No record, here or above.
    None,
    /// One.
    Record(Record),
    /// Records that cannot hold: where and why.
    Broken {
        /// The domain.
        at: String,
        /// Why nobody follows it.
        why: String,
    },
    /// The name service did not answer: its words.
    Failed(String),
}

/// The policy of a domain: at the domain itself, else at its organisational domain.
///
/// # Errors
/// The question that must be answered first.
pub fn find(known: &Known, domain: &str) -> Asked<Found> {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    for at in walk(&domain) {
        let texts = match known.texts(&format!("_dmarc.{at}"))? {
            Ok(texts) => texts,
            Err(words) => return Ok(Found::Failed(words.to_owned())),
        };
        let records: Vec<_> = texts.iter().filter(|text| is_dmarc(text)).collect();
        match records.as_slice() {
            [] => {}
            [record] => {
                return Ok(match parse(record, &at, at == domain) {
                    Ok(record) => Found::Record(record),
                    Err(why) => Found::Broken { at, why },
                });
            }
            several => {
                let why = format!("it has {} DMARC records, where one may be", several.len());
                return Ok(Found::Broken { at, why });
            }
        }
    }
    Ok(Found::None)
}

/// Whether a name is aligned with the author's domain (RFC 9989 4.4): the same, or, where the
/// policy is relaxed, under the same organisational domain.
///
/// # Errors
/// The question that must be answered first.
pub fn is_aligned(known: &Known, author: &str, other: &str, is_strict: bool) -> Asked<bool> {
    let lower = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    let (author, other) = (lower(author), lower(other));
    if author == other || is_strict {
        return Ok(author == other);
    }
    Ok(organisation(known, &author)? == organisation(known, &other)?)
}

/// The organisational domain (RFC 9989 4.10.2): the one with the fewest labels that has a record,
/// or a label more where that one says that it is a registry's (`psd=y`).
fn organisation(known: &Known, domain: &str) -> Asked<String> {
    let mut organisation = domain.to_owned();
    let mut below = domain.to_owned();
    for at in walk(domain) {
        let Ok(texts) = known.texts(&format!("_dmarc.{at}"))? else { continue };
        let records: Vec<_> = texts.iter().filter(|text| is_dmarc(text)).collect();
        if let [record] = records.as_slice() {
            let tags = tag_list::parse(record).unwrap_or_default();
            match tag_list::value(&tags, "psd") {
                Some("n") => return Ok(at),
                Some("y") if at != domain => return Ok(below),
                _ => organisation.clone_from(&at),
            }
        }
        below = at;
    }
    Ok(organisation)
}

/// The names at which a policy may stand, from the domain upwards (RFC 9989 4.10): all of it, then
/// at most seven more, those nearest to the root.
fn walk(domain: &str) -> Vec<String> {
    let labels: Vec<_> = domain.split('.').collect();
    let mut names = vec![domain.to_owned()];
    let skipped = (labels.len() - 1).saturating_sub(DMARC_WALK_QUERIES_MAX - 1);
    let parents = (1 + skipped)..labels.len();
    names.extend(parents.map(|first| labels[first..].join(".")));
    names
}

fn is_dmarc(text: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    first.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("v") && value.trim() == "DMARC1"
    })
}

fn parse(text: &str, at: &str, is_own: bool) -> Result<Record, String> {
    let tags = tag_list::parse(text)?;
    let value = |name: &str| tag_list::value(&tags, name);
    let read = |name: &str| match value(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(Policy::None)),
        Some("quarantine") => Ok(Some(Policy::Quarantine)),
        Some("reject") => Ok(Some(Policy::Reject)),
        Some(other) => Err(format!("{name}={other} is no policy: none, quarantine or reject")),
    };
    let (own, below) = (read("p")?, read("sp")?);
    let reports = value("rua").filter(|to| !to.is_empty());
    let policy = match (if is_own { own } else { below.or(own) }, reports) {
        (Some(policy), _) => policy,
        // RFC 9989 4.7: without p= it is p=none.
        (None, _) => Policy::None,
    };
    let is_strict = |name: &str| value(name).is_some_and(|v| v.eq_ignore_ascii_case("s"));
    let share = value("pct").and_then(|share| share.parse::<u8>().ok()).unwrap_or(100);
    Ok(Record {
        at: at.to_owned(),
        policy,
        is_dkim_strict: is_strict("adkim"),
        is_spf_strict: is_strict("aspf"),
        is_test: value("t").is_some_and(|t| t.eq_ignore_ascii_case("y")) || share < 100,
        has_reports: reports.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str =
        "_dmarc.forum.example TXT v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@forum.example
        _dmarc.strict.example TXT v=DMARC1;p=none;adkim=s;aspf=s;t=y
        _dmarc.two.example TXT v=DMARC1; p=none
        _dmarc.two.example TXT v=DMARC1; p=reject
        _dmarc.typo.example TXT v=DMARC1; p=rejected
        _dmarc.colon.example TXT v=DMARC1: p=none
        _dmarc.twice.example TXT v=DMARC1; p=none; p=reject
        _dmarc.registry.example TXT v=DMARC1; p=none; psd=y
        _dmarc.tried.example TXT v=DMARC1; p=quarantine; pct=20
        _dmarc.mute.example FAILS";

    fn found(domain: &str) -> Found {
        Known::of_zone(ZONE).settle(|known| find(known, domain))
    }

    fn shown(domain: &str) -> String {
        match found(domain) {
            Found::Record(r) => {
                format!("{} {} {}", r.at, r.policy.as_str(), if r.is_test { "test" } else { "" })
            }
            Found::Broken { at, why } => format!("{at}: {why}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_policy_is_found_at_the_domain_or_above() {
        for (domain, expected) in [
            ("forum.example", "forum.example reject "),
            ("mail.forum.example", "forum.example quarantine "),
            ("a.b.c.d.e.f.g.h.i.forum.example", "forum.example quarantine "),
            ("tried.example", "tried.example quarantine test"),
            ("strict.example", "strict.example none test"),
            ("two.example", "two.example: it has 2 DMARC records, where one may be"),
            ("typo.example", "typo.example: p=rejected is no policy: none, quarantine or reject"),
            ("twice.example", "twice.example: p= stands there twice"),
            // RFC 9989 4.7: what does not begin with the version is no record at all.
            ("colon.example", "None"),
            ("other.test", "None"),
            ("mute.example", "Failed(\"no answer in time\")"),
        ] {
            assert_eq!(shown(domain), expected, "{domain}");
        }
    }

    #[test]
    fn the_walk_asks_eight_names_at_most() {
        assert_eq!(walk("a.b.example"), ["a.b.example", "b.example", "example"]);
        let long = walk("a.b.c.d.e.f.g.h.i.j.mail.example");
        assert_eq!(long.len(), 8);
        assert_eq!(long[1], "f.g.h.i.j.mail.example");
    }

    #[test]
    fn names_are_aligned_under_one_organisation() {
        let zone = Known::of_zone(ZONE);
        for (author, other, is_strict, expected) in [
            ("forum.example", "forum.example", true, true),
            ("forum.example", "bounces.forum.example", false, true),
            ("forum.example", "bounces.forum.example", true, false),
            ("letters.forum.example", "bounces.forum.example", false, true),
            ("forum.example", "strict.example", false, false),
            ("forum.example", "other.test", false, false),
            ("a.registry.example", "b.registry.example", false, false),
            ("x.a.registry.example", "a.registry.example", false, true),
        ] {
            let is = zone.settle(|known| is_aligned(known, author, other, is_strict));
            assert_eq!(is, expected, "{author} {other}");
        }
    }
}
