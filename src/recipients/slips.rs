//! Addresses that can be written to, and that a careful person would look at first.
//!
//! Owns the doubts: a domain that is probably another one's slip, one made to look like another,
//! addresses that nobody reads or that are gone in an hour, and those of offices. What is no
//! address at all was refused before (`address_cell.rs`); what is known of domains is the table of
//! `domains.rs`.
//!
//! # Standards
//! UTS 39 4 (skeletons: two texts with one skeleton look alike).
//!
//! # Invariants
//! A doubt names one other domain, with a reason: how many people of the list are there, or that
//! everybody knows it. Nothing is changed. No two domains of a list are compared with each other
//! unless a letter less makes them equal, so that a million rows take no longer than they must.

use super::domains::{self, Known};
use super::shown::counted;
use super::{People, Recipient};
use crate::address::EmailAddress;
use crate::limits::{
    OFFICES_NAMED_MAX, SLIP_DOMAIN_OCTETS_MAX, SLIP_DOMAIN_TIMES_MIN, SLIP_LABEL_CHARS_MIN,
    SLIP_NEIGHBOURS_MAX, SLIP_PEOPLE_MAX,
};
use crate::problem::{Place, Problem, Problems};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use unicode_script::{Script, UnicodeScript};
use unicode_security::confusable_detection::skeleton;

/// What is doubtful about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doubt {
    /// It is probably this one; so many people of the lists are there.
    Meant(String, u32),
    /// It looks like this one, in letters of another script.
    LooksLike(String),
    /// Its provider has shut down.
    Closed,
    /// Its addresses are gone in an hour.
    Disposable,
}

/// Reports the doubts about everybody who gets a letter or a copy; `cells` are the numbers of the
/// cells with addresses, by list.
pub(super) fn report(people: &People, cells: &HashMap<String, usize>, problems: &mut Problems) {
    let doubts = doubts_of(people);
    let mut offices = BTreeMap::<&str, Offices<'_>>::new();
    for recipient in &people.recipients {
        let place = place_of(recipient, cells);
        report_address(&recipient.address, &doubts, &place, problems);
        if domains::is_office(recipient.address.local_part()) {
            let list = offices.entry(&recipient.place.file).or_default();
            list.add(&recipient.address, &place);
        }
        for copy in &recipient.copies {
            let row = || recipient.place.clone();
            report_address(copy, &doubts, &row, problems);
        }
    }
    offices.into_values().for_each(|offices| problems.push(offices.note()));
}

/// The place of a recipient's address, made only where something is said about it.
fn place_of<'a>(
    recipient: &'a Recipient,
    cells: &'a HashMap<String, usize>,
) -> impl Fn() -> Place + 'a {
    move || {
        let row = &recipient.place;
        match (row.line, cells.get(&row.file)) {
            (Some(line), Some(cell)) => Place::cell(row.file.as_str(), line, *cell),
            _ => row.clone(),
        }
    }
}

fn report_address(
    address: &EmailAddress,
    doubts: &HashMap<&str, Doubt>,
    place: &impl Fn() -> Place,
    problems: &mut Problems,
) {
    let of_domain = (!doubts.is_empty()).then(|| doubts.get(address.domain())).flatten();
    let found = [
        of_domain.map(|doubt| domain_problem(address, doubt)),
        unread(address),
        odd_local_part(address),
        foreign_local_part(address),
    ];
    for problem in found.into_iter().flatten() {
        problems.push(problem.place(place()).recipient(address.as_str()));
    }
}

