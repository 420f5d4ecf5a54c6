//! CSV (RFC 4180): a line a group. An empty field is unknown.

use crate::money::Cost;
use crate::spending::Spending;

/// A header and a line a group.
pub fn csv(spending: &Spending) -> String {
    let mut text = format!(
        "{},calls,input_tokens,cache_read_tokens,output_tokens,reasoning_tokens,uncounted_calls,usd,\
         approximate,unpriced_calls,billed_usd,computed_usd,estimated_usd,possibly_billed_calls\n",
        spending.by.as_str()
    );
    for (name, sums) in &spending.groups {
        let fields = [
            field(name),
            sums.calls.to_string(),
            sums.input.to_string(),
            sums.cached.to_string(),
            sums.output.to_string(),
            sums.reasoning.to_string(),
            sums.uncounted.to_string(),
            sums.known().map(Cost::to_usd).unwrap_or_default(),
            sums.is_approximate().to_string(),
            sums.total.unpriced.to_string(),
            sums.billed.cost.to_usd(),
            sums.computed.cost.to_usd(),
            sums.estimated.cost.to_usd(),
            sums.total.possibly_billed.to_string(),
        ];
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

/// A field; one that a spreadsheet would take for a formula is made text.
pub fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
