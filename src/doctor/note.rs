//! The page for the IT department: what to allow, what the world sees, where data stays.
//!
//! Owns the page's words (`note/*.md`, one file a language) and its two forms. Pure: facts in,
//! Markdown or HTML out.

use serde::Serialize;
use tera::{Context, Tera};

/// The languages the page is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteLanguage {
    /// English.
    En,
    /// Spanish.
    Es,
    /// French.
    Fr,
}

impl NoteLanguage {
    /// All, in the order of their codes.
    pub const ALL: [NoteLanguage; 3] = [NoteLanguage::En, NoteLanguage::Es, NoteLanguage::Fr];

    /// The language of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<NoteLanguage> {
        NoteLanguage::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            NoteLanguage::En => "en",
            NoteLanguage::Es => "es",
            NoteLanguage::Fr => "fr",
        }
    }

    fn words(self) -> &'static str {
        match self {
            NoteLanguage::En => include_str!("note/en.md"),
            NoteLanguage::Es => include_str!("note/es.md"),
            NoteLanguage::Fr => include_str!("note/fr.md"),
        }
    }
}

/// What the page speaks of. Texts are plain, in the page's language where they have one.
#[derive(Clone, Debug, Serialize)]
pub struct NoteFacts {
    /// The day.
    pub date: String,
    /// The conference.
    pub conference: String,
    /// How many letters, copies among them.
    pub letters: String,
    /// Size of the largest letter; absent where it is not known.
    pub largest: Option<String>,
    /// Who signs in, else the author.
    pub account: String,
    /// Whether anybody signs in.
    pub account_signs_in: bool,
    /// The letters' author.
    pub author: String,
    /// Whether the author is another than the account.
    pub other_author: bool,
    /// Where answers go.
    pub reply_to: String,
    /// Where bounces go.
    pub bounce: String,
    /// `microsoft365`, `google`, or nothing.
    pub service: &'static str,
    /// The registration's id, where there is one already.
    pub client_id: Option<String>,
    /// Whether a token is kept on the computer.
    pub has_tokens: bool,
    /// The mail server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `TLS`, `STARTTLS`.
    pub security: String,
    /// How fast and until when.
    pub pace: String,
    /// What the service allows a mailbox.
    pub limits: String,
    /// Hosts and ports the program connects to.
    pub connections: String,
    /// What the name service says, and what it should.
    pub findings: Vec<NoteFinding>,
}

/// A line of the table of names: records as they are published, in no language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteFinding {
    /// `SPF forum.example`.
    pub what: String,
    /// What is published.
    pub found: String,
    /// What is needed, or that it is in order.
    pub needed: String,
}

/// The page as Markdown.
///
/// # Errors
/// None that a test of each language would not have shown: the words are part of the program.
pub fn as_markdown(facts: &NoteFacts, language: NoteLanguage) -> Result<String, tera::Error> {
    let mut pages = Tera::default();
    // Values are escaped for Markdown, whatever a list or a zone holds.
    pages.set_escape_fn(escape);
    pages.autoescape_on(vec!["note"]);
    pages.add_raw_template("note", language.words())?;
    let written = pages.render("note", &Context::from_serialize(facts)?)?;
    Ok(without_double_gaps(&written))
}

/// The page as HTML, whole and in one file.
///
/// # Errors
/// As [`as_markdown`].
pub fn as_html(facts: &NoteFacts, language: NoteLanguage) -> Result<String, tera::Error> {
    let markdown = as_markdown(facts, language)?;
    let mut options = comrak::Options::default();
    options.extension.table = true;
    let body = comrak::markdown_to_html(&markdown, &options);
    let title = markdown.lines().next().unwrap_or_default().trim_start_matches("# ");
    let mut title_html = String::new();
    for c in title.chars() {
        match c {
            '&' => title_html.push_str("&amp;"),
            '<' => title_html.push_str("&lt;"),
            '\\' => {}
            _ => title_html.push(c),
        }
    }
    let code = language.code();
    Ok(format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title_html}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    ))
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
    padding:0 1rem;color:#1b1b1b;background:#fff}h1{font-size:1.6rem;line-height:1.25}\
    h2{font-size:1.15rem;margin-top:1.8rem}table{border-collapse:collapse;width:100%}\
    td,th{border:1px solid #c8c8c8;padding:.35rem .6rem;text-align:left;vertical-align:top;\
    overflow-wrap:anywhere}thead th:empty{padding:0;border:0}code{background:#f2f2f2;padding:.1em .3em;\
    border-radius:3px;overflow-wrap:anywhere}li{margin:.35rem 0}@media print{body{margin:0;font-size:11pt}}";

