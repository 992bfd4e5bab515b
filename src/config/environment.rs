//! Environment variables: the only place that reads them.
//!
//! Owns their names and what an empty one means: nothing, as if it were not set. That flags beat
//! the environment and the environment beats the file is done in `read.rs` and `cli/`.
//!
//! # Failure
//! A [`Problem`] that names the variable; of a secret never the value (security S16).

use super::relay_url::RelayUrl;
use crate::problem::Problem;
use crate::secret::Secret;
use crate::time::{Clock, Timestamp};
use crate::transport::tokens::is_on_this_computer;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// The time a run starts at, RFC 3339.
pub const NOW: &str = "SECRETARIAT_NOW";
/// Instead of `[relay] url`.
pub const RELAY_URL: &str = "SECRETARIAT_RELAY_URL";
/// Instead of `[relay] user`.
pub const RELAY_USER: &str = "SECRETARIAT_RELAY_USER";
/// Instead of `[relay] password`, and what is read where that is not written.
pub const RELAY_PASSWORD: &str = "SECRETARIAT_RELAY_PASSWORD";
/// The folder for what this computer remembers, instead of the system's own.
pub const STATE_DIR: &str = "SECRETARIAT_STATE_DIR";
/// The folder for ledgers that may not lie in their workspaces, instead of the system's own.
pub const DATA_DIR: &str = "SECRETARIAT_DATA_DIR";
/// Beneath which address the identity provider is asked, on this computer only: for tests.
pub const SIGN_IN_URL: &str = "SECRETARIAT_SIGN_IN_URL";
/// `file`: what `sign-in` keeps goes into a file for the owner, also where there is a keyring.
pub const VAULT: &str = "SECRETARIAT_VAULT";
/// The program that opens addresses, instead of the system's own.
const BROWSER: &str = "BROWSER";
/// The computer's name on Windows and in some shells.
const COMPUTER_NAMES: [&str; 2] = ["HOSTNAME", "COMPUTERNAME"];
/// The point at which a test lets the process die, and at which passing of it: `intended:2`.
#[cfg(feature = "crash-points")]
pub const CRASH_AT: &str = "SECRETARIAT_CRASH_AT";
/// Not empty: no colours (no-color.org).
pub const NO_COLOR: &str = "NO_COLOR";

/// Finds a variable by its name.
type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// The environment of a run.
pub struct Environment {
    lookup: Box<Lookup>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Environment {
        Environment::from_lookup(|name| std::env::var_os(name))
    }

    /// An environment in which `lookup` finds the variables.
    #[must_use]
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Environment {
        Environment { lookup: Box::new(lookup) }
    }

