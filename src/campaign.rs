//! A campaign read from the workspace, ready to be planned.
//!
//! Part of the shell: fetches bytes through the workspace's one door, hands them to the stages in
//! order, and keeps every problem. It decides nothing about people, letters or documents.

mod decided;

pub use decided::decisions;

use crate::config::{self, ByLanguage, Config, DkimKey, Where};
use crate::id::{CampaignId, Digest};
use crate::language::Language;
use crate::letter::{ImageFile, Letters, RowCondition, Source, Sources, Vocabulary};
use crate::limits::{
    ATTACHMENT_BYTES_MAX, CONFIG_BYTES_MAX, LIST_BYTES_MAX, TEMPLATE_BYTES_MAX,
    TRANSLATION_OLDER_MIN,
};
use crate::message::{Sender, dkim::Dkim};
use crate::plan::contents::{self, LookedInto, Which};
use crate::plan::documents::{self, DocumentSetting, Documents, Reader, Titles};
use crate::plan::header_values;
use crate::plan::{Made, Materials, Plan, Senders, WeightLimits, make, make_only};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::greeting::{self, Greetings};
use crate::recipients::{
    self, Audience, Decisions, Keep, ListSetting, ListSource, Options, People, UnusedColumn,
};
use crate::time::Timestamp;
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything a campaign's plan is made of.
#[derive(Debug)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// `[conference] name`.
    pub conference_name: String,
    /// Everybody in its lists.
    pub people: People,
    /// Its letters.
    pub letters: Letters,
    /// How they greet.
    pub greetings: Greetings,
    /// The language of a letter where there is none in the recipient's.
    pub default_language: Language,
    /// Its documents.
    pub documents: Documents,
    /// Its documents as the configuration describes them.
    pub document_settings: Vec<DocumentSetting>,
    /// Who it is from, and who signs for them.
    pub senders: Senders,
    /// The same for messages that are only weighed: signing a letter takes longer than making it.
    weighed_senders: Senders,
    /// The files of the keys that sign.
    pub dkim_keys: Vec<(DkimKey, PathBuf)>,
    /// How heavy a message may be.
    pub limits: WeightLimits,
    /// The letters' source files, for saying which lines changed.
    pub sources: Vec<Source>,
    source_digests: Vec<(String, Digest)>,
    /// Image files, for saying which is another.
    image_digests: Vec<(String, Digest)>,
}

impl Campaign {
    /// Reads a campaign's lists, letters and documents; every problem is kept.
    ///
    /// `None` when there is nothing to plan: no letter that can be rendered, or no sender.
    pub fn load(
        workspace: &Workspace,
        config: &Config,
        setting: &config::Campaign,
        problems: &mut Problems,
    ) -> Option<Campaign> {
        let people = read_people(workspace, config, setting, problems);
        let greetings = read_greetings(workspace, problems);
        let sources = read_sources(workspace, setting, problems);
        let letter = |reader: &Language| letter_for(reader, &sources, &config.languages.default);
        greeting::review(&people, &greetings, &letter, problems);
        note_older_translations(workspace, config, &sources.letters, problems);
        let vocabulary = Vocabulary {
            columns: people.columns.clone(),
            lacks_columns: !people.knows_all_columns,
            ..vocabulary(config, setting)
        };
        let default_language = config.languages.default.clone();
        let letters = if sources.letters.is_empty() {
            problems.push(no_letter(&setting.letter.value, &default_language));
            None
        } else {
            Letters::compile(&sources, &vocabulary, problems)
        };
        // Also without letters: all problems in one pass.
        let document_settings = document_settings(config, setting);
        let default = &default_language;
        header_values::check(&people, letters.as_ref(), &document_settings, default, problems);
        let language =
            |wanted: &Language| letters.as_ref().and_then(|l| l.language_for(wanted, default));
        let documents =
            read_documents(workspace, &document_settings, &people, default, language, problems);
        let dkim = dkim(workspace, config, setting, problems);
        let senders = |dkim: &Dkim| senders(setting, &default_language, dkim);
        let (senders, weighed_senders) = (senders(&dkim), senders(&dkim.only_weighed()));
        let (letters, senders, weighed_senders) = (letters?, senders?, weighed_senders?);
        let dkim_keys = config.dkim.iter().map(|k| (k.clone(), k.path(workspace.root())));
        let of_image = |image: &ImageFile| (image.file.clone(), Digest::of(&image.bytes));
        let image_digests = sources.images.values().map(of_image).collect();
        let sources = all_sources(sources);
        let digest = |s: &Source| (s.file.clone(), Digest::of(s.text.as_bytes()));
        let source_digests = sources.iter().map(digest).collect();
        Some(Campaign {
            id: setting.id.clone(),
            conference_name: config.conference.get("name").cloned().unwrap_or_default(),
            people,
            letters,
            greetings,
            default_language,
            documents,
            document_settings,
            senders,
            weighed_senders,
            dkim_keys: dkim_keys.collect(),
            limits: WeightLimits {
                warn_octets: config.limits.letter_warn,
                error_octets: config.limits.letter_error,
            },
            sources,
            source_digests,
            image_digests,
        })
    }

