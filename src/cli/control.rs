//! `pause`, `resume`, `cancel`: what a person orders for a whole mailing, from any terminal.
//!
//! # Invariants
//! None of them needs the run lock: they take their turn at the ledger while a run is at work. Each
//! may be said twice. Withdrawing asks first; nothing else here does.

use super::answer::{Answer, Exit};
use super::args::{Cancel, Pause, Resume};
use super::confirm::typed_number;
use super::failure::{ledger_problem, must_change};
use super::meaning::Meanings;
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing, moment};
use super::ui::{one_line, plural};
use crate::id::CampaignId;
use crate::ledger::{Ledger, LedgerError, State};
use crate::problem::{Problem, Problems};
use crate::send::pace::Pacing;
use crate::workspace::Workspace;
use std::path::PathBuf;

/// Holds a mailing.
#[must_use]
pub(super) fn pause(shell: &Shell, args: &Pause) -> Answer {
    ordered(Meant::of(shell, args.campaign.as_deref()).and_then(|meant| {
        let Some(mut ledger) = meant.ledger(shell)? else {
            return Ok(meant.nothing_yet());
        };
        let campaign = &meant.campaign;
        let is_new = ledger.pause(campaign, shell.clock().now()).map_err(failed)?;
        let standing = Standing::read(Some(&ledger), campaign).map_err(failed)?;
        if !is_new {
            let since = standing.paused_since.map(moment).unwrap_or_default();
            let said = format!("{campaign} is paused already, since {since}");
            return Ok(noted(&standing, "already-paused", &said));
        }
        let under_way = if standing.is_running {
            " The run at work finishes letters under way and waits."
        } else {
            ""
        };
        let text = match standing.waiting() {
            0 => format!("{campaign} is paused; no letter of it waits now.{under_way}\n"),
            waiting => format!(
                "{campaign} is paused: {} until secretariat resume {campaign}.{under_way}\n",
                waiting_words(waiting, "stays", "stay")
            ),
        };
        Ok(Answer { text, ..standing::answer(&standing, shell) })
    }))
}

/// Lets a paused mailing go on.
#[must_use]
pub(super) fn resume(shell: &Shell, args: &Resume) -> Answer {
    ordered(Meant::of(shell, args.campaign.as_deref()).and_then(|meant| {
        let Some(mut ledger) = meant.ledger(shell)? else {
            return Ok(meant.nothing_yet());
        };
        let campaign = &meant.campaign;
        let was_paused = ledger.take_up(campaign, shell.clock().now()).map_err(failed)?;
        let standing = Standing::read(Some(&ledger), campaign).map_err(failed)?;
        if !was_paused {
            return Ok(noted(&standing, "not-paused", &format!("{campaign} is not paused")));
        }
        let next = match standing.waiting() {
            0 => String::new(),
            _ if standing.is_running => " The run at work goes on.".to_owned(),
            _ => format!(" Next: secretariat send {campaign}."),
        };
        let text = format!(
            "{campaign} may go on: {}.{next}\n",
            waiting_words(standing.waiting(), "waits", "wait")
        );
        Ok(Answer { text, ..standing::answer(&standing, shell) })
    }))
}

/// Withdraws a mailing from everybody who has no letter yet.
#[must_use]
pub(super) fn cancel(shell: &Shell, args: &Cancel) -> Answer {
    ordered(Meant::of(shell, args.campaign.as_deref()).and_then(|meant| {
        // Asked with the ledger closed: a person thinks as long as they like.
        let Some(before) = meant.look(shell)? else {
            return Ok(meant.nothing_yet());
        };
        let under_way = before.counts.of(State::Attempting);
        if withdrawable(&before) == 0 && under_way == 0 {
            let said = format!("nothing of {} is waiting; nothing was withdrawn", meant.campaign);
            return Ok(noted(&before, "nothing-waits", &said));
        }
        // Where nothing waits, the order is only that what is under way is not begun again.
        if !args.yes && withdrawable(&before) > 0 {
            ask(shell, &before)?;
        }
        let Some(mut ledger) = meant.ledger(shell)? else {
            return Ok(meant.nothing_yet());
        };
        let reason = args.reason.as_deref().map(one_line).filter(|reason| !reason.is_empty());
        let now = shell.clock().now();
        let withdrawn = ledger.cancel(&meant.campaign, reason.as_deref(), now).map_err(failed)?;
        let standing = Standing::read(Some(&ledger), &meant.campaign).map_err(failed)?;
        // Where no run is at work nothing finishes it: it is named among those in doubt.
        let under_way = match standing.is_running && standing.counts.of(State::Attempting) > 0 {
            true => " What is under way is finished; refused for now, it is withdrawn as well.",
            false => "",
        };
        let heading = format!("{} withdrawn.{under_way}\n", plural(withdrawn, "letter"));
        let answer = standing::answer(&standing, shell);
        Ok(Answer { text: heading + &answer.text, ..answer })
    }))
}

