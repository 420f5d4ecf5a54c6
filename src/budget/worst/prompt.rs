//! The most tokens that a prompt can have.
//!
//! Byte-level and byte-fallback tokenizers make no token of less than a byte,
//! so the bytes of what is sent bound what the user wrote. What a provider puts
//! before it unseen comes on top: the frame of a chat, a date, rules for
//! structured output.

use serde_json::Value;

use crate::chat::Request;

/// Unseen tokens where nothing better is known. The largest that was seen is
/// xAI's prompt of its own, some 700 tokens; what an open model's template adds
/// on some host can't be known.
pub(super) const UNSEEN_TOKENS: u64 = 1_024;

/// Unseen tokens at the labs below. What they charge was recorded: a prompt
/// never had more than 62 tokens beyond the bytes of its own text, mostly it
/// had fewer.
pub(super) const UNSEEN_AT_LABS: u64 = 256;

/// Labs of which that was recorded.
const LABS: [&str; 6] = ["openai", "azure", "anthropic", "google", "deepseek", "mistral"];

/// Fields of a body that are no part of the prompt in any protocol.
const NO_PROMPT: [&str; 5] = ["model", "stream", "stream_options", "store", "temperature"];

/// The most tokens of a prompt without attachments.
pub(super) fn most(provider: &str, request: &Request, body: &Value) -> u64 {
    let mut bytes = body.to_string().len();
    for name in NO_PROMPT {
        bytes -= body.get(name).map_or(0, |value| value.to_string().len());
    }
    // Rules for a shape are put before the prompt; a field of the user's may bring some too.
    let is_plain = request.schema.is_none() && request.params.extra.is_empty();
    let unseen = if is_plain && LABS.contains(&provider) { UNSEEN_AT_LABS } else { UNSEEN_TOKENS };
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(unseen)
}
