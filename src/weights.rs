//! The embedded model's weights: in place, or fetched once with the user's consent.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::consent;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::explain::words;
use crate::local::pull::{self, Progress, PullError, Weights};
use crate::render::bar::{bar, time_left};
use crate::signals::unless_interrupted;
use crate::streams::{room_below, show_below, stderr};
use crate::transport::Downloads;

/// How long the host may take to answer before pip is tried.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a download may stand still.
const IDLE: Duration = Duration::from_secs(30);

/// The file of a model's weights; fetched first where it is not there and the
/// user agrees, or has agreed.
///
/// # Errors
/// An unknown model, no consent, a download that fails.
pub async fn ready(name: &str, consent: bool, context: &Context) -> Result<PathBuf> {
    let weights = pull::known(name).ok_or_else(|| {
        let names: Vec<String> = pull::ALL.iter().map(|weights| format!("local/{}", weights.name)).collect();
        Error::usage(format!("there is no embedded model `{name}`"))
            .hint(format!("there is {}", names.join(", ")))
    })?;
    if let Some(path) = pull::installed(&context.paths.cache_dir, weights) {
        return Ok(path);
    }
    if !consent {
        agree(weights, context).await?;
    }
    fetch(weights, context).await
}

/// Asks once, with what the user should know.
async fn agree(weights: &Weights, context: &Context) -> Result<()> {
    let question = format!(
        "local/{} is a tiny model to try pollm with; its weights are not here yet.\n\
         fetch {} MB from {} ({})?",
        weights.name,
        weights.size / 1_000_000,
        weights.host,
        weights.licence
    );
    let Some(asked) = unless_interrupted(consent::ask_meanwhile(&question, context)).await else {
        // Behind the question, and the `^C` of the terminal.
        stderr("\n");
        return Err(interrupted());
    };
    let agreed = asked.map_err(|_| {
        Error::usage(format!("the weights of local/{} are not here yet", weights.name))
            .hint(format!(
                "fetch them once ({} MB) with `pollm models pull local/{}`, or agree with `--yes`",
                weights.size / 1_000_000,
                weights.name
            ))
            .hint("a larger model: set a provider's key (`pollm keys set PROVIDER`), or name it with `-m`")
    })?;
    if agreed {
        return Ok(());
    }
    Err(Error::usage("nothing was fetched").hint("set a provider's key, or name a model with `-m`"))
}

async fn fetch(weights: &Weights, context: &Context) -> Result<PathBuf> {
    let downloads = Downloads::new(CONNECT, IDLE).map_err(|error| Error::from(&error))?;
    let mut bar = Bar::new(weights.size, context);
    let mut on = |progress: Progress| match (progress, &mut bar) {
        (Progress::Bytes { done, .. }, Some(bar)) => bar.come(done),
        (Progress::Status(line), _) if !context.output.quiet => stderr(&format!("{line}\n")),
        _ => {}
    };
    let pulled = pull::pull(&context.paths.cache_dir, weights, &downloads, &mut on);
    let fetched = unless_interrupted(pulled).await;
    drop(bar);
    match fetched {
        Some(fetched) => fetched.map_err(|error: PullError| Error::from(&error)),
        None => Err(interrupted().hint("what has come is kept; the next download goes on from there")),
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

/// A progress bar on a terminal, until it is dropped.
struct Bar {
    all: u64,
    /// The bytes that were there when the first came, and when that was.
    began: Option<(Instant, u64)>,
    drawn: Instant,
    /// As wide as output may be.
    width: usize,
}

impl Bar {
    /// How often it moves.
    const TICK: Duration = Duration::from_millis(100);

    fn new(all: u64, context: &Context) -> Option<Self> {
        let output = &context.output;
        if !output.stderr_tty || output.quiet || output.accessible {
            return None;
        }
        let bar = Self { all, began: None, drawn: Instant::now(), width: output.width };
        bar.draw(0);
        Some(bar)
    }

    /// So many bytes are there.
    fn come(&mut self, done: u64) {
        self.began.get_or_insert((Instant::now(), done));
        if self.drawn.elapsed() >= Self::TICK {
            self.drawn = Instant::now();
            self.draw(done);
        }
    }

    fn draw(&self, done: u64) {
        let (all, room) = (self.all, room_below(self.width));
        let mut told = format!("{} of {} MB", megabytes(done), megabytes(all));
        if let Some((began, before)) = self.began {
            let (come, rest) = (done.saturating_sub(before), all.saturating_sub(done));
            if let Some(left) = time_left(began.elapsed(), come, rest) {
                told += &format!(" · {} left", words(left));
            }
        }
        show_below(vec![bar(done, all, &told, room.columns)]);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        show_below(Vec::new());
    }
}

/// As in the question, with one decimal: `98.3`.
fn megabytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
