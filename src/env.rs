//! The environment: every variable that pollm reads, by name, read once.
//!
//! Nothing else touches `std::env`. A variable that is set to nothing counts as
//! unset, as the XDG and `NO_COLOR` conventions want it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// The variables with a fixed name, and what they do, for help texts and
/// manual pages. The names of providers' keys are data: see [`crate::secrets::key_variables`].
pub const VARIABLES: &[(&str, &str)] = &[
    ("POLLM_MODEL", "the model to ask where `--model` names none"),
    ("POLLM_CONFIG", "the configuration file to read; it must exist"),
    ("POLLM_CONFIG_DIR", "the folder of config.toml and of the key file"),
    ("POLLM_DATA_DIR", "the folder of the ledger"),
    ("POLLM_CACHE_DIR", "the folder of what can be fetched again"),
    ("POLLM_SEED", "a number; with it, which calls of a route explore can be repeated"),
    ("POLLM_NO_LOG", "if set, no call is written to the ledger; under a cap, what it costs still is"),
    ("XDG_CONFIG_HOME", "where configuration folders are, in place of ~/.config"),
    ("XDG_DATA_HOME", "where data folders are, in place of ~/.local/share"),
    ("XDG_CACHE_HOME", "where caches are, in place of ~/.cache"),
    ("NO_COLOR", "if set, no colour"),
    ("CLICOLOR_FORCE", "if set, colour in a pipe too"),
    ("COLUMNS", "the width of the terminal"),
    ("ACCESSIBLE", "if set, no boxes and no repaint: one `name: value` line a fact"),
    ("TERM", "if `dumb`, the terminal is written to as if it were a file"),
    ("VISUAL", "the editor of `pollm config edit`"),
    ("EDITOR", "the editor where `VISUAL` is not set"),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "proxies of calls and downloads"),
];

