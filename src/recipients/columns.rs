//! A list's header in, what its columns are called and mean out.
//!
//! Owns column names and roles: a setting of `[columns]` decides; where none does, the header is
//! looked up in `headers.rs`. No column is guessed from what is in it; where several headers could
//! hold the addresses, a column without any is out of question. What is in the cells is checked in
//! `check.rs`.
//!
//! # Invariants
//! A [`Layout`] has exactly one column of addresses. Where two could be it, nobody is written to
//! before a person has said which (a letter to somebody's assistant cannot be called back).
//!
//! # Failure
//! Problems with the header's place, or with the setting's; without a column of addresses there is
//! no layout.

use super::evidence::Evidence;
use super::headers::{self, Role};
use super::recognise::{self, Certainty};
use super::shown::{on_one_line, quoted_header};
use super::values::ColumnNames;
use super::{ColumnSetting, Options, copies, fold};
use crate::limits::HEADERS_NAMED_MAX;
use crate::problem::{Place, Problem, Problems, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the columns of one list are called and mean.
#[derive(Debug)]
pub(super) struct Layout {
    /// Headers as written, outer blanks trimmed; without the empty ones at the end.
    pub(super) headers: Vec<String>,
    /// What letters call them; the whole name is a cell of its own behind the row's cells where
    /// it is put together from parts.
    pub(super) names: Arc<ColumnNames>,
    /// The column of addresses.
    pub(super) email: usize,
    /// The columns whose addresses get copies.
    pub(super) copies: Vec<usize>,
    roles: BTreeMap<Role, usize>,
    /// Roles whose header only speaks of them.
    likely: BTreeSet<Role>,
}

impl Layout {
    /// The column with a role.
    pub(super) fn column(&self, role: Role) -> Option<usize> {
        self.roles.get(&role).copied()
    }

    /// Whether no column of names is known.
    pub(super) fn has_no_names(&self) -> bool {
        self.column(Role::Name).is_none() && !self.has_name_parts()
    }

    /// Columns that mean nothing to the program.
    pub(super) fn unrecognised(&self) -> impl Iterator<Item = usize> {
        let is_known = |column: &usize| self.roles.values().any(|known| known == column);
        (0..self.headers.len()).filter(move |c| !is_known(c) && !self.headers[*c].is_empty())
    }

    /// Whether the name has parts in columns of their own.
    pub(super) fn has_name_parts(&self) -> bool {
        self.column(Role::GivenName).or(self.column(Role::FamilyName)).is_some()
    }

    /// Whether what is in a column reaches a header of the message.
    pub(super) fn reaches_header(&self, column: usize) -> bool {
        let in_header = [Role::Email, Role::Name, Role::GivenName, Role::FamilyName];
        let is_role = in_header.into_iter().any(|role| self.column(role) == Some(column));
        is_role || self.copies.contains(&column)
    }

    /// A column as a person finds it: `column 3 (E-mail)`.
    pub(super) fn described(&self, column: usize) -> String {
        match self.headers.get(column).filter(|header| !header.is_empty()) {
            Some(header) => format!("column {} ({})", column + 1, on_one_line(header)),
            None => format!("column {}", column + 1),
        }
    }

    /// What was recognised, in one line: `email = "E-mail", country = "Pays"`.
    pub(super) fn recognised(&self) -> String {
        let role = |(role, column): (&Role, &usize)| {
            let doubt = if self.likely.contains(role) { " (likely)" } else { "" };
            let seconds = self.names.second_titles().filter(|_| *role == Role::Title);
            let and: String = seconds
                .filter_map(|second| {
                    Some(format!(" and {}", quoted_header(self.headers.get(second)?)))
                })
                .collect();
            format!("{} = {}{and}{doubt}", role.as_str(), quoted_header(&self.headers[*column]))
        };
        self.roles.iter().map(role).collect::<Vec<_>>().join(", ")
    }

    /// The same as role and header.
    pub(super) fn roles_and_headers(&self) -> Vec<(&'static str, String)> {
        let role =
            |(role, column): (&Role, &usize)| (role.as_str(), on_one_line(&self.headers[*column]));
        self.roles.iter().map(role).collect()
    }
}

/// Finds the columns of all lists of a campaign, and remembers which settings were of use.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    options: &'a Options,
    /// Headers of `[columns]` that some list has, as [`name_of`] makes them.
    used: BTreeSet<String>,
    /// All headers of all lists, as written.
    seen: BTreeSet<String>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(options: &'a Options) -> Columns<'a> {
        Columns { options, used: BTreeSet::new(), seen: BTreeSet::new() }
    }

    /// The layout of a list with these headers; `None` without a column of addresses. `evidence`
    /// looks at the cells of some columns, and is asked only where the headers leave doubt.
    pub(super) fn layout<'h>(
        &mut self,
        cells: impl Iterator<Item = &'h str>,
        evidence: impl Fn(&[usize]) -> Evidence,
        place: &Place,
        problems: &mut Problems,
    ) -> Option<Layout> {
        let headers = trimmed(cells);
        self.seen.extend(headers.iter().filter(|header| !header.is_empty()).cloned());
        report_doubles(&headers, place, problems);
        let set = self.settings_of(&headers);
        let mut roles: BTreeMap<Role, usize> =
            set.iter().filter_map(|(name, column)| Some((Role::parse(name)?, *column))).collect();
        let mut likely = BTreeSet::new();
        let doubtful = doubtful_titles(&headers, &roles, &evidence);
        guess_roles(&headers, &mut roles, &mut likely, &doubtful, place, problems);
        let email = match roles.get(&Role::Email) {
            Some(column) => *column,
            None => {
                let (column, certainty) = find_email(&headers, &evidence)
                    .map_err(|problem| problems.push(problem.place(place.clone())))
                    .ok()?;
                likely.extend((certainty == Certainty::Likely).then_some(Role::Email));
                column
            }
        };
        roles.insert(Role::Email, email);
        for role in &likely {
            let problem = likely_column(*role, &headers[roles[role]]);
            problems.push(problem.place(place.clone()));
        }
        let is_title_set = set.iter().any(|(name, _)| *name == Role::Title.as_str());
        let names = column_names(&headers, &set, &roles).telling_second_titles(!is_title_set);
        let names = Arc::new(names);
        let copies = copies::columns_of(&self.options.copies, &names);
        Some(Layout { headers, names, email, copies, roles, likely })
    }

    /// What `[columns]` says about these headers: name and column.
    fn settings_of(&mut self, headers: &[String]) -> Vec<(&'a str, usize)> {
        let keys: Vec<String> = headers.iter().map(|header| name_of(header)).collect();
        let mut set = Vec::new();
        for setting in &self.options.columns {
            let wanted = setting.headers.iter().map(|header| name_of(header));
            let found: Vec<(String, usize)> = wanted
                .filter_map(|key| Some((keys.iter().position(|k| *k == key)?, key)))
                .map(|(column, key)| (key, column))
                .collect();
            // Where a list has several of them, the setting's order decides.
            set.extend(found.first().map(|(_, column)| (setting.name.as_str(), *column)));
            self.used.extend(found.into_iter().map(|(key, _)| key));
        }
        set
    }

    /// The settings that the lists have not all headers for.
    pub(super) fn unused(&self) -> Vec<UnusedColumn> {
        if self.seen.is_empty() {
            // No list was read so far that it has columns, and that was said.
            return Vec::new();
        }
        let unused = |setting: &ColumnSetting| {
            let is_used = |header: &&String| self.used.contains(&name_of(header));
            let headers: Vec<String> =
                setting.headers.iter().filter(|header| !is_used(header)).cloned().collect();
            (!headers.is_empty()).then(|| UnusedColumn {
                name: setting.name.clone(),
                has_another: headers.len() < setting.headers.len(),
                hint: self.hint(&headers),
                headers,
                place: setting.place.clone(),
            })
        };
        self.options.columns.iter().filter_map(unused).collect()
    }

    fn hint(&self, headers: &[String]) -> String {
        let near = |header: &String| nearest(header, self.seen.iter().map(String::as_str));
        match headers.iter().find_map(near) {
            Some(near) => format!("Did you mean {}?", quoted_header(near)),
            None => format!(
                "Remove the line, or write the header that your list has: {}.",
                enumerated(self.seen.iter())
            ),
        }
    }
}

