//! `send --hand-over DIR`: the letters as files, with a list of them, for somebody else's relay.
//!
//! Owns which folder may be written to, the list, and what is said. The order of intent, file and
//! record is `send/hand_over.rs`; plan, question, lock and run counter are those of every `send`.
//!
//! # Invariants
//! No mail server is asked for, configured or reached. The list is written last and taken away
//! first: a folder without it is not to be passed on.

use super::answer::{Answer, Exit};
use super::ending::exit_by;
use super::failure::{frozen_problem, ledger_problem};
use super::out_folder::refuse_inputs;
use super::relay::check_reserved;
use super::send::{Begun, ledger_failed};
use super::shell::{Opened, Shell};
use super::signals::{Asked, listen};
use super::standing::{self, Standing};
use super::table::{self, Cell, Column, Table};
use super::ui::plural;
use crate::campaign::Campaign;
use crate::crash;
use crate::id::CampaignId;
use crate::ledger::{Ledger, State, StoredDelivery};
use crate::message::dkim::Dkim;
use crate::owner_only;
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::send::{HandOver, HandOverError, HandedFile, Measured, Selection, files_of, hand_over};
use crate::transport::file::out_name;
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The list of the files.
const MANIFEST: &str = "manifest.xlsx";
/// While it is written.
const MANIFEST_UNFINISHED: &str = ".manifest.xlsx.unfinished";
/// The title in its properties, by which it is known again.
const MANIFEST_TITLE: &str = "secretariat hand-over";
/// Names in a folder that are nobody's: what systems put there, and ours while a run is at work.
const NOBODYS: [&str; 5] =
    [".DS_Store", "Thumbs.db", "desktop.ini", ".unfinished", MANIFEST_UNFINISHED];

/// What is said when somebody asks to stop.
const STOPPING: &str = "Stopping: the letters under way are finished first. Ctrl-C again ends at once; \
                        the same command then finishes them.";

/// A folder that letters may be handed over to.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Absolute, and free of links as far as it is there.
    pub(super) path: String,
}

impl Folder {
    /// The folder as the ledger names it.
    ///
    /// # Errors
    /// A [`Problem`] where its name cannot be kept.
    pub(super) fn named(typed: &Path) -> Result<Folder, Problem> {
        let absolute = std::path::absolute(typed).map_err(|error| cannot_use(typed, &error))?;
        let known = absolute.ancestors().find_map(|above| {
            let real = above.canonicalize().ok()?;
            // Joining nothing would leave a slash behind.
            Some(match absolute.strip_prefix(above) {
                Ok(rest) if rest.as_os_str().is_empty() => real,
                Ok(rest) => real.join(rest),
                Err(_) => absolute.clone(),
            })
        });
        let path = known.unwrap_or(absolute).into_os_string().into_string();
        path.map(|path| Folder { path }).map_err(|_| {
            let message = format!("the name of {} is no text", typed.display());
            Problem::error("cannot-write", message).hint("Name a folder in plain letters.")
        })
    }

    /// Whether a run that ended early left something to do here: files, or their list.
    pub(super) fn is_unfinished(&self, standing: &Standing) -> bool {
        let is_here = |d: &&StoredDelivery| {
            d.state == State::Uncertain && d.hand_over().is_some_and(|to| to.folder == self.path)
        };
        let here = || standing.attention.iter().filter(is_here);
        let is_broken_off = |d: &StoredDelivery| d.hand_over().is_some_and(|to| !to.is_finished);
        let lacks_list = Path::new(&self.path).is_dir() && !self.file(MANIFEST).exists();
        here().any(is_broken_off) || lacks_list && here().next().is_some()
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.path).join(name)
    }
}

/// Looks at the folder before anybody is asked: nothing is made yet.
pub(super) fn folder(
    opened: &Opened,
    (campaign, plan): (&Campaign, &Plan),
    typed: &Path,
    problems: &mut Problems,
) -> Option<Folder> {
    if opened.config.relay_is_broken {
        // What is wrong with it stands among the configuration's problems.
        return None;
    }
    // Somebody else's relay, unless this is a trial with one of this computer.
    let relay = opened.config.relay.as_ref();
    check_reserved(plan, relay.is_some_and(|r| r.url.is_on_this_computer()), problems);
    let folder = problems.take_from(Folder::named(typed))?;
    problems.take_from(refuse_inputs(Path::new(&folder.path), opened.workspace.root()))?;
    let ours = expected(opened, campaign, plan, &folder);
    problems.take_from(only_ours(&folder, &ours))?;
    Some(folder)
}

