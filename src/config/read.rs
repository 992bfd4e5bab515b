//! `secretariat.toml`: its text in, a [`Config`] out, with every problem of the file in one pass.
//!
//! Owns the top of the file and its small tables. `[sender]`, `[attachments.*]` and
//! `[campaigns.*]` are `campaigns.rs`, `[relay]` and `[retry]` are `relay.rs`. No I/O.
//!
//! # Invariants
//! A key is known exactly when it is taken here. Examples in hints can be copied into the file.
//! What is not there because it has an error is not called missing or unknown besides.

use super::campaigns::{FROM_EXAMPLE, read_attachment, read_campaign, read_sender};
use super::dkim::read_dkim;
use super::environment::Environment;
use super::lists::read_lists;
use super::names::{is_name, parse_campaign_id, parse_language, unknown};
use super::people::read_people;
use super::relay::{read_relay, read_retry};
use super::section::{
    Entry, Placed, Reader, Refusal, Section, TOP_KEY, TOP_KEY_HINT, as_section, texts,
};
use super::service::check_senders;
use super::units::parse_size;
use super::{Config, Languages, Limits, syntax};
use crate::address::breaks_or_turns_a_line;
use crate::id::CampaignId;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use crate::recipients::ColumnSetting;
use std::collections::BTreeMap;
use toml::de::DeValue;

/// Reads a configuration; every problem is kept.
///
/// `None` when the text is not TOML; with single errors what is right comes back, so that one pass
/// finds the problems of lists and letters too. Nothing may be sent then. A reference to an
/// attachment or campaign that has an error itself is no second error.
pub fn read(
    file: &str,
    bytes: &[u8],
    environment: &Environment,
    problems: &mut Problems,
) -> Option<Config> {
    let text = problems.take_from(syntax::decode(file, bytes))?;
    let (table, syntax_errors) = syntax::parse(file, text);
    let is_whole = syntax_errors.is_empty();
    let mut reader = Reader::new(file, text, syntax_errors, problems);
    let top = Section::new("", Place::at(file, 1, 1), table, &reader);
    let config = read_top(top, environment, &mut reader);
    is_whole.then_some(config)
}

fn read_top(mut top: Section<'_>, environment: &Environment, reader: &mut Reader<'_>) -> Config {
    let languages = read_languages(top.take_section("languages", "[languages]", reader), reader);
    let attachment_tables = read_tables(&mut top, "attachments", "statement", reader);
    let attachment_ids: Vec<String> = attachment_tables.iter().map(|(id, _)| id.clone()).collect();
    let has_sender = top.has_within("sender", "from");
    let sender = top.take_section("sender", "[sender]", reader);
    let sender_place = sender.as_ref().map_or(&top.place, |s| &s.place).clone();
    let sender = sender.map(|s| read_sender(s, &languages, reader)).unwrap_or_default();
    let campaign_tables = read_tables(&mut top, "campaigns", "outcome", reader);
    if !has_sender && campaign_tables.iter().any(|(_, table)| !table.has_within("sender", "from")) {
        reader.report_absence(no_sender(sender_place));
    }
    let campaign_ids: Vec<String> = campaign_tables.iter().map(|(id, _)| id.clone()).collect();
    let default_campaign = read_default_campaign(&mut top, &campaign_ids, reader);
    let conference = read_conference(&mut top, reader);
    let errors_before = reader.errors();
    let relay = read_relay(top.take_section("relay", "[relay]", reader), environment, reader);
    let relay_is_broken = reader.errors() > errors_before;
    let dkim = read_dkim(&mut top, reader);
    let retry = read_retry(top.take_section("retry", "[retry]", reader), reader);
    let columns = read_columns(top.take_section("columns", "[columns]", reader), reader);
    let people = read_people(top.take_section("people", "[people]", reader), reader);
    let lists = read_lists(top.take_section("lists", "[lists]", reader), reader);
    let limits = read_limits(top.take_section("limits", "[limits]", reader), reader);
    top.finish(reader);
    let mut campaigns = Vec::new();
    for (id, table) in campaign_tables {
        campaigns.extend(read_campaign(&id, table, &sender, &languages, &attachment_ids, reader));
    }
    if let Some(relay) = &relay {
        check_senders(relay, &campaigns, reader);
    }
    let attachments = attachment_tables
        .into_iter()
        .filter_map(|(id, table)| read_attachment(id, table, &languages, reader))
        .collect();
    Config {
        default_campaign,
        conference,
        relay,
        relay_is_broken,
        dkim,
        retry,
        languages,
        columns,
        people,
        lists,
        attachments,
        campaigns,
        limits,
    }
}

