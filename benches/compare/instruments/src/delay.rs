//! A long line: every byte arrives half a round trip after it left, in each direction.
//!
//! Bandwidth is not limited: what is on its way is kept in memory without a bound. A connection
//! costs one round trip before its first byte moves, as TCP's own handshake would.

use crate::Failure;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const READ_OCTETS: usize = 256 * 1024;

/// Where the line leads and how long it is.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    to: String,
    one_way: Duration,
}

/// Bytes, and when they arrive.
type OnItsWay = (Instant, Vec<u8>);

impl Line {
    pub(crate) fn to(to: &str, round_trip_milliseconds: u64) -> Line {
        let one_way = Duration::from_micros(round_trip_milliseconds * 500);
        Line { to: to.to_owned(), one_way }
    }

    /// Carries one connection both ways until both ends have closed.
    pub(crate) fn carry(&self, near: TcpStream) -> Result<(), Failure> {
        thread::sleep(self.one_way * 2);
        let far = TcpStream::connect(&self.to)?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        thread::scope(|scope| {
            let there = scope.spawn(|| self.one_direction(&near, &far));
            let back = self.one_direction(&far, &near);
            there.join().map_err(|_| "a direction broke off")?.and(back)
        })
    }

    fn one_direction(&self, from: &TcpStream, to: &TcpStream) -> Result<(), Failure> {
        let (departed, arriving) = channel();
        thread::scope(|scope| {
            scope.spawn(move || arrive(&arriving, to));
            self.depart(from, &departed);
            drop(departed);
        });
        Ok(())
    }

    fn depart(&self, mut from: &TcpStream, departed: &Sender<OnItsWay>) {
        let mut buffer = vec![0; READ_OCTETS];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let bytes = buffer[..read].to_vec();
            if departed.send((Instant::now() + self.one_way, bytes)).is_err() {
                return;
            }
        }
    }
}

/// Writes what arrives when it arrives; the end of the connection travels with it.
fn arrive(arriving: &Receiver<OnItsWay>, mut to: &TcpStream) {
    for (at, bytes) in arriving {
        thread::sleep(at.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
