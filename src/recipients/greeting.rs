//! The line a letter begins with.
//!
//! Owns the neutral greeting: the form for a person of whom only the name is known, or not even
//! that. No form guesses a gender from a name, and none can come out empty. Turning a name of one
//! direction inside a line of the other is the letter stage's.

use crate::language::Language;

/// A language's forms: with a name where `{}` stands, and without one.
struct Forms {
    language: &'static str,
    named: &'static str,
    nameless: &'static str,
}

/// Forms that a formal secretariat writes to a person of unknown gender. English stands for
/// languages that are not here.
const FORMS: &[Forms] = &[
    Forms { language: "en", named: "Dear {},", nameless: "Dear Participant," },
    Forms {
        language: "ar",
        named: "حضرة السيد/السيدة {}،",
        nameless: "حضرات المشاركين والمشاركات،",
    },
    Forms { language: "de", named: "Guten Tag {},", nameless: "Sehr geehrte Damen und Herren," },
    Forms { language: "es", named: "Estimado/a {}:", nameless: "Estimado/a participante:" },
    Forms { language: "fr", named: "Bonjour {},", nameless: "Madame, Monsieur," },
    Forms { language: "it", named: "Gentile {},", nameless: "Gentile partecipante," },
    // Japanese closes the line with the honorific, not with a mark.
    Forms { language: "ja", named: "{} 様", nameless: "ご参加の皆様" },
    Forms { language: "pt", named: "Prezado(a) {},", nameless: "Prezado(a) participante," },
    Forms {
        language: "ru", named: "Уважаемый(ая) {}!", nameless: "Уважаемые участники!"
    },
    Forms {
        language: "zh", named: "尊敬的{}女士/先生：", nameless: "尊敬的与会者："
    },
];

/// The neutral greeting of a language with the whole name and its closing mark:
/// `Dear Ana Pérez,`; without a name, a form that addresses a participant.
#[must_use]
pub fn neutral(language: &Language, name: Option<&str>) -> String {
    let primary = language.primary();
    let forms = FORMS.iter().find(|f| f.language == primary.as_str()).unwrap_or(&FORMS[0]);
    match name.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => {
            let (before, after) = forms.named.split_once("{}").unwrap_or((forms.named, ""));
            format!("{before}{name}{after}")
        }
        None => forms.nameless.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greet(tag: &str, name: Option<&str>) -> String {
        neutral(&Language::parse_tag(tag).unwrap(), name)
    }

    #[test]
    fn a_greeting_has_the_whole_name_and_its_closing_mark() {
        for (tag, name, greeting) in [
            ("en", "Ana Pérez", "Dear Ana Pérez,"),
            ("fr", "Zoé Martin", "Bonjour Zoé Martin,"),
            ("es", "Ana Pérez", "Estimado/a Ana Pérez:"),
            ("ru", "Иван Петров", "Уважаемый(ая) Иван Петров!"),
            ("zh-hans", "王芳", "尊敬的王芳女士/先生："),
            ("ar", "سارة", "حضرة السيد/السيدة سارة،"),
            ("pt-BR", "Ana", "Prezado(a) Ana,"),
            ("sw", "Ana", "Dear Ana,"),
        ] {
            assert_eq!(greet(tag, Some(name)), greeting);
        }
    }

    /// "Dear ," cannot be sent (product, point 6).
    #[test]
    fn no_greeting_is_empty_or_has_a_hole() {
        for forms in FORMS {
            assert_eq!(forms.named.matches("{}").count(), 1);
            for nobody in [None, Some(""), Some("  ")] {
                let greeting = greet(forms.language, nobody);
                assert_eq!(greeting, forms.nameless);
                assert!(greeting.chars().count() > 4 && !greeting.contains(['{', '}']));
            }
            // A name is data: braces in it are no place for another name.
            assert!(greet(forms.language, Some("{} {{ 7*7 }}")).contains("{} {{ 7*7 }}"));
        }
    }
}
