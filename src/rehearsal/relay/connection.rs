//! The relay's side of one connection: bytes in, bytes out, plain or through TLS.
//!
//! Owns reading by line and by count, answers that wait until somebody waits for them, and the
//! ways a connection can end. Knows no SMTP.
//!
//! # Invariants
//! Answers go out together, at the latest before anything is waited for (RFC 2920 3.2): a flight
//! of commands is answered in one packet.
//!
//! # Failure
//! An error of the socket, the client's end, or the end of the relay: all the same to a session.

use rustls::server::ServerConfig;
use rustls::{ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long one look at the socket lasts, before it is asked whether the relay has ended.
const LOOK: Duration = Duration::from_millis(50);
/// Looks at a socket that we have closed and the client has not: half a second.
const LOOKS_AFTER_CLOSE: usize = 10;
/// What the client has before it learns that nobody reads on.
const UNREAD_WAIT: Duration = Duration::from_millis(200);
/// Octets of one read.
const BLOCK_OCTETS: usize = 64 << 10;

enum Stream {
    Plain(TcpStream),
    Protected(Box<StreamOwned<ServerConnection, TcpStream>>),
    /// Between the two, and after the end.
    Gone,
}

/// One connection.
pub(super) struct Connection {
    stream: Stream,
    /// What was read; `block[taken..read]` has not been taken.
    block: Vec<u8>,
    taken: usize,
    read: usize,
    /// Answers that have not gone out.
    answers: Vec<u8>,
    stopped: Arc<AtomicBool>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, stopped: Arc<AtomicBool>) -> io::Result<Connection> {
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_nodelay(true)?;
        // What the relay has not read must not lie in a large buffer as if it had.
        socket2::SockRef::from(&stream).set_recv_buffer_size(BLOCK_OCTETS)?;
        let block = vec![0; BLOCK_OCTETS];
        let stream = Stream::Plain(stream);
        Ok(Connection { stream, block, taken: 0, read: 0, answers: Vec::new(), stopped })
    }

    /// Goes on through TLS.
    pub(super) fn protect(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        self.flush()?;
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            match stream.conn.complete_io(&mut stream.sock) {
                Ok(_) => {}
                Err(e) if is_timeout(&e) && !self.is_stopped() => {}
                Err(e) => return Err(e),
            }
        }
        self.stream = Stream::Protected(Box::new(stream));
        Ok(())
    }

    pub(super) fn is_protected(&self) -> bool {
        matches!(self.stream, Stream::Protected(_))
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// What the client has said and nobody has taken.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.block[self.taken..self.read]
    }

    /// Waits for a whole line; its length with its line end.
    pub(super) fn line_length(&mut self) -> io::Result<usize> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.waiting()[searched..]) {
                return Ok(searched + at + 1);
            }
            searched = self.waiting().len();
            self.fill()?;
        }
    }

    /// Takes what was looked at.
    pub(super) fn take(&mut self, octets: usize) {
        self.taken = (self.taken + octets).min(self.read);
    }

    /// The next line with its line end.
    pub(super) fn line(&mut self) -> io::Result<Vec<u8>> {
        let length = self.line_length()?;
        let line = self.waiting()[..length].to_vec();
        self.take(length);
        Ok(line)
    }

    /// Gives the next bytes, exactly so many, piece by piece.
    pub(super) fn octets(&mut self, count: usize, mut give: impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = count;
        while left > 0 {
            if self.waiting().is_empty() {
                self.fill()?;
            }
            let octets = left.min(self.waiting().len());
            give(&self.waiting()[..octets]);
            self.take(octets);
            left -= octets;
        }
        Ok(())
    }

    /// Reads once more, after all answers have gone out.
    fn fill(&mut self) -> io::Result<()> {
        self.flush()?;
        self.make_room();
        loop {
            let free = &mut self.block[self.read..];
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(free),
                Stream::Protected(stream) => stream.read(free),
                Stream::Gone => Ok(0),
            };
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.read += n;
                    return Ok(());
                }
                Err(e) if is_timeout(&e) && !self.is_stopped() => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// What was taken makes room; a line longer than a block gets more.
    fn make_room(&mut self) {
        self.block.copy_within(self.taken..self.read, 0);
        self.read -= self.taken;
        self.taken = 0;
        if self.read == self.block.len() {
            self.block.resize(2 * self.read, 0);
        }
    }

    /// Says something, at the latest before anything is waited for.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        self.answers.extend_from_slice(bytes);
    }

    /// Lets all answers out.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let stream: &mut dyn Write = match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Protected(stream) => stream,
            Stream::Gone => return Err(ErrorKind::NotConnected.into()),
        };
        let written = stream.write_all(&self.answers).and_then(|()| stream.flush());
        self.answers.clear();
        written
    }

    /// Says something byte by byte.
    pub(super) fn trickle(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        for byte in bytes {
            self.say(&[*byte]);
            self.wait(pause)?;
        }
        Ok(())
    }

    /// Waits, after all answers have gone out; ends early with the relay.
    pub(super) fn wait(&mut self, time: Duration) -> io::Result<()> {
        self.flush()?;
        let mut left = time;
        while !left.is_zero() && !self.is_stopped() {
            let step = left.min(LOOK);
            std::thread::sleep(step);
            left -= step;
        }
        Ok(())
    }

    /// Ends with FIN: says no more, and takes what still comes, so that no RST follows.
    pub(super) fn close(&mut self) {
        self.finish();
        let mut block = [0; 4 << 10];
        for _ in 0..LOOKS_AFTER_CLOSE {
            let Some(mut stream) = self.socket() else { break };
            match stream.read(&mut block) {
                Ok(0) => break,
                Err(e) if !is_timeout(&e) => break,
                _ if self.is_stopped() => break,
                _ => {}
            }
        }
        self.stream = Stream::Gone;
    }

    /// Ends in the middle of what the client says: FIN, and nothing more is read, so that the
    /// client finds its words refused.
    pub(super) fn close_unread(&mut self) {
        self.finish();
        std::thread::sleep(UNREAD_WAIT);
        self.stream = Stream::Gone;
    }

    /// What was answered goes out, and nothing after it.
    fn finish(&mut self) {
        // A client that has gone hears neither.
        drop(self.flush());
        if let Some(stream) = self.socket() {
            drop(stream.shutdown(Shutdown::Write));
        }
    }

    /// Ends with RST.
    pub(super) fn reset(&mut self) {
        drop(self.flush());
        if let Some(stream) = self.socket() {
            // A linger of zero turns the close into a reset.
            drop(socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)));
        }
        self.stream = Stream::Gone;
    }

    /// Does nothing until the client has gone or the relay ends.
    pub(super) fn stall(&mut self) {
        while self.fill().is_ok() {
            self.take(usize::MAX - self.taken);
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        match &self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Protected(stream) => Some(&stream.sock),
            Stream::Gone => None,
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
