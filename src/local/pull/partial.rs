//! A file that is not complete yet.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Weights;
use crate::paths::private_file;

/// Why bytes were not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// They can't be kept; another source would not help.
    Storage(io::Error),
    /// The source failed, or sent something else.
    Source(String),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Storage(error)
    }
}

/// Bytes of a hash as hexadecimal digits.
pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The beginning of a file, hashed as far as it goes.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    hash: Sha256,
    done: u64,
    size: u64,
    sha256: &'static str,
}

impl Partial {
    /// Opens what an earlier download left, or begins.
    pub(super) fn open(path: &Path, weights: &Weights) -> io::Result<Self> {
        let file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut part = Self {
            path: path.to_owned(),
            file,
            hash: Sha256::new(),
            done: 0,
            size: weights.size,
            sha256: weights.sha256,
        };
        if part.file.metadata()?.len() > part.size {
            part.restart()?;
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            match part.file.read(&mut buffer)? {
                0 => return Ok(part),
                count => {
                    part.hash.update(&buffer[..count]);
                    part.done += count as u64;
                }
            }
        }
    }

    /// Bytes that are there.
    pub(super) const fn done(&self) -> u64 {
        self.done
    }

    /// Bytes that there will be.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Whether all bytes are there, right or wrong.
    pub(super) const fn is_complete(&self) -> bool {
        self.done == self.size
    }

    /// Forgets all bytes.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hash = Sha256::new();
        self.done = 0;
        Ok(())
    }

    /// Takes bytes at a place of the whole file: where it ends now, or the very beginning.
    pub(super) fn write(&mut self, place: u64, bytes: &[u8]) -> Result<(), Refused> {
        if place == 0 && self.done > 0 {
            self.restart()?;
        }
        if place != self.done {
            return Err(Refused::Source(format!("it sent byte {place} instead of byte {}", self.done)));
        }
        if bytes.len() as u64 > self.size - self.done {
            self.restart()?;
            return Err(Refused::Source(format!("it sent more than the {} bytes of the file", self.size)));
        }
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// Checks the hash of a complete file; forgets all bytes where it is wrong.
    pub(super) fn check(&mut self) -> Result<(), Refused> {
        let found = hex(&self.hash.clone().finalize());
        if found == self.sha256 {
            return Ok(());
        }
        self.restart()?;
        Err(Refused::Source(format!("it sent another file, with the SHA-256 {found}")))
    }

    /// Makes a checked file last, and gives it its name.
    pub(super) fn finish(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        drop(self.file);
        fs::rename(&self.path, path)?;
        // The name lasts once the folder does. Where folders can't be opened, the
        // system sees to it.
        if let Some(Ok(folder)) = path.parent().map(File::open) {
            folder.sync_all()?;
        }
        Ok(())
    }
}
