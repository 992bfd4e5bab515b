//! The page for the IT department: what to allow, what the world sees, where data stays.
//!
//! Owns the page's words (`note/*.md`, one file a language) and its two forms. Pure: facts in,
//! Markdown or HTML out.

mod numbers;

use crate::address::breaks_or_turns_a_line;
use crate::limits::DNS_STRING_OCTETS_MAX;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

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

/// What the page speaks of. Numbers and sizes are written in the page's language.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NoteFacts {
    /// The day: `2026-11-25`.
    pub date: String,
    /// The conference.
    pub conference: String,
    /// How many letters, copies among them; absent where there is no plan yet.
    pub letters: Option<String>,
    /// Size of the largest letter; absent where there is no plan yet.
    pub largest: Option<String>,
    /// Size of all letters together.
    pub total: Option<String>,
    /// `30/min`, where letters are spaced.
    pub rate: Option<String>,
    /// `500/24 h`, where there is a limit.
    pub daily: Option<String>,
    /// Connections at once.
    pub connections: String,
    /// How long the mailing takes at this pace, where anything limits it.
    pub takes: Option<String>,
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
    /// What the service allows one mailbox.
    pub limits: Option<NoteLimits>,
    /// The registration's id, where there is one already.
    pub client_id: Option<String>,
    /// Whether the sign-in is with a code on another device.
    pub by_device: bool,
    /// Whether a token is kept on the computer.
    pub has_tokens: bool,
    /// The mail server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `TLS`, `STARTTLS`; absent without encryption.
    pub security: Option<&'static str>,
    /// The domains that our own keys sign for.
    pub signs_for: Option<String>,
    /// Hosts and ports that the program connects to.
    pub hosts: String,
    /// What the name service says, and what it should; empty where it was not asked.
    pub findings: Vec<NoteFinding>,
}

/// What a service allows one mailbox, and who says so.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NoteLimits {
    /// At once.
    pub connections: String,
    /// Letters a minute.
    pub a_minute: String,
    /// Recipients in 24 hours.
    pub a_day: String,
    /// Size of a message.
    pub message: String,
    /// The service's page.
    pub source: &'static str,
    /// When it was read.
    pub read: &'static str,
}

/// What is needed of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Needed {
    /// Nothing.
    Ok,
    /// [`NoteFinding::record`].
    Publish,
    /// The record that is there, without its fault.
    Mend,
    /// An SPF record; which servers send is not known here.
    Servers,
    /// That the mail server signs with a key that is published.
    Signing,
    /// The name of the key that the mail server signs with, if it does.
    Selector,
    /// Nobody could say.
    Unknown,
}

/// A line of the table of names: records as they are published, in no language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteFinding {
    /// `SPF`, `DKIM`, `DMARC`.
    pub what: &'static str,
    /// Where it stands: `_dmarc.forum.example`.
    pub name: String,
    /// What is published; empty where nothing is.
    pub found: String,
    /// What is needed.
    pub needed: Needed,
    /// The record to be published, where it is known.
    pub record: String,
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
    pages.register_filter("code", in_code);
    pages.register_filter("cell", in_code_of_a_cell);
    pages.add_raw_template("note", language.words())?;
    let mut context = Context::from_serialize(facts)?;
    let is_long = |row: &NoteFinding| {
        row.needed == Needed::Publish && row.record.len() > DNS_STRING_OCTETS_MAX
    };
    context.insert("has_long_record", &facts.findings.iter().any(is_long));
    let written = pages.render("note", &context)?;
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
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"generator\" content=\"{GENERATOR}\">\n<title>{title_html}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    ))
}

/// How a page of ours is known again.
const GENERATOR: &str = "secretariat doctor --note-for-it";

