//! `why`: everything decided and recorded about one person, in order.

use super::answer::{Answer, Exit};
use super::args::Why;
use super::failure::{Candidate, ledger_problem, several};
use super::meaning::Meanings;
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::moment;
use super::ui::{BOLD, DIM, one_line, padded};
use crate::address::EmailAddress;
use crate::campaign::{self, Campaign};
use crate::config;
use crate::id::{CampaignId, DeliveryId, RecipientKey};
use crate::ledger::{Event, Ledger, LedgerError, State, StoredDelivery};
use crate::limits::WHY_LISTS_BYTES_MAX;
use crate::problem::{Problem, Problems};
use crate::recipients::greeting::Greetings;
use crate::recipients::{
    Cause, Decision, Decisions, Excluded, LanguageBy, People, Recipient, select,
};
use crate::response::Response;
use crate::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// Looks somebody up in the ledger; for people no letter was ever planned for, in the lists.
#[must_use]
pub(super) fn why(shell: &Shell, args: &Why) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let ledger = match restored::look(shell, &opened.workspace) {
        Ok(ledger) => ledger,
        Err(answer) => return *answer,
    };
    let known = ledger.as_ref().map(|ledger| known_of(ledger, &args.who)).transpose();
    let mut answer = match known {
        Err(error) => return Answer::one_problem(Exit::MustChange, ledger_problem(&error)),
        Ok(Some(mut known)) if !known.is_empty() => {
            known.iter_mut().for_each(|known| known.explain(&opened));
            let rows = left_out_rows(&opened, &known);
            let decided = decisions_about(&opened, &known);
            told(&args.who, known, rows.as_deref(), &decided)
        }
        Ok(_) => in_the_lists(&opened, ledger.as_ref(), &args.who),
    };
    let doubted = ledger.and_then(|ledger| restored::doubted(shell, &ledger));
    doubted.into_iter().for_each(|problem| answer.problems.push(problem));
    answer
}

/// A delivery with what happened to it.
pub(super) struct Known {
    delivery: StoredDelivery,
    events: Vec<Event>,
    /// Those of its letter.
    copies: Vec<StoredDelivery>,
    /// What the last answer means, and what to do.
    meaning: Option<String>,
}

impl Known {
    fn explain(&mut self, opened: &Opened) {
        let meanings = Meanings::of(&opened.config, &self.delivery.campaign);
        let is_refused = !self.delivery.response.as_ref().is_some_and(Response::is_positive);
        // What was given back when the run halted has the answer as its detail.
        let words = self.delivery.last_words().filter(|_| is_refused);
        self.meaning = words.and_then(|words| meanings.told(&words));
    }
}

/// What the ledger knows of a delivery.
///
/// # Errors
/// When the ledger cannot be read.
pub(super) fn known(ledger: &Ledger, delivery: StoredDelivery) -> Result<Known, LedgerError> {
    let events = ledger.events_of(&delivery.id)?;
    let copies = ledger.copies_of(&delivery.id)?;
    Ok(Known { delivery, events, copies, meaning: None })
}

fn known_of(ledger: &Ledger, who: &str) -> Result<Vec<Known>, LedgerError> {
    let found = ledger.deliveries_of(who)?;
    let found = select::narrowed(who, found, |d| (&d.address, d.name.as_deref()));
    found.into_iter().map(|delivery| known(ledger, delivery)).collect()
}

/// Rows of the lists as they are now that became no letter, with their campaign.
type Rows = Vec<(CampaignId, Excluded)>;

/// Rows with these people's addresses that were left out; `None` where the lists cannot be read, or
/// not at once. What is wrong with them is for `check` to say.
fn left_out_rows(opened: &Opened, known: &[Known]) -> Option<Rows> {
    let deliveries = || known.iter().map(|known| &known.delivery);
    let campaigns: BTreeSet<&str> = deliveries().map(|d| d.campaign.as_str()).collect();
    let is_meant =
        |e: &Excluded| deliveries().any(|d| is_row_of(e, &d.address, d.name.as_deref(), &d.key));
    let mut rows = Vec::new();
    for setting in opened.config.campaigns.iter().filter(|c| campaigns.contains(c.id.as_str())) {
        let Opened { workspace, config, .. } = opened;
        let people = Campaign::people_within(workspace, config, setting, WHY_LISTS_BYTES_MAX)?;
        let meant = people.excluded.into_iter().filter(is_meant);
        rows.extend(meant.map(|e| (setting.id.clone(), e)));
    }
    Some(rows)
}

