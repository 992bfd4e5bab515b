//! The message: DATA and BDAT, the bytes themselves, and the moment they are kept.
//!
//! # Standards
//! RFC 5321 4.1.1.4, 4.5.2 (DATA, dots), RFC 3030 (BDAT), RFC 2920 3.1 (a lone dot after 354).
//!
//! # Invariants
//! A message is counted before its acceptance is said, and exactly once.

use super::Received;
use super::script::{Action, At, Keeping, Script};
use super::session::{Next, Session};
use super::shared::Shared;
use super::wire_rules;
use crate::id::Digest;
use std::io;

/// Octets of a message after which a chooser is asked: at its beginning, and in its middle.
pub const BODY_MARKS: [usize; 2] = [1, 2_048];

/// What a message's reading came to.
enum Body {
    Whole(Vec<u8>),
    /// A rule ended the connection in the middle.
    Ended,
}

impl Session<'_> {
    pub(super) fn data(&mut self) -> io::Result<Next> {
        if !self.connection.waiting().is_empty() {
            self.violation("the message came before 354 (RFC 2920 3.1)");
        }
        if !self.transaction.begun {
            return self.say("503 5.5.1 Error: need RCPT command");
        }
        if self.transaction.octets > 0 {
            self.violation("DATA and BDAT in one transaction (RFC 3030 3)");
        }
        match self.rule(At::Data)? {
            // RFC 2920 3.1: some relays ask for the message although nobody will get it.
            Some(Action::Reply(reply)) if reply.starts_with(b"354") => self.connection.say(&reply),
            Some(action) if !matches!(action, Action::Trickle(_)) => return self.act(action),
            _ if self.transaction.forward_paths.is_empty() => {
                return self.say("554 5.5.1 Error: no valid recipients");
            }
            rule => {
                self.act_or_say(rule, "354 End data with <CR><LF>.<CR><LF>")?;
            }
        }
        match self.read_body()? {
            Body::Ended => Ok(Next::End),
            // RFC 2920 3.1: a lone dot after 354 where the recipient was refused.
            Body::Whole(_) if self.transaction.forward_paths.is_empty() => {
                self.end_transaction();
                self.say("554 5.5.1 Error: no valid recipients")
            }
            Body::Whole(bytes) => self.end_of_message(bytes, false),
        }
    }

    /// Reads to the final dot and takes stuffed dots away (RFC 5321 4.5.2).
    fn read_body(&mut self) -> io::Result<Body> {
        let orders = self.shared.orders();
        let is_lax = orders.script.is_lax;
        let mut marks = Shared::body_marks(&orders).into_iter().peekable();
        let mut body = Vec::new();
        let mut octets = 0;
        let mut after_line_end = true;
        loop {
            while let Some(mark) = marks.next_if(|mark| octets >= *mark) {
                if self.ends_at(At::Body(mark))? {
                    return Ok(Body::Ended);
                }
            }
            let length = self.connection.line_length()?;
            let line = &self.connection.waiting()[..length];
            let is_end = after_line_end && (line == b".\r\n" || is_lax && line == b".\n");
            if is_end && self.ends_at(At::LastBytes)? {
                return Ok(Body::Ended);
            }
            let line = &self.connection.waiting()[..length];
            octets += length;
            let stuffed = after_line_end && line[0] == b'.';
            after_line_end = line.ends_with(b"\r\n") || is_lax;
            if !is_end {
                body.extend_from_slice(&line[usize::from(stuffed)..]);
            }
            self.connection.take(length);
            if is_end {
                return Ok(Body::Whole(body));
            }
        }
    }

    pub(super) fn chunk(&mut self, rest: &str) -> io::Result<Next> {
        let mut words = rest.split_ascii_whitespace();
        let size = words.next().and_then(|n| n.parse::<usize>().ok());
        let last = words.next().is_some_and(|w| w.eq_ignore_ascii_case("LAST"));
        let Some(size) = size else {
            self.violation(&format!("BDAT {rest} is no BDAT command"));
            return self.say("501 5.5.4 Syntax: BDAT count [LAST]");
        };
        if !self.offers("CHUNKING") {
            self.violation("BDAT where CHUNKING is not offered");
        }
        if self.read_chunk(size, last)? == Next::End {
            return Ok(Next::End);
        }
        if self.transaction.forward_paths.is_empty() {
            // RFC 3030 2: the octets have been taken all the same.
            self.transaction.chunks.clear();
            let code = if self.transaction.begun { "554" } else { "503" };
            return self.say(&format!("{code} 5.5.1 Error: no valid recipients"));
        }
        if !last {
            return self.say(&format!("250 2.0.0 {size} octets received"));
        }
        let bytes = std::mem::take(&mut self.transaction.chunks);
        self.end_of_message(bytes, true)
    }

    fn read_chunk(&mut self, size: usize, last: bool) -> io::Result<Next> {
        let orders = self.shared.orders();
        let keeps = keeps_bytes(&orders.script);
        let before = self.transaction.octets;
        let end = before + size;
        let marks = Shared::body_marks(&orders).into_iter().map(|mark| (mark, At::Body(mark)));
        // A chooser is asked about the last bytes only where there is something to choose.
        let has_rules = !orders.script.rules.is_empty() || orders.script.chooser.is_some();
        let of_last = (last && has_rules).then_some((end.saturating_sub(1), At::LastBytes));
        for (mark, at) in marks.filter(|(mark, _)| *mark < end).chain(of_last) {
            self.read_up_to(mark, keeps)?;
            if mark >= before && self.ends_at(at)? {
                return Ok(Next::End);
            }
        }
        self.read_up_to(end, keeps)?;
        Ok(Next::GoOn)
    }

    /// Reads on until the message has so many octets.
    fn read_up_to(&mut self, mark: usize, keeps: bool) -> io::Result<()> {
        let count = mark.saturating_sub(self.transaction.octets);
        let chunks = &mut self.transaction.chunks;
        if keeps {
            self.connection.octets(count, |bytes| chunks.extend_from_slice(bytes))?;
        } else {
            self.connection.octets(count, |_| {})?;
        }
        self.transaction.octets += count;
        Ok(())
    }

    /// Keeps the message, or does what a rule says instead.
    fn end_of_message(&mut self, bytes: Vec<u8>, by_chunks: bool) -> io::Result<Next> {
        if self.connection.waiting().to_ascii_uppercase().starts_with(b"QUIT") {
            self.violation("QUIT was pipelined with a message");
        }
        let orders = self.shared.orders();
        let script = &orders.script;
        if script.checks_messages {
            self.check_bytes(&bytes);
        }
        if let Some(action) = self.rule(At::EndOfMessage)? {
            self.end_transaction();
            return self.act_or_say(Some(action), "451 4.3.0 Error: try again later");
        }
        let octets = if by_chunks { self.transaction.octets } else { bytes.len() };
        let refusal = self.refusal(script, &bytes, octets);
        if let Some(refusal) = refusal {
            self.end_transaction();
            return self.say(&refusal);
        }
        if !script.delay.is_zero() {
            self.connection.wait(script.delay)?;
        }
        let rule = self.rule(At::Accepted)?;
        let (number, transaction) = (self.number, self.transaction.number);
        let received = self.received(bytes, octets, by_chunks, script);
        let was_kept = self.shared.accept(script.keeping, script.manners.letters_a_day, received);
        self.end_transaction();
        if !was_kept {
            return self.say(script.manners.too_many_of_a_day());
        }
        let acceptance = script.manners.acceptance(number, transaction);
        self.act_or_say(rule, &acceptance)
    }

    fn refusal(&self, script: &Script, bytes: &[u8], octets: usize) -> Option<String> {
        if octets > script.size_max() {
            return Some("552 5.3.4 Error: message file too big".to_owned());
        }
        script.manners.refused_sender(&self.transaction.reverse_path, bytes)
    }

    fn received(
        &mut self,
        bytes: Vec<u8>,
        octets: usize,
        by_chunks: bool,
        script: &Script,
    ) -> Received {
        let transaction = self.transaction.number;
        let digest = (script.keeping >= Keeping::Digests).then(|| Digest::of(&bytes));
        Received {
            session: self.number,
            transaction,
            reverse_path: std::mem::take(&mut self.transaction.reverse_path),
            forward_paths: std::mem::take(&mut self.transaction.forward_paths),
            parameters: std::mem::take(&mut self.transaction.parameters),
            octets,
            digest,
            bytes: if script.keeping == Keeping::Everything { bytes } else { Vec::new() },
            message_id: script.manners.message_id(self.number, transaction),
            by_chunks,
            protected: self.connection.is_protected(),
            signed_in: self.signed_in.clone(),
        }
    }

    /// What the wire must never carry (delivery paper; security S1).
    fn check_bytes(&self, bytes: &[u8]) {
        let announced = ["BODY=8BITMIME", "SMTPUTF8"];
        let may_be_8_bit =
            self.transaction.parameters.iter().any(|p| announced.contains(&p.as_str()));
        for what in wire_rules::of_message(bytes, may_be_8_bit) {
            self.violation(&what);
        }
    }

    /// Acts in the middle of a message; whether the connection has ended by it.
    fn ends_at(&mut self, at: At) -> io::Result<bool> {
        match self.rule(at)? {
            None => Ok(false),
            Some(Action::Close) => {
                self.connection.close_unread();
                Ok(true)
            }
            Some(action) => Ok(self.act(action)? == Next::End),
        }
    }
}

/// Whether anybody will look at the bytes.
fn keeps_bytes(script: &Script) -> bool {
    let wants_author = script.manners.may_write_as.is_some();
    script.checks_messages || script.keeping > Keeping::Counts || wants_author
}
