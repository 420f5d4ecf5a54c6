//! Why an answer ended: the union of the words of all servers.

use crate::chat::{Ending, Finish};
use crate::wire::{ApiError, FailureKind};

/// What is known of an answer at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// `finish_reason`; none where the stream ended with `[DONE]` alone
    /// (Snowflake, Kimi through `OpenRouter`).
    pub(super) reason: Option<&'a str>,
    /// The word of the provider behind a gateway.
    pub(super) native: Option<&'a str>,
    /// Whether a tool call came.
    pub(super) tool_called: bool,
    /// Whether any text of a refusal came.
    pub(super) refused: bool,
}

impl Seen<'_> {
    /// The ending in the common set. A word that nobody knows yet is kept and
    /// counts as a normal end, as does `eos` (Together).
    pub(super) fn ending(self) -> Ending {
        let natural = match self {
            Self { tool_called: true, .. } => Finish::ToolCalls,
            Self { refused: true, .. } => Finish::Refusal,
            _ => Finish::Stop,
        };
        let finish = match self.reason.unwrap_or_default() {
            "tool_calls" | "function_call" | "tool_use" => Finish::ToolCalls,
            // Mistral: `model_length`; z.ai: the long one.
            "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => Finish::Length,
            // z.ai: `sensitive`.
            "content_filter" | "sensitive" => Finish::ContentFilter,
            "refusal" => Finish::Refusal,
            _ => natural,
        };
        let native = self.native.or(self.reason).filter(|word| *word != finish.as_str());
        Ending { finish, native: native.map(str::to_owned) }
    }
}

/// The failure that a `finish_reason` reports, where it is one.
pub(super) fn failure(reason: &str, native: Option<&str>) -> Option<ApiError> {
    let (kind, message) = match reason {
        // Mistral and `OpenRouter`; z.ai; vLLM, where the server gave the request up.
        "error" | "network_error" | "abort" => {
            (FailureKind::Server, "the provider broke the answer off with an error")
        }
        // `DeepSeek`.
        "insufficient_system_resource" => {
            (FailureKind::Overloaded, "the provider broke the answer off for lack of capacity")
        }
        _ => return None,
    };
    let word = native.unwrap_or(reason);
    let code = Some(word.to_owned());
    Some(ApiError { code, ..ApiError::new(kind, format!("{message} (`{word}`)")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(reason: Option<&str>, tool_called: bool, refused: bool) -> (Finish, Option<String>) {
        let Ending { finish, native } = Seen { reason, native: None, tool_called, refused }.ending();
        (finish, native)
    }

    #[test]
    fn every_word_met_has_its_place() {
        for (reason, expected) in [
            ("stop", Finish::Stop),
            ("eos", Finish::Stop),
            ("something_new", Finish::Stop),
            ("length", Finish::Length),
            ("model_length", Finish::Length),
            ("model_context_window_exceeded", Finish::Length),
            ("tool_calls", Finish::ToolCalls),
            ("function_call", Finish::ToolCalls),
            ("content_filter", Finish::ContentFilter),
            ("sensitive", Finish::ContentFilter),
        ] {
            let (found, native) = finish(Some(reason), false, false);
            assert_eq!(found, expected, "{reason}");
            let says_more = reason != expected.as_str();
            assert_eq!(native.as_deref(), says_more.then_some(reason), "{reason}");
            assert_eq!(failure(reason, None), None, "{reason}");
        }
        assert_eq!(finish(Some("stop"), true, false).0, Finish::ToolCalls);
        assert_eq!(finish(None, true, false).0, Finish::ToolCalls);
        assert_eq!(finish(Some("stop"), false, true).0, Finish::Refusal);
        assert_eq!(finish(Some("length"), false, true).0, Finish::Length);
        assert_eq!(finish(None, false, false), (Finish::Stop, None));
    }

    #[test]
    fn some_words_are_failures() {
        for reason in ["error", "network_error", "abort"] {
            assert_eq!(failure(reason, None).unwrap().kind, FailureKind::Server);
        }
        let full = failure("insufficient_system_resource", None).unwrap();
        assert_eq!(full.kind, FailureKind::Overloaded);
        assert!(full.is_retryable());
        assert_eq!(failure("error", Some("SAFETY")).unwrap().code.as_deref(), Some("SAFETY"));
    }
}
