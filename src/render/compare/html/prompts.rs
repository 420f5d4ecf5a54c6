//! Many prompts as one page: totals a model, every prompt with what each model
//! made of it, and all answers, folded.

use super::{TOP, answers, cut, date, foot, head, in_all, lane_name, plural};
use crate::comparison::{Comparison, LaneResult};
use crate::matrix::Matrix;
use crate::outcome::{Status, ms};
use crate::render::compare::cells::line;
use crate::render::compare::matrix::{facts, statements};
use crate::render::compare::sheet::{Figure, Sheet, sheet};
use crate::render::figures;
use crate::render::markup::Markup;

/// So much of a prompt stands in the table.
const LONGEST: usize = 90;

/// One of many prompts and its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedPrompt {
    /// Its id.
    pub id: String,
    /// What was asked; empty where no call of it is known.
    pub prompt: String,
    /// What each lane made of it, in the order of [`Matrix::lanes`]; a lane that
    /// was not asked has no runs.
    pub lanes: Vec<LaneResult>,
}

/// The page of many prompts.
pub fn html_of_prompts(matrix: &Matrix, prompts: Vec<AskedPrompt>) -> String {
    let mut page = Markup::default();
    head(&mut page, &matrix.file);
    page.raw("<body>\n");
    top(&mut page, matrix);
    page.raw("<main>\n");
    totals(&mut page, matrix);
    let asked: Vec<(String, Comparison)> =
        prompts.into_iter().map(|prompt| (prompt.id.clone(), comparison(matrix, prompt))).collect();
    let asked: Vec<(String, Comparison, Sheet)> = asked
        .into_iter()
        .map(|(id, comparison)| {
            let sheet = sheet(&comparison);
            (id, comparison, sheet)
        })
        .collect();
    table(&mut page, matrix, &asked);
    page.raw("<section aria-labelledby=\"answers\">\n<h2 id=\"answers\">Answers</h2>\n");
    for (at, (id, comparison, sheet)) in asked.iter().enumerate() {
        folded(&mut page, at, id, comparison, sheet);
    }
    page.raw("</section>\n</main>\n");
    foot(&mut page, matrix.id, false, false);
    page.into_string()
}

/// One of the prompts as a comparison of its own.
fn comparison(matrix: &Matrix, asked: AskedPrompt) -> Comparison {
    Comparison {
        id: matrix.id,
        started_at: matrix.started_at,
        prompt: asked.prompt,
        wall: matrix.wall,
        lanes: asked.lanes,
        agreement: None,
    }
}

fn top(page: &mut Markup, matrix: &Matrix) {
    page.raw(TOP);
    page.element("h1", &[("dir", "auto")], &line(&matrix.file));
    page.raw("\n<p class=\"facts\">");
    let at = matrix.started_at;
    page.element("time", &[("datetime", &at.to_string())], &date(at));
    let calls: u64 = matrix.lanes.iter().map(|lane| lane.calls).sum();
    for fact in [
        plural(matrix.prompts, "prompt", "prompts"),
        plural(matrix.lanes.len(), "model", "models"),
        plural(usize::try_from(calls).unwrap_or(usize::MAX), "call", "calls"),
        figures::duration(ms(matrix.wall)),
    ] {
        page.element("span", &[], &fact);
    }
    page.element("span", &[("class", "total")], &in_all(&matrix.total()));
    page.raw("</p>\n</header>\n");
}

