//! The settings that hold, as TOML, with the origin of each behind it.

use std::fmt::Write as _;
use std::time::Duration;

use toml::Value;

use super::ConfigContext;
use crate::config::{
    self, BASE_URL_VARIABLES, BudgetConfig, Caps, Config, KeyPlacement, ModelConfig, Origin, ProviderConfig,
    RouteConfig, Sourced,
};
use crate::router::{Settings, Weights};
use crate::wire::Auth;

/// The text of `pollm config show`. It can be shown to others: header values
/// that may be secrets and the arguments of key commands are left out.
pub(super) fn text(config: &Config, context: &ConfigContext<'_>) -> String {
    let mut text = String::new();
    let path = &context.paths.config_file;
    let missing = if path.exists() { "" } else { " (missing)" };
    let _ = writeln!(text, "# file: {}{missing}", path.display());
    if let Some(model) = config::default_model(None, context.env, config) {
        sourced(&mut text, "default_model", &Sourced { value: quoted(&model.value), origin: model.origin });
    }
    sourced(&mut text, "log", &config::log(false, context.env, config));
    sourced(&mut text, "hide_reasoning", &config::hide_reasoning(false, config));
    timeouts(&mut text, config);
    if !config.aliases.is_empty() {
        text.push_str("\n[aliases]\n");
        for (name, model) in &config.aliases {
            line(&mut text, &key(name), &quoted(model), Origin::File);
        }
    }
    if !config.sets.is_empty() {
        text.push_str("\n[sets]\n");
        for (name, models) in &config.sets {
            line(&mut text, &key(name), &list(models), Origin::File);
        }
    }
    budget(&mut text, &config.budget);
    for (name, of) in &config.routes {
        route(&mut text, name, of);
    }
    // Variables of vendors change providers that have no row in the file.
    let set = BASE_URL_VARIABLES.iter().filter(|variable| context.env.get(variable.name).is_some());
    let mut ids: Vec<&str> = set.map(|variable| variable.provider).collect();
    ids.extend(config.providers.keys().map(String::as_str));
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        provider(&mut text, id, config, context);
    }
    text
}

/// Every setting of a route, those that nobody set too: they decide.
fn route(text: &mut String, name: &str, route: &RouteConfig) {
    let _ = writeln!(text, "\n[routes.{}]", key(name));
    let (settings, default) = (&route.settings, Settings::default());
    let origin = |is_default: bool| if is_default { Origin::BuiltIn } else { Origin::File };
    if !route.models.is_empty() {
        line(text, "models", &list(&route.models), Origin::File);
    }
    line(text, "policy", &quoted(route.policy.as_str()), Origin::File);
    if let Some(price) = settings.max_price {
        line(text, "max_price", &quoted(&price.to_string()), Origin::File);
    }
    for (name, providers) in [("providers", &settings.only), ("except", &settings.except)] {
        if !providers.is_empty() {
            let ids: Vec<String> = providers.iter().map(ToString::to_string).collect();
            line(text, name, &list(&ids), Origin::File);
        }
    }
    let is_default = (settings.explore - default.explore).abs() < f64::EPSILON;
    line(text, "explore", &settings.explore.to_string(), origin(is_default));
    let hours = settings.half_life.as_secs_f64() / 3_600.0;
    line(text, "half_life_hours", &hours.to_string(), origin(settings.half_life == default.half_life));
    let Weights { cost, speed, best } = settings.weights;
    let weights = format!("{{ cost = {cost}, speed = {speed}, best = {best} }}");
    line(text, "weights", &weights, origin(settings.weights == default.weights));
}

fn timeouts(text: &mut String, config: &Config) {
    let limits = &config.timeouts;
    text.push_str("\n[timeouts]\n");
    for (name, set, value) in [
        ("connect", limits.connect, limits.connect()),
        ("first_event", limits.first_event, limits.first_event()),
        ("idle", limits.idle, limits.idle()),
    ] {
        line(text, name, &seconds(value), if set.is_some() { Origin::File } else { Origin::BuiltIn });
    }
}

