//! One page that needs nothing else: a chart, a table and the facts.

use std::fmt::Write as _;

use super::{cost, facts, share, tokens};
use crate::render::figures::count;
use crate::render::filter::clean_line;
use crate::render::markup::Markup;
use crate::spending::{Spending, Sums};

/// Groups in the chart; the table has all of them.
const MOST_BARS: usize = 60;

/// Measures of the chart, in units of its own.
const ROW: usize = 24;
const LABEL: usize = 280;
const ROOM: usize = 420;
const WIDTH: usize = 840;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2024;--dim:#60646c;--line:#d9d9e0;--page:#fff;--bar:#3e63dd}\
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--dim:#b0b4ba;--line:#363a3f;--page:#111113;--bar:#849dff}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:64rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem}svg{width:100%;height:auto}svg text{fill:var(--ink);font-size:13px}svg rect{fill:var(--bar)}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}tfoot{font-weight:600}dt{color:var(--dim)}dd{margin:0 0 .4rem}";

/// The page. Names are escaped: they may have come from anywhere.
pub fn html(spending: &Spending) -> String {
    let title = format!("Cost by {}", spending.by.as_str());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    chart(&mut page, spending);
    table(&mut page, spending);
    page.push_str("<dl>\n");
    for (name, value) in facts(spending) {
        let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(&value));
    }
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(page, "</dl>\n<p><small>pollm {version}</small></p>\n</body>\n</html>\n");
    page
}

fn chart(page: &mut String, spending: &Spending) {
    let known = |sums: &Sums| sums.total.known.atto().max(0);
    let most = spending.groups.iter().map(|(_, sums)| known(sums)).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    // Of days the latest are shown, of all others the dearest.
    let skipped = if spending.by == crate::spending::By::Day {
        spending.groups.len().saturating_sub(MOST_BARS)
    } else {
        0
    };
    let shown = spending.groups.iter().skip(skipped).take(MOST_BARS);
    let height = shown.len() * ROW + 8;
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Cost by {}\">",
        spending.by.as_str()
    );
    for (at, (name, sums)) in shown.enumerate() {
        let room = i128::try_from(ROOM).unwrap_or(0);
        let length = known(sums).saturating_mul(room) / most;
        let (top, middle) = (at * ROW + 4, at * ROW + 4 + ROW * 2 / 3);
        let label = escaped(&shortened(name));
        let behind = i128::try_from(LABEL).unwrap_or(0) + length + 8;
        let _ = writeln!(
            page,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{label}</text>\
             <rect x=\"{LABEL}\" y=\"{top}\" width=\"{length}\" height=\"{}\" rx=\"2\"/>\
             <text x=\"{behind}\" y=\"{middle}\">{}</text>",
            LABEL - 8,
            ROW - 6,
            escaped(&cost(sums)),
        );
    }
    page.push_str("</svg>\n");
}

/// The end of a name that is too long for the chart.
fn shortened(name: &str) -> String {
    const MOST: usize = 36;
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= MOST {
        return name.to_owned();
    }
    std::iter::once('…').chain(letters[letters.len() - MOST + 1..].iter().copied()).collect()
}

fn table(page: &mut String, spending: &Spending) {
    page.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    let heads = [spending.by.as_str(), "calls", "in", "cached", "out", "reasoning", "cost", "share"];
    for head in heads {
        let _ = write!(page, "<th scope=\"col\">{head}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (name, sums) in &spending.groups {
        row(page, name, sums, spending);
    }
    page.push_str("</tbody>\n<tfoot>\n");
    row(page, "total", &spending.all, spending);
    page.push_str("</tfoot>\n</table></div>\n");
}

fn row(page: &mut String, name: &str, sums: &Sums, spending: &Spending) {
    let cells = [
        name.to_owned(),
        count(sums.calls),
        tokens(sums.input, sums),
        tokens(sums.cached, sums),
        tokens(sums.output, sums),
        tokens(sums.reasoning, sums),
        cost(sums),
        share(spending, sums),
    ];
    page.push_str("<tr>");
    for cell in cells {
        let _ = write!(page, "<td>{}</td>", escaped(&cell));
    }
    page.push_str("</tr>\n");
}

fn escaped(text: &str) -> String {
    let mut markup = Markup::default();
    markup.text(&clean_line(text));
    markup.into_string()
}
