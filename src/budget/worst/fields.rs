//! The fields of a request's body that decide what it costs, and those that
//! don't.

use serde_json::{Map, Value};

/// The fields that limit an answer, in all protocols.
pub(super) const LIMITS: [&str; 4] =
    ["max_tokens", "max_completion_tokens", "max_output_tokens", "generationConfig.maxOutputTokens"];

/// The fields that ask for several answers.
const ANSWERS: [&str; 3] = ["n", "best_of", "generationConfig.candidateCount"];

/// Fields that cost nothing beyond the tokens that they make the model write,
/// with everything inside them.
const HARMLESS: [&str; 46] = [
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "typical_p",
    "seed",
    "random_seed",
    "stop",
    "stop_sequences",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "repeat_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "metadata",
    "store",
    "response_format",
    "text",
    "verbosity",
    "reasoning",
    "reasoning_effort",
    "reasoning_format",
    "include_reasoning",
    "thinking",
    "enable_thinking",
    "thinking_budget",
    "chat_template_kwargs",
    "stream_options",
    "parallel_tool_calls",
    "safe_prompt",
    "safetySettings",
    "safety_identifier",
    "output_config",
    "usage",
    "truncation",
    "prompt_cache_key",
    "keep_alive",
    "options",
    "include",
    "mirostat",
    "cache_prompt",
    "prompt_mode",
];

/// Likewise, of Gemini's `generationConfig`.
const HARMLESS_GEMINI: [&str; 11] = [
    "temperature",
    "topP",
    "topK",
    "seed",
    "stopSequences",
    "presencePenalty",
    "frequencyPenalty",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "thinkingConfig",
];

/// The name of the field if it may cost something of its own: a tool, a search,
/// a faster tier, another model.
pub(super) fn costly(name: &str, value: &Value) -> Option<String> {
    if LIMITS.contains(&name) || ANSWERS.contains(&name) {
        // A null is no limit, and one answer; anything else must be a number.
        return (!value.is_u64() && !value.is_null()).then(|| name.to_owned());
    }
    let first = name.split('.').next().unwrap_or(name);
    if first != "generationConfig" {
        return (!HARMLESS.contains(&first)).then(|| name.to_owned());
    }
    match (name.split('.').nth(1), value) {
        (Some(inner), _) => (!HARMLESS_GEMINI.contains(&inner)).then(|| name.to_owned()),
        (None, Value::Object(fields)) => {
            fields.iter().find_map(|(inner, value)| costly(&format!("{name}.{inner}"), value))
        }
        (None, _) => Some(name.to_owned()),
    }
}

/// A field of the body by its dotted name.
fn at<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    name.split('.').try_fold(body, |value, step| value.get(step))
}

/// A field of `-o` by its dotted name, however it was given.
pub(super) fn field<'v>(extra: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let split = || {
        let (outer, inner) = name.split_once('.')?;
        extra.get(outer)?.get(inner)
    };
    extra.get(name).or_else(split)
}

/// The limit that the body sends. Of two that differ the server may heed either.
pub(super) fn limit_of(body: &Value) -> Option<u64> {
    LIMITS.iter().filter_map(|name| at(body, name)?.as_u64()).max()
}

/// How many answers the body asks for at once.
pub(super) fn answers(body: &Value) -> u64 {
    let asked = ANSWERS.iter().filter_map(|name| at(body, name)?.as_u64());
    asked.fold(1, |product, count| product.saturating_mul(count.max(1)))
}

/// The limit on an answer that fields of `-o` set, in tokens.
pub fn limit_in(extra: &Map<String, Value>) -> Option<u64> {
    LIMITS.iter().filter_map(|name| field(extra, name)?.as_u64()).max()
}

/// How many answers fields of `-o` ask for at once.
pub fn answers_in(extra: &Map<String, Value>) -> u64 {
    let asked = ANSWERS.iter().filter_map(|name| field(extra, name)?.as_u64());
    asked.fold(1, |product, count| product.saturating_mul(count.max(1)))
}
