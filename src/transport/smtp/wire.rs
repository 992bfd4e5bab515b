//! Moves bytes between us and a relay: commands and blocks out, answers in, each under a deadline.
//!
//! Owns the connection, plain or encrypted, what was read and not yet used, and when the relay was
//! last heard. Which answer was due is the caller's to say. A deadline is for the whole of a step,
//! so that a relay that trickles one octet at a time cannot stretch it.
//!
//! # Standards
//! RFC 5321 2.3.8 (lines), 4.5.3.2 (deadlines), 3.8 (421 at any time).
//!
//! # Invariants
//! What leaves together is one write (with TCP_NODELAY: small separate writes stall 40 ms each), as
//! large as the connection takes it. Whoever writes listens. Nothing is asked over bytes nobody
//! asked for. What was read in plain never counts as encrypted.
//!
//! # Failure
//! [`Loss`]; after one the connection is only good for [`Wire::early_verdict`] and for dropping.

use super::parts::Parts;
use super::{is_verdict, reply, tls};
use crate::limits::{EARLY_ANSWER_WAIT, MESSAGE_BLOCK_OCTETS, PARTS_IN_A_WRITE};
use crate::response::Response;
use crate::time::Steady;
use crate::transport::Loss;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to a relay.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    /// Read and not yet used.
    input: Vec<u8>,
    /// When the relay was last heard, or reached; by the clock that goes on while the computer
    /// sleeps, because connections die then.
    heard_at: Steady,
}

/// What came of a look at the connection while something was on its way out.
#[derive(Debug, PartialEq)]
pub(super) enum Sending {
    /// All of it has left.
    Done,
    /// An answer has come; the rest is still to go.
    Heard(Response),
}

