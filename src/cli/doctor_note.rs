//! `doctor --note-for-it`: one page for the IT department, about this mailing and this mail server.
//!
//! Owns which facts the page is made of; its words and forms are `doctor/note.rs`. The page is
//! often wanted before there are lists and letters: what is not known yet is said to be so.
//!
//! # Invariants
//! Sends nothing, signs in nowhere, asks nobody but the name service. Nothing is written over but
//! an older page of this command.

use super::answer::{Answer, Exit};
use super::args;
use super::check_out::keep;
use super::doctor_table::findings;
use super::failure::must_change;
use super::out_folder::refuse_inputs;
use super::pace_line::rate_in_brief;
use super::shell::{Opened, Shell};
use crate::campaign::Campaign;
use crate::config::{self, ProviderSignIn, Relay, SignIn, Way};
use crate::doctor::note::{NoteFacts, NoteLanguage, NoteLimits, as_html, as_markdown, is_note};
use crate::message::Sender;
use crate::message::dkim::Dkim;
use crate::problem::{Problem, Problems};
use crate::services::Service;
use crate::transport::smtp::Security;
use crate::transport::tokens::Provider;
use serde_json::json;
use std::path::Path;

/// What the page is about.
pub(super) struct Subject<'a> {
    pub(super) relay: &'a Relay,
    pub(super) service: Option<Service>,
    pub(super) sender: Sender,
    /// Who signs in, else the author.
    pub(super) account: String,
    /// Our own keys.
    pub(super) dkim: Dkim,
}

/// Writes the page.
#[must_use]
pub(super) fn note_for_it(shell: &Shell, args: &args::Doctor) -> Answer {
    written(shell, args).unwrap_or_else(|answer| *answer)
}

fn written(shell: &Shell, args: &args::Doctor) -> Result<Answer, Box<Answer>> {
    let failed = |problems| Box::new(Answer::failed(Exit::MustChange, problems));
    let opened = shell.open().map_err(failed)?;
    // One without a client_id is no mail server to send by, and reason enough to ask IT.
    if opened.config.relay_is_broken && opened.config.relay.is_none() {
        return Err(failed(opened.problems));
    }
    let setting = opened.config.campaign(args.campaign.as_deref()).map_err(must_change)?;
    let subject = subject(&opened, setting).map_err(must_change)?;
    let language = args.language.unwrap_or_else(|| usual_language(&opened));
    let mut facts = facts(shell, &opened, &subject, language);
    let mut problems = Problems::new();
    add_plan(shell, &opened, setting, language, &mut facts, &mut problems);
    facts.findings = findings(&subject, args);
    let is_page = args.out.as_deref().is_some_and(is_html);
    let page = if is_page { as_html(&facts, language) } else { as_markdown(&facts, language) };
    let page = page.map_err(|error| Box::new(super::failure::bug(&error.to_string())))?;
    let text = match &args.out {
        None => page.clone(),
        Some(out) => {
            write_page(out, opened.workspace.root(), &page).map_err(must_change)?;
            format!("The page for your IT department is in {}.\n", out.display())
        }
    };
    let note = json!({
        "language": language.code(),
        "out": args.out.as_ref().map(|out| out.display().to_string()),
        "text": if args.out.is_none() { Some(page) } else { None },
        "names_were_asked": !facts.findings.is_empty(),
    });
    Ok(Answer::done(text).with("note", note).with_problems(problems))
}

