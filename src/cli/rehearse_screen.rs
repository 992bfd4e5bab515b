//! What came of a rehearsal, in words an officer understands and as JSON.
//!
//! Pure: the evidence in, text out. Whether a promise is kept was found by `rehearsal/proof.rs`.

use super::chosen::Number;
use super::ui::{BOLD, DIM, grouped, plural};
use crate::id::CampaignId;
use crate::ledger::State;
use crate::problem::Problem;
use crate::rehearsal::proof::{Breach, Claim, Promise};
use crate::rehearsal::trial::Done;
use crate::time::in_words;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Uncertain letters of a kind that are named before the rest is counted: they are made up, and
/// what matters is that each has a name.
const UNCERTAIN_NAMED_MAX: usize = 3;
/// Breaches of one promise that are named before the rest is counted.
const BREACHES_NAMED_MAX: usize = 5;

/// What was rehearsed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading {
    /// The faults' seed; none: without faults.
    pub seed: Option<u64>,
    /// Letters and copies of the plan.
    pub number: Number,
    /// How long it took.
    pub took: Duration,
}

/// All that is known at the end.
#[derive(Debug)]
pub(super) struct Outcome {
    pub campaign: CampaignId,
    pub heading: Heading,
    /// What the relay has counted, by address.
    pub received: BTreeMap<String, usize>,
    /// What was done to the mailing, and how often.
    pub tally: Vec<(&'static str, usize)>,
    /// How many letters may be in doubt at most.
    pub doubts: usize,
    pub done: Done,
    pub claims: Vec<Claim>,
    pub breaches: Vec<Breach>,
}

impl Outcome {
    /// The bug, where a promise is broken.
    pub(super) fn verdict(&self) -> Option<Problem> {
        let first = self.breaches.first()?;
        let complaint = self.done.complaint.as_deref().map(|c| format!(" ({c})"));
        let message = format!("the rehearsal has failed: {first}{}", complaint.unwrap_or_default());
        let seed = self.heading.seed.map(|seed| format!(" --faults --seed {seed}"));
        Some(Problem::error("bug", message).hint(format!(
            "This is a mistake of secretariat: send nothing with this version, and report it. The \
             same again: secretariat rehearse {}{}",
            self.campaign,
            seed.unwrap_or_default()
        )))
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let mut text = self.heading();
        if self.heading.seed.is_some() {
            text.push_str(&self.what_was_done());
        }
        text.push_str(&self.how_it_ended());
        text.push_str(&self.proof());
        text.push_str(&self.conclusion());
        text
    }

    fn heading(&self) -> String {
        let Heading { seed, number, took } = self.heading;
        let letters = number.in_words();
        let how = seed.map_or(String::new(), |seed| format!(" with faults (seed {seed})"));
        format!("{BOLD}{}: {letters} rehearsed{how}{BOLD:#} in {}\n", self.campaign, in_words(took))
    }

    fn what_was_done(&self) -> String {
        let faults: usize = self.tally.iter().map(|(_, count)| count).sum();
        let (faults, kills) =
            (plural(faults as u64, "fault"), plural(self.done.kills as u64, "kill"));
        let mut text =
            format!("\n{BOLD}What was done to it{BOLD:#} {DIM}({faults}, {kills}){DIM:#}\n");
        let mut row = |count: usize, words: &str| {
            let _ = writeln!(text, "{:>8}  {words}", grouped(count as u64));
        };
        self.tally.iter().for_each(|(words, count)| row(*count, words));
        row(self.done.kills, "the program killed in the middle (kill -9)");
        row(self.done.runs, "times secretariat send was started, until nothing was open");
        text
    }

    fn how_it_ended(&self) -> String {
        let mut text = format!("\n{BOLD}How it ended{BOLD:#}\n");
        for (state, words) in [
            (State::Accepted, "handed to the mail server"),
            (State::Rejected, "refused for good"),
            (State::Expired, "given up"),
            (State::Uncertain, "not sure: lost in the moment of handing over"),
        ] {
            let count = self.count(state);
            if count > 0 || state == State::Accepted {
                let _ = writeln!(text, "{:>8}  {words}", grouped(count as u64));
            }
        }
        text.push_str(&self.named());
        text
    }

