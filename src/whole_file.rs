//! Files that the user asks for by name: there is never half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// A file in the making, beside the one that it will take the place of.
pub struct WholeFile {
    path: PathBuf,
    to: To,
}

enum To {
    New(BufWriter<NamedTempFile>),
    /// A terminal, a pipe or `/dev/null`, which nothing may take the place of.
    Device(File),
}

/// Finds out whether a file could be made, before anything is paid for that is
/// to be in it. Nothing is left of the attempt.
///
/// # Errors
/// Where it can't.
pub fn probe(path: &Path) -> Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(());
    }
    WholeFile::create(path).map(drop)
}

impl WholeFile {
    /// Begins a file. What has its name stays as it is until [`WholeFile::keep`];
    /// without that, nothing is left of it.
    ///
    /// # Errors
    /// Where no file can be made in its folder.
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |error| unwritable(path, &error);
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
            }
            Ok(found) if !found.is_file() => {
                let device = OpenOptions::new().write(true).open(path).map_err(failed)?;
                return Ok(Self { path: path.to_owned(), to: To::Device(device) });
            }
            _ => {}
        }
        // What a link leads to is written anew, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".pollm-").tempfile_in(folder);
        let file = file.map_err(|error| unwritable(&path, &bare(error)))?;
        Ok(Self { path, to: To::New(BufWriter::new(file)) })
    }

    /// Adds text.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let to: &mut dyn Write = match &mut self.to {
            To::New(file) => file,
            To::Device(device) => device,
        };
        to.write_all(text.as_bytes()).map_err(|error| unwritable(&self.path, &bare(error)))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where it can't be written; what was there before is still there.
    pub fn keep(self) -> Result<()> {
        let Self { path, to } = self;
        let To::New(file) = to else { return Ok(()) };
        let keep = || -> io::Result<()> {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            readable(file.as_file())?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        keep().map_err(|error| unwritable(&path, &bare(error)))
    }
}

/// The error without the name of the file in the making, which is not the
/// user's business.
fn bare(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((what, _)) => io::Error::other(what),
        None => error,
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

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::failed(format!("could not write `{}`", path.display())).because(error)
}

/// Temporary files are private; an answer that the user asked to have in a
/// file is as readable as any other file.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        probe(&path).unwrap();
        assert!(!path.exists());
        let mut file = WholeFile::create(&path).unwrap();
        file.write("new").unwrap();
        assert!(!path.exists());
        file.keep().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_found_before() {
        let folder = tempfile::tempdir().unwrap();
        let error = probe(folder.path()).unwrap_err();
        assert!(error.causes[0].contains("directory"), "{error:?}");
        let error = probe(&folder.path().join("no/such/a.json")).unwrap_err();
        assert!(!error.causes[0].contains(".pollm-"), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.txt"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        save(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let pipe = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &pipe).unwrap();
        probe(&pipe).unwrap();
        save(&pipe, "gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
