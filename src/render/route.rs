//! How a route decided: a table for people, and data.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{Column, GAP, Place, rows, taken};
use super::figures::{duration, speed};
use super::filter::clean_line;
use super::json::tenths;
use super::models::Charge;
use super::money;
use super::output::{Output, Paint};
use super::spending;
use crate::choice::Decision;
use crate::money::Cost;
use crate::router::{Host, Ranked};

/// What is not known.
const UNKNOWN: &str = "?";

/// The decision as data, for the field `route`. What is unknown is null.
pub fn json(decision: &Decision) -> Value {
    let ranking = &decision.ranking;
    let name = |candidate: usize| decision.candidates[candidate].name.as_str();
    let ranked = ranking.ranked.iter().enumerate().map(|(place, of)| {
        let mut object = figures(decision, of);
        object["rank"] = json!(place + 1);
        object["reason"] = json!(of.reason);
        object
    });
    let rejected = ranking.rejected.iter();
    let rejected = rejected.map(|of| json!({"model": name(of.candidate), "reason": of.reason}));
    json!({
        "policy": decision.policy.as_str(),
        "chosen": ranking.ranked.first().map(|of| name(of.candidate)),
        "reason": ranking.ranked.first().map(|of| &of.reason),
        "candidates": ranked.collect::<Vec<_>>(),
        "rejected": rejected.collect::<Vec<_>>(),
        "baseline": ranking.baseline.as_ref().map(|of| figures(decision, of)),
        "route": decision.route,
    })
}

fn figures(decision: &Decision, of: &Ranked) -> Value {
    let candidate = &decision.candidates[of.candidate];
    let known = &of.figures;
    let hosts = known.hosts.iter().map(|Host { name, n, ttfv_p50_ms }| {
        json!({"served_by": name, "n": n, "ttfv_p50_ms": ttfv_p50_ms.map(tenths)})
    });
    json!({
        "model": candidate.name,
        "rank": null,
        "n": known.n,
        "failed": known.failed,
        "ttfv_p50_ms": known.ttfv_p50_ms.map(tenths),
        "ttfv_p90_ms": known.ttfv_p90_ms.map(tenths),
        "tps_p50": known.tps_p50.map(tenths),
        "answer_ms": tenths(known.answer_ms),
        "age_s": known.latest.map(|at| seconds(decision, at)),
        "expected_usd": of.expected.cost.map(Cost::to_usd),
        "expected_input": of.expected.input,
        "expected_output": of.expected.output,
        "approximate": of.expected.approximate,
        "index": of.index.map(|index| (index * 1_000.0).round() / 1_000.0),
        "served_by": hosts.collect::<Vec<_>>(),
        "reason": null,
    })
}

fn seconds(decision: &Decision, at: Timestamp) -> i64 {
    decision.at.duration_since(at).as_secs().max(0)
}

/// The decision for people on stderr, with a newline at its end.
pub fn in_words(decision: &Decision, output: &Output) -> String {
    let width = if output.stderr_tty { output.width } else { usize::MAX };
    output.paint_stderr(text(decision, width, output).trim_end(), Paint::Dim) + "\n"
}

/// The decision for people on stdout, with a newline at its end.
pub fn plain(decision: &Decision, output: &Output) -> String {
    text(decision, if output.stdout_tty { output.width } else { usize::MAX }, output)
}

fn text(decision: &Decision, width: usize, output: &Output) -> String {
    let what = match &decision.route {
        Some(route) => format!("route {route}, {}", decision.policy.as_str()),
        None => decision.policy.as_str().to_owned(),
    };
    let mut text = String::new();
    if let Some(first) = decision.ranking.ranked.first() {
        let name = clean_line(&decision.candidates[first.candidate].name);
        text.push_str(&format!("{what}: {name}: {}\n", clean_line(&first.reason)));
    }
    if output.accessible {
        text.push_str(&listed(decision));
    } else {
        text.push_str(&table(decision, width));
    }
    for of in &decision.ranking.rejected {
        let name = clean_line(&decision.candidates[of.candidate].name);
        text.push_str(&format!("left out: {name}: {}\n", clean_line(&of.reason)));
    }
    text.push_str(&baseline(decision));
    if output.accessible { spending::in_words(&text) } else { text }
}

/// What there is to say of one candidate, under the names of the columns.
fn facts(decision: &Decision, of: &Ranked) -> [(&'static str, String); 9] {
    let known = &of.figures;
    let time = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), duration);
    let age = known.latest.map(|at| {
        #[expect(clippy::cast_precision_loss, reason = "an age is for people")]
        let ms = decision.at.duration_since(at).as_millis().max(0) as f64;
        duration(ms)
    });
    let row = decision.candidates[of.candidate].row.as_ref();
    let charge = row.map(|row| Charge::of(row, row.prices_at(decision.at).as_ref()));
    let sign = if of.expected.approximate { "≈" } else { "~" };
    let (prices, expected) = match charge {
        Some(Charge::PerMillion { input, output, .. }) => {
            let known = |price: Option<_>| price.map_or_else(|| UNKNOWN.to_owned(), money::price);
            let cost = of.expected.cost.map(|cost| format!("{sign}{}", cost.to_display()));
            (format!("{}/{}", known(input), known(output)), cost)
        }
        Some(charge @ (Charge::Local | Charge::Free | Charge::NotMetered)) => {
            (charge.as_str().to_owned(), Some(charge.as_str().to_owned()))
        }
        Some(Charge::Unknown) | None => (UNKNOWN.to_owned(), None),
    };
    [
        ("n", known.n.to_string()),
        ("failed", known.failed.to_string()),
        ("first word", time(known.ttfv_p50_ms)),
        ("p90", time(known.ttfv_p90_ms)),
        ("speed", known.tps_p50.map_or_else(|| "–".to_owned(), speed)),
        ("answer", if known.n + known.failed > 0 { duration(known.answer_ms) } else { "–".to_owned() }),
        ("age", age.unwrap_or_else(|| "–".to_owned())),
        ("price in/out", prices),
        ("expected", expected.unwrap_or_else(|| UNKNOWN.to_owned())),
    ]
}

