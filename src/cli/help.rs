//! What a help text and a manual page say behind the options: exit codes,
//! environment, files, examples. One list of each; both are made from it.

use std::fmt::Write as _;

/// Terms and what they mean.
pub type Entries = &'static [(&'static str, &'static str)];

/// The exit codes of all commands together; see
/// [`crate::error::ErrorKind::exit_code`].
pub const EXIT_CODES: Entries = &[
    ("0", "all good, or the reader of the output went away"),
    ("1", "a call failed; in compare, all of them"),
    ("2", "wrong command line"),
    ("3", "over budget, nothing was sent"),
    ("4", "compare: some models failed"),
    ("5", "wrong configuration, or a key is missing or rejected"),
    ("6", "timeout"),
    ("7", "a check, a schema or the agreement failed"),
    ("8", "truncated or refused, under --strict"),
    ("130", "interrupted; what came is printed and kept"),
];

const ASK_EXIT_CODES: Entries = &[
    ("0", "good"),
    ("1", "the call failed"),
    ("2", "wrong command line"),
    ("3", "over budget, nothing was sent"),
    ("5", "wrong configuration, or a key is missing or rejected"),
    ("6", "timeout"),
    ("7", "the answer fails --schema, or has no code block for -x"),
    ("8", "truncated or refused, under --strict"),
    ("130", "interrupted; what came is printed and kept"),
];

const COMPARE_EXIT_CODES: Entries = &[
    ("0", "all good"),
    ("1", "all models failed"),
    ("2", "wrong command line"),
    ("3", "over budget, nothing was sent"),
    ("4", "some models failed"),
    ("5", "wrong configuration, or a key is missing or rejected by all"),
    ("6", "all models timed out"),
    ("7", "a check, the schema or the agreement failed"),
    ("8", "truncated or refused, under --strict"),
    ("130", "interrupted; what was finished is printed and kept"),
];

/// Where pollm keeps what, but on Windows and unless variables say otherwise;
/// see [`crate::paths::Paths`].
pub const FILES: Entries = &[
    ("~/.config/pollm/config.toml", "the configuration: `pollm config edit`"),
    ("~/.config/pollm/keys.toml", "the keys that `pollm keys set` stored; only you can read it"),
    (
        "~/.local/share/pollm/ledger.db",
        "the history of all calls, with prompts, answers and costs; only you can read it",
    ),
    (
        "~/.cache/pollm/",
        "what can be fetched again: refreshed prices, live lists of models, the weights of the embedded model",
    ),
];

