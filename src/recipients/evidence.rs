//! What the cells of some columns show, where their headers leave doubt which holds the addresses.
//!
//! Owns counting only: what follows is decided in `columns.rs`. The whole list is read once more for
//! it, which is rarely needed.

use crate::address::EmailAddress;
use std::collections::BTreeMap;

/// What the cells of the columns in question show.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// By column: in how many rows an address stands in it.
    addresses: BTreeMap<usize, u64>,
    /// By pair of columns, the first one first: in how many rows two addresses differ.
    differences: BTreeMap<(usize, usize), u64>,
}

impl Evidence {
    /// Takes in one row.
    pub(super) fn add(&mut self, columns: &[usize], cells: &[&str]) {
        let cell = |column: usize| cells.get(column).map_or("", |cell| cell.trim());
        for (at, column) in columns.iter().enumerate() {
            // What stands around an address, or makes it a bad one, is for the rows to say.
            let is_address = |text: &str| text.contains('@') || EmailAddress::parse(text).is_ok();
            *self.addresses.entry(*column).or_default() += u64::from(is_address(cell(*column)));
            for other in &columns[at + 1..] {
                let differs = !cell(*column).eq_ignore_ascii_case(cell(*other));
                *self.differences.entry((*column, *other)).or_default() += u64::from(differs);
            }
        }
    }

    /// Whether any row has an address there.
    pub(super) fn has_addresses(&self, column: usize) -> bool {
        self.addresses.get(&column).is_some_and(|rows| *rows > 0)
    }

    /// Whether two columns hold the same in every row.
    pub(super) fn is_same(&self, one: usize, other: usize) -> bool {
        let pair = (one.min(other), one.max(other));
        self.differences.get(&pair) == Some(&0)
    }
}
