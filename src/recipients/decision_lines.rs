//! The lines of `decisions.csv`: what people decided about single recipients.
//!
//! Owns the columns of that file and what each action's value may be. What the lines do to rows is
//! decided in `decisions.rs`; who writes the file is the shell's to know.
//!
//! # Invariants
//! A line that cannot be understood is an error with its line: a wish that somebody be left out is
//! never passed over. A value that reaches a header is checked as one of a list is (security S2).
//!
//! # Failure
//! Problems, all of them; the lines that are right come back.

use super::reading::{self, Row};
use super::shown::{counted, quoted};
use super::{ListSource, Values, column_name, greeting, name, select};
use crate::address::{EmailAddress, Mailbox};
use crate::id::CampaignId;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems, nearest};
use std::collections::BTreeMap;

/// The columns the program writes, in order. Others are values of people who are added.
pub const DECISION_COLUMNS: [&str; 7] =
    ["address", "action", "value", "campaign", "reason", "by", "at"];
/// What can be decided.
const ACTIONS: [&str; 7] =
    ["leave-out", "use-address", "add", "merge-with", "greeting", "language", "cc"];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whom it is about: the address in the list, with the name where only one of several people
    /// with that address is meant.
    pub who: Mailbox,
    /// What was decided.
    pub action: Action,
    /// The mailing it is for; all where absent.
    pub campaign: Option<String>,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// When, as it is written.
    pub at: String,
    /// Its line.
    pub place: Place,
}

/// What was decided about somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// No letter.
    LeaveOut,
    /// The letter goes to this address.
    UseAddress(EmailAddress),
    /// Somebody who is in no list, with the values of their row.
    Add(Values),
    /// The same person as the one with this address: no letter here.
    MergeWith(EmailAddress),
    /// The whole greeting.
    Greeting(String),
    /// The letter's language.
    Language(Language),
    /// A copy to this address.
    Cc(EmailAddress),
}

impl Action {
    /// As the file has it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Action::LeaveOut => "leave-out",
            Action::UseAddress(_) => "use-address",
            Action::Add(_) => "add",
            Action::MergeWith(_) => "merge-with",
            Action::Greeting(_) => "greeting",
            Action::Language(_) => "language",
            Action::Cc(_) => "cc",
        }
    }

    /// Its value as a person reads it.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Action::LeaveOut => "",
            Action::UseAddress(address) | Action::MergeWith(address) | Action::Cc(address) => {
                address.as_str()
            }
            Action::Add(values) => values.get("name").unwrap_or_default(),
            Action::Greeting(greeting) => greeting,
            Action::Language(language) => language.as_str(),
        }
    }
}

/// How a file of decisions is written, for whoever adds a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionForm {
    /// Its columns, as letters would name them.
    pub columns: Vec<String>,
    /// What separates its cells.
    pub delimiter: char,
}

/// How a file is written; `None` for one without a header.
///
/// # Errors
/// The problem of a file that cannot be read.
pub fn decision_form(file: &str, bytes: &[u8]) -> Result<Option<DecisionForm>, Problem> {
    if std::str::from_utf8(bytes).is_err() {
        let hint =
            "Save it as CSV UTF-8: what is added would be in another encoding than the rest.";
        let problem = Problem::error("not-utf-8", "this file is not UTF-8 text");
        return Err(problem.hint(hint).place(Place::file(file)));
    }
    let opened = reading::open(&ListSource { file, bytes }, None);
    let opened = opened.map_err(|fault| fault.problem(file))?;
    let mut rows = opened.rows();
    let delimiter = rows.delimiter().unwrap_or(',');
    let header = rows.next_filled().map_err(|fault| fault.problem(file))?;
    Ok(header.map(|row| DecisionForm { columns: names_of(&row), delimiter }))
}

