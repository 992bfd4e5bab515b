//! An SMTP server that takes every letter and keeps none.
//!
//! Owns the conversation. It judges nothing, stores nothing and looks nothing up, so that what is
//! measured is the client. It is no test relay: what a client does wrong is not found out here.
//!
//! # Standards
//! RFC 5321, RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 1870 (SIZE), RFC 8314 (TLS at once).

use crate::Failure;
use crate::inbound::Inbound;
use crate::tally::Tally;
use crate::tls;
use rustls::ServerConfig;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// How the sink speaks, and what it has counted.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) tally: Arc<Tally>,
    chunking: bool,
    tls: Option<Arc<ServerConfig>>,
}

impl Sink {
    /// `--no-chunking`: CHUNKING is neither offered nor understood. `--tls FILE`: TLS from the
    /// first byte; the authority that vouches for the sink is written to FILE.
    pub(crate) fn with_options(options: &[&str]) -> Result<Sink, Failure> {
        let mut sink = Sink { tally: Arc::default(), chunking: true, tls: None };
        let mut options = options.iter();
        while let Some(&option) = options.next() {
            match option {
                "--no-chunking" => sink.chunking = false,
                "--tls" => {
                    let file = options.next().ok_or("--tls needs a file")?;
                    sink.tls = Some(tls::server(file)?);
                }
                other => return Err(format!("unknown option {other:?}").into()),
            }
        }
        Ok(sink)
    }

    /// One connection from greeting to end.
    pub(crate) fn converse(&self, stream: TcpStream) -> Result<(), Failure> {
        self.tally.connected();
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(config) => self.speak(Inbound::new(tls::accept(config, stream)?))?,
            None => self.speak(Inbound::new(stream))?,
        }
        Ok(())
    }

    fn speak<S: Read + Write>(&self, mut with: Inbound<S>) -> io::Result<()> {
        with.answer("220 sink.test ESMTP");
        // Octets of the chunks of a letter that is not complete.
        let mut octets = 0;
        while let Some(line) = with.line()? {
            let mut words = line.split_ascii_whitespace();
            let verb = words.next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "MAIL" => {
                    self.tally.mail();
                    with.answer("250 2.1.0 Ok");
                }
                "RCPT" => with.answer("250 2.1.5 Ok"),
                "BDAT" if self.chunking => {
                    let size = words.next().and_then(|word| word.parse::<u64>().ok());
                    let size = size.ok_or_else(|| io::Error::other("BDAT without a size"))?;
                    with.skip(size)?;
                    octets += size;
                    if words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST")) {
                        self.tally.accepted(std::mem::take(&mut octets));
                    }
                    with.answer("250 2.0.0 Ok");
                }
                "DATA" => {
                    with.answer("354 Go on");
                    let octets = with.skip_body()?;
                    self.tally.accepted(octets);
                    with.answer("250 2.0.0 Ok");
                }
                "EHLO" => self.extensions().for_each(|line| with.answer(line)),
                "HELO" => with.answer("250 sink.test"),
                "RSET" | "NOOP" => with.answer("250 2.0.0 Ok"),
                "QUIT" => {
                    with.answer("221 2.0.0 Bye");
                    return with.flush();
                }
                _ => with.answer("500 5.5.1 Unknown"),
            }
        }
        Ok(())
    }

    fn extensions(&self) -> impl Iterator<Item = &'static str> {
        let chunking = self.chunking.then_some("250-CHUNKING");
        let always = ["250-sink.test", "250-PIPELINING", "250-SIZE 104857600", "250-8BITMIME"];
        always.into_iter().chain(chunking).chain(["250 ENHANCEDSTATUSCODES"])
    }
}
