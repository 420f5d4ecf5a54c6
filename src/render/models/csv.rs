//! Models as CSV. An empty field is unknown.

use jiff::Timestamp;

use super::{Charge, Listed, abilities};
use crate::render::csv::{row, text};
use crate::render::json::tenths;

const HEADER: &str = "model,name,context,max_output,price,input_usd_per_million,output_usd_per_million,\
                      approximate,first_word_ms,abilities,released,state\n";

/// A header and a line a model.
pub fn csv(models: &[Listed], at: Timestamp) -> String {
    let mut out = HEADER.to_owned();
    for listed in models {
        let model = &listed.model;
        let charge = Charge::of(model, model.prices_at(at).as_ref());
        let (input, output, approximate) = match charge {
            Charge::PerMillion { input, output, approximate } => (input, output, approximate),
            _ => (None, None, false),
        };
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let fields = [
            text(&model.model.to_string()),
            text(&model.name),
            number(model.context),
            number(model.max_output),
            charge.as_str().to_owned(),
            input.map(|price| price.to_string()).unwrap_or_default(),
            output.map(|price| price.to_string()).unwrap_or_default(),
            approximate.to_string(),
            listed.first_word_ms.map(|ms| tenths(ms).to_string()).unwrap_or_default(),
            abilities(model).join(" "),
            text(model.released.as_deref().unwrap_or_default()),
            model.state.as_str().to_owned(),
        ];
        out.push_str(&row(fields.iter().map(String::as_str)));
    }
    out
}
