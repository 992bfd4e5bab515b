//! The same bytes without a protocol: how fast the machine itself can move them.
//!
//! The sender writes letter after letter on each connection and hears nothing until the end, when
//! the sink, having read everything, closes.

use crate::Failure;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

/// As the SMTP sink reads.
const READ_OCTETS: usize = 256 * 1024;

/// Takes everything up to the end of the connection.
pub(crate) fn take(mut stream: TcpStream) -> Result<(), Failure> {
    let mut buffer = vec![0; READ_OCTETS];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Sends a file so many times, shared among connections, and waits until all has been read.
pub(crate) fn send(to: &str, connections: u64, letters: u64, file: &str) -> Result<(), Failure> {
    let letter = std::fs::read(file)?;
    thread::scope(|scope| {
        let share = |n| letters / connections + u64::from(n < letters % connections);
        let senders: Vec<_> = (0..connections)
            .map(|n| {
                scope.spawn({
                    let letter = &letter;
                    move || send_share(to, share(n), letter)
                })
            })
            .collect();
        senders.into_iter().try_for_each(|s| s.join().map_err(|_| "a sender broke off")?)
    })
}

fn send_share(to: &str, letters: u64, letter: &[u8]) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    for _ in 0..letters {
        stream.write_all(letter)?;
    }
    stream.shutdown(Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
