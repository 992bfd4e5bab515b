//! A run with what belongs to a terminal: the runtime, the progress line, Ctrl-C.

use super::progress::Watcher;
use super::shell::Shell;
use crate::ledger::LedgerWriter;
use crate::send::{Broken, Conditions, Ended, RunError, run};

/// Runs, with a line that shows how far of `letters` it has come.
pub(super) fn drive(
    shell: &Shell,
    conditions: &Conditions<'_>,
    writer: &LedgerWriter,
    letters: u64,
) -> Result<Ended, Broken> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Broken {
            errors: vec![RunError::Runtime(error)],
            something_went: false,
        })?;
    runtime.block_on(async {
        let stop = super::signals::stop_on_interrupt(shell.ui);
        let relay = format!("{}:{}", conditions.relay.host, conditions.relay.port);
        let mut watcher = Watcher::new(shell.ui, letters, &relay);
        let ended = run(conditions, writer, stop, &mut |progress| watcher.see(&progress)).await;
        watcher.finish();
        if let Err(error) = writer.clone().close().await {
            // What was answered to a letter is durable already; only the closing failed.
            shell.ui.say(&error.to_string());
        }
        ended
    })
}
