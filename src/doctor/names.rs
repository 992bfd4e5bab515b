//! What the name service is asked, and what it said.
//!
//! Rules about domains are pure: each reads what is [`Known`] and, where an answer is missing,
//! comes back with the [`Question`]. Whoever runs the rule asks it and runs the rule again
//! (`resolver.rs`), so that a rule reads as if all answers had been there from the start.
//!
//! # Standards
//! RFC 1035 (names, TXT, MX), RFC 2181 10.3 (what an MX points to), RFC 7505 (null MX).

use std::collections::BTreeMap;
use std::net::IpAddr;

/// What can be asked of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A and AAAA together.
    Addresses,
    /// MX.
    Exchangers,
    /// TXT.
    Texts,
}

impl Kind {
    /// The records' type as it stands in a zone.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Addresses => "A and AAAA",
            Kind::Exchangers => "MX",
            Kind::Texts => "TXT",
        }
    }
}

/// A question that has no answer yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// Lower case, without the dot at the end.
    pub name: String,
    /// What of it.
    pub kind: Kind,
}

/// A mail exchanger: preference and host. The host is empty in a null MX (RFC 7505).
pub type Exchanger = (u16, String);

/// What came of a question. A name that is an alias has been followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Kind::Addresses`]; at least one.
    Addresses(Vec<IpAddr>),
    /// To [`Kind::Exchangers`]; at least one, by preference.
    Exchangers(Vec<Exchanger>),
    /// To [`Kind::Texts`]; at least one, each joined from its parts (RFC 7208 3.3).
    Texts(Vec<String>),
    /// The name exists, and has nothing of the kind.
    Nothing,
    /// There is no such name.
    NoSuchName,
    /// Nobody could say: the name server's or our own trouble, in words.
    Failed(String),
}

/// What has been asked and answered so far.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<Question, Answer>);

/// A rule's result, or the question it cannot go on without.
pub type Asked<T> = Result<T, Question>;

impl Known {
    /// The answer to a question.
    ///
    /// # Errors
    /// The question, where it was not asked yet.
    pub fn ask(&self, kind: Kind, name: &str) -> Asked<&Answer> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let question = Question { name, kind };
        self.0.get(&question).ok_or(question)
    }

    /// Keeps an answer.
    pub fn learn(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// How many questions were answered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All TXT of a name; none where there is none.
    ///
    /// # Errors
    /// The question, where it was not asked yet.
    pub fn texts(&self, name: &str) -> Asked<Result<&[String], &str>> {
        Ok(match self.ask(Kind::Texts, name)? {
            Answer::Texts(texts) => Ok(texts),
            Answer::Failed(words) => Err(words),
            _ => Ok(&[]),
        })
    }
}

#[cfg(test)]
impl Known {
    /// A zone for tests: lines such as `a.example TXT v=spf1 -all`, `a.example A 192.0.2.1`,
    /// `a.example MX 10 mx.a.example`, `a.example FAILS`. What it does not name does not exist.
    pub(super) fn of_zone(zone: &str) -> Zone {
        Zone { lines: zone.lines().map(|line| line.trim().to_owned()).collect() }
    }
}

/// A zone that answers whatever a rule asks.
#[cfg(test)]
pub(super) struct Zone {
    lines: Vec<String>,
}

#[cfg(test)]
impl Zone {
    /// Runs a rule to its end, as `resolver.rs` does.
    pub(super) fn settle<T>(&self, rule: impl Fn(&Known) -> Asked<T>) -> T {
        let mut known = Known::default();
        loop {
            match rule(&known) {
                Ok(done) => return done,
                Err(question) => {
                    let answer = self.answer(&question);
                    known.learn(question, answer);
                }
            }
        }
    }

    fn answer(&self, question: &Question) -> Answer {
        let of_name = |line: &&String| line.split(' ').next() == Some(question.name.as_str());
        let lines: Vec<_> = self.lines.iter().filter(of_name).collect();
        if lines.is_empty() {
            return Answer::NoSuchName;
        }
        let of = |kind: &str| -> Vec<String> {
            let prefix = format!("{} {kind}", question.name);
            let rest = lines.iter().filter_map(|line| line.strip_prefix(&prefix));
            rest.map(|text| text.trim().to_owned()).collect()
        };
        if !of("FAILS").is_empty() {
            return Answer::Failed("no answer in time".to_owned());
        }
        let answer = match question.kind {
            Kind::Addresses => {
                Answer::Addresses(of("A").iter().filter_map(|a| a.parse().ok()).collect())
            }
            Kind::Texts => Answer::Texts(of("TXT")),
            Kind::Exchangers => Answer::Exchangers(
                of("MX")
                    .iter()
                    .filter_map(|mx| {
                        let (preference, host) = mx.split_once(' ')?;
                        Some((preference.parse().ok()?, host.trim_end_matches('.').to_owned()))
                    })
                    .collect(),
            ),
        };
        match answer {
            Answer::Addresses(found) if found.is_empty() => Answer::Nothing,
            Answer::Texts(found) if found.is_empty() => Answer::Nothing,
            Answer::Exchangers(found) if found.is_empty() => Answer::Nothing,
            found => found,
        }
    }
}
