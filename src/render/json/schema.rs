//! `schema/pollm-1.json` against what is really printed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tests::{asked, full};
use super::{Extra, ask, comparison, line, matrix_result, matrix_summary};
use crate::catalog::Catalog;
use crate::chat::{Event, Finish};
use crate::choice::Decision;
use crate::comparison::{Agreement, Checked, Comparison, Group, LaneResult, Run};
use crate::exchange::Update;
use crate::matrix::tests::{empty, good, lost};
use crate::matrix::{Concord, Matrix};
use crate::model::ModelRef;
use crate::money::{Bill, CostSource, UsageSource};
use crate::outcome::{Outcome, Status};
use crate::render::events::{EventWriter, Speaker};
use crate::render::route;
use crate::router::{self, Candidate, Policy, Sample};
use crate::schema::Schema;
use crate::wire::{ApiError, FailureKind};

fn document() -> Value {
    serde_json::from_str(include_str!("../../../schema/pollm-1.json")).unwrap()
}

/// The part of the document that tells of one thing.
fn part(name: &str) -> Schema {
    let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": document()["$defs"]});
    Schema::parse(&schema.to_string()).unwrap()
}

fn failed() -> Outcome {
    let error = ApiError { status: Some(429), ..ApiError::new(FailureKind::RateLimit, "slow down") };
    Outcome { status: Status::Error, error: Some(error), attempts: full().attempts, ..asked() }
}

fn run(outcome: Outcome, is_warmup: bool) -> Run {
    let passed = Checked { check: "json".to_owned(), failure: None };
    let failed = Checked { check: "contains:x".to_owned(), failure: Some("it does not".to_owned()) };
    Run { outcome, is_warmup, checks: vec![passed, failed] }
}

fn compared() -> Comparison {
    let lane = |name: &str, runs: Vec<Run>| LaneResult {
        name: name.to_owned(),
        route: serde_json::Value::Null,
        runs,
    };
    let unpriced = Outcome { bill: Bill::UNKNOWN, possibly_billed: true, ..full() };
    Comparison {
        id: asked().id,
        started_at: asked().started_at,
        prompt: "Hi?".to_owned(),
        wall: Duration::from_micros(1_917_898),
        lanes: vec![
            lane("a/b", vec![run(full(), true), run(full(), false), run(unpriced, false)]),
            lane("a/b (2)", vec![run(failed(), false)]),
            lane("a/c", vec![run(asked(), false), run(failed(), false)]),
        ],
        agreement: Some(Agreement {
            groups: vec![Group { lanes: vec![0], answer: "hi".to_owned() }],
            fields: vec!["greeting".to_owned()],
        }),
    }
}

/// How a balanced route decides between a model that was measured, one that was
/// not, and one without a key.
fn decision() -> Value {
    let at = asked().started_at;
    let sample = |n: i64| Sample {
        at: at - jiff::SignedDuration::from_secs(n),
        failed: n == 3,
        input: 10,
        output: Some(100),
        connect_ms: Some(5.0),
        first_visible_ms: (n != 3).then_some(300.0),
        decode_tps: Some(80.0),
        end_ms: 900.0,
        host: Some("Groq".to_owned()),
    };
    let candidate = |name: &str| {
        let model = ModelRef::split(name).unwrap();
        let row = Catalog::embedded().model(&model);
        Candidate::new(name.to_owned(), model, row)
    };
    let measured = Candidate { samples: (0..12).map(sample).collect(), ..candidate("openai/gpt-6-sol") };
    let keyless = Candidate { obstacle: Some("no key".to_owned()), ..candidate("a/c") };
    let candidates = vec![measured, candidate("a/unknown"), keyless];
    let ranking = router::rank(&router::Question {
        policy: Policy::Balanced,
        settings: &router::Settings { explore: 0.0, ..router::Settings::default() },
        need: &router::Need { input: 1_000, ..router::Need::default() },
        candidates: &candidates,
        order: router::Order::Named,
        usual_output: None,
        max_cost: None,
        cooling: &[],
        now: at,
        seed: 7,
        turn: 0,
    });
    let route = Some("quick".to_owned());
    route::json(&Decision { route, policy: Policy::Balanced, candidates, ranking, at })
}

fn outcomes() -> Vec<Value> {
    let failed_before = [failed()];
    let extra = Extra {
        command: "ask",
        conversation: Some(asked().id),
        hint: Some("wait".to_owned()),
        failed: Some(&failed_before),
        route: Some(decision()),
    };
    let cut = Outcome { status: Status::Partial, finish: Some(Finish::Cut), ..failed() };
    [asked(), full(), failed(), cut].iter().map(|outcome| ask(outcome, &extra)).collect()
}

fn comparisons() -> Vec<Value> {
    let unknown = Comparison {
        lanes: vec![LaneResult {
            name: "a/b".to_owned(),
            route: json!(null),
            runs: vec![run(failed(), false)],
        }],
        agreement: None,
        ..compared()
    };
    [compared(), unknown].iter().map(comparison).collect()
}

