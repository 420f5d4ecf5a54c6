use serde_json::json;

use super::*;
use crate::catalog::Part as PricePart;
use crate::catalog::{Catalog, PriceRow, Prices, Tier};
use crate::chat::{Media, MediaSource, Message, Params, Part, Role};
use crate::money::Price;
use crate::wire::{Auth, Protocol, quirks};

fn lane(provider: &str, protocol: Protocol, row: Option<Model>) -> Lane {
    let model = ModelRef::new(provider, "m");
    let facts = row.as_ref().map(Model::facts).unwrap_or_default();
    let target = Target {
        model: model.clone(),
        api_model: "m".to_owned(),
        protocol,
        base_url: "http://127.0.0.1/v1".to_owned(),
        auth: Auth::Bearer,
        headers: Vec::new(),
        quirks: quirks::of(provider),
        facts,
    };
    let way = Way::Http { target: Box::new(target), key: Ok(None) };
    Lane { name: model.to_string(), model, row, params: Params::default(), way }
}

/// Prices by part, in USD per million tokens.
fn priced(prices: &[(PricePart, &str)]) -> Model {
    let row = PriceRow { prices: set(prices), ..PriceRow::default() };
    Model {
        context: Some(100_000),
        max_output: Some(1_000),
        prices: vec![row],
        ..Model::unknown(ModelRef::new("a", "m"))
    }
}

fn set(prices: &[(PricePart, &str)]) -> Prices {
    let mut known = Prices::default();
    for (part, price) in prices {
        known.set(*part, Price::per_million(price).ok());
    }
    known
}

const PLAIN: [(PricePart, &str); 2] = [(PricePart::Input, "1"), (PricePart::Output, "10")];

fn ask(text: &str) -> Request {
    Request { messages: vec![Message::text(Role::User, text)], ..Request::default() }
}