/// Reads all lines; `campaigns`: the mailings there are.
pub fn read_decisions(
    file: &str,
    bytes: &[u8],
    campaigns: &[&str],
    problems: &mut Problems,
) -> Vec<Decision> {
    let opened = match reading::open(&ListSource { file, bytes }, None) {
        Ok(opened) => opened,
        Err(fault) => {
            problems.push(fault.problem(file));
            return Vec::new();
        }
    };
    opened.report(file, 1, problems);
    let mut rows = opened.rows();
    let header = match rows.next_filled() {
        Ok(Some(row)) => names_of(&row),
        Ok(None) => return Vec::new(),
        Err(fault) => {
            problems.push(fault.problem(file));
            return Vec::new();
        }
    };
    if let Some(missing) = DECISION_COLUMNS[..3].iter().find(|c| !header.iter().any(|h| h == *c)) {
        problems.push(no_header(file, missing, &header, rows.delimiter()));
        return Vec::new();
    }
    let delimiter = rows.delimiter();
    let mut decisions = Vec::new();
    loop {
        match rows.next_filled() {
            Ok(None) => break,
            Ok(Some(row)) => {
                let line = Line { header: &header, cells: cells_of(&row), delimiter, campaigns };
                let place = Place::line(file, row.line);
                let read = line.decision(place.clone());
                decisions.extend(problems.take_from(read.map_err(|p| p.place(place))));
            }
            Err(fault) => problems.push(fault.problem(file)),
        }
    }
    report_unknown_mailings(&decisions, campaigns, problems);
    decisions
}

/// A first row that does not name the columns; one without an address among them may be a decision.
fn no_header(file: &str, missing: &str, header: &[String], delimiter: Option<char>) -> Problem {
    let separator = delimiter.unwrap_or(',').to_string();
    let columns = DECISION_COLUMNS.join(&separator);
    let action = |cell: &&String| ACTIONS.iter().any(|action| column_name(action) == **cell);
    let is_whole = |cell: &String| {
        let has = |name: &str| cell.split('_').any(|word| word == name);
        has("address") && has("action")
    };
    let problem = match header.iter().find(action) {
        Some(_) => Problem::error("decision-header", "the first row is a decision already")
            .hint(format!("Write the names of the columns above it: {columns}.")),
        None if header.iter().any(is_whole) => {
            let message = "the first row is separated otherwise than the lines below it";
            Problem::error("decision-header", message).hint(format!("Write {columns} there."))
        }
        None => {
            let message = format!("the first row has no column {missing}");
            Problem::error("decision-header", message).hint(format!("Write {columns} there."))
        }
    };
    problem.place(Place::line(file, 1))
}

/// Mailings that are over, or were never there: lines for them do nothing.
fn report_unknown_mailings(decisions: &[Decision], campaigns: &[&str], problems: &mut Problems) {
    let mut unknown: BTreeMap<&str, (u64, &Place)> = BTreeMap::new();
    for decision in decisions {
        let campaign = decision.campaign.as_deref();
        if let Some(campaign) = campaign.filter(|campaign| !campaigns.contains(campaign)) {
            unknown.entry(campaign).or_insert((0, &decision.place)).0 += 1;
        }
    }
    for (campaign, (count, place)) in unknown {
        let does = if count == 1 { "does" } else { "do" };
        let lines = counted(count, "line");
        let message =
            format!("there is no mailing {}: {lines} for it {does} nothing", quoted(campaign));
        let hint =
            "If the mailing is over, remove the line; a reason belongs into the column reason.";
        let problem = Problem::warning("decision-campaign", message).hint(hint).count(count);
        problems.push(problem.place(place.clone()));
    }
}

fn names_of(row: &Row<'_>) -> Vec<String> {
    row.cells().map(column_name).collect()
}

/// Cells without outer blanks, and without the mark that keeps a spreadsheet from calculating.
fn cells_of<'r>(row: &Row<'r>) -> Vec<&'r str> {
    let plain = |cell: &'r str| {
        let cell = cell.trim();
        let marked = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@']));
        marked.unwrap_or(cell)
    };
    row.cells().map(plain).collect()
}

