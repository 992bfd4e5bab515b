//! `[sender]`, `[attachments.*]` and `[campaigns.*]`: who writes, what goes along, to whom.
//!
//! Owns these tables' keys, their examples and what their values may be. The form of file names is
//! `plan/pattern.rs`, of names `names.rs`, of addresses the library's `address.rs`. No I/O.
//!
//! # Standards
//! RFC 5322 3.6.2 (From names the author).
//!
//! # Invariants
//! The author comes from the file only, with one address whatever the language (security S13).
//! A text by language has the default language, so that no letter is left without.

use super::names::{is_name, parse_campaign_id, parse_language, unknown};
use super::people::read_where;
use super::section::{Entry, Placed, Reader, Refusal, Section, as_section, parse_path};
use super::{ALL_LISTS, Attachment, ByLanguage, Campaign, Languages, Sender};
use crate::address::{EmailAddress, Mailbox};
use crate::language::Language;
use crate::plan::pattern::{FilePattern, is_part_of_a_name};
use crate::problem::Problem;
use crate::recipients::CopyColumn;
use std::collections::{BTreeMap, BTreeSet};

/// An author, as hints show it.
pub(super) const FROM_EXAMPLE: &str = "\"Conference Secretariat <secretariat@forum.example>\"";

/// Reads `[sender]`, of the file or of a campaign.
pub(super) fn read_sender(
    mut section: Section<'_>,
    languages: &Languages,
    reader: &mut Reader<'_>,
) -> Sender {
    let from = by_language(&mut section, "from", FROM_EXAMPLE, languages, reader, parse_mailbox);
    let from = from.filter(|from| check_one_address(&section.name("from"), from, reader));
    let reply_to =
        section.take_meaning("reply_to", "\"answers@forum.example\"", reader, parse_mailbox);
    let example = "\"bounces@forum.example\"";
    let bounce_address = section.take_meaning("bounce_address", example, reader, parse_address);
    section.finish(reader);
    Sender { from, reply_to, bounce_address }
}

/// From says who we are: the name may be in the reader's language, the address is one.
fn check_one_address(
    name: &str,
    from: &Placed<ByLanguage<Mailbox>>,
    reader: &mut Reader<'_>,
) -> bool {
    let ByLanguage::Each(mailboxes) = &from.value else { return true };
    let addresses: BTreeSet<&str> = mailboxes.values().map(|m| m.address.as_str()).collect();
    if addresses.len() > 1 {
        let all = addresses.into_iter().collect::<Vec<_>>().join(", ");
        let hint = "Write the same address for all languages; only the name may differ.";
        let refusal = Refusal::new(format!("has more than one address: {all}"), hint);
        reader.refuse(name, &from.place, refusal);
        return false;
    }
    true
}

