//! Relays that nobody here wrote: a real Postfix, and Postfix's `smtp-sink`.
//!
//! Owns a Postfix instance with its own folders and port, which keeps every message it accepts in
//! its hold queue, so that files there are the count; and an `smtp-sink` that writes each message
//! to a file. The computer's own Postfix, if any, is not touched.
//!
//! # Failure
//! Both need Debian's package `postfix`, and a Postfix instance needs root. Where that is missing,
//! `start` says so loudly and gives nothing; under `CI=true` it fails.

use super::{eventually, is_root, skip};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A message that a foreign relay has accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// MAIL FROM.
    pub reverse_path: String,
    /// RCPT TO, all of them.
    pub forward_paths: Vec<String>,
    /// As kept by the relay: LF line ends, and the relay's own trace lines first.
    pub text: Vec<u8>,
}

impl Held {
    /// Whether this is a message with these bytes, when the relay's trace lines and its line ends
    /// are left out.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        let text: Vec<u8> = bytes.iter().copied().filter(|&b| b != b'\r').collect();
        // Both relays put their lines first; smtp-sink adds an empty line at the end.
        let kept = self.text.strip_suffix(b"\n\n").map_or(&self.text[..], |t| t);
        kept.ends_with(text.strip_suffix(b"\n").unwrap_or(&text)) || self.text.ends_with(&text)
    }
}

/// A running Postfix; it ends when dropped.
pub struct Postfix {
    folder: TempDir,
    port: u16,
}

impl Postfix {
    /// A Postfix that accepts everything from this computer.
    pub fn start() -> Option<Postfix> {
        Postfix::with_access(&[])
    }

    /// A Postfix that offers STARTTLS with this certificate and key, PEM, and insists on it.
    pub fn with_tls((certificate, key): (String, String)) -> Option<Postfix> {
        Postfix::begun(&[], Some(certificate + &key))
    }

    /// A Postfix that answers RCPT for some addresses with an action of access(5), such as
    /// `REJECT`, `450 4.2.0 come back later`.
    pub fn with_access(table: &[(&str, &str)]) -> Option<Postfix> {
        Postfix::begun(table, None)
    }

    fn begun(table: &[(&str, &str)], chain: Option<String>) -> Option<Postfix> {
        if !is_root() {
            skip("a real Postfix", "only root can start one");
            return None;
        }
        if !is_installed("postfix") {
            skip("a real Postfix", "it is not installed (Debian: postfix)");
            return None;
        }
        let folder = open_folder();
        let postfix = Postfix { port: free_port(), folder };
        postfix.write_configuration(table, chain.as_deref());
        let output = postfix.control("start");
        let log = postfix.log();
        assert!(output.status.success(), "Postfix does not start: {output:?} {log}");
        assert!(answers(postfix.port), "Postfix does not answer: {}", postfix.log());
        Some(postfix)
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Everything accepted, in no order.
    pub fn messages(&self) -> Vec<Held> {
        let hold = self.folder.path().join("queue/hold");
        let mut files: Vec<PathBuf> =
            super::workspace::files_under(&hold).iter().map(|name| hold.join(name)).collect();
        files.sort();
        files.iter().map(|file| self.message(file)).collect()
    }

    /// Forgets everything accepted; gives the octets that are logged already.
    pub fn begin_anew(&self) -> usize {
        let hold = self.folder.path().join("queue/hold");
        for name in super::workspace::files_under(&hold) {
            std::fs::remove_file(hold.join(name)).expect("a file of Postfix");
        }
        self.log().len()
    }

    /// What Postfix has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("maillog")).unwrap_or_default()
    }

    fn message(&self, file: &Path) -> Held {
        let output = Command::new("postcat")
            .args(["-c", &self.configuration().to_string_lossy(), "-e", "-h", "-b"])
            .arg(file)
            .output()
            .expect("postcat runs");
        held(&output.stdout)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("configuration")
    }

    fn control(&self, verb: &str) -> std::process::Output {
        let configuration = self.configuration();
        let mut command = Command::new("postfix");
        command.arg("-c").arg(configuration).arg(verb).stdin(Stdio::null());
        command.output().expect("postfix runs")
    }

    /// Where it is behind STARTTLS.
    pub fn encrypted_url(&self) -> String {
        format!("smtp+starttls://127.0.0.1:{}", self.port)
    }

    fn write_configuration(&self, table: &[(&str, &str)], chain: Option<&str>) {
        let root = self.folder.path();
        for name in ["configuration", "queue", "data"] {
            std::fs::create_dir(root.join(name)).expect("a folder of Postfix");
        }
        let chown = Command::new("chown").arg("postfix").arg(root.join("data")).status();
        assert!(chown.is_ok_and(|s| s.success()), "the user postfix must exist");
        let access: String = table.iter().map(|(who, what)| format!("{who} {what}\n")).collect();
        std::fs::write(root.join("configuration/access"), access).expect("a table of Postfix");
        let chain = chain.map(|chain| {
            let file = root.join("configuration/chain.pem");
            std::fs::write(&file, chain).expect("a certificate of Postfix");
            let owner_only = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, owner_only).expect("a file of our own");
            TLS_CF
        });
        let main = [MAIN_CF, chain.unwrap_or_default()].concat();
        let main = main.replace("ROOT", &root.to_string_lossy());
        std::fs::write(root.join("configuration/main.cf"), main).expect("a file of Postfix");
        let master = MASTER_CF.replace("PORT", &self.port.to_string());
        std::fs::write(root.join("configuration/master.cf"), master).expect("a file of Postfix");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.control("abort");
    }
}

