//! Keys: where they are found, how they are kept from being seen.
//!
//! A key is looked for in the provider's environment variables, then with its
//! `key_command`, then in the key file. It lives in a [`Key`], which no format
//! shows and which is wiped from memory when dropped. Nothing outside of this
//! module reads its text: the transport gets a [`SecretHeader`], messages go
//! through [`redact`].

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Config, KeyPlacement};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::streams::stderr;

mod key_command;
mod key_file;
mod variables;

pub use key_file::KeyFile;
pub use variables::key_variables;

/// Longer than any key or access token that a provider hands out.
const LONGEST_KEY: usize = 16 * 1024;

/// Shorter keys are place-holders for servers that want any key at all (`x`,
/// `none`, `ollama`), and would black out ordinary words.
const SHORTEST_SECRET: usize = 8;

/// A provider's key: visible ASCII, at least one character.
#[derive(Clone, Debug)]
pub struct Key(SecretString);

/// Why a text can't be a key. The text itself is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Nothing but blanks.
    #[error("it is empty")]
    Empty,
    /// More than one line, or a control character.
    #[error("it holds a line break or a control character")]
    Control,
    /// A blank, or anything beyond ASCII: often the sign of a pasted sentence.
    #[error("it holds a blank or a character beyond ASCII")]
    Character,
    /// Longer than 16 KiB.
    #[error("it is longer than 16 KiB")]
    Long,
}

impl Key {
    /// Takes a key; blanks and line breaks around it are dropped.
    ///
    /// # Errors
    /// Where the text can't be a key.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if text.len() > LONGEST_KEY {
            return Err(InvalidKey::Long);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidKey::Control);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey::Character);
        }
        Ok(Self(text.into()))
    }

    /// The value of the header that carries the key: `prefix` is `"Bearer "`,
    /// or nothing.
    pub fn header_value(&self, prefix: &str) -> SecretHeader {
        // One allocation of the final size: growing would leave copies behind.
        let mut value = Zeroizing::new(String::with_capacity(prefix.len() + self.text().len()));
        value.push_str(prefix);
        value.push_str(self.text());
        SecretHeader(value)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads a key's text")]
    fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A header's value with a key in it: visible ASCII and blanks. To be marked
/// sensitive by whoever sends it.
pub struct SecretHeader(Zeroizing<String>);

impl SecretHeader {
    /// The value, for the HTTP client and nothing else.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SecretHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHeader([hidden])")
    }
}

/// Where a key was found, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// This environment variable.
    Env(String),
    /// A `key_command` with this program.
    Command(String),
    /// The key file.
    File,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::Command(program) => write!(f, "command {program}"),
            Self::File => f.write_str("key file"),
        }
    }
}

/// A key and where it was found.
#[derive(Clone, Debug)]
pub struct FoundKey {
    /// The key.
    pub key: Key,
    /// Where it was found.
    pub source: KeySource,
}

/// Where one provider's key may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyQuery {
    /// The provider.
    pub provider: String,
    /// The variables that may hold the key, the first one preferred.
    pub variables: Vec<String>,
    /// The program that prints the key, and its arguments.
    pub command: Option<Vec<String>>,
    /// Whether the provider can't be asked without a key.
    pub required: bool,
    /// `auth = "none"`: no key is sent, wherever one may be.
    pub unused: bool,
}

impl KeyQuery {
    /// Joins what the catalog knows (`catalog_env`, the variables of a built-in
    /// provider, or `None` for a new one) with the configuration's row. A new
    /// provider needs a key only where the row says how to get one.
    pub fn new(provider: &str, catalog_env: Option<&[String]>, config: &Config) -> Self {
        let row = config.providers.get(provider);
        let key_env = row.and_then(|row| row.key_env.clone());
        let command = row.and_then(|row| row.key_command.clone());
        let unused = row.is_some_and(|row| row.auth == Some(KeyPlacement::None));
        let configured = key_env.is_some() || command.is_some();
        let required = configured || (catalog_env.is_some() && !variables::is_optional(provider));
        let built_in = || catalog_env.map(|names| key_variables(provider, names)).unwrap_or_default();
        Self {
            provider: provider.to_owned(),
            variables: key_env.unwrap_or_else(built_in),
            command,
            required: required && !unused,
            unused,
        }
    }

    /// Finds the key; runs the `key_command` where no variable is set. `None`
    /// means that there is none and that none is needed.
    ///
    /// # Errors
    /// A required key that is nowhere, one that can't be used, a command that
    /// fails, a key file that can't be read or that others can read.
    pub fn find(&self, env: &Env, key_file: &Path) -> Result<Option<FoundKey>> {
        if self.unused {
            return Ok(None);
        }
        if let Some((name, text)) = self.variable(env) {
            let key = Key::new(&text)
                .map_err(|why| Error::config(format!("the key in `{name}` can't be used")).because(&why))?;
            return Ok(Some(FoundKey { key, source: KeySource::Env(name.to_owned()) }));
        }
        if let Some(command) = &self.command {
            let mut notice = |text: &str| stderr(&format!("{text}\n"));
            let key = key_command::run(&self.provider, command, key_command::PATIENCE, &mut notice)?;
            let program = command.first().cloned().unwrap_or_default();
            return Ok(Some(FoundKey { key, source: KeySource::Command(program) }));
        }
        match KeyFile::open(key_file)?.get(&self.provider) {
            Some(key) => Ok(Some(FoundKey { key: key.clone(), source: KeySource::File })),
            None if self.required => Err(self.missing()),
            None => Ok(None),
        }
    }

    /// Says where the key would come from, without running any command and
    /// without looking at the key.
    pub fn locate(&self, env: &Env, stored: &KeyFile) -> Option<KeySource> {
        if self.unused {
            return None;
        }
        let variable = self.variable(env).map(|(name, _)| KeySource::Env(name.to_owned()));
        let program = || self.command.as_ref().and_then(|command| command.first());
        let command = || program().map(|program| KeySource::Command(program.clone()));
        let file = || stored.get(&self.provider).map(|_| KeySource::File);
        variable.or_else(command).or_else(file)
    }

    fn variable(&self, env: &Env) -> Option<(&str, Zeroizing<String>)> {
        self.variables.iter().find_map(|name| {
            let text = Zeroizing::new(env.get(name)?);
            (!text.trim().is_empty()).then_some((name.as_str(), text))
        })
    }

    /// The error of a key that is nowhere.
    pub fn missing(&self) -> Error {
        let provider = &self.provider;
        let error = Error::config(format!("no API key for provider {provider}"));
        let stored = format!("run `pollm keys set {provider}`");
        match (variables::command_example(provider), self.variables.first()) {
            (Some(example), _) => error
                .hint(format!("put `key_command = {example}` below `[providers.{provider}]`, or {stored}")),
            (None, Some(name)) => error.hint(format!("set `{name}`, or {stored}")),
            (None, None) => error.hint(stored),
        }
    }
}

/// Takes every key out of a text: servers repeat the key that they refuse.
pub fn redact<'t>(text: &'t str, keys: &[&Key]) -> Cow<'t, str> {
    let mut secrets: Vec<&str> =
        keys.iter().map(|key| key.text()).filter(|key| key.len() >= SHORTEST_SECRET).collect();
    // The longest first: one key may be the beginning of another.
    secrets.sort_by_key(|key| std::cmp::Reverse(key.len()));
    let mut shown = Cow::Borrowed(text);
    for secret in secrets {
        if shown.contains(secret) {
            shown = Cow::Owned(shown.replace(secret, "[key]"));
        }
    }
    shown
}

#[cfg(test)]
mod tests;
