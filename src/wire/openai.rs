//! What the two protocols of `OpenAI` share: media as data URLs, structured
//! output, and which parameters a model is known to refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{ApiError, Dropped, EncodeError, Facts, SchemaSupport, StreamError, Target, failure};
use crate::chat::{Effort, Media, MediaSource, Message, Part, Request, Role};

pub(crate) mod usage;

/// The name sent for a schema that has no usable title.
const SCHEMA_NAME: &str = "answer";

/// The content of a turn. Text alone goes as one string: small and old servers
/// know nothing else.
pub(super) fn content(
    message: &Message,
    api: &str,
    text_type: &str,
    attachment: &dyn Fn(&Media) -> Result<Value, EncodeError>,
) -> Result<Value, EncodeError> {
    let has_media = message.parts.iter().any(|part| matches!(part, Part::Media(_)));
    if !has_media {
        return Ok(message.to_text().into());
    }
    if message.role == Role::Assistant {
        return Err(EncodeError(format!("{api} has no place for attachments of the model's turns")));
    }
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => Ok(json!({"type": text_type, "text": text})),
        Part::Media(media) => attachment(media),
    });
    parts.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// Bytes in the form that browsers and these APIs know: `data:image/png;base64,…`.
pub(super) fn data_url(mime: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{mime};base64,");
    STANDARD.encode_string(bytes, &mut url);
    url
}

/// Bytes as bare base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The address to send for an attachment: its own, where the provider fetches
/// such addresses, or its bytes as a data URL.
pub(super) fn address(target: &Target, media: &Media, fetches: bool) -> Result<String, EncodeError> {
    match &media.source {
        MediaSource::Bytes(bytes) => Ok(data_url(&media.mime, bytes)),
        MediaSource::Url(url) if fetches => Ok(url.clone()),
        MediaSource::Url(url) => Err(EncodeError(format!(
            "{} does not fetch {} attachments by address; download `{url}` and attach the file",
            target.model.provider, media.kind
        ))),
    }
}

/// The structured output that is asked for: what the server knows, unless the
/// model is known not to follow a schema.
pub(super) fn schema_support(target: &Target) -> SchemaSupport {
    match target.facts.schema {
        Some(false) => SchemaSupport::Prompt,
        _ => target.quirks.schema,
    }
}

/// The system prompt, with the schema in it where the server does not take one.
/// `json_object` needs it too: it asks for an object and says nothing of its
/// form, and is refused unless the word JSON stands in the messages.
pub(super) fn system_prompt(target: &Target, request: &Request) -> Option<String> {
    let schema = request.schema.as_ref().filter(|_| schema_support(target) != SchemaSupport::Native);
    let Some(schema) = schema else {
        return request.system.clone();
    };
    let demand = format!(
        "Answer with one JSON value that is valid against this JSON Schema, and with nothing else: \
         no code fence, no explanation.\n\n{schema}"
    );
    Some(match &request.system {
        Some(system) => format!("{system}\n\n{demand}"),
        None => demand,
    })
}

/// A name for a schema as the APIs want it: its title where that is one word of
/// at most 64 letters, digits, `_` and `-`.
pub(super) fn schema_name(schema: &Value) -> &str {
    let fits = |title: &&str| {
        (1..=64).contains(&title.len())
            && title.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    schema["title"].as_str().filter(fits).unwrap_or(SCHEMA_NAME)
}

/// Whether a schema meets the rules of `strict: true`: the root is an object,
/// every object is closed and requires all its properties, and none of the
/// keywords that strict mode refuses is used. A schema that does not is sent
/// with `strict: false` rather than answered with a 400.
pub(super) fn is_strict(schema: &Value) -> bool {
    schema["type"] == "object" && is_strict_part(schema)
}

fn is_strict_part(schema: &Value) -> bool {
    const REFUSED: [&str; 9] = [
        "allOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
    ];
    const TYPED: [&str; 5] = ["type", "anyOf", "$ref", "enum", "const"];
    let Value::Object(fields) = schema else { return false };
    let all = |value: Option<&Value>| match value {
        None => true,
        Some(Value::Object(parts)) => parts.values().all(is_strict_part),
        Some(Value::Array(parts)) => parts.iter().all(is_strict_part),
        Some(_) => false,
    };
    !REFUSED.iter().any(|word| fields.contains_key(*word))
        && TYPED.iter().any(|word| fields.contains_key(*word))
        && is_closed(fields)
        && all(fields.get("properties"))
        && all(fields.get("anyOf"))
        && all(fields.get("$defs"))
        && all(fields.get("definitions"))
        && fields.get("items").is_none_or(is_strict_part)
}

/// Whether an object type allows no other properties and requires all it has.
fn is_closed(fields: &Map<String, Value>) -> bool {
    let is_object = match fields.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => fields.contains_key("properties"),
    };
    if !is_object {
        return true;
    }
    let required = fields.get("required").and_then(Value::as_array);
    let is_required = |name: &String| required.is_some_and(|list| list.iter().any(|item| item == name));
    let properties = fields.get("properties").and_then(Value::as_object);
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.is_none_or(|properties| properties.keys().all(is_required))
}

/// The failure that an event or a body reports, where it reports one.
pub(super) fn failure(data: &[u8]) -> Option<ApiError> {
    failure::in_stream(&serde_json::from_slice::<Value>(data).ok()?)
}