    /// An environment of these variables only.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Environment {
        let variables: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        Environment::from_lookup(move |wanted| {
            variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        })
    }

    /// The clock of the run: the system's, or started at `SECRETARIAT_NOW`.
    ///
    /// # Errors
    /// `environment` when the variable is no point in time.
    pub fn clock(&self) -> Result<Clock, Problem> {
        let Some(text) = self.text(NOW)? else { return Ok(Clock::system()) };
        let start = Timestamp::parse(&text).map_err(|error| {
            Problem::error("environment", format!("{NOW}: {error}"))
                .hint(format!("Set {NOW} to a time in RFC 3339, or unset it."))
        })?;
        Ok(Clock::starting_at(start))
    }

    /// Where a test lets this process die: a name of [`crate::crash::POINTS`], and at which passing
    /// of it, from 1.
    ///
    /// # Errors
    /// `environment` for a name that is none, and for another form than `NAME:N`.
    #[cfg(feature = "crash-points")]
    pub fn crash_at(&self) -> Result<Option<(String, u64)>, Problem> {
        let Some(text) = self.text(CRASH_AT)? else { return Ok(None) };
        let read = text.split_once(':').and_then(|(name, nth)| {
            let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
            crate::crash::POINTS.contains(&name).then(|| (name.to_owned(), nth))
        });
        let not_read = || {
            Problem::error("environment", format!("{CRASH_AT}: {text:?} names no crash point"))
                .hint(format!("Set {CRASH_AT} to a point and a number, such as intended:2."))
        };
        read.map(Some).ok_or_else(not_read)
    }

    /// The system's folder for temporary files.
    #[must_use]
    pub fn temporary_folder(&self) -> std::path::PathBuf {
        std::env::temp_dir()
    }

    /// What this computer is called, for whoever finds the run lock taken.
    #[must_use]
    pub fn computer_name(&self) -> String {
        let variable = COMPUTER_NAMES.iter().find_map(|name| self.text(name).ok().flatten());
        let file = || std::fs::read_to_string("/etc/hostname").ok();
        let name = variable.or_else(file).map(|name| name.trim().to_owned());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "this computer".to_owned())
    }

    /// `SECRETARIAT_RELAY_URL`.
    ///
    /// # Errors
    /// `environment` when the variable is no relay's URL.
    pub fn relay_url(&self) -> Result<Option<RelayUrl>, Problem> {
        let Some(text) = self.text(RELAY_URL)? else { return Ok(None) };
        let url = RelayUrl::parse(&text).map_err(|refusal| {
            let message = format!("{RELAY_URL} {}", refusal.message);
            Problem::error("environment", message).hint(refusal.hint)
        })?;
        Ok(Some(url))
    }

    /// `SECRETARIAT_RELAY_USER`.
    ///
    /// # Errors
    /// `environment` when the variable is not Unicode.
    pub fn relay_user(&self) -> Result<Option<String>, Problem> {
        self.text(RELAY_USER)
    }

    /// A variable that holds a secret: `None` when it is not set or empty.
    ///
    /// # Errors
    /// `environment` when the variable is not Unicode.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, Problem> {
        self.text(name).map(|text| text.map(Secret::new))
    }

    /// Whether `SECRETARIAT_RELAY_PASSWORD` is set.
    #[must_use]
    pub fn has_relay_password(&self) -> bool {
        self.is_set(RELAY_PASSWORD)
    }

    /// `SECRETARIAT_SIGN_IN_URL`, without a slash at its end.
    ///
    /// # Errors
    /// `environment` when it is not one of this computer: a token goes there.
    pub fn sign_in_url(&self) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(SIGN_IN_URL)? else { return Ok(None) };
        if is_on_this_computer(&text) {
            return Ok(Some(text.trim_end_matches('/').to_owned()));
        }
        let message = format!("{SIGN_IN_URL} is no address of this computer");
        Err(Problem::error("environment", message)
            .hint("It is for tests, such as http://127.0.0.1:8080; unset it."))
    }

    /// Whether `SECRETARIAT_VAULT` asks for a file in place of the system's keyring.
    ///
    /// # Errors
    /// `environment` for any other word than `file`.
    pub fn wants_file_vault(&self) -> Result<bool, Problem> {
        match self.text(VAULT)?.as_deref() {
            None => Ok(false),
            Some("file") => Ok(true),
            Some(other) => {
                Err(Problem::error("environment", format!("{VAULT}: {other:?} is none"))
                    .hint(format!("Set {VAULT} to file, or unset it.")))
            }
        }
    }

    /// The program that opens addresses, where `BROWSER` names one.
    #[must_use]
    pub fn browser(&self) -> Option<String> {
        self.text(BROWSER).ok().flatten()
    }

    /// Whether the reader asked every program for output without colours.
    #[must_use]
    pub fn asks_for_no_color(&self) -> bool {
        self.is_set(NO_COLOR)
    }

    /// The folder for what this computer remembers between runs: `SECRETARIAT_STATE_DIR`, else the
    /// system's own for that. `None` where the environment names no home.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        self.local_folder(STATE_DIR, "XDG_STATE_HOME", ".local/state")
    }

    /// The folder for ledgers that may not lie in their workspaces: `SECRETARIAT_DATA_DIR`, else
    /// the system's own for a program's data. `None` where the environment names no home.
    #[must_use]
    pub fn data_folder(&self) -> Option<PathBuf> {
        self.local_folder(DATA_DIR, "XDG_DATA_HOME", ".local/share")
    }

    /// A folder of ours that stays on this computer. The XDG variables and their defaults are those
    /// of the Base Directory Specification, which has relative paths ignored.
    fn local_folder(&self, ours: &str, xdg: &str, beneath_home: &str) -> Option<PathBuf> {
        if let Some(folder) = self.path(ours) {
            return std::path::absolute(folder).ok();
        }
        let home = || self.path("HOME");
        let folder = if cfg!(windows) {
            self.path("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Application Support"))
        } else {
            let xdg = self.path(xdg).filter(|folder| folder.is_absolute());
            xdg.or_else(|| home().map(|home| home.join(beneath_home)))
        };
        folder.filter(|folder| folder.is_absolute()).map(|folder| folder.join("secretariat"))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        (self.lookup)(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    fn is_set(&self, name: &str) -> bool {
        (self.lookup)(name).is_some_and(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        let Some(value) = (self.lookup)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value.into_string().map(Some).map_err(|_| {
            Problem::error("environment", format!("the variable {name} is not Unicode"))
                .hint(format!("Set {name} again, or unset it."))
        })
    }
}

impl fmt::Debug for Environment {
    /// Shows nothing: variables hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_at_secretariat_now() {
        let clock = Environment::of(&[(NOW, "2026-11-05T10:30:00+01:00")]).clock().unwrap();
        assert_eq!(clock.date().to_string(), "2026-11-05T09:30:00Z");
        let problem = Environment::of(&[(NOW, "tomorrow")]).clock().unwrap_err();
        assert!(problem.message.starts_with("SECRETARIAT_NOW: \"tomorrow\" is not"));
        assert!(Environment::of(&[(NOW, "")]).clock().is_ok(), "an empty variable is none");
    }

    #[test]
    fn a_variable_that_is_not_what_it_must_be_is_named() {
        let problem = Environment::of(&[(RELAY_URL, "mail.example")]).relay_url().unwrap_err();
        assert_eq!(problem.message, "SECRETARIAT_RELAY_URL does not say how to connect");
        let url = Environment::of(&[(RELAY_URL, "smtps://x")]).relay_url().unwrap().unwrap();
        assert_eq!(url.to_string(), "smtps://x:465");
    }

    #[cfg(feature = "crash-points")]
    #[test]
    fn a_crash_is_at_a_point_that_there_is() {
        let at = |text: &str| Environment::of(&[(CRASH_AT, text)]).crash_at();
        assert_eq!(at("intended:2"), Ok(Some(("intended".to_owned(), 2))));
        assert_eq!(at(""), Ok(None));
        for wrong in ["intended", "intended:", "intended:0", "intended:x", "nowhere:1", ":1"] {
            let problem = at(wrong).unwrap_err();
            assert!(problem.message.starts_with(CRASH_AT), "{wrong}");
        }
    }

    #[test]
    fn colours_are_off_when_the_variable_holds_anything() {
        for (value, expected) in [("1", true), ("0", true), ("", false)] {
            assert_eq!(Environment::of(&[(NO_COLOR, value)]).asks_for_no_color(), expected);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_stays_on_this_computer_has_a_folder_of_its_own() {
        let state = |variables: &[(&str, &str)]| Environment::of(variables).state_folder();
        let named = [(STATE_DIR, "/x"), ("XDG_STATE_HOME", "/state"), ("HOME", "/home/ana")];
        for (variables, folder) in [
            (&named[..], Some("/x")),
            (&named[1..], Some("/state/secretariat")),
            (&named[2..], Some("/home/ana/.local/state/secretariat")),
            (&[("XDG_STATE_HOME", "state"), ("HOME", "/h")], Some("/h/.local/state/secretariat")),
            (&[("HOME", "")], None),
        ] {
            assert_eq!(state(variables), folder.map(PathBuf::from), "{variables:?}");
        }
    }

    /// Security S16.
    #[test]
    fn a_secret_is_not_shown() {
        let environment = Environment::of(&[(RELAY_PASSWORD, "canary")]);
        let secret = environment.secret(RELAY_PASSWORD).unwrap();
        assert_eq!(secret.as_ref().map(Secret::reveal), Some("canary"));
        assert!(!format!("{environment:?} {secret:?}").contains("canary"));
    }
}
