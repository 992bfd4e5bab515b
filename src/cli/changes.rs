//! What changed since the plan that was confirmed, for `send` and its dry run.
//!
//! Owns the difference in words; which words of a letter changed is `changed_lines.rs`. Reads the
//! ledger and the frozen files, and writes nothing.

use super::changed_lines::changed_lines;
use super::ui::{grouped, plural};
use crate::campaign::Campaign;
use crate::id::{DeliveryId, RecipientKey};
use crate::ledger::{Ledger, LedgerError};
use crate::plan::Plan;
use crate::plan::manifest::{self, Difference};
use crate::plan::objects::Objects;
use crate::time::Timestamp;
use std::path::Path;

/// The step from the campaign's current plan to another.
pub(super) struct Changes {
    difference: Difference,
    /// The words of the letters that changed.
    lines: String,
}

impl Changes {
    /// What changed since the campaign's current plan; `None` where there is no such plan, or it is
    /// this one. Letters are compared for those of whom `is_told` says so.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn since_the_current(
        ledger: &Ledger,
        folder: &Path,
        campaign: &Campaign,
        plan: &Plan,
        date: Timestamp,
        is_told: impl Fn(&DeliveryId) -> bool,
    ) -> Result<Option<Changes>, LedgerError> {
        let current = ledger.current_plan(&campaign.id)?;
        // The manifest of a large plan is read only where it differs.
        if current.is_none_or(|current| current.fingerprint == plan.fingerprint) {
            return Ok(None);
        }
        let older = ledger.manifest(&campaign.id)?;
        Ok(older.map(|older| {
            let lines = changed_lines(campaign, &Objects::within(folder), &older);
            let newer = manifest::text(&campaign.materials(date), &plan.deliveries);
            let difference = Difference::for_those(&older, &newer, |key| {
                let key = RecipientKey::from_stored(key.to_owned());
                is_told(&DeliveryId::of(&campaign.id, &key))
            });
            Changes { difference, lines }
        }))
    }

    /// In one sentence.
    #[must_use]
    pub(super) fn as_line(&self) -> String {
        in_words(&self.difference).join("; ")
    }

    /// A line for each change, and the changed words of the letters.
    #[must_use]
    pub(super) fn as_text(&self) -> String {
        let mut lines: Vec<String> =
            in_words(&self.difference).iter().map(|c| format!("  {c}")).collect();
        if lines.is_empty() {
            lines.push("  nothing for those who get a letter now".to_owned());
        }
        format!(
            "Changed since the plan that was confirmed:\n{}\n{}Who has the letter keeps it; the \
             others get this one.",
            lines.join("\n"),
            self.lines
        )
    }
}

/// Addresses named before the rest is counted.
const NAMED_MAX: usize = 5;

fn in_words(difference: &Difference) -> Vec<String> {
    let named = |addresses: &[String]| {
        let shown = addresses.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = addresses.len().saturating_sub(NAMED_MAX);
        if more > 0 { format!("{shown} and {} more", grouped(more as u64)) } else { shown }
    };
    let mut changes = Vec::new();
    if !difference.people_added.is_empty() {
        changes.push(format!(
            "{} new: {}",
            plural(difference.people_added.len() as u64, "person"),
            named(&difference.people_added)
        ));
    }
    if !difference.people_gone.is_empty() {
        changes.push(format!(
            "{} gone: {}",
            plural(difference.people_gone.len() as u64, "person"),
            named(&difference.people_gone)
        ));
    }
    for (addresses, what) in
        [(&difference.copies_added, "new"), (&difference.copies_gone, "no longer sent")]
    {
        if !addresses.is_empty() {
            let copies = plural(addresses.len() as u64, "copy");
            changes.push(format!("{copies} {what}: {}", named(addresses)));
        }
    }
    for (language, count) in &difference.letters_changed {
        changes.push(format!(
            "the letter in {language} reads differently for {}",
            plural(*count as u64, "person")
        ));
    }
    for file in &difference.images_changed {
        changes.push(format!("the image {file} is another"));
    }
    for (name, count) in &difference.files_changed {
        let people = plural(*count as u64, "person");
        changes.push(format!("the document {name} is another for {people}"));
    }
    if !difference.people_readdressed.is_empty() {
        let moved = difference.people_readdressed.iter();
        let moved: Vec<String> = moved.map(|(old, new)| format!("{old} is now {new}")).collect();
        changes.push(format!("another address: {}", named(&moved)));
    }
    if !difference.addresses_changed.is_empty() {
        changes.push(format!("written in another way: {}", named(&difference.addresses_changed)));
    }
    if difference.sender_changed {
        changes.push("the sender or the address for answers changed".to_owned());
    }
    changes
}
