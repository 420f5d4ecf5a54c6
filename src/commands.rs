//! What the commands do: one file a command, with its arguments as typed and
//! the function that runs it.

use std::io;

use crate::error::{Error, ErrorKind};
use crate::streams;

pub mod ask;
pub mod compare;
pub mod config;
pub mod cost;
pub mod history;
pub mod keys;
pub mod man;
pub mod models;

/// The error of a write to stdout or stderr.
pub(crate) fn output_failed(error: io::Error) -> Error {
    if streams::is_closed(&error) {
        return Error::new(ErrorKind::BrokenPipe, "the reader of the output went away");
    }
    Error::failed("the output can't be written").because(&error)
}
