//! Where the relay's password comes from, and fetching it.
//!
//! Owns the sources a configuration can name: a variable, a file only its owner can read, a
//! command. There is none in the configuration itself and none on the command line (security S16).
//!
//! # Invariants
//! A password is one line, not empty, without control characters; it is fetched when it is needed,
//! once a run, and no message repeats it. A command is bounded in time and in what it may print.
//!
//! # Failure
//! A [`Problem`] that names the source.

use super::environment::Environment;
use super::section::Placed;
use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_COMMAND_TIMEOUT};
use crate::owner_only;
use crate::problem::Problem;
use crate::secret::Secret;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// `{ env = "NAME" }`.
    Variable(String),
    /// `{ file = "PATH" }`, as seen from the workspace, or absolute.
    File(String),
    /// `{ command = ["PROGRAM", "ARGUMENT"] }`, run in the workspace's folder; at least one.
    Command(Vec<String>),
    /// `{ keyring = true }`: where `sign-in` has put it.
    Keyring,
}

/// How often a running command is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Fetches the password. `root` is the workspace's folder; `kept` reads what `sign-in` has put away.
///
/// # Errors
/// `no-password` when the source has none, cannot be read, or is open to others; those of `kept`.
pub fn fetch(
    source: &Placed<PasswordSource>,
    root: &Path,
    environment: &Environment,
    kept: impl FnOnce() -> Result<Secret, Problem>,
) -> Result<Secret, Problem> {
    let fetched = match &source.value {
        PasswordSource::Variable(name) => from_variable(name, environment),
        PasswordSource::File(file) => from_file(file, &root.join(file)),
        PasswordSource::Command(words) => from_command("password", words, root),
        PasswordSource::Keyring => kept(),
    };
    fetched.map_err(|problem| problem.place(source.place.clone()))
}

/// The access token that a command prints.
///
/// # Errors
/// `no-password` when it fails or prints none.
pub fn printed(words: &[String], root: &Path) -> Result<Secret, Problem> {
    from_command("token", words, root)
}

fn refused(message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::error("no-password", message).hint(hint)
}

fn from_variable(name: &str, environment: &Environment) -> Result<Secret, Problem> {
    let secret = environment.secret(name)?.ok_or_else(|| {
        let hint = "Set it before the run, or name a file or command under relay.password.";
        refused(format!("the variable {name} with the relay's password is not set"), hint)
    })?;
    first_line(secret.reveal().as_bytes(), &format!("the variable {name}"), "password")
}

fn from_file(shown: &str, path: &Path) -> Result<Secret, Problem> {
    let what = format!("the password file {shown}");
    let failed = |error: io::Error| {
        refused(format!("cannot read {what}: {error}"), "Correct relay.password, or make the file.")
    };
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refused(format!("{what} is no ordinary file"), "Name an ordinary file."));
    }
    let file = File::open(path).map_err(failed)?;
    if !owner_only::is_owner_only(&file.metadata().map_err(failed)?) {
        let hint = format!("Make it yours alone: chmod 600 {shown}");
        return Err(refused(format!("others may read {what}"), hint));
    }
    let mut bytes = Vec::new();
    file.take(PASSWORD_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    first_line(&bytes, &what, "password")
}

/// What a command prints; `of`: a password or a token.
fn from_command(of: &str, words: &[String], root: &Path) -> Result<Secret, Problem> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    let what = format!("the {of} command {program}");
    let key = if of == "token" { "token_command" } else { of };
    let hint = &format!("Run the command by hand, and correct relay.{key}.");
    // What the command says on stderr is for the person in front of it: "touch your key".
    let mut child = Command::new(program)
        .args(words.iter().skip(1))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| refused(format!("cannot run {what}: {error}"), hint))?;
    let printed = read_aside(&mut child);
    let status = wait(&mut child, PASSWORD_COMMAND_TIMEOUT);
    let Some(status) = status.map_err(|error| refused(format!("lost {what}: {error}"), hint))?
    else {
        return Err(refused(format!("{what} did not end in time"), hint));
    };
    if !status.success() {
        return Err(refused(format!("{what} failed: {status}"), hint));
    }
    // A program left behind by the command may hold its output open: what came is enough.
    let bytes = printed.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    first_line(&bytes, &what, of)
}

/// Hands over what a command prints up to its first line end, and reads the rest for nothing: a
/// full or closed pipe would make the command fail. In a thread of its own, because a program the
/// command leaves behind may hold the pipe open for ever.
fn read_aside(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stdout) = child.stdout.take() {
        thread::spawn(move || {
            let (mut bytes, mut block) = (Vec::new(), [0; 512]);
            let has_line = |b: &Vec<u8>| b.contains(&b'\n') || b.len() as u64 > PASSWORD_BYTES_MAX;
            while let Ok(count @ 1..) = stdout.read(&mut block) {
                bytes.extend_from_slice(&block[..count]);
                if has_line(&bytes) {
                    break;
                }
            }
            // Nobody listens any more when the command was given up.
            let _ = sender.send(bytes);
            let _ = io::copy(&mut stdout, &mut io::sink());
        });
    }
    receiver
}

