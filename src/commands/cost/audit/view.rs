//! The findings as text and as JSON.

use serde_json::{Value, json};

use super::findings::{Asked, Findings, tenths};
use crate::live::Generation;
use crate::money::Cost;
use crate::render::filter::clean_line;
use crate::render::json::SCHEMA;
use crate::render::output::{Output, Paint};
use crate::render::spending::{calls, in_words, without_an_end};
use crate::spending::Sums;
use crate::wire::ApiError;

/// Prices older than this may be wrong.
const STALE_DAYS: i64 = 60;

/// Sections with a title and a line a finding; for screen readers the title
/// stands before each.
pub(super) fn text(findings: &Findings<'_>, output: &Output) -> String {
    let sections = [
        ("prices", table(findings)),
        ("billed against prices", drift(findings)),
        ("without a known cost", unpriced(findings)),
        ("possibly billed", possibly(findings)),
        ("OpenRouter's records", records(findings)),
    ];
    let mut text = String::new();
    for (title, lines) in sections {
        if lines.is_empty() {
            continue;
        }
        if output.accessible {
            text.extend(lines.iter().map(|line| format!("{title}: {}\n", in_words(&clean_line(line)))));
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("{}\n", output.paint_stdout(title, Paint::Bold));
        for line in lines {
            text += &format!("  {}\n", clean_line(&line));
        }
    }
    text
}

fn table(findings: &Findings<'_>) -> Vec<String> {
    let table = &findings.table;
    let origin = if table.refreshed { "refreshed" } else { "those of this build" };
    let age = match table.age {
        Some(..=0) | None => String::new(),
        Some(1) => ", 1 day old".to_owned(),
        Some(days) => format!(", {days} days old"),
    };
    let mut lines = vec![format!("of {}{age}, {origin}", table.date)];
    if table.age.is_some_and(|days| days > STALE_DAYS) {
        lines.push("`pollm models refresh` brings them up to date".to_owned());
    }
    lines
}

fn drift(findings: &Findings<'_>) -> Vec<String> {
    let line = |(model, drift): (&String, &super::findings::Drift)| {
        let about = if drift.approximate { "~" } else { "" };
        format!(
            "{model}: {} billed {}, prices say {about}{}{}",
            calls(drift.calls),
            drift.billed.to_display(),
            drift.computed.to_display(),
            percent(drift.tenths()),
        )
    };
    findings.drift.iter().map(line).collect()
}

/// ` (+12.5%)`
fn percent(tenths: Option<i64>) -> String {
    match tenths {
        None => String::new(),
        Some(0) => " (the same)".to_owned(),
        Some(tenths) => {
            let sign = if tenths < 0 { '-' } else { '+' };
            let size = tenths.unsigned_abs();
            format!(" ({sign}{}.{}%)", size / 10, size % 10)
        }
    }
}

fn unpriced(findings: &Findings<'_>) -> Vec<String> {
    let line =
        |((model, why), number): (&(String, &str), &u64)| format!("{model}: {}, {why}", calls(*number));
    findings.unpriced.iter().map(line).collect()
}

fn possibly(findings: &Findings<'_>) -> Vec<String> {
    let line = |(model, found): (&String, &super::findings::Possibly)| {
        let cost = match (found.unpriced, found.estimated) {
            (0, known) => format!("counted as ~{}", known.to_display()),
            (_, Cost::ZERO) => "cost unknown".to_owned(),
            (unpriced, known) => format!("counted as ~{}, {unpriced} unpriced", known.to_display()),
        };
        format!("{model}: {} cut short or cancelled, {cost}", calls(found.calls))
    };
    let mut lines: Vec<String> = findings.possibly.iter().map(line).collect();
    let mut sums = Sums::default();
    findings.unfinished.iter().for_each(|call| sums.add_held(call));
    lines.extend(without_an_end(&sums).into_iter().map(|(what, calls)| {
        // What is possibly billed stands below that title already.
        format!("{}: {calls}", what.trim_start_matches("possibly billed "))
    }));
    lines
}

fn records(findings: &Findings<'_>) -> Vec<String> {
    let answers = match &findings.asked {
        Asked::Not(_) if findings.recorded.is_empty() => return Vec::new(),
        Asked::Not(why) => {
            return vec![format!("not asked for {}: {why}", calls(findings.recorded.len() as u64))];
        }
        Asked::Answered(answers) => answers,
    };
    let (mut same, mut lines) = (0, Vec::new());
    for (call, answer) in findings.recorded.iter().zip(answers) {
        match answer {
            Ok(record) if call.bill.cost == Some(record.charged) => same += 1,
            Ok(record) => lines.push(format!(
                "{} {}: charged {}, recorded {}{}",
                call.id,
                call.model,
                record.charged.to_display(),
                call.bill.cost.map_or_else(|| "?".to_owned(), Cost::to_display),
                if record.cancelled { " (cancelled)" } else { "" },
            )),
            Err(error) => lines.push(format!("{} {}: {}", call.id, call.model, failure(error))),
        }
    }
    let agree = if answers.len() == 1 { "agrees" } else { "agree" };
    lines.insert(0, format!("{same} of {} {agree} to the last digit", calls(answers.len() as u64)));
    lines
}

fn failure(error: &ApiError) -> String {
    match error.status {
        Some(404) => "no record".to_owned(),
        _ => format!("not known: {}", error.message),
    }
}

/// The findings as one object.
pub(super) fn object(findings: &Findings<'_>) -> Value {
    let table = &findings.table;
    let drift: Vec<Value> = findings
        .drift
        .iter()
        .map(|(model, drift)| {
            json!({"model": model, "calls": drift.calls, "billed_usd": drift.billed.to_usd(),
                "computed_usd": drift.computed.to_usd(), "approximate": drift.approximate,
                "drift": drift.tenths().map(share)})
        })
        .collect();
    let unpriced: Vec<Value> = findings
        .unpriced
        .iter()
        .map(|((model, why), number)| json!({"model": model, "calls": number, "why": why}))
        .collect();
    let possibly: Vec<Value> = findings
        .possibly
        .iter()
        .map(|(model, found)| {
            json!({"model": model, "calls": found.calls, "estimated_usd": found.estimated.to_usd(),
                "unpriced_calls": found.unpriced})
        })
        .collect();
    let unfinished: Vec<Value> = findings
        .unfinished
        .iter()
        .map(|call| {
            json!({"id": call.call.to_string(), "model": call.model.to_string(), "command": call.command,
                "state": call.state.as_str(), "usd_most": call.worst.map(Cost::to_usd)})
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "command": "cost audit",
        "calls": findings.calls,
        "prices": {"date": table.date, "age_days": table.age, "refreshed": table.refreshed},
        "drift": drift,
        "unpriced": unpriced,
        "possibly_billed": possibly,
        "unfinished": unfinished,
        "openrouter": asked(findings),
    })
}

fn asked(findings: &Findings<'_>) -> Value {
    let answers = match &findings.asked {
        Asked::Not(why) => return json!({"asked": false, "why": why, "records": []}),
        Asked::Answered(answers) => answers,
    };
    let record = |answer: &Result<Generation, ApiError>| answer.as_ref().ok().copied();
    let records: Vec<Value> = findings
        .recorded
        .iter()
        .zip(answers)
        .map(|(call, answer)| {
            let charged = record(answer).map(|record| record.charged);
            let drift = charged.zip(call.bill.cost).and_then(|(charged, ours)| tenths(charged, ours));
            json!({"id": call.id, "model": call.model, "charged_usd": charged.map(Cost::to_usd),
                "recorded_usd": call.bill.cost.map(Cost::to_usd), "recorded_source": call.bill.source.as_str(),
                "cancelled": record(answer).map(|record| record.cancelled), "drift": drift.map(share),
                "error": answer.as_ref().err().map(failure)})
        })
        .collect();
    json!({"asked": true, "why": null, "records": records})
}

/// Tenths of a percent as a share.
#[expect(clippy::cast_precision_loss, reason = "drifts have a few digits")]
fn share(tenths: i64) -> f64 {
    tenths as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::super::findings::Table;
    use super::*;

    #[test]
    fn old_prices_are_said_to_be_old() {
        let said = |age, refreshed| {
            let catalog = crate::catalog::Catalog::embedded();
            let mut findings = Findings::new(&catalog, 0);
            findings.table = Table { date: "2026-11-22".to_owned(), age, refreshed };
            table(&findings).join("; ")
        };
        assert_eq!(said(Some(0), true), "of 2026-11-22, refreshed");
        assert_eq!(said(Some(1), false), "of 2026-11-22, 1 day old, those of this build");
        assert_eq!(said(Some(60), true), "of 2026-11-22, 60 days old, refreshed");
        assert_eq!(
            said(Some(61), true),
            "of 2026-11-22, 61 days old, refreshed; `pollm models refresh` brings them up to date"
        );
    }
}
