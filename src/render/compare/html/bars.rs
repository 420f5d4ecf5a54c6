//! Bars of time: until the first word, and from there to the end. With several
//! runs each is a dot below the bar, which shows the medians.

use super::axis::{Axis, percent};
use super::lane_name;
use crate::comparison::Comparison;
use crate::outcome::Timing;
use crate::render::compare::cells::Basis;
use crate::render::compare::sheet::{Figure, Sheet};
use crate::render::markup::Markup;

/// Writes a bar a lane.
pub(super) fn write(page: &mut Markup, comparison: &Comparison, sheet: &Sheet) {
    let timings: Vec<Vec<Timing>> = comparison.lanes.iter().map(|lane| Basis::of(lane).timed()).collect();
    let totals: Vec<f64> = timings.iter().flatten().filter_map(|timing| timing.e2e_ms).map(seconds).collect();
    if totals.is_empty() {
        return;
    }
    let axis = Axis::linear(&totals);
    page.raw("<figure class=\"bars\">\n<figcaption><b>Until the first word, and to the end</b>");
    page.raw("<span class=\"key\"><i class=\"waiting\"></i> waiting</span>");
    page.raw("<span class=\"key\"><i class=\"writing\"></i> writing</span>");
    if sheet.several {
        page.raw("<span class=\"key\">bars are medians; every run: <i class=\"first\"></i> first word");
        page.raw(" <i class=\"end\"></i> end</span>");
    }
    page.raw("</figcaption>\n<div class=\"rows\">\n");
    for (at, lane) in sheet.lanes.iter().enumerate() {
        page.raw("<div class=\"row\"><span class=\"name lane\">");
        lane_name(page, at, &lane.name);
        page.raw("</span>");
        bar(page, sheet, at, &axis, if sheet.several { &timings[at] } else { &[] });
        page.raw("</div>\n");
    }
    page.raw("<div class=\"row scale\"><span></span><svg aria-hidden=\"true\" class=\"bar\">");
    for (mark, label) in &axis.marks {
        let x = percent(axis.place(*mark));
        page.element("text", &[("x", &x), ("y", "14"), ("text-anchor", "middle")], &format!("{label} s"));
    }
    page.raw("</svg><span></span></div>\n</div>\n</figure>\n");
}

fn seconds(ms: f64) -> f64 {
    ms / 1_000.0
}

fn bar(page: &mut Markup, sheet: &Sheet, at: usize, axis: &Axis, runs: &[Timing]) {
    let cell = |figure| sheet.row(figure).and_then(|row| row.cells.get(at));
    let value = |figure| cell(figure).and_then(|cell| cell.value).map(seconds);
    let text = |figure| cell(figure).map_or("", |cell| cell.text.as_str());
    let Some(total) = value(Figure::Total) else {
        page.raw("<svg aria-hidden=\"true\" class=\"bar\"></svg>");
        let why = if sheet.lanes[at].cached { "cached" } else { text(Figure::Finish) };
        return page.element("span", &[("class", "value none")], why);
    };
    let first = value(Figure::FirstWord).map(|first| first.min(total));
    let words = match first {
        Some(_) => format!("{} to the first word, {} in all", text(Figure::FirstWord), text(Figure::Total)),
        None => format!("{} in all", text(Figure::Total)),
    };
    let class = if runs.len() > 1 { "bar dotted" } else { "bar" };
    page.open("svg", &[("class", class), ("role", "img")]);
    page.element("title", &[], &format!("{}: {words}", sheet.lanes[at].name));
    for (mark, _) in &axis.marks {
        let x = percent(axis.place(*mark));
        page.open("line", &[("x1", &x), ("x2", &x), ("y1", "0"), ("y2", "100%")]);
        page.close("line");
    }
    let middle = axis.place(first.unwrap_or(0.0));
    part(page, "waiting", 0.0, middle);
    part(page, "writing", middle, axis.place(total));
    if runs.len() > 1 {
        dots(page, "end", axis, runs.iter().filter_map(|run| run.e2e_ms));
        dots(page, "first", axis, runs.iter().filter_map(|run| run.ttfv_ms));
    }
    page.close("svg");
    page.open("span", &[("class", "value")]);
    if first.is_some() {
        page.element("span", &[], text(Figure::FirstWord));
        page.raw(" → ");
    }
    page.element("b", &[], text(Figure::Total));
    page.close("span");
}

fn part(page: &mut Markup, class: &str, from: f64, to: f64) {
    if to > from {
        let (x, width) = (percent(from), percent(to - from));
        page.open("rect", &[("class", class), ("x", &x), ("y", "8"), ("width", &width), ("height", "14")]);
        page.close("rect");
    }
}

fn dots(page: &mut Markup, class: &str, axis: &Axis, values: impl Iterator<Item = f64>) {
    for value in values {
        let x = percent(axis.place(seconds(value)));
        page.open("circle", &[("class", class), ("cx", &x), ("cy", "33"), ("r", "3.5")]);
        page.close("circle");
    }
}
