//! Whether a domain lets an address send for it, and what is wrong with its record.
//!
//! Two walks over the same records: [`evaluate`] is what a receiving server does for one address;
//! [`survey`] goes through everything the record names, for what would fail for any address.
//!
//! # Standards
//! RFC 7208 4 (check_host), 4.6.4 (ten look-ups, two void ones), 5, 6.1 (redirect), 7 (macros).
//!
//! # Invariants
//! Bounded whatever the records say: no domain's record is surveyed twice, an evaluation ends with
//! its limits.

use super::names::{Answer, Asked, Kind, Known};
use super::spf_record::{
    Directive, Mechanism, Network, Prefixes, Qualifier, SpfRecord, is_spf, parse,
};
use crate::limits::{
    SPF_EXCHANGERS_MAX, SPF_LOOKUPS_MAX, SPF_SURVEY_NAMES_MAX, SPF_VOID_LOOKUPS_MAX,
};
use std::net::IpAddr;

/// What an evaluation comes to (RFC 7208 2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no record.
    None,
    /// The record says nothing of this address.
    Neutral,
    /// It may send.
    Pass,
    /// It must not.
    Fail,
    /// It probably must not.
    SoftFail,
    /// The record cannot be evaluated by anybody: why.
    PermError(String),
    /// The name service did not answer: its words.
    TempError(String),
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// From which address the receiving server is spoken to.
    pub address: IpAddr,
    /// Local part of the bounce address.
    pub local: &'a str,
    /// Its domain.
    pub domain: &'a str,
    /// The name in EHLO.
    pub hello: &'a str,
}

/// What a receiving server finds for this sender.
///
/// # Errors
/// The question that must be answered first.
pub fn evaluate(known: &Known, sender: &Sender<'_>) -> Asked<Verdict> {
    Walk { known, sender, lookups: 0, voids: 0 }.check(sender.domain)
}

/// What a domain publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// No record.
    None,
    /// One.
    Record(SpfRecord),
    /// As many, where one may be (RFC 7208 4.5).
    Several(usize),
    /// One that cannot be read: its faults.
    Broken(Vec<String>),
    /// The name service did not answer.
    Failed(String),
}

/// The record of a domain.
///
/// # Errors
/// The question that must be answered first.
pub fn published(known: &Known, domain: &str) -> Asked<Published> {
    let texts = match known.texts(domain)? {
        Ok(texts) => texts,
        Err(words) => return Ok(Published::Failed(words.to_owned())),
    };
    let records: Vec<_> = texts.iter().filter(|text| is_spf(text)).collect();
    Ok(match records.as_slice() {
        [] => Published::None,
        [record] => parse(record).map_or_else(Published::Broken, Published::Record),
        several => Published::Several(several.len()),
    })
}

struct Walk<'a> {
    known: &'a Known,
    sender: &'a Sender<'a>,
    lookups: usize,
    voids: usize,
}

/// An evaluation's end before its time.
enum Stop {
    Unasked(super::names::Question),
    Verdict(Verdict),
}

impl From<super::names::Question> for Stop {
    fn from(question: super::names::Question) -> Stop {
        Stop::Unasked(question)
    }
}

fn perm_error(why: impl Into<String>) -> Stop {
    Stop::Verdict(Verdict::PermError(why.into()))
}