/// One line with its header.
struct Line<'a> {
    header: &'a [String],
    cells: Vec<&'a str>,
    /// What separates them.
    delimiter: Option<char>,
    campaigns: &'a [&'a str],
}

impl Line<'_> {
    fn cell(&self, name: &str) -> &str {
        let at = self.header.iter().position(|header| header == name);
        at.and_then(|at| self.cells.get(at).copied()).unwrap_or_default()
    }

    fn decision(&self, place: Place) -> Result<Decision, Problem> {
        let who = self.who()?;
        let action = self.action(&who)?;
        let text = |name: &str| self.cell(name).to_owned();
        let (reason, by, at) = (text("reason"), text("by"), text("at"));
        Ok(Decision { who, action, campaign: self.campaign()?, reason, by, at, place })
    }

    fn who(&self) -> Result<Mailbox, Problem> {
        let cell = self.cell("address");
        if let Some(other) = self.other_delimiter(cell) {
            let (this, others) = (separator(Some(other)), separator(self.delimiter));
            let message = format!("this line is separated by {this}, the others by {others}");
            let hint = "Type each part into its own cell, as in the other lines.";
            return Err(Problem::error("decision-address", message).hint(hint));
        }
        select::whole(cell).ok_or_else(|| {
            let message = match cell {
                "" => "no address".to_owned(),
                cell => format!("{} is no address", quoted(cell)),
            };
            let hint = "Write the person's address as it stands in the list; for one of several \
                        people who share it, \"Luis Mora <office@town.example>\".";
            Problem::error("decision-address", message).hint(hint)
        })
    }

    /// What separates a line that was pasted from elsewhere, so that it stands in one cell.
    fn other_delimiter(&self, cell: &str) -> Option<char> {
        let holds_more = |delimiter: &char| {
            let mut parts = cell.split(*delimiter).map(|part| part.trim().trim_matches('"'));
            let address = parts.next().is_some_and(|part| select::whole(part).is_some());
            let mut action = parts.map(str::to_lowercase);
            address && action.next().is_some_and(|word| ACTIONS.contains(&word.as_str()))
        };
        [',', ';', '\t', '|'].into_iter().find(holds_more)
    }

    fn campaign(&self) -> Result<Option<String>, Problem> {
        let cell = self.cell("campaign");
        if cell.is_empty() {
            return Ok(None);
        }
        // A mailing that is over may be gone from the configuration; a slip is near one that is
        // there.
        match nearest(cell, self.campaigns.iter().copied()) {
            Some(near) if !self.campaigns.contains(&cell) => {
                let message = format!("there is no mailing {}", quoted(cell));
                let hint = format!("Did you mean {near}? An empty cell means all mailings.");
                Err(Problem::error("decision-campaign", message).hint(hint))
            }
            _ if !self.campaigns.contains(&cell) && self.is_no_mailing(cell) => {
                let message = format!("there is no mailing {}", quoted(cell));
                let hint = "If it is the reason, write it into the column reason, and leave the cell \
                            empty for all mailings; if the mailing is over, remove the line.";
                Err(Problem::error("decision-campaign", message).hint(hint))
            }
            _ => Ok(Some(cell.to_owned())),
        }
    }

    /// Whether a cell cannot be the name of a mailing that is over: it is no such name, or it is
    /// probably the reason of a wish that nobody may pass over.
    fn is_no_mailing(&self, cell: &str) -> bool {
        let is_wish = self.cell("action").eq_ignore_ascii_case("leave-out");
        CampaignId::parse(cell).is_err() || is_wish && self.cell("reason").is_empty()
    }

    fn action(&self, who: &Mailbox) -> Result<Action, Problem> {
        let written = self.cell("action").to_lowercase();
        let value = self.cell("value");
        match written.as_str() {
            "leave-out" => Ok(Action::LeaveOut),
            "use-address" => self.other_address(who, who.name.is_some()).map(Action::UseAddress),
            "merge-with" => self.other_address(who, false).map(Action::MergeWith),
            "cc" => self.other_address(who, false).map(Action::Cc),
            "add" => self.added(who).map(Action::Add),
            "greeting" => greeting(value).map(Action::Greeting),
            "language" => Language::recognise(value).map(Action::Language).ok_or_else(|| {
                let hint = "Write a tag or a name, such as fr or français.";
                refused(&written, value, "is no known language", hint)
            }),
            other => {
                let message = format!("there is no action {}", quoted(other));
                let all = format!("There are {}.", ACTIONS.join(", "));
                let hint = nearest(other, ACTIONS).map(|near| format!("Did you mean {near}? "));
                let hint = hint.unwrap_or_default() + &all;
                Err(Problem::error("decision-action", message).hint(hint))
            }
        }
    }

    /// `may_be_own`: by name, one's very address says that this is a person of their own there.
    fn other_address(&self, who: &Mailbox, may_be_own: bool) -> Result<EmailAddress, Problem> {
        let (action, value) = (self.cell("action"), self.cell("value"));
        let hint = "Write one plain address into the column value.";
        let address = EmailAddress::parse(value)
            .map_err(|error| refused(action, value, &error.to_string(), hint))?;
        match address.compare_key() == who.address.compare_key() && !may_be_own {
            true => Err(refused(action, value, "is the same address", hint)),
            false => Ok(address),
        }
    }

    /// Somebody who is in no list: the name, and every column besides ours.
    fn added(&self, who: &Mailbox) -> Result<Values, Problem> {
        let own = match self.cell("value") {
            "" => who.name.as_deref().unwrap_or(self.cell("name")),
            value => value,
        };
        let hint = "Write the person's name into the column value, or leave it empty.";
        let named =
            name::checked(own).map_err(|error| refused("add", own, &error.to_string(), hint))?;
        let others = self.header.iter().zip(&self.cells).filter(|(header, _)| {
            !header.is_empty() && *header != "name" && !DECISION_COLUMNS.contains(&header.as_str())
        });
        let others = others.map(|(header, cell)| (header.as_str(), *cell));
        let pairs = [("name", named.as_ref()), ("email", who.address.as_str())];
        Ok(Values::from_pairs(pairs.into_iter().chain(others)))
    }
}

