//! One connection of the relay, from the greeting to its end.
//!
//! Owns the commands and what they answer. Reading a message and keeping it is in `body.rs`,
//! which rule applies is decided in `shared.rs`, what bytes do in `connection.rs`.

use super::Command;
use super::connection::Connection;
use super::script::{Action, At, Keeping, Moment, Protection, offers};
use super::shared::{Shared, lock};
use super::wire_rules;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Serves a connection until it ends; `open`: how many there are, with this one.
pub(super) fn serve(stream: TcpStream, number: usize, open: usize, shared: &Shared) {
    let Ok(connection) = Connection::new(stream, Arc::clone(&shared.stopped)) else { return };
    let mut session = Session {
        connection,
        number,
        shared,
        transaction: Transaction::default(),
        letters: 0,
        greeted: false,
        offered: Vec::new(),
        signed_in: None,
    };
    // However it ends, what was accepted is counted.
    drop(session.converse(open));
}

/// The letter being handed over.
#[derive(Default)]
pub(super) struct Transaction {
    pub(super) number: usize,
    pub(super) begun: bool,
    pub(super) reverse_path: String,
    pub(super) forward_paths: Vec<String>,
    pub(super) parameters: Vec<String>,
    /// What came by BDAT so far.
    pub(super) chunks: Vec<u8>,
    /// Octets that came by BDAT so far, also where they are not kept.
    pub(super) octets: usize,
}

/// Whether the conversation goes on.
#[derive(PartialEq)]
pub(super) enum Next {
    GoOn,
    End,
}

pub(super) struct Session<'a> {
    pub(super) connection: Connection,
    pub(super) number: usize,
    pub(super) shared: &'a Shared,
    pub(super) transaction: Transaction,
    /// Letters that this connection has been asked to take.
    pub(super) letters: usize,
    greeted: bool,
    /// What EHLO was answered: the client goes by it, whatever the script has become since.
    offered: Vec<String>,
    pub(super) signed_in: Option<String>,
}

