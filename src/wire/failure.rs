//! What a failed answer says: its kind, its message, and when to come back.
//!
//! Providers agree on little. The body is read as the union of all shapes that
//! were seen; the status decides first, then codes and words that turn a
//! status into something else (a 429 that means "no money", a 400 that means
//! "wrong key").

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// Response headers, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of a header, by its lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What kind of failure it is. The kind decides retry, exit code and hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The key is missing, wrong or disabled.
    Auth,
    /// The key is known but may not do this: region, model, moderation of the account.
    Permission,
    /// Out of credit, over a spending limit.
    Money,
    /// Too many requests or tokens for now.
    RateLimit,
    /// The provider has no capacity right now.
    Overloaded,
    /// The provider failed.
    Server,
    /// No such model or address.
    NotFound,
    /// The request is too large to be taken.
    TooLarge,
    /// The prompt does not fit the model's context window.
    ContextLength,
    /// A filter of the provider refused the prompt.
    ContentFilter,
    /// The request is wrong in another way.
    BadRequest,
    /// No connection could be made.
    Connect,
    /// A connection was made, but no trust in the other side.
    Tls,
    /// Nothing came within the time allowed.
    Timeout,
    /// The connection broke after the request was sent.
    Broken,
    /// What came is not what the protocol says.
    Protocol,
    /// The answer stopped before its end marker.
    Truncated,
    /// The user, or the reader of the output, ended it.
    Cancelled,
    /// The embedded model failed.
    Local,
}

/// How a failure may be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same request may succeed later: retry.
    Transient,
    /// This provider won't, another may: never retry.
    Credential,
    /// The request itself is at fault: never retry.
    Request,
    /// The request may have been served and billed: no silent resend.
    Ambiguous,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 19] = [
        Self::Auth,
        Self::Permission,
        Self::Money,
        Self::RateLimit,
        Self::Overloaded,
        Self::Server,
        Self::NotFound,
        Self::TooLarge,
        Self::ContextLength,
        Self::ContentFilter,
        Self::BadRequest,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Broken,
        Self::Protocol,
        Self::Truncated,
        Self::Cancelled,
        Self::Local,
    ];

    /// The word used in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Permission => "permission",
            Self::Money => "money",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Server => "server",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::BadRequest => "bad_request",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Protocol => "protocol",
            Self::Truncated => "truncated",
            Self::Cancelled => "cancelled",
            Self::Local => "local",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How a failure of this kind may be handled.
    pub const fn class(self) -> Class {
        match self {
            Self::RateLimit | Self::Overloaded | Self::Server | Self::Connect => Class::Transient,
            Self::Auth | Self::Permission | Self::Money => Class::Credential,
            // A server whose certificate is not trusted stays so.
            Self::Tls
            | Self::NotFound
            | Self::TooLarge
            | Self::ContextLength
            | Self::ContentFilter
            | Self::BadRequest
            | Self::Protocol
            | Self::Cancelled
            | Self::Local => Class::Request,
            Self::Timeout | Self::Broken | Self::Truncated => Class::Ambiguous,
        }
    }
}

/// A failure as the provider, or the way to it, reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status; `None` where there was none, or the fault came inside a 200.
    pub status: Option<u16>,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The provider's own code or type, such as `model_not_found`.
    pub code: Option<String>,
    /// The provider's words, or ours where it had none. May hold anything: it
    /// passes the terminal filter before it is shown.
    pub message: String,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The provider's explicit word on retrying (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// The provider's id of the request, for support questions.
    pub request_id: Option<String>,
}

impl ApiError {
    /// A failure without a status.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            status: None,
            kind,
            code: None,
            message: message.into(),
            retry_after: None,
            should_retry: None,
            request_id: None,
        }
    }

    /// Whether the same request may be sent again at once or later. The
    /// provider's own word counts, but never against what costs money twice.
    pub fn is_retryable(&self) -> bool {
        match self.kind.class() {
            Class::Transient => self.should_retry != Some(false),
            Class::Credential | Class::Ambiguous => false,
            Class::Request => self.should_retry == Some(true),
        }
    }
}

/// The most of an unreadable body that is kept for the message.
const SHOWN_BODY: usize = 300;

