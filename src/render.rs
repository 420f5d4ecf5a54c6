//! How text reaches a terminal or a pipe: everything that is shown passes here.
//!
//! - [`output`]: what stdout and stderr can show, decided once.
//! - [`filter`]: what a model, a server or a file may not do to a terminal.
//! - [`markdown`]: Markdown as it streams.
//! - [`csv`], `markup`: spreadsheets and pages that texts from outside can't break.
//! - [`columns`]: aligned columns, of which lists are made.
//! - [`compare`]: a comparison as tables, cards, differences, Markdown and CSV.
//! - [`figures`], [`money`]: durations, counts and costs as people read them.
//! - [`receipt`](mod@receipt): one line on who answered, how fast, and for how much.
//! - [`route`](mod@route): how a route decided.
//! - [`json`], [`events`]: a call as JSON, and as a stream of events.
//! - [`extract`]: the first code block of an answer.
//! - [`history`], [`models`], [`spending`]: past calls, models, and what calls
//!   cost together, as lines and as facts.

pub mod bar;
pub mod columns;
pub mod compare;
pub mod csv;
pub mod events;
pub mod extract;
pub mod figures;
pub mod filter;
pub mod history;
pub mod json;
pub mod markdown;
mod markup;
pub mod models;
pub mod money;
pub mod output;
pub mod receipt;
pub mod route;
pub mod spending;
