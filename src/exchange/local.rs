//! One attempt on the embedded model, which computes on a thread of its own so
//! that Ctrl-C and other lanes are never kept waiting.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;

use super::hearing::Hearing;
use super::{Call, Update};
use crate::chat::{Ending, Event};
use crate::local::{Step, generate};
use crate::money::{Tokens, Usage};
use crate::wire::{ApiError, FailureKind};

/// Tells the engine to stop when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) async fn attempt(
    call: &Call,
    weights: &Path,
    hearing: &mut Hearing,
    on: &mut dyn FnMut(Update<'_>),
) -> Result<Ending, ApiError> {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let (sender, mut steps) = mpsc::unbounded_channel();
    let (request, weights, flag) = (Arc::clone(&call.request), weights.to_owned(), Arc::clone(&stop.0));
    let engine = move || {
        generate(&weights, &request, &flag, &mut |step| {
            // The receiver is gone only when the call was given up.
            let _ = sender.send((Instant::now(), step));
        })
    };
    let failed = |what: &str| ApiError::new(FailureKind::Local, what);
    let thread = std::thread::Builder::new().name("local model".into()).spawn(engine);
    let thread = thread.map_err(|error| failed(&format!("no thread for the embedded model: {error}")))?;
    hearing.streamed = true;
    let mut usage = Usage::default();
    while let Some((at, step)) = steps.recv().await {
        hear(step, at, &mut usage, hearing, on);
        while let Ok((at, step)) = steps.try_recv() {
            hear(step, at, &mut usage, hearing, on);
        }
        on(Update::Flush);
    }
    hearing.end(Instant::now());
    let generated = thread.join().map_err(|_| failed("the embedded model crashed"))??;
    hearing.usage = Some(generated.usage);
    hearing.dropped = generated.dropped;
    Ok(generated.ending)
}

/// Counts as it goes, so that a cancelled answer's usage is exact too.
fn hear(step: Step, at: Instant, usage: &mut Usage, hearing: &mut Hearing, on: &mut dyn FnMut(Update<'_>)) {
    match step {
        Step::Loaded => {}
        Step::Prompt { tokens } => usage.input_uncached = Tokens(tokens),
        Step::Token { text } => {
            usage.output = usage.output + Tokens(1);
            say(text, at, hearing, on);
        }
        Step::Rest { text } => say(text, at, hearing, on),
    }
    hearing.usage = Some(*usage);
}

fn say(text: String, at: Instant, hearing: &mut Hearing, on: &mut dyn FnMut(Update<'_>)) {
    let event = Event::Text(text);
    hearing.take(&event, at);
    on(Update::Event(&event));
}
