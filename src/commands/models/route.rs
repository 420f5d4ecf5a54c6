//! `pollm models show ROUTE`: what a route of the configuration is, and how it
//! would choose now.

use serde_json::json;

use crate::choice::Decision;
use crate::config::RouteConfig;
use crate::context::Context;
use crate::explain;
use crate::render::filter::clean_line;
use crate::render::json::{SCHEMA, laid_out};
use crate::render::route as view;
use crate::router::{Policy, Settings};

/// The size of the prompt for which the models are ranked: a page or two.
pub(super) const TOKENS: u64 = 1_000;

/// The route as text or as JSON.
pub(super) fn shown(
    typed: &str,
    config: &RouteConfig,
    decision: &Decision,
    as_json: bool,
    context: &Context,
) -> String {
    let name = decision.route.as_deref().unwrap_or(typed);
    let aliases = aliases(name, context);
    if as_json {
        return laid_out(&json!({
            "schema": SCHEMA,
            "route": name,
            "aliases": aliases,
            "policy": config.policy.as_str(),
            "models": config.models,
            "settings": settings_as_json(&config.settings),
            "prompt_tokens": TOKENS,
            "ranking": view::json(decision),
        }));
    }
    let mut facts = vec![("route", name.to_owned()), ("policy", policy(config.policy))];
    if !aliases.is_empty() {
        facts.push(("aliases", aliases.join(", ")));
    }
    let models = match config.models.as_slice() {
        [] => "none named: whatever can be asked without a name".to_owned(),
        models => models.join(", "),
    };
    facts.push(("models", models));
    facts.extend(settings(config));
    let widest = if context.output.accessible { 0 } else { 10 };
    let colon = if context.output.accessible { ":" } else { " " };
    let line = |(name, value): (&str, String)| format!("{name:widest$}{colon} {}\n", clean_line(&value));
    let facts: String = facts.into_iter().map(line).collect();
    format!("{facts}\nfor a text of {TOKENS} tokens now:\n{}", view::plain(decision, &context.output))
}

/// The names of the user's that lead to a route.
fn aliases(route: &str, context: &Context) -> Vec<String> {
    let all = &context.config.aliases;
    let leads = |name: &String| {
        let mut at = name;
        // No chain is longer than there are aliases.
        (0..all.len()).any(|_| match all.get(at) {
            Some(target) => {
                at = target;
                at == route
            }
            None => false,
        })
    };
    all.keys().filter(|name| leads(name)).cloned().collect()
}

fn policy(policy: Policy) -> String {
    let what = match policy {
        Policy::Cheapest => "the lowest expected cost of a request first",
        Policy::Fastest => "the shortest time to an answer first, by your own measurements",
        Policy::Best => "your own order, else the newest model of the dearest family",
        Policy::Balanced => "a weighted mean of cost, speed and your order",
    };
    format!("{}: {what}", policy.as_str())
}

/// What is set of a route and matters for its policy.
fn settings(config: &RouteConfig) -> Vec<(&'static str, String)> {
    let settings = &config.settings;
    let mut facts = Vec::new();
    if matches!(config.policy, Policy::Fastest | Policy::Balanced) {
        facts.push(("explores", format!("{} of 100 calls", settings.explore * 100.0)));
        facts.push(("half-life", format!("{} for a measurement", explain::words(settings.half_life))));
    }
    if config.policy == Policy::Balanced {
        let weights = settings.weights;
        let text = format!("cost {}, speed {}, best {}", weights.cost, weights.speed, weights.best);
        facts.push(("weights", text));
    }
    let price = settings.max_price.map(|price| format!("${price} for a million tokens, in or out"));
    facts.extend(price.map(|price| ("max price", price)));
    for (name, providers) in [("only", &settings.only), ("except", &settings.except)] {
        if !providers.is_empty() {
            let ids: Vec<&str> = providers.iter().map(|id| id.as_str()).collect();
            facts.push((name, ids.join(", ")));
        }
    }
    facts
}

fn settings_as_json(settings: &Settings) -> serde_json::Value {
    let ids =
        |ids: &[crate::model::ProviderId]| ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
    json!({
        "explore": settings.explore,
        "half_life_hours": settings.half_life.as_secs_f64() / 3_600.0,
        "weights": {"cost": settings.weights.cost, "speed": settings.weights.speed, "best": settings.weights.best},
        "max_price": settings.max_price.map(|price| price.to_string()),
        "only": ids(&settings.only),
        "except": ids(&settings.except),
    })
}
