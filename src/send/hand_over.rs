//! Letters as files for somebody else's relay: intent, file, record, by groups.
//!
//! Owns the order of the three and the folder's files. Who is asked, which folder may be written to
//! and the list of the files (`manifest.xlsx`) are the command's.
//!
//! # Invariants
//! The intents of a group are durable before its first file has its name in the folder; its files
//! and their names are durable before it is recorded as handed over. So a kill leaves at most one
//! group in doubt, none of a letter that anybody else would send, and the same command finishes it:
//! the same bytes under the same name are no second letter. A file that is there with other bytes
//! is never written over.
//!
//! # Failure
//! [`HandOverError`]. Letters whose file did not come to be wait again; those whose file has its
//! name and was not recorded are broken off, and finished by the same command.

use super::conditions::Selection;
use super::thaw::Thaw;
use crate::address::EmailAddress;
use crate::crash;
use crate::id::{CampaignId, DeliveryId, Digest};
use crate::ledger::{
    ChangeError, FrozenDelivery, Ledger, LedgerError, RunLock, State, StoredDelivery,
};
use crate::limits::{HAND_OVER_GROUP, HAND_OVER_GROUP_BYTES};
use crate::message::Message;
use crate::message::dkim::Dkim;
use crate::owner_only;
use crate::plan::objects::{ObjectError, Objects};
use crate::time::{Clock, Timestamp};
use crate::transport::file::out_name;
use std::collections::HashMap;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Where files stand until a group is whole.
const UNFINISHED: &str = ".unfinished";

/// What is handed over, and where to.
#[derive(Debug)]
pub struct HandOver<'a> {
    /// The campaign.
    pub campaign: &'a CampaignId,
    /// Which of its letters.
    pub letters: Selection,
    /// The folder, absolute.
    pub folder: &'a str,
    /// The frozen files.
    pub objects: &'a Objects,
    /// Which keys sign its messages.
    pub dkim: &'a Dkim,
    /// The run's clock.
    pub clock: &'a Clock,
}

/// A message of a hand-over, for its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedFile {
    /// Rank of the recipient, from 1.
    pub number: u32,
    /// Name of the file.
    pub file: String,
    /// Address in `To:`.
    pub to: EmailAddress,
    /// Name in `To:`.
    pub name: Option<String>,
    /// MAIL FROM.
    pub envelope_from: EmailAddress,
    /// RCPT TO; of a copy another than `to`.
    pub envelope_to: EmailAddress,
    /// Whether it is a copy of somebody's letter.
    pub is_copy: bool,
    /// The letter's subject.
    pub subject: String,
    /// Octets of the message.
    pub octets: u64,
    /// With angle brackets.
    pub message_id: String,
    /// Of the message's octets.
    pub digest: Digest,
}

/// Why a hand-over broke off.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A frozen file cannot be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A file could not be written.
    #[error("cannot write {}: {error}", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
    /// A file of this name holds something else.
    #[error("{} is there already and is another message", file.display())]
    OtherBytes {
        /// Which.
        file: PathBuf,
    },
}

/// Octets and digest of messages that a run has made, by delivery.
pub type Measured = HashMap<DeliveryId, (u64, Digest)>;

/// Hands over what was broken off, then what is due; `may_go_on` is asked before each group. Gives
/// the messages that became files, and these even where it broke off.
pub fn hand_over(
    what: &HandOver<'_>,
    ledger: &mut Ledger,
    _held: &RunLock,
    mut may_go_on: impl FnMut(&Ledger) -> Result<bool, LedgerError>,
) -> (Measured, Result<(), HandOverError>) {
    let thaw = Thaw::new(what.objects, what.dkim);
    let mut writer = Writer { what, thaw, ledger, measured: Measured::new() };
    let done = writer.all(&mut may_go_on);
    // What a group that failed has left; what stays hinders nobody.
    drop(fs::remove_dir_all(Path::new(what.folder).join(UNFINISHED)));
    (writer.measured, done)
}

/// Every message that the folder was given, with what its file holds: as measured, else as it
/// stands there. One that is there no more is made again, for the list alone.
///
/// # Errors
/// When ledger, frozen files or the folder cannot be read.
pub fn files_of(
    what: &HandOver<'_>,
    ledger: &Ledger,
    measured: &Measured,
) -> Result<Vec<HandedFile>, HandOverError> {
    let thaw = Thaw::new(what.objects, what.dkim);
    let handed = ledger.handed_over_to(what.folder, Some(what.campaign))?;
    let mut files = Vec::with_capacity(handed.len());
    for stored in handed.iter().filter(|stored| is_finished(stored)) {
        let Some(frozen) = ledger.frozen(&stored.id)? else { continue };
        let file = out_name(frozen.number, &frozen.address);
        let measures = match measured.get(&stored.id) {
            Some(known) => *known,
            None => measures(what, &thaw, &frozen, &Path::new(what.folder).join(&file))?,
        };
        files.push(handed_file(file, stored, frozen, measures));
    }
    Ok(files)
}

