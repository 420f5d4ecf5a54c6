//! The pages of `docs/`: what they say of the configuration, of providers and of
//! JSON is what the program takes and prints.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::support::Env;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const PROVIDERS: &str = include_str!("../../docs/providers.md");
const JSON: &str = include_str!("../../docs/json.md");
const SCHEMA: &str = include_str!("../../schema/pollm-1.json");

/// The fenced blocks of a page in a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    page.split(opening.as_str()).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// The keys that the reader of the configuration asks a table for: there is no
/// other list of them.
fn keys() -> BTreeSet<&'static str> {
    let asks = Regex::new(r#"(?:\b(?:get|named|text_of|seconds|providers|entries|price|amount|weight))\((?:&mut )?(?:document|provider|table)?(?:, )?"([a-z_0-9]+)""#).unwrap();
    let sources = [
        include_str!("../../src/config/schema.rs"),
        include_str!("../../src/config/routes.rs"),
        include_str!("../../src/config/budget.rs"),
    ];
    let code = sources.map(|source| source.split("#[cfg(test)]").next().unwrap());
    let keys: BTreeSet<&str> = code
        .iter()
        .flat_map(|code| asks.captures_iter(code))
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    for known in ["log", "connect", "sets", "policy", "best", "day", "headers", "audio_output"] {
        assert!(keys.contains(known), "{known}: {keys:?}");
    }
    assert!(keys.len() >= 40, "{keys:?}");
    keys
}

