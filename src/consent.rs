//! Questions to the user, where there is a user to ask.

use std::io::{BufRead as _, IsTerminal as _};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::streams::stderr;

/// Asks on the terminal; no answer but a yes is one.
///
/// # Errors
/// Where nobody is there to be asked.
pub fn ask(question: &str, context: &Context) -> Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || !context.output.stderr_tty {
        return Err(Error::usage(format!("{question} nobody is there to be asked"))
            .hint("`--yes` agrees without being asked"));
    }
    stderr(&format!("{question} [y/N] "));
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(|error| Error::failed("no answer").because(&error))?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
