//! Marks that say a document is not final: `DRAFT`, `Entwurf`, `черновик` ...
//!
//! Owns the words and the rule that tells a mark from a sentence that speaks of drafts. A guess by
//! looks is a warning, never an error.
//!
//! # The rule
//! A line that holds nothing but such words (and numbers, dates, `v2`, `confidential`) is a mark
//! where it is slanted, a watermark or twice as large as the text; where half of the pages have it,
//! as headers do; or where it stands alone on the first page. `The draft resolution was adopted` is
//! none of these.

use super::page_text::PageText;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// Where a mark was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftPlace {
    /// On this page, from 1; the first of `pages`.
    Page {
        /// The first.
        first: u32,
        /// How many have it.
        pages: u32,
    },
    /// In the title the file has in itself.
    Title,
    /// In its subject or keywords.
    Properties,
    /// In a stamp or note laid over a page, from 1.
    Note(u32),
}

/// A mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftMark {
    /// As it stands there.
    pub text: String,
    /// Where.
    pub place: DraftPlace,
}

/// Words that mean a draft and hardly anything else, case-folded.
const WORDS: &[&str] = &[
    "draft",
    "entwurf",
    "rohfassung",
    "borrador",
    "brouillon",
    "черновик",
    "مسودة",
    "مسوده",
    "草稿",
    "初稿",
    "征求意见稿",
    "rascunho",
    "bozza",
    "taslak",
    "brudnopis",
    "下書き",
    "초안",
];
/// Words that mean a project or a law as often: a mark only where they are large or slanted.
const DOUBTFUL: &[&str] = &["草案", "ontwerp", "minuta", "projet", "проект", "drafts"];
/// What may stand beside them in a mark.
const BESIDE: &[&str] = &[
    "first",
    "second",
    "third",
    "final",
    "working",
    "version",
    "ver",
    "rev",
    "revision",
    "v",
    "only",
    "copy",
    "document",
    "not",
    "for",
    "circulation",
    "distribution",
    "do",
    "circulate",
    "quote",
    "cite",
    "confidential",
    "internal",
    "the",
    "of",
    "as",
    "at",
    "no",
    "zero",
    "advance",
    "unedited",
    "nicht",
    "zur",
    "weitergabe",
    "vertraulich",
    "vom",
    "stand",
    "fassung",
    "erster",
    "zweiter",
    "primer",
    "segundo",
    "versión",
    "confidencial",
    "de",
    "del",
    "premier",
    "version",
    "provisoire",
    "confidentiel",
    "ne",
    "pas",
    "diffuser",
    "du",
    "le",
    "рабочий",
    "от",
    "для",
    "служебного",
    "пользования",
    "versão",
    "riservato",
    "non",
    "definitivo",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
    "januar",
    "februar",
    "märz",
    "april",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "dezember",
];

/// How sure a line is to be a mark by its words alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    No,
    /// Only where it also looks like one.
    Doubtful,
    Yes,
}

/// A text in the form in which words are compared: case-folded, presentation forms of Arabic and
/// full-width letters as the ordinary ones.
fn folded(text: &str) -> String {
    let is_mark =
        |c: &char| ('\u{64b}'..='\u{652}').contains(c) || matches!(c, '\u{640}' | '\u{ad}');
    text.nfkc().filter(|c| !is_mark(c)).flat_map(char::to_lowercase).collect()
}

fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_among(list: &[&str], word: &str) -> bool {
    // Some programs write Arabic from left to right.
    let reversed = || word.chars().rev().collect::<String>();
    list.contains(&word) || !word.is_ascii() && list.contains(&reversed().as_str())
}

/// Whether a line holds nothing but a mark.
fn line_is_mark(text: &str) -> Sure {
    if text.len() > 160 {
        return Sure::No;
    }
    let text = folded(text);
    let found: Vec<&str> = words(&text).collect();
    // `D R A F T`, letter by letter.
    let spaced: String = found.concat();
    let is_spaced = found.len() > 3 && found.iter().all(|w| w.chars().count() == 1);
    let found = if is_spaced { vec![spaced.as_str()] } else { found };
    let is_number = |word: &str| word.chars().any(|c| c.is_ascii_digit()) && word.len() <= 8;
    let mut sure = Sure::No;
    for word in found {
        let is_doubtful = is_among(DOUBTFUL, word);
        if is_doubtful {
            sure = sure.max(Sure::Doubtful);
        } else if is_among(WORDS, word) {
            sure = Sure::Yes;
        } else if !is_number(word) && !BESIDE.contains(&word) {
            return Sure::No;
        }
    }
    sure
}

/// The first word of a name or title that means a draft.
#[must_use]
pub fn draft_word(text: &str) -> Option<String> {
    let folded = folded(text);
    let certain = |word: &&str| {
        // Chinese has no blanks between words.
        is_among(WORDS, word)
            || ["草稿", "初稿", "征求意见稿"].iter().any(|mark| word.contains(mark))
    };
    words(&folded).find(certain).map(str::to_owned)
}