/// The two kinds of connection.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// A connection without TLS.
    pub(super) fn plain(stream: TcpStream) -> Wire {
        Wire { stream: Stream::Plain(stream), input: Vec::new(), heard_at: Steady::now() }
    }

    /// A connection after the handshake.
    pub(super) fn encrypted(stream: TlsStream<TcpStream>) -> Wire {
        let stream = Stream::Encrypted(Box::new(stream));
        Wire { stream, input: Vec::new(), heard_at: Steady::now() }
    }

    /// The bare connection, for the handshake.
    ///
    /// # Errors
    /// [`Loss::NotSmtp`] when bytes were read in plain and not used: an attacker's answers, put
    /// there to be taken for encrypted ones (CVE-2011-0411, RFC 3207 4.2).
    pub(super) fn into_bare(self) -> Result<TcpStream, Loss> {
        match self.stream {
            Stream::Plain(stream) if self.input.is_empty() => Ok(stream),
            Stream::Plain(_) => Err(unasked(&self.input)),
            Stream::Encrypted(_) => Err(Loss::Tls("TLS within TLS".to_owned())),
        }
    }

    /// Version and cipher suite of an encrypted connection.
    pub(super) fn encryption(&self) -> Option<String> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Encrypted(stream) => Some(tls::described(stream.get_ref().1)),
        }
    }

    /// Says one command and waits for its answer, both within `limit`. A 421 that the relay has
    /// said of itself counts as the answer (RFC 5321 3.8); so does the refusal that explains why a
    /// command could not be written.
    ///
    /// # Errors
    /// [`Loss`], among them unasked bytes that were there before the command.
    pub(super) async fn ask(&mut self, command: &str, limit: Duration) -> Result<Response, Loss> {
        if command.bytes().any(|b| b.is_ascii_control()) {
            return Err(Loss::Other("a command with a line break was held back".to_owned()));
        }
        match self.unasked().await? {
            Some(farewell) if farewell.code == 421 => return Ok(farewell),
            Some(response) => return Err(misplaced_before(&response)),
            None => {}
        }
        let line = format!("{command}\r\n");
        let mut parts = Parts::of(&line);
        let asked = async {
            match self.send(&mut parts, 0, limit).await {
                Ok(Sending::Done) => self.read_reply().await,
                Ok(Sending::Heard(early)) if is_verdict(&early) => Ok(early),
                Ok(Sending::Heard(early)) => Err(misplaced_before(&early)),
                Err(loss) => self.early_verdict().await.ok_or(loss),
            }
        };
        within(limit, asked).await
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// [`Loss`] when none is complete within `limit`, the connection ends or something else comes.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Response, Loss> {
        within(limit, self.read_reply()).await
    }

    /// Sends all but the last `keep` octets of `parts` and listens meanwhile. Each block of
    /// [`MESSAGE_BLOCK_OCTETS`] has `limit` to leave, and nothing of it lingers in buffers of ours
    /// when all is done. An answer that comes meanwhile is told at once; call again to go on.
    ///
    /// # Errors
    /// [`Loss`]; [`Wire::early_verdict`] may have the words that explain it.
    pub(super) async fn send(
        &mut self,
        parts: &mut Parts<'_>,
        keep: usize,
        limit: Duration,
    ) -> Result<Sending, Loss> {
        loop {
            if let Some(sending) = within(limit, self.send_block(parts, keep)).await? {
                return Ok(sending);
            }
        }
    }

    /// Sends until all is done or an answer has come; `None` as soon as a block has left and the
    /// connection takes no more for now.
    async fn send_block(
        &mut self,
        parts: &mut Parts<'_>,
        keep: usize,
    ) -> Result<Option<Sending>, Loss> {
        let before = parts.len();
        poll_fn(|context| {
            if let Poll::Ready(outcome) = self.poll_output(context, parts, keep) {
                return Poll::Ready(outcome.map(|()| Some(Sending::Done)));
            }
            if before - parts.len() >= MESSAGE_BLOCK_OCTETS {
                return Poll::Ready(Ok(None));
            }
            // A relay that has something to say now may stop reading until we have heard it.
            loop {
                if let Some(response) = self.take_reply()? {
                    return Poll::Ready(Ok(Some(Sending::Heard(response))));
                }
                ready!(self.poll_input(context))?;
            }
        })
        .await
    }

    /// Whether the relay was heard within this time.
    pub(super) fn was_heard_within(&self, time: Duration) -> bool {
        self.heard_at.elapsed() <= time
    }

    /// Whether something was read that is no whole answer yet.
    pub(super) fn has_begun_an_answer(&self) -> bool {
        !self.input.is_empty()
    }

    /// What the relay says or does unasked, without waiting: `None` while it is silent.
    ///
    /// # Errors
    /// [`Loss`] when it has closed the connection or said something that is no whole answer.
    pub(super) async fn unasked(&mut self) -> Result<Option<Response>, Loss> {
        match self.heard().await? {
            None if self.has_begun_an_answer() => Err(unasked(&self.input)),
            heard => Ok(heard),
        }
    }

    /// The next answer, where it is here already; does not wait.
    ///
    /// # Errors
    /// [`Loss`] when the connection has ended or what came is no answer.
    pub(super) async fn heard(&mut self) -> Result<Option<Response>, Loss> {
        if let Some(response) = self.take_reply()? {
            return Ok(Some(response));
        }
        // The runtime learns of arrived bytes when it looks at its sockets, which a task that never
        // waits does not let it do.
        tokio::task::yield_now().await;
        let looked = poll_fn(|context| match self.poll_input(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => Poll::Ready(None),
        });
        let ended = looked.await.and_then(Result::err);
        match (self.take_reply()?, ended) {
            (Some(response), _) => Ok(Some(response)),
            (None, Some(loss)) => Err(loss),
            (None, None) => Ok(None),
        }
    }

    /// After a loss: the 4yz or 5yz that explains it, where the relay has said one. Looks once.
    pub(super) async fn early_verdict(&mut self) -> Option<Response> {
        let answer = within(EARLY_ANSWER_WAIT, self.read_reply()).await;
        answer.ok().filter(is_verdict)
    }

    /// Reads until an answer is complete.
    async fn read_reply(&mut self) -> Result<Response, Loss> {
        loop {
            if let Some(response) = self.take_reply()? {
                return Ok(response);
            }
            self.acknowledge();
            poll_fn(|context| self.poll_input(context)).await?;
        }
    }

    /// Has the system confirm at once what has come, where it lets us say so. A relay that answers
    /// MAIL and RCPT of a flight in one write and the message in another holds the second back
    /// until the first is confirmed (RFC 896), and a system that waits for something to send along
    /// confirms after 40 ms: that was nine tenths of a letter's time with a Postfix nearby.
    fn acknowledge(&self) {
        let stream = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Encrypted(stream) => stream.get_ref().0,
        };
        // Where it cannot be said, answers come a little later.
        #[cfg(target_os = "linux")]
        let _ = stream.set_quickack(true);
        #[cfg(not(target_os = "linux"))]
        let _ = stream;
    }

    /// The first answer in what was read, where it is complete.
    fn take_reply(&mut self) -> Result<Option<Response>, Loss> {
        let found = reply::read(&self.input).map_err(Loss::NotSmtp)?;
        Ok(found.map(|(response, octets)| {
            self.input.drain(..octets);
            response
        }))
    }

    /// Reads once, what there is. The end of the connection is a loss: no answer can follow.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Loss>> {
        let mut space = [0; 4_096];
        let mut buffer = ReadBuf::new(&mut space);
        let outcome = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(context, &mut buffer),
        };
        ready!(outcome).map_err(|error| lost(&error))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(Loss::Closed));
        }
        self.input.extend_from_slice(buffer.filled());
        self.heard_at = Steady::now();
        Poll::Ready(Ok(()))
    }

    /// Writes all but the last `keep` octets of `parts`, then flushes.
    fn poll_output(
        &mut self,
        context: &mut Context<'_>,
        parts: &mut Parts<'_>,
        keep: usize,
    ) -> Poll<Result<(), Loss>> {
        while parts.len() > keep {
            let mut slices = [IoSlice::new(&[]); PARTS_IN_A_WRITE];
            let filled = parts.fill(&mut slices, keep);
            let slices = &slices[..filled];
            let outcome = match &mut self.stream {
                Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
                Stream::Encrypted(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            };
            match ready!(outcome).map_err(|error| lost(&error))? {
                0 => return Poll::Ready(Err(Loss::Closed)),
                octets => parts.advance(octets),
            }
        }
        let flushed = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        };
        flushed.map_err(|error| lost(&error))
    }
}

