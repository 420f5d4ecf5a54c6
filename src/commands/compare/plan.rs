//! From arguments as typed to a plan with every default filled in. Whatever is
//! wrong with any lane is found here, before anything is sent to one of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use ulid::Ulid;

use super::race::{Raced, Slot};
use super::{CompareArgs, CompareFormat, Shape};
use crate::asking::{Asking, Manner};
use crate::budget::{Guard, Planned};
use crate::chat::Request;
use crate::check::{self, Check};
use crate::choice::{self, Choice, Chosen};
use crate::cli::CapOptions;
use crate::commands::ask::dry_run::{self, Calls, Caps};
use crate::comparison::{Comparison, LaneResult};
use crate::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lane::{Lane, Way};
use crate::ledger;
use crate::model::whole_names;
use crate::render::compare::{Sort, View};
use crate::render::route;
use crate::schema::Schema;
use crate::streams::stderr;

/// Everything that `compare` is going to do.
pub(super) struct Plan {
    /// The comparison that the calls belong to.
    pub(super) id: Ulid,
    /// The lanes that are asked.
    pub(super) lanes: Vec<Lane>,
    /// Their names, no two alike in the comparison.
    pub(super) names: Vec<String>,
    /// Their places in the comparison.
    pub(super) places: Vec<usize>,
    /// The names of all lanes of the comparison.
    pub(super) all_names: Vec<String>,
    /// How a route chose each of those; null for one that was named.
    pub(super) routes: Vec<Value>,
    /// The calls that are to be made.
    pub(super) slots: Vec<Slot>,
    pub(super) asking: Asking,
    /// What was asked, for titles.
    pub(super) title: String,
    pub(super) manner: Manner,
    /// Caps on what the calls may cost.
    pub(super) caps: CapOptions,
    pub(super) jobs: usize,
    pub(super) runs: u32,
    pub(super) warmup: u32,
    pub(super) checks: Vec<Check>,
    pub(super) agree: bool,
    pub(super) strict: bool,
    pub(super) log: bool,
    pub(super) format: CompareFormat,
    pub(super) view: View,
    pub(super) sort: Sort,
    pub(super) file: Option<PathBuf>,
}

/// How a comparison is to be shown and judged, live or from the ledger.
pub(super) struct Showing<'p> {
    pub(super) format: CompareFormat,
    pub(super) view: View,
    pub(super) sort: Sort,
    pub(super) file: Option<&'p Path>,
    pub(super) agree: bool,
    pub(super) strict: bool,
    /// Answers are compared by their fields.
    pub(super) by_field: bool,
    /// The calls that this command made, or was to make: the exit code speaks
    /// of these. None where a comparison is only shown again, which fails no
    /// command unless it is held against a check.
    pub(super) made: HashSet<Ulid>,
    /// The user ended them.
    pub(super) is_interrupted: bool,
    /// Checks were given, which all answers are held against.
    pub(super) checks_all: bool,
    /// The events were written as they happened.
    pub(super) was_streamed: bool,
    /// All of it is in the ledger.
    pub(super) is_kept: bool,
}

