//! Who is written to: shared addresses, `where`, people who are in the lists twice, and the counts.

use crate::support::relay::Relay;
use crate::support::workspace::{Output, Workspace, files_under};
use serde_json::Value;

/// A letter that needs a name and nothing else.
const LETTER: &str = "Subject: Outcomes of {{ conference.name }}\n\n{{ greeting }}\n\n\
    thank you for coming. The Statement is final.\n\nConference Secretariat\n";

fn workspace(list: &str) -> Workspace {
    Workspace::new().list("people.csv", list).letter("outcome", "en", LETTER)
}

/// The codes of all problems, worst first.
fn codes(json: &Value) -> Vec<String> {
    let problems = json["problems"].as_array().expect("problems");
    problems.iter().map(|p| p["code"].as_str().expect("a code").to_owned()).collect()
}

#[track_caller]
fn problem<'a>(json: &'a Value, code: &str) -> &'a Value {
    let problems = json["problems"].as_array().expect("problems");
    let found = problems.iter().find(|p| p["code"] == code);
    found.unwrap_or_else(|| panic!("no problem {code}: {json:#}"))
}

#[track_caller]
fn done(output: Output) -> Output {
    assert_eq!(output.code, Some(0), "{output:#?}");
    output
}

const DELEGATION: &str = "email,name,town\noffice@town.example,Ana Pérez,Lima\n\
    OFFICE@town.example,Luis Mora,Lima\noffice@town.example,\"PEREZ, Ana\",Lima\n\
    bo@town.example,Bo Li,Lima\n";