/// A line of `[columns]` with headers that no list of the mailing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedColumn {
    /// What the line calls the column.
    name: String,
    /// The headers that no list has.
    headers: Vec<String>,
    /// Whether some list has another header of the line.
    has_another: bool,
    /// What to do if it is a slip.
    hint: String,
    place: Place,
}

impl UnusedColumn {
    /// Whether the line does nothing for the mailing.
    #[must_use]
    pub fn does_nothing(&self) -> bool {
        !self.has_another
    }

    /// What is wrong with it. `[columns]` is for all mailings: a header that a list of another one
    /// has is no slip. `elsewhere` are the headers of those lists, `None` for one that cannot be
    /// read and may have any.
    #[must_use]
    pub fn problem(&self, elsewhere: &[Option<Vec<String>>]) -> Problem {
        let named: Vec<String> = self.headers.iter().map(|h| quoted_header(h)).collect();
        let message = format!("no list has a column {} for {}", any_of(&named), self.name);
        let problem = match self.standing(elsewhere) {
            Standing::OneOfSeveral => Problem::note("unused-column", message),
            Standing::Elsewhere => Problem::note("unused-column", message)
                .hint("It does nothing here; a list of another mailing has it."),
            Standing::PerhapsElsewhere => Problem::note("unused-column", message)
                .hint("It may be in a list of another mailing that cannot be read."),
            Standing::Nowhere => Problem::error("unknown-column", message).hint(&self.hint),
        };
        problem.place(self.place.clone())
    }

