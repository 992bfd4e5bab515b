//! `send --dry-run`: everything but the network and the ledger, and the letters as they would go.
//!
//! The letters are read by two mail programs nobody here wrote, because what matters is what a
//! participant sees.

use crate::support::python;
use crate::support::reader::{self, Reading, eml_files, read_folder, sha256};
use crate::support::relay::Relay;
use crate::support::workspace::{Workspace, pdf, person};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rows of the sample's lists as they are written there: address and language cell.
fn sample_rows(workspace: &Workspace) -> Vec<(String, String)> {
    let lists = [
        ("delegations.csv", b';', "Courriel", "Langue"),
        ("inscripciones.tsv", b'\t', "Correo electrónico", "Idioma"),
        ("registration.csv", b',', "E-mail", "Language"),
    ];
    let mut rows = Vec::new();
    for (file, delimiter, email, language) in lists {
        let text = std::fs::read_to_string(workspace.path().join("recipients").join(file));
        let text = text.expect("the sample's lists are UTF-8").replace('\u{feff}', "");
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let headers = reader.headers().expect("a header").clone();
        let at = |name: &str| headers.iter().position(|h| h == name).expect("a column");
        let (email, language) = (at(email), at(language));
        for row in reader.records() {
            let row = row.expect("a row");
            rows.push((row[email].trim().to_owned(), row[language].trim().to_owned()));
        }
    }
    rows
}

/// The sample's words for languages; an empty cell is the default.
fn language_of(cell: &str) -> &'static str {
    match cell.to_lowercase().as_str() {
        "" | "en" | "english" | "anglais" | "inglés" => "en",
        "fr" | "french" | "français" | "francés" => "fr",
        "es" | "spanish" | "espagnol" | "español" => "es",
        "ar" | "arabic" | "arabe" | "árabe" => "ar",
        "ru" | "russian" | "russe" | "ruso" => "ru",
        "zh" | "chinese" | "chinois" | "chino" => "zh",
        other => panic!("the sample has a language this test does not know: {other}"),
    }
}

/// Address (as it is sent, in lower case) to language, first row first: one letter for each.
fn sample_people(workspace: &Workspace) -> BTreeMap<String, &'static str> {
    let mut people = BTreeMap::new();
    for (address, cell) in sample_rows(workspace) {
        let (local, domain) = address.rsplit_once('@').expect("the sample's addresses are good");
        let domain = idna::domain_to_ascii(domain).expect("the sample's domains are good");
        let address = format!("{local}@{domain}").to_lowercase();
        people.entry(address).or_insert_with(|| language_of(&cell));
    }
    people
}

/// `NNNNNN-ADDRESS.eml`, with %XX for what file systems do not like.
fn address_of(file: &str) -> String {
    let (number, rest) = file.split_once('-').expect("a number, a hyphen");
    assert!(number.len() == 6 && number.bytes().all(|b| b.is_ascii_digit()), "{file}");
    let name = rest.strip_suffix(".eml").expect(".eml");
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"@._+-%".contains(&b);
    assert!(name.bytes().all(allowed) && file.len() <= 200, "{file}");
    let mut pieces = name.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).expect("two hex digits after %"));
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("an address is UTF-8")
}

/// Without the marks that keep directions apart and with plain spaces: what the eye sees.
fn visible(text: &str) -> String {
    let shown = text.chars().filter(|c| !('\u{2066}'..='\u{2069}').contains(c));
    shown.map(|c| if matches!(c, '\u{a0}' | '\u{202f}') { ' ' } else { c }).collect()
}

#[test]
fn the_sample_is_planned_for_650_people_without_network_or_ledger() {
    let relay = Relay::start();
    let workspace = Workspace::sample();
    let config = std::fs::read_to_string(workspace.path().join("secretariat.toml"));
    let config = config.expect("a configuration").replace("smtp://127.0.0.1:2525", &relay.url());
    let workspace = workspace.whole_config(&config);
    workspace.write_config();
    let before = workspace.inventory();
    let plan = workspace.plan();
    assert_eq!(workspace.inventory(), before, "a dry run creates and changes nothing");
    assert_eq!(relay.sessions(), 0, "a dry run does not touch the network");

    let people = sample_people(&workspace);
    assert_eq!(people.len(), 650);
    assert_eq!(plan["letters"], 650);
    let excluded = plan["excluded"].as_array().expect("a list");
    assert_eq!(excluded.len(), sample_rows(&workspace).len() - 650);
    let mut languages: BTreeMap<&str, u64> = BTreeMap::new();
    people.values().for_each(|language| *languages.entry(language).or_default() += 1);
    assert_eq!(plan["languages"], serde_json::json!(languages));
}

