//! The screen before sending: everything a person confirms, on one page.

use super::audience;
use super::chosen::{Number, that_go};
use super::language_rules::by_other_rules;
use super::ui::{BOLD, DIM, grouped, padded, plural, size};
use super::wrapping::wrapped;
use crate::address::EmailAddress;
use crate::campaign::Campaign;
use crate::id::DeliveryId;
use crate::language::Language;
use crate::ledger::State;
use crate::letter::Attachment;
use crate::message::dkim::Signer;
use crate::plan::Plan;
use crate::recipients::greeting::Kind;
use crate::send::Selection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

/// Column in which the right-hand remarks begin.
const REMARK_COLUMN: usize = 58;
/// Columns of the labels at the left.
const LABEL_COLUMNS: usize = 11;

/// Who gets a letter when this plan goes, and who does not any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Going {
    /// The first who gets one now, by place in the plan.
    first: Option<usize>,
    /// The last.
    last: Option<usize>,
    /// People of the plan whom no letter goes to any more, by their state.
    already: BTreeMap<State, u64>,
}

impl Going {
    /// What the ledger's states make of a plan, for those who are meant now.
    pub(super) fn of(
        plan: &Plan,
        states: &HashMap<DeliveryId, State>,
        selection: &Selection,
    ) -> Going {
        let mut going = Going::default();
        let closed = |id: &DeliveryId| states.get(id).filter(|state| !state.is_open_to_plans());
        for state in plan.deliveries.iter().filter_map(|letter| closed(&letter.id)) {
            *going.already.entry(*state).or_default() += 1;
        }
        for letter in that_go(plan, selection, |id| closed(id).is_none()) {
            going.first.get_or_insert(letter.at);
            going.last = Some(letter.at);
        }
        going
    }