    fn standing(&self, elsewhere: &[Option<Vec<String>>]) -> Standing {
        let wanted: Vec<String> = self.headers.iter().map(|header| name_of(header)).collect();
        let has = |headers: &Vec<String>| headers.iter().any(|h| wanted.contains(&name_of(h)));
        if self.has_another {
            Standing::OneOfSeveral
        } else if elsewhere.iter().flatten().any(has) {
            Standing::Elsewhere
        } else if elsewhere.contains(&None) {
            Standing::PerhapsElsewhere
        } else {
            Standing::Nowhere
        }
    }
}

/// Where the headers of a line that a mailing has no list for may be.
enum Standing {
    /// Lists differ: another header of the line is in one of them.
    OneOfSeveral,
    Elsewhere,
    PerhapsElsewhere,
    Nowhere,
}

/// `"Town", "Ville" or "Ciudad"`.
fn any_of(named: &[String]) -> String {
    match named {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => named.concat(),
    }
}

/// What letters call a column: see the contract. A header without Latin letters is its own text.
pub(super) fn name_of(header: &str) -> String {
    let name = fold::latin_name(header);
    let has_letter = name.bytes().any(|b| b.is_ascii_alphabetic());
    if has_letter { name } else { header.trim().to_owned() }
}

/// A column's name in letters, as its header or a person writes it: `Prénom` is `prenom`, `Имя` is
/// `имя`.
#[must_use]
pub fn column_name(written: &str) -> String {
    let name = name_of(written);
    if name.is_ascii() { name } else { name.to_lowercase() }
}

fn trimmed<'h>(cells: impl Iterator<Item = &'h str>) -> Vec<String> {
    let mut headers: Vec<String> = cells.map(|cell| cell.trim().to_owned()).collect();
    let last = headers.iter().rposition(|header| !header.is_empty());
    headers.truncate(last.map_or(0, |last| last + 1));
    headers
}

/// Two headers of one list that letters would call the same.
fn report_doubles(headers: &[String], place: &Place, problems: &mut Problems) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (column, header) in headers.iter().enumerate().filter(|(_, h)| !h.is_empty()) {
        let name = name_of(header);
        let Some(earlier) = first.get(&name) else {
            first.insert(name, column);
            continue;
        };
        let described = |at: usize| format!("{} ({})", at + 1, quoted_header(&headers[at]));
        let message = format!(
            "columns {} and {} have one name in letters: {name}",
            described(*earlier),
            described(column)
        );
        let hint = "Rename one of them in the list, or remove it.";
        problems.push(Problem::error("duplicate-column", message).hint(hint).place(place.clone()));
    }
}

