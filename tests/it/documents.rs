//! What `check` says of documents before letter 1: whose they are, and what is in them.

use crate::support::pdf::{drawn, of_text, text};
use crate::support::reader;
use crate::support::workspace::Workspace;
use serde_json::Value;

const LETTER: &str = "Subject: Outcomes\n\n{{ greeting }}\n\nThe document \
                      ({{ attachments.certificate.number }}) is attached.\n";

const CERTIFICATE: &str = "[attachments.certificate]\ntitle = \"Certificate\"\n\
                           file = \"certificates/{id}.pdf\"";

/// A mailing of certificates: a row for each of these, `id,name`.
fn certificates(rows: &[&str]) -> Workspace {
    with_config(rows, CERTIFICATE)
}

fn with_config(rows: &[&str], config: &str) -> Workspace {
    let mut list = "email,name,id,country\n".to_owned();
    for (n, row) in rows.iter().enumerate() {
        let (id, name) = row.split_once(',').expect("id,name");
        list.push_str(&format!("person-{n}@town.example,{name},{id},PE\n"));
    }
    Workspace::new()
        .list("registration.csv", &list)
        .letter("outcome", "en", LETTER)
        .campaign_lines("attachments = [\"certificate\"]")
        .config(config)
}

/// The certificate of somebody.
fn certificate(workspace: Workspace, id: &str) -> Workspace {
    let page = of_text(&[&format!("This is to certify that number {id} took part.")]);
    workspace.file(&format!("certificates/{id}.pdf"), page)
}

/// `severity code: message | hint` of all problems about documents.
fn found(workspace: &Workspace) -> Vec<String> {
    let (_, json) = workspace.run_json(&["check"]);
    let problems = json["problems"].as_array().expect("a list");
    let text = |p: &Value, key: &str| p[key].as_str().unwrap_or_default().to_owned();
    problems
        .iter()
        .filter(|p| {
            let others = ["list-read", "not-tagged", "neutral-greeting", "same-address"];
            !others.contains(&p["code"].as_str().unwrap_or_default())
        })
        .map(|p| {
            let (severity, code) = (text(p, "severity"), text(p, "code"));
            format!("{severity} {code}: {} | {}", text(p, "message"), text(p, "hint"))
        })
        .collect()
}

#[track_caller]
fn says(found: &[String], beginning: &str, words: &[&str]) {
    let fits = |f: &&String| f.starts_with(beginning) && words.iter().all(|w| f.contains(w));
    assert!(found.iter().any(|f| fits(&f)), "{beginning} {words:?}: {found:#?}");
}

#[test]
fn everybody_with_a_certificate_of_their_own_is_no_finding() {
    let mut workspace = certificates(&["17,Ana Pérez", "18,Li Wei", "19,John Doe"]);
    for id in ["17", "18", "19"] {
        workspace = certificate(workspace, id);
    }
    assert_eq!(found(&workspace), [""; 0]);
}

#[test]
fn a_certificate_for_two_people_is_an_error() {
    let rows = ["17,Ana Pérez", "18,Li Wei", "17,John Doe", "19,Zoë Brown"];
    let mut workspace = certificates(&rows);
    for id in ["17", "18", "19"] {
        workspace = certificate(workspace, id);
    }
    let found_now = found(&workspace);
    says(
        &found_now,
        "error shared-file: certificates/17.pdf would go to 2 people",
        &["Ana Pérez (recipients/registration.csv row 2)", "John Doe", "row 4", "shared = true"],
    );
    assert_eq!(found_now.len(), 1, "{found_now:#?}");
    let (code, _) = workspace.run_json(&["send", "--dry-run"]);
    assert_eq!(code, Some(3), "nothing goes");
    let shared = with_config(&rows, &format!("{CERTIFICATE}\nshared = true"));
    let shared = ["17", "18", "19"].into_iter().fold(shared, certificate);
    assert_eq!(found(&shared), [""; 0], "who means it says so");
}