/// Lines of `decisions.csv` about people, with the mailing they were looked for in.
type Decided = Vec<(CampaignId, Decision)>;

/// What was decided about these people, as the file is now.
fn decisions_about(opened: &Opened, known: &[Known]) -> Decided {
    let mut all = Vec::new();
    // What was decided about a letter's person is told with the letter.
    let letters: Vec<_> =
        known.iter().map(|k| &k.delivery).filter(|d| d.copy_of.is_none()).collect();
    for setting in &opened.config.campaigns {
        let of_campaign: Vec<_> = letters.iter().filter(|d| d.campaign == setting.id).collect();
        if of_campaign.is_empty() {
            continue;
        }
        let decisions = decisions_of(opened, setting);
        for delivery in of_campaign {
            let lines = decisions.about(delivery.key.as_str(), delivery.name.as_deref());
            all.extend(lines.map(|line| (setting.id.clone(), line.clone())));
        }
    }
    all
}

/// What is wrong with the file is for `check` to say.
fn decisions_of(opened: &Opened, setting: &config::Campaign) -> Decisions {
    campaign::decisions(&opened.workspace, &opened.config, setting, &mut Problems::new())
}

/// A decision with its line: `decisions.csv:4: leave-out, reason: asked by phone, by M.`
fn in_words(decision: &Decision) -> String {
    let Decision { action, reason, by, at, place, campaign, .. } = decision;
    let part = |label: &str, text: &str| match text {
        "" => String::new(),
        text => format!(", {label}{text}"),
    };
    let value = match action.value() {
        "" => String::new(),
        value => format!(" {value}"),
    };
    let campaign = campaign.as_deref().unwrap_or_default();
    [
        format!("{place}: {}{value}", action.word()),
        part("for ", campaign),
        part("reason: ", reason),
        part("by ", by),
        part("", at),
    ]
    .concat()
}

fn decisions_as_json(decided: &[(CampaignId, Decision)]) -> Value {
    let mut seen = BTreeSet::new();
    let once = decided.iter().filter(|(_, d)| seen.insert(&d.place));
    let line = |(_, d): &(CampaignId, Decision)| {
        json!({
            "file": d.place.file,
            "line": d.place.line,
            "action": d.action.word(),
            "value": d.action.value(),
            "campaign": d.campaign,
            "reason": d.reason,
            "by": d.by,
            "at": d.at,
        })
    };
    once.map(line).collect()
}

/// Tells of one person's deliveries, of the rows that were left out in their favour where they
/// were looked for, and of what was decided.
pub(super) fn told(
    who: &str,
    known: Vec<Known>,
    rows: Option<&[(CampaignId, Excluded)]>,
    decided: &[(CampaignId, Decision)],
) -> Answer {
    let addresses: BTreeSet<&str> = known.iter().map(|k| k.delivery.address.as_str()).collect();
    if addresses.len() > 1 || are_several(known.iter().map(|k| &k.delivery)) {
        let candidates = known.iter().map(|k| candidate(&k.delivery));
        return Answer::one_problem(Exit::MustChange, several(who, candidates));
    }
    let address = addresses.into_iter().next().unwrap_or_default().to_owned();
    let rows_told = rows.unwrap_or_default();
    let text = known.iter().map(|known| as_text(known, rows_told, decided));
    let text = text.collect::<Vec<_>>().join("\n");
    let deliveries: Vec<Value> = known.iter().map(delivery_as_json).collect();
    let events: Vec<Value> =
        known.iter().flat_map(|known| known.events.iter().map(event_as_json)).collect();
    Answer::done(text)
        .with("address", json!(address))
        .with("deliveries", json!(deliveries))
        .with("left_out", rows.map_or(Value::Null, rows_as_json))
        .with("decisions", decisions_as_json(decided))
        .with("events", json!(events))
}