fn many() -> Matrix {
    let mut matrix = empty(2);
    let mut wrong = good(12, "0.000001");
    wrong.checks = run(full(), false).checks;
    matrix.add(0, "1", &wrong, false);
    matrix.add(1, "1", &lost(), false);
    matrix.concord = Some(Concord { compared: 1, unanimous: 1, split: Vec::new() });
    matrix
}

fn matrices() -> Vec<Value> {
    let whole = |matrix: &Matrix| {
        let mut object = matrix_summary(matrix);
        object["results"] = json!([matrix_result("a/one", 0, "first", &run(full(), true))]);
        object
    };
    [whole(&many()), whole(&Matrix { concord: None, ..empty(1) })].into()
}

fn events() -> Vec<Value> {
    let mut writer = EventWriter::new(Instant::now());
    let error = ApiError { status: Some(503), ..ApiError::new(FailureKind::Overloaded, "busy") };
    let speaker = Speaker { lane: 1, model: "a/b", run: Some(2) };
    let mut lines = String::new();
    for update in [
        Update::Attempt { number: 1 },
        Update::Retry { wait: Duration::from_millis(500), error: &error },
        Update::Event(&Event::Reasoning("hm".into())),
        Update::Event(&Event::Text("hi".into())),
    ] {
        lines += &writer.update(&speaker, &update);
    }
    for outcome in outcomes() {
        lines += &writer.end(&speaker, outcome);
    }
    lines += &writer.end_of_prompt(&speaker, "first", super::run("a/b", &Value::Null, &run(full(), false)));
    lines += &writer.summary(matrix_summary(&many()));
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn all() -> [(&'static str, Vec<Value>); 4] {
    [("outcome", outcomes()), ("comparison", comparisons()), ("matrix", matrices()), ("event", events())]
}

#[test]
fn what_is_printed_meets_the_schema() {
    let whole = Schema::parse(&document().to_string()).unwrap();
    for (name, values) in all() {
        let schema = part(name);
        for value in values {
            schema.check(&line(&value)).unwrap_or_else(|failure| panic!("{name}: {failure}\n{value:#}"));
            whole.check(&line(&value)).unwrap_or_else(|failure| panic!("{failure}"));
        }
    }
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let spoil = |mut value: Value, at: &str, with: Value| {
        *value.pointer_mut(at).unwrap() = with;
        value
    };
    let outcome = || outcomes().remove(1);
    let wrong = [
        ("outcome", spoil(outcome(), "/cost/usd", json!(0.001))),
        ("outcome", spoil(outcome(), "/cost/source", json!("guessed"))),
        ("outcome", spoil(outcome(), "/usage/input", json!(-1))),
        ("outcome", spoil(outcome(), "/status", json!("fine"))),
        ("outcome", spoil(outcome(), "/route/policy", json!("luck"))),
        ("outcome", spoil(outcome(), "/route/candidates/0/expected_usd", json!(0.1))),
        ("outcome", spoil(outcome(), "/schema", json!("pollm/2"))),
        ("comparison", spoil(comparisons().remove(0), "/lanes/0/timing/e2e_ms", json!("1 s"))),
        ("comparison", spoil(comparisons().remove(0), "/lanes/0/samples/0/warmup", json!(1))),
        ("comparison", spoil(comparisons().remove(0), "/total/usd", json!(0))),
        ("event", spoil(events().remove(0), "/event", json!("delta"))),
        ("event", spoil(events().remove(0), "/event", json!("summary"))),
        ("matrix", spoil(matrices().remove(0), "/lanes/0/total/usd", json!(0))),
        ("matrix", spoil(matrices().remove(0), "/results/0/prompt_id", json!(1))),
    ];
    for (name, value) in wrong {
        assert!(part(name).check(&value.to_string()).is_err(), "{value:#}");
    }
}

/// Every schema that tells of the fields of an object: itself, what it refers
/// to, and what it is any of.
fn parts<'s>(document: &'s Value, schema: &'s Value, pointer: String, found: &mut Vec<(String, &'s Value)>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference.trim_start_matches('#').to_owned();
        parts(document, document.pointer(&target).unwrap(), target, found);
    }
    for (at, choice) in schema["anyOf"].as_array().into_iter().flatten().enumerate() {
        parts(document, choice, format!("{pointer}/anyOf/{at}"), found);
    }
    found.push((pointer, schema));
}

