use std::sync::Arc;

use super::*;
use crate::chat::{Effort, MediaKind, Message};
use crate::wire::gemini::Gemini;
use crate::wire::gemini::tests::target;
use crate::wire::{Facts, Wire};

fn asked(params: Params) -> Request {
    Request { messages: vec![Message::text(Role::User, "Hi")], params, ..Request::default() }
}

fn encoded(target: &Target, request: &Request) -> WireRequest {
    Gemini.encode(target, request).unwrap()
}

fn dropped(request: &WireRequest) -> Vec<&str> {
    request.dropped.iter().map(|dropped| dropped.param.as_str()).collect()
}

#[test]
fn the_model_stands_in_the_address_once() {
    let path = |id: &str, stream: bool| {
        let request = Request { stream, ..asked(Params::default()) };
        encoded(&target(id, Facts::default()), &request).path
    };
    assert_eq!(path("gemini-4-argon", true), "/models/gemini-4-argon:streamGenerateContent?alt=sse");
    assert_eq!(path("models/gemini-4-argon", false), "/models/gemini-4-argon:generateContent");
    assert_eq!(path("models/models/x", false), "/models/x:generateContent");
    assert_eq!(path("a/b?c#d:e f%", false), "/models/a%2Fb%3Fc%23d%3Ae%20f%25:generateContent");
    assert_eq!(path("tunedModels/gull-7", false), "/tunedModels/gull-7:generateContent");
    assert_eq!(
        path("publishers/google/models/gemini-4-argon", false),
        "/publishers/google/models/gemini-4-argon:generateContent"
    );
}

#[test]
fn only_what_was_set_is_sent() {
    let request = encoded(&target("gemini-x", Facts::default()), &asked(Params::default()));
    assert_eq!(request.headers, []);
    assert_eq!(request.body, json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}));
    assert_eq!(request.dropped, []);
}

#[test]
fn everything_has_its_place() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}});
    let request = Request {
        system: Some("Be terse.".to_owned()),
        messages: vec![
            Message::text(Role::User, "a"),
            Message::text(Role::Assistant, "b"),
            Message::text(Role::User, "c"),
            Message::text(Role::User, "d"),
        ],
        params: Params {
            temperature: Some(0.5),
            top_p: Some(0.25),
            max_tokens: Some(100),
            seed: Some(-7),
            stop: vec!["END".to_owned()],
            effort: Some(Effort::Low),
            ..Params::default()
        },
        schema: Some(schema.clone()),
        stream: false,
    };
    let request = encoded(&target("gemini-x", Facts::default()), &request);
    assert_eq!(
        request.body,
        json!({
            "systemInstruction": {"parts": [{"text": "Be terse."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "a"}]},
                {"role": "model", "parts": [{"text": "b"}]},
                {"role": "user", "parts": [{"text": "c"}, {"text": "d"}]}
            ],
            "generationConfig": {
                "temperature": 0.5,
                "topP": 0.25,
                "maxOutputTokens": 100,
                "seed": -7,
                "stopSequences": ["END"],
                "responseMimeType": "application/json",
                "responseJsonSchema": schema,
                "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "LOW"}
            }
        })
    );
    assert_eq!(request.dropped, []);
}

#[test]
fn what_is_refused_is_left_out_with_a_reason() {
    let facts = Facts { no_temperature: true, reasoning: Some(false), ..Facts::default() };
    let params = Params {
        temperature: Some(0.0),
        top_p: Some(0.5),
        seed: Some(1 << 40),
        stop: ["1", "2", "3", "4", "5", "6"].map(str::to_owned).to_vec(),
        effort: Some(Effort::High),
        ..Params::default()
    };
    let request = encoded(&target("gemini-x", facts), &asked(params));
    assert_eq!(dropped(&request), ["temperature", "top_p", "seed", "stop", "effort"]);
    assert_eq!(request.body["generationConfig"], json!({"stopSequences": ["1", "2", "3", "4", "5"]}));
}

#[test]
fn a_server_without_schemas_is_told_in_words() {
    let told = |support| {
        let mut target = target("gemma", Facts::default());
        target.quirks.schema = support;
        let request = Request { schema: Some(json!({"minimum": 1})), ..asked(Params::default()) };
        let body = encoded(&target, &request).body;
        let words = body["systemInstruction"]["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
        (body["generationConfig"].clone(), words.ends_with("{\"minimum\":1}"))
    };
    assert_eq!(told(SchemaSupport::JsonObject), (json!({"responseMimeType": "application/json"}), true));
    assert_eq!(told(SchemaSupport::Prompt), (Value::Null, true));
}

fn with_media(kind: MediaKind, mime: &str, source: MediaSource) -> Request {
    let media = Media { kind, mime: mime.to_owned(), name: "shore".to_owned(), source };
    Request {
        messages: vec![Message { role: Role::User, parts: vec![Part::Media(media)] }],
        ..Request::default()
    }
}

#[test]
fn media_travel_inside() {
    let part = |kind, mime: &str| {
        let request = with_media(kind, mime, MediaSource::Bytes(Arc::from(&b"abc"[..])));
        encoded(&target("gemini-x", Facts::default()), &request).body["contents"][0]["parts"][0].clone()
    };
    let inline = |mime: &str| json!({"inlineData": {"mimeType": mime, "data": "YWJj"}});
    assert_eq!(part(MediaKind::Image, "image/png"), inline("image/png"));
    assert_eq!(part(MediaKind::Pdf, "application/pdf"), inline("application/pdf"));
    assert_eq!(part(MediaKind::Audio, "audio/mpeg"), inline("audio/mp3"));
    assert_eq!(part(MediaKind::Audio, "audio/x-wav"), inline("audio/wav"));
    assert_eq!(part(MediaKind::Audio, "application/ogg"), inline("audio/ogg"));
}

#[test]
fn addresses_go_only_where_google_fetches_them() {
    let sent = |url: &str| {
        let request = with_media(MediaKind::Pdf, "application/pdf", MediaSource::Url(url.to_owned()));
        let encoded = Gemini.encode(&target("gemini-x", Facts::default()), &request);
        encoded.map(|request| request.body["contents"][0]["parts"][0]["fileData"].clone())
    };
    let uploaded = "https://generativelanguage.googleapis.com/v1beta/files/gull7";
    assert_eq!(sent(uploaded), Ok(json!({"mimeType": "application/pdf", "fileUri": uploaded})));
    let video = "https://youtu.be/gull7";
    assert_eq!(sent(video), Ok(json!({"fileUri": video})));
    assert_eq!(
        sent("https://example.com/shore.pdf"),
        Err(EncodeError("`shore`: google takes files, not addresses".to_owned()))
    );
}