/// Whether deliveries to one address are of people who share it: of one mailing, to other names.
pub(super) fn are_several<'d>(deliveries: impl IntoIterator<Item = &'d StoredDelivery>) -> bool {
    let mut first: HashMap<&CampaignId, Option<&str>> = HashMap::new();
    // A copy has no name, and is told of with whoever has its address.
    deliveries.into_iter().filter(|d| d.copy_of.is_none()).any(|d| {
        let name = *first.entry(&d.campaign).or_insert(d.name.as_deref());
        !select::is_same_name(name, d.name.as_deref())
    })
}

/// Whether a row that was left out is told of with this person: it has the address, and the name
/// too where several people have letters there.
fn is_row_of(
    excluded: &Excluded,
    address: &EmailAddress,
    name: Option<&str>,
    key: &RecipientKey,
) -> bool {
    key_of(&excluded.address) == address.compare_key()
        && (!key.has_name() || select::is_same_name(excluded.name.as_deref(), name))
}

/// Somebody of the ledger whom WHO may mean.
#[must_use]
pub(super) fn candidate(delivery: &StoredDelivery) -> Candidate {
    // The address in the list, by which people are asked for, where the letter went elsewhere.
    let is_elsewhere =
        delivery.copy_of.is_none() && delivery.address.compare_key() != delivery.key.address();
    let address = if is_elsewhere { delivery.key.address() } else { delivery.address.as_str() };
    Candidate::new(address, delivery.name.as_deref(), Some(&delivery.place))
}

fn rows_as_json(rows: &[(CampaignId, Excluded)]) -> Value {
    let row = |(campaign, e): &(CampaignId, Excluded)| {
        json!({
            "campaign": campaign.as_str(),
            "file": e.place.file,
            "line": e.place.line,
            "reason": e.reason,
        })
    };
    rows.iter().map(row).collect()
}

fn delivery_as_json(known: &Known) -> Value {
    let Known { delivery, copies, .. } = known;
    let copy =
        |c: &StoredDelivery| json!({"address": c.address.as_str(), "state": c.state.as_str()});
    json!({
        "campaign": delivery.campaign.as_str(),
        "name": delivery.name,
        "state": delivery.state.as_str(),
        "message_id": delivery.message_id,
        "attempts": delivery.attempts,
        "response": delivery.answer(),
        "file": delivery.place.file,
        "line": delivery.place.line,
        "in_plan": delivery.is_in_plan,
        "copy_of": delivery.copy_of.as_ref().map(|letter| letter.address.as_str()),
        "copies": copies.iter().map(copy).collect::<Vec<_>>(),
    })
}

fn event_as_json(event: &Event) -> Value {
    let mut object = Map::new();
    object.insert("at".to_owned(), json!(event.at.to_string()));
    object.insert("kind".to_owned(), json!(event.kind));
    object.insert("campaign".to_owned(), json!(event.campaign));
    object.extend(event.detail.clone());
    Value::Object(object)
}

