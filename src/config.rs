//! The configuration: `config.toml` as one plain, immutable [`Config`].
//!
//! A file is read strictly. Every key in it either does something or is an
//! error with its file, line and the nearest name, and all errors are found at
//! once. No message shows a value: a key pasted into the wrong place must not
//! reach a terminal or a log.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::money::Price;
use crate::nearest::nearest;
use crate::wire::{Auth, Protocol};

mod base_url;
mod budget;
mod effective;
mod names;
mod reader;
mod routes;
mod schema;

pub use base_url::{BASE_URL_VARIABLES, BaseUrlVariable, base_url, expand, from_ollama_host};
pub use budget::{BudgetConfig, Caps};
pub use effective::{Origin, Sourced, default_model, hide_reasoning, log};
pub use names::Named;
pub use routes::RouteConfig;

/// More than any configuration needs; a larger file is some other file.
const LARGEST_FILE: u64 = 1 << 20;

/// What the configuration file says; a missing file says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The model to ask where neither command line nor environment name one.
    pub default_model: Option<String>,
    /// Whether outcomes are written to the ledger.
    pub log: Option<bool>,
    /// Whether reasoning text stays off the terminal.
    pub hide_reasoning: Option<bool>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// The user's own names for models.
    pub aliases: BTreeMap<String, String>,
    /// Named lists of models for `compare`.
    pub sets: BTreeMap<String, Vec<String>>,
    /// Caps on what calls may cost.
    pub budget: BudgetConfig,
    /// Named choices between models.
    pub routes: BTreeMap<String, RouteConfig>,
    /// New providers, and changes to built-in ones.
    pub providers: BTreeMap<String, ProviderConfig>,
}

/// Time limits of one attempt; what is not set has the built-in value. There is
/// no limit on the whole of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Option<Duration>,
    /// From there to the first event of the answer.
    pub first_event: Option<Duration>,
    /// Between two reads that brought bytes.
    pub idle: Option<Duration>,
}

impl Timeouts {
    /// The limit on connecting: 10 s unless set.
    pub fn connect(&self) -> Duration {
        self.connect.unwrap_or(Duration::from_secs(10))
    }

    /// The limit on the first event: 120 s unless set, since reasoning models
    /// are known to think for more than a minute before their first byte.
    pub fn first_event(&self) -> Duration {
        self.first_event.unwrap_or(Duration::from_mins(2))
    }

    /// The limit on silence within an answer: 60 s unless set.
    pub fn idle(&self) -> Duration {
        self.idle.unwrap_or(Duration::from_mins(1))
    }
}

/// A `[providers.NAME]` table: a new provider, or the fields of a built-in one
/// that are changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderConfig {
    /// The wire format; always there for a new provider.
    pub protocol: Option<Protocol>,
    /// Where requests go, without a final slash; always there for a new
    /// provider. May hold `${VARIABLE}`, which [`expand`] fills in.
    pub base_url: Option<String>,
    /// The variables that may hold the key, the first one preferred. They
    /// replace the built-in names.
    pub key_env: Option<Vec<String>>,
    /// A program that prints the key, and its arguments.
    pub key_command: Option<Vec<String>>,
    /// How the key travels.
    pub auth: Option<KeyPlacement>,
    /// Headers to add to every request, in the order of their names.
    pub headers: Vec<(String, HeaderText)>,
    /// Facts and prices of single models, by the id that the provider knows.
    pub models: BTreeMap<String, ModelConfig>,
}

/// How a provider's key travels, if at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlacement {
    /// No key is sent, even where one is found.
    None,
    /// The key is sent this way.
    Sent(Auth),
}

/// A header's value from the configuration, which may be a secret: `Debug`
/// does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderText(String);

impl HeaderText {
    /// The value: visible ASCII, blanks and tabs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A `[providers.NAME.models.ID]` table. What it leaves out keeps its value
/// from the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelConfig {
    /// The catalog's id of the model that this name stands for: names of Azure
    /// deployments are the user's own.
    pub deployment: Option<String>,
    /// Context window in tokens.
    pub context: Option<u64>,
    /// Most tokens that one answer may have.
    pub max_output: Option<u64>,
    /// Prices, where any is given.
    pub prices: PriceConfig,
}

