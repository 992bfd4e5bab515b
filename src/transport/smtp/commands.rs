//! What a letter says before its message: MAIL and RCPT with their parameters.
//!
//! Owns the two lines and the last look at everything that goes into them. Pure.
//!
//! # Standards
//! RFC 5321 4.1.1.2-3 (the commands), RFC 1870 (SIZE=), RFC 6531 3.4 (SMTPUTF8), RFC 3461 4 (RET,
//! ENVID, NOTIFY: who hears of a failure, and in how many words).
//!
//! # Invariants
//! Nothing in an address or a Message-ID can end a command or add to it (security S3).
//!
//! # Failure
//! An [`Ending`] that comes before anything of the letter was said.

use super::Extensions;
use crate::limits::ENVELOPE_ID_OCTETS_MAX;
use crate::message::Message;
use crate::transport::Ending;
use std::fmt::Write as _;

/// MAIL and RCPT of one letter, without line ends.
#[derive(Debug)]
pub(super) struct Commands {
    /// MAIL FROM.
    pub(super) mail: String,
    /// RCPT TO.
    pub(super) recipient: String,
    /// Octets of the message, as SIZE and BDAT count them.
    pub(super) octets: u64,
}

/// The commands of a letter, once everything is known to be fit for the wire.
///
/// # Errors
/// [`Ending::Unsendable`], [`Ending::NotOffered`] or [`Ending::TooLarge`].
pub(super) fn commands(message: &Message, offered: &Extensions) -> Result<Commands, Ending> {
    let envelope = &message.envelope;
    for path in [&envelope.reverse_path, &envelope.forward_path] {
        if !is_path(path.as_str()) {
            return Err(Ending::Unsendable(format!("{path} cannot stand in a mail command")));
        }
    }
    let octets = message.check_wire().map_err(|fault| Ending::Unsendable(fault.to_string()))?;
    if envelope.needs_smtputf8() && !offered.smtputf8 {
        return Err(Ending::NotOffered("SMTPUTF8"));
    }
    if let Some(accepted) = offered.size_limit().filter(|limit| octets > *limit) {
        return Err(Ending::TooLarge { octets, accepted });
    }
    let mut mail = format!("MAIL FROM:<{}>", envelope.reverse_path);
    let mut recipient = format!("RCPT TO:<{}>", envelope.forward_path);
    // Writing to a String cannot fail.
    if offered.size.is_some() {
        let _ = write!(mail, " SIZE={octets}");
    }
    if envelope.needs_smtputf8() {
        mail.push_str(" SMTPUTF8");
    }
    if offered.dsn {
        mail.push_str(" RET=HDRS");
        if let Some(id) = envelope_id(&message.message_id) {
            let _ = write!(mail, " ENVID={id}");
        }
        // No report of success: the letter's reader has not asked for one.
        recipient.push_str(" NOTIFY=FAILURE,DELAY");
    }
    Ok(Commands { mail, recipient, octets })
}

/// The Message-ID without its angle brackets in xtext, by which reports name the letter (RFC 3461
/// 4.4); `None` where it is too long for that or not ASCII.
fn envelope_id(message_id: &str) -> Option<String> {
    let bare = message_id.strip_prefix('<').and_then(|id| id.strip_suffix('>'))?;
    let is_printable = bare.bytes().all(|b| (b' '..=b'~').contains(&b));
    if bare.is_empty() || !is_printable {
        return None;
    }
    let mut xtext = String::with_capacity(bare.len());
    for octet in bare.bytes() {
        match octet {
            b'!'..=b'~' if octet != b'+' && octet != b'=' => xtext.push(char::from(octet)),
            // RFC 3461 4: upper-case hexadecimal behind a plus sign.
            _ => _ = write!(xtext, "+{octet:02X}"),
        }
    }
    Some(xtext).filter(|xtext| xtext.len() <= ENVELOPE_ID_OCTETS_MAX)
}

/// Whether an address can neither end its command nor add to it. `EmailAddress` has seen to it;
/// this is the last look.
pub(super) fn is_path(address: &str) -> bool {
    let breaks = |c: char| c.is_control() || c.is_whitespace() || "<>\"\\(),:;[]".contains(c);
    !address.contains(breaks) && address.split('@').filter(|part| !part.is_empty()).count() == 2
}

#[cfg(test)]
mod tests {
    use super::super::testing::letter;
    use super::*;

    #[test]
    fn each_extension_adds_its_parameters_where_it_is_offered() {
        let message = letter(b"x\r\n");
        let said = |offered: Extensions| {
            let made = commands(&message, &offered).unwrap();
            (made.mail, made.recipient)
        };
        let (mail, recipient) = ("MAIL FROM:<answers@forum.example>", "RCPT TO:<ana@town.example>");
        let plain = said(Extensions::default());
        assert_eq!((plain.0.as_str(), plain.1.as_str()), (mail, recipient));
        let sized = said(Extensions { size: Some(0), ..Extensions::default() });
        assert_eq!(sized.0, format!("{mail} SIZE=3"));
        let reported = said(Extensions { dsn: true, ..Extensions::default() });
        assert_eq!(reported.0, format!("{mail} RET=HDRS ENVID=1@forum.example"));
        assert_eq!(reported.1, format!("{recipient} NOTIFY=FAILURE,DELAY"));
    }

    #[test]
    fn an_envelope_id_is_xtext_and_never_ends_its_command() {
        let long = format!("<{}@x>", "a".repeat(98));
        for (message_id, expected) in [
            ("<svcm@forum.example>", Some("svcm@forum.example")),
            ("<a+b=c@x>", Some("a+2Bb+3Dc@x")),
            ("<a b@x>", Some("a+20b@x")),
            ("<a\r\nRSET@x>", None),
            ("<\u{e9}@x>", None),
            ("<>", None),
            ("no brackets", None),
            (&long, Some(&long[1..101])),
            (&format!("<{}@x>", "a".repeat(99)), None),
            (&format!("<{}@x>", "+".repeat(40)), None),
        ] {
            assert_eq!(envelope_id(message_id).as_deref(), expected, "{message_id:?}");
        }
    }

    /// Security S3: what `EmailAddress` refuses does not pass here either.
    #[test]
    fn no_address_can_end_its_command_or_add_to_it() {
        for ending in [
            "> SIZE=1",
            "> NOTIFY=NEVER",
            ">\r\nRCPT TO:<b@y",
            "\r\nDATA",
            "\n",
            "\r",
            "\0",
            " x",
            "\t",
            "\u{a0}x",
            "\u{2028}",
            "\u{85}",
            ">,<b@y",
            "@y",
            "\"",
            "\\",
            "(c)",
            ",b",
            ";",
            ":",
        ] {
            for address in [format!("a@x.example{ending}"), format!("a{ending}@x.example")] {
                assert!(!is_path(&address), "{address:?}");
            }
        }
        assert!(!is_path("<a@x.example") && !is_path("@x") && !is_path("a@") && !is_path(""));
        assert!(is_path("o'brien+forum@x.example") && is_path("王@xn--fsqu00a.test"));
    }
}
