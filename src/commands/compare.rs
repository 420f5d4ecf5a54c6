//! `pollm compare`: one prompt, several models side by side.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::{CallOptions, PromptOptions, SamplingOptions, file_named, help};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::prompt::{parse_between, parse_number};
use crate::render::compare::{Sort, View};
use crate::whole_file;

mod board;
mod events;
mod idle;
mod matrix;
mod past;
mod plan;
mod present;
mod race;
mod verdict;

/// Send one prompt to several models at once and show them side by side.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("earlier").args(["last", "resume"]))]
#[command(after_help = help::codes("compare"), after_long_help = help::examples_and_codes("compare"))]
pub struct CompareArgs {
    /// A model: provider/model, an alias, a route or an id; two or more
    ///
    /// Repeatable, or a comma list. Options of one model follow behind `@`, so one model can be
    /// compared with itself: -m openai/gpt-6.1-sol@effort=low -m openai/gpt-6.1-sol@effort=high
    #[arg(short, long, value_name = "MODEL", value_delimiter = ',')]
    pub model: Vec<String>,
    /// The models of a set in the configuration
    #[arg(long, value_name = "NAME")]
    pub set: Option<String>,
    /// Say on stderr how the models of routes were ranked: figures, prices, reasons
    #[arg(long)]
    pub why: bool,
    /// Many prompts.
    #[command(flatten)]
    pub many: Many,
    /// Repetition and order.
    #[command(flatten)]
    pub rounds: Rounds,
    /// What the answers are held against.
    #[command(flatten)]
    pub judging: Judging,
    /// The last comparison again.
    #[command(flatten)]
    pub past: Past,
    /// What is printed.
    #[command(flatten)]
    pub shape: Shape,
    /// What is asked.
    #[command(flatten)]
    pub prompt: PromptOptions,
    /// Sampling and limits.
    #[command(flatten)]
    pub sampling: SamplingOptions,
    /// How the calls are made.
    #[command(flatten)]
    pub call: CallOptions,
}

/// Many prompts.
#[derive(Clone, Debug, Args)]
pub struct Many {
    /// Ask every prompt of a file, and show totals a model
    ///
    /// `.txt`: one prompt a line. `.jsonl`: objects with `prompt` and, if wanted, `id`. `.csv`: such
    /// columns. -s, -a, -f and all parameters go with each prompt. Each call is kept in the history
    /// as it ends; with --jsonl, --json and --format csv it is printed then too, whole, and a
    /// summary at the end. With --format html a page has all prompts and answers. A call is made only
    /// once, even if the process is killed: see --resume. Four calls a model run at once, unless -j
    /// says otherwise.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "last"], help_heading = "Many prompts")]
    pub prompts: Option<PathBuf>,
    /// Go on with the same prompts and models where the latest run of them ended; nothing is paid twice
    ///
    /// What was asked must be the same: prompts and their ids, models with their options, parameters,
    /// system prompt, files, schema and runs. Calls that ended are taken from the history. Calls
    /// that were begun and whose end is unknown, since the process was killed, may have been paid:
    /// they count as failed, and are made again only with --retry-failed.
    #[arg(long, requires = "prompts", help_heading = "Many prompts")]
    pub resume: bool,
}

/// Repetition and order of the calls.
#[derive(Clone, Debug, Args)]
pub struct Rounds {
    /// Most calls at once; 0: all at once [default: all models at once; with --prompts 4 a model]
    #[arg(short, long, value_name = "N", value_parser = parse_number::<usize>, help_heading = "Rounds")]
    pub jobs: Option<usize>,
    /// Ask so many times, in rounds, and compare medians
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_between::<1, 10_000>, help_heading = "Rounds")]
    pub runs: u32,
    /// Rounds before the measured ones; they are paid, but not counted
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse_between::<0, 1_000>, help_heading = "Rounds")]
    pub warmup: u32,
}

