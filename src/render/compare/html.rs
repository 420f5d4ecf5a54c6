//! A comparison as one page that stands by itself: nothing is loaded from
//! elsewhere, it is whole without its script, and a policy inside of it lets
//! no other script run.

mod agreement;
mod answers;
mod axis;
mod bars;
mod markdown;
mod prompts;
mod scatter;
mod table;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

use super::sheet::{Cell, Figure, Sheet, sheet};
use super::total;
use crate::comparison::{Comparison, Total};
use crate::outcome::ms;
use crate::render::figures;
use crate::render::filter::clean_line;
use crate::render::markup::Markup;

pub use prompts::{AskedPrompt, html_of_prompts};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The beginning of what stands above everything.
const TOP: &str = concat!(
    "<header class=\"top\">\n<p class=\"mark\">pollm <span>compare</span></p>\n",
    "<button id=\"theme\" type=\"button\" hidden>dark</button>\n",
);

/// A prompt of at most so many characters, on one line, is its own headline.
const LONGEST_HEADLINE: usize = 160;

/// A longer prompt than so many characters is folded.
const LONGEST_UNFOLDED: usize = 1_200;

/// The page of a comparison.
pub fn html(comparison: &Comparison) -> String {
    let sheet = sheet(comparison);
    let mut page = Markup::default();
    head(&mut page, &comparison.prompt);
    page.raw("<body>\n");
    top(&mut page, comparison, &sheet);
    page.raw("<main>\n");
    winners(&mut page, &sheet);
    table::write(&mut page, &sheet);
    agreement::write(&mut page, comparison, &sheet);
    answers::write(&mut page, comparison, &sheet);
    page.raw("<section aria-labelledby=\"charts\">\n<h2 id=\"charts\">Time and cost</h2>\n<div class=\"charts\">\n");
    bars::write(&mut page, comparison, &sheet);
    scatter::write(&mut page, &sheet);
    page.raw("</div>\n</section>\n</main>\n");
    foot(&mut page, comparison.id, sheet.several, sheet.some_cold);
    page.into_string()
}

fn head(page: &mut Markup, title: &str) {
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let policy = policy();
    page.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    page.raw(concat!(
        "\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        "<meta name=\"color-scheme\" content=\"light dark\">\n",
        "<meta name=\"referrer\" content=\"no-referrer\">\n",
        "<meta name=\"generator\" content=\"pollm ",
        env!("CARGO_PKG_VERSION"),
        "\">\n",
    ));
    page.element("title", &[], &format!("{} – pollm", cut(&clean_line(title), 80)));
    page.raw("\n<style>");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n");
}

/// Nothing but this page's own style and script, known by their hashes: what
/// slips in anyhow neither runs nor loads.
fn policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| {
        // A parser of HTML reads every line end as one character.
        let hash = Sha256::digest(text.replace("\r\n", "\n"));
        BASE64_STANDARD.encode(hash)
    });
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}

fn top(page: &mut Markup, comparison: &Comparison, sheet: &Sheet) {
    page.raw(TOP);
    prompt(page, &comparison.prompt);
    page.raw("<p class=\"facts\">");
    let at = comparison.started_at;
    page.element("time", &[("datetime", &at.to_string())], &date(at));
    let calls: usize = comparison.lanes.iter().map(|lane| lane.runs.len()).sum();
    let mut facts = vec![plural(sheet.lanes.len(), "model", "models")];
    if calls != sheet.lanes.len() {
        facts.push(plural(calls, "call", "calls"));
    }
    facts.push(figures::duration(ms(comparison.wall)));
    for fact in facts {
        page.element("span", &[], &fact);
    }
    page.element("span", &[("class", "total")], &in_all(&comparison.total()));
    page.raw("</p>\n</header>\n");
}

