//! Where the private folder of a workspace lies: in it, or on this computer beside it.
//!
//! Owns the table of synchronised folders and network file systems, and `ledger-at.toml`. A ledger
//! that a program copies about while it is written is destroyed, and one that two computers write
//! sends everything twice; so in such a folder only a pointer stays, and the ledger lies in the
//! local data folder of the computer that began.
//!
//! # Invariants
//! - A workspace that has its ledger in itself keeps it there; one that has a pointer follows it,
//!   wherever either is moved.
//! - The pointer names a folder by an id that no other has. It is this computer's if the folder is
//!   here, whatever the computer is called by now.
//! - The pointer is durable before there is a ledger to lose.
//!
//! # Failure
//! A [`Problem`]: `ledger-elsewhere` with the name of the computer that holds the ledger,
//! `ledger-gone`, `ledger-at` for a pointer that is not ours, `closed-folder` for a private folder
//! that is not.

use super::PRIVATE_FOLDER;
use crate::crash;
use crate::limits::CONFIG_BYTES_MAX;
use crate::owner_only;
use crate::problem::{Place, Problem};
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

/// In the workspace's own private folder: who holds the ledger.
const POINTER: &str = "ledger-at.toml";

/// The computer a command runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Computer {
    /// Its name, for whoever sits at another.
    pub name: String,
    /// Where programs keep what stays on it; `None`: everything stays in the workspace.
    pub data_folder: Option<PathBuf>,
}

/// Names of folders that a program keeps the same on several computers, in lower case: the whole
/// name, or its beginning before a blank, a bracket or a hyphen (`OneDrive - Forum`).
const SYNCHRONISED: &[(&str, &str)] = &[
    ("onedrive", "OneDrive"),
    ("dropbox", "Dropbox"),
    ("nextcloud", "Nextcloud"),
    ("owncloud", "ownCloud"),
    ("google drive", "Google Drive"),
    ("googledrive", "Google Drive"),
    ("my drive", "Google Drive"),
    ("icloud drive", "iCloud Drive"),
    ("iclouddrive", "iCloud Drive"),
    ("com~apple~clouddocs", "iCloud Drive"),
    ("mobile documents", "iCloud Drive"),
    ("cloudstorage", "a synchronised folder"),
    ("pcloud drive", "pCloud"),
    ("megasync", "MEGA"),
    ("kdrive", "kDrive"),
    ("seafile", "Seafile"),
    ("sync.com", "Sync.com"),
    ("tresorit", "Tresorit"),
];

/// What such programs leave in the folder they keep.
const MARKERS: &[(&str, &str)] = &[
    (".dropbox.cache", "Dropbox"),
    (".nextcloudsync.log", "Nextcloud"),
    (".owncloudsync.log", "ownCloud"),
    (".stfolder", "Syncthing"),
    (".tmp.driveupload", "Google Drive"),
    (".seafile-data", "Seafile"),
];

/// File systems of other computers, as Linux names them; `fuse.` before a name is left out.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "9p",
    "ceph",
    "glusterfs",
    "lustre",
    "davfs",
    "sshfs",
    "rclone",
    "s3fs",
    "davfs2",
    "gvfsd-fuse",
    "vboxsf",
    "prl_fs",
    "vmhgfs-fuse",
    "virtiofs",
    "onedriver",
    "google-drive-ocamlfuse",
];

/// The private folder. It may not exist yet, and nothing is made.
pub(super) fn private_folder(root: &Path, computer: &Computer) -> Result<PathBuf, Problem> {
    let own = root.join(PRIVATE_FOLDER);
    match read_pointer(&own)? {
        Some(pointer) => follow(&pointer, computer),
        None => Ok(own),
    }
}

/// The private folder, made where it is missing, for the owner only.
pub(super) fn create(root: &Path, computer: &Computer) -> Result<PathBuf, Problem> {
    let own = root.join(PRIVATE_FOLDER);
    owner_only::create_folder(&own).map_err(|error| unwritable(&own, &error))?;
    if let Some(pointer) = read_pointer(&own)? {
        return follow(&pointer, computer);
    }
    // A ledger that is here stays here: its workspace was moved, and moving is allowed.
    let is_begun = own.join("ledger.db").exists();
    match &computer.data_folder {
        Some(data) if !is_begun && elsewhere(root).is_some() && network(data).is_none() => {
            begin_beside(&own, data, computer)
        }
        _ => Ok(own),
    }
}

/// What keeps a folder on several computers, or serves it from another.
pub(super) fn elsewhere(folder: &Path) -> Option<&'static str> {
    synchronised(folder).or_else(|| network(folder))
}

fn synchronised(folder: &Path) -> Option<&'static str> {
    let names = folder.components().filter_map(|component| match component {
        Component::Normal(name) => name.to_str().map(str::to_lowercase),
        _ => None,
    });
    let by_name = |name: String| {
        let fits = |(known, _): &&(&str, &str)| {
            let rest = name.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(', '-', '_']))
        };
        SYNCHRONISED.iter().find(fits).map(|(_, service)| *service)
    };
    let by_marker = |folder: &Path| {
        MARKERS.iter().find(|(marker, _)| folder.join(marker).exists()).map(|(_, service)| *service)
    };
    names.into_iter().find_map(by_name).or_else(|| folder.ancestors().find_map(by_marker))
}

