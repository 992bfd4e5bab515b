//! The folder on disk: the one door to input files.
//!
//! Owns finding the workspace, reading files beneath it and listing them by pattern, and where the
//! program's private folder is. What the files mean is for the stages; they take bytes.
//!
//! # Invariants
//! - What is read lies beneath the workspace: no `..`, no absolute path, no symbolic link that
//!   leads out, and nothing of `.secretariat` (security S14).
//! - Only regular files are read: a pipe or device would hang or never end.
//! - A name counts only in the spelling it has on the disk, whatever the disk thinks of capitals.
//!
//! # Failure
//! A [`Problem`] that names the file. Its place is the file; whoever knows the line of the
//! configuration that names the file puts that place instead.

mod listing;
mod room;
mod whereabouts;

pub use whereabouts::Computer;

use crate::owner_only;
use crate::problem::{Place, Problem, Problems};
use crate::time::Timestamp;
use listing::{Entry, Listing, is_pattern};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The configuration's name: the folder that holds it is a workspace.
pub const CONFIG_FILE: &str = "secretariat.toml";
/// What people decided about single recipients, beside it.
pub const DECISIONS_FILE: &str = "decisions.csv";
/// The folder made by the program, for the owner only.
pub const PRIVATE_FOLDER: &str = ".secretariat";

/// A workspace that was found.
#[derive(Debug)]
pub struct Workspace {
    /// Absolute, without symbolic links.
    root: PathBuf,
    computer: Computer,
    /// Names by folder, read once a run: 650 certificates are looked up in a folder of 650 names.
    /// A name that is not among them makes us look again, so new files are found.
    listings: Mutex<BTreeMap<PathBuf, Arc<Listing>>>,
}

/// Why a text is no path of a file in the workspace. Its words complete "the path ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No name at all.
    #[error("is empty")]
    Empty,
    /// `\` between folders.
    #[error("is written with a backslash")]
    Backslash,
    /// `/tmp`, `C:/Users`.
    #[error("does not start in the workspace")]
    Absolute,
    /// `..` within.
    #[error("leads out of the folder with ..")]
    Upwards,
    /// A line break or another control character.
    #[error("holds a control character")]
    Control,
    /// The program's own folder.
    #[error("leads into .secretariat, which is the program's own")]
    Private,
}

impl PathError {
    /// What to do: a sentence, with a path that would do as its example.
    #[must_use]
    pub fn hint(self, example: &str) -> String {
        match self {
            PathError::Backslash | PathError::Control => {
                "Write folders with forward slashes, as in \"folder/file\".".to_owned()
            }
            PathError::Empty => {
                format!("Write its path as seen from secretariat.toml, such as \"{example}\".")
            }
            PathError::Absolute | PathError::Upwards | PathError::Private => format!(
                "Copy it into the workspace and write its path as seen from secretariat.toml, \
                 such as \"{example}\"."
            ),
        }
    }
}

/// Checks the form of a path as seen from the workspace and splits it into names.
///
/// # Errors
/// [`PathError`] when the path cannot lie in the workspace, on this or any other system.
pub fn path_names(path: &str) -> Result<Vec<&str>, PathError> {
    if path.contains(char::is_control) {
        return Err(PathError::Control);
    }
    if path.contains('\\') {
        return Err(PathError::Backslash);
    }
    // A colon is a drive or a hidden stream on Windows, and cannot stand in a name there.
    if path.starts_with('/') || path.contains(':') {
        return Err(PathError::Absolute);
    }
    let names: Vec<&str> = path.split('/').filter(|n| !matches!(*n, "" | ".")).collect();
    if names.contains(&"..") {
        return Err(PathError::Upwards);
    }
    match names.first() {
        None => Err(PathError::Empty),
        Some(first) if first.eq_ignore_ascii_case(PRIVATE_FOLDER) => Err(PathError::Private),
        Some(_) => Ok(names),
    }
}

/// Where a path leads.
enum Located {
    /// To this file or folder, free of symbolic links.
    Here(PathBuf),
    /// Nowhere: what would have to be there.
    Nowhere(Absent),
}

/// A name that a folder does not have.
struct Absent {
    path: String,
    kind: &'static str,
    listing: Arc<Listing>,
}

