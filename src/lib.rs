//! Lists become letters, letters become messages, a person confirms, the relay accepts, the ledger
//! remembers.
//!
//! Files, documents and modules keep that order, and a stage may use only what stands above it:
//!
//! 1. [`recipients`]: participant lists in, people out.
//! 2. [`letter`]: templates and a person in, a letter out.
//! 3. [`message`]: a letter in, the bytes of a message out.
//! 4. [`plan`]: everybody in, the frozen list of deliveries and its fingerprint out;
//!    [`gallery`] shows it as pages.
//! 5. [`transport`]: a message in, what the relay answered out. [`ledger`]: the durable record.
//! 6. [`send`]: due, intent, transmit, record. [`rehearsal`]: a relay inside the program.
//!
//! Below them stands the shell, which reads files, settings and terminals: [`workspace`],
//! [`vault`], [`config`], [`campaign`], [`sample`], [`cli`]. Above them the words they all speak in.

// The words: values only.
pub mod address;
pub mod crash;
pub mod id;
pub mod language;
pub mod limits;
pub mod problem;
pub mod response;
pub mod secret;
pub mod services;
pub mod time;

// What operating systems disagree on.
pub mod owner_only;

pub mod recipients;

pub mod letter;

pub mod message;

pub mod plan;

pub mod gallery;

pub mod transport;

pub mod ledger;

pub mod send;

pub mod rehearsal;

pub mod doctor;

// The shell: the folder on disk, the configuration, the terminal.
pub mod workspace;

pub mod vault;

pub mod config;

pub mod campaign;
pub mod sample;

pub mod cli;