/// Adds the roles that headers name, where no setting has given them a column: those named by
/// themselves first, then those of which exactly one header speaks.
fn guess_roles(
    headers: &[String],
    roles: &mut BTreeMap<Role, usize>,
    likely: &mut BTreeSet<Role>,
    doubtful: &BTreeMap<usize, Option<Role>>,
    place: &Place,
    problems: &mut Problems,
) {
    let given: BTreeSet<usize> = roles.values().copied().collect();
    let set: BTreeSet<Role> = roles.keys().copied().collect();
    let mut best: BTreeMap<Role, (usize, usize)> = BTreeMap::new();
    let mut spoken_of: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
    for (column, header) in headers.iter().enumerate().filter(|(c, _)| !given.contains(c)) {
        let Some((mut role, certainty, rank)) = recognise::recognised(header) else { continue };
        match doubtful.get(&column) {
            None => {}
            Some(Some(by_cells)) => role = *by_cells,
            Some(None) => {
                problems.push(titles_or_families(header).place(place.clone()));
                continue;
            }
        }
        if role == Role::Email || set.contains(&role) {
            continue;
        }
        if certainty == Certainty::Likely {
            spoken_of.entry(role).or_default().push(column);
            continue;
        }
        let found = best.entry(role).or_insert((rank, column));
        *found = (*found).min((rank, column));
    }
    roles.extend(best.into_iter().map(|(role, (_, column))| (role, column)));
    if !set.contains(&Role::Name) {
        settle_half_name(headers, roles);
    }
    let by_name = roles.clone();
    for (role, columns) in spoken_of.into_iter().filter(|(role, _)| !is_settled(*role, &by_name)) {
        match columns.as_slice() {
            [column] => {
                roles.insert(role, *column);
                likely.insert(role);
            }
            several => problems.push(unclear(role, headers, several).place(place.clone())),
        }
    }
}

/// Columns whose header means titles in one country and names of families in another, with what their
/// cells show; `None` where they show neither.
fn doubtful_titles(
    headers: &[String],
    set: &BTreeMap<Role, usize>,
    evidence: &impl Fn(&[usize]) -> Evidence,
) -> BTreeMap<usize, Option<Role>> {
    let is_open = |column: &usize| {
        headers::may_be_titles(&headers[*column]) && !set.values().any(|other| other == column)
    };
    let columns: Vec<usize> = (0..headers.len()).filter(is_open).collect();
    if columns.is_empty() {
        return BTreeMap::new();
    }
    let evidence = evidence(&columns);
    let role = |holds_titles| if holds_titles { Role::Title } else { Role::FamilyName };
    columns.into_iter().map(|c| (c, evidence.holds_titles(c).map(role))).collect()
}

fn titles_or_families(header: &str) -> Problem {
    let header = quoted_header(header);
    let message =
        format!("the column {header} could be title or family_name, and is used as neither");
    let hint = format!(
        "Say which in secretariat.toml, under [columns]: title = {header} or family_name = {header}"
    );
    Problem::warning("unclear-column", message).hint(hint)
}

/// Whether nothing more is to be found out about a role. A list with whole names needs no parts.
fn is_settled(role: Role, roles: &BTreeMap<Role, usize>) -> bool {
    let parts = [Role::GivenName, Role::FamilyName];
    roles.contains_key(&role)
        || role == Role::Name && parts.iter().any(|part| roles.contains_key(part))
        || parts.contains(&role) && roles.contains_key(&Role::Name)
}

fn likely_column(role: Role, header: &str) -> Problem {
    let (name, header) = (role.as_str(), quoted_header(header));
    let message =
        format!("the column {header} is taken for {name}, because its header speaks of it");
    let hint = format!(
        "If that is right, write it into secretariat.toml, under [columns]: {name} = {header}; if \
         not, name the right column there."
    );
    Problem::warning("likely-column", message).hint(hint)
}

