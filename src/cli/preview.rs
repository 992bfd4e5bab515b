//! `preview`: letters before they go, one on the terminal or all as pages.

use super::answer::{Answer, Exit};
use super::args::Preview;
use super::dry_run::nobody;
use super::failure::{Candidate, several};
use super::kind_lines::Kinds;
use super::out_folder::{OutFolder, cannot_write, refuse_inputs};
use super::plan_screen::language_counts;
use super::shell::Shell;
use super::ui::{BOLD, DIM, plural, printable, size, terminal_columns};
use crate::campaign::Campaign;
use crate::gallery::{Entry, GENERATOR, Gallery, Mailing, PageError, document_file, page_name};
use crate::plan::documents::DocumentSet;
use crate::plan::{Made, Plan};
use crate::problem::{Problem, Problems, Severity};
use crate::recipients::{Recipient, select};
use crate::time::Timestamp;
use serde_json::json;
use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Shows letters; nothing is sent.
#[must_use]
pub(super) fn preview(shell: &Shell, args: &Preview) -> Answer {
    let mut problems = Problems::new();
    let Some(campaign) = shell.campaign(args.campaign.as_deref(), &mut problems) else {
        return Answer::failed(Exit::MustChange, problems);
    };
    if let (Some(out), Ok(workspace)) = (&args.out, shell.workspace())
        && let Err(problem) = refuse_inputs(out, workspace.root())
    {
        return Answer::one_problem(Exit::MustChange, problem);
    }
    match &args.out {
        Some(out) => write_gallery(shell, &campaign, out, problems),
        None => show_one(shell, &campaign, args.person.as_deref(), problems),
    }
}

/// One letter on the terminal: of the person asked for, or of the first.
fn show_one(
    shell: &Shell,
    campaign: &Campaign,
    who: Option<&str>,
    mut problems: Problems,
) -> Answer {
    let chosen = match who.map(|who| choose(campaign, who)) {
        Some(Err(problem)) => return Answer::one_problem(Exit::MustChange, problem),
        Some(Ok(recipient)) => Some(recipient.number),
        None => None,
    };
    let mut shown = None;
    let plan = campaign.plan(shell.clock().date(), &mut problems, |made| {
        if shown.is_none() && chosen.is_none_or(|number| number == made.recipient.number) {
            shown = Some((letter_as_text(&made), letter_as_json(&made), made.planned.recipient));
        }
        Ok::<(), Infallible>(())
    });
    let Ok(plan) = plan;
    let exit = if problems.has_errors() { Exit::MustChange } else { Exit::Done };
    let Some((text, json, recipient)) = shown else {
        if !problems.has_errors() {
            problems.push(nobody(campaign));
        }
        return Answer::failed(Exit::MustChange, problems);
    };
    let more = format!(
        "\n{DIM}{} in all: secretariat preview --out DIR writes every one as a page{DIM:#}\n",
        plural(plan.deliveries.len() as u64, "letter")
    );
    let kinds = Kinds::of(campaign, &plan);
    let text = text + &more + &kinds.as_text(terminal_columns());
    let tells_problems =
        tell_in_short(shell, campaign, &problems, campaign.people.recipients.get(recipient));
    Answer { exit, tells_problems, ..Answer::done(text) }
        .with("campaign", json!(campaign.id.as_str()))
        .with("letter", json)
        .with("kinds", kinds.as_json())
        .with("kinds_total", json!(kinds.total()))
        .with_problems(problems)
}

/// Warnings before a letter: those about its reader, and how many others there are, which are for
/// `check` to tell. Gives whether that was all: errors, and what somebody asks for with -v, are told
/// as always.
fn tell_in_short(
    shell: &Shell,
    campaign: &Campaign,
    problems: &Problems,
    reader: Option<&Recipient>,
) -> bool {
    if problems.has_errors() || shell.ui.is_verbose {
        return false;
    }
    let is_about = |p: &&Problem| {
        let is_row = |r: &Recipient| {
            p.place.as_ref().is_some_and(|at| at.file == r.place.file && at.line == r.place.line)
        };
        let is_named = |r: &Recipient| p.recipient.as_deref() == Some(r.address.as_str());
        p.severity == Severity::Warning && reader.is_some_and(|r| is_row(r) || is_named(r))
    };
    let mut about = Problems::new();
    problems.iter().filter(is_about).for_each(|problem| about.push(problem.clone()));
    shell.ui.show_problems(&about);
    let told = about.count_of(Severity::Warning);
    let others = (problems.count_of(Severity::Warning) - told) as u64;
    if others > 0 {
        let more = if told > 0 { "and " } else { "" };
        shell.ui.say(&format!(
            "{more}{}: secretariat check {}\n",
            plural(others, if told > 0 { "other warning" } else { "warning" }),
            campaign.id
        ));
    }
    true
}

/// The one recipient that WHO means.
///
/// # Errors
/// A [`Problem`] when it is nobody, or several.
pub(super) fn choose<'c>(campaign: &'c Campaign, who: &str) -> Result<&'c Recipient, Problem> {
    match select::find(&campaign.people, who).as_slice() {
        [one] => Ok(one),
        [] => Err(Problem::error(
            "nobody",
            format!("nobody in the lists of {} is {who:?}", campaign.id),
        )
        .hint("Write an address, or a part of a name or address as it stands in the list.")),
        all => Err(several(who, all.iter().copied().map(Candidate::of))),
    }
}

