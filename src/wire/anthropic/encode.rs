//! Requests in the words of the Messages API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::thinking::Plan;
use crate::chat::{Effort, Media, MediaKind, MediaSource, Params, Part, Request, Role};
use crate::wire::{Dropped, EncodeError, SchemaSupport, Target, WireRequest, schema, turns};

/// What the API reads as an image.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

pub(super) fn encode(target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
    let mut dropped = Vec::new();
    let plan = Plan::new(target, &request.params);
    let mut body = Map::new();
    body.insert("model".to_owned(), target.api_model.clone().into());
    body.insert("max_tokens".to_owned(), plan.max_tokens.into());
    if let Some(system) = schema::system_prompt(target, request) {
        body.insert("system".to_owned(), system.into());
    }
    body.insert("messages".to_owned(), messages(target, request)?);
    sampling(target, &request.params, &plan, &mut body, &mut dropped);
    let output = output_config(target, request, &plan, &mut dropped);
    if !output.is_empty() {
        body.insert("output_config".to_owned(), output.into());
    }
    if let Some(thinking) = plan.thinking {
        body.insert("thinking".to_owned(), thinking);
    }
    if let Some(reason) = plan.dropped {
        dropped.push(Dropped::new("effort", reason));
    }
    if request.stream {
        body.insert("stream".to_owned(), true.into());
    }
    Ok(WireRequest {
        path: "/messages".to_owned(),
        headers: vec![("anthropic-version".to_owned(), "2023-06-01".to_owned())],
        body: body.into(),
        dropped,
    })
}

fn messages(target: &Target, request: &Request) -> Result<Value, EncodeError> {
    let turns = turns::merged(&request.messages)?;
    let messages = turns.iter().map(|(role, parts)| {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let content: Vec<Value> = parts.iter().map(|part| block(target, part)).collect::<Result<_, _>>()?;
        Ok(json!({"role": role, "content": content}))
    });
    messages.collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn block(target: &Target, part: &Part) -> Result<Value, EncodeError> {
    let media = match part {
        Part::Text(text) => return Ok(json!({"type": "text", "text": text})),
        Part::Media(media) => media,
    };
    let kind = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Pdf => "document",
        MediaKind::Audio => {
            return Err(EncodeError(format!("`{}`: the Messages API takes no audio", media.name)));
        }
    };
    Ok(json!({"type": kind, "source": source(target, media)?}))
}

fn source(target: &Target, media: &Media) -> Result<Value, EncodeError> {
    match &media.source {
        MediaSource::Url(_) if !target.quirks.image_urls => Err(EncodeError(format!(
            "`{}`: {} takes files, not addresses",
            media.name, target.model.provider
        ))),
        MediaSource::Url(url) => Ok(json!({"type": "url", "url": url})),
        MediaSource::Bytes(_) if media.kind == MediaKind::Image && !IMAGES.contains(&media.mime.as_str()) => {
            Err(EncodeError(format!(
                "`{}`: the Messages API takes JPEG, PNG, GIF and WebP images, not `{}`",
                media.name, media.mime
            )))
        }
        MediaSource::Bytes(bytes) => {
            Ok(json!({"type": "base64", "media_type": media.mime, "data": STANDARD.encode(bytes)}))
        }
    }
}

fn sampling(
    target: &Target,
    params: &Params,
    plan: &Plan,
    body: &mut Map<String, Value>,
    dropped: &mut Vec<Dropped>,
) {
    let refused = refuses_sampling(target);
    let takes_one = is_claude(target) && params.temperature.is_some();
    let candidates = [("temperature", params.temperature), ("top_p", params.top_p)];
    for (name, value) in candidates.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if refused {
            dropped.push(Dropped::new(name, "the model takes no sampling parameters"));
        } else if plan.thinks() && name == "temperature" && value != 1.0 {
            dropped.push(Dropped::new(name, "a model that thinks takes only the temperature 1"));
        } else if takes_one && name == "top_p" {
            dropped.push(Dropped::new(name, "the model takes either `temperature` or `top_p`"));
        } else {
            body.insert(name.to_owned(), value.into());
        }
    }
    if params.seed.is_some() {
        dropped.push(Dropped::new("seed", "the Messages API has no seed"));
    }
    // A sequence of white space alone is answered with 400.
    let (stop, blank): (Vec<&String>, Vec<&String>) =
        params.stop.iter().partition(|stop| !stop.trim().is_empty());
    if !blank.is_empty() {
        dropped.push(Dropped::new("stop", "the Messages API takes no stop sequence of white space alone"));
    }
    if !stop.is_empty() {
        body.insert("stop_sequences".to_owned(), json!(stop));
    }
}

fn is_claude(target: &Target) -> bool {
    target.api_model.to_ascii_lowercase().contains("claude")
}

/// Every Claude after Opus 4.6 refuses sampling parameters, and those are the
/// ones that know the level `xhigh`. Catalogs lack the flag on some of them.
fn refuses_sampling(target: &Target) -> bool {
    let xhigh = target.facts.efforts.as_ref().is_some_and(|levels| levels.contains(&Effort::Xhigh));
    target.facts.no_temperature || (xhigh && is_claude(target))
}

fn output_config(
    target: &Target,
    request: &Request,
    plan: &Plan,
    dropped: &mut Vec<Dropped>,
) -> Map<String, Value> {
    let mut output = Map::new();
    if let Some(effort) = plan.effort {
        output.insert("effort".to_owned(), effort.into());
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| target.quirks.schema == SchemaSupport::Native) {
        let (schema, keywords) = schema::for_grammar(schema);
        if !keywords.is_empty() {
            let reason =
                format!("sent without `{}`, which the Messages API does not take", keywords.join("`, `"));
            dropped.push(Dropped::new("schema", reason));
        }
        output.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    output
}

#[cfg(test)]
mod tests;
