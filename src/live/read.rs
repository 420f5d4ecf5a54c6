//! Lists of models in the shapes that servers give them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A model as its provider lists it. Text from a server: to be cleaned before
/// it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveModel {
    /// The id to ask it by.
    pub id: String,
    /// The name for people.
    pub name: Option<String>,
    /// Context window in tokens.
    pub context: Option<u64>,
    /// Most tokens of one answer.
    pub max_output: Option<u64>,
}

/// More than any provider has.
const MOST_MODELS: usize = 20_000;

/// Longer than any id; ARNs have up to 200 characters.
const LONGEST_NAME: usize = 512;

/// What stands in ids of models that are no chat models, where a list does not
/// say what its models are for.
const NO_CHAT: [&str; 14] = [
    "embed",
    "rerank",
    "moderation",
    "whisper",
    "transcribe",
    "tts",
    "dall-e",
    "gpt-image",
    "realtime",
    "sora",
    "imagen",
    "veo-",
    "stable-diffusion",
    "flux",
];

/// Where servers say how long a prompt may be: Groq, Mistral, `OpenRouter` and
/// Together, vLLM, Anthropic, Gemini, llama.cpp.
const CONTEXT: [&str; 8] = [
    "/context_window",
    "/max_context_length",
    "/context_length",
    "/max_model_len",
    "/max_input_tokens",
    "/inputTokenLimit",
    "/meta/n_ctx",
    "/meta/n_ctx_train",
];

/// Where they say how long an answer may be: Groq, Anthropic, Gemini, `OpenRouter`.
const MAX_OUTPUT: [&str; 4] =
    ["/max_completion_tokens", "/max_tokens", "/outputTokenLimit", "/top_provider/max_completion_tokens"];

/// The chat models of a list: `{"data": […]}`, `{"models": […]}` or a bare
/// array; one object without either (a check of a key) is an empty list.
pub(crate) fn models(body: &[u8]) -> Option<Vec<LiveModel>> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let listed = match &json {
        Value::Array(list) => list.as_slice(),
        Value::Object(object) => {
            let list = ["data", "models"].into_iter().find_map(|key| object.get(key)?.as_array());
            list.map(Vec::as_slice).unwrap_or_default()
        }
        _ => return None,
    };
    Some(listed.iter().take(MOST_MODELS).filter_map(model).collect())
}

fn model(item: &Value) -> Option<LiveModel> {
    let text = |key: &str| item.get(key)?.as_str().filter(|text| is_name(text));
    // A name does not stand in for an id that is none: it could not be asked by it.
    let id = match item.get("id") {
        Some(Value::String(_)) => text("id"),
        _ => text("name").or_else(|| text("model")),
    }?;
    let id = Some(id.strip_prefix("models/").unwrap_or(id)).filter(|id| is_name(id))?;
    // Gemini's list says what a model is for.
    let generates = item.get("supportedGenerationMethods").and_then(Value::as_array);
    let chats = match generates {
        Some(methods) => methods.iter().any(|method| method == "generateContent"),
        None => true,
    };
    let lower = id.to_ascii_lowercase();
    if !chats || NO_CHAT.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let number =
        |paths: &[&str]| paths.iter().find_map(|path| item.pointer(path)?.as_u64().filter(|n| *n > 0));
    let name = text("display_name").or_else(|| text("displayName")).or_else(|| text("name"));
    Some(LiveModel {
        id: id.to_owned(),
        name: name.filter(|name| name.strip_prefix("models/").unwrap_or(name) != id).map(str::to_owned),
        context: number(&CONTEXT),
        max_output: number(&MAX_OUTPUT),
    })
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Vec<(String, Option<u64>, Option<u64>)> {
        let models = models(json.as_bytes()).unwrap().into_iter();
        models.map(|model| (model.id, model.context, model.max_output)).collect()
    }

    #[test]
    fn lists_of_all_shapes_are_read() {
        let openai = r#"{"object":"list","data":[{"id":"a","context_window":4096},{"id":"text-embed-1"},{"no":"id"}]}"#;
        assert_eq!(read(openai), [("a".to_owned(), Some(4096), None)]);
        assert_eq!(read(r#"[{"id":"b","context_length":0}]"#), [("b".to_owned(), None, None)]);
        let gemini = r#"{"models":[
            {"name":"models/g","inputTokenLimit":1000,"outputTokenLimit":50,"supportedGenerationMethods":["generateContent"]},
            {"name":"models/e","supportedGenerationMethods":["countTokens"]}]}"#;
        assert_eq!(read(gemini), [("g".to_owned(), Some(1000), Some(50))]);
        let llama = r#"{"models":[{"name":"x"}],"data":[{"id":"x.gguf","meta":{"n_ctx_train":2048}}]}"#;
        assert_eq!(read(llama), [("x.gguf".to_owned(), Some(2048), None)]);
        assert_eq!(read(r#"{"data":{"label":"sk-or-…"}}"#), []);
    }

    #[test]
    fn names_that_would_drive_a_terminal_are_no_names() {
        assert_eq!(read("{\"data\":[{\"id\":\"a\\u001b[2J\"},{\"id\":\" \"}]}"), []);
        assert_eq!(read("{\"data\":[{\"id\":\"a\\u001b[2J\",\"name\":\"A\"}]}"), []);
        assert_eq!(read(r#"{"models":[{"id":null,"name":"x:8b"}]}"#), [("x:8b".to_owned(), None, None)]);
        assert_eq!(read(r#"{"models":[{"name":"models/"}]}"#), []);
        assert_eq!(read(&format!(r#"{{"data":[{{"id":"{}"}}]}}"#, "x".repeat(LONGEST_NAME + 1))), []);
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_fail(body in r#"[\[\]{}":,a-z0-9]{0,60}"#) {
            let _ = models(body.as_bytes());
        }
    }
}
