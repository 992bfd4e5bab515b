//! The command line: what can be typed. Doc comments are the help texts.

use crate::address::EmailAddress;
use crate::doctor::note::NoteLanguage;
use crate::language::Language;
use crate::limits::{DNS_PORT, PLAN_CODE_DIGITS_MIN};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Writes to everybody who took part: lists and letters in, correct letters at a mail server out,
/// nobody twice and nobody missed.
#[derive(Debug, Parser)]
#[command(name = "secretariat", version, max_term_width = 100)]
pub struct Arguments {
    /// What goes for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; none: the workspace's state and the next step.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The workspace: exactly this folder [default: this folder or the nearest above it]
    #[arg(short = 'C', long, global = true, help_heading = "Everywhere")]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub workspace: Option<PathBuf>,
    /// Text for people, or one JSON object on standard output
    #[arg(long, global = true, help_heading = "Everywhere", value_enum, default_value_t = Format::Text)]
    #[arg(value_name = "text|json", hide_possible_values = true)]
    pub format: Format,
    /// When to use colour
    #[arg(long, global = true, help_heading = "Everywhere", value_enum, default_value_t = Color::Auto)]
    #[arg(value_name = "auto|always|never", hide_possible_values = true)]
    pub color: Color,
    /// Say more: notes about what was detected and decided
    #[arg(short, long, global = true, help_heading = "Everywhere", conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object, for programs.
    Json,
}

/// Use of colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a sample workspace that works as it is
    Init(Init),
    /// Begin another mailing: its letters and its configuration
    New(New),
    /// Sign in to the mail server, once, and keep that on this computer
    SignIn(SignIn),
    /// Forget on this computer what sign-in has kept
    SignOut,
    /// Find everything that would go wrong, and send nothing
    Check(Check),
    /// Look at everything between here and the readers' mailboxes, and send nothing
    Doctor(Doctor),
    /// Look at letters before they go
    Preview(Preview),
    /// Rehearse the mailing with a mail server inside the program
    Rehearse(Rehearse),
    /// One run of a rehearsal, which starts it and kills it
    #[command(hide = true)]
    RehearseRun(RehearseRun),
    /// Hand the letters to the mail server, each once
    Send(Send),
    /// Hold a mailing: letters under way are finished, nothing else goes
    Pause(Pause),
    /// Let a paused mailing go on
    Resume(Resume),
    /// Withdraw a mailing from everybody who has no letter yet
    Cancel(Cancel),
    /// Say who has the letter, who waits, and what needs a person
    Status(Status),
    /// Say everything decided and recorded about one person
    Why(Why),
    /// Decide about one person: leave out, use another address, add, merge
    People(People),
    /// Settle a letter nobody is sure about: say what you found out
    Resolve(Resolve),
    /// Write the completions of a shell
    Completions(Completions),
    /// Write the manual page
    Manpage,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to write into; made if it is not there
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Without people: for your own lists
    #[arg(long)]
    pub empty: bool,
}

/// `new`.
#[derive(Debug, Args)]
pub struct New {
    /// Its name: small letters, digits and hyphens
    pub campaign: String,
    /// Copy letters and settings of this mailing
    #[arg(long, value_name = "CAMPAIGN")]
    pub like: Option<String>,
}

/// `sign-in`.
#[derive(Debug, Args)]
pub struct SignIn {
    /// Show the address and open no browser
    #[arg(long)]
    pub no_browser: bool,
}

/// RFC 6376 3.1: labels as in a domain.
fn selector(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let is_in = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        (1..=63).contains(&label.len()) && label.bytes().all(is_in)
    };
    match text.split('.').all(is_label) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a selector is one word of a domain's name, such as selector1".to_owned()),
    }
}

