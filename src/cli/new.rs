//! `new`: letter files and configuration for another mailing.
//!
//! # Invariants
//! Nothing is changed but by adding: files that are there stay, and `secretariat.toml` gets lines
//! at its end, so that its comments and order are kept. What could not be written to its end is
//! taken away again: half a line in `secretariat.toml` would stop every mailing.

use super::answer::{Answer, Exit};
use super::args::New;
use super::shell::{Opened, Shell};
use crate::config;
use crate::id::CampaignId;
use crate::language::Language;
use crate::letter::PLACEHOLDER;
use crate::limits::TEMPLATE_BYTES_MAX;
use crate::problem::{Place, Problem, Problems};
use crate::workspace::CONFIG_FILE;
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// A letter to begin with, where there is no other to copy.
fn first_letter() -> String {
    format!(
        "Subject: About {{{{ conference.name }}}}\n\n{{{{ greeting }}}}\n\n{PLACEHOLDER}\n\n\
         {{{{ signature }}}}\n"
    )
}

/// A file of the new mailing.
struct NewFile {
    path: String,
    text: String,
}

/// Makes another mailing.
#[must_use]
pub(super) fn new(shell: &Shell, args: &New) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    match begin(&opened, args) {
        Ok((id, files)) => {
            let names: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
            let text = format!(
                "{id} is ready:\n  {}\n  [campaigns.{id}] at the end of {CONFIG_FILE}\nNext: \
                 write the letters, then secretariat check {id}\n",
                names.join("\n  ")
            );
            Answer::done(text).with("campaign", json!(id.as_str())).with("files", json!(names))
        }
        Err(problems) => Answer::failed(Exit::MustChange, problems),
    }
}

fn begin(opened: &Opened, args: &New) -> Result<(CampaignId, Vec<NewFile>), Problems> {
    let id = CampaignId::parse(&args.campaign).map_err(|error| {
        one(Problem::error("bad-name", error.to_string()).hint("Choose a name such as thank-you."))
    })?;
    if opened.config.campaigns.iter().any(|c| c.id == id) {
        return Err(one(Problem::error(
            "already-there",
            format!("there is a mailing {id} already"),
        )
        .place(Place::file(CONFIG_FILE))
        .hint("Choose another name, or edit its letters.")));
    }
    let files = letters(opened, &id, args.like.as_deref())?;
    let present = files.iter().find(|f| opened.workspace.root().join(&f.path).exists());
    if let Some(file) = present {
        return Err(one(Problem::error(
            "already-there",
            format!("{} is there already; nothing was written", file.path),
        )
        .place(Place::file(&file.path))
        .hint("Choose another name, or move the file away.")));
    }
    write(opened, &id, &files, args.like.as_deref()).map_err(|error| {
        one(Problem::error("cannot-write", format!("the mailing could not be written: {error}"))
            .hint("Check that you may write in the workspace's folder, and that there is room."))
    })?;
    Ok((id, files))
}

fn one(problem: Problem) -> Problems {
    let mut problems = Problems::new();
    problems.push(problem);
    problems
}

/// The letters of the new mailing: copies of another's, or one to begin with in each language.
fn letters(opened: &Opened, id: &CampaignId, like: Option<&str>) -> Result<Vec<NewFile>, Problems> {
    let target = |language: &Language| format!("templates/{id}/{language}.md");
    let Some(like) = like else {
        let language = &opened.config.languages.default;
        return Ok(vec![NewFile { path: target(language), text: first_letter() }]);
    };
    let setting = opened.config.campaign(Some(like)).map_err(one)?;
    let mut problems = Problems::new();
    let mut files = Vec::new();
    for file in opened.workspace.list(&format!("{}/*.md", setting.letter.value), &mut problems) {
        let stem = file.rsplit('/').next().and_then(|name| name.strip_suffix(".md"));
        let Some(language) = stem.and_then(Language::parse_tag) else { continue };
        match opened.workspace.read(&file, TEMPLATE_BYTES_MAX) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                files.push(NewFile { path: target(&language), text });
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(files) }
}

fn write(
    opened: &Opened,
    id: &CampaignId,
    files: &[NewFile],
    like: Option<&str>,
) -> io::Result<()> {
    let root = opened.workspace.root();
    let mut written = Vec::new();
    let all = files.iter().try_for_each(|file| {
        let path = root.join(&file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut new = OpenOptions::new().write(true).create_new(true).open(&path)?;
        written.push(path);
        new.write_all(file.text.as_bytes())
    });
    // Last: a mailing that is configured has its letters.
    let all = all.and_then(|()| append(&root.join(CONFIG_FILE), &section(opened, id, like)));
    all.inspect_err(|_| {
        for path in &written {
            // Best effort: the error that matters is the one that stopped the writing.
            let _ = fs::remove_file(path);
        }
    })
}

/// Puts a section at the end of the configuration, or leaves it as it was.
fn append(file: &Path, section: &str) -> io::Result<()> {
    let before = fs::read(file)?;
    let gap = if before.last().is_none_or(|b| *b == b'\n') { "\n" } else { "\n\n" };
    let mut config = OpenOptions::new().append(true).open(file)?;
    config.write_all(format!("{gap}{section}").as_bytes()).inspect_err(|_| {
        let _ = config.set_len(before.len() as u64);
    })
}

/// `[campaigns.ID]` with the documents and lists of the mailing it is like.
fn section(opened: &Opened, id: &CampaignId, like: Option<&str>) -> String {
    let mut section = format!("[campaigns.{id}]\n");
    let Some(setting) = like.and_then(|like| opened.config.campaign(Some(like)).ok()) else {
        return section;
    };
    let listed = |values: &[config::Placed<String>]| {
        let quoted = |v: &config::Placed<String>| toml::Value::String(v.value.clone()).to_string();
        values.iter().map(quoted).collect::<Vec<_>>().join(", ")
    };
    if setting.recipients.iter().any(|r| r.value != "recipients/*") {
        section.push_str(&format!("recipients = [{}]\n", listed(&setting.recipients)));
    }
    if !setting.attachments.is_empty() {
        section.push_str(&format!("attachments = [{}]\n", listed(&setting.attachments)));
    }
    section
}
