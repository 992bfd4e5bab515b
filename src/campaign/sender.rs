//! Who a campaign's letters are from, and who signs for them.

use crate::config::{self, ByLanguage, Config};
use crate::language::Language;
use crate::message::{Sender, dkim::Dkim};
use crate::plan::Senders;
use crate::problem::Problems;
use crate::workspace::Workspace;

/// The keys that sign; with an error in one nothing may be sent.
pub(super) fn dkim(
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

/// The sender as readers of each language see it; `None` when the configuration has none.
pub(super) fn senders(
    setting: &config::Campaign,
    default: &Language,
    dkim: &Dkim,
) -> Option<Senders> {
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