impl Walk<'_> {
    fn check(&mut self, domain: &str) -> Asked<Verdict> {
        match self.check_host(domain) {
            Ok(verdict) | Err(Stop::Verdict(verdict)) => Ok(verdict),
            Err(Stop::Unasked(question)) => Err(question),
        }
    }

    fn check_host(&mut self, domain: &str) -> Result<Verdict, Stop> {
        let record = match published(self.known, domain)? {
            Published::None => return Ok(Verdict::None),
            Published::Record(record) => record,
            Published::Several(count) => {
                return Err(perm_error(format!("{domain} has {count} SPF records")));
            }
            Published::Broken(faults) => {
                return Err(perm_error(format!("{domain}: {}", faults.join("; "))));
            }
            Published::Failed(words) => return Err(Stop::Verdict(Verdict::TempError(words))),
        };
        for directive in &record.directives {
            if self.matches(&directive.mechanism, domain)? {
                return Ok(verdict_of(directive.qualifier));
            }
        }
        let Some(redirect) = &record.redirect else { return Ok(Verdict::Neutral) };
        self.count_lookup()?;
        let target = expand(redirect, self.sender, domain);
        match self.check_host(&target)? {
            Verdict::None => Err(perm_error(format!("{target}, redirected to, has no SPF record"))),
            verdict => Ok(verdict),
        }
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        if mechanism.looks_up() {
            self.count_lookup()?;
        }
        match mechanism {
            Mechanism::All => Ok(true),
            // What it takes to know is not worth it, and nobody may rely on it (RFC 7208 5.5).
            Mechanism::Ptr => Ok(false),
            Mechanism::Network(network) => Ok(network.holds(self.sender.address)),
            Mechanism::Include(target) => self.includes(&expand(target, self.sender, domain)),
            Mechanism::A(target, prefixes) => {
                self.is_at(&self.target(target.as_deref(), domain), *prefixes)
            }
            Mechanism::Mx(target, prefixes) => {
                self.is_exchanger(&self.target(target.as_deref(), domain), *prefixes)
            }
            Mechanism::Exists(target) => {
                let found = self.look_up(Kind::Addresses, &expand(target, self.sender, domain))?;
                Ok(matches!(found, Answer::Addresses(found) if found.iter().any(IpAddr::is_ipv4)))
            }
        }
    }

    fn target(&self, written: Option<&str>, domain: &str) -> String {
        written.map_or_else(|| domain.to_owned(), |text| expand(text, self.sender, domain))
    }

    /// RFC 7208 5.2: only a pass matches, and a record that is not there is the includer's fault.
    fn includes(&mut self, target: &str) -> Result<bool, Stop> {
        match self.check_host(target)? {
            Verdict::Pass => Ok(true),
            Verdict::Neutral | Verdict::Fail | Verdict::SoftFail => Ok(false),
            Verdict::None => Err(perm_error(format!("{target}, included, has no SPF record"))),
            stopped => Err(Stop::Verdict(stopped)),
        }
    }

    fn is_at(&mut self, host: &str, prefixes: Prefixes) -> Result<bool, Stop> {
        let Answer::Addresses(found) = self.look_up(Kind::Addresses, host)? else {
            return Ok(false);
        };
        Ok(found.iter().any(|at| Network::around(*at, prefixes).holds(self.sender.address)))
    }

    fn is_exchanger(&mut self, domain: &str, prefixes: Prefixes) -> Result<bool, Stop> {
        let Answer::Exchangers(found) = self.look_up(Kind::Exchangers, domain)? else {
            return Ok(false);
        };
        if found.len() > SPF_EXCHANGERS_MAX {
            return Err(perm_error(format!("{domain} has {} mail exchangers", found.len())));
        }
        for (_, host) in found.iter().filter(|(_, host)| !host.is_empty()) {
            if self.is_at(host, prefixes)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn look_up(&mut self, kind: Kind, name: &str) -> Result<Answer, Stop> {
        let answer = self.known.ask(kind, name)?;
        match answer {
            Answer::Failed(words) => return Err(Stop::Verdict(Verdict::TempError(words.clone()))),
            Answer::Nothing | Answer::NoSuchName => {
                self.voids += 1;
                if self.voids > SPF_VOID_LOOKUPS_MAX {
                    let most = SPF_VOID_LOOKUPS_MAX;
                    return Err(perm_error(format!("more than {most} names in it have no answer")));
                }
            }
            _ => {}
        }
        Ok(answer.clone())
    }

    fn count_lookup(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        match self.lookups > SPF_LOOKUPS_MAX {
            true => Err(perm_error(format!("it needs more than {SPF_LOOKUPS_MAX} look-ups"))),
            false => Ok(()),
        }
    }
}

fn verdict_of(qualifier: Qualifier) -> Verdict {
    match qualifier {
        Qualifier::Pass => Verdict::Pass,
        Qualifier::Fail => Verdict::Fail,
        Qualifier::SoftFail => Verdict::SoftFail,
        Qualifier::Neutral => Verdict::Neutral,
    }
}

/// A domain with its macros replaced (RFC 7208 7). At most 253 octets are left, from the end.
fn expand(text: &str, sender: &Sender<'_>, domain: &str) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        let inside = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        rest = match (after.as_bytes().first(), inside) {
            (Some(b'{'), Some((inside, behind))) => {
                expanded.push_str(&expand_macro(inside, sender, domain));
                behind
            }
            (Some(b'_'), _) => {
                expanded.push(' ');
                &after[1..]
            }
            (Some(b'-'), _) => {
                expanded.push_str("%20");
                &after[1..]
            }
            _ => {
                expanded.push('%');
                after.strip_prefix('%').unwrap_or(after)
            }
        };
    }
    expanded.push_str(rest);
    while expanded.len() > 253 {
        let Some((_, shorter)) = expanded.split_once('.') else { break };
        expanded = shorter.to_owned();
    }
    expanded
}

