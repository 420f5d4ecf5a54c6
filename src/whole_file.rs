//! Files that the user asks for by name: there is never half of one.

use std::fs::{self, File};
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
    /// What takes the file's place, and the place: a symbolic link stays one.
    Beside(BufWriter<NamedTempFile>, PathBuf),
    /// A pipe or a device (`>(command)`, `/dev/null`): nothing can take its
    /// place, and no one sees half of it.
    Through(BufWriter<File>),
}

impl WholeFile {
    /// Begins a file. What has its name stays as it is until [`WholeFile::keep`];
    /// without that, nothing is left of it.
    ///
    /// # Errors
    /// Where no file can be made in its folder.
    pub fn create(path: &Path) -> Result<Self> {
        let to = begin(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), to })
    }

    /// Adds text.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let to: &mut dyn Write = match &mut self.to {
            To::Beside(file, _) => file,
            To::Through(file) => file,
        };
        to.write_all(text.as_bytes()).map_err(|error| unwritable(&self.path, &error))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Where it can't be written; what was there before is still there.
    pub fn keep(self) -> Result<()> {
        let keep = || match self.to {
            To::Through(mut file) => file.flush(),
            To::Beside(file, place) => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(place).map(drop).map_err(|error| error.error)
            }
        };
        keep().map_err(|error| unwritable(&self.path, &error))
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

fn begin(path: &Path) -> io::Result<To> {
    let place = match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => fs::canonicalize(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        // Windows does not even tell what its devices are.
        Ok(_) | Err(_) => return Ok(To::Through(BufWriter::new(File::options().write(true).open(path)?))),
    };
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pollm-");
    // Temporary files are private unless told otherwise; an answer that the
    // user asked to have in a file is as readable as the user's other files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    #[cfg(unix)]
    if let Ok(old) = fs::metadata(&place) {
        file.as_file().set_permissions(old.permissions())?;
    }
    Ok(To::Beside(BufWriter::new(file), place))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::failed(format!("could not write `{}`", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answer.md");
        fs::write(&path, "old").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write("new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        save(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
        assert!(save(dir.path(), "new").is_err(), "a folder is no file");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_a_mode_stays_as_it_was() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("target", &link).unwrap();
        save(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_as_open_as_the_user_has_files_be() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
        save(&ours, "").unwrap();
        File::create(&plain).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        save(&pipe, "an answer").unwrap();
        assert_eq!(reader.join().unwrap(), "an answer");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
