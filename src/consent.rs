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
    put(question, context)?;
    answer()
}

/// The same where the caller may stop waiting. A read from a terminal can't be
/// ended: its thread is left behind.
///
/// # Errors
/// Where nobody is there to be asked.
#[cfg(feature = "local")]
pub async fn ask_meanwhile(question: &str, context: &Context) -> Result<bool> {
    put(question, context)?;
    tokio::task::spawn_blocking(answer).await.map_err(|error| Error::failed("no answer").because(&error))?
}

fn put(question: &str, context: &Context) -> Result<()> {
    if !std::io::stdin().is_terminal() || !context.output.stderr_tty {
        return Err(Error::usage(format!("{question} nobody is there to be asked"))
            .hint("`--yes` agrees without being asked"));
    }
    stderr(&format!("{question} [y/N] "));
    Ok(())
}

fn answer() -> Result<bool> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Error::failed("no answer").because(&error))?;
    if !line.ends_with('\n') {
        // Ctrl-D leaves the cursor behind the question.
        stderr("\n");
    }
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