fn subject<'a>(opened: &'a Opened, setting: &config::Campaign) -> Result<Subject<'a>, Problem> {
    let relay = opened.config.relay.as_ref().ok_or_else(|| {
        Problem::error("no-relay", "no mail server is configured").hint(
            "Write [relay] url and user into secretariat.toml: smtp+starttls://smtp.office365.com:587 \
             with Microsoft 365, smtp+starttls://smtp.gmail.com:587 with Google; else ask IT for it.",
        )
    })?;
    let default = &opened.config.languages.default;
    let sender = setting.sender.in_language(default, default).ok_or_else(|| {
        Problem::error("no-sender", "secretariat.toml names no sender")
            .hint("Write [sender] from = \"Name <address>\".")
    })?;
    let account =
        user(&relay.sign_in).map_or_else(|| sender.from.address.to_string(), str::to_owned);
    let author = sender.from.address.domain();
    // What is wrong with a key is `check`'s to say.
    let (keys, root) = (&opened.config.dkim, opened.workspace.root());
    let dkim = config::read_dkim_keys(keys, root, author, &mut Problems::new());
    Ok(Subject { relay, service: service(relay), sender, account, dkim })
}

/// Whose mail server it is: as written or by its name, else by the accounts that it has.
fn service(relay: &Relay) -> Option<Service> {
    let by_accounts = || match &relay.sign_in {
        SignIn::Provider(of) if of.provider.name == "Microsoft" => Some(Service::Microsoft365),
        SignIn::Provider(of) if of.provider.name == "Google" => Some(Service::Google),
        _ => None,
    };
    relay.known_service().or_else(by_accounts)
}

fn user(sign_in: &SignIn) -> Option<&str> {
    match sign_in {
        SignIn::None => None,
        SignIn::Password { user, .. } | SignIn::Command { user, .. } => Some(user),
        SignIn::Provider(of) => Some(&of.user),
    }
}

fn usual_language(opened: &Opened) -> NoteLanguage {
    let default = opened.config.languages.default.primary();
    NoteLanguage::from_code(default.as_str()).unwrap_or(NoteLanguage::En)
}

/// Everything but the mailing's size and what the name service says.
fn facts(
    shell: &Shell,
    opened: &Opened,
    subject: &Subject<'_>,
    language: NoteLanguage,
) -> NoteFacts {
    let Subject { relay, service, sender, account, dkim } = subject;
    let author = sender.from.address.to_string();
    let provider = match &relay.sign_in {
        SignIn::Provider(of) => Some(of.as_ref()),
        _ => None,
    };
    let pacing = &relay.habits.pacing;
    let domains: Vec<_> = dkim.signers().iter().map(|signer| signer.domain.as_str()).collect();
    NoteFacts {
        date: shell.clock().date().to_string().chars().take("2026-11-25".len()).collect(),
        conference: opened.config.conference.get("name").cloned().unwrap_or_default(),
        rate: pacing.rate.map(rate_in_brief),
        daily: pacing.daily_limit.map(|limit| format!("{}/24 h", language.number(limit.get()))),
        connections: relay.habits.connections.to_string(),
        account_signs_in: relay.sign_in != SignIn::None,
        other_author: !author.eq_ignore_ascii_case(account),
        reply_to: sender.reply_to.as_ref().unwrap_or(&sender.from).address.to_string(),
        bounce: bounce_address(subject),
        service: service.map_or("", Service::as_str),
        limits: service.map(|service| limits(service, language)),
        client_id: provider.map(|of| of.client_id.clone()).filter(|id| !id.is_empty()),
        by_device: provider.is_some_and(|of| of.way == Way::DeviceCode),
        has_tokens: service.is_some() || provider.is_some(),
        host: relay.url.host.clone(),
        port: relay.url.port,
        security: match relay.url.security {
            Security::Plain => None,
            Security::StartTls => Some("STARTTLS"),
            Security::Tls => Some("TLS"),
        },
        signs_for: domains.first().map(|domain| (*domain).to_owned()),
        hosts: hosts(relay, *service, provider),
        account: account.clone(),
        author,
        ..NoteFacts::default()
    }
}

/// Where bounces go: at a service always to the mailbox that signs in.
pub(super) fn bounce_address(subject: &Subject<'_>) -> String {
    let sender = &subject.sender;
    let written = sender.bounce_address.as_ref().unwrap_or(&sender.from.address).to_string();
    let is_mailbox = subject.service.is_some() && subject.account.contains('@');
    if is_mailbox { subject.account.clone() } else { written }
}

