//! What is in the documents of a plan, and what a careful person would look at before they go.
//!
//! Owns which facts are a warning and which a note, the comparison of a document's languages with
//! each other, and that each file is looked into once, on all cores. What a file says of itself is
//! the letter stage's (`letter/document.rs`).
//!
//! # The rule
//! A guess never stops a mailing. A warning is what readers would notice or could not read: a mark
//! of a draft, another language, a password, a scan, damage, what was left in by mistake. A note is
//! what could be better: no tags, no title.

use super::documents::{DocumentFile, Documents};
use crate::id::Digest;
use crate::letter::document::{
    DraftMark, DraftPlace, Facts, OfficeFacts, PdfFacts, can_tell, draft_word, look_into,
};
use crate::limits::FILES_NAMED_MAX;
use crate::problem::{Place, Problem, Problems, Severity};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file with what was found in it.
#[derive(Clone, Debug)]
pub struct LookedInto {
    /// The file.
    pub file: DocumentFile,
    /// What was found.
    pub facts: Facts,
}

/// Which files are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that all readers of a language get: a handful, and in memory.
    OfEverybody,
}

/// Looks into the documents of a plan and says what is odd about them.
pub fn look(documents: &Documents, which: Which, problems: &mut Problems) -> Vec<LookedInto> {
    let chosen: Vec<&DocumentFile> =
        documents.files.iter().filter(|file| which == Which::All || !file.is_by_column).collect();
    let facts = facts_of(documents, &chosen);
    let looked: Vec<LookedInto> = chosen
        .into_iter()
        .filter_map(|file| {
            let facts = facts.get(&file.attachment.digest)?.clone();
            Some(LookedInto { file: file.clone(), facts })
        })
        .collect();
    judge(&looked, problems);
    looked
}

