use super::*;
use crate::catalog::Pricing;
use crate::money::{Bill, CostSource, Tokens, Usage, UsageSource};

/// Resolves with keys for these providers.
fn resolve(name: &str, keys: &[&str]) -> Result<Resolved, ResolveError> {
    Catalog::embedded().resolve(name, &|id| keys.contains(&id.as_str()))
}

fn found(name: &str, keys: &[&str]) -> Resolved {
    resolve(name, keys).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The model, and the row that stands in for its own.
fn stands(name: &str) -> (String, Option<String>) {
    let found = found(name, &[]);
    let row = found.row.unwrap();
    (found.model.to_string(), row.taken_from.map(|other| other.to_string()))
}

fn bill(found: &Resolved) -> Bill {
    let used = Usage { input_uncached: Tokens(1_000), output: Tokens(10), ..Usage::default() };
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let row = found.row.as_ref();
    row.map_or(Bill::UNKNOWN, |row| row.bill(&used, UsageSource::Reported, now, Pricing::default()))
}

#[test]
fn a_provider_and_an_id_are_taken_as_they_are() {
    for name in [
        "openai/gpt-6.1-sol",
        "openrouter/meta-llama/llama-3.3-70b-instruct",
        "groq/openai/gpt-oss-120b",
        "together/moonshotai/Kimi-K3",
    ] {
        let found = found(name, &[]);
        assert_eq!((found.model.to_string().as_str(), found.note), (name, None));
        assert!(found.row.unwrap().taken_from.is_none());
    }
    assert_eq!(found("bedrock/amazon.nova-pro-v1:0", &[]).model.provider.as_str(), "amazon-bedrock");
    assert_eq!(found("x-ai/grok-4.7", &[]).model.to_string(), "xai/grok-4.7");
}

#[test]
fn an_unknown_id_of_a_known_provider_is_passed_on() {
    let found = found("openai/whatever", &[]);
    assert_eq!((found.model.to_string().as_str(), &found.row), ("openai/whatever", &None));
    assert!(found.note.as_ref().unwrap().contains("its price is unknown"));
    assert_eq!(bill(&found), Bill::UNKNOWN);
    let oss = self::found("openai/gpt-oss-120b", &[]);
    assert!(oss.note.unwrap().contains("`openrouter/openai/gpt-oss-120b`"));
}

#[test]
fn providers_on_this_machine_know_every_id() {
    for name in ["ollama/qwen3:4b", "lmstudio/a/b", "llama.cpp/x", "vllm/y", "local/smollm2-135m"] {
        let found = found(name, &[]);
        assert_eq!(bill(&found).source, CostSource::Local, "{name}");
    }
}

#[test]
fn aliases_of_the_user_go_before_those_of_the_catalog() {
    let mut catalog = Catalog::embedded();
    let resolve =
        |catalog: &Catalog, name: &str| catalog.resolve(name, &|_| false).map(|r| r.model.to_string());
    assert_eq!(resolve(&catalog, "opus").unwrap(), "anthropic/claude-opus-5-5");
    assert_eq!(resolve(&catalog, "Opus").unwrap(), "anthropic/claude-opus-5-5");
    catalog.add_alias("opus", "openrouter/anthropic/claude-opus-5.5");
    catalog.add_alias("mine", "opus");
    // An alias may hide a name of the catalog and still mean it.
    catalog.add_alias("sonnet", "sonnet");
    catalog.add_alias("ping", "pong");
    catalog.add_alias("pong", "ping");
    assert_eq!(resolve(&catalog, "mine").unwrap(), "openrouter/anthropic/claude-opus-5.5");
    assert_eq!(resolve(&catalog, "sonnet").unwrap(), "anthropic/claude-sonnet-5-5");
    assert!(matches!(resolve(&catalog, "ping"), Err(ResolveError::Unknown { .. })));
}

#[test]
fn a_bare_id_means_its_lab_where_that_is_usable() {
    assert_eq!(found("gpt-6.1-sol", &["openai", "azure"]).model.to_string(), "openai/gpt-6.1-sol");
    // Nobody has a key: the lab is named, so that the error is about its key.
    assert_eq!(found("gpt-6.1-sol", &[]).model.to_string(), "openai/gpt-6.1-sol");
    // Two providers of one lab: its first.
    assert_eq!(found("glm-5.2", &["zai", "zhipuai", "alibaba"]).model.to_string(), "zai/glm-5.2");
    assert_eq!(found("kimi-k3", &["alibaba", "moonshotai-cn"]).model.to_string(), "moonshotai-cn/kimi-k3");
}

#[test]
fn else_a_bare_id_means_the_one_usable_provider_and_says_so() {
    let azure = found("gpt-6.1-sol", &["azure"]);
    assert_eq!(azure.model.to_string(), "azure/gpt-6.1-sol");
    assert_eq!(azure.note.as_deref(), Some("asks `azure/gpt-6.1-sol`, since `openai` has no key"));
    let several = resolve("gpt-6.1-sol", &["azure", "github-copilot"]).unwrap_err();
    let ResolveError::Ambiguous { candidates, .. } = &several else { panic!("{several:?}") };
    assert!(candidates.len() >= 3);
    assert!(crate::error::Error::from(several).hints[0].contains("`azure/gpt-6.1-sol`"));
    // Offered by several, run by no lab among them.
    assert!(matches!(resolve("gpt-oss-120b", &[]), Err(ResolveError::Ambiguous { .. })));
    assert_eq!(found("gpt-oss-120b", &["cerebras"]).model.to_string(), "cerebras/gpt-oss-120b");
}

#[test]
fn other_spellings_are_corrected() {
    for (typed, meant) in [
        ("anthropic/claude-opus-5.5", "anthropic/claude-opus-5-5"),
        ("openai/GPT-6.1-Sol", "openai/gpt-6.1-sol"),
        ("minimax/minimax-m3", "minimax/MiniMax-M3"),
        ("google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("vertex/publishers/google/models/gemini-2.5-pro", "google-vertex/gemini-2.5-pro"),
        ("anthropic/claude-sonnet-4-5[1m]", "anthropic/claude-sonnet-4-5"),
        ("claude-opus-5.5", "anthropic/claude-opus-5-5"),
        ("models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("GPT-6.1-SOL", "openai/gpt-6.1-sol"),
    ] {
        let found = found(typed, &["anthropic", "openai", "google", "minimax"]);
        assert_eq!(found.model.to_string(), meant, "{typed}");
        assert_eq!(found.note, Some(format!("took `{meant}` for `{typed}`")));
        assert!(found.row.unwrap().taken_from.is_none());
    }
}

#[test]
fn an_effort_in_a_bare_name_is_handed_over() {
    let high = found("gpt-6.1-sol-high", &["openai"]);
    assert_eq!((high.model.to_string().as_str(), high.effort), ("openai/gpt-6.1-sol", Some(Effort::High)));
    let high = found("Gemini-4-Argon (High)", &["google"]);
    assert_eq!((high.model.to_string().as_str(), high.effort), ("google/gemini-4-argon", Some(Effort::High)));
    // `-max` is also a name.
    let max = found("qwen3.8-max", &["alibaba"]);
    assert_eq!((max.model.to_string().as_str(), max.effort), ("alibaba/qwen3.8-max", None));
    // With a provider, any id is passed on.
    assert_eq!(
        stands("openai/gpt-6.1-sol-high"),
        ("openai/gpt-6.1-sol-high".into(), Some("openai/gpt-6.1-sol".into()))
    );
}

#[test]
fn a_route_of_a_gateway_has_facts_and_no_price() {
    let nitro = found("openrouter/anthropic/claude-opus-5.5:nitro", &[]);
    assert_eq!(nitro.model.model, "anthropic/claude-opus-5.5:nitro");
    assert_eq!(nitro.row.as_ref().unwrap().context, Some(1_000_000));
    assert_eq!(bill(&nitro), Bill::UNKNOWN);
    // `:free` with a row of its own is free; without one, nobody knows.
    assert_eq!(bill(&found("openrouter/google/gemma-4-26b-a4b-it:free", &[])).source, CostSource::Free);
    assert_eq!(bill(&found("openrouter/anthropic/claude-opus-5.5:free", &[])), Bill::UNKNOWN);
}

#[test]
fn a_dated_name_has_the_price_of_its_model() {
    for (typed, row) in [
        ("openai/gpt-6.1-sol-2026-09-30", "openai/gpt-6.1-sol"),
        ("anthropic/claude-opus-5-5-20260922", "anthropic/claude-opus-5-5"),
        ("openai/gpt-4-0613", "openai/gpt-4"),
        ("google/gemini-2.5-flash-preview-05-2026", "google/gemini-2.5-flash"),
        ("vertex/claude-opus-5-5@20260922", "google-vertex/claude-opus-5-5@default"),
        ("vertex/claude-opus-5-5", "google-vertex/claude-opus-5-5@default"),
    ] {
        let (model, from) = stands(typed);
        assert_eq!(from.as_deref(), Some(row), "{typed}");
        assert_eq!(model.split_once('/').unwrap().1, typed.split_once('/').unwrap().1);
        let found = found(typed, &[]);
        assert_eq!(found.note, Some(format!("price of `{row}`")));
        assert!(bill(&found).approximate);
    }
    let bare = found("gpt-6.1-sol-2026-09-30", &["openai"]);
    assert_eq!(bare.model.to_string(), "openai/gpt-6.1-sol-2026-09-30");
    assert_eq!(bare.row.unwrap().taken_from.unwrap().to_string(), "openai/gpt-6.1-sol");
    // A dated name with a row of its own is that row.
    assert_eq!(stands("openai/gpt-4o-2024-05-13").1, None);
}

#[test]
fn latest_is_the_newest_of_its_family() {
    let latest = found("openai/gpt-sol-latest", &[]);
    assert_eq!(latest.model.model, "gpt-sol-latest");
    let row = latest.row.as_ref().unwrap();
    let newest = Catalog::embedded().model(row.taken_from.as_ref().unwrap()).unwrap();
    assert_eq!(newest.family.as_deref(), Some("gpt-sol"));
    let family = Catalog::embedded().models(&ProviderId::new("openai"));
    let rivals = family.iter().filter(|row| row.family == newest.family && row.state != State::Retired);
    assert!(rivals.clone().count() > 1 && rivals.clone().all(|row| row.released <= newest.released));
    assert!(bill(&latest).approximate);
    assert_eq!(found("openai/nothing-latest", &[]).row, None);
    // With a row of its own it is that row.
    assert_eq!(stands("mistral/mistral-small-latest").1, None);
}

#[test]
fn regions_of_bedrock_have_prices_of_their_own() {
    let listed = found("bedrock/us.anthropic.claude-opus-5-5", &[]);
    assert_eq!((bill(&listed).source, listed.note), (CostSource::Computed, None));
    let unlisted = found("bedrock/apac.anthropic.claude-opus-5-5", &[]);
    assert_eq!(bill(&unlisted), Bill::UNKNOWN);
    assert!(unlisted.note.as_ref().unwrap().contains("region's price is unknown"));
    assert_eq!(unlisted.row.as_ref().unwrap().context, Some(1_000_000));
    let version = stands("bedrock/anthropic.claude-opus-5-5-v1:0");
    assert_eq!(version.1.as_deref(), Some("amazon-bedrock/anthropic.claude-opus-5-5"));
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5";
    for typed in [arn.to_owned(), format!("bedrock/{arn}")] {
        let (model, from) = stands(&typed);
        assert_eq!(model, format!("amazon-bedrock/{arn}"));
        assert_eq!(from.as_deref(), Some("amazon-bedrock/us.anthropic.claude-opus-5-5"));
    }
}

#[test]
fn an_azure_deployment_is_passed_on_with_its_price_unknown() {
    let found = found("azure/our-team-chat", &[]);
    assert_eq!((found.model.to_string().as_str(), found.row), ("azure/our-team-chat", None));
}

#[test]
fn near_misses_are_suggested_and_nothing_is_guessed() {
    let suggested = |name| match resolve(name, &[]) {
        Err(ResolveError::Unknown { suggestions, .. }) => suggestions,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(suggested("gpt-6.1-sool")[0], "openai/gpt-6.1-sol");
    assert_eq!(suggested("opsu")[0], "opus");
    assert!(suggested("tell-me-a-joke").is_empty());
    assert!(suggested("").is_empty());
    // No price by prefix: a longer name is another model.
    assert!(matches!(resolve("gpt-6.1-sol-ultra", &["openai"]), Err(ResolveError::Unknown { .. })));
    assert_eq!(found("openai/gpt-6.1-sol-ultra", &[]).row, None);
}

#[test]
fn an_unknown_provider_is_an_error_that_says_who_offers_the_id() {
    let suggested = |name| match resolve(name, &["openrouter"]) {
        Err(ResolveError::UnknownProvider { suggestions, .. }) => suggestions,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(
        suggested("meta-llama/llama-3.3-70b-instruct")[0],
        "openrouter/meta-llama/llama-3.3-70b-instruct"
    );
    assert_eq!(suggested("opnai/gpt-6.1-sol")[0], "openai/gpt-6.1-sol");
    assert!(suggested("nobody/nothing-at-all").is_empty());
    assert!(matches!(resolve("/gpt", &[]), Err(ResolveError::Unknown { .. })));
}

#[test]
fn a_provider_that_is_gone_says_since_when() {
    let error = resolve("github-models/gpt-4o", &[]).unwrap_err();
    assert_eq!(error.to_string(), "GitHub Models has ended its service on 2026-07-30");
}

#[test]
fn a_retired_model_says_so() {
    let note = found("perplexity/sonar-pro", &[]).note.unwrap();
    assert_eq!(note, "`perplexity/sonar-pro` was retired on 2026-09-27");
}

#[test]
fn errors_read_well() {
    let error = crate::error::Error::from(resolve("gpt-6.1-sool", &[]).unwrap_err());
    let text = error.to_string();
    assert!(
        text.starts_with("error: unknown model `gpt-6.1-sool`\n\nhint: did you mean `openai/gpt-6.1-sol`"),
        "{text}"
    );
    assert_eq!(error.kind, crate::error::ErrorKind::Usage);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(6))]
    #[test]
    fn no_name_makes_it_fail(name in "\\PC{0,30}", tail in "[a-z0-9:@./-]{0,20}") {
        for name in [name.clone(), format!("bedrock/{tail}"), format!("openrouter/{name}"), tail] {
            let _ = resolve(&name, &["openai"]);
        }
    }
}