/// Prices in USD per million tokens; `None` keeps the catalog's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceConfig {
    /// Prompt tokens.
    pub input: Option<Price>,
    /// Generated tokens.
    pub output: Option<Price>,
    /// Prompt tokens read from a cache.
    pub cache_read: Option<Price>,
    /// Prompt tokens written to a cache for five minutes, or the default time.
    pub cache_write: Option<Price>,
    /// Prompt tokens written to a cache for an hour.
    pub cache_write_1h: Option<Price>,
    /// Reasoning tokens, where they are priced apart from the output.
    pub reasoning: Option<Price>,
    /// Audio in the prompt.
    pub audio_input: Option<Price>,
    /// Audio in the answer.
    pub audio_output: Option<Price>,
}

impl PriceConfig {
    /// Every price by its key in the file, in the documentation's order.
    pub fn fields(&self) -> [(&'static str, Option<Price>); 8] {
        [
            ("input", self.input),
            ("output", self.output),
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("cache_write_1h", self.cache_write_1h),
            ("reasoning", self.reasoning),
            ("audio_input", self.audio_input),
            ("audio_output", self.audio_output),
        ]
    }
}

impl Config {
    /// Reads the file at `path`. A missing file is an empty configuration,
    /// unless the user named it (`required`). `built_in` are the ids of the
    /// catalog's providers: a row of any other name must be complete.
    ///
    /// # Errors
    /// A file that can't be read, or the first of its errors, with a hint where
    /// there are more.
    pub fn load(path: &Path, required: bool, built_in: &[&str]) -> Result<Self> {
        let Some(text) = read(path, required)? else { return Ok(Self::default()) };
        Self::parse(&text, path, built_in).map_err(|errors| {
            let more = errors.len().saturating_sub(1);
            let first = errors.into_iter().next();
            let first = first.unwrap_or_else(|| Error::config(format!("invalid {}", path.display())));
            match more {
                0 => first,
                _ => first.hint(format!("`pollm config check` lists {more} more")),
            }
        })
    }

    /// Reads a configuration's text; `path` is for messages only.
    ///
    /// # Errors
    /// Every error of the text, in the order of their lines; never an empty list.
    pub fn parse(text: &str, path: &Path, built_in: &[&str]) -> Result<Self, Vec<Error>> {
        schema::parse(text, path, built_in)
    }

    /// Finds all errors of the file at `path`; for `pollm config check`. In a
    /// file without any, `find` looks up every name that stands for something.
    ///
    /// # Errors
    /// As [`Config::load`], but all of them, and names that mean nothing.
    pub fn check(
        path: &Path,
        required: bool,
        built_in: &[&str],
        find: &dyn Fn(Named<'_>) -> Result<()>,
    ) -> Result<(), Vec<Error>> {
        let Some(text) = read(path, required).map_err(|error| vec![error])? else { return Ok(()) };
        Self::parse(&text, path, built_in)?;
        names::check(&text, path, find)
    }

    /// The models of a set.
    ///
    /// # Errors
    /// Where there is no such set; the nearest name is the hint.
    pub fn set(&self, name: &str) -> Result<&[String]> {
        self.sets.get(name).map(Vec::as_slice).ok_or_else(|| {
            let error = Error::usage(format!("no set `{name}` in the configuration"));
            match nearest(name, self.sets.keys().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("add `{name} = [\"provider/model\", …]` below `[sets]`")),
            }
        })
    }
}

/// The text of the file; `None` where it is missing and may be.
fn read(path: &Path, required: bool) -> Result<Option<String>> {
    let failed = |cause: &dyn std::error::Error| {
        Error::config(format!("the configuration {} can't be read", path.display())).because(cause)
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(failed(&error)
                .hint("`POLLM_CONFIG` names it; unset that, or create it with `pollm config edit`"));
        }
        Err(error) => return Err(failed(&error)),
    };
    let mut text = String::new();
    file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(failed(&io::Error::other("it is larger than 1 MiB")));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests;
