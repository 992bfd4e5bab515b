//! The measuring instruments of `benches/compare/run`: one program, five uses.
//!
//! ```text
//! instruments sink [--no-chunking] [--tls AUTHORITY_FILE]       an SMTP server that takes everything
//! instruments raw-sink                                          a TCP server that takes everything
//! instruments raw-send ADDRESS CONNECTIONS LETTERS FILE         the same bytes without a protocol
//! instruments delay ADDRESS ROUND_TRIP_MILLISECONDS             a long line to ADDRESS
//! instruments measure RESULT_FILE PROGRAM [ARGUMENT]...         time and memory of one program
//! ```
//!
//! Owns the command line and how a server reports; each use has its file. Servers listen on a free
//! port of 127.0.0.1, name it in the first line on standard output, and end when their standard
//! input does: none outlives the one who started it.
//!
//! # Failure
//! A message on standard error and exit code 2. A connection that breaks ends alone.

mod delay;
mod inbound;
mod measure;
mod raw;
mod sink;
mod tally;
mod tls;

use std::error::Error;
use std::io::{BufRead, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use tally::Tally;

/// What any part may fail with; it is only ever shown.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("instruments: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[&str]) -> Result<ExitCode, Failure> {
    match words {
        ["sink", options @ ..] => {
            let sink = Arc::new(sink::Sink::with_options(options)?);
            let tally = Arc::clone(&sink.tally);
            serve(&tally, move |stream| sink.converse(stream))?;
        }
        ["raw-sink"] => serve(&Arc::new(Tally::default()), raw::take)?,
        ["delay", to, milliseconds] => {
            let line = delay::Line::to(to, milliseconds.parse()?);
            serve(&Arc::new(Tally::default()), move |stream| line.carry(stream))?;
        }
        ["raw-send", to, connections, letters, file] => {
            raw::send(to, connections.parse()?, letters.parse()?, file)?;
        }
        ["measure", result, program, arguments @ ..] => {
            return measure::measure(result, program, arguments);
        }
        _ => return Err("unknown words: see the top of src/main.rs".into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Listens, with a thread for each connection, until standard input ends.
///
/// Each line `report` there is answered with a line of JSON, after which counting begins anew;
/// `peek` is the same without that.
fn serve<F>(tally: &Tally, take: F) -> Result<(), Failure>
where
    F: Fn(TcpStream) -> Result<(), Failure> + Send + Sync + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    say(&listener.local_addr()?.to_string())?;
    let take = Arc::new(take);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let take = Arc::clone(&take);
            std::thread::spawn(move || take(stream));
        }
    });
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "report" => say(&tally.report_and_reset())?,
            "peek" => say(&tally.report())?,
            other => return Err(format!("unknown order {other:?}").into()),
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
