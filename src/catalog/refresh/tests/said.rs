//! What was corrected by hand stays until its source moves; and the sources
//! besides models.dev.

use super::*;

fn cost(list: &mut Value, provider: &str, model: &str, key: &str, price: Value) {
    list[provider]["models"][model]["cost"][key] = price;
}

/// The small catalog after a refresh on a day.
fn refreshed(edit: impl FnOnce(&mut Value), on: &str) -> (Catalog, Vec<String>) {
    let (next, report) = applied(&small(), edited(edit), day(on));
    (next, report.lines())
}

#[test]
fn corrections_stay_while_the_source_stays() {
    let before = line(&small(), "deepseek", "flash");
    let (next, changed) = refreshed(|_| {}, "2026-11-24");
    assert!(changed.is_empty());
    assert!(before.contains("\"s\":\"night\"") && before.contains("\"c\":100000"));
    assert_eq!(next.models(&crate::model::ProviderId::new("deepseek"))[0].context, Some(100_000));
    for (provider, model) in [("deepseek", "flash"), ("openai", "promo"), ("openai", "rising")] {
        let record = |catalog: &Catalog| Record::read(&line(catalog, provider, model)).unwrap();
        assert_eq!(record(&next), record(&small()), "{model}");
    }
    // What the list never had is not gone.
    assert!(line(&next, "openai", "newest").ends_with(r#""was":{"md":null}}"#));
}

#[test]
fn corrections_go_once_the_source_moves() {
    let (next, changed) = refreshed(
        |list| {
            cost(list, "deepseek", "flash", "input", json!(0.2));
            cost(list, "openai", "promo", "output", json!(25));
            cost(list, "openai", "rising", "input", json!(1.5));
            list["deepseek"]["models"]["flash"]["limit"]["context"] = json!(300_000);
        },
        "2026-11-24",
    );
    assert_eq!(
        changed,
        [
            "deepseek/flash  input $0.3 → $0.2  output $1.2 → $0.6  cache read $0.006 → $0.003  \
             schedule night → none",
            "openai/promo  output $20 → $25  promised through 2026-12-31 → none",
            "openai/rising  input $1 → $1.5  from 2026-12-01: input $2 → none  \
             from 2026-12-01: output $10 → none",
            "deepseek/flash  context 100000 → 300000",
        ]
    );
    assert!(!line(&next, "deepseek", "flash").contains("was"));
}

#[test]
fn a_correction_that_the_source_adopts_is_no_change() {
    let (next, changed) = refreshed(
        |list| {
            list["deepseek"]["models"]["flash"]["cost"] =
                json!({"input": 0.3, "output": 1.2, "cache_read": 0.006});
            list["openai"]["models"]["newest"] = entry("Newest", json!({"input": 3, "output": 9}));
        },
        "2026-11-24",
    );
    assert!(changed.is_empty(), "{changed:?}");
    assert!(line(&next, "deepseek", "flash").contains(r#""s":"night"}],"was":{"md":{"c":200000}}"#));
    // From now on it is listed, so it can go.
    let without = edited(|list| {
        list["deepseek"]["models"]["flash"]["cost"] =
            json!({"input": 0.3, "output": 1.2, "cache_read": 0.006});
    });
    assert_eq!(applied(&next, without, today()).1.lines(), ["openai/newest  gone"]);
}

#[test]
fn other_prices_of_a_corrected_row_move_with_it_alone() {
    // The price of a cache beside another price than ours says nothing of ours.
    let (_, changed) =
        refreshed(|list| cost(list, "deepseek", "flash", "cache_read", json!(0.004)), "2026-11-24");
    assert!(changed.is_empty(), "{changed:?}");
    let (next, changed) =
        refreshed(|list| cost(list, "openai", "promo", "cache_read", json!(0.4)), "2026-11-24");
    assert_eq!(changed, ["openai/promo  cache read none → $0.4"]);
    assert!(line(&next, "openai", "promo").contains("\"u\":\"2026-12-31\""));
}

#[test]
fn a_dated_price_takes_effect_whatever_the_source_still_says() {
    let raised = |list: &mut Value| {
        list["openai"]["models"]["rising"]["cost"] = json!({"input": 2, "output": 10});
    };
    // Early: the source has the new price before its day.
    let (next, changed) = refreshed(raised, "2026-11-24");
    assert!(changed.is_empty(), "{changed:?}");
    assert!(applied(&next, edited(raised), day("2026-12-02")).1.is_empty());
    // Late: the source still has the old price after it.
    let (next, changed) = refreshed(|_| {}, "2026-12-02");
    assert!(changed.is_empty(), "{changed:?}");
    let model = next.model(&crate::model::ModelRef::new("openai", "rising")).unwrap();
    assert_eq!(model.prices.len(), 2);
    // At last, and then on to another price.
    let (next, report) = applied(&next, edited(raised), day("2026-12-04"));
    assert!(report.is_empty(), "{:?}", report.lines());
    let on = edited(|list| list["openai"]["models"]["rising"]["cost"] = json!({"input": 1, "output": 5}));
    assert_eq!(
        applied(&next, on, day("2026-12-05")).1.lines(),
        ["openai/rising  input $2 → $1  output $10 → $5"]
    );
}

/// genai-prices' list: what it says of the large model, by an exact name.
fn genai(prices: Value, variants: Value) -> Value {
    json!([
        {"id": "openai", "models": [
            {"id": "large", "match": {"starts_with": "large"}, "prices": prices, "price_variants": variants},
            {"id": "sm", "match": {"or": [{"equals": "small"}, {"contains": "promo"}]},
             "prices": {"input_mtok": 0.2, "output_mtok": 0.6, "cache_write_1h_mtok": 1}},
            {"id": "rising", "match": {"equals": "rising"}, "prices": [
                {"prices": {"input_mtok": 7, "output_mtok": 7}},
                {"constraint": {"start_time": "01:00:00Z", "end_time": "04:00:00Z"}, "prices": {"input_mtok": 8}},
            ]},
        ]},
        {"id": "anthropic", "models": [{"id": "other", "prices": {"input_mtok": 1}}]},
        {"id": "google", "models": [{"id": "other", "prices": {"input_mtok": 1}}]},
    ])
}

fn usual() -> Value {
    json!([
        {"prices": {"input_mtok": 9, "output_mtok": 9}},
        {"constraint": {"start_date": "2026-03-01"}, "prices": {
            "input_mtok": {"base": 2, "tiers": [{"start": 200_000, "price": 4}]}, "output_mtok": 10,
            "cache_read_mtok": 0.3, "cache_write_1h_mtok": 4, "web_searches_kcount": 10, "requests_kcount": 5}},
        {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": 3, "output_mtok": 12}},
    ])
}

fn batch() -> Value {
    let batch = json!({"processing": "batch"});
    json!([{"when": batch, "prices": {"input_mtok": 0.9, "output_mtok": 5}},
           {"when": {"service_tier": "flex"}, "prices": {"input_mtok": 1}}])
}

#[test]
fn genai_prices_fills_in_beside_the_same_price() {
    let (next, report) = applied(&small(), source(&genai(usual(), batch())), today());
    // Not the cache price that differs, nor tiers that nobody else has, nor a
    // price of its own for `small`; and no rule but an exact name.
    assert_eq!(
        report.lines(),
        ["openai/large  1-hour cache write none → $4  1000 requests none → $5  \
          from 2027-01-01: input none → $3  from 2027-01-01: output none → $12  from 2027-01-01: batch none → ×0.5"]
    );
    assert!(
        line(&next, "openai", "large")
            .contains(r#""was":{"gp":{"$b":{"i":0.9,"o":5},"$r":0.3,"$t":[[200000,{"i":4}]]}}"#)
    );
    assert!(!line(&next, "openai", "rising").contains("gp"));
    let sources = next.sources();
    assert!(sources.iter().any(|source| source.name == "genai-prices" && source.licence == "MIT"));
}

#[test]
fn genai_prices_is_followed_once_it_moves() {
    let first = applied(&small(), source(&genai(usual(), batch())), today()).0;
    let mut moved = genai(json!({"input_mtok": 1.5, "output_mtok": 8}), json!(null));
    moved[0]["models"][1]["prices"]["input_mtok"] = json!(0.1);
    let (_, report) = applied(&first, source(&moved), day("2026-11-25"));
    let told = report.lines();
    assert!(
        told[0].starts_with("openai/large  input $2 → $1.5  output $10 → $8  cache read $0.2 → none"),
        "{told:?}"
    );
    assert_eq!(told[1], "openai/small  input $0.15 → $0.1  1-hour cache write none → $1");
    // The complete list, where it moves too, is right.
    let list = edited(|list| cost(list, "openai", "large", "input", json!(1.8)));
    let (_, report) = apply(&first, &[source(&moved), list], day("2026-11-25")).unwrap();
    assert!(
        report.lines()[0].starts_with("openai/large  input $2 → $1.8  1-hour cache"),
        "{:?}",
        report.lines()
    );
}

/// `OpenRouter`'s list.
fn openrouter(large: Value) -> SourceText {
    let architecture = json!({"input_modalities": ["text", "file"], "output_modalities": ["text"]});
    source(&json!({"data": [
        {"id": "lab/large", "name": "Lab: Large", "architecture": architecture, "pricing": large},
        {"id": "lab/free", "name": "Lab: Small (free)", "created": 1_794_873_600, "context_length": 32_768,
         "architecture": architecture, "hugging_face_id": "lab/small", "top_provider": {"max_completion_tokens": null},
         "supported_parameters": ["tools", "temperature"], "pricing": {"prompt": "0", "completion": "0", "request": "0"}},
        {"id": "auto", "name": "Auto", "architecture": architecture, "pricing": {"prompt": "-1", "completion": "-1"}},
    ]}))
}

#[test]
fn a_gateway_sets_its_own_prices() {
    let list = openrouter(
        json!({"prompt": "0.0000015", "completion": "8e-06", "input_cache_read": "0", "request": "0.001"}),
    );
    let (next, report) = applied(&small(), list, today());
    assert_eq!(
        report.lines(),
        [
            "openrouter/lab/large  input $2 → $1.5  output $10 → $8  1000 requests none → $1",
            "openrouter/auto  new",
            "openrouter/lab/free  new",
        ]
    );
    assert_eq!(
        line(&next, "openrouter", "lab/free"),
        concat!(
            r#"{"n":"Small (free)","c":32768,"in":"tf","out":"t","x":"tw","rd":"2026-11-17","bill":"free","~":1,"#,
            r#""$":[{"i":0,"o":0}],"was":{"or":{}}}"#
        )
    );
    assert_eq!(line(&next, "openrouter", "auto"), r#"{"n":"Auto","in":"tf","out":"t","~":1}"#);
    // The other list, which has not moved, does not undo it.
    let (_, report) = applied(&next, source(&models_dev()), today());
    assert_eq!(report.price_changes, []);
    let by_route = openrouter(json!({"prompt": "-1", "completion": "-1"}));
    let (_, report) = applied(&next, by_route, today());
    assert_eq!(
        report.price_changes[0].to_string(),
        "openrouter/lab/large  input $1.5 → none  output $8 → none  1000 requests $1 → none"
    );
    for odd in ["-0.5", "0.01", "free"] {
        let list = openrouter(json!({"prompt": odd, "completion": "0"}));
        let refused = apply(&small(), &[list], today()).unwrap_err().problem;
        assert!(matches!(&refused, Problem::OddPrice { price, .. } if price == odd), "{refused:?}");
    }
}

#[test]
fn other_hours_are_another_price() {
    let later = SMALL.replace(r#"["01:00","04:00"]"#, r#"["01:00","05:00"]"#).replace(r#""0.5""#, r#""0.4""#);
    let (_, report) =
        applied(&small(), SourceText::new("catalog.json", later.into_bytes()).unwrap(), today());
    assert_eq!(
        report.lines(),
        [
            "deepseek/flash  hours ×0.5 outside 01:00–04:00 UTC, holidays through ? → ×0.4 outside 01:00–05:00 UTC, \
          holidays through ?"
        ]
    );
}

#[test]
fn a_catalog_of_another_pollm_is_taken_over_but_for_its_providers() {
    let edited = SMALL
        .replace("2026-11-22", "2026-11-23")
        .replace("\"i\":0.15,\"o\":0.6}]}", "\"i\":0.1,\"o\":0.5}]}")
        .replace("https://api.openai.com/v1", "https://elsewhere.example/v1");
    let whole: Value = serde_json::from_str(&edited).unwrap();
    let laid_out = serde_json::to_string_pretty(&whole).unwrap();
    let from = SourceText::new("catalog.json", laid_out.into_bytes()).unwrap();
    let (next, report) = applied(&small(), from, today());
    assert_eq!(report.lines(), ["openai/small  input $0.15 → $0.1  output $0.6 → $0.5"]);
    assert_eq!(next.date(), "2026-11-23");
    assert_eq!(next.providers(), small().providers());
    let back = SourceText::new("catalog.json", SMALL.as_bytes().to_vec()).unwrap();
    assert_eq!(
        apply(&next, &[back], today()).unwrap_err().problem,
        Problem::Older { date: day("2026-11-22"), known: day("2026-11-23") }
    );
}
