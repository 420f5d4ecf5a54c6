//! `[routes.NAME]`: several models under one name, and how one is chosen.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reader::{Item, Problems, Table};
use super::schema::price;
use crate::model::{LaneName, ProviderId};
use crate::nearest::nearest;
use crate::router::{Policy, Settings, Weights};

/// A `[routes.NAME]` table.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteConfig {
    /// Its models by any of their names, options included. Empty: every model
    /// of every provider that has a key.
    pub models: Vec<String>,
    /// By what they are ranked.
    pub policy: Policy,
    /// How.
    pub settings: Settings,
}

/// Reads `[routes]`.
pub(super) fn routes(
    document: &mut Table<'_>,
    aliases: &BTreeMap<String, String>,
    problems: &mut Problems<'_>,
) -> BTreeMap<String, RouteConfig> {
    let Some(table) = document.get("routes").and_then(|item| item.table(problems)) else {
        return BTreeMap::new();
    };
    let names: Vec<&str> = table.items().map(|(name, _)| name).collect();
    let mut routes = BTreeMap::new();
    for (name, item) in table.items() {
        if let Some(why) = super::schema::unusable_name(name) {
            item.invalid(problems, why);
        } else if aliases.contains_key(name) {
            item.invalid(problems, "an alias has the same name: one of them must be called otherwise");
        } else if let Some(row) = item.table(problems)
            && let Some(route) = route(&item, row, &names, problems)
        {
            routes.insert(name.to_owned(), route);
        }
    }
    routes
}

fn route(
    item: &Item<'_>,
    mut table: Table<'_>,
    names: &[&str],
    problems: &mut Problems<'_>,
) -> Option<RouteConfig> {
    let models = table.get("models").and_then(|item| models(&item, names, problems));
    let policy = match table.get("policy") {
        Some(item) => policy(&item, problems),
        None => {
            let hint = format!("add `policy`: {}", policies());
            item.invalid_with_hint(problems, "it has no `policy`", Some(hint));
            None
        }
    };
    let default = Settings::default();
    let settings = Settings {
        explore: share(&mut table, problems).unwrap_or(default.explore),
        half_life: half_life(&mut table, problems).unwrap_or(default.half_life),
        weights: weights(&mut table, problems).unwrap_or(default.weights),
        max_price: price(&mut table, "max_price", problems),
        only: providers(&mut table, "providers", problems),
        except: providers(&mut table, "except", problems),
    };
    table.finish(problems);
    Some(RouteConfig { models: models.unwrap_or_default(), policy: policy?, settings })
}

fn policies() -> String {
    Policy::ALL.map(|policy| format!("`{}`", policy.as_str())).join(", ")
}

fn policy(item: &Item<'_>, problems: &mut Problems<'_>) -> Option<Policy> {
    let text = item.text(problems)?;
    let found = Policy::ALL.into_iter().find(|policy| policy.as_str() == text);
    if found.is_none() {
        let near = nearest(text, Policy::ALL.map(Policy::as_str));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        item.invalid_with_hint(problems, &format!("expected one of {}", policies()), hint);
    }
    found
}

fn models(item: &Item<'_>, names: &[&str], problems: &mut Problems<'_>) -> Option<Vec<String>> {
    let models = item.texts(problems)?;
    let nested = models.iter().any(|model| names.contains(&LaneName::parse(model).model.as_str()));
    if nested {
        item.invalid(problems, "a route's models can't be routes themselves");
    }
    (!nested).then_some(models)
}

fn share(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<f64> {
    let item = table.get("explore")?;
    let share = item.number(problems)?;
    let usable = (0.0..=1.0).contains(&share);
    if !usable {
        item.invalid(problems, "expected the share of calls that explore, from 0 to 1");
    }
    usable.then_some(share)
}

fn half_life(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Duration> {
    let item = table.get("half_life_hours")?;
    let hours = item.number(problems)?;
    let usable = (0.01..=100_000.0).contains(&hours);
    if !usable {
        item.invalid(problems, "expected hours, from 0.01 to 100000");
    }
    usable.then(|| Duration::from_secs_f64(hours * 3_600.0))
}

fn weights(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Weights> {
    let item = table.get("weights")?;
    let mut table = item.table(problems)?;
    let mut weight = |key| {
        let Some(item) = table.get(key) else { return Some(0.0) };
        let weight = item.number(problems)?;
        let usable = (0.0..=1e6).contains(&weight);
        if !usable {
            item.invalid(problems, "expected a number from 0 to 1000000");
        }
        usable.then_some(weight)
    };
    let (cost, speed, best) = (weight("cost"), weight("speed"), weight("best"));
    table.finish(problems);
    let weights = Weights { cost: cost?, speed: speed?, best: best? };
    if weights == (Weights { cost: 0.0, speed: 0.0, best: 0.0 }) {
        item.invalid(problems, "at least one of `cost`, `speed` and `best` must weigh something");
        return None;
    }
    Some(weights)
}

/// Providers by id. Other names of theirs are known to the catalog only.
fn providers(table: &mut Table<'_>, key: &'static str, problems: &mut Problems<'_>) -> Vec<ProviderId> {
    let Some(item) = table.get(key) else { return Vec::new() };
    item.texts(problems).into_iter().flatten().map(ProviderId::new).collect()
}
