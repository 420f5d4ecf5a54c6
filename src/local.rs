//! The embedded model: a small instruct model that runs in this process, so
//! that there is an answer without a key and without a server.
//!
//! - [`generate`] answers a request; the caller runs it on an OS thread.
//! - [`pull`] fetches the weights, once, with the user's consent.
//!
//! The engine knows one architecture (llama), one tokenizer and one chat
//! template, and refuses every other file by name. Anything bigger belongs to
//! the local servers that the providers' list has.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::chat::{Ending, Finish, MediaKind, Request};
use crate::money::{Tokens, Usage};
use crate::wire::{ApiError, Dropped, FailureKind};

use answer::AnswerText;
use crew::Crew;
use engine::{Engine, Settings};
use gguf::{Gguf, Invalid};
use model::Model;
use sampler::{LoopDetector, Sampler};
use template::ChatMl;
use tokenizer::Tokenizer;
use work::CHUNK;

pub mod pull;

mod answer;
mod blocks;
mod crew;
mod engine;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gguf;
mod kernels;
mod math;
mod model;
mod sampler;
mod template;
#[cfg(test)]
mod tests;
#[cfg(any(test, fuzzing))]
mod tiny;
mod tokenizer;
mod work;

/// The most tokens, prompt and answer together, that a conversation may have,
/// whatever the model could see: keys and values of more would take more memory
/// than the weights.
pub const CONTEXT: usize = 4_096;

/// The most tokens of an answer for which no limit was asked. Models this small
/// don't always find an end.
pub const DEFAULT_MAX_TOKENS: u32 = 512;

/// One answer to be generated.
pub struct Generation<'a> {
    /// The conversation and its parameters.
    pub request: &'a Request,
    /// Set by the caller to end it. Looked at between tokens and between chunks
    /// of the prompt, a fraction of a second each.
    pub cancel: &'a AtomicBool,
}

/// What happens on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The weights are mapped and understood.
    Loaded,
    /// The prompt has this many tokens, and fits. It is read next.
    Prompt {
        /// Exact number of tokens, the template's included.
        tokens: u64,
    },
    /// One token was generated. The text may be empty while a character, or
    /// what may become a stop text, is incomplete, and may hold what was held
    /// back before.
    Token {
        /// New text.
        text: String,
    },
    /// Text held back until the end: no new token.
    Rest {
        /// New text.
        text: String,
    },
}

/// How an answer ended and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Why it ended. A loop is [`Finish::Length`] with the native word `loop`;
    /// a cancelled answer is [`Finish::Cut`].
    pub ending: Ending,
    /// Exact counts. The token that ends a turn is not counted, just as it is no [`Step::Token`].
    pub usage: Usage,
    /// What was asked for that this engine does not have.
    pub dropped: Vec<Dropped>,
    /// The caller ended it; the text so far stands.
    pub cancelled: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The weights can't be read.
    #[error("could not read the weights `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The weights are damaged, or of a kind that this engine does not know.
    #[error("the weights `{}` can't be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {prompt} tokens, but the model's context holds {context}")]
    ContextLength {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens that fit, the answer's first included.
        context: usize,
    },
    /// Something is attached that is not text.
    #[error("the embedded model reads text only: it can't take the {kind} `{name}`")]
    Media {
        /// What kind it is.
        kind: MediaKind,
        /// Its name.
        name: String,
    },
}

impl From<LocalError> for ApiError {
    fn from(error: LocalError) -> Self {
        let kind = match &error {
            LocalError::ContextLength { .. } => FailureKind::ContextLength,
            _ => FailureKind::Local,
        };
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
        Self::new(kind, format!("{error}{}", cause.unwrap_or_default()))
    }
}

/// Answers a request with the model in `weights`. Blocks until the answer is
/// complete, cancelled or failed; `on` is told of every step.
///
/// # Errors
/// Where the weights can't be used, the prompt does not fit, or something is
/// attached.
pub fn generate(
    weights: &Path,
    generation: &Generation<'_>,
    on: &mut dyn FnMut(Step),
) -> Result<Generated, LocalError> {
    if let Some(media) = generation.request.media().next() {
        return Err(LocalError::Media { kind: media.kind, name: media.name.clone() });
    }
    let file = File::open(weights).and_then(|file| kernels::map(&file));
    let file = file.map_err(|source| LocalError::Unreadable { path: weights.to_owned(), source })?;
    answer(&file, generation, Settings::detect(), on).map_err(|failure| match failure {
        Failure::Unusable(Invalid(reason)) => LocalError::Unusable { path: weights.to_owned(), reason },
        Failure::ContextLength { prompt, context } => LocalError::ContextLength { prompt, context },
    })
}