    /// `4 have it, 1 was refused`; nothing where nobody was written to.
    fn already(&self) -> String {
        let count = |states: &[State]| -> u64 {
            states.iter().filter_map(|state| self.already.get(state)).sum()
        };
        let was = |n| if n == 1 { "was" } else { "were" };
        let (refused, given_up) = (count(&[State::Rejected]), count(&[State::Expired]));
        let words = [
            (count(&[State::Accepted]), "have it".to_owned()),
            (refused, format!("{} refused for good", was(refused))),
            (count(&[State::Attempting, State::Uncertain]), "not sure".to_owned()),
            (given_up, format!("{} given up", was(given_up))),
        ];
        let said = words.into_iter().filter(|(count, _)| *count > 0);
        let said = said.map(|(count, words)| match (count, words.as_str()) {
            (1, "have it") => "1 has it".to_owned(),
            _ => format!("{} {words}", grouped(count)),
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

/// The plan screen of the contract, with its line ends; `pace` where something limits it.
#[must_use]
pub(super) fn plan_screen(
    campaign: &Campaign,
    plan: &Plan,
    going: &Going,
    pace: Option<&str>,
    columns: usize,
) -> String {
    let mut screen = String::new();
    let heading = heading(campaign, plan);
    let _ = writeln!(
        screen,
        "{BOLD}{}{BOLD:#}plan {BOLD}{}{BOLD:#}",
        padded(&heading, REMARK_COLUMN),
        plan.fingerprint.plan_code()
    );
    let mut line = |label: &str, text: &str, remark: &str| {
        let beside = match remark.is_empty() || text.is_empty() {
            true => format!("{text}{remark}"),
            // Two blanks at least between them.
            false => format!("{}  {remark}", padded(text, REMARK_COLUMN - LABEL_COLUMNS - 2)),
        };
        let label = format!("{DIM}{}{DIM:#}", padded(label, LABEL_COLUMNS));
        let lines = match LABEL_COLUMNS + beside.width() > columns && !remark.is_empty() {
            true => vec![format!("{label}{text}"), " ".repeat(LABEL_COLUMNS) + remark],
            false => vec![label + &beside],
        };
        for line in lines {
            let _ = writeln!(screen, "{}", wrapped(&line, columns, LABEL_COLUMNS));
        }
    };
    let people = plan.deliveries.iter().map(|d| &campaign.people.recipients[d.recipient]);
    line("languages", &languages(plan), &by_other_rules(people));
    for stand_in in stand_ins(campaign, plan) {
        line("", &stand_in, "");
    }
    let shares = &campaign.people.shares;
    if shares.countries.len() > 1 {
        line("countries", &audience::countries(shares), "");
    }
    if shares.lists.len() > 1 {
        line("lists", &audience::lists(&campaign.people), "");
    }
    let (files, weight) = files(plan);
    line("files", &files, &weight);
    for fall_back in fall_backs(campaign) {
        line("", &fall_back, "");
    }
    line("from", &from(campaign), "");
    for (i, signer) in campaign.senders.default.dkim.signers().iter().enumerate() {
        line(if i == 0 { "signed" } else { "" }, &signed_by(signer), "");
    }
    let copies = copies(plan);
    if !copies.is_empty() {
        line("copies", &copies, "");
    }
    for (i, kept) in audience::kept(&campaign.people).iter().enumerate() {
        line(if i == 0 { "where" } else { "" }, kept, "");
    }
    for (i, left_out) in audience::left_out(&campaign.people).iter().enumerate() {
        line(if i == 0 { "left out" } else { "" }, left_out, "");
    }
    line("first", &first_and_last(campaign, plan, going), &neutral(plan));
    let already = going.already();
    if !already.is_empty() {
        line("already", &already, "");
    }
    if let Some(pace) = pace {
        line("pace", pace, "");
    }
    screen
}

/// `outcome: 648 letters + 212 copies, 93 countries`.
fn heading(campaign: &Campaign, plan: &Plan) -> String {
    let recipients = plan.deliveries.iter().map(|d| &campaign.people.recipients[d.recipient]);
    let countries: BTreeSet<&str> = recipients.filter_map(|r| r.country).collect();
    let letters = Number::of_plan(plan).in_words();
    match countries.len() {
        0 => format!("{}: {letters}", campaign.id),
        n => format!("{}: {letters}, {}", campaign.id, plural(n as u64, "country")),
    }
}

/// Languages of the letters with their counts, most first.
#[must_use]
pub(super) fn language_counts(plan: &Plan) -> Vec<(Language, usize)> {
    let mut counts: BTreeMap<&Language, usize> = BTreeMap::new();
    for delivery in &plan.deliveries {
        *counts.entry(&delivery.language).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(l, n)| (l.clone(), n)).collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

fn languages(plan: &Plan) -> String {
    let counts = language_counts(plan);
    let words: Vec<_> = counts.iter().map(|(l, n)| format!("{l} {}", grouped(*n as u64))).collect();
    words.join("  ")
}

/// `letter in en for pt 3`: readers of a language that has no letter.
fn stand_ins(campaign: &Campaign, plan: &Plan) -> Vec<String> {
    let mut readers: BTreeMap<(&Language, Language), u64> = BTreeMap::new();
    for delivery in &plan.deliveries {
        let wanted = campaign.people.recipients[delivery.recipient].language.primary();
        if wanted != delivery.language.primary() {
            *readers.entry((&delivery.language, wanted)).or_default() += 1;
        }
    }
    let words = readers.into_iter().map(|((given, wanted), people)| {
        format!("letter in {given} for {wanted} {}", grouped(people))
    });
    words.collect()
}

/// `Statement (1), Guidelines (2)` and the weight of a letter.
fn files(plan: &Plan) -> (String, String) {
    let Some(first) = plan.deliveries.first() else { return ("none".to_owned(), String::new()) };
    let named = |a: &Arc<Attachment>| format!("{} ({})", capitalised(&a.id), a.number);
    let names: Vec<_> = first.documents.attachments.iter().map(named).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let octets = || plan.deliveries.iter().map(|d| d.octets);
    let (least, most) = (octets().min().unwrap_or(0), octets().max().unwrap_or(0));
    let weight = match (size(least), size(most)) {
        (least, most) if least == most => format!("{most} a letter"),
        (least, most) => format!("{least} to {most} a letter"),
    };
    (names, weight)
}

fn capitalised(id: &str) -> String {
    let mut letters = id.chars();
    letters
        .next()
        .map(|c| c.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// `Guidelines in en for ar 60, ru 40`.
fn fall_backs(campaign: &Campaign) -> Vec<String> {
    let mut by_document: BTreeMap<(&str, &Language), Vec<String>> = BTreeMap::new();
    for ((document, wanted, given), people) in &campaign.documents.fall_backs {
        let words = format!("{wanted} {}", grouped(*people));
        by_document.entry((document, given)).or_default().push(words);
    }
    let line = |((document, given), readers): ((&str, &Language), Vec<String>)| {
        format!("{} in {given} for {}", capitalised(document), readers.join(", "))
    };
    by_document.into_iter().map(line).collect()
}

fn from(campaign: &Campaign) -> String {
    let sender = &campaign.senders.default;
    let name = sender.from.name.clone().unwrap_or_else(|| sender.from.address.to_string());
    match &sender.reply_to {
        Some(reply_to) => format!("{name}, answers to {}", reply_to.address),
        None => format!("{name}, answers to {}", sender.from.address),
    }
}

/// `by forum.example, key autumn (RSA 2048)`: also what tells another key from the last run's.
fn signed_by(signer: &Signer) -> String {
    let Signer { domain, selector, key } = signer;
    format!("by {domain}, key {selector} ({})", key.kind())
}

/// `212, to 198 addresses, 9 of them to desk@forum.example`: an address that many letters are copied
/// to may be meant, and may be a slip in a column.
#[must_use]
pub(super) fn copies(plan: &Plan) -> String {
    let mut by_address: BTreeMap<String, (u64, &EmailAddress)> = BTreeMap::new();
    for copy in plan.deliveries.iter().flat_map(|letter| &letter.copies) {
        by_address.entry(copy.address.compare_key()).or_insert((0, &copy.address)).0 += 1;
    }
    let total: u64 = by_address.values().map(|(count, _)| count).sum();
    // Of equal ones the first by name, so that the screen does not change from run to run.
    let most = by_address.values().rev().max_by_key(|(count, _)| count);
    match (most, by_address.len()) {
        (None, _) => String::new(),
        (Some((_, only)), 1) => format!("{}, all to {only}", grouped(total)),
        (Some((1, _)), addresses) => {
            let addresses = grouped(addresses as u64);
            format!("{addresses}, to {addresses} addresses")
        }
        (Some((count, most)), addresses) => format!(
            "{}, to {} addresses, {} of them to {most}",
            grouped(total),
            grouped(addresses as u64),
            grouped(*count)
        ),
    }
}

/// Of those who get a letter now.
fn first_and_last(campaign: &Campaign, plan: &Plan, going: &Going) -> String {
    let name = |index: usize| {
        let recipient = &campaign.people.recipients[index];
        recipient.name.clone().unwrap_or_else(|| recipient.address.to_string())
    };
    let at = |at: Option<usize>| at.and_then(|at| plan.deliveries.get(at));
    match (at(going.first), at(going.last)) {
        (Some(only), Some(last)) if only.id == last.id => name(only.recipient),
        (Some(first), Some(last)) => {
            format!("{}    last  {}", name(first.recipient), name(last.recipient))
        }
        _ => "nobody".to_owned(),
    }
}

/// `neutral greeting: 27, without a name: 2`.
fn neutral(plan: &Plan) -> String {
    let said = [
        ("neutral greeting: ", greeted(plan, Kind::Neutral)),
        ("without a name: ", greeted(plan, Kind::Nameless)),
    ];
    let said = said.into_iter().filter(|(_, people)| *people > 0);
    said.map(|(words, n)| format!("{words}{}", grouped(n))).collect::<Vec<_>>().join(", ")
}

/// `612 personal, 27 neutral, 2 without a name`; nothing where there is nothing to tell.
#[must_use]
pub(super) fn greetings(plan: &Plan) -> String {
    if greeted(plan, Kind::Personal) == plan.deliveries.len() as u64 {
        return String::new();
    }
    let said = [
        (greeted(plan, Kind::Personal), "personal"),
        (greeted(plan, Kind::Written), "written in the list"),
        (greeted(plan, Kind::Neutral), "neutral"),
        (greeted(plan, Kind::Nameless), "without a name"),
    ];
    let said = said.into_iter().filter(|(people, _)| *people > 0);
    said.map(|(n, words)| format!("{} {words}", grouped(n))).collect::<Vec<_>>().join(", ")
}

/// Letters greeted in one way.
fn greeted(plan: &Plan, kind: Kind) -> u64 {
    plan.deliveries.iter().filter(|letter| letter.greeting == kind).count() as u64
}
