//! What a decision about somebody changes, in a sentence: whether they get a letter, where it goes,
//! and what they have already.
//!
//! Owns the words. Reads the lists as they are with the decision, and the ledger.

use super::other_key::{Theirs, had};
use crate::address::EmailAddress;
use crate::config;
use crate::id::DeliveryId;
use crate::ledger::{Ledger, LedgerError, RunLock, State, StoredDelivery};
use crate::recipients::{People, Recipient, select};
use crate::workspace::Workspace;

/// Whom a decision is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whom<'a> {
    /// As the lists have it.
    pub(super) address: &'a EmailAddress,
    /// As the lists have it.
    pub(super) name: Option<&'a str>,
    /// Others share the address.
    pub(super) is_one_of_several: bool,
    /// As people are told of them.
    pub(super) shown: &'a str,
}

/// What becomes of a person's letter of one mailing; `after`: its people with the decision, `new`:
/// where the letter is to go instead.
pub(super) fn effect(
    workspace: &Workspace,
    setting: &config::Campaign,
    after: &People,
    whom: Whom<'_>,
    new: Option<&EmailAddress>,
) -> String {
    let ledger = workspace.private_folder().ok().and_then(|f| Ledger::look(&f).ok().flatten());
    let recipient = after.recipients.iter().find(|r| is_theirs(r, whom));
    let (who, id) = (whom.shown, &setting.id);
    if let (Some(ledger), Some(recipient)) = (&ledger, recipient)
        && let Ok(Some(had)) = again(ledger, setting, after, recipient)
    {
        let address = &recipient.address;
        return format!(
            "{who} has the letter of {id} already: {had}. send refuses to write to {address} too, \
             and tells the ways out."
        );
    }
    let told = ledger.and_then(|ledger| match recipient {
        Some(recipient) => has(&ledger, setting, after, recipient, whom).ok(),
        None => left(&ledger, setting, whom).ok(),
    });
    let had = told.unwrap_or_default();
    match (recipient, new) {
        (Some(_), Some(new)) => format!("The letter of {id} to {who} goes to {new}{had}."),
        (Some(_), None) => format!("{who} gets a letter of {id}{had}."),
        (None, _) => format!("{who} gets no letter of {id}{had}."),
    }
}

fn is_theirs(recipient: &Recipient, whom: Whom<'_>) -> bool {
    let is_named = recipient.names().any(|n| select::is_same_name(Some(n), whom.name));
    recipient.key.address() == whom.address.compare_key()
        && (!whom.is_one_of_several || is_named || recipient.all_names().as_deref() == whom.name)
}

/// What somebody has whom `send` would not write to again.
fn again(
    ledger: &Ledger,
    setting: &config::Campaign,
    after: &People,
    recipient: &Recipient,
) -> Result<Option<String>, LedgerError> {
    let again = Theirs::of(ledger, &setting.id, after).again()?;
    let theirs = again.iter().find(|(begun, _)| begun.recipient.number == recipient.number);
    Ok(theirs.map(|(begun, gone)| had(gone, begun)))
}

/// What somebody has who is written to.
fn has(
    ledger: &Ledger,
    setting: &config::Campaign,
    after: &People,
    recipient: &Recipient,
    whom: Whom<'_>,
) -> Result<String, LedgerError> {
    let theirs = Theirs::of(ledger, &setting.id, after);
    let known = ledger.delivery(&DeliveryId::of(&setting.id, &recipient.key))?;
    Ok(match known.as_ref().map(|d| d.state) {
        Some(State::Accepted | State::Uncertain | State::Attempting)
            if theirs.missed()?.has_joined(recipient, whom.name) =>
        {
            "; but that letter went before, to others, and goes to nobody again".to_owned()
        }
        Some(State::Accepted) => {
            let went = known.map(|d| d.address).filter(|a| *a != recipient.address);
            let to = went.map(|address| format!(", at {address}")).unwrap_or_default();
            format!(", and has the letter already{to}: that stays")
        }
        Some(State::Uncertain | State::Attempting) => {
            ", and may have the letter already: see secretariat why".to_owned()
        }
        Some(State::Planned | State::Deferred) => waiting(ledger, setting, "as it was confirmed"),
        _ => String::new(),
    })
}

/// What somebody has who is written to no more.
fn left(
    ledger: &Ledger,
    setting: &config::Campaign,
    whom: Whom<'_>,
) -> Result<String, LedgerError> {
    let known = ledger.deliveries_of_address(whom.address)?;
    let is_theirs = |d: &&StoredDelivery| {
        d.campaign == setting.id
            && d.copy_of.is_none()
            && (!d.key.has_name() || select::is_same_name(d.name.as_deref(), whom.name))
    };
    Ok(match known.iter().find(is_theirs).map(|d| d.state) {
        Some(State::Accepted) => ", and has the letter already: that stays".to_owned(),
        Some(State::Uncertain | State::Attempting) => {
            ", and may have the letter already: see secretariat why".to_owned()
        }
        Some(State::Planned | State::Deferred) => waiting(ledger, setting, "all the same"),
        _ => String::new(),
    })
}

/// A run at work knows nothing of a decision: it sends what was confirmed.
fn waiting(ledger: &Ledger, setting: &config::Campaign, how: &str) -> String {
    let id = &setting.id;
    match RunLock::is_held(ledger) {
        true => format!(
            " once send has confirmed the new plan; but a run is at work, and sends the letter \
             {how}. To hold it: secretariat pause {id}, stop that run (Ctrl-C), secretariat resume \
             {id}, secretariat send {id}"
        ),
        false => " once send has confirmed the new plan".to_owned(),
    }
}
