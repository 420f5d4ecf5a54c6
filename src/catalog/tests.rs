use super::*;
use crate::money::{Bill, CostSource, Price, Tokens, Usage, UsageSource};

fn embedded() -> Catalog {
    Catalog::embedded()
}

fn model(name: &str) -> Option<Model> {
    embedded().model(&ModelRef::split(name).unwrap())
}

/// A small file in the format of the large one.
const SMALL: &str = concat!(
    "{\n\"v\":1,\n\"gen\":\"2027-01-02\",\n\"cur\":\"USD\",\n\"per\":1000000,\n",
    "\"src\":[{\"n\":\"x\",\"lic\":\"MIT\"}],\n\"sched\":{},\n\"palias\":{},\n\"alias\":{},\n\"p\":{\n",
    "\"a\":{\"n\":\"A\",\"k\":\"api\",\"w\":\"openai\",\"env\":[],\"m\":{\n",
    "\"x\":{\"n\":\"X\",\"in\":\"t\",\"out\":\"t\",\"$\":[{\"i\":1,\"o\":2}]}\n}}\n}}\n",
);

#[test]
fn every_row_of_the_embedded_file_can_be_read() {
    embedded().check().unwrap();
    Catalog::with_text(EMBEDDED.to_owned()).unwrap();
}

#[test]
fn lookups_by_line_agree_with_a_parse_of_the_whole() {
    let whole: serde_json::Value = serde_json::from_str(EMBEDDED).unwrap();
    let catalog = embedded();
    let providers = whole["p"].as_object().unwrap();
    assert_eq!(catalog.snapshot.sections().count(), providers.len());
    let mut models = 0;
    for (provider, row) in providers {
        let section = catalog.snapshot.section(provider).unwrap();
        let mut facts: serde_json::Value = serde_json::from_str(&section.facts()).unwrap();
        facts["m"] = row["m"].clone();
        assert_eq!(facts, *row, "{provider}");
        let listed = row["m"].as_object().unwrap();
        assert_eq!(section.lines().count(), listed.len(), "{provider}");
        for (id, model) in listed {
            let line = section.line(id).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap(), *model, "{provider}/{id}");
        }
        assert_eq!(catalog.models(&ProviderId::new(provider.as_str())).len(), listed.len());
        models += listed.len();
    }
    // The embedded model is no part of the file.
    assert_eq!(catalog.ids().len(), models + 1);
}

#[test]
fn facts_are_read() {
    let sol = model("openai/gpt-6.1-sol").unwrap();
    assert_eq!((sol.name.as_str(), sol.family.as_deref()), ("GPT-6.1 Sol", Some("gpt-sol")));
    assert_eq!((sol.context, sol.max_input, sol.max_output), (Some(1_050_000), Some(922_000), Some(128_000)));
    assert_eq!(sol.input, [Modality::Text, Modality::Image, Modality::Pdf]);
    let facts = sol.facts();
    assert_eq!((facts.no_temperature, facts.reasoning, facts.schema), (true, Some(true), Some(true)));
    assert_eq!(facts.efforts.unwrap().len(), 5);
    let retired = model("perplexity/sonar").unwrap();
    assert_eq!((retired.state, retired.shutdown), (State::Retired, "2026-09-27".parse().ok()));
    assert!(model("openrouter/meta-llama/llama-3.3-70b-instruct").unwrap().route_dependent);
}

#[test]
fn providers_have_other_names() {
    let catalog = embedded();
    let id = |name| catalog.provider(name).map(|row| row.id.as_str().to_owned());
    assert_eq!(id("openai").as_deref(), Some("openai"));
    assert_eq!(id("OpenAI").as_deref(), Some("openai"));
    assert_eq!(id("bedrock").as_deref(), Some("amazon-bedrock"));
    assert_eq!(id("gemini").as_deref(), Some("google"));
    assert_eq!(id("nobody"), None);
    assert_eq!(id(""), None);
    assert_eq!(catalog.provider("github-models").unwrap().kind, ProviderKind::Gone);
    let fireworks = catalog.provider("fireworks").unwrap();
    assert!(!fireworks.base_url.unwrap().ends_with('/'));
    let all = catalog.providers();
    assert_eq!(all.iter().filter(|row| row.id.as_str() == "local").count(), 1);
    assert_eq!(all.len(), catalog.snapshot.sections().count() + 1);
    assert_eq!(catalog.built_in_ids(), all.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
}

#[test]
fn a_provider_of_the_user_takes_the_place_of_the_same_in_the_file() {
    let mut catalog = embedded();
    let before = catalog.built_in_ids();
    let own = Provider { name: "Mine".into(), ..catalog.provider("groq").unwrap() };
    catalog.add_provider(own.clone());
    let all = catalog.providers();
    assert_eq!(all.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), before);
    assert_eq!(all.iter().find(|row| row.id.as_str() == "groq"), Some(&own));
}

#[test]
fn the_head_names_its_date_and_sources() {
    let catalog = embedded();
    assert!(catalog.date().parse::<Date>().is_ok());
    let sources = catalog.sources();
    assert!(sources.iter().any(|source| source.name == "models.dev" && source.licence == "MIT"));
    assert_eq!(catalog.aliases()["opus"], "anthropic/claude-opus-5-5");
}

