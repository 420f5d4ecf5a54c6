//! Files that the user asks for by name: there is never half of one.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// A file in the making, beside the one that it will take the place of.
pub struct WholeFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Begins a file. What has its name stays as it is until [`WholeFile::keep`];
    /// without that, nothing is left of it.
    ///
    /// # Errors
    /// Where no file can be made in its folder.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".pollm-").tempfile_in(folder);
        let file = file.map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Adds text.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).map_err(|error| unwritable(&self.path, &error))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where it can't be written; what was there before is still there.
    pub fn keep(self) -> Result<()> {
        let Self { path, file } = self;
        let keep = || -> std::io::Result<()> {
            let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            readable(file.as_file())?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
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

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::failed(format!("could not write `{}`", path.display())).because(error)
}

/// Temporary files are private; an answer that the user asked to have in a
/// file is as readable as any other file.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
