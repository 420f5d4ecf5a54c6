//! CSV (RFC 4180): a line a group. An empty field is unknown.

use crate::money::Cost;
use crate::render::csv;
use crate::spending::{Loose, Spending};

/// A header and a line a group.
pub fn csv(spending: &Spending) -> String {
    let mut text = format!(
        "{},calls,input_tokens,cache_read_tokens,output_tokens,reasoning_tokens,uncounted_calls,usd,\
         approximate,unpriced_calls,billed_usd,computed_usd,estimated_usd,possibly_billed_calls,\
         lost_calls,lost_usd_most,under_way_calls,under_way_usd_most\n",
        spending.by.as_str()
    );
    for (name, sums) in &spending.groups {
        let is_counted = sums.uncounted < sums.calls || sums.calls == 0;
        let tokens = |number: u64| if is_counted { number.to_string() } else { String::new() };
        let fields = [
            csv::text(name),
            sums.calls.to_string(),
            tokens(sums.input),
            tokens(sums.cached),
            tokens(sums.output),
            tokens(sums.reasoning),
            sums.uncounted.to_string(),
            sums.known().map(Cost::to_usd).unwrap_or_default(),
            sums.is_approximate().to_string(),
            sums.total.unpriced.to_string(),
            sums.billed.cost.to_usd(),
            sums.computed.cost.to_usd(),
            sums.estimated.cost.to_usd(),
            sums.possibly_billed().to_string(),
            sums.lost.calls.to_string(),
            most(&sums.lost),
            sums.under_way.calls.to_string(),
            most(&sums.under_way),
        ];
        text += &csv::row(fields.iter().map(String::as_str));
    }
    text
}

fn most(loose: &Loose) -> String {
    if loose.unpriced == loose.calls && loose.calls > 0 { String::new() } else { loose.most.to_usd() }
}