#[test]
fn the_json_has_the_fields_and_types_of_the_contract() {
    let workspace =
        Workspace::with_people(3).list("vip.csv", format!("email\n{}\n", person(2).to_uppercase()));
    let plan = workspace.plan();
    assert_eq!((&plan["schema"], &plan["command"]), (&1.into(), &"send".into()));
    assert_eq!(plan["campaign"], "outcome");
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let is_hex = fingerprint.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    assert!(fingerprint.len() == 64 && is_hex, "{fingerprint}");
    assert_eq!((&plan["letters"], &plan["copies"]), (&3.into(), &0.into()));
    assert_eq!(plan["languages"], serde_json::json!({"en": 3}));
    assert!(plan["problems"].is_array());
    assert!(plan["bytes_total"].as_u64() > plan["bytes_largest"].as_u64());
    assert_eq!(plan["estimated_seconds"], 0, "no pace is set");
    let excluded = plan["excluded"].as_array().expect("a list");
    assert_eq!(excluded.len(), 1);
    assert_eq!(excluded[0]["file"], "recipients/vip.csv");
    assert_eq!(excluded[0]["line"], 2);
    assert!(excluded[0]["address"].as_str().is_some_and(|a| a.eq_ignore_ascii_case(&person(2))));
    let reason = excluded[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("registration.csv"), "names the row that won: {reason}");
    for problem in plan["problems"].as_array().expect("a list") {
        check_problem(problem);
    }
}

