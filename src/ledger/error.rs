//! What can go wrong with the ledger, in words for people.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use ulid::Ulid;

use crate::error::Error;

/// Why the ledger could not be read or written. None of these may cost an
/// answer that was paid for: a command that asks warns and goes on.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file or its folder could not be made.
    #[error("could not create the ledger `{}`", path.display())]
    Create {
        /// What was to be made.
        path: PathBuf,
        /// Why it was not.
        source: std::io::Error,
    },
    /// A later pollm has changed the file's format.
    #[error(
        "the ledger `{}` has format {found}, and this pollm knows none above {known}",
        path.display()
    )]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that is known here.
        known: i64,
    },
    /// The file is not what a ledger looks like.
    #[error("the ledger `{}` is damaged, or is no ledger: {reason}", path.display())]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What `SQLite` says.
        reason: String,
    },
    /// The file is fine, but could not be used now.
    #[error("could not {action} the ledger `{}`: {reason}", path.display())]
    Unusable {
        /// The ledger.
        path: PathBuf,
        /// `read` or `write`.
        action: Action,
        /// Why, in plain words.
        reason: String,
    },
    /// Too short for a prefix, or no ULID's letters.
    #[error("`{0}` is not an id: give at least {least} of its letters and digits", least = super::ids::SHORTEST)]
    NotAnId(String),
    /// There is no such call or conversation.
    #[error("there is no {what} `{id}` in the history")]
    Missing {
        /// `call` or `conversation`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// Several ids begin this way.
    #[error("`{prefix}` is ambiguous: {}", listed(candidates))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// Some of the ids that begin so, newest first.
        candidates: Vec<Ulid>,
    },
}

/// What was tried with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looking something up.
    Read,
    /// Adding, deleting or bringing the format up to date.
    Write,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

fn listed(ids: &[Ulid]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

impl LedgerError {
    /// Puts what `SQLite` reports into words.
    pub(super) fn sqlite(path: &Path, action: Action, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if let rusqlite::Error::FromSqlConversionFailure(_, _, unreadable) = &error {
            return Self::Unusable { path, action, reason: unreadable.to_string() };
        }
        let reason = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                return Self::Damaged { path, reason: error.to_string() };
            }
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                "the file or its folder is read-only".to_owned()
            }
            Some(ErrorCode::CannotOpen) => "the file could not be opened".to_owned(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process is using it".to_owned()
            }
            Some(ErrorCode::SystemIoFailure) => "the disk reported a failure".to_owned(),
            _ => error.to_string(),
        };
        Self::Unusable { path, action, reason }
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        let message = error.to_string();
        let cause = std::error::Error::source(&error);
        let made = match &error {
            LedgerError::NotAnId(_) | LedgerError::Missing { .. } | LedgerError::Ambiguous { .. } => {
                Self::usage(message)
            }
            _ => Self::failed(message),
        };
        let made = match cause {
            Some(cause) => made.because(cause),
            None => made,
        };
        match &error {
            LedgerError::NotAnId(_) | LedgerError::Missing { .. } => {
                made.hint("`pollm history list` shows ids")
            }
            LedgerError::Ambiguous { .. } => made.hint("give more of the id"),
            LedgerError::Newer { .. } => made.hint("update pollm, or move the file away to start a new one"),
            LedgerError::Damaged { .. } => made.hint("move the file away to start a new one"),
            LedgerError::Create { .. } | LedgerError::Unusable { .. } => made,
        }
    }
}
