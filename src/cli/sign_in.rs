//! `sign-in` and `sign-out`: a person proves once who they are, and what comes of it is kept.
//!
//! # Invariants
//! Nothing secret is printed, and nothing secret is an argument of a program that is started
//! (security S16): the address that a browser is given is worth nothing to whoever reads it.

use super::answer::{Answer, Exit};
use super::args;
use super::credentials::{client, name_of_sign_in, unreadable, vault};
use super::failure::must_change;
use super::shell::{Opened, Shell};
use crate::config::{self, PasswordSource, ProviderSignIn, SignIn, Way};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::send::Halt;
use crate::transport::tokens::{Authorisation, Client, Granted, NoToken, Pairing};
use crate::vault::{Name, VaultError, Where};
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::process::{Command, Stdio};

/// Each step either goes on or ends the command with its answer.
type Step<T> = Result<T, Box<Answer>>;

/// Signs in.
#[must_use]
pub(super) fn sign_in(shell: &Shell, args: &args::SignIn) -> Answer {
    signed_in(shell, args).unwrap_or_else(|answer| *answer)
}

fn signed_in(shell: &Shell, args: &args::SignIn) -> Step<Answer> {
    let opened = open(shell)?;
    let relay = relay(&opened)?;
    let (name, user, secret) = match &relay.sign_in {
        SignIn::Provider(of) => {
            let client = client(shell, &opened, of).map_err(must_change)?;
            let secret = by_provider(shell, of, client, args.no_browser)?;
            (name_of_sign_in(relay, of), &of.user, secret)
        }
        SignIn::Password { user, password } if password.value == PasswordSource::Keyring => {
            let name = Name::of_password(user, &relay.url.to_string());
            (name, user, asked_password(shell, user, &relay.url.host)?)
        }
        other => return Ok(nothing_to_do(other)),
    };
    let vault = vault(shell).map_err(must_change)?;
    let place = vault.keep(&name, &secret).map_err(|error| must_change(not_kept(&error)))?;
    Ok(done(user, &place))
}

/// Signs out.
#[must_use]
pub(super) fn sign_out(shell: &Shell) -> Answer {
    signed_out(shell).unwrap_or_else(|answer| *answer)
}

fn signed_out(shell: &Shell) -> Step<Answer> {
    let opened = open(shell)?;
    let relay = relay(&opened)?;
    let (name, user) = match &relay.sign_in {
        SignIn::Provider(of) => (name_of_sign_in(relay, of), &of.user),
        SignIn::Password { user, password } if password.value == PasswordSource::Keyring => {
            (Name::of_password(user, &relay.url.to_string()), user)
        }
        other => return Ok(nothing_to_do(other)),
    };
    let vault = vault(shell).map_err(must_change)?;
    let was_there = vault.forget(&name).map_err(|error| must_change(unreadable(&error)))?;
    let text = match was_there {
        true => format!("Signed out: nothing of {user} is kept on this computer any more.\n"),
        false => format!("Nobody was signed in as {user} on this computer.\n"),
    };
    Ok(Answer::done(text).with("signed_out", json!(was_there)))
}

/// The workspace; only what is wrong with its mail server is in the way.
fn open(shell: &Shell) -> Step<Opened> {
    let failed = |problems| Box::new(Answer::failed(Exit::MustChange, problems));
    let opened = shell.open().map_err(failed)?;
    match opened.config.relay_is_broken {
        true => Err(failed(opened.problems)),
        false => Ok(opened),
    }
}

fn relay(opened: &Opened) -> Step<&config::Relay> {
    opened.config.relay.as_ref().ok_or_else(|| {
        must_change(
            Problem::error("no-relay", "no mail server is configured")
                .hint("Write [relay] url and user into secretariat.toml."),
        )
    })
}

/// Ways of signing in that keep nothing.
fn nothing_to_do(sign_in: &SignIn) -> Answer {
    let (message, hint) = match sign_in {
        SignIn::None => (
            "secretariat.toml names nobody who signs in",
            "Write [relay] user and sign_in = \"browser\", \"device-code\" or \"password\".",
        ),
        SignIn::Command { .. } => (
            "nothing is kept with sign_in = \"command\": the command prints a token for each run",
            "There is nothing to do.",
        ),
        _ => (
            "nothing is kept: [relay] password says where the password is",
            "To have it kept here, write password = { keyring = true } under [relay].",
        ),
    };
    let exit = if *sign_in == SignIn::None { Exit::MustChange } else { Exit::Done };
    match exit {
        Exit::Done => Answer::done(format!("{message}. {hint}\n")),
        exit => Answer::one_problem(exit, Problem::error("no-sign-in", message).hint(hint)),
    }
}

