//! Requests into Chat Completions bodies.

use serde_json::{Map, Value, json};

use crate::chat::{Effort, Media, MediaKind, MediaSource, Message, Part, Request, Role};
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
        messages.push(json!({"role": role, "content": content(target, message)?}));
    }
    Ok(Value::Array(messages))
}

/// Text alone goes as one string: small and old servers know nothing else.
fn content(target: &Target, message: &Message) -> Result<Value, EncodeError> {
    let has_media = message.parts.iter().any(|part| matches!(part, Part::Media(_)));
    if !has_media {
        return Ok(message.to_text().into());
    }
    if message.role == Role::Assistant {
        return Err(EncodeError(
            "Chat Completions has no place for attachments of the model's turns".to_owned(),
        ));
    }
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => Ok(json!({"type": "text", "text": text})),
        Part::Media(media) => attachment(target, media),
    });
    parts.collect::<Result<Vec<_>, _>>().map(Value::Array)
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
mod tests {
    use super::*;
    use crate::wire::Dropped;
    use crate::wire::openai::fixture::{media, target};

    fn body(target: &Target, request: &Request) -> Value {
        encode(target, request).unwrap().body
    }

    fn dropped(target: &Target, request: &Request) -> Vec<String> {
        let note = |Dropped { param, reason }| format!("{param}: {reason}");
        encode(target, request).unwrap().dropped.into_iter().map(note).collect()
    }

    fn ask(text: &str) -> Request {
        Request { messages: vec![Message::text(Role::User, text)], ..Request::default() }
    }

    fn thinking(effort: Effort) -> Request {
        let mut request = ask("Hi");
        request.params.effort = Some(effort);
        request
    }