/// What the answers are held against.
#[derive(Clone, Debug, Args)]
pub struct Judging {
    /// Hold each answer against a check (repeatable); exit code 7 where one fails
    ///
    /// contains:TEXT, not-contains:TEXT, regex:RE, json, schema:FILE, max-cost:USD, max-latency:MS
    /// (until the end of the answer), cmd:COMMAND (the answer on stdin; exit code 0 passes)
    #[arg(long, value_name = "CHECK", help_heading = "Checks")]
    pub check: Vec<String>,
    /// Group equal answers and name the odd ones; exit code 7 where they differ
    ///
    /// Of several runs the answer shown counts, the first that is whole.
    #[arg(long, help_heading = "Checks")]
    pub agree: bool,
}

/// The last comparison again.
#[derive(Clone, Debug, Args)]
pub struct Past {
    /// Show the last comparison again, in any view and format; nothing is sent
    #[arg(long, conflicts_with_all = ["prompt", "set", "system", "attach", "file", "schema", "runs", "warmup"], help_heading = "Last comparison")]
    pub last: bool,
    /// With --last: ask the models of -m too, and only those
    ///
    /// The exit code speaks of the calls that are made now. Not while another process still makes
    /// calls of the same comparison.
    #[arg(long, requires = "last", requires = "model", help_heading = "Last comparison")]
    pub add: bool,
    /// With --last: ask the models that failed once more; with --resume: make the calls that failed again
    ///
    /// Not while another process still makes calls of the same comparison: those under way would be
    /// paid twice.
    #[arg(long, requires = "earlier", conflicts_with = "add", help_heading = "Last comparison")]
    pub retry_failed: bool,
}

/// What is printed.
#[derive(Clone, Debug, Args)]
pub struct Shape {
    /// How text is laid out
    #[arg(long, value_name = "VIEW", value_enum, default_value_t, help_heading = "Output")]
    pub view: View,
    /// Order of the models
    #[arg(long, value_name = "BY", value_enum, default_value_t, help_heading = "Output")]
    pub sort: Sort,
    /// What to print [default: text, or what the extension of --output says]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub format: Option<CompareFormat>,
    /// Short for --format json
    #[arg(long, conflicts_with_all = ["format", "jsonl"], help_heading = "Output")]
    pub json: bool,
    /// Short for --format jsonl: events as they happen, one object a line
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub jsonl: bool,
    /// Write to a file, or - for stdout; its extension (.json, .jsonl, .csv, .md, .html) picks the format
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

impl Shape {
    /// The file to write to; `None` for stdout.
    pub fn file(&self) -> Option<&Path> {
        file_named(self.output.as_deref())
    }
}

/// Formats of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Answers and figures for a person.
    Text,
    /// One JSON object.
    Json,
    /// Events as they happen, one JSON object a line.
    Jsonl,
    /// One row a call.
    Csv,
    /// A document in Markdown.
    Markdown,
    /// One page that stands alone.
    Html,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the comparison from being as asked; see the exit codes in the help.
pub fn run(args: &CompareArgs, context: &Context) -> Result<()> {
    needs(args)?;
    if args.past.last {
        return past::run(args, context);
    }
    if let Some(prompts) = &args.many.prompts {
        return matrix::run(args, prompts, context);
    }
    let plan = plan::resolve(args, context)?;
    if args.call.dry_run {
        return plan.dry_run(context);
    }
    plan.file.as_deref().map(whole_file::check).transpose()?;
    let raced = race::run(&plan, context)?;
    if raced.unread {
        return Ok(());
    }
    let showing = plan.showing(raced.is_interrupted);
    let mut comparison = plan.comparison(raced);
    present::finish(&mut comparison, &showing, context)
}

/// Options that mean nothing without another one. clap says so too, but not
/// where a prompt is there that the other option has no room for: then a call
/// would be made, and paid, that nobody asked for.
fn needs(args: &CompareArgs) -> Result<()> {
    let (last, resume) = (args.past.last, args.many.resume);
    if resume && args.many.prompts.is_none() {
        return Err(
            Error::usage("`--resume` goes on with a file of prompts").hint("name it with `--prompts`")
        );
    }
    if args.past.add && !last {
        return Err(Error::usage("`--add` needs `--last`"));
    }
    if args.past.retry_failed && !last && !resume {
        return Err(Error::usage("`--retry-failed` needs `--last`, or `--prompts` with `--resume`"));
    }
    Ok(())
}
