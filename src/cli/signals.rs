//! Ctrl-C and the like: the first finishes letters under way, the second ends at once.
//!
//! Owns which signal means what. SIGTERM is what Ctrl-C is. SIGHUP asks to stop and never insists:
//! a terminal that closes sends it twice, from the system and from the shell, and a session that
//! ends sends SIGTERM with it; none of that is a person who asked again. Where SIGHUP was ignored
//! when the program began (`nohup`), it stays ignored: listening would undo that.
//!
//! # Failure
//! Where the system refuses to tell of a signal, the others are listened to. A third Ctrl-C ends
//! the process where it stands, should even ending at once take its time.

use super::ui::Ui;
use tokio::sync::{oneshot, watch};

/// What somebody asks of a run while it goes.
pub(super) struct Asked {
    /// Turns true when somebody asks to stop.
    pub stop: watch::Receiver<bool>,
    /// Answers when somebody asks again; where it was dropped, that ends the process.
    pub at_once: oneshot::Receiver<()>,
}

/// A signal, by what it means.
enum Signal {
    /// Ctrl-C, SIGTERM.
    Interrupt,
    /// SIGHUP: the terminal is gone. Only Unix has it.
    #[cfg_attr(not(unix), allow(dead_code))]
    HangUp,
}

/// Listens from now on until the process ends; the first time says `words`.
#[must_use]
pub(super) fn listen(ui: Ui, words: &'static str) -> Asked {
    let (ask, stop) = watch::channel(false);
    let (insist, at_once) = oneshot::channel();
    tokio::spawn(pass_on(ui, words, ask, insist));
    Asked { stop, at_once }
}

async fn pass_on(
    ui: Ui,
    words: &'static str,
    ask: watch::Sender<bool>,
    insist: oneshot::Sender<()>,
) {
    let mut signals = Signals::new();
    let mut insist = Some(insist);
    let mut interrupts = 0_u32;
    loop {
        if matches!(signals.next().await, Signal::Interrupt) {
            interrupts += 1;
        }
        if interrupts < 2 {
            // The run may be over already; then nobody listens.
            if !ask.send_replace(true) {
                ui.say(&format!("\n{words}"));
            }
            continue;
        }
        // What was under way is found "attempting" at the next start, and is uncertain then.
        if insist.take().is_none_or(|insist| insist.send(()).is_err()) {
            std::process::exit(i32::from(super::answer::Exit::RunAgain.code()));
        }
        ui.say("\nEnding at once.");
    }
}

/// Kept for the whole run: a signal between two listenings would be lost.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).ok();
        Signals {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hang_up: if is_hang_up_ignored() { None } else { listen(SignalKind::hangup()) },
        }
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            () = came(&mut self.interrupt) => Signal::Interrupt,
            () = came(&mut self.terminate) => Signal::Interrupt,
            () = came(&mut self.hang_up) => Signal::HangUp,
        }
    }
}

/// Whether whoever started the program ordered that a closing terminal is nothing to it.
#[cfg(target_os = "linux")]
fn is_hang_up_ignored() -> bool {
    // Asking costs a call that Rust has no safe form of; Linux also writes it down.
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hang_up(&status))
}

/// Nowhere else can it be asked safely: there a run under `nohup` ends as by Ctrl-C and goes on
/// when `send` is said again.
#[cfg(all(unix, not(target_os = "linux")))]
fn is_hang_up_ignored() -> bool {
    false
}

/// Reads proc(5): `SigIgn:` and a bit for each signal, from 1 on; SIGHUP is 1.
#[cfg(target_os = "linux")]
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

/// Waits for a signal; for ever where the system does not tell of it.
#[cfg(unix)]
async fn came(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Signals {
        Signals
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nothing can be listened to: then nothing is asked either.
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