/// A text, or a table of texts by language in which the default language is not missing.
fn by_language<T>(
    section: &mut Section<'_>,
    key: &'static str,
    example: &str,
    languages: &Languages,
    reader: &mut Reader<'_>,
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> Option<Placed<ByLanguage<T>>> {
    let entry = section.take(key)?;
    let name = section.name(key);
    if !entry.value.get_ref().is_table() {
        let text = reader.text(&name, &entry.value, &format!("{key} = {example}"))?;
        let value = reader.meaning(&name, text, parse)?;
        return Some(Placed::new(ByLanguage::Same(value.value), value.place));
    }
    let place = entry.place.clone();
    let mut table = as_section(name, entry, example, reader)?;
    let mut values = BTreeMap::new();
    let mut all_right = true;
    for (tag, entry) in table.take_rest() {
        let value = language_entry(&table.name(&tag), &tag, &entry, example, reader, &parse);
        all_right &= value.is_some();
        values.extend(value);
    }
    let default = &languages.default;
    if all_right && default.fall_backs().iter().all(|language| !values.contains_key(language)) {
        let message = format!("{} has none for {default}, the default", section.name(key));
        let hint = format!("Add {key}.{default} = {example}.");
        let problem = Problem::error("config-missing", message).place(place.clone());
        reader.report_absence(problem.hint(hint));
        all_right = false;
    }
    all_right.then(|| Placed::new(ByLanguage::Each(values), place))
}

/// One language's text.
fn language_entry<T>(
    name: &str,
    tag: &str,
    entry: &Entry<'_>,
    example: &str,
    reader: &mut Reader<'_>,
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> Option<(Language, T)> {
    let language = match parse_language(tag) {
        Ok(language) => Some(language),
        Err(refusal) => {
            reader.refuse(name, &entry.place, refusal);
            None
        }
    };
    let text = reader.text(name, &entry.value, &format!("{tag} = {example}"))?;
    let value = reader.meaning(name, text, parse)?;
    Some((language?, value.value))
}

/// Reads `[attachments.<id>]`. `None` when anything in it that letters need has an error.
pub(super) fn read_attachment(
    id: String,
    mut section: Section<'_>,
    languages: &Languages,
    reader: &mut Reader<'_>,
) -> Option<Attachment> {
    let place = section.place.clone();
    let is_named = is_name(&id, "attachments", &place, reader);
    let title_example = "\"Statement\"";
    let file_example = "\"attachments/statement.{language}.pdf\"";
    for (key, example) in [("title", title_example), ("file", file_example)] {
        if !section.has(key) {
            let message = format!("{} is missing", section.name(key));
            let problem = Problem::error("config-missing", message).place(place.clone());
            reader.report_absence(problem.hint(format!("Write {key} = {example}.")));
        }
    }
    let title = by_language(&mut section, "title", title_example, languages, reader, parse_title);
    let file = section.take_meaning("file", file_example, reader, parse_path_pattern);
    let name_example = "\"statement-{language}.pdf\"";
    let name = section.take_meaning("name", name_example, reader, parse_name_pattern);
    let shared = section.take_flag("shared", reader).unwrap_or(false);
    section.finish(reader);
    let (title, file) = (title?.value, file?);
    let name = name.map(|n| n.value);
    is_named.then_some(Attachment { id, place, title, file, name, shared })
}

/// A path beneath the workspace, with placeholders.
fn parse_path_pattern(text: &str) -> Result<FilePattern, Refusal> {
    parse_path(text, "attachments/statement.pdf")?;
    FilePattern::parse(text).map_err(|error| Refusal::new(error.to_string(), error.hint()))
}

/// A single file name, with placeholders.
fn parse_name_pattern(text: &str) -> Result<FilePattern, Refusal> {
    if text.trim().is_empty() || !is_part_of_a_name(text) {
        let hint = "Write the name the reader sees, such as \"statement-{language}.pdf\".";
        return Err(Refusal::new(format!("is no file name: {text:?}"), hint));
    }
    FilePattern::parse(text).map_err(|error| Refusal::new(error.to_string(), error.hint()))
}

/// Reads `[campaigns.<id>]`; what it does not say about its sender is the file's.
pub(super) fn read_campaign(
    id: &str,
    mut section: Section<'_>,
    sender: &Sender,
    languages: &Languages,
    attachment_ids: &[String],
    reader: &mut Reader<'_>,
) -> Option<Campaign> {
    let place = section.place.clone();
    let name = section.take_meaning("name", "\"Outcome letter\"", reader, parse_title);
    let recipients = read_recipients(&mut section, reader);
    let keep = read_where(&mut section, reader);
    let parse_letter = |text: &str| parse_path(text, "templates/outcome");
    let letter = section.take_meaning("letter", "\"templates/outcome\"", reader, parse_letter);
    let attachments = read_attachment_ids(&mut section, attachment_ids, reader);
    let copies = read_copies(&mut section, reader);
    let own = section.take_section("sender", &format!("[campaigns.{id}.sender]"), reader);
    let own_has_from = own.as_ref().is_some_and(|own| own.has("from"));
    let own = own.map(|own| read_sender(own, languages, reader)).unwrap_or_default();
    section.finish(reader);
    let sender = Sender {
        from: if own_has_from { own.from } else { sender.from.clone() },
        reply_to: own.reply_to.or_else(|| sender.reply_to.clone()),
        bounce_address: own.bounce_address.or_else(|| sender.bounce_address.clone()),
    };
    let refuse_id = |refusal| reader.refuse(&format!("campaigns.{id}"), &place, refusal);
    let id = parse_campaign_id(id).map_err(refuse_id).ok()?;
    let recipients =
        recipients.unwrap_or_else(|| vec![Placed::new(ALL_LISTS.to_owned(), place.clone())]);
    let letter = letter.unwrap_or_else(|| Placed::new(format!("templates/{id}"), place.clone()));
    let name = name.map(|name| name.value);
    Some(Campaign { id, place, name, recipients, keep, letter, attachments, copies, sender })
}

/// Patterns of lists; none of them lies outside of the workspace.
fn read_recipients(
    section: &mut Section<'_>,
    reader: &mut Reader<'_>,
) -> Option<Vec<Placed<String>>> {
    let name = section.name("recipients");
    let patterns = section.take_texts("recipients", "[\"recipients/*.csv\"]", reader)?;
    let parse = |pattern: &str| {
        if pattern.contains("**") {
            let hint =
                "Write a pattern for each folder: [\"recipients/*\", \"recipients/north/*\"].";
            return Err(Refusal::new("holds **, which is not known here", hint));
        }
        parse_path(pattern, "recipients/*.csv")
    };
    Some(patterns.into_iter().filter_map(|p| reader.meaning(&name, p, parse)).collect())
}

/// Ids of attachments that there are, each once.
fn read_attachment_ids(
    section: &mut Section<'_>,
    known: &[String],
    reader: &mut Reader<'_>,
) -> Vec<Placed<String>> {
    let name = section.name("attachments");
    let mut ids: Vec<Placed<String>> = Vec::new();
    for id in section.take_texts("attachments", "[\"statement\"]", reader).unwrap_or_default() {
        let refusal = if ids.iter().any(|earlier| earlier.value == id.value) {
            let hint = "Name each document once: its place in the list is its number.";
            Some(Refusal::new(format!("names {:?} twice", id.value), hint))
        } else {
            (!known.contains(&id.value)).then(|| unknown(&id.value, "attachment", known))
        };
        match refusal {
            None => ids.push(id),
            Some(refusal) => {
                let problem = Problem::error("config-value", format!("{name} {}", refusal.message));
                reader.report_absence(problem.place(id.place).hint(refusal.hint));
            }
        }
    }
    ids
}

/// Columns whose addresses get copies, each once; whether lists have them is for the lists' stage.
fn read_copies(section: &mut Section<'_>, reader: &mut Reader<'_>) -> Vec<CopyColumn> {
    let name = section.name("cc");
    let mut columns: Vec<CopyColumn> = Vec::new();
    for column in section.take_texts("cc", "[\"assistant_email\"]", reader).unwrap_or_default() {
        let is_known = |name: &str| columns.iter().any(|known| known.name == name);
        let parse = |text: &str| parse_copy_column(text, is_known);
        if let Some(Placed { value, place }) = reader.meaning(&name, column, parse) {
            columns.push(CopyColumn { name: value, place });
        }
    }
    columns
}

/// A column as letters call it.
fn parse_copy_column(text: &str, is_known: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    let column = text.trim();
    if column.is_empty() {
        let hint = "Write a column as letters call it, such as \"assistant_email\".";
        return Err(Refusal::new("holds an empty name", hint));
    }
    if column.contains('@') {
        let hint = "Write the column that holds such addresses, as letters call it.";
        return Err(Refusal::new(format!("is no column: {column:?}"), hint));
    }
    if column == "email" {
        let hint = "Name another column: everybody gets the letter itself there already.";
        return Err(Refusal::new("names the people's own address", hint));
    }
    if is_known(column) {
        let hint = "Name each column once.";
        return Err(Refusal::new(format!("names {column:?} twice"), hint));
    }
    Ok(column.to_owned())
}

fn parse_mailbox(text: &str) -> Result<Mailbox, Refusal> {
    Mailbox::parse(text).map_err(|error| {
        let hint = "Write \"Conference Secretariat <secretariat@forum.example>\", or the address \
                    alone.";
        Refusal::new(format!("is no name with an address: {error}"), hint)
    })
}

fn parse_address(text: &str) -> Result<EmailAddress, Refusal> {
    let hint = "Write one plain address, such as \"bounces@forum.example\".";
    if text.contains(['{', '}']) {
        return Err(Refusal::new("holds braces", hint));
    }
    EmailAddress::parse(text)
        .map_err(|error| Refusal::new(format!("is no address: it {error}"), hint))
}

fn parse_title(text: &str) -> Result<String, Refusal> {
    let title = text.trim();
    if title.is_empty() {
        return Err(Refusal::new("is empty", "Write what letters are to call it."));
    }
    Ok(title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::tests::{LEAST, check, config, found, read_with};

    #[test]
    fn a_bad_value_is_refused_with_what_to_write() {
        for (text, expected) in [
            (
                "[campaigns.Final]",
                "1:12 campaigns.Final cannot name a campaign: \"Final\" | Write small",
            ),
            (
                "[campaigns.x]\nattachments = [\"statment\"]\n[attachments.statement]\ntitle = \
                 \"A\"\nfile = \"a\"",
                "2:16 campaigns.x.attachments names the attachment \"statment\", which there is \
                 not | Did you mean statement?",
            ),
            (
                "[campaigns.x]\nattachments = [\"a\", \"a\"]\n[attachments.a]\ntitle = \
                 \"A\"\nfile = \"a\"",
                "2:21 campaigns.x.attachments names \"a\" twice | Name each document once",
            ),
            (
                "[campaigns.x]\nattachments = [\"a\"]",
                "2:16 campaigns.x.attachments names the attachment \"a\", which there is not | \
                 Add a table [attachments.a].",
            ),
            (
                "[campaigns.x]\nrecipients = [\"../*\"]",
                "2:15 campaigns.x.recipients leads out of the folder with ..: \"../*\" | Copy",
            ),
            (
                "[campaigns.x]\nrecipients = [\"a/**\"]",
                "2:15 campaigns.x.recipients holds **, which is not known here | Write",
            ),
            (
                "[campaigns.x]\ncc = [\"assistant\", \"assistant\"]",
                "2:20 campaigns.x.cc names \"assistant\" twice | Name each column once.",
            ),
            (
                "[campaigns.x]\ncc = [\"email\"]",
                "2:7 campaigns.x.cc names the people's own address | Name another",
            ),
            (
                "[campaigns.x]\ncc = \"desk@x.example\"",
                "2:6 campaigns.x.cc is no column: \"desk@x.example\" | Write the column",
            ),
            ("[campaigns.x]\ncc = \"\"", "2:6 campaigns.x.cc holds an empty name | Write a column"),
            (
                "[campaigns.x]\nletter = \"C:/x\"",
                "2:10 campaigns.x.letter does not start in the workspace: \"C:/x\" | Copy",
            ),
            (
                "[campaigns.x]\nsender.bounce_address = \"b+{token}@x.example\"",
                "2:25 campaigns.x.sender.bounce_address holds braces | Write one plain",
            ),
            (
                "[campaigns.x]\nsender.reply_to = \"answers\"",
                "2:19 campaigns.x.sender.reply_to is no name with an address: \
                 the address has no @ | Write",
            ),
            (
                "[campaigns.x]\nsender.from = { en = \"A <a@x.example>\", fr = \"B \
                 <b@x.example>\" }",
                "2:8 campaigns.x.sender.from has more than one address: a@x.example, b@x.example \
                 | Write the same",
            ),
            (
                "[campaigns.x]\nsender.from = { fr = \"A <a@x.example>\" }",
                "2:8 campaigns.x.sender.from has none for en, the default | Add from.en =",
            ),
            (
                "[campaigns.x]\nsender.from = \"ana@forum.example <a@x.example>\"",
                "2:15 campaigns.x.sender.from is no name with an address: \
                 the name \"ana@forum.example\" holds",
            ),
            (
                "[attachments.final-text]\ntitle = \"A\"\nfile = \"a\"",
                "1:14 the key \"final-text\" in [attachments] cannot be used in letters | Write \
                 final_text.",
            ),
            (
                "[attachments.a]\nfile = \"a\"",
                "1:14 attachments.a.title is missing | Write title = \"Statement\".",
            ),
            (
                "[attachments.a]\ntitle = \"A\"",
                "1:14 attachments.a.file is missing | Write file = \"attachments/",
            ),
            (
                "[attachments.a]\ntitle = \" \"\nfile = \"a\"",
                "2:9 attachments.a.title is empty | Write",
            ),
            (
                "[attachments.a]\ntitle.English = \"A\"\nfile = \"a\"",
                "2:7 attachments.a.title.English is no language tag: \"English\" | Write \"en\".",
            ),
            (
                "[attachments.a]\ntitle = \"A\"\nfile = \"attachments\\\\a.pdf\"",
                "3:8 attachments.a.file is written with a backslash",
            ),
            (
                "[attachments.a]\ntitle = \"A\"\nfile = \"attachments\\new.pdf\"",
                "3:8 attachments.a.file holds a line break or control character | Write it on \
                 one line; for a backslash, use forward slashes",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn a_campaign_has_an_author() {
        let text = "[conference]\nname = \"A\"\n[campaigns.a]\n[campaigns.b]\n";
        assert_eq!(
            found(text, &[]),
            ["1:1 sender.from is missing | Write from = \"Conference Secretariat \
                <secretariat@forum.example>\" under [sender]."]
        );
        let reply_only = format!("{text}[sender]\nreply_to = \"a@x.example\"");
        assert!(found(&reply_only, &[])[0].starts_with("5:2 sender.from is missing"));
        let own = "[conference]\nname = \"A\"\n[campaigns.a.sender]\nfrom = \"a@x.example\"";
        assert_eq!(found(own, &[]), [""; 0]);
    }

    #[test]
    fn a_text_by_language_falls_back_to_the_default() {
        let text =
            format!("[attachments.a]\ntitle = {{ en = \"E\", pt = \"P\" }}\nfile = \"a\"\n{LEAST}");
        let config = config(&text);
        let ByLanguage::Each(titles) = &config.attachments[0].title else { panic!("one title") };
        assert_eq!(titles.len(), 2);
        for (language, expected) in [("pt-br", "P"), ("en", "E"), ("ar", "E")] {
            let language = Language::parse_tag(language).unwrap();
            let title = config.attachments[0].title.get(&language, &config.languages.default);
            assert_eq!(title.map(String::as_str), Some(expected));
        }
    }

    #[test]
    fn with_single_errors_the_rest_is_there() {
        let text =
            format!("[attachments.a]\ntitle = 1\nfile = \"a\"\n{LEAST}attachments = [\"a\"]");
        let (config, problems) = read_with(&text, &[]);
        assert_eq!(problems.iter().count(), 1, "{problems:#?}");
        let config = config.unwrap();
        let campaign = config.campaign(Some("outcome")).unwrap();
        assert_eq!(campaign.attachments[0].value, "a");
        assert_eq!(config.attachments_of(campaign).count(), 0);
        assert!(read_with("a = b", &[]).0.is_none(), "what is no TOML is no configuration");
    }
}