fn prompt(page: &mut Markup, prompt: &str) {
    let text = prompt.trim();
    let length = text.chars().count();
    if length <= LONGEST_HEADLINE && !text.contains('\n') {
        page.element("h1", &[("dir", "auto")], if text.is_empty() { "(an empty prompt)" } else { text });
    } else {
        page.element(
            "h1",
            &[("dir", "auto")],
            &cut(&clean_line(text.lines().next().unwrap_or_default()), LONGEST_HEADLINE / 2),
        );
        page.raw(if length <= LONGEST_UNFOLDED { "<details open>" } else { "<details>" });
        let count = figures::count(u64::try_from(length).unwrap_or(u64::MAX));
        page.element("summary", &[], &format!("the whole prompt, {count} characters"));
        page.element("div", &[("class", "prompt"), ("dir", "auto")], text);
        page.raw("</details>");
    }
    page.raw("\n");
}

/// What all calls cost together.
fn in_all(total: &Total) -> String {
    let cost = total::short(total);
    let mut text = if cost == "?" { "cost unknown".to_owned() } else { format!("{cost} in all") };
    let calls = |count: u64| plural(usize::try_from(count).unwrap_or(usize::MAX), "call", "calls");
    let mut notes = Vec::new();
    if total.unpriced > 0 {
        notes.push(format!("{} unpriced", calls(total.unpriced)));
    }
    if total.possibly_billed > 0 {
        notes.push(format!("{} possibly billed", calls(total.possibly_billed)));
    }
    if !notes.is_empty() {
        text.push_str(&format!(" ({})", notes.join(", ")));
    }
    text
}

/// The best of each figure at a glance.
fn winners(page: &mut Markup, sheet: &Sheet) {
    let told = [
        (Figure::FirstWord, "first word soonest"),
        (Figure::Total, "done first"),
        (Figure::Speed, "fastest writer"),
        (Figure::Cost, "cheapest"),
    ];
    let cells = |figure| sheet.row(figure).map(|row| row.cells.as_slice()).unwrap_or_default();
    if !told.iter().any(|(figure, _)| cells(*figure).iter().any(|cell| cell.best)) {
        return;
    }
    page.raw("<dl class=\"winners\">\n");
    for (figure, title) in told {
        let winners: Vec<(usize, &Cell)> =
            cells(figure).iter().enumerate().filter(|(_, cell)| cell.best).collect();
        let Some((_, cell)) = winners.first() else { continue };
        page.raw("<div>");
        page.element("dt", &[], title);
        page.raw("<dd>");
        page.element("strong", &[], &cell.text);
        for (at, _) in &winners {
            page.raw(" ");
            lane_link(page, *at, &sheet.lanes[*at].name);
        }
        page.raw("</dd></div>\n");
    }
    page.raw("</dl>\n");
}

/// A lane's number and name, leading to its answer.
fn lane_link(page: &mut Markup, at: usize, name: &str) {
    page.open("a", &[("class", "lane"), ("href", &format!("#lane-{}", at + 1))]);
    lane_name(page, at, name);
    page.close("a");
}

fn lane_name(page: &mut Markup, at: usize, name: &str) {
    page.element("span", &[("class", "number")], &(at + 1).to_string());
    page.raw(" <bdi>");
    for part in name.split_inclusive(['/', ',']) {
        page.text(part);
        page.raw("<wbr>");
    }
    page.raw("</bdi>");
}

/// What the figures mean, who made this, and the end of the page.
fn foot(page: &mut Markup, id: Ulid, several: bool, some_cold: bool) {
    page.raw(concat!(
        "<footer>\n<p><b>First word</b> is the time until the first visible text, <b>total</b> until the end ",
        "of the answer, both of the request that succeeded; <b>speed</b> counts tokens after the first. ",
        "Failed and cached answers are in no figure of time. ",
        "<b>~</b> is estimated, <b>≈</b> approximate, <b>?</b> unknown, which is not zero.",
    ));
    if several {
        page.raw(" Times and speeds are medians of the runs; <b>n</b> is how many they are taken from.");
    }
    if some_cold {
        page.raw(" Runs that had to connect first are left out.");
    }
    page.raw("</p>\n<p>");
    page.text(&format!("pollm {}, comparison {}", env!("CARGO_PKG_VERSION"), id));
    page.raw("</p>\n</footer>\n<script>");
    page.raw(SCRIPT);
    page.raw("</script>\n</body>\n</html>\n");
}

/// A moment for readers in any time zone.
fn date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A text cut behind so many characters.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
