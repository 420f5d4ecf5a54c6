//! The embedded model: a small instruct model that runs in this process, so
//! that there is an answer without a key and without a server.
//!
//! - [`generate`] answers a request; the caller runs it on an OS thread. The
//!   engine itself is the package `pollm-engine`.
//! - [`pull`] fetches the weights, once, with the user's consent.
//!
//! Anything bigger belongs to the local servers that the providers' list has.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pollm_engine as engine;

use crate::chat::{Ending, Finish, MediaKind, Request, Role};
use crate::money::{Tokens, Usage};
use crate::wire::{ApiError, Dropped, FailureKind};

pub use pollm_engine::Step;

pub mod pull;

/// How an answer ended and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Why it ended. A loop is [`Finish::Length`] with the native word `loop`;
    /// a cancelled answer is [`Finish::Cut`].
    pub ending: Ending,
    /// Exact counts. The token that ends a turn is not counted, just as it is no [`Step::Token`].
    pub usage: Usage,
    /// What was asked for that the engine does not have.
    pub dropped: Vec<Dropped>,
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
    /// The weights are damaged, or of a kind that the engine does not know.
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
/// complete, cancelled or failed; `on` is told of every step. `cancel` is looked
/// at between tokens and between chunks of the prompt, a fraction of a second each.
///
/// # Errors
/// Where the weights can't be used, the prompt does not fit, or something is
/// attached.
pub fn generate(
    weights: &Path,
    request: &Request,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(Step),
) -> Result<Generated, LocalError> {
    if let Some(media) = request.media().next() {
        return Err(LocalError::Media { kind: media.kind, name: media.name.clone() });
    }
    let generated = engine::generate(weights, &asked(request), cancel, on).map_err(|error| match error {
        engine::Error::Unreadable(source) => LocalError::Unreadable { path: weights.to_owned(), source },
        engine::Error::Unusable(reason) => LocalError::Unusable { path: weights.to_owned(), reason },
        engine::Error::ContextLength { prompt, context } => LocalError::ContextLength { prompt, context },
    })?;
    let usage = Usage {
        input_uncached: Tokens(generated.prompt_tokens),
        output: Tokens(generated.tokens),
        ..Usage::default()
    };
    Ok(Generated { ending: ending(generated.ending), usage, dropped: dropped(request) })
}

/// A request as the engine takes it.
fn asked(request: &Request) -> engine::Request {
    let params = &request.params;
    let turn = |role| match role {
        Role::User => engine::Role::User,
        Role::Assistant => engine::Role::Assistant,
    };
    engine::Request {
        system: request.system.clone(),
        turns: request.messages.iter().map(|message| (turn(message.role), message.to_text())).collect(),
        max_tokens: params.max_tokens,
        temperature: params.temperature,
        top_p: params.top_p,
        seed: params.seed.map(i64::cast_unsigned),
        stop: params.stop.clone(),
    }
}

/// How the engine's endings are called here.
fn ending(ending: engine::Ending) -> Ending {
    let (finish, native) = match ending {
        engine::Ending::Complete => (Finish::Stop, None),
        engine::Ending::StopText => (Finish::Stop, Some("stop_sequence")),
        engine::Ending::Length => (Finish::Length, Some("max_tokens")),
        engine::Ending::Loop => (Finish::Length, Some("loop")),
        engine::Ending::Cancelled => (Finish::Cut, None),
    };
    Ending { finish, native: native.map(str::to_owned) }
}

/// What a request asks for that the engine does not have.
pub fn dropped(request: &Request) -> Vec<Dropped> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Effort, Media, MediaSource, Message, Params, Part};

    fn ask(text: &str, params: Params) -> Request {
        Request { messages: vec![Message::text(Role::User, text)], params, ..Request::default() }
    }

    fn failure(weights: &Path, request: &Request) -> ApiError {
        generate(weights, request, &AtomicBool::new(false), &mut |_| {}).unwrap_err().into()
    }

    #[test]
    fn a_request_reaches_the_engine_whole() {
        let params = Params {
            max_tokens: Some(7),
            temperature: Some(0.5),
            top_p: Some(0.9),
            seed: Some(-1),
            stop: vec!["END".into()],
            ..Params::default()
        };
        let mut request = ask("hi", params);
        request.system = Some("Be brief.".into());
        request.messages.push(Message::text(Role::Assistant, "Hello."));
        let expected = engine::Request {
            system: Some("Be brief.".into()),
            turns: vec![(engine::Role::User, "hi".into()), (engine::Role::Assistant, "Hello.".into())],
            max_tokens: Some(7),
            temperature: Some(0.5),
            top_p: Some(0.9),
            seed: Some(u64::MAX),
            stop: vec!["END".into()],
        };
        assert_eq!(asked(&request), expected);
    }

    #[test]
    fn attachments_are_refused_by_kind() {
        let mut request = ask("what is this?", Params::default());
        request.messages[0].parts.push(Part::Media(Media {
            kind: MediaKind::Pdf,
            mime: "application/pdf".into(),
            name: "a.pdf".into(),
            source: MediaSource::Bytes([].into()),
        }));
        let error = failure(Path::new("none"), &request);
        assert_eq!(error.kind, FailureKind::Local);
        assert_eq!(error.message, "the embedded model reads text only: it can't take the PDF `a.pdf`");
    }

    #[test]
    fn weights_that_are_missing_or_damaged_are_named() {
        let request = ask("hi", Params::default());
        let message = failure(Path::new("no/weights.gguf"), &request).message;
        assert!(message.starts_with("could not read the weights `no/weights.gguf`: "), "{message}");

        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"GGUF, but no more").unwrap();
        let error = failure(file.path(), &request);
        let expected = format!("the weights `{}` can't be used: ", file.path().display());
        assert!(error.message.starts_with(&expected), "{}", error.message);
        assert_eq!(error.kind, FailureKind::Local);
    }

    #[test]
    fn a_prompt_too_long_is_a_matter_of_context() {
        let error = ApiError::from(LocalError::ContextLength { prompt: 200, context: 200 });
        assert_eq!(error.kind, FailureKind::ContextLength);
        assert_eq!(error.message, "the prompt has 200 tokens, but the model's context holds 200");
    }

    #[test]
    fn what_the_engine_does_not_have_is_reported() {
        let mut request = ask("hi", Params { effort: Some(Effort::High), ..Params::default() });
        request.params.extra.insert("top_k".into(), 40.into());
        request.schema = Some(serde_json::json!({}));
        let dropped = dropped(&request);
        let params: Vec<_> = dropped.iter().map(|dropped| dropped.param.as_str()).collect();
        assert_eq!(params, ["effort", "schema", "top_k"]);
    }
}
