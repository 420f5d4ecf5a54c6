//! pollm: one prompt, any model.
//!
//! The crate is a library with a thin binary. Its map:
//!
//! - [`chat`], [`model`], [`money`], [`outcome`]: the vocabulary.
//! - [`catalog`]: providers, models and prices; names and bills.
//! - [`wire`]: protocol adapters, pure functions from requests to bytes and
//!   from bytes to events.
//! - [`prompt`], [`schema`]: what is asked, from the command line, stdin and
//!   files, and whether the answer is of the shape asked for.
//! - [`env`](mod@env), [`paths`], [`config`], [`secrets`]: what the user has
//!   set, where it lies, and the keys.
//! - [`commands`]: what the commands do.
//! - [`render`]: how text reaches a terminal.
//! - [`ledger`]: the one private file that every outcome is written to.
//! - [`local`]: the embedded model, its engine and the download of its weights.
//! - [`ledger`]: the one private file that every outcome is written to.
//! - [`render`]: what is shown, as pure functions.
//! - [`error`]: what ends a command, its exit code and its hints.
//! - [`nearest`]: "did you mean".

pub mod catalog;
pub mod chat;
pub mod commands;
pub mod config;
pub mod env;
pub mod error;
pub mod ledger;
#[cfg(feature = "local")]
pub mod local;
pub mod model;
pub mod money;
pub mod nearest;
pub mod outcome;
pub mod paths;
pub mod prompt;
pub mod render;
pub mod schema;
pub mod secrets;
pub mod wire;
