//! Attacks on the list and the letter: a test for each, named for the attack.
//!
//! Everything goes through the binary. What must not happen is looked for where it would show: at
//! the relay, in the messages as foreign readers see them, among the people of the plan.

mod files;