fn network(folder: &Path) -> Option<&'static str> {
    // Windows: \\server\share, also behind a drive's letter once links are resolved.
    if let Some(Component::Prefix(prefix)) = folder.components().next()
        && matches!(prefix.kind(), std::path::Prefix::UNC(..) | std::path::Prefix::VerbatimUNC(..))
    {
        return Some("a network drive");
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let existing = folder.ancestors().find_map(|above| above.canonicalize().ok())?;
    is_network(&mounts, &existing).then_some("a network drive")
}

/// Whether the file system that holds a folder is another computer's; the lines of `mounts` are
/// those of proc(5), mountinfo: the fifth field is where, the first one after ` - ` is what.
fn is_network(mounts: &str, folder: &Path) -> bool {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        // Blanks in a name are written as octal numbers.
        let point = PathBuf::from(before.split(' ').nth(4)?.replace("\\040", " "));
        let kind = after.split(' ').next()?.trim_start_matches("fuse.").to_owned();
        folder.starts_with(&point).then(|| (point.components().count(), kind))
    };
    // Of two on one place the later covers the earlier.
    let holding = mounts.lines().filter_map(mount).max_by_key(|(depth, _)| *depth);
    holding.is_some_and(|(_, kind)| NETWORK.contains(&kind.as_str()))
}

/// What `ledger-at.toml` says.
#[derive(Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    /// The computer that holds the ledger, by the name it had.
    machine: String,
    /// The name of the ledger's folder there.
    ledger: String,
}

fn read_pointer(own: &Path) -> Result<Option<Pointer>, Problem> {
    let file = own.join(POINTER);
    let bytes = match fs::metadata(&file) {
        Ok(found) if found.len() <= CONFIG_BYTES_MAX => fs::read(&file),
        Ok(_) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(closed(own, &error));
        }
        Err(error) => return Err(damaged_pointer(&error.to_string())),
    };
    let text = String::from_utf8_lossy(&bytes);
    let pointer: Pointer =
        toml::from_str(&text).map_err(|_| damaged_pointer("it names no ledger"))?;
    let is_id = |c: char| c.is_ascii_hexdigit();
    if pointer.ledger.len() != 32 || !pointer.ledger.chars().all(is_id) {
        return Err(damaged_pointer("it names no ledger"));
    }
    only_one(own)?;
    Ok(Some(pointer))
}

/// Two computers that begin at the same time both write a pointer; the program that synchronises
/// them keeps one and puts the other beside it under another name.
fn only_one(own: &Path) -> Result<(), Problem> {
    let names = fs::read_dir(own).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let other = names
        .into_iter()
        .find(|name| name.starts_with("ledger-at") && name != POINTER && !name.ends_with(".new"));
    let Some(other) = other else { return Ok(()) };
    let message = format!("two computers began to send from this workspace: there is also {other}");
    Err(Problem::error("ledger-at", message)
        .place(Place::file(format!("{PRIVATE_FOLDER}/{other}")))
        .hint("Find out on which computer letters went, and delete the file that names the other."))
}

fn follow(pointer: &Pointer, computer: &Computer) -> Result<PathBuf, Problem> {
    let here = computer.data_folder.as_ref().map(|data| data.join(&pointer.ledger));
    if let Some(folder) = here.as_ref().filter(|folder| folder.is_dir()) {
        return Ok(folder.clone());
    }
    let place = Place::file(format!("{PRIVATE_FOLDER}/{POINTER}"));
    if pointer.machine != computer.name {
        let machine = &pointer.machine;
        let message = format!("the ledger of this workspace is on the computer {machine}");
        return Err(Problem::error("ledger-elsewhere", message).place(place).hint(format!(
            "Send from {machine}, and ask there how the mailing stands; check, preview and send \
             --dry-run work here too."
        )));
    }
    let where_to =
        here.map_or_else(|| "a folder unknown here".to_owned(), |f| f.display().to_string());
    let message = format!("the ledger of this workspace should be on this computer, in {where_to}");
    Err(Problem::error("ledger-gone", message).place(place).hint(
        "Restore that folder from your backup: without it everybody would be written to again.",
    ))
}

/// A folder on this computer and the pointer to it.
fn begin_beside(own: &Path, data: &Path, computer: &Computer) -> Result<PathBuf, Problem> {
    let pointer = Pointer { machine: computer.name.clone(), ledger: new_id() };
    let folder = data.join(&pointer.ledger);
    let made = fs::create_dir_all(data)
        .and_then(|()| owner_only::create_folder(&folder))
        .and_then(|()| owner_only::keep_names(data));
    made.map_err(|error| unwritable(&folder, &error))?;
    write_pointer(own, &pointer).map_err(|error| unwritable(own, &error))?;
    Ok(folder)
}