fn unclear(role: Role, headers: &[String], several: &[usize]) -> Problem {
    let names = enumerated(several.iter().map(|column| &headers[*column]));
    let message = format!("several columns could be {}, and none is used: {names}", role.as_str());
    let first = quoted_header(&headers[several[0]]);
    let hint =
        format!("Say which in secretariat.toml, under [columns]: {} = {first}", role.as_str());
    Problem::warning("unclear-column", message).hint(hint)
}

/// `Nom` beside `Prénom` is a family name, `Имя` beside `Фамилия` a given name.
fn settle_half_name(headers: &[String], roles: &mut BTreeMap<Role, usize>) {
    let Some(column) = roles.get(&Role::Name).copied() else { return };
    let missing =
        match (roles.contains_key(&Role::GivenName), roles.contains_key(&Role::FamilyName)) {
            (true, false) => Role::FamilyName,
            (false, true) => Role::GivenName,
            _ => return,
        };
    if headers::may_be_half(&headers[column]) {
        roles.remove(&Role::Name);
        roles.insert(missing, column);
    }
}

/// The one column of the people's own addresses.
fn find_email(
    headers: &[String],
    evidence: impl Fn(&[usize]) -> Evidence,
) -> Result<(usize, Certainty), Box<Problem>> {
    let columns = |wanted: Certainty| -> Vec<usize> {
        let is_meant = |column: &usize| {
            let found = recognise::recognised(&headers[*column]);
            found.is_some_and(|(role, sure, _)| role == Role::Email && sure == wanted)
        };
        (0..headers.len()).filter(is_meant).collect()
    };
    let (mut certain, mut likely) = (columns(Certainty::Certain), columns(Certainty::Likely));
    if certain.len() + likely.len() > 1 {
        let mut all: Vec<usize> = certain.iter().chain(&likely).copied().collect();
        all.sort_unstable();
        let evidence = evidence(&all);
        // Without any address nowhere, the headers alone decide.
        if all.iter().any(|column| evidence.has_addresses(*column)) {
            certain.retain(|column| evidence.has_addresses(*column));
            likely.retain(|column| evidence.has_addresses(*column));
        }
        let candidates = if certain.is_empty() { &mut likely } else { &mut certain };
        // `Email` and `Email address` with the same in every row are one question asked twice.
        if let Some(first) = candidates.first().copied() {
            candidates.retain(|column| *column == first || !evidence.is_same(first, *column));
        }
    }
    let (candidates, certainty) = match certain.is_empty() {
        true => (likely, Certainty::Likely),
        false => (certain, Certainty::Certain),
    };
    match candidates.as_slice() {
        [column] => Ok((*column, certainty)),
        [] => Err(Box::new(no_email_column(headers))),
        several => {
            let names = enumerated(several.iter().map(|column| &headers[*column]));
            let message = format!("several columns could hold the e-mail addresses: {names}");
            let hint = setting_hint(&headers[several[0]]);
            Err(Box::new(Problem::error("several-email-columns", message).hint(hint)))
        }
    }
}

fn no_email_column(headers: &[String]) -> Problem {
    if headers.iter().any(|cell| crate::address::EmailAddress::parse(cell).is_ok()) {
        let message = "the list has no header: its first row is already a person";
        let hint = "Write the names of the columns above it, such as name, email, country.";
        return Problem::error("no-header", message).hint(hint);
    }
    let names = enumerated(headers.iter().filter(|header| !header.is_empty()));
    if headers.len() == 1 {
        let message = format!("no column of e-mail addresses: the first row holds only {names}");
        let hint = "Write the names of the columns above the people, or say in secretariat.toml, under \
                    [lists.\"FILE\"], on which line they stand: header_row = 4";
        return Problem::error("no-email-column", message).hint(hint);
    }
    let message = format!("no column of e-mail addresses was found among {names}");
    let likely = headers.iter().find(|header| headers::speaks_of_email(header));
    Problem::error("no-email-column", message)
        .hint(setting_hint(likely.map_or("the header of that column", String::as_str)))
}

