//! From arguments as typed to a plan with every default filled in. Whatever is
//! wrong is found here, before anything is sent.

use std::path::PathBuf;

use ulid::Ulid;

use super::AskArgs;
use super::hedge::Delay;
use super::view::Shown;
use crate::asking::{Asking, Manner};
use crate::chat::Message;
use crate::choice::{self, Decision};
use crate::cli::{CapOptions, Format, FormatOptions};
use crate::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lane::Lane;
use crate::ledger::{Ledger, ListQuery};
use crate::outcome::Status;
use crate::schema::Schema;
use crate::whole_file;

/// What the whole answer is turned into at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    /// The answer's text.
    Text,
    /// Its first fenced code block.
    CodeBlock,
    /// The outcome as one JSON object.
    Json,
    /// Events, one a line.
    Events,
}

/// Everything that `ask` is going to do.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Plan {
    pub(super) lanes: Vec<Lane>,
    pub(super) decisions: Vec<Decision>,
    /// Where no model was named: what the one that is asked is.
    pub(super) unasked: Option<&'static str>,
    pub(super) asking: Asking,
    pub(super) manner: Manner,
    pub(super) product: Product,
    pub(super) shown: Shown,
    pub(super) file: Option<PathBuf>,
    /// Markdown is not rendered on a terminal.
    pub(super) raw: bool,
    pub(super) hide_reasoning: bool,
    pub(super) receipt: bool,
    pub(super) strict: bool,
    pub(super) log: bool,
    pub(super) caps: CapOptions,
    pub(super) conversation: Ulid,
    pub(super) parent: Option<Ulid>,
    /// After how long the next candidate is asked as well.
    pub(super) hedge: Option<Delay>,
    /// Whose answer broke off where the conversation goes on.
    pub(super) broken_off: Option<String>,
}

/// The conversation that is gone on with.
struct Thread {
    id: Ulid,
    parent: Option<Ulid>,
    system: Option<String>,
    messages: Vec<Message>,
    model: Option<String>,
    is_whole: bool,
}

pub(super) fn resolve(args: &AskArgs, context: &Context) -> Result<Plan> {
    let schema = args.sampling.schema.as_deref().map(Schema::load).transpose()?;
    let product = product(&args.format, args.extract)?;
    let file = args.format.file();
    if let Some(file) = file {
        whole_file::check(file)?;
    }
    let manner = Manner::of(&args.call, context);
    let thread = thread(args, context)?;
    // Names are checked before stdin is read: a typo should not wait for a pipe.
    let choice = choice::look_up(&args.model, thread.model.as_deref(), args.route, context)?;
    let typed = Asking::typed(&args.prompt, &args.sampling, schema)?;
    let asking = Asking {
        system: typed.system.or(thread.system),
        earlier: thread.messages,
        stream: !args.no_stream,
        ..typed
    };
    let chosen = choice.decide(&asking, &args.call.caps.conditions(manner.retries.paid_sends()), context)?;
    if args.hedge.is_some() && chosen.lanes.len() < 2 {
        return Err(
            Error::usage("`--hedge` needs a second model to ask").hint("name it too: `-m first,second`")
        );
    }
    let (to_file, output) = (file.is_some(), &context.output);
    let shown = match product {
        Product::Events if !to_file => Shown::Events,
        Product::Text if !to_file && !args.no_stream => Shown::Stream { raw: args.raw },
        _ => Shown::Held,
    };
    Ok(Plan {
        lanes: chosen.lanes,
        decisions: chosen.decisions,
        unasked: chosen.unasked,
        asking,
        manner,
        product,
        shown,
        file: file.map(Into::into),
        raw: args.raw,
        hide_reasoning: config::hide_reasoning(args.hide_reasoning, &context.config).value,
        receipt: args.usage || (output.stderr_tty && output.stdout_tty && !output.quiet),
        strict: args.call.strict,
        log: config::log(args.call.no_log, &context.env, &context.config).value,
        caps: args.call.caps,
        conversation: thread.id,
        parent: thread.parent,
        hedge: args.hedge,
        broken_off: thread.model.filter(|_| !thread.is_whole),
    })
}

fn product(format: &FormatOptions, extract: bool) -> Result<Product> {
    let extension = format.file().and_then(|path| path.extension()).and_then(|ext| ext.to_str());
    let by_flag = match (format.json, format.jsonl) {
        (true, _) => Some(Format::Json),
        (_, true) => Some(Format::Jsonl),
        _ => format.format,
    };
    let by_name = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("json") => Some(Format::Json),
        Some("jsonl" | "ndjson") => Some(Format::Jsonl),
        _ => None,
    };
    match (by_flag.or(by_name).unwrap_or(Format::Text), extract) {
        (Format::Text, true) => Ok(Product::CodeBlock),
        (_, true) => Err(Error::usage("`--extract` prints text; it can't be combined with JSON")),
        (Format::Text, false) => Ok(Product::Text),
        (Format::Json, false) => Ok(Product::Json),
        (Format::Jsonl, false) => Ok(Product::Events),
    }
}

/// The conversation named by `-c` or `--conversation`, or a new one.
fn thread(args: &AskArgs, context: &Context) -> Result<Thread> {
    let wanted = args.continue_ || args.conversation.is_some();
    if !wanted {
        let id = Ulid::generate();
        return Ok(Thread {
            id,
            parent: None,
            system: None,
            messages: Vec::new(),
            model: None,
            is_whole: true,
        });
    }
    let unreadable = |error| Error::failed("the history can't be read").because(&error);
    let ledger = Ledger::open_existing(&context.paths.ledger).map_err(unreadable)?;
    let found = match &args.conversation {
        Some(id) => Some(ledger.conversation(id).map_err(|error| {
            Error::usage(error.to_string()).hint("`pollm history` lists the calls and their conversations")
        })?),
        None => ledger.latest_conversation().map_err(unreadable)?,
    };
    let found = found.ok_or_else(|| {
        let hint = hint_of_comparison(&ledger)
            .unwrap_or_else(|| "ask something first; calls with `--no-log` are not kept".to_owned());
        Error::usage("there is no conversation to go on with").hint(hint)
    })?;
    Ok(Thread {
        id: found.id,
        parent: Some(found.last_call),
        system: found.system,
        messages: found.messages,
        model: Some(found.lane),
        is_whole: found.is_whole,
    })
}

/// Where there are only comparisons: whose answers can be gone on with, and how.
fn hint_of_comparison(ledger: &Ledger) -> Option<String> {
    let latest = ledger.list(&ListQuery { limit: Some(100), ..ListQuery::default() }).ok()?;
    let answer = latest.iter().find(|call| call.command != "ask" && call.status == Status::Ok)?;
    Some(format!(
        "a comparison has several answers: `pollm ask --conversation {} …` goes on from that of {}, \
         `pollm history` lists the others",
        answer.id, answer.lane
    ))
}

impl Plan {
    /// What a failed or partial answer's text goes to where stdout is not its place.
    pub(super) fn partial_file(&self) -> Option<PathBuf> {
        let file = self.file.as_ref()?;
        let mut name = file.file_name()?.to_owned();
        name.push(".partial");
        Some(file.with_file_name(name))
    }
}
