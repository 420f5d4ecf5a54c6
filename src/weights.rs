//! The embedded model's weights: in place, or fetched once with the user's consent.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::consent;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::local::pull::{self, Progress, PullError, Weights};
use crate::signals::unless_interrupted;
use crate::streams::stderr;
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
    let bar = bar(weights.size, context);
    let mut on = |progress: Progress| match progress {
        Progress::Bytes { done, .. } => {
            if let Some(bar) = &bar {
                bar.set_position(done);
            }
        }
        Progress::Status(line) => say(&line, bar.as_ref(), context),
    };
    let pulled = pull::pull(&context.paths.cache_dir, weights, &downloads, &mut on);
    let fetched = unless_interrupted(pulled).await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match fetched {
        Some(fetched) => fetched.map_err(|error: PullError| Error::from(&error)),
        None => Err(interrupted().hint("what has come is kept; the next download goes on from there")),
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

fn say(line: &str, bar: Option<&ProgressBar>, context: &Context) {
    if context.output.quiet {
        return;
    }
    match bar {
        Some(bar) => bar.suspend(|| stderr(&format!("{line}\n"))),
        None => stderr(&format!("{line}\n")),
    }
}

/// A progress bar on a terminal.
fn bar(size: u64, context: &Context) -> Option<ProgressBar> {
    let output = &context.output;
    if !output.stderr_tty || output.quiet || output.accessible {
        return None;
    }
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    // Megabytes, as in the question, and the signs of the bar of `compare --prompts`.
    let template =
        "{wide_bar} {decimal_bytes} of {decimal_total_bytes} · {decimal_bytes_per_sec} · {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    Some(bar)
}