/// A mailing with such a list and the certificates of these ids or names.
fn of_list(list: &str, file: &str, there: &[&str]) -> Workspace {
    let workspace = Workspace::new()
        .list("registration.csv", list)
        .letter("outcome", "en", LETTER)
        .campaign_lines("attachments = [\"certificate\"]")
        .config(&CERTIFICATE.replace("{id}", file));
    there.iter().fold(workspace, |workspace, id| certificate(workspace, id))
}

#[test]
fn one_person_in_two_rows_with_one_certificate_is_looked_at() {
    let workspace = certificates(&["17,Ana Pérez", "17,ANA PÉREZ", "18,Li Wei"]);
    let workspace = certificate(certificate(workspace, "17"), "18");
    let found = found(&workspace);
    says(
        &found,
        "warning shared-file: certificates/17.pdf would go to 2 addresses of one name: Ana Pérez",
        &["row 2", "row 3", "If they are one person"],
    );
    assert!(!found.iter().any(|f| f.starts_with("error")), "{found:#?}");
}

/// A name is no proof: two people of one name and one id would get the first one's certificate.
#[test]
fn two_people_of_one_name_do_not_get_one_certificate() {
    let list = "email,name,id,town\na@town.example,Wang Fang,7,Beijing\n\
                b@town.example,Wang Fang,7,Wuhan\nc@town.example,Li Wei,8,Lima\n";
    let found_now = found(&of_list(list, "{id}", &["7", "8"]));
    says(
        &found_now,
        "error shared-file: certificates/7.pdf would go to 2 people: Wang Fang",
        &["(recipients/registration.csv row 2)", "row 3", "a value of their own in id"],
    );
    assert_eq!(found_now.len(), 1, "{found_now:#?}");
}

#[test]
fn a_certificate_chosen_by_the_name_is_not_for_two_of_that_name() {
    for (header, file) in [("name", "{name}"), ("Nombre completo", "{nombre_completo}")] {
        let list =
            format!("email,{header},id\na@town.example,Wang Fang,7\nb@town.example,Wang Fang,8\n");
        let found_now = found(&of_list(&list, file, &["Wang Fang"]));
        says(&found_now, "error shared-file: certificates/Wang Fang.pdf would go to 2 people", &[]);
    }
}

#[test]
fn one_content_under_two_numbers_is_told_also_of_two_people_of_one_name() {
    let list = "email,name,id,town\na@town.example,Wang Fang,7,Beijing\n\
                b@town.example,Wang Fang,8,Wuhan\n";
    let same = of_text(&["This is to certify that Wang Fang of Beijing took part."]);
    let workspace = of_list(list, "{id}", &[])
        .file("certificates/7.pdf", &same)
        .file("certificates/8.pdf", &same);
    says(&found(&workspace), "warning same-content: ", &["Wang Fang", "are the same file"]);
}

const DELEGATION: &str = "email,name,id,country\nperez-mora@town.example,Ana Pérez,1,PE\n\
                          perez-mora@town.example,Luis Mora,2,CL\nc@town.example,Li Wei,3,CN\n";

#[test]
fn who_is_greeted_in_anothers_letter_does_not_lose_a_certificate_in_silence() {
    let joint = |there: &[&str]| {
        of_list(DELEGATION, "{id}", there).config("[people]\nsame_address = \"joint\"")
    };
    for there in [&["1", "2", "3"][..], &["1", "3"]] {
        let workspace = joint(there);
        let found = found(&workspace);
        says(
            &found,
            "error file-of-joined: Luis Mora is greeted in the letter to Ana Pérez & Luis Mora \
             (recipients/registration.csv row 2) and would not get certificates/2.pdf",
            &["same_address = \"each\""],
        );
        assert_eq!(found.len(), 1, "certificates/2.pdf is somebody's: {found:#?}");
        let (code, _) = workspace.run_json(&["send", "--dry-run"]);
        assert_eq!(code, Some(3), "nothing goes");
    }
    let each = of_list(DELEGATION, "{id}", &["1", "2", "3"]);
    assert_eq!(found(&each.config("[people]\nsame_address = \"each\"")), [""; 0]);
    let one_id = DELEGATION.replace(",2,CL", ",1,CL");
    let one_id = of_list(&one_id, "{id}", &["1", "3"]);
    assert_eq!(found(&one_id.config("[people]\nsame_address = \"joint\"")), [""; 0]);
}

