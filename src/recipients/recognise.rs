//! What a header asks for, whatever forms and exports have put round it.
//!
//! Owns taking off the numbers of questions, marks of required ones, remarks in brackets and whose
//! it is (`Attendee Email`, `3. E-mail *`, `participant_first_name`), and saying how sure it is what is
//! left. The table of headers is `headers.rs`; what is done about a doubt is decided in `columns.rs`.

use super::fold;
use super::headers::{Role, has_words, is_somebody_elses, may_be_half, role_of, speaks_of_email};

/// How sure it is what a header means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// The header is a name of the role, whatever forms put round it.
    Certain,
    /// It speaks of it.
    Likely,
}

/// What a header means, how surely, and how telling it is (0 is best).
pub(super) fn recognised(header: &str) -> Option<(Role, Certainty, usize)> {
    if let Some((role, rank)) = role_of(header) {
        return Some((role, Certainty::Certain, rank));
    }
    if is_somebody_elses(header) {
        return None;
    }
    if let Some((role, rank)) = bare_role_of(header) {
        return Some((role, Certainty::Certain, rank));
    }
    if speaks_of_email(header) {
        return Some((Role::Email, Certainty::Likely, 0));
    }
    let words = fold::words(&apart(header));
    let is_spoken_of = |(_, parts): &&(Role, &str)| parts.split('|').any(|p| has_words(&words, p));
    let is_other = WORDS_OF_OTHER_THINGS.iter().any(|word| has_words(&words, word));
    let mut roles = SPOKEN_OF.iter().filter(is_spoken_of).filter(|_| !is_other);
    match (roles.next(), roles.next()) {
        (Some((role, _)), None) => Some((*role, Certainty::Likely, 0)),
        _ => None,
    }
}

/// The role of a header without what forms and exports put round it: numbers, marks of required
/// questions, remarks in brackets, whose it is.
fn bare_role_of(header: &str) -> Option<(Role, usize)> {
    let text = without_number(header);
    let (before, remark) = without_remark(text);
    let bare = before.trim_matches(|c: char| !c.is_alphanumeric());
    let words = fold::words(&apart(bare));
    let own = without_owner(&words);
    // A question asked twice is numbered: `Prénom1`.
    let first = own.trim_end_matches('1').trim_end();
    let known = [text, bare, own, first].into_iter().find_map(role_of);
    let role = known.or_else(|| half_of(text))?;
    // `Name (e-mail)` means neither.
    let agrees = remark.and_then(role_of).is_none_or(|(other, _)| other == role.0);
    agrees.then_some(role)
}

/// The half of a name that a header means in one of its two languages, where the other's word may
/// mean it too: `Family name / Nom`.
fn half_of(header: &str) -> Option<(Role, usize)> {
    let (one, other) = header.split_once(['/', '|', '\n'])?;
    let (one, other) = (one.trim(), other.trim());
    let half = |text: &str, beside: &str| {
        let found = role_of(text)?;
        let is_half = matches!(found.0, Role::GivenName | Role::FamilyName);
        (is_half && may_be_half(beside)).then_some(found)
    };
    half(one, other).or_else(|| half(other, one))
}

/// Without the number of a question: `1. E-mail`, `Q3: E-mail`, `2) E-mail`.
pub(super) fn without_number(header: &str) -> &str {
    let header = header.trim();
    let rest = header.strip_prefix(['Q', 'q']).unwrap_or(header);
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    match behind.len() < rest.len() {
        true => behind.trim_start_matches([')', ':', '.', '-', '–', '_', ' ', '\u{a0}', '、']),
        false => header,
    }
}

/// The text before and in brackets, wherever they stand.
fn without_remark(text: &str) -> (String, Option<&str>) {
    let (open, close) = (['(', '[', '（', '<'], [')', ']', '）', '>']);
    let Some((before, rest)) = text.split_once(open) else { return (text.to_owned(), None) };
    let (remark, after) = rest.split_once(close).unwrap_or((rest, ""));
    (format!("{} {}", before.trim(), after.trim()), Some(remark))
}

/// Words apart that programs write together: `emailAddress`, `registrant_email`.
pub(super) fn apart(header: &str) -> String {
    let mut text = String::with_capacity(header.len() + 4);
    let mut was_small = false;
    for c in header.chars() {
        if was_small && c.is_uppercase() {
            text.push(' ');
        }
        was_small = c.is_lowercase();
        text.push(if c == '_' { ' ' } else { c });
    }
    text
}

/// Folded words without those that only say that the people of the list are meant.
fn without_owner(words: &str) -> &str {
    let mut rest = words;
    while let Some(shorter) = OWNERS.iter().find_map(|owner| {
        rest.strip_prefix(owner)
            .and_then(|r| r.strip_prefix(' '))
            .or_else(|| rest.strip_suffix(owner).and_then(|r| r.strip_suffix(' ')))
    }) {
        rest = shorter;
    }
    // Chinese writes them together.
    ["参会者", "参会人", "參會者", "您的", "你的", "本人"]
        .iter()
        .find_map(|owner| rest.strip_prefix(owner))
        .unwrap_or(rest)
}

