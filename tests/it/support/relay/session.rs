//! One connection of the scripted relay, from the greeting to its end.
//!
//! Owns the commands and what they answer, the reading of a message, and the moment a message is
//! kept. Which rule applies is decided in `mod.rs`, what bytes do in `connection.rs`.

use super::connection::Connection;
use super::script::{Action, At, Protection};
use super::{Command, Received, Shared, lock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Serves a connection until it ends.
pub(super) fn serve(stream: TcpStream, number: usize, shared: &Arc<Shared>) {
    let watched = Arc::clone(shared);
    let connection = Connection::new(stream, Box::new(move || watched.is_stopped()));
    let mut session = Session {
        connection,
        number,
        shared,
        transaction: Transaction::default(),
        greeted: false,
        signed_in: None,
    };
    // However it ends, what was accepted is counted.
    let _ = session.converse();
}

/// The letter being handed over.
#[derive(Default)]
struct Transaction {
    number: usize,
    begun: bool,
    reverse_path: String,
    forward_paths: Vec<String>,
    parameters: Vec<String>,
    /// What came by BDAT so far.
    chunks: Vec<u8>,
}

/// Whether the conversation goes on.
#[derive(PartialEq)]
enum Next {
    GoOn,
    End,
}

/// What a message's reading came to.
enum Body {
    Whole(Vec<u8>),
    /// A rule ended the connection in the middle.
    Ended,
}

struct Session<'a> {
    connection: Connection,
    number: usize,
    shared: &'a Arc<Shared>,
    transaction: Transaction,
    greeted: bool,
    signed_in: Option<String>,
}

