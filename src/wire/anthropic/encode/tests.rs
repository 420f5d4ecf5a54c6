use std::sync::Arc;

use crate::chat::Message;
use crate::wire::anthropic::Anthropic;
use crate::wire::anthropic::tests::target;
use crate::wire::{Facts, Quirks, Wire};

use super::*;

fn asked(params: Params) -> Request {
    Request { messages: vec![Message::text(Role::User, "Hi")], params, stream: true, ..Request::default() }
}

fn encoded(target: &Target, request: &Request) -> WireRequest {
    Anthropic.encode(target, request).unwrap()
}

fn dropped(request: &WireRequest) -> Vec<&str> {
    request.dropped.iter().map(|dropped| dropped.param.as_str()).collect()
}

#[test]
fn only_what_was_set_is_sent_but_for_the_cap() {
    let request = encoded(&target("claude-x", Facts::default()), &asked(Params::default()));
    assert_eq!(request.path, "/messages");
    assert_eq!(request.headers, [("anthropic-version".to_owned(), "2023-06-01".to_owned())]);
    assert_eq!(
        request.body,
        json!({
            "model": "claude-x",
            "max_tokens": 8192,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "stream": true
        })
    );
    assert_eq!(request.dropped, []);
}

#[test]
fn the_cap_is_the_users_then_the_models() {
    let target = target("claude-x", Facts { max_output: Some(64_000), ..Facts::default() });
    assert_eq!(encoded(&target, &asked(Params::default())).body["max_tokens"], 64_000);
    let params = Params { max_tokens: Some(5), ..Params::default() };
    assert_eq!(encoded(&target, &asked(params)).body["max_tokens"], 5);
}

#[test]
fn everything_has_its_place() {
    let request = Request {
        system: Some("Be terse.".to_owned()),
        messages: vec![
            Message::text(Role::User, "a"),
            Message::text(Role::Assistant, "b"),
            Message::text(Role::User, "c"),
            Message::text(Role::User, "d"),
        ],
        params: Params {
            top_p: Some(0.5),
            effort: Some(Effort::Low),
            stop: vec!["END".to_owned(), "\n".to_owned()],
            seed: Some(7),
            ..Params::default()
        },
        schema: Some(json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}})),
        stream: false,
    };
    let request = encoded(&target("claude-x", Facts::default()), &request);
    assert_eq!(
        request.body,
        json!({
            "model": "claude-x",
            "max_tokens": 8192,
            "system": "Be terse.",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
                {"role": "user", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]}
            ],
            "top_p": 0.5,
            "stop_sequences": ["END"],
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema":
                {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false}}},
            "thinking": {"type": "adaptive", "display": "summarized"}
        })
    );
    assert_eq!(dropped(&request), ["seed", "stop", "schema"]);
}

#[test]
fn sampling_goes_only_where_it_is_taken() {
    let params = Params { temperature: Some(0.0), top_p: Some(0.9), ..Params::default() };
    let sent = |id: &str, facts: Facts, params: &Params| {
        let request = encoded(&target(id, facts), &asked(params.clone()));
        let names: Vec<String> = request.dropped.into_iter().map(|dropped| dropped.param).collect();
        (request.body.get("temperature").cloned(), request.body.get("top_p").cloned(), names.join(" "))
    };
    let (zero, most) = (Some(json!(0.0)), Some(json!(0.9)));
    assert_eq!(sent("claude-x", Facts::default(), &params), (zero.clone(), None, "top_p".to_owned()));
    assert_eq!(sent("MiniMax-M3", Facts::default(), &params), (zero.clone(), most.clone(), String::new()));
    let refuses = Facts { no_temperature: true, ..Facts::default() };
    assert_eq!(sent("claude-x", refuses, &params), (None, None, "temperature top_p".to_owned()));
    let new = Facts { efforts: Some(vec![Effort::Xhigh, Effort::Max]), ..Facts::default() };
    assert_eq!(sent("claude-haiku-5-5", new.clone(), &params), (None, None, "temperature top_p".to_owned()));
    assert_eq!(sent("MiniMax-M3.1-Flash", new, &params), (zero, most, String::new()));
    let thinks = Params { effort: Some(Effort::High), top_p: None, ..params };
    assert_eq!(sent("claude-x", Facts::default(), &thinks), (None, None, "temperature".to_owned()));
    let one = Params { temperature: Some(1.0), ..thinks };
    assert_eq!(sent("claude-x", Facts::default(), &one), (Some(json!(1.0)), None, String::new()));
}

#[test]
fn a_server_without_schemas_is_told_in_words() {
    let mut target = target("MiniMax-M3", Facts::default());
    target.quirks.schema = SchemaSupport::Prompt;
    let request = Request {
        system: Some("Be terse.".to_owned()),
        schema: Some(json!({"minimum": 1})),
        ..asked(Params::default())
    };
    let request = encoded(&target, &request);
    assert_eq!(request.body.get("output_config"), None);
    let system = request.body["system"].as_str().unwrap();
    assert!(system.starts_with("Be terse.\n\n") && system.ends_with("{\"minimum\":1}"), "{system}");
}

fn media(kind: MediaKind, mime: &str, source: MediaSource) -> Request {
    let media = Media { kind, mime: mime.to_owned(), name: "shore".to_owned(), source };
    let parts = vec![Part::Text("What is this?".to_owned()), Part::Media(media)];
    Request { messages: vec![Message { role: Role::User, parts }], ..Request::default() }
}

fn bytes() -> MediaSource {
    MediaSource::Bytes(Arc::from(&b"abc"[..]))
}

#[test]
fn media_go_by_value_or_by_address() {
    let block = |kind, mime: &str, source| -> Value {
        let request = encoded(&target("claude-x", Facts::default()), &media(kind, mime, source));
        request.body["messages"][0]["content"][1].clone()
    };
    assert_eq!(
        block(MediaKind::Image, "image/png", bytes()),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YWJj"}})
    );
    assert_eq!(
        block(MediaKind::Pdf, "application/pdf", bytes()),
        json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "YWJj"}})
    );
    let url = || MediaSource::Url("https://example.com/shore".to_owned());
    assert_eq!(
        block(MediaKind::Image, "image/png", url()),
        json!({"type": "image", "source": {"type": "url", "url": "https://example.com/shore"}})
    );
    assert_eq!(block(MediaKind::Pdf, "application/pdf", url())["source"]["type"], "url");
}

#[test]
fn media_without_a_place_stop_the_request() {
    let refused = |target: &Target, request: &Request| Anthropic.encode(target, request).unwrap_err().0;
    let known = target("claude-x", Facts::default());
    assert_eq!(
        refused(&known, &media(MediaKind::Audio, "audio/wav", bytes())),
        "`shore`: the Messages API takes no audio"
    );
    assert!(refused(&known, &media(MediaKind::Image, "image/tiff", bytes())).contains("`image/tiff`"));
    let no_urls = Target { quirks: Quirks { image_urls: false, ..Quirks::default() }, ..known };
    let url = MediaSource::Url("https://example.com/shore.png".to_owned());
    assert_eq!(
        refused(&no_urls, &media(MediaKind::Image, "image/png", url)),
        "`shore`: anthropic takes files, not addresses"
    );
    assert_eq!(refused(&no_urls, &Request::default()), "the prompt is empty");
}
