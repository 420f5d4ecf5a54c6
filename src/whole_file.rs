//! Files that the user asks for by name: there is never half of one.
//!
//! A regular file is written beside the one that it takes the place of, whose
//! mode it keeps, and which it leaves alone where that must not be written. What
//! is no regular file (`/dev/stdout`, a named pipe) is written to as it stands: it
//! must not be replaced. A link stays a link.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, ErrorKind, Result};

/// A file in the making, beside the one that it will take the place of.
pub struct WholeFile {
    path: PathBuf,
    to: To,
}

enum To {
    /// A new file, and the name that it gets at its end.
    Beside(BufWriter<NamedTempFile>, PathBuf),
    /// What can't be half: a device or a pipe.
    Straight(BufWriter<File>),
}

impl WholeFile {
    /// Begins a file. What has its name stays as it is until [`WholeFile::keep`];
    /// without that, nothing is left of it. Devices and pipes are opened.
    ///
    /// # Errors
    /// Where no file can be made in its folder, or a folder has its name.
    pub fn create(path: &Path) -> Result<Self> {
        let to = open(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), to })
    }

    /// Adds text.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let written = match &mut self.to {
            To::Beside(file, _) => file.write_all(text.as_bytes()),
            To::Straight(file) => file.write_all(text.as_bytes()),
        };
        written.map_err(|error| unwritable(&self.path, &error))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where it can't be written; what was there before is still there.
    pub fn keep(self) -> Result<()> {
        let Self { path, to } = self;
        let keep = || match to {
            To::Beside(file, target) => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&target).map(drop).map_err(|error| error.error)
            }
            To::Straight(mut file) => file.flush(),
        };
        keep().map_err(|error| unwritable(&path, &error))
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// Where it can't be written; what was there before is still there.
pub fn save(path: &Path, text: &str) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write(text)?;
    file.keep()
}

/// Finds out whether a file of this name could be written, before an answer is
/// paid for that has nowhere to go. Nothing is left of the attempt.
///
/// # Errors
/// Where it couldn't: a folder that is missing or read-only, or has that name.
pub fn check(path: &Path) -> Result<()> {
    // A pipe is not opened: its reader would take that for the whole.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(());
    }
    WholeFile::create(path).map(drop).map_err(|error| Error { kind: ErrorKind::Usage, ..error })
}

fn open(path: &Path) -> io::Result<To> {
    let found = match std::fs::metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // Windows does not even tell what its devices are.
        Err(_) => return straight(path),
    };
    if found.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return straight(path);
    }
    // What must not be written must not be replaced either, which its folder alone would allow.
    if found.is_some() {
        OpenOptions::new().write(true).open(path)?;
    }
    // Through a link, to the file that it stands for.
    let target = if found.is_some() { path.canonicalize()? } else { led_to(path) };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new();
    beside.prefix(".pollm-");
    // Temporary files are private; this one is to be as any other new file.
    #[cfg(unix)]
    beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = beside.tempfile_in(folder)?;
    if let Some(found) = found {
        file.as_file().set_permissions(found.permissions())?;
    }
    Ok(To::Beside(BufWriter::new(file), target))
}

/// Where links lead that end at no file yet.
fn led_to(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = std::fs::read_link(&target) else { break };
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    target
}

fn straight(path: &Path) -> io::Result<To> {
    Ok(To::Straight(BufWriter::new(OpenOptions::new().write(true).open(path)?)))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let mut unwritable = Error::failed(format!("could not write `{}`", path.display())).because(error);
    // The name of the file in the making, which tempfile adds, says nothing to the user.
    for cause in &mut unwritable.causes {
        let end = cause.find(" at path \"").unwrap_or(cause.len());
        cause.truncate(end);
    }
    unwritable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_found_out_before_anything_is_paid() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing/answer.txt");
        let error = check(&missing).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage);
        assert!(!error.to_string().contains(".pollm-"), "{error}");
        assert!(check(folder.path()).is_err());
        check(&folder.path().join("answer.txt")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// Nobody may write a program that runs, not even root.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_must_not_be_written_is_not_replaced() {
        let test = std::env::current_exe().unwrap();
        assert_eq!(check(&test).unwrap_err().kind, ErrorKind::Usage);
        assert!(save(&test, "").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode_and_a_link_its_target() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [private, link] = ["private.txt", "link.txt"].map(|name| folder.path().join(name));
        std::fs::write(&private, "before").unwrap();
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&private, &link).unwrap();
        save(&link, "after").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&private).unwrap(), "after");
        let [early, new] = ["early.txt", "new.txt"].map(|name| folder.path().join(name));
        symlink("new.txt", &early).unwrap();
        save(&early, "first").unwrap();
        assert!(early.is_symlink());
        assert_eq!(std::fs::read_to_string(&new).unwrap(), "first");
        assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_written_to_and_stays() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let name = pipe.clone();
        let reader = std::thread::spawn(move || std::fs::read_to_string(name).unwrap());
        check(&pipe).unwrap();
        save(&pipe, "text").unwrap();
        assert_eq!(reader.join().unwrap(), "text");
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