    /// Reads a campaign's lists alone, with what is wrong in them.
    pub fn people_now(
        workspace: &Workspace,
        config: &Config,
        setting: &config::Campaign,
        problems: &mut Problems,
    ) -> People {
        read_people(workspace, config, setting, problems)
    }

    /// The greetings of a workspace as they are now. What is wrong in them is not told.
    #[must_use]
    pub fn greetings_now(workspace: &Workspace) -> Greetings {
        read_greetings(workspace, &mut Problems::new())
    }

    /// Reads a campaign's lists alone, where all can be read and have no more octets than this
    /// together. What is wrong in them is not told.
    #[must_use]
    pub fn people_within(
        workspace: &Workspace,
        config: &Config,
        setting: &config::Campaign,
        octets_max: u64,
    ) -> Option<People> {
        let (mut lists, mut left) = (Vec::new(), octets_max);
        for file in setting.list_files(workspace, &mut Problems::new()) {
            let bytes = workspace.read(&file, left).ok()?;
            left -= bytes.len() as u64;
            lists.push((file, bytes));
        }
        let decisions = decisions(workspace, config, setting, &mut Problems::new());
        Some(people_of(&lists, config, setting, decisions, &mut Problems::new()))
    }

    /// Makes the plan; each letter passes `visit` once, in order.
    ///
    /// # Errors
    /// Whatever `visit` returns.
    pub fn plan<E>(
        &self,
        date: Timestamp,
        problems: &mut Problems,
        visit: impl FnMut(Made<'_>) -> Result<(), E>,
    ) -> Result<Plan, E> {
        make(&self.materials(date), problems, visit)
    }

    /// Makes the plan where nobody wants to see the letters.
    pub fn plan_only(&self, date: Timestamp, problems: &mut Problems) -> Plan {
        make_only(&Materials { senders: &self.weighed_senders, ..self.materials(date) }, problems)
    }

    /// Looks into the documents; what is odd about them is kept.
    pub fn look_into_documents(&self, which: Which, problems: &mut Problems) -> Vec<LookedInto> {
        contents::look(&self.documents, which, problems)
    }

    /// What a plan is made of.
    #[must_use]
    pub fn materials(&self, date: Timestamp) -> Materials<'_> {
        Materials {
            campaign: &self.id,
            people: &self.people,
            letters: &self.letters,
            greetings: &self.greetings,
            default_language: &self.default_language,
            documents: &self.documents,
            senders: &self.senders,
            limits: self.limits,
            sources: &self.source_digests,
            images: &self.image_digests,
            date,
        }
    }
}

