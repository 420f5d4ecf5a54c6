//! The command line: what can be typed, and the help that says so. No logic.
//!
//! Doc comments are the help. A short flag is always given explicitly, a value
//! has an upper-case name, and a flag that several commands share stands in
//! one struct.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use serde_json::Value;

use crate::chat::Effort;
use crate::choice::Conditions;
use crate::commands;
use crate::money::Cost;
use crate::prompt::{
    parse_max_tokens, parse_number, parse_option, parse_seed, parse_stop, parse_temperature, parse_timeout,
    parse_top_p, parse_wait,
};

pub mod help;
mod late;
mod table;
pub mod wrong;

pub use late::Late;
pub use table::{TableFormat, TableOptions};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// One prompt, any model: ask, compare and price language models from the shell.
///
/// `pollm "a prompt with blanks"` is short for `pollm ask "a prompt with blanks"`.
#[derive(Debug, Parser)]
#[command(name = "pollm", version, styles = STYLES, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = help::MODELS, after_long_help = help::examples_and_models())]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print only the answer or the data, errors, and that an answer is incomplete
    #[arg(short = 'q', long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more on stderr: what is sent where, what was skipped
    #[arg(short = 'v', long, global = true, help_heading = "Global options")]
    pub verbose: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        help_heading = "Global options"
    )]
    pub color: ColorChoice,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// In pipes and files too.
    Always,
    /// Nowhere.
    Never,
}

/// The commands. Only what is typed is built with its options: all of them would take
/// half the time of a start.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Send a prompt to a model and stream the answer
    ///
    /// On a terminal the answer is rendered as it streams, and a receipt with times, tokens and cost
    /// follows on stderr. In a pipe stdout has the answer and a final newline, nothing else.
    Ask(Late<Box<commands::ask::AskArgs>>),
    /// Send a prompt to several models at once and show them side by side
    ///
    /// Answers, latency, tokens and cost stand next to each other, with a summary in words. While the
    /// models answer, a terminal shows a line for each. An answer is kept in the history as soon as it
    /// is there.
    Compare(Late<Box<commands::compare::CompareArgs>>),
    /// List models and providers: context, prices, abilities
    ///
    /// Without a command, the chat models of the providers that can be asked now.
    Models(Late<Box<commands::models::ModelsArgs>>),
    /// What calls cost: totals, estimates, prices, audits
    ///
    /// Without a command, totals of all calls in the history.
    Cost(Late<commands::cost::CostArgs>),
    /// Look at past calls: list, show, export, delete
    History(Late<commands::history::HistoryArgs>),
    /// Store API keys in a private file: set, list, remove
    ///
    /// A key is looked for in the provider's environment variable, then with the `key_command` of its
    /// row in the configuration, then in the key file that this command writes.
    Keys(Late<commands::keys::KeysArgs>),
    /// The configuration file: path, show, edit, check
    Config(Late<commands::config::ConfigArgs>),
    /// Print the manual pages, or write them into a folder
    ///
    /// They are made from the same text as `--help`, in the format of man: `pollm man ask | man -l -`
    /// shows one, `pollm man --dir ~/.local/share/man/man1` installs all, so that `man pollm-ask` finds it.
    Man(Late<commands::man::ManArgs>),
}

/// All commands with all their options, for whoever describes them.
pub fn built() -> clap::Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// What is asked: the prompt and everything that goes with it.
#[derive(Clone, Debug, Args)]
pub struct PromptOptions {
    /// The prompt; words are joined by spaces
    ///
    /// Text on stdin (a pipe or a file) comes first, then a blank line, then the
    /// words. `{stdin}` in the prompt puts that text elsewhere; `-` reads stdin
    /// explicitly.
    #[arg(value_name = "PROMPT")]
    pub prompt: Vec<String>,
    /// The system prompt, or @FILE to read it from a file
    #[arg(short, long, value_name = "TEXT|@FILE", help_heading = "Prompt")]
    pub system: Option<String>,
    /// Attach an image, a PDF or audio (told by content), a URL, or - for stdin
    #[arg(short, long, value_name = "FILE|URL|-", help_heading = "Prompt")]
    pub attach: Vec<OsString>,
    /// Put a file into the prompt as text, named and fenced; - for stdin
    #[arg(short, long, value_name = "FILE|-", help_heading = "Prompt")]
    pub file: Vec<OsString>,
    /// Ignore stdin even where it is a pipe
    #[arg(long, help_heading = "Prompt")]
    pub no_stdin: bool,
}

