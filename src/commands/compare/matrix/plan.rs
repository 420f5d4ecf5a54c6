//! From arguments as typed to a plan of many prompts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

use super::grid::{Grid, Slot};
use crate::asking::{Asking, Manner, assemble_frame, params};
use crate::budget::Granted;
use crate::chat::{MediaSource, Message, Part, Request, Role};
use crate::check::Check;
use crate::cli::CapOptions;
use crate::commands::compare::plan;
use crate::commands::compare::{CompareArgs, CompareFormat};
use crate::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exchange::AtOnce;
use crate::lane::Lane;
use crate::ledger;
use crate::prompt::{self, Frame, Item};
use crate::render::compare::{Sort, View};
use crate::schema::Schema;

/// Calls of one lane that run at once where nothing else is said.
const AT_ONCE: usize = 4;

/// Everything that is going to be done with many prompts.
pub(super) struct Plan {
    pub(super) id: Ulid,
    pub(super) lanes: Vec<Lane>,
    /// Their names, no two alike.
    pub(super) names: Vec<String>,
    /// How a route chose each of them; null for one that was named.
    pub(super) routes: Vec<Value>,
    pub(super) items: Vec<Item>,
    /// The name of the file that they are from.
    pub(super) file: String,
    pub(super) grid: Grid,
    /// What is asked, but for the prompt.
    pub(super) asking: Asking,
    frame: Frame,
    /// The request of each lane, but for the prompt.
    bases: Vec<Request>,
    pub(super) manner: Manner,
    pub(super) caps: CapOptions,
    /// What the caps allow: a limit on tokens, under `--fit`.
    pub(super) granted: Granted,
    pub(super) at_once: AtOnce,
    pub(super) checks: Vec<Check>,
    pub(super) agree: bool,
    pub(super) strict: bool,
    pub(super) log: bool,
    pub(super) format: CompareFormat,
    pub(super) sort: Sort,
    pub(super) output: Option<PathBuf>,
}

pub(super) fn resolve(args: &CompareArgs, path: &Path, context: &Context) -> Result<Plan> {
    let schema = args.sampling.schema.as_deref().map(Schema::load).transpose()?;
    let format = plan::format(&args.shape)?;
    refuse_views(args.shape.view)?;
    let manner = Manner::of(&args.call, context);
    let checks = plan::checks(&args.judging.check, context)?;
    let choice = plan::choice(args, context)?;
    let log = config::log(args.call.no_log, &context.env, &context.config).value;
    if args.many.resume && !log {
        return Err(Error::usage("`--resume` goes on from the history, which is off"));
    }
    let items = prompt::load_list(path)?;
    let frame = assemble_frame(&args.prompt)?;
    // Routes choose who can take the longest of the prompts.
    let longest = items.iter().max_by_key(|item| item.prompt.len());
    let mut asking = Asking {
        system: frame.system.clone(),
        earlier: Vec::new(),
        parts: longest.map(|item| frame.around(&item.prompt)).unwrap_or_default(),
        params: params(&args.sampling),
        schema,
        stream: true,
    };
    let conditions = args.call.caps.conditions(manner.retries.paid_sends());
    let chosen = choice.decide_each(&asking, &conditions, context)?;
    plan::say_why(args.why, &chosen, context);
    let (routes, lanes) = (plan::routes(&chosen), chosen.lanes);
    plan::ready(&lanes)?;
    asking.parts.clear();
    let bases = lanes.iter().map(|lane| Arc::unwrap_or_clone(asking.request(lane))).collect();
    let (runs, warmup) = (args.rounds.runs, args.rounds.warmup);
    Ok(Plan {
        id: Ulid::generate(),
        names: plan::unique(Vec::new(), &lanes),
        routes,
        grid: Grid { prompts: items.len(), lanes: lanes.len(), runs, warmup },
        file: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        at_once: match args.rounds.jobs {
            None => AtOnce { all: usize::MAX, a_lane: AT_ONCE },
            Some(0) => AtOnce::of_all(usize::MAX),
            Some(jobs) => AtOnce::of_all(jobs),
        },
        agree: args.judging.agree,
        strict: args.call.strict,
        sort: args.shape.sort,
        output: args.shape.file().map(Path::to_owned),
        lanes,
        items,
        asking,
        frame,
        bases,
        manner,
        caps: args.call.caps,
        granted: Granted::default(),
        checks,
        log,
        format,
    })
}

/// Views are made for one prompt.
pub(super) fn refuse_views(view: View) -> Result<()> {
    if view == View::Table {
        return Ok(());
    }
    Err(Error::usage("of many prompts the terminal shows totals, which `--view` does not apply to")
        .hint("`--format html` shows the answers side by side; `--jsonl`, `--json` and `--format csv` have them too"))
}

impl Plan {
    /// Whether each call goes to stdout as it lands.
    pub(super) fn prints_calls(&self) -> bool {
        use CompareFormat::{Csv, Json, Jsonl};
        matches!(self.format, Csv | Json | Jsonl) && self.output.is_none()
    }

    /// What one call says to its model.
    pub(super) fn request(&self, slot: Slot) -> Arc<Request> {
        let request = self.wanted(slot);
        Arc::new(self.granted.lowered(&request).unwrap_or(request))
    }

    /// The same before it is fitted to caps.
    pub(super) fn wanted(&self, slot: Slot) -> Request {
        let parts = self.frame.around(&self.items[slot.item].prompt);
        let messages = vec![Message { role: Role::User, parts }];
        Request { messages, ..self.bases[slot.lane].clone() }
    }

    /// Puts one of the prompts into what is asked, for a dry run.
    pub(super) fn ask_item(&mut self, item: usize) {
        self.asking.parts = self.frame.around(&self.items[item].prompt);
    }

    /// What the ledger keeps of the plan, enough to show it again.
    pub(super) fn to_json(&self) -> Value {
        let is_numbered = self.items.iter().enumerate().all(|(at, item)| item.id == (at + 1).to_string());
        let ids: Option<Vec<&str>> =
            (!is_numbered).then(|| self.items.iter().map(|item| item.id.as_str()).collect());
        let models: Vec<String> = self.lanes.iter().map(|lane| lane.model.to_string()).collect();
        json!({
            "matrix": {"file": self.file, "prompts": self.items.len(), "ids": ids},
            "lanes": self.names,
            "models": models,
            "routes": self.routes,
            "owners": ledger::this_process(),
            "params": crate::render::json::params(&self.asking.params),
            "runs": self.grid.runs,
            "warmup": self.grid.warmup,
            "checks": self.checks.iter().map(Check::as_str).collect::<Vec<_>>(),
            "agree": self.agree,
            "schema": self.asking.schema.is_some(),
            "stream": self.asking.stream,
        })
    }

    /// Equal where the same is asked of the same lanes.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        // Each with its length, so that no two lists of fields look alike.
        let mut add = |field: &[u8]| {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field);
        };
        let common = json!({
            "lanes": self.lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>(),
            "params": crate::render::json::params(&self.asking.params),
            "system": self.frame.system,
            "files": self.frame.sections,
            "schema": self.asking.schema.as_ref().map(Schema::value),
            "runs": self.grid.runs,
            "warmup": self.grid.warmup,
        });
        add(common.to_string().as_bytes());
        for part in &self.frame.media {
            let Part::Media(media) = part else { continue };
            add(media.mime.as_bytes());
            add(media.name.as_bytes());
            match &media.source {
                MediaSource::Bytes(bytes) => add(bytes),
                MediaSource::Url(url) => add(url.as_bytes()),
            }
        }
        for item in &self.items {
            add(item.id.as_bytes());
            add(item.prompt.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
