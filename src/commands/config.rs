//! `pollm config`: where the configuration is, what holds, and what is wrong.

use std::io::Write;
use std::path::Path;

use super::output_failed;
use crate::cli::help;
use crate::config::{Config, Named};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::paths::{self, Paths};

mod editor;
mod show;

/// Show, edit and check the configuration.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
#[command(after_long_help = help::environment())]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What `pollm config` can do.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print where the configuration file is, or another of pollm's files
    Path {
        /// Which place to print
        #[arg(value_enum, default_value_t = Place::Config)]
        place: Place,
    },
    /// Print the settings that hold and where each comes from, without secrets
    Show,
    /// Open the configuration in `$VISUAL` or `$EDITOR`, then check it
    ///
    /// A missing file begins as a template in which every line is a comment.
    Edit,
    /// Check the configuration and list every error, with exit code 5
    ///
    /// Models and providers that it names are looked up as `-m` would; nothing is sent.
    Check,
}

/// A place of pollm's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Place {
    /// The configuration file
    Config,
    /// The key file
    Keys,
    /// The ledger of all outcomes
    Ledger,
    /// The folder of what can be fetched again
    Cache,
}

/// What `pollm config` needs to know. It has no configuration: a broken file
/// must not keep anyone from mending it.
#[derive(Clone, Copy)]
pub struct ConfigContext<'a> {
    /// Where the files are.
    pub paths: &'a Paths,
    /// The environment.
    pub env: &'a Env,
    /// The ids of the catalog's providers.
    pub built_in: &'a [&'a str],
    /// Looks up a model or a provider as a call would.
    pub find: &'a dyn Fn(Named<'_>) -> Result<()>,
}

/// What `pollm config edit` begins a missing file with.
const TEMPLATE: &str = include_str!("config/template.toml");

/// Runs `pollm config`.
///
/// # Errors
/// A configuration with errors, an editor that fails, a file that can't be
/// read or written.
pub fn run(
    args: &ConfigArgs,
    context: &ConfigContext<'_>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let paths = context.paths;
    match args.command {
        ConfigCommand::Path { place } => {
            let path = match place {
                Place::Config => &paths.config_file,
                Place::Keys => &paths.key_file,
                Place::Ledger => &paths.ledger,
                Place::Cache => &paths.cache_dir,
            };
            writeln!(stdout, "{}", path.display()).map_err(output_failed)
        }
        ConfigCommand::Show => {
            let config = Config::load(&paths.config_file, paths.config_is_named, context.built_in)?;
            stdout.write_all(show::text(&config, context).as_bytes()).map_err(output_failed)
        }
        ConfigCommand::Edit => edit(context, stderr),
        ConfigCommand::Check => {
            check(context, paths.config_is_named, stderr)?;
            if !paths.config_file.exists() {
                writeln!(stderr, "note: there is no {}", paths.config_file.display())
                    .map_err(output_failed)?;
            }
            writeln!(stdout, "ok").map_err(output_failed)
        }
    }
}

/// Lists all errors but one on stderr; the error that ends the command is that
/// one, or their number.
fn check(context: &ConfigContext<'_>, required: bool, stderr: &mut dyn Write) -> Result<()> {
    let path = &context.paths.config_file;
    let Err(mut errors) = Config::check(path, required, context.built_in, context.find) else {
        return Ok(());
    };
    if errors.len() == 1 {
        return errors.pop().map_or(Ok(()), Err);
    }
    for error in &errors {
        writeln!(stderr, "{error}\n").map_err(output_failed)?;
    }
    Err(Error::config(format!("{} errors in {}", errors.len(), path.display())))
}

fn edit(context: &ConfigContext<'_>, stderr: &mut dyn Write) -> Result<()> {
    let path = &context.paths.config_file;
    create_if_missing(path)
        .map_err(|error| Error::config(format!("{} can't be written", path.display())).because(&error))?;
    editor::open(path, context.env)?;
    check(context, true, stderr)
        .map_err(|error| error.hint("the file is saved; run `pollm config edit` to mend it"))
}

fn create_if_missing(path: &Path) -> std::io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    paths::write_private(path, TEMPLATE.as_bytes())
}

#[cfg(test)]
mod tests;