fn budget(text: &mut String, budget: &BudgetConfig) {
    let mut table = |name: String, caps: &Caps| {
        if *caps == Caps::default() {
            return;
        }
        let _ = writeln!(text, "\n[{name}]");
        for (period, cap) in [("day", caps.day), ("month", caps.month)] {
            if let Some(cap) = cap {
                line(text, period, &quoted(&cap.to_usd()), Origin::File);
            }
        }
    };
    table("budget".to_owned(), &budget.all);
    for (id, caps) in &budget.providers {
        table(format!("budget.providers.{}", key(id)), caps);
    }
    for (model, caps) in &budget.models {
        table(format!("budget.models.{}", key(&model.to_string())), caps);
    }
}

fn provider(text: &mut String, id: &str, config: &Config, context: &ConfigContext<'_>) {
    let none = ProviderConfig::default();
    let row = config.providers.get(id).unwrap_or(&none);
    let table = format!("providers.{}", key(id));
    let _ = writeln!(text, "\n[{table}]");
    if let Some(protocol) = row.protocol {
        line(text, "protocol", &quoted(protocol.as_str()), Origin::File);
    }
    match config::base_url(id, context.env, config, None) {
        Ok(Some(url)) => {
            sourced(text, "base_url", &Sourced { value: quoted(&url.value), origin: url.origin });
        }
        Ok(None) => {}
        Err(error) => {
            let _ = writeln!(text, "# base_url: {}", error.message);
        }
    }
    if let Some(names) = &row.key_env {
        line(text, "key_env", &list(names), Origin::File);
    }
    if let Some([program, arguments @ ..]) = row.key_command.as_deref() {
        let program = list(std::slice::from_ref(program));
        let (number, word) = (arguments.len(), if arguments.len() == 1 { "argument" } else { "arguments" });
        let _ = writeln!(text, "key_command = {program}  # file; {number} {word} not shown");
    }
    if let Some(auth) = &row.auth {
        let auth = match auth {
            KeyPlacement::None => "none",
            KeyPlacement::Sent(Auth::Bearer) => "bearer",
            KeyPlacement::Sent(Auth::Header(name)) => name,
        };
        line(text, "auth", &quoted(auth), Origin::File);
    }
    if !row.headers.is_empty() {
        let _ = writeln!(text, "\n[{table}.headers]");
        for (name, value) in &row.headers {
            let shown = if may_be_secret(name) { "[hidden]" } else { value.as_str() };
            line(text, &key(name), &quoted(shown), Origin::File);
        }
    }
    for (name, facts) in &row.models {
        model(text, &format!("{table}.models.{}", key(name)), facts);
    }
}

fn model(text: &mut String, table: &str, model: &ModelConfig) {
    let _ = writeln!(text, "\n[{table}]");
    if let Some(deployment) = &model.deployment {
        line(text, "deployment", &quoted(deployment), Origin::File);
    }
    for (name, tokens) in [("context", model.context), ("max_output", model.max_output)] {
        if let Some(tokens) = tokens {
            line(text, name, &tokens.to_string(), Origin::File);
        }
    }
    for (name, price) in model.prices.fields() {
        if let Some(price) = price {
            line(text, name, &quoted(&price.to_string()), Origin::File);
        }
    }
}

fn sourced<T: std::fmt::Display>(text: &mut String, name: &str, setting: &Sourced<T>) {
    line(text, name, &setting.value.to_string(), setting.origin);
}

fn line(text: &mut String, name: &str, value: &str, origin: Origin) {
    let _ = writeln!(text, "{name} = {value}  # {origin}");
}

/// Headers that carry a credential somewhere: `authorization`, `x-api-key`,
/// `cf-access-token`, `cookie`.
fn may_be_secret(header: &str) -> bool {
    ["auth", "key", "token", "secret", "password", "cookie", "credential", "session", "signature"]
        .iter()
        .any(|word| header.contains(word))
}

fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn list(texts: &[String]) -> String {
    Value::Array(texts.iter().map(|text| Value::String(text.clone())).collect()).to_string()
}

fn key(name: &str) -> String {
    let is_bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_bare { name.to_owned() } else { quoted(name) }
}
