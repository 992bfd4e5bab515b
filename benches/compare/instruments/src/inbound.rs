//! Bytes of one connection, read in large pieces: lines, counted chunks, bodies up to the lone dot.
//!
//! Answers are collected and leave in one write just before the next wait, so that a flight of
//! commands costs the sink one read and one write (RFC 2920 3.2).
//!
//! # Standards
//! RFC 5321 4.1.1.4 (the end of a body), RFC 3030 2 (chunks are counted, not searched).

use memchr::{memchr, memmem};
use std::io::{self, Read, Write};

/// One read of a large letter; the kernel's own buffers are of this order.
const BUFFER_OCTETS: usize = 256 * 1024;
/// A command line (RFC 5321 4.5.3.1.4 asks for 512, extensions add to it).
const LINE_OCTETS_MAX: usize = 8 * 1024;
const END_OF_BODY: &[u8] = b"\r\n.\r\n";

/// The two directions of a connection, seen from the sink.
pub(crate) struct Inbound<S> {
    stream: S,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    answers: Vec<u8>,
}

impl<S: Read + Write> Inbound<S> {
    pub(crate) fn new(stream: S) -> Inbound<S> {
        let buffer = vec![0; BUFFER_OCTETS];
        Inbound { stream, buffer, start: 0, end: 0, answers: Vec::with_capacity(1024) }
    }

    /// Leaves with the next wait, or with [`Inbound::flush`].
    pub(crate) fn answer(&mut self, line: &str) {
        self.answers.extend_from_slice(line.as_bytes());
        self.answers.extend_from_slice(b"\r\n");
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if !self.answers.is_empty() {
            self.stream.write_all(&self.answers)?;
            self.stream.flush()?;
            self.answers.clear();
        }
        Ok(())
    }

    /// A command without its line end; `None` at the end of the connection.
    pub(crate) fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(at) = memchr(b'\n', unread) {
                let line = String::from_utf8_lossy(&unread[..at]).trim_end().to_owned();
                self.start += at + 1;
                return Ok(Some(line));
            }
            if unread.len() > LINE_OCTETS_MAX {
                return Err(io::Error::other("a command without an end"));
            }
            if !self.read_more()? {
                return Ok(None);
            }
        }
    }

    /// Takes a chunk of this many octets.
    pub(crate) fn skip(&mut self, octets: u64) -> io::Result<()> {
        let mut left = octets;
        loop {
            let here = self.unread().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.start += here;
            left -= here as u64;
            if left == 0 {
                return Ok(());
            }
            self.must_read_more()?;
        }
    }

    /// Takes a body to its lone dot; its octets as they came, without the dot's line.
    pub(crate) fn skip_body(&mut self) -> io::Result<u64> {
        // An empty body is the dot's line alone: the line end before it is DATA's.
        while self.unread() < 3 {
            self.must_read_more()?;
        }
        if self.buffer[self.start..].starts_with(b".\r\n") {
            self.start += 3;
            return Ok(0);
        }
        let finder = memmem::Finder::new(END_OF_BODY);
        let mut octets = 0;
        loop {
            if let Some(at) = finder.find(&self.buffer[self.start..self.end]) {
                self.start += at + END_OF_BODY.len();
                return Ok(octets + at as u64 + 2);
            }
            // What may be the beginning of the end is kept.
            let done = self.unread().saturating_sub(END_OF_BODY.len() - 1);
            self.start += done;
            octets += done as u64;
            self.must_read_more()?;
        }
    }

    fn unread(&self) -> usize {
        self.end - self.start
    }

    fn must_read_more(&mut self) -> io::Result<()> {
        if self.read_more()? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Sends what is to be answered, then waits for bytes; false at the end of the connection.
    fn read_more(&mut self) -> io::Result<bool> {
        self.flush()?;
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }
}
