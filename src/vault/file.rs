//! Secrets in files for the owner only, one for each name.
//!
//! # Invariants
//! A file is replaced by renaming: a power cut leaves the old one or the new one. One that others
//! may read is not believed.

use super::VaultError;
use crate::id::Digest;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::owner_only;
use crate::secret::Secret;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The file of a name.
fn path_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(Digest::of(name.as_bytes()).to_string())
}

fn failed(path: &Path) -> impl Fn(io::Error) -> VaultError + '_ {
    |error| VaultError::new(path.display().to_string(), error)
}

pub(super) fn read(folder: &Path, name: &str) -> Result<Option<Secret>, VaultError> {
    let path = path_of(folder, name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&path)(error)),
    };
    if !owner_only::is_owner_only(&file.metadata().map_err(failed(&path))?) {
        let what = "others may read it; sign out, sign in again, and change what was in it";
        return Err(VaultError::new(path.display().to_string(), what));
    }
    let mut text = String::new();
    file.take(PASSWORD_BYTES_MAX).read_to_string(&mut text).map_err(failed(&path))?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(Secret::new))
}

/// Waits for the lock of the folder; it is free again when the file is closed, also by a kill.
pub(super) fn lock(folder: &Path) -> Result<File, VaultError> {
    make(folder)?;
    let path = folder.join("lock");
    let open = || File::options().read(true).write(true).open(&path);
    let file = owner_only::create_file(&path).or_else(|_| open()).map_err(failed(&path))?;
    file.lock().map_err(failed(&path))?;
    Ok(file)
}

fn make(folder: &Path) -> Result<(), VaultError> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(failed(parent))?;
    owner_only::create_folder(folder).map_err(failed(folder))
}

pub(super) fn keep(folder: &Path, name: &str, secret: &Secret) -> Result<PathBuf, VaultError> {
    make(folder)?;
    let path = path_of(folder, name);
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = write(&new, secret).and_then(|()| fs::rename(&new, &path));
    written.map_err(|error| {
        // What is left of it is worth nothing to anybody.
        let _ = fs::remove_file(&new);
        failed(&path)(error)
    })?;
    owner_only::keep_names(folder).map_err(failed(folder))?;
    Ok(path)
}

fn write(path: &Path, secret: &Secret) -> io::Result<()> {
    // One that a run was killed over.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = owner_only::create_file(path)?;
    file.write_all(secret.reveal().as_bytes())?;
    file.sync_all()
}

/// Whether there was one.
pub(super) fn forget(folder: &Path, name: &str) -> Result<bool, VaultError> {
    let path = path_of(folder, name);
    match fs::remove_file(&path) {
        Ok(()) => owner_only::keep_names(folder).map(|()| true).map_err(failed(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(&path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Name, Vault, Where};
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn what_is_kept_is_found_under_its_own_name_only() {
        let state = tempfile::tempdir().unwrap();
        let vault = Vault::new(Some(state.path().join("a/b")), true);
        let name = Name::of_sign_in("ana@x.example", "smtp.x.example:587", "idp.example", "1");
        assert_eq!(vault.read(&name), Ok(None));
        let Ok(Where::File(path, _)) = vault.keep(&name, &secret("canary")) else { panic!("lost") };
        vault.keep(&name, &secret("canary-2")).unwrap();
        assert_eq!(vault.read(&name), Ok(Some(secret("canary-2"))));
        for other in [
            Name::of_password("ana@x.example", "smtp.x.example:587"),
            Name::of_sign_in("ana@x.example", "smtp.evil.example:587", "idp.example", "1"),
            Name::of_sign_in("ana@x.example", "smtp.x.example:587", "idp.example", "2"),
        ] {
            assert_eq!(vault.read(&other), Ok(None), "{other:?}");
        }
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "nothing is left beside it");
        assert_eq!((vault.forget(&name), vault.forget(&name)), (Ok(true), Ok(false)));
        assert_eq!(vault.read(&name), Ok(None));
    }

    /// Security S16.
    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let vault = Vault::new(Some(state.path().to_owned()), true);
        let name = Name::of_password("ana", "x:1");
        let Ok(Where::File(path, _)) = vault.keep(&name, &secret("canary")) else { panic!("lost") };
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = vault.read(&name).unwrap_err().to_string();
        assert!(error.contains("others may read it") && !error.contains("canary"), "{error}");
    }
}
