//! The command line: arguments in, one library call, an answer out.
//!
//! Owns everything a terminal sees. One file per command; what they share stands first: the answer
//! with its exit code, the terminal, the workspace.

pub mod answer;
pub mod args;
pub mod failure;
pub mod shell;
pub mod ui;

mod audience;
mod bare;
mod changed_lines;
mod changes;
mod check;
mod check_out;
mod chosen;
mod completions;
mod confirm;
mod control;
mod credentials;
mod decisions_file;
mod doctor;
mod doctor_key;
mod doctor_machine;
mod doctor_names;
mod doctor_note;
mod doctor_screen;
mod doctor_table;
mod document_lines;
mod drive;
mod dry_run;
mod effect;
mod ending;
mod findings;
mod freeze;
mod hand_over;
mod init;
mod kind_lines;
mod kinds;
mod language_rules;
mod language_table;
mod list_lines;
mod meaning;
mod new;
mod other_key;
mod out_folder;
mod overview;
mod pace_line;
mod people;
mod plan_screen;
mod preview;
mod progress;
mod readdressed;
mod rehearse;
mod rehearse_screen;
mod relay;
mod resolve;
mod restored;
mod run_line;
mod same_person;
mod send;
mod sign_in;
mod signals;
mod standing;
mod standing_screen;
mod status;
mod table;
mod template;
mod why;
mod wrapping;

use crate::config::Environment;
use answer::{Answer, Exit};
use args::{Arguments, Command};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};
use failure::bug;
use shell::Shell;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use ui::Ui;

/// Runs the program with these arguments.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => arguments,
        Err(error) => return not_understood(with_near_names(error), &arguments),
    };
    let ui = Ui::new(&arguments.global);
    let name = command_name(arguments.command.as_ref());
    // A mistake of ours is an answer too: exit code 70, and JSON where it was asked for.
    let answered = std::panic::catch_unwind(AssertUnwindSafe(|| answer(ui, arguments)));
    give(ui, name, &answered.unwrap_or_else(|_| bug("the program has stopped by itself")))
}

fn command_name(command: Option<&Command>) -> &'static str {
    match command {
        None => "",
        Some(Command::Init(_)) => "init",
        Some(Command::New(_)) => "new",
        Some(Command::SignIn(_)) => "sign-in",
        Some(Command::SignOut) => "sign-out",
        Some(Command::Check(_)) => "check",
        Some(Command::Doctor(_)) => "doctor",
        Some(Command::Preview(_)) => "preview",
        Some(Command::Rehearse(_)) => "rehearse",
        Some(Command::RehearseRun(_)) => "rehearse-run",
        Some(Command::Send(_)) => "send",
        Some(Command::Pause(_)) => "pause",
        Some(Command::Resume(_)) => "resume",
        Some(Command::Cancel(_)) => "cancel",
        Some(Command::Status(_)) => "status",
        Some(Command::Why(_)) => "why",
        Some(Command::People(_)) => "people",
        Some(Command::Resolve(_)) => "resolve",
        Some(Command::Completions(_)) => "completions",
        Some(Command::Manpage) => "manpage",
    }
}

fn answer(ui: Ui, arguments: Arguments) -> Answer {
    let environment = Environment::of_process();
    #[cfg(feature = "crash-points")]
    match environment.crash_at() {
        Ok(Some((name, nth))) => crate::crash::arm(&name, nth),
        Ok(None) => {}
        Err(problem) => return Answer::one_problem(Exit::MustChange, problem),
    }
    let shell = match Shell::new(ui, environment, arguments.global.workspace) {
        Ok(shell) => shell,
        Err(problem) => return Answer::one_problem(Exit::MustChange, problem),
    };
    match arguments.command {
        None => bare::bare(&shell),
        Some(Command::Init(args)) => init::init(&args),
        Some(Command::New(args)) => new::new(&shell, &args),
        Some(Command::SignIn(args)) => sign_in::sign_in(&shell, &args),
        Some(Command::SignOut) => sign_in::sign_out(&shell),
        Some(Command::Check(args)) => check::check(&shell, &args),
        Some(Command::Doctor(args)) => doctor::doctor(&shell, &args),
        Some(Command::Preview(args)) => preview::preview(&shell, &args),
        Some(Command::Rehearse(args)) => rehearse::rehearse(&shell, &args),
        Some(Command::RehearseRun(args)) => rehearse::rehearse_run(&args),
        Some(Command::Send(args)) => send::send(&shell, &args),
        Some(Command::Pause(args)) => control::pause(&shell, &args),
        Some(Command::Resume(args)) => control::resume(&shell, &args),
        Some(Command::Cancel(args)) => control::cancel(&shell, &args),
        Some(Command::Status(args)) => status::status(&shell, &args),
        Some(Command::Why(args)) => why::why(&shell, &args),
        Some(Command::People(args)) => people::people(&shell, &args),
        Some(Command::Resolve(args)) => resolve::resolve(&shell, &args),
        Some(Command::Completions(args)) => completions::completions(&args),
        Some(Command::Manpage) => completions::manpage(),
    }
}