const POLLM_EXAMPLES: Entries = &[
    (r#"pollm ask "Why is the sky blue?""#, "ask the default model"),
    (
        r#"pollm compare -m openai/gpt-6.1-sol,google/gemini-4-argon "Why is the sky blue?""#,
        "ask two, side by side",
    ),
    ("pollm cost report --since 7d --by day", "what the last seven days cost"),
    ("pollm man compare | man -l -", "the manual page of a command"),
];

const ASK_EXAMPLES: Entries = &[
    (
        r#"git diff | pollm ask -m anthropic/claude-opus-5-5 "Write a commit message for this.""#,
        "put a pipe before the prompt",
    ),
    (
        r#"pollm ask -m groq/openai/gpt-oss-120b,openai/gpt-6.1-sol --hedge 2s "Why is the sky blue?""#,
        "ask the second model where the first fails, or has said nothing after two seconds",
    ),
    (
        r#"pollm ask --route cheapest --why --dry-run "Why is the sky blue?""#,
        "which model would be asked, why, and for how much; nothing is sent",
    ),
    (
        r#"pollm ask -a chart.png --json "What does it show?""#,
        "a picture; the answer with its times, tokens and exact cost as one JSON object",
    ),
    (
        r#"pollm ask -x "A shell script that renames *.jpeg to *.jpg" >rename.sh"#,
        "only the code of the answer",
    ),
    (r#"pollm ask -c "And at night?""#, "go on with the latest conversation"),
    (
        r#"pollm ask --max-cost 0.01 --fit -m openai/gpt-6.1-sol "Why is the sky blue?""#,
        "an answer for one cent at most",
    ),
];

const COMPARE_EXAMPLES: Entries = &[
    (
        r#"pollm compare -m openai/gpt-6.1-sol,google/gemini-4-argon --runs 12 "Why is the sky blue?""#,
        "twelve interleaved rounds: medians, spread, and whether the difference may be chance",
    ),
    (
        r#"pollm compare -m openai/gpt-6.1-sol@effort=low -m openai/gpt-6.1-sol@effort=high "Why is the sky blue?""#,
        "one model against itself",
    ),
    (
        "pollm compare --set daily --prompts questions.csv --check json --check max-cost:0.01",
        "every prompt with every model of a set; exit code 7 where a check fails",
    ),
    ("pollm compare --last --view diff", "the last comparison again, word by word; nothing is sent"),
    ("pollm compare --last --output sky.html", "the last comparison as a page to pass on"),
];

/// The exit codes of the command at a path such as `ask`, where they are worth
/// a list; of pollm itself, where the path is empty, those of all commands.
pub fn exit_codes(path: &str) -> Entries {
    match path {
        "" => EXIT_CODES,
        "ask" => ASK_EXIT_CODES,
        "compare" => COMPARE_EXIT_CODES,
        _ => &[],
    }
}

/// Lines to try of the command at a path such as `ask`; of pollm itself, the
/// path is empty.
pub fn examples(path: &str) -> Entries {
    match path {
        "" => POLLM_EXAMPLES,
        "ask" => ASK_EXAMPLES,
        "compare" => COMPARE_EXAMPLES,
        _ => &[],
    }
}

/// Where the variables are that are data.
pub(crate) const KEY_VARIABLES: &str =
    "Keys of providers are in the variables that `pollm models providers` names.";

/// The end of the long help of what reads the environment.
pub(crate) fn environment() -> String {
    format!("{}\n{KEY_VARIABLES}", listed("Environment", crate::env::VARIABLES))
}

/// How models are named, for the end of pollm's own help.
pub(crate) const MODELS: &str = "\
Models are named provider/model: openai/gpt-6.1-sol, anthropic/claude-opus-5-5, ollama/qwen3. \
With no key and no server, `pollm ask` answers with local/smollm2-135m, a tiny model that runs in-process.";

/// The end of pollm's own long help.
pub(crate) fn examples_and_models() -> String {
    format!("{}\n{MODELS}", listed("Examples", examples("")))
}

/// The end of a short help text: what scripts need to know.
pub(crate) fn codes(path: &str) -> String {
    let mut text = "Exit codes:".to_owned();
    for (code, meaning) in exit_codes(path) {
        let _ = write!(text, "\n  {code:>3}  {meaning}");
    }
    text
}

/// The end of a long help text.
pub(crate) fn examples_and_codes(path: &str) -> String {
    format!("{}\n{}", listed("Examples", examples(path)), codes(path))
}

/// Entries below a heading, as clap lays out options in long help.
pub(crate) fn listed(heading: &str, entries: Entries) -> String {
    let mut text = format!("{heading}:\n");
    for (term, meaning) in entries {
        let _ = writeln!(text, "  {term}\n          {meaning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn every_exit_code_is_explained_and_no_other() {
        let kinds = [
            ErrorKind::Failed,
            ErrorKind::Usage,
            ErrorKind::Budget,
            ErrorKind::SomeFailed,
            ErrorKind::Config,
            ErrorKind::Timeout,
            ErrorKind::Check,
            ErrorKind::Strict,
            ErrorKind::Interrupted,
        ];
        let codes: Vec<String> =
            std::iter::once(0).chain(kinds.map(ErrorKind::exit_code)).map(|code| code.to_string()).collect();
        assert_eq!(EXIT_CODES.iter().map(|(code, _)| *code).collect::<Vec<_>>(), codes);
        for path in ["ask", "compare"] {
            assert!(exit_codes(path).iter().all(|(code, _)| codes.iter().any(|known| known == code)));
        }
    }
}