/// `l1r-`: letter, labels kept from the right, reversed, delimiters.
fn expand_macro(inside: &str, sender: &Sender<'_>, domain: &str) -> String {
    let mut letters = inside.chars();
    let value = match letters.next().map(|c| c.to_ascii_lowercase()) {
        Some('s') => format!("{}@{}", sender.local, sender.domain),
        Some('l') => sender.local.to_owned(),
        Some('o') => sender.domain.to_owned(),
        Some('d') => domain.to_owned(),
        Some('i') => dotted(sender.address),
        Some('p') => "unknown".to_owned(),
        Some('v') => if sender.address.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
        Some('h') => sender.hello.to_owned(),
        _ => String::new(),
    };
    let rest = letters.as_str();
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let kept = rest[..rest.len() - digits.len()].parse().unwrap_or(usize::MAX).max(1);
    let is_reversed = digits.starts_with(['r', 'R']);
    let delimiters = digits.trim_start_matches(['r', 'R']);
    let delimiters = if delimiters.is_empty() { "." } else { delimiters };
    let mut parts: Vec<_> = value.split(|c| delimiters.contains(c)).collect();
    if is_reversed {
        parts.reverse();
    }
    parts[parts.len().saturating_sub(kept)..].join(".")
}

/// An address as macros write it: IPv6 as 32 digits with dots between.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let digits = format!("{:032x}", v6.to_bits());
            digits.chars().map(String::from).collect::<Vec<_>>().join(".")
        }
    }
}

/// What a record costs and what is wrong with it, wherever its includes lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Look-ups of a receiving server that finds no match before the end.
    pub lookups: usize,
    /// Names in it that have no answer, with the term.
    pub voids: Vec<String>,
    /// What makes it fail for somebody, each with its domain.
    pub faults: Vec<String>,
    /// What it says of everybody else.
    pub everybody_else: Option<Qualifier>,
    /// Whether it still uses `ptr`.
    pub uses_ptr: bool,
    seen: Vec<String>,
}

impl Survey {
    /// Whether the record of this domain is among those it leads to.
    #[must_use]
    pub fn leads_to(&self, domain: &str) -> bool {
        self.seen.iter().any(|seen| seen == domain)
    }
}

/// Goes through everything the record of a domain names. Terms with macros depend on the sender and
/// are counted, not followed.
///
/// # Errors
/// The question that must be answered first.
pub fn survey(known: &Known, domain: &str) -> Asked<Survey> {
    let mut survey = Survey::default();
    survey.everybody_else = survey_domain(known, domain, &mut survey)?;
    Ok(survey)
}

