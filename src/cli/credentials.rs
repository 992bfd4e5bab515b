//! What proves who signs in to the mail server: fetched where it is, once a run.
//!
//! Owns the way from `[relay]` to a [`Proof`]: password, command or sign-in, and under which names
//! the vault has them. Signing in and out is `sign_in.rs`.

use super::shell::{Opened, Shell};
use crate::config::{self, ProviderSignIn, SignIn, fetch_password, fetch_token};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::send::Halt;
use crate::transport::smtp::{Credentials, Proof};
use crate::transport::tokens::{Client, Kept, NoToken, Tokens};
use crate::vault::{Name, Vault};
use std::sync::Arc;

/// What proves who signs in; `None` where nobody does.
///
/// What is refused for certain is said now, before a person is asked anything, where the service
/// may be asked; that it cannot be reached is the run's to meet, as it is with a mail server.
pub(super) fn credentials(
    shell: &Shell,
    opened: &Opened,
    relay: &config::Relay,
    may_ask: bool,
) -> Result<Option<Credentials>, Problem> {
    let root = opened.workspace.root();
    let (name, tokens) = match &relay.sign_in {
        SignIn::None => return Ok(None),
        SignIn::Password { user, password } => {
            let kept = || kept_password(shell, relay, user);
            let password = fetch_password(password, root, shell.environment(), kept)?;
            let proof = Proof::Password(password);
            return Ok(Some(Credentials { name: user.clone(), proof }));
        }
        SignIn::Command { user, command } => {
            let (words, root) = (command.value.clone(), root.to_owned());
            let print = move || fetch_token(&words, &root).map_err(|problem| problem.message);
            (user, Tokens::of_command(Box::new(print), *shell.clock()))
        }
        SignIn::Provider(of) => (&of.user, tokens_of_sign_in(shell, opened, relay, of)?),
    };
    if may_ask && let Some(problem) = tokens.current().err().and_then(|why| problem_of(&why)) {
        return Err(problem);
    }
    let proof = Proof::Token(Arc::new(tokens));
    Ok(Some(Credentials { name: name.clone(), proof }))
}

/// What must change before there is a token; nothing where waiting helps.
fn problem_of(why: &NoToken) -> Option<Problem> {
    let halt = match why {
        NoToken::SignInAgain(_) => Halt::SignInOver,
        NoToken::Refused(_) => Halt::TokenDenied,
        NoToken::Failed(_) => Halt::NoToken,
        NoToken::Unreachable(_) => return None,
    };
    let (what, hint) = halt.explained();
    Some(Problem::error(halt.code(), format!("{what}: {why}")).hint(hint))
}

fn kept_password(shell: &Shell, relay: &config::Relay, user: &str) -> Result<Secret, Problem> {
    let name = Name::of_password(user, &relay.url.to_string());
    let found = vault(shell)?.read(&name).map_err(|error| unreadable(&error))?;
    found.ok_or_else(|| {
        let message = format!("no password is kept for {user} at {}", relay.url.host);
        Problem::error("no-password", message).hint("Run secretariat sign-in: it asks for it.")
    })
}

fn tokens_of_sign_in(
    shell: &Shell,
    opened: &Opened,
    relay: &config::Relay,
    of: &ProviderSignIn,
) -> Result<Tokens, Problem> {
    let (vault, name) = (vault(shell)?, name_of_sign_in(relay, of));
    if vault.read(&name).map_err(|error| unreadable(&error))?.is_none() {
        let message = format!("nobody has signed in as {} on this computer", of.user);
        return Err(Problem::error("not-signed-in", message)
            .hint("Run secretariat sign-in; it is needed once, and again when it expires."));
    }
    let client = client(shell, opened, of)?;
    let (holder, reader, reads) = (vault.clone(), vault.clone(), name.clone());
    let kept = Kept {
        hold: Box::new(move || holder.hold().map_err(|error| error.to_string())),
        read: Box::new(move || reader.read(&reads).map_err(|error| error.to_string())),
        write: Box::new(move |secret| {
            vault.keep(&name, secret).map(drop).map_err(|error| error.to_string())
        }),
    };
    Ok(Tokens::of_sign_in(client, kept, *shell.clock()))
}

/// Who we are to the identity provider.
pub(super) fn client(
    shell: &Shell,
    opened: &Opened,
    of: &ProviderSignIn,
) -> Result<Client, Problem> {
    let none = || Err(Problem::error("bug", "a client_secret is not kept by sign-in"));
    let root = opened.workspace.root();
    let fetch = |source| fetch_password(source, root, shell.environment(), none);
    let secret = of.client_secret.as_ref().map(fetch).transpose()?;
    let (provider, id) = (of.provider.clone(), of.client_id.clone());
    Ok(Client { provider, id, secret, name: of.user.clone() })
}

/// Under which name the vault has a sign-in.
pub(super) fn name_of_sign_in(relay: &config::Relay, of: &ProviderSignIn) -> Name {
    Name::of_sign_in(&of.user, &relay.url.to_string(), of.provider.host(), &of.client_id)
}

/// The vault of whoever runs this program.
pub(super) fn vault(shell: &Shell) -> Result<Vault, Problem> {
    let environment = shell.environment();
    Ok(Vault::new(environment.state_folder(), environment.wants_file_vault()?))
}

/// What is kept may be there and cannot be read.
pub(super) fn unreadable(error: &crate::vault::VaultError) -> Problem {
    Problem::error("vault", format!("what sign-in has kept cannot be read: {error}"))
        .hint("Unlock the keyring of this computer, or run secretariat sign-in again.")
}