fn measures(
    what: &HandOver<'_>,
    thaw: &Thaw,
    frozen: &FrozenDelivery,
    file: &Path,
) -> Result<(u64, Digest), HandOverError> {
    match fs::read(file) {
        Ok(bytes) => Ok((bytes.len() as u64, Digest::of(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let date = frozen.date.unwrap_or_else(|| what.clock.date());
            Ok(measured_in(&thaw.message(frozen, date)?))
        }
        Err(error) => Err(cannot_write(file)(error)),
    }
}

fn measured_in(message: &Message) -> (u64, Digest) {
    (message.len() as u64, Digest::of_pieces(message.chunks()))
}

fn is_finished(stored: &StoredDelivery) -> bool {
    stored.hand_over().is_some_and(|to| to.is_finished)
}

fn handed_file(
    file: String,
    stored: &StoredDelivery,
    frozen: FrozenDelivery,
    (octets, digest): (u64, Digest),
) -> HandedFile {
    let sender = frozen.letter.sender;
    HandedFile {
        number: frozen.number,
        file,
        to: frozen.to.address,
        name: frozen.to.name,
        envelope_from: sender.bounce_address.unwrap_or(sender.from.address),
        envelope_to: frozen.address,
        is_copy: stored.copy_of.is_some(),
        subject: frozen.letter.subject,
        octets,
        message_id: frozen.message_id,
        digest,
    }
}

/// A hand-over at work.
struct Writer<'a> {
    what: &'a HandOver<'a>,
    thaw: Thaw,
    ledger: &'a mut Ledger,
    measured: Measured,
}

/// A letter of a group.
struct Letter {
    frozen: FrozenDelivery,
    /// Its intent was recorded by an earlier run.
    is_intended: bool,
}

/// A letter whose file is to stand.
struct Intended {
    id: DeliveryId,
    name: String,
    message: Message,
}

impl Writer<'_> {
    fn all(
        &mut self,
        may_go_on: &mut impl FnMut(&Ledger) -> Result<bool, LedgerError>,
    ) -> Result<(), HandOverError> {
        let letters = self.letters()?;
        for group in letters.chunks(HAND_OVER_GROUP) {
            if !may_go_on(self.ledger)? {
                break;
            }
            self.group(group)?;
        }
        Ok(())
    }

    /// What was broken off here, then what is due, in the order of the lists.
    fn letters(&self) -> Result<Vec<(DeliveryId, bool)>, LedgerError> {
        let (campaign, now) = (self.what.campaign, self.what.clock.now());
        let is_broken_off = |d: &&StoredDelivery| d.state == State::Uncertain && !is_finished(d);
        let handed = self.ledger.handed_over_to(self.what.folder, Some(campaign))?;
        let broken_off = handed.iter().filter(is_broken_off).map(|d| (d.id, true));
        let open = self.what.letters.among(self.ledger.open_letters(campaign)?, now);
        let due = open.iter().filter(|letter| letter.due_at.is_none_or(|due| due <= now));
        Ok(broken_off.chain(due.map(|letter| (letter.id, false))).collect())
    }

    fn group(&mut self, ids: &[(DeliveryId, bool)]) -> Result<(), HandOverError> {
        let mut letters = Vec::with_capacity(ids.len());
        for (id, is_intended) in ids {
            if let Some(frozen) = self.ledger.frozen(id)? {
                letters.push(Letter { frozen, is_intended: *is_intended });
            }
        }
        self.not_in_the_way(&letters)?;
        let dated = self.intended(&letters)?;
        crash::point("files-intended");
        let mut stand = Measured::with_capacity(dated.len());
        let written = self.files(&letters, &dated, &mut stand);
        if let Err(error) = written {
            self.take_back(&letters, &dated, &stand, &error);
            return Err(error);
        }
        let ids: Vec<DeliveryId> = stand.keys().copied().collect();
        self.ledger.files_stand(&ids, self.what.folder, self.what.clock.now())?;
        crash::point("files-recorded");
        self.measured.extend(stand);
        Ok(())
    }

    /// No intent where a file of another message has the name.
    fn not_in_the_way(&self, letters: &[Letter]) -> Result<(), HandOverError> {
        for Letter { frozen, .. } in letters {
            let file = self.file(&out_name(frozen.number, &frozen.address));
            if file.symlink_metadata().is_ok() {
                let date = frozen.date.unwrap_or_else(|| self.what.clock.date());
                let message = self.thaw.message(frozen, date)?;
                is_the_same(&file, &message)?;
            }
        }
        Ok(())
    }

    /// The letters of a group that have their intent, each with its place and its date. One that
    /// was withdrawn meanwhile has none.
    fn intended(&mut self, letters: &[Letter]) -> Result<Vec<(usize, Timestamp)>, LedgerError> {
        let (date, now) = (self.what.clock.date(), self.what.clock.now());
        let anew: Vec<DeliveryId> =
            letters.iter().filter(|l| !l.is_intended).map(|l| l.frozen.id).collect();
        let mut answers = self.ledger.intend_files(&anew, self.what.folder, date, now).into_iter();
        let mut dated = Vec::with_capacity(letters.len());
        for (at, letter) in letters.iter().enumerate() {
            if letter.is_intended {
                dated.push((at, letter.frozen.date.unwrap_or(date)));
                continue;
            }
            match answers.next() {
                Some(Ok(date)) => dated.push((at, date)),
                Some(Err(ChangeError::Ledger(error))) => return Err(error),
                Some(Err(ChangeError::Refused(_))) | None => {}
            }
        }
        Ok(dated)
    }

    /// Writes the files of a group, so many at once as fit into memory; `stand` names those whose
    /// file has its name.
    fn files(
        &self,
        letters: &[Letter],
        dated: &[(usize, Timestamp)],
        stand: &mut Measured,
    ) -> Result<(), HandOverError> {
        let mut waiting: Vec<Intended> = Vec::new();
        let mut octets = 0;
        for (at, date) in dated {
            let frozen = &letters[*at].frozen;
            let message = self.thaw.message(frozen, *date)?;
            let name = out_name(frozen.number, &frozen.address);
            let file = self.file(&name);
            if file.symlink_metadata().is_ok() {
                is_the_same(&file, &message)?;
                synced(&file).map_err(cannot_write(&file))?;
                stand.insert(frozen.id, measured_in(&message));
                continue;
            }
            octets += message.len();
            waiting.push(Intended { id: frozen.id, name, message });
            if octets > HAND_OVER_GROUP_BYTES {
                self.durable(&waiting, stand)?;
                (waiting, octets) = (Vec::new(), 0);
            }
        }
        self.durable(&waiting, stand)
    }

    /// Writes files beside, syncs them, gives them their names, and syncs these.
    fn durable(&self, files: &[Intended], stand: &mut Measured) -> Result<(), HandOverError> {
        let (folder, beside) = (Path::new(self.what.folder), self.file(UNFINISHED));
        owner_only::create_folder(&beside).map_err(cannot_write(&beside))?;
        for Intended { name, message, .. } in files {
            let file = beside.join(name);
            written(&file, message).map_err(cannot_write(&file))?;
            crash::point("file-written");
        }
        // All are written before the first is synced: the drive then has them together.
        for Intended { name, .. } in files {
            let file = beside.join(name);
            synced(&file).map_err(cannot_write(&file))?;
        }
        crash::point("files-synced");
        for Intended { id, name, message } in files {
            let file = folder.join(name);
            // Nobody writes over what came meanwhile.
            if file.symlink_metadata().is_ok() {
                return Err(HandOverError::OtherBytes { file });
            }
            fs::rename(beside.join(name), &file).map_err(cannot_write(&file))?;
            stand.insert(*id, measured_in(message));
            crash::point("file-named");
        }
        owner_only::keep_names(folder).map_err(cannot_write(folder))?;
        crash::point("files-named");
        Ok(())
    }

    /// Letters whose file did not come to be wait again; where the ledger takes that no more, the
    /// next run finds them. Intents of an earlier run stay: nobody knows of their files.
    fn take_back(
        &mut self,
        letters: &[Letter],
        dated: &[(usize, Timestamp)],
        stand: &Measured,
        error: &HandOverError,
    ) {
        let anew = dated.iter().map(|(at, _)| &letters[*at]).filter(|l| !l.is_intended);
        let missing: Vec<DeliveryId> =
            anew.map(|l| l.frozen.id).filter(|id| !stand.contains_key(id)).collect();
        let why = format!("not handed over: {error}");
        drop(self.ledger.files_missing(&missing, &why, self.what.clock.now()));
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(self.what.folder).join(name)
    }
}

fn cannot_write(file: &Path) -> impl FnOnce(io::Error) -> HandOverError {
    let file = file.to_owned();
    move |error| HandOverError::Write { file, error }
}

/// Writes a message for its owner only, over what a run that died here has left.
fn written(file: &Path, message: &Message) -> io::Result<()> {
    drop(fs::remove_file(file));
    let mut writer = BufWriter::new(owner_only::create_file(file)?);
    message.chunks().try_for_each(|chunk| writer.write_all(chunk))?;
    writer.flush()
}

fn synced(file: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(file)?.sync_all()
}

/// Makes sure that a file that is there holds this message.
fn is_the_same(file: &Path, message: &Message) -> Result<(), HandOverError> {
    let metadata = file.symlink_metadata().map_err(cannot_write(file))?;
    let is_alike = metadata.is_file() && metadata.len() == message.len() as u64;
    if is_alike && fs::read(file).map_err(cannot_write(file))? == message.to_bytes() {
        return Ok(());
    }
    Err(HandOverError::OtherBytes { file: file.to_owned() })
}