/// What is in each distinct file.
fn facts_of(documents: &Documents, files: &[&DocumentFile]) -> HashMap<Digest, Facts> {
    let mut distinct: HashMap<Digest, &DocumentFile> = HashMap::new();
    for file in files {
        distinct.entry(file.attachment.digest).or_insert(file);
    }
    let distinct: Vec<&DocumentFile> = distinct.into_values().collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
    let look_at_some = || {
        while let Some(file) = distinct.get(next.fetch_add(1, Ordering::Relaxed)) {
            // A file that is another one by now is told where its bytes are needed.
            let Ok(bytes) = documents.bytes(&file.attachment) else { continue };
            let facts = look_into(&file.attachment.media_type, &bytes);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.insert(file.attachment.digest, facts);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        (1..cores.min(distinct.len())).for_each(|_| drop(scope.spawn(look_at_some)));
        look_at_some();
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Something odd about a file: `what` completes "the file ...".
struct Finding {
    severity: Severity,
    code: &'static str,
    what: String,
    hint: &'static str,
}

impl Finding {
    fn warning(code: &'static str, what: impl Into<String>, hint: &'static str) -> Finding {
        Finding { severity: Severity::Warning, code, what: what.into(), hint }
    }

    fn note(code: &'static str, what: impl Into<String>, hint: &'static str) -> Finding {
        Finding { severity: Severity::Note, code, what: what.into(), hint }
    }
}

fn judge(looked: &[LookedInto], problems: &mut Problems) {
    // By document and kind: 650 certificates without a title are one finding.
    let mut grouped: BTreeMap<(u32, &'static str), Vec<(&LookedInto, Finding)>> = BTreeMap::new();
    for one in looked {
        for finding in findings(one) {
            let key = (one.file.attachment.number, finding.code);
            grouped.entry(key).or_default().push((one, finding));
        }
    }
    for ((_, code), found) in grouped {
        report(code, &found, problems);
    }
    let mut documents: BTreeMap<u32, Vec<&LookedInto>> = BTreeMap::new();
    for one in looked.iter().filter(|one| !one.file.is_by_column) {
        documents.entry(one.file.attachment.number).or_default().push(one);
    }
    for languages in documents.values() {
        compare_languages(languages, problems);
    }
    let all: Vec<&LookedInto> = documents.into_values().flatten().collect();
    report_same_files(&all, problems);
}

fn report(code: &'static str, found: &[(&LookedInto, Finding)], problems: &mut Problems) {
    let shown = if found.len() > FILES_NAMED_MAX { 1 } else { found.len() };
    for (one, finding) in &found[..shown] {
        let attachment = &one.file.attachment;
        let (message, count) = match found.len() {
            n if n > FILES_NAMED_MAX => {
                let others = n - 1;
                let id = &attachment.id;
                let message = format!(
                    "{} {}; so it is with {others} more files of the document {id}",
                    attachment.file, finding.what
                );
                (message, n)
            }
            _ => (format!("{} {}", attachment.file, finding.what), 1),
        };
        let problem = match finding.severity {
            Severity::Note => Problem::note(code, message),
            _ => Problem::warning(code, message),
        };
        let place = Place::file(&attachment.file);
        problems.push(problem.place(place).hint(finding.hint).count(count as u64));
    }
}

/// What is odd about one file.
fn findings(one: &LookedInto) -> Vec<Finding> {
    let mut found = Vec::new();
    let drafts = match &one.facts {
        Facts::Pdf(facts) => facts.drafts.as_slice(),
        _ => &[],
    };
    found.extend(draft_marks(one, drafts));
    match &one.facts {
        Facts::Pdf(facts) => pdf_findings(one, facts, &mut found),
        Facts::Office(facts) => office_findings(*facts, &mut found),
        Facts::Unread(unread) => found.push(Finding::warning(
            "document-unread",
            format!("could not be looked into: {unread}"),
            "Open it and look at every page; where it opens, save it once more.",
        )),
        Facts::Other => {}
    }
    found
}

fn draft_marks(one: &LookedInto, drafts: &[DraftMark]) -> Option<Finding> {
    let mut said: Vec<String> = drafts.iter().take(FILES_NAMED_MAX).map(describe_mark).collect();
    let names = [&one.file.attachment.file, &one.file.attachment.name];
    if let Some(word) = names.into_iter().find_map(|name| draft_word(name)) {
        said.push(format!("{word:?} in its file's name"));
    }
    const HINT: &str = "Put the final version there, or take the mark out.";
    let what = || format!("looks like a draft: {}", said.join(", "));
    (!said.is_empty()).then(|| Finding::warning("draft-mark", what(), HINT))
}

/// `"DRAFT" on page 2 and 3 more`.
fn describe_mark(mark: &DraftMark) -> String {
    let text = &mark.text;
    match &mark.place {
        DraftPlace::Page { first, pages: 1 } => format!("{text:?} on page {first}"),
        DraftPlace::Page { first, pages } => {
            format!("{text:?} on {pages} pages, from page {first} on")
        }
        DraftPlace::Title => format!("its title is {text:?}"),
        DraftPlace::Properties => format!("{text:?} in its properties"),
        DraftPlace::Note(page) => format!("{text:?} laid over page {page}"),
    }
}

fn pdf_findings(one: &LookedInto, facts: &PdfFacts, found: &mut Vec<Finding>) {
    if facts.needs_password {
        found.push(Finding::warning(
            "needs-password",
            "cannot be opened without a password",
            "Save it without one: readers do not have it, and a letter with a file that cannot be \
             read is often taken for spam.",
        ));
        return;
    }
    if facts.pages == 0 {
        found.push(Finding::warning("no-pages", "has no pages", "Make the document once more."));
        return;
    }
    if facts.is_damaged {
        found.push(Finding::warning(
            "damaged-document",
            "is damaged: its table of contents cannot be read, and programs that open it guess",
            "It may have been cut off while it was copied: make it or fetch it once more.",
        ));
    }
    // Where a damaged file ends nobody knows what else stood there.
    if !facts.has_text && !facts.is_damaged {
        let pages = match facts.pages {
            1 => "its page is a picture".to_owned(),
            n => format!("its {n} pages are pictures"),
        };
        found.push(Finding::warning(
            "no-text",
            format!("has no text: {pages}"),
            "Make the PDF from the text itself, or let text recognition run over the scan: nobody \
             can search it, and screen readers cannot read it aloud.",
        ));
    }
    language_findings(one, facts, found);
    leftovers(facts, found);
    could_be_better(facts, found);
}

fn language_findings(one: &LookedInto, facts: &PdfFacts, found: &mut Vec<Finding>) {
    let Some(reads_like) = &facts.reads_like else { return };
    let named = one.file.language.as_ref().filter(|named| can_tell(named));
    if let Some(named) = named.filter(|named| named.primary() != *reads_like) {
        let what =
            format!("reads like {}, and is for readers of {}", name(reads_like), name(named));
        let hint = "Look at it: another language's file was probably saved under this name.";
        found.push(Finding::warning("other-language", what, hint));
    } else if let Some(declared) = facts.declared.as_ref().filter(|l| l.primary() != *reads_like) {
        let what = format!("is in {} and says it is in {}", name(reads_like), name(declared));
        let hint = "Set the language of the text in the program it was made with: a screen reader \
                    reads it with the wrong voice.";
        found.push(Finding::note("declared-language", what, hint));
    }
}

/// A language as an English sentence calls it.
fn name(language: &crate::language::Language) -> String {
    language.english_name().unwrap_or_else(|| language.to_string())
}

/// What was left in a file by mistake, or that mail servers do not like.
fn leftovers(facts: &PdfFacts, found: &mut Vec<Finding>) {
    if facts.comments > 0 {
        let comments = counted(facts.comments, "comment");
        found.push(Finding::warning(
            "comments-left",
            format!("has {comments} or highlights in it"),
            "Remove them, or print the document into a new PDF, unless readers are to see them.",
        ));
    }
    if facts.has_scripts {
        found.push(Finding::warning(
            "scripts-within",
            "has programs in it",
            "Save it without JavaScript: mail servers take such files for harmful.",
        ));
    }
    if facts.has_files {
        found.push(Finding::note(
            "files-within",
            "has other files in it",
            "Look at its attachments: they go along.",
        ));
    }
}

fn could_be_better(facts: &PdfFacts, found: &mut Vec<Finding>) {
    let mut note = |is_so: bool, code, what: &str, hint| {
        if is_so {
            found.push(Finding::note(code, what, hint));
        }
    };
    note(
        facts.has_form,
        "form-within",
        "has fields to fill in",
        "Look whether they are empty, and whether readers are to fill them in.",
    );
    note(
        facts.is_text_garbled,
        "garbled-text",
        "has text that can be seen and not be copied, searched or read aloud",
        "Make it with another program or other fonts, if readers need that.",
    );
    note(
        !facts.is_tagged,
        "not-tagged",
        "is not tagged: screen readers have to guess in which order it is read",
        "Export it as a tagged PDF (PDF/UA), a box in the export of Word and LibreOffice.",
    );
    note(
        facts.is_protected,
        "protected",
        "opens without a password, and is locked against changes, printing or copying",
        "Leave it so if it is meant so.",
    );
    let title = facts.title.as_deref().unwrap_or_default();
    note(
        is_no_title(title),
        "no-title",
        "has no title of its own, or one that a program made up",
        "Write the title into the properties of the document: readers see it above the page.",
    );
    note(
        !facts.is_read_whole,
        "read-in-part",
        "is long: its first 300 pages were looked at",
        "Look through the others yourself.",
    );
}

/// `Microsoft Word - Document1`, `Untitled`, `letter.docx`, or nothing.
fn is_no_title(title: &str) -> bool {
    let title = title.to_lowercase();
    let begins = ["microsoft ", "untitled", "document1", "unbenannt", "sans titre", "sin título"];
    let ends = [".doc", ".docx", ".odt", ".pdf", ".indd", ".pptx", ".ppt", ".rtf", ".tex"];
    title.is_empty()
        || begins.iter().any(|b| title.starts_with(b))
        || ends.iter().any(|e| title.ends_with(e))
}

fn office_findings(facts: OfficeFacts, found: &mut Vec<Finding>) {
    let mut left = Vec::new();
    if facts.tracked_changes > 0 {
        left.push(counted(facts.tracked_changes, "tracked change"));
    }
    if facts.comments > 0 {
        left.push(counted(facts.comments, "comment"));
    }
    if !left.is_empty() {
        found.push(Finding::warning(
            "comments-left",
            format!("has {} in it", left.join(" and ")),
            "Accept or refuse the changes, delete the comments, and save it; or send a PDF.",
        ));
    }
}

/// What differs between the languages of one document.
fn compare_languages(languages: &[&LookedInto], problems: &mut Problems) {
    let pdfs: Vec<(&LookedInto, &PdfFacts)> = languages
        .iter()
        .filter_map(|one| match &one.facts {
            Facts::Pdf(facts) if facts.pages > 0 => Some((*one, &**facts)),
            _ => None,
        })
        .collect();
    let shortest = pdfs.iter().min_by_key(|(_, facts)| facts.pages);
    let longest = pdfs.iter().max_by_key(|(_, facts)| facts.pages);
    if let (Some((short, few)), Some((long, many))) = (shortest, longest)
        && many.pages >= 2 * few.pages
        && many.pages - few.pages >= 3
    {
        let message = format!(
            "{} has {} and {} has {}",
            long.file.attachment.file,
            counted(many.pages, "page"),
            short.file.attachment.file,
            counted(few.pages, "page")
        );
        let hint = "Look whether they are the same document.";
        let place = Place::file(&short.file.attachment.file);
        problems.push(Problem::note("page-counts", message).place(place).hint(hint));
    }
    let mut titled: HashMap<&str, &LookedInto> = HashMap::new();
    for (one, facts) in &pdfs {
        let Some(title) = facts.title.as_deref().filter(|title| !is_no_title(title)) else {
            continue;
        };
        let first = *titled.entry(title).or_insert(one);
        let (file, other) = (&one.file.attachment.file, &first.file.attachment.file);
        // A programme of the two may well have one title; the same file is told elsewhere.
        if one.file.attachment.digest != first.file.attachment.digest {
            let message = format!("{file} has the title of {other}: {title}");
            let hint = "Write the title in its language into the properties of the document.";
            problems.push(Problem::note("same-title", message).place(Place::file(file)).hint(hint));
        }
    }
}

/// Files of everybody that are the same although they are called differently.
fn report_same_files(all: &[&LookedInto], problems: &mut Problems) {
    let mut first: HashMap<Digest, &str> = HashMap::new();
    for one in all {
        let attachment = &one.file.attachment;
        let earlier = *first.entry(attachment.digest).or_insert(&attachment.file);
        if earlier == attachment.file {
            continue;
        }
        let message = format!("{earlier} and {} are the same file", attachment.file);
        problems.push(
            Problem::warning("same-file", message)
                .place(Place::file(&attachment.file))
                .hint("One of them was probably saved under a wrong name: look at both."),
        );
    }
}

fn counted(count: u32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