/// Reads a failed answer.
pub fn read(status: u16, headers: &Headers, body: &[u8]) -> ApiError {
    let mut error = match parse_json(body) {
        Some(json) => from_json(&json, Some(status)),
        None => ApiError {
            status: Some(status),
            ..ApiError::new(kind_of(status, None, ""), unreadable(status, body))
        },
    };
    error.retry_after = retry_after(headers, Timestamp::now()).or(error.retry_after);
    error.should_retry = match headers.get("x-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    error.request_id = request_id(headers).map(str::to_owned).or(error.request_id);
    error
}

/// The header in which a provider names the request.
pub fn request_id(headers: &Headers) -> Option<&str> {
    const NAMES: [&str; 8] = [
        "x-request-id",
        "request-id",
        "x-generation-id",
        "apim-request-id",
        "x-amzn-requestid",
        "mistral-correlation-id",
        "inference-id",
        "cf-ray",
    ];
    NAMES.iter().find_map(|name| headers.get(name))
}

/// The fault that a JSON value reports, where it reports one: a top-level
/// `error` that is not null, possibly wrapped in a one-element array, or one of
/// the flat shapes with `"object": "error"` or `"type": "error"`.
pub fn in_stream(json: &Value) -> Option<ApiError> {
    let json = unwrapped(json);
    let flat = json.get("object").or_else(|| json.get("type")).and_then(Value::as_str) == Some("error");
    let reported = json.get("error").is_some_and(|error| !error.is_null());
    (flat || reported).then(|| {
        let mut error = from_json(json, None);
        if error.kind == FailureKind::BadRequest && error.code.is_none() {
            // A fault in the middle of an answer that gives no reason is the server's.
            error.kind = FailureKind::Server;
        }
        error
    })
}

/// Reads a fault that a server reports inside an answer whose status was fine,
/// where it is already known to be one.
pub fn fault(data: &[u8]) -> ApiError {
    parse_json(data).and_then(|json| in_stream(&json)).unwrap_or_else(|| {
        let text = String::from_utf8_lossy(data);
        ApiError::new(FailureKind::Server, text.trim().chars().take(SHOWN_BODY).collect::<String>())
    })
}

fn parse_json(body: &[u8]) -> Option<Value> {
    let json: Value = serde_json::from_slice(body).ok()?;
    (json.is_object() || json.is_array()).then_some(json)
}

fn unwrapped(json: &Value) -> &Value {
    match json {
        Value::Array(items) => items.first().unwrap_or(json),
        other => other,
    }
}

/// Reads the union of all error shapes.
fn from_json(json: &Value, status: Option<u16>) -> ApiError {
    let json = unwrapped(json);
    let inner = match &json["error"] {
        Value::Object(_) => &json["error"],
        _ => json,
    };
    let code = code_of(inner).or_else(|| code_of(json));
    let message = message_of(inner).or_else(|| message_of(json)).unwrap_or_else(|| {
        let text = inner.to_string();
        text.chars().take(SHOWN_BODY).collect()
    });
    let status = status.or_else(|| status_in(inner)).or_else(|| status_in(json));
    let words = format!("{} {} {}", code.as_deref().unwrap_or_default(), reasons(inner), message);
    ApiError {
        status,
        kind: kind_of(status.unwrap_or(0), code.as_deref(), &words),
        retry_after: body_delay(inner).or_else(|| delay_in_words(&message)),
        request_id: json["request_id"].as_str().map(str::to_owned),
        code,
        message,
        should_retry: None,
    }
}

fn message_of(json: &Value) -> Option<String> {
    let text = match (&json["message"], &json["error"], &json["detail"]) {
        (Value::String(text), _, _) | (_, Value::String(text), _) | (_, _, Value::String(text)) => {
            text.clone()
        }
        (_, _, Value::Array(items)) => {
            let messages = items.iter().filter_map(|item| item["msg"].as_str());
            messages.collect::<Vec<_>>().join("; ")
        }
        _ => json["errors"].as_array()?.first()?["message"].as_str()?.to_owned(),
    };
    // A gateway says only "Provider returned error"; what the provider said is inside.
    let upstream = match &json["metadata"]["raw"] {
        Value::String(raw) => parse_json(raw.as_bytes())
            .and_then(|inner| message_of(&inner["error"]).or_else(|| message_of(&inner)))
            .or(Some(raw.clone())),
        Value::Object(_) => {
            message_of(&json["metadata"]["raw"]["error"]).or_else(|| message_of(&json["metadata"]["raw"]))
        }
        _ => None,
    };
    let provider = json["metadata"]["provider_name"].as_str();
    let whole = match (upstream, provider) {
        (Some(upstream), Some(provider)) => format!("{text} ({provider}: {upstream})"),
        (Some(upstream), None) => format!("{text} ({upstream})"),
        (None, _) => text,
    };
    (!whole.is_empty()).then_some(whole)
}

/// `code`, `type` or `status`, whichever says the most. Numbers are statuses.
fn code_of(json: &Value) -> Option<String> {
    let details = json["details"]["error_code"].as_str();
    let metadata = json["metadata"]["error_type"].as_str();
    let named = ["code", "status", "type"].into_iter().filter_map(|key| json[key].as_str());
    details
        .into_iter()
        .chain(metadata)
        .chain(named)
        .find(|word| !word.is_empty() && *word != "error" && word.parse::<u16>().is_err())
        .map(str::to_owned)
}

fn status_in(json: &Value) -> Option<u16> {
    ["code", "status_code", "status"].into_iter().find_map(|key| {
        let number = json[key].as_u64().or_else(|| json[key].as_str()?.parse().ok())?;
        u16::try_from(number).ok().filter(|status| (400..600).contains(status))
    })
}

/// Machine-readable words of Google's `details` and `OpenRouter`'s metadata.
fn reasons(json: &Value) -> String {
    let details = json["details"].as_array().into_iter().flatten();
    let mut words: Vec<&str> = details
        .flat_map(|item| {
            let violations = item["violations"].as_array().into_iter().flatten();
            violations.filter_map(|v| v["quotaId"].as_str()).chain(item["reason"].as_str())
        })
        .collect();
    words.extend(json["metadata"]["reason"].as_str());
    words.extend(json["metadata"]["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str));
    words.extend(json["type"].as_str());
    words.join(" ")
}

/// Status first; then the words that make it mean something else. The words are
/// codes and fixed phrases of `protocols/`, not guesses at prose.
fn kind_of(status: u16, code: Option<&str>, words: &str) -> FailureKind {
    const MONEY: [&str; 8] = [
        "insufficient_quota",
        "credit_balance_exhausted",
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "billing_error",
        "payment_required",
        "insufficient balance",
        "exceeded your current quota, please check your plan and billing",
    ];
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
    if has(&MONEY) || (status == 429 && lower.contains("perday")) {
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

/// Words for a body that is no JSON.
fn unreadable(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(2048)]);
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if text.is_empty() {
        return format!("HTTP {status} with an empty body");
    }
    if lower.starts_with('<') {
        let title = lower.find("<title>").and_then(|start| {
            let start = start + "<title>".len();
            let end = lower[start..].find("</title>")?;
            // Lower-casing ASCII keeps byte positions.
            text.get(start..start + end)
        });
        return match title.map(str::trim).filter(|title| !title.is_empty()) {
            Some(title) => format!("HTTP {status} with an HTML page instead of JSON: {title}"),
            None => format!("HTTP {status} with an HTML page instead of JSON"),
        };
    }
    text.chars().take(SHOWN_BODY).collect()
}

/// How long the headers ask to wait, counted from `now`. Only to be asked of
/// failed answers: some providers send `retry-after` with every 200.
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let milliseconds = ["retry-after-ms", "x-ms-retry-after-ms"].into_iter().find_map(|name| {
        let ms: f64 = headers.get(name)?.trim().parse().ok()?;
        Duration::try_from_secs_f64(ms / 1_000.0).ok()
    });
    milliseconds.or_else(|| delay(headers.get("retry-after")?, now))
}

/// Seconds (`1.5`), an HTTP date, an RFC 3339 time, or a duration (`6m0s`, `250ms`).
fn delay(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at =
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().or_else(|| text.parse().ok());
    match at {
        Some(at) => Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO)),
        None => go_duration(text),
    }
}

/// Go's duration text, as rate-limit headers and Google's `retryDelay` use it:
/// `37s`, `2m59.56s`, `1h`, `4ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "us" | "µs" => 0.000_001,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// Delays that travel in the body: Google's `RetryInfo`, `OpenRouter`'s
/// `availability` and metadata.
fn body_delay(json: &Value) -> Option<Duration> {
    let google = json["details"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|item| go_duration(item["retryDelay"].as_str()?));
    let seconds = |value: &Value| {
        Duration::try_from_secs_f64(value.as_f64().or_else(|| value.as_str()?.parse().ok())?).ok()
    };
    google
        .or_else(|| seconds(&json["availability"]["retry_after"]))
        .or_else(|| seconds(&json["metadata"]["retry_after"]))
        .or_else(|| seconds(&json["retry_after"]))
}

/// Groq says its delay only in words: `Please try again in 2m59.56s.`
fn delay_in_words(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("try again in ")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
    go_duration(rest[..end].trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