#[test]
fn what_is_no_catalog_is_refused() {
    assert_eq!(Catalog::with_text(SMALL.to_owned()).unwrap().date(), "2027-01-02");
    for (from, to) in
        [("\"v\":1", "\"v\":2"), ("USD", "EUR"), ("\"per\":1000000", "\"per\":1000"), ("2027-01-02", "soon")]
    {
        let text = SMALL.replace(from, to);
        assert_ne!(text, SMALL, "{from}");
        assert!(Catalog::with_text(text).is_err(), "{from}");
    }
    for end in 0..SMALL.len() - 1 {
        assert!(Catalog::with_text(SMALL[..end].to_owned()).is_err(), "cut at {end}");
    }
    for text in ["", "<!doctype html>", "{}", "{\n\"p\":{\n}}\n"] {
        assert!(Catalog::with_text(text.to_owned()).is_err(), "{text}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_not_used() {
    let catalog = Catalog::with_text(SMALL.replace("\"i\":1", "\"i\":\"one\"")).unwrap();
    let error = catalog.check().unwrap_err();
    assert!(error.to_string().starts_with("`a/x` in the catalog can't be read: "), "{error}");
    assert_eq!(catalog.model(&ModelRef::new("a", "x")), None);
}

fn prices(pairs: &[(&str, &str)]) -> ModelOverride {
    let mut row = ModelOverride::default();
    for (name, price) in pairs {
        assert!(row.set_price(name, Price::per_million(price).unwrap()));
    }
    row
}

fn usd(catalog: &Catalog, name: &str, input: u64, output: u64) -> String {
    let used = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
    let model = catalog.model(&ModelRef::split(name).unwrap()).unwrap();
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let bill = model.bill(&used, UsageSource::Reported, now, Pricing::default());
    assert_eq!((bill.source, bill.approximate), (CostSource::Computed, false));
    bill.cost.unwrap().to_usd()
}

#[test]
fn prices_of_the_user_replace_all_of_the_catalog() {
    let mut catalog = embedded();
    let sol = ModelRef::new("openai", "gpt-6.1-sol");
    catalog.add_model(sol.clone(), prices(&[("input", "1.5"), ("output", "7")])).unwrap();
    assert_eq!(usd(&catalog, "openai/gpt-6.1-sol", 1_000, 0), "0.0015");
    // No tier of the catalog is laid over a negotiated price.
    assert_eq!(usd(&catalog, "openai/gpt-6.1-sol", 300_000, 0), "0.45");
    let known = catalog.model(&sol).unwrap();
    assert_eq!(known.context, Some(1_050_000));
    assert_eq!(catalog.models(&sol.provider).iter().find(|row| row.model == sol), Some(&known));
    let half = catalog.add_model(sol.clone(), prices(&[("input", "1")])).unwrap_err();
    assert_eq!(half, CatalogError::HalfPriced(sol));
    assert!(!ModelOverride::default().set_price("inptu", Price::ZERO));
}

#[test]
fn models_and_providers_of_the_user_are_found() {
    let mut catalog = embedded();
    let work = Provider {
        id: ProviderId::new("work"),
        kind: ProviderKind::Api,
        base_url: Some("http://127.0.0.1:8787/v1".into()),
        ..embedded_provider()
    };
    catalog.add_provider(work.clone());
    let house = ModelRef::new("work", "house-7b");
    let row = ModelOverride { context: Some(32_768), ..prices(&[("input", "0.20"), ("output", "0.80")]) };
    catalog.add_model(house.clone(), row).unwrap();
    assert_eq!(catalog.provider("work"), Some(work.clone()));
    assert_eq!(catalog.providers().last(), Some(&work));
    assert_eq!(catalog.models(&work.id).len(), 1);
    assert!(catalog.ids().contains(&house));
    assert_eq!(usd(&catalog, "work/house-7b", 1_000_000, 1_000_000), "1");
    assert_eq!(catalog.model(&ModelRef::new("work", "else")), None);
}

#[test]
fn a_deployment_has_the_facts_and_prices_of_its_model() {
    let mut catalog = embedded();
    let team = ModelRef::new("azure", "team-chat");
    let row =
        ModelOverride { deployment: Some("gpt-6.1-sol".into()), context: Some(8_000), ..Default::default() };
    catalog.add_model(team.clone(), row).unwrap();
    let known = catalog.model(&team).unwrap();
    assert_eq!((known.model, known.context, known.name.as_str()), (team, Some(8_000), "GPT-6.1 Sol"));
    assert_eq!(usd(&catalog, "azure/team-chat", 1_000, 0), "0.002");
}

#[test]
fn the_embedded_model_is_local_and_its_provider_knows_any_id() {
    let row = model("local/smollm2-135m").unwrap();
    assert_eq!((row.billing, row.context), (Billing::Local, Some(8_192)));
    assert_eq!(model("local/other").unwrap().billing, Billing::Local);
    assert_eq!(embedded().models(&ProviderId::new("local")), [row]);
    assert!(embedded().models(&ProviderId::new("ollama")).is_empty());
}

#[test]
fn what_is_priced_otherwise_is_not_free() {
    let catalog = Catalog::embedded();
    let billed = |name: &str| {
        let row = catalog.model(&ModelRef::split(name).unwrap()).unwrap();
        let usage = Usage { output: Tokens(1_000), ..Usage::default() };
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        row.bill(&usage, UsageSource::Reported, at, Pricing::default())
    };
    for name in [
        "openrouter/auto",
        "openrouter/openrouter/auto",
        "openrouter/openrouter/auto-code",
        "openrouter/openrouter/fusion",
        "openrouter/openrouter/pareto-code",
        "openrouter/google/lyria-3-pro-preview",
        "zai/glm-5.3-highspeed",
        "azure/model-router",
        "huggingface/zai-org/GLM-4.7-Flash",
    ] {
        assert_eq!(billed(name), Bill::UNKNOWN, "{name}");
    }
    for name in [
        "openrouter/openrouter/free",
        "openrouter/google/gemma-4-31b-it:free",
        "zai/glm-4.7-flash",
        "vercel/reflection/beam-free",
    ] {
        assert_eq!(billed(name).source, CostSource::Free, "{name}");
    }
}
