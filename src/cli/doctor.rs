//! `doctor`: looks at everything between this computer and the readers' mailboxes, and sends nothing.
//!
//! Owns the order of looking and what the command answers. What is found means is `doctor/`'s, how
//! it looks `doctor_screen.rs`.
//!
//! # Invariants
//! No letter and no recipient is named to anybody. Nobody signs in more than once.

use super::answer::{Answer, Exit};
use super::args;
use super::doctor_key::make_dkim_key;
use super::doctor_machine::{Mailing, look_at_machine, mailing};
use super::doctor_names::{bounce_address, look_at_names};
use super::doctor_note::note_for_it;
use super::doctor_screen::{Group, as_text};
use super::relay::relay_to_look_at;
use super::shell::{Opened, Shell};
use crate::config::{self, SignIn};
use crate::doctor::check::{Check, Verdict};
use crate::doctor::machine::of_problem;
use crate::doctor::relay::{Meant, check_clock, check_relay};
use crate::message::Sender;
use crate::problem::Problem;
use crate::transport::smtp::{Probe, probe};
use serde_json::{Value, json};

/// Looks, and tells what it found; or writes what others need.
#[must_use]
pub(super) fn doctor(shell: &Shell, args: &args::Doctor) -> Answer {
    match (args.note_for_it, args.make_dkim_key) {
        (true, _) => note_for_it(shell, args),
        (_, true) => make_dkim_key(shell, args),
        _ => look(shell, args),
    }
}

fn look(shell: &Shell, args: &args::Doctor) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let named = args.campaign.as_deref().map(|name| opened.campaign_id(Some(name)));
    if let Some(Err(problem)) = named {
        return Answer::one_problem(Exit::MustChange, problem).with("checks", json!([]));
    }
    let Ok(runtime) =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    else {
        let problem = Problem::error("no-threads", "this computer starts no more threads");
        let problem = problem.hint("Close other programs, then run the same command again.");
        return Answer::one_problem(Exit::MustChange, problem).with("checks", json!([]));
    };
    let mailing = mailing(shell, &opened, args.campaign.as_deref());
    let relay = runtime.block_on(look_at_relay(shell, &opened, mailing.as_ref()));
    let mut computer = vec![check_clock(relay.probe.as_ref(), shell.clock().now())];
    computer.extend(look_at_machine(shell, &opened, mailing.as_ref()));
    let names =
        runtime.block_on(look_at_names(&opened, args, mailing.as_ref(), relay.probe.as_ref()));
    // A name that is still being looked up keeps nobody.
    runtime.shutdown_background();
    answer(
        shell,
        &[
            Group { name: "This computer", checks: computer },
            Group { name: "Mail server", checks: relay.checks },
            Group { name: "Names", checks: names },
        ],
    )
}

fn answer(shell: &Shell, groups: &[Group]) -> Answer {
    let checks: Vec<Value> = groups.iter().flat_map(|group| &group.checks).map(as_json).collect();
    let fails = groups.iter().any(|group| group.checks.iter().any(|c| c.verdict == Verdict::Fail));
    let exit = if fails { Exit::MustChange } else { Exit::Done };
    let text = as_text(groups, shell.ui.is_quiet);
    Answer { exit, ..Answer::done(text) }.with("checks", json!(checks))
}

fn as_json(check: &Check) -> Value {
    json!({
        "id": check.id,
        "verdict": check.verdict.as_str(),
        "what": check.what,
        "remedy": check.remedy,
    })
}

/// What was seen of the mail server.
struct RelaySeen {
    checks: Vec<Check>,
    probe: Option<Probe>,
}

async fn look_at_relay(shell: &Shell, opened: &Opened, mailing: Option<&Mailing>) -> RelaySeen {
    let alone = |check: Check| RelaySeen { checks: vec![check], probe: None };
    let Some(setting) = &opened.config.relay else {
        return alone(match opened.config.relay_is_broken {
            true => Check::skip("relay-name", "[relay] must be in order first"),
            false => Check::fail("relay-name", "no mail server is configured").remedy(
                "Write [relay] url = \"smtps://HOST:465\" into secretariat.toml; your IT department \
                 knows the host.",
            ),
        });
    };
    let (relay, lacking) = match relay_to_look_at(shell, opened, setting) {
        Ok(found) => found,
        Err(problem) => return alone(of_problem("certificate", &problem)),
    };
    let sender = sender(opened, mailing);
    let bounces = sender.as_ref().map(|s| bounce_address(s).as_str().to_owned());
    // Without the sign-in that it needs, the answer would be about that.
    let path = bounces.as_deref().filter(|_| lacking.is_none());
    shell.ui.say(&format!("Looking at {} and asking the name service.", relay.host));
    let probe = probe(&relay, path).await;
    let meant = Meant {
        host: &setting.url.host,
        port: setting.url.port,
        security: setting.url.security,
        is_here: setting.url.is_on_this_computer(),
        service: setting.known_service(),
        account: account(setting),
        author: bounces.as_deref().unwrap_or_default(),
        largest: mailing.and_then(|mailing| mailing.largest),
        now: shell.clock().now(),
    };
    let mut checks = check_relay(&probe, &meant);
    if let Some(problem) = lacking {
        instead(&mut checks, of_problem("sign-in", &problem));
    }
    RelaySeen { checks, probe: Some(probe) }
}

/// Puts a check in the place of the one with its id, or behind all.
fn instead(checks: &mut Vec<Check>, check: Check) {
    match checks.iter_mut().find(|known| known.id == check.id) {
        Some(known) => *known = check,
        None => checks.push(check),
    }
}

/// Who signs in, if anybody does.
fn account(setting: &config::Relay) -> Option<&str> {
    match &setting.sign_in {
        SignIn::None => None,
        SignIn::Password { user, .. } | SignIn::Command { user, .. } => Some(user),
        SignIn::Provider(of) => Some(&of.user),
    }
}

/// Whose letters they are: those of the mailing, else of the first one that is configured.
pub(super) fn sender(opened: &Opened, mailing: Option<&Mailing>) -> Option<Sender> {
    let config = &opened.config;
    let named = mailing.and_then(|m| config.campaigns.iter().find(|c| c.id == m.campaign));
    let setting = named.or_else(|| config.campaigns.first())?;
    setting.sender.in_language(&config.languages.default, &config.languages.default)
}
