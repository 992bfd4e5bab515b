//! The names of a list that show at once whether it was read right.
//!
//! Owns the choice: one of each of the commonest scripts that are not Latin, then Latin ones by
//! their letters beyond ASCII, then long ones, then more of the same; in a wrong encoding nothing is
//! right among them.

use crate::limits::SAMPLE_NAMES;
use std::collections::BTreeMap;
use unicode_script::{Script, UnicodeScript};

/// Scripts other than Latin that are shown before there are Latin names.
const SCRIPTS_FIRST: usize = 3;

/// The most telling names seen so far.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// By the script or the Latin letter that makes it telling.
    best: BTreeMap<(Rank, Option<char>), Best>,
}

/// The most telling of many names.
#[derive(Debug, Default)]
struct Best {
    of: usize,
    /// At most [`SAMPLE_NAMES`], the most telling first, of equal ones the first seen.
    names: Vec<(usize, String)>,
}

impl Best {
    fn see(&mut self, telling: usize, name: &str) {
        self.of += 1;
        let is_full = self.names.len() == SAMPLE_NAMES;
        if is_full && self.names.last().is_some_and(|(last, _)| *last >= telling)
            || self.names.iter().any(|(_, known)| known == name)
        {
            return;
        }
        let at = self.names.partition_point(|(other, _)| *other >= telling);
        self.names.insert(at, (telling, name.to_owned()));
        self.names.truncate(SAMPLE_NAMES);
    }

    fn telling(&self) -> usize {
        self.names.first().map_or(0, |(telling, _)| *telling)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// By the place of its script in Unicode's list.
    Other(u8),
    Accented,
    Plain,
}

impl Samples {
    /// Looks at one more name.
    pub(super) fn see(&mut self, name: &str) {
        let key = match name.is_ascii() {
            // A plain name is told from another by its first letter, so that there are several.
            true => (Rank::Plain, name.chars().next()),
            false => of_letters(name),
        };
        let telling = name.chars().filter(|c| !c.is_ascii()).count() * 8 + name.len().min(40);
        self.best.entry(key).or_default().see(telling, name);
    }

    /// The names to show, at most [`SAMPLE_NAMES`]; different ones as far as there are.
    pub(super) fn chosen(self) -> Vec<String> {
        let (mut other, mut latin) = (Vec::new(), Vec::new());
        for ((rank, _), best) in self.best {
            match rank {
                Rank::Other(_) => other.push(best),
                rank => latin.push((rank, best)),
            }
        }
        other.sort_by_key(|best| std::cmp::Reverse(best.of));
        latin.sort_by_key(|(rank, best)| (*rank, std::cmp::Reverse(best.telling())));
        let rest = other.split_off(other.len().min(SCRIPTS_FIRST));
        let latin = latin.into_iter().map(|(_, best)| best);
        let all: Vec<Best> = other.into_iter().chain(latin).chain(rest).collect();
        // The first of each kind, then the second of each.
        let nth = |n| all.iter().filter_map(move |best| best.names.get(n));
        let names = (0..SAMPLE_NAMES).flat_map(nth).map(|(_, name)| name.clone());
        names.take(SAMPLE_NAMES).collect()
    }
}

fn of_letters(name: &str) -> (Rank, Option<char>) {
    let script = |c: char| match c.script() {
        Script::Common | Script::Inherited | Script::Latin => None,
        script => Some(script as u8),
    };
    match name.chars().find_map(script) {
        Some(script) => (Rank::Other(script), None),
        None => (Rank::Accented, name.chars().find(|c| !c.is_ascii())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_names_are_shown_first() {
        let mut samples = Samples::default();
        let names = "Ana Lee|Bo Li|José Pérez|Åsa Sjöström|Łukasz Wałęsa|王芳|李王芳|سارة علي|\
            Ирина Щербакова|John Longfellow-Featherstone|Zoé|Zoé Núñez";
        names.split('|').for_each(|name| samples.see(name));
        let chosen = samples.chosen();
        assert_eq!(chosen.len(), 5);
        for name in ["李王芳", "سارة علي", "Ирина Щербакова"] {
            assert!(chosen[..3].contains(&name.to_owned()), "{chosen:?}");
        }
        assert_eq!(chosen[3..], ["Łukasz Wałęsa", "Åsa Sjöström"]);
        let mut samples = Samples::default();
        ["Ana", "Bo Li", "Ana Lee"].iter().for_each(|name| samples.see(name));
        assert_eq!(samples.chosen(), ["Ana Lee", "Bo Li", "Ana"]);
        assert_eq!(Samples::default().chosen(), [""; 0]);
        // A list of one script, where the encoding matters most.
        let mut samples = Samples::default();
        ["سارة علي", "منى سالم", "سارة علي", "ليلى"].iter().for_each(|name| samples.see(name));
        assert_eq!(samples.chosen(), ["سارة علي", "منى سالم", "ليلى"]);
    }
}
