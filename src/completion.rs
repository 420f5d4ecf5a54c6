//! Completion in the shell: commands, flags, and the names of providers,
//! models, aliases, routes, sets and calls, with no network.
//!
//! The shell runs pollm with `COMPLETE` set, and clap's engine answers in its
//! place. That variable and those that the shell's script adds (`_CLAP_…`) are
//! read by the engine itself, the one exception to the rule that the
//! environment is read in [`env`](mod@crate::env).

use std::ffi::OsString;
use std::sync::Arc;

use clap::{Command, CommandFactory as _};
use clap_complete::env::{CompleteEnv, Elvish, Fish, Powershell, Shells, Zsh};

use crate::cli::Cli;

mod bash;
mod names;

/// Answers the shell if it asks. `None` where this is an ordinary run; the exit
/// code otherwise.
pub fn answer(args: &[OsString]) -> Option<u8> {
    let folder = std::env::current_dir().ok();
    match CompleteEnv::with_factory(|| command(args))
        .shells(Shells(&[&bash::Bash, &Elvish, &Fish, &Powershell, &Zsh]))
        .bin("pollm")
        .try_complete(args.iter().cloned(), folder.as_deref())
    {
        Ok(false) => None,
        Ok(true) => Some(0),
        Err(error) => {
            // An unknown shell; a closed stderr leaves nobody to tell.
            let _ = error.print();
            Some(2)
        }
    }
}

/// The command line with names that are looked up as they are typed. They are
/// added here, and not where the arguments are declared, so that a run that
/// completes nothing does not pay for them.
fn command(args: &[OsString]) -> Command {
    // The line that is completed stands behind the first `--`.
    let line = args.iter().skip_while(|arg| *arg != "--").skip(1);
    let words: Arc<[String]> = line.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut command = Cli::command();
    command.build();
    with_names(command, &words)
}

fn with_names(command: Command, words: &Arc<[String]>) -> Command {
    let command = command.mut_args(|arg| names::with_names(arg, words));
    command.mut_subcommands(|below| with_names(below, words))
}
