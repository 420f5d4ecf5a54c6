//! `[budget]`: caps on what calls may cost.

use std::collections::BTreeMap;

use super::reader::{Item, Problems, Table};
use crate::error::Error;
use crate::model::ModelRef;
use crate::money::Cost;
use crate::nearest::nearest;

/// Caps in USD: on everything, on single providers, on single models. Every
/// cap that covers a call holds for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetConfig {
    /// On all calls together.
    pub all: Caps,
    /// On the calls to a provider, by its id.
    pub providers: BTreeMap<String, Caps>,
    /// On the calls to a model, by `provider/model`.
    pub models: BTreeMap<ModelRef, Caps>,
}

/// What some calls may cost; `None` is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// In a day of the user's own time zone.
    pub day: Option<Cost>,
    /// In a month of the user's own time zone.
    pub month: Option<Cost>,
}

impl BudgetConfig {
    /// Whether nothing is capped.
    pub fn is_empty(&self) -> bool {
        let of_parts = self.providers.values().chain(self.models.values());
        std::iter::once(&self.all).chain(of_parts).all(|caps| *caps == Caps::default())
    }
}

/// Reads the table; `known` are the providers that there are.
pub(super) fn read(document: &mut Table<'_>, known: &[&str], problems: &mut Problems<'_>) -> BudgetConfig {
    let Some(mut table) = document.get("budget").and_then(|item| item.table(problems)) else {
        return BudgetConfig::default();
    };
    let mut budget = BudgetConfig { all: caps(&mut table, problems), ..BudgetConfig::default() };
    for (id, item) in entries(&mut table, "providers", problems) {
        is_known(id, &item, known, problems);
        if let Some(table) = item.table(problems) {
            budget.providers.insert(id.to_owned(), whole(table, problems));
        }
    }
    for (name, item) in entries(&mut table, "models", problems) {
        let Some(model) = ModelRef::split(name) else {
            let hint = "for example `[budget.models.\"openai/gpt-6.1-sol\"]`".to_owned();
            item.invalid_with_hint(problems, "expected a model as `provider/model`", Some(hint));
            continue;
        };
        is_known(model.provider.as_str(), &item, known, problems);
        if let Some(table) = item.table(problems) {
            budget.models.insert(model, whole(table, problems));
        }
    }
    table.finish(problems);
    budget
}

fn entries<'a>(
    table: &mut Table<'a>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Vec<(&'a str, Item<'a>)> {
    let inner = table.get(key).and_then(|item| item.table(problems));
    inner.map(|inner| inner.items().collect()).unwrap_or_default()
}

/// A cap on a provider that does not exist would be kept by nobody.
fn is_known(id: &str, item: &Item<'_>, known: &[&str], problems: &mut Problems<'_>) {
    if known.contains(&id) {
        return;
    }
    problems.add(item.at, |place| {
        let error = Error::config(format!("unknown provider in `{}` in {place}", item.name));
        match nearest(id, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`pollm models providers` lists them"),
        }
    });
}

fn whole(mut table: Table<'_>, problems: &mut Problems<'_>) -> Caps {
    let caps = caps(&mut table, problems);
    table.finish(problems);
    caps
}

fn caps(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Caps {
    Caps { day: amount(table, "day", problems), month: amount(table, "month", problems) }
}

fn amount(table: &mut Table<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<Cost> {
    let item = table.get(key)?;
    let hint = || Some(format!("for example `{key} = \"5.00\"`: USD"));
    if item.is_number() {
        item.invalid_with_hint(problems, "expected text in quotes, which keeps an amount exact", hint());
        return None;
    }
    let amount = Cost::parse_usd(item.text(problems)?);
    if amount.is_err() {
        item.invalid_with_hint(problems, "expected a plain amount of USD", hint());
    }
    amount.ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use insta::assert_snapshot;

    use super::*;
    use crate::config::Config;

    fn read(text: &str) -> Result<BudgetConfig, String> {
        let parsed = Config::parse(text, Path::new("config.toml"), &["openai", "groq"]);
        parsed.map(|config| config.budget).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            errors.join("\n")
        })
    }

    fn usd(text: &str) -> Option<Cost> {
        Cost::parse_usd(text).ok()
    }

    #[test]
    fn caps_are_for_all_a_provider_or_a_model() {
        let budget = read(
            "[budget]\nday = \"5.00\"\n[budget.providers.openai]\nday = \"1\"\nmonth = \"0\"\n\
             [budget.models.\"groq/openai/gpt-oss-120b\"]\nmonth = \"20\"",
        )
        .unwrap();
        assert_eq!(budget.all, Caps { day: usd("5"), month: None });
        assert_eq!(budget.providers["openai"], Caps { day: usd("1"), month: usd("0") });
        let model = ModelRef::new("groq", "openai/gpt-oss-120b");
        assert_eq!(budget.models[&model], Caps { day: None, month: usd("20") });
        assert!(!budget.is_empty() && read("").unwrap().is_empty() && read("[budget]").unwrap().is_empty());
    }

    #[test]
    fn what_would_cap_nothing_is_an_error() {
        let wrong = "[budget]\ndaily = \"5\"\nday = 5\nmonth = \"5 USD\"\n\
            [budget.providers.opnai]\nday = \"1\"\n[budget.providers.groq]\nweek = \"1\"\n\
            [budget.models.gpt]\nday = \"1\"\n[budget.models.\"grok/x\"]\nday = \"-1\"";
        assert_snapshot!(read(wrong).unwrap_err(), @r#"
            error: unknown key `budget.daily` in config.toml, line 2
            error: invalid `budget.day` in config.toml, line 3
              because: expected text in quotes, which keeps an amount exact

            hint: for example `day = "5.00"`: USD
            error: invalid `budget.month` in config.toml, line 4
              because: expected a plain amount of USD

            hint: for example `month = "5.00"`: USD
            error: unknown provider in `budget.providers.opnai` in config.toml, line 5

            hint: did you mean `openai`?
            error: unknown key `budget.providers.groq.week` in config.toml, line 8
            error: invalid `budget.models.gpt` in config.toml, line 9
              because: expected a model as `provider/model`

            hint: for example `[budget.models."openai/gpt-6.1-sol"]`
            error: unknown provider in `budget.models.grok/x` in config.toml, line 11

            hint: did you mean `groq`?
            error: invalid `budget.models.grok/x.day` in config.toml, line 12
              because: expected a plain amount of USD

            hint: for example `day = "5.00"`: USD
        "#);
    }
}
