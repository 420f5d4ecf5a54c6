//! What helps with a wrong command line, besides what clap says of it.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::built;
use crate::nearest::nearest;

/// Other tools' words for what a command here does.
const SYNONYMS: [&[&str]; 4] = [
    &["clear", "delete", "remove", "rm", "unset"],
    &["list", "ls"],
    &["cat", "get", "info", "show", "view"],
    &["add", "new", "set"],
];

/// Puts the nearest command into an error about one that there is none of, and
/// says of a word too many that it is one. `args` has the program's name first.
pub fn suggest(error: &mut clap::Error, args: &[OsString]) {
    let Some(word) = text(error, ContextKind::InvalidSubcommand) else { return };
    let root = built();
    let (above, _) = place(&root, args);
    if error.kind() == ErrorKind::InvalidSubcommand {
        // Two letters in the wrong order are one mistake, and for clap `aks` is nearest to `keys`.
        if let Some(near) = nearest(&word, names(above)).or_else(|| synonym(&word, above)) {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near.to_owned()]));
        }
    } else if above.find_subcommand(&word).is_some() {
        error.remove(ContextKind::SuggestedSubcommand);
    } else {
        // For clap, whatever follows the term of a list is a command out of place.
        let mut plain = clap::Error::new(ErrorKind::UnknownArgument).with_cmd(above);
        plain.insert(ContextKind::InvalidArg, ContextValue::String(word));
        if let Some(usage) = error.remove(ContextKind::Usage) {
            plain.insert(ContextKind::Usage, usage);
        }
        *error = plain;
    }
}

/// What may help where a prompt of one word, or options of `ask`, came without
/// the command, and where a command is not the first word of its line. `args`
/// has the program's name first.
pub fn hint(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let first = args.get(1)?;
    let is_first = |kind| text(error, kind).is_some_and(|word| *first == *word);
    let fixed = match error.kind() {
        ErrorKind::InvalidSubcommand if is_first(ContextKind::InvalidSubcommand) => {
            "a prompt of one word needs the command: `pollm ask WORD`"
        }
        ErrorKind::UnknownArgument if is_first(ContextKind::InvalidArg) => {
            "options of a command stand behind it: `pollm ask -m MODEL WORD`"
        }
        ErrorKind::UnknownArgument | ErrorKind::ArgumentConflict => return late_command(error, args),
        _ => return None,
    };
    Some(fixed.to_owned())
}

fn late_command(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let root = built();
    let (above, path) = place(&root, args);
    if !above.is_args_conflicts_with_subcommands_set() {
        return None;
    }
    let typed = || args.iter().skip(path.len()).filter_map(|arg| arg.to_str());
    let path = path.join(" ");
    if let Some(command) = typed().find(|word| above.find_subcommand(word).is_some()) {
        return Some(format!("the command comes first, then its options: `{path} {command} …`"));
    }
    let word = text(error, ContextKind::InvalidArg).filter(|word| !word.starts_with('-'))?;
    let before = typed().take_while(|arg| *arg != word).filter(|arg| !arg.starts_with('-')).last();
    if let Some(near) = before.and_then(|arg| nearest(arg, names(above)).or_else(|| synonym(arg, above))) {
        return Some(format!("did you mean `{path} {near} {word}`?"));
    }
    above.get_positionals().next().map(|_| "a term of several words stands in quotes".to_owned())
}

/// The command that the words name as far as they do, and its words.
fn place<'a>(root: &'a Command, args: &[OsString]) -> (&'a Command, Vec<String>) {
    let mut above = root;
    let mut path = vec![root.get_name().to_owned()];
    for arg in args.iter().skip(1) {
        match above.find_subcommand(arg) {
            Some(command) => {
                above = command;
                path.push(command.get_name().to_owned());
            }
            // Options of every command, and their values, may stand before the first.
            None if path.len() == 1 => {}
            None => break,
        }
    }
    (above, path)
}

fn names(command: &Command) -> impl Iterator<Item = &str> {
    command.get_subcommands().map(Command::get_name)
}

fn synonym<'a>(word: &str, above: &'a Command) -> Option<&'a str> {
    let alike = SYNONYMS.iter().find(|words| words.contains(&word))?;
    names(above).find(|name| alike.contains(name))
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    /// The message's first line, clap's tip, and the hint.
    fn said(line: &str) -> (String, Option<String>, Option<String>) {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut error = Cli::try_parse_from(&args).unwrap_err();
        suggest(&mut error, &args);
        let message = error.to_string();
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let tip = lines.find_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned);
        (first, tip, hint(&error, &args))
    }

    #[test]
    fn who_left_out_the_command_is_told() {
        let hint = |line| said(line).2;
        let word = Some("a prompt of one word needs the command: `pollm ask WORD`".to_owned());
        assert_eq!((hint("pollm hello"), hint("pollm why")), (word.clone(), word));
        assert!(hint("pollm -m x/y hello").unwrap().starts_with("options of a command"));
        for line in ["pollm keys lst", "pollm help nope", "pollm ask --mdoel"] {
            assert_eq!(hint(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_nearest_command_is_named_at_any_depth() {
        let near = |line| said(line).1;
        let tip = |name| Some(format!("a similar subcommand exists: '{name}'"));
        assert_eq!(near("pollm aks hi"), tip("ask"));
        assert_eq!(near("pollm --color never keys rmeove x"), tip("remove"));
        assert_eq!(near("pollm keys delete x"), tip("remove"));
        assert_eq!(near("pollm cost budget remove day"), tip("unset"));
        assert_eq!(near("pollm cost budget frobnicate"), None);
    }

    #[test]
    fn a_command_behind_its_options_is_told_where_it_belongs() {
        let first = |path| Some(format!("the command comes first, then its options: `{path} …`"));
        let (message, tip, hint) = said("pollm cost --since 7d report");
        assert_eq!(message, "the subcommand 'report' cannot be used with '--since <WHEN>'");
        assert_eq!((tip, hint), (None, first("pollm cost report")));
        let (message, _, hint) = said("pollm models --all show gpt");
        assert_eq!(message, "unexpected argument 'gpt' found");
        assert_eq!(hint, first("pollm models show"));
    }

    #[test]
    fn a_word_too_many_is_named() {
        let (message, _, hint) = said("pollm -q history two words");
        assert_eq!(message, "unexpected argument 'words' found");
        assert_eq!(hint.unwrap(), "a term of several words stands in quotes");
        assert_eq!(
            said("pollm history --json shwo 01M8").2.unwrap(),
            "did you mean `pollm history show 01M8`?"
        );
        assert_eq!(said("pollm history rm 01M8").2.unwrap(), "did you mean `pollm history delete 01M8`?");
        assert_eq!(said("pollm cost --since 7d x").2, None);
        assert_eq!(said("pollm history --lmit 3").2, None);
    }
}
