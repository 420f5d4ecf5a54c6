//! Which protocol a provider of the catalog speaks, and where it departs from it.
//!
//! One row a provider, by its id in the catalog. Where nothing is said of a
//! server the tolerant default holds: the oldest names, and nothing that only
//! one vendor knows. "Docs" is the vendor's own documentation as of November
//! 2026; "recorded" was seen in real traffic.

use super::{MaxTokensField, Protocol, Quirks, ReasoningStyle, SchemaSupport};

/// The departures of one provider; the default for one that is not known.
pub fn of(provider: &str) -> Quirks {
    let default = Quirks::default();
    match provider {
        // The reference. `max_tokens` is a 400 on every reasoning model.
        "openai" => {
            Quirks { max_tokens_field: MaxTokensField::MaxCompletionTokens, developer_role: true, ..default }
        }
        // As OpenAI, but other labs' models are deployed here too, and those
        // know only `system`, which OpenAI's models take alike.
        "azure" => Quirks { max_tokens_field: MaxTokensField::MaxCompletionTokens, ..default },
        // Docs: `max_tokens` is deprecated.
        "groq" | "cerebras" | "meta" => {
            Quirks { max_tokens_field: MaxTokensField::MaxCompletionTokens, ..default }
        }
        // Docs: `max_completion_tokens` is preferred; `stream_options` is
        // without effect, usage always comes; `file_data` may be an address.
        "openrouter" => Quirks {
            max_tokens_field: MaxTokensField::MaxCompletionTokens,
            reasoning: ReasoningStyle::Object,
            stream_usage: false,
            pdf_urls: true,
            ..default
        },
        // Docs: the same reasoning object as OpenRouter.
        "vercel" => Quirks { reasoning: ReasoningStyle::Object, ..default },
        // Recorded: usage comes unasked. Docs: unknown fields are a 422; its
        // own names for seed, documents and audio.
        "mistral" => Quirks {
            seed_field: "random_seed",
            stream_usage: false,
            document_url: true,
            pdf_urls: true,
            bare_audio: true,
            ..default
        },
        // Docs: a switch beside the level; no `json_schema` on the stable address.
        "deepseek" => Quirks {
            reasoning: ReasoningStyle::ThinkingAndEffort,
            schema: SchemaSupport::JsonObject,
            ..default
        },
        // Recorded: usage comes unasked. Docs: `thinking`, `json_object` only.
        "zai" | "zhipuai" => Quirks {
            reasoning: ReasoningStyle::Thinking,
            schema: SchemaSupport::JsonObject,
            stream_usage: false,
            ..default
        },
        // Docs: `thinking`.
        "moonshotai" | "moonshotai-cn" => Quirks { reasoning: ReasoningStyle::Thinking, ..default },
        // Docs: `enable_thinking` and `thinking_budget`
        // (docs.siliconflow.cn/docs/api/chat-completions-post).
        "alibaba" | "alibaba-cn" | "siliconflow" => {
            Quirks { reasoning: ReasoningStyle::EnableThinking, ..default }
        }
        // docs.cohere.com/docs/compatibility-api; it refuses `stream_options`
        // (strandsagents.com, model provider Cohere) and knows `json_object`
        // but no strict schema (kestra.io, provider cohere).
        // Its documentation has no structured output.
        "minimax" | "minimax-cn" => Quirks { schema: SchemaSupport::Prompt, ..default },
        "cohere" => Quirks { schema: SchemaSupport::JsonObject, stream_usage: false, ..default },
        // Source of the server: pictures only as data URLs, any other address
        // is an error. `max_completion_tokens` is ignored without a word.
        "ollama" | "ollama-cloud" => Quirks { image_urls: false, ..default },
        // Docs: the list of parameters that are honoured has no effort.
        "lmstudio" => Quirks { reasoning: ReasoningStyle::Unsupported, ..default },
        _ => default,
    }
}

/// The protocol for a provider and the catalog's word for its API. `None`
/// where pollm speaks none of its protocols.
pub fn protocol(provider: &str, word: &str) -> Option<Protocol> {
    Some(match (provider, word) {
        // Its chat endpoint ended on 2026-09-27.
        ("perplexity", _) => Protocol::OpenAiResponses,
        // The address in the catalog is that of its Messages API
        // (tinker-docs.thinkingmachines.ai/inference/anthropic).
        ("thinkingmachines", _) => Protocol::Anthropic,
        // The compatible endpoints of Azure, Bedrock and Cohere take a plain
        // key, Vertex's takes an access token; see `base_url` for Cohere's.
        (_, "openai" | "openai-compat" | "azure-openai" | "bedrock" | "cohere" | "vertex") => {
            Protocol::OpenAiChat
        }
        (_, "anthropic") => Protocol::Anthropic,
        (_, "gemini") => Protocol::Gemini,
        _ => return None,
    })
}

/// The address to use instead of the catalog's, where that one belongs to a
/// protocol that pollm does not speak.
pub fn base_url(provider: &str) -> Option<&'static str> {
    // docs.cohere.com/docs/compatibility-api
    (provider == "cohere").then_some("https://api.cohere.ai/compatibility/v1")
}

/// Whether a model of `OpenAI` answers only on the Responses API: the pro,
/// codex and deep-research lines. Chat Completions answers a request for one
/// with a 404, "only supported in v1/responses".
pub fn responses_only(model: &str) -> bool {
    model.split('-').any(|part| part == "pro" || part == "codex")
        || model.contains("deep-research")
        || model.starts_with("computer-use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_servers_get_what_most_understand() {
        assert_eq!(of("nobody"), Quirks::default());
        assert_eq!(of("vllm").max_tokens_field, MaxTokensField::MaxTokens);
        assert!(!of("groq").developer_role && of("openai").developer_role);
        assert_eq!(of("mistral").seed_field, "random_seed");
    }

    #[test]
    fn every_word_of_the_catalog_is_a_protocol() {
        for (word, expected) in [
            ("openai", Protocol::OpenAiChat),
            ("openai-compat", Protocol::OpenAiChat),
            ("azure-openai", Protocol::OpenAiChat),
            ("bedrock", Protocol::OpenAiChat),
            ("cohere", Protocol::OpenAiChat),
            ("anthropic", Protocol::Anthropic),
            ("gemini", Protocol::Gemini),
            ("vertex", Protocol::OpenAiChat),
        ] {
            assert_eq!(protocol("someone", word), Some(expected), "{word}");
        }
        assert_eq!(protocol("someone", "carrier-pigeon"), None);
        assert_eq!(protocol("perplexity", "openai"), Some(Protocol::OpenAiResponses));
    }

    #[test]
    fn models_without_chat_completions_are_known() {
        for model in [
            "o1-pro",
            "o3-pro-2025-06-10",
            "gpt-5-pro",
            "gpt-5.5-pro",
            "gpt-5-codex",
            "gpt-5.1-codex-max",
            "codex-mini-latest",
            "o3-deep-research",
        ] {
            assert!(responses_only(model), "{model}");
        }
        for model in ["gpt-6.1-sol", "gpt-4o", "o3", "gpt-oss-120b", "gpt-5-prometheus"] {
            assert!(!responses_only(model), "{model}");
        }
    }
}