/// Names that a hand-over of this plan has: those of the plan, and of what the folder was given.
fn expected(opened: &Opened, campaign: &Campaign, plan: &Plan, folder: &Folder) -> HashSet<String> {
    let recipients = &campaign.people.recipients;
    let of_plan = plan.deliveries.iter().flat_map(|planned| {
        let number = recipients[planned.recipient].number;
        planned.all().map(move |(_, address)| out_name(number, address)).collect::<Vec<_>>()
    });
    let mut names: HashSet<String> = of_plan.collect();
    // A ledger that cannot be read is told of when the run begins.
    let ledger = opened.workspace.private_folder().ok().and_then(|f| Ledger::look(&f).ok()?);
    let handed = ledger.and_then(|l| l.handed_over_to(&folder.path, Some(&campaign.id)).ok());
    names.extend(handed.unwrap_or_default().iter().map(|d| out_name(d.number, &d.address)));
    names
}

/// A folder with anything else in it would be taken for a part of the hand-over.
fn only_ours(folder: &Folder, ours: &HashSet<String>) -> Result<(), Problem> {
    let entries = match fs::read_dir(&folder.path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot_use(Path::new(&folder.path), &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| cannot_use(Path::new(&folder.path), &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = match name.as_str() {
            MANIFEST => {
                fs::read(entry.path()).is_ok_and(|bytes| table::is_ours(&bytes, MANIFEST_TITLE))
            }
            name => NOBODYS.contains(&name) || ours.contains(name),
        };
        if !is_ours {
            let message =
                format!("{} holds {name}, which is no part of this hand-over", folder.path);
            return Err(Problem::error("folder-in-use", message)
                .hint("Name an empty folder, or the one this mailing was handed over to before."));
        }
    }
    Ok(())
}

/// Hands over, writes the list, and says how it stands; false where it broke off.
pub(super) fn go(
    shell: &Shell,
    id: &CampaignId,
    dkim: &Dkim,
    letters: Selection,
    folder: &Folder,
    begun: &mut Begun,
    mut problems: Problems,
) -> (Answer, bool) {
    let objects = begun.objects.clone();
    let what = HandOver {
        campaign: id,
        letters,
        folder: &folder.path,
        objects: &objects,
        dkim,
        clock: shell.clock(),
    };
    let (measured, done) = match made(folder) {
        Ok(()) => driven(shell, &what, begun),
        Err(error) => (Measured::new(), Err(error)),
    };
    let done = done.and_then(|stopped| match stopped {
        Some(why) => Ok(Some(why)),
        None => listed(&what, folder, &begun.ledger, &measured).map(|()| None),
    });
    let standing = match Standing::read_by_holder(&begun.ledger, id) {
        Ok(standing) => standing,
        Err(error) => return (*ledger_failed(error), false),
    };
    let exit = match &done {
        Ok(_) => exit_by(&standing),
        Err(_) if measured.is_empty() => Exit::MustChange,
        Err(_) => Exit::RunAgain,
    };
    let is_whole = done.is_ok();
    match done {
        Ok(stopped) => stopped.into_iter().for_each(|problem| problems.push(problem)),
        Err(error) => problems.push(problem_of(&error)),
    }
    let answer = Answer { exit, ..standing::answer(&standing, shell) };
    (answer.with_problems(problems), is_whole)
}

/// The folder, there and without an older list: what is in it is not to be passed on meanwhile.
fn made(folder: &Folder) -> Result<(), HandOverError> {
    let path = Path::new(&folder.path);
    let failed = |error| HandOverError::Write { file: path.to_owned(), error };
    if !path.is_dir() {
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        owner_only::create_folder(path).map_err(failed)?;
    }
    match fs::remove_file(folder.file(MANIFEST)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Runs until all is handed over; `Some`: why it ended before.
fn driven(
    shell: &Shell,
    what: &HandOver<'_>,
    begun: &mut Begun,
) -> (Measured, Result<Option<Problem>, HandOverError>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let file = PathBuf::from(what.folder);
            return (Measured::new(), Err(HandOverError::Write { file, error }));
        }
    };
    let mut stopped = None;
    let Begun { ledger, lock, .. } = begun;
    let stop = runtime.block_on(async {
        // Who asks twice ends the process: that is what every kill is.
        let Asked { stop, .. } = listen(shell.ui, STOPPING);
        stop
    });
    let (measured, done) = hand_over(what, ledger, lock, |ledger| {
        if *stop.borrow() {
            let words = "stopped as asked; the letters under way were finished";
            stopped = Some(Problem::note("interrupted", words));
        } else if ledger.is_paused(what.campaign)? {
            let paused = Problem::warning("paused", "the mailing is paused");
            stopped = Some(paused.hint("secretariat resume lets it go on; then run this again."));
        }
        Ok(stopped.is_none())
    });
    runtime.shutdown_background();
    (measured, done.map(|()| stopped))
}

/// Writes the list of all that the folder was given: whole or not at all.
fn listed(
    what: &HandOver<'_>,
    folder: &Folder,
    ledger: &Ledger,
    measured: &Measured,
) -> Result<(), HandOverError> {
    let files = files_of(what, ledger, measured)?;
    let file = folder.file(MANIFEST);
    let failed = |error| HandOverError::Write { file: file.clone(), error };
    let sheet =
        Table { name: "Letters", columns: columns(), rows: files.iter().map(row).collect() };
    let bytes = table::workbook(MANIFEST_TITLE, &[sheet], what.clock.now())
        .map_err(|error| failed(io::Error::other(error.to_string())))?;
    let unfinished = folder.file(MANIFEST_UNFINISHED);
    // What a run that was killed has left.
    drop(fs::remove_file(&unfinished));
    let written = owner_only::create_file(&unfinished)
        .and_then(|mut new| new.write_all(&bytes).and_then(|()| new.sync_all()));
    crash::point("manifest-written");
    written
        .and_then(|()| fs::rename(&unfinished, &file))
        .and_then(|()| owner_only::keep_names(Path::new(what.folder)))
        .inspect_err(|_| drop(fs::remove_file(&unfinished)))
        .map_err(failed)?;
    crash::point("manifest-renamed");
    Ok(())
}

/// The list's columns, with their widths in characters.
const COLUMNS: [(&str, u16); 11] = [
    ("Number", 8),
    ("File", 44),
    ("To", 34),
    ("Name", 28),
    ("Envelope from", 34),
    ("Envelope to", 34),
    ("Copy", 6),
    ("Subject", 44),
    ("Size (octets)", 14),
    ("Message-ID", 52),
    ("SHA-256", 70),
];

fn columns() -> Vec<Column> {
    COLUMNS.iter().map(|(header, width)| Column { header, width: *width }).collect()
}

fn row(file: &HandedFile) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    vec![
        Cell::Number(file.number),
        text(&file.file),
        text(file.to.as_str()),
        file.name.as_deref().map_or(Cell::Nothing, text),
        text(file.envelope_from.as_str()),
        text(file.envelope_to.as_str()),
        if file.is_copy { text("copy") } else { Cell::Nothing },
        text(&file.subject),
        Cell::Number(u32::try_from(file.octets).unwrap_or(u32::MAX)),
        text(&file.message_id),
        text(&file.digest.to_string()),
    ]
}

fn problem_of(error: &HandOverError) -> Problem {
    match error {
        HandOverError::Ledger(error) => ledger_problem(error),
        HandOverError::Object(error) => frozen_problem(error),
        HandOverError::Write { .. } => Problem::error("cannot-write", error.to_string()).hint(
            "Make room on the disk or look whether you may write there, then run the same command \
             again: it goes on where it stopped.",
        ),
        HandOverError::OtherBytes { .. } => Problem::error("already-there", error.to_string())
            .hint("Move it away if it is not of this mailing, or name an empty folder."),
    }
}

fn cannot_use(folder: &Path, error: &io::Error) -> Problem {
    Problem::error("cannot-write", format!("cannot use {}: {error}", folder.display()))
        .hint("Name a folder that you may write to.")
}

/// That letters were handed over and do not go again, where `send` has nothing else to say.
#[must_use]
pub(super) fn do_not_go_again(standing: &Standing) -> Option<Problem> {
    let hand_overs = standing.hand_overs();
    let first = hand_overs.first()?;
    let number: u64 = hand_overs.iter().map(|to| to.deliveries).sum();
    let folders = match hand_overs.len() {
        1 => first.folder.clone(),
        n => format!("{} and {}", first.folder, plural(n as u64 - 1, "other folder")),
    };
    let message =
        format!("{} handed over to {folders}: they do not go again", plural(number, "letter"));
    Some(Problem::warning("handed-over", message).hint(format!(
        "Once you know what became of them: secretariat resolve --handed-over \"{}\" --accepted or \
         --resend, --reason \"how you know\".",
        first.folder
    )))
}