    #[test]
    fn only_what_was_set_is_sent() {
        let wire = encode(&target("vllm"), &ask("Hi")).unwrap();
        assert_eq!(wire.path, "/chat/completions");
        assert_eq!(wire.body, json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}));
        assert_eq!((wire.headers, wire.dropped), (vec![], vec![]));
        let streamed = encode(&target("vllm"), &Request { stream: true, ..ask("Hi") }).unwrap();
        assert_eq!(streamed.headers, [("accept".to_owned(), "text/event-stream".to_owned())]);
        assert_eq!(streamed.body["stream_options"], json!({"include_usage": true}));
        assert_eq!(
            body(&target("mistral"), &Request { stream: true, ..ask("Hi") }).get("stream_options"),
            None
        );
    }

    #[test]
    fn every_parameter_has_its_field() {
        let mut request = ask("Hi");
        request.system = Some("Be terse.".to_owned());
        request.messages.push(Message::text(Role::Assistant, "Hello."));
        request.messages.push(Message::text(Role::User, "Go on."));
        request.params.temperature = Some(0.5);
        request.params.top_p = Some(0.9);
        request.params.max_tokens = Some(64);
        request.params.seed = Some(7);
        request.params.stop = vec!["END".to_owned()];
        assert_eq!(
            body(&target("openai"), &request),
            json!({"model": "m", "messages": [
                {"role": "developer", "content": "Be terse."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "Go on."},
            ], "max_completion_tokens": 64, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["END"]})
        );
        let mistral = body(&target("mistral"), &request);
        assert_eq!((&mistral["max_tokens"], &mistral["random_seed"]), (&json!(64), &json!(7)));
        assert_eq!(mistral["messages"][0]["role"], "system");
    }

    #[test]
    fn what_a_model_refuses_is_left_out_with_the_reason() {
        let mut target = target("openai");
        target.facts.no_temperature = true;
        target.facts.efforts = Some(vec![Effort::None, Effort::Low, Effort::High]);
        let mut request = thinking(Effort::Max);
        request.params.temperature = Some(0.0);
        assert_eq!(
            dropped(&target, &request),
            ["temperature: `m` does not take it", "effort: `m` takes none, low, high, not max"]
        );
        request.params.effort = Some(Effort::None);
        assert_eq!(dropped(&target, &request), [""; 0]);
        assert_eq!(body(&target, &request)["temperature"], 0.0);
        target.facts.reasoning = Some(false);
        assert_eq!(dropped(&target, &thinking(Effort::Low)), ["effort: `m` does not reason"]);
    }

    #[test]
    fn each_server_is_told_in_its_own_way_how_hard_to_think() {
        let sent = |provider: &str, effort| {
            let Value::Object(mut body) = body(&target(provider), &thinking(effort)) else { unreachable!() };
            body.retain(|name, _| name != "model" && name != "messages");
            Value::Object(body)
        };
        assert_eq!(sent("groq", Effort::Low), json!({"reasoning_effort": "low"}));
        assert_eq!(sent("openrouter", Effort::Xhigh), json!({"reasoning": {"effort": "xhigh"}}));
        assert_eq!(sent("openrouter", Effort::Budget(2000)), json!({"reasoning": {"max_tokens": 2000}}));
        assert_eq!(sent("zai", Effort::High), json!({"thinking": {"type": "enabled"}}));
        assert_eq!(sent("zai", Effort::None), json!({"thinking": {"type": "disabled"}}));
        assert_eq!(
            sent("deepseek", Effort::High),
            json!({"reasoning_effort": "high", "thinking": {"type": "enabled"}})
        );
        assert_eq!(sent("deepseek", Effort::None), json!({"thinking": {"type": "disabled"}}));
        assert_eq!(
            sent("alibaba", Effort::Budget(99)),
            json!({"enable_thinking": true, "thinking_budget": 99})
        );
        assert_eq!(sent("alibaba", Effort::None), json!({"enable_thinking": false}));
        for (provider, effort) in
            [("groq", Effort::Budget(9)), ("deepseek", Effort::Budget(9)), ("nvidia", Effort::Low)]
        {
            assert_eq!(sent(provider, effort), json!({}), "{provider}");
            assert_eq!(dropped(&target(provider), &thinking(effort)).len(), 1, "{provider}");
        }
        let mut bounded = target("openrouter");
        bounded.facts.thinking_budget = Some((1024, 32_000));
        assert_eq!(
            dropped(&bounded, &thinking(Effort::Budget(10))),
            ["effort: `m` takes 1024 to 32000 tokens of thinking, not 10"]
        );
    }

    #[test]
    fn a_schema_is_asked_for_in_the_way_the_server_knows() {
        let schema = json!({"title": "City", "type": "object", "properties": {"name": {"type": "string"}}});
        let request =
            Request { schema: Some(schema.clone()), system: Some("Be terse.".to_owned()), ..ask("Hi") };
        let native = body(&target("openai"), &request);
        let format = json!({"type": "json_schema", "json_schema": {"name": "City", "strict": false, "schema": schema}});
        assert_eq!(native["response_format"], format);
        assert_eq!(native["messages"][0]["content"], "Be terse.");
        let object = body(&target("deepseek"), &request);
        assert_eq!(object["response_format"], json!({"type": "json_object"}));
        let system = object["messages"][0]["content"].as_str().unwrap();
        assert!(
            system.starts_with("Be terse.\n\n") && system.contains("JSON") && system.contains("\"City\"")
        );
        let mut unable = target("openai");
        unable.facts.schema = Some(false);
        let prompted = body(&unable, &Request { system: None, ..request });
        assert_eq!(prompted.get("response_format"), None);
        assert!(prompted["messages"][0]["content"].as_str().unwrap().contains("\"City\""));
    }

    #[test]
    fn attachments_become_parts() {
        let parts = |provider: &str, kind, url| {
            let mut request = ask("Look:");
            request.messages[0].parts.push(Part::Media(media(kind, url)));
            encode(&target(provider), &request).map(|wire| wire.body["messages"][0]["content"][1].clone())
        };
        let url = "https://example.com/a";
        for (provider, kind, address, expected) in [
            (
                "openai",
                MediaKind::Image,
                None,
                json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}}),
            ),
            ("openai", MediaKind::Image, Some(url), json!({"type": "image_url", "image_url": {"url": url}})),
            (
                "openai",
                MediaKind::Pdf,
                None,
                json!({"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,AQID"}}),
            ),
            (
                "openrouter",
                MediaKind::Pdf,
                Some(url),
                json!({"type": "file", "file": {"filename": "a", "file_data": url}}),
            ),
            ("mistral", MediaKind::Pdf, Some(url), json!({"type": "document_url", "document_url": url})),
            (
                "openai",
                MediaKind::Audio,
                None,
                json!({"type": "input_audio", "input_audio": {"data": "AQID", "format": "mp3"}}),
            ),
            ("mistral", MediaKind::Audio, None, json!({"type": "input_audio", "input_audio": "AQID"})),
        ] {
            assert_eq!(parts(provider, kind, address), Ok(expected), "{provider} {kind}");
        }
        for (provider, kind) in
            [("ollama", MediaKind::Image), ("openai", MediaKind::Pdf), ("openai", MediaKind::Audio)]
        {
            let error = parts(provider, kind, Some(url)).unwrap_err();
            assert!(error.0.contains(url), "{provider} {kind}: {error}");
        }
    }

    #[test]
    fn the_models_turns_hold_no_attachments() {
        let mut request = ask("Hi");
        request.messages[0].role = Role::Assistant;
        request.messages[0].parts.push(Part::Media(media(MediaKind::Image, None)));
        assert!(encode(&target("openai"), &request).is_err());
    }
}