/// An address, with port 53 where it names none.
fn name_server(text: &str) -> Result<SocketAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let alone = bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS_PORT));
    alone
        .or_else(|_| text.parse())
        .map_err(|_| "write an address, such as 9.9.9.9 or [2620:fe::fe]:53".to_owned())
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
    /// End with an error on warnings too
    #[arg(long)]
    pub strict: bool,
    /// Write all findings into a file: .html, .xlsx or .csv for a spreadsheet, else text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
    /// Ask this name server, not the ones of this computer
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = name_server)]
    pub name_server: Option<SocketAddr>,
    /// The name of the key that the mail server signs with; with --make-dkim-key: of the new key
    #[arg(long, value_name = "NAME", value_parser = selector)]
    pub selector: Option<String>,
    /// Write the page for your IT department: what to allow, and what the DNS should say
    #[arg(long, conflicts_with = "make_dkim_key")]
    pub note_for_it: bool,
    /// With --note-for-it: in this language [default: the workspace's, else en]
    #[arg(long, value_name = "en|es|fr", requires = "note_for_it", value_parser = note_language)]
    pub language: Option<NoteLanguage>,
    /// Make a key to sign letters with, and show its DNS record; the key goes into --out
    #[arg(long, requires = "out")]
    pub make_dkim_key: bool,
    /// With --make-dkim-key: which kind
    #[arg(long, value_name = "rsa|ed25519", requires = "make_dkim_key", value_enum)]
    #[arg(default_value_t = KeyKind::Rsa, hide_possible_values = true)]
    pub kind: KeyKind,
    /// With --note-for-it: write the page into this file, .html or Markdown; with --make-dkim-key: the key
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// Kinds of key that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// What every verifier knows.
    Rsa,
    /// To sign with besides RSA.
    Ed25519,
}

fn note_language(typed: &str) -> Result<NoteLanguage, String> {
    NoteLanguage::from_code(typed).ok_or_else(|| "the page is written in en, es and fr".to_owned())
}

/// `preview`.
#[derive(Debug, Args)]
pub struct Preview {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
    /// Whose letter: an address, or a unique part of a name or address
    #[arg(long, value_name = "WHO")]
    pub person: Option<String>,
    /// Write all letters as pages into this folder; open DIR/index.html
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// `rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
    /// With refusals, lost connections, odd answers, and kills of the program in the middle
    #[arg(long)]
    pub faults: bool,
    /// With --faults: the same faults as another time, by the number shown then
    #[arg(long, value_name = "N", requires = "faults")]
    pub seed: Option<u64>,
}

/// `rehearse-run`: internal.
#[derive(Debug, Args)]
pub struct RehearseRun {
    /// What the run is about
    pub file: PathBuf,
}

/// `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
    /// Do everything but send: no network, nothing recorded
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: write each message as it would be sent into this folder
    #[arg(long, value_name = "DIR", requires = "dry_run", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// The plan code, instead of typing the number of letters
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "dry_run")]
    #[arg(value_parser = plan_code)]
    pub plan: Option<String>,
    /// Only the first N letters that nobody has yet; the others stay for another time
    #[arg(long, value_name = "N", conflicts_with = "person")]
    #[arg(value_parser = first)]
    pub first: Option<u64>,
    /// Only this person's letter: an address, or a unique part of a name or address
    #[arg(long, value_name = "WHO")]
    pub person: Option<String>,
    /// Stay until nothing waits any more, however long that takes
    #[arg(long, conflicts_with_all = ["dry_run", "no_wait"])]
    pub wait: bool,
    /// Never wait for a letter that is to be tried again later
    #[arg(long, conflicts_with = "dry_run")]
    pub no_wait: bool,
    /// Write the letters into this folder, with a list, for a mail server of somebody else
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dry_run", "wait", "no_wait"])]
    #[arg(value_hint = ValueHint::DirPath)]
    pub hand_over: Option<PathBuf>,
}

/// How many letters `--first` means.
fn first(typed: &str) -> Result<u64, String> {
    match typed.parse() {
        Ok(0) | Err(_) => Err("a whole number, at least 1".to_owned()),
        Ok(count) => Ok(count),
    }
}

/// A plan code, checked in form: which plan it names is found out later.
fn plan_code(typed: &str) -> Result<String, String> {
    let digits = typed.chars().filter(|c| !matches!(c, '-' | ' '));
    let is_code = digits.clone().count() >= PLAN_CODE_DIGITS_MIN
        && digits.clone().all(|c| c.is_ascii_hexdigit());
    is_code.then(|| typed.to_owned()).ok_or_else(|| {
        format!("a plan code has at least {PLAN_CODE_DIGITS_MIN} of the characters 0-9 and a-f")
    })
}

/// `pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
}