/// Everything from loopback is accepted and held. `texthash` needs no `postmap`.
const MAIN_CF: &str = "compatibility_level = 3.6
myhostname = relay.example
queue_directory = ROOT/queue
data_directory = ROOT/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
mydestination =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:ROOT/configuration/access,
  check_client_access static:HOLD
smtpd_peername_lookup = no
message_size_limit = 35882577
mailbox_size_limit = 0
default_transport = discard:
notify_classes =
maillog_file = ROOT/maillog
maillog_file_prefixes = ROOT
";

const TLS_CF: &str = "smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = ROOT/configuration/chain.pem
smtpd_tls_key_file = ROOT/configuration/chain.pem
";

const MASTER_CF: &str = "127.0.0.1:PORT inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
tlsmgr unix - - n 1000? 1 tlsmgr
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
";

/// A running `smtp-sink` that writes each message to a file; it ends when dropped.
pub struct Sink {
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Sink {
    /// `options` are its own, such as `-p` (no PIPELINING) or `-q .` (hang up at the final dot).
    pub fn start(options: &[&str]) -> Option<Sink> {
        if !is_installed("smtp-sink") {
            skip("smtp-sink", "it is not installed (Debian: postfix)");
            return None;
        }
        let folder = open_folder();
        let dump = folder.path().join("messages");
        std::fs::create_dir(&dump).expect("a folder for messages");
        let everybody = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&dump, everybody).expect("a folder of our own");
        let port = free_port();
        let mut command = Command::new("smtp-sink");
        if is_root() {
            command.args(["-u", "nobody"]);
        }
        command.args(options).arg("-d").arg(dump.join("m."));
        command.arg(format!("127.0.0.1:{port}")).arg("100");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("smtp-sink starts");
        let sink = Sink { folder, process, port };
        assert!(answers(port), "smtp-sink does not answer");
        Some(sink)
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Everything whose end it has seen.
    pub fn messages(&self) -> Vec<Held> {
        let dump = self.folder.path().join("messages");
        let files = super::workspace::files_under(&dump);
        files.iter().map(|f| dumped(&std::fs::read(dump.join(f)).expect("a dump"))).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Ended by itself or by us: both are the end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `postcat -e -h -b` prints: envelope records, the content, records after it.
fn held(printed: &[u8]) -> Held {
    let contents = b"*** MESSAGE CONTENTS ";
    let extracted = b"*** HEADER EXTRACTED ";
    let start = position(printed, contents).unwrap_or(printed.len());
    let end = position(printed, extracted).unwrap_or(printed.len());
    let envelope = String::from_utf8_lossy(&printed[..start]).into_owned()
        + &String::from_utf8_lossy(&printed[end..]);
    let text = &printed[start..end];
    let text = position(text, b"\n").map_or(text, |at| &text[at + 1..]);
    let all = |name: &str| {
        let values = envelope.lines().filter_map(move |line| line.strip_prefix(name));
        values.map(|v| v.trim().to_owned()).collect::<Vec<_>>()
    };
    Held {
        reverse_path: all("sender:").pop().unwrap_or_default(),
        forward_paths: all("recipient:"),
        text: text.to_vec(),
    }
}

/// What smtp-sink writes: `X-Mail-Args: <a@b> SIZE=1`, `X-Rcpt-Args: <c@d>`, trace, the message.
fn dumped(file: &[u8]) -> Held {
    let head = String::from_utf8_lossy(&file[..file.len().min(4096)]).into_owned();
    let all = |name: &str| {
        let values = head.lines().filter_map(move |line| line.strip_prefix(name));
        let paths = values.filter_map(|v| v.split_once('<')?.1.split_once('>'));
        paths.map(|(path, _)| path.to_owned()).collect::<Vec<_>>()
    };
    Held {
        reverse_path: all("X-Mail-Args:").pop().unwrap_or_default(),
        forward_paths: all("X-Rcpt-Args:"),
        text: file.to_vec(),
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn is_installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output();
    found.is_ok_and(|output| output.status.success())
}

/// A folder that Postfix's own users may enter.
fn open_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("secretariat-relay-").tempdir();
    let folder = folder.expect("a temporary folder");
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), readable).expect("a folder of our own");
    folder
}

/// A port that is free and stays so: neither program can be told to choose one itself, and a port
/// that the system chooses (32768 and above on Linux) may be another connection's a moment later.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 100).expect("below 100") * 100;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut candidates = (0..1000).map(|_| start + NEXT.fetch_add(1, Ordering::SeqCst));
    candidates.find(is_free).expect("a free port on loopback")
}

fn answers(port: u16) -> bool {
    eventually(Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).is_ok())
}
