//! The figures as a table: a row a lane, a column a figure.

use crate::render::compare::sheet::{Cell, Figure, Sheet};
use crate::render::markup::Markup;

/// Writes the table. The script makes its heads into buttons that sort.
pub(super) fn write(page: &mut Markup, sheet: &Sheet) {
    page.raw("<section aria-labelledby=\"figures\">\n<h2 id=\"figures\">Figures</h2>\n");
    page.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"figures\">\n<thead><tr>");
    page.raw("<th scope=\"col\" data-sort=\"number\">model</th>");
    for row in &sheet.rows {
        let sort = match row.figure {
            Figure::Finish => "text",
            Figure::Speed | Figure::Checks => "most",
            _ => "number",
        };
        page.element("th", &[("scope", "col"), ("data-sort", sort)], row.name);
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for (at, lane) in sheet.lanes.iter().enumerate() {
        page.open("tr", &[]);
        page.open("th", &[("scope", "row"), ("data-value", &(at + 1).to_string())]);
        super::lane_link(page, at, &lane.name);
        if let Some(other) = &lane.answered_by {
            page.element("small", &[], &format!("answered by {other}"));
        }
        page.close("th");
        for row in &sheet.rows {
            if let Some(cell) = row.cells.get(at) {
                write_cell(page, cell);
            }
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n</section>\n");
}

fn write_cell(page: &mut Markup, cell: &Cell) {
    let value = cell.value.map(|value| value.to_string());
    let mut attributes = Vec::new();
    attributes.extend(value.as_deref().map(|value| ("data-value", value)));
    attributes.extend(cell.best.then_some(("class", "best")));
    page.open("td", &attributes);
    if cell.words == cell.text {
        page.element("span", &[], &cell.text);
    } else {
        page.element("span", &[("aria-hidden", "true"), ("title", &cell.words)], &cell.text);
        page.element("span", &[("class", "unseen")], &cell.words);
    }
    if cell.best {
        page.raw("<span class=\"unseen\">, the best</span>");
    }
    if let Some(note) = &cell.note {
        page.raw(" ");
        page.element("small", &[], note);
    }
    page.close("td");
}