/// `send` does not begin with a paused mailing.
///
/// # Errors
/// The command's answer: exit 4, "resume first".
pub(super) fn not_paused(standing: &Standing) -> Result<(), Box<Answer>> {
    let Some(since) = standing.paused_since else { return Ok(()) };
    let campaign = &standing.campaign;
    let message = format!("{campaign} is paused since {}; nothing was sent", moment(since));
    let problem = Problem::error("paused", message)
        .hint(format!("Let it go on with secretariat resume {campaign}, then send again."));
    let answer = Answer::one_problem(Exit::RunAgain, problem);
    Err(Box::new(Answer { json: standing.to_json(), ..answer }))
}

/// [`not_paused`], asked of the ledger itself: for a run that holds the lock.
///
/// # Errors
/// As [`not_paused`], and when the ledger cannot be read.
pub(super) fn not_paused_in(ledger: &Ledger, campaign: &CampaignId) -> Result<(), Box<Answer>> {
    if !ledger.is_paused(campaign).map_err(failed)? {
        return Ok(());
    }
    not_paused(&Standing::read_by_holder(ledger, campaign).map_err(failed)?)
}

/// The mailing that an order or a question is for.
pub(super) struct Meant {
    /// The folder.
    pub workspace: Workspace,
    /// Where its ledger is.
    pub folder: PathBuf,
    /// Its name.
    pub campaign: CampaignId,
    /// Its pace, where the configuration can be read.
    pub pacing: Pacing,
    /// What the mail server's answers mean, as far as the configuration can be read.
    pub meanings: Meanings,
}

impl Meant {
    /// By the configuration; while that cannot be read, by the ledger: who pulls the emergency
    /// brake may be in the middle of editing.
    ///
    /// # Errors
    /// The command's answer: no such mailing, none named, no folder for the ledger.
    pub(super) fn of(shell: &Shell, name: Option<&str>) -> Result<Meant, Box<Answer>> {
        let opened = match shell.open() {
            Ok(opened) => opened,
            Err(problems) => return Meant::by_the_ledger(shell, name, problems),
        };
        let campaign = match opened.campaign_id(name) {
            Ok(campaign) => campaign,
            Err(problem) if name.is_none() && !opened.problems.has_errors() => {
                return Err(must_change(problem));
            }
            Err(problem) => {
                let mut problems = Problems::new();
                problems.push(problem);
                return Meant::by_the_ledger(shell, name, problems);
            }
        };
        let folder = opened.workspace.private_folder().map_err(|problem| {
            let json = standing::none_as_json(Some(&campaign));
            Box::new(Answer { json, ..*must_change(problem) })
        })?;
        let Opened { workspace, config, .. } = opened;
        let meanings = Meanings::of(&config, &campaign);
        let pacing = config.relay.map(|relay| relay.habits.pacing).unwrap_or_default();
        Ok(Meant { workspace, folder, campaign, pacing, meanings })
    }