fn domain_problem(address: &EmailAddress, doubt: &Doubt) -> Problem {
    let shown = address.for_people();
    let corrected =
        |meant: &str| format!("Write {}@{meant}, if that is right.", address.local_part());
    match doubt {
        Doubt::Meant(meant, others) => {
            let others = match others {
                0 => String::new(),
                others => format!(", where {others} others are"),
            };
            let message = format!("the address {shown} is probably one at {meant}{others}");
            Problem::warning("probable-slip", message).hint(corrected(meant))
        }
        Doubt::LooksLike(other) => {
            let message = format!("the address {shown} looks like one at {other} and is not");
            Problem::warning("look-alike", message).hint(corrected(other))
        }
        Doubt::Closed => {
            let message = format!("nobody can read {shown}: the provider has closed");
            Problem::warning("closed-provider", message)
                .hint("Ask the person for another address, or leave the row out.")
        }
        Doubt::Disposable => {
            let message = format!("the address {shown} was made to be thrown away");
            Problem::warning("disposable-address", message)
                .hint("Ask the person for another address: this one is probably gone.")
        }
    }
}

fn unread(address: &EmailAddress) -> Option<Problem> {
    domains::is_unread(address.local_part()).then(|| {
        let message = format!("nobody reads what goes to {}", address.for_people());
        Problem::warning("unread-address", message)
            .hint("Write the address of a person; answers to this one go nowhere.")
    })
}

/// Marks that the grammar allows and hardly any address has: `ana%town.org@x.org` asks a relay to
/// send it on, `'ana` has kept a spreadsheet's apostrophe, `Ana/ana@x.org` a name.
fn odd_local_part(address: &EmailAddress) -> Option<Problem> {
    let local = address.local_part();
    let inner = local.trim_matches(['\'', '-', '`', '*']);
    let corrected = (inner.len() < local.len()).then(|| format!("{inner}@{}", address.domain()));
    // What is nothing but marks is no slip of anything.
    if let Some(corrected) = corrected.filter(|text| EmailAddress::parse(text).is_ok()) {
        let message = format!("the address {} is probably {corrected}", address.for_people());
        let hint = format!("Write {corrected}, if that is right.");
        return Some(Problem::warning("probable-slip", message).hint(hint));
    }
    let odd = local.chars().find(|c| "!#$%*/=?^`{}~".contains(*c))?;
    let message = format!("the address {} has {odd} before the @", address.for_people());
    let hint = "Hardly any address has: look at the person's registration.";
    Some(Problem::warning("odd-address", message).hint(hint))
}

/// Letters of another script that all pass for Latin ones, at a domain in Latin letters: `сор@`.
fn foreign_local_part(address: &EmailAddress) -> Option<Problem> {
    let local = address.local_part();
    if local.is_ascii() || address.has_a_label() {
        return None;
    }
    let seen: String = skeleton(local).collect();
    let is_foreign = |c: char| c.is_alphabetic() && c.script() != Script::Latin;
    let script = local.chars().find(|c| is_foreign(*c))?.script().full_name();
    seen.is_ascii().then(|| {
        let message = format!(
            "the address {} has {script} letters before the @ that look like Latin ones",
            address.for_people()
        );
        Problem::warning("look-alike", message).hint("Type it again in Latin letters, if it is so.")
    })
}

/// The addresses of offices in one list: one note, because they are often meant.
#[derive(Default)]
struct Offices<'a> {
    named: Vec<Cow<'a, str>>,
    /// Addresses, however many people have one letter each there.
    seen: HashSet<String>,
    first: Option<Place>,
}

impl<'a> Offices<'a> {
    fn add(&mut self, address: &'a EmailAddress, place: &impl Fn() -> Place) {
        self.first.get_or_insert_with(place);
        if !self.seen.insert(address.compare_key()) {
            return;
        }
        if self.named.len() < OFFICES_NAMED_MAX {
            self.named.push(address.for_people());
        }
    }

    fn note(self) -> Problem {
        let count = self.seen.len() as u64;
        let whose = match count {
            1 => "is probably that of an office",
            _ => "are probably those of offices",
        };
        let more = count - self.named.len() as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = self.named.join(", ");
        let addresses = counted(count, "address");
        let message = format!("{addresses} {whose}: {named}{more}");
        let problem = Problem::note("office-address", message).count(count);
        match self.first {
            Some(place) => problem.place(place),
            None => problem,
        }
    }
}

