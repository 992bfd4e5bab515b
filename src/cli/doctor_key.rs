//! `doctor --make-dkim-key`: a key to sign letters with, and what the domain is to publish of it.
//!
//! # Invariants
//! The private key goes into a new file for its owner only, and nowhere else (security S16): no
//! file is written over, and what cannot be written whole is taken away again.

use super::answer::{Answer, Exit};
use super::args;
use super::failure::must_change;
use super::out_folder::refuse_inputs;
use super::shell::{Opened, Shell};
use crate::config::is_selector;
use crate::message::dkim::{KeyRecord, MadeKey, NewKey, make_key};
use crate::owner_only;
use crate::problem::Problem;
use serde_json::json;
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a key for the domain of the mailing's author.
#[must_use]
pub(super) fn make_dkim_key(shell: &Shell, args: &args::Doctor) -> Answer {
    made(shell, args).unwrap_or_else(|answer| *answer)
}

/// What the new key is for.
struct Wanted<'a> {
    kind: args::KeyKind,
    domain: String,
    selector: String,
    out: &'a Path,
}

fn made(shell: &Shell, args: &args::Doctor) -> Result<Answer, Box<Answer>> {
    let failed = |problems| Box::new(Answer::failed(Exit::MustChange, problems));
    let opened = shell.open().map_err(failed)?;
    let wanted = wanted(shell, &opened, args).map_err(must_change)?;
    let kind = match wanted.kind {
        args::KeyKind::Rsa => NewKey::Rsa,
        args::KeyKind::Ed25519 => NewKey::Ed25519,
    };
    let key = make_key(kind, &wanted.domain, &wanted.selector).map_err(|error| {
        let problem = Problem::error("no-random", error.to_string());
        must_change(problem.hint("Run it again, or make the key on another computer."))
    })?;
    write_key(wanted.out, &key).map_err(|error| must_change(not_written(wanted.out, &error)))?;
    let table = table(&opened, &wanted);
    let text = as_text(&opened, &wanted, &key.record, &table);
    Ok(Answer::done(text).with("dkim_key", as_json(&wanted, &key.record, &table)))
}

fn wanted<'a>(
    shell: &Shell,
    opened: &Opened,
    args: &'a args::Doctor,
) -> Result<Wanted<'a>, Problem> {
    let setting = opened.config.campaign(args.campaign.as_deref())?;
    let default = &opened.config.languages.default;
    let sender = setting.sender.in_language(default, default).ok_or_else(|| {
        Problem::error("no-sender", "secretariat.toml names no sender whose domain could sign")
            .hint("Write [sender] from = \"Name <address>\".")
    })?;
    let domain = sender.from.address.domain().to_ascii_lowercase();
    let year: String = shell.clock().date().to_string().chars().take(4).collect();
    let usual = match args.kind {
        args::KeyKind::Rsa => format!("secretariat{year}"),
        args::KeyKind::Ed25519 => format!("secretariat{year}e"),
    };
    let selector = args.selector.clone().unwrap_or(usual);
    if !is_selector(&selector) {
        let problem = Problem::error("bad-selector", format!("{selector:?} is no selector"));
        return Err(problem.hint("Name it with letters, digits and hyphens: --selector autumn."));
    }
    let is_taken = |key: &crate::config::DkimKey| {
        key.domain.value == domain && key.selector.value.eq_ignore_ascii_case(&selector)
    };
    if opened.config.dkim.iter().any(is_taken) {
        let message = format!("the selector {selector} is another key's already");
        let hint = "Name another with --selector: each key is published under its own, and the old \
                    one stays until the last letter that it signed has arrived.";
        return Err(Problem::error("selector-taken", message).hint(hint));
    }
    let out = args.out.as_deref().unwrap_or(Path::new(""));
    refuse_inputs(out, opened.workspace.root())?;
    Ok(Wanted { kind: args.kind, domain, selector, out })
}

