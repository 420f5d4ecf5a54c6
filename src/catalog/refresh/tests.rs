//! A small catalog, and lists in the shapes of the sources.

mod refused;
mod said;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A catalog of two labs, one of which was corrected by hand, a gateway and a
/// local server.
const SMALL: &str = include_str!("../../../tests/fixtures/catalog/small.json");

fn small() -> Catalog {
    Catalog::with_text(SMALL.to_owned()).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// The first day after the catalog's.
fn today() -> Date {
    day("2026-11-24")
}

fn source(value: &Value) -> SourceText {
    SourceText::new("list.json", value.to_string().into_bytes()).unwrap()
}

fn entry(name: &str, cost: Value) -> Value {
    json!({
        "id": name.to_lowercase(), "name": name, "tool_call": true, "reasoning": false,
        "last_updated": "2026-11-20", "modalities": {"input": ["text"], "output": ["text"]}, "cost": cost,
    })
}

/// What models.dev said when the small catalog was made.
fn models_dev() -> Value {
    let mut large = entry("Large", json!({"input": 2, "output": 10.0, "cache_read": 0.2}));
    large["limit"] = json!({"context": 400_000, "output": 0});
    large["modalities"] = json!({"input": ["image", "text", "smell"], "output": ["text"]});
    large["reasoning"] = json!(true);
    let mut small = entry("Small", json!({"input": 0.15, "output": 0.6}));
    small["limit"] = json!({"context": 128_000});
    let mut flash = entry("Flash", json!({"input": 0.15, "output": 0.6, "cache_read": 0.003}));
    flash["limit"] = json!({"context": 200_000});
    json!({
        "openai": {"id": "openai", "models": {
            "large": large,
            "promo": entry("Promo", json!({"input": 4, "output": 20})),
            "rising": entry("Rising", json!({"input": 1, "output": 5})),
            "small": small,
            "large-embedding": entry("Large Embedding", json!({"input": 0.1, "output": 0})),
        }},
        "deepseek": {"id": "deepseek", "models": {"flash": flash}},
        "openrouter": {"id": "openrouter", "models": {"lab/large": entry("Large", json!({"input": 2, "output": 10}))}},
        "a-reseller": {"id": "a-reseller", "models": {"large": entry("Large", json!({"input": 9, "output": 9}))}},
        "lmstudio": {"id": "lmstudio", "models": {}},
    })
}

/// What models.dev says after an edit.
fn edited(edit: impl FnOnce(&mut Value)) -> SourceText {
    let mut list = models_dev();
    edit(&mut list);
    source(&list)
}

/// Applies one source to a catalog; the text can be read, and once is enough.
fn applied(catalog: &Catalog, from: SourceText, on: Date) -> (Catalog, RefreshReport) {
    let (text, report) = apply(catalog, std::slice::from_ref(&from), on).unwrap();
    let next = Catalog::with_text(text.clone()).unwrap();
    next.check().unwrap();
    let (again, nothing) = apply(&next, &[from], on).unwrap();
    assert_eq!((again, nothing.summary().as_str()), (text, "no changes"));
    (next, report)
}

fn lines(from: SourceText) -> Vec<String> {
    applied(&small(), from, today()).1.lines()
}

/// The line of a model in the file.
fn line(catalog: &Catalog, provider: &str, model: &str) -> String {
    catalog.snapshot.section(provider).unwrap().line(model).unwrap().to_owned()
}

#[test]
fn the_difference_says_exactly_what_changed() {
    let list = edited(|list| {
        let openai = &mut list["openai"]["models"];
        openai["large"]["cost"] = json!({"input": 1.5, "output": 8, "cache_read": 0.2});
        openai["small"]["cost"]["output"] = json!(0.5);
        openai["tiny"] = entry("Tiny (latest)", json!({"input": 0.05, "output": 0.2}));
        openai.as_object_mut().unwrap().remove("promo");
        list["openrouter"]["models"]["lab/large"]["cost"]["cache_read"] = json!(0.15);
    });
    let (next, report) = applied(&small(), list, today());
    assert_eq!(report.summary(), "3 price changes, 1 new, 1 gone");
    assert_eq!(
        report.lines(),
        [
            "openai/large  input $2 → $1.5  output $10 → $8",
            "openai/small  output $0.6 → $0.5",
            "openrouter/lab/large  cache read none → $0.15",
            "openai/tiny  new",
            "openai/promo  gone",
        ]
    );
    assert_eq!(next.date(), "2026-11-24");
    // The share of a batch is a policy of the lab's, not a price.
    assert_eq!(
        line(&next, "openai", "large"),
        r#"{"n":"Large","c":400000,"in":"ti","out":"t","x":"rt","$":[{"i":1.5,"o":8,"r":0.2,"b":0.5}]}"#
    );
    assert_eq!(
        line(&next, "openai", "tiny"),
        r#"{"n":"Tiny","in":"t","out":"t","x":"t","$":[{"i":0.05,"o":0.2}]}"#
    );
    assert_eq!(next.sources()[0].date.as_deref(), Some("2026-11-20"));
    assert_eq!(next.aliases()["big"], "openai/large");
}

#[test]
fn order_and_spelling_are_no_change() {
    let text = r#"{"lmstudio":{"models":{}},"openrouter":{"models":{"lab/large":{"cost":{"output":1.0e1,"input":2.000},
        "modalities":{"output":["text"],"input":["text"]},"tool_call":true,"id":"lab/large","name":"Large"}}},"#;
    let list = source(&models_dev()).text;
    let rest = &list[list.find("\"deepseek\"").unwrap()..list.find("\"openrouter\"").unwrap()];
    let openai = &list[list.find("\"openai\"").unwrap()..list.find("\"deepseek\"").unwrap()];
    let shuffled = format!("{text}\n{rest}\n{}}}", openai.trim_end_matches(','));
    let shuffled = SourceText::new("list.json", shuffled.into_bytes()).unwrap();
    let (next, report) = applied(&small(), shuffled, today());
    assert_eq!((report.is_empty(), report.summary().as_str()), (true, "no changes"));
    assert_eq!(next.date(), "2026-11-24");
}