/// The doubtful ones among all domains of the lists.
fn doubts_of(people: &People) -> HashMap<&str, Doubt> {
    let mut counts = HashMap::<&str, u32>::new();
    for recipient in &people.recipients {
        for address in std::iter::once(&recipient.address).chain(&recipient.copies) {
            *counts.entry(address.domain()).or_default() += 1;
        }
    }
    let targets = Targets::new(&counts);
    let mut doubts = HashMap::new();
    for (domain, count) in &counts {
        doubts.extend(targets.doubt(domain, *count).map(|doubt| (*domain, doubt)));
    }
    doubts.extend(look_alikes(&counts));
    doubts
}

/// What others may be slips of: the providers that everybody knows, and domains that many people
/// of the lists have. Found by what is left of them without one letter.
struct Targets<'a> {
    /// Domain, and how many people are there; none for a provider known by itself.
    all: Vec<(&'a str, u32)>,
    by_trace: HashMap<u64, Vec<u32>>,
    by_looks: HashMap<String, u32>,
}

impl<'a> Targets<'a> {
    fn new(counts: &HashMap<&'a str, u32>) -> Targets<'a> {
        let frequent = counts
            .iter()
            .filter(|(domain, n)| **n >= SLIP_DOMAIN_TIMES_MIN && domains::known(domain).is_none())
            .map(|(domain, n)| (*domain, *n));
        let of_provider = |domain| counts.get(domain).copied().unwrap_or(0);
        let providers = domains::well_known()
            .filter(|(_, known)| *known == Known::Provider)
            .map(|(domain, _)| (domain, of_provider(domain)));
        let mut all: Vec<(&str, u32)> = providers.chain(frequent).collect();
        // Which of two neighbours is named must not depend on a map's order.
        all.sort_unstable_by_key(|(domain, n)| (std::cmp::Reverse(*n), *domain));
        let mut targets =
            Targets { all: Vec::new(), by_trace: HashMap::new(), by_looks: HashMap::new() };
        for (n, (domain, _)) in (0..).zip(&all) {
            for trace in traces(domain) {
                let alike = targets.by_trace.entry(trace).or_default();
                // The most frequent come first; further ones would be named by nobody.
                if alike.len() < SLIP_NEIGHBOURS_MAX {
                    alike.push(n);
                }
            }
            targets.by_looks.entry(by_looks(domain)).or_insert(n);
        }
        Targets { all, ..targets }
    }

    fn doubt(&self, domain: &str, count: u32) -> Option<Doubt> {
        match domains::known(domain) {
            Some(Known::Slip(meant)) => return Some(Doubt::Meant(meant.to_owned(), 0)),
            Some(Known::Closed) => return Some(Doubt::Closed),
            Some(Known::Disposable) => return Some(Doubt::Disposable),
            Some(Known::Provider | Known::Domain) => return None,
            None => {}
        }
        let meant = meant_ending(domain).map(|meant| (meant, 0));
        let meant =
            meant.or_else(|| (count <= SLIP_PEOPLE_MAX).then(|| self.near(domain, count))?);
        meant.map(|(meant, others)| Doubt::Meant(meant, others))
    }

    /// The domain that differs by one letter and is by far more frequent.
    fn near(&self, domain: &str, count: u32) -> Option<(String, u32)> {
        let outnumbers = |target: &(&str, u32)| {
            let is_provider = domains::known(target.0).is_some();
            target.0 != domain && (is_provider || target.1 >= SLIP_DOMAIN_TIMES_MIN * count)
        };
        let found = |n: &u32| self.all.get(*n as usize).filter(|target| outnumbers(target));
        let near = traces(domain)
            .filter_map(|trace| self.by_trace.get(&trace))
            .flatten()
            .filter_map(found)
            .find(|target| differs_by_a_letter(domain, target.0));
        let alike = || self.by_looks.get(&by_looks(domain)).and_then(found);
        near.or_else(alike).map(|(target, others)| ((*target).to_owned(), *others))
    }
}

/// What an ending that does not exist, one written twice, or a web server's name stands for.
fn meant_ending(domain: &str) -> Option<String> {
    let (rest, last) = domain.rsplit_once('.')?;
    if let Some(ending) = domains::meant_ending(last) {
        return Some(format!("{rest}.{ending}"));
    }
    // Not `co.co`: endings of countries stand twice in domains of their own.
    if last.len() > 2 && rest.rsplit('.').next() == Some(last) && rest.len() > last.len() {
        return Some(rest.to_owned());
    }
    domain.strip_prefix("www.").filter(|rest| rest.contains('.')).map(str::to_owned)
}

/// Numbers of a domain as it is and without each of its letters: two domains that differ by one
/// letter, or by two that changed places, have one in common. FNV-1a; what it finds is looked at.
/// None of a domain too long to be typed: the work grows with the square of its length.
fn traces(domain: &str) -> impl Iterator<Item = u64> {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let count = if domain.len() > SLIP_DOMAIN_OCTETS_MAX { 0 } else { domain.len() + 1 };
    let bytes = domain.as_bytes();
    let mut before = START;
    let without = bytes.iter().enumerate().map(move |(n, byte)| {
        let trace = bytes[n + 1..].iter().fold(before, step);
        before = step(before, byte);
        trace
    });
    std::iter::once(bytes.iter().fold(START, step)).chain(without).take(count)
}

/// Whether one domain is a slip of the other: one letter of one longer name, not a digit
/// (`host1`, `host2`), not the ending (`town.de`, `town.dk`) unless it is `.com` cut short.
fn differs_by_a_letter(domain: &str, target: &str) -> bool {
    let parts = || domain.split('.').zip(target.split('.'));
    let mut differing = parts().filter(|(a, b)| a != b);
    let (Some((own, meant)), None) = (differing.next(), differing.next()) else { return false };
    let ending = |domain: &str| domain.rsplit('.').next().map(str::to_owned);
    if domain.split('.').count() != target.split('.').count() {
        return false;
    }
    if ending(domain) != ending(target) {
        return meant == "com" && matches!(own, "co" | "cm" | "om");
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    meant.len() >= SLIP_LABEL_CHARS_MIN
        && digits(own) == digits(meant)
        && strsim::osa_distance(own, meant) == 1
}

/// A domain as it looks in small type: `rn` is `m`, a nought is an `o`, a one an `l`.
fn by_looks(domain: &str) -> String {
    domain.replace("rn", "m").replace("vv", "w").replace('0', "o").replace('1', "l")
}

/// Domains with letters beyond ASCII that look like another one of the lists, or one that
/// everybody knows (security S12).
fn look_alikes<'a>(counts: &HashMap<&'a str, u32>) -> Vec<(&'a str, Doubt)> {
    let has_a_label = |domain: &str| domain.split('.').any(|label| label.starts_with("xn--"));
    let foreign: Vec<&str> = counts.keys().copied().filter(|domain| has_a_label(domain)).collect();
    if foreign.is_empty() {
        return Vec::new();
    }
    let seen = |domain: &str| skeleton(&idna::domain_to_unicode(domain).0).collect::<String>();
    let mut plain: Vec<&str> = counts.keys().copied().filter(|d| !has_a_label(d)).collect();
    plain.extend(domains::well_known().map(|(domain, _)| domain));
    plain.sort_unstable();
    let by_skeleton: HashMap<String, &str> = plain.iter().map(|d| (seen(d), *d)).collect();
    let found = |domain: &&'a str| {
        let other = by_skeleton.get(&seen(domain))?;
        Some((*domain, Doubt::LooksLike((*other).to_owned())))
    };
    foreign.iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests_of_lists::options;
    use super::super::{ListSource, gather};
    use super::*;
    use crate::problem::Severity;