/// `cancel`.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Why: kept for whoever asks later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The mailing [default: default_campaign, or the only one]
    pub campaign: Option<String>,
}

/// `why`.
#[derive(Debug, Args)]
pub struct Why {
    /// An address, or a unique part of a name or address
    pub who: String,
}

/// `people`.
#[derive(Debug, Args)]
pub struct People {
    /// What is decided.
    #[command(subcommand)]
    pub command: PeopleCommand,
}

/// What can be decided about a person; each is a line of `decisions.csv`.
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// Write no letter to these people
    LeaveOut(LeaveOut),
    /// Write to another address than the one in the list
    ChangeAddress(ChangeAddress),
    /// Write to somebody who is in no list
    Add(PersonToAdd),
    /// Write one letter to somebody who is in the lists with two addresses
    Merge(Merge),
}

/// What every decision has.
#[derive(Clone, Debug, Args)]
pub struct Decide {
    /// Only for this mailing [default: all]
    #[arg(long, value_name = "CAMPAIGN")]
    pub campaign: Option<String>,
    /// Why: kept for whoever asks later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who decided
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// `people leave-out`.
#[derive(Debug, Args)]
#[command(mut_arg("reason", |reason| reason.required(true)))]
pub struct LeaveOut {
    /// Whom: an address, or a unique part of a name or address
    #[arg(required = true)]
    pub who: Vec<String>,
    /// What every decision has.
    #[command(flatten)]
    pub decide: Decide,
}

/// `people change-address`.
#[derive(Debug, Args)]
pub struct ChangeAddress {
    /// Whose: an address, or a unique part of a name or address
    pub who: String,
    /// The address that the letter is to go to
    #[arg(value_parser = address)]
    pub new: EmailAddress,
    /// What every decision has.
    #[command(flatten)]
    pub decide: Decide,
}

/// `people add`.
#[derive(Debug, Args)]
pub struct PersonToAdd {
    /// The person's address
    #[arg(value_parser = address)]
    pub address: EmailAddress,
    /// The whole name
    #[arg(long)]
    pub name: Option<String>,
    /// The language of the letter: fr, français ... [default: the workspace's]
    #[arg(long, value_parser = language)]
    pub language: Option<Language>,
    /// What every decision has.
    #[command(flatten)]
    pub decide: Decide,
}

/// `people merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// Who gets no letter: an address, or a unique part of a name or address
    pub who: String,
    /// The same person, who gets it: an address, or a unique part of a name or address
    pub into_whom: String,
    /// What every decision has.
    #[command(flatten)]
    pub decide: Decide,
}

fn address(typed: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(typed).map_err(|error| format!("it {error}"))
}

fn language(typed: &str) -> Result<Language, String> {
    let hint = "a language is a tag or a name, such as fr or français";
    Language::recognise(typed).ok_or_else(|| hint.to_owned())
}

/// `resolve`.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(clap::ArgGroup::new("finding").required(true)))]
pub struct Resolve {
    /// Whose letter: an address, or a unique part of a name or address
    #[arg(required_unless_present_any = ["restored_ledger", "handed_over"])]
    #[arg(conflicts_with_all = ["restored_ledger", "handed_over"])]
    pub who: Option<String>,
    /// The mail server has taken it
    #[arg(long, group = "finding")]
    pub accepted: bool,
    /// The mail server has not got it: send the same message again
    #[arg(long, group = "finding")]
    pub resend: bool,
    /// The ledger was restored from a backup: doubt every letter that waits in it
    #[arg(long, group = "finding")]
    pub restored_ledger: bool,
    /// How you know: kept for whoever asks later
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The mailing, where several have a letter to this person in doubt
    #[arg(long, value_name = "CAMPAIGN", conflicts_with = "restored_ledger")]
    pub campaign: Option<String>,
    /// Whose letter, where an address has several messages in doubt, such as copies
    #[arg(long, value_name = "WHO", conflicts_with_all = ["restored_ledger", "handed_over"])]
    pub letter_to: Option<String>,
    /// All letters that were handed over into this folder and are in doubt
    #[arg(long, value_name = "DIR", conflicts_with = "restored_ledger")]
    #[arg(value_hint = ValueHint::DirPath)]
    pub handed_over: Option<PathBuf>,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}
