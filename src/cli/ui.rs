//! All terminal output: problems, colour, columns, the question before sending, progress.
//!
//! Owns how things look. Data goes to standard output, everything else to standard error; colour
//! never carries meaning alone.

use super::args::{Color, Format, Global};
use super::findings::{self, Told};
use super::wrapping::wrapped_lines;
use crate::problem::{Problem, Problems, Severity};
use anstyle::{AnsiColor, Style};
use std::io::{self, IsTerminal, Write as _};
use unicode_width::UnicodeWidthStr;

/// Columns where nobody says how wide the terminal is.
const COLUMNS_USUAL: usize = 80;
/// Problems of one kind that are shown one by one before the rest is counted: a screen holds a
/// few kinds, and a file all of them.
const OF_A_KIND_SHOWN: usize = 4;

/// What may be shown and how.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    /// JSON: nothing but the object on standard output, nothing but failures on standard error.
    pub is_json: bool,
    /// Notes too.
    pub is_verbose: bool,
    /// Errors only.
    pub is_quiet: bool,
}

impl Ui {
    /// Settles colour for the whole process and remembers what may be shown.
    #[must_use]
    pub fn new(global: &Global) -> Ui {
        let choice = match global.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        let is_json = global.format == Format::Json;
        Ui { is_json, is_verbose: global.verbose, is_quiet: global.quiet }
    }

    /// Whether somebody can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        !self.is_json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Says something beside the data.
    pub fn say(&self, text: &str) {
        if !self.is_json && !self.is_quiet {
            // Nobody reads on a closed pipe, and the work goes on.
            let _ = writeln!(anstream::stderr(), "{}", for_stderr(text.trim_end_matches('\n')));
        }
    }

    /// Shows what a question is about, also to those who want to hear nothing else.
    pub fn show(&self, text: &str) {
        if !self.is_json {
            let _ = writeln!(anstream::stderr(), "{}", for_stderr(text.trim_end_matches('\n')));
        }
    }

    /// Shows problems, worst first: errors always, warnings unless quiet, notes when verbose.
    pub fn show_problems(&self, problems: &Problems) {
        if self.is_json {
            return;
        }
        let _ = write!(anstream::stderr(), "{}", for_stderr(&self.told(problems).text));
    }

    /// The problems that are to be shown, worst first, as text; and whether all are in it.
    #[must_use]
    pub(super) fn told(&self, problems: &Problems) -> Told {
        findings::as_text(&self.shown(problems), Some(OF_A_KIND_SHOWN))
    }

    fn shown<'p>(&self, problems: &'p Problems) -> Vec<&'p Problem> {
        let is_shown = |p: &&Problem| match p.severity {
            Severity::Error => true,
            Severity::Warning => !self.is_quiet,
            Severity::Note => self.is_verbose,
        };
        problems.sorted().into_iter().filter(is_shown).collect()
    }

    /// Asks on the terminal; an empty line or the end of input is no answer.
    pub fn ask(&self, question: &str) -> Option<String> {
        let mut err = anstream::stderr();
        let _ = write!(err, "{BOLD}{question}{BOLD:#} ");
        let _ = err.flush();
        let line = read_line_or_interrupt()?;
        (!line.trim().is_empty()).then(|| line.trim().to_owned())
    }
}

/// Wrapped where somebody reads it. Scripts get one line for one thing, however long.
fn for_stderr(text: &str) -> String {
    match io::stderr().is_terminal() {
        true => wrapped_lines(text, terminal_columns()),
        false => text.to_owned(),
    }
}

/// Columns of a line on standard output: scripts get one line for one thing.
#[must_use]
pub fn columns_of_stdout() -> usize {
    if io::stdout().is_terminal() { terminal_columns() } else { usize::MAX }
}

/// Wrapped where somebody reads standard output; scripts get one line for one thing.
#[must_use]
pub fn for_stdout(text: &str) -> String {
    match columns_of_stdout() {
        usize::MAX => text.to_owned(),
        columns => wrapped_lines(text, columns),
    }
}

/// A line of standard input; nothing at its end, and nothing when Ctrl-C comes first: that is an
/// answer too, and an ordinary one.
fn read_line_or_interrupt() -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let line = runtime.block_on(async {
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line)
        });
        tokio::select! {
            line = read => line.ok().flatten(),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    // The thread that still reads ends with the process.
    runtime.shutdown_background();
    line
}

/// Emphasis.
pub const BOLD: Style = Style::new().bold();
/// What may be skipped by the eye.
pub const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
/// Marks and what belongs to a thing.
pub const BLUE: Style = AnsiColor::Blue.on_default().bold();

/// How a severity stands out.
#[must_use]
pub fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Note => BLUE,
    }
}

/// Columns of the terminal that people read on; as of an old one where there is none.
#[must_use]
pub fn terminal_columns() -> usize {
    let size = terminal_size::terminal_size_of(io::stderr())
        .or_else(|| terminal_size::terminal_size_of(io::stdout()));
    match size {
        Some((terminal_size::Width(columns), _)) if columns > 0 => usize::from(columns),
        _ => COLUMNS_USUAL,
    }
}

/// `3 errors, 1 warning`.
#[must_use]
pub fn counted(problems: &Problems) -> String {
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .map(|(severity, word)| (problems.count_of(severity), word));
    let words: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| plural(*n as u64, word)).collect();
    if words.is_empty() { "no problems".to_owned() } else { words.join(", ") }
}

/// `1 letter`, `648 letters`.
#[must_use]
pub fn plural(count: u64, word: &str) -> String {
    match (count, word) {
        (1, word) => format!("1 {word}"),
        (n, "person") => format!("{} people", grouped(n)),
        (n, word) => match word.strip_suffix('y') {
            Some(stem) => format!("{} {stem}ies", grouped(n)),
            None => format!("{} {word}s", grouped(n)),
        },
    }
}

/// A number with its thousands set apart: `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Octets as an officer reads them: `113.7 KB`, `1.0 MB`.
#[must_use]
pub fn size(octets: u64) -> String {
    let kilobytes = octets as f64 / 1024.0;
    if kilobytes < 1000.0 {
        format!("{kilobytes:.1} KB")
    } else {
        format!("{:.1} MB", kilobytes / 1024.0)
    }
}

/// A text that is only text to a terminal: what a list holds must not move the cursor or change
/// colours. Line ends and tabs stay.
#[must_use]
pub fn printable(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(visible).collect()
}

/// A text that stays on its line: control characters, line ends and tabs are blanks.
#[must_use]
pub fn one_line(text: &str) -> String {
    let visible =
        |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars().map(visible).collect::<String>().trim().to_owned()
}

/// A text filled up with blanks to a width in columns of the terminal.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_for_people() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(650), "650");
        assert_eq!(plural(1, "letter"), "1 letter");
        assert_eq!(plural(2, "country"), "2 countries");
        assert_eq!(plural(2, "person"), "2 people");
        assert_eq!(size(116_439), "113.7 KB");
        assert_eq!(size(1_100_000), "1.0 MB");
    }

    #[test]
    fn an_escape_sequence_in_a_cell_stays_text() {
        assert_eq!(
            printable("a\u{1b}[31m\u{9b}2Jb\r\nc\t"),
            "a\u{fffd}[31m\u{fffd}2Jb\u{fffd}\nc\t"
        );
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(padded("王芳", 6), "王芳  ");
    }
}
