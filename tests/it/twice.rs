//! Nobody gets a letter twice, and nobody is missed without a word, when names, decisions, policies
//! and copies change after letters went. What arrived is counted at the relay.

use crate::support::eventually;
use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{Output, Workspace};
use serde_json::Value;
use std::time::Duration;

const LETTER: &str = "Subject: Outcomes of {{ conference.name }}\n\n{{ greeting }}\n\n\
    thank you for coming. The Statement is final.\n\nConference Secretariat\n";
const HEADER: &str = "address,action,value,campaign,reason,by,at\n";

/// A mailing with its relay, as it changes from one `send` to the next. Names of mailboxes are
/// those before the `@`.
struct Mailing {
    relay: Relay,
    workspace: Workspace,
}

impl Mailing {
    /// Rows of name, mailbox and mailbox of a copy.
    fn new(policy: &str, rows: &str) -> Mailing {
        Mailing::at(Script::new(), policy, rows)
    }

    fn at(script: Script, policy: &str, rows: &str) -> Mailing {
        let relay = Relay::with(script);
        let workspace = Workspace::new()
            .letter("outcome", "en", LETTER)
            .campaign_lines("cc = [\"office\"]")
            .relay(&relay);
        Mailing { relay, workspace }.rows(rows).policy(policy)
    }

    fn rows(self, rows: &str) -> Mailing {
        let at = |who: &str| match who {
            "" => String::new(),
            who => format!("{who}@town.example"),
        };
        let row = |row: &str| {
            let cells: Vec<&str> = row.split(',').chain(["", ""]).collect();
            format!("{},{},{}\n", cells[0], at(cells[1]), at(cells[2]))
        };
        let rows: String = rows.split(';').map(str::trim).map(row).collect();
        self.workspace.write("recipients/people.csv", format!("name,email,office\n{rows}"));
        self
    }

    fn policy(mut self, policy: &str) -> Mailing {
        let lines = format!("[people]\nsame_address = \"{policy}\"");
        self.workspace.set_config(&lines);
        self
    }

    /// Lines of `decisions.csv`, apart by `;`.
    fn decisions(self, lines: &str) -> Mailing {
        let lines: String = lines.split(';').map(|line| format!("{}\n", line.trim())).collect();
        self.workspace.write("decisions.csv", format!("{HEADER}{lines}"));
        self
    }

    /// Everybody gets what is planned.
    #[track_caller]
    fn goes(self, arrived: &str) -> Mailing {
        let (code, json) = self.workspace.send();
        assert_eq!(code, Some(0), "{json:#}");
        self.has(arrived)
    }

    /// Nothing goes, and these words say why.
    #[track_caller]
    fn refused(self, words: &[&str], arrived: &str) -> Mailing {
        let (code, json) = self.workspace.send();
        let message = message(&json, "has-it-already");
        assert_eq!(code, Some(3), "{json:#}");
        for word in words {
            assert!(message.contains(word), "{word} is not in: {message}");
        }
        self.has(arrived)
    }

    /// What the relay has, by mailbox: `ana, desk 2`.
    #[track_caller]
    fn has(self, arrived: &str) -> Mailing {
        assert_eq!(self.arrived(), arrived);
        self
    }

