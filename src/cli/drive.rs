//! A run with what belongs to a terminal: the runtime, the progress line, Ctrl-C.

use super::progress::Watcher;
use super::run_line::About;
use super::shell::Shell;
use super::signals::{Asked, listen};
use crate::ledger::LedgerWriter;
use crate::send::pace::DAY;
use crate::send::{Broken, Conditions, Ended, RunError, run};
use crate::time::Timestamp;

/// What is said when somebody asks to stop.
const STOPPING: &str = "Stopping: letters under way are finished first. Ctrl-C again ends at once \
                        and leaves them in doubt.";

/// How a run came to its end.
pub(super) enum Driven {
    /// By itself, or as asked once.
    Ended(Result<Ended, Broken>),
    /// Somebody asked twice: letters under way were left where they were. Everything asked of the
    /// ledger until then is in it, and nothing more is.
    CutShort,
}

/// Runs, with a line that shows how far of `letters` it has come.
pub(super) fn drive(
    shell: &Shell,
    conditions: &Conditions<'_>,
    writer: &LedgerWriter,
    letters: u64,
) -> Driven {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let errors = vec![RunError::Runtime(error)];
            return Driven::Ended(Err(Broken { errors, something_went: false }));
        }
    };
    let driven = runtime.block_on(async {
        let Asked { stop, at_once } = listen(shell.ui, STOPPING);
        let mut watcher = Watcher::new(shell.ui, *shell.clock(), about(conditions, letters));
        let mut watch = |progress| watcher.see(&progress);
        let driven = tokio::select! {
            ended = run(conditions, writer, stop, &mut watch) => Driven::Ended(ended),
            // Dropping the run drops its connections.
            Ok(()) = at_once => Driven::CutShort,
        };
        watcher.finish();
        if let Err(error) = writer.clone().close().await {
            // What was answered to a letter is durable already; only the closing failed.
            shell.ui.say(&error.to_string());
        }
        driven
    });
    // A name that is still being looked up keeps nobody.
    runtime.shutdown_background();
    driven
}

/// What the line is about. What cannot be read of earlier acceptances makes its guess a worse one
/// and stops nothing.
fn about(conditions: &Conditions<'_>, letters: u64) -> About {
    let now = conditions.clock.now();
    let a_day_ago = Timestamp::from_unix_seconds(now.unix_seconds() - DAY.as_secs() as i64);
    let earlier = match conditions.pacing.daily_limit {
        Some(_) => conditions.ledger.acceptances_since(a_day_ago, now).unwrap_or_default(),
        None => Vec::new(),
    };
    let relay = format!("{}:{}", conditions.relay.host, conditions.relay.port);
    About { letters, relay, pacing: conditions.pacing, earlier }
}