    /// Uncertain letters by name: what the sending side cannot know, and the relay does.
    fn named(&self) -> String {
        let (has, has_not): (Vec<_>, Vec<_>) =
            self.uncertain().into_iter().partition(|(_, has_arrived)| *has_arrived);
        let mut text = String::new();
        for (claims, words) in
            [(has, "the mail server does have"), (has_not, "the mail server does not have")]
        {
            let count = grouped(claims.len() as u64);
            if !claims.is_empty() {
                let _ = writeln!(text, "          {count} of them {words}:");
            }
            for (claim, _) in claims.iter().take(UNCERTAIN_NAMED_MAX) {
                let _ = writeln!(text, "            {}", claim.address);
            }
            let more = claims.len().saturating_sub(UNCERTAIN_NAMED_MAX);
            if more > 0 {
                let _ = writeln!(text, "            {DIM}and {} more{DIM:#}", grouped(more as u64));
            }
        }
        if !text.is_empty() {
            text.push_str(
                "          A real send would name each of these and ask you; it never sends one\n\
                 \u{20}         again by itself. (All of them: --format json)\n",
            );
        }
        text
    }

    fn proof(&self) -> String {
        let mut text = format!("\n{BOLD}Proof{BOLD:#} {DIM}(the mail server's own count){DIM:#}\n");
        for promise in Promise::ALL {
            let broken: Vec<&Breach> =
                self.breaches.iter().filter(|b| b.promise == promise).collect();
            let mark = if broken.is_empty() { "yes" } else { "NO" };
            let _ = writeln!(text, "{mark:>8}  {}", self.promised(promise));
            for breach in broken.iter().take(BREACHES_NAMED_MAX) {
                let _ = writeln!(text, "          {}", breach.words);
            }
            if broken.len() > BREACHES_NAMED_MAX {
                let _ = writeln!(text, "          and {} more", broken.len() - BREACHES_NAMED_MAX);
            }
        }
        text
    }

    /// What it means, for whoever reads one line only.
    fn conclusion(&self) -> String {
        let broken: std::collections::BTreeSet<Promise> =
            self.breaches.iter().map(|b| b.promise).collect();
        let verdict = match broken.len() {
            0 => "The proof holds.".to_owned(),
            n => format!("The proof FAILS in {n} of {} lines: send nothing.", Promise::ALL.len()),
        };
        let seed = self.heading.seed.filter(|_| broken.is_empty()).map(|seed| {
            format!(
                "The same faults again: secretariat rehearse {} --faults --seed {seed}\n",
                self.campaign
            )
        });
        format!(
            "\n{BOLD}{verdict}{BOLD:#} Nothing left this computer, and nothing was recorded.\n{}",
            seed.unwrap_or_default()
        )
    }

    /// A promise as an officer reads it.
    fn promised(&self, promise: Promise) -> String {
        let uncertain = grouped(self.count(State::Uncertain) as u64);
        match promise {
            Promise::NobodyTwice => "nobody got two letters".to_owned(),
            Promise::AcceptedIsThere => {
                "every letter noted as handed over is there, once".to_owned()
            }
            Promise::NothingUnnoted => {
                "every letter there is noted; who was refused or waits has none".to_owned()
            }
            Promise::DoubtIsBounded if self.doubts == 0 => "no letter is in doubt".to_owned(),
            Promise::DoubtIsBounded => format!(
                "{uncertain} in doubt; the kills and broken connections could have left {}",
                grouped(self.doubts as u64)
            ),
            Promise::AsPreviewed => "what arrived is what preview shows, byte for byte".to_owned(),
            Promise::OneRecipient => {
                "each letter went to one recipient alone, by the rules of mail".to_owned()
            }
            Promise::NobodyMissed if self.heading.seed.is_none() => {
                "nobody was left without one".to_owned()
            }
            Promise::NobodyMissed => {
                "nobody was missed: every letter has come to its end".to_owned()
            }
        }
    }