impl Absent {
    /// The problem, where it is one: the nearest name is costly to find.
    fn problem(&self) -> Problem {
        let (above, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let near = self.listing.nearest(name).map(|near| match above {
            "" => near.to_owned(),
            above => format!("{above}/{near}"),
        });
        missing(&self.path, self.kind, near)
    }
}

impl Workspace {
    /// Finds the workspace of a folder: `exact` (`-C DIR`) takes only the folder itself, otherwise
    /// the folders above it are searched too.
    ///
    /// # Errors
    /// `no-workspace` when there is no `secretariat.toml`.
    pub fn find(start: &Path, exact: bool) -> Result<Workspace, Problem> {
        let shown = match start.to_string_lossy() {
            here if here == "." => "this folder".into(),
            named => named,
        };
        let start = fs::canonicalize(start).map_err(|_| {
            Problem::error("no-workspace", format!("there is no folder {shown}"))
                .hint("Write an existing folder behind -C, or make one: secretariat init DIR.")
        })?;
        let levels = if exact { 1 } else { usize::MAX };
        let found = start.ancestors().take(levels).find(|f| f.join(CONFIG_FILE).is_file());
        let root = found.ok_or_else(|| {
            let above = if exact { "" } else { " or in a folder above it" };
            Problem::error("no-workspace", format!("no {CONFIG_FILE} in {shown}{above}")).hint(
                "Start a workspace with secretariat init, or name one with -C DIR.".to_owned(),
            )
        })?;
        let computer = Computer::default();
        Ok(Workspace { root: root.to_owned(), computer, listings: Mutex::default() })
    }

    /// The same folder once more, for whoever reads in it later.
    #[must_use]
    pub fn again(&self) -> Workspace {
        let (root, computer) = (self.root.clone(), Computer::default());
        Workspace { root, computer, listings: Mutex::default() }
    }

    /// The workspace's folder, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads a file of at most `bytes_max` bytes by its path as seen from the workspace.
    ///
    /// # Errors
    /// A [`Problem`] that says why the file cannot be read: `missing-file` with the nearest name,
    /// `file-spelling`, `outside-workspace`, `not-a-file`, `file-too-big`, `unreadable-file`.
    pub fn read(&self, path: &str, bytes_max: u64) -> Result<Vec<u8>, Problem> {
        match self.locate(path, "file")? {
            Located::Here(found) => read_regular(path, &found, bytes_max),
            Located::Nowhere(absent) => Err(absent.problem()),
        }
    }

    /// Reads a file that may be absent: `None` only when nothing has its name in any spelling.
    ///
    /// # Errors
    /// As [`read`](Self::read), but for `missing-file`.
    pub fn read_if_there(&self, path: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Problem> {
        match self.locate(path, "file")? {
            Located::Here(found) => read_regular(path, &found, bytes_max).map(Some),
            Located::Nowhere(_) => Ok(None),
        }
    }

    /// When a file was last changed, as its disk has it; a copy or a checkout may have made it now.
    #[must_use]
    pub fn modified(&self, path: &str) -> Option<Timestamp> {
        let Ok(Located::Here(found)) = self.locate(path, "file") else { return None };
        let time = fs::metadata(found).and_then(|metadata| metadata.modified()).ok()?;
        let seconds = time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        i64::try_from(seconds).ok().map(Timestamp::from_unix_seconds)
    }

    /// The paths that fit a pattern, in natural order: `*` stands for any characters of a name,
    /// `?` for one. Folders and what programs leave behind (`~$*`, `.~lock*`, `Thumbs.db`, hidden
    /// files) are left out. Nothing fits: an empty list.
    ///
    /// A path without `*` and `?` is looked up as it is: it or its problem is what comes back. So
    /// is a folder that is missing, and a name that is no Unicode, which would otherwise be people
    /// left out in silence.
    pub fn list(&self, pattern: &str, problems: &mut Problems) -> Vec<String> {
        let mut found = vec![String::new()];
        let names = match path_names(pattern) {
            Ok(names) => names,
            Err(error) => {
                problems.push(refused(pattern, error));
                return Vec::new();
            }
        };
        for (i, name) in names.iter().enumerate() {
            let is_last = i + 1 == names.len();
            let step = |folder: &String| self.step(folder, name, is_last, problems);
            found = found.iter().flat_map(step).collect();
        }
        found
    }

    /// The same workspace for a command on this computer, which may have to hold its ledger.
    #[must_use]
    pub fn on(self, computer: Computer) -> Workspace {
        Workspace { computer, ..self }
    }

    /// Where the ledger and other private files are: `.secretariat`, or a folder on this computer
    /// where the workspace's own is seen by several. It may not exist yet.
    ///
    /// # Errors
    /// `ledger-elsewhere` when another computer holds them; `ledger-gone`, `ledger-at`.
    pub fn private_folder(&self) -> Result<PathBuf, Problem> {
        whereabouts::private_folder(&self.root, &self.computer)
    }

    /// Makes the private folder, for the owner only, if it is not there yet.
    ///
    /// # Errors
    /// `unwritable-folder` when it cannot be made; as [`private_folder`](Self::private_folder).
    pub fn create_private_folder(&self) -> Result<PathBuf, Problem> {
        whereabouts::create(&self.root, &self.computer)
    }

    /// What makes several computers see this workspace: `OneDrive`, `a network drive`.
    #[must_use]
    pub fn seen_elsewhere(&self) -> Option<&'static str> {
        whereabouts::elsewhere(&self.root)
    }

