//! Time against cost: a dot a lane. What costs nothing, or nobody knows how
//! much, stands apart from the axis, and never at its zero.

use super::axis::{Axis, percent};
use super::{cut, plural};
use crate::render::compare::sheet::{Cell, Figure, Sheet};
use crate::render::markup::Markup;

/// The size that labels are laid out for, in pixels; on narrow screens only the
/// lanes' numbers are shown.
const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 320.0;

/// The room of a strip beside the axis of cost.
const STRIP: f64 = 0.13;

/// What lies between a strip and the axis.
const GAP: f64 = 0.025;

/// The most characters of a lane's label.
const LONGEST_LABEL: usize = 30;

struct Dot<'s> {
    at: usize,
    name: &'s str,
    time: &'s Cell,
    cost: &'s Cell,
    seconds: f64,
    /// USD, where it is known and not nothing.
    usd: Option<f64>,
}

/// A label's box in pixels: left, top, right, bottom.
type Area = [f64; 4];

/// Writes the chart, where two lanes or more can be compared.
pub(super) fn write(page: &mut Markup, sheet: &Sheet) {
    let dots = dots(sheet);
    let known: Vec<f64> = dots.iter().filter_map(|dot| dot.usd).collect();
    if known.is_empty() || dots.len() < 2 {
        return;
    }
    let time = Axis::of(&dots.iter().map(|dot| dot.seconds).collect::<Vec<_>>());
    let cost = Axis::of(&known);
    let free = dots.iter().any(|dot| dot.usd.is_none() && dot.cost.value.is_some());
    let unknown = dots.iter().any(|dot| dot.cost.value.is_none());
    let strips = Strips { free, unknown };
    page.raw("<figure class=\"scatter\">\n<figcaption><b>Total time against cost</b>");
    page.raw("<span class=\"key\">lower left is better</span>");
    let logs = [("time", &time), ("cost", &cost)].into_iter().filter(|(_, axis)| axis.is_log);
    let logs: Vec<&str> = logs.map(|(name, _)| name).collect();
    if !logs.is_empty() {
        page.element("span", &[("class", "key")], &format!("{} on a log scale", logs.join(" and ")));
    }
    let missing = sheet.lanes.len() - dots.len();
    if missing > 0 {
        let text = format!("{} without a measured answer left out", plural(missing, "model", "models"));
        page.element("span", &[("class", "key")], &text);
    }
    page.raw("</figcaption>\n<div class=\"plot\"><svg role=\"img\">");
    let told = |dot: &Dot<'_>| format!("{}: {}, {}", dot.name, dot.time.words, cost_words(dot.cost));
    let all: Vec<String> = dots.iter().map(told).collect();
    page.element("title", &[], &format!("Total time against cost. {}.", all.join("; ")));
    frame(page, &time, &cost, &strips);
    let mut taken: Vec<Area> = Vec::new();
    let placed: Vec<(f64, f64)> =
        dots.iter().map(|dot| (strips.place(dot, &cost), 1.0 - time.place(dot.seconds))).collect();
    taken.extend(placed.iter().map(|(x, y)| around(x * WIDTH, y * HEIGHT)));
    for (dot, (x, y)) in dots.iter().zip(&placed) {
        page.open("g", &[]);
        page.element("title", &[], &told(dot));
        page.open("circle", &[("cx", &percent(*x)), ("cy", &percent(*y)), ("r", "6")]);
        page.close("circle");
        label(page, dot, (*x, *y), &mut taken);
        page.close("g");
    }
    page.raw("</svg></div>\n</figure>\n");
}

fn cost_words(cost: &Cell) -> String {
    if cost.value.is_some() { cost.words.clone() } else { "cost unknown".to_owned() }
}

fn dots(sheet: &Sheet) -> Vec<Dot<'_>> {
    let (Some(times), Some(costs)) = (sheet.row(Figure::Total), sheet.row(Figure::Cost)) else {
        return Vec::new();
    };
    let cells = times.cells.iter().zip(&costs.cells);
    let lanes = sheet.lanes.iter().zip(cells).enumerate();
    lanes
        .filter_map(|(at, (lane, (time, cost)))| {
            let usd = cost.value.filter(|usd| *usd > 0.0);
            Some(Dot { at, name: &lane.name, time, cost, seconds: time.value? / 1_000.0, usd })
        })
        .collect()
}

/// The places beside the axis of cost.
struct Strips {
    free: bool,
    unknown: bool,
}

impl Strips {
    fn left(&self) -> f64 {
        if self.free { STRIP + GAP } else { 0.0 }
    }

    fn right(&self) -> f64 {
        if self.unknown { 1.0 - STRIP - GAP } else { 1.0 }
    }

