//! Attacks, each by its name in the security paper, through the program's own binary.

mod letters;