/// A letter with its headers, as the terminal shows it.
#[must_use]
pub(super) fn letter_as_text(made: &Made<'_>) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{DIM}{label:<9}{DIM:#}{value}");
    };
    line("To", &made.planned.to.to_string());
    if !made.planned.copies.is_empty() {
        line("Copy", &copies_of(made).join(", "));
    }
    line("From", &made.sender.from.to_string());
    let reply_to = made.letter.reply_to.as_ref().or(made.sender.reply_to.as_ref());
    if let Some(reply_to) = reply_to {
        line("Answers", &reply_to.to_string());
    }
    line("Subject", &format!("{BOLD}{}{BOLD:#}", made.letter.subject));
    for attachment in &made.planned.documents.attachments {
        let octets = size(attachment.octets);
        line("Document", &format!("({}) {}, {octets}", attachment.number, attachment.name));
    }
    text.push('\n');
    text.push_str(&printable(&made.letter.text));
    text
}

/// Who gets a copy of a letter.
fn copies_of(made: &Made<'_>) -> Vec<String> {
    made.planned.copies.iter().map(|copy| copy.address.to_string()).collect()
}

fn letter_as_json(made: &Made<'_>) -> serde_json::Value {
    json!({
        "to": made.planned.to.to_string(),
        "cc": copies_of(made),
        "subject": made.letter.subject,
        "language": made.letter.language.as_str(),
        "text": made.letter.text,
        "html": made.letter.html,
        "message_id": made.message.message_id,
    })
}

/// All letters as pages.
fn write_gallery(shell: &Shell, campaign: &Campaign, out: &Path, mut problems: Problems) -> Answer {
    let date = shell.clock().date();
    // The pages name the plan, so the plan comes first; both passes make the same letters.
    let plan = campaign.plan_only(date, &mut problems);
    if plan.deliveries.is_empty() {
        if !problems.has_errors() {
            problems.push(nobody(campaign));
        }
        return Answer::failed(Exit::MustChange, problems);
    }
    if let Err(problem) = write_pages(campaign, &plan, out, date) {
        return Answer::one_problem(Exit::MustChange, problem);
    }
    let letters = plan.deliveries.len();
    let exit = if problems.has_errors() { Exit::MustChange } else { Exit::Done };
    let text = format!(
        "{} as pages: open {}\n",
        plural(letters as u64, "letter"),
        out.join("index.html").display()
    );
    let tells_problems = tell_in_short(shell, campaign, &problems, None);
    Answer { exit, tells_problems, ..Answer::done(text) }
        .with("campaign", json!(campaign.id.as_str()))
        .with("letters", json!(letters))
        .with("fingerprint", json!(plan.fingerprint.to_string()))
        .with("index", json!(out.join("index.html").display().to_string()))
        .with_problems(problems)
}

fn write_pages(
    campaign: &Campaign,
    plan: &Plan,
    out: &Path,
    date: Timestamp,
) -> Result<(), Problem> {
    let cannot = |error: io::Error| cannot_write(out, &error);
    let page_error = |error: PageError| io::Error::other(error);
    let gallery = Gallery::new(mailing(campaign, plan)).map_err(page_error).map_err(cannot)?;
    let letters = out.join("letters");
    let expected = (1..).take(plan.deliveries.len()).map(page_name).collect();
    let mut pages = OutFolder::open(&letters, &expected, |name| name.ends_with(".html"))?;
    let mut documents = OutFolder::open(&out.join("documents"), &HashSet::new(), |_| false)?;
    let mut copied = HashSet::new();
    let mut entries = Vec::with_capacity(plan.deliveries.len());
    campaign
        .plan(date, &mut Problems::new(), |made| {
            copy_documents(campaign, &made.planned.documents, &mut documents, &mut copied)?;
            let entry = entry_of(&made, entries.len() as u32 + 1);
            let (planned, sender) = (made.planned, made.sender);
            let page = gallery
                .letter(&entry, &planned.to, sender, made.letter, &planned.documents)
                .map_err(page_error)?;
            pages.write(&entry.page, [page.as_bytes()])?;
            entries.push(entry);
            Ok::<(), io::Error>(())
        })
        .map_err(cannot)?;
    let mut index = OutFolder::open(out, &HashSet::new(), |name| {
        // A page of somebody else is not overwritten.
        let page = || std::fs::read_to_string(out.join(name)).unwrap_or_default();
        name == "index.html" && !page().contains(GENERATOR)
    })?;
    let page = gallery.index(&entries).map_err(page_error).map_err(cannot)?;
    index.write("index.html", [page.as_bytes()]).map_err(cannot)?;
    [pages, documents, index].into_iter().try_for_each(OutFolder::keep).map_err(cannot)
}

fn mailing(campaign: &Campaign, plan: &Plan) -> Mailing {
    Mailing {
        campaign: campaign.id.to_string(),
        conference: campaign.conference_name.clone(),
        plan_code: plan.fingerprint.plan_code(),
        letters: plan.deliveries.len(),
        languages: language_counts(plan).into_iter().map(|(l, n)| (l.to_string(), n)).collect(),
    }
}

fn entry_of(made: &Made<'_>, number: u32) -> Entry {
    Entry {
        number,
        page: page_name(number),
        name: made.recipient.name.clone().unwrap_or_default(),
        address: made.recipient.address.to_string(),
        language: made.planned.language.to_string(),
        direction: made.planned.language.direction().to_owned(),
        country: made.recipient.country.unwrap_or_default().to_owned(),
        copies: copies_of(made),
        subject: made.letter.subject.clone(),
    }
}

/// Copies each document once, however many letters carry it.
fn copy_documents(
    campaign: &Campaign,
    set: &DocumentSet,
    folder: &mut OutFolder,
    copied: &mut HashSet<String>,
) -> io::Result<()> {
    for attachment in &set.attachments {
        let file = document_file(attachment);
        if copied.insert(file.clone()) {
            let bytes = campaign.documents.bytes(attachment);
            let bytes = bytes.map_err(|problem| io::Error::other(problem.message))?;
            folder.write(&file, [&*bytes])?;
        }
    }
    Ok(())
}
