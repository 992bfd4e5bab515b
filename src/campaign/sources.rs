//! A campaign's texts: letters, signatures, footers, layout and images, as they lie in `templates/`.

use crate::config::{self, Config};
use crate::language::Language;
use crate::letter::{ImageFile, Source, Sources};
use crate::limits::{ATTACHMENT_BYTES_MAX, TEMPLATE_BYTES_MAX, TRANSLATION_OLDER_MIN};
use crate::problem::{Place, Problem, Problems};
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads letters, layout, signatures, footers and images.
pub(super) fn read_sources(
    workspace: &Workspace,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> Sources {
    let folder = &setting.letter.value;
    let mut found = Problems::new();
    let letters = by_language(workspace, &format!("{folder}/*.md"), &mut found);
    // That there is no letter is said once, with what to do; not also that there is no folder.
    found.iter().filter(|p| p.code != "missing-file").for_each(|p| problems.push(p.clone()));
    note_other_files(workspace, folder, problems);
    let of_kind = |kind: &str, problems: &mut Problems| match is_folder(workspace, "templates") {
        true => by_language(workspace, &format!("templates/{kind}.*.md"), problems),
        false => BTreeMap::new(),
    };
    Sources {
        signatures: of_kind("signature", problems),
        footers: of_kind("footer", problems),
        layout: read_layout(workspace, problems),
        images: read_images(workspace, problems),
        folder: folder.clone(),
        letters,
    }
}

/// The language of the letter for a reader of a language.
pub(super) fn letter_for(reader: &Language, sources: &Sources, default: &Language) -> Language {
    let fits = |language: &Language| sources.letters.contains_key(language);
    reader.fall_backs().into_iter().find(fits).unwrap_or_else(|| default.clone())
}

/// Letters, signatures, footers and the layout as a plain list.
pub(super) fn all_sources(sources: Sources) -> Vec<Source> {
    let Sources { letters, layout, signatures, footers, images: _, folder: _ } = sources;
    letters
        .into_values()
        .chain(signatures.into_values())
        .chain(footers.into_values())
        .chain(layout)
        .collect()
}

pub(super) fn no_letter(folder: &str, language: &Language) -> Problem {
    let message = format!("there is no letter in {folder}/");
    let hint =
        format!("Write {folder}/{}.md, and a file for each other language.", language.as_str());
    Problem::error("no-letter", message).hint(hint)
}

/// Whether there is such a folder: what may stand in it need not.
fn is_folder(workspace: &Workspace, path: &str) -> bool {
    workspace.root().join(path).is_dir()
}

/// The source files that fit a pattern, by the language before `.md`.
fn by_language(
    workspace: &Workspace,
    pattern: &str,
    problems: &mut Problems,
) -> BTreeMap<Language, Source> {
    let mut sources = BTreeMap::new();
    for file in workspace.list(pattern, problems) {
        let name = file.rsplit('/').next().unwrap_or(&file);
        let stem = name.strip_suffix(".md").unwrap_or(name);
        let tag = stem.rsplit('.').next().unwrap_or(stem);
        let Some(language) = Language::parse_tag(tag) else {
            problems.push(not_a_language(&file, tag));
            continue;
        };
        match read_text(workspace, &file) {
            Ok(text) => drop(sources.insert(language, Source { file, text })),
            Err(problem) => problems.push(problem),
        }
    }
    sources
}

/// Files beside the letters that are none: `fr.md.txt` is French readers without their letter.
fn note_other_files(workspace: &Workspace, folder: &str, problems: &mut Problems) {
    // Whatever is wrong with the folder itself was said when the letters were read.
    for file in workspace.list(&format!("{folder}/*"), &mut Problems::new()) {
        if file.ends_with(".md") {
            continue;
        }
        let message = format!("{file} is not used: letters end in .md");
        problems.push(Problem::warning("not-a-letter", message).place(Place::file(&file)).hint(
            "Rename it to its language and .md, such as fr.md (Windows hides a second ending), or \
             move it away.",
        ));
    }
}

/// Translations that have not been touched since the letter in the default language was changed.
pub(super) fn note_older_translations(
    workspace: &Workspace,
    config: &Config,
    letters: &BTreeMap<Language, Source>,
    problems: &mut Problems,
) {
    let candidates = config.languages.default.fall_backs();
    let Some(model) = candidates.iter().find_map(|l| letters.get(l)) else { return };
    let Some(changed) = workspace.modified(&model.file) else { return };
    let name = |file: &str| file.rsplit('/').next().unwrap_or_default().to_owned();
    for Source { file, .. } in letters.values().filter(|letter| letter.file != model.file) {
        let Some(older) = workspace.modified(file).map(|time| changed.since(time)) else {
            continue;
        };
        if older < TRANSLATION_OLDER_MIN {
            continue;
        }
        let (this, that) = (name(file), name(&model.file));
        let message = format!("{that} was changed {} after {this}", in_words(older));
        problems.push(
            Problem::note("older-translation", message)
                .place(Place::file(file))
                .hint(format!("Look whether what changed in {that} must change in {this} too.")),
        );
    }
}

/// `3 days`, `1 hour`, `20 minutes`: how long a time is, about.
fn in_words(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let (number, word) = match minutes {
        0..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn not_a_language(file: &str, tag: &str) -> Problem {
    Problem::warning("not-a-language", format!("{file} is not used: {tag:?} is no language"))
        .place(Place::file(file))
        .hint("Name letters by their language, such as en.md or pt-br.md; move other files away.")
}

fn read_text(workspace: &Workspace, file: &str) -> Result<String, Problem> {
    let bytes = workspace.read(file, TEMPLATE_BYTES_MAX)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        Problem::error("not-utf-8", "this file is not UTF-8 text")
            .place(Place::of_offset(file, &valid, valid.len()))
            .hint("Save it as UTF-8 (in Word: plain text, encoding Unicode UTF-8).")
    })
}

fn read_layout(workspace: &Workspace, problems: &mut Problems) -> Option<Source> {
    const FILE: &str = "templates/layout.html";
    problems.take_from(workspace.read_if_there(FILE, TEMPLATE_BYTES_MAX))??;
    let text = problems.take_from(read_text(workspace, FILE))?;
    Some(Source { file: FILE.to_owned(), text })
}

/// The images of `templates/images/`, by the path that letters write: `images/logo.png`.
fn read_images(workspace: &Workspace, problems: &mut Problems) -> BTreeMap<String, ImageFile> {
    let mut images = BTreeMap::new();
    if !is_folder(workspace, "templates/images") {
        return images;
    }
    for file in workspace.list("templates/images/*", problems) {
        let written = file.strip_prefix("templates/").unwrap_or(&file).to_owned();
        match workspace.read(&file, ATTACHMENT_BYTES_MAX) {
            Ok(bytes) => drop(images.insert(written, ImageFile { file, bytes: bytes.into() })),
            Err(problem) => problems.push(problem),
        }
    }
    images
}