/// Waits for a command's end; one that takes longer is ended, and `None` comes back.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let looks = timeout.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..looks {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK_EVERY);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// The first line of what a source holds. Blanks stay: a password may begin or end with one.
fn first_line(bytes: &[u8], what: &str, of: &str) -> Result<Secret, Problem> {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let hint = format!("The {of} is the first line there, in UTF-8.");
    if line.is_empty() {
        return Err(refused(format!("{what} has no {of} in its first line"), hint));
    }
    if line.len() as u64 > PASSWORD_BYTES_MAX {
        return Err(refused(format!("{what} has a first line too long for a {of}"), hint));
    }
    match std::str::from_utf8(line) {
        Ok(text) if !text.contains(char::is_control) => Ok(Secret::new(text.to_owned())),
        _ => Err(refused(format!("{what} has characters that no {of} has"), hint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    fn fetched(source: PasswordSource, root: &Path) -> Result<String, String> {
        let source = Placed::new(source, Place::at("secretariat.toml", 9, 1));
        let environment = Environment::of(&[("SET", "canary"), ("EMPTY", "")]);
        let secret = fetch(&source, root, &environment, || unreachable!()).map_err(|problem| {
            assert_eq!(problem.place.as_ref().and_then(|p| p.line), Some(9));
            assert!(!format!("{problem:?}").contains("canary"), "a password in a message");
            problem.message
        })?;
        Ok(secret.reveal().to_owned())
    }

    #[test]
    fn a_variable_holds_it() {
        let root = Path::new(".");
        let of = |name: &str| fetched(PasswordSource::Variable(name.to_owned()), root);
        assert_eq!(of("SET").as_deref(), Ok("canary"));
        for name in ["EMPTY", "UNSET"] {
            let message = format!("the variable {name} with the relay's password is not set");
            assert_eq!(of(name), Err(message));
        }
    }

    #[test]
    fn the_first_line_is_the_password_as_it_is() {
        for (bytes, expected) in [
            (&b"canary\r\nlogin: x\n"[..], Ok("canary")),
            (b" can ary ", Ok(" can ary ")),
            (b"\ncanary", Err("x has no password in its first line")),
            (b"", Err("x has no password in its first line")),
            (b"can\0ary", Err("x has characters that no password has")),
            (b"can\xffary", Err("x has characters that no password has")),
        ] {
            let line = first_line(bytes, "x", "password");
            let line = line.as_ref().map(Secret::reveal).map_err(|p| p.message.as_str());
            assert_eq!(line, expected, "{bytes:?}");
        }
        assert!(first_line(&[b'x'; 9_000], "x", "password").is_err());
    }

    #[cfg(unix)]
    mod on_unix {
        use super::*;
        use std::os::unix::fs::PermissionsExt;

        #[test]
        fn a_file_others_may_read_is_refused() {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("password");
            fs::write(&path, "canary\n").unwrap();
            let of = |name: &str| fetched(PasswordSource::File(name.to_owned()), root.path());
            let absolute = path.to_str().unwrap();
            for (mode, expected) in
                [(0o600, Ok("canary")), (0o640, Err("others may read the password file password"))]
            {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                let found = of("password");
                assert_eq!(found.as_deref().map_err(String::as_str), expected, "{mode:o}");
                assert_eq!(of(absolute).is_ok(), expected.is_ok());
            }
            assert!(
                of("nowhere").unwrap_err().starts_with("cannot read the password file nowhere")
            );
            assert!(of(".").unwrap_err().ends_with("is no ordinary file"));
        }

        fn of_command(words: &[&str]) -> Result<String, String> {
            let words = words.iter().map(|w| (*w).to_owned()).collect();
            fetched(PasswordSource::Command(words), Path::new("/"))
        }

        #[test]
        fn a_command_prints_it() {
            let script = |text: &str| of_command(&["sh", "-c", text]);
            assert_eq!(script("echo canary; echo more").as_deref(), Ok("canary"));
            assert_eq!(script("pwd").as_deref(), Ok("/"));
            // One that leaves a program behind with its output open.
            assert_eq!(script("sleep 5 & echo canary").as_deref(), Ok("canary"));
            for (text, message) in [
                ("echo canary; exit 3", "the password command sh failed: exit status: 3"),
                ("true", "the password command sh has no password in its first line"),
                (
                    "read x || exit 0; echo canary",
                    "the password command sh has no password in its first line",
                ),
                (
                    "head -c 100000 /dev/zero | tr '\\0' x",
                    "the password command sh has a first line too long for a password",
                ),
            ] {
                assert_eq!(script(text), Err(message.to_owned()), "{text}");
            }
            let nowhere = of_command(&["no-such-program-here"]).unwrap_err();
            assert!(nowhere.starts_with("cannot run the password command no-such-program-here"));
        }

        #[test]
        fn a_command_that_does_not_end_is_ended() {
            let mut child = Command::new("sleep").arg("60").spawn().unwrap();
            assert_eq!(wait(&mut child, Duration::from_millis(40)).unwrap(), None);
            assert!(child.try_wait().unwrap().is_some(), "it still runs");
        }
    }
}