fn limits(service: Service, language: NoteLanguage) -> NoteLimits {
    let facts = service.facts();
    NoteLimits {
        connections: facts.connections.value.to_string(),
        a_minute: language.number(u64::from(facts.a_minute.value)),
        a_day: language.number(facts.a_day.value),
        message: language.size(facts.message_bytes.value),
        source: facts.a_day.source,
        read: facts.a_day.read,
    }
}

/// Whom the program itself connects to, and where a browser signs in.
fn hosts(relay: &Relay, service: Option<Service>, provider: Option<&ProviderSignIn>) -> String {
    let of_service = |service| match service {
        Service::Microsoft365 => Provider::microsoft("organizations"),
        Service::Google => Provider::google(),
    };
    let provider = provider.map(|of| of.provider.clone()).or_else(|| service.map(of_service));
    let server = format!("{}:{}", relay.url.host, relay.url.port);
    match provider {
        Some(provider) => format!("{server}, {}:443", provider.host()),
        None => server,
    }
}

/// How many letters, how large, how long: where the mailing is in order so far.
fn add_plan(
    shell: &Shell,
    opened: &Opened,
    setting: &config::Campaign,
    language: NoteLanguage,
    facts: &mut NoteFacts,
    problems: &mut Problems,
) {
    let mut found = opened.problems.clone();
    let campaign = Campaign::load(&opened.workspace, &opened.config, setting, &mut found);
    let plan = campaign.map(|campaign| campaign.plan_only(shell.clock().date(), &mut found));
    let Some(plan) = plan.filter(|plan| !plan.deliveries.is_empty() && !found.has_errors()) else {
        let message =
            "the page does not say how many letters there are: the mailing is not in order";
        let hint = "Send it as it is, or write it again when secretariat check finds no error.";
        problems.push(Problem::warning("note-without-plan", message).hint(hint));
        return;
    };
    let letters = (plan.deliveries.len() + plan.copies()) as u64;
    let largest = plan.deliveries.iter().map(|planned| planned.octets).max().unwrap_or(0);
    let all = plan.deliveries.iter().map(|d| d.octets * (1 + d.copies.len() as u64)).sum();
    let pacing = opened.config.relay.as_ref().map(|relay| relay.habits.pacing).unwrap_or_default();
    let takes = pacing.estimate(letters, &[], shell.clock().now());
    facts.letters = Some(language.number(letters));
    facts.largest = Some(language.size(largest));
    facts.total = Some(language.size(all));
    facts.takes = (!takes.is_zero()).then(|| language.duration(takes));
}

fn is_html(out: &Path) -> bool {
    out.extension().is_some_and(|e| e.eq_ignore_ascii_case("html") || e.eq_ignore_ascii_case("htm"))
}

fn write_page(out: &Path, root: &Path, page: &str) -> Result<(), Problem> {
    refuse_inputs(out, root)?;
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if !is_html(out) && !matches!(ending.as_deref(), Some("md" | "markdown" | "txt") | None) {
        let message =
            format!("{} would be no such file: the page is HTML or Markdown", out.display());
        let hint = "Name it .html, which Word opens too, or .md.";
        return Err(Problem::error("usage", message).hint(hint));
    }
    let older = std::fs::read(out).unwrap_or_default();
    if !older.is_empty() && !is_note(&String::from_utf8_lossy(&older)) {
        let message = format!("{} is there already and holds something else", out.display());
        return Err(Problem::error("already-there", message).hint("Name a new file."));
    }
    keep(out, page.as_bytes()).map_err(|error| {
        Problem::error("cannot-write", format!("cannot write {}: {error}", out.display()))
            .hint("Name a file in a folder that you may write to, with room for it.")
    })
}
