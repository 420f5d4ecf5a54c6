//! Requests into Chat Completions bodies.

use serde_json::{Map, Value, json};

use crate::chat::{Effort, Media, MediaKind, MediaSource, Request, Role};
use crate::wire::openai::{self, Left};
use crate::wire::{EncodeError, MaxTokensField, ReasoningStyle, SchemaSupport, Target, WireRequest};

/// Puts a request into the words of one server.
pub(super) fn encode(target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
    let mut left = Left::default();
    let mut body = Map::new();
    body.insert("model".to_owned(), target.api_model.clone().into());
    body.insert("messages".to_owned(), messages(target, request)?);
    parameters(target, request, &mut body, &mut left);
    if let Some(effort) = request.params.effort {
        reasoning(target, effort, &mut body, &mut left);
    }
    if let Some(schema) = &request.schema {
        match openai::schema_support(target) {
            SchemaSupport::Native => {
                let schema = json!({
                    "name": openai::schema_name(schema),
                    "strict": openai::is_strict(schema),
                    "schema": schema,
                });
                body.insert(
                    "response_format".to_owned(),
                    json!({"type": "json_schema", "json_schema": schema}),
                );
            }
            SchemaSupport::JsonObject => {
                body.insert("response_format".to_owned(), json!({"type": "json_object"}));
            }
            SchemaSupport::Prompt => {}
        }
    }
    let mut headers = Vec::new();
    if request.stream {
        headers.push(("accept".to_owned(), "text/event-stream".to_owned()));
        body.insert("stream".to_owned(), true.into());
        if target.quirks.stream_usage {
            body.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
    }
    Ok(WireRequest {
        path: "/chat/completions".to_owned(),
        headers,
        body: Value::Object(body),
        dropped: left.0,
    })
}

fn parameters(target: &Target, request: &Request, body: &mut Map<String, Value>, left: &mut Left) {
    let params = &request.params;
    if let Some(limit) = params.max_tokens {
        let field = match target.quirks.max_tokens_field {
            MaxTokensField::MaxTokens => "max_tokens",
            MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
        };
        body.insert(field.to_owned(), limit.into());
    }
    openai::sampling(target, request, body, left);
    if let Some(seed) = params.seed {
        body.insert(target.quirks.seed_field.to_owned(), seed.into());
    }
    if !params.stop.is_empty() {
        body.insert("stop".to_owned(), params.stop.clone().into());
    }
}

fn messages(target: &Target, request: &Request) -> Result<Value, EncodeError> {
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    if let Some(system) = openai::system_prompt(target, request) {
        let role = if target.quirks.developer_role { "developer" } else { "system" };
        messages.push(json!({"role": role, "content": system}));
    }
    for message in &request.messages {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        messages.push(json!({"role": role, "content": openai::content(message, "Chat Completions", "text", &|media| attachment(target, media))?}));
    }
    Ok(Value::Array(messages))
}

fn attachment(target: &Target, media: &Media) -> Result<Value, EncodeError> {
    match media.kind {
        MediaKind::Image => {
            let url = openai::address(target, media, target.quirks.image_urls)?;
            Ok(json!({"type": "image_url", "image_url": {"url": url}}))
        }
        MediaKind::Pdf => {
            let url = openai::address(target, media, target.quirks.pdf_urls)?;
            Ok(if target.quirks.document_url {
                json!({"type": "document_url", "document_url": url})
            } else {
                json!({"type": "file", "file": {"filename": media.name, "file_data": url}})
            })
        }
        MediaKind::Audio => audio(target, media),
    }
}

fn audio(target: &Target, media: &Media) -> Result<Value, EncodeError> {
    let input = match &media.source {
        MediaSource::Bytes(bytes) if target.quirks.bare_audio => openai::base64(bytes).into(),
        MediaSource::Bytes(bytes) => {
            json!({"data": openai::base64(bytes), "format": audio_format(&media.mime)})
        }
        MediaSource::Url(url) if target.quirks.bare_audio => url.clone().into(),
        MediaSource::Url(url) => {
            return Err(EncodeError(format!(
                "Chat Completions takes audio only as a file; download `{url}` and attach it"
            )));
        }
    };
    Ok(json!({"type": "input_audio", "input_audio": input}))
}

/// The word for an audio format. `OpenAI` knows `wav` and `mp3`, others more.
fn audio_format(mime: &str) -> &str {
    let subtype = mime.split_once('/').map_or(mime, |(_, subtype)| subtype);
    match subtype.strip_prefix("x-").unwrap_or(subtype) {
        "wav" | "wave" | "vnd.wave" => "wav",
        "mpeg" | "mp3" | "mpeg3" => "mp3",
        "mp4" | "m4a" => "m4a",
        other => other,
    }
}

/// Says how hard to think, in the server's way.
fn reasoning(target: &Target, effort: Effort, body: &mut Map<String, Value>, left: &mut Left) {
    let provider = &target.model.provider;
    match (target.quirks.reasoning, effort) {
        (ReasoningStyle::Unsupported, _) => {
            left.out("effort", format!("{provider} has no such control"));
        }
        (ReasoningStyle::Object, Effort::Budget(tokens)) => {
            if openai::takes_budget(target, tokens, left) {
                body.insert("reasoning".to_owned(), json!({"max_tokens": tokens}));
            }
        }
        (ReasoningStyle::EnableThinking, Effort::Budget(tokens)) => {
            if openai::takes_budget(target, tokens, left) {
                body.insert("enable_thinking".to_owned(), true.into());
                body.insert("thinking_budget".to_owned(), tokens.into());
            }
        }
        (
            ReasoningStyle::Effort | ReasoningStyle::Thinking | ReasoningStyle::ThinkingAndEffort,
            Effort::Budget(_),
        ) => {
            left.out("effort", openai::only_levels(target));
        }
        (ReasoningStyle::Effort, level) => {
            if openai::takes_level(target, level, left) {
                body.insert("reasoning_effort".to_owned(), level.to_string().into());
            }
        }
        (ReasoningStyle::Object, level) => {
            if openai::takes_level(target, level, left) {
                body.insert("reasoning".to_owned(), json!({"effort": level.to_string()}));
            }
        }
        (style, level) => switch(target, style, level, body, left),
    }
}

/// Servers with a switch. Off is always asked for: a model that can't stop
/// thinking says so. A level goes along where the server or the model has them.
fn switch(
    target: &Target,
    style: ReasoningStyle,
    level: Effort,
    body: &mut Map<String, Value>,
    left: &mut Left,
) {
    let on = level != Effort::None;
    let has_levels = style == ReasoningStyle::ThinkingAndEffort || target.facts.efforts.is_some();
    if target.facts.reasoning == Some(false) || (on && has_levels) {
        if !openai::takes_level(target, level, left) {
            return;
        }
        body.insert("reasoning_effort".to_owned(), level.to_string().into());
    }
    if style == ReasoningStyle::EnableThinking {
        body.insert("enable_thinking".to_owned(), on.into());
    } else {
        let kind = if on { "enabled" } else { "disabled" };
        body.insert("thinking".to_owned(), json!({"type": kind}));
    }
}

#[cfg(test)]
mod tests;