/// An event or a body that is not the protocol's, shown by its beginning: a
/// login page under status 200 should be recognised.
pub(super) fn unreadable(data: &[u8], error: &serde_json::Error) -> StreamError {
    let start: String = String::from_utf8_lossy(&data[..data.len().min(320)]).chars().take(80).collect();
    StreamError::Malformed(format!("{error}: {start}"))
}

/// Takes note of parameters that are left out.
#[derive(Default)]
pub(super) struct Left(pub(super) Vec<Dropped>);

impl Left {
    /// Leaves one out, with the reason for people.
    pub(super) fn out(&mut self, param: &str, reason: impl Into<String>) {
        self.0.push(Dropped { param: param.to_owned(), reason: reason.into() });
    }
}

/// Puts `temperature` and `top_p` into the body, unless the model refuses them.
/// Models that refuse them while they think take them with thinking off, where
/// it can be turned off (`OpenAI`, gpt-5.5 and later).
pub(super) fn sampling(target: &Target, request: &Request, body: &mut Map<String, Value>, left: &mut Left) {
    let Facts { no_temperature, efforts, .. } = &target.facts;
    let thinking_off = request.params.effort == Some(Effort::None)
        && efforts.as_ref().is_some_and(|list| list.contains(&Effort::None));
    for (name, value) in [("temperature", request.params.temperature), ("top_p", request.params.top_p)] {
        match value {
            Some(_) if *no_temperature && !thinking_off => {
                left.out(name, format!("`{}` does not take it", target.model.model));
            }
            Some(value) => {
                body.insert(name.to_owned(), value.into());
            }
            None => {}
        }
    }
}

/// Whether a named level may be sent; notes why not.
pub(super) fn takes_level(target: &Target, effort: Effort, left: &mut Left) -> bool {
    let model = &target.model.model;
    if target.facts.reasoning == Some(false) {
        left.out("effort", format!("`{model}` does not reason"));
        return false;
    }
    match &target.facts.efforts {
        Some(list) if !list.contains(&effort) => {
            let names = list.iter().map(Effort::to_string).collect::<Vec<_>>().join(", ");
            left.out("effort", format!("`{model}` takes {names}, not {effort}"));
            false
        }
        _ => true,
    }
}

/// Whether a budget in tokens may be sent; notes why not.
pub(super) fn takes_budget(target: &Target, tokens: u32, left: &mut Left) -> bool {
    let model = &target.model.model;
    match target.facts.thinking_budget {
        _ if target.facts.reasoning == Some(false) => {
            left.out("effort", format!("`{model}` does not reason"));
            false
        }
        Some((least, most)) if !(least..=most).contains(&tokens) => {
            left.out("effort", format!("`{model}` takes {least} to {most} tokens of thinking, not {tokens}"));
            false
        }
        _ => true,
    }
}

/// The reason for a budget where only levels exist.
pub(super) fn only_levels(target: &Target) -> String {
    format!("{} takes levels of effort, not a number of tokens", target.model.provider)
}

/// What the tests of both protocols encode.
#[cfg(test)]
pub(super) mod fixture {
    use crate::chat::{Media, MediaKind, MediaSource};
    use crate::model::ModelRef;
    use crate::wire::{Auth, Facts, Protocol, Target, quirks};

    /// A model of which nothing is known.
    pub(in crate::wire) fn target(provider: &str) -> Target {
        Target {
            model: ModelRef::new(provider, "m"),
            api_model: "m".to_owned(),
            protocol: Protocol::OpenAiChat,
            base_url: "http://127.0.0.1/v1".to_owned(),
            auth: Auth::Bearer,
            headers: Vec::new(),
            quirks: quirks::of(provider),
            facts: Facts::default(),
        }
    }

    /// Three bytes, or an address.
    pub(in crate::wire) fn media(kind: MediaKind, url: Option<&str>) -> Media {
        let mime = match kind {
            MediaKind::Image => "image/png",
            MediaKind::Pdf => "application/pdf",
            MediaKind::Audio => "audio/mpeg",
        };
        let source = match url {
            Some(url) => MediaSource::Url(url.to_owned()),
            None => MediaSource::Bytes([1, 2, 3].into()),
        };
        Media { kind, mime: mime.to_owned(), name: "a".to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strict_needs_closed_objects_with_every_property_required() {
        let strict = json!({"type": "object", "additionalProperties": false, "required": ["a", "b"], "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
        }, "$defs": {"c": {"type": "object", "additionalProperties": false, "properties": {}}}});
        assert!(is_strict(&strict));
        for (path, value) in [
            ("/required", json!(["a"])),
            ("/additionalProperties", json!(true)),
            ("/properties/a", json!({})),
            ("/properties/a", json!(true)),
            ("/properties/b/items", json!({"type": "object"})),
            ("/$defs/c/properties", json!({"d": {"type": "string"}})),
            ("/properties/a", json!({"oneOf": [{"type": "string"}], "type": "string"})),
            ("/type", json!("array")),
        ] {
            let mut loose = strict.clone();
            *loose.pointer_mut(path).unwrap() = value;
            assert!(!is_strict(&loose), "{path}");
        }
    }

    #[test]
    fn a_title_that_is_no_name_is_replaced() {
        assert_eq!(schema_name(&json!({"title": "City_2"})), "City_2");
        for title in [json!("a city"), json!(""), json!("x".repeat(65)), json!(3)] {
            assert_eq!(schema_name(&json!({"title": title})), "answer");
        }
    }
}