/// A problem has all its parts, absent ones null.
pub fn check_problem(problem: &Value) {
    let parts =
        ["severity", "code", "message", "hint", "file", "line", "column", "recipient", "count"];
    for part in parts {
        assert!(problem.get(part).is_some(), "{part} is missing in {problem:#}");
    }
    let severity = problem["severity"].as_str().unwrap_or_default();
    assert!(["error", "warning", "note"].contains(&severity), "{problem:#}");
    let code = problem["code"].as_str().unwrap_or_default();
    let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    assert!(!code.is_empty() && code.bytes().all(kebab), "{problem:#}");
    let message = problem["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty() && !message.ends_with('.'), "{problem:#}");
}

#[test]
fn every_letter_of_the_sample_is_read_by_two_mail_programs() {
    let workspace = Workspace::sample();
    let folder = workspace.beside("letters");
    let arguments = ["send", "--dry-run", "--out", &folder.to_string_lossy()];
    let (code, plan) = workspace.run_json(&arguments);
    assert_eq!(code, Some(0), "{plan:#}");
    let files = eml_files(&folder);
    let sizes = files.iter().map(|(_, bytes)| bytes.len() as u64);
    assert_eq!(plan["bytes_total"].as_u64(), Some(sizes.clone().sum()));
    assert_eq!(plan["bytes_largest"].as_u64(), sizes.max());

    let ours = read_folder(&folder);
    check_sample(&workspace, &ours);
    let Some(theirs) = python::read_folder(&folder) else { return };
    check_sample(&workspace, &theirs);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let same = |r: &Reading| (r.file.clone(), r.subject.clone(), r.message_id.clone());
        assert_eq!(same(ours), same(theirs));
        assert_eq!((&ours.structure, ours.date), (&theirs.structure, theirs.date), "{}", ours.file);
        assert_eq!((&ours.to, &ours.to_names), (&theirs.to, &theirs.to_names));
        assert_eq!(ours.attachments, theirs.attachments, "{}", ours.file);
    }
}

/// What one mail program must find in the letters of the sample.
fn check_sample(workspace: &Workspace, letters: &[Reading]) {
    let people = sample_people(workspace);
    assert_eq!(letters.len(), people.len());
    let message_ids: BTreeSet<&str> = letters.iter().map(|r| r.message_id.as_str()).collect();
    assert_eq!(message_ids.len(), letters.len(), "every letter has its own Message-ID");
    let numbers: Vec<&str> = letters.iter().map(|r| &r.file[..6]).collect();
    assert_eq!(numbers[0], "000001");
    assert!(numbers.windows(2).all(|n| n[0] < n[1]), "every letter has its own number");
    let mut seen = BTreeSet::new();
    for letter in letters {
        let file = &letter.file;
        assert_eq!(letter.defects, [""; 0], "{file}");
        let address = address_of(file);
        assert_eq!(letter.to, [address.as_str()], "{file}: one To, the file's address");
        assert_eq!(letter.from, ["secretariat@forum.example"], "{file}");
        assert_eq!(letter.date, Some(1_793_871_000.0), "{file}: SECRETARIAT_NOW is the date");
        let once = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Reply-To"];
        for name in once {
            let count = letter.headers.iter().filter(|h| h.eq_ignore_ascii_case(name)).count();
            assert_eq!(count, 1, "{file}: {name}");
        }
        let language = people.get(&address.to_lowercase()).expect("somebody of the lists");
        check_documents(workspace, letter, language);
        let text = letter.text.as_deref().expect("a plain text");
        let html = letter.html.as_deref().expect("an HTML text");
        for body in [text, html] {
            assert!(!body.contains("{{") && !body.contains("{%"), "{file}: template left over");
        }
        for shown in html.split("cid:").skip(1) {
            let id = shown.split(['"', '\'', ')']).next().unwrap_or_default().to_owned();
            assert!(letter.content_ids.contains(&id), "{file}: shows {id}, which is not in it");
        }
        assert!(!html.contains("src=\"http"), "{file}: nothing remote is loaded");
        seen.insert(address.to_lowercase());
    }
    assert_eq!(seen, people.into_keys().collect(), "everybody has a letter");
}

/// The three documents, each in the reader's language or the default, byte for byte.
fn check_documents(workspace: &Workspace, letter: &Reading, language: &str) {
    let folder = workspace.path().join("attachments");
    let expected = ["statement", "guidelines", "highlights"].map(|id| {
        let own = folder.join(format!("{id}.{language}.pdf"));
        let file = if own.exists() { own } else { folder.join(format!("{id}.en.pdf")) };
        sha256(&std::fs::read(file).expect("a document"))
    });
    let attached: Vec<&str> = letter.attachments.iter().map(|a| a.sha256.as_str()).collect();
    assert_eq!(attached, expected, "{}", letter.file);
    assert!(letter.attachments.iter().all(|a| a.media_type == "application/pdf"));
}

#[test]
fn two_dry_runs_at_one_moment_are_byte_identical() {
    let workspace = || {
        Workspace::with_people(20)
            .attachment("statement.en.pdf", pdf(20_000, 1))
            .attachment("map.png", b"\x89PNG\r\n\x1a\n not really")
    };
    let first = workspace();
    let one = eml_files(&first.dry_run_out("one"));
    assert_eq!(one.len(), 20);
    assert_eq!(one, eml_files(&first.dry_run_out("two")), "in the same folder");
    assert_eq!(one, eml_files(&workspace().dry_run_out("three")), "in another folder");

    let later = workspace().now("2026-11-06T10:00:01Z");
    assert_eq!(later.fingerprint(), first.fingerprint(), "the date is not in the fingerprint");
    for ((name, a), (other, b)) in one.iter().zip(eml_files(&later.dry_run_out("later"))) {
        assert_eq!(*name, other);
        let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (a, b) = (lines(a), lines(&b));
        let differing: Vec<&str> =
            b.lines().zip(a.lines()).filter(|(b, a)| a != b).map(|(b, _)| b).collect();
        assert_eq!(differing, ["Date: Fri, 06 Nov 2026 10:00:01 +0000"], "only the date differs");
    }
}

#[test]
fn the_fingerprint_is_of_what_is_said_to_whom() {
    let base = || Workspace::with_people(3).attachment("statement.en.pdf", pdf(900, 1));
    let fingerprint = base().fingerprint();
    let same: [(&str, Workspace); 2] = [
        ("the relay", base().relay_url("smtp://127.0.0.1:2526")),
        ("the order of rows", base().list("registration.csv", shuffled_people())),
    ];
    for (what, workspace) in same {
        assert_eq!(workspace.fingerprint(), fingerprint, "{what} is not in the fingerprint");
    }
    let others: [(&str, Workspace); 5] = [
        ("a comma", base().letter("outcome", "en", "Subject: Hello,\n\n{{ greeting }}\n")),
        ("one more person", base().list("vip.csv", "email,given name\nvip@town.example,Vi\n")),
        ("a document", base().attachment("statement.en.pdf", pdf(900, 2))),
        ("one less document", Workspace::with_people(3)),
        ("a name in the greeting", base().list("registration.csv", renamed_people())),
    ];
    for (what, workspace) in others {
        assert_ne!(workspace.fingerprint(), fingerprint, "{what} is in the fingerprint");
    }
}

fn people_rows() -> Vec<String> {
    (1..=3).map(|n| format!("{},Given{n},Family{n},en", person(n))).collect()
}

fn shuffled_people() -> String {
    let rows = people_rows();
    format!("email,given name,family name,language\n{}\n{}\n{}\n", rows[2], rows[0], rows[1])
}

fn renamed_people() -> String {
    let rows = people_rows().join("\n").replace("Given2", "Gyven2");
    format!("email,given name,family name,language\n{rows}\n")
}

#[test]
fn sizes_are_told_in_the_readers_own_way() {
    let letter = |subject: &str| {
        format!(
            "Subject: {subject}\n\n{{{{ greeting }}}}\n\nsize: \
             {{{{ attachments.statement.size }}}}\n\n{{{{ attachment_table }}}}\n"
        )
    };
    let list = "email,name,language\nen@town.example,Ana,en\nfr@town.example,Ana,fr\n\
        ru@town.example,Ana,ru\n";
    let workspace = Workspace::new()
        .list("registration.csv", list)
        .letter("outcome", "en", &letter("Outcomes"))
        .letter("outcome", "fr", &letter("Résultats"))
        .letter("outcome", "ru", &letter("Итоги"))
        .attachment("statement.en.pdf", pdf(116_439, 1))
        .attachment("statement.fr.pdf", pdf(116_439, 2))
        .attachment("statement.ru.pdf", pdf(116_439, 3));
    let letters = read_folder(&workspace.dry_run_out("letters"));
    for (letter, size) in letters.iter().zip(["113.71 KB", "113,71 Ko", "113,71 КБ"]) {
        for body in [&letter.text, &letter.html] {
            let body = visible(body.as_deref().expect("a body"));
            let times = body.matches(size).count();
            assert_eq!(times, 2, "{}: {size} in the text and in the table: {body}", letter.file);
        }
        assert_eq!(letter.attachments[0].size, 116_439);
    }
}

#[test]
fn out_names_are_safe_for_every_file_system() {
    let list = "email,given name\no'neil+x@town.example,Ana\nb/c@town.example,Bo\n";
    let workspace = Workspace::with_people(1).list("vip.csv", list);
    let files = eml_files(&workspace.dry_run_out("letters"));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "000001-person-0001@town.example.eml",
            "000002-o%27neil+x@town.example.eml",
            "000003-b%2Fc@town.example.eml",
        ]
    );
    for (name, bytes) in &files {
        assert_eq!(reader::read(name, bytes).to, [address_of(name)]);
    }
}

