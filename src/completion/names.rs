//! What an argument may be, looked up as it is typed.

use std::ffi::OsStr;
use std::sync::Arc;

use clap::{Arg, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};

use crate::catalog::Catalog;
use crate::chat::Effort;
use crate::check;
use crate::cli::{self, ColorChoice, Global};
use crate::context::{self, Context};
use crate::env::Env;
use crate::ledger::{Ledger, ListQuery};
use crate::prompt::LANE_OPTIONS;
use crate::provider;
use crate::render::filter::clean_line;
use crate::secrets::KeyFile;

/// So many of the latest calls are offered.
const LATEST: usize = 100;

/// So much of a prompt is shown beside its call, in characters.
const GLANCE: usize = 50;

/// A candidate, and what is said beside it.
type Named = (String, Option<String>);

/// What an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Models,
    Providers,
    Stored,
    Sets,
    Embedded,
    Calls,
    Commands,
    Checks,
    Efforts,
    Delays,
    Moments,
    System,
    Paths,
}

fn kind(arg: &Arg) -> Option<Names> {
    let value = arg.get_value_names()?.first()?.as_str();
    Some(match (arg.get_id().as_str(), value) {
        ("set", _) => Names::Sets,
        ("since" | "until", _) => Names::Moments,
        (_, "MODEL") => Names::Models,
        ("stored", _) => Names::Stored,
        (_, "PROVIDER") => Names::Providers,
        (_, "local/NAME") => Names::Embedded,
        (_, "ID" | "IDS") => Names::Calls,
        (_, "COMMAND") => Names::Commands,
        (_, "CHECK") => Names::Checks,
        (_, "LEVEL") => Names::Efforts,
        (_, "SECONDS|p90") => Names::Delays,
        (_, "TEXT|@FILE") => Names::System,
        (_, value) if value.split('|').any(|one| one == "FILE") => Names::Paths,
        _ => return None,
    })
}

/// The argument with its names. `words` are those of the line that is completed.
pub(super) fn with_names(arg: Arg, words: &Arc<[String]>) -> Arg {
    match kind(&arg) {
        None => arg,
        Some(Names::Paths) => arg.value_hint(ValueHint::AnyPath),
        Some(kind) => {
            let words = Arc::clone(words);
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| candidates(kind, typed, &words)))
        }
    }
}

fn candidates(kind: Names, typed: &OsStr, words: &[String]) -> Vec<CompletionCandidate> {
    let path = |prefix: &str, rest: &str| {
        let found = PathCompleter::any().complete(OsStr::new(rest));
        found.into_iter().map(|found| found.add_prefix(prefix)).collect()
    };
    let typed = typed.to_string_lossy();
    match (kind, typed.split_once(':'), typed.strip_prefix('@')) {
        (Names::Checks, Some(("schema", rest)), _) => path("schema:", rest),
        (Names::System, _, Some(rest)) => path("@", rest),
        _ => {
            let found = names(kind, &typed, words).into_iter();
            let fitting = found.filter(|(name, _)| name.starts_with(typed.as_ref()) && is_plain(name));
            fitting.map(|(name, help)| CompletionCandidate::new(name).help(help.map(Into::into))).collect()
        }
    }
}

fn names(kind: Names, typed: &str, words: &[String]) -> Vec<Named> {
    let plain = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), None)).collect();
    match kind {
        Names::Commands => commands(words),
        Names::Checks => check::KINDS
            .iter()
            .map(|(form, passes)| {
                // Up to the value, which is the user's.
                let end = form.find(':').map_or(form.len(), |colon| colon + 1);
                (form[..end].to_owned(), Some((*passes).to_owned()))
            })
            .collect(),
        Names::Efforts => plain(&Effort::LEVELS.map(|level| level.level().unwrap_or_default())),
        Names::Delays => plain(&["p90"]),
        Names::Moments => plain(&["today", "yesterday", "7d", "30d", "12h"]),
        Names::Embedded => plain(&["local/smollm2-135m"]),
        Names::System | Names::Paths => Vec::new(),
        Names::Models | Names::Providers | Names::Stored | Names::Sets | Names::Calls => {
            context().map(|context| of_user(kind, typed, &context)).unwrap_or_default()
        }
    }
}

