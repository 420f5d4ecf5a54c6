//! How text reaches a terminal: everything that is shown passes here.
//!
//! - [`filter`]: what a model, a server or a file may not do to a terminal.

pub mod filter;