#[test]
fn where_nobody_has_anything_newer_the_catalog_is_of_today() {
    let (told, _) = applied(&small(), source(&models_dev()), today());
    let (text, report) = apply(&told, &[], day("2026-12-02")).unwrap();
    assert_eq!(report.summary(), "no changes");
    let next = Catalog::with_text(text).unwrap();
    assert_eq!(next.date(), "2026-12-02");
    assert_eq!(next.sources(), told.sources());
    // A price whose day has come in between is still the catalog's own.
    let (_, report) = applied(&next, source(&models_dev()), day("2026-12-02"));
    assert_eq!(report.summary(), "no changes");
}

#[test]
fn facts_that_changed_are_told_in_words() {
    let changed = lines(edited(|list| {
        let large = &mut list["openai"]["models"]["large"];
        large["limit"] = json!({"context": 1_000_000, "input": 900_000});
        large["temperature"] = json!(false);
        large["status"] = json!("deprecated");
        large["modalities"]["input"] = json!(["text", "pdf"]);
        large["reasoning_options"] = json!([
            {"type": "effort", "values": ["low", null, "high"]}, {"type": "toggle"},
            {"type": "budget_tokens", "min": 1024}, {"type": "of the future"},
        ]);
    }));
    assert_eq!(
        changed,
        ["openai/large  context 400000 → 1000000  takes text, image → text, pdf  \
          abilities reasoning, tools → reasoning, tools, no temperature  most input none → 900000  \
          thinking budget none → at least 1024  efforts none → low,high  thinking toggle none → yes  \
          state none → deprecated"]
    );
}