/// Whether a file's content is a page of this module: then a new one may take its place.
#[must_use]
pub fn is_note(content: &str) -> bool {
    let title = |language: NoteLanguage| {
        language.words().split("{{").next().is_some_and(|title| content.starts_with(title))
    };
    content.contains(GENERATOR) && content.starts_with("<!doctype html>")
        || NoteLanguage::ALL.into_iter().any(title)
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
    padding:0 1rem;color:#1b1b1b;background:#fff}h1{font-size:1.6rem;line-height:1.25}\
    h2{font-size:1.15rem;margin-top:1.8rem}table{border-collapse:collapse;width:100%;\
    table-layout:fixed}th:first-child{width:27%}\
    td,th{border:1px solid #c8c8c8;padding:.35rem .6rem;text-align:left;vertical-align:top;\
    overflow-wrap:anywhere}thead th:empty{padding:0;border:0}code{background:#f2f2f2;padding:.1em .3em;\
    border-radius:3px;overflow-wrap:anywhere}li{margin:.35rem 0}@media print{body{margin:0;font-size:11pt}}";

/// No value becomes Markdown, HTML or another cell of a table, and none moves the cursor of a
/// terminal or turns the direction of a line.
fn escape(value: &str, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    for c in value.chars() {
        match c {
            _ if breaks_or_turns_a_line(c) => out.write_all(b" ")?,
            '*' | '_' | '`' | '[' | ']' | '<' | '>' | '|' | '\\' | '#' | '&' | '~' => {
                write!(out, "\\{c}")?;
            }
            _ => write!(out, "{c}")?,
        }
    }
    Ok(())
}

/// A value between backticks, where nothing is escaped: without what ends them. Whoever reads the
/// Markdown itself copies it as it is.
fn in_code(value: &str, _: Kwargs, _: &State<'_>) -> Value {
    let ends = |c: char| c == '`' || breaks_or_turns_a_line(c);
    Value::safe_string(&value.chars().filter(|c| !ends(*c)).collect::<String>())
}

/// The same in a table, where a bar would end the cell.
fn in_code_of_a_cell(value: &str, options: Kwargs, state: &State<'_>) -> Value {
    let code = in_code(value, options, state);
    Value::safe_string(&code.as_str().unwrap_or_default().replace('|', "\\|"))
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
            conference: "Forum <b>*2026*</b> _a_".to_owned(),
            letters: Some("650".to_owned()),
            largest: Some("1.7 MB".to_owned()),
            total: Some("1.1 GB".to_owned()),
            rate: Some("30/min".to_owned()),
            account: "secretariat@forum.example".to_owned(),
            account_signs_in: true,
            author: "out_reach@forum.example".to_owned(),
            other_author: true,
            reply_to: "answers@forum.example".to_owned(),
            bounce: "secretariat@forum.example".to_owned(),
            service,
            limits: Some(NoteLimits::default()),
            client_id: Some("0b3c".to_owned()),
            has_tokens: !service.is_empty(),
            host: "smtp.forum.example".to_owned(),
            port: 587,
            security: Some("STARTTLS"),
            hosts: "smtp.forum.example:587".to_owned(),
            findings: vec![NoteFinding {
                what: "SPF",
                name: "forum.example".to_owned(),
                found: "v=spf1 a|b -all".to_owned(),
                needed: Needed::Publish,
                record: "v=spf1 include:_spf.x.example a|b -all".to_owned(),
            }],
            ..NoteFacts::default()
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
                "| 650",
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
        facts.findings.clear();
        for language in NoteLanguage::ALL {
            let page = as_markdown(&facts, language).unwrap();
            assert!(
                !page.contains("SendAs ") && !page.contains("0b3c") && !page.contains("255"),
                "{page}"
            );
        }
    }

    /// Security S8: no name or record becomes markup.
    #[test]
    fn values_stay_text() {
        for language in NoteLanguage::ALL {
            let page = as_html(&facts("microsoft365"), language).unwrap();
            assert!(page.contains("Forum &lt;b&gt;*2026*&lt;/b&gt; _a_"), "{page}");
            assert!(!page.contains("<b>") && !page.contains("<em>2026"), "{page}");
            assert!(!page.contains("<em>a<"), "{page}");
            assert!(page.contains("<td><code>v=spf1 a|b -all</code></td>"), "{page}");
            assert_eq!(page.matches("<html lang").count(), 1);
        }
    }

    /// Security S8: nor does it end a code, a cell or a line, or speak to a terminal.
    #[test]
    fn values_end_nothing() {
        let mut facts = facts("microsoft365");
        facts.account = "a` | <b>x</b>\n# y\u{1b}[2J\u{202e}".to_owned();
        let page = as_html(&facts, NoteLanguage::En).unwrap();
        assert!(page.contains("-Identity a | &lt;b&gt;x&lt;/b&gt;# y[2J -Smtp"), "{page}");
        assert!(!page.contains("<b>") && !page.contains("<h1>y"), "{page}");
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{page}");
    }

    #[test]
    fn a_page_is_known_again() {
        for language in NoteLanguage::ALL {
            assert!(is_note(&as_markdown(&facts(""), language).unwrap()));
            assert!(is_note(&as_html(&facts(""), language).unwrap()));
        }
        assert!(!is_note("# For the bakers") && !is_note("<!doctype html>\n<title>x</title>"));
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
