//! Completion in the shell: commands, flags, and the names of providers,
//! models, aliases, routes and sets, with no network.
//!
//! The shell runs pollm with `COMPLETE` set, and clap's engine answers in its
//! place. That variable and those that the shell's script adds (`_CLAP_…`) are
//! read by the engine itself, the one exception to the rule that the
//! environment is read in [`env`](mod@crate::env).

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::CompleteEnv;

use crate::catalog::Catalog;
use crate::cli::{Cli, ColorChoice, Global};
use crate::context::{self, Context};
use crate::env::Env;
use crate::provider;

/// Answers the shell if it asks. `None` where this is an ordinary run; the exit
/// code otherwise.
pub fn answer(args: &[OsString]) -> Option<u8> {
    let folder = std::env::current_dir().ok();
    match CompleteEnv::with_factory(command)
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
fn command() -> Command {
    with_names(Cli::command())
}

fn with_names(command: Command) -> Command {
    let command = command.mut_args(|arg| match kind(&arg) {
        Some(kind) => arg.add(ArgValueCompleter::new(move |typed: &OsStr| names(kind, typed))),
        None => arg,
    });
    command.mut_subcommands(with_names)
}

/// What an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Models,
    Providers,
    Sets,
    Embedded,
}

fn kind(arg: &Arg) -> Option<Names> {
    let value = arg.get_value_names()?.first()?.as_str();
    Some(match (arg.get_id().as_str(), value) {
        ("set", _) => Names::Sets,
        (_, "MODEL") => Names::Models,
        (_, "PROVIDER") => Names::Providers,
        (_, "local/NAME") => Names::Embedded,
        _ => return None,
    })
}

fn names(kind: Names, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let Some(context) = context() else { return Vec::new() };
    let found = match kind {
        Names::Models => models(&context, &typed),
        Names::Providers => context
            .catalog
            .providers()
            .into_iter()
            .map(|row| (row.id.as_str().to_owned(), Some(row.name)))
            .collect(),
        Names::Sets => {
            context.config.sets.iter().map(|(name, models)| (name.clone(), Some(models.join(", ")))).collect()
        }
        Names::Embedded => vec![("local/smollm2-135m".to_owned(), None)],
    };
    let fitting = found.into_iter().filter(|(name, _)| name.starts_with(typed.as_ref()) && is_plain(name));
    fitting.map(|(name, help)| CompletionCandidate::new(name).help(help.map(Into::into))).collect()
}

/// The user's names where the configuration can be read, the catalog's at least.
fn context() -> Option<Context> {
    let env = Env::from_process();
    let global = Global { quiet: true, verbose: false, color: ColorChoice::Never };
    let output = context::output(&env, &global);
    Context::load(env.clone(), output.clone(), global.clone()).ok().or_else(|| {
        let paths = crate::paths::Paths::find(&env).ok()?;
        Some(Context {
            env,
            paths,
            config: crate::config::Config::default(),
            catalog: Catalog::embedded(),
            output,
            global,
        })
    })
}

/// Aliases, routes and models. Before anything is typed, only those of providers that
/// can be asked: two thousand names are no help.
fn models(context: &Context, typed: &str) -> Vec<(String, Option<String>)> {
    let aliases = context.catalog.aliases().into_iter().map(|(alias, target)| (alias, Some(target)));
    let routes = context.config.routes.iter().map(|(name, route)| {
        let help = format!("{}: {}", route.policy.as_str(), route.models.join(", "));
        (name.clone(), Some(help))
    });
    let mut found: Vec<(String, Option<String>)> = aliases.chain(routes).collect();
    let ids = context.catalog.ids();
    let mut asked: Option<(String, bool)> = None;
    for id in ids {
        let provider = id.provider.as_str();
        if typed.is_empty() {
            if asked.as_ref().is_none_or(|(known, _)| known != provider) {
                asked = Some((provider.to_owned(), provider::is_usable(context, &id.provider)));
            }
            if asked.as_ref().is_some_and(|(_, usable)| !usable) {
                continue;
            }
        }
        found.push((id.to_string(), None));
    }
    found
}

/// A name with a control character would break the shell's line.
fn is_plain(name: &str) -> bool {
    !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_name_something_are_found_by_what_they_take() {
        let line = command();
        let ask = line.find_subcommand("ask").unwrap();
        let arg = |name: &str| kind(ask.get_arguments().find(|arg| arg.get_id() == name).unwrap());
        assert_eq!((arg("model"), arg("system"), arg("temperature")), (Some(Names::Models), None, None));
        let set = kind(&Arg::new("set").long("set").value_name("NAME"));
        assert_eq!(set, Some(Names::Sets));
    }
}
