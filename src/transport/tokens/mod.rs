//! Access tokens in place of passwords: where a run gets one, and another when it is spent.
//!
//! Owns [`Tokens`], which all connections of a run share. `provider` knows the endpoints of the
//! great services, `authorisation` and `device_code` let a person sign in, `refresh` renews without
//! one, `answer` reads what a provider says, `http` carries it. Where a refresh token is kept is
//! the vault's: it is read and written here through [`Kept`]. Putting a token on a mail server's
//! wire is `smtp/sign_in.rs`.
//!
//! # Standards
//! RFC 6749 (OAuth 2.0), RFC 6750 (bearer tokens), RFC 8252 (native apps), RFC 7636 (PKCE), RFC
//! 8628 (device code).
//!
//! # Invariants
//! No token is in a message or a log (security S16). Two connections that need another token get
//! the same one, by one renewal. A refresh token that was rotated is kept before the access token
//! that came with it is used: a power cut never leaves only the one that is void.
//!
//! # Failure
//! [`NoToken`]: whether a person, IT or time helps.

mod answer;
mod authorisation;
mod device_code;
mod http;
mod provider;
mod refresh;

pub use answer::Granted;
pub use authorisation::Authorisation;
pub use device_code::Pairing;
pub use http::is_on_this_computer;
pub use provider::{Client, Provider};

use crate::limits::TOKEN_GOOD_FOR_MIN;
use crate::secret::Secret;
use crate::time::Clock;
use std::fmt;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why there is no token, in words without any secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// The person has to sign in again.
    #[error("{0}")]
    SignInAgain(String),
    /// The provider refuses this program, tenant or account: signing in again is no help.
    #[error("{0}")]
    Refused(String),
    /// The provider could not be asked, or cannot answer now.
    #[error("{0}")]
    Unreachable(String),
    /// The command that prints tokens failed, or a token could not be kept or read.
    #[error("{0}")]
    Failed(String),
}

/// Where the refresh token of a sign-in is kept. All are called while a renewal is under way and
/// may wait.
pub struct Kept {
    /// Reads it: another run may have written a newer one. `None`: nobody is signed in.
    pub read: Read,
    /// Keeps other runs of this program from renewing meanwhile, until what it gives is dropped.
    pub hold: Hold,
    /// Replaces it durably.
    pub write: Write,
}

/// Takes a lock that is free again when what it gives is dropped.
pub type Hold = Box<dyn Fn() -> Result<Option<File>, String> + Send + Sync>;

/// Reads a refresh token.
pub type Read = Box<dyn Fn() -> Result<Option<Secret>, String> + Send + Sync>;

/// Writes a refresh token.
pub type Write = Box<dyn Fn(&Secret) -> Result<(), String> + Send + Sync>;

/// What prints an access token.
pub type Print = Box<dyn Fn() -> Result<Secret, String> + Send + Sync>;

enum Source {
    Command(Print),
    Provider(Box<Client>, Kept),
}

/// An access token, and until when it is good by the run's clock.
struct Held {
    token: Secret,
    good_until: Option<Duration>,
}

/// The access tokens of a run.
pub struct Tokens {
    source: Source,
    clock: Clock,
    held: Mutex<Option<Held>>,
}

impl Tokens {
    /// Tokens that a command prints. How long they are good it does not say: each is used until it
    /// is refused.
    #[must_use]
    pub fn of_command(print: Print, clock: Clock) -> Tokens {
        Tokens { source: Source::Command(print), clock, held: Mutex::new(None) }
    }

    /// Tokens of a person who has signed in.
    #[must_use]
    pub fn of_sign_in(client: Client, kept: Kept, clock: Clock) -> Tokens {
        let source = Source::Provider(Box::new(client), kept);
        Tokens { source, clock, held: Mutex::new(None) }
    }

