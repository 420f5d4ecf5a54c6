//! From a status and a body's words to the kind of a failure.

use super::FailureKind;

/// Status first; then the words that make it mean something else. The words are
/// codes and fixed phrases of `protocols/`, not guesses at prose.
pub(super) fn kind_of(status: u16, code: Option<&str>, words: &str) -> FailureKind {
    const MONEY: [&str; 7] = [
        "insufficient_quota",
        "credit_balance_exhausted",
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "billing_error",
        "payment_required",
        "insufficient balance",
    ];
    // OpenAI's words for a quota in money. Google says the same of its limits by
    // the minute, with this status.
    const QUOTA: &str = "exceeded your current quota, please check your plan and billing";
    const GOOGLE: &str = "resource_exhausted";
    const CONTEXT: [&str; 7] = [
        "context_length_exceeded",
        "exceed_context_size",
        "maximum context length",
        "prompt is too long",
        "model_context_window_exceeded",
        "exceeds the maximum number of tokens",
        "input token count",
    ];
    const KEY: [&str; 3] = ["api_key_invalid", "invalid_api_key", "authentication_error"];
    let lower = words.to_ascii_lowercase();
    let has = |list: &[&str]| list.iter().any(|word| lower.contains(word));
    if lower.contains("in_flight_budget_exhausted") {
        return FailureKind::RateLimit;
    }
    // A quota by the day comes back tomorrow: waiting for it is like having no money.
    let is_for_today = status == 429 && lower.contains("perday");
    if has(&MONEY) || is_for_today || (lower.contains(QUOTA) && !lower.contains(GOOGLE)) {
        return FailureKind::Money;
    }
    match status {
        400 | 422 if has(&KEY) => FailureKind::Auth,
        400 | 413 | 422 if has(&CONTEXT) => FailureKind::ContextLength,
        400 if lower.contains("content_filter") || lower.contains("content_policy") => {
            FailureKind::ContentFilter
        }
        400 if lower.contains("model_not_found") => FailureKind::NotFound,
        // Anthropic's own spending limit answers 400.
        400 if lower.contains("spend") && lower.contains("limit") => FailureKind::Money,
        401 => FailureKind::Auth,
        402 => FailureKind::Money,
        403 => FailureKind::Permission,
        404 | 410 => FailureKind::NotFound,
        413 => FailureKind::TooLarge,
        429 => FailureKind::RateLimit,
        // 498: Groq's flex tier is out of capacity.
        498 | 503 | 529 => FailureKind::Overloaded,
        408 | 409 | 425 | 500..=599 => FailureKind::Server,
        0 => kind_of_code(code.unwrap_or_default(), &has),
        _ => FailureKind::BadRequest,
    }
}

/// For faults inside a 200, where a word is all there is.
fn kind_of_code(code: &str, has: &dyn Fn(&[&str]) -> bool) -> FailureKind {
    match code {
        "overloaded_error" | "UNAVAILABLE" | "slow_down" | "provider_overloaded" | "unavailable_error" => {
            FailureKind::Overloaded
        }
        "rate_limit_exceeded" | "rate_limit_error" | "RESOURCE_EXHAUSTED" | "too_many_requests_error" => {
            FailureKind::RateLimit
        }
        "server_error" | "api_error" | "internal_error" | "INTERNAL" | "timeout_error"
        | "DEADLINE_EXCEEDED" => FailureKind::Server,
        "permission_error" | "PERMISSION_DENIED" => FailureKind::Permission,
        "not_found_error" | "model_not_found" | "NOT_FOUND" => FailureKind::NotFound,
        "UNAUTHENTICATED" => FailureKind::Auth,
        _ if has(&["authentication_error", "invalid_api_key", "api_key_invalid"]) => FailureKind::Auth,
        _ if has(&["context_length_exceeded", "maximum context length"]) => FailureKind::ContextLength,
        _ if has(&["content_filter", "content_policy", "policy_violation", "bio_policy"]) => {
            FailureKind::ContentFilter
        }
        _ => FailureKind::BadRequest,
    }
}