fn with(fields: Value) -> Request {
    let extra = fields.as_object().unwrap().clone();
    Request { params: Params { extra, ..Params::default() }, ..ask("hello") }
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn worst(lane: &Lane, request: &Request) -> Worst {
    Bounds::of(lane, request).unwrap().worst(None, 1, now())
}

fn usd(lane: &Lane, request: &Request) -> String {
    match worst(lane, request) {
        Worst::AtMost(cost) => cost.to_usd(),
        other => format!("{other:?}"),
    }
}

/// The cost of the prompt's bound and of so many tokens out, at 1 and 10 USD.
fn sum(lane: &Lane, request: &Request, output: u64) -> String {
    let Way::Http { target, .. } = &lane.way else { unreachable!() };
    let (wire, _) = dispatch::encode(target, request).unwrap();
    let input = prompt::most("a", request, &wire.body);
    assert!(input >= prompt::UNSEEN_TOKENS);
    Cost::from_atto(i128::from(input + 10 * output) * 1_000_000_000_000).to_usd()
}

#[test]
fn a_prompt_has_no_more_tokens_than_bytes_and_an_answer_no_more_than_its_limit() {
    let lane = lane("a", Protocol::OpenAiChat, Some(priced(&PLAIN)));
    let mut request = ask("日本語 🙂");
    assert_eq!(usd(&lane, &request), sum(&lane, &request, 1_000), "the model's longest answer");
    request.params.max_tokens = Some(64);
    assert_eq!(usd(&lane, &request), sum(&lane, &request, 64));
    let long = ask(&"a".repeat(200_000));
    assert_eq!(usd(&lane, &long), "0.11", "no more than the context");
}

#[test]
fn every_protocol_s_limit_is_read_where_it_is_sent() {
    for protocol in Protocol::ALL {
        let lane = lane("a", protocol, Some(priced(&PLAIN)));
        let mut request = ask("hello");
        request.params.max_tokens = Some(64);
        assert_eq!(usd(&lane, &request), sum(&lane, &request, 64), "{protocol:?}");
    }
}

#[test]
fn fields_of_the_body_are_heeded() {
    let lane = lane("a", Protocol::OpenAiChat, Some(priced(&PLAIN)));
    for (fields, output) in [
        (json!({"max_tokens": 7}), 7),
        (json!({"max_tokens": 7, "max_completion_tokens": 900}), 900),
        (json!({"n": 3, "max_tokens": 7}), 21),
        (json!({"n": 0}), 1_000),
        (json!({"max_tokens": null}), 1_000),
        (json!({"top_k": 4, "reasoning.effort": "low"}), 1_000),
    ] {
        let request = with(fields);
        assert_eq!(usd(&lane, &request), sum(&lane, &request, output), "{request:?}");
    }
    for fields in [
        json!({"web_search_options": {}}),
        json!({"tools": []}),
        json!({"model": "dearer"}),
        json!({"service_tier": "priority"}),
        json!({"max_tokens": "7"}),
        json!({"n": 1.5}),
        json!({"generationConfig": {"topK": 1, "responseModalities": ["AUDIO"]}}),
        json!({"generationConfig.responseModalities": ["AUDIO"]}),
        json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    ] {
        let found = worst(&lane, &with(fields.clone()));
        assert!(matches!(found, Worst::Unknown(Unknown::Field(_))), "{fields}: {found:?}");
    }
}

/// The bound of a prompt at a provider, at 1 USD a million, without an answer.
fn bound(provider: &str, request: &Request) -> u64 {
    let priced = priced(&[(PricePart::Input, "1"), (PricePart::Output, "0")]);
    let lane = lane(provider, Protocol::OpenAiChat, Some(Model { context: None, ..priced }));
    let Worst::AtMost(cost) = worst(&lane, request) else { panic!("there is a bound") };
    u64::try_from(cost.atto() / 1_000_000_000_000).unwrap()
}

/// Tokens that providers charged for prompts of so many bytes, as recorded; of
/// those without tools and attachments the ones with most tokens a byte.
#[test]
fn a_bound_is_never_below_what_was_charged_and_not_far_above_at_the_labs() {
    for (provider, bytes, charged) in [
        ("openai", 34, 13),
        ("openai", 18, 11),
        ("openai", 36, 57),
        ("anthropic", 20, 13),
        ("anthropic", 121, 92),
        ("google", 6, 2),
        ("deepseek", 34, 90),
        ("deepseek", 9, 6),
        ("mistral", 30, 10),
        ("azure", 34, 14),
        ("openrouter", 16, 78),
        ("huggingface", 29, 40),
        ("vllm", 39, 46),
        ("zai", 18, 13),
        // Its own prompt, by its users' reports.
        ("xai", 2, 700),
    ] {
        let most = bound(provider, &ask(&"a".repeat(bytes)));
        assert!(most >= charged && most >= bytes as u64, "{provider}: {most} for {charged}");
        let is_lab = ["openai", "anthropic", "google", "deepseek", "mistral", "azure"].contains(&provider);
        assert_eq!(most < bytes as u64 + 320, is_lab, "{provider}: {most}");
    }
}

#[test]
fn what_may_bring_rules_of_its_own_has_the_wide_bound() {
    let plain = bound("anthropic", &ask("hello"));
    let schema = Request { schema: Some(json!({"type": "object"})), ..ask("hello") };
    // Recorded: 205 tokens more than the prompt has bytes.
    for request in [schema, with(json!({"chat_template_kwargs": {"a": 1}}))] {
        assert!(bound("anthropic", &request) >= plain + 700, "{request:?}");
    }
}

#[test]
fn searches_and_headers_without_a_price_have_no_bound() {
    let of = |provider: &str, id: &str, row: Model, header: &str| {
        let model = ModelRef::new(provider, id);
        let mut lane = lane(provider, Protocol::OpenAiChat, Some(Model { model: model.clone(), ..row }));
        lane.model = model;
        if let Way::Http { target, .. } = &mut lane.way {
            target.headers = vec![(header.to_owned(), "a".to_owned())];
        }
        worst(&lane, &ask("hello"))
    };
    let plain = || priced(&PLAIN);
    for (provider, id) in [
        ("perplexity", "sonar-deep-research"),
        ("perplexity", "anything"),
        ("openrouter", "perplexity/sonar-pro"),
        ("openrouter", "openai/gpt-6-sol:online"),
        ("openai", "gpt-4o-search-preview"),
        ("groq", "groq/compound"),
    ] {
        let found = of(provider, id, plain(), "x-title");
        assert!(matches!(found, Worst::Unknown(Unknown::Search(_))), "{provider}/{id}: {found:?}");
    }
    let mut per_request = plain();
    per_request.prices[0].per_request = Cost::parse_usd("0.012").ok();
    let Worst::AtMost(with_fee) = of("perplexity", "sonar", per_request, "x-title") else { panic!() };
    assert!(with_fee > Cost::parse_usd("0.022").unwrap(), "its fee is in the price");
    let nous = of("openrouter", "nousresearch/hermes-4-405b", plain(), "http-referer");
    assert!(matches!(nous, Worst::AtMost(_)));
    for header in ["anthropic-beta", "x-amzn-bedrock-service-tier", "x-team"] {
        let found = of("openai", "m", plain(), header);
        assert_eq!(found, Worst::Unknown(Unknown::Header(header.to_owned())));
        let own = Model { is_priced_by_user: true, ..plain() };
        assert!(matches!(of("openai", "m", own, header), Worst::AtMost(_)), "the user's word holds");
    }
}

#[test]
fn a_price_that_is_not_the_model_s_own_is_taken_two_and_a_half_times() {
    let cost = |row: Model| usd(&lane("a", Protocol::OpenAiChat, Some(row)), &ask(&"a".repeat(5_000)));
    let own = Model { context: Some(1_000), ..priced(&PLAIN) };
    assert_eq!(cost(own.clone()), "0.011");
    assert_eq!(cost(Model { taken_from: Some(ModelRef::new("a", "other")), ..own.clone() }), "0.0275");
    let mut lapsed = own;
    lapsed.prices[0].promised_through = Some("2026-11-22".parse().unwrap());
    assert_eq!(cost(lapsed), "0.0275", "it lapses before the call must be over");
}

#[test]
fn gemini_s_limits_are_nested() {
    let lane = lane("google", Protocol::Gemini, Some(priced(&PLAIN)));
    for fields in [
        json!({"generationConfig.maxOutputTokens": 5, "generationConfig.candidateCount": 2}),
        json!({"generationConfig": {"maxOutputTokens": 5, "candidateCount": 2, "topK": 3}}),
    ] {
        let request = with(fields);
        assert_eq!(usd(&lane, &request), sum(&lane, &request, 10), "{request:?}");
        assert_eq!(Bounds::of(&lane, &request).unwrap().shrinkable(), None, "`-o` wins over `--fit`");
    }
}

#[test]
fn the_dearest_price_counts() {
    use PricePart as P;
    let thousand = |prices: &[(PricePart, &str)]| {
        let mut model = priced(prices);
        model.context = Some(1_000);
        let mut request = ask(&"a".repeat(5_000));
        request.params.max_tokens = Some(100);
        usd(&lane("a", Protocol::OpenAiChat, Some(model)), &request)
    };
    assert_eq!(thousand(&PLAIN), "0.002");
    assert_eq!(thousand(&[PLAIN[0], PLAIN[1], (P::CacheWrite, "1.25"), (P::CacheRead, "0.1")]), "0.00225");
    assert_eq!(thousand(&[PLAIN[0], PLAIN[1], (P::Reasoning, "20")]), "0.003");
    assert_eq!(thousand(&[PLAIN[0], PLAIN[1], (P::Thinking, "30")]), "0.004");
    assert_eq!(thousand(&[PLAIN[0], PLAIN[1], (P::OutputImage, "40")]), "0.005", "it may all be drawn");
    assert_eq!(thousand(&[PLAIN[0], PLAIN[1], (P::OutputImage, "4")]), "0.002");
    let mut tiered = priced(&PLAIN);
    tiered.context = Some(1_000);
    tiered.prices[0].tiers =
        vec![Tier { above: Tokens(900), prices: set(&[(P::Input, "2"), (P::Output, "20")]) }];
    let mut request = ask(&"a".repeat(5_000));
    request.params.max_tokens = Some(100);
    assert_eq!(usd(&lane("a", Protocol::OpenAiChat, Some(tiered.clone())), &request), "0.004");
    tiered.prices[0].tiers[0].prices = set(&[(P::Input, "0.1"), (P::Output, "1")]);
    assert_eq!(
        usd(&lane("a", Protocol::OpenAiChat, Some(tiered)), &request),
        "0.0019",
        "the band below is dearer"
    );
}

#[test]
fn a_price_that_rises_tomorrow_counts_today() {
    let mut model = priced(&PLAIN);
    model.context = Some(1_000);
    let rise = PriceRow {
        since: Some("2026-11-23".parse().unwrap()),
        prices: set(&[(PricePart::Input, "3"), (PricePart::Output, "30")]),
        ..PriceRow::default()
    };
    model.prices.push(rise);
    let mut request = ask(&"a".repeat(5_000));
    request.params.max_tokens = Some(100);
    assert_eq!(usd(&lane("a", Protocol::OpenAiChat, Some(model)), &request), "0.006");
}

#[test]
fn what_cannot_be_bounded_is_unknown() {
    let chat = |row| lane("a", Protocol::OpenAiChat, row);
    assert!(matches!(worst(&chat(None), &ask("x")), Worst::Unknown(Unknown::Price(_))));
    let unpriced = Model { prices: Vec::new(), ..priced(&PLAIN) };
    assert!(matches!(worst(&chat(Some(unpriced)), &ask("x")), Worst::Unknown(Unknown::Price(_))));
    let endless = Model { context: None, max_output: None, ..priced(&PLAIN) };
    let lane = chat(Some(endless.clone()));
    assert!(matches!(worst(&lane, &ask("x")), Worst::Unknown(Unknown::Answer(_))));
    let bounds = Bounds::of(&lane, &ask("x")).unwrap();
    assert!(matches!(bounds.worst(Some(16), 1, now()), Worst::AtMost(_)), "a limit bounds it");
    let flat = Model { billing: Billing::Subscription, ..priced(&PLAIN) };
    assert!(matches!(worst(&chat(Some(flat)), &ask("x")), Worst::Unknown(Unknown::NotMetered(_))));
    let mut picture = ask("what is this?");
    picture.messages[0].parts.push(Part::Media(Media {
        kind: MediaKind::Image,
        mime: "image/png".to_owned(),
        name: "a.png".to_owned(),
        source: MediaSource::Bytes([1, 2, 3].into()),
    }));
    picture.params.max_tokens = Some(100);
    assert!(matches!(worst(&lane, &picture), Worst::Unknown(Unknown::Attachments(_))));
    assert_eq!(usd(&chat(Some(priced(&PLAIN))), &picture), "0.101", "as much as the context holds");
}

#[test]
fn what_costs_nothing_needs_no_bound() {
    let local = Model { billing: Billing::Local, ..Model::unknown(ModelRef::new("a", "m")) };
    let free = priced(&[(PricePart::Input, "0"), (PricePart::Output, "0")]);
    for row in [local, free] {
        assert_eq!(worst(&lane("a", Protocol::OpenAiChat, Some(row)), &ask("x")), Worst::Nothing);
    }
    let embedded = Lane { way: Way::Local, ..lane("local", Protocol::OpenAiChat, None) };
    assert_eq!(worst(&embedded, &ask("x")), Worst::Nothing);
}

#[test]
fn thinking_that_a_limit_does_not_bound_is_counted_beside_it() {
    let lane = lane("alibaba", Protocol::OpenAiChat, Some(priced(&PLAIN)));
    let mut request = ask("hello");
    request.params.max_tokens = Some(10);
    assert_eq!(usd(&lane, &request), sum(&lane, &request, 1_010));
    let budget = with(json!({"max_tokens": 10, "thinking_budget": 50}));
    assert_eq!(usd(&lane, &budget), sum(&lane, &budget, 60));
    request.params.effort = Some(crate::chat::Effort::None);
    assert_eq!(usd(&lane, &request), sum(&lane, &request, 10));
}

#[test]
fn routes_and_resends_multiply() {
    let gateway = Model { route_dependent: true, context: Some(1_000), ..priced(&PLAIN) };
    let lane = lane("a", Protocol::OpenAiChat, Some(gateway));
    let mut request = ask(&"a".repeat(5_000));
    request.params.max_tokens = Some(100);
    assert_eq!(usd(&lane, &request), "0.005");
    let thrice = Bounds::of(&lane, &request).unwrap().worst(None, 3, now());
    assert_eq!(thrice, Worst::AtMost(Cost::parse_usd("0.015").unwrap()));
}

/// Whatever the provider counts within the bounds, its bill is no higher.
#[test]
fn no_bill_within_the_bounds_of_the_catalog_s_models_is_higher() {
    let catalog = Catalog::embedded();
    let request =
        Request { params: Params { max_tokens: Some(500), ..Params::default() }, ..ask(&"a".repeat(900)) };
    let mut seen = 0;
    for provider in catalog.providers() {
        for model in catalog.models(&provider.id) {
            let lane = lane("a", Protocol::OpenAiChat, Some(model.clone()));
            let Worst::AtMost(most) = worst(&lane, &request) else { continue };
            seen += 1;
            let written = Usage {
                input_uncached: Tokens(100),
                cache_read: Tokens(50),
                cache_write_5m: Tokens(100),
                output: Tokens(500),
                reasoning: Tokens(200),
                ..Usage::default()
            };
            for thinking in [false, true] {
                let how = Pricing { thinking, batch: false, ceiling: false };
                let bill = model.bill(&written, UsageSource::Reported, now(), how).cost;
                assert!(bill.is_none_or(|bill| bill <= most), "{}", model.model);
            }
        }
    }
    assert!(seen > 1_000, "{seen} models have a price");
}