#[test]
fn a_joint_letter_has_the_first_ones_document_and_the_others_are_told_of() {
    let joint = of_list(DELEGATION, "{country}", &["PE", "CL", "CN"]);
    let found = found(&joint.config("[people]\nsame_address = \"joint\""));
    says(&found, "warning file-of-joined: Luis Mora", &["would not get certificates/CL.pdf"]);
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_misspelt_column_of_a_document_is_told_once_and_not_as_empty_cells() {
    let list = "email,name,number\na@town.example,Ana,1\nb@town.example,Li,2\n";
    let workspace = of_list(list, "{nummer}", &["1", "2"]);
    let found_now = found(&workspace);
    says(
        &found_now,
        "error unknown-column: the document certificate is named by the column \"nummer\", which \
         no list has",
        &["Did you mean {number}?"],
    );
    assert_eq!(found_now.len(), 1, "{found_now:#?}");
    let both = of_list(list, "{nummer}", &["1", "2"]).config("name = \"certificate {nummer}.pdf\"");
    assert_eq!(found(&both), found_now, "once for the document, whatever names it");
}

#[test]
fn a_file_for_each_country_is_shared_by_nature() {
    let config = CERTIFICATE.replace("{id}", "{country}");
    let workspace = with_config(&["17,Ana Pérez", "18,Li Wei"], &config);
    let workspace = certificate(certificate(workspace, "PE"), "CN");
    let found = found(&workspace);
    says(&found, "note nobodys-file: certificates/CN.pdf", &["no row has the country CN"]);
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_file_that_is_nobodys_is_named_with_whose_it_may_be() {
    let workspace = certificates(&["0851,Ana Pérez", "18,Li Wei", "19,John Doe"]);
    let workspace = ["0815", "18", "19", "77"].into_iter().fold(workspace, certificate);
    let found = found(&workspace);
    says(&found, "error missing-attachment", &["certificates/0851.pdf"]);
    says(
        &found,
        "warning nobodys-file: certificates/0815.pdf is nobody's: no row has the id 0815",
        &["Is it for Ana Pérez", "0851"],
    );
    says(&found, "warning nobodys-file: certificates/77.pdf", &["missing in the lists"]);
}

#[test]
fn the_certificate_of_somebody_left_out_is_not_called_nobodys() {
    let workspace = certificates(&["17,Ana Pérez"]);
    workspace.write(
        "recipients/registration.csv",
        "email,name,id,country\na@town.example,Ana,17,PE\na@town.example,Li,18,PE\n",
    );
    let workspace = certificate(certificate(workspace, "17"), "18");
    let found = found(&workspace);
    says(
        &found,
        "warning file-of-left-out: certificates/18.pdf belongs to a row that is left out because \
         an earlier one has its address",
        &["by hand"],
    );
    assert!(!found.iter().any(|f| f.contains("nobodys-file")), "{found:#?}");
    let decided = certificates(&["17,Ana Pérez", "18,Li Wei"])
        .file("decisions.csv", "address,action,value\nperson-1@town.example,leave-out,\n");
    let decided = certificate(certificate(decided, "17"), "18");
    let note = "note file-of-left-out: certificates/18.pdf belongs to somebody who gets no letter";
    says(&self::found(&decided), note, &[]);
}

#[test]
fn two_certificates_with_one_content_are_a_warning() {
    let workspace = certificates(&["17,Ana Pérez", "18,Li Wei"]);
    let same = of_text(&["This is to certify that Li Wei took part."]);
    let workspace = workspace.file("certificates/17.pdf", &same).file("certificates/18.pdf", &same);
    let found = found(&workspace);
    says(&found, "warning same-content: ", &["Ana Pérez", "Li Wei", "are the same file"]);
}

#[test]
fn a_hundred_missing_certificates_are_one_finding() {
    let rows: Vec<String> = (100..220).map(|n| format!("{n},Person {n}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let workspace = certificate(certificates(&rows), "100");
    let found = found(&workspace);
    says(&found, "error missing-attachment", &["119 people", "certificates/101.pdf", "more"]);
    let kinds = found.iter().filter(|f| f.contains("missing-attachment")).count();
    assert_eq!(kinds, 1, "{found:#?}");
}

#[test]
fn a_certificate_in_the_readers_language_is_the_right_one() {
    let config = CERTIFICATE.replace("{id}", "{id}.{language}");
    let workspace = with_config(&["17,Ana Pérez", "18,Li Wei"], &config);
    let workspace = ["17.en", "17.fr", "18.en", "19.fr"].into_iter().fold(workspace, certificate);
    let found = found(&workspace);
    says(&found, "warning nobodys-file: certificates/19.fr.pdf", &["no row has the id 19"]);
    assert_eq!(found.len(), 1, "17.fr.pdf is Ana's, in another language: {found:#?}");
}

#[test]
fn letters_carry_the_certificate_of_their_person_to_the_byte() {
    let workspace = certificates(&["17,Ana Pérez", "18,Li Wei"]);
    let workspace = certificate(certificate(workspace, "17"), "18");
    let plan = workspace.plan();
    let folder = workspace.dry_run_out("out");
    let mut octets = 0;
    for (n, id) in [(0, "17"), (1, "18")] {
        let name = format!("{:06}-person-{n}@town.example.eml", n + 1);
        let message = std::fs::read(folder.join(&name)).expect("a message");
        octets += message.len() as u64;
        let read = reader::read(&name, &message);
        let file = std::fs::read(workspace.path().join(format!("certificates/{id}.pdf"))).unwrap();
        assert_eq!(read.attachments[0].sha256, reader::sha256(&file), "{name}");
    }
    assert_eq!(plan["bytes_total"], octets, "weighed without reading the files again");
}

#[test]
fn heavy_letters_are_told_with_who_gets_them_and_why() {
    let workspace = certificates(&["17,Ana Pérez", "18,Li Wei"]);
    let mut scan = of_text(&["A certificate, scanned."]);
    scan.resize(14_000_000, b' ');
    let workspace = certificate(workspace, "17").file("certificates/18.pdf", scan);
    let found = found(&workspace);
    says(
        &found,
        "error too-heavy: the letter to person-1@town.example weighs 18.3 MB as sent; the heaviest \
         document is certificates/18.pdf with 13.4 MB",
        &["[limits]"],
    );
}

/// A mailing with one document for everybody.
fn statement(bytes: &[u8]) -> Workspace {
    let letter = LETTER.replace("certificate", "statement");
    Workspace::with_people(2).letter("outcome", "en", &letter).attachment("statement.en.pdf", bytes)
}

const BODY: &[&str] = &[
    "We thank the towns for their work and for the time that they have given to this forum.",
    "The draft resolution was adopted by all of the towns on the last day, and it is final.",
    "This is the text that was read to the forum, with the names of those who have signed it.",
];

const CORPS: &[&str] = &[
    "Nous remercions les villes pour leur travail et pour le temps que nous ont donné les amis.",
    "La déclaration est adoptée par les villes dans la salle, et les textes sont sur le site.",
    "Les noms de ceux qui ont signé sont dans une liste avec des adresses pour nous écrire.",
];

#[test]
fn a_good_document_is_described_and_not_complained_of() {
    let workspace = statement(&of_text(BODY));
    let output = workspace.run(&["check"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(
        output.stdout.contains("(1) attachments/statement.en.pdf: 1 page, English, "),
        "{output:#?}"
    );
    assert_eq!(found(&workspace), [""; 0], "a sentence about a draft is no mark of one");
    let (_, json) = workspace.run_json(&["check"]);
    let document = &json["documents"][0];
    assert_eq!((&document["document"], &document["pages"]), (&"statement".into(), &1.into()));
    assert_eq!((&document["language"], &document["letters"]), (&"en".into(), &2.into()));
    assert_eq!((&document["text"], &document["tagged"]), (&true.into(), &false.into()));
}

#[test]
fn a_draft_is_told_with_its_page() {
    let mark = "q .7 .7 -.7 .7 150 200 cm BT /F 80 Tf (DRAFT) Tj ET Q";
    let page = text(BODY);
    let marked = format!("{page} {mark}");
    let found_now = found(&statement(&drawn(&[&page, &marked], "Statement")));
    says(&found_now, "warning draft-mark: ", &["statement.en.pdf", "\"DRAFT\" on page 2"]);
    let titled = found(&statement(&drawn(&[&page], "Statement - Entwurf")));
    says(&titled, "warning draft-mark: ", &["its title is \"Statement - Entwurf\""]);
    let output = statement(&drawn(&[&marked], "Statement")).run(&["send", "--dry-run"]);
    assert!(output.stderr.contains("draft-mark"), "a dry run says it too: {output:#?}");
}

#[test]
fn a_document_in_another_language_than_its_name_says_is_told() {
    let found = found(&statement(&of_text(CORPS)));
    says(
        &found,
        "warning other-language: attachments/statement.en.pdf reads like French, and is for \
         readers of English",
        &[],
    );
}

#[test]
fn a_scan_is_told() {
    let found = found(&statement(&drawn(&["0 0 1 rg 10 10 500 700 re f"], "Statement")));
    says(&found, "warning no-text: ", &["has no text: its page is a picture"]);
}

#[test]
fn a_cut_off_document_is_told() {
    let whole = of_text(BODY);
    let half = found(&statement(&whole[..whole.len() / 3]));
    says(&half, "warning damaged-document: ", &["its table of contents cannot be read"]);
    let little = found(&statement(&whole[..40]));
    says(&little, "warning document-unread: ", &["it is damaged or cut off"]);
}

#[test]
fn one_file_under_two_names_is_told() {
    let letter = "Subject: x\n\n{{ greeting }}\n\n{{ attachment_table }}\n";
    let list = "email,language\na@town.example,en\nb@town.example,fr\n";
    let workspace = Workspace::new()
        .list("registration.csv", list)
        .letter("outcome", "en", letter)
        .letter("outcome", "fr", letter)
        .attachment("statement.en.pdf", of_text(BODY))
        .attachment("statement.fr.pdf", of_text(BODY));
    let found = found(&workspace);
    says(
        &found,
        "warning same-file: attachments/statement.en.pdf and attachments/statement.fr.pdf are the \
         same file",
        &[],
    );
    says(&found, "warning other-language: attachments/statement.fr.pdf", &["reads like English"]);
}

/// Made by `support/locked/make.py`; other programs open the first and ask for a password for the
/// second.
#[test]
fn a_lock_against_changes_is_a_note_and_a_password_a_warning() {
    let protected = found(&statement(include_bytes!("support/locked/protected.pdf")));
    says(&protected, "note protected: ", &["opens without a password"]);
    assert_eq!(protected.len(), 1, "its text and title were read: {protected:#?}");
    let locked = found(&statement(include_bytes!("support/locked/password.pdf")));
    says(&locked, "warning needs-password: ", &["cannot be opened without a password"]);
    assert_eq!(locked.len(), 1, "nothing else is known of it: {locked:#?}");
}
