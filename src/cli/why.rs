//! `why`: everything decided and recorded about one person, in order.

use super::answer::{Answer, Exit};
use super::args::Why;
use super::failure::ledger_problem;
use super::failure::several;
use super::shell::{Opened, Shell};
use super::ui::{BOLD, DIM, padded};
use crate::address::EmailAddress;
use crate::ledger::{Event, Ledger, LedgerError, State, StoredDelivery};
use crate::problem::{Problem, Problems};
use crate::recipients::{Excluded, Recipient, select};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Looks somebody up in the ledger; for people no letter was ever planned for, in the lists.
#[must_use]
pub(super) fn why(shell: &Shell, args: &Why) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let folder = match opened.workspace.private_folder() {
        Ok(folder) => folder,
        Err(problem) => return Answer::one_problem(Exit::MustChange, problem),
    };
    let known = Ledger::look(&folder)
        .and_then(|ledger| ledger.map(|l| known_of(&l, &args.who)).transpose());
    match known {
        Err(error) => Answer::one_problem(Exit::MustChange, ledger_problem(&error)),
        Ok(Some(known)) if !known.is_empty() => told(&args.who, known),
        Ok(_) => in_the_lists(&opened, &args.who),
    }
}

/// A delivery with what happened to it.
pub(super) type Known = Vec<(StoredDelivery, Vec<Event>)>;

fn known_of(ledger: &Ledger, who: &str) -> Result<Known, LedgerError> {
    let found = ledger.deliveries_of(who)?;
    let found = select::narrowed(who, found, |d| d.name.as_deref());
    found.into_iter().map(|d| ledger.events_of(&d.id).map(|events| (d, events))).collect()
}

/// Tells of one person's deliveries.
pub(super) fn told(who: &str, known: Known) -> Answer {
    let addresses: BTreeSet<&str> = known.iter().map(|(d, _)| d.address.as_str()).collect();
    if addresses.len() > 1 {
        return Answer::one_problem(Exit::MustChange, several(who, addresses));
    }
    let address = addresses.into_iter().next().unwrap_or_default().to_owned();
    let text = known.iter().map(|(d, events)| as_text(d, events)).collect::<Vec<_>>().join("\n");
    let deliveries: Vec<Value> = known.iter().map(|(d, _)| delivery_as_json(d)).collect();
    let events: Vec<Value> =
        known.iter().flat_map(|(_, events)| events.iter().map(event_as_json)).collect();
    Answer::done(text)
        .with("address", json!(address))
        .with("deliveries", json!(deliveries))
        .with("events", json!(events))
}

fn delivery_as_json(delivery: &StoredDelivery) -> Value {
    json!({
        "campaign": delivery.campaign.as_str(),
        "state": delivery.state.as_str(),
        "message_id": delivery.message_id,
        "attempts": delivery.attempts,
        "response": delivery.response.as_ref().map(ToString::to_string),
        "file": delivery.place.file,
        "line": delivery.place.line,
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

fn as_text(delivery: &StoredDelivery, events: &[Event]) -> String {
    let name = delivery.name.as_deref().map(|n| format!("{n} ")).unwrap_or_default();
    let mut text = format!("{BOLD}{name}<{}>{BOLD:#}\n", delivery.address);
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{DIM}{}{DIM:#}{value}", padded(label, 12));
    };
    line("mailing", delivery.campaign.as_str());
    line("row", &delivery.place.to_string());
    line("language", delivery.language.as_str());
    line("state", delivery.state.as_str());
    line("attempts", &delivery.attempts.to_string());
    line("message", delivery.message_id.as_deref().unwrap_or("none yet"));
    if let Some(words) = delivery.last_words() {
        line("answer", &words);
    }
    for event in events {
        let when = format!("{} {}", event.at.local_date(), event.at.local_time());
        line("", &format!("{when}  {} {DIM}{}{DIM:#}", event.kind, told_of(event)));
    }
    if delivery.state == State::Uncertain {
        line("", "it may have gone: ask the mail server's administrators for this message, then");
        let address = &delivery.address;
        line("", &format!("secretariat resolve {address} --accepted or --resend, --reason TEXT"));
    }
    text
}

/// What an event says besides its kind: the relay's words once, and where to.
fn told_of(event: &Event) -> String {
    let detail = |name: &str| event.detail.get(name).filter(|v| !v.is_null()).map(plain);
    let words = detail("response").or_else(|| detail("detail"));
    let labelled =
        [("attempt", "number"), ("relay", "by"), ("due_at", "again at"), ("file", "from")];
    let labelled = labelled
        .iter()
        .filter_map(|(name, label)| detail(name).map(|value| format!("{label} {value}")));
    words.into_iter().chain(labelled).collect::<Vec<_>>().join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Somebody no letter was planned for: what the lists of all mailings say of them now.
fn in_the_lists(opened: &Opened, who: &str) -> Answer {
    let mut problems = Problems::new();
    let mut found: Vec<(String, String)> = Vec::new();
    for setting in &opened.config.campaigns {
        let Some(campaign) = opened.campaign(Some(setting.id.as_str()), &mut problems) else {
            continue;
        };
        found.extend(select::find(&campaign.people, who).into_iter().map(unplanned));
        let is_meant = |e: &&Excluded| select::matches(who, &e.address, None);
        found.extend(campaign.people.excluded.iter().filter(is_meant).map(left_out));
    }
    let addresses: BTreeSet<&str> = found.iter().map(|(address, _)| address.as_str()).collect();
    let mut texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    texts.dedup();
    match addresses.iter().collect::<Vec<_>>().as_slice() {
        [address] => no_deliveries(address, texts.concat()),
        [] if problems.has_errors() => Answer::failed(Exit::MustChange, problems),
        [] => {
            let message = format!("nobody in the lists or in the ledger is {who:?}");
            let problem = Problem::error("nobody", message)
                .hint("Write an address, or a part of a name as it stands in the list.");
            Answer::one_problem(Exit::MustChange, problem)
        }
        _ => Answer::one_problem(Exit::MustChange, several(who, addresses)),
    }
}

/// A recipient of a plan that was never confirmed.
fn unplanned(recipient: &Recipient) -> (String, String) {
    let name = recipient.name.as_deref().map(|n| format!("{n} ")).unwrap_or_default();
    let mut text = format!("{BOLD}{name}<{}>{BOLD:#}\n", recipient.address);
    let language = format!("{} ({})", recipient.language, by_words(recipient.language_by));
    for (label, value) in [
        ("row", recipient.place.to_string()),
        ("language", language),
        ("state", "no letter was planned yet".to_owned()),
    ] {
        let _ = writeln!(text, "{DIM}{}{DIM:#}{value}", padded(label, 12));
    }
    (recipient.address.compare_key(), text)
}

fn left_out(excluded: &Excluded) -> (String, String) {
    let Excluded { address, place, reason } = excluded;
    // The same address in another spelling is the same person.
    let known = EmailAddress::parse(address).map(|a| a.compare_key());
    let text = format!("{address} ({place}): left out, {reason}\n");
    (known.unwrap_or_else(|_| address.clone()), text)
}

fn by_words(by: crate::recipients::LanguageBy) -> &'static str {
    match by {
        crate::recipients::LanguageBy::Column => "from the list",
        crate::recipients::LanguageBy::Country => "by country",
        crate::recipients::LanguageBy::Default => "by default",
    }
}

fn no_deliveries(address: &str, text: String) -> Answer {
    Answer::done(text)
        .with("address", json!(address))
        .with("deliveries", json!([]))
        .with("events", json!([]))
}