    /// What one name of a pattern makes of a folder found so far.
    fn step(&self, folder: &str, name: &str, last: bool, problems: &mut Problems) -> Vec<String> {
        let joined = |name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        let place = if is_pattern(name) { folder.to_owned() } else { joined(name) };
        let wanted = if last && !is_pattern(name) { "file" } else { "folder" };
        let located = match place.as_str() {
            "" => Ok(Located::Here(self.root.clone())),
            path => self.locate(path, wanted),
        };
        let located = match located {
            Ok(Located::Here(path)) => path,
            Ok(Located::Nowhere(absent)) => {
                problems.push(absent.problem());
                return Vec::new();
            }
            Err(problem) => {
                problems.push(problem);
                return Vec::new();
            }
        };
        if !is_pattern(name) {
            return vec![place];
        }
        let listing = match self.listing(&located, true) {
            Ok(listing) => listing,
            Err(error) => {
                problems.push(unreadable(&place, &error));
                return Vec::new();
            }
        };
        for name in &listing.unreadable {
            problems.push(not_unicode(&joined(name)));
        }
        let fits = |name: &&str| located.join(name).is_dir() != last;
        listing.matching(name).filter(fits).map(joined).collect()
    }

    /// Follows a path to a `file` or `folder`, name by name, so that each is compared with what
    /// the disk has.
    fn locate(&self, path: &str, wanted: &'static str) -> Result<Located, Problem> {
        let names = path_names(path).map_err(|error| refused(path, error))?;
        let mut found = self.root.clone();
        for (i, name) in names.iter().enumerate() {
            let above = names[..i].join("/");
            let joined = |n: &str| if i == 0 { n.to_owned() } else { format!("{above}/{n}") };
            let kind = if i + 1 == names.len() { wanted } else { "folder" };
            let listing = self.listing_with(&found, name).map_err(|e| unreadable(path, &e))?;
            match listing.entry(name) {
                Entry::Here(real) => found = self.follow(path, found.join(real))?,
                Entry::Spelled(real) => {
                    return Err(misspelled(&joined(name), &joined(real), kind));
                }
                Entry::Nothing => {
                    let (path, listing) = (joined(name), Arc::clone(&listing));
                    return Ok(Located::Nowhere(Absent { path, kind, listing }));
                }
            }
        }
        Ok(Located::Here(found))
    }

    /// Where a name leads in the end, if that lies beneath the workspace and outside of the
    /// private folder.
    fn follow(&self, path: &str, found: PathBuf) -> Result<PathBuf, Problem> {
        let real = fs::canonicalize(&found).map_err(|e| unreadable(path, &e))?;
        if real.starts_with(&self.root) && !real.starts_with(self.root.join(PRIVATE_FOLDER)) {
            return Ok(real);
        }
        let message = format!("{path} is a link that leads out of the workspace");
        Err(Problem::error("outside-workspace", message)
            .place(Place::file(path))
            .hint("Put the file itself there instead of a link."))
    }

    /// A folder's names, read again when the wanted one is not among those known.
    fn listing_with(&self, folder: &Path, wanted: &str) -> io::Result<Arc<Listing>> {
        let known = self.listing(folder, false)?;
        match known.entry(wanted) {
            Entry::Here(_) => Ok(known),
            // Nothing by that name has come since, in any spelling this disk takes for it: a
            // hundred thousand missing files are not a hundred thousand readings of the folder.
            Entry::Nothing if fs::symlink_metadata(folder.join(wanted)).is_err() => Ok(known),
            _ => self.listing(folder, true),
        }
    }

