//! A stopwatch: runs one program and writes down how long it took and how much memory it held.
//!
//! A small process of its own, because the kernel counts the memory of the process that starts
//! another one as that one's too, until it has its own: started by a script's interpreter, nothing
//! would ever seem smaller than that.
//!
//! # Standards
//! getrusage(2): `ru_maxrss` of the children, in kilobytes on Linux.

use crate::Failure;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Runs a program to its end; its exit code becomes ours (128 if a signal ended it).
pub(crate) fn measure(
    result: &str,
    program: &str,
    arguments: &[&str],
) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let status = Command::new(program).args(arguments).status()?;
    let seconds = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let processor = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(128);
    let text = format!(
        "{{\"code\":{code},\"seconds\":{seconds:.6},\"processor_microseconds\":{processor},\
         \"memory_kilobytes\":{}}}\n",
        usage.max_rss(),
    );
    std::fs::write(result, text)?;
    Ok(ExitCode::from(code))
}