/// Reads all lists; a file that cannot be read is a problem, and the others are read all the same.
fn read_people(
    workspace: &Workspace,
    config: &Config,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> People {
    let mut lists: Vec<(String, Vec<u8>)> = Vec::new();
    let files = setting.list_files(workspace, problems);
    report_settings_without_list(workspace, config, &files, problems);
    for file in &files {
        match workspace.read(file, LIST_BYTES_MAX) {
            Ok(bytes) => lists.push((file.clone(), bytes)),
            Err(problem) => problems.push(problem),
        }
    }
    let decisions = decisions(workspace, config, setting, problems);
    let mut people = people_of(&lists, config, setting, decisions, problems);
    drop(lists);
    report_unused_columns(workspace, config, &files, &people, problems);
    if !people.unmatched.is_empty() {
        let unmatched = std::mem::take(&mut people.unmatched);
        decided::report_unmatched(workspace, config, &files, unmatched, problems);
    }
    people
}

/// Lines of `[columns]` that do nothing for these lists. The lists of other campaigns are opened
/// only where that would be an error.
fn report_unused_columns(
    workspace: &Workspace,
    config: &Config,
    files: &[String],
    people: &People,
    problems: &mut Problems,
) {
    let others = match people.unused_columns.iter().any(UnusedColumn::does_nothing) {
        true => other_lists(workspace, config, files),
        false => BTreeSet::new(),
    };
    let options = config.recipients_options();
    let headers = |file: &String| {
        let bytes = workspace.read(file, LIST_BYTES_MAX).ok()?;
        recipients::headers_of(&ListSource { file, bytes: &bytes }, &options)
    };
    let elsewhere: Vec<_> = others.iter().map(headers).collect();
    people.unused_columns.iter().for_each(|unused| problems.push(unused.problem(&elsewhere)));
}

/// The lists that only other campaigns read.
fn other_lists(workspace: &Workspace, config: &Config, files: &[String]) -> BTreeSet<String> {
    let of_campaign = |c: &config::Campaign| c.list_files(workspace, &mut Problems::new());
    let all = config.campaigns.iter().flat_map(of_campaign);
    all.filter(|file| !files.contains(file)).collect()
}

/// Tables of `[lists]` for a file that no campaign reads: misspelt, they would do nothing in silence.
fn report_settings_without_list(
    workspace: &Workspace,
    config: &Config,
    files: &[String],
    problems: &mut Problems,
) {
    let is_there = |s: &ListSetting, files: &[String]| files.iter().any(|file| s.is_for(file));
    let mut missing = config.lists.iter().filter(|s| !is_there(s, files)).peekable();
    if missing.peek().is_none() {
        return;
    }
    // What other campaigns lack is told when they are checked.
    let of_campaign = |c: &config::Campaign| c.list_files(workspace, &mut Problems::new());
    let all: Vec<String> = config.campaigns.iter().flat_map(of_campaign).collect();
    for setting in missing.filter(|s| !is_there(s, &all)) {
        let message = format!("no mailing reads a list {}", setting.file);
        let by_name = |file: &&String| file.rsplit('/').next() == setting.file.rsplit('/').next();
        let near = all.iter().find(by_name).map(String::as_str);
        let near = near.or_else(|| nearest(&setting.file, all.iter().map(String::as_str)));
        let hint = match near {
            Some(near) => format!("Did you mean [lists.\"{near}\"]?"),
            None => "Write the list's path as check shows it, or remove the table.".to_owned(),
        };
        let problem = Problem::warning("unknown-list", message).hint(hint);
        problems.push(problem.place(setting.place.clone()));
    }
}

fn people_of(
    lists: &[(String, Vec<u8>)],
    config: &Config,
    setting: &config::Campaign,
    decisions: Decisions,
    problems: &mut Problems,
) -> People {
    let sources: Vec<_> = lists.iter().map(|(file, bytes)| ListSource { file, bytes }).collect();
    let keep = keep(config, setting, problems);
    let audience = Audience { same_address: config.people.same_address, keep, decisions };
    let options = Options { copies: setting.copies.clone(), ..config.recipients_options() };
    recipients::gather_for(&sources, &options, &audience, problems)
}

/// The campaign's `where`; a condition with an error keeps everybody, and nothing may be sent.
fn keep(
    config: &Config,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> Option<Keep<'static>> {
    match setting.keep.as_ref()? {
        Where::Values(columns) => Some(Keep::Values(columns.clone())),
        Where::Condition(text) => {
            let vocabulary = vocabulary(config, setting);
            let condition = RowCondition::compile(&text.value, &vocabulary, &text.place, problems)?;
            Some(Keep::Condition(recipients::Condition {
                columns: condition.columns().map(str::to_owned).collect(),
                place: text.place.clone(),
                holds: Box::new(move |values, language| condition.holds(values, language)),
            }))
        }
    }
}

/// The names that letters and conditions may use, but for the columns of lists.
fn vocabulary(config: &Config, setting: &config::Campaign) -> Vocabulary {
    Vocabulary {
        columns: Vec::new(),
        lacks_columns: true,
        conference: config.conference.clone(),
        campaign: setting.facts(),
        attachments: setting.attachments.iter().map(|a| a.value.clone()).collect(),
        attachment_titles: config.attachments_of(setting).map(|(_, a)| titles_of(a)).collect(),
        default_language: Some(config.languages.default.clone()),
    }
}

/// The workspace's own greetings, where it has any.
fn read_greetings(workspace: &Workspace, problems: &mut Problems) -> Greetings {
    let file = config::GREETINGS_FILE;
    match problems.take_from(workspace.read_if_there(file, CONFIG_BYTES_MAX)).flatten() {
        Some(bytes) => config::read_greetings(file, &bytes, problems),
        None => Greetings::built_in(),
    }
}

fn no_letter(folder: &str, language: &Language) -> Problem {
    let message = format!("there is no letter in {folder}/");
    let hint =
        format!("Write {folder}/{}.md, and a file for each other language.", language.as_str());
    Problem::error("no-letter", message).hint(hint)
}

/// Letters, signatures, footers and the layout as a plain list.
fn all_sources(sources: Sources) -> Vec<Source> {
    let Sources { letters, layout, signatures, footers, images: _, folder: _ } = sources;
    letters
        .into_values()
        .chain(signatures.into_values())
        .chain(footers.into_values())
        .chain(layout)
        .collect()
}

/// Reads letters, layout, signatures, footers and images.
/// The language of the letter for a reader of a language.
fn letter_for(reader: &Language, sources: &Sources, default: &Language) -> Language {
    let fits = |language: &Language| sources.letters.contains_key(language);
    reader.fall_backs().into_iter().find(fits).unwrap_or_else(|| default.clone())
}

fn read_sources(
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
fn note_older_translations(
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

/// A campaign's documents as the configuration describes them, by number.
fn document_settings(config: &Config, setting: &config::Campaign) -> Vec<DocumentSetting> {
    let of_campaign = config.attachments_of(setting);
    of_campaign.map(|(number, attachment)| document_setting(number, attachment)).collect()
}

fn read_documents(
    workspace: &Workspace,
    settings: &[DocumentSetting],
    people: &People,
    default: &Language,
    language: impl Fn(&Language) -> Option<Language>,
    problems: &mut Problems,
) -> Documents {
    if people.knows_all_columns {
        documents::check_patterns(settings, &people.columns, problems);
    }
    let again = workspace.again();
    let reader = Reader::new(move |file: &str| {
        let bytes = again.read_if_there(file, ATTACHMENT_BYTES_MAX)?;
        Ok(bytes.map(Arc::from))
    });
    // What is wrong with a folder is said where its files are read.
    let list = |pattern: &str| workspace.list(pattern, &mut Problems::new());
    documents::gather(settings, people, default, language, reader, list, problems)
}

/// A document's id and its titles in all languages.
fn titles_of(attachment: &config::Attachment) -> (String, Vec<String>) {
    let titles = match &attachment.title {
        ByLanguage::Same(title) => vec![title.clone()],
        ByLanguage::Each(titles) => titles.values().cloned().collect(),
    };
    (attachment.id.clone(), titles)
}

fn document_setting(number: u32, attachment: &config::Attachment) -> DocumentSetting {
    DocumentSetting {
        id: attachment.id.clone(),
        number,
        titles: match &attachment.title {
            ByLanguage::Same(title) => Titles::One(title.clone()),
            ByLanguage::Each(titles) => Titles::ByLanguage(titles.clone()),
        },
        file: attachment.file.value.clone(),
        name: attachment.name.clone(),
        is_shared: attachment.shared,
        place: attachment.place.clone(),
    }
}

/// The sender as readers of each language see it; `None` when the configuration has none.
/// The keys that sign; with an error in one nothing may be sent.
fn dkim(
    workspace: &Workspace,
    config: &Config,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> Dkim {
    let default = &config.languages.default;
    let sender = setting.sender.in_language(default, default);
    let author = sender.as_ref().map(|s| s.from.address.domain());
    let author = author.filter(|_| !config.dkim.is_empty());
    author.map_or_else(Dkim::default, |author| {
        config::read_dkim_keys(&config.dkim, workspace.root(), author, problems)
    })
}

fn senders(setting: &config::Campaign, default: &Language, dkim: &Dkim) -> Option<Senders> {
    let written = &setting.sender.from.as_ref()?.value;
    let languages: Vec<&Language> = match written {
        ByLanguage::Same(_) => Vec::new(),
        ByLanguage::Each(by_language) => by_language.keys().collect(),
    };
    let signed = |l: &Language| {
        setting.sender.in_language(l, default).map(|s| Sender { dkim: dkim.clone(), ..s })
    };
    let named = |l: &Language| signed(l).map(|s| (l.clone(), s));
    Some(Senders {
        default: signed(default)?,
        by_language: languages.into_iter().filter_map(named).collect(),
    })
}
