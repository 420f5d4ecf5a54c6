//! What a failed answer says: its kind, its message, and when to come back.
//!
//! Providers agree on little. The body is read as the union of all shapes that
//! were seen; the status decides first, then codes and words that turn a
//! status into something else (a 429 that means "no money", a 400 that means
//! "wrong key").

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use body::{SHOWN_BODY, from_json, parse_json, unreadable, unwrapped};
use kind::kind_of;

mod body;
mod kind;
mod wait;

pub use wait::retry_after;

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

    /// How often the same request may be sent again at most, whatever the user allows.
    pub fn most_retries(&self) -> u32 {
        if self.status.is_some_and(is_once) { 1 } else { u32::MAX }
    }

    /// Whether the same request may be sent again at once or later. The
    /// provider's own word counts, but never against what costs money twice.
    pub fn is_retryable(&self) -> bool {
        match self.kind.class() {
            Class::Transient => self.should_retry.unwrap_or_else(|| self.status.is_none_or(may_pass)),
            Class::Credential | Class::Ambiguous => false,
            Class::Request => self.should_retry == Some(true),
        }
    }
}

/// Sent again once at most, as is the rule for the providers that speak like
/// OpenAI: a conflict (409), or a request that came too early (425), is about
/// something that is under way. Where that has not passed by the second time, it
/// is none that passes.
const fn is_once(status: u16) -> bool {
    matches!(status, 409 | 425)
}

/// Whether a failure that comes and goes may do so with this status: what the
/// SDKs retry (408, 409, 429, 500, 502, 503, 504, 529), 425, a budget that other
/// requests hold for now (402, `OpenRouter`), Groq's 498, and what Cloudflare's
/// edge says of the server behind it (520 to 524). Any other 5xx stays as it is,
/// such as llama.cpp's 501 for what it does not do.
const fn may_pass(status: u16) -> bool {
    matches!(status, 402 | 408 | 409 | 425 | 429 | 498 | 500 | 502 | 503 | 504 | 520..=524 | 529)
}

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
        if error.kind == FailureKind::BadRequest && error.code.is_none() && error.status.is_none() {
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

/// The beginning of an answer that is of no protocol at all, for a message.
pub fn words(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(&answer[..answer.len().min(4 * SHOWN_BODY)]);
    format!("the server says: {}", text.trim().chars().take(SHOWN_BODY).collect::<String>())
}

#[cfg(test)]
mod tests;