fn survey_domain(known: &Known, domain: &str, survey: &mut Survey) -> Asked<Option<Qualifier>> {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    if survey.seen.contains(&domain) || survey.seen.len() >= SPF_SURVEY_NAMES_MAX {
        survey.faults.push(match survey.seen.contains(&domain) {
            true => format!("{domain} is named a second time"),
            false => format!("it leads to more than {SPF_SURVEY_NAMES_MAX} domains"),
        });
        return Ok(None);
    }
    survey.seen.push(domain.clone());
    let record = match published(known, &domain)? {
        Published::Record(record) => record,
        Published::None => {
            survey.faults.push(format!("{domain} has no SPF record"));
            return Ok(None);
        }
        Published::Several(count) => {
            survey.faults.push(format!("{domain} has {count} SPF records"));
            return Ok(None);
        }
        Published::Broken(faults) => {
            survey.faults.extend(faults.iter().map(|fault| format!("{domain}: {fault}")));
            return Ok(None);
        }
        Published::Failed(words) => {
            survey.faults.push(format!("{domain}: {words}"));
            return Ok(None);
        }
    };
    for directive in &record.directives {
        if let Mechanism::All = directive.mechanism {
            // Nothing behind it is ever looked at (RFC 7208 5.1).
            return Ok(Some(directive.qualifier));
        }
        survey_directive(known, directive, &domain, survey)?;
    }
    let Some(redirect) = &record.redirect else { return Ok(None) };
    survey.lookups += 1;
    if redirect.contains('%') { Ok(None) } else { survey_domain(known, redirect, survey) }
}