fn as_text(
    known: &Known,
    rows: &[(CampaignId, Excluded)],
    decided: &[(CampaignId, Decision)],
) -> String {
    let Known { delivery, events, copies, meaning } = known;
    let name = delivery.name.as_deref().map(|n| format!("{} ", one_line(n))).unwrap_or_default();
    let mut text = format!("{BOLD}{name}<{}>{BOLD:#}\n", delivery.address);
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{DIM}{}{DIM:#}{}", padded(label, 12), one_line(value));
    };
    line("mailing", delivery.campaign.as_str());
    if let Some(letter) = &delivery.copy_of {
        line("copy of", &format!("the letter to {letter}"));
    }
    let when =
        if delivery.is_in_plan { "" } else { " when it was planned, no longer in the lists" };
    line("row", &format!("{}{when}", delivery.place));
    for (_, row) in rows.iter().filter(|(campaign, _)| *campaign == delivery.campaign) {
        line("left out", &format!("{}: {}", row.place, row.reason));
    }
    for (_, decision) in decided.iter().filter(|(campaign, _)| *campaign == delivery.campaign) {
        line("decision", &in_words(decision));
    }
    line("language", delivery.language.as_str());
    line("state", delivery.state.as_str());
    line("attempts", &delivery.attempts.to_string());
    line("message", delivery.message_id.as_deref().unwrap_or("none yet"));
    for copy in copies {
        line("copy to", &format!("{}: {}", copy.address, copy.state));
    }
    if let Some(words) = delivery.last_words() {
        line(label_of_last_words(delivery, events), &words);
    }
    if let Some(meaning) = meaning {
        line("meaning", meaning);
    }
    for event in events {
        let (kind, told) = (&event.kind, told_of(event));
        let _ =
            writeln!(text, "{}{}  {kind} {DIM}{told}{DIM:#}", padded("", 12), in_short(event.at));
    }
    text + &what_to_do(delivery)
}

fn what_to_do(delivery: &StoredDelivery) -> String {
    if delivery.state != State::Uncertain {
        return String::new();
    }
    let (address, margin) = (&delivery.address, padded("", 12));
    if let Some(to) = delivery.hand_over().filter(|to| to.is_finished) {
        return format!(
            "{margin}it is a file in that folder: once you know what became of all of them,\n\
             {margin}secretariat resolve --handed-over \"{}\" --accepted or --resend, --reason TEXT\n",
            to.folder
        );
    }
    let of = delivery.copy_of.as_ref().map(|letter| format!(" --letter-to {}", letter.address));
    let of = of.unwrap_or_default();
    format!(
        "{margin}it may have gone: ask the mail server's administrators for this message, then\n\
         {margin}secretariat resolve {address}{of} --accepted or --resend, --reason TEXT\n"
    )
}

fn in_short(at: Timestamp) -> String {
    format!("{} {}", at.local_date(), at.local_time())
}

/// Whose the last words are: the mail server's, a person's, or ours on an answer that never came.
fn label_of_last_words(delivery: &StoredDelivery, events: &[Event]) -> &'static str {
    if delivery.response.is_some() {
        return "answer";
    }
    if delivery.hand_over().is_some() && delivery.state == State::Uncertain {
        return "hand-over";
    }
    let said =
        |e: &&Event| e.detail.get("detail").and_then(Value::as_str) == delivery.detail.as_deref();
    match events.iter().rev().find(said) {
        Some(event) if is_of_an_attempt(event) => "no answer",
        _ => "reason",
    }
}

fn is_of_an_attempt(event: &Event) -> bool {
    ["relay", "stage"].iter().any(|name| event.detail.get(*name).is_some_and(|v| !v.is_null()))
}