fn by_provider(
    shell: &Shell,
    of: &ProviderSignIn,
    client: Client,
    no_browser: bool,
) -> Step<Secret> {
    let who = client.provider.name;
    let granted = match of.way {
        Way::Browser => by_browser(shell, of, client, no_browser),
        Way::DeviceCode => by_device_code(shell, of, client),
    };
    let granted = granted.map_err(|why| must_change(not_signed_in(&why)))?;
    granted.refresh.ok_or_else(|| {
        let message = format!("{who} let you in, and gave nothing that lasts longer than an hour");
        must_change(Problem::error("token-denied", message).hint(
            "Ask IT to allow secretariat offline access (offline_access), then sign in again.",
        ))
    })
}

fn by_browser(
    shell: &Shell,
    of: &ProviderSignIn,
    client: Client,
    no_browser: bool,
) -> Result<Granted, NoToken> {
    let who = client.provider.name;
    let authorisation = Authorisation::begin(client)?;
    let url = authorisation.url();
    let is_open = !no_browser && open_browser(shell, &url);
    let how = if is_open {
        "A browser opens. If it does not, open this address on this computer"
    } else {
        "Open this address in a browser on this computer"
    };
    tell(&format!("Sign in to {who} as {}.\n{how}:\n\n{url}\n", of.user));
    authorisation.wait()
}

fn by_device_code(shell: &Shell, of: &ProviderSignIn, client: Client) -> Result<Granted, NoToken> {
    let who = client.provider.name;
    let pairing = Pairing::begin(client)?;
    let minutes = crate::time::in_words(pairing.good_for);
    tell(&format!(
        "Sign in to {who} as {}.\nOn any device open {} and type the code\n\n    {}\n",
        of.user, pairing.address, pairing.code
    ));
    shell.ui.say(&format!("Waiting for you, {minutes} at most."));
    pairing.wait()
}

/// What the person needs: not wrapped, because it is copied, and said also with JSON and when
/// nothing else is.
fn tell(text: &str) {
    use std::io::Write as _;
    // Who closed standard error does not sign in.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Starts what opens addresses here; whether it started.
fn open_browser(shell: &Shell, url: &str) -> bool {
    let mut command = match shell.environment().browser() {
        Some(program) => Command::new(program),
        None if cfg!(windows) => {
            let mut command = Command::new("rundll32");
            command.arg("url.dll,FileProtocolHandler");
            command
        }
        None if cfg!(target_os = "macos") => Command::new("open"),
        None => Command::new("xdg-open"),
    };
    let quiet = command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match quiet.spawn() {
        Ok(mut child) => {
            // Whatever it answers: the address is on the screen too.
            std::thread::spawn(move || drop(child.wait()));
            true
        }
        Err(_) => false,
    }
}

/// A password typed where nobody sees it, or the first line of standard input.
fn asked_password(shell: &Shell, user: &str, host: &str) -> Step<Secret> {
    let read = match io::stdin().is_terminal() {
        true => rpassword::prompt_password(format!("Password of {user} at {host}: ")),
        false => {
            shell.ui.say("Reading the password from standard input.");
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        }
    };
    let password = read.unwrap_or_default().trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() || password.contains(char::is_control) {
        let problem = Problem::error("no-password", "no password was given")
            .hint("Run secretariat sign-in again and type it.");
        return Err(must_change(problem));
    }
    Ok(Secret::new(password))
}

fn done(user: &str, place: &Where) -> Answer {
    let (kept, text) = match place {
        Where::Keyring => ("keyring", "It is kept in the keyring of this computer.".to_owned()),
        Where::File(path, why) => {
            let path = path.display();
            let text = format!(
                "It is kept in a file, which only you may read: {path}\n\
                 It is not in a keyring, because: {why}."
            );
            ("file", text)
        }
    };
    let answer = Answer::done(format!("Signed in as {user}. {text}\n"));
    answer.with("signed_in", json!(user)).with("kept", json!(kept))
}

fn not_signed_in(why: &NoToken) -> Problem {
    let (code, hint) = match why {
        NoToken::SignInAgain(_) => ("not-signed-in", "Run secretariat sign-in again."),
        NoToken::Refused(_) => (Halt::TokenDenied.code(), Halt::TokenDenied.explained().1),
        NoToken::Unreachable(_) => {
            ("sign-in-unreachable", "Check your network, then run secretariat sign-in again.")
        }
        NoToken::Failed(_) => (Halt::NoToken.code(), "Run secretariat sign-in again."),
    };
    Problem::error(code, format!("you are not signed in: {why}")).hint(hint)
}

fn not_kept(error: &VaultError) -> Problem {
    Problem::error("vault", format!("what came of the sign-in cannot be kept: {error}"))
        .hint("Unlock the keyring of this computer, or make room in your home folder.")
}