fn no_sender(place: Place) -> Problem {
    let hint = format!("Write from = {FROM_EXAMPLE} under [sender].");
    Problem::error("config-missing", "sender.from is missing").place(place).hint(hint)
}

/// The tables beneath a key, such as `[campaigns.*]`, in the order of the file.
fn read_tables<'t>(
    top: &mut Section<'t>,
    key: &'static str,
    example: &str,
    reader: &mut Reader<'_>,
) -> Vec<(String, Section<'t>)> {
    let example = format!("[{key}.{example}]");
    let Some(mut tables) = top.take_section(key, &example, reader) else { return Vec::new() };
    let mut read = Vec::new();
    for (id, entry) in tables.take_rest() {
        if let Some(table) = as_section(tables.name(&id), entry, &example, reader) {
            read.push((id, table));
        }
    }
    read
}

fn read_default_campaign(
    top: &mut Section<'_>,
    campaigns: &[String],
    reader: &mut Reader<'_>,
) -> Option<Placed<CampaignId>> {
    let id = top.take_meaning(TOP_KEY, "\"outcome\"", reader, parse_campaign_id)?;
    if !campaigns.iter().any(|c| c == id.value.as_str()) {
        let refusal = unknown(id.value.as_str(), "campaign", campaigns);
        reader.report_absence(
            Problem::error("config-value", format!("{TOP_KEY} {}", refusal.message))
                .place(id.place)
                .hint(refusal.hint),
        );
        return None;
    }
    Some(id)
}

fn read_conference(top: &mut Section<'_>, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let section = top.take_section("conference", "[conference]", reader);
    let place = section.as_ref().map_or(&top.place, |s| &s.place).clone();
    for (key, entry) in section.into_iter().flat_map(|mut s| s.take_rest()) {
        if key == TOP_KEY {
            let message = format!("{key} stands in [conference]");
            reader.report(
                Problem::error("config-unknown-key", message).place(entry.place).hint(TOP_KEY_HINT),
            );
        } else if is_name(&key, "conference", &entry.place, reader) {
            // A name that is wrong is there, so it is not called missing besides.
            facts.insert(key.clone(), fact(&key, &entry, reader).unwrap_or_default());
        }
    }
    if !facts.contains_key("name") {
        let problem = Problem::error("config-missing", "conference.name is missing").place(place);
        let hint = "Write name = \"...\" under [conference]: what letters call it.";
        reader.report_absence(problem.hint(hint));
    }
    facts
}

/// A free value: text as it is; numbers and dates as they are written.
fn fact(key: &str, entry: &Entry<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let name = format!("conference.{key}");
    let place = reader.place(entry.value.span().start);
    let text = match entry.value.get_ref() {
        // A text of several lines has the line ends of the file.
        DeValue::String(text) => text.replace("\r\n", "\n"),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => {
            reader.source(entry.value.span()).to_owned()
        }
        _ => {
            // The wrong type is reported in the words of a text.
            return reader.text(&name, &entry.value, &format!("{key} = \"...\"")).map(|t| t.value);
        }
    };
    let hint = format!("Write {key} = \"...\".");
    if text.contains(|c: char| c.is_control() && c != '\n') {
        reader.refuse(&name, &place, Refusal::new("holds a control character", hint));
        return None;
    }
    // It stands in subjects and, with its mailings, in headers (security S2, S13).
    if key == "name" && text.contains(breaks_or_turns_a_line) {
        let refusal =
            Refusal::new("holds a line break or a mark that turns the writing round", hint);
        reader.refuse(&name, &place, refusal);
        return None;
    }
    if key == "name" && text.trim().is_empty() {
        reader.refuse(&name, &place, Refusal::new("is empty", hint));
        return None;
    }
    Some(text)
}

fn read_languages(section: Option<Section<'_>>, reader: &mut Reader<'_>) -> Languages {
    let mut default = None;
    let mut by_country = BTreeMap::new();
    if let Some(mut section) = section {
        default = section.take_meaning("default", "\"en\"", reader, parse_language);
        let example = "by_country = { FR = \"fr\" }";
        if let Some(mut countries) = section.take_section("by_country", example, reader) {
            for (code, entry) in countries.take_rest() {
                let name = countries.name(&code);
                let text = reader.text(&name, &entry.value, &format!("{code} = \"fr\""));
                let language = text.and_then(|text| reader.meaning(&name, text, parse_language));
                if let Err(refusal) = check_country(&code) {
                    reader.refuse(&name, &entry.place, refusal);
                } else if let Some(language) = language {
                    by_country.insert(code, language.value);
                }
            }
        }
        section.finish(reader);
    }
    let default = default.map_or_else(Language::english, |d| d.value);
    Languages { default, by_country }
}