/// Why the bytes of a file give no answer.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Unusable(Invalid),
    ContextLength { prompt: usize, context: usize },
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Unusable(invalid)
    }
}

fn answer(
    file: &[u8],
    generation: &Generation<'_>,
    settings: Settings,
    on: &mut dyn FnMut(Step),
) -> Result<Generated, Failure> {
    let gguf = Gguf::parse(file)?;
    let tokenizer = Tokenizer::load(&gguf)?;
    let template = ChatMl::recognise(&gguf, &tokenizer)?;
    let model = Model::load(&gguf, tokenizer.len())?;
    on(Step::Loaded);

    let prompt = template.encode(generation.request, &tokenizer);
    let context = model.shape.context.min(CONTEXT);
    if prompt.len() >= context {
        return Err(Failure::ContextLength { prompt: prompt.len(), context });
    }
    on(Step::Prompt { tokens: prompt.len() as u64 });
    let wanted = generation.request.params.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let limit = (context - prompt.len()).min(usize::try_from(wanted).unwrap_or(usize::MAX));

    let work = engine::work(&model, settings, prompt.len() + limit)?;
    let crew = Crew::new(work, settings);
    let run = std::thread::scope(|scope| {
        let _shift = crew.start(scope);
        let engine = Engine::new(&model, &crew, settings.kernels);
        run(engine, &Speaker { generation, tokenizer: &tokenizer, template, limit }, &prompt, on)
    })?;
    let usage = Usage {
        input_uncached: Tokens(prompt.len() as u64),
        output: Tokens(run.tokens as u64),
        ..Usage::default()
    };
    Ok(Generated {
        cancelled: run.ending.finish == Finish::Cut,
        ending: run.ending,
        usage,
        dropped: dropped(generation.request),
    })
}

/// What is needed to speak: all but the engine.
struct Speaker<'r, 'a> {
    generation: &'r Generation<'r>,
    tokenizer: &'r Tokenizer<'a>,
    template: ChatMl,
    /// The most tokens to generate.
    limit: usize,
}

impl Speaker<'_, '_> {
    fn is_cancelled(&self) -> bool {
        self.generation.cancel.load(Ordering::Relaxed)
    }
}

/// An answer that was generated.
struct Run {
    tokens: usize,
    ending: Ending,
}

fn run(
    mut engine: Engine<'_, '_>,
    speaker: &Speaker<'_, '_>,
    prompt: &[u32],
    on: &mut dyn FnMut(Step),
) -> Result<Run, Invalid> {
    let ending = |finish, native: Option<&str>| Ending { finish, native: native.map(str::to_owned) };
    for chunk in prompt.chunks(CHUNK) {
        if speaker.is_cancelled() {
            return Ok(Run { tokens: 0, ending: ending(Finish::Cut, None) });
        }
        engine.feed(chunk);
    }
    let params = &speaker.generation.request.params;
    let mut sampler = Sampler::new(params);
    let mut repetition = LoopDetector::default();
    let mut text = AnswerText::new(&params.stop);
    let mut tokens = 0;
    let ending = loop {
        if speaker.is_cancelled() {
            break ending(Finish::Cut, None);
        }
        if tokens == speaker.limit {
            break ending(Finish::Length, Some("max_tokens"));
        }
        let Some(token) = sampler.pick(engine.scores()) else {
            return Err(gguf::invalid!("its scores are not numbers"));
        };
        if speaker.template.is_end(token) {
            break ending(Finish::Stop, None);
        }
        tokens += 1;
        let (piece, stopped) = text.push(|bytes| speaker.tokenizer.decode(token, bytes));
        on(Step::Token { text: piece });
        if stopped {
            return Ok(Run { tokens, ending: ending(Finish::Stop, Some("stop_sequence")) });
        }
        if repetition.push(token) {
            break ending(Finish::Length, Some("loop"));
        }
        if tokens < speaker.limit {
            engine.feed(&[token]);
        }
    };
    let rest = text.finish();
    if !rest.is_empty() {
        on(Step::Rest { text: rest });
    }
    Ok(Run { tokens, ending })
}

/// What a request asks for that this engine does not have.
fn dropped(request: &Request) -> Vec<Dropped> {
    let params = &request.params;
    let effort = params.effort.map(|_| ("effort", "the embedded model does not reason"));
    let schema = request.schema.as_ref().map(|_| ("schema", "the embedded model can't be held to a schema"));
    let extra = params.extra.keys().map(|name| (name.as_str(), "the embedded model has no such option"));
    effort
        .into_iter()
        .chain(schema)
        .chain(extra)
        .map(|(param, reason)| Dropped { param: param.to_owned(), reason: reason.to_owned() })
        .collect()
}
