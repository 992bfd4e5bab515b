//! Parses the command line, runs the command, returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    secretariat::cli::run(std::env::args_os().collect())
}