    fn on_axis(&self, share: f64) -> f64 {
        self.left() + share * (self.right() - self.left())
    }

    fn place(&self, dot: &Dot<'_>, cost: &Axis) -> f64 {
        match (dot.usd, dot.cost.value) {
            (Some(usd), _) => self.on_axis(cost.place(usd)),
            (None, Some(_)) => STRIP / 2.0,
            (None, None) => 1.0 - STRIP / 2.0,
        }
    }
}

fn frame(page: &mut Markup, time: &Axis, cost: &Axis, strips: &Strips) {
    let mut line = |x1: f64, y1: f64, x2: f64, y2: f64, class: &str| {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(percent);
        page.open("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
        page.close("line");
    };
    for (mark, _) in &time.marks {
        let y = 1.0 - time.place(*mark);
        line(strips.left(), y, strips.right(), y, "grid");
    }
    for (mark, _) in &cost.marks {
        let x = strips.on_axis(cost.place(*mark));
        line(x, 0.0, x, 1.0, "grid");
    }
    line(0.0, 1.0, 1.0, 1.0, "base");
    if strips.free {
        line(STRIP, 0.0, STRIP, 1.0, "apart");
    }
    if strips.unknown {
        line(1.0 - STRIP, 0.0, 1.0 - STRIP, 1.0, "apart");
    }
    for (mark, label) in &time.marks {
        let y = percent(1.0 - time.place(*mark));
        let place = [("x", "-10"), ("y", y.as_str()), ("dy", "4"), ("text-anchor", "end")];
        page.element("text", &place, &format!("{label} s"));
    }
    let mut below = |x: f64, dy: &str, text: &str| {
        let place = [("x", &*percent(x)), ("y", "100%"), ("dy", dy), ("text-anchor", "middle")];
        page.element("text", &place, text);
    };
    for (mark, label) in &cost.marks {
        below(strips.on_axis(cost.place(*mark)), "20", &format!("${label}"));
    }
    if strips.free {
        below(STRIP / 2.0, "38", "free");
    }
    if strips.unknown {
        below(1.0 - STRIP / 2.0, "38", "unknown");
    }
}

fn around(x: f64, y: f64) -> Area {
    [x - 7.0, y - 7.0, x + 7.0, y + 7.0]
}

/// A dot's number, and its name where there is room for it.
fn label(page: &mut Markup, dot: &Dot<'_>, (x, y): (f64, f64), taken: &mut Vec<Area>) {
    let number = (dot.at + 1).to_string();
    let name = cut(dot.name.rsplit('/').next().unwrap_or(dot.name), LONGEST_LABEL);
    let long = number.len() + 1 + name.chars().count();
    let found = [long, number.len()].into_iter().find_map(|length| {
        let places = places(x * WIDTH, y * HEIGHT, length as f64 * 7.2);
        let fits = |area: &Area| {
            let inside = area[0] >= -4.0 && area[2] <= WIDTH + 30.0 && area[1] >= -14.0 && area[3] <= HEIGHT;
            inside && !taken.iter().any(|other| overlap(area, other))
        };
        let place = places.into_iter().find(|(_, _, _, area)| fits(area))?;
        Some((place, length == long))
    });
    let ((anchor, dx, dy, area), named) = found.unwrap_or((("start", "11", "4", around(0.0, 0.0)), false));
    taken.push(area);
    let (x, y) = (percent(x), percent(y));
    page.open("text", &[("x", &x), ("y", &y), ("dx", dx), ("dy", dy), ("text-anchor", anchor)]);
    page.element("tspan", &[("class", "key-number")], &number);
    if named {
        page.element("tspan", &[("class", "name")], &format!(" {name}"));
    }
    page.close("text");
}

/// Where a label may stand: its anchor, its distance from the dot, its box.
fn places(x: f64, y: f64, width: f64) -> [(&'static str, &'static str, &'static str, Area); 6] {
    let middle = [x - width / 2.0, x + width / 2.0];
    [
        ("start", "11", "4", [x + 11.0, y - 8.0, x + 11.0 + width, y + 8.0]),
        ("end", "-11", "4", [x - 11.0 - width, y - 8.0, x - 11.0, y + 8.0]),
        ("middle", "0", "-12", [middle[0], y - 25.0, middle[1], y - 9.0]),
        ("middle", "0", "21", [middle[0], y + 9.0, middle[1], y + 25.0]),
        ("start", "9", "-9", [x + 9.0, y - 22.0, x + 9.0 + width, y - 7.0]),
        ("start", "9", "17", [x + 9.0, y + 7.0, x + 9.0 + width, y + 22.0]),
    ]
}

fn overlap(a: &Area, b: &Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}