/// Walks a value along its schema; notes the fields that the schema tells of.
fn walk(document: &Value, schema: &Value, pointer: &str, value: &Value, told: &mut BTreeSet<String>) {
    let mut all = Vec::new();
    parts(document, schema, pointer.to_owned(), &mut all);
    for (name, field) in value.as_object().into_iter().flatten() {
        let mut known = all.iter().filter(|(_, schema)| schema["properties"].get(name).is_some()).peekable();
        assert!(known.peek().is_some(), "`{name}` in {pointer} is not documented");
        for (pointer, schema) in known {
            let pointer = format!("{pointer}/properties/{name}");
            told.insert(pointer.clone());
            walk(document, &schema["properties"][name], &pointer, field, told);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        for (pointer, schema) in all.iter().filter(|(_, schema)| schema.get("items").is_some()) {
            walk(document, &schema["items"], &format!("{pointer}/items"), item, told);
        }
    }
}

/// The names of a definition and of all that it refers to.
fn reached(document: &Value, name: &str, found: &mut BTreeSet<String>) {
    if found.insert(name.to_owned()) {
        let text = document["$defs"][name].to_string();
        let names = text.split("#/$defs/").skip(1).map(|rest| rest.split('"').next().unwrap());
        names.for_each(|name| reached(document, name, found));
    }
}

/// Of calls and comparisons. The other commands' objects are checked where the
/// executable prints them.
#[test]
fn every_field_is_documented_and_nothing_else_is() {
    let document = document();
    let (mut told, mut here) = (BTreeSet::new(), BTreeSet::new());
    for (name, values) in all() {
        reached(&document, name, &mut here);
        let pointer = format!("/$defs/{name}");
        for value in values {
            walk(&document, document.pointer(&pointer).unwrap(), &pointer, &value, &mut told);
        }
    }
    for (name, part) in document["$defs"].as_object().unwrap() {
        assert!(part.get("description").is_some() || part.get("title").is_some(), "{name}");
        if !here.contains(name) {
            continue;
        }
        for (field, schema) in part["properties"].as_object().into_iter().flatten() {
            assert!(
                told.contains(&format!("/$defs/{name}/properties/{field}")),
                "{name}.{field} is never printed"
            );
            let said = schema.get("description").or_else(|| {
                let target = schema["$ref"].as_str()?.trim_start_matches('#');
                let target = document.pointer(target)?;
                target.get("description").or_else(|| target.get("title"))
            });
            assert!(said.is_some(), "{name}.{field} is not described");
        }
    }
}

#[test]
fn words_of_the_schema_are_words_of_the_program() {
    let document = document();
    let words = |pointer: &str| -> Vec<String> {
        let words = document.pointer(pointer).unwrap().as_array().unwrap().iter();
        words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let of = "/$defs/outcome/properties";
    assert!(words(&format!("{of}/status/enum")).iter().all(|word| Status::parse(word).is_some()));
    assert!(words(&format!("{of}/finish/enum")).iter().all(|word| Finish::parse(word).is_some()));
    let (cost, usage) = ("/$defs/cost/properties/source/enum", "/$defs/usage/properties/source/enum");
    assert!(words(cost).iter().all(|word| CostSource::parse(word).is_some()));
    assert!(words(usage).iter().all(|word| UsageSource::parse(word).is_some()));
    assert_eq!(words("/$defs/decision/properties/policy/enum"), Policy::ALL.map(Policy::as_str));
    assert_eq!(words("/$defs/failure/examples"), FailureKind::ALL.map(FailureKind::as_str));
}

#[test]
fn lanes_are_named_apart_and_an_unknown_sum_is_null() {
    let [compared, unknown] = <[Value; 2]>::try_from(comparisons()).unwrap();
    assert_eq!(compared["lanes"][1]["lane"], "a/b (2)");
    assert!(compared["lanes"][1]["error"]["hint"].as_str().unwrap().contains("--retry-failed"));
    assert!(compared["lanes"][1].get("samples").is_none());
    insta::assert_snapshot!(line(&compared["lanes"][0]["statistics"]), @r#"{"n":2,"ttft_ms":{"n":2,"median":402.7,"min":402.7,"max":402.7,"mad":0.0,"p90":null,"p95":null,"p99":null},"ttfv_ms":{"n":2,"median":410.1,"min":410.1,"max":410.1,"mad":0.0,"p90":null,"p95":null,"p99":null},"e2e_ms":{"n":2,"median":1322.4,"min":1322.4,"max":1322.4,"mad":0.0,"p90":null,"p95":null,"p99":null},"tpot_ms":{"n":2,"median":7.24,"min":7.24,"max":7.24,"mad":0.0,"p90":null,"p95":null,"p99":null},"decode_tps":{"n":2,"median":138.16,"min":138.16,"max":138.16,"mad":0.0,"p90":null,"p95":null,"p99":null}}"#);
    insta::assert_snapshot!(line(&compared["lanes"][2]["statistics"]["ttft_ms"]), @"null");
    insta::assert_snapshot!(line(&compared["agreement"]), @r#"{"groups":[{"lanes":["a/b"],"answer":"hi"}],"fields":["greeting"],"unanimous":true}"#);
    insta::assert_snapshot!(line(&compared["total"]), @r#"{"usd":"0.003808","unpriced":3,"possibly_billed":1,"approximate":true}"#);
    insta::assert_snapshot!(line(&unknown["total"]), @r#"{"usd":null,"unpriced":1,"possibly_billed":0,"approximate":false}"#);
}
