//! A campaign's documents: what the configuration says of them, and their files.

use crate::config::{self, ByLanguage, Config};
use crate::language::Language;
use crate::limits::ATTACHMENT_BYTES_MAX;
use crate::plan::documents::{self, DocumentSetting, Documents, Reader, Titles};
use crate::problem::Problems;
use crate::recipients::People;
use crate::workspace::Workspace;
use std::sync::Arc;

/// A campaign's documents as the configuration describes them, by number.
pub(super) fn document_settings(
    config: &Config,
    setting: &config::Campaign,
) -> Vec<DocumentSetting> {
    let of_campaign = config.attachments_of(setting);
    of_campaign.map(|(number, attachment)| document_setting(number, attachment)).collect()
}

pub(super) fn read_documents(
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
pub(super) fn titles_of(attachment: &config::Attachment) -> (String, Vec<String>) {
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