fn read_columns(section: Option<Section<'_>>, reader: &mut Reader<'_>) -> Vec<ColumnSetting> {
    let mut columns = Vec::new();
    for (name, entry) in section.into_iter().flat_map(|mut s| s.take_rest()) {
        let full_name = format!("columns.{name}");
        let example = format!("{name} = \"E-mail address (office)\"");
        let headers = texts(&full_name, &entry.value, &example, reader);
        let is_named = is_name(&name, "columns", &entry.place, reader);
        if let Some(empty) = headers.iter().find(|header| header.value.trim().is_empty()) {
            let hint = format!("Write the header as it stands in the list: {example}.");
            reader.refuse(&full_name, &empty.place, Refusal::new("is empty", hint));
        } else if is_named && !headers.is_empty() {
            let headers = headers.into_iter().map(|header| header.value).collect();
            columns.push(ColumnSetting { name, headers, place: entry.place });
        }
    }
    columns
}

fn read_limits(section: Option<Section<'_>>, reader: &mut Reader<'_>) -> Limits {
    let usual = Limits::default();
    let Some(mut section) = section else { return usual };
    let warn = section.take_meaning("letter_warn", "\"10 MB\"", reader, parse_size);
    let error = section.take_meaning("letter_error", "\"18 MB\"", reader, parse_size);
    let limits = Limits {
        letter_warn: warn.as_ref().map_or(usual.letter_warn, |w| w.value),
        letter_error: error.as_ref().map_or(usual.letter_error, |e| e.value),
    };
    if limits.letter_warn > limits.letter_error {
        let place = error.or(warn).map_or_else(|| section.place.clone(), |written| written.place);
        let hint = "Write a letter_warn (10 MB unless written) of at most letter_error (18 MB).";
        let refusal = Refusal::new("is less than limits.letter_warn", hint);
        reader.refuse("limits.letter_error", &place, refusal);
    }
    section.finish(reader);
    limits
}

