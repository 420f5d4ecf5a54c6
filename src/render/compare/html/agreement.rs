//! Who agrees with whom.

use super::{cut, lane_link, plural};
use crate::comparison::Comparison;
use crate::render::compare::cells::line;
use crate::render::compare::sheet::Sheet;
use crate::render::markup::Markup;

/// The most characters of a group's answer that are shown.
const LONGEST: usize = 280;

/// Writes the groups of equal answers, where they were asked for.
pub(super) fn write(page: &mut Markup, comparison: &Comparison, sheet: &Sheet) {
    let Some(agreement) = &comparison.agreement else { return };
    page.raw("<section aria-labelledby=\"agreement\">\n<h2 id=\"agreement\">Agreement</h2>\n<p>");
    let answered: usize = agreement.groups.iter().map(|group| group.lanes.len()).sum();
    page.text(&match (answered, agreement.groups.len()) {
        (0, _) => "No model answered.".to_owned(),
        (1, _) => "Only one model answered.".to_owned(),
        (all, 1) => format!("All {all} answers are the same."),
        (all, groups) => format!("{all} answers in {groups} groups."),
    });
    if !agreement.fields.is_empty() {
        page.text(" They differ in ");
        for (at, field) in agreement.fields.iter().enumerate() {
            page.raw(if at == 0 { "" } else { ", " });
            page.element("code", &[], &line(field));
        }
        page.text(".");
    }
    if comparison.has_rounds() {
        page.text(" Of several runs the answer shown counts.");
    }
    page.raw("</p>\n");
    if answered == 0 {
        return page.raw("</section>\n");
    }
    page.raw("<ol class=\"groups\">\n");
    for group in &agreement.groups {
        page.raw("<li><p>");
        page.element("strong", &[], &plural(group.lanes.len(), "model", "models"));
        for at in &group.lanes {
            if let Some(lane) = sheet.lanes.get(*at) {
                page.raw(" ");
                lane_link(page, *at, &lane.name);
            }
        }
        page.raw("</p>");
        page.element("blockquote", &[("dir", "auto")], &cut(&line(&group.answer), LONGEST));
        page.raw("</li>\n");
    }
    page.raw("</ol>\n</section>\n");
}