#[test]
fn a_shared_address_gets_one_letter_unless_something_else_is_written() {
    let workspace = workspace(DELEGATION);
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!((code, json["summary"]["recipients"].as_u64()), (Some(0), Some(2)));
    let shared = problem(&json, "shared-address");
    assert_eq!((shared["severity"].as_str(), shared["count"].as_u64()), (Some("warning"), Some(1)));
    assert_eq!(
        (shared["file"].as_str(), shared["line"].as_u64()),
        (Some("recipients/people.csv"), Some(3))
    );
    let plan = workspace.plan();
    assert_eq!(plan["excluded"][0]["reason"], "same address as recipients/people.csv row 2");
    assert_eq!(plan["excluded"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_joint_letter_is_for_all_who_share_an_address() {
    let workspace = workspace(DELEGATION).config("[people]\nsame_address = \"joint\"");
    let plan = workspace.plan();
    assert_eq!(
        (plan["letters"].as_u64(), plan["excluded"].as_array().map(Vec::len)),
        (Some(2), Some(1))
    );
    assert_eq!(plan["audience"]["joined"], 1);
    assert!(!codes(&plan).contains(&"shared-address".to_owned()));
    let folder = workspace.dry_run_out("joint");
    let first = std::fs::read(folder.join(&files_under(&folder)[0])).expect("a letter");
    let first = String::from_utf8(first).expect("7-bit");
    assert!(first.contains("To: =?utf-8?") || first.contains("To: Ana"), "{first}");
    let found = done(workspace.run(&["why", "luis"]));
    assert!(found.stdout.starts_with("Ana Pérez & Luis Mora <office@town.example>"), "{found:#?}");
}

#[test]
fn each_of_a_shared_address_gets_a_letter_and_is_asked_about_by_name() {
    let relay = Relay::start();
    let workspace = workspace(DELEGATION).config("[people]\nsame_address = \"each\"").relay(&relay);
    let plan = workspace.plan();
    assert_eq!(
        (plan["letters"].as_u64(), plan["excluded"].as_array().map(Vec::len)),
        (Some(3), Some(1))
    );
    let folder = workspace.dry_run_out("each");
    assert_eq!(
        files_under(&folder),
        [
            "000001-office@town.example.eml",
            "000002-OFFICE@town.example.eml",
            "000003-bo@town.example.eml"
        ]
    );
    let several = |who: &[&str]| {
        let output = workspace.run(who);
        assert_eq!(output.code, Some(3), "{output:#?}");
        assert!(output.stderr.contains("may be any of 2 people"), "{output:#?}");
        assert!(output.stderr.contains("Ana Pérez <office@town.example>"), "{output:#?}");
        assert!(output.stderr.contains("Luis Mora <OFFICE@town.example>"), "{output:#?}");
    };
    several(&["why", "office@town.example"]);
    several(&["send", "--dry-run", "--person", "office@town.example"]);
    let (code, json) = workspace.send();
    assert_eq!((code, json["counts"]["accepted"].as_u64()), (Some(0), Some(3)));
    assert_eq!(relay.counts().values().sum::<usize>(), 3);
    several(&["why", "office@town.example"]);
    for who in ["luis", "Luis Mora <office@town.example>", "mora luis"] {
        let output = done(workspace.run(&["why", who]));
        assert!(
            output.stdout.contains("Luis Mora") && !output.stdout.contains("Pérez"),
            "{output:#?}"
        );
        assert!(!output.stdout.contains("left out"), "the other's second row: {output:#?}");
    }
    let ana = done(workspace.run(&["why", "Ana Pérez <office@town.example>"]));
    assert!(ana.stdout.contains("people.csv:4: same address and name"), "{ana:#?}");
    // Again: everybody has it. Rows in another order are the same people.
    let (code, json) = workspace.send();
    assert_eq!((code, json["counts"]["accepted"].as_u64()), (Some(0), Some(3)));
    let turned = "email,name,town\nOFFICE@town.example,Luis Mora,Lima\n\
                  office@town.example,\"PEREZ, Ana\",Lima\nbo@town.example,Bo Li,Lima\n";
    workspace.write("recipients/people.csv", turned);
    workspace.run(&["send", "--plan", &workspace.fingerprint(), "--no-wait"]);
    assert_eq!(relay.counts().values().sum::<usize>(), 3, "nobody twice");
}

/// Another policy, or a name put right, in the middle of a mailing: keys change, people do not.
#[test]
fn whoever_has_the_letter_is_not_written_to_again_under_another_key() {
    let relay = Relay::start();
    let workspace = workspace(DELEGATION).relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    let workspace = workspace.config("[people]\nsame_address = \"each\"");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(3), "{json:#}");
    let found = problem(&json, "has-it-already");
    assert!(
        found["message"].as_str().unwrap().starts_with("2 people have this letter"),
        "{found:#}"
    );
    assert_eq!(relay.counts().values().sum::<usize>(), 2, "nobody twice");
}

#[test]
fn a_name_put_right_at_a_shared_address_is_no_new_person() {
    let relay = Relay::start();
    let workspace = workspace(DELEGATION).relay(&relay).config("[people]\nsame_address = \"each\"");
    assert_eq!(workspace.send().0, Some(0));
    workspace.write("recipients/people.csv", DELEGATION.replace("Luis Mora", "Luis Alberto Mora"));
    assert_eq!(workspace.send().0, Some(3));
    // Luis under a name he took, or somebody else in his place: only a person knows.
    workspace.write("recipients/people.csv", DELEGATION.replace("Luis Mora", "Eva Ruiz"));
    assert_eq!(workspace.send().0, Some(3));
    assert_eq!(relay.counts().values().sum::<usize>(), 3);
    let own = ["people", "change-address", "Eva Ruiz", "office@town.example"];
    done(workspace.run(&own));
    assert_eq!(workspace.send().0, Some(0), "somebody else in the same office");
    assert_eq!(relay.counts().values().sum::<usize>(), 4);
}

#[test]
fn a_rehearsal_proves_letters_to_one_address_too() {
    let workspace = workspace(DELEGATION).config("[people]\nsame_address = \"each\"");
    let (code, json) = workspace.run_json(&["rehearse"]);
    assert_eq!(code, Some(0), "{json:#}");
}

const ATTENDANCE: &str = "email,name,Attended,country\na@x.example,Ana Li,yes,PE\n\
    b@x.example,Bo Li,SÍ,PE\nc@x.example,Cy Li,no,KE\nd@x.example,Di Li,,KE\n\
    e@x.example,Ed Li,Yes ,FR\n";

#[test]
fn where_keeps_the_rows_with_its_values() {
    let workspace =
        workspace(ATTENDANCE).campaign_lines("where = { attended = [\"yes\", \"sí\", \"oui\"] }");
    let plan = workspace.plan();
    assert_eq!(plan["letters"], 3);
    let excluded = plan["excluded"].as_array().expect("rows");
    let reasons: Vec<_> = excluded.iter().map(|e| e["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["where: attended is \"no\"", "where: attended is empty"]);
    assert_eq!(excluded[0]["line"], 4);
    assert_eq!(plan["audience"]["left_out"]["where"], 2);
    assert_eq!(plan["audience"]["countries"]["KE"]["rows"], 2);
    assert_eq!(plan["audience"]["countries"]["KE"]["letters"], 0);
    let screen = done(workspace.run(&["send", "--dry-run"])).stdout;
    assert!(screen.contains("attended: yes 2, SÍ 1 kept; no 1, (empty) 1 not"), "{screen}");
    assert!(screen.contains("2 rows not kept by where"), "{screen}");
    assert!(!screen.contains("c@x.example"), "they are counted, not listed: {screen}");
    let check = done(workspace.run(&["check"]));
    assert!(check.stdout.contains("5 in 1 list: 3 letters, 2 left out"), "{check:#?}");
    assert!(check.stdout.contains("attended: yes 2, SÍ 1 kept"), "{check:#?}");
    let why = done(workspace.run(&["why", "cy li"]));
    assert!(why.stdout.contains("Cy Li <c@x.example>"), "{why:#?}");
    assert!(why.stdout.contains("left out, where: attended is \"no\""), "{why:#?}");
}

/// `unknown-language` nagged about people who get no letter.
#[test]
fn languages_of_people_who_are_left_out_are_not_asked_about() {
    let list = "email,name,language,attended\na@x.example,Ana Li,Dutch/x,yes\n\
                b@x.example,Bo Li,Dutch/x,no\nc@x.example,Cy Li,рус.,no\n";
    let told = |workspace: Workspace| {
        let (_, json) = workspace.run_json(&["check"]);
        let problems = json["problems"].as_array().expect("problems").iter();
        let unknown = problems.filter(|p| p["code"] == "unknown-language");
        unknown.map(|p| (p["count"].as_u64(), p["line"].as_u64())).collect::<Vec<_>>()
    };
    assert_eq!(told(workspace(list)), [(Some(2), Some(2)), (Some(1), Some(4))]);
    let some = workspace(list).campaign_lines("where = { attended = \"yes\" }");
    assert_eq!(told(some), [(Some(1), Some(2))]);
}

#[test]
fn where_may_be_a_condition_as_in_letters() {
    let workspace = workspace(ATTENDANCE).campaign_lines(
        "where = \"recipient.attended | lower == 'yes' and recipient.country != 'FR'\"",
    );
    let plan = workspace.plan();
    assert_eq!(
        (plan["letters"].as_u64(), plan["audience"]["where"]["kept"].as_u64()),
        (Some(1), Some(1))
    );
    let screen = done(workspace.run(&["send", "--dry-run"])).stdout;
    assert!(screen.contains("1 row kept, 4 not"), "{screen}");
}

#[test]
fn what_is_wrong_with_where_is_said_with_its_place() {
    let check = |lines: &str, code: &str, words: &str| {
        let workspace = workspace(ATTENDANCE).campaign_lines(lines);
        let (exit, json) = workspace.run_json(&["check"]);
        let found = problem(&json, code);
        assert!(found.to_string().contains(words), "{found:#}");
        assert_eq!(found["file"], "secretariat.toml", "{found:#}");
        assert!(found["line"].is_u64() && found["column"].is_u64(), "{found:#}");
        assert_eq!(exit, Some(if found["severity"] == "error" { 3 } else { 0 }), "{found:#}");
    };
    check("where = { atended = [\"yes\"] }", "unknown-column", "Did you mean attended?");
    check("where = \"recipient.atended\"", "unknown-column", "Did you mean attended?");
    check("where = { attended = [\"maybe\"] }", "where-nobody", "keeps nobody of 5 rows");
    check("where = \"recipient.name\"", "where-everybody", "keeps everybody: 5 rows");
    check("where = { attended = [\"yes\", \"noo\"] }", "where-value", "Rows with \\\"no\\\"");
    check("where = \"recipient.attended ==\"", "template-syntax", "cannot be read");
    let meant = "Write recipient.attended == 'yes'.";
    check("where = \"recipient.attended = 'yes'\"", "template-syntax", meant);
    check("where = \"recipient.attended == yes\"", "unknown-name", meant);
    check("where = \"attended == 'yes'\"", "unknown-name", meant);
    check("where = \"recipient.country > 3\"", "where-unanswered", "Change the condition")
}

/// Each form has its own column: everybody's first try kept nobody, and said `yes 1 kept` twice.
#[test]
fn where_with_columns_of_several_lists_says_how_to_ask_one_question() {
    let workspace = Workspace::new()
        .list("de.csv", "email,Teilgenommen,country\na@x.example,ja,PE\nb@x.example,nein,KE\n")
        .list("fr.csv", "email,A participé,country\nc@x.example,oui,FR\nd@x.example,,KE\n")
        .letter("outcome", "en", LETTER);
    let apart = "where = { teilgenommen = [\"ja\"], a_participe = [\"oui\"] }";
    let output = workspace.campaign_lines(apart).run(&["check"]);
    for said in [
        "teilgenommen: ja 1 fit; nein 1 not; 2 rows without this column",
        "a_participe: oui 1 fit; (empty) 1 not; 2 rows without this column",
        "all of them: 0 of 4 rows kept",
        "= Every column must fit, and no list has all of them",
        "    [columns]\n    teilgenommen = [\"teilgenommen\", \"a_participe\"]\n",
        "    where = { teilgenommen = [\"ja\", \"oui\"] }\n",
    ] {
        assert!(output.stdout.contains(said), "{said}\n{}", output.stdout);
    }
    let workspace = Workspace::new()
        .list("de.csv", "email,Teilgenommen,country\na@x.example,ja,PE\nb@x.example,nein,KE\n")
        .list("fr.csv", "email,A participé,country\nc@x.example,oui,FR\nd@x.example,,KE\n")
        .letter("outcome", "en", LETTER)
        .campaign_lines("where = { teilgenommen = [\"ja\", \"oui\"] }")
        .config("[columns]\nteilgenommen = [\"teilgenommen\", \"a_participe\"]");
    let output = done(workspace.run(&["check"]));
    assert!(output.stdout.contains("teilgenommen: ja 1, oui 1 kept; nein 1, (empty) 1 not"));
    // Nobody of Kenya is written to, which is no news.
    assert!(output.stdout.contains("countries  FR 1  PE 1\n"), "{output:#?}");
}

/// A mailing for nobody cannot be sent, and says so.
#[test]
fn nobody_kept_is_nobody_written_to() {
    let workspace = workspace(ATTENDANCE).campaign_lines("where = { attended = \"maybe\" }");
    let (code, json) = workspace.run_json(&["send", "--dry-run"]);
    assert_eq!((code, json["letters"].as_u64()), (Some(3), Some(0)));
    assert!(codes(&json).contains(&"nobody".to_owned()), "{json:#}");
}

#[test]
fn somebody_with_two_addresses_is_warned_of_with_both() {
    let workspace = workspace(
        "email,name,town\nana@lima.example,Ana Pérez,Lima\n\
         perez@mail.example,\"PEREZ, Ana\",LIMA\nother@x.example,Ana Pérez,Cusco\n",
    );
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(0));
    let found = problem(&json, "probable-duplicate");
    assert_eq!((found["line"].as_u64(), found["severity"].as_str()), (Some(3), Some("warning")));
    for words in ["ana@lima.example", "perez@mail.example", "people.csv:2", "people merge"] {
        assert!(found.to_string().contains(words), "{found:#}");
    }
    assert_eq!(codes(&json).iter().filter(|c| *c == "probable-duplicate").count(), 1);
}
