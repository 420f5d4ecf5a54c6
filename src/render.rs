//! How text reaches a terminal: everything that is shown passes here.
//!
//! - [`filter`]: what a model, a server or a file may not do to a terminal.
//! - [`markdown`]: Markdown as it streams.

pub mod filter;
pub mod markdown;
