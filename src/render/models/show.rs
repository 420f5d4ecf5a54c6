//! Everything about one model.

use jiff::Timestamp;

use super::prices::{Fact, in_use, minute, row_facts};
use super::{Charge, abilities};
use crate::catalog::{Modality, Model, State};
use crate::render::columns::one_line;
use crate::render::figures::{count, duration};
use crate::render::filter::clean;

/// What stands around a model's row.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The provider: its name and kind, and whether it can be asked.
    pub provider: String,
    /// Other names of the model.
    pub aliases: Vec<String>,
    /// How the name was understood.
    pub note: Option<String>,
    /// The user's own median time to the first word, in milliseconds.
    pub first_word_ms: Option<f64>,
    /// The catalog's date, and where it comes from.
    pub catalog: String,
    /// The catalog's date alone.
    pub date: String,
    /// One `name: value` line a fact, for screen readers.
    pub accessible: bool,
}

/// Facts, then prices in force at a moment, then those to come.
pub fn show(model: &Model, around: &Around, at: Timestamp) -> String {
    let block = |indent: &str, facts: &[Fact]| match around.accessible {
        true => facts.iter().map(|(name, value)| format!("{name}: {value}\n")).collect(),
        false => block(indent, facts),
    };
    let mut text: String = block("", &facts(model, around, at));
    let now = model.prices_at(at);
    let charge = Charge::of(model, now.as_ref());
    let title = format!("prices at {}, in USD per million tokens", minute(at));
    match &now {
        Some(now) => {
            let mut facts = in_use(model, now, &around.date);
            facts.extend(row_facts(now.row));
            text.push_str(&format!("\n{title}:\n{}", block("  ", &facts)));
        }
        None if charge == Charge::Unknown => text.push_str("\nprices: unknown\n"),
        None => text.push_str(&format!("\nprices: {}\n", charge.as_str())),
    }
    let today = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut coming: Vec<_> = model.prices.iter().filter(|row| row.since > Some(today)).collect();
    coming.sort_by_key(|row| row.since);
    for row in coming {
        let since = row.since.map(|day| day.to_string()).unwrap_or_default();
        let mut facts = row_facts(row);
        facts.extend(
            row.promised_through.map(|day| ("until".to_owned(), format!("{day}, the end of a promotion"))),
        );
        text.push_str(&format!("\nfrom {since} on:\n{}", block("  ", &facts)));
    }
    let notes = notes(model, now.as_ref().and_then(|now| now.row.schedule.as_ref()?.note.clone()));
    if !notes.is_empty() {
        text.push_str(&format!("\n{}\n", notes.join("\n")));
    }
    text.push_str(&format!("\n{}\n", around.catalog));
    text
}

fn notes(model: &Model, schedule: Option<String>) -> Vec<String> {
    let mut notes = Vec::new();
    if model.prices.is_empty() {
        return notes;
    }
    if model.route_dependent {
        notes.push("approximate: the price depends on the route that the gateway takes".to_owned());
    }
    notes.extend(
        model.taken_from.as_ref().map(|other| {
            format!("approximate: facts and prices of {}", one_line(&clean(&other.to_string())))
        }),
    );
    notes.extend(schedule.map(|note| format!("schedule: {}", one_line(&clean(&note)))));
    notes
}

fn block(indent: &str, facts: &[Fact]) -> String {
    let widest = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{indent}{name:widest$}  {value}\n")).collect()
}

fn facts(model: &Model, around: &Around, at: Timestamp) -> Vec<Fact> {
    let mut facts = Facts(Vec::new());
    facts.add("model", Some(model.model.to_string()));
    facts.add("name", Some(model.name.clone()));
    facts.add("provider", Some(around.provider.clone()));
    facts.add("note", around.note.clone());
    facts.add("aliases", (!around.aliases.is_empty()).then(|| around.aliases.join(", ")));
    facts.add("family", model.family.clone());
    facts.add("at its lab", model.canonical.clone());
    let tokens = |tokens: Option<u64>| tokens.map(|tokens| format!("{} tokens", count(tokens)));
    facts.add("context", Some(tokens(model.context).unwrap_or_else(|| "unknown".to_owned())));
    facts.add("most input", tokens(model.max_input));
    facts.add("most output", Some(tokens(model.max_output).unwrap_or_else(|| "unknown".to_owned())));
    facts.add("takes", modalities(&model.input));
    facts.add("gives", modalities(&model.output));
    facts.add("abilities", Some(can(model)));
    let efforts =
        model.efforts.as_ref().map(|levels| levels.iter().map(ToString::to_string).collect::<Vec<_>>());
    facts.add("efforts", efforts.filter(|levels| !levels.is_empty()).map(|levels| levels.join(", ")));
    facts.add("thinking", thinking(model));
    facts.add("released", Some(model.released.clone().unwrap_or_else(|| "unknown".to_owned())));
    facts.add("knowledge until", model.knowledge.clone());
    facts.add("state", Some(state(model, at)));
    facts.add("billing", Some(model.billing.as_str().to_owned()));
    let median = around
        .first_word_ms
        .map(|ms| format!("{} to the first word, the median of your calls", duration(ms)));
    facts.add("your latency", median);
    facts.0
}

struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, name: &str, value: Option<String>) {
        self.0.extend(value.map(|value| (name.to_owned(), one_line(&clean(&value)))));
    }
}

fn modalities(list: &[Modality]) -> Option<String> {
    let names: Vec<&str> = list.iter().map(|one| one.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn can(model: &Model) -> String {
    if model.abilities.is_none() && model.input.is_empty() {
        return "unknown".to_owned();
    }
    let mut words: Vec<String> = abilities(model).into_iter().map(str::to_owned).collect();
    if model.abilities.is_some_and(|can| can.no_temperature) {
        words.push("takes no temperature".to_owned());
    }
    if words.is_empty() { "none known".to_owned() } else { words.join(", ") }
}

fn thinking(model: &Model) -> Option<String> {
    let budget = model.thinking_budget.map(|(least, most)| match (least, most) {
        (Some(least), Some(most)) => {
            format!("budget of {} to {} tokens", count(least.into()), count(most.into()))
        }
        (None, Some(most)) => format!("budget of at most {} tokens", count(most.into())),
        (Some(least), None) => format!("budget of at least {} tokens", count(least.into())),
        (None, None) => "budget".to_owned(),
    });
    let toggle = model.thinking_toggle.then(|| "can be switched off".to_owned());
    let parts: Vec<String> = budget.into_iter().chain(toggle).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `deprecated, to be shut down on 2027-01-01 or later`.
fn state(model: &Model, at: Timestamp) -> String {
    let today = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    match model.shutdown {
        Some(day) if model.state == State::Retired => format!("retired, shut down on {day}"),
        // Clouds publish "not before" dates, so it may still answer.
        Some(day) => {
            let was = if day <= today { "was to be" } else { "to be" };
            format!("{}, {was} shut down on {day} or later", model.state.as_str())
        }
        None => model.state.as_str().to_owned(),
    }
}
