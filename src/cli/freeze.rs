//! Freezes a confirmed plan: files into `objects/`, letters and people into the ledger.
//!
//! # Invariants
//! The plan that is frozen is the plan that was confirmed: its letters are rendered once more from
//! the same bytes in memory, and the ledger takes all of them in one transaction or none. A plan
//! that is frozen already is not rendered again. Confirming a part of a withdrawn mailing brings
//! nobody else back.

use super::answer::{Answer, Exit};
use super::chosen::that_go;
use super::failure::{frozen_problem, ledger_problem};
use super::readdressed::states_before;
use super::ui::{Ui, plural};
use crate::campaign::Campaign;
use crate::crash;
use crate::id::DeliveryId;
use crate::ledger::{
    FrozenAttachment, FrozenImage, FrozenLetter, FrozenSender, Ledger, LedgerError, NewPlan,
    PlannedCopy, PlannedDelivery, StoredPlan,
};
use crate::letter::Letter;
use crate::message::Sender;
use crate::plan::objects::{ObjectError, Objects};
use crate::plan::{Plan, Planned, Rewritten, manifest, rewrite};
use crate::problem::Problem;
use crate::send::Selection;
use crate::time::Clock;
use std::collections::HashSet;

/// Plans above this take seconds to write down, and silence would be taken for a stop.
const LETTERS_SAID_MIN: usize = 5_000;

/// Freezes a plan and, where the whole of it was confirmed, records that.
///
/// # Errors
/// The command's answer, when disk or ledger fail; then nothing is adopted.
pub(super) fn freeze(
    campaign: &Campaign,
    plan: &Plan,
    selection: &Selection,
    objects: &Objects,
    ledger: &mut Ledger,
    clock: &Clock,
    ui: Ui,
) -> Result<(), Box<Answer>> {
    let failed =
        |e: &LedgerError| Box::new(Answer::one_problem(Exit::MustChange, ledger_problem(e)));
    // Also for a plan that is frozen already: a file that was lost since is here once more.
    keep_files(campaign, plan, objects)
        .map_err(|Unkept(problem)| Box::new(Answer::one_problem(Exit::MustChange, *problem)))?;
    let current = ledger.current_plan(&campaign.id).map_err(|e| failed(&e))?;
    let is_withdrawn = current.as_ref().is_some_and(|c| c.withdrawn_at.is_some());
    let is_ours = |c: &StoredPlan| c.fingerprint == plan.fingerprint && c.withdrawn_at.is_none();
    let ours = current.filter(is_ours);
    let is_confirmed = ours.as_ref().is_some_and(|c| c.confirmed_at.is_some());
    if ours.is_none() {
        let brought_back =
            is_withdrawn.then(|| brought_back(campaign, plan, selection, ledger)).transpose();
        let brought_back = brought_back.map_err(|e| failed(&e))?.flatten();
        adopt(campaign, plan, brought_back, ledger, clock, ui).map_err(|e| failed(&e))?;
        crash::point("plan-adopted");
    }
    if *selection == Selection::All && !is_confirmed {
        let now = clock.now();
        ledger.confirm(&campaign.id, &plan.fingerprint, now).map_err(|e| failed(&e))?;
        crash::point("plan-confirmed");
    }
    Ok(())
}

/// Who of a withdrawn mailing is planned again: nobody but those this run is for. `None`:
/// everybody.
fn brought_back(
    campaign: &Campaign,
    plan: &Plan,
    selection: &Selection,
    ledger: &Ledger,
) -> Result<Option<HashSet<DeliveryId>>, LedgerError> {
    match selection {
        Selection::All => return Ok(None),
        Selection::Only(only) => return Ok(Some(only.clone())),
        Selection::First(_) => {}
    }
    let states = states_before(ledger, campaign, plan)?;
    let goes = |id: &DeliveryId| states.get(id).is_none_or(|s| s.is_open_to_plans());
    Ok(Some(that_go(plan, selection, goes).map(|going| going.id).collect()))
}

