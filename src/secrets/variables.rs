//! Which environment variables hold a provider's key, where the catalog's list
//! is not the whole truth.

/// What is known of one provider's key beyond the catalog.
struct Row {
    provider: &'static str,
    /// In place of the catalog's variables, some of which are addresses and
    /// account names; the preferred one first, then the synonyms of other tools.
    variables: &'static [&'static str],
    /// A server of the user's own, which may or may not want a key.
    optional: bool,
    /// A `key_command` that gets a key where there is no lasting one.
    command: Option<&'static str>,
}

const fn row(provider: &'static str, variables: &'static [&'static str]) -> Row {
    Row { provider, variables, optional: false, command: None }
}

const fn own_server(provider: &'static str, variables: &'static [&'static str]) -> Row {
    Row { provider, variables, optional: true, command: None }
}

const ROWS: &[Row] = &[
    row("anthropic", &["ANTHROPIC_API_KEY", "CLAUDE_API_KEY"]),
    row("google", &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"]),
    row("openrouter", &["OPENROUTER_API_KEY", "OPENROUTER_KEY"]),
    row("zai", &["ZAI_API_KEY", "ZHIPU_API_KEY"]),
    row("vercel", &["AI_GATEWAY_API_KEY", "VERCEL_API_KEY"]),
    row("github-models", &["GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"]),
    row("azure", &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY", "AZURE_OPENAI_KEY"]),
    row("amazon-bedrock", &["AWS_BEARER_TOKEN_BEDROCK"]),
    row("cloudflare", &["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN"]),
    Row {
        provider: "google-vertex",
        variables: &[],
        optional: false,
        command: Some("[\"gcloud\", \"auth\", \"print-access-token\"]"),
    },
    own_server("ollama", &["OLLAMA_API_KEY"]),
    own_server("lmstudio", &["LMSTUDIO_API_KEY"]),
    own_server("llamacpp", &["LLAMA_API_KEY"]),
    own_server("vllm", &["VLLM_API_KEY"]),
];

fn find(provider: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.provider == provider)
}

/// The variables that may hold a built-in provider's key, the preferred one
/// first. `catalog_env` is the catalog's list, which also names addresses,
/// regions and accounts: only what is named a key or a token is taken from it.
pub fn key_variables(provider: &str, catalog_env: &[String]) -> Vec<String> {
    match find(provider) {
        Some(row) => row.variables.iter().map(|name| (*name).to_owned()).collect(),
        None => {
            let is_key = |name: &&String| name.ends_with("KEY") || name.ends_with("TOKEN");
            catalog_env.iter().filter(is_key).cloned().collect()
        }
    }
}

/// Whether the provider also answers without a key.
pub(super) fn is_optional(provider: &str) -> bool {
    find(provider).is_some_and(|row| row.optional)
}

/// A `key_command` that works for this provider, where that is the way.
pub(super) fn command_example(provider: &str) -> Option<&'static str> {
    find(provider).and_then(|row| row.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_known_and_addresses_are_no_keys() {
        let names = |provider: &str, env: &[&str]| {
            key_variables(provider, &env.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(names("groq", &["GROQ_API_KEY"]), ["GROQ_API_KEY"]);
        assert_eq!(names("huggingface", &["HF_TOKEN"]), ["HF_TOKEN"]);
        assert_eq!(names("anthropic", &["ANTHROPIC_API_KEY"]), ["ANTHROPIC_API_KEY", "CLAUDE_API_KEY"]);
        assert_eq!(names("new", &["NEW_ACCOUNT_ID", "NEW_BASE_URL", "NEW_API_KEY"]), ["NEW_API_KEY"]);
        assert_eq!(
            names("amazon-bedrock", &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]),
            ["AWS_BEARER_TOKEN_BEDROCK"]
        );
        assert!(names("google-vertex", &["GOOGLE_APPLICATION_CREDENTIALS"]).is_empty());
        assert_eq!(names("ollama", &["OLLAMA_HOST"]), ["OLLAMA_API_KEY"]);
    }
}