/// No value becomes Markdown, HTML or another cell of a table. An underscore stays as it is: commands
/// with addresses stand between backticks, where a backslash would be one, and no address or record
/// ends a word with it.
fn escape(value: &str, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    for c in value.chars() {
        match c {
            '\r' | '\n' => out.write_all(b" ")?,
            '*' | '`' | '[' | ']' | '<' | '>' | '|' | '\\' | '#' | '&' => {
                write!(out, "\\{c}")?;
            }
            _ => write!(out, "{c}")?,
        }
    }
    Ok(())
}

/// At most one empty line in a row: what the page leaves out leaves no hole.
fn without_double_gaps(text: &str) -> String {
    let mut kept = String::new();
    let mut was_empty = false;
    for line in text.lines() {
        let is_empty = line.trim().is_empty();
        if !(is_empty && was_empty) {
            kept.push_str(line);
            kept.push('\n');
        }
        was_empty = is_empty;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(service: &'static str) -> NoteFacts {
        NoteFacts {
            date: "2026-11-25".to_owned(),
            conference: "Forum <b>*2026*</b>".to_owned(),
            letters: "650".to_owned(),
            largest: Some("1.7 MB".to_owned()),
            account: "secretariat@forum.example".to_owned(),
            account_signs_in: true,
            author: "out_reach@forum.example".to_owned(),
            other_author: true,
            reply_to: "answers@forum.example".to_owned(),
            bounce: "secretariat@forum.example".to_owned(),
            service,
            client_id: Some("0b3c".to_owned()),
            has_tokens: !service.is_empty(),
            host: "smtp.forum.example".to_owned(),
            port: 587,
            security: "STARTTLS".to_owned(),
            pace: "30/min: 22 min".to_owned(),
            limits: "30/min, 10000/24 h, 35 MB".to_owned(),
            connections: "smtp.forum.example:587".to_owned(),
            findings: vec![NoteFinding {
                what: "SPF forum.example".to_owned(),
                found: "v=spf1 a|b -all".to_owned(),
                needed: "include:spf.protection.outlook.com".to_owned(),
            }],
        }
    }

    #[test]
    fn the_page_has_every_command_with_the_mailbox_in_every_language() {
        for language in NoteLanguage::ALL {
            let page = as_markdown(&facts("microsoft365"), language).unwrap();
            for held in [
                "`SMTP.Send`",
                "`IMAP.AccessAsUser.All`",
                "`offline_access`",
                "`http://localhost`",
                "`Set-CASMailbox -Identity secretariat@forum.example -SmtpClientAuthenticationDisabled $false`",
                "`Add-RecipientPermission -Identity out_reach@forum.example -Trustee \
                 secretariat@forum.example -AccessRights SendAs`",
                "`0b3c`",
                "| 650 ",
            ] {
                assert!(page.contains(held), "{language:?}: {held} is not in\n{page}");
            }
            assert!(!page.contains("{{") && !page.contains("{%"), "{language:?}");
            let google = as_markdown(&facts("google"), language).unwrap();
            assert!(
                google.contains("`https://mail.google.com/`") && !google.contains("CASMailbox")
            );
            let own = as_markdown(&facts(""), language).unwrap();
            assert!(
                !own.contains("Microsoft") && !own.contains("Google") && !own.contains("sign-out")
            );
        }
    }

    #[test]
    fn what_is_not_needed_is_not_asked_for() {
        let mut facts = facts("microsoft365");
        facts.other_author = false;
        facts.client_id = None;
        for language in NoteLanguage::ALL {
            let page = as_markdown(&facts, language).unwrap();
            assert!(!page.contains("SendAs") && !page.contains("0b3c"), "{page}");
        }
    }

    /// Security S8: no name or record becomes markup.
    #[test]
    fn values_stay_text() {
        for language in NoteLanguage::ALL {
            let page = as_html(&facts("microsoft365"), language).unwrap();
            assert!(page.contains("Forum &lt;b&gt;*2026*&lt;/b&gt;"), "{page}");
            assert!(!page.contains("<b>") && !page.contains("<em>2026"), "{page}");
            assert!(page.contains("<td>v=spf1 a|b -all</td>"), "{page}");
            assert_eq!(page.matches("<html lang").count(), 1);
        }
    }

    /// The three say the same: as many headings, points and rows.
    #[test]
    fn the_languages_have_one_structure() {
        for service in ["microsoft365", "google", ""] {
            let shape = |language| {
                let page = as_markdown(&facts(service), language).unwrap();
                let of = |start: &str| page.lines().filter(|l| l.starts_with(start)).count();
                (of("#"), of("|"), of("-"), of("1."), of("   - "), page.matches('`').count())
            };
            let english = shape(NoteLanguage::En);
            assert_eq!(shape(NoteLanguage::Es), english, "{service}");
            assert_eq!(shape(NoteLanguage::Fr), english, "{service}");
        }
    }
}
