//! What a command asks, before it is known of whom: from options to the request
//! of each lane, and to the call that sends it.

use std::sync::Arc;

use ulid::Ulid;

use crate::chat::{Message, Params, Part, Request, Role};
use crate::cli::{CallOptions, PromptOptions, SamplingOptions};
use crate::context::Context;
use crate::dispatch::{self, Ready};
use crate::error::Result;
use crate::exchange::{Call, Limits, Retries};
use crate::lane::Lane;
use crate::prompt::{self, Frame, ProcessStdin, Prompt, PromptArgs};
use crate::schema::Schema;
use crate::streams::stderr;

/// What is asked of every lane alike.
pub struct Asking {
    /// The system prompt.
    pub system: Option<String>,
    /// The conversation so far.
    pub earlier: Vec<Message>,
    /// The new turn.
    pub parts: Vec<Part>,
    /// Parameters of the command line.
    pub params: Params,
    /// The shape that the answer must have.
    pub schema: Option<Schema>,
    /// Whether the answer is asked for piece by piece.
    pub stream: bool,
}

impl Asking {
    /// What was typed: a first turn, answered piece by piece. Reads stdin where
    /// the prompt comes from there.
    ///
    /// # Errors
    /// As [`prompt::assemble`].
    pub fn typed(prompt: &PromptOptions, sampling: &SamplingOptions, schema: Option<Schema>) -> Result<Self> {
        let Prompt { system, parts } = assemble(prompt)?;
        Ok(Self { system, earlier: Vec::new(), parts, params: params(sampling), schema, stream: true })
    }

    /// The request of one lane: the conversation so far, the new turn, and the
    /// parameters of the command line under those of the lane.
    pub fn request(&self, lane: &Lane) -> Arc<Request> {
        Arc::new(self.with(&lane.params))
    }

    /// The request with the parameters of a lane over those of the command line.
    pub fn with(&self, params: &Params) -> Request {
        let mut messages = self.earlier.clone();
        messages.push(Message { role: Role::User, parts: self.parts.clone() });
        Request {
            system: self.system.clone(),
            messages,
            params: self.params.overlaid(params),
            schema: self.schema.as_ref().map(|schema| schema.value().clone()),
            stream: self.stream,
        }
    }
}

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Time limits.
    pub limits: Limits,
    /// Retries.
    pub retries: Retries,
    /// The user agreed to a download beforehand.
    pub consent: bool,
}

impl Manner {
    /// The options of the command line over those of the configuration.
    pub fn of(options: &CallOptions, context: &Context) -> Self {
        let set = context.config.timeouts;
        Self {
            limits: Limits {
                connect: set.connect(),
                first_event: set.first_event(),
                idle: set.idle(),
                total: options.timeout,
            },
            retries: Retries {
                count: options.retries,
                max_wait: options.max_wait,
                ambiguous: options.retry_ambiguous,
            },
            consent: options.yes,
        }
    }

    /// Everything that one call needs. Nothing is sent.
    ///
    /// # Errors
    /// As [`dispatch::ready`] and [`Ready::backend`].
    pub async fn call(&self, lane: &Lane, request: Arc<Request>, context: &Context) -> Result<Call> {
        let ready = self.ready(lane, context).await?;
        self.call_ready(&ready, lane, request, Ulid::generate())
    }

    /// Makes a lane ready for its calls. Nothing is sent.
    ///
    /// # Errors
    /// As [`dispatch::ready`].
    pub async fn ready(&self, lane: &Lane, context: &Context) -> Result<Ready> {
        dispatch::ready(lane, self.limits.connect, self.consent, context).await
    }

    /// One call of a lane that is ready. Nothing is sent.
    ///
    /// # Errors
    /// As [`Ready::backend`].
    pub fn call_ready(&self, ready: &Ready, lane: &Lane, request: Arc<Request>, id: Ulid) -> Result<Call> {
        let backend = ready.backend(&request)?;
        Ok(Call {
            id,
            model: lane.model.clone(),
            lane: lane.name.clone(),
            request,
            backend,
            row: lane.row.clone(),
            limits: self.limits,
            retries: self.retries,
        })
    }
}

/// Parameters as typed.
pub fn params(sampling: &SamplingOptions) -> Params {
    Params {
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        max_tokens: sampling.max_tokens,
        seed: sampling.seed,
        stop: sampling.stop.clone(),
        effort: sampling.effort,
        extra: sampling.option.iter().cloned().collect(),
    }
}

/// The prompt: arguments, stdin, files and attachments.
///
/// # Errors
/// As [`prompt::assemble`].
fn assemble(options: &PromptOptions) -> Result<Prompt> {
    prompt::assemble(&typed(options), &mut ProcessStdin, &mut |notice| stderr(&format!("{notice}\n")))
}

/// What goes with each of many prompts: system prompt, files and attachments.
///
/// # Errors
/// As [`prompt::assemble_frame`].
pub fn assemble_frame(options: &PromptOptions) -> Result<Frame> {
    prompt::assemble_frame(&typed(options), &mut ProcessStdin)
}

fn typed(options: &PromptOptions) -> PromptArgs {
    PromptArgs {
        words: options.prompt.clone(),
        system: options.system.clone(),
        attach: options.attach.clone(),
        files: options.file.clone(),
        no_stdin: options.no_stdin,
    }
}
