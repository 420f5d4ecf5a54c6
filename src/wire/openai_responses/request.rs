//! Requests into Responses bodies.

use serde_json::{Map, Value, json};

use crate::chat::{Effort, Media, MediaKind, MediaSource, Request, Role};
use crate::wire::openai::{self, Left};
use crate::wire::{EncodeError, ReasoningStyle, SchemaSupport, Target, WireRequest};

/// Puts a request into the protocol's words.
pub(super) fn encode(target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
    let mut left = Left::default();
    let mut body = Map::new();
    body.insert("model".to_owned(), target.api_model.clone().into());
    if let Some(system) = openai::system_prompt(target, request) {
        body.insert("instructions".to_owned(), system.into());
    }
    let input = request.messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Ok(json!({"role": role, "content": openai::content(message, "the Responses API", "input_text", &|media| attachment(target, media))?}))
    });
    body.insert("input".to_owned(), input.collect::<Result<Value, EncodeError>>()?);
    // The default is to keep the conversation for at least 30 days.
    body.insert("store".to_owned(), false.into());
    parameters(target, request, &mut body, &mut left);
    if let Some(schema) = &request.schema {
        // Flat here, unlike in Chat Completions.
        let format = match openai::schema_support(target) {
            SchemaSupport::Native => Some(json!({
                "type": "json_schema",
                "name": openai::schema_name(schema),
                "strict": openai::is_strict(schema),
                "schema": schema,
            })),
            SchemaSupport::JsonObject => Some(json!({"type": "json_object"})),
            SchemaSupport::Prompt => None,
        };
        if let Some(format) = format {
            body.insert("text".to_owned(), json!({"format": format}));
        }
    }
    let mut headers = Vec::new();
    if request.stream {
        headers.push(("accept".to_owned(), "text/event-stream".to_owned()));
        body.insert("stream".to_owned(), true.into());
    }
    Ok(WireRequest { path: "/responses".to_owned(), headers, body: Value::Object(body), dropped: left.0 })
}

fn parameters(target: &Target, request: &Request, body: &mut Map<String, Value>, left: &mut Left) {
    let params = &request.params;
    if let Some(limit) = params.max_tokens {
        body.insert("max_output_tokens".to_owned(), limit.into());
    }
    openai::sampling(target, request, body, left);
    if params.seed.is_some() {
        left.out("seed", "the Responses API has no seed");
    }
    if !params.stop.is_empty() {
        left.out("stop", "the Responses API has no stop texts");
    }
    let reasoning = match params.effort {
        None => None,
        Some(_) if target.quirks.reasoning == ReasoningStyle::Unsupported => {
            left.out("effort", format!("{} has no such control", target.model.provider));
            None
        }
        // Gateways take a budget here too.
        Some(Effort::Budget(tokens)) if target.quirks.reasoning == ReasoningStyle::Object => {
            openai::takes_budget(target, tokens, left).then(|| json!({"max_tokens": tokens}))
        }
        Some(Effort::Budget(_)) => {
            left.out("effort", openai::only_levels(target));
            None
        }
        Some(level) => openai::takes_level(target, level, left).then(|| json!({"effort": level.to_string()})),
    };
    if let Some(reasoning) = reasoning {
        body.insert("reasoning".to_owned(), reasoning);
    }
}

fn attachment(target: &Target, media: &Media) -> Result<Value, EncodeError> {
    match (media.kind, &media.source) {
        (MediaKind::Image, _) => {
            let url = openai::address(target, media, target.quirks.image_urls)?;
            Ok(json!({"type": "input_image", "image_url": url}))
        }
        (MediaKind::Pdf, MediaSource::Url(url)) => Ok(json!({"type": "input_file", "file_url": url})),
        (MediaKind::Pdf, MediaSource::Bytes(bytes)) => {
            let data = openai::data_url(&media.mime, bytes);
            Ok(json!({"type": "input_file", "filename": media.name, "file_data": data}))
        }
        (MediaKind::Audio, _) => Err(EncodeError(format!(
            "the Responses API takes no audio; `{}` can't be sent to {}",
            media.name, target.model
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Part};
    use crate::wire::openai::fixture::{media, target};

    fn ask(text: &str) -> Request {
        Request { messages: vec![Message::text(Role::User, text)], ..Request::default() }
    }

    #[test]
    fn every_parameter_has_its_field_or_its_reason() {
        let mut request = Request { system: Some("Be terse.".to_owned()), stream: true, ..ask("Hi") };
        request.messages.push(Message::text(Role::Assistant, "Hello."));
        request.schema = Some(json!({"type": "object", "additionalProperties": false, "properties": {}}));
        request.params.temperature = Some(0.5);
        request.params.max_tokens = Some(64);
        request.params.seed = Some(7);
        request.params.stop = vec!["END".to_owned()];
        request.params.effort = Some(Effort::Low);
        let wire = encode(&target("openai"), &request).unwrap();
        assert_eq!(wire.path, "/responses");
        assert_eq!(
            wire.body,
            json!({"model": "m", "instructions": "Be terse.", "input": [
                {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},
            ], "store": false, "max_output_tokens": 64, "temperature": 0.5, "reasoning": {"effort": "low"},
            "text": {"format": {"type": "json_schema", "name": "answer", "strict": true, "schema": request.schema}},
            "stream": true})
        );
        let dropped: Vec<&str> = wire.dropped.iter().map(|dropped| dropped.param.as_str()).collect();
        assert_eq!(dropped, ["seed", "stop"]);
    }

    #[test]
    fn a_budget_goes_only_where_budgets_exist() {
        let mut request = ask("Hi");
        request.params.effort = Some(Effort::Budget(2000));
        let gateway = encode(&target("openrouter"), &request).unwrap();
        assert_eq!(gateway.body["reasoning"], json!({"max_tokens": 2000}));
        let openai = encode(&target("openai"), &request).unwrap();
        assert_eq!((openai.body.get("reasoning"), openai.dropped.len()), (None, 1));
    }

    #[test]
    fn attachments_become_parts() {
        let part = |kind, url| {
            let mut request = ask("Look:");
            request.messages[0].parts.push(Part::Media(media(kind, url)));
            encode(&target("openai"), &request).map(|wire| wire.body["input"][0]["content"].clone())
        };
        let url = "https://example.com/a";
        assert_eq!(
            part(MediaKind::Image, None),
            Ok(json!([
                {"type": "input_text", "text": "Look:"},
                {"type": "input_image", "image_url": "data:image/png;base64,AQID"},
            ]))
        );
        assert_eq!(
            part(MediaKind::Pdf, Some(url)).unwrap()[1],
            json!({"type": "input_file", "file_url": url})
        );
        assert_eq!(
            part(MediaKind::Pdf, None).unwrap()[1],
            json!({"type": "input_file", "filename": "a", "file_data": "data:application/pdf;base64,AQID"})
        );
        assert!(part(MediaKind::Audio, None).is_err());
    }
}
