//! Commands that are built when they are typed.

use std::ops::Deref;

use clap::builder::Resettable;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

/// The arguments of a command that is built late, when it has the options of every
/// command and its description already. The former go behind its own, as the help
/// has them in that order, and the latter stays: else clap takes that of `T`.
#[derive(Debug)]
pub struct Late<T>(T);

impl<T> Deref for Late<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: FromArgMatches> FromArgMatches for Late<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Late<T> {
    fn augment_args(command: Command) -> Command {
        complete(command, T::augment_args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        complete(command, T::augment_args_for_update)
    }
}

fn complete(command: Command, augment: fn(Command) -> Command) -> Command {
    let about = Resettable::from(command.get_about().cloned());
    let long_about = Resettable::from(command.get_long_about().cloned());
    let command = augment(command).about(about).long_about(long_about);
    let mut args: Vec<_> = command.get_arguments().cloned().collect();
    args.sort_by_key(clap::Arg::is_global_set);
    let mut args = args.into_iter();
    command.mut_args(|arg| args.next().unwrap_or(arg))
}
