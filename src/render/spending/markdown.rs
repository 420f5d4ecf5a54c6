//! The same as Markdown: a table, and what the sum is made of.

use super::facts;
use super::text::columns;
use crate::render::columns::markdown as table;
use crate::render::compare::escaped;
use crate::render::filter::clean_line;
use crate::spending::Spending;

/// The table with its sum, and the facts as a list.
pub fn markdown(spending: &Spending) -> String {
    let columns = columns(spending, &|name| clean_line(name).into_owned());
    let mut text = table(&columns, spending.groups.len() + 2) + "\n";
    for (name, value) in facts(spending) {
        text += &format!("- {name}: {}\n", escaped(&value));
    }
    text
}
