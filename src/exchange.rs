//! One unit of work: a [`Call`] becomes an [`Outcome`], whatever happens.
//!
//! Here are the clock, the retries, the time limits and the bill of a call.
//! Nothing here knows a vendor or draws on a terminal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use ulid::Ulid;

use crate::catalog::Model;
use crate::chat::{Ending, Event, Finish, Request};
use crate::model::ModelRef;
use crate::outcome::{Attempt, Outcome, Status};
use crate::secrets::Key;
use crate::transport::Client;
use crate::wire::failure::Class;
use crate::wire::{ApiError, Auth, FailureKind, Protocol, WireRequest};

mod account;
mod fan_out;
mod hearing;
mod http;
#[cfg(feature = "local")]
mod local;

pub use account::possibly_lost;
use account::{bill, count, is_ambiguous};
pub use fan_out::{AtOnce, Ended, Job, fan_out};
use hearing::Hearing;

/// How long to wait for what. There is no hidden total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// From sending to the first token, renewed by every event of the protocol.
    /// Reasoning models take one to two minutes.
    pub first_event: Duration,
    /// Between bytes once tokens flow; comments count as life.
    pub idle: Duration,
    /// For the whole call, retries included; off unless the user sets it.
    pub total: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_event: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            total: None,
        }
    }
}

/// How often a failed request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Requests beyond the first.
    pub count: u32,
    /// The longest wait that a provider may ask for; beyond it the call fails at
    /// once and says when to come back.
    pub max_wait: Duration,
    /// Whether a request is sent again that may have been served and billed:
    /// nothing came in time, or the connection broke.
    pub ambiguous: bool,
}

impl Retries {
    /// How often one call may be paid for.
    pub const fn paid_sends(&self) -> u32 {
        if self.ambiguous { self.count.saturating_add(1) } else { 1 }
    }
}

/// Where an answer comes from.
pub enum Backend {
    /// A provider's server.
    Http(Box<HttpBackend>),
    /// The embedded model.
    #[cfg(feature = "local")]
    Local {
        /// The file of its weights.
        weights: std::path::PathBuf,
    },
}

/// Everything that one request over HTTP needs.
pub struct HttpBackend {
    /// The wire format of the answer.
    pub protocol: Protocol,
    /// The whole address.
    pub url: String,
    /// The encoded request.
    pub wire: WireRequest,
    /// The key and how it travels.
    pub key: Option<(Key, Auth)>,
    /// The connection pool of this lane.
    pub client: Client,
}

impl Backend {
    /// Returns once the call before is wholly over.
    async fn settled(&self) {
        match self {
            Self::Http(http) => http.client.settled().await,
            #[cfg(feature = "local")]
            Self::Local { .. } => {}
        }
    }
}

/// One call: what is asked, of whom, and how long to try.
pub struct Call {
    /// The outcome's id, known before anything is sent: money is set aside for it.
    pub id: Ulid,
    /// The model that is asked.
    pub model: ModelRef,
    /// The lane's name, options included.
    pub lane: String,
    /// What is asked.
    pub request: Arc<Request>,
    /// Who answers.
    pub backend: Backend,
    /// Facts and prices of the model; `None` where the catalog has none.
    pub row: Option<Model>,
    /// Time limits.
    pub limits: Limits,
    /// Retries.
    pub retries: Retries,
}

/// What a live view is told while a call runs.
pub enum Update<'a> {
    /// A request is about to be sent; the first has number 1.
    Attempt {
        /// Counted from 1.
        number: u32,
    },
    /// A request failed and will be sent again.
    Retry {
        /// How long until then.
        wait: Duration,
        /// Why.
        error: &'a ApiError,
    },
    /// Something of the answer came.
    Event(&'a Event),
    /// No more events are at hand, or some were gathered long enough: the time to write.
    Flush,
}

/// Ends calls from outside: Ctrl-C, or the reader of the output is gone.
#[derive(Clone)]
pub struct Cancel(watch::Sender<bool>);