fn setting_hint(header: &str) -> String {
    let header = quoted_header(header);
    format!("Say which in secretariat.toml, under [columns]: email = {header}")
}

/// All names of the columns of a list and their cells. A role goes before a free name of
/// `[columns]`, that before a header: what the configuration says is not undone by a list.
fn column_names(
    headers: &[String],
    set: &[(&str, usize)],
    roles: &BTreeMap<Role, usize>,
) -> ColumnNames {
    let parts = [Role::GivenName, Role::FamilyName].iter().any(|role| roles.contains_key(role));
    let whole = parts.then_some((Role::Name.as_str().to_owned(), headers.len()));
    let of_roles = roles.iter().map(|(role, column)| (role.as_str().to_owned(), *column));
    let free = set.iter().map(|(name, column)| ((*name).to_owned(), *column));
    let filled = || headers.iter().enumerate().filter(|(_, header)| !header.is_empty());
    let own = filled().map(|(column, header)| (name_of(header), column));
    // `recipient["имя"]` finds `Имя`.
    let small = filled().map(|(column, header)| (name_of(header).to_lowercase(), column));
    let all = whole.into_iter().chain(of_roles).chain(free).chain(own).chain(small);
    ColumnNames::new(all.map(|(name, cell)| (name, u32::try_from(cell).unwrap_or(0))).collect())
}