impl Session<'_> {
    fn converse(&mut self) -> io::Result<()> {
        if let Protection::Implicit(config) = self.shared.script().protection {
            self.connection.protect(config)?;
        }
        if self.answer(At::Greeting, "220 relay.example ESMTP scripted")? == Next::End {
            return Ok(());
        }
        loop {
            let line = self.connection.line()?;
            let line = self.noted(&line);
            if self.obey(&line)? == Next::End {
                return Ok(());
            }
        }
    }

    /// A command's text without its line end; notes what is wrong with its form.
    fn noted(&mut self, line: &[u8]) -> String {
        let text = line.strip_suffix(b"\r\n");
        if text.is_none() || line[..line.len() - 2].contains(&b'\r') {
            self.violation("a command does not end with CRLF alone");
        }
        if line.len() > 512 && !line.starts_with(b"AUTH") {
            self.violation("a command has more than 512 octets (RFC 5321 4.5.3.1.4)");
        }
        let line = String::from_utf8_lossy(text.unwrap_or(line)).trim_end().to_owned();
        let protected = self.connection.is_protected();
        let command = Command { session: self.number, protected, line: line.clone() };
        lock(&self.shared.commands).push(command);
        line
    }

    fn obey(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(rest),
            "HELO" => self.answer(At::Hello, "250 relay.example"),
            "STARTTLS" => self.start_tls(),
            "AUTH" => self.sign_in(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest),
            "DATA" => self.data(),
            "BDAT" => self.chunk(rest),
            "RSET" => {
                self.end_transaction();
                self.answer(At::Reset, "250 2.0.0 Ok")
            }
            "NOOP" => self.say("250 2.0.0 Ok"),
            "QUIT" => {
                self.answer(At::Quit, "221 2.0.0 Bye")?;
                self.connection.close();
                Ok(Next::End)
            }
            _ => {
                self.violation(&format!("unknown command {verb:?}"));
                self.say("500 5.5.2 Error: command not recognized")
            }
        }
    }

    fn hello(&mut self, name: &str) -> io::Result<Next> {
        if name.is_empty() {
            self.violation("EHLO without a name (RFC 5321 4.1.1.1)");
        }
        self.alone("EHLO");
        self.end_transaction();
        self.greeted = true;
        let script = self.shared.script();
        let mut lines = vec!["relay.example".to_owned()];
        lines.extend(script.extensions.iter().cloned());
        let may_protect = matches!(script.protection, Protection::StartTls(_));
        if may_protect && !self.connection.is_protected() {
            lines.push("STARTTLS".to_owned());
        } else if script.sign_in.is_some() {
            lines.push(format!("AUTH {}", script.mechanisms));
        }
        let last = lines.len() - 1;
        let marked = lines.iter().enumerate();
        let reply: Vec<String> = marked
            .map(|(i, line)| format!("250{}{line}", if i == last { ' ' } else { '-' }))
            .collect();
        self.answer(At::Hello, &reply.join("\r\n"))
    }

    fn start_tls(&mut self) -> io::Result<Next> {
        self.alone("STARTTLS");
        let Protection::StartTls(config) = self.shared.script().protection else {
            return self.say("502 5.5.1 Error: command not implemented");
        };
        if self.answer(At::StartTls, "220 2.0.0 Ready to start TLS")? == Next::End {
            return Ok(Next::End);
        }
        self.connection.protect(config)?;
        self.greeted = false;
        Ok(Next::GoOn)
    }

    fn sign_in(&mut self, rest: &str) -> io::Result<Next> {
        let Some((name, password)) = self.shared.script().sign_in else {
            self.violation("AUTH where it is not offered");
            return self.say("502 5.5.1 Error: command not implemented");
        };
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => self.plain_credentials(initial)?,
            "LOGIN" => self.login_credentials(initial)?,
            _ => return self.say("504 5.5.4 Error: mechanism not offered"),
        };
        if given == Some((name.clone(), password)) {
            self.signed_in = Some(name);
            return self.answer(At::SignIn, "235 2.7.0 Authentication successful");
        }
        self.answer(At::SignIn, "535 5.7.8 Error: authentication failed")
    }

    /// RFC 4616: authorization identity, name, password, each ended by NUL.
    fn plain_credentials(&mut self, initial: &str) -> io::Result<Option<(String, String)>> {
        let initial = match initial {
            "" => self.challenge("")?,
            initial => initial.to_owned(),
        };
        let decoded = decoded(&initial);
        let mut parts = decoded.splitn(3, '\0').map(str::to_owned);
        let (_, name, password) = (parts.next(), parts.next(), parts.next());
        Ok(name.zip(password))
    }

    fn login_credentials(&mut self, initial: &str) -> io::Result<Option<(String, String)>> {
        let name = match initial {
            "" => self.challenge("Username:")?,
            initial => initial.to_owned(),
        };
        let password = self.challenge("Password:")?;
        Ok(Some((decoded(&name), decoded(&password))))
    }

    fn challenge(&mut self, text: &str) -> io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(text)))?;
        let line = self.connection.line()?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn mail(&mut self, rest: &str) -> io::Result<Next> {
        self.pipelined_only_if_offered("MAIL");
        let script = self.shared.script();
        if !self.greeted {
            self.violation("MAIL before EHLO (RFC 5321 4.1.1.1)");
        }
        if self.transaction.begun {
            self.violation("MAIL inside a transaction (RFC 5321 4.1.1.2)");
            return self.say("503 5.5.1 Error: nested MAIL command");
        }
        self.transaction = Transaction::default();
        self.transaction.number = self.shared.transactions.fetch_add(1, Ordering::SeqCst) + 1;
        if script.sign_in.is_some() && self.signed_in.is_none() {
            return self.say("530 5.7.0 Authentication required");
        }
        let Some((path, parameters)) = path_and_parameters(rest, "FROM:") else {
            self.violation(&format!("MAIL {rest} is no MAIL command"));
            return self.say("501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let size = parameters.iter().find_map(|p| p.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|n| n > script.size_max()) {
            return self.say("552 5.3.4 Message size exceeds fixed limit");
        }
        let rule = self.rule(At::Mail);
        self.transaction.begun = rule.as_ref().is_none_or(is_positive);
        self.transaction.reverse_path = path;
        self.transaction.parameters = parameters;
        match rule {
            Some(action) => self.act(action),
            None => self.say("250 2.1.0 Ok"),
        }
    }

    fn recipient(&mut self, rest: &str) -> io::Result<Next> {
        self.pipelined_only_if_offered("RCPT");
        if !self.transaction.begun {
            return self.say("503 5.5.1 Error: need MAIL command");
        }
        let Some((path, parameters)) = path_and_parameters(rest, "TO:") else {
            self.violation(&format!("RCPT {rest} is no RCPT command"));
            return self.say("501 5.5.4 Syntax: RCPT TO:<address>");
        };
        if !self.transaction.forward_paths.is_empty() {
            self.violation("a transaction has more than one recipient (I7)");
        }
        self.transaction.forward_paths.push(path);
        let rule = self.rule(At::Recipient);
        if rule.as_ref().is_none_or(is_positive) {
            self.transaction.parameters.extend(parameters);
        } else {
            self.transaction.forward_paths.pop();
        }
        match rule {
            Some(action) => self.act(action),
            None => self.say("250 2.1.5 Ok"),
        }
    }

    fn data(&mut self) -> io::Result<Next> {
        if self.connection.has_more() {
            self.violation("the message came before 354 (RFC 2920 3.1)");
        }
        if !self.transaction.begun {
            return self.say("503 5.5.1 Error: need RCPT command");
        }
        if !self.transaction.chunks.is_empty() {
            self.violation("DATA and BDAT in one transaction (RFC 3030 3)");
        }
        match self.rule(At::Data) {
            // RFC 2920 3.1: some relays ask for the message although nobody will get it.
            Some(Action::Reply(reply)) if reply.starts_with(b"354") => {
                self.connection.write(&reply)?;
            }
            Some(action) => return self.act(action),
            None if self.transaction.forward_paths.is_empty() => {
                return self.say("554 5.5.1 Error: no valid recipients");
            }
            None => {
                self.say("354 End data with <CR><LF>.<CR><LF>")?;
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
        let script = self.shared.script();
        let local = self.local_part();
        let mut limit = self.shared.body_octets(self.number, self.transaction.number, &local);
        let mut body = Vec::new();
        let mut octets = 0;
        let mut after_line_end = true;
        loop {
            let due = limit.take_if(|(at, _)| octets >= *at);
            if due.is_some_and(|(_, action)| self.ends_in_the_body(action)) {
                return Ok(Body::Ended);
            }
            let line = self.connection.line()?;
            octets += line.len();
            if after_line_end && (line == b".\r\n" || script.lax && line == b".\n") {
                return Ok(Body::Whole(body));
            }
            let stuffed = after_line_end && line[0] == b'.';
            body.extend_from_slice(&line[usize::from(stuffed)..]);
            after_line_end = line.ends_with(b"\r\n") || script.lax;
        }
    }

    fn chunk(&mut self, rest: &str) -> io::Result<Next> {
        let mut words = rest.split_ascii_whitespace();
        let size = words.next().and_then(|n| n.parse::<usize>().ok());
        let last = words.next().is_some_and(|w| w.eq_ignore_ascii_case("LAST"));
        let Some(size) = size else {
            self.violation(&format!("BDAT {rest} is no BDAT command"));
            return self.say("501 5.5.4 Syntax: BDAT count [LAST]");
        };
        if !self.shared.script().offers("CHUNKING") {
            self.violation("BDAT where CHUNKING is not offered");
        }
        if self.read_chunk(size)? == Next::End {
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

    fn read_chunk(&mut self, size: usize) -> io::Result<Next> {
        let before = self.transaction.chunks.len();
        let local = self.local_part();
        let limit = self.shared.body_octets(self.number, self.transaction.number, &local);
        let mut rest = size;
        if let Some((at, action)) = limit.filter(|(at, _)| *at < before + size) {
            let first = at.saturating_sub(before);
            let octets = self.connection.octets(first)?;
            self.transaction.chunks.extend(octets);
            rest -= first;
            if self.ends_in_the_body(action) {
                return Ok(Next::End);
            }
        }
        let octets = self.connection.octets(rest)?;
        self.transaction.chunks.extend(octets);
        Ok(Next::GoOn)
    }

    /// Keeps the message, or does what a rule says instead.
    fn end_of_message(&mut self, bytes: Vec<u8>, by_chunks: bool) -> io::Result<Next> {
        if self.connection.waiting().to_ascii_uppercase().starts_with(b"QUIT") {
            self.violation("QUIT was pipelined with a message");
        }
        let script = self.shared.script();
        self.check_bytes(&bytes);
        if let Some(action) = self.rule(At::EndOfMessage) {
            self.end_transaction();
            return self.act(action);
        }
        if bytes.len() > script.size_max() {
            self.end_transaction();
            return self.say("552 5.3.4 Error: message file too big");
        }
        std::thread::sleep(script.delay);
        let (number, transaction) = (self.number, self.transaction.number);
        let rule = self.rule(At::Accepted);
        self.keep(bytes, by_chunks);
        self.end_transaction();
        let answer = format!("250 2.0.0 Ok: queued as {number}-{transaction}");
        match rule {
            Some(action) => self.act(action),
            None => self.say(&answer),
        }
    }

    fn keep(&mut self, bytes: Vec<u8>, by_chunks: bool) {
        let received = Received {
            session: self.number,
            transaction: self.transaction.number,
            reverse_path: self.transaction.reverse_path.clone(),
            forward_paths: self.transaction.forward_paths.clone(),
            parameters: self.transaction.parameters.clone(),
            bytes,
            by_chunks,
            protected: self.connection.is_protected(),
            signed_in: self.signed_in.clone(),
        };
        lock(&self.shared.messages).push(received);
    }

    /// What the wire must never carry (paper 4; security S1).
    fn check_bytes(&self, bytes: &[u8]) {
        for (at, &byte) in bytes.iter().enumerate() {
            let lone = match byte {
                b'\n' => at == 0 || bytes[at - 1] != b'\r',
                b'\r' => bytes.get(at + 1) != Some(&b'\n'),
                _ => byte == 0,
            };
            if lone {
                self.violation(&format!("a bare CR or LF, or a NUL, at octet {at} of a message"));
                break;
            }
        }
        if bytes.split(|&b| b == b'\n').any(|line| line.trim_ascii_end().len() > 998) {
            self.violation("a line of a message has more than 998 octets (RFC 5322 2.1.1)");
        }
        if !bytes.ends_with(b"\r\n") {
            self.violation("a message does not end with CRLF");
        }
        let announced = ["BODY=8BITMIME", "SMTPUTF8"];
        let may_be_8_bit =
            self.transaction.parameters.iter().any(|p| announced.contains(&p.as_str()));
        if !may_be_8_bit && !bytes.is_ascii() {
            self.violation("octets above 127 without BODY=8BITMIME or SMTPUTF8 (RFC 6152)");
        }
    }

    fn end_transaction(&mut self) {
        self.transaction = Transaction { number: self.transaction.number, ..Default::default() };
    }

    /// Some commands must be the last of a group (RFC 2920 3.1, RFC 3207 4).
    fn alone(&mut self, verb: &str) {
        if self.connection.has_more() {
            self.violation(&format!("something was said after {verb} before its answer"));
        }
    }

    fn pipelined_only_if_offered(&mut self, verb: &str) {
        if !self.shared.script().offers("PIPELINING") {
            self.alone(verb);
        }
    }

    fn local_part(&self) -> String {
        let path = self.transaction.forward_paths.last().map_or("", String::as_str);
        path.rsplit_once('@').map_or(path, |(local, _)| local).to_owned()
    }

    /// What a rule says to do now instead of the usual; a wait is waited here.
    fn rule(&self, at: At) -> Option<Action> {
        let (number, transaction) = (self.number, self.transaction.number);
        match self.shared.action(at, number, transaction, &self.local_part())? {
            Action::Wait(time) => {
                std::thread::sleep(time);
                None
            }
            action => Some(action),
        }
    }

    /// The usual answer, unless a rule knows another.
    fn answer(&mut self, at: At, usual: &str) -> io::Result<Next> {
        match self.rule(at) {
            Some(action) => self.act(action),
            None => self.say(usual),
        }
    }

    fn act(&mut self, action: Action) -> io::Result<Next> {
        match action {
            Action::Reply(bytes) => {
                self.connection.write(&bytes)?;
                return Ok(Next::GoOn);
            }
            Action::Wait(time) => {
                std::thread::sleep(time);
                return Ok(Next::GoOn);
            }
            Action::ReplyAndClose(bytes) => {
                self.connection.write(&bytes)?;
                self.connection.close();
            }
            Action::Close => self.connection.close(),
            Action::Reset => self.connection.reset(),
            Action::Stall => self.connection.stall(),
        }
        Ok(Next::End)
    }

    /// Acts in the middle of a message; whether the connection has ended by it.
    fn ends_in_the_body(&mut self, action: Action) -> bool {
        if action == Action::Close {
            self.connection.close_unread();
            return true;
        }
        self.act(action).is_ok_and(|next| next == Next::End)
    }

    fn say(&mut self, line: &str) -> io::Result<Next> {
        self.connection.write(format!("{line}\r\n").as_bytes())?;
        Ok(Next::GoOn)
    }

    fn violation(&self, what: &str) {
        self.shared.violation(self.number, what);
    }
}

fn is_positive(action: &Action) -> bool {
    matches!(action, Action::Reply(bytes) if bytes.starts_with(b"2"))
}

/// `FROM:<a@b> SIZE=1` as path and parameters.
fn path_and_parameters(rest: &str, keyword: &str) -> Option<(String, Vec<String>)> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    let path = head.eq_ignore_ascii_case(keyword).then_some(tail)?.strip_prefix('<')?;
    let (path, parameters) = path.split_once('>')?;
    Some((path.to_owned(), parameters.split_ascii_whitespace().map(str::to_owned).collect()))
}

fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
