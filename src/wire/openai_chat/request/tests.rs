use super::*;
use crate::chat::{Message, Part};
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
    assert_eq!(body(&target("mistral"), &Request { stream: true, ..ask("Hi") }).get("stream_options"), None);
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
    assert_eq!(sent("alibaba", Effort::Budget(99)), json!({"enable_thinking": true, "thinking_budget": 99}));
    assert_eq!(sent("alibaba", Effort::None), json!({"enable_thinking": false}));
    for (provider, effort) in
        [("groq", Effort::Budget(9)), ("deepseek", Effort::Budget(9)), ("lmstudio", Effort::Low)]
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
    let request = Request { schema: Some(schema.clone()), system: Some("Be terse.".to_owned()), ..ask("Hi") };
    let native = body(&target("openai"), &request);
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "City", "strict": false, "schema": schema}});
    assert_eq!(native["response_format"], format);
    assert_eq!(native["messages"][0]["content"], "Be terse.");
    let object = body(&target("deepseek"), &request);
    assert_eq!(object["response_format"], json!({"type": "json_object"}));
    let system = object["messages"][0]["content"].as_str().unwrap();
    assert!(system.starts_with("Be terse.\n\n") && system.contains("JSON") && system.contains("\"City\""));
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
