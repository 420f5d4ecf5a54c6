use super::*;
use crate::chat::{Message, Params, Role};
use crate::model::ModelRef;

fn request(text: &str) -> Request {
    Request { messages: vec![Message::text(Role::User, text)], ..Request::default() }
}

fn measured(median: u64) -> Measured {
    Measured { median, calls: 7 }
}

#[test]
fn an_estimate_keeps_what_was_reported() {
    let request = request("two words");
    let guessed = usage(&request, "three short words", "one", None);
    assert_eq!((guessed.input().0, guessed.output.0, guessed.reasoning.0), (3, 4, 1));
    let reported = Usage { input_uncached: Tokens(50), cache_read: Tokens(9), ..Usage::default() };
    assert_eq!(usage(&request, "x", "", Some(reported)).input().0, 59);
}

#[test]
fn a_median_needs_enough_calls() {
    assert_eq!(Measured::of(vec![1, 2, 3, 4]), None);
    assert_eq!(Measured::of(vec![9, 1, 5, 2, 3]), Some(Measured { median: 3, calls: 5 }));
    assert_eq!(Measured::of(vec![9, 1, 5, 2, 3, 7]), Some(Measured { median: 4, calls: 6 }));
}

#[test]
fn what_was_measured_beats_the_rule_where_the_text_is_alike() {
    let known = |median| Known { tokens_per_1000_chars: Some(measured(median)), ..Known::default() };
    let english = request(&"a sentence of plain words ".repeat(40));
    let by_rule = of(&english, None, None);
    let alike = of(&english, None, Some(&known(300)));
    assert_eq!((alike.input, alike.counted), (312, Counted::Measured { calls: 7 }));
    assert_eq!(by_rule.counted, Counted::ByRule);
    // Five letters a token were measured of English; this is Chinese.
    let chinese = request(&"春眠不觉晓处处闻啼鸟".repeat(40));
    let other = of(&chinese, None, Some(&known(200)));
    assert_eq!((other.input, other.counted), (input(&chinese), Counted::ByRule));
}

#[test]
fn the_range_goes_from_the_prompt_to_the_longest_answer() {
    let catalog = crate::catalog::Catalog::embedded();
    let row = catalog.model(&ModelRef::new("openai", "gpt-6-sol")).unwrap();
    let mut request = request("two words");
    request.params = Params { max_tokens: Some(1_000), ..Params::default() };
    let known = Known { output: Some(measured(100)), ..Known::default() };
    let estimate = of(&request, Some(&row), Some(&known));
    let usd = |cost: Option<Cost>| cost.unwrap().to_usd();
    // Two dollars for a million tokens in, ten for a million out.
    assert_eq!(usd(estimate.least), "0.000006");
    assert_eq!(usd(estimate.typical), "0.001006");
    assert_eq!(usd(estimate.most), "0.010006");
    let short = Known { output: Some(measured(5_000)), ..known };
    assert_eq!(of(&request, Some(&row), Some(&short)).typical, estimate.most);
}

#[test]
fn the_upper_end_is_that_of_the_dearest_hour() {
    let catalog = crate::catalog::Catalog::embedded();
    let row = catalog.model(&ModelRef::new("deepseek", "deepseek-flash")).unwrap();
    let mut request = request("two words");
    request.params.max_tokens = Some(1);
    let estimate = of(&request, Some(&row), None);
    let usage = Usage { input_uncached: Tokens(3), output: Tokens(1), ..Usage::default() };
    let peak = "2026-11-23T02:30:00Z".parse().unwrap();
    assert_eq!(estimate.most, row.list_cost(&usage, peak, Pricing::default()).map(|listed| listed.cost));
    assert!(estimate.note.unwrap().contains("peak"));
}

#[test]
fn an_unknown_price_is_no_price() {
    let estimate = of(&request("two words"), None, None);
    assert_eq!((estimate.least, estimate.typical, estimate.most), (None, None, None));
    assert_eq!(estimate.in_words(), "~3 tokens in the prompt, cost unknown");
    assert_eq!(estimate.to_json()["usd_max"], Value::Null);
}

#[test]
fn fields_of_the_body_bound_and_multiply_the_answer() {
    let catalog = crate::catalog::Catalog::embedded();
    let row = catalog.model(&ModelRef::new("openai", "gpt-6.1-sol")).unwrap();
    let with = |fields: Value| {
        let params = Params { extra: fields.as_object().unwrap().clone(), ..Params::default() };
        of(&Request { params, ..request("two words") }, Some(&row), None)
    };
    let cost = |output: u64| {
        let usage = Usage { input_uncached: Tokens(3), output: Tokens(output), ..Usage::default() };
        row.list_cost(&usage, Timestamp::now(), Pricing::default()).map(|listed| listed.cost)
    };
    let limited = with(json!({"max_completion_tokens": 5}));
    assert_eq!((limited.most_output, limited.most), (Some(5), cost(5)));
    assert_eq!(with(json!({"max_completion_tokens": 5, "n": 3})).most, cost(15));
}