/// Never over a file that is there: it may be the key of letters under way.
fn write_key(out: &Path, key: &MadeKey) -> io::Result<()> {
    let mut file = owner_only::create_file(out)?;
    let written = file.write_all(key.pem.reveal().as_bytes()).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(std::fs::remove_file(out)))
}

fn not_written(out: &Path, error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let message =
            format!("{} is there already, and a key is never written over", out.display());
        return Problem::error("already-there", message).hint("Name a new file.");
    }
    Problem::error("cannot-write", format!("cannot write {}: {error}", out.display()))
        .hint("Name a file in a folder that you may write to, outside of the workspace.")
}

/// The lines of `secretariat.toml`. Besides other keys each is a table of an array.
fn table(opened: &Opened, wanted: &Wanted<'_>) -> String {
    let head = if opened.config.dkim.is_empty() { "[dkim]" } else { "[[dkim]]" };
    let file = toml::Value::String(from_workspace(wanted.out, opened.workspace.root()));
    let Wanted { domain, selector, .. } = wanted;
    format!("{head}\ndomain = \"{domain}\"\nselector = \"{selector}\"\nkey = {file}\n")
}

/// The file as seen from the workspace where it lies in it or beside it, else absolute.
fn from_workspace(out: &Path, root: &Path) -> String {
    let (Ok(file), Ok(root)) = (out.canonicalize(), root.canonicalize()) else {
        return out.display().to_string();
    };
    let beside = root.parent().and_then(|above| file.strip_prefix(above).ok());
    match (file.strip_prefix(&root), beside) {
        (Ok(inside), _) => inside.display().to_string(),
        (_, Some(beside)) if root.parent() != Some(Path::new("/")) => {
            Path::new("..").join(beside).display().to_string()
        }
        _ => file.display().to_string(),
    }
}

fn kind_in_words(kind: args::KeyKind) -> &'static str {
    match kind {
        args::KeyKind::Rsa => "RSA, 2048 bits",
        args::KeyKind::Ed25519 => "Ed25519",
    }
}

/// Records are copied: they stand on lines of their own, and are not wrapped.
fn as_text(opened: &Opened, wanted: &Wanted<'_>, record: &KeyRecord, table: &str) -> String {
    let Wanted { domain, selector, out, kind } = wanted;
    let mut text = format!(
        "The key ({}) is in {}, which only you can read.\n\n\
         1. Have this TXT record published in the DNS of {domain}.\n\n\
         In a zone file, one line:\n\n{record}\n\n\
         In a web form:\n\n\
         name:  {selector}._domainkey   (some want all of it: {})\n\
         value: {}\n",
        kind_in_words(*kind),
        out.display(),
        record.name,
        record.value,
    );
    let strings = record.strings();
    if strings.len() > 1 {
        text.push_str(
            "\nWhere a form takes at most 255 characters, the value in parts, in this order:\n\n",
        );
        strings.iter().for_each(|part| text.push_str(&format!("\"{part}\"\n")));
    }
    text.push_str(&format!("\n2. When it is there, write into secretariat.toml:\n\n{table}"));
    if !opened.config.dkim.is_empty() {
        text.push_str("\nThe table [dkim] that is there is then written [[dkim]] too.\n");
    } else if *kind == args::KeyKind::Ed25519 {
        text.push_str(
            "\nMany mail servers do not check Ed25519: make an RSA key besides, and write [[dkim]] \
             for both.\n",
        );
    }
    text + "\nsecretariat doctor looks whether the record is there.\n"
}

fn as_json(wanted: &Wanted<'_>, record: &KeyRecord, table: &str) -> serde_json::Value {
    json!({
        "file": wanted.out.display().to_string(),
        "kind": match wanted.kind {
            args::KeyKind::Rsa => "rsa",
            args::KeyKind::Ed25519 => "ed25519",
        },
        "domain": wanted.domain,
        "selector": wanted.selector,
        "record": {
            "name": record.name,
            "value": record.value,
            "strings": record.strings(),
            "zone_line": record.to_string(),
        },
        "config": table,
    })
}
