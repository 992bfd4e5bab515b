//! What the cells of some columns show, where their headers leave doubt which holds the addresses, or
//! whether one holds titles or names.
//!
//! Owns counting only: what follows is decided in `columns.rs`. [`Evidence`] is of before the rows are
//! read: the whole list is read once more for it, which is rarely needed. [`Seen`] is of the rows as
//! they pass.

use super::LanguageBy;
use super::check::Person;
use super::columns::Layout;
use super::greeting::{GenderCells, is_no_name};
use super::headers::Role;
use super::name;
use crate::address::EmailAddress;
use std::collections::{BTreeMap, BTreeSet};

/// What the cells of the columns in question show.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// By column: in how many rows an address stands in it.
    addresses: BTreeMap<usize, u64>,
    /// By pair of columns, the first one first: in how many rows two addresses differ.
    differences: BTreeMap<(usize, usize), u64>,
    /// By column: how many cells are filled, and how many of these with a title.
    titles: BTreeMap<usize, (u64, u64)>,
}

impl Evidence {
    /// Takes in one row.
    pub(super) fn add(&mut self, columns: &[usize], cells: &[&str]) {
        let cell = |column: usize| cells.get(column).map_or("", |cell| cell.trim());
        for (at, column) in columns.iter().enumerate() {
            // What stands around an address, or makes it a bad one, is for the rows to say.
            let is_address = |text: &str| text.contains('@') || EmailAddress::parse(text).is_ok();
            *self.addresses.entry(*column).or_default() += u64::from(is_address(cell(*column)));
            let (filled, titles) = self.titles.entry(*column).or_default();
            *filled += u64::from(!cell(*column).is_empty());
            // Asked of a column of names in a language that is not written in ASCII.
            *titles += u64::from(!cell(*column).is_ascii() && is_no_name(cell(*column)));
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

    /// Whether a column holds titles: most of its cells, or none; `None` where it is not clear.
    pub(super) fn holds_titles(&self, column: usize) -> Option<bool> {
        let (filled, titles) = self.titles.get(&column).copied().unwrap_or_default();
        // A family may be called as a title is: `السيد`.
        match () {
            () if 2 * titles > filled => Some(true),
            () if 10 * titles <= filled => Some(false),
            () => None,
        }
    }

    /// Whether two columns hold the same in every row.
    pub(super) fn is_same(&self, one: usize, other: usize) -> bool {
        let pair = (one.min(other), one.max(other));
        self.differences.get(&pair) == Some(&0)
    }
}

/// What the rows of a list show about its columns of gender and of names.
pub(super) struct Seen {
    has_gender: bool,
    genders: GenderCells,
    /// Primary tags of the languages its people say they read.
    spoken: BTreeSet<String>,
    rows: u64,
    /// Columns nobody knows, in a list without names, with the rows in which they may hold one.
    may_be_names: Vec<(usize, u64)>,
}

impl Seen {
    pub(super) fn of(layout: &Layout) -> Seen {
        let unknown = layout.unrecognised().filter(|_| layout.has_no_names());
        Seen {
            has_gender: layout.column(Role::Gender).is_some(),
            genders: GenderCells::default(),
            spoken: BTreeSet::new(),
            rows: 0,
            may_be_names: unknown.map(|column| (column, 0)).collect(),
        }
    }

    pub(super) fn see(&mut self, person: &Person) {
        self.rows += 1;
        for (column, count) in &mut self.may_be_names {
            *count += u64::from(person.values.cell(*column).is_some_and(name::looks_like_one));
        }
        if !self.has_gender {
            return;
        }
        person.values.get("gender").iter().for_each(|cell| self.genders.see(cell));
        let tag = person.language.as_str();
        let primary = tag.split('-').next().unwrap_or(tag);
        if person.language_by == LanguageBy::Column && !self.spoken.contains(primary) {
            self.spoken.insert(primary.to_owned());
        }
    }

    /// Columns that hold what looks like names in most rows.
    pub(super) fn likely_names(&self) -> Vec<usize> {
        let of_most = self.may_be_names.iter().filter(|(_, count)| 2 * count > self.rows);
        of_most.map(|(column, _)| *column).collect()
    }

    pub(super) fn settle(&self, layout: &Layout) {
        let Some(column) = layout.column(Role::Gender) else { return };
        let headers = layout.headers.iter().map(String::as_str);
        let letters = self.genders.settled(&layout.headers[column], headers, &self.spoken);
        layout.names.settle_gender(letters);
    }
}
