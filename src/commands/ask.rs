//! `pollm ask`: one prompt, one answer.

use clap::Args;

use crate::cli::{CallOptions, FormatOptions, PromptOptions, SamplingOptions, help};
use crate::context::Context;
use crate::error::Result;
use crate::render::route;
use crate::router::Policy;
use crate::streams::stderr;

mod answer;
mod chain;
pub(super) mod dry_run;
mod failover;
mod hedge;
mod plan;
mod view;
mod waiting;

/// What `pollm ask` is told.
#[derive(Debug, Args)]
#[command(after_help = help::codes("ask"), after_long_help = help::examples_and_codes("ask"))]
pub struct AskArgs {
    /// The model: provider/model, an alias, a route or an id; several are tried in order
    ///
    /// Repeatable, or a comma list. Options of one model follow behind `@`:
    /// openai/gpt-6.1-sol@effort=high@temperature=0. Without it: `POLLM_MODEL`, the configuration's
    /// `default_model`, the cheapest capable model that you have a key for, a running local server,
    /// and at last the embedded local/smollm2-135m.
    #[arg(short, long, value_name = "MODEL", value_delimiter = ',')]
    pub model: Vec<String>,
    /// Rank the models first: by expected cost, by your own measurements, by your order, or all three
    ///
    /// It ranks those of `-m`, else every capable model of the providers that you have a key for
    /// (in service, metered, with tools and text answers; gateways only where there is no other; the
    /// 20 first under the policy), else one on this machine. The next one is asked where the first fails.
    /// fastest and balanced try each named model once and send one call in twenty to the one that was
    /// measured longest ago. `[routes.NAME]` of the configuration names such a choice for `-m NAME`.
    #[arg(long, value_name = "POLICY", value_enum)]
    pub route: Option<Policy>,
    /// Say on stderr how the models were ranked: figures, prices, reasons, who is left out and why
    #[arg(long)]
    pub why: bool,
    /// What is asked.
    #[command(flatten)]
    pub prompt: PromptOptions,
    /// Go on with the latest conversation
    ///
    /// The model that answered last is asked, and the system prompt stays, unless -m, --route or -s say
    /// otherwise. Answers of `compare` are gone on with by --conversation.
    #[arg(short = 'c', long = "continue", conflicts_with = "conversation", help_heading = "Prompt")]
    pub continue_: bool,
    /// Go on with a conversation, by its id or the beginning of it
    ///
    /// The id of a call (`pollm history`) goes on from that call.
    #[arg(long, value_name = "ID", help_heading = "Prompt")]
    pub conversation: Option<String>,
    /// Sampling and limits.
    #[command(flatten)]
    pub sampling: SamplingOptions,
    /// Ask the next model as well where the first has no token by then: a time (2s), or p90
    ///
    /// Whoever has the first word goes on, the other one is stopped; both are on the bill. p90 is the
    /// time in which nine of ten of your calls of the model had their first word, 10 s where there are
    /// fewer than ten. A model that fails before is followed by the next one at once.
    #[arg(long, value_name = "SECONDS|p90", conflicts_with = "no_stream", help_heading = "Call")]
    pub hedge: Option<hedge::Delay>,
    /// How the call is made.
    #[command(flatten)]
    pub call: CallOptions,
    /// What is printed.
    #[command(flatten)]
    pub format: FormatOptions,
    /// Print the answer only when it is whole, and ask for it in one piece
    #[arg(long, help_heading = "Output")]
    pub no_stream: bool,
    /// Do not render Markdown on a terminal
    #[arg(long, help_heading = "Output")]
    pub raw: bool,
    /// Do not show reasoning on a terminal
    #[arg(short = 'R', long, help_heading = "Output")]
    pub hide_reasoning: bool,
    /// Print only the first fenced code block of the answer
    #[arg(short = 'x', long, conflicts_with_all = ["json", "jsonl"], help_heading = "Output")]
    pub extract: bool,
    /// Print the receipt (times, tokens, cost) on stderr in a pipe too
    #[arg(short = 'u', long, help_heading = "Output")]
    pub usage: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the answer from being as asked; see the exit codes in the help.
pub fn run(args: &AskArgs, context: &Context) -> Result<()> {
    let plan = plan::resolve(args, context)?;
    if args.why {
        stderr(&why(&plan, context));
    }
    if args.call.dry_run {
        let as_json = matches!(plan.product, plan::Product::Json | plan::Product::Events);
        let calls = dry_run::Calls {
            caps: dry_run::Caps::Each(plan.caps, plan.manner.retries.paid_sends()),
            decision: plan.decisions.first(),
        };
        return dry_run::print(&plan.lanes, &plan.asking, calls, as_json, context);
    }
    chain::run(&plan, context)
}

/// How the models came into their order.
fn why(plan: &plan::Plan, context: &Context) -> String {
    if plan.decisions.is_empty() {
        let lane = plan.lanes.first().map_or("", |lane| &lane.name);
        let what = plan.unasked.unwrap_or("the model that was named");
        return format!("no route was used: {lane} is {what}\n");
    }
    plan.decisions.iter().map(|decision| route::in_words(decision, &context.output)).collect()
}