/// What configuration, catalog and history know.
fn of_user(kind: Names, typed: &str, context: &Context) -> Vec<Named> {
    match kind {
        Names::Providers => {
            let rows = context.catalog.providers().into_iter();
            rows.map(|row| (row.id.as_str().to_owned(), Some(row.name))).collect()
        }
        Names::Stored => {
            let keys = KeyFile::open(&context.paths.key_file).unwrap_or_default();
            keys.providers().map(|provider| (provider.to_owned(), None)).collect()
        }
        Names::Sets => {
            let sets = context.config.sets.iter();
            sets.map(|(name, models)| (name.clone(), Some(models.join(", ")))).collect()
        }
        Names::Calls => calls(typed, context),
        _ => match typed.rsplit_once('@') {
            Some((model, option)) => [options(model, option), models(context, typed)].concat(),
            None => models(context, typed),
        },
    }
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

/// The commands below those that stand behind `man` already.
fn commands(words: &[String]) -> Vec<Named> {
    let command = cli::built();
    let before = words.split_last().map_or(words, |(_, before)| before);
    let named = before.iter().skip_while(|word| *word != "man").skip(1).filter(|word| !word.starts_with('-'));
    let mut below = &command;
    for name in named {
        match below.find_subcommand(name) {
            Some(found) => below = found,
            None => return Vec::new(),
        }
    }
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
    below.get_subcommands().map(|command| (command.get_name().to_owned(), about(command))).collect()
}

/// The latest calls, each of which stands for its conversation too. Ids are
/// typed in any case, and some shells replace nothing that was typed.
fn calls(typed: &str, context: &Context) -> Vec<Named> {
    let begun = |id: String| match id.split_at_checked(typed.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(typed) => format!("{typed}{rest}"),
        _ => id,
    };
    let query = ListQuery { limit: Some(LATEST), ..ListQuery::default() };
    let listed = Ledger::open_existing(&context.paths.ledger).and_then(|ledger| ledger.list(&query));
    let glance = |prompt: &str| clean_line(prompt).chars().take(GLANCE).collect::<String>();
    let calls = listed.unwrap_or_default().into_iter();
    calls
        .map(|call| (begun(call.id.to_string()), Some(format!("{}: {}", call.lane, glance(&call.prompt)))))
        .collect()
}

/// The options of a lane behind the `@`, and the levels of one of them.
fn options(model: &str, option: &str) -> Vec<Named> {
    match option.split_once('=') {
        None => LANE_OPTIONS.iter().map(|name| (format!("{model}@{name}="), None)).collect(),
        Some(("effort", _)) => {
            let levels = Effort::LEVELS.iter().filter_map(|level| level.level());
            levels.map(|level| (format!("{model}@effort={level}"), None)).collect()
        }
        Some(_) => Vec::new(),
    }
}

/// Aliases, routes and models. Before anything is typed, only those of providers that
/// can be asked: two thousand names are no help.
fn models(context: &Context, typed: &str) -> Vec<Named> {
    let aliases = context.catalog.aliases().into_iter().map(|(alias, target)| (alias, Some(target)));
    let routes = context.config.routes.iter().map(|(name, route)| {
        let help = format!("{}: {}", route.policy.as_str(), route.models.join(", "));
        (name.clone(), Some(help))
    });
    let mut found: Vec<Named> = aliases.chain(routes).collect();
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
        let line = cli::built();
        let ask = line.find_subcommand("ask").unwrap();
        let arg = |name: &str| kind(ask.get_arguments().find(|arg| arg.get_id() == name).unwrap());
        assert_eq!((arg("model"), arg("system")), (Some(Names::Models), Some(Names::System)));
        assert_eq!((arg("attach"), arg("temperature")), (Some(Names::Paths), None));
        let set = kind(&Arg::new("set").long("set").value_name("NAME"));
        assert_eq!(set, Some(Names::Sets));
    }

    #[test]
    fn the_commands_of_a_manual_page_follow_each_other() {
        let below = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            commands(&words).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(below("pollm man ")[..2], ["ask", "compare"]);
        assert_eq!(below("pollm man cost budget "), ["set", "unset"]);
        assert_eq!(below("pollm man -q cost b")[0], "report");
        assert_eq!(below("pollm man nothing "), [""; 0]);
    }
}