fn survey_directive(
    known: &Known,
    directive: &Directive,
    domain: &str,
    survey: &mut Survey,
) -> Asked<()> {
    survey.lookups += usize::from(directive.mechanism.looks_up());
    let of = |written: &Option<String>| written.clone().unwrap_or_else(|| domain.to_owned());
    let (kind, name) = match &directive.mechanism {
        Mechanism::Include(target) if !target.contains('%') => {
            return survey_domain(known, target, survey).map(drop);
        }
        Mechanism::A(target, _) => (Kind::Addresses, of(target)),
        Mechanism::Mx(target, _) => (Kind::Exchangers, of(target)),
        Mechanism::Ptr => {
            survey.uses_ptr = true;
            return Ok(());
        }
        _ => return Ok(()),
    };
    if name.contains('%') {
        return Ok(());
    }
    match known.ask(kind, &name)? {
        Answer::Nothing | Answer::NoSuchName => {
            survey.voids.push(format!("{} in {domain}", directive.written));
        }
        Answer::Failed(words) => survey.faults.push(format!("{name}: {words}")),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "plain.example TXT v=spf1 ip4:192.0.2.0/24 -all
        soft.example TXT v=spf1 mx a:web.example ~all
        soft.example MX 10 mx.example
        mx.example A 198.51.100.7
        web.example A 198.51.100.8
        web.example A 2001:db8::8
        office.example TXT v=spf1 include:plain.example include:soft.example ?all
        moved.example TXT v=spf1 redirect=plain.example
        lost.example TXT v=spf1 redirect=nowhere.example
        two.example TXT v=spf1 -all
        two.example TXT v=spf1 +all
        broken.example TXT v=spf1 ipv4:192.0.2.1 -all
        other.example TXT google-site-verification=x
        loop.example TXT v=spf1 include:loop.example -all
        void.example TXT v=spf1 a:x1.example a:x2.example a:x3.example -all
        gone.example TXT v=spf1 include:nowhere.example -all
        slow.example TXT v=spf1 include:mute.example -all
        mute.example FAILS
        macro.example TXT v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all
        1.2.0.192.in-addr._spf.macro.example A 127.0.0.2
        deep.example TXT v=spf1 include:d1.example include:d2.example -all
        d1.example TXT v=spf1 a:web.example mx:soft.example a:web.example a:web.example ~all
        d2.example TXT v=spf1 a:web.example a:web.example a:web.example a:web.example ptr ~all
        everybody.example TXT v=spf1 +all ip4:192.0.2.1";

    #[track_caller]
    fn evaluated(domain: &str, address: &str) -> Verdict {
        let address = address.parse().unwrap();
        let sender = Sender { address, local: "office", domain, hello: "mail.example" };
        Known::of_zone(ZONE).settle(|known| evaluate(known, &sender))
    }

    #[test]
    fn an_address_is_judged_as_receivers_do() {
        for (domain, address, verdict) in [
            ("plain.example", "192.0.2.9", Verdict::Pass),
            ("Plain.Example", "192.0.2.9", Verdict::Pass),
            ("plain.example", "198.51.100.7", Verdict::Fail),
            ("soft.example", "198.51.100.7", Verdict::Pass),
            ("soft.example", "2001:db8::8", Verdict::Pass),
            ("soft.example", "203.0.113.1", Verdict::SoftFail),
            // A fail inside an include is no fail of the includer.
            ("office.example", "198.51.100.8", Verdict::Pass),
            ("office.example", "203.0.113.1", Verdict::Neutral),
            ("moved.example", "203.0.113.1", Verdict::Fail),
            ("other.example", "203.0.113.1", Verdict::None),
            ("nowhere.example", "203.0.113.1", Verdict::None),
            ("macro.example", "192.0.2.1", Verdict::Pass),
            ("macro.example", "192.0.2.2", Verdict::Fail),
            ("slow.example", "192.0.2.2", Verdict::TempError("no answer in time".to_owned())),
        ] {
            assert_eq!(evaluated(domain, address), verdict, "{domain} {address}");
        }
    }

    #[test]
    fn a_record_nobody_can_evaluate_says_why() {
        for (domain, why) in [
            ("lost.example", "nowhere.example, redirected to, has no SPF record"),
            ("two.example", "two.example has 2 SPF records"),
            ("broken.example", "broken.example: \"ipv4:192.0.2.1\": no mechanism has this name"),
            ("loop.example", "it needs more than 10 look-ups"),
            ("void.example", "more than 2 names in it have no answer"),
            ("gone.example", "nowhere.example, included, has no SPF record"),
            ("deep.example", "it needs more than 10 look-ups"),
        ] {
            let verdict = evaluated(domain, "203.0.113.1");
            assert_eq!(verdict, Verdict::PermError(why.to_owned()), "{domain}");
        }
    }

    #[test]
    fn a_survey_sees_what_lies_behind_a_match() {
        let of = |domain: &str| Known::of_zone(ZONE).settle(|known| survey(known, domain));
        let office = of("office.example");
        assert_eq!((office.lookups, office.faults), (4, Vec::new()));
        assert_eq!(office.everybody_else, Some(Qualifier::Neutral));
        let deep = of("deep.example");
        assert_eq!((deep.lookups, deep.uses_ptr), (11, true));
        assert_eq!(of("void.example").voids.len(), 3);
        assert_eq!(of("loop.example").faults, ["loop.example is named a second time"]);
        assert_eq!(of("everybody.example").everybody_else, Some(Qualifier::Pass));
        assert_eq!(of("moved.example").everybody_else, Some(Qualifier::Fail));
        assert_eq!(of("gone.example").faults, ["nowhere.example has no SPF record"]);
        assert_eq!(of("slow.example").faults, ["mute.example: no answer in time"]);
    }

    /// RFC 7208 7.4: its own examples.
    #[test]
    fn macros_become_what_the_standard_says() {
        let sender = |address: &str| Sender {
            address: address.parse().unwrap(),
            local: "strong-bad",
            domain: "email.example.com",
            hello: "x",
        };
        let expanded =
            |text: &str, address: &str| expand(text, &sender(address), "email.example.com");
        for (text, expected) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l-}", "strong.bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            ("a%%b%_c%-d", "a%b c%20d"),
        ] {
            assert_eq!(expanded(text, "192.0.2.3"), expected, "{text}");
        }
        assert_eq!(
            expanded("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        );
    }
}
