//! Which of several settings holds: flag, environment, file, built-in.

use super::Config;
use crate::env::Env;

/// Where a setting comes from, from the strongest to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment variable of this name.
    Env(&'static str),
    /// The configuration file.
    File,
    /// Nobody set it.
    BuiltIn,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flag => "command line",
            Self::Env(name) => name,
            Self::File => "file",
            Self::BuiltIn => "built-in",
        })
    }
}

/// A setting and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The setting.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    pub(super) const fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// The model to ask: `--model`, `POLLM_MODEL`, `default_model`. `None` leaves
/// the choice to the catalog.
pub fn default_model(flag: Option<&str>, env: &Env, config: &Config) -> Option<Sourced<String>> {
    let flag = flag.map(|model| Sourced::new(model.to_owned(), Origin::Flag));
    let env = || env.model.clone().map(|model| Sourced::new(model, Origin::Env("POLLM_MODEL")));
    let file = || config.default_model.clone().map(|model| Sourced::new(model, Origin::File));
    flag.or_else(env).or_else(file)
}

/// Whether outcomes are written to the ledger: `--no-log`, `POLLM_NO_LOG`,
/// `log`; on unless any of them says no.
pub fn log(no_log: bool, env: &Env, config: &Config) -> Sourced<bool> {
    match config.log {
        _ if no_log => Sourced::new(false, Origin::Flag),
        _ if env.no_log => Sourced::new(false, Origin::Env("POLLM_NO_LOG")),
        Some(log) => Sourced::new(log, Origin::File),
        None => Sourced::new(true, Origin::BuiltIn),
    }
}

/// Whether reasoning text stays off the terminal: `--hide-reasoning`,
/// `hide_reasoning`; shown unless either says so.
pub fn hide_reasoning(flag: bool, config: &Config) -> Sourced<bool> {
    match config.hide_reasoning {
        _ if flag => Sourced::new(true, Origin::Flag),
        Some(hide) => Sourced::new(hide, Origin::File),
        None => Sourced::new(false, Origin::BuiltIn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_environment_then_file_then_built_in() {
        let (empty, set) = (Env::default(), Env::new([("POLLM_MODEL", "a/env"), ("POLLM_NO_LOG", "1")]));
        let file = Config {
            default_model: Some("a/file".to_owned()),
            log: Some(false),
            hide_reasoning: Some(true),
            ..Config::default()
        };
        let none = Config::default();
        let model =
            |flag, env, config| default_model(flag, env, config).map(|found| (found.value, found.origin));
        assert_eq!(model(Some("a/flag"), &set, &file), Some(("a/flag".to_owned(), Origin::Flag)));
        assert_eq!(model(None, &set, &file), Some(("a/env".to_owned(), Origin::Env("POLLM_MODEL"))));
        assert_eq!(model(None, &empty, &file), Some(("a/file".to_owned(), Origin::File)));
        assert_eq!(model(None, &empty, &none), None);

        let keep = Config { log: Some(true), ..Config::default() };
        assert_eq!(log(true, &set, &keep), Sourced::new(false, Origin::Flag));
        assert_eq!(log(false, &set, &keep), Sourced::new(false, Origin::Env("POLLM_NO_LOG")));
        assert_eq!(log(false, &empty, &file), Sourced::new(false, Origin::File));
        assert_eq!(log(false, &empty, &none), Sourced::new(true, Origin::BuiltIn));

        assert_eq!(hide_reasoning(true, &none), Sourced::new(true, Origin::Flag));
        assert_eq!(hide_reasoning(false, &file), Sourced::new(true, Origin::File));
        assert_eq!(hide_reasoning(false, &none), Sourced::new(false, Origin::BuiltIn));
    }
}