#[test]
fn tiers_are_read_from_either_spelling() {
    let changed = lines(edited(|list| {
        let openai = &mut list["openai"]["models"];
        openai["large"]["cost"]["tiers"] = json!([
            {"tier": {"type": "context", "size": 500_001}, "input": 8},
            {"tier": {"type": "context", "size": 200_000}, "input": 4, "output": 15, "cache_read": 0.4},
        ]);
        openai["small"]["cost"]["context_over_200k"] = json!({"input": 0.3, "output": 0.9});
        // Half of a price list would price wrongly.
        openai["rising"]["cost"]["tiers"] =
            json!([{"tier": {"type": "phase of the moon", "size": 1}, "input": 4}]);
    }));
    assert_eq!(
        changed,
        [
            "openai/large  input above 200000 none → $4  output above 200000 none → $15  \
             cache read above 200000 none → $0.4  input above 500000 none → $8",
            "openai/rising  input $1 → none  output $5 → none  from 2026-12-01: input $2 → none  \
             from 2026-12-01: output $10 → none",
            "openai/small  input above 200000 none → $0.3  output above 200000 none → $0.9",
        ]
    );
}

#[test]
fn the_embedded_file_survives_being_read_and_written() {
    let embedded = Catalog::embedded();
    let book = Book::read(&embedded);
    let again = Catalog::with_text(book.text()).unwrap();
    again.check().unwrap();
    assert_eq!(again.providers(), embedded.providers());
    assert_eq!(again.sources(), embedded.sources());
    assert_eq!(again.aliases(), embedded.aliases());
    for provider in embedded.providers() {
        assert_eq!(again.models(&provider.id), embedded.models(&provider.id), "{}", provider.id);
    }
    let listed = Book::read(&again).models().len();
    assert_eq!((listed + 1, Book::read(&again).text()), (embedded.ids().len(), book.text()));
}

/// Values as a source might have them, odd ones included.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..3_000).prop_map(Value::from),
        (0.0_f64..50.0).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(["text"])),
        Just(json!([])),
        Just(json!({})),
        Just(json!("deprecated")),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("\u{7}\n\"}}\u{2028}")),
    ]
}

/// A key of a model's in models.dev's list.
fn odd_key() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "/name",
        "/family",
        "/cost",
        "/cost/input",
        "/cost/output",
        "/cost/cache_read",
        "/cost/reasoning",
        "/limit/context",
        "/modalities/output",
        "/modalities/input",
        "/status",
        "/reasoning_options",
        "/knowledge",
        "/tool_call",
        "/release_date",
        "/canonical_model_id",
        "/open_weights",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_a_list_says_the_result_is_a_catalog_and_settles(
        edits in proptest::collection::vec((0_usize..5, odd_key(), odd_value()), 0..6),
        dropped in proptest::option::of(0_usize..5),
        id in "[a-z\"\\\\ \u{e9}]{1,6}",
        day_of in prop_oneof![Just("2026-11-22"), Just("2026-11-30"), Just("2026-12-05")],
    ) {
        const NAMES: [(&str, &str); 5] = [
            ("openai", "large"), ("openai", "rising"), ("openai", "promo"), ("deepseek", "flash"),
            ("openrouter", "lab/large"),
        ];
        let mut list = models_dev();
        for (at, key, value) in edits {
            let (provider, model) = NAMES[at];
            let model = &mut list[provider]["models"][model];
            let (parent, key) = key.rsplit_once('/').unwrap();
            if let Some(Value::Object(object)) = model.pointer_mut(parent) {
                object.insert(key.to_owned(), value);
            }
        }
        list["openai"]["models"][&id] = entry("Odd", json!({"input": 1, "output": 2}));
        if let Some((provider, model)) = dropped.map(|at| NAMES[at]) {
            list[provider]["models"].as_object_mut().unwrap().remove(model);
        }
        let list = source(&list);
        if let Ok((text, report)) = apply(&small(), std::slice::from_ref(&list), day(day_of)) {
            let next = Catalog::with_text(text.clone()).unwrap();
            next.check().unwrap();
            prop_assert_eq!(next.ids().len() + report.gone.len(), small().ids().len() + report.new.len());
            let (again, nothing) = apply(&next, &[list], day(day_of)).unwrap();
            prop_assert_eq!((again, nothing), (text, RefreshReport::default()));
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail(text in "[\\[\\]{}\":,0-9a-p.\\-\\\\ \n]{0,60}") {
        let _ = apply(&small(), &[SourceText::new("x", text.into_bytes()).unwrap()], today());
    }
}