pub(super) fn enumerated<'h>(headers: impl Iterator<Item = &'h String>) -> String {
    let all: Vec<String> = headers.map(|header| quoted_header(header)).collect();
    let named = all.iter().take(HEADERS_NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(HEADERS_NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn options(columns: &[(&str, &str)]) -> Options {
        let setting = |(name, headers): &(&str, &str)| ColumnSetting {
            name: (*name).to_owned(),
            headers: headers.split('|').map(str::to_owned).collect(),
            place: Place::at("secretariat.toml", 7, 1),
        };
        Options {
            columns: columns.iter().map(setting).collect(),
            lists: Vec::new(),
            default_language: Language::parse_tag("en").unwrap(),
            language_by_country: BTreeMap::new(),
            copies: Vec::new(),
            two_addresses: super::super::TwoAddresses::Refuse,
        }
    }

    /// What is recognised in one list, and the problems as `code: message | hint`.
    fn layout(columns: &[(&str, &str)], headers: &[&str]) -> (Option<Layout>, Vec<String>) {
        let options = options(columns);
        let (mut found, mut problems) = (Columns::new(&options), Problems::new());
        let place = Place::line("l.csv", 1);
        let evidence = |_: &[usize]| Evidence::default();
        let layout = found.layout(headers.iter().copied(), evidence, &place, &mut problems);
        found.unused().iter().for_each(|unused| problems.push(unused.problem(&[])));
        let shown = problems
            .iter()
            .map(|p| format!("{}: {} | {}", p.code, p.message, p.hint.clone().unwrap_or_default()));
        (layout, shown.collect())
    }

    #[track_caller]
    fn check(columns: &[(&str, &str)], headers: &[&str], recognised: &str) {
        let (layout, problems) = layout(columns, headers);
        assert_eq!(problems, [""; 0]);
        assert_eq!(layout.unwrap().recognised(), recognised);
    }

    #[test]
    fn roles_are_found_by_header() {
        check(
            &[],
            &["Prénom", "Nom", "Courriel", "Pays", "Langue"],
            "email = \"Courriel\", given_name = \"Prénom\", family_name = \"Nom\", \
             language = \"Langue\", country = \"Pays\"",
        );
        for (headers, recognised) in [
            (&["Name", "E-mail"][..], "email = \"E-mail\", name = \"Name\""),
            (&["姓名", "邮箱"], "email = \"邮箱\", name = \"姓名\""),
            (
                &["Имя", "Фамилия", "Эл. почта"],
                "email = \"Эл. почта\", given_name = \"Имя\", family_name = \"Фамилия\"",
            ),
            (
                &["Name", "First name", "Surname", "Email"],
                "email = \"Email\", name = \"Name\", given_name = \"First name\", \
                 family_name = \"Surname\"",
            ),
            (
                &["Email", "Language", "Preferred language"],
                "email = \"Email\", language = \"Preferred language\"",
            ),
            (&["Country\n/ Pays", "email"], "email = \"email\", country = \"Country / Pays\""),
            // Nobody's assistant is written to in their place.
            (&["Assistant e-mail", "E-mail"], "email = \"E-mail\""),
            (&["Assistant e-mail", "Your e-mail (office)"], "email = \"Your e-mail (office)\""),
        ] {
            check(&[], headers, recognised);
        }
    }

    #[test]
    fn settings_decide_before_headers_do() {
        check(
            &[("email", "Assistant e-mail")],
            &["E-mail", "Assistant e-mail"],
            "email = \"Assistant e-mail\"",
        );
        check(
            &[("email", "e-mail ADDRESS (office)")],
            &["E-mail", "E-mail address\n(office)"],
            "email = \"E-mail address (office)\"",
        );
        check(
            &[("family_name", "姓名")],
            &["姓名", "Email"],
            "email = \"Email\", family_name = \"姓名\"",
        );
        let (found, problems) = layout(&[("town", "Город|City")], &["Город", "Email"]);
        let names = found.unwrap().names;
        assert_eq!(names.iter().collect::<Vec<_>>(), ["email", "town", "Город", "город"]);
        assert_eq!(names.cell("town"), names.cell("город"));
        assert_eq!(problems, ["unused-column: no list has a column \"City\" for town | "]);
    }

    #[test]
    fn letters_know_a_column_by_role_and_by_header() {
        let (found, _) = layout(&[], &["Prénom", "Name", "E-mail", "", "City / Town", "", ""]);
        let found = found.unwrap();
        let names: Vec<_> = found.names.iter().map(|n| (n, found.names.cell(n).unwrap())).collect();
        assert_eq!(
            names,
            [
                ("city_town", 4),
                ("e_mail", 2),
                ("email", 2),
                ("family_name", 1),
                ("given_name", 0),
                // `Name` is the family name here, and the whole name a cell of its own.
                ("name", 5),
                ("prenom", 0),
                ("town", 4),
            ]
        );
    }

    #[test]
    fn doubt_about_a_column_is_an_error_that_says_what_to_write() {
        for (columns, headers, expected) in [
            (
                &[][..],
                &["Name", "City"][..],
                "no-email-column: no column of e-mail addresses was found among \"Name\", \
              \"City\" | Say which in secretariat.toml, under [columns]: email = \"the header of \
               that column\"",
            ),
            (
                &[],
                &["Name", "Assistant e-mail"],
                "no-email-column: no column of e-mail addresses was found among \"Name\", \
              \"Assistant e-mail\" | Say which in secretariat.toml, under [columns]: \
              email = \"Assistant e-mail\"",
            ),
            (
                &[],
                &["Work email", "Private email"],
                "several-email-columns: several columns could hold the e-mail addresses: \
              \"Work email\", \"Private email\" | Say which in secretariat.toml, under [columns]: \
              email = \"Work email\"",
            ),
            (
                &[],
                &["Participants 2026", ""],
                "no-email-column: no column of e-mail addresses: the first row holds only \
                 \"Participants 2026\" | Write the names of the columns above the people, or say \
                 in secretariat.toml, under [lists.\"FILE\"], on which line they stand: \
                 header_row = 4",
            ),
            (
                &[],
                &["Email", "City", "city"],
                "duplicate-column: columns 2 (\"City\") and 3 (\"city\") have one name in \
              letters: city | Rename one of them in the list, or remove it.",
            ),
            (
                &[],
                &["Ana Pérez", "ana@x.example"],
                "no-header: the list has no header: its first row is already a person | \
              Write the names of the columns above it, such as name, email, country.",
            ),
            (
                &[("town", "Ctiy")],
                &["Email", "City"],
                "unknown-column: no list has a column \"Ctiy\" for town | Did you mean \"City\"?",
            ),
        ] {
            assert_eq!(layout(columns, headers).1, [expected]);
        }
    }
}