impl Default for Cancel {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Cancel {
    /// Ends every call that listens, at once.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once [`Cancel::cancel`] was called.
    pub async fn cancelled(&self) {
        // The sender lives in `self`, so waiting can't fail.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

/// Makes the call. Always returns an outcome, with everything that came.
pub async fn exchange(call: &Call, cancel: &Cancel, on: &mut dyn FnMut(Update<'_>)) -> Outcome {
    // What is left of the call before on this connection is no part of this one.
    tokio::select! {
        () = cancel.cancelled() => {}
        () = call.backend.settled() => {}
    }
    let mut outcome = Outcome::new(call.model.clone(), call.lane.clone(), Timestamp::now());
    outcome.id = call.id;
    let started = Instant::now();
    let mut hearing = Hearing::default();
    let ended = {
        let work = run(call, started, &mut hearing, &mut outcome.attempts, on);
        let limited = async {
            match call.limits.total {
                Some(total) => tokio::time::timeout(total, work).await.unwrap_or_else(|_| {
                    Err(ApiError::new(
                        FailureKind::Timeout,
                        format!("no complete answer within {}", seconds(total)),
                    ))
                }),
                None => work.await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ApiError::new(FailureKind::Cancelled, "interrupted")),
            ended = limited => ended,
        }
    };
    outcome.wall = started.elapsed();
    conclude(call, hearing, ended, &mut outcome);
    outcome
}

/// Sends until it is answered, refused, or tried often enough.
async fn run(
    call: &Call,
    started: Instant,
    hearing: &mut Hearing,
    attempts: &mut Vec<Attempt>,
    on: &mut dyn FnMut(Update<'_>),
) -> Result<Ending, ApiError> {
    loop {
        let number = u32::try_from(attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        on(Update::Attempt { number });
        hearing.restart();
        attempts.push(Attempt {
            started: started.elapsed(),
            took: Duration::ZERO,
            status: None,
            error: None,
            waited: None,
        });
        let ended = match &call.backend {
            Backend::Http(http) => http::attempt(call, http, hearing, on).await,
            #[cfg(feature = "local")]
            Backend::Local { weights } => local::attempt(call, weights, hearing, on).await,
        };
        let left = call.limits.total.map(|total| total.saturating_sub(started.elapsed()));
        let failed = ended.as_ref().err().filter(|_| !hearing.has_token());
        let wait = failed.and_then(|error| next_wait(call, error, number, left));
        if let Some(attempt) = attempts.last_mut() {
            attempt.took = started.elapsed().saturating_sub(attempt.started);
            attempt.status = hearing.http_status.or(ended.as_ref().err().and_then(|error| error.status));
            attempt.error = ended.as_ref().err().cloned();
            attempt.waited = wait;
        }
        match (ended, wait) {
            (Err(error), Some(wait)) => {
                on(Update::Retry { wait, error: &error });
                tokio::time::sleep(wait).await;
            }
            (ended, _) => return ended,
        }
    }
}

/// How long to wait before the same request is sent again; `None` where it must
/// not be, or where the call is over before (`left`): then its failure is told
/// at once. Not to be asked once a token came: that would be paid and shown twice.
fn next_wait(call: &Call, error: &ApiError, sent: u32, left: Option<Duration>) -> Option<Duration> {
    let agreed = call.retries.ambiguous && error.kind.class() == Class::Ambiguous;
    if sent > call.retries.count.min(error.most_retries()) || !(error.is_retryable() || agreed) {
        return None;
    }
    let hint = error.retry_after.unwrap_or_default();
    let ceiling = Duration::from_millis(500).saturating_mul(1 << (sent - 1).min(4));
    let wait = hint.max(ceiling.mul_f64(fastrand::f64()));
    (hint <= call.retries.max_wait && left.is_none_or(|left| wait < left)).then_some(wait)
}

/// Writes what was heard, and how it ended, into the outcome.
fn conclude(call: &Call, mut hearing: Hearing, ended: Result<Ending, ApiError>, outcome: &mut Outcome) {
    hearing.end(Instant::now());
    // What was refused, and only waits to be sent again, is billed by nobody.
    let mut sent = hearing.sent && outcome.attempts.last().is_none_or(|attempt| attempt.waited.is_none());
    if let Some(attempt) = outcome.attempts.last_mut()
        && let Err(error) = &ended
        && attempt.error.is_none()
    {
        // Cancelled or timed out as a whole while this attempt went on.
        attempt.took = outcome.wall.saturating_sub(attempt.started);
        attempt.error = Some(error.clone());
        attempt.status = hearing.http_status;
        sent |= matches!(&call.backend, Backend::Http(http) if http.client.has_connected());
    }
    outcome.clock = hearing.clock();
    outcome.streamed = hearing.streamed;
    outcome.served_model = hearing.served_model.take();
    outcome.served_by = hearing.served_by.take();
    outcome.request_id = hearing.request_id.take();
    outcome.cached = hearing.cached;
    outcome.malformed_events = hearing.malformed;
    match &call.backend {
        Backend::Http(http) => outcome.dropped.clone_from(&http.wire.dropped),
        #[cfg(feature = "local")]
        Backend::Local { .. } => {}
    }
    outcome.dropped.append(&mut hearing.dropped);
    let something = !hearing.text.is_empty() || !hearing.reasoning.is_empty();
    match ended {
        Ok(ending) => {
            outcome.status = Status::Ok;
            outcome.finish = Some(ending.finish);
            outcome.native_finish = ending.native;
        }
        Err(error) => {
            outcome.status = match error.kind {
                FailureKind::Cancelled => Status::Cancelled,
                _ if something => Status::Partial,
                _ => Status::Error,
            };
            outcome.finish = something.then_some(Finish::Cut);
            // An answer that can't be understood was an answer all the same.
            let is_unread = error.kind == FailureKind::Protocol && hearing.answered;
            outcome.possibly_billed = sent && (hearing.has_token() || is_ambiguous(&error) || is_unread);
            outcome.request_id = outcome.request_id.take().or_else(|| error.request_id.clone());
            outcome.error = Some(error);
        }
    }
    outcome.usage = count(call, &hearing, outcome);
    outcome.bill = bill(call, hearing.billed, outcome);
    if let Some(lost) = possibly_lost(&outcome.attempts, &call.request, call.row.as_ref()) {
        outcome.possibly_billed = true;
        outcome.bill = outcome.bill.and(&lost);
    }
    outcome.text = hearing.text;
    outcome.reasoning = Some(hearing.reasoning).filter(|reasoning| !reasoning.is_empty());
}

/// A limit in words: `2 s`, `0.5 s`.
fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}
