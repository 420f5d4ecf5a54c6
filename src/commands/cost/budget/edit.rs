//! Setting and removing a cap in the configuration, whose comments and order
//! stay as they are.

use std::fs;
use std::io::{self, Write};

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::Whom;
use crate::budget::window::Period;
use crate::commands::output_failed;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lane;
use crate::money::Cost;
use crate::paths::write_private;

/// Sets a cap, or removes it where there is no amount.
pub(super) fn change(
    whom: &Whom,
    period: Period,
    amount: Option<Cost>,
    context: &Context,
    stderr: &mut dyn Write,
) -> Result<()> {
    let path = &context.paths.config_file;
    let failed = |error: &dyn std::error::Error| {
        Error::config(format!("{} can't be changed", path.display())).because(error)
    };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other.map_err(|error| failed(&error))?,
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| failed(&error))?;
    let place = place(whom, context)?;
    let steps: Vec<&str> = place.iter().map(String::as_str).collect();
    let name = name(&steps, period);
    match amount {
        Some(amount) => set(document.as_table_mut(), &steps, period.as_str(), &decimal(amount))
            .ok_or_else(|| Error::config(format!("`{name}` can't be set in {}", path.display())))?,
        None => {
            if !unset(document.as_table_mut(), &steps, period.as_str()) {
                return Err(Error::usage(format!("no cap `{name}` is set in {}", path.display()))
                    .hint("`pollm cost budget` shows the caps"));
            }
        }
    }
    let changed = document.to_string();
    let ids = context.catalog.built_in_ids();
    let built_in: Vec<&str> = ids.iter().map(String::as_str).collect();
    if let Err(mut errors) = Config::parse(&changed, path, &built_in) {
        return Err(errors.swap_remove(0));
    }
    write_private(path, changed.as_bytes()).map_err(|error| failed(&error))?;
    if context.output.quiet {
        return Ok(());
    }
    let done = match amount {
        Some(amount) => format!("set `{name}` to {}", amount.to_display()),
        None => format!("removed `{name}`"),
    };
    writeln!(stderr, "{} in {}", context.output.clean(&done), path.display()).map_err(output_failed)
}

/// The tables that the cap is in.
fn place(whom: &Whom, context: &Context) -> Result<Vec<String>> {
    let mut place = vec!["budget".to_owned()];
    if let Some(name) = &whom.provider {
        let known = context.catalog.provider(name);
        let id = known.map_or_else(|| name.clone(), |row| row.id.as_str().to_owned());
        place.extend(["providers".to_owned(), id]);
    }
    if let Some(name) = &whom.model {
        let found = lane::resolve(name, context)?;
        place.extend(["models".to_owned(), found.model.to_string()]);
    }
    Ok(place)
}

fn name(steps: &[&str], period: Period) -> String {
    let plain = |step: &&str| step.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let steps = steps.iter().map(|step| if plain(step) { (*step).to_owned() } else { format!("{step:?}") });
    format!("{}.{}", steps.collect::<Vec<_>>().join("."), period.as_str())
}

/// `5` as `5.00`, as amounts of money are written.
fn decimal(amount: Cost) -> String {
    let text = amount.to_usd();
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<2}"),
        None => format!("{text}.00"),
    }
}

/// `None` where something else than a table is in the way.
fn set(table: &mut dyn TableLike, steps: &[&str], key: &str, text: &str) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        // The value alone is replaced, so that a comment behind it stays.
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                let decor = old.decor().clone();
                *old = text.into();
                *old.decor_mut() = decor;
            }
            None => drop(table.insert(key, value(text))),
        }
        return Some(());
    };
    if !table.contains_key(step) {
        let mut inner = Table::new();
        // Tables that hold nothing but tables need no header of their own.
        inner.set_implicit(!rest.is_empty());
        table.insert(step, Item::Table(inner));
    }
    set(table.get_mut(step)?.as_table_like_mut()?, rest, key, text)
}

/// Removes a key, and tables that are empty without it; false where it is not there.
fn unset(table: &mut dyn TableLike, steps: &[&str], key: &str) -> bool {
    let Some((step, rest)) = steps.split_first() else { return table.remove(key).is_some() };
    let Some(inner) = table.get_mut(step).and_then(Item::as_table_like_mut) else { return false };
    let removed = unset(inner, rest, key);
    if removed && inner.is_empty() {
        table.remove(step);
    }
    removed
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn with(text: &str, steps: &[&str], key: &str, amount: &str) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        set(document.as_table_mut(), steps, key, amount).unwrap();
        document.to_string()
    }

    fn without(text: &str, steps: &[&str], key: &str) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        assert!(unset(document.as_table_mut(), steps, key), "it was there");
        document.to_string()
    }

    const OLD: &str = "\
# mine
log = true  # yes

[budget]
# not too much
day = \"1\" # a day

[providers.work]  # the last one
base_url = \"http://127.0.0.1/v1\"
";

    #[test]
    fn a_cap_changes_and_nothing_else_does() {
        assert_snapshot!(with(OLD, &["budget"], "day", "5.00"), @r#"
            # mine
            log = true  # yes

            [budget]
            # not too much
            day = "5.00" # a day

            [providers.work]  # the last one
            base_url = "http://127.0.0.1/v1"
        "#);
        assert_eq!(without(&with(OLD, &["budget"], "month", "9"), &["budget"], "month"), OLD);
    }

    #[test]
    fn tables_come_and_go_with_their_caps() {
        let place = ["budget", "models", "openai/gpt-6.1-sol"];
        let more = with(OLD, &place, "month", "20.00");
        assert_snapshot!(more, @r#"
            # mine
            log = true  # yes

            [budget]
            # not too much
            day = "1" # a day

            [budget.models."openai/gpt-6.1-sol"]
            month = "20.00"

            [providers.work]  # the last one
            base_url = "http://127.0.0.1/v1"
        "#);
        assert_eq!(without(&more, &place, "month"), OLD);
        assert_snapshot!(with("", &["budget", "providers", "openai"], "day", "1.00"), @r#"
            [budget.providers.openai]
            day = "1.00"
        "#);
        assert_eq!(without("[budget]\nday = \"1\"\n", &["budget"], "day"), "");
    }

    #[test]
    fn other_ways_to_write_a_table_are_kept() {
        assert_eq!(
            with("budget.day = \"1\"\n", &["budget"], "month", "2"),
            "budget.day = \"1\"\nbudget.month = \"2\"\n"
        );
        assert_eq!(with("budget = { day = \"1\" }\n", &["budget"], "day", "2"), "budget = { day = \"2\" }\n");
        let mut document: DocumentMut = "budget = 3\n".parse().unwrap();
        assert_eq!(set(document.as_table_mut(), &["budget"], "day", "1"), None);
    }

    #[test]
    fn amounts_are_written_as_money() {
        let written = ["5", "0.5", "0.125", "12.00"].map(|text| decimal(Cost::parse_usd(text).unwrap()));
        assert_eq!(written, ["5.00", "0.50", "0.125", "12.00"]);
    }
}
