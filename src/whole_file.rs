//! Files that the user asks for by name: there is never half of one.

use std::io::Write as _;
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a file whole or not at all.
///
/// # Errors
/// Where it can't be written; what was there before is still there.
pub fn save(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".pollm-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        readable(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Error::failed(format!("could not write `{}`", path.display())).because(&error))
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
