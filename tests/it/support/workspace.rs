//! A workspace for one test, told in our words, and the program run in it.
//!
//! Owns the folder (gone when the workspace is dropped), a configuration that is right unless the
//! test makes it wrong, and the surroundings of the program: nothing of the developer's own
//! settings, folders or clock reaches it.
//!
//! # Failure
//! A run that does not end within [`RUN_TIME_MAX`] is killed and fails its test with what it wrote.

use super::relay::Relay;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No command of any test takes longer unless it hangs.
const RUN_TIME_MAX: Duration = Duration::from_secs(180);

/// The time it is in tests that say no other.
pub const NOW: &str = "2026-11-05T09:30:00Z";

/// A folder that the program works in.
pub struct Workspace {
    folder: TempDir,
    /// The workspace's own folder beneath it.
    name: String,
    relay_url: String,
    relay_lines: String,
    attachments: Vec<(String, String)>,
    campaign_lines: String,
    more: String,
    /// A whole `secretariat.toml` in place of the one made here.
    whole: Option<String>,
    environment: Vec<(String, String)>,
}

/// What a run of the program came to.
#[derive(Clone, Debug)]
pub struct Output {
    /// Absent when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    /// A workspace with a configuration and nothing else: no list, no letter.
    pub fn new() -> Workspace {
        let folder = tempfile::Builder::new().prefix("secretariat-test-").tempdir();
        let folder = folder.expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).expect("a home folder");
        std::fs::create_dir(folder.path().join("workspace")).expect("a workspace folder");
        Workspace {
            folder,
            name: "workspace".to_owned(),
            // The port of the discard service: nobody listens there.
            relay_url: "smtp://127.0.0.1:9".to_owned(),
            relay_lines: String::new(),
            attachments: Vec::new(),
            campaign_lines: String::new(),
            more: String::new(),
            whole: None,
            environment: vec![("SECRETARIAT_NOW".to_owned(), NOW.to_owned())],
        }
    }

    /// A workspace with a short English letter and so many people: `person-0001@town.example` ...
    pub fn with_people(count: usize) -> Workspace {
        Workspace::new().people(count).letter("outcome", "en", LETTER)
    }

    /// As [`Workspace::with_people`], with copies: of each second person's letter to an assistant,
    /// of each third's to one office ([`copies`]).
    pub fn with_copies(count: usize) -> Workspace {
        let mut list = "email,given name,family name,language,assistant,office\n".to_owned();
        for n in 1..=count {
            let copies = [assistant_of(n), office_of(n)].map(Option::unwrap_or_default).join(",");
            writeln!(list, "{},Given{n},Family{n},en,{copies}", person(n)).expect("room");
        }
        Workspace::new()
            .list("registration.csv", list)
            .letter("outcome", "en", LETTER)
            .campaign_lines("cc = [\"assistant\", \"office\"]")
    }

    /// The sample, as `init` writes it.
    pub fn sample() -> Workspace {
        let mut workspace = Workspace::new();
        let output = workspace.spawn_as_it_is(&["init"]).wait();
        assert_eq!(output.code, Some(0), "init must succeed: {output:#?}");
        let config = workspace.path().join("secretariat.toml");
        workspace.whole = std::fs::read_to_string(config).ok();
        workspace
    }

    /// A list of so many people.
    pub fn people(self, count: usize) -> Workspace {
        let mut list = "email,given name,family name,language\n".to_owned();
        for n in 1..=count {
            writeln!(list, "{},Given{n},Family{n},en", person(n)).expect("a String takes all");
        }
        self.list("registration.csv", &list)
    }

    /// A file in `recipients/`.
    pub fn list(self, name: &str, content: impl AsRef<[u8]>) -> Workspace {
        self.file(&format!("recipients/{name}"), content)
    }

    /// `templates/<campaign>/<language>.md`.
    pub fn letter(self, campaign: &str, language: &str, source: &str) -> Workspace {
        self.file(&format!("templates/{campaign}/{language}.md"), source)
    }

    /// A file in `attachments/`; its id is the name up to the first dot. A name with a language
    /// (`statement.en.pdf`) belongs to all languages of that id.
    pub fn attachment(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Workspace {
        let id = name.split('.').next().expect("a name has a first part").to_owned();
        let parts: Vec<&str> = name.split('.').collect();
        let file = match parts[..] {
            [id, _, suffix] => format!("attachments/{id}.{{language}}.{suffix}"),
            _ => format!("attachments/{name}"),
        };
        if !self.attachments.iter().any(|(known, _)| *known == id) {
            self.attachments.push((id, file));
        }
        self.file(&format!("attachments/{name}"), bytes)
    }

    /// Any file of the workspace.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Workspace {
        self.write(path, content);
        self
    }

    /// The relay that letters go to.
    pub fn relay(self, relay: &Relay) -> Workspace {
        self.relay_url(&relay.url())
    }

    pub fn relay_url(mut self, url: &str) -> Workspace {
        url.clone_into(&mut self.relay_url);
        self
    }

    /// More lines of `[relay]`.
    pub fn relay_lines(mut self, lines: &str) -> Workspace {
        let _ = writeln!(self.relay_lines, "{lines}");
        self
    }

    /// More lines of `[campaigns.outcome]`.
    pub fn campaign_lines(mut self, lines: &str) -> Workspace {
        let _ = writeln!(self.campaign_lines, "{lines}");
        self
    }

    /// More tables of `secretariat.toml`.
    pub fn config(mut self, tables: &str) -> Workspace {
        let _ = writeln!(self.more, "{tables}");
        self
    }

    /// These tables of `secretariat.toml` instead of those there were.
    pub fn set_config(&mut self, tables: &str) {
        tables.clone_into(&mut self.more);
    }

    /// A whole `secretariat.toml`, as it stands here.
    pub fn whole_config(mut self, text: &str) -> Workspace {
        self.whole = Some(text.to_owned());
        self
    }

    /// A variable of the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Workspace {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The time it is (RFC 3339).
    pub fn now(self, time: &str) -> Workspace {
        self.variable("SECRETARIAT_NOW", time)
    }

    /// The folder with `secretariat.toml`.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The same workspace, moved to another folder, which may lie in others.
    pub fn moved_to(mut self, name: &str) -> Workspace {
        let (from, to) = (self.path(), self.folder.path().join(name));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("folders above");
        std::fs::rename(from, to).expect("moved");
        name.clone_into(&mut self.name);
        self
    }

    /// A path beside the workspace, for what a test has written elsewhere.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the workspace, with its folders.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        let folder = path.parent().expect("a file stands in a folder");
        std::fs::create_dir_all(folder).expect("a folder of the workspace");
        std::fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Writes `secretariat.toml` as it now is.
    pub fn write_config(&self) {
        let made = || self.made_config();
        self.write("secretariat.toml", self.whole.clone().unwrap_or_else(made));
    }

    fn made_config(&self) -> String {
        let mut text = format!(
            "default_campaign = \"outcome\"\n\n[conference]\nname = \"Forum of Towns\"\n\n\
             [sender]\nfrom = \"Conference Secretariat <secretariat@forum.example>\"\n\
             reply_to = \"answers@forum.example\"\n\n[relay]\nurl = {:?}\n{}\n",
            self.relay_url, self.relay_lines
        );
        for (id, file) in &self.attachments {
            let _ = writeln!(text, "[attachments.{id}]\ntitle = \"The {id}\"\nfile = {file:?}\n");
        }
        let _ = writeln!(text, "[campaigns.outcome]\n{}", self.campaign_lines);
        if !self.attachments.is_empty() {
            let ids: Vec<&String> = self.attachments.iter().map(|(id, _)| id).collect();
            let _ = writeln!(text, "attachments = {ids:?}");
        }
        text + "\n" + &self.more
    }

    /// Runs the program in the workspace to its end, with nothing on its standard input.
    pub fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Output {
        self.spawn(arguments).wait()
    }

    /// Runs the program with `--format json` and gives the object it wrote.
    pub fn run_json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        (output.code, output.json())
    }

    /// `send --dry-run`: it must succeed; its JSON.
    pub fn plan(&self) -> Value {
        let output = self.run(&["send", "--dry-run", "--format", "json"]);
        assert_eq!(output.code, Some(0), "the dry run must succeed: {output:#?}");
        output.json()
    }

    /// `send --dry-run --out`: it must succeed; the folder with the messages.
    pub fn dry_run_out(&self, name: &str) -> PathBuf {
        let folder = self.beside(name);
        let output = self.run(&["send", "--dry-run", "--out", &folder.to_string_lossy()]);
        assert_eq!(output.code, Some(0), "the dry run must succeed: {output:#?}");
        folder
    }

    /// The fingerprint that a dry run names: 64 hex digits.
    pub fn fingerprint(&self) -> String {
        let plan = self.plan();
        plan["fingerprint"].as_str().expect("a plan has a fingerprint").to_owned()
    }

    /// All files of the workspace with their digests: what a command may not change.
    pub fn inventory(&self) -> Vec<(String, String)> {
        let digest = |name: &String| {
            super::reader::sha256(&std::fs::read(self.path().join(name)).unwrap_or_default())
        };
        files_under(&self.path()).into_iter().map(|name| (name.clone(), digest(&name))).collect()
    }

    /// `send --no-wait` with the plan of this moment, confirmed; its exit code and JSON.
    pub fn send(&self) -> (Option<i32>, Value) {
        let fingerprint = self.fingerprint();
        self.run_json(&["send", "--plan", &fingerprint, "--no-wait"])
    }

    /// Starts the program in the workspace and does not wait for it.
    pub fn spawn<S: AsRef<str>>(&self, arguments: &[S]) -> Running {
        self.write_config();
        self.spawn_as_it_is(arguments)
    }

    /// Runs the program to its end and leaves `secretariat.toml` as it is.
    pub fn run_as_it_is(&self, arguments: &[&str]) -> Output {
        self.spawn_as_it_is(arguments).wait()
    }

    /// Runs the program with files that cannot grow beyond so many KiB: writing then fails as it
    /// does on a drive that takes no more.
    #[cfg(target_os = "linux")]
    pub fn run_limited(&self, kib: u32, arguments: &[&str]) -> Output {
        self.write_config();
        let mut command = Command::new("bash");
        let limited = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_secretariat")]).args(arguments);
        self.start(&mut command).wait()
    }

    /// Runs the program to its end by another one that watches or limits it.
    pub fn run_under(&self, watcher: &[&str], arguments: &[&str]) -> Output {
        self.spawn_under(watcher, arguments).wait()
    }

    /// Starts the program by another one and does not wait for it.
    pub fn spawn_under(&self, watcher: &[&str], arguments: &[&str]) -> Running {
        self.write_config();
        let mut command = Command::new(watcher[0]);
        command.args(&watcher[1..]).arg(env!("CARGO_BIN_EXE_secretariat")).args(arguments);
        self.start(&mut command)
    }

    /// Starts the program with a terminal that can hang up, also where the tests run under `nohup`.
    pub fn spawn_with_hang_up(&self, arguments: &[&str]) -> Running {
        self.write_config();
        let mut command = Command::new("python3");
        let heeding = "import os, signal, sys\n\
                       signal.signal(signal.SIGHUP, signal.SIG_DFL)\n\
                       os.execv(sys.argv[1], sys.argv[1:])";
        command.args(["-c", heeding, env!("CARGO_BIN_EXE_secretariat")]).args(arguments);
        self.start(&mut command)
    }

    /// Starts the program as `nohup` does: a terminal that closes is nothing to it.
    pub fn spawn_without_hang_up(&self, arguments: &[&str]) -> Running {
        self.write_config();
        let mut command = Command::new("sh");
        let ignoring = "trap '' HUP; exec \"$0\" \"$@\"";
        command.args(["-c", ignoring, env!("CARGO_BIN_EXE_secretariat")]).args(arguments);
        self.start(&mut command)
    }

    /// Starts the program and leaves `secretariat.toml` as it is, or absent.
    pub fn spawn_as_it_is<S: AsRef<str>>(&self, arguments: &[S]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretariat"));
        command.args(arguments.iter().map(AsRef::as_ref));
        self.start(&mut command)
    }

    /// Starts a command in our surroundings and no others.
    fn start(&self, command: &mut Command) -> Running {
        let home = self.folder.path().join("home");
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("SECRETARIAT_STATE_DIR", self.beside("state"))
            .env("SECRETARIAT_DATA_DIR", self.beside("data"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        Running::start(command)
    }
}

/// A program that runs.
pub struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    fn start(command: &mut Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = read_all(child.stdout.take().expect("piped"));
        let stderr = read_all(child.stderr.take().expect("piped"));
        Running { child, stdout, stderr }
    }

    /// Asks it to stop, as Ctrl-C does. By the shell's own `kill`: a bare system has no other.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        let id = self.id().to_string();
        let asked = Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &id]).status();
        assert!(asked.is_ok_and(|status| status.success()));
    }

    /// kill -9: no handler runs, nothing is flushed.
    pub fn kill(mut self) -> Output {
        self.child.kill().expect("our own child can be killed");
        self.wait()
    }

    /// Its process id, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("our own child can be asked").is_some()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Output {
        let start = Instant::now();
        let mut hung = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child can be asked") {
                break status;
            }
            if start.elapsed() > RUN_TIME_MAX {
                hung = true;
                self.child.kill().expect("our own child can be killed");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let text = |thread: JoinHandle<String>| thread.join().expect("the reader does not panic");
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let output = Output { code: status.code(), stdout, stderr };
        assert!(!hung, "still running after {} s: {output:#?}", RUN_TIME_MAX.as_secs());
        output
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks has been read as far as it goes.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Output {
    /// The one JSON object on standard output.
    pub fn json(&self) -> Value {
        let parsed: Result<Value, _> = serde_json::from_str(&self.stdout);
        let value =
            parsed.unwrap_or_else(|e| panic!("stdout is not one JSON value: {e}\n{self:#?}"));
        assert!(value.is_object(), "stdout is not an object: {self:#?}");
        value
    }

    /// Both streams, for what must stand nowhere.
    pub fn everything(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// The n-th person's address.
pub fn person(n: usize) -> String {
    format!("person-{n:04}@town.example")
}

/// Whom the n-th person's letter is copied to, in the order of Cc.
pub fn copies(n: usize) -> Vec<String> {
    [assistant_of(n), office_of(n)].into_iter().flatten().collect()
}

fn assistant_of(n: usize) -> Option<String> {
    n.is_multiple_of(2).then(|| format!("assistant-{n:04}@town.example"))
}

fn office_of(n: usize) -> Option<String> {
    n.is_multiple_of(3).then(|| "office@town.example".to_owned())
}

/// A letter that uses what every list here has.
pub const LETTER: &str = "Subject: Outcomes of {{ conference.name }}\n\n{{ greeting }}\n\n\
    thank you for coming, {{ recipient.given_name }}. The Statement is final.\n\n\
    Conference Secretariat\n";

/// Bytes that look like a PDF, exactly so many, with no two files of different seeds alike.
pub fn pdf(size: usize, seed: u8) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let noise = (0_usize..).map(|n| (n.wrapping_mul(2_654_435_761) >> 7) as u8 ^ seed);
    bytes.extend(noise.take(size - bytes.len()));
    bytes
}

/// Copies a folder with all that is in it to a place where there is then nothing else.
pub fn copy_folder(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    std::fs::create_dir_all(to).expect("a folder");
    for name in files_under(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(from, to).expect("copied");
    }
}

/// All files under a folder, relative, sorted.
pub fn files_under(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