/// The environment as it was when the process started.
#[derive(Clone, Default)]
pub struct Env {
    /// `POLLM_MODEL`: the model to ask where the command line names none.
    pub model: Option<String>,
    /// `POLLM_CONFIG`: the configuration file, which then must exist.
    pub config: Option<PathBuf>,
    /// `POLLM_CONFIG_DIR`: the folder of the configuration and of the key file.
    pub config_dir: Option<PathBuf>,
    /// `POLLM_DATA_DIR`: the folder of the ledger.
    pub data_dir: Option<PathBuf>,
    /// `POLLM_CACHE_DIR`: the folder of what can be fetched again.
    pub cache_dir: Option<PathBuf>,
    /// `POLLM_SEED`: decides which calls of a route explore; `None` where it is no number.
    pub seed: Option<u64>,
    /// `POLLM_NO_LOG`: no call is written to the ledger.
    pub no_log: bool,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub xdg_data_home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`.
    pub xdg_cache_home: Option<PathBuf>,
    /// `NO_COLOR`: any text at all forbids colour (no-color.org).
    pub no_color: bool,
    /// `CLICOLOR_FORCE`: colour even where the output is no terminal.
    pub clicolor_force: bool,
    /// `COLUMNS`: the terminal's width; `None` where it is no number above zero.
    pub columns: Option<u16>,
    /// `ACCESSIBLE`: plain lines for screen readers.
    pub accessible: bool,
    /// `TERM=dumb`: the terminal knows no control sequences.
    pub term_is_dumb: bool,
    /// `VISUAL`: an editor that needs a full terminal.
    pub visual: Option<String>,
    /// `EDITOR`: any editor.
    pub editor: Option<String>,
    /// All variables, for those whose names are data. Many hold keys.
    all: BTreeMap<OsString, OsString>,
}

/// Windows compares the names of variables without regard to case.
fn folded(name: &OsStr) -> OsString {
    if cfg!(windows) { name.to_ascii_uppercase() } else { name.to_owned() }
}

impl Env {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// Takes names and values from anywhere.
    pub fn new<N: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut env = Self::default();
        for (name, value) in variables {
            let (name, value) = (name.into(), value.into());
            if !value.is_empty() {
                env.all.insert(folded(&name), value);
            }
        }
        env.model = env.get("POLLM_MODEL");
        env.config = env.path("POLLM_CONFIG");
        env.config_dir = env.path("POLLM_CONFIG_DIR");
        env.data_dir = env.path("POLLM_DATA_DIR");
        env.cache_dir = env.path("POLLM_CACHE_DIR");
        env.seed = env.get("POLLM_SEED").and_then(|text| text.trim().parse().ok());
        env.no_log = env.switch("POLLM_NO_LOG");
        env.xdg_config_home = env.path("XDG_CONFIG_HOME");
        env.xdg_data_home = env.path("XDG_DATA_HOME");
        env.xdg_cache_home = env.path("XDG_CACHE_HOME");
        env.no_color = env.get("NO_COLOR").is_some();
        env.clicolor_force = env.switch("CLICOLOR_FORCE");
        env.columns = env.get("COLUMNS").and_then(|text| text.trim().parse().ok()).filter(|width| *width > 0);
        env.accessible = env.switch("ACCESSIBLE");
        env.term_is_dumb = env.get("TERM").is_some_and(|term| term == "dumb");
        env.visual = env.get("VISUAL");
        env.editor = env.get("EDITOR");
        env
    }

    /// A variable whose name is data: a provider's key or address. `None` where
    /// it is unset or empty. Bytes that are no text become U+FFFD, which no key
    /// and no address may hold, so that they are refused instead of ignored.
    pub fn get(&self, name: &str) -> Option<String> {
        self.all.get(&folded(OsStr::new(name))).map(|value| value.to_string_lossy().into_owned())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.all.get(&folded(OsStr::new(name))).map(PathBuf::from)
    }

    /// On unless unset or one of the usual words for no.
    fn switch(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            !["0", "false", "no", "off"].contains(&value.trim().to_ascii_lowercase().as_str())
        })
    }
}

/// Names only: half of the values in an environment like ours are keys.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Env").field(&self.all.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset() {
        let env = Env::new([("POLLM_MODEL", ""), ("NO_COLOR", ""), ("GROQ_API_KEY", ""), ("EDITOR", "vi")]);
        assert_eq!(env.model, None);
        assert!(!env.no_color);
        assert_eq!(env.get("GROQ_API_KEY"), None);
        assert_eq!(env.editor.as_deref(), Some("vi"));
    }

    #[test]
    fn switches_know_the_words_for_no() {
        for (value, on) in [("1", true), ("yes", true), ("0", false), ("False", false), ("off", false)] {
            assert_eq!(Env::new([("POLLM_NO_LOG", value)]).no_log, on, "{value}");
            assert_eq!(Env::new([("ACCESSIBLE", value)]).accessible, on, "{value}");
        }
        // no-color.org: present and not an empty string, regardless of its value.
        assert!(Env::new([("NO_COLOR", "0")]).no_color);
    }

    #[test]
    fn a_width_that_is_none_is_ignored() {
        for (value, width) in [("80", Some(80)), (" 120 ", Some(120)), ("0", None), ("-3", None), ("x", None)]
        {
            assert_eq!(Env::new([("COLUMNS", value)]).columns, width, "{value}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        let env = Env::new([("GROQ_API_KEY", "canary-7f3a"), ("POLLM_MODEL", "canary-7f3a")]);
        let shown = format!("{env:?} {env:#?}");
        assert!(shown.contains("GROQ_API_KEY"));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn help_names_every_variable_with_a_field() {
        let source = include_str!("env.rs");
        let (code, _) = source.split_once("#[cfg(test)]").unwrap();
        let read = code.split("(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name);
        let names: Vec<&str> = read
            .filter(|name| name.len() > 3 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
            .collect();
        for name in &names {
            assert!(VARIABLES.iter().any(|(known, _)| known == name), "{name} is read but not documented");
            let uses = names.iter().filter(|other| *other == name).count();
            assert!(uses >= 2, "{name} is documented but not read");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_kept_for_paths_and_marked_elsewhere() {
        use std::os::unix::ffi::OsStringExt as _;
        let raw = OsString::from_vec(b"/tmp/\xff".to_vec());
        let env = Env::new([("POLLM_DATA_DIR", raw.clone()), ("GROQ_API_KEY", raw.clone())]);
        assert_eq!(env.data_dir, Some(PathBuf::from(raw)));
        assert_eq!(env.get("GROQ_API_KEY").as_deref(), Some("/tmp/\u{fffd}"));
    }
}