    fn count(&self, state: State) -> usize {
        self.claims.iter().filter(|c| c.state == state).count()
    }

    /// Uncertain letters, and whether the relay has each: of several to one address as many as it
    /// has beyond those that were noted.
    fn uncertain(&self) -> Vec<(&Claim, bool)> {
        let mut unnoted: BTreeMap<&str, usize> =
            self.received.iter().map(|(address, count)| (address.as_str(), *count)).collect();
        let mut take = |claim: &Claim| {
            let left = unnoted.get_mut(claim.address.as_str()).filter(|left| **left > 0);
            left.map(|left| *left -= 1).is_some()
        };
        let is = |state: State| move |claim: &&Claim| claim.state == state;
        self.claims.iter().filter(is(State::Accepted)).for_each(|claim| {
            take(claim);
        });
        let uncertain = self.claims.iter().filter(is(State::Uncertain));
        uncertain.map(|claim| (claim, take(claim))).collect()
    }

    /// The command's parts of the JSON object.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let proof: Map<String, Value> = Promise::ALL
            .into_iter()
            .map(|p| (p.code().to_owned(), json!(!self.breaches.iter().any(|b| b.promise == p))))
            .collect();
        let faults = self.tally.iter().map(|(what, count)| json!({"what": what, "count": count}));
        let mut counts = Map::from_iter([("total".to_owned(), json!(self.claims.len()))]);
        counts.extend(State::ALL.map(|s| (s.as_str().to_owned(), json!(self.count(s)))));
        let uncertain = self.uncertain().into_iter();
        let uncertain = uncertain.map(|(c, has)| json!({"address": c.address, "received": has}));
        Map::from_iter([
            ("campaign".to_owned(), json!(self.campaign.as_str())),
            ("letters".to_owned(), json!(self.heading.number.letters)),
            ("copies".to_owned(), json!(self.heading.number.copies)),
            ("seed".to_owned(), json!(self.heading.seed)),
            ("holds".to_owned(), json!(self.breaches.is_empty())),
            ("proof".to_owned(), Value::Object(proof)),
            ("counts".to_owned(), Value::Object(counts)),
            ("received".to_owned(), json!(self.received.values().sum::<usize>())),
            ("uncertain".to_owned(), uncertain.collect()),
            ("uncertain_max".to_owned(), json!(self.doubts)),
            ("faults".to_owned(), faults.collect()),
            ("kills".to_owned(), json!(self.done.kills)),
            ("runs".to_owned(), json!(self.done.runs)),
        ])
    }

