//! Failures of calls in the words that the user reads, with what may help.

use std::time::Duration;

use crate::chat::Finish;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::lane::{Lane, Way};
use crate::money::UsageSource;
use crate::outcome::Outcome;
use crate::render::filter::clean_line;
use crate::render::money;
use crate::secrets::KeySource;
use crate::transport::is_loopback;
use crate::wire::failure::Class;
use crate::wire::{ApiError, FailureKind};

/// What a failure is, in a few words, and its status.
pub fn phrase(error: &ApiError) -> String {
    let what = what(error.kind);
    match error.status {
        Some(status) => format!("{what} (HTTP {status})"),
        None => what.to_owned(),
    }
}

/// What a kind of failure is, in a few words.
pub const fn what(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Auth => "the API key was rejected",
        FailureKind::Permission => "the provider does not permit this",
        FailureKind::Money => "out of credit, or over a spending limit",
        FailureKind::RateLimit => "the rate limit is reached",
        FailureKind::Overloaded => "the provider is overloaded",
        FailureKind::Server => "the provider failed",
        FailureKind::NotFound => "no such model or address",
        FailureKind::TooLarge => "the request is too large",
        FailureKind::ContextLength => "the prompt does not fit the model's context",
        FailureKind::ContentFilter => "the provider's filter refused the prompt",
        FailureKind::BadRequest => "the provider refused the request",
        FailureKind::Connect => "could not connect",
        FailureKind::Tls => "no secure connection",
        FailureKind::Timeout => "timed out",
        FailureKind::Broken => "the connection broke",
        FailureKind::Protocol => "the answer can't be understood",
        FailureKind::Truncated => "the answer was cut off before its end",
        FailureKind::Cancelled => "interrupted",
        FailureKind::Local => "the embedded model failed",
    }
}

/// What the provider said of a failure, where that is more than [`phrase`]
/// says; harmless and on one line.
pub fn said(error: &ApiError) -> Option<String> {
    let said = clean_line(&error.message);
    let what = phrase(error);
    let said = said.strip_prefix(what.as_str()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&said);
    (!said.is_empty() && !what.ends_with(said)).then(|| said.to_owned())
}

/// A failure that is passed over for another model: who failed, how, when to
/// come back, and what it may have cost.
pub fn in_passing(outcome: &Outcome) -> String {
    let mut words = outcome.lane.clone();
    if let Some(error) = &outcome.error {
        words = format!("{words}: {}", phrase(error));
        if let Some(wait) = error.retry_after.filter(|wait| !wait.is_zero()) {
            words = format!("{words}, back in {}", self::words(wait));
        }
    }
    if outcome.possibly_billed {
        words = match outcome.bill.cost {
            Some(_) => format!("{words}, possibly billed {}", money::bill(&outcome.bill)),
            None => format!("{words}, possibly billed"),
        };
    }
    words
}

/// A number of events.
pub fn events(count: u32) -> String {
    format!("{count} {}", if count == 1 { "event" } else { "events" })
}

/// How an answer ended early that did not fail.
pub fn early(outcome: &Outcome) -> Option<String> {
    if outcome.error.is_some() {
        return None;
    }
    match outcome.finish {
        Some(Finish::Length) => Some(length_note(outcome)),
        Some(Finish::ContentFilter) => Some("the provider's filter cut the answer".to_owned()),
        Some(Finish::Refusal) => Some("the model refused to answer".to_owned()),
        Some(Finish::ToolCalls) => Some("the model wants to call a tool; pollm runs none".to_owned()),
        Some(Finish::Cut) => Some("the answer is not complete".to_owned()),
        Some(Finish::Stop) if outcome.text.is_empty() => Some("the answer is empty".to_owned()),
        _ => None,
    }
}

fn length_note(outcome: &Outcome) -> String {
    let tokens = outcome.usage.map(|counted| {
        let count = counted.usage.output.0;
        let estimated = if counted.source == UsageSource::Estimated { "~" } else { "" };
        format!("{estimated}{count} {}", if count == 1 { "token" } else { "tokens" })
    });
    let only_reasoning = outcome.text.trim().is_empty() && outcome.reasoning.is_some();
    match (tokens, outcome.native_finish.as_deref()) {
        (_, Some("loop")) => "the answer was stopped: the model repeats itself".to_owned(),
        _ if only_reasoning => "the token limit was reached while reasoning: raise `--max-tokens`".to_owned(),
        (Some(tokens), _) => format!("the answer was cut at {tokens}"),
        (None, _) => "the answer was cut at the token limit".to_owned(),
    }
}

/// The error that a failed call ends a command with.
pub fn failure(context: &Context, lane: &Lane, error: &ApiError, outcome: &Outcome) -> Error {
    let kind = ErrorKind::from(error.kind);
    let mut explained = Error::new(kind, format!("{}: {}", lane.name, phrase(error)));
    explained.causes.extend(said(error));
    if outcome.attempts.len() > 1 {
        let attempts = outcome.attempts.len();
        explained.causes.push(match error.kind {
            FailureKind::Connect | FailureKind::Tls => format!("it was tried {attempts} times"),
            _ => format!("{attempts} requests were sent"),
        });
    }
    if outcome.malformed_events > 0 {
        explained.causes.push(format!("{} could not be read", events(outcome.malformed_events)));
    }
    if let Some(id) = &outcome.request_id {
        explained.causes.push(format!("request id {}", clean_line(id)));
    }
    explained.hints.extend(hint(context, lane, error, outcome));
    let is_lost = outcome.possibly_billed && outcome.text.is_empty();
    if is_lost && error.kind != FailureKind::Cancelled {
        explained.causes.push(format!("it may have been served, and billed: {}", money::bill(&outcome.bill)));
    }
    if is_lost && error.kind.class() == Class::Ambiguous {
        explained.hints.push("`--retry-ambiguous` asks again all the same".to_owned());
    }
    explained
}

