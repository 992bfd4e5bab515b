//! A campaign read from the workspace, ready to be planned.
//!
//! Part of the shell: fetches bytes through the workspace's one door, hands them to the stages in
//! order, and keeps every problem. It decides nothing about people, letters or documents.

mod attached;
mod decided;
mod lists;
mod sender;
mod sources;

pub use decided::decisions;

use attached::{document_settings, read_documents, titles_of};
use lists::{people_of, read_people};
use sender::{dkim, senders};
use sources::{all_sources, letter_for, no_letter, note_older_translations, read_sources};

use crate::config::{self, Config, DkimKey};
use crate::id::{CampaignId, Digest};
use crate::language::Language;
use crate::letter::{ImageFile, Letters, Source, Vocabulary};
use crate::limits::CONFIG_BYTES_MAX;
use crate::message::dkim::Dkim;
use crate::plan::contents::{self, LookedInto, Which};
use crate::plan::documents::{DocumentSetting, Documents};
use crate::plan::header_values;
use crate::plan::{Made, Materials, Plan, Senders, WeightLimits, make, make_only};
use crate::problem::Problems;
use crate::recipients::People;
use crate::recipients::greeting::{self, Greetings};
use crate::time::Timestamp;
use crate::workspace::Workspace;
use std::path::PathBuf;

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

/// The names that letters and conditions may use, but for the columns of lists.
pub(super) fn vocabulary(config: &Config, setting: &config::Campaign) -> Vocabulary {
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
