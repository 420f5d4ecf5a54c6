//! pollm: one prompt, any model.
//!
//! The crate is a library with a thin binary. To follow one call, read
//! `commands/ask.rs`, [`dispatch`], [`exchange`], a protocol below [`wire`], and
//! [`outcome`], which is what comes of it. The map of all:
//!
//! - [`chat`], [`model`], [`money`], [`moment`], [`outcome`]: the vocabulary.
//! - [`cli`], [`commands`], [`completion`], [`context`]: what is typed, what it
//!   does, what the shell completes, and what every command works with.
//! - [`prompt`], [`asking`]: what is asked, from the command line, stdin and
//!   files.
//! - [`schema`], [`check`], [`agree`]: whether an answer is of the shape asked
//!   for, passes the user's checks, and says the same as others.
//! - [`catalog`], [`lane`], [`provider`], [`live`], [`estimate`]: providers,
//!   models and prices; from a name to who is asked, and what it may cost.
//! - [`budget`]: caps on spending, and the most that a call can cost.
//! - [`choice`], [`router`]: which of several models is asked first, and why.
//! - [`comparison`], [`matrix`], [`statistics`]: several calls side by side, and
//!   those of many prompts, as data; what repeated ones say.
//! - [`dispatch`], [`exchange`], [`transport`], [`signals`]: a call, from a
//!   lane to an outcome.
//! - [`cooldown`]: who is left alone for a while after failures.
//! - [`wire`]: protocol adapters, pure functions from requests to bytes and
//!   from bytes to events.
//! - [`local`], [`weights`]: the embedded model.
//! - [`env`](mod@env), [`paths`], [`config`], [`secrets`]: what the user has
//!   set, where it lies, and the keys.
//! - [`ledger`], [`store`], [`keeper`], [`spending`], [`past`]: the one private
//!   file that every outcome is written to, what its calls cost together, and
//!   what they say about the next one.
//! - [`render`], [`streams`], [`whole_file`], [`consent`]: how text reaches a
//!   terminal, a pipe or a file, and questions to the user.
//! - [`error`], [`explain`], [`nearest`], [`logger`], [`crash`]: what ends a
//!   command, failures of calls in words, "did you mean", what `-v` prints, and
//!   what is left to do when pollm itself fails.

pub mod agree;
pub mod asking;
pub mod budget;
pub mod catalog;
pub mod chat;
pub mod check;
pub mod choice;
pub mod cli;
pub mod commands;
pub mod comparison;
pub mod completion;
pub mod config;
pub mod consent;
pub mod context;
pub mod cooldown;
pub mod crash;
pub mod dispatch;
pub mod env;
pub mod error;
pub mod estimate;
pub mod exchange;
pub mod explain;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod keeper;
pub mod lane;
pub mod ledger;
pub mod live;
#[cfg(feature = "local")]
pub mod local;
pub mod logger;
pub mod matrix;
pub mod model;
pub mod moment;
pub mod money;
pub mod nearest;
pub mod outcome;
pub mod past;
pub mod paths;
pub mod prompt;
pub mod provider;
pub mod render;
pub mod router;
pub mod schema;
pub mod secrets;
pub mod signals;
pub mod spending;
pub mod statistics;
pub mod store;
pub mod streams;
pub mod transport;
#[cfg(feature = "local")]
pub mod weights;
pub mod whole_file;
pub mod wire;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use context::Context;
use error::{Error, ErrorKind, Result};

/// Runs the program with its arguments, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = completion::answer(&args) {
        return ExitCode::from(code);
    }
    let args = cli::with_default_command(args);
    let typed = args.clone();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(mut error) => {
            cli::wrong::suggest(&mut error, &typed);
            // Help goes to stdout, complaints to stderr; a closed pipe is no fault.
            let _ = error.print();
            if let Some(hint) = cli::wrong::hint(&error, &typed) {
                streams::stderr(&format!("\nhint: {hint}\n"));
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let env = env::Env::from_process();
    let output = context::output(&env, &cli.global);
    logger::install(cli.global.verbose);
    match command(&cli, env, output.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if error.kind != ErrorKind::BrokenPipe {
                streams::stderr(&error.render(&|word| output.label(word)));
            }
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn command(cli: &Cli, env: env::Env, output: render::output::Output) -> Result<()> {
    let mut stdout = streams::buffered_stdout();
    let done = dispatch_command(cli, env, output, &mut stdout, &mut streams::Stderr);
    // What was printed before an error is part of the output too.
    let flushed = stdout.flush().map_err(commands::output_failed);
    done.and(flushed)
}

fn dispatch_command(
    cli: &Cli,
    env: env::Env,
    output: render::output::Output,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    // A broken configuration must not keep anyone from mending it.
    if let Command::Config(args) = &cli.command {
        let (paths, catalog) = (paths::Paths::find(&env)?, catalog::Catalog::embedded());
        let ids = catalog.built_in_ids();
        let built_in: Vec<&str> = ids.iter().map(String::as_str).collect();
        let loaded = std::cell::OnceCell::new();
        // Only a file without other errors has its names looked up.
        let find = |named: config::Named<'_>| {
            if loaded.get().is_none() {
                let _ = loaded.set(Context::load(env.clone(), output.clone(), cli.global.clone())?);
            }
            loaded.get().map_or(Ok(()), |context| choice::check(named, context))
        };
        let place =
            commands::config::ConfigContext { paths: &paths, env: &env, built_in: &built_in, find: &find };
        return commands::config::run(args, &place, stdout, stderr);
    }
    if let Command::Man(args) = &cli.command {
        return commands::man::run(args, stdout);
    }
    let context = Context::load(env, output, cli.global.clone())?;
    match &cli.command {
        Command::Ask(args) => commands::ask::run(args, &context),
        Command::Compare(args) => commands::compare::run(args, &context),
        Command::Models(args) => commands::models::run(args, &context, stdout, stderr),
        Command::Cost(args) => commands::cost::run(args, &context, stdout, stderr),
        Command::History(args) => commands::history::run(args, &context, stdout, stderr),
        Command::Keys(args) => {
            let providers = context.key_variables();
            let place = commands::keys::KeysContext {
                paths: &context.paths,
                env: &context.env,
                config: &context.config,
                providers: &providers,
            };
            let (mut nowhere, quiet) = (std::io::sink(), cli.global.quiet);
            let notes: &mut dyn Write = if quiet { &mut nowhere } else { stderr };
            commands::keys::run(args, &place, &mut commands::keys::read_key, stdout, notes)
        }
        Command::Config(_) | Command::Man(_) => Ok(()),
    }
}

/// The runtime of this process's calls: one thread, built only for calls.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::failed("could not start the runtime").because(&error))
}