/// A step under its deadline.
pub(super) async fn within<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, Loss>>,
) -> Result<T, Loss> {
    tokio::time::timeout(limit, step).await.unwrap_or(Err(Loss::TimedOut))
}

/// What a failure of the operating system or of TLS means.
pub(super) fn lost(error: &io::Error) -> Loss {
    use io::ErrorKind as Kind;
    if let Some(tls_error) = tls::failure_in(error) {
        return Loss::Tls(tls::in_words(tls_error));
    }
    match error.kind() {
        Kind::ConnectionRefused => Loss::Refused,
        Kind::TimedOut => Loss::TimedOut,
        Kind::UnexpectedEof
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::NotConnected
        | Kind::WriteZero => Loss::Closed,
        _ => Loss::Other(error.to_string()),
    }
}

/// An answer that came before its question.
fn misplaced_before(response: &Response) -> Loss {
    Loss::NotSmtp(format!("{response}, before anything was asked"))
}

/// Bytes that came before anything was asked.
fn unasked(input: &[u8]) -> Loss {
    Loss::NotSmtp(format!("{}, before anything was asked", reply::quoted(input)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scripted, Step, hear, relay, say};
    use super::*;

    const SHORT: Duration = Duration::from_millis(150);
    const LONG: Duration = Duration::from_secs(5);

    async fn connected(steps: Vec<Step>) -> (Wire, Scripted) {
        let relay = relay(vec![steps]).await;
        let stream = TcpStream::connect(("127.0.0.1", relay.port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        (Wire::plain(stream), relay)
    }

    #[tokio::test]
    async fn a_deadline_is_for_the_whole_answer_not_for_each_read() {
        let trickle = |octet: &u8| [Step::Say(vec![*octet]), Step::Wait(60)];
        let steps = b"250 ok\r\n".iter().flat_map(trickle).collect();
        let (mut wire, _relay) = connected(steps).await;
        assert_eq!(wire.reply(SHORT).await, Err(Loss::TimedOut));
    }

    #[tokio::test]
    async fn an_answer_may_come_in_pieces() {
        let pieces = ["25", "0-a\r", "\n250", " b\r\n"];
        let steps = pieces.iter().flat_map(|p| [Step::Say((*p).into()), Step::Wait(10)]).collect();
        let (mut wire, _relay) = connected(steps).await;
        assert_eq!(wire.reply(LONG).await.unwrap().lines, [b"a".to_vec(), b"b".to_vec()]);
    }

    /// The system calls a connection interactive after some questions and answers, and would then
    /// wait for something to send along with a confirmation.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_has_come_is_confirmed_at_once() {
        let answered = (0..8).flat_map(|_| [hear("NOOP"), say("250 ok")]);
        let (mut wire, _relay) = connected(answered.chain([Step::Wait(60)]).collect()).await;
        for n in 0..8 {
            wire.ask("NOOP", LONG).await.unwrap();
            let Stream::Plain(stream) = &wire.stream else { panic!("made without TLS") };
            assert!(stream.quickack().unwrap(), "after answer {n}");
        }
    }

    #[tokio::test]
    async fn nothing_is_said_over_unasked_bytes() {
        for (unasked, expected) in [
            ("220 hi\r\n250 ok\r\n", "250 ok, before"),
            ("220 hi\r\n25", "\"25\", before"),
            ("220 hi\r\n250-x\r\n", "\"250-x\\r\\n\", before"),
        ] {
            let (mut wire, relay) = connected(vec![Step::Say(unasked.into())]).await;
            wire.reply(LONG).await.unwrap();
            let refused = wire.ask("EHLO x", LONG).await;
            let Err(Loss::NotSmtp(what)) = refused else { panic!("{unasked:?}: {refused:?}") };
            assert!(what.starts_with(expected), "{unasked:?}: {what}");
            drop(wire);
            assert_eq!(relay.heard().await, "", "{unasked:?}");
        }
    }

    #[tokio::test]
    async fn a_farewell_is_the_answer_to_whatever_is_asked() {
        let (mut wire, _relay) =
            connected(vec![say("220 hi"), say("421 closing"), Step::Fin]).await;
        wire.reply(LONG).await.unwrap();
        tokio::time::sleep(SHORT).await;
        assert_eq!(wire.ask("EHLO x", LONG).await.map(|r| r.code), Ok(421));
    }

    #[tokio::test]
    async fn the_end_of_a_connection_is_seen_without_asking() {
        for end in [Step::Fin, Step::Reset] {
            let (mut wire, _relay) = connected(vec![say("220 hi"), end]).await;
            wire.reply(LONG).await.unwrap();
            tokio::time::sleep(SHORT).await;
            assert_eq!(wire.unasked().await, Err(Loss::Closed));
        }
    }

    /// A task that has not waited since: the runtime has not yet looked at the socket.
    #[tokio::test]
    async fn what_came_while_the_runtime_was_busy_is_seen() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            std::io::Write::write_all(&mut stream, b"220 hi\r\n").unwrap();
            std::thread::sleep(SHORT);
            std::io::Write::write_all(&mut stream, b"421 closing\r\n").unwrap();
            stream
        });
        let mut wire = Wire::plain(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        wire.reply(LONG).await.unwrap();
        let _stream = relay.join().unwrap();
        assert_eq!(wire.unasked().await.map(|r| r.map(|r| r.code)), Ok(Some(421)));
    }

    /// A relay that refuses a large message in the middle and stops reading would hold us for the
    /// whole of the block's deadline if we did not listen while we write.
    #[tokio::test]
    async fn a_relay_that_speaks_while_we_write_is_heard() {
        let steps = vec![hear("BODY"), say("552 5.3.4 too big"), Step::Stay];
        let (mut wire, _relay) = connected(steps).await;
        let block = "x".repeat(16 << 20);
        let (mut first, mut rest) = (Parts::of("BODY\r\n"), Parts::of(&block));
        assert_eq!(wire.send(&mut first, 0, LONG).await, Ok(Sending::Done));
        let heard = wire.send(&mut rest, 0, LONG).await;
        assert!(matches!(heard, Ok(Sending::Heard(r)) if r.code == 552) && !rest.is_empty());
    }

    #[tokio::test]
    async fn a_command_cannot_hold_another() {
        let (mut wire, relay) = connected(vec![]).await;
        for command in ["MAIL FROM:<a@x>\r\nRCPT TO:<b@y>", "NOOP\n", "NOOP\r", "NOOP\0"] {
            assert!(matches!(wire.ask(command, SHORT).await, Err(Loss::Other(_))), "{command:?}");
        }
        drop(wire);
        assert_eq!(relay.heard().await, "");
    }
}