/// What an event says besides its kind: whose words they are, and where to. Always on one line.
fn told_of(event: &Event) -> String {
    let detail = |name: &str| {
        event.detail.get(name).filter(|v| !v.is_null()).map(|value| one_line(&plain(value)))
    };
    let response = detail("response");
    let relay = if response.is_some() { "by" } else { "at" };
    let words = response.or_else(|| {
        let words = detail("detail")?;
        Some(match event.kind.as_str() {
            "resolved" if detail("state").as_deref() == Some(State::Accepted.as_str()) => {
                format!("as accepted, reason: {words}")
            }
            "resolved" => format!("to be sent again, reason: {words}"),
            _ if is_of_an_attempt(event) => format!("without an answer: {words}"),
            _ => words,
        })
    });
    let due = detail("due_at").map(|due| {
        let due = Timestamp::parse(&due).map_or(due, moment);
        format!("again at {due}")
    });
    let labelled = |name: &str, label: &str| detail(name).map(|value| format!("{label} {value}"));
    let parts = [words, labelled("attempt", "number"), labelled("relay", relay), due];
    let parts = parts.into_iter().chain([labelled("file", "from")]);
    parts.flatten().collect::<Vec<_>>().join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A row of the lists that WHO means: whose it is, who that may be, and what is to be said.
struct Found {
    key: String,
    candidate: Candidate,
    text: String,
}

/// Somebody no letter was planned for: what the lists of all mailings say of them now. What is
/// wrong with letters and documents concerns everybody and is for `check` to say.
fn in_the_lists(opened: &Opened, ledger: Option<&Ledger>, who: &str) -> Answer {
    let mut problems = Problems::new();
    let (mut found, mut beside, mut copied): (Vec<Found>, Vec<Found>, Vec<Found>) =
        Default::default();
    let (mut rows, mut decided): (Rows, Decided) = Default::default();
    let Opened { workspace, config, .. } = opened;
    let greetings = Campaign::greetings_now(workspace);
    for setting in &config.campaigns {
        let people = Campaign::people_now(workspace, config, setting, &mut problems);
        copied.append(&mut copied_to(&people, who));
        let here = select::find(&people, who);
        for excluded in &people.excluded {
            let is_of =
                |r: &&&Recipient| is_row_of(excluded, &r.address, r.name.as_deref(), &r.key);
            let recipient = here.iter().find(is_of);
            let name = excluded.name.as_deref();
            if recipient.is_some() || select::matches(who, &excluded.address, name) {
                rows.push((setting.id.clone(), excluded.clone()));
                beside.push(left_out(excluded, recipient.copied()));
            }
        }
        let decisions = decisions_of(opened, setting);
        for recipient in here {
            let lines = decisions.about(recipient.key.as_str(), recipient.name.as_deref());
            let lines: Vec<&Decision> = lines.collect();
            decided.extend(lines.iter().map(|line| (setting.id.clone(), (*line).clone())));
            let state = state_of(ledger, &setting.id, recipient);
            found.push(unplanned(recipient, &greetings, &lines, state));
        }
        found.append(&mut beside);
    }
    for copy in copied {
        // Somebody with a letter of their own is told of the copy with it.
        let address = |f: &Found| key_of(&f.candidate.address);
        let own = found.iter().find(|f| address(f) == copy.key).map(|f| f.key.clone());
        found.push(Found { key: own.unwrap_or_else(|| copy.key.clone()), ..copy });
    }
    let keys: BTreeSet<&str> = found.iter().map(|f| f.key.as_str()).collect();
    match keys.iter().collect::<Vec<_>>().as_slice() {
        [_] => {
            let mut seen = BTreeSet::new();
            let texts = found.iter().map(|f| f.text.as_str()).filter(|text| seen.insert(*text));
            no_deliveries(&key_of(&found[0].candidate.address), texts.collect(), &rows, &decided)
        }
        [] => nobody(who, problems.has_errors()),
        _ => {
            let mut seen = BTreeSet::new();
            let first = found.iter().filter(|f| seen.insert(&f.key)).map(|f| f.candidate.clone());
            Answer::one_problem(Exit::MustChange, several(who, first))
        }
    }
}

fn nobody(who: &str, may_be_unread: bool) -> Answer {
    let message = format!("nobody in the lists or in the ledger is {who:?}");
    let hint = "Write an address, or a part of a name or address as it stands in the list.";
    let hint = match may_be_unread {
        true => format!("{hint} Not all of the lists could be read: see secretariat check."),
        false => hint.to_owned(),
    };
    Answer::one_problem(Exit::MustChange, Problem::error("nobody", message).hint(hint))
}

/// Whom the ledger does not know by name: who came to an address whose letter was planned before.
fn state_of(ledger: Option<&Ledger>, campaign: &CampaignId, recipient: &Recipient) -> String {
    let id = DeliveryId::of(campaign, &recipient.key);
    let known = ledger.and_then(|ledger| ledger.delivery(&id).ok().flatten());
    let Some(known) = known else { return "no letter was planned yet".to_owned() };
    let (address, state) = (&known.address, known.state);
    let name = known.name.map_or_else(|| "nobody by name".to_owned(), |name| one_line(&name));
    let since = moment(known.updated_at);
    format!("the letter to {address} was written to {name}; it is {state} since {since}")
}

/// A recipient of a plan that was never confirmed.
fn unplanned(
    recipient: &Recipient,
    greetings: &Greetings,
    decided: &[&Decision],
    state: String,
) -> Found {
    let names = recipient.all_names();
    let name = names.as_deref().map(|n| format!("{} ", one_line(n))).unwrap_or_default();
    let mut text = format!("{BOLD}{name}<{}>{BOLD:#}\n", recipient.address);
    let language = format!("{} ({})", recipient.language, by_words(recipient));
    let copies = recipient.copies.iter().map(|a| ("copy to", a.to_string()));
    for (label, value) in [
        ("row", recipient.place.to_string()),
        ("language", language),
        ("greeting", one_line(greetings.greet(&recipient.language, recipient).as_str())),
        ("state", state),
    ]
    .into_iter()
    .chain(copies)
    {
        let _ = writeln!(text, "{DIM}{}{DIM:#}{value}", padded(label, 12));
    }
    for decision in decided {
        let told = one_line(&in_words(decision));
        let _ = writeln!(text, "{DIM}{}{DIM:#}{told}", padded("decision", 12));
    }
    let address = &recipient.address;
    let candidate = Candidate::of(recipient);
    let key = person_key(address.as_str(), recipient.name.as_deref());
    Found { key, candidate, text }
}

/// Addresses that get a copy of somebody's letter and may be the one that is meant.
fn copied_to(people: &People, who: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for recipient in &people.recipients {
        let meant = recipient.copies.iter().filter(|c| select::matches(who, c.as_str(), None));
        found.extend(meant.map(|copy| {
            let (address, place) = (copy.as_str(), &recipient.place);
            let text =
                format!("{address} ({place}): a copy of the letter to {}\n", recipient.address);
            let candidate = Candidate::new(address, None, Some(place));
            Found { key: copy.compare_key(), candidate, text }
        }));
    }
    found
}

/// A row that was left out, and with whom it is told of.
fn left_out(excluded: &Excluded, beside: Option<&Recipient>) -> Found {
    let Excluded { address, name, place, reason, .. } = excluded;
    let name = name.as_deref();
    let who = match name {
        Some(name) => format!("{} <{}>", one_line(name), one_line(address)),
        None => one_line(address),
    };
    let said = one_line(reason);
    let text = match excluded.cause {
        // It says so itself.
        Cause::Decision => format!("{who} ({place}): {said}\n"),
        _ => format!("{who} ({place}): left out, {said}\n"),
    };
    let key = match beside {
        Some(recipient) => person_key(recipient.address.as_str(), recipient.name.as_deref()),
        None => person_key(address, name),
    };
    Found { key, candidate: Candidate::new(address, name, Some(place)), text }
}

/// The same address in another spelling is the same person.
fn key_of(address: &str) -> String {
    EmailAddress::parse(address).map_or_else(|_| address.to_owned(), |a| a.compare_key())
}

/// What tells people of the lists apart: several may share an address.
fn person_key(address: &str, name: Option<&str>) -> String {
    let folded = name.map(select::folded).unwrap_or_default();
    let mut words: Vec<&str> = folded.split(' ').collect();
    words.sort_unstable();
    format!("{} {}", key_of(address), words.join(" "))
}

/// `by default; the cell "Dutch" is not known`.
fn by_words(recipient: &Recipient) -> String {
    let rule = match recipient.language_by {
        LanguageBy::Column => "from the list",
        LanguageBy::Decision => "by decision",
        LanguageBy::Country => "by country",
        LanguageBy::Default => "by default",
    };
    match recipient.unknown_language() {
        None => rule.to_owned(),
        Some(cell) => format!("{rule}; the cell \"{}\" is not known", one_line(cell)),
    }
}

fn no_deliveries(
    address: &str,
    text: String,
    rows: &[(CampaignId, Excluded)],
    decided: &[(CampaignId, Decision)],
) -> Answer {
    Answer::done(text)
        .with("address", json!(address))
        .with("deliveries", json!([]))
        .with("left_out", rows_as_json(rows))
        .with("decisions", decisions_as_json(decided))
        .with("events", json!([]))
}
