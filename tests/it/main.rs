//! The tests from outside, in one binary: the house rules, then each command and each fault.
//!
//! Commands are run as an officer runs them, through the program's own binary; what a relay has
//! accepted is counted by the relay. Rules are tested beside the code they belong to.

// `pub` in a test binary says "for the other tests": nobody else can reach anything here.
#![allow(unreachable_pub)]

mod support;

mod architecture;
mod dependencies;
mod relays;

mod reference;
mod rehearse;
mod start;

mod approved;
mod asking;
mod attacks;
mod audience;
mod bad_input;
mod broken_off;
mod checking;
#[cfg(target_os = "linux")]
mod clock;
mod confirming;
mod control;
mod copies;
mod damage;
mod decisions;
#[cfg(unix)]
mod dkim;
mod doctor;
mod doctor_names;
mod documents;
mod dry_run;

mod crash;
#[cfg(target_os = "linux")]
mod drive;
mod faults;
mod foreign;
mod greeting;
mod hand_over;
mod histories;
#[cfg(unix)]
mod interrupts;
mod isemail;
#[cfg(unix)]
mod it_department;
mod kills;
mod languages;
mod letters;
mod lists;
#[cfg(target_os = "linux")]
mod order;
mod pace;
mod persistence;
mod providers;
mod raw_lists;
mod remedies;
mod resolve;
mod restored;
#[cfg(target_os = "linux")]
mod room;
mod scale;
mod screen;
mod send;
mod services;
mod sign_in;
#[cfg(unix)]
mod spam;
mod tls;
mod twice;
mod whereabouts;
mod workbooks;