#[test]
fn names_of_all_scripts_arrive_whole() {
    let names =
        ["Ana Pérez", "王芳", "Олена Шевченко", "محمد الأمين", "Nguyễn Thị Ánh", "{{ 7*7 }}"];
    let mut list = "email,name,language\n".to_owned();
    for (n, name) in names.iter().enumerate() {
        list += &format!("{},{name},en\n", person(n + 1));
    }
    let source =
        "Subject: For {{ recipient.name }}\n\n{{ greeting }}\n\nName: {{ recipient.name }}\n";
    let workspace = Workspace::new().list("all.csv", list).letter("outcome", "en", source);
    let folder = workspace.dry_run_out("letters");
    let check = |letters: &[Reading]| {
        for (letter, name) in letters.iter().zip(names) {
            assert_eq!(visible(&letter.subject), format!("For {name}"));
            assert_eq!(letter.to_names, [name]);
            for body in [&letter.text, &letter.html] {
                let body = visible(body.as_deref().expect("a body"));
                assert!(body.contains(&format!("Name: {name}")), "{name}: {body}");
            }
        }
    };
    check(&read_folder(&folder));
    python::read_folder(&folder).iter().for_each(|letters| check(letters));
}

#[test]
fn the_repository_is_the_sample() {
    let workspace = Workspace::sample();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written = workspace.inventory();
    assert!(written.iter().any(|(name, _)| name == "secretariat.toml"), "{written:?}");
    for (name, digest) in written.iter().filter(|(name, _)| !name.starts_with('.')) {
        let ours = std::fs::read(root.join(name));
        let ours = ours.unwrap_or_else(|e| panic!("{name} is not in the repository: {e}"));
        assert_eq!(*digest, sha256(&ours), "{name} differs from the repository's");
    }
}
