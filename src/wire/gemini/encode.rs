//! Requests in the words of `generateContent`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::thinking::Plan;
use crate::chat::{Media, MediaSource, Params, Part, Request, Role};
use crate::wire::{Dropped, EncodeError, SchemaSupport, Target, WireRequest, schema, turns};

/// The most stop sequences that the API takes.
const MAX_STOPS: usize = 5;

pub(super) fn encode(target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
    let mut dropped = Vec::new();
    let mut body = Map::new();
    if let Some(system) = schema::system_prompt(target, request) {
        body.insert("systemInstruction".to_owned(), json!({"parts": [{"text": system}]}));
    }
    body.insert("contents".to_owned(), contents(target, request)?);
    let config = generation_config(target, request, &mut dropped);
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), config.into());
    }
    let method = if request.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    Ok(WireRequest {
        path: format!("/{}:{method}", resource(&target.api_model)),
        headers: Vec::new(),
        body: body.into(),
        dropped,
    })
}

/// The model's place in the address. Lists of models name them with `models/`,
/// people without it; tuned models and Vertex's publishers have places of
/// their own.
fn resource(id: &str) -> String {
    const SEGMENT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
    const PATH: &AsciiSet = &SEGMENT.remove(b'/');
    if id.starts_with("tunedModels/") || id.starts_with("publishers/") {
        return utf8_percent_encode(id, PATH).to_string();
    }
    let mut name = id;
    while let Some(rest) = name.strip_prefix("models/") {
        name = rest;
    }
    format!("models/{}", utf8_percent_encode(name, SEGMENT))
}

fn contents(target: &Target, request: &Request) -> Result<Value, EncodeError> {
    let turns = turns::merged(&request.messages)?;
    let contents = turns.iter().map(|(role, parts)| {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "model",
        };
        let parts: Vec<Value> = parts.iter().map(|each| part(target, each)).collect::<Result<_, _>>()?;
        Ok(json!({"role": role, "parts": parts}))
    });
    contents.collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn part(target: &Target, part: &Part) -> Result<Value, EncodeError> {
    let media = match part {
        Part::Text(text) => return Ok(json!({"text": text})),
        Part::Media(media) => media,
    };
    match &media.source {
        MediaSource::Bytes(bytes) => {
            Ok(json!({"inlineData": {"mimeType": mime(media), "data": STANDARD.encode(bytes)}}))
        }
        MediaSource::Url(url) if is_uploaded(target, url) => {
            Ok(json!({"fileData": {"mimeType": mime(media), "fileUri": url}}))
        }
        MediaSource::Url(url) if is_video(url) => Ok(json!({"fileData": {"fileUri": url}})),
        MediaSource::Url(_) => Err(EncodeError(format!(
            "`{}`: {} takes files, not addresses",
            media.name, target.model.provider
        ))),
    }
}

/// A file that was put there by Google's Files API.
fn is_uploaded(target: &Target, url: &str) -> bool {
    url.strip_prefix(target.base_url.as_str()).is_some_and(|path| path.starts_with("/files/"))
}

/// Google fetches these itself; other addresses need not work.
fn is_video(url: &str) -> bool {
    const PLACES: [&str; 3] =
        ["https://www.youtube.com/watch", "https://youtube.com/watch", "https://youtu.be/"];
    PLACES.iter().any(|place| url.starts_with(place))
}

/// The names that the API knows sounds by; it refuses the registered `audio/mpeg`.
fn mime(media: &Media) -> &str {
    match media.mime.as_str() {
        "audio/mpeg" => "audio/mp3",
        "application/ogg" => "audio/ogg",
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        "audio/x-aiff" => "audio/aiff",
        "audio/x-aac" => "audio/aac",
        other => other,
    }
}

fn generation_config(target: &Target, request: &Request, dropped: &mut Vec<Dropped>) -> Map<String, Value> {
    let mut config = Map::new();
    sampling(target, &request.params, &mut config, dropped);
    if let Some(schema) = &request.schema
        && target.quirks.schema != SchemaSupport::Prompt
    {
        config.insert("responseMimeType".to_owned(), "application/json".into());
        if target.quirks.schema == SchemaSupport::Native {
            config.insert("responseJsonSchema".to_owned(), schema.clone());
        }
    }
    let plan = Plan::new(target, request.params.effort);
    if !plan.config.is_empty() {
        config.insert("thinkingConfig".to_owned(), plan.config.into());
    }
    if let Some(reason) = plan.dropped {
        dropped.push(Dropped::new("effort", reason));
    }
    config
}

fn sampling(target: &Target, params: &Params, config: &mut Map<String, Value>, dropped: &mut Vec<Dropped>) {
    let candidates = [("temperature", "temperature", params.temperature), ("top_p", "topP", params.top_p)];
    for (param, field, value) in candidates {
        let Some(value) = value else { continue };
        if target.facts.no_temperature {
            dropped.push(Dropped::new(param, "the model takes no sampling parameters"));
        } else {
            config.insert(field.to_owned(), value.into());
        }
    }
    if let Some(max_tokens) = params.max_tokens {
        config.insert("maxOutputTokens".to_owned(), max_tokens.into());
    }
    if let Some(seed) = params.seed {
        match i32::try_from(seed) {
            Ok(seed) => config.insert("seed".to_owned(), seed.into()),
            Err(_) => {
                dropped.push(Dropped::new("seed", "the API takes a seed of at most 31 bits"));
                None
            }
        };
    }
    if params.stop.len() > MAX_STOPS {
        let reason =
            format!("the API takes at most {MAX_STOPS} stop sequences; the first {MAX_STOPS} are sent");
        dropped.push(Dropped::new("stop", reason));
    }
    if !params.stop.is_empty() {
        let sent = &params.stop[..params.stop.len().min(MAX_STOPS)];
        config.insert("stopSequences".to_owned(), json!(sent));
    }
}

#[cfg(test)]
mod tests;
