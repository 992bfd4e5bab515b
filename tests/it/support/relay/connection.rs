//! The relay's side of one connection: bytes in, bytes out, plain or through TLS.
//!
//! Owns reading by line and by count, and the ways a connection can end. Knows no SMTP.
//!
//! # Failure
//! An error of the socket, the client's end, or the end of the relay: all the same to a session.

use rustls::server::ServerConfig;
use rustls::{ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one look at the socket lasts, before it is asked whether the relay has ended.
const LOOK: Duration = Duration::from_millis(50);

enum Stream {
    Plain(TcpStream),
    Protected(Box<StreamOwned<ServerConnection, TcpStream>>),
    /// Between the two, and after the end.
    Gone,
}

/// One connection.
pub(super) struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
    is_stopped: Box<dyn Fn() -> bool + Send>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, is_stopped: Box<dyn Fn() -> bool + Send>) -> Connection {
        // Without these a test would hang or stall where it should fail; loopback has them.
        let _ = stream.set_read_timeout(Some(LOOK));
        let _ = stream.set_nodelay(true);
        // What the relay has not read must not lie in a large buffer as if it had.
        let _ = socket2::SockRef::from(&stream).set_recv_buffer_size(64 << 10);
        Connection { stream: Stream::Plain(stream), buffer: Vec::new(), is_stopped }
    }

    /// Goes on through TLS.
    pub(super) fn protect(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            match stream.conn.complete_io(&mut stream.sock) {
                Ok(_) => {}
                Err(e) if is_timeout(&e) && !(self.is_stopped)() => {}
                Err(e) => return Err(e),
            }
        }
        self.stream = Stream::Protected(Box::new(stream));
        Ok(())
    }

    pub(super) fn is_protected(&self) -> bool {
        matches!(self.stream, Stream::Protected(_))
    }

    /// Whether the client has said more than was read.
    pub(super) fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// What the client has said and nobody has read.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.buffer
    }

    /// The next line with its line end.
    pub(super) fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.buffer[searched..].iter().position(|&b| b == b'\n') {
                return Ok(self.buffer.drain(..=searched + at).collect());
            }
            searched = self.buffer.len();
            self.fill()?;
        }
    }

    /// The next bytes, exactly so many.
    pub(super) fn octets(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.fill()?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// Reads once more into the buffer.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; 64 << 10];
        loop {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(&mut block),
                Stream::Protected(stream) => stream.read(&mut block),
                Stream::Gone => Ok(0),
            };
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.buffer.extend_from_slice(&block[..n]);
                    return Ok(());
                }
                Err(e) if is_timeout(&e) && !(self.is_stopped)() => {}
                Err(e) => return Err(e),
            }
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream: &mut dyn Write = match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Protected(stream) => stream,
            Stream::Gone => return Err(ErrorKind::NotConnected.into()),
        };
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Ends with FIN: says no more, and takes what still comes, so that no RST follows.
    pub(super) fn close(&mut self) {
        if let Some(stream) = self.socket() {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let start = Instant::now();
        let mut block = [0; 64 << 10];
        while start.elapsed() < Duration::from_millis(500) && !(self.is_stopped)() {
            let Some(mut stream) = self.socket() else { break };
            match stream.read(&mut block) {
                Ok(0) => break,
                Err(e) if !is_timeout(&e) => break,
                _ => {}
            }
        }
        self.stream = Stream::Gone;
    }

    /// Ends in the middle of what the client says: FIN, and nothing more is read, so that the
    /// client finds its words refused.
    pub(super) fn close_unread(&mut self) {
        if let Some(stream) = self.socket() {
            let _ = stream.shutdown(Shutdown::Write);
        }
        std::thread::sleep(Duration::from_millis(200));
        self.stream = Stream::Gone;
    }

    /// Ends with RST.
    pub(super) fn reset(&mut self) {
        if let Some(stream) = self.socket() {
            // A linger of zero turns the close into a reset.
            let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
        self.stream = Stream::Gone;
    }

    /// Does nothing until the client has gone or the relay ends.
    pub(super) fn stall(&mut self) {
        while self.fill().is_ok() {}
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
