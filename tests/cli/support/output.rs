//! What a process left behind, in a form to compare and to snapshot.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// The output and the end of a process. [`fmt::Display`] is made for
/// snapshots: all of it, with what differs between runs replaced.
#[must_use = "assert the exit status, or snapshot the output"]
#[derive(Clone, Debug)]
pub(crate) struct CommandOutput {
    /// Standard output, byte for byte.
    pub(crate) stdout_bytes: Vec<u8>,
    /// Standard output; bytes that are no UTF-8 are replaced.
    pub(crate) stdout: String,
    /// Standard error, likewise. Of a process on a terminal it is what went to
    /// the terminal, if stdout did not go there too.
    pub(crate) stderr: String,
    /// The exit status; none where a signal ended the process.
    pub(crate) code: Option<i32>,
    /// The signal that ended the process.
    pub(crate) signal: Option<i32>,
    root: PathBuf,
}

impl CommandOutput {
    pub(super) fn new(
        root: &Path,
        stdout: Vec<u8>,
        stderr: &[u8],
        code: Option<i32>,
        signal: Option<i32>,
    ) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            stdout: text(&stdout),
            stderr: text(stderr),
            stdout_bytes: stdout,
            code,
            signal,
            root: root.into(),
        }
    }

    /// Asserts that the process ended with 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.exited(0)
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{self}");
        self
    }

    /// Standard output as one JSON value, which follows pollm's schema.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON: {error}\n{self}"));
        super::schema::check(&value);
        value
    }

    /// Standard output as a JSON value a line, likewise.
    #[track_caller]
    pub(crate) fn jsonl(&self) -> Vec<Value> {
        let value =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON: {error}\n{self}"));
        let values: Vec<Value> = self.stdout.lines().map(value).collect();
        values.iter().for_each(super::schema::check);
        values
    }
}

impl fmt::Display for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = |f: &mut fmt::Formatter<'_>, text: &str| {
            let text = redacted(text, &self.root);
            let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n[no final newline]\n" };
            write!(f, "{text}{newline}")
        };
        section(f, &self.stdout)?;
        f.write_str("------- stderr -------\n")?;
        section(f, &self.stderr)?;
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "[exit status: {code}]"),
            (None, Some(signal)) => write!(f, "[signal: {signal}]"),
            (None, None) => write!(f, "[no exit status]"),
        }
    }
}

/// What differs between runs, and what stands for it. Whole seconds stay: they
/// are limits and waits that were asked for, not measurements.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b(127\.0\.0\.1|localhost):\d+", "$1:PORT"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", "TIMESTAMP"),
        (r"\b0[0-7][0-9A-HJKMNP-TV-Z]{24}\b", "ULID"),
        (r#""(\w+_ms|decode_tps)":\s?\d+(\.\d+)?"#, r#""$1":N"#),
        // A receipt's times change their unit with the machine's load.
        (r"\b[\d.]+ m?s to first word, [\d.]+ m?s\b", "TIME to first word, TIME"),
        (r"\b[\d.]+ m?s in all\b", "TIME in all"),
        (r"\b\d+\.\d+ (ms|s)\b", "N $1"),
        (r"\b\d+ ms\b", "N ms"),
        (r"\b[\d,]+(\.\d+)? tok/s", "N tok/s"),
        // The same error has another number on another system.
        (r"\(os error \d+\)", "(os error N)"),
    ]
    .into_iter()
    .map(|(pattern, stand_in)| (Regex::new(pattern).unwrap(), stand_in))
    .collect()
});

fn redacted(text: &str, root: &Path) -> String {
    let text = text.replace(&root.display().to_string(), "$ENV");
    PATTERNS.iter().fold(text, |text, (pattern, stand_in)| pattern.replace_all(&text, *stand_in).into_owned())
}