    /// A folder's names as known, or as they are now. What is no folder has none.
    fn listing(&self, folder: &Path, fresh: bool) -> io::Result<Arc<Listing>> {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = listings.get(folder).filter(|_| !fresh) {
            return Ok(Arc::clone(known));
        }
        let listing = Arc::new(read_listing(folder)?);
        listings.insert(folder.to_owned(), Arc::clone(&listing));
        Ok(listing)
    }
}

/// Reads the names in a folder; a file has none.
fn read_listing(folder: &Path) -> io::Result<Listing> {
    if !fs::metadata(folder)?.is_dir() {
        return Ok(Listing::default());
    }
    let (mut names, mut unreadable) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        match entry?.file_name().into_string() {
            Ok(name) => names.push(name),
            Err(name) => unreadable.push(name.to_string_lossy().into_owned()),
        }
    }
    Ok(Listing::new(names, unreadable))
}

/// Reads a file after making sure, before and after opening it, that it is one: opening a pipe
/// would wait for a writer, and the name may have changed hands in between.
fn read_regular(path: &str, found: &Path, bytes_max: u64) -> Result<Vec<u8>, Problem> {
    let failed = |error: io::Error| unreadable(path, &error);
    let before = fs::symlink_metadata(found).map_err(failed)?;
    if !before.is_file() {
        return Err(not_a_file(path, before.is_dir()));
    }
    let file = File::open(found).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    if !opened.is_file() || !owner_only::is_same_file(&before, &opened) {
        return Err(not_a_file(path, false));
    }
    let mut bytes = Vec::new();
    // What says that it is too large is not read; what grows meanwhile is found out by reading.
    if opened.len() <= bytes_max {
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    }
    if opened.len() > bytes_max || bytes.len() as u64 > bytes_max {
        let message = format!("{path} is larger than {} MB", bytes_max.div_ceil(1 << 20));
        return Err(Problem::error("file-too-big", message)
            .place(Place::file(path))
            .hint("Make the file smaller, or check that it is the right one."));
    }
    Ok(bytes)
}

fn refused(path: &str, error: PathError) -> Problem {
    Problem::error("outside-workspace", format!("the path {path:?} {error}"))
        .place(Place::file(path.escape_debug().to_string()))
        .hint(error.hint("attachments/statement.pdf"))
}

/// The name may have come from a pattern, and another person's file may fit the same one: then it
/// is the file that must change.
fn misspelled(written: &str, real: &str, kind: &str) -> Problem {
    let name = written.rsplit('/').next().unwrap_or(written);
    Problem::error("file-spelling", format!("{written} is spelled {real} on the disk"))
        .place(Place::file(written))
        .hint(format!("Rename the {kind} to {name}, or write its name as it is."))
}

fn missing(path: &str, kind: &str, near: Option<String>) -> Problem {
    let hint = match near {
        Some(near) => format!("Did you mean {near}?"),
        None => format!("Put the {kind} there, or correct its name where it is used."),
    };
    Problem::error("missing-file", format!("there is no {kind} {path}"))
        .place(Place::file(path))
        .hint(hint)
}

fn not_a_file(path: &str, is_folder: bool) -> Problem {
    let what = if is_folder { "a folder" } else { "a pipe or device" };
    Problem::error("not-a-file", format!("{path} is {what}, not a file"))
        .place(Place::file(path))
        .hint("Put an ordinary file there, or correct the name where it is used.")
}

fn not_unicode(path: &str) -> Problem {
    Problem::error("file-name", format!("the name of {path} is not Unicode"))
        .place(Place::file(path))
        .hint("Rename the file with letters, digits, hyphens and dots.")
}

fn unreadable(path: &str, error: &io::Error) -> Problem {
    if cfg!(windows) && is_held(error) {
        return Problem::error("unreadable-file", format!("{path} is open in another program"))
            .place(Place::file(path))
            .hint("Close it there (Excel locks the workbook it shows), then try again.");
    }
    Problem::error("unreadable-file", format!("cannot read {path}: {error}"))
        .place(Place::file(path))
        .hint("Close the file in other programs, and check that you may read it.")
}