/// Sampling, limits and the shape of the answer.
#[derive(Clone, Debug, Args)]
pub struct SamplingOptions {
    /// Sampling temperature, 0 or more [default: the model's own, as for all parameters]
    #[arg(long, value_name = "N", value_parser = parse_temperature, allow_negative_numbers = true, help_heading = "Parameters")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1
    #[arg(long, value_name = "N", value_parser = parse_top_p, allow_negative_numbers = true, help_heading = "Parameters")]
    pub top_p: Option<f64>,
    /// Most tokens to generate, reasoning included
    #[arg(long, value_name = "N", value_parser = parse_max_tokens, allow_negative_numbers = true, help_heading = "Parameters")]
    pub max_tokens: Option<u32>,
    /// Seed for repeatable sampling, where the provider has it
    #[arg(long, value_name = "N", value_parser = parse_seed, allow_negative_numbers = true, help_heading = "Parameters")]
    pub seed: Option<i64>,
    /// Text that ends the answer (repeatable)
    #[arg(long, value_name = "TEXT", value_parser = parse_stop, help_heading = "Parameters")]
    pub stop: Vec<String>,
    /// How hard to think: none, minimal, low, medium, high, xhigh, max, or a number of tokens
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true, help_heading = "Parameters")]
    pub effort: Option<Effort>,
    /// A field of the provider's request body: a JSON value, or a string (repeatable)
    ///
    /// A dot reaches into an object: -o generationConfig.topK=40. It wins over the other options.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = parse_option, help_heading = "Parameters")]
    pub option: Vec<(String, Value)>,
    /// JSON Schema that the answer must meet: a file, or the JSON itself
    ///
    /// It is sent natively where the protocol can, and always checked on arrival; exit code 7 where it fails.
    #[arg(long, value_name = "FILE|JSON", help_heading = "Parameters")]
    pub schema: Option<String>,
}

/// How a call is made.
#[derive(Clone, Debug, Args)]
pub struct CallOptions {
    /// Give up after so many seconds (90, or 500ms, 30s, 5m), retries included [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout, allow_negative_numbers = true, help_heading = "Call")]
    pub timeout: Option<Duration>,
    /// Requests beyond the first after a failure that may pass
    #[arg(long, value_name = "N", default_value_t = Self::RETRIES, value_parser = parse_number::<u32>, allow_negative_numbers = true, help_heading = "Call")]
    pub retries: u32,
    /// The longest wait in seconds that a provider may ask for before a retry; a longer one ends the call
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_wait, allow_negative_numbers = true, help_heading = "Call")]
    pub max_wait: Duration,
    /// Send again, and let another model take over, where the answer was lost but may be billed
    ///
    /// That is: nothing came in time, or the connection broke after the request was sent. Without it
    /// such a call fails and is marked as possibly billed; with it the same work may be paid twice.
    #[arg(long, help_heading = "Call")]
    pub retry_ambiguous: bool,
    /// Do not write this call into the history
    #[arg(short, long, help_heading = "Call")]
    pub no_log: bool,
    /// Agree to the download of the embedded model without being asked
    #[arg(long, help_heading = "Call")]
    pub yes: bool,
    /// Exit with 8 where the answer was truncated or refused
    #[arg(long, help_heading = "Call")]
    pub strict: bool,
    /// Print the request that would be sent, the key's name in place of the key, and its estimated cost; send nothing
    #[arg(long, help_heading = "Call")]
    pub dry_run: bool,
    /// What the call may cost.
    #[command(flatten)]
    pub caps: CapOptions,
}