    /// A token that is good for the next [`TOKEN_GOOD_FOR_MIN`], as far as its provider says. May
    /// wait for the provider or a command.
    ///
    /// # Errors
    /// [`NoToken`] when another one is needed and there is none.
    pub fn current(&self) -> Result<Secret, NoToken> {
        let mut held = self.held();
        match held.as_ref().filter(|held| self.is_good(held)) {
            Some(held) => Ok(held.token.clone()),
            None => self.renew(&mut held),
        }
    }

    /// Another token in place of one that a mail server has refused. Where another connection has
    /// renewed it meanwhile, that one's; the same again only where a command prints no other.
    ///
    /// # Errors
    /// [`NoToken`].
    pub fn renewed(&self, refused: &Secret) -> Result<Secret, NoToken> {
        let mut held = self.held();
        match held.as_ref().filter(|held| held.token != *refused) {
            Some(held) => Ok(held.token.clone()),
            None => self.renew(&mut held),
        }
    }

    /// A panic of another connection is reported by itself; what it held is whole.
    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_good(&self, held: &Held) -> bool {
        held.good_until.is_none_or(|end| self.clock.elapsed() + TOKEN_GOOD_FOR_MIN < end)
    }

    /// The lock is held meanwhile: whoever else needs a token waits for this one.
    fn renew(&self, held: &mut Option<Held>) -> Result<Secret, NoToken> {
        // What is spent is not used again, also where the renewal fails.
        *held = None;
        let asked_at = self.clock.elapsed();
        let fresh = match &self.source {
            Source::Command(print) => {
                Held { token: print().map_err(NoToken::Failed)?, good_until: None }
            }
            Source::Provider(client, kept) => {
                let granted = renewed_and_kept(client, kept)?;
                let good_until = granted.good_for.map(|time| asked_at + time);
                Held { token: granted.access, good_until }
            }
        };
        let token = fresh.token.clone();
        *held = Some(fresh);
        Ok(token)
    }
}

/// A renewal whose new refresh token, if there is one, is kept before anything else happens.
fn renewed_and_kept(client: &Client, kept: &Kept) -> Result<Granted, NoToken> {
    let _held = (kept.hold)().map_err(NoToken::Failed)?;
    let refresh = (kept.read)().map_err(NoToken::Failed)?;
    let nobody = || NoToken::SignInAgain("nobody is signed in on this computer".to_owned());
    let refresh = refresh.ok_or_else(nobody)?;
    let granted = refresh::refresh(client, &refresh)?;
    if let Some(rotated) = granted.refresh.as_ref().filter(|rotated| **rotated != refresh) {
        let not_kept = |error| NoToken::Failed(format!("the renewed sign-in was lost: {error}"));
        (kept.write)(rotated).map_err(not_kept)?;
    }
    Ok(granted)
}

impl fmt::Debug for Tokens {
    /// Shows nothing (security S16).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn numbered() -> (Arc<AtomicU32>, Tokens) {
        let printed = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&printed);
        let print = move || {
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Secret::new(format!("canary-{n}")))
        };
        (printed, Tokens::of_command(Box::new(print), Clock::system()))
    }

    #[test]
    fn a_token_is_used_until_it_is_refused_and_renewed_once_for_all() {
        let (printed, tokens) = numbered();
        let first = tokens.current().unwrap();
        assert_eq!(tokens.current().unwrap(), first);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(tokens.renewed(&first).unwrap().reveal(), "canary-2"));
            }
        });
        assert_eq!(printed.load(Ordering::SeqCst), 2, "four connections, one renewal");
        assert_eq!(tokens.current().unwrap().reveal(), "canary-2");
        assert!(!format!("{tokens:?}").contains("canary"));
    }

    #[test]
    fn a_failed_renewal_leaves_no_spent_token_behind() {
        let prints = AtomicU32::new(0);
        let print = move || match prints.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(Secret::new("canary".to_owned())),
            _ => Err("the password store is locked".to_owned()),
        };
        let tokens = Tokens::of_command(Box::new(print), Clock::system());
        let first = tokens.current().unwrap();
        let failed = Err(NoToken::Failed("the password store is locked".to_owned()));
        assert_eq!(tokens.renewed(&first), failed);
        assert_eq!(tokens.current(), failed);
    }
}