/// Writes the plan down: all of it, or nothing.
fn adopt(
    campaign: &Campaign,
    plan: &Plan,
    brought_back: Option<HashSet<DeliveryId>>,
    ledger: &mut Ledger,
    clock: &Clock,
    ui: Ui,
) -> Result<(), LedgerError> {
    if plan.deliveries.len() > LETTERS_SAID_MIN {
        let letters = plural(plan.deliveries.len() as u64, "letter");
        ui.say(&format!("Writing down {letters}, so that nobody gets one twice ..."));
    }
    let now = clock.now();
    let materials = campaign.materials(clock.date());
    let new_plan = NewPlan {
        campaign: campaign.id.clone(),
        fingerprint: plan.fingerprint,
        manifest: manifest::text(&materials, &plan.deliveries),
        total: plan.all().count() as u64,
        brought_back,
    };
    rewrite(&materials, &plan.deliveries, frozen, |letters| {
        ledger.adopt_plan(&new_plan, letters, now)
    })
    .map(drop)
}

/// A file that could not be kept, or is no longer the one that was confirmed.
struct Unkept(Box<Problem>);

impl From<ObjectError> for Unkept {
    fn from(error: ObjectError) -> Unkept {
        Unkept(Box::new(frozen_problem(&error)))
    }
}

impl From<Problem> for Unkept {
    fn from(problem: Problem) -> Unkept {
        Unkept(Box::new(problem))
    }
}

/// Documents and images, each once.
fn keep_files(campaign: &Campaign, plan: &Plan, objects: &Objects) -> Result<(), Unkept> {
    // So that a later plan can say which lines changed.
    campaign.sources.iter().try_for_each(|s| objects.keep(s.text.as_bytes()).map(drop))?;
    let mut kept = HashSet::new();
    for file in &campaign.documents.files {
        if kept.insert(file.attachment.digest) {
            objects.keep(&campaign.documents.bytes(&file.attachment)?)?;
        }
    }
    for image in &plan.images {
        if kept.insert(image.digest) {
            objects.keep(&image.bytes)?;
        }
    }
    Ok(())
}

fn frozen(made: Rewritten<'_>) -> PlannedDelivery {
    let recipient = made.recipient;
    PlannedDelivery {
        key: recipient.key.clone(),
        number: recipient.number,
        address: recipient.address.clone(),
        name: made.planned.to.name.clone(),
        language: made.planned.language.clone(),
        place: recipient.place.clone(),
        values: recipient.values.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        letter_digest: made.planned.letter_digest,
        message_id: made.message_id,
        letter: frozen_letter(made.planned, made.sender, made.letter),
        copies: made.planned.copies.iter().map(copy).collect(),
    }
}

fn copy(copy: &crate::plan::PlannedCopy) -> PlannedCopy {
    PlannedCopy { key: copy.key.clone(), address: copy.address.clone() }
}

fn frozen_letter(planned: &Planned, sender: &Sender, letter: Letter) -> FrozenLetter {
    let images = letter.images.iter().map(|i| FrozenImage {
        content_id: i.content_id.clone(),
        name: i.name.clone(),
        media_type: i.media_type.clone(),
        digest: i.digest,
    });
    let attachments = planned.documents.attachments.iter().map(|a| FrozenAttachment {
        id: a.id.clone(),
        number: a.number,
        name: a.name.clone(),
        media_type: a.media_type.clone(),
        digest: a.digest,
    });
    FrozenLetter {
        sender: FrozenSender {
            from: sender.from.clone(),
            reply_to: sender.reply_to.clone(),
            bounce_address: sender.bounce_address.clone(),
        },
        cc: planned.copies.iter().map(|copy| copy.address.clone()).collect(),
        subject: letter.subject,
        reply_to: letter.reply_to,
        text: letter.text,
        html: letter.html,
        images: images.collect(),
        attachments: attachments.collect(),
    }
}