#[test]
fn every_key_of_the_configuration_is_explained_and_shown() {
    let examples = blocks(CONFIGURATION, "toml").join("\n");
    for key in keys() {
        let row = format!("`{key}`");
        assert!(
            CONFIGURATION.lines().any(|line| line.starts_with('|') && line.contains(&row))
                || CONFIGURATION.contains(&format!("`[{key}")),
            "no table has {row}"
        );
        let shown =
            Regex::new(&format!(r#"(?m)^{key} = |[{{,] {key} = |^\[([a-z-]+\.)*{key}[.\]]"#)).unwrap();
        let is_table = Regex::new(&format!(r#"(?m)^\[[^\]]*\b{key}\b"#)).unwrap();
        assert!(shown.is_match(&examples) || is_table.is_match(&examples), "no example has {key}");
    }
    // And what is explained is read.
    let explained = Regex::new(r"(?m)^\| `([a-z_0-9]+)` \|").unwrap();
    let keys = keys();
    for found in explained.captures_iter(CONFIGURATION) {
        assert!(keys.contains(&found[1]), "`{}` is no key", &found[1]);
    }
}

#[test]
fn every_configuration_that_is_shown_is_right() {
    let pages = [CONFIGURATION, PROVIDERS];
    assert!(pages.iter().all(|page| !blocks(page, "toml").is_empty()));
    for block in pages.iter().flat_map(|page| blocks(page, "toml")) {
        let env = Env::new();
        env.configure(block);
        assert_eq!(env.pollm(["config", "check"]).run().success().stdout, "ok\n", "{block}");
    }
}

#[test]
fn the_defaults_are_those_that_hold() {
    let env = Env::new();
    env.configure("[routes.any]\npolicy = \"fastest\"\n");
    let shown = env.pollm(["config", "show"]).run().success().stdout;
    let mut checked = 0;
    for line in shown.lines().filter_map(|line| line.strip_suffix("  # built-in")) {
        let (key, value) = line.split_once(" = ").unwrap();
        let value = if key == "weights" { "1 each".to_owned() } else { format!("`{value}`") };
        let row = CONFIGURATION.lines().find(|row| row.starts_with(&format!("| `{key}` |"))).unwrap();
        assert!(row.contains(&format!("| {value} |")), "{line}: {row}");
        checked += 1;
    }
    assert_eq!(checked, 8, "{shown}");
    assert!(shown.contains("weights = { cost = 1, speed = 1, best = 1 }  # built-in"), "{shown}");
}

#[test]
fn every_variable_is_named_with_what_it_does() {
    for (name, what) in pollm::env::VARIABLES {
        let names: Vec<String> = name.split(", ").map(|name| format!("`{name}`")).collect();
        let row = format!("| {} | {what} |", names.join(", "));
        assert!(CONFIGURATION.lines().any(|line| line == row), "docs/configuration.md lacks {row}");
    }
    for variable in pollm::config::BASE_URL_VARIABLES {
        let row = format!("| `{}` | `{}`", variable.provider, variable.name);
        assert!(PROVIDERS.lines().any(|line| line.starts_with(&row)), "docs/providers.md lacks {row}");
    }
}

#[test]
fn the_files_are_where_the_page_says() {
    let env = Env::new();
    for (place, below) in [
        ("config", ".config/pollm/config.toml"),
        ("keys", ".config/pollm/keys.toml"),
        ("ledger", ".local/share/pollm/ledger.db"),
        ("cache", ".cache/pollm"),
    ] {
        let run = env.pollm(["config", "path", place]);
        let unset = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"];
        let path = unset.iter().fold(run, |run, name| run.env(name, "")).run().success().stdout;
        let home = env.root().join("home");
        assert_eq!(path.trim_end(), home.join(below).display().to_string());
        assert!(CONFIGURATION.contains(&format!("`~/{below}")), "{below}");
    }
}

#[test]
fn every_provider_has_its_row() {
    let env = Env::new();
    let run = env.pollm(["models", "providers", "--json"]);
    let addresses = ["AZURE_RESOURCE_NAME", "AWS_REGION", "GOOGLE_VERTEX_PROJECT", "GOOGLE_VERTEX_LOCATION"];
    let run = addresses.iter().fold(run, |run, name| run.env(name, "x")).env("CLOUDFLARE_ACCOUNT_ID", "x");
    let listed: Value = serde_json::from_str(&run.run().success().stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rows = Vec::new();
    for row in listed["providers"].as_array().unwrap() {
        let variables: Vec<String> = row["key"]["variables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| format!("`{}`", name.as_str().unwrap()))
            .collect();
        let key = match (variables.is_empty(), row["key"]["required"].as_bool().unwrap()) {
            (true, _) => "none".to_owned(),
            (false, true) => variables.join(", "),
            (false, false) => format!("{} (optional)", variables.join(", ")),
        };
        let protocol = row["protocol"].as_str().map_or("none".to_owned(), |name| format!("`{name}`"));
        let (id, name, kind) = (text(&row["provider"]), text(&row["name"]), text(&row["kind"]));
        rows.push(format!("| `{id}` | {name} | {kind} | {protocol} | {key} |"));
    }
    let (_, table) = PROVIDERS.split_once("|---|---|---|---|---|\n").unwrap();
    let table: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(table, rows, "the table of docs/providers.md is now\n{}", rows.join("\n"));
}

/// Whether a property says what it is, itself or where it refers to.
fn is_described(property: &Value, definitions: &Value) -> bool {
    property["description"].is_string()
        || property["$ref"]
            .as_str()
            .is_some_and(|name| is_described(&definitions[name.rsplit('/').next().unwrap()], definitions))
}

#[test]
fn every_field_of_the_schema_is_described() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let definitions = &schema["$defs"];
    for (name, definition) in definitions.as_object().unwrap() {
        for (field, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(is_described(property, definitions), "{name}.{field} says nothing of itself");
            // A measure's unit is in its name or in its description.
            if property["$ref"] == "#/$defs/measure" {
                let text = property["description"].as_str().unwrap().to_lowercase();
                let has_unit =
                    text.contains("millisecond") || text.contains("second") || text.contains("token");
                assert!(has_unit || name == "described", "{name}.{field} has no unit: {text}");
            }
        }
    }
}

#[test]
fn the_page_on_json_tells_of_every_field_and_event() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let definitions = &schema["$defs"];
    let named = |name: &str| JSON.contains(&format!("`{name}`")) || JSON.contains(&format!("\"{name}\""));
    for definition in ["outcome", "usage", "cost", "timing", "error", "comparison", "event"] {
        for field in definitions[definition]["properties"].as_object().unwrap().keys() {
            assert!(named(field), "docs/json.md says nothing of {definition}.{field}");
        }
    }
    let lists =
        [&definitions["event"]["properties"]["event"], &definitions["outcome"]["properties"]["status"]];
    for word in lists.iter().flat_map(|list| list["enum"].as_array().unwrap()) {
        assert!(named(word.as_str().unwrap()), "docs/json.md says nothing of {word}");
    }
}

#[test]
fn the_outcome_that_is_shown_is_one() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let part = |name: &str| {
        let part = serde_json::json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] });
        pollm::schema::Schema::parse(&part.to_string()).unwrap()
    };
    part("outcome").check(blocks(JSON, "json").first().unwrap()).unwrap();

    let event = part("event");
    for line in blocks(JSON, "jsonl").into_iter().flat_map(str::lines) {
        // The outcome in `done` is cut to its first field.
        assert!(event.check(line).is_ok() || line.contains(r#""event":"done""#), "{line}");
    }
}
