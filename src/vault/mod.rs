//! Where `sign-in` puts what it got, until `sign-out`: the system's keyring, else a file that only
//! its owner may read.
//!
//! Owns the choice between both and the names of what is kept. `keyring` speaks with the system,
//! `file` with the disk. What a password or token is for is not known here.
//!
//! # Invariants
//! A secret lies in one place. It is replaced whole or not at all, and is durable before `keep`
//! returns. Its name says for which mailbox and server it is, so that a configuration that names
//! another server finds nothing (security S16).
//!
//! # Failure
//! [`VaultError`], which names the place and never the secret.

mod file;
mod keyring;

use crate::secret::Secret;
use std::fmt;
use std::fs::File;
use std::path::PathBuf;

/// What is kept: for whom and where, `sign-in ana@forum.example at smtp.office365.com:587`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The password of a mailbox at a mail server.
    #[must_use]
    pub fn of_password(mailbox: &str, server: &str) -> Name {
        Name(format!("password {mailbox} at {server}"))
    }

    /// The refresh token of a mailbox at a mail server, of this provider and for this client_id.
    #[must_use]
    pub fn of_sign_in(mailbox: &str, server: &str, provider: &str, client_id: &str) -> Name {
        Name(format!("sign-in {mailbox} at {server} by {provider} for {client_id}"))
    }
}

/// Where something was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// The system's keyring.
    Keyring,
    /// A file for the owner only, and why it is not the keyring.
    File(PathBuf, String),
}

/// A place failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct VaultError {
    place: String,
    what: String,
}

impl VaultError {
    fn new(place: impl Into<String>, what: impl fmt::Display) -> VaultError {
        VaultError { place: place.into(), what: what.to_string() }
    }
}

/// The keyring of this computer, or the file in its place.
#[derive(Clone, Debug)]
pub struct Vault {
    /// The folder of the files, made where it is missing; `None`: there is no home for one.
    folder: Option<PathBuf>,
    /// Whether the keyring is left alone.
    file_only: bool,
}

impl Vault {
    /// A vault whose files lie in `state`, the folder for what this computer remembers.
    #[must_use]
    pub fn new(state: Option<PathBuf>, file_only: bool) -> Vault {
        Vault { folder: state.map(|state| state.join("vault")), file_only }
    }

    /// Keeps other runs of this program waiting that would change what is kept, until the guard is
    /// dropped: two that renew one sign-in at once would each make the other's void.
    ///
    /// # Errors
    /// [`VaultError`] when there is a home folder and no lock can be had in it.
    pub fn hold(&self) -> Result<Option<File>, VaultError> {
        self.folder.as_deref().map(file::lock).transpose()
    }

    /// What is kept under a name; `None`: nothing.
    ///
    /// # Errors
    /// [`VaultError`] when it may be there and cannot be read.
    pub fn read(&self, name: &Name) -> Result<Option<Secret>, VaultError> {
        let in_keyring = if self.file_only { Ok(None) } else { keyring::read(&name.0) };
        if let Ok(Some(secret)) = in_keyring {
            return Ok(Some(secret));
        }
        let in_file = match &self.folder {
            Some(folder) => file::read(folder, &name.0)?,
            None => None,
        };
        match (in_file, in_keyring) {
            (None, Err(error)) if keyring::is_there() => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// Keeps a secret in place of what was kept under the name.
    ///
    /// # Errors
    /// [`VaultError`] when neither place takes it.
    pub fn keep(&self, name: &Name, secret: &Secret) -> Result<Where, VaultError> {
        let refused = match self.file_only {
            true => "SECRETARIAT_VAULT asks for a file".to_owned(),
            false => match keyring::keep(&name.0, secret) {
                Ok(()) => {
                    // An older one in a file would come back when the keyring is out of reach.
                    self.folder.iter().try_for_each(|f| file::forget(f, &name.0).map(drop))?;
                    return Ok(Where::Keyring);
                }
                Err(error) => error.to_string(),
            },
        };
        let Some(folder) = &self.folder else {
            return Err(VaultError::new(refused, "and there is no home folder for a file"));
        };
        let path = file::keep(folder, &name.0, secret)?;
        Ok(Where::File(path, refused))
    }

    /// Forgets what was kept under a name; whether there was anything.
    ///
    /// # Errors
    /// [`VaultError`] when it is still there.
    pub fn forget(&self, name: &Name) -> Result<bool, VaultError> {
        let in_file = match &self.folder {
            Some(folder) => file::forget(folder, &name.0)?,
            None => false,
        };
        if self.file_only || !keyring::is_there() {
            return Ok(in_file);
        }
        keyring::forget(&name.0).map(|in_keyring| in_keyring || in_file)
    }
}
