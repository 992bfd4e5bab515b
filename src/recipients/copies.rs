//! Cc columns: which cells get a copy of their row's letter, and what is said about them.
//!
//! Owns the columns that `cc` names, the check of their cells, and the counts an officer wants to
//! see. A copy is a delivery of its own; how it is planned and sent is decided elsewhere.
//!
//! # Invariants
//! A cell is one plain address, checked as the person's own is; an empty one is no copy. Nobody
//! gets two copies of one letter, and nobody a copy of their own.
//!
//! # Failure
//! Problems with the cell's place, or with the setting's.

use super::address_cell::{AddressCell, Found};
use super::columns::{Layout, column_name};
use super::shown::{counted, quoted};
use super::values::ColumnNames;
use super::{CopyColumn, People, TwoAddresses, fold, headers};
use crate::address::{AddressError, EmailAddress};
use crate::limits::{COPIES_TO_ONE_SAID_MIN, HEADERS_NAMED_MAX};
use crate::problem::{Place, Problem, Problems, nearest};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Which columns of one list get copies: cells of its rows, each once.
pub(super) fn columns_of(settings: &[CopyColumn], names: &ColumnNames) -> Vec<usize> {
    let mut columns: Vec<usize> = Vec::new();
    for column in settings.iter().filter_map(|setting| cell_of(&setting.name, names)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// The cell of a column as somebody names it: by its name in letters, by its header, or by a header
/// in another script with `_` for its blanks, as Latin ones have it.
fn cell_of(written: &str, names: &ColumnNames) -> Option<usize> {
    let as_header = || names.cell(&column_name(written));
    let with_blanks = || names.cell(&column_name(&written.replace('_', " ")));
    names.cell(written).or_else(as_header).or_else(with_blanks)
}

/// Words in the header of a column of assistants' addresses, as [`fold::words`] leaves them.
const ASSISTANTS: &[&str] = &[
    "assistant",
    "assistants",
    "secretary",
    "secretariat",
    "cc",
    "copy",
    "assistante",
    "secretaire",
    "copie",
    "asistente",
    "secretaria",
    "secretario",
    "copia",
    "assistente",
    "sekretariat",
    "sekretarin",
    "assistenz",
    "kopie",
    "ассистента",
    "помощника",
    "секретаря",
    "копия",
    "مساعد",
    "السكرتير",
    "نسخه",
    "助理",
    "秘书",
    "抄送",
];

/// Says of columns of assistants' addresses that nothing uses them, and what would.
pub(super) fn note_unused(
    settings: &[CopyColumn],
    file: &str,
    line: u32,
    layout: &Layout,
    problems: &mut Problems,
) {
    for (column, header) in layout.headers.iter().enumerate() {
        let words = fold::words(header);
        let is_assistants = headers::speaks_of_email(header)
            && ASSISTANTS.iter().any(|word| headers::has_words(&words, word));
        if !is_assistants || column == layout.email || layout.copies.contains(&column) {
            continue;
        }
        let name = column_name(header);
        let described = layout.described(column);
        let message = format!("{described} has the addresses of others: nothing goes to them");
        let mut all: Vec<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
        all.push(&name);
        let hint = format!(
            "If they are to have copies, write into the mailing's table in secretariat.toml:\ncc = {}",
            toml::Value::from(all)
        );
        let place = Place::cell(file, line, column + 1);
        problems.push(Problem::note("others-addresses", message).hint(hint).place(place));
    }
}

/// The addresses in the cell of a Cc column: one, or what the configuration makes of several. A name
/// beside it is dropped: whose it is, is not asked of a copy.
pub(super) fn read(cell: &str, several: TwoAddresses) -> Result<Vec<Found>, AddressError> {
    match AddressCell::read(cell) {
        AddressCell::Empty => Ok(Vec::new()),
        AddressCell::One(found) => Ok(vec![found]),
        AddressCell::Several(mut all) => match several {
            TwoAddresses::Refuse => Err(AddressError::Several),
            TwoAddresses::First => {
                all.truncate(1);
                Ok(all)
            }
            TwoAddresses::FirstAndCc => Ok(all),
        },
        AddressCell::Refused(error) => Err(error),
    }
}

/// Takes out what would be a second message to somebody: the person's own address, and one that
/// stands there twice. Gives whether the own address was among them.
pub(super) fn settle(copies: &mut Vec<EmailAddress>, own: &EmailAddress) -> bool {
    if copies.is_empty() {
        return false;
    }
    let own = own.compare_key();
    let mut met = vec![own.clone()];
    let mut names_own = false;
    copies.retain(|copy| {
        let key = copy.compare_key();
        names_own |= key == own;
        let is_new = !met.contains(&key);
        met.push(key);
        is_new
    });
    names_own
}

/// Reports a cell that is no address; `described`: its column, as messages name it.
pub(super) fn refusal(described: &str, cell: &str, error: &AddressError) -> Problem {
    let message = format!("the address {} for a copy in {described} {error}", quoted(cell));
    let hint = super::repair::hint(cell).trim_end_matches('.').to_owned();
    Problem::error("bad-address", message).hint(format!("{hint}, or empty the cell: no copy."))
}

/// Columns of `cc` that no list has.
fn report_unknown<'n>(
    settings: &[CopyColumn],
    names: impl Iterator<Item = &'n str> + Clone,
    problems: &mut Problems,
) {
    let known = ColumnNames::new(names.clone().map(|name| (name.to_owned(), 0)).collect());
    for CopyColumn { name, place } in settings {
        if cell_of(name, &known).is_some() {
            continue;
        }
        let hint = match nearest(name, names.clone()) {
            Some(near) => format!("Did you mean {near}?"),
            None => {
                let known: Vec<&str> = names.clone().take(HEADERS_NAMED_MAX).collect();
                format!("Letters know the columns {}.", known.join(", "))
            }
        };
        let message = format!("no list has a column {name}, which cc names");
        let problem = Problem::error("unknown-column", message).place(place.clone());
        problems.push(problem.hint(hint));
    }
}

/// Columns that no list has, and what an officer would want to know of all copies together; `names`
/// are those of the columns of all lists.
pub(super) fn report(
    people: &People,
    settings: &[CopyColumn],
    names: &BTreeSet<String>,
    problems: &mut Problems,
) {
    if people.knows_all_columns {
        report_unknown(settings, names.iter().map(String::as_str), problems);
    }
    let copies = || people.recipients.iter().flat_map(|recipient| &recipient.copies);
    if copies().next().is_none() {
        return;
    }
    let place = settings.first().map(|setting| setting.place.clone());
    let mut note = |code, message: String, hint: &str, count: u64| {
        let problem = Problem::note(code, message).hint(hint).count(count);
        problems.push(match &place {
            Some(place) => problem.place(place.clone()),
            None => problem,
        });
    };
    let mut by_address: BTreeMap<String, (u64, &EmailAddress)> = BTreeMap::new();
    copies().for_each(|copy| by_address.entry(copy.compare_key()).or_insert((0, copy)).0 += 1);
    for (count, address) in by_address.values().filter(|(n, _)| *n >= COPIES_TO_ONE_SAID_MIN) {
        let message = format!("{address} gets {count} copies, one of each person's letter");
        note("many-copies", message, "Empty the cells that were not meant.", *count);
    }
    let keys: HashSet<String> = people.recipients.iter().map(|r| r.address.compare_key()).collect();
    let mut own = by_address.iter().filter(|(key, _)| keys.contains(*key)).map(|(_, found)| found);
    if let Some((first_count, first)) = own.next() {
        let count = own.fold(*first_count, |sum, (count, _)| sum + count);
        let go = if count == 1 { "goes" } else { "go" };
        let copies = if count == 1 { "copy" } else { "copies" };
        let message = format!(
            "{count} {copies} {go} to people who get a letter of their own, such as {first}"
        );
        note("copy-to-a-recipient", message, "They get both; empty the cell if not meant.", count);
    }
}

/// Says that copies to the person's own address are not sent.
pub(super) fn own_address_note(file: &str, first_line: u32, count: u64) -> Problem {
    let message = match count {
        1 => "a copy to the person's own address is not sent".to_owned(),
        _ => format!("copies to the person's own address are not sent ({})", counted(count, "row")),
    };
    Problem::note("copy-to-oneself", message).place(Place::line(file, first_line)).count(count)
}

#[cfg(test)]
mod tests {
    use super::super::{
        Audience, Decisions, ListSource, Options, SameAddress, gather_for, read_decisions,
    };
    use super::*;
    use crate::language::Language;

    /// The copies of each row, and what is found about them as `severity code place: message`.
    fn read(columns: &[&str], list: &str) -> (Vec<Vec<String>>, Vec<String>) {
        read_for(&Audience::default(), columns, list)
    }

    fn read_for(
        audience: &Audience<'_>,
        columns: &[&str],
        list: &str,
    ) -> (Vec<Vec<String>>, Vec<String>) {
        let setting = |name: &&str| CopyColumn {
            name: (*name).to_owned(),
            place: Place::at("secretariat.toml", 9, 7),
        };
        let options = Options {
            lists: Vec::new(),
            columns: Vec::new(),
            default_language: Language::english(),
            language_by_country: BTreeMap::new(),
            copies: columns.iter().map(setting).collect(),
            two_addresses: TwoAddresses::Refuse,
        };
        let mut problems = Problems::new();
        let source = ListSource { file: "l.csv", bytes: list.as_bytes() };
        let people = gather_for(&[source], &options, audience, &mut problems);
        let copies = people.recipients.iter();
        let copies = copies.map(|r| r.copies.iter().map(ToString::to_string).collect()).collect();
        let shown = |p: &Problem| {
            let place = p.place.as_ref().map_or(String::new(), ToString::to_string);
            format!("{} {} {place}: {}", p.severity.as_str(), p.code, p.message)
        };
        (copies, problems.iter().filter(|p| p.code != "list-read").map(shown).collect())
    }

    #[track_caller]
    fn check(columns: &[&str], list: &str, copies: &[&[&str]], problems: &[&str]) {
        let (found, told) = read(columns, list);
        assert_eq!(found, copies);
        assert_eq!(told, problems);
    }

    #[test]
    fn each_filled_cell_is_a_copy_in_the_order_of_the_setting() {
        let list = "email,assistant_email,office\na@x.example, as@x.example ,desk@x.example\n\
                    b@x.example,,desk@x.example\nc@x.example,,\n";
        check(
            &["office", "assistant_email"],
            list,
            &[&["desk@x.example", "as@x.example"], &["desk@x.example"], &[]],
            &[],
        );
        let unused = "note others-addresses l.csv:1:2: column 2 (assistant_email) has the addresses \
                      of others: nothing goes to them";
        check(&[], list, &[&[], &[], &[]], &[unused]);
    }

    #[test]
    fn nobody_gets_two_of_one_letter() {
        let list = "email,assistant_email,office\na@x.example,A@X.example,Desk@x.example\n\
                    b@x.example,desk@x.example,DESK@x.example\nc@x.example,b@x.example,\n";
        check(
            &["assistant_email", "office"],
            list,
            &[&["Desk@x.example"], &["desk@x.example"], &["b@x.example"]],
            &[
                "note copy-to-oneself l.csv:2: a copy to the person's own address is not sent",
                "note copy-to-a-recipient secretariat.toml:9:7: 1 copy goes to people who get a \
                 letter of their own, such as b@x.example",
            ],
        );
    }

    #[test]
    fn copies_of_rows_with_one_address_go_with_the_letters_of_those_rows() {
        let list = "name,email,office\nAna Pérez,a@x.example,desk@x.example\n\
                    Luis Mora,a@x.example,DESK@x.example\nDi Wu,A@x.example,boss@x.example\n";
        let check = |same_address, expected: &[&[&str]]| {
            let audience = Audience { same_address, ..Audience::default() };
            assert_eq!(read_for(&audience, &["office"], list).0, expected, "{same_address:?}");
        };
        check(SameAddress::One, &[&["desk@x.example"]]);
        check(SameAddress::Joint, &[&["desk@x.example", "boss@x.example"]]);
        check(SameAddress::Each, &[&["desk@x.example"], &["DESK@x.example"], &["boss@x.example"]]);
    }

    #[test]
    fn a_decision_adds_a_copy_and_another_address_of_the_person_is_none() {
        let list = "name,email,office\nAna Pérez,a@x.example,desk@x.example\n";
        let check = |lines: &str, expected: &[&str]| {
            let text = format!("address,action,value\n{lines}");
            let mut problems = Problems::new();
            let lines = read_decisions("decisions.csv", text.as_bytes(), &[], &mut problems);
            let decisions = Decisions::of(lines, "outcome", true);
            let audience = Audience { decisions, ..Audience::default() };
            assert_eq!(read_for(&audience, &["office"], list).0, [expected], "{text}");
        };
        let moved = "a@x.example,use-address,Desk@X.example\n";
        check(moved, &[]);
        check(&format!("{moved}a@x.example,cc,desk@x.example\n"), &[]);
        check("a@x.example,cc,DESK@x.example\n", &["desk@x.example"]);
        check("a@x.example,cc,boss@x.example\n", &["desk@x.example", "boss@x.example"]);
    }

    /// Security S2, S3, S11: nothing but one plain address is a copy.
    #[test]
    fn a_cell_that_is_no_address_is_an_error_of_its_row() {
        for cell in ["desk", "a@x.example; b@x.example", "x@y.example> SIZE=1", "\"d\r\nBcc: e@x\""]
        {
            let list = format!("email,assistant_email\na@x.example,{cell}\n");
            let (copies, told) = read(&["assistant_email"], &list);
            assert_eq!(copies.concat(), [""; 0], "{cell}");
            let expected = "error bad-address l.csv:2:2: the address ";
            assert!(told.len() == 1 && told[0].starts_with(expected), "{cell}: {told:?}");
            assert!(told[0].contains("for a copy in column 2 (assistant_email)"), "{told:?}");
        }
    }

    #[test]
    fn a_column_no_list_has_is_an_error_with_the_nearest() {
        let list = "email,Assistant E-mail\na@x.example,b@x.example\n";
        let (copies, told) = read(&["assistant_email"], list);
        let expected = "error unknown-column secretariat.toml:9:7: no list has a column \
                        assistant_email, which cc names";
        assert_eq!((copies.concat().len(), told.last()), (0, Some(&expected.to_owned())));
        for name in ["assistant_e_mail", "Assistant E-mail", "ASSISTANT e-mail"] {
            let (copies, told) = read(&[name], list);
            assert_eq!(
                (copies.concat(), told.len()),
                (vec!["b@x.example".to_owned()], 0),
                "{name}"
            );
        }
        let list = "email,Почта помощника\na@x.example,b@x.example\n";
        for name in ["Почта помощника", "почта помощника", "почта_помощника"]
        {
            let (copies, told) = read(&[name], list);
            assert_eq!(
                (copies.concat(), told.len()),
                (vec!["b@x.example".to_owned()], 0),
                "{name}"
            );
        }
    }

    /// Nothing told that `cc` exists.
    #[test]
    fn assistants_addresses_that_nothing_uses_are_noted_with_the_line_that_would() {
        for header in
            ["E-Mail Sekretariat", "Courriel assistant(e)", "助理邮箱", "البريد الإلكتروني للمساعد"]
        {
            let list = format!("email,{header},Confirm email,E-mail 2\na@x.example,,,\n");
            let told = read(&[], &list).1;
            assert!(told.len() == 1 && told[0].contains(header), "{header}: {told:?}");
        }
    }

    #[test]
    fn many_copies_to_one_address_are_counted() {
        let rows = |n: usize| {
            let row = |n| format!("p{n}@x.example,desk@x.example\n");
            format!("email,office\n{}", (0..n).map(row).collect::<String>())
        };
        let few = COPIES_TO_ONE_SAID_MIN as usize - 1;
        assert_eq!(read(&["office"], &rows(few)).1, [""; 0]);
        let told = "note many-copies secretariat.toml:9:7: desk@x.example gets 10 copies, one of \
                    each person's letter";
        assert_eq!(read(&["office"], &rows(few + 1)).1, [told]);
    }
}