    /// The same parts where nothing was rehearsed.
    pub(super) fn none_as_json() -> Map<String, Value> {
        let mut counts = Map::from_iter([("total".to_owned(), json!(0))]);
        counts.extend(State::ALL.map(|s| (s.as_str().to_owned(), json!(0))));
        Map::from_iter([
            ("campaign".to_owned(), Value::Null),
            ("letters".to_owned(), json!(0)),
            ("copies".to_owned(), json!(0)),
            ("seed".to_owned(), Value::Null),
            ("holds".to_owned(), Value::Null),
            ("proof".to_owned(), json!({})),
            ("counts".to_owned(), Value::Object(counts)),
            ("received".to_owned(), json!(0)),
            ("uncertain".to_owned(), json!([])),
            ("uncertain_max".to_owned(), json!(0)),
            ("faults".to_owned(), json!([])),
            ("kills".to_owned(), json!(0)),
            ("runs".to_owned(), json!(0)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(address: &str, state: State) -> Claim {
        Claim { address: address.to_owned(), state }
    }

    /// Five letters under faults: two arrived, one was refused, two are in doubt.
    fn outcome(breaches: Vec<Breach>) -> Outcome {
        let received = ["ana@town.example", "bo@town.example", "cy@town.example"];
        Outcome {
            campaign: CampaignId::parse("outcome").unwrap(),
            heading: Heading {
                seed: Some(7),
                number: Number { letters: 5, copies: 0 },
                took: Duration::from_secs(9),
            },
            received: received.map(|address| (address.to_owned(), 1)).into(),
            tally: vec![("no answer at all", 1), ("letter taken, half an answer", 1_200)],
            doubts: 9,
            done: Done { runs: 4, kills: 1, ..Done::default() },
            claims: vec![
                claim("ana@town.example", State::Accepted),
                claim("bo@town.example", State::Accepted),
                claim("cy@town.example", State::Uncertain),
                claim("di@town.example", State::Uncertain),
                claim("ed@town.example", State::Rejected),
            ],
            breaches,
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    const SCREEN: &str = "\
outcome: 5 letters rehearsed with faults (seed 7) in 9 seconds

What was done to it (1,201 faults, 1 kill)
       1  no answer at all
   1,200  letter taken, half an answer
       1  the program killed in the middle (kill -9)
       4  times secretariat send was started, until nothing was open

How it ended
       2  handed to the mail server
       1  refused for good
       2  not sure: lost in the moment of handing over
          1 of them the mail server does have:
            cy@town.example
          1 of them the mail server does not have:
            di@town.example
          A real send would name each of these and ask you; it never sends one
          again by itself. (All of them: --format json)

Proof (the mail server's own count)
     yes  nobody got two letters
     yes  every letter noted as handed over is there, once
     yes  every letter there is noted; who was refused or waits has none
     yes  2 in doubt; the kills and broken connections could have left 9
     yes  what arrived is what preview shows, byte for byte
     yes  each letter went to one recipient alone, by the rules of mail
     yes  nobody was missed: every letter has come to its end

The proof holds. Nothing left this computer, and nothing was recorded.
The same faults again: secretariat rehearse outcome --faults --seed 7
";

    #[test]
    fn a_proof_that_holds_is_read_in_one_screen() {
        let text = plain(&outcome(Vec::new()).to_text());
        assert_eq!(text, SCREEN);
        assert_eq!(outcome(Vec::new()).verdict(), None);
    }

    #[test]
    fn a_proof_that_fails_says_where_and_what_to_do() {
        let breach = |promise, words: &str| Breach { promise, words: words.to_owned() };
        let mut breaches = vec![breach(
            Promise::NobodyTwice,
            "ana@town.example has 2 letters, 1 at most were to go",
        )];
        breaches.extend((0..8).map(|n| breach(Promise::NobodyMissed, &format!("p{n} waits"))));
        let outcome = outcome(breaches);
        let text = plain(&outcome.to_text());
        for words in [
            "      NO  nobody got two letters\n          ana@town.example has 2 letters",
            "      NO  nobody was missed: every letter has come to its end\n          p0 waits\n",
            "          p4 waits\n          and 3 more\n",
            "     yes  every letter noted as handed over is there, once\n",
            "The proof FAILS in 2 of 7 lines: send nothing.",
        ] {
            assert!(text.contains(words), "{words:?}: {text}");
        }
        assert!(!text.contains("The proof holds"), "{text}");
        let problem = outcome.verdict().unwrap();
        let hint = problem.hint.unwrap();
        assert!(hint.contains("secretariat rehearse outcome --faults --seed 7"), "{hint}");
        assert_eq!((problem.code, &outcome.to_json()["holds"]), ("bug", &json!(false)));
        assert_eq!(outcome.to_json()["proof"]["nobody-twice"], json!(false));
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let mut outcome = outcome(Vec::new());
        let long = "martin_quispedelacruz@san-luis-potosi-aprende.example";
        outcome.claims.extend((0..5).map(|n| claim(&format!("{n}{long}"), State::Uncertain)));
        let text = plain(&outcome.to_text());
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
        assert!(text.contains("            and 3 more\n"), "{text}");
    }
}