/// The columns that a narrow terminal does without, the first of them first.
const SPARED: [&str; 6] = ["p90", "age", "failed", "answer", "speed", "price in/out"];

fn table(decision: &Decision, width: usize) -> String {
    let ranked = &decision.ranking.ranked;
    if ranked.is_empty() {
        return String::new();
    }
    let names = ranked.iter().map(|of| clean_line(&decision.candidates[of.candidate].name).into_owned());
    let numbered = names.enumerate().map(|(place, name)| format!("{}. {name}", place + 1));
    let mut columns =
        vec![Column::new(std::iter::once(String::new()).chain(numbered).collect(), Place::Left)];
    let facts: Vec<_> = ranked.iter().map(|of| facts(decision, of)).collect();
    for column in 0..facts[0].len() {
        let cells = facts.iter().map(|row| row[column].1.clone());
        let cells = std::iter::once(facts[0][column].0.to_owned()).chain(cells).collect();
        columns.push(Column::new(cells, Place::Right));
    }
    for name in SPARED {
        // There is no gap behind the last column.
        let is_too_wide = taken(&columns) > width.saturating_add(GAP);
        if let Some(column) = columns.iter_mut().find(|column| column.cells[0] == name && is_too_wide) {
            column.width = 0;
        }
    }
    rows(&columns, ranked.len() + 1).join("\n") + "\n"
}

/// The same for screen readers: a line a fact, a blank line between candidates.
fn listed(decision: &Decision) -> String {
    let mut text = String::new();
    for (place, of) in decision.ranking.ranked.iter().enumerate() {
        let name = clean_line(&decision.candidates[of.candidate].name);
        text.push_str(&format!("\nrank: {}\nmodel: {name}\n", place + 1));
        for (name, value) in facts(decision, of) {
            let name = if name == "n" { "calls measured" } else { name };
            let value = if ["–", UNKNOWN].contains(&value.as_str()) { "unknown" } else { &value };
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text + "\n"
}

/// What asking one and the same model for good would give, and what this choice gives.
fn baseline(decision: &Decision) -> String {
    let (Some(single), Some(chosen)) = (&decision.ranking.baseline, decision.ranking.ranked.first()) else {
        return String::new();
    };
    let name = clean_line(&decision.candidates[single.candidate].name);
    if single.candidate == chosen.candidate {
        return format!("the best single model is the same: {name}\n");
    }
    let gives = |of: &Ranked| {
        let first = of.figures.ttfv_p50_ms.map(|ms| format!("{} to first word", duration(ms)));
        let cost = of.expected.cost.map(|cost| format!("~{}", cost.to_display()));
        let known: Vec<String> = [first, cost].into_iter().flatten().collect();
        if known.is_empty() { "nothing known".to_owned() } else { known.join(", ") }
    };
    format!("the best single model, {name}: {}; this choice: {}\n", gives(single), gives(chosen))
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::catalog::Catalog;
    use crate::model::ModelRef;
    use crate::router::{Candidate, Need, Order, Policy, Question, Settings, rank};

    fn decision(names: &[&str]) -> Decision {
        let candidate = |name: &&str| {
            let model = ModelRef::split(name).unwrap();
            let row = Catalog::embedded().model(&model);
            Candidate::new((*name).to_owned(), model, row)
        };
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        let candidates: Vec<Candidate> = names.iter().map(candidate).collect();
        let ranking = rank(&Question {
            policy: Policy::Cheapest,
            settings: &Settings::default(),
            need: &Need { input: 1_000, ..Need::default() },
            candidates: &candidates,
            order: Order::Named,
            usual_output: None,
            max_cost: None,
            cooling: &[],
            now: at,
            seed: 7,
            turn: 0,
        });
        Decision { route: None, policy: Policy::Cheapest, candidates, ranking, at }
    }

    #[test]
    fn a_narrow_table_does_without_columns_and_no_name_is_cut() {
        let decision = decision(&["openai/gpt-6-sol", "local/smollm2-135m", "xai/grok-4.7"]);
        let table = |width: usize| super::table(&decision, width);
        for width in [60, 70, 80, 100, 200] {
            let text = table(width);
            assert!(text.lines().all(|line| line.width() <= width), "{width}\n{text}");
            assert!(text.contains("1. local/smollm2-135m") && text.contains("expected"), "{text}");
        }
        assert!(!table(60).contains("p90") && table(200).contains("p90"));
        insta::assert_snapshot!(table(usize::MAX), @"
                               n  failed  first word  p90  speed  answer  age  price in/out  expected
        1. local/smollm2-135m  0       0           –    –      –       –    –         local     local
        2. xai/grok-4.7        0       0           –    –      –       –    –   $2.00/$6.00   ~$0.005
        3. openai/gpt-6-sol    0       0           –    –      –       –    –  $2.00/$10.00   ~$0.007
        ");
    }
}
