//! Stage 6, beside `send`: a mailing rehearsed against a relay inside the program.
//!
//! Owns the relay, which speaks SMTP on this computer, does as a script says and counts what it
//! accepts. It is also the relay of the tests: its count is their oracle.

pub mod relay;