/// Whether Windows keeps a file for another program: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
fn is_held(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(32 | 33))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with these files, each with its own path as content.
    fn workspace(files: &[&str]) -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        for file in files.iter().chain(&[CONFIG_FILE]) {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let workspace = Workspace::find(folder.path(), true).unwrap();
        (folder, workspace)
    }

    fn listed(workspace: &Workspace, pattern: &str) -> (Vec<String>, Vec<String>) {
        let mut problems = Problems::new();
        let found = workspace.list(pattern, &mut problems);
        (found, problems.iter().map(|p| p.message.clone()).collect())
    }

    #[track_caller]
    fn check_refused(workspace: &Workspace, path: &str, code: &str, message: &str, hint: &str) {
        let problem = workspace.read(path, 100).unwrap_err();
        assert_eq!(problem.code, code, "{path}");
        assert_eq!(problem.message, message, "{path}");
        assert!(problem.hint.unwrap().contains(hint), "{path}");
    }

    #[test]
    fn a_workspace_is_searched_upward_unless_it_is_named() {
        let (folder, workspace) = workspace(&["templates/outcome/en.md"]);
        let deep = folder.path().join("templates/outcome");
        assert_eq!(Workspace::find(&deep, false).unwrap().root(), workspace.root());
        let problem = Workspace::find(&deep, true).unwrap_err();
        assert_eq!(problem.message, format!("no secretariat.toml in {}", deep.display()));
        assert!(problem.hint.unwrap().contains("secretariat init"));
        let nowhere = Workspace::find(&folder.path().join("nowhere"), true).unwrap_err();
        assert!(nowhere.message.starts_with("there is no folder "));
    }

    #[test]
    fn a_folder_called_secretariat_toml_makes_no_workspace() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(CONFIG_FILE)).unwrap();
        assert_eq!(Workspace::find(folder.path(), true).unwrap_err().code, "no-workspace");
    }

    #[test]
    fn files_are_read_by_their_path() {
        let (_folder, workspace) = workspace(&["recipients/a.csv"]);
        for path in ["recipients/a.csv", "./recipients//a.csv"] {
            assert_eq!(workspace.read(path, 100).unwrap(), b"recipients/a.csv");
        }
        assert_eq!(workspace.read_if_there("templates/layout.html", 100), Ok(None));
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        let (_folder, workspace) = workspace(&[".secretariat/key"]);
        for (path, why) in [
            ("../../etc/passwd", "leads out of the folder with .."),
            ("recipients/../../x", "leads out of the folder with .."),
            ("/etc/passwd", "does not start in the workspace"),
            ("C:/Users/ana/list.csv", "does not start in the workspace"),
            ("list.csv:stream", "does not start in the workspace"),
            ("", "is empty"),
            (".", "is empty"),
            (".secretariat/key", "leads into .secretariat, which is the program's own"),
            (".Secretariat/key", "leads into .secretariat, which is the program's own"),
        ] {
            let message = format!("the path {path:?} {why}");
            check_refused(&workspace, path, "outside-workspace", &message, "secretariat.toml");
        }
        for path in ["recipients\\a.csv", "attachments/\new.pdf"] {
            let problem = workspace.read(path, 100).unwrap_err();
            assert!(problem.hint.unwrap().contains("forward slashes"), "{path}");
        }
    }

    #[test]
    fn a_missing_file_names_the_nearest_one() {
        let (_folder, workspace) = workspace(&["attachments/statement.en.pdf"]);
        check_refused(
            &workspace,
            "attachments/statment.en.pdf",
            "missing-file",
            "there is no file attachments/statment.en.pdf",
            "Did you mean attachments/statement.en.pdf?",
        );
        check_refused(
            &workspace,
            "atachments/statement.en.pdf",
            "missing-file",
            "there is no folder atachments",
            "Did you mean attachments?",
        );
        let unlike = "attachments/guidelines.fr.pdf";
        check_refused(
            &workspace,
            unlike,
            "missing-file",
            "there is no file attachments/guidelines.fr.pdf",
            "Put the file there",
        );
    }

    /// `a.pdf` would be found here on Windows and on a Mac, and missing on the server.
    #[test]
    fn capitals_in_a_name_count() {
        let (_folder, workspace) = workspace(&["attachments/A.pdf"]);
        let message = "attachments/a.pdf is spelled attachments/A.pdf on the disk";
        let hint = "Rename the file to a.pdf, or write its name as it is.";
        check_refused(&workspace, "attachments/a.pdf", "file-spelling", message, hint);
        let message = "Attachments is spelled attachments on the disk";
        let hint = "Rename the folder to Attachments, or write its name as it is.";
        check_refused(&workspace, "Attachments/A.pdf", "file-spelling", message, hint);
        let optional = workspace.read_if_there("attachments/a.pdf", 100).unwrap_err();
        assert_eq!(optional.code, "file-spelling");
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let (_folder, workspace) = workspace(&["recipients/a.csv"]);
        assert_eq!(workspace.read("recipients/a.csv", 16).unwrap().len(), 16);
        assert_eq!(workspace.read("recipients/a.csv", 15).unwrap_err().code, "file-too-big");
    }

    #[test]
    fn a_file_written_during_the_run_is_found() {
        let (folder, workspace) = workspace(&["recipients/a.csv"]);
        assert!(workspace.read("recipients/b.csv", 100).is_err());
        fs::write(folder.path().join("recipients/b.csv"), "b").unwrap();
        assert_eq!(workspace.read("recipients/b.csv", 100).unwrap(), b"b");
    }

    #[test]
    fn lists_are_found_by_pattern_in_natural_order() {
        let (_folder, workspace) = workspace(&[
            "recipients/list10.csv",
            "recipients/list2.csv",
            "recipients/~$list2.csv",
            "recipients/.~lock.list2.csv#",
            "recipients/Thumbs.db",
            "recipients/old/list1.csv",
        ]);
        let all = ["recipients/list2.csv", "recipients/list10.csv"].map(str::to_owned);
        assert_eq!(listed(&workspace, "recipients/*"), (all.to_vec(), vec![]));
        let old = vec!["recipients/old/list1.csv".to_owned()];
        assert_eq!(listed(&workspace, "recipients/*/list?.csv"), (old.clone(), vec![]));
        assert_eq!(listed(&workspace, "recipients/old/list1.csv"), (old, vec![]));
        assert_eq!(listed(&workspace, "recipients/*.tsv"), (vec![], vec![]));
        let missing = vec!["there is no file recipients/vip.csv".to_owned()];
        assert_eq!(listed(&workspace, "recipients/vip.csv"), (vec![], missing));
        let missing = vec!["there is no folder lists".to_owned()];
        assert_eq!(listed(&workspace, "lists/*"), (vec![], missing));
    }

    #[cfg(unix)]
    mod on_unix {
        use super::*;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::symlink;

        #[test]
        fn a_symlink_may_not_lead_out() {
            let (folder, workspace) = workspace(&["recipients/a.csv", ".secretariat/key"]);
            let outside = tempfile::tempdir().unwrap();
            fs::write(outside.path().join("x"), "x").unwrap();
            let at = |name: &str| folder.path().join(name);
            symlink(outside.path().join("x"), at("file")).unwrap();
            symlink(outside.path(), at("folder")).unwrap();
            symlink(at(".secretariat/key"), at("private")).unwrap();
            symlink(at("recipients/a.csv"), at("inside")).unwrap();
            for path in ["file", "folder/x", "private"] {
                assert_eq!(workspace.read(path, 100).unwrap_err().code, "outside-workspace");
            }
            assert_eq!(workspace.read("inside", 100).unwrap(), b"recipients/a.csv");
            let (found, problems) = listed(&workspace, "folder/*");
            assert!(found.is_empty());
            assert_eq!(problems, ["folder is a link that leads out of the workspace"]);
        }

        #[test]
        fn a_pipe_a_folder_and_a_device_are_not_read() {
            let (folder, workspace) = workspace(&["recipients/a.csv"]);
            let pipe = folder.path().join("recipients/pipe.csv");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
            assert!(made.success());
            for path in ["recipients/pipe.csv", "recipients"] {
                assert_eq!(workspace.read(path, 100).unwrap_err().code, "not-a-file", "{path}");
            }
        }

        #[test]
        fn a_name_that_is_no_unicode_is_a_problem_not_people_left_out() {
            let (folder, workspace) = workspace(&["recipients/a.csv"]);
            let name = std::ffi::OsStr::from_bytes(b"fran\xe7ais.csv");
            if fs::write(folder.path().join("recipients").join(name), "x").is_err() {
                return; // a Mac's disk takes no such name
            }
            let (found, problems) = listed(&workspace, "recipients/*");
            assert_eq!(found, ["recipients/a.csv"]);
            assert_eq!(problems, ["the name of recipients/fran\u{fffd}ais.csv is not Unicode"]);
        }

        #[test]
        fn the_private_folder_is_the_owners() {
            use std::os::unix::fs::PermissionsExt;
            let (_folder, workspace) = workspace(&[]);
            assert!(!workspace.private_folder().unwrap().exists());
            let made = workspace.create_private_folder().unwrap();
            assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
            workspace.create_private_folder().unwrap();
        }
    }
}
