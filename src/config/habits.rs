//! `[relay] connections`, `rate`, `daily_limit`, `disable`: how much a relay is asked for.
//!
//! Owns their meaning and their defaults, which a great service fills in. No I/O.

use super::Habits;
use super::section::{Placed, Reader, Refusal, Section};
use super::service;
use super::units::parse_rate;
use crate::limits::{CONNECTIONS_MAX, CONNECTIONS_USUAL, DAILY_LIMIT_MAX};
use crate::send::pace::Pacing;
use crate::services::Service;
use crate::transport::smtp::Extensions;
use std::num::{NonZeroU64, NonZeroUsize};

impl Default for Habits {
    fn default() -> Habits {
        Habits { connections: CONNECTIONS_USUAL, pacing: Pacing::default(), disable: Vec::new() }
    }
}

/// Reads them; what is not written is as the service allows, or as usual.
pub(super) fn read_habits(
    section: &mut Section<'_>,
    service: Option<Service>,
    reader: &mut Reader<'_>,
) -> Habits {
    let place_of = |key, reader: &Reader<'_>| section.place_of(key, reader);
    let places = ["connections", "rate", "daily_limit"].map(|key| place_of(key, reader));
    let connections = section.take_number("connections", 1..=CONNECTIONS_MAX as u64, reader);
    let rate = section.take_meaning("rate", "\"30/min\"", reader, parse_rate);
    let daily_limit = section.take_number("daily_limit", 1..=DAILY_LIMIT_MAX, reader);
    let disable = section.take_texts("disable", "[\"CHUNKING\"]", reader).unwrap_or_default();
    let connections = connections.and_then(|n| usize::try_from(n).ok()).and_then(NonZeroUsize::new);
    let written = Pacing {
        rate: rate.map(|rate| rate.value),
        daily_limit: daily_limit.and_then(NonZeroU64::new),
    };
    if let Some(service) = service {
        service::check_habits(service, connections, written, places, reader);
    }
    let filled = service.map(service::pacing_of).unwrap_or_default();
    let pacing = Pacing {
        rate: written.rate.or(filled.rate),
        daily_limit: written.daily_limit.or(filled.daily_limit),
    };
    Habits {
        connections: connections.unwrap_or(CONNECTIONS_USUAL),
        pacing,
        disable: disable.into_iter().filter_map(|name| read_extension(&name, reader)).collect(),
    }
}

/// An extension that can be left alone, in capitals.
fn read_extension(name: &Placed<String>, reader: &mut Reader<'_>) -> Option<String> {
    let keyword = name.value.trim().to_ascii_uppercase();
    if Extensions::USED.contains(&keyword.as_str()) {
        return Some(keyword);
    }
    let hint = format!("secretariat uses {}.", Extensions::USED.join(", "));
    let refusal = Refusal::new(format!("names no extension in use: {:?}", name.value), hint);
    reader.refuse("relay.disable", &name.place, refusal);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, read};
    use crate::problem::Problems;

    fn read_relay(lines: &str) -> (Option<Habits>, Vec<String>) {
        let text =
            format!("[relay]\nurl = \"smtps://mail.example\"\n{lines}\n[conference]\nname = \"A\"");
        let mut problems = Problems::new();
        let config = read("f", text.as_bytes(), &Environment::of(&[]), &mut problems);
        let found = problems.sorted().into_iter().map(|p| {
            format!(
                "{} {}",
                p.place.as_ref().map(ToString::to_string).unwrap_or_default(),
                p.message
            )
        });
        (config.and_then(|c| c.relay).map(|r| r.habits), found.collect())
    }

    #[test]
    fn what_is_written_goes_and_the_rest_is_as_usual() {
        let (habits, found) = read_relay("");
        assert_eq!(found, [""; 0]);
        let usual = habits.unwrap();
        assert_eq!((usual.connections, usual.pacing), (CONNECTIONS_USUAL, Pacing::default()));
        let (habits, found) = read_relay(
            "connections = 64\nrate = \"30/min\"\ndaily_limit = 500\ndisable = [\"Chunking\"]",
        );
        assert_eq!(found, [""; 0]);
        let habits = habits.unwrap();
        assert_eq!(habits.connections.get(), 64);
        assert_eq!(habits.pacing.rate.unwrap().spacing().as_secs(), 2);
        assert_eq!(habits.pacing.daily_limit.map(NonZeroU64::get), Some(500));
        assert_eq!(habits.disable, ["CHUNKING"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_where_it_stands() {
        for (line, expected) in [
            ("connections = 0", "f:3:15 relay.connections cannot be 0"),
            ("connections = 65", "f:3:15 relay.connections cannot be 65"),
            ("connections = -1", "f:3:15 relay.connections cannot be -1"),
            ("connections = \"2\"", "f:3:15 relay.connections must be a whole number, not text"),
            ("daily_limit = 0", "f:3:15 relay.daily_limit cannot be 0"),
            ("rate = \"fast\"", "f:3:8 relay.rate is no rate: \"fast\""),
            ("disable = [\"TLS\"]", "f:3:12 relay.disable names no extension in use: \"TLS\""),
        ] {
            let (_, found) = read_relay(line);
            assert_eq!(found, [expected], "{line}");
        }
    }
}