/// Prints an answer: text or JSON on standard output, problems on standard error.
fn give(ui: Ui, command: &str, answer: &Answer) -> ExitCode {
    if !answer.tells_problems {
        ui.show_problems(&answer.problems);
    }
    let text =
        if ui.is_json { format!("{}\n", answer.to_json(command)) } else { answer.text.clone() };
    let mut out = anstream::stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        // A reader that went away (`| head`) has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            // The object held them: above all what the ledger could not take.
            if ui.is_json || answer.tells_problems {
                Ui { is_json: false, ..ui }.show_problems(&answer.problems);
            }
            let _ = writeln!(
                anstream::stderr(),
                "error: the answer could not be written: {error}\n  = Make room where it goes, or \
                 let it go to the screen."
            );
            ExitCode::from(unheard(command, answer.exit).code())
        }
        _ => ExitCode::from(answer.exit.code()),
    }
}

/// The exit code of an answer that nobody got. What `send` has done is done, whoever heard of it.
fn unheard(command: &str, exit: Exit) -> Exit {
    if exit == Exit::Done && command != "send" { Exit::MustChange } else { exit }
}

/// The command among arguments that could not be understood, or nothing.
fn command_in(arguments: &[OsString]) -> &'static str {
    let commands = Arguments::command();
    let names: Vec<String> = commands.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let named = arguments.iter().skip(1).find_map(|a| names.iter().position(|n| *a == n.as_str()));
    named.and_then(|at| COMMANDS.get(at).copied()).unwrap_or("")
}

/// The commands, in the order of the help.
const COMMANDS: [&str; 19] = [
    "init",
    "new",
    "sign-in",
    "sign-out",
    "check",
    "doctor",
    "preview",
    "rehearse",
    "rehearse-run",
    "send",
    "pause",
    "resume",
    "cancel",
    "status",
    "why",
    "people",
    "resolve",
    "completions",
    "manpage",
];

/// Only an option whose name is near is suggested, and never that it be passed as a value: no
/// argument here begins with a dash.
fn with_near_names(mut error: clap::Error) -> clap::Error {
    let name = |error: &clap::Error, kind| match error.get(kind) {
        Some(ContextValue::String(name)) => name.trim_start_matches('-').to_owned(),
        _ => String::new(),
    };
    let typed = name(&error, ContextKind::InvalidArg);
    let suggested = name(&error, ContextKind::SuggestedArg);
    if !is_near(&typed, &suggested) {
        error.remove(ContextKind::SuggestedArg);
        // It is made for the suggested one.
        error.remove(ContextKind::Usage);
    }
    if error.kind() == ErrorKind::UnknownArgument {
        error.remove(ContextKind::Suggested);
    }
    error
}

/// One slip of the fingers for every four characters, or the beginning of the name.
fn is_near(typed: &str, name: &str) -> bool {
    let slips = strsim::damerau_levenshtein(typed, name);
    slips * 4 <= name.chars().count().max(typed.chars().count())
        || (typed.chars().count() > 1 && name.starts_with(typed))
}

/// Help and version go to standard output; a mistake to standard error, as JSON where asked for.
fn not_understood(error: clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let asks_for_json = arguments.windows(2).any(|w| w[0] == "--format" && w[1] == "json")
        || arguments.iter().any(|a| a == "--format=json");
    if asks_for_json {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        let first = first.strip_prefix("error: ").unwrap_or(first);
        let problem = crate::problem::Problem::error("usage", first.to_owned())
            .hint("See secretariat --help.");
        let answer = Answer::one_problem(Exit::BadCommandLine, problem);
        println!("{}", answer.to_json(command_in(arguments)));
    } else {
        let _ = error.print();
    }
    ExitCode::from(Exit::BadCommandLine.code())
}