    /// The mailing of this name in the ledger; without a name its only one.
    fn by_the_ledger(
        shell: &Shell,
        name: Option<&str>,
        mut problems: Problems,
    ) -> Result<Meant, Box<Answer>> {
        let workspace = shell.workspace().ok();
        let folder = workspace.as_ref().and_then(|w| w.private_folder().ok());
        let ledger = folder.as_ref().and_then(|folder| Ledger::look(folder).ok().flatten());
        let mailings = ledger.and_then(|l| l.campaigns().ok()).unwrap_or_default();
        let is_meant = |c: &&CampaignId| name.map_or(mailings.len() == 1, |n| n == c.as_str());
        let meant = mailings.iter().find(is_meant).cloned();
        if let (Some(workspace), Some(folder), Some(campaign)) = (workspace, folder, meant) {
            let (pacing, meanings) = (Pacing::default(), Meanings::default());
            return Ok(Meant { workspace, folder, campaign, pacing, meanings });
        }
        if name.is_none() && mailings.len() > 1 {
            let names: Vec<&str> = mailings.iter().map(CampaignId::as_str).collect();
            let problem = Problem::error("no-campaign", "no mailing is named")
                .hint(format!("Name one of {}.", names.join(", ")));
            problems.push(problem);
        }
        Err(Box::new(Answer::failed(Exit::MustChange, problems)))
    }

    fn look(&self, shell: &Shell) -> Result<Option<Standing>, Box<Answer>> {
        let ledger = restored::trusted(shell, &self.workspace, &self.campaign)?;
        let read = ledger.map(|ledger| Standing::read(Some(&ledger), &self.campaign));
        read.transpose().map_err(failed)
    }

    /// Opens the ledger for writing, where there is one: an order makes none.
    fn ledger(&self, shell: &Shell) -> Result<Option<Ledger>, Box<Answer>> {
        if self.look(shell)?.is_none() {
            return Ok(None);
        }
        Ledger::open(&self.folder, shell.clock().now()).map(Some).map_err(failed)
    }

    fn nothing_yet(&self) -> Answer {
        let said =
            format!("nothing of {} was ever confirmed; there is nothing to do", self.campaign);
        let json = standing::none_as_json(Some(&self.campaign));
        Answer { json, ..note("nothing-yet", &said) }
    }
}

fn ordered(done: Result<Answer, Box<Answer>>) -> Answer {
    done.unwrap_or_else(|answer| *answer)
}

fn failed(error: LedgerError) -> Box<Answer> {
    must_change(ledger_problem(&error))
}

/// Done, with nothing changed, and why.
fn note(code: &'static str, said: &str) -> Answer {
    let mut problems = Problems::new();
    problems.push(Problem::note(code, said));
    Answer::done(format!("{said}.\n")).with_problems(problems)
}

fn noted(standing: &Standing, code: &'static str, said: &str) -> Answer {
    Answer { json: standing.to_json(), ..note(code, said) }
}

/// `12 letters stay where they are`, without a number where there is none.
fn waiting_words(count: u64, one: &str, more: &str) -> String {
    match count {
        0 => "no letter waits".to_owned(),
        1 => format!("1 letter {one}"),
        _ => format!("{} {more}", plural(count, "letter")),
    }
}

/// Letters that withdrawing reaches.
fn withdrawable(standing: &Standing) -> u64 {
    standing.counts.of(State::Planned) + standing.counts.of(State::Deferred)
}

/// The question: how many will not go, answered by that number, as `send` is.
fn ask(shell: &Shell, standing: &Standing) -> Result<(), Box<Answer>> {
    let count = withdrawable(standing);
    let campaign = &standing.campaign;
    let refused = |exit, problem| {
        let answer = Answer::one_problem(exit, problem);
        Err(Box::new(Answer { json: standing.to_json(), ..answer }))
    };
    if !shell.ui.can_ask() {
        let message = format!(
            "{} would be withdrawn, and there is no terminal to ask on",
            plural(count, "letter")
        );
        let hint = format!("Say it with secretariat cancel {campaign} --yes.");
        let problem = Problem::error("not-confirmed", message).hint(hint);
        return refused(Exit::BadCommandLine, problem);
    }
    let waits = waiting_words(count, "waits", "wait");
    shell.ui.show(&format!(
        "{campaign}: {waits}. Withdrawn, they do not go; who has the letter keeps it."
    ));
    let question = format!("Type {count} to withdraw, Enter to stop:");
    let typed = typed_number(shell.ui, &question, count, "nothing was withdrawn");
    typed.or_else(|problem| refused(Exit::MustChange, problem))
}
