//! Ctrl-C and the like: the first finishes the letter under way, the second ends at once.

use super::ui::Ui;
use tokio::sync::watch;

/// Turns true when somebody asks to stop.
#[must_use]
pub(super) fn stop_on_interrupt(ui: Ui) -> watch::Receiver<bool> {
    let (ask, asked) = watch::channel(false);
    tokio::spawn(async move {
        interrupted().await;
        ui.say("\nStopping after the letter under way. Ctrl-C again ends at once.");
        // The run may be over already; then nobody listens.
        let _ = ask.send(true);
        interrupted().await;
        // At once: a letter whose last bytes have left is found "attempting" at the next start and
        // becomes uncertain then.
        std::process::exit(i32::from(super::answer::Exit::RunAgain.code()));
    });
    asked
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, hang_up) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    match (terminate, hang_up) {
        (Ok(mut terminate), Ok(mut hang_up)) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        }
        _ => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    drop(tokio::signal::ctrl_c().await);
}
