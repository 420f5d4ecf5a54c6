//! Bodies of failed answers, read as the union of all shapes that were seen.

use serde_json::Value;

use super::ApiError;
use super::kind::kind_of;
use super::wait::{body_delay, delay_in_words};

/// The most of an unreadable body that is kept for the message.
pub(super) const SHOWN_BODY: usize = 300;

pub(super) fn parse_json(body: &[u8]) -> Option<Value> {
    let json: Value = serde_json::from_slice(body).ok()?;
    (json.is_object() || json.is_array()).then_some(json)
}

pub(super) fn unwrapped(json: &Value) -> &Value {
    match json {
        Value::Array(items) => items.first().unwrap_or(json),
        other => other,
    }
}

/// Reads the union of all error shapes.
pub(super) fn from_json(json: &Value, status: Option<u16>) -> ApiError {
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

/// Words for a body that is no JSON.
pub(super) fn unreadable(status: u16, body: &[u8]) -> String {
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