impl Session<'_> {
    fn converse(&mut self, open: usize) -> io::Result<()> {
        let orders = self.shared.orders();
        if let Protection::Implicit(config) = &orders.script.protection {
            self.connection.protect(Arc::clone(config))?;
        }
        let manners = &orders.script.manners;
        if manners.connections_max.is_some_and(|most| open > most) {
            let refusal = Action::reply_and_close(manners.too_many_connections());
            return self.act(refusal).map(drop);
        }
        if self.answer(At::Greeting, &manners.greeting())? == Next::End {
            return Ok(());
        }
        drop(orders);
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
        for what in wire_rules::of_command(line) {
            self.violation(what);
        }
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        if self.shared.orders().script.keeping == Keeping::Everything {
            let protected = self.connection.is_protected();
            let command = Command { session: self.number, protected, line: line.clone() };
            lock(&self.shared.commands).push(command);
        }
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
        let orders = self.shared.orders();
        let script = &orders.script;
        self.offered.clone_from(&script.extensions);
        let mut lines = vec![script.manners.host().to_owned()];
        lines.extend(script.extensions.iter().cloned());
        let may_protect = matches!(script.protection, Protection::StartTls(_));
        if may_protect && !self.connection.is_protected() {
            lines.push("STARTTLS".to_owned());
        } else if script.wants_sign_in() {
            lines.push(format!("AUTH {}", script.mechanisms));
        }
        let last = lines.len() - 1;
        let mark = |i| if i == last { ' ' } else { '-' };
        let marked = lines.iter().enumerate().map(|(i, line)| format!("250{}{line}", mark(i)));
        self.answer(At::Hello, &marked.collect::<Vec<_>>().join("\r\n"))
    }

    fn start_tls(&mut self) -> io::Result<Next> {
        self.alone("STARTTLS");
        let orders = self.shared.orders();
        let Protection::StartTls(config) = &orders.script.protection else {
            return self.say("502 5.5.1 Error: command not implemented");
        };
        if self.answer(At::StartTls, "220 2.0.0 Ready to start TLS")? == Next::End {
            return Ok(Next::End);
        }
        self.connection.protect(Arc::clone(config))?;
        self.greeted = false;
        self.offered.clear();
        Ok(Next::GoOn)
    }

    fn mail(&mut self, rest: &str) -> io::Result<Next> {
        self.pipelined_only_if_offered("MAIL");
        let orders = self.shared.orders();
        if !self.greeted {
            self.violation("MAIL before EHLO (RFC 5321 4.1.1.1)");
        }
        if self.transaction.begun {
            self.violation("MAIL inside a transaction (RFC 5321 4.1.1.2)");
            return self.say("503 5.5.1 Error: nested MAIL command");
        }
        self.transaction = Transaction::default();
        self.transaction.number = self.shared.transactions.fetch_add(1, Ordering::SeqCst) + 1;
        self.letters += 1;
        if orders.script.wants_sign_in() && self.signed_in.is_none() {
            return self.say("530 5.7.0 Authentication required");
        }
        let manners = &orders.script.manners;
        if manners.letters_a_session.is_some_and(|most| self.letters > most) {
            return self.act(Action::reply_and_close(manners.too_many_of_a_session()));
        }
        let Some((path, parameters)) = path_and_parameters(rest, "FROM:") else {
            self.violation(&format!("MAIL {rest} is no MAIL command"));
            return self.say("501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        self.check_parameters(&parameters);
        let size = parameters.iter().find_map(|p| p.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|n| n > orders.script.size_max()) {
            return self.say("552 5.3.4 Message size exceeds fixed limit");
        }
        self.begin(path, parameters)
    }

    fn begin(&mut self, path: String, parameters: Vec<String>) -> io::Result<Next> {
        let rule = self.rule(At::Mail)?;
        self.transaction.begun = rule.as_ref().is_none_or(is_positive);
        self.transaction.reverse_path = path;
        self.transaction.parameters = parameters;
        self.act_or_say(rule, "250 2.1.0 Ok")
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
        self.check_parameters(&parameters);
        if !self.transaction.forward_paths.is_empty() {
            self.violation("a transaction has more than one recipient (I7)");
        }
        self.transaction.forward_paths.push(path);
        let rule = self.rule(At::Recipient)?;
        if rule.as_ref().is_none_or(is_positive) {
            self.transaction.parameters.extend(parameters);
        } else {
            self.transaction.forward_paths.pop();
        }
        self.act_or_say(rule, "250 2.1.5 Ok")
    }

    /// A parameter belongs to an extension that was offered (RFC 5321 4.1.1.11).
    fn check_parameters(&self, parameters: &[String]) {
        for parameter in parameters {
            let offered =
                wire_rules::extension_of(parameter).is_some_and(|extension| self.offers(extension));
            if !offered {
                self.violation(&format!("the parameter {parameter} was not offered"));
            }
        }
    }

    pub(super) fn end_transaction(&mut self) {
        let mut chunks = std::mem::take(&mut self.transaction.chunks);
        chunks.clear();
        let number = self.transaction.number;
        self.transaction = Transaction { number, chunks, ..Default::default() };
    }

    /// Some commands must be the last of a group (RFC 2920 3.1, RFC 3207 4).
    fn alone(&mut self, verb: &str) {
        if !self.connection.waiting().is_empty() {
            self.violation(&format!("something was said after {verb} before its answer"));
        }
    }

    /// Whether an extension was offered to this client.
    pub(super) fn offers(&self, keyword: &str) -> bool {
        offers(&self.offered, keyword)
    }

    fn pipelined_only_if_offered(&mut self, verb: &str) {
        if !self.offers("PIPELINING") {
            self.alone(verb);
        }
    }

    /// What a rule says to do now instead of the usual; a wait is waited here.
    pub(super) fn rule(&mut self, at: At) -> io::Result<Option<Action>> {
        let orders = self.shared.orders();
        if orders.script.rules.is_empty() && orders.script.chooser.is_none() {
            return Ok(None);
        }
        let recipient = self.transaction.forward_paths.last().map_or("", String::as_str);
        let transaction = self.transaction.number;
        match orders.action(&Moment { at, session: self.number, transaction, recipient }) {
            Some(Action::Wait(time)) => {
                self.connection.wait(time)?;
                Ok(None)
            }
            action => Ok(action),
        }
    }

    /// The usual answer, unless a rule knows another.
    pub(super) fn answer(&mut self, at: At, usual: &str) -> io::Result<Next> {
        let rule = self.rule(at)?;
        self.act_or_say(rule, usual)
    }

    pub(super) fn act_or_say(&mut self, rule: Option<Action>, usual: &str) -> io::Result<Next> {
        match rule {
            Some(Action::Trickle(pause)) => {
                self.connection.trickle(format!("{usual}\r\n").as_bytes(), pause)?;
                Ok(Next::GoOn)
            }
            Some(action) => self.act(action),
            None => self.say(usual),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> io::Result<Next> {
        match action {
            Action::Reply(bytes) => {
                self.connection.say(&bytes);
                return Ok(Next::GoOn);
            }
            Action::Wait(time) | Action::Trickle(time) => {
                self.connection.wait(time)?;
                return Ok(Next::GoOn);
            }
            Action::ReplyAndClose(bytes) => {
                self.connection.say(&bytes);
                self.connection.close();
            }
            Action::Close => self.connection.close(),
            Action::Reset => self.connection.reset(),
            Action::Stall => self.connection.stall(),
        }
        Ok(Next::End)
    }

    pub(super) fn say(&mut self, line: &str) -> io::Result<Next> {
        self.connection.say(line.as_bytes());
        self.connection.say(b"\r\n");
        Ok(Next::GoOn)
    }

    pub(super) fn violation(&self, what: &str) {
        self.shared.violation(self.number, what);
    }
}

/// Whether the command succeeds by this action.
fn is_positive(action: &Action) -> bool {
    match action {
        Action::Reply(bytes) => bytes.starts_with(b"2"),
        Action::Trickle(_) | Action::Wait(_) => true,
        _ => false,
    }
}

/// `FROM:<a@b> SIZE=1` as path and parameters.
fn path_and_parameters(rest: &str, keyword: &str) -> Option<(String, Vec<String>)> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    let path = head.eq_ignore_ascii_case(keyword).then_some(tail)?.strip_prefix('<')?;
    let (path, parameters) = path.split_once('>')?;
    Some((path.to_owned(), parameters.split_ascii_whitespace().map(str::to_owned).collect()))
}