/// The marks on the pages of a document, the first of each kind with how many pages have it.
pub(super) fn on_pages(pages: &[(u32, PageText)]) -> Vec<DraftMark> {
    let body = body_height(pages);
    // Text of the mark -> its first page, how many pages, whether one of them looks like a mark.
    let mut found: BTreeMap<String, (String, u32, u32, bool)> = BTreeMap::new();
    for (number, page) in pages {
        for line in &page.lines {
            let sure = line_is_mark(&line.text);
            if sure == Sure::No {
                continue;
            }
            let is_large = line.height >= 1.9 * body && line.height >= 20.0;
            let looks = line.is_slanted || line.is_watermark || is_large;
            if sure == Sure::Doubtful && !looks {
                continue;
            }
            let shown = line.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let alone = *number == 1 && sure == Sure::Yes;
            let entry = found.entry(folded(&shown)).or_insert((shown, *number, 0, false));
            entry.2 += 1;
            entry.3 |= looks || alone;
        }
    }
    let half = (pages.len() as u32).div_ceil(2).max(2);
    let marks = found.into_values().filter(|(_, _, pages, looks)| *looks || *pages >= half);
    marks
        .map(|(text, first, pages, _)| {
            let place = DraftPlace::Page { first, pages };
            DraftMark { text, place }
        })
        .collect()
}

/// The height that most letters have.
fn body_height(pages: &[(u32, PageText)]) -> f64 {
    let mut letters: BTreeMap<u64, usize> = BTreeMap::new();
    for line in pages.iter().flat_map(|(_, page)| &page.lines) {
        *letters.entry((line.height * 2.0) as u64).or_default() += line.text.len();
    }
    let most = letters.into_iter().max_by_key(|(_, count)| *count);
    most.map_or(12.0, |(height, _)| height as f64 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::page_text::Line;
    use super::*;

    fn page(number: u32, lines: &[(&str, f64)]) -> (u32, PageText) {
        let line = |(text, height): &(&str, f64)| Line {
            text: (*text).to_owned(),
            height: *height,
            ..Line::default()
        };
        (number, PageText { lines: lines.iter().map(line).collect(), has_image: false })
    }

    const BODY: (&str, f64) =
        ("The draft resolution was adopted by all towns on the last day.", 11.0);

    #[test]
    fn a_mark_is_a_line_of_its_own() {
        for (text, expected) in [
            ("DRAFT", Sure::Yes),
            ("– Draft v2, 12 October 2026 –", Sure::Yes),
            ("D R A F T", Sure::Yes),
            ("FINAL DRAFT – NOT FOR CIRCULATION", Sure::Yes),
            ("Entwurf", Sure::Yes),
            ("Borrador", Sure::Yes),
            ("ЧЕРНОВИК", Sure::Yes),
            ("مسوّدة", Sure::Yes),
            ("ةدوسم", Sure::Yes),
            ("ﻣﺴﻮدة", Sure::Yes),
            ("草稿", Sure::Yes),
            ("草案", Sure::Doubtful),
            ("ПРОЕКТ", Sure::Doubtful),
            ("Draft resolution", Sure::No),
            ("The draft was adopted", Sure::No),
            ("Version of October 2026", Sure::No),
            ("2026", Sure::No),
            ("", Sure::No),
        ] {
            assert_eq!(line_is_mark(text), expected, "{text}");
        }
    }

    #[test]
    fn marks_are_told_from_sentences_by_where_they_stand() {
        let marked = |pages: &[(u32, PageText)]| {
            on_pages(pages).into_iter().map(|m| m.place).collect::<Vec<_>>()
        };
        let large = page(3, &[BODY, ("DRAFT", 60.0)]);
        assert_eq!(
            marked(&[page(1, &[BODY]), page(2, &[BODY]), large]),
            [DraftPlace::Page { first: 3, pages: 1 }]
        );
        let header = |n| page(n, &[("Draft", 8.0), BODY]);
        assert_eq!(
            marked(&[page(1, &[BODY]), header(2), header(3), header(4)]),
            [DraftPlace::Page { first: 2, pages: 3 }]
        );
        assert_eq!(
            marked(&[page(1, &[("Draft 3", 11.0), BODY])]),
            [DraftPlace::Page { first: 1, pages: 1 }]
        );
        let column = page(7, &[("Draft", 11.0), BODY]);
        let others: Vec<_> = (1..7).map(|n| page(n, &[BODY])).chain([column]).collect();
        assert_eq!(marked(&others), []);
        assert_eq!(marked(&[page(1, &[("草案", 11.0), BODY])]), []);
        let law = [page(1, &[("草案", 11.0), BODY]), page(2, &[("草案", 11.0), BODY])];
        assert_eq!(marked(&law), []);
    }

    #[test]
    fn a_name_or_title_may_say_draft() {
        for (text, expected) in [
            ("attachments/statement-DRAFT.en.pdf", Some("draft")),
            ("Statement_Entwurf_v3.pdf", Some("entwurf")),
            ("宣言初稿.pdf", Some("宣言初稿")),
            ("draftsmen.pdf", None),
            ("overdraft.pdf", None),
            ("Projet de ville", None),
        ] {
            assert_eq!(draft_word(text).as_deref(), expected, "{text}");
        }
    }
}