impl Plan {
    pub(super) fn showing(&self, is_interrupted: bool) -> Showing<'_> {
        Showing {
            format: self.format,
            view: self.view,
            sort: self.sort,
            file: self.file.as_deref(),
            agree: self.agree,
            strict: self.strict,
            by_field: self.asking.schema.is_some(),
            made: self.made(),
            is_interrupted,
            checks_all: true,
            was_streamed: self.streams_events(),
            is_kept: self.log,
        }
    }

    /// The ids of its calls.
    pub(super) fn made(&self) -> HashSet<Ulid> {
        self.slots.iter().map(|slot| slot.id).collect()
    }

    /// Whether events go to stdout as they happen.
    pub(super) fn streams_events(&self) -> bool {
        self.format == CompareFormat::Jsonl && self.file.is_none()
    }

    /// The comparison that came of it.
    pub(super) fn comparison(&self, raced: Raced) -> Comparison {
        let mut landed = raced.landed;
        landed.sort_by_key(|landed| landed.slot.run);
        let mut lanes: Vec<LaneResult> = self
            .names
            .iter()
            .zip(&self.routes)
            .map(|(name, route)| LaneResult { name: name.clone(), route: route.clone(), runs: Vec::new() })
            .collect();
        for landed in landed {
            lanes[landed.slot.lane].runs.push(landed.run);
        }
        Comparison {
            id: self.id,
            started_at: raced.started_at,
            prompt: self.title.clone(),
            wall: raced.wall,
            lanes,
            agreement: None,
        }
    }

    /// The calls as caps look at them.
    pub(super) fn planned<'p>(&'p self, requests: &'p [Arc<Request>]) -> Vec<Planned<'p>> {
        let sends = self.manner.retries.paid_sends();
        let call = |slot: &Slot| Planned {
            id: slot.id,
            lane: &self.lanes[slot.lane],
            request: &requests[slot.lane],
            sends,
        };
        self.slots.iter().map(call).collect()
    }

    /// Prints what would be sent, and sends nothing.
    pub(super) fn dry_run(&self, context: &Context) -> Result<()> {
        let requests: Vec<_> = self.lanes.iter().map(|lane| self.asking.request(lane)).collect();
        let mut guard = Guard::new(context, "compare", self.caps);
        let is_held = self.lanes.iter().any(|lane| guard.holds_for(lane));
        let verdict = is_held.then(|| guard.look(&self.planned(&requests)));
        let calls = Calls { caps: Caps::All(verdict), decision: None };
        let as_json = matches!(self.format, CompareFormat::Json | CompareFormat::Jsonl);
        dry_run::print(&self.lanes, &self.asking, calls, as_json, context)
    }

    /// What the ledger keeps of the plan, enough to show it and to ask again.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "lanes": self.all_names,
            "routes": self.routes,
            "owners": ledger::this_process(),
            "params": crate::render::json::params(&self.asking.params),
            "runs": self.runs,
            "warmup": self.warmup,
            "checks": self.checks.iter().map(Check::as_str).collect::<Vec<_>>(),
            "agree": self.agree,
            "stream": self.asking.stream,
        })
    }
}

pub(super) fn resolve(args: &CompareArgs, context: &Context) -> Result<Plan> {
    let schema = args.sampling.schema.as_deref().map(Schema::load).transpose()?;
    let format = format(&args.shape)?;
    let manner = Manner::of(&args.call, context);
    let checks = checks(&args.judging.check, context)?;
    let choice = choice(args, context)?;
    let asking = Asking::typed(&args.prompt, &args.sampling, schema)?;
    let conditions = args.call.caps.conditions(manner.retries.paid_sends());
    let chosen = choice.decide_each(&asking, &conditions, context)?;
    say_why(args.why, &chosen, context);
    let (routes, lanes) = (routes(&chosen), chosen.lanes);
    ready(&lanes)?;
    let names = unique(Vec::new(), &lanes);
    Ok(Plan {
        id: Ulid::generate(),
        places: (0..lanes.len()).collect(),
        all_names: names.clone(),
        routes,
        names,
        slots: rounds(lanes.len(), args.rounds.warmup, args.rounds.runs),
        title: title(&asking),
        asking,
        manner,
        caps: args.call.caps,
        jobs: jobs(args.rounds.jobs, lanes.len()),
        runs: args.rounds.runs,
        warmup: args.rounds.warmup,
        checks,
        agree: args.judging.agree,
        strict: args.call.strict,
        log: config::log(args.call.no_log, &context.env, &context.config).value,
        format,
        view: args.shape.view,
        sort: args.shape.sort,
        file: args.shape.file().map(Path::to_owned),
        lanes,
    })
}

/// The checks, each of them tried out as far as that can be done beforehand.
pub(super) fn checks<T: AsRef<str>>(texts: &[T], context: &Context) -> Result<Vec<Check>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let keys = check::key_variables(context);
    texts.iter().map(|text| Check::parse(text.as_ref(), &keys)).collect()
}