fn write_pointer(own: &Path, pointer: &Pointer) -> io::Result<()> {
    let Pointer { machine, ledger } = pointer;
    let machine = toml::Value::String(machine.clone());
    let text = format!(
        "# This workspace is in a folder that several computers see. Its ledger is on one of them,\n\
         # and letters go from there. Leave this file: without it they would go again.\n\
         machine = {machine}\nledger = \"{ledger}\"\n"
    );
    let new = own.join(format!("{POINTER}.new"));
    drop(fs::remove_file(&new));
    let mut file = owner_only::create_file(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    crash::point("pointer-written");
    fs::rename(&new, own.join(POINTER))?;
    crash::point("pointer-renamed");
    owner_only::keep_names(own)
}

/// 32 hex digits that no other folder has: the standard library's hashers are seeded by the
/// system's random numbers.
fn new_id() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

fn unwritable(folder: &Path, error: &io::Error) -> Problem {
    let message = format!("cannot make {}: {error}", folder.display());
    Problem::error("unwritable-folder", message)
        .place(Place::file(PRIVATE_FOLDER))
        .hint("Check that you may write in the workspace's folder, and in your own.")
}

/// The private folder cannot be looked into: another account began here, mostly.
fn closed(own: &Path, error: &io::Error) -> Problem {
    let owner = fs::metadata(own).ok().and_then(|found| owner_only::other_owner(&found));
    let (message, hint) = match owner {
        Some(owner) => (
            format!("{PRIVATE_FOLDER} belongs to another account, {owner}, and is closed to yours"),
            format!(
                "Go on with this mailing from the account {owner}, which began it; or have the \
                 folder made yours, with everything in it. Do not delete it: letters would go \
                 again."
            ),
        ),
        None => (
            format!("{PRIVATE_FOLDER} cannot be looked into: {error}"),
            "Make the folder yours to read and write, with everything in it. Do not delete it: \
             letters would go again."
                .to_owned(),
        ),
    };
    Problem::error("closed-folder", message).place(Place::file(PRIVATE_FOLDER)).hint(hint)
}

fn damaged_pointer(why: &str) -> Problem {
    Problem::error("ledger-at", format!("it cannot be told where the ledger is: {why}"))
        .place(Place::file(format!("{PRIVATE_FOLDER}/{POINTER}")))
        .hint("Restore this file from a backup. Do not delete it: letters would go again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_several_computers_see_are_known_by_their_names() {
        for (folder, service) in [
            ("/home/ana/OneDrive - Forum/mailing", Some("OneDrive")),
            ("/home/ana/onedrive/x", Some("OneDrive")),
            ("/home/ana/Dropbox (Forum)/x", Some("Dropbox")),
            (
                "/Users/ana/Library/CloudStorage/GoogleDrive-a@b/My Drive",
                Some("a synchronised folder"),
            ),
            ("/Users/ana/Library/Mobile Documents/com~apple~CloudDocs/x", Some("iCloud Drive")),
            ("/home/ana/Nextcloud/forum", Some("Nextcloud")),
            ("/home/ana/dropboxes/x", None),
            ("/home/ana/my drives/x", None),
            ("/home/ana/forum", None),
        ] {
            assert_eq!(synchronised(Path::new(folder)), service, "{folder}");
        }
    }

    #[test]
    fn folders_that_several_computers_see_are_known_by_what_lies_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        assert_eq!(synchronised(&inner), None);
        fs::create_dir(folder.path().join(".stfolder")).unwrap();
        assert_eq!(synchronised(&inner), Some("Syncthing"));
    }

    #[test]
    fn network_drives_are_known_by_what_is_mounted() {
        let mounts = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
            40 27 0:40 / /home rw shared:1 - nfs4 server:/home rw\n\
            41 40 0:41 / /home/ana/local rw - ext4 /dev/vdb rw\n\
            42 27 0:42 / /mnt/the\\040share rw - cifs //server/share rw\n\
            43 27 0:43 / /mnt/ssh rw - fuse.sshfs ana@server: rw\n\
            44 27 0:44 / /mnt/stick rw - fuseblk /dev/sdb1 rw\n";
        for (folder, expected) in [
            ("/srv/forum", false),
            ("/home/ana/forum", true),
            ("/home/ana/local/forum", false),
            ("/homes", false),
            ("/mnt/the share/x", true),
            ("/mnt/ssh/x", true),
            ("/mnt/stick/x", false),
        ] {
            assert_eq!(is_network(mounts, Path::new(folder)), expected, "{folder}");
        }
        assert!(!is_network("", Path::new("/x")) && !is_network("odd line", Path::new("/x")));
    }

    #[test]
    fn ids_differ() {
        let ids: std::collections::BTreeSet<String> = (0..100).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn a_pointer_of_nobody_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(PRIVATE_FOLDER);
        fs::create_dir(&own).unwrap();
        for text in ["", "machine = 1", "machine = \"a\"\nledger = \"../../etc\"", "\u{0}\u{1}"] {
            fs::write(own.join(POINTER), text).unwrap();
            let problem = private_folder(folder.path(), &Computer::default()).unwrap_err();
            assert_eq!(problem.code, "ledger-at", "{text:?}");
        }
    }
}
