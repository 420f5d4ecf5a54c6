//! A small instruct model that runs in this process.
//!
//! [`generate`] answers a [`Request`] with the weights in a file; the caller runs
//! it on an OS thread. The engine knows one architecture (llama), one tokenizer
//! and one chat template, and refuses every other file by name. It knows nothing
//! of pollm, whose `local` module fetches the weights and speaks to it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use answer::AnswerText;
use crew::Crew;
use engine::{Engine, Settings};
use gguf::{Gguf, Invalid};
use model::Model;
use sampler::{LoopDetector, Sampler};
use template::ChatMl;
use tokenizer::Tokenizer;
use work::CHUNK;

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

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one who asks.
    User,
    /// The model, earlier in the conversation.
    Assistant,
}

/// What is to be answered, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The system message. Where there is none, the template says its own.
    pub system: Option<String>,
    /// The conversation so far, oldest first.
    pub turns: Vec<(Role, String)>,
    /// The most tokens to generate; [`DEFAULT_MAX_TOKENS`] where there is none.
    pub max_tokens: Option<u32>,
    /// How much chance there is, from 0; the best token always where there is none.
    pub temperature: Option<f64>,
    /// The share of the likeliest tokens to pick from, 0 to 1; all where there is none.
    pub top_p: Option<f64>,
    /// The same seed gives the same answer. Where there is none, another one each time.
    pub seed: Option<u64>,
    /// Texts in front of which the answer ends. Empty ones don't count.
    pub stop: Vec<String>,
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

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The model ended it.
    Complete,
    /// A stop text came.
    StopText,
    /// It has as many tokens as were asked for, or as the context holds.
    Length,
    /// It only repeated itself.
    Loop,
    /// The caller ended it; the text so far stands.
    Cancelled,
}

/// How an answer ended and what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Why it ended.
    pub ending: Ending,
    /// Exact number of tokens of the prompt, the template's included.
    pub prompt_tokens: u64,
    /// Exact number of tokens generated. The token that ends a turn is not
    /// counted, just as it is no [`Step::Token`].
    pub tokens: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be opened or mapped.
    #[error("the file can't be read")]
    Unreadable(#[source] io::Error),
    /// The file is damaged, or of a kind that this engine does not know; why, in
    /// words that follow on "the weights can't be used: ".
    #[error("{0}")]
    Unusable(String),
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {prompt} tokens, but the model's context holds {context}")]
    ContextLength {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens that fit, the answer's first included.
        context: usize,
    },
}

impl From<Invalid> for Error {
    fn from(Invalid(reason): Invalid) -> Self {
        Self::Unusable(reason)
    }
}

/// Answers a request with the model in `weights`. Blocks until the answer is
/// complete, cancelled or failed; `on` is told of every step. `cancel` is looked
/// at between tokens and between chunks of the prompt, a fraction of a second each.
///
/// # Errors
/// Where the weights can't be used or the prompt does not fit.
pub fn generate(
    weights: &Path,
    request: &Request,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(Step),
) -> Result<Generated, Error> {
    let file = File::open(weights).and_then(|file| kernels::map(&file)).map_err(Error::Unreadable)?;
    answer(&file, request, cancel, Settings::detect(), on)
}

fn answer(
    file: &[u8],
    request: &Request,
    cancel: &AtomicBool,
    settings: Settings,
    on: &mut dyn FnMut(Step),
) -> Result<Generated, Error> {
    let gguf = Gguf::parse(file)?;
    let tokenizer = Tokenizer::load(&gguf)?;
    let template = ChatMl::recognise(&gguf, &tokenizer)?;
    let model = Model::load(&gguf, tokenizer.len())?;
    on(Step::Loaded);

    let prompt = template.encode(request, &tokenizer);
    let context = model.shape.context.min(CONTEXT);
    if prompt.len() >= context {
        return Err(Error::ContextLength { prompt: prompt.len(), context });
    }
    let prompt_tokens = prompt.len() as u64;
    on(Step::Prompt { tokens: prompt_tokens });
    let wanted = request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let limit = (context - prompt.len()).min(usize::try_from(wanted).unwrap_or(usize::MAX));

    let work = engine::work(&model, settings, prompt.len() + limit)?;
    let crew = Crew::new(work, settings);
    let (ending, tokens) = std::thread::scope(|scope| {
        let _shift = crew.start(scope);
        let engine = Engine::new(&model, &crew, settings.kernels);
        run(engine, &Speaker { request, cancel, tokenizer: &tokenizer, template, limit }, &prompt, on)
    })?;
    Ok(Generated { ending, prompt_tokens, tokens: tokens as u64 })
}

/// What is needed to speak: all but the engine.
struct Speaker<'r, 'a> {
    request: &'r Request,
    cancel: &'r AtomicBool,
    tokenizer: &'r Tokenizer<'a>,
    template: ChatMl,
    /// The most tokens to generate.
    limit: usize,
}

impl Speaker<'_, '_> {
    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// Reads the prompt and generates: why it ended, and after how many tokens.
fn run(
    mut engine: Engine<'_, '_>,
    speaker: &Speaker<'_, '_>,
    prompt: &[u32],
    on: &mut dyn FnMut(Step),
) -> Result<(Ending, usize), Invalid> {
    for chunk in prompt.chunks(CHUNK) {
        if speaker.is_cancelled() {
            return Ok((Ending::Cancelled, 0));
        }
        engine.feed(chunk);
    }
    let mut sampler = Sampler::new(speaker.request);
    let mut repetition = LoopDetector::default();
    let mut text = AnswerText::new(&speaker.request.stop);
    let mut tokens = 0;
    let ending = loop {
        if speaker.is_cancelled() {
            break Ending::Cancelled;
        }
        if tokens == speaker.limit {
            break Ending::Length;
        }
        let Some(token) = sampler.pick(engine.scores()) else {
            return Err(gguf::invalid!("its scores are not numbers"));
        };
        if speaker.template.is_end(token) {
            break Ending::Complete;
        }
        tokens += 1;
        let (piece, stopped) = text.push(|bytes| speaker.tokenizer.decode(token, bytes));
        on(Step::Token { text: piece });
        if stopped {
            return Ok((Ending::StopText, tokens));
        }
        if repetition.push(token) {
            break Ending::Loop;
        }
        if tokens < speaker.limit {
            engine.feed(&[token]);
        }
    };
    let rest = text.finish();
    if !rest.is_empty() {
        on(Step::Rest { text: rest });
    }
    Ok((ending, tokens))
}