    fn arrived(&self) -> String {
        let counts = self.relay.counts();
        let shown = counts.iter().map(|(address, count)| {
            let who = address.split('@').next().unwrap_or_default();
            if *count == 1 { who.to_owned() } else { format!("{who} {count}") }
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    #[track_caller]
    fn says(self, arguments: &[&str], words: &str) -> Mailing {
        let output = self.workspace.run(arguments);
        assert_eq!(output.code, Some(0), "{output:#?}");
        assert!(one_line(&output).contains(words), "{words:?} is not in {output:#?}");
        self
    }
}

fn one_line(output: &Output) -> String {
    output.everything().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn message(json: &Value, code: &str) -> String {
    let problems = json["problems"].as_array().expect("problems");
    let found = problems.iter().find(|p| p["code"] == code);
    let found = found.unwrap_or_else(|| panic!("no problem {code}: {json:#}"));
    assert!(found["hint"].is_string(), "{found:#}");
    found["message"].as_str().expect("a message").to_owned()
}

const BOTH: &str = "Ana Perez,office; Luis Mora,office";

/// B1: she was greeted in a letter with another.
#[test]
fn one_of_a_joint_letter_does_not_get_it_again_at_another_address() {
    let mailing = Mailing::new("joint", BOTH).goes("office");
    let change = ["people", "change-address", "Ana Perez", "ana@new.example"];
    let told = "Ana Perez <office@town.example> has the letter of outcome already: it went to \
                office@town.example, written to Ana Perez & Luis Mora, on 5 November 2026, 09:30. \
                send refuses to write to ana@new.example too, and tells the ways out.";
    let words = ["Ana Perez at ana@new.example (it went to office@town.example"];
    let mailing = mailing.says(&change, told).refused(&words, "office");
    // She has it, or never saw it: either way somebody says so.
    let who = "Ana Perez <office@town.example>";
    let hint = format!("people leave-out \\\"{who}\\\" --reason");
    assert!(mailing.workspace.send().1.to_string().contains(&hint), "{hint}");
    let leave = ["people", "leave-out", who, "--reason", "has it"];
    let mailing = mailing.says(&leave, "has the letter already: that stays").goes("office");
    mailing.decisions("ana@new.example,add,Ana Perez").goes("ana, office");
}

/// B2: and the other one of the address is not passed over in silence.
#[test]
fn the_first_of_a_shared_address_does_not_get_it_again_and_the_next_is_told_of() {
    let mailing = Mailing::new("one", BOTH).goes("office");
    let moved = "Ana Perez <office@town.example>,use-address,ana@new.example";
    let mailing = mailing.decisions(moved).refused(&["Ana Perez at ana@new.example"], "office");
    let (_, json) = mailing.workspace.send();
    let luis = message(&json, "joined-too-late");
    assert!(luis.contains("Luis Mora at office@town.example (it was written to Ana Perez)"));
    // Left out, she keeps hers; Luis gets one of his own once somebody says so.
    let mailing = mailing.decisions("Ana Perez <office@town.example>,leave-out,").goes("office");
    let own = ["people", "change-address", "Luis Mora", "office@town.example"];
    let mailing = mailing.says(&own, "The letter of outcome to Luis Mora");
    mailing.goes("office 2").goes("office 2");
}

/// B3: whatever is put right in it.
#[test]
fn a_name_put_right_does_not_make_another_person_where_each_gets_a_letter() {
    for name in ["Ana Pérez", "Ana Lopez", "Анна Перес", "", "Ana"] {
        let mailing = Mailing::new("each", "Ana Perz,ana; Bo Li,bo").goes("ana, bo");
        let mailing = mailing.rows(&format!("{name},ana; Bo Li,bo"));
        let words = ["at ana@town.example", "written to Ana Perz"];
        let words = if name.is_empty() { &["ana@town.example"][..] } else { &words[..] };
        let mailing = mailing.refused(words, "ana, bo");
        if name.is_empty() {
            continue;
        }
        // Put back, left out, or somebody else: each way is open.
        let mailing = mailing.rows("Ana Perz,ana; Bo Li,bo").goes("ana, bo");
        let mailing = mailing.rows(&format!("{name},ana; Bo Li,bo"));
        let out = format!("{name} <ana@town.example>,leave-out,");
        let mailing = mailing.decisions(&out).goes("ana, bo").decisions("");
        let own = ["people", "change-address", "ana@town.example", "ana@town.example"];
        mailing.says(&own, "use-address ana@town.example").goes("ana 2, bo").goes("ana 2, bo");
    }
}

#[test]
fn of_several_new_ones_who_is_likest_to_the_one_gone_is_asked_about() {
    let mailing = Mailing::new("each", "Ana Perz,office").goes("office");
    let mailing = mailing.rows("Ana Pérez,office; Luis Mora,office; Eva Ruiz,office");
    let mailing = mailing.refused(&["1 person has", "Ana Pérez at"], "office");
    mailing.decisions("Ana Pérez <office@town.example>,leave-out,").goes("office 3");
}

/// B4: the letter went to the other's mailbox by a line that is gone.
#[test]
fn a_line_taken_out_does_not_send_to_the_mailbox_that_had_the_letter() {
    for policy in ["one", "joint", "each"] {
        let mailing = Mailing::new(policy, "Ana Perez,ana; Ana Perez,perez");
        let mailing = mailing.decisions("ana@town.example,use-address,perez@town.example");
        let mailing = mailing.goes("perez").decisions("");
        let mailing = mailing.refused(&["Ana Perez at perez@town.example (it went"], "perez");
        // Where she is another: of her own.
        let own = "Ana Perez <perez@town.example>,use-address,perez@town.example";
        mailing.decisions(own).goes("perez 2");
    }
}

/// B5: the same bytes, the same Message-ID.
#[test]
fn a_copy_does_not_go_to_the_mailbox_that_had_the_letter_itself() {
    let mailing = Mailing::new("one", "Ana Perez,ana,desk; Bo Li,bo");
    let mailing = mailing.decisions("ana@town.example,use-address,desk@town.example");
    let mailing = mailing.goes("bo, desk").decisions("");
    let words = ["the copy for desk@town.example of the letter to ana@town.example"];
    let mailing = mailing.refused(&words, "bo, desk");
    mailing.rows("Ana Perez,ana; Bo Li,bo").goes("bo, desk");
}

/// Her other address comes into the list, after a copy of her letter went there.
#[test]
fn who_has_a_copy_of_their_own_letter_gets_no_other_there() {
    let mailing = Mailing::new("one", "Ana Perez,ana,perez").goes("ana, perez");
    let mailing = mailing.rows("Ana Perez,ana,perez; Ana Perez,perez");
    let words = ["Ana Perez at perez@town.example (a copy went to perez@town.example"];
    let mailing = mailing.refused(&words, "ana, perez");
    // In the other order in one cell, it is the same.
    mailing.rows("Ana Perez,perez,ana").refused(&["Ana Perez at perez"], "ana, perez");
}

/// B6: the letter was refused, its copy went.
#[test]
fn copies_do_not_go_again_under_another_policy() {
    for answer in ["550 5.1.1 no such mailbox", "451 4.7.1 greylisted"] {
        let script = Script::new().answer("ana", answer);
        let mailing = Mailing::at(script, "one", "Ana Perez,ana,desk; Bo Li,bo");
        mailing.workspace.send();
        let mailing = mailing.has("bo, desk").policy("each");
        let words = ["the copy for desk@town.example", "Bo Li at bo@town.example"];
        let mailing = mailing.refused(&words, "bo, desk");
        mailing.relay.change(Script::new());
        let mailing = mailing.rows("Ana Perez,ana; Bo Li,bo");
        let mailing = mailing.decisions("Bo Li <bo@town.example>,leave-out,");
        mailing.goes("ana, bo, desk");
    }
}

#[test]
fn people_merged_after_one_of_them_had_the_letter_get_no_other() {
    let script = Script::new().answer("perez", "451 4.2.0 later");
    let mailing = Mailing::at(script, "one", "Ana Perez,ana; Ana Perez,perez");
    assert_eq!(mailing.workspace.send().0, Some(4));
    mailing.relay.change(Script::new());
    let merged = "ana@town.example,merge-with,perez@town.example";
    let mailing = mailing.has("ana").decisions(merged);
    let mailing = mailing.refused(&["Ana Perez at perez@town.example"], "ana");
    let turned = "perez@town.example,merge-with,ana@town.example";
    mailing.decisions(turned).goes("ana");
}

/// What changes every day asks nothing.
#[test]
fn ordinary_changes_pass_without_a_question() {
    let new = Mailing::new("one", "Ana Perez,ana; Bo Li,bo").goes("ana, bo");
    new.rows("Bo Li,bo; Ana Perez,ana; Ana Perez,perez").goes("ana, bo, perez");
    for policy in ["one", "joint"] {
        let name = Mailing::new(policy, "Ana Perz,ana; Bo Li,bo").goes("ana, bo");
        let name = name.rows("Ana Pérez,ana; Bo Li,bo; Eva Ruiz,eva").goes("ana, bo, eva");
        let output = name.workspace.run(&["status"]);
        assert!(!output.everything().contains("warning"), "{output:#?}");
    }
    let each = Mailing::new("each", "Ana Perez,office").goes("office");
    let each = each.rows("Luis Mora,office; Ana Perez,office").goes("office 2");
    each.rows("Luis Mora,office; Ana Perez,office; Luz Perez,office").goes("office 3");
    // A list that was re-exported in another order, where one stands for the address.
    let one = Mailing::new("one", BOTH).goes("office");
    let one = one.rows("Luis Mora,office; Ana Perez,office").goes("office");
    let output = one.workspace.run(&["status"]);
    assert!(!output.everything().contains("joined-too-late"), "{output:#?}");
    // Two people of one name, each with the same office: each letter has its copy.
    let two = Mailing::new("one", "Li Wei,li,desk").goes("desk, li");
    two.rows("Li Wei,li,desk; Li Wei,wei,desk").goes("desk 2, li, wei");
}

/// What was confirmed together is not asked about when it goes on.
#[test]
fn a_plan_that_was_confirmed_goes_on_without_a_question() {
    let script = Script::new().answer("second", "451 4.2.0 later");
    let rows = "Ana Maria Perez,office; Ana Perez,office; Bo Li,second";
    let mailing = Mailing::at(script, "each", rows);
    let plan = mailing.workspace.fingerprint();
    let first = mailing.workspace.run(&["send", "--plan", &plan, "--first", "1", "--no-wait"]);
    assert_eq!(first.code, Some(4), "{first:#?}");
    mailing.relay.change(Script::new());
    let letter = LETTER.replace("final", "the final one");
    mailing.workspace.write("templates/outcome/en.md", letter);
    mailing.goes("office 2, second");
}

/// D3: named on the screen, by `status` and by `why`.
#[test]
fn who_joins_a_joint_address_after_its_letter_went_is_named() {
    let mailing = Mailing::new("joint", "Ana Perez,office; Bo Li,bo").goes("bo, office");
    let mailing = mailing.rows("Ana Perez,office; Luis Perez,office; Bo Li,bo");
    let (code, json) = mailing.workspace.send();
    let words = "1 person came to an address whose letter had gone, and gets none: Luis Perez at \
                 office@town.example (it was written to Ana Perez)";
    assert_eq!((code, message(&json, "joined-too-late").as_str()), (Some(0), words), "{json:#}");
    let mailing = mailing.says(&["status"], words).says(&["send"], words);
    let why = "the letter to office@town.example was written to Ana Perez; it is accepted since";
    let mailing = mailing.says(&["why", "luis"], why);
    let own = ["people", "change-address", "luis", "office@town.example"];
    let mailing = mailing.says(&own, "use-address office@town.example").goes("bo, office 2");
    let status = mailing.workspace.run(&["status"]);
    assert!(!status.everything().contains("joined-too-late"), "{status:#?}");
}

#[test]
fn a_letter_that_went_before_the_address_changed_is_named() {
    let mailing = Mailing::new("one", "Ana Perez,ana; Bo Li,bo").goes("ana, bo");
    let mailing = mailing.decisions("ana@town.example,use-address,perez@town.example");
    let words = "Ana Perez at perez@town.example, it went to ana@town.example";
    let mailing = mailing.says(&["send"], words).says(&["status"], words).has("ana, bo");
    let added = "perez@town.example,add,Ana Perez";
    mailing.decisions(added).goes("ana, bo, perez");
    // It went by a line that is gone.
    let wrong = Mailing::new("one", "Ana Perez,ana");
    let wrong = wrong.decisions("ana@town.example,use-address,bo@town.example").goes("bo");
    let words = "Ana Perez at ana@town.example, it went to bo@town.example";
    let wrong = wrong.decisions("").says(&["send"], words).has("bo");
    let own = ["people", "change-address", "ana", "ana@town.example"];
    wrong.says(&own, "The letter of outcome to Ana Perez").goes("ana, bo");
}

/// C4: a run knows nothing of a decision, and `people` says so.
#[cfg(unix)]
#[test]
fn leaving_somebody_out_during_a_run_says_what_holds_the_letter() {
    let mut mailing = Mailing::new("one", "Ana Perez,ana; Bo Li,bo; Di Wu,di");
    mailing.workspace = mailing.workspace.relay_lines("rate = \"20/min\"").now("");
    let plan = mailing.workspace.fingerprint();
    let mut running = mailing.workspace.spawn(&["send", "--plan", &plan]);
    assert!(eventually(Duration::from_secs(20), || mailing.relay.count() > 0));
    let leave = ["people", "leave-out", "di", "--reason", "asked by phone"];
    let told = "Di Wu <di@town.example> gets no letter of outcome once send has confirmed the new \
                plan; but a run is at work, and sends the letter all the same. To hold it: \
                secretariat pause outcome, stop that run (Ctrl-C), secretariat resume outcome, \
                secretariat send outcome.";
    let mailing = mailing.says(&leave, told);
    assert!(!running.has_ended());
    // As it says.
    assert_eq!(mailing.workspace.run(&["pause"]).code, Some(0));
    running.interrupt();
    running.wait();
    assert_eq!(mailing.workspace.run(&["resume"]).code, Some(0));
    let mailing = mailing.goes("ana, bo");
    // Without a run nothing has to be held.
    let mailing = mailing.rows("Ana Perez,ana; Bo Li,bo; Di Wu,di; Eva Ruiz,eva");
    mailing.relay.change(Script::new().answer("eva", "451 4.2.0 later"));
    assert_eq!(mailing.workspace.send().0, Some(4));
    let leave = ["people", "leave-out", "eva", "--reason", "asked by phone"];
    let told = "gets no letter of outcome once send has confirmed the new plan. Next:";
    mailing.says(&leave, told).goes("ana, bo");
}