/// Who the people of a list are, before or behind what is asked of them; as [`fold::words`] leaves
/// it.
const OWNERS: &[&str] = &[
    "du participant",
    "of the participant",
    "of participant",
    "des teilnehmers",
    "del participante",
    "do participante",
    "del partecipante",
    "attendee",
    "attendees",
    "participant",
    "participants",
    "registrant",
    "registration",
    "delegate",
    "guest",
    "member",
    "user",
    "applicant",
    "invitee",
    "respondent",
    "visitor",
    "speaker",
    "person",
    "personal",
    "own",
    "your",
    "my",
    "s",
    "the",
    "of",
    "please enter",
    "please give",
    "enter",
    "what is",
    "required",
    "obligatoire",
    "obligatorio",
    "pflichtfeld",
    "du participant",
    "de la participante",
    "du delegue",
    "des teilnehmers",
    "teilnehmer",
    "ihr",
    "ihre",
    "votre",
    "su",
    "tu",
    "seu",
    "sua",
    "la tua",
    "il tuo",
    "del participante",
    "do participante",
    "del partecipante",
    "участника",
    "участник",
    "ваш",
    "ваша",
    "ваше",
    "للمشارك",
    "المشارك",
    "الخاص بك",
];

/// What a longer header speaks of when it asks for a role, as [`fold::words`] leaves it.
const SPOKEN_OF: &[(Role, &str)] = &[
    (
        Role::GivenName,
        "first name|given name|forename|prenom|prenoms|vorname|nombre de pila|primeiro nome|\
         الاسم الاول",
    ),
    (
        Role::FamilyName,
        "last name|family name|surname|nom de famille|nachname|familienname|apellido|apellidos|\
         фамилия|cognome|sobrenome|اسم العائله",
    ),
    (Role::Name, "full name|nom complet|nombre completo|nome completo|фио|الاسم الكامل|姓名"),
    (
        Role::Country,
        "country|pays de residence|pais de residencia|страна|國家|国家|paese di residenza",
    ),
    (
        Role::Language,
        "preferred language|language of correspondence|language for correspondence|\
         language preference|langue de correspondance|idioma de correspondencia|язык переписки",
    ),
];

/// Words that make a header speak of something besides the person's name or country.
const WORDS_OF_OTHER_THINGS: &[&str] = &[
    "code",
    "phone",
    "telephone",
    "birth",
    "born",
    "visa",
    "passport",
    "nationality",
    "city",
    "maiden",
    "mother",
    "father",
    "badge",
    "second",
    "departure",
    "arrival",
    "flight",
    "visited",
    "contact",
    "company",
    "naissance",
    "nacimiento",
    "рождения",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[&str], expected: Option<(Role, Certainty)>) {
        for header in headers {
            let found = recognised(header).map(|(role, certainty, _)| (role, certainty));
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn what_forms_and_exports_put_round_a_header_does_not_hide_it() {
        let certain = |role| Some((role, Certainty::Certain));
        check(
            &[
                "1. E-mail",
                "E-mail *",
                "Q3: Email address",
                "2) Email",
                "emailAddress",
                "EmailAddress",
                "registrant_email",
                "Attendee Email",
                "Participant: E-mail",
                "Email (required)",
                "E-mail address (office)",
                "Your e-mail",
                "E-mail:",
                "Email\n(Courriel)",
                "E-mail du participant",
                "Ihre E-Mail-Adresse",
                "Correo electrónico (obligatorio)",
                "电子邮箱（必填）",
                "参会者邮箱",
                "Адрес электронной почты *",
                "What is your email address?",
                "Email of the participant",
                "البريد الإلكتروني للمشارك",
                "5、电子邮箱",
            ],
            certain(Role::Email),
        );
        check(
            &[
                "FirstName",
                "Participant: First name",
                "attendee_first_name",
                "Prénom *",
                "3. Vorname",
            ],
            certain(Role::GivenName),
        );
        check(
            &["LastName", "Delegate Last Name", "Nom de famille (en majuscules)"],
            certain(Role::FamilyName),
        );
        check(
            &["Full name (as in passport)", "Your full name:", "参会者姓名"],
            certain(Role::Name),
        );
        check(&["Country (ISO)", "countryName", "Pays *"], certain(Role::Country));
    }

    #[test]
    fn a_header_that_only_speaks_of_it_is_likely_and_of_others_none() {
        let likely = |role| Some((role, Certainty::Likely));
        check(&["Work email", "E-mail for the documents", "Contact e-mail"], likely(Role::Email));
        check(&["Your first name as it should stand in the certificate"], likely(Role::GivenName));
        check(&["Country you represent"], likely(Role::Country));
        check(
            &[
                "Assistant's e-mail",
                "assistantEmail",
                "Email (confirm)",
                "Confirm Email",
                "Email 2",
                "CC",
                "Contact person e-mail",
                "Organisation e-mail",
                "Buyer Email",
                "Organisation name",
                "Hotel name",
                "Phone country code",
                "Country of birth",
                "Emergency contact name",
                "Email opt-in",
                "Email sent",
                "Name of organisation",
                "Accompanying person: first name",
            ],
            None,
        );
    }
}