/// A whole greeting: one line that can be seen.
pub(super) fn greeting(value: &str) -> Result<String, Problem> {
    let hint = "Write the whole greeting with its closing mark, such as \"Dear Mayor,\".";
    if !value.contains(char::is_alphabetic) {
        return Err(refused("greeting", value, "has no word", hint));
    }
    let greeting = match name::checked(value) {
        Ok(greeting) => greeting.into_owned(),
        Err(error) => return Err(refused("greeting", value, &error.to_string(), hint)),
    };
    match greeting::check_written(&greeting) {
        Ok(()) => Ok(greeting),
        Err(error) => Err(refused("greeting", value, &error.to_string(), hint)),
    }
}

/// What separates cells, for people.
fn separator(delimiter: Option<char>) -> &'static str {
    let octet = delimiter.and_then(|delimiter| u8::try_from(delimiter).ok());
    octet.map_or("cells", reading::delimiter_name)
}

fn refused(action: &str, value: &str, why: &str, hint: &str) -> Problem {
    Problem::error("decision-value", format!("the value of {action}, {}, {why}", quoted(value)))
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decisions of these lines as `line who action value campaign`, and the problems.
    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut problems = Problems::new();
        let campaigns = ["outcome", "thank-you"];
        let found = read_decisions("decisions.csv", text.as_bytes(), &campaigns, &mut problems);
        let shown = |d: &Decision| {
            let campaign = d.campaign.as_deref().unwrap_or("-");
            let (word, value) = (d.action.word(), d.action.value());
            format!("{} {} {word} {value} {campaign}", d.place.line.unwrap_or(0), d.who)
        };
        let problem = |p: &Problem| format!("{} {}", p.code, p.place.clone().unwrap_or_default());
        (found.iter().map(shown).collect(), problems.iter().map(problem).collect())
    }

    const HEADER: &str = "address,action,value,campaign,reason,by,at\n";

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let (found, problems) = read(&format!("{HEADER}{line}\n"));
        assert_eq!(found.into_iter().chain(problems).collect::<Vec<_>>(), [expected], "{line}");
    }

    #[test]
    fn each_action_is_read() {
        check("Ana@x.example,leave-out,,,asked by phone,M.,", "2 Ana@x.example leave-out  -");
        check(
            "ana@x.example,USE-ADDRESS,new@x.example,outcome",
            "2 ana@x.example use-address new@x.example outcome",
        );
        check("ana@x.example,add,Ana Pérez", "2 ana@x.example add Ana Pérez -");
        check("ana@x.example,merge-with,b@x.example", "2 ana@x.example merge-with b@x.example -");
        check("ana@x.example,greeting,\"Dear Mayor,\"", "2 ana@x.example greeting Dear Mayor, -");
        check("ana@x.example,language,Français", "2 ana@x.example language fr -");
        check("ana@x.example,cc,b@x.example", "2 ana@x.example cc b@x.example -");
        check(
            "Luis Mora <office@x.example>,leave-out,",
            "2 Luis Mora <office@x.example> leave-out  -",
        );
        // A mailing that is over.
        let (found, problems) =
            read(&format!("{HEADER}ana@x.example,leave-out,,spring-2024,asked\n"));
        assert_eq!(found, ["2 ana@x.example leave-out  spring-2024"]);
        assert_eq!(problems, ["decision-campaign decisions.csv:2"], "it does nothing");
        // What keeps a spreadsheet from calculating is none of the value.
        check("'+a@x.example,leave-out,", "2 +a@x.example leave-out  -");
    }

    /// Security S2, S11: what reaches a header or the envelope is checked here as in lists.
    #[test]
    fn what_cannot_be_understood_is_an_error_with_its_line() {
        for (line, code) in [
            ("ana,leave-out,", "decision-address"),
            (",leave-out,", "decision-address"),
            ("ana@x.example,leave out,", "decision-action"),
            ("ana@x.example,,", "decision-action"),
            ("ana@x.example,use-address,", "decision-value"),
            ("ana@x.example,use-address,\"b@x.example,c@x.example\"", "decision-value"),
            ("ana@x.example,use-address,b@x> SIZE=1", "decision-value"),
            ("ana@x.example,merge-with,ANA@x.example", "decision-value"),
            ("ana@x.example,language,Español/EN", "decision-value"),
            ("ana@x.example,greeting,\",\"", "decision-value"),
            ("ana@x.example,greeting,\"Dear\nBcc: b@x.example\"", "decision-value"),
            ("ana@x.example,add,\"Ana\nBcc: x\"", "decision-value"),
            ("ana@x.example,add,Ana\u{202e}", "decision-value"),
            ("ana@x.example,leave-out,,outcom", "decision-campaign"),
        ] {
            check(line, &format!("{code} decisions.csv:2"));
        }
    }

    #[test]
    fn the_file_may_come_from_a_spreadsheet() {
        let text = "\u{feff}Address;Action;Value;Town;Name\r\n\r\nana@x.example;add;;Lima;Ana\r\n";
        let mut problems = Problems::new();
        let found = read_decisions("decisions.csv", text.as_bytes(), &[], &mut problems);
        let [Decision { action: Action::Add(values), .. }] = found.as_slice() else {
            panic!("{found:?} {problems:?}")
        };
        assert_eq!((values.get("town"), values.get("name")), (Some("Lima"), Some("Ana")));
        assert_eq!(read("address,value\na@x.example,b\n").1, ["decision-header decisions.csv:1"]);
        assert_eq!(read("").1, [""; 0]);
    }
}
