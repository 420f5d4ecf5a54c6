//! Zeros that are no price. Free of charge is what a source says that can also
//! say "unknown", or what a name says; any other zero is unknown.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::price::{Part, Prices};
use crate::model::ModelRef;
use crate::money::Price;

/// Ids whose zeros stand for a price that is none by the token: a router's is
/// that of the model that it chooses, music and speech are charged by the piece
/// or the minute. Sources: openrouter.ai/docs on its routers, whose own list says
/// -1 for them; the models' pages.
const PRICED_OTHERWISE: [(&str, &str); 8] = [
    ("openrouter", "auto"),
    ("openrouter", "openrouter/auto"),
    ("openrouter", "openrouter/bodybuilder"),
    ("openrouter", "openrouter/fusion"),
    ("openrouter", "openrouter/pareto"),
    ("openrouter", "typesafe/jev-router"),
    ("openrouter", "google/lyria"),
    ("vercel", "spacexai/grok-voice"),
];

/// Whether zeros are no proof that nothing is charged for a model. `by_route`:
/// its price depends on the route; `was`: what each source says of it, where
/// that departs from its row (see [`super::refresh`]).
pub(super) fn is_doubtful(model: &ModelRef, name: &str, by_route: bool, was: Option<&str>) -> bool {
    let is_called_free = says_free(&model.model) || says_free(name);
    !is_called_free && (is_priced_otherwise(model) || by_route || was.is_some_and(is_contested))
}

/// Whether a name has the word `free` in it.
fn says_free(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("free"))
}

/// Whether models.dev, which leaves out what it does not know, has no such
/// price, or genai-prices has another. Then the zeros come from pi-ai's list
/// alone, which writes zero for a price that it does not know, too.
fn is_contested(was: &str) -> bool {
    type Said<'a> = HashMap<&'a str, Option<HashMap<&'a str, &'a RawValue>>>;
    let Ok(was) = serde_json::from_str::<Said<'_>>(was) else { return true };
    let departs = |source: &str| match was.get(source) {
        None => false,
        // It does not list the model, which says something of models.dev alone: that lists all.
        Some(None) => source == "md",
        Some(Some(said)) => ["$i", "$o"].iter().any(|key| said.contains_key(key)),
    };
    // A gateway knows its own zeros.
    !was.contains_key("or") && (departs("md") || departs("gp"))
}

fn is_priced_otherwise(model: &ModelRef) -> bool {
    let of =
        |(provider, id): &(&str, &str)| model.provider.as_str() == *provider && model.model.starts_with(id);
    PRICED_OTHERWISE.iter().any(of)
}

/// Forgets the zero of a row whose prompt or answer alone is charged for. Nobody
/// does that: a source did not know the other price, or it is that of the model
/// that a router chooses.
pub(super) fn drop_one_sided(prices: &mut Prices) {
    let sides = [Part::Input, Part::Output].map(|part| (part, prices.get(part)));
    if sides.iter().any(|(_, price)| price.is_some_and(|price| price > Price::ZERO)) {
        for (part, _) in sides.iter().filter(|(_, price)| *price == Some(Price::ZERO)) {
            prices.set(*part, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_doubtful(id: &str, name: &str, was: Option<&str>) -> bool {
        super::is_doubtful(&ModelRef::new("zai", id), name, false, was)
    }

    #[test]
    fn a_zero_is_doubted_where_no_source_vouches_for_it() {
        for was in [
            r#"{"md":null}"#,
            r#"{"md":{"$i":null,"$o":null,"$r":null}}"#,
            r#"{"gp":{"$i":0.1,"$o":0.3},"md":{"$r":null}}"#,
            "[",
        ] {
            assert!(is_doubtful("glm-highspeed", "GLM Highspeed", Some(was)), "{was}");
            assert!(!is_doubtful("glm-free", "GLM", Some(was)), "{was}");
            assert!(!is_doubtful("glm", "GLM (Free)", Some(was)), "{was}");
            assert!(is_doubtful("freedom", "Freedom", Some(was)), "{was}");
        }
        for was in
            [None, Some(r#"{"gp":null}"#), Some(r#"{"md":{"$r":null}}"#), Some(r#"{"md":null,"or":{}}"#)]
        {
            assert!(!is_doubtful("glm-flash", "GLM Flash", was), "{was:?}");
        }
    }

    #[test]
    fn a_zero_that_depends_on_the_route_is_none() {
        let model = ModelRef::new("huggingface", "zai-org/GLM-4.7-Flash");
        assert!(super::is_doubtful(&model, "GLM-4.7-Flash", true, None));
    }

    #[test]
    fn the_zero_of_one_side_alone_is_unknown() {
        let row = |input, output| {
            let mut prices = Prices::default();
            prices.set(Part::Input, Price::per_million(input).ok());
            prices.set(Part::Output, Price::per_million(output).ok());
            drop_one_sided(&mut prices);
            [Part::Input, Part::Output].map(|part| prices.get(part).map(|price| price.to_string()))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(row("0.14", "0"), [some("0.14"), None]);
        assert_eq!(row("0", "2"), [None, some("2")]);
        assert_eq!(row("0", "0"), [some("0"), some("0")]);
    }
}
