//! The relay's own name for a message it has taken, where its answer tells it.
//!
//! Owns what the answers of usual servers look like. No standard says where the name stands; with
//! it the server's administrators find the letter in their log at once. Pure.

/// The id in an answer to the end of a message, from its whole text: `250 2.0.0 Ok: queued as ABC`.
#[must_use]
pub(super) fn relay_id(answer: &str) -> Option<String> {
    let words: Vec<&str> = answer.split_ascii_whitespace().collect();
    let found = queued_as(&words)
        .or_else(|| internal_id(answer))
        .or_else(|| named(&words))
        .or_else(|| of_gmail(&words))
        .or_else(|| before_acceptance(&words))?;
    let id = found.trim_matches(|c: char| "()[]<>;,.".contains(c));
    // Whatever else stands there, only what could be looked up is kept.
    let is_id = id.len() > 3 && id.bytes().all(|b| b.is_ascii_graphic());
    is_id.then(|| id.to_owned())
}

/// Postfix: `Ok: queued as 4XyZ0123`; others in brackets.
fn queued_as<'a>(words: &[&'a str]) -> Option<&'a str> {
    let is_said = |two: &[&str]| two[0].trim_start_matches('(') == "queued" && two[1] == "as";
    let at = words.windows(2).position(is_said)?;
    words.get(at + 2).copied()
}

/// Exchange: `<...> [InternalId=1234, Hostname=...] Queued mail for delivery`.
fn internal_id(answer: &str) -> Option<&str> {
    let (_, after) = answer.split_once("[InternalId=")?;
    after.split([',', ']', ' ']).next()
}

/// Exim: `OK id=1abcde-000000001AB-0xyz`.
fn named<'a>(words: &[&'a str]) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix("id="))
}

/// Gmail: `OK  1700000000 abc-20020a17.12 - gsmtp`: the time, then the name.
fn of_gmail<'a>(words: &[&'a str]) -> Option<&'a str> {
    words.last().filter(|last| last.ends_with("gsmtp"))?;
    let is_time = |word: &&str| word.len() >= 10 && word.bytes().all(|b| b.is_ascii_digit());
    let at = words.iter().position(is_time)?;
    words.get(at + 1).copied().filter(|word| *word != "-")
}

/// Sendmail, OpenSMTPD: `1AB2cdEF012345 Message accepted for delivery`.
fn before_acceptance<'a>(words: &[&'a str]) -> Option<&'a str> {
    let said = ["Message", "accepted", "for", "delivery"];
    let at = words.windows(said.len()).position(|four| four == said)?;
    // In front of the name stand the code and, mostly, an enhanced status.
    let before = words.get(at.checked_sub(1)?).copied()?;
    let is_status = before.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (at > 1 && !is_status).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_kept_as_each_server_says_it() {
        for (answer, id) in [
            ("250 2.0.0 Ok: queued as 4XyZ0l2Fz9z1", Some("4XyZ0l2Fz9z1")),
            ("250 2.0.0 Ok: queued as 9A1B2C3D4E; all well", Some("9A1B2C3D4E")),
            ("250 Ok (queued as 9A1B2C3D4E)", Some("9A1B2C3D4E")),
            ("250 OK id=1tABcd-00000004abc-1X2y", Some("1tABcd-00000004abc-1X2y")),
            (
                "250 2.6.0 <abc@forum.example> [InternalId=90314210738, Hostname=X.example.com] \
                 9876 bytes in 0.2, 47.1 KB/sec Queued mail for delivery",
                Some("90314210738"),
            ),
            (
                "250 2.0.0 OK  1700000000 ab1-20020a17090690c1.123 - gsmtp",
                Some("ab1-20020a17090690c1.123"),
            ),
            (
                "250 2.0.0 OK 1700000000 ab1-20020a17090690c1.123-gsmtp",
                Some("ab1-20020a17090690c1.123-gsmtp"),
            ),
            ("250 2.0.0 4AB9X1pQ012345 Message accepted for delivery", Some("4AB9X1pQ012345")),
            ("250 2.0.0 7f1c2d3e Message accepted for delivery", Some("7f1c2d3e")),
            ("250 2.0.0 Message accepted for delivery", None),
            ("250 Message accepted for delivery", None),
            ("250 2.0.0 Ok: queued as", None),
            ("250 2.6.0 Queued mail for delivery", None),
            ("250 2.0.0 Ok", None),
            ("250 ok 1700000000 qp 12345", None),
            ("250 OK id=", None),
            ("250", None),
            ("", None),
        ] {
            assert_eq!(relay_id(answer).as_deref(), id, "{answer}");
        }
    }
}