    /// Everything that is said about the addresses of a list, but how it was read.
    fn said(addresses: &[String]) -> Vec<String> {
        let list = format!("email\n{}\n", addresses.join("\n"));
        let mut problems = Problems::new();
        gather(&[ListSource { file: "l.csv", bytes: list.as_bytes() }], &options(), &mut problems);
        let shown = |p: &&Problem| format!("{} {}", p.code, p.message);
        let found = problems.sorted();
        found.iter().filter(|p| p.code != "list-read").map(shown).collect()
    }

    /// So many people at a domain.
    fn people(count: usize, domain: &str) -> Vec<String> {
        (0..count).map(|n| format!("person{n}@{domain}")).collect()
    }

    /// `one`, alone in a list beside people at other domains, is said to be this.
    #[track_caller]
    fn check(one: &str, others: &[(usize, &str)], expected: &[&str]) {
        let mut list = vec![one.to_owned()];
        list.extend(others.iter().flat_map(|(count, domain)| people(*count, domain)));
        let found = said(&list);
        assert_eq!(found.len(), expected.len(), "{one}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{one}: {found}");
        }
    }

    #[test]
    fn slips_in_well_known_domains_are_noticed() {
        for (domain, meant) in [
            ("gmial.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmail.org", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmail.com.com", "gmail.com"),
            ("hotmial.com", "hotmail.com"),
            ("hotmaill.fr", "hotmail.fr"),
            ("yaho.com", "yahoo.com"),
            ("yaho.co.uk", "yahoo.co.uk"),
            ("0utlook.com", "outlook.com"),
            ("town.con", "town.com"),
            ("town.cmo", "town.com"),
            ("town.ogr", "town.org"),
            ("town.org.org", "town.org"),
            ("www.town.example", "town.example"),
        ] {
            let message =
                format!("probable-slip the address ana@{domain} is probably one at {meant}");
            check(&format!("ana@{domain}"), &[], &[&message]);
        }
    }

    #[test]
    fn a_domain_that_differs_by_a_letter_from_a_frequent_one_is_noticed() {
        let town = &[(20, "town-hall.example.org")];
        for slip in [
            "twon-hall.example.org",
            "town-hal.example.org",
            "town-halll.example.org",
            "townhall.example.org",
        ] {
            let message = format!(
                "probable-slip the address ana@{slip} is probably one at town-hall.example.org, \
                 where 20 others are"
            );
            check(&format!("ana@{slip}"), town, &[&message]);
        }
        check("ana@forum.co", &[(40, "forum.com")], &["probable-slip the address ana@forum.co is"]);
        check("ana@bremerharen.de", &[(20, "bremerhaven.de")], &["probable-slip"]);
        check("ana@townharnlet.org", &[(20, "townhamlet.org")], &["probable-slip"]);
    }

    /// What an officer would have to read for nothing.
    #[test]
    fn neighbours_that_are_somebodys_own_are_no_slips() {
        for one in [
            "mail.com",
            "ymail.com",
            "email.com",
            "gmx.com",
            "gmx.net",
            "gmail.co.uk",
            "gmail.com",
            "googlemail.com",
            "yahoo.co.uk",
            "yahoo.com.mx",
            "yahoo.ca",
            "hotmail.ca",
            "hotmail.dk",
            "outlook.be",
            "live.fr",
            "cloud.com",
            "163.com",
            "126.com",
            "un.org",
            "who.int",
            "x.co",
            "town.cm",
            "co.co",
            "aol.com",
            "me.com",
            "xn--bcher-kva.example",
        ] {
            check(&format!("ana@{one}"), &[(25, "gmail.com"), (25, "163.com")], &[]);
        }
        for (one, other) in [
            ("town-hall2.org", "town-hall1.org"),
            ("siemens.dk", "siemens.de"),
            ("uni.org", "un.org"),
            ("mail.town.org", "town.org"),
            ("forum.org", "forum.com"),
            ("twin-hall.com", "town-hall.org"),
        ] {
            check(&format!("ana@{one}"), &[(30, other)], &[]);
        }
        // Few are no measure, and four people do not make one slip.
        check("ana@twon-hall.org", &[(19, "town-hall.org")], &[]);
        check("ana@twon-hall.org", &[(3, "twon-hall.org"), (100, "town-hall.org")], &[]);
    }

    #[test]
    fn addresses_that_nobody_reads_are_noticed_and_those_of_offices_noted() {
        for (address, expected) in [
            ("no-reply@town.example", "unread-address nobody reads what goes to no-reply@town"),
            ("ana@mailinator.com", "disposable-address the address ana@mailinator.com was made"),
            ("ana@voila.fr", "closed-provider nobody can read ana@voila.fr"),
            (
                "'ana@x.example",
                "probable-slip the address 'ana@x.example is probably ana@x.example",
            ),
            ("ana%y.example@x.example", "odd-address the address ana%y.example@x.example has %"),
            ("bo/ana@x.example", "odd-address the address bo/ana@x.example has / before the @"),
            ("***@x.example", "odd-address the address ***@x.example has * before the @"),
            ("info@x.example", "office-address 1 address is probably that of an office: info@"),
        ] {
            check(address, &[], &[expected]);
        }
        let offices: Vec<String> = (0..9).map(|n| format!("info@town{n}.example")).collect();
        assert_eq!(
            said(&offices),
            ["office-address 9 addresses are probably those of offices: info@town0.example, \
              info@town1.example, info@town2.example and 6 more"]
        );
        for right in ["o'brien", "ana+forum", "r&d", "a_b-c.d", "ana.perez", "почта"] {
            check(&format!("{right}@пример.рф"), &[], &[]);
        }
    }

    /// Security S12.
    #[test]
    fn letters_that_look_like_others_are_noticed() {
        check(
            "ana@\u{0441}\u{043e}\u{0440}\u{0435}.org",
            &[(1, "cope.org")],
            &["look-alike the address ana@соре.org (xn--e1argc.org) looks like one at cope.org"],
        );
        check("ana@gm\u{0251}il.com", &[], &["look-alike the address ana@gmɑil.com (xn--"]);
        check(
            "\u{0441}\u{043e}\u{0440}@x.example",
            &[],
            &["look-alike the address сор@x.example has Cyrillic"],
        );
        check("мэрия@x.example", &[], &[]);
        check("ana@москва.рф", &[(1, "mockba.org")], &[]);
    }

    /// Security S20: what is longer than anybody types is not compared letter by letter.
    #[test]
    fn endless_domains_are_not_compared() {
        let long = format!("town-hall.{}.example", "a".repeat(60));
        check(&format!("ana@{}", long.replace("town", "twon")), &[(20, &long)], &[]);
    }

    /// Not quadratic: every domain another one, one of them a slip.
    #[test]
    fn many_domains_are_compared_in_one_pass() {
        let mut list: Vec<String> =
            (0..30_000).map(|n| format!("ana@town-{n}-hall.example")).collect();
        list.extend(people(40, "town-of-lima.example"));
        list.push("ana@town-of-lina.example".to_owned());
        let found = said(&list);
        assert_eq!(found.len(), 1, "{found:#?}");
    }

    #[test]
    fn doubts_carry_the_cell_and_the_person() {
        let list = "name,email\nAna,ana@gmial.com\n";
        let mut problems = Problems::new();
        gather(&[ListSource { file: "l.csv", bytes: list.as_bytes() }], &options(), &mut problems);
        let slip = problems.iter().find(|p| p.code == "probable-slip").unwrap();
        assert_eq!(slip.place.as_ref().unwrap().to_string(), "l.csv:2:2");
        assert_eq!(slip.recipient.as_deref(), Some("ana@gmial.com"));
        assert_eq!(slip.hint.as_deref(), Some("Write ana@gmail.com, if that is right."));
        assert_eq!(slip.severity, Severity::Warning);
    }
}