/// A row a model, a column a figure, and what they come to.
fn totals(page: &mut Markup, matrix: &Matrix) {
    let facts = facts(matrix);
    page.raw("<section aria-labelledby=\"figures\">\n<h2 id=\"figures\">Totals</h2>\n");
    page.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"figures plain\">\n<thead><tr>");
    page.raw("<th scope=\"col\">model</th>");
    for (name, _) in &facts {
        page.element("th", &[("scope", "col")], name.trim_start());
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for (at, lane) in matrix.lanes.iter().enumerate() {
        page.raw("<tr><th scope=\"row\"><span class=\"lane\">");
        lane_name(page, at, &line(&lane.name));
        page.raw("</span></th>");
        for (_, cells) in &facts {
            page.element("td", &[], &cells[at]);
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n<ul class=\"summary\">\n");
    for statement in statements(matrix) {
        let class = match (statement.is_bad, statement.is_detail) {
            (true, _) => "bad",
            (_, true) => "detail",
            _ => "said",
        };
        page.element("li", &[("class", class)], &statement.text);
    }
    page.raw("</ul>\n</section>\n");
}

/// A row a prompt, a column a model: how long it took and what it cost, or why
/// there is no answer. Each leads to the answer.
fn table(page: &mut Markup, matrix: &Matrix, asked: &[(String, Comparison, Sheet)]) {
    page.raw("<section aria-labelledby=\"prompts\">\n<h2 id=\"prompts\">Prompts</h2>\n");
    page.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"figures plain\">\n<thead><tr>");
    page.raw("<th scope=\"col\">prompt</th>");
    for (at, lane) in matrix.lanes.iter().enumerate() {
        page.raw("<th scope=\"col\"><span class=\"lane\">");
        lane_name(page, at, &line(&lane.name));
        page.raw("</span></th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for (at, (id, comparison, sheet)) in asked.iter().enumerate() {
        page.raw("<tr><th scope=\"row\">");
        page.open("a", &[("href", &format!("#p{}", at + 1))]);
        page.text(&line(id));
        page.close("a");
        page.element("small", &[("dir", "auto")], &cut(&line(comparison.prompt.trim()), LONGEST));
        page.raw("</th>");
        for lane in 0..comparison.lanes.len() {
            cell(page, at, lane, comparison, sheet);
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n</section>\n");
}

fn cell(page: &mut Markup, prompt: usize, lane: usize, comparison: &Comparison, sheet: &Sheet) {
    let text = |figure| sheet.row(figure).map(|row| row.cells[lane].text.as_str());
    let Some(run) = comparison.lanes[lane].shown() else {
        return page.raw("<td>not asked</td>");
    };
    let is_ok = run.outcome.status == Status::Ok;
    let failed = run.checks.iter().filter(|check| check.failure.is_some()).count();
    page.raw("<td>");
    let link = format!("#p{}-lane-{}", prompt + 1, lane + 1);
    page.open("a", &[("href", &link), ("class", if is_ok { "good" } else { "bad" })]);
    page.text(if is_ok { text(Figure::Total) } else { text(Figure::Finish) }.unwrap_or("–"));
    page.close("a");
    let mut notes: Vec<String> = text(Figure::Cost).into_iter().map(str::to_owned).collect();
    if failed > 0 && is_ok {
        notes.push(plural(failed, "check failed", "checks failed"));
    }
    page.element("small", &[], &notes.join(" · "));
    page.close("td");
}

fn folded(page: &mut Markup, at: usize, id: &str, comparison: &Comparison, sheet: &Sheet) {
    page.open("details", &[("class", "asked"), ("id", &format!("p{}", at + 1))]);
    page.raw("<summary>");
    page.element("b", &[], &line(id));
    page.raw(" ");
    page.element("span", &[("dir", "auto")], &cut(&line(comparison.prompt.trim()), LONGEST));
    page.raw("</summary>\n");
    page.element("div", &[("class", "prompt"), ("dir", "auto")], comparison.prompt.trim());
    page.raw("\n");
    answers::cards(page, comparison, sheet, &format!("p{}-", at + 1));
    page.raw("</details>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Run;
    use crate::matrix::tests::{empty, good, lost};

    fn asked(id: &str, prompt: &str, runs: [Vec<Run>; 2]) -> AskedPrompt {
        let lanes = ["a/one", "b/one"].into_iter().zip(runs);
        let lane = |(name, runs): (&str, _)| LaneResult {
            name: name.to_owned(),
            route: serde_json::Value::Null,
            runs,
        };
        AskedPrompt { id: id.to_owned(), prompt: prompt.to_owned(), lanes: lanes.map(lane).collect() }
    }

    #[test]
    fn every_cell_leads_to_its_answer_and_text_is_never_markup() {
        let mut matrix = empty(2);
        let (fine, none) = (good(400, "0.001"), lost());
        for (lane, run) in [(0, &fine), (1, &none)] {
            matrix.add(lane, "<b>1", run, false);
        }
        let prompts = vec![
            asked("<b>1", "</details><script>alert(1)</script>", [vec![fine.clone()], vec![none]]),
            asked("2", "say yes", [vec![fine], Vec::new()]),
        ];
        let page = html_of_prompts(&matrix, prompts);
        assert!(!page.contains("<b>1") && !page.contains("<script>alert"), "{page}");
        assert_eq!(page.matches("<script>").count(), 1);
        for (lane, shown) in [(1, "0.80 s</a><small>$0.001</small>"), (2, "error</a><small>?</small>")] {
            let link = format!("href=\"#p1-lane-{lane}\"");
            assert!(page.contains(&link) && page.contains(shown), "{page}");
            assert_eq!(page.matches(&format!("id=\"p1-lane-{lane}\"")).count(), 1);
        }
        assert!(page.contains("<td>not asked</td>"), "{page}");
        assert_eq!(page.matches("<details class=\"asked\"").count(), 2);
        assert!(page.contains("1 of 2 calls failed"), "{page}");
    }
}
