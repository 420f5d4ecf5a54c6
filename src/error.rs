//! The error of a command: what went wrong, which exit code it has, and what
//! may help. Failures of calls are data ([`crate::outcome::Outcome`]); they
//! become an [`Error`] only where a command ends with one.

use std::fmt::Write as _;

use crate::render::filter::clean;
use crate::wire::{ApiError, FailureKind};

/// What kind of error ends a command. The kind decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A call failed, or something else that the user did not get wrong.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Over budget; nothing was sent.
    Budget,
    /// Some lanes of a comparison failed.
    SomeFailed,
    /// The configuration is wrong, or a key is missing or rejected.
    Config,
    /// A time limit was reached.
    Timeout,
    /// A check, a schema or an agreement failed.
    Check,
    /// The answer was truncated or refused, under `--strict`.
    Strict,
    /// The user interrupted.
    Interrupted,
    /// The reader of the output went away, which is no error.
    BrokenPipe,
}

impl ErrorKind {
    /// The process's exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Budget => 3,
            Self::SomeFailed => 4,
            Self::Config => 5,
            Self::Timeout => 6,
            Self::Check => 7,
            Self::Strict => 8,
            Self::Interrupted => 130,
        }
    }
}

impl From<FailureKind> for ErrorKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Auth | FailureKind::Permission => Self::Config,
            FailureKind::Timeout => Self::Timeout,
            FailureKind::Cancelled => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

/// An error with its causes and hints, in the words that the user reads:
/// lower case, no final period, literals in backticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit code.
    pub kind: ErrorKind,
    /// What went wrong.
    pub message: String,
    /// Why, from the nearest cause to the farthest.
    pub causes: Vec<String>,
    /// What may help.
    pub hints: Vec<String>,
}

/// A result whose error ends the command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A wrong configuration, or a missing key.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Something else that failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// Adds a cause and, behind it, that one's own sources.
    #[must_use]
    pub fn because(mut self, cause: &dyn std::error::Error) -> Self {
        let mut next = Some(cause);
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some libraries repeat their source in their own message.
            if self.causes.last().is_none_or(|last| !last.ends_with(&text)) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The text for stderr, with a final newline, harmless for a terminal: names
    /// of files and models in it may have come from anywhere. Colour is the
    /// caller's affair: `label` paints the words `error` and `hint`.
    pub fn render(&self, label: &dyn Fn(&str) -> String) -> String {
        let mut text = format!("{}: {}\n", label("error"), clean(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  because: {}", clean(cause));
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            let _ = writeln!(text, "{}: {}", label("hint"), clean(hint));
        }
        text
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.render(&|word| word.to_owned()).trim_end())
    }
}

impl std::error::Error for Error {}

impl From<&ApiError> for Error {
    fn from(error: &ApiError) -> Self {
        Self::new(error.kind.into(), error.message.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_from_what_to_why_to_what_now() {
        let cause = std::io::Error::other("disk full");
        let error = Error::failed("could not write `a.json`").because(&cause).hint("free some space");
        assert_eq!(
            error.render(&|word| word.to_owned()),
            "error: could not write `a.json`\n  because: disk full\n\nhint: free some space\n"
        );
    }

    #[test]
    fn nothing_in_an_error_drives_a_terminal() {
        let error = Error::usage("no `a\x1b[31mb`").hint("try `c\x07`");
        assert_eq!(error.to_string(), "error: no `ab`\n\nhint: try `c`");
    }

    #[test]
    fn exit_codes_are_as_documented() {
        use ErrorKind as K;
        let codes = [
            K::Failed,
            K::Usage,
            K::Budget,
            K::SomeFailed,
            K::Config,
            K::Timeout,
            K::Check,
            K::Strict,
            K::Interrupted,
        ];
        assert_eq!(codes.map(K::exit_code), [1, 2, 3, 4, 5, 6, 7, 8, 130]);
        assert_eq!(K::BrokenPipe.exit_code(), 0);
    }
}
