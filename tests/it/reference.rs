//! docs/cli.md is what the program says of itself: `--help` of every command, in order.
//!
//! After a change of the command line, `SECRETARIAT_UPDATE_DOCS=1 cargo test --test it reference`
//! writes the page anew; read the difference before you commit it.

use std::path::Path;
use std::process::Command;

const COMMANDS: [&str; 18] = [
    "init",
    "new",
    "sign-in",
    "sign-out",
    "check",
    "doctor",
    "preview",
    "rehearse",
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

/// The commands within `people`.
const PEOPLE: [&str; 4] = ["leave-out", "change-address", "add", "merge"];

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_secretariat"))
        .args(command)
        .arg("--help")
        .env_remove("COLUMNS")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("help is text")
}

fn page() -> String {
    let mut page = String::from(
        "# The command line\n\nWritten by the program itself (see `tests/it/reference.rs`). Data \
         goes to standard output, everything else to\nstandard error.\n\n\
         Exit codes, the first that applies: 70 a mistake of the program; 2 the command line is \
         wrong; 3 something must change first\nand nothing went in this run; 4 run the same \
         command again, change nothing; 1 done, but some letters need a person;\n0 done. `check`: \
         3 on errors. The JSON of each command is in [json.md](json.md).\n",
    );
    let within = |command: &'static str| {
        let decisions: &[&str] = if command == "people" { &PEOPLE } else { &[] };
        [vec![command]].into_iter().chain(decisions.iter().map(move |d| vec![command, *d]))
    };
    let sections = [vec![]].into_iter().chain(COMMANDS.into_iter().flat_map(within));
    for command in sections {
        let heading = ["secretariat"].iter().chain(&command).copied().collect::<Vec<_>>().join(" ");
        page.push_str(&format!("\n## {heading}\n\n```text\n{}\n```\n", help(&command).trim_end()));
    }
    page
}

#[test]
fn the_reference_is_what_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("SECRETARIAT_UPDATE_DOCS").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, page(), "SECRETARIAT_UPDATE_DOCS=1 cargo test --test it reference");
}

#[test]
fn every_command_that_help_lists_is_in_the_reference() {
    let overview = help(&[]);
    let listed: Vec<&str> = overview
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert_eq!(listed, COMMANDS);
}

/// The README's first screen shows what its first command prints; `...` stands for the rest of a
/// line or for lines left out.
#[test]
fn the_first_screen_of_the_readme_is_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_secretariat"))
        .args(["send", "--dry-run"])
        .current_dir(root)
        .output()
        .expect("the program runs");
    let printed = String::from_utf8(output.stdout).expect("text");
    let file = root.join("README.md");
    let mut readme = std::fs::read_to_string(&file).expect("the README");
    let begins = readme.find("```\noutcome: ").expect("the plan") + 4;
    if std::env::var_os("SECRETARIAT_UPDATE_DOCS").is_some() {
        let ends = begins + readme[begins..].find('\n').expect("a line");
        readme.replace_range(begins..ends, printed.lines().next().expect("a plan"));
        std::fs::write(&file, &readme).expect("written");
    }
    let shown = readme[begins..].split("\n```").next().expect("the end of the plan");
    for line in shown.lines().filter(|line| *line != "...") {
        let is_it = |printed: &str| match line.strip_suffix("...") {
            Some(beginning) => printed.starts_with(beginning),
            None => printed == line,
        };
        assert!(
            printed.lines().any(is_it),
            "README shows {line:?}, the program prints:\n{printed}"
        );
    }
}