/// What `-m` and `--set` name.
pub(super) fn choice(args: &CompareArgs, context: &Context) -> Result<Choice> {
    let mut typed = match &args.set {
        Some(name) => context.config.set(name)?.to_vec(),
        None => Vec::new(),
    };
    typed.extend(whole_names(&args.model));
    if typed.len() < 2 {
        let what = match (&args.set, typed.first()) {
            (Some(set), None) => format!("a comparison needs two models or more; the set `{set}` is empty"),
            (_, None) => "a comparison needs two models or more".to_owned(),
            (_, Some(one)) => format!("a comparison needs two models or more, and `{one}` is one"),
        };
        return Err(Error::usage(what).hint(
            "name them with `-m` (twice, or a comma list), or a set of the configuration with `--set`",
        ));
    }
    choice::look_up(&typed, None, None, context)
}

/// How routes chose each lane, as `ask` prints it; null for a lane that was named.
pub(super) fn routes(chosen: &Chosen) -> Vec<Value> {
    let decisions: Vec<Value> = chosen.decisions.iter().map(route::json).collect();
    chosen.by.iter().map(|by| by.and_then(|at| decisions.get(at)).cloned().unwrap_or_default()).collect()
}

/// Says on stderr how routes chose, where that is wanted.
pub(super) fn say_why(is_wanted: bool, chosen: &Chosen, context: &Context) {
    if !is_wanted {
        return;
    }
    let words: Vec<String> =
        chosen.decisions.iter().map(|decision| route::in_words(decision, &context.output)).collect();
    let none = "no route was used: every model was named\n";
    stderr(if words.is_empty() { none.to_owned() } else { words.join("\n") }.as_str());
}

/// Every key must be there before the first lane is paid for.
pub(super) fn ready(lanes: &[Lane]) -> Result<()> {
    for lane in lanes {
        if let Way::Http { key: Err(error), .. } = &lane.way {
            return Err(error.clone());
        }
    }
    Ok(())
}

/// Names with those of further lanes; equal ones are told apart by a number.
pub(super) fn unique(mut names: Vec<String>, lanes: &[Lane]) -> Vec<String> {
    for lane in lanes {
        let mut name = lane.name.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{} ({number})", lane.name);
            number += 1;
        }
        names.push(name);
    }
    names
}

/// The calls in the order in which they begin: round by round, so that a slow
/// hour is everyone's, and each round begins with another lane.
pub(super) fn rounds(lanes: usize, warmup: u32, runs: u32) -> Vec<Slot> {
    let rounds = (1 - i64::from(warmup)..=i64::from(runs)).enumerate();
    let slots = rounds.flat_map(|(at, run)| {
        (0..lanes).map(move |lane| Slot { lane: (lane + at) % lanes, run, id: Ulid::generate() })
    });
    slots.collect()
}

/// The prompt as text.
pub(super) fn title(asking: &Asking) -> String {
    use crate::chat::{Message, Role};
    Message { role: Role::User, parts: asking.parts.clone() }.to_text()
}

pub(super) fn jobs(wanted: Option<usize>, lanes: usize) -> usize {
    match wanted {
        None => lanes,
        Some(0) => usize::MAX,
        Some(jobs) => jobs,
    }
}

pub(super) fn format(shape: &Shape) -> Result<CompareFormat> {
    let by_flag = match (shape.json, shape.jsonl) {
        (true, _) => Some(CompareFormat::Json),
        (_, true) => Some(CompareFormat::Jsonl),
        _ => shape.format,
    };
    let extension = shape.file().and_then(|path| path.extension()).and_then(|ext| ext.to_str());
    let by_name = match extension {
        Some("json") => Some(CompareFormat::Json),
        Some("jsonl" | "ndjson") => Some(CompareFormat::Jsonl),
        Some("csv") => Some(CompareFormat::Csv),
        Some("md" | "markdown") => Some(CompareFormat::Markdown),
        Some("html" | "htm") => Some(CompareFormat::Html),
        _ => None,
    };
    Ok(by_flag.or(by_name).unwrap_or(CompareFormat::Text))
}
