//! A line a model, in columns.

use jiff::Timestamp;

use super::{Charge, Listed, abilities};
use crate::money::Price;
use crate::render::columns::{Column, GAP, Place, one_line, rows, taken};
use crate::render::figures::duration;
use crate::render::filter::clean;

/// What stands for a figure that is not known.
const UNKNOWN: &str = "?";

/// The letters of abilities in a narrow table, and their words.
const LETTERS: [(char, &str); 8] = [
    ('r', "reasoning"),
    ('t', "tools"),
    ('v', "vision"),
    ('p', "pdf"),
    ('a', "audio"),
    ('m', "video"),
    ('s', "schema"),
    ('o', "open"),
];

/// The lines of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The line of names above the columns.
    pub header: String,
    /// The models; a line without blanks at its end.
    pub lines: Vec<String>,
    /// What its letters mean, where it was too narrow for words.
    pub legend: Option<String>,
}

/// One line a model, no cell with a blank in it. Names are never cut: where one
/// is wider than its column, its figures follow on the next line. `usize::MAX`
/// is the width of a pipe.
pub fn list(models: &[Listed], at: Timestamp, width: usize) -> Table {
    let mut columns = figures(models, at);
    let words = |model: &Listed| match abilities(&model.model) {
        known if !known.is_empty() => known.join(","),
        _ => "-".to_owned(),
    };
    columns.push(column("abilities", models, Place::Left, &words));
    let mut legend = None;
    if total(&columns) > width {
        columns.pop();
        columns.push(column("can", models, Place::Left, &letters));
        let meanings = LETTERS.map(|(letter, word)| format!("{letter} {word}"));
        legend = Some(meanings.join(", "));
    }
    let excess = total(&columns).saturating_sub(width);
    columns[0].width = columns[0].width.saturating_sub(excess).max(columns[0].width.min(LEAST_NAME));
    let mut lines = rows(&columns, models.len() + 1);
    Table { header: lines.remove(0), lines, legend }
}

/// The same as a Markdown table.
pub fn markdown(models: &[Listed], at: Timestamp) -> String {
    let mut columns = figures(models, at);
    columns.push(column("abilities", models, Place::Left, &|model| abilities(&model.model).join(", ")));
    crate::render::columns::markdown(&columns, models.len() + 1)
}

/// The least width of the names' column.
const LEAST_NAME: usize = 20;

fn total(columns: &[Column]) -> usize {
    taken(columns).saturating_sub(GAP)
}

fn column(title: &str, models: &[Listed], place: Place, cell: &dyn Fn(&Listed) -> String) -> Column {
    let cells = std::iter::once(title.to_owned()).chain(models.iter().map(cell));
    Column::new(cells.collect(), place)
}

fn figures(models: &[Listed], at: Timestamp) -> Vec<Column> {
    let prices: Vec<(String, String)> = models.iter().map(|model| prices(model, at)).collect();
    let priced = |title: &str, pick: fn(&(String, String)) -> &String| {
        let cells = std::iter::once(title.to_owned()).chain(prices.iter().map(|pair| pick(pair).clone()));
        Column::new(cells.collect(), Place::Right)
    };
    let mut columns = vec![
        column("model", models, Place::Whole, &name),
        column("context", models, Place::Right, &|listed| context(listed.model.context)),
        priced("$in/M", |pair| &pair.0),
        priced("$out/M", |pair| &pair.1),
    ];
    if models.iter().any(|listed| listed.first_word_ms.is_some()) {
        let measured =
            |listed: &Listed| listed.first_word_ms.map_or("-".to_owned(), |ms| duration(ms).replace(' ', ""));
        columns.push(column("1st-word", models, Place::Right, &measured));
    }
    columns
}

fn name(listed: &Listed) -> String {
    one_line(&clean(&listed.model.model.to_string()))
}

/// `200k`, `1M`, `1.05M`.
fn context(tokens: Option<u64>) -> String {
    let Some(tokens) = tokens else { return UNKNOWN.to_owned() };
    // Tenths of thousands, hundredths of millions.
    let decimal = |whole: u64, rest: u64, digits: usize| {
        let text = format!("{whole}.{rest:0digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..9_950 => {
            let tenths = (tokens + 50) / 100;
            decimal(tenths / 10, tenths % 10, 1) + "k"
        }
        9_950..999_500 => format!("{}k", (tokens + 500) / 1_000),
        _ => {
            let hundredths = tokens.saturating_add(5_000) / 10_000;
            decimal(hundredths / 100, hundredths % 100, 2) + "M"
        }
    }
}

/// What is charged for the prompt and for the answer, without the sign of the
/// dollar, which stands above.
fn prices(listed: &Listed, at: Timestamp) -> (String, String) {
    let charge = Charge::of(&listed.model, listed.model.prices_at(at).as_ref());
    let Charge::PerMillion { input, output, approximate } = charge else {
        let word = match charge {
            Charge::Unknown => UNKNOWN.to_owned(),
            other => other.as_str().replace("not metered", "unmetered"),
        };
        return (word, "-".to_owned());
    };
    let about = if approximate { "≈" } else { "" };
    let shown = |price: Option<Price>| match price {
        Some(price) => format!("{about}{}", crate::render::money::price(price).trim_start_matches('$')),
        None => UNKNOWN.to_owned(),
    };
    (shown(input), shown(output))
}

fn letters(listed: &Listed) -> String {
    let can = abilities(&listed.model);
    LETTERS.iter().map(|(letter, word)| if can.contains(word) { *letter } else { '-' }).collect()
}

/// The same for screen readers: a line a fact, a blank line between models.
pub fn accessible(models: &[Listed], at: Timestamp) -> String {
    let known = |text: String| text.replace(UNKNOWN, "unknown").replace('≈', "about ");
    let block = |listed: &Listed| {
        let (input, output) = prices(listed, at);
        let mut text =
            format!("model: {}\ncontext: {}\n", name(listed), known(context(listed.model.context)));
        if output == "-" {
            text.push_str(&format!("price: {}\n", known(input)));
        } else {
            for (name, price) in [("input", input), ("output", output)] {
                let unit = if price == UNKNOWN { "" } else { " USD per million tokens" };
                text.push_str(&format!("{name} price: {}{unit}\n", known(price)));
            }
        }
        if let Some(ms) = listed.first_word_ms {
            text.push_str(&format!("median time to first word: {}\n", duration(ms)));
        }
        let can = abilities(&listed.model);
        if !can.is_empty() {
            text.push_str(&format!("abilities: {}\n", can.join(", ")));
        }
        text
    };
    models.iter().map(block).collect::<Vec<_>>().join("\n")
}