/// What calls may cost, besides the caps of the configuration.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct CapOptions {
    /// Send nothing that may bring the cost of this command above so many USD
    ///
    /// The most that a call can cost counts, not what is likely: its whole prompt, and an answer of
    /// --max-tokens, or as long as the model can make it. Exit code 3 where that is too much. Caps for
    /// days and months stand in the configuration: `pollm cost budget set day 5.00`.
    #[arg(long, value_name = "USD", value_parser = parse_usd, allow_negative_numbers = true, help_heading = "Call")]
    pub max_cost: Option<Cost>,
    /// Under a cap, lower --max-tokens to what fits; to the same for all models
    #[arg(long, help_heading = "Call")]
    pub fit: bool,
    /// Under a cap, send also what has no known cost
    #[arg(long, help_heading = "Call")]
    pub allow_unpriced: bool,
}

impl CallOptions {
    /// Requests beyond the first, unless the user says otherwise.
    pub const RETRIES: u32 = 2;
    /// The longest wait for a retry, unless the user says otherwise.
    pub const MAX_WAIT: Duration = Duration::from_secs(60);
}

impl CapOptions {
    /// What a route must keep to. What `--fit` lowers, or what may be sent
    /// without a known cost, is no reason against a model. Each call may be
    /// paid for so many times.
    pub fn conditions(&self, sends: u32) -> Conditions {
        Conditions { max_cost: self.max_cost.filter(|_| !self.fit && !self.allow_unpriced), sends }
    }
}

/// The shape of what is printed.
#[derive(Clone, Debug, Args)]
pub struct FormatOptions {
    /// What to print [default: text, or what the extension of --output says]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Short for --format json
    #[arg(long, conflicts_with_all = ["format", "jsonl"], help_heading = "Output")]
    pub json: bool,
    /// Short for --format jsonl: events as they happen, one object a line
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub jsonl: bool,
    /// Write to a file, or - for stdout; its extension (.json, .jsonl) picks the format, text else
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

impl FormatOptions {
    /// The file to write to; `None` for stdout.
    pub fn file(&self) -> Option<&Path> {
        file_named(self.output.as_deref())
    }
}

/// The file that `--output` names; `None` for stdout, which `-` stands for.
pub fn file_named(output: Option<&Path>) -> Option<&Path> {
    output.filter(|path| *path != Path::new("-"))
}

/// Formats of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The answer.
    Text,
    /// One JSON object with the answer and all figures.
    Json,
    /// Events as they happen, one JSON object a line.
    Jsonl,
}

/// Reads an amount of USD: `0.05`, `$0.05`.
///
/// # Errors
/// What was expected.
pub fn parse_usd(text: &str) -> Result<Cost, String> {
    let text = text.trim();
    Cost::parse_usd(text.strip_prefix('$').unwrap_or(text))
        .map_err(|_| "expected a plain amount of USD, such as `0.05`".to_owned())
}

/// `pollm "a prompt with blanks"` means `pollm ask …`: puts the command in
/// where the first argument holds blanks, or is an option and a later argument
/// holds blanks. A single unknown word stays one, for an error with a
/// suggestion: it must never become a paid request.
pub fn with_default_command(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let blank = |arg: &OsString| arg.to_string_lossy().trim().contains(char::is_whitespace);
    let is_option = |arg: &OsString| arg.to_string_lossy().starts_with('-');
    let is_prompt = match args.get(1) {
        Some(first) if is_option(first) => {
            let rest = || args.iter().skip(1);
            let commanded = rest().any(|arg| arg.to_str().is_some_and(Command::has_subcommand));
            !commanded && rest().any(blank)
        }
        Some(first) => blank(first),
        None => false,
    };
    if is_prompt {
        args.insert(1, "ask".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(line: &[&str]) -> Vec<String> {
        let args = with_default_command(line.iter().map(OsString::from));
        args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_prompt_with_blanks_needs_no_command() {
        assert_eq!(commands(&["pollm", "why is it so?"])[1], "ask");
        assert_eq!(commands(&["pollm", "-m", "gpt", "why is it so?"])[1], "ask");
        assert_eq!(commands(&["pollm", "comapre"])[1], "comapre");
        assert_eq!(commands(&["pollm", "-q", "history", "two words"])[1], "-q");
        assert_eq!(commands(&["pollm", "--version"])[1], "--version");
        assert_eq!(commands(&["pollm"]).len(), 1);
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