/// ISO 3166 alpha-2, as lists are understood.
fn check_country(code: &str) -> Result<(), Refusal> {
    // Codes in use for countries that ISO 3166 calls otherwise.
    let meant = match code {
        "UK" => Some("GB".to_owned()),
        "EL" => Some("GR".to_owned()),
        _ if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) => return Ok(()),
        _ => Some(code.to_ascii_uppercase()).filter(|c| c.len() == 2 && c.is_ascii()),
    };
    let hint = match meant {
        Some(meant) => format!("Write {meant}."),
        None => "Write two capital letters, such as FR.".to_owned(),
    };
    Err(Refusal::new("is no ISO 3166 country code", hint))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{PasswordSource, SignIn};
    use std::time::Duration;

    /// The least that can be sent from.
    pub(in crate::config) const LEAST: &str = r#"
        [conference]
        name = "World Forum"
        [sender]
        from = "World Forum <secretariat@forum.example>"
        [campaigns.outcome]
    "#;

    pub(in crate::config) fn read_with(
        text: &str,
        variables: &[(&str, &str)],
    ) -> (Option<Config>, Problems) {
        let mut problems = Problems::new();
        let environment = Environment::of(variables);
        (read("f", text.as_bytes(), &environment, &mut problems), problems)
    }

    /// A configuration without a problem.
    #[track_caller]
    pub(in crate::config) fn config(text: &str) -> Config {
        let (config, problems) = read_with(text, &[]);
        assert!(problems.is_empty(), "{problems:#?}");
        config.unwrap()
    }

    /// `line:column message | hint` of each problem, by place.
    pub(in crate::config) fn found(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
        let (_, problems) = read_with(text, variables);
        let shown = |p: &&Problem| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let place = place.trim_start_matches("f:").to_owned();
            format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
        };
        problems.sorted().iter().map(shown).collect()
    }

    /// `text` added to the least has one problem, which begins with `expected`; lines count from
    /// the first of `text`.
    #[track_caller]
    pub(in crate::config) fn check(text: &str, expected: &str) {
        check_with(text, &[], expected);
    }

    #[track_caller]
    fn check_with(text: &str, variables: &[(&str, &str)], expected: &str) {
        // The table goes first, so that its lines count from 1.
        let found = found(&format!("{text}\n{LEAST}"), variables);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert!(
            found[0].starts_with(expected),
            "{text}\n  found    {}\n  expected {expected}",
            found[0]
        );
    }

    #[test]
    fn the_least_is_enough() {
        let config = config(LEAST);
        let campaign = config.campaign(None).unwrap();
        assert_eq!(campaign.letter.value, "templates/outcome");
        assert_eq!(campaign.recipients[0].value, "recipients/*");
        assert_eq!(config.languages.default.as_str(), "en");
        assert!(config.relay.is_none());
        assert_eq!((config.retry, config.limits), Default::default());
    }

    /// The contract's example, with the keys there are now.
    #[test]
    fn the_example_reads_fully() {
        let config = config(
            r#"
            default_campaign = "outcome"
            [conference]
            name = "World Forum"
            website = "https://forum.example"
            year = 2_026
            first_day = 2026-10-12
            address = "4 Harbour Steps\r\nAlmara"
            [sender]
            from.en = "Secretariat <secretariat@forum.example>"
            from.fr = "Secrétariat <secretariat@forum.example>"
            reply_to = "answers@forum.example"
            bounce_address = "bounces@forum.example"
            [relay]
            url = "smtps://mail.forum.example"
            user = "secretariat@forum.example"
            password = { command = ["pass", "relay"] }
            sign_in = "password"
            ca_file = "office-ca.pem"
            hello = "mail.forum.example"
            allow_plaintext = false
            [retry]
            first_wait = "1min"
            max_wait = "2h"
            give_up_after = "36h"
            [languages]
            default = "en"
            by_country = { FR = "fr", BR = "pt-BR" }
            [columns]
            email = "E-mail address (office)"
            family_name = ["姓名", "Nom"]
            [attachments.statement]
            title = { en = "Statement", fr = "Déclaration" }
            file = "attachments/statement.{language}.pdf"
            name = "statement-{language}.pdf"
            [attachments.programme]
            title = "Programme"
            file = "attachments/{id}.pdf"
            [campaigns.thank-you]
            sender.reply_to = "thanks@forum.example"
            [campaigns.outcome]
            name = "Outcome letter"
            recipients = ["recipients/*.csv", "recipients/vip/*"]
            letter = "templates/final/"
            attachments = ["programme", "statement"]
            [limits]
            letter_warn = "5 MB"
            letter_error = "20 MB"
            "#,
        );
        assert_eq!(config.conference["year"], "2_026");
        assert_eq!(config.conference["first_day"], "2026-10-12");
        assert_eq!(config.conference["address"], "4 Harbour Steps\nAlmara");
        let relay = config.relay.as_ref().unwrap();
        assert_eq!(relay.url.to_string(), "smtps://mail.forum.example:465");
        let SignIn::Password { password, .. } = &relay.sign_in else { panic!("nobody signs in") };
        let command = ["pass", "relay"].map(str::to_owned).to_vec();
        assert_eq!(password.value, PasswordSource::Command(command));
        assert_eq!(password.place.to_string(), "f:17:24");
        assert_eq!(config.retry.give_up_after, Duration::from_secs(36 * 3_600));
        assert_eq!(config.limits.letter_error, 20 << 20);
        let options = config.recipients_options();
        assert_eq!(options.language_by_country["BR"].as_str(), "pt-br");
        assert_eq!(options.columns[1].headers, ["姓名", "Nom"]);
        assert_eq!(options.columns[1].place.to_string(), "f:31:13");
        let outcome = config.campaign(None).unwrap();
        let numbers: Vec<_> =
            config.attachments_of(outcome).map(|(n, a)| (n, a.id.as_str())).collect();
        assert_eq!(numbers, [(1, "programme"), (2, "statement")]);
        assert_eq!(outcome.letter.value, "templates/final");
        assert_eq!(outcome.facts()["name"], "Outcome letter");
        let thanks = config.campaign(Some("thank-you")).unwrap();
        let of = |language: &str| {
            let language = Language::parse_tag(language).unwrap();
            thanks.sender.in_language(&language, &config.languages.default).unwrap()
        };
        assert_eq!(of("fr").from.name.as_deref(), Some("Secrétariat"));
        assert_eq!(of("ru").from.name.as_deref(), Some("Secretariat"));
        assert_eq!(of("ru").reply_to.unwrap().to_string(), "thanks@forum.example");
        assert_eq!(of("ru").bounce_address.unwrap().as_str(), "bounces@forum.example");
    }

    /// The sample that `init` writes is the repository's own.
    #[test]
    fn the_sample_reads_fully() {
        let config = config(include_str!("../../secretariat.toml"));
        let outcome = config.campaign(None).unwrap();
        assert_eq!(config.attachments_of(outcome).count(), outcome.attachments.len());
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        for (text, expected) in [
            ("conferense = 1", "1:1 unknown key \"conferense\" | Did you mean conference?"),
            (
                "[relay]\nurl = \"smtps://x\"\nusr = \"a\"",
                "3:1 unknown key \"usr\" in [relay] | Did you mean user?",
            ),
            (
                "[languages]\ncolour = 1",
                "2:1 unknown key \"colour\" in [languages] | Known here: default, by_country.",
            ),
            (
                "[limits]\ndefault_campaign = \"x\"",
                "2:1 unknown key \"default_campaign\" in [limits] | Move it to the top",
            ),
            (
                "[campaigns.x]\nrecpients = []",
                "2:1 unknown key \"recpients\" in [campaigns.x] | Did you mean recipients?",
            ),
            (
                "[campaigns.x]\nsender.form = \"a\"",
                "2:8 unknown key \"form\" in [campaigns.x.sender] | Did you mean from?",
            ),
            (
                "[relay]\nurl = \"smtps://x\"\nspeed = \"30/min\"",
                "3:1 unknown key \"speed\" in [relay] | Known here: service, url, ",
            ),
            (
                "[relay]\nurl = \"smtps://x\"\nuser = \"a\"\npassword = { envv = \"A\" }",
                "4:14 unknown key \"envv\" in [relay.password] | Did you mean env?",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn wrong_types_say_what_to_write() {
        for (text, expected) in [
            (
                "default_campaign = 1",
                "1:20 default_campaign must be text in quotation marks, not a number | Write \
                 default_campaign = \"outcome\".",
            ),
            ("relay = \"smtps://x\"", "1:9 relay must be a table, not text | Write [relay]."),
            ("[[relay]]\nurl = \"x\"", "1:1 relay must be a table, not a list | Write [relay]."),
            (
                "[relay]\nurl = \"smtps://x\"\nallow_plaintext = \"yes\"",
                "3:19 relay.allow_plaintext must be true or false, not text | Write \
                 allow_plaintext = true.",
            ),
            (
                "[retry]\nfirst_wait = 5",
                "2:14 retry.first_wait must be text in quotation marks, not a number | Write \
                 first_wait = \"5min\".",
            ),
            (
                "[columns]\nemail = 3",
                "2:9 columns.email must be a list of texts, not a number | Write email = \"E-mail",
            ),
            (
                "[columns]\nemail = [\"a\", true]",
                "2:15 columns.email must be text in quotation marks, not true or false | Write \
                 email",
            ),
            (
                "[campaigns.x]\nrecipients = { a = 1 }",
                "2:14 campaigns.x.recipients must be a list of texts, not a table | Write \
                 recipients = [\"recipients/*.csv\"].",
            ),
            (
                "campaigns.x = 1",
                "1:15 campaigns.x must be a table, not a number | Write [campaigns.outcome].",
            ),
            (
                "[attachments.a]\ntitle.en = 2026-01-01\nfile = \"a\"",
                "2:12 attachments.a.title.en must be text in quotation marks, not a date or time \
                 | Write en = \"Statement\".",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn bad_values_are_refused_with_what_to_write() {
        for (text, expected) in [
            (
                "default_campaign = \"outcom\"",
                "1:20 default_campaign names the campaign \"outcom\", which there is not | Did \
                 you mean outcome?",
            ),
            (
                "default_campaign = \"x/y\"",
                "1:20 default_campaign cannot name a campaign: \"x/y\" | Write small",
            ),
            (
                "[columns]\n\"Prénom\" = \"x\"",
                "2:1 the key \"Prénom\" in [columns] cannot be used in letters | Write prenom.",
            ),
            ("[columns]\nemail = \"\"", "2:9 columns.email is empty | Write the header"),
            (
                "[languages]\ndefault = \"English\"",
                "2:11 languages.default is no language tag: \"English\" | Write \"en\".",
            ),
            (
                "[languages]\nby_country = { fr = \"fr\" }",
                "2:16 languages.by_country.fr is no ISO 3166 country code | Write FR.",
            ),
            (
                "[languages]\nby_country = { UK = \"en\" }",
                "2:16 languages.by_country.UK is no ISO 3166 country code | Write GB.",
            ),
            (
                "[languages]\nby_country = { France = \"fr\" }",
                "2:16 languages.by_country.France is no ISO 3166 country code | Write two",
            ),
            (
                "[limits]\nletter_warn = \"big\"",
                "2:15 limits.letter_warn is no size: \"big\" | Write a number with KB or MB",
            ),
            (
                "[limits]\nletter_warn = \"20 MB\"",
                "2:15 limits.letter_error is less than limits.letter_warn | Write a letter_warn",
            ),
            (
                "[retry]\nfirst_wait = \"2h\"",
                "2:14 retry.max_wait is shorter than retry.first_wait | Unless written",
            ),
            (
                "[retry]\ngive_up_after = \"1min\"",
                "2:17 retry.give_up_after is shorter than retry.max_wait | Unless written",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn the_conference_has_a_name_and_keys_for_letters() {
        let rest = "\n[sender]\nfrom = \"a@x.example\"";
        for (text, expected) in [
            ("", "1:1 conference.name is missing | Write name = \"...\" under [conference]"),
            ("[conference]\ntown = \"A\"", "1:2 conference.name is missing | Write"),
            ("[conference]\nname = \" \"", "2:8 conference.name is empty | Write name"),
            (
                "[conference]\nname = true",
                "2:8 conference.name must be text in quotation marks, not true or false | Write \
                 name = \"...\".",
            ),
            (
                "[conference]\nname = \"A\"\nshort-name = \"B\"",
                "3:1 the key \"short-name\" in [conference] cannot be used in letters | Write \
                 short_name.",
            ),
            (
                "[conference]\nname = \"A\"\n\"имя\" = \"B\"",
                "3:1 the key \"имя\" in [conference] cannot be used in letters | Write",
            ),
            (
                "[conference]\nname = \"A\"\ndefault_campaign = \"B\"",
                "3:1 default_campaign stands in [conference] | Move it to the top",
            ),
            (
                "[conference]\nname = \"A\"\ntown = \"a\\u0000b\"",
                "3:8 conference.town holds a control character | Write",
            ),
        ] {
            let found = found(&format!("{text}{rest}"), &[]);
            assert_eq!(found.len(), 1, "{text}: {found:#?}");
            assert!(found[0].starts_with(expected), "{text}: {}", found[0]);
        }
    }

    #[test]
    fn all_problems_are_found_in_one_pass() {
        let text = "default_campaign = 1\n[relay]\nurl = smtp://x\nusr = \"a\"\n\
                    [retry]\nfirst_wait = \"soon\"\n[campaigns.x]\nletter = \"/x\"\n\
                    attachments = [\"a\"]";
        let places: Vec<String> =
            found(text, &[]).iter().map(|f| f.split(' ').next().unwrap().to_owned()).collect();
        // What a syntax error may have hidden is not called missing: name, sender, attachment.
        assert_eq!(places, ["1:20", "3:7", "4:1", "6:14", "8:10"]);
        let whole = text.replace("smtp://x", "\"smtps://x\"");
        let places: Vec<String> =
            found(&whole, &[]).iter().map(|f| f.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(places, ["1:1", "1:1", "1:20", "4:1", "6:14", "8:10", "9:16"]);
    }

    #[test]
    fn the_campaign_meant_is_named_or_the_only_one() {
        let two = format!("{LEAST}\n[campaigns.thank-you]");
        let message = |text: &str, name: Option<&str>| {
            let problem = config(text).campaign(name).unwrap_err();
            format!("{} | {}", problem.message, problem.hint.unwrap_or_default())
        };
        assert_eq!(
            message(&two, None),
            "no mailing is named | \
                Name one of outcome, thank-you, or write default_campaign."
        );
        assert_eq!(
            message(&two, Some("outcom")),
            "there is no mailing \"outcom\" | Did you mean outcome?"
        );
        assert_eq!(
            message(&two, Some("x")),
            "there is no mailing \"x\" | There are outcome, thank-you."
        );
        let chosen = format!("default_campaign = \"thank-you\"\n{two}");
        assert_eq!(config(&chosen).campaign(None).unwrap().id.as_str(), "thank-you");
        assert!(
            message("[conference]\nname = \"A\"", None)
                .starts_with("secretariat.toml has no mailing")
        );
    }
}
