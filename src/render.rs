//! How text reaches a terminal: everything that is shown passes here.
//!
//! - [`output`]: what stdout and stderr can show, decided once.
//! - [`filter`]: what a model, a server or a file may not do to a terminal.
//! - [`markdown`]: Markdown as it streams.
//! - [`figures`], [`money`]: durations, counts and costs as people read them.
//! - [`receipt`](mod@receipt): one line on who answered, how fast, and for how much.
//! - [`json`]: a call as JSON.
//! - [`extract`]: the first code block of an answer.

pub mod extract;
pub mod figures;
pub mod filter;
pub mod markdown;
pub mod json;
pub mod money;
pub mod output;
pub mod receipt;
//! Views: plain functions from what happened to text.

pub mod history;