/// What may help against a failure.
fn hint(context: &Context, lane: &Lane, error: &ApiError, outcome: &Outcome) -> Option<String> {
    let provider = lane.model.provider.as_str();
    Some(match error.kind {
        FailureKind::Auth => match &lane.way {
            Way::Http { key: Ok(Some(found)), .. } => match &found.source {
                KeySource::Env(name) => format!("the key came from {name}; check it at the provider"),
                KeySource::Command(program) => {
                    format!("the key came from the command `{program}`; check what it prints")
                }
                KeySource::File => format!("replace the stored key with `pollm keys set {provider}`"),
            },
            _ => format!("store a key with `pollm keys set {provider}`"),
        },
        FailureKind::Permission => {
            "check at the provider what the key may use, or ask another model with `-m`".to_owned()
        }
        FailureKind::Money => "add credit at the provider, or ask another model with `-m`".to_owned(),
        FailureKind::RateLimit | FailureKind::Overloaded => later(error),
        FailureKind::Server if outcome.text.is_empty() => later(error),
        FailureKind::NotFound => match (suggestion(context, lane), &lane.way) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            // A provider that does not know a model says so with a code.
            (None, Way::Http { target, .. }) if error.code.is_none() => format!(
                "check the address, {}, and the id; `pollm models --provider {provider}` lists what is known",
                target.base_url
            ),
            _ => format!("check the id; `pollm models --provider {provider}` lists what is known"),
        },
        FailureKind::TooLarge => "send less: a shorter prompt, fewer or smaller attachments".to_owned(),
        FailureKind::ContentFilter => {
            "put it in other words, or ask a model of another provider with `-m`".to_owned()
        }
        FailureKind::ContextLength => "shorten the prompt, or ask a model with a larger context".to_owned(),
        FailureKind::Timeout => {
            "allow more time with `--timeout`, or `[timeouts]` in the configuration".to_owned()
        }
        FailureKind::Connect => {
            return connect_hint(provider).or_else(|| match &lane.way {
                Way::Http { target, .. } => Some(unreachable(context, &target.base_url)),
                Way::Local => None,
            });
        }
        FailureKind::Tls if error.message.contains("peer certificate") => certificate_hint().to_owned(),
        _ => return address_hint(lane, error, outcome),
    })
}

/// What may help against what comes and goes.
fn later(error: &ApiError) -> String {
    match error.retry_after.filter(|wait| !wait.is_zero()) {
        Some(wait) => format!("the provider asks to come back in {}", words(wait)),
        None if error.is_retryable() => {
            "try again later, or name further models: `-m first,second`".to_owned()
        }
        None => "ask another model with `-m`".to_owned(),
    }
}

/// What may help where nothing answers at an address.
fn unreachable(context: &Context, address: &str) -> String {
    let names = match address.split_once(':') {
        Some(("https", _)) => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let proxy = names.into_iter().find(|name| context.env.get(name).is_some());
    match proxy.filter(|_| !is_loopback(address)) {
        Some(name) => format!(
            "nothing answers at {address} through the proxy that {name} names: are both right, and the network there?"
        ),
        None => format!("nothing answers at {address}: is the address right, and the network there?"),
    }
}

/// What may help where it seems to be something else that answers.
fn address_hint(lane: &Lane, error: &ApiError, outcome: &Outcome) -> Option<String> {
    let Way::Http { target, .. } = &lane.way else { return None };
    let (address, protocol) = (&target.base_url, target.protocol.as_str());
    match error.kind {
        FailureKind::Tls if error.message.contains("corrupt message") => {
            Some(format!("is {address} right? a server without TLS wants `http:`"))
        }
        FailureKind::Protocol if outcome.text.is_empty() => {
            Some(format!("is {address} the address of an API that speaks `{protocol}`?"))
        }
        FailureKind::BadRequest if error.status.is_some_and(|status| status / 100 == 3) => {
            Some(format!("is {address} right? `base_url` in the configuration names another address"))
        }
        _ => None,
    }
}

/// What may help where a server's certificate is not trusted. Windows and macOS
/// judge it themselves, and read no variable for that.
const fn certificate_hint() -> &'static str {
    if cfg!(any(windows, target_vendor = "apple")) {
        "where a company's proxy inspects traffic, add its certificate to the system's"
    } else {
        "where a company's proxy inspects traffic, add its certificate to the system's, or name it in SSL_CERT_FILE"
    }
}

/// What may help where no connection to a server on this machine could be made.
pub fn connect_hint(provider: &str) -> Option<String> {
    let server = match provider {
        "ollama" => "is `ollama serve` running? OLLAMA_HOST names another address",
        "lmstudio" => "is LM Studio's server running? LMSTUDIO_BASE_URL names another address",
        "llamacpp" => "is `llama-server` running? LLAMACPP_BASE_URL names another address",
        "vllm" => "is `vllm serve` running? VLLM_BASE_URL names another address",
        _ => return None,
    };
    Some(server.to_owned())
}

/// A model of the same provider with a name near the one that is unknown there.
fn suggestion(context: &Context, lane: &Lane) -> Option<String> {
    if lane.row.is_some() {
        return None;
    }
    let models = context.catalog.models(&lane.model.provider);
    let names = models.iter().map(|row| row.model.model.as_str());
    let near = crate::nearest::nearest(&lane.model.model, names)?;
    Some(format!("{}/{near}", lane.model.provider))
}

/// A wait in words, rounded up: `28 s`, `5 min`, `2 h`.
pub fn words(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}
