//! The answers side by side.

use super::{lane_name, markdown, plural};
use crate::comparison::{Checked, Comparison, LaneResult, Run};
use crate::explain::phrase;
use crate::outcome::{Outcome, Status};
use crate::render::compare::cells::line;
use crate::render::compare::sheet::{Figure, LaneHead, Sheet};
use crate::render::markup::Markup;
use crate::render::{figures, money, receipt};
use crate::wire::ApiError;

/// Writes a card a lane.
pub(super) fn write(page: &mut Markup, comparison: &Comparison, sheet: &Sheet) {
    page.raw("<section aria-labelledby=\"answers\">\n<h2 id=\"answers\">Answers</h2>\n");
    cards(page, comparison, sheet, "");
    page.raw("</section>\n");
}

/// A card a lane; what `before` holds stands in front of their ids.
pub(super) fn cards(page: &mut Markup, comparison: &Comparison, sheet: &Sheet, before: &str) {
    page.raw(match comparison.lanes.len() {
        0..=2 => "<div class=\"answers two\">\n",
        4 => "<div class=\"answers four\">\n",
        _ => "<div class=\"answers\">\n",
    });
    for (at, (lane, head)) in comparison.lanes.iter().zip(&sheet.lanes).enumerate() {
        let id = format!("{before}lane-{}", at + 1);
        page.open("article", &[("id", &id), ("aria-labelledby", &format!("{id}-name"))]);
        page.raw("\n<header>\n");
        page.open("h3", &[("id", &format!("{id}-name")), ("class", "lane")]);
        lane_name(page, at, &head.name);
        page.raw("</h3>\n");
        facts(page, sheet, at);
        badges(page, lane, head);
        page.raw("</header>\n");
        if let Some(run) = lane.shown() {
            answer(page, run);
            others(page, lane, run);
        }
        page.raw("</article>\n");
    }
    page.raw("</div>\n");
}

fn facts(page: &mut Markup, sheet: &Sheet, at: usize) {
    page.raw("<p class=\"facts\">");
    for figure in [Figure::FirstWord, Figure::Total, Figure::Output, Figure::Cost] {
        let Some(cell) = sheet.row(figure).and_then(|row| row.cells.get(at)) else { continue };
        // A cost that is not known is said; a time that is not there goes without saying.
        if cell.value.is_none() && cell.text != "?" && figure != Figure::Cost {
            continue;
        }
        let text = match (figure, cell.text.as_str()) {
            (Figure::FirstWord, text) => format!("{text} to first word"),
            (Figure::Output, text) => format!("{text} tokens"),
            (_, "?") => "cost unknown".to_owned(),
            (_, crate::render::compare::sheet::NOTHING) => continue,
            (_, text) => text.to_owned(),
        };
        page.element("span", &[], &text);
    }
    page.raw("</p>\n");
}

/// What must not be overlooked.
fn badges(page: &mut Markup, lane: &LaneResult, head: &LaneHead) {
    let mut badges: Vec<(&'static str, String)> = Vec::new();
    if let Some(run) = lane.shown() {
        let class = match run.outcome.status {
            Status::Error | Status::Skipped => "bad",
            Status::Ok | Status::Partial | Status::Cancelled => "warn",
        };
        if let Some(ending) = receipt::ending(&run.outcome) {
            let text = if ending == "length" { "cut at the token limit" } else { ending };
            badges.push((class, text.to_owned()));
        }
        badges.extend(head.cached.then(|| ("warn", "cached".to_owned())));
        badges.extend(run.outcome.possibly_billed.then(|| ("warn", "possibly billed".to_owned())));
    }
    if head.runs > 1 && head.good < head.runs {
        badges.push(("warn", format!("{} of {} runs failed", head.runs - head.good, head.runs)));
    }
    if let Some(other) = &head.answered_by {
        badges.push(("plain", format!("answered by {other}")));
    }
    if badges.is_empty() {
        return;
    }
    page.raw("<p class=\"badges\">");
    for (class, text) in badges {
        page.element("span", &[("class", class)], &text);
    }
    page.raw("</p>\n");
}

fn answer(page: &mut Markup, run: &Run) {
    let outcome = &run.outcome;
    if let Some(reasoning) = outcome.reasoning.as_deref().filter(|text| !text.trim().is_empty()) {
        page.raw("<details class=\"reasoning\"><summary>reasoning</summary><div dir=\"auto\">");
        markdown::write(reasoning, page);
        page.raw("</div></details>\n");
    }
    if !outcome.text.trim().is_empty() {
        page.raw("<div class=\"answer\" dir=\"auto\">\n");
        markdown::write(&outcome.text, page);
        page.raw("</div>\n");
    } else if outcome.error.is_none() {
        page.raw("<p class=\"empty\">no text</p>\n");
    }
    if let Some(error) = &outcome.error {
        failure(page, outcome, error);
    }
    if outcome.status == Status::Ok {
        checks(page, &run.checks);
    }
}

fn failure(page: &mut Markup, outcome: &Outcome, error: &ApiError) {
    page.raw("<div class=\"failure\"><p>");
    if !outcome.text.trim().is_empty() {
        page.raw("The answer ends here: ");
    }
    let what = phrase(error);
    page.element("strong", &[], &what);
    page.raw("</p>");
    let said = line(&error.message);
    let said =
        said.strip_prefix(what.as_str()).map_or(said.as_str(), |rest| rest.trim_start_matches([':', ' ']));
    if !said.is_empty() {
        page.element("p", &[("dir", "auto")], said);
    }
    if outcome.attempts.len() > 1 {
        page.element("p", &[], &format!("{} requests were sent", outcome.attempts.len()));
    }
    page.raw("</div>\n");
}

fn checks(page: &mut Markup, checks: &[Checked]) {
    if checks.is_empty() {
        return;
    }
    page.raw("<ul class=\"checks\">");
    for check in checks {
        let passed = check.failure.is_none();
        page.open("li", &[("class", if passed { "passed" } else { "failed" })]);
        page.raw(if passed {
            "<span aria-hidden=\"true\">✓</span><span class=\"unseen\">passed: </span> "
        } else {
            "<span aria-hidden=\"true\">✗</span><span class=\"unseen\">failed: </span> "
        });
        page.element("code", &[], &line(&check.check));
        if let Some(failure) = &check.failure {
            page.text(&format!(" {}", line(failure)));
        }
        page.close("li");
    }
    page.raw("</ul>\n");
}

/// The runs besides the one that is shown.
fn others(page: &mut Markup, lane: &LaneResult, shown: &Run) {
    let runs: Vec<(usize, &Run)> = lane.measured().enumerate().collect();
    if runs.len() < 2 {
        return;
    }
    page.raw("<details class=\"runs\">");
    page.element("summary", &[], &format!("{} besides this one", plural(runs.len() - 1, "run", "runs")));
    for (at, run) in runs {
        if std::ptr::eq(run, shown) {
            continue;
        }
        page.raw("<section>");
        let outcome = &run.outcome;
        let mut facts = vec![format!("run {}", at + 1)];
        facts.extend(outcome.timing().e2e_ms.map(figures::duration));
        facts.push(money::bill(&outcome.bill));
        facts.extend(receipt::ending(outcome).map(str::to_owned));
        page.element("h4", &[], &facts.join(" · "));
        if outcome.status == Status::Ok && outcome.text == shown.outcome.text {
            page.raw("<p class=\"empty\">the same answer</p>");
            checks(page, &run.checks);
        } else {
            answer(page, run);
        }
        page.raw("</section>\n");
    }
    page.raw("</details>\n");
}
