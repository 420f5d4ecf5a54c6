//! `pollm models refresh`: what it changes, and what it refuses to.

use serde_json::{Map, Value, json};

use crate::support::process::Run;
use crate::support::{ClosedPort, CommandOutput, Env, Script, Server};

const EMBEDDED: &str = include_str!("../../src/catalog/catalog.json");

/// A list in the shape of models.dev's with every model of the embedded catalog,
/// so that it counts as complete, and with the plainest facts of each.
fn list() -> Value {
    let catalog: Value = serde_json::from_str(EMBEDDED).unwrap();
    let providers = catalog["p"].as_object().unwrap().iter();
    let remote = providers.filter(|(_, provider)| provider["k"] != "local");
    remote.map(|(id, provider)| (id.clone(), json!({"id": id, "models": models(provider)}))).collect()
}

fn models(provider: &Value) -> Map<String, Value> {
    let rows = provider["m"].as_object().unwrap().iter();
    let entry = |row: &Value| {
        json!({
            "name": row["n"], "tool_call": true, "limit": {"context": row["c"]},
            "modalities": {"input": ["text"], "output": ["text"]}, "cost": cost(&row["$"][0]),
        })
    };
    rows.map(|(id, row)| (id.clone(), entry(row))).collect()
}

fn cost(prices: &Value) -> Value {
    let parts = [("input", "i"), ("output", "o"), ("cache_read", "r"), ("cache_write", "w")];
    let known = parts.iter().filter_map(|(name, key)| Some(((*name).to_owned(), prices.get(key)?.clone())));
    let mut cost: Value = known.collect();
    for tier in prices["t"].as_array().into_iter().flatten() {
        let mut band = self::cost(&tier[1]);
        band["tier"] = json!({"type": "context", "size": tier[0]});
        match cost["tiers"].as_array_mut() {
            Some(tiers) => tiers.push(band),
            None => cost["tiers"] = json!([band]),
        }
    }
    cost
}

/// A list with three other prices, a model more and one less.
fn changed() -> Value {
    let mut list = list();
    list["openai"]["models"]["gpt-6-sol"]["cost"]["input"] = json!(1.5);
    list["zai"]["models"]["glm-5.3"]["cost"]["output"] = json!(4.0);
    list["minimax"]["models"]["MiniMax-M3"]["cost"]["cache_read"] = json!(0.05);
    list["openai"]["models"]["gpt-99"] = json!({"name": "GPT-99", "cost": {"input": 9, "output": 99}});
    list["openai"]["models"].as_object_mut().unwrap().remove("gpt-6-luna").unwrap();
    list
}

fn refresh(env: &Env, from: &str) -> Run {
    env.pollm(["models", "refresh", "--from", from])
}

/// Refreshes from a list, whatever that changes.
fn refreshed(env: &Env, list: &Value) -> CommandOutput {
    env.write("list.json", list.to_string());
    refresh(env, "list.json").run().success()
}

/// What a thousand tokens of a prompt cost.
fn price(env: &Env, model: &str) -> String {
    let line = ["cost", "price", model, "--input", "1000", "--output", "0"];
    env.pollm(line).run().success().stdout.trim_end().to_owned()
}

/// Every file in the cache folder and what it holds.
fn cache(env: &Env) -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(env.root().join("cache/pollm")).into_iter().flatten();
    let mut files: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_difference_is_printed_and_holds_from_then_on() {
    let env = Env::new();
    let _ = refreshed(&env, &list());
    assert_eq!(
        (price(&env, "openai/gpt-6-sol"), price(&env, "openai/gpt-99")),
        ("0.002".into(), "unknown".into())
    );
    insta::assert_snapshot!(refreshed(&env, &changed()), @"
    minimax/MiniMax-M3  cache read $0.06 → $0.05
    openai/gpt-6-sol  input $2 → $1.5
    zai/glm-5.3  output $4.4 → $4
    openai/gpt-99  new
    openai/gpt-6-luna  gone
    3 price changes, 1 new, 1 gone
    ------- stderr -------
    [exit status: 0]
    ");
    assert_eq!(price(&env, "openai/gpt-6-sol"), "0.0015");
    assert_eq!(price(&env, "openai/gpt-99"), "0.009");
    let show = |model: &str| env.pollm(["models", "show", model]).run();
    let shown = show("openai/gpt-6-sol").success().stdout;
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["input", "$1.50"])), "{shown}");
    assert!(show("openai/gpt-6-luna").exited(2).stderr.contains("nothing is known of"));
    assert_eq!(refreshed(&env, &changed()).stdout, "no changes\n");
    env.write("list.json", list().to_string());
    let back = refresh(&env, "list.json").arg("--json").run().success().json();
    assert_eq!(
        back["price_changes"][1],
        json!({"model": "openai/gpt-6-sol", "changes": [{"what": "input", "before": "1.5", "after": "2"}]})
    );
    assert_eq!((&back["new"], &back["gone"]), (&json!(["openai/gpt-6-luna"]), &json!(["openai/gpt-99"])));
}

#[test]
fn the_date_of_what_is_in_use_is_shown() {
    let env = Env::new();
    let _ = refreshed(&env, &list());
    let path = env.root().join("cache/pollm/catalog.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let day = text.lines().find(|line| line.starts_with("\"gen\":")).unwrap();
    std::fs::write(&path, text.replacen(day, "\"gen\":\"2031-05-06\",", 1)).unwrap();
    let about = env.pollm(["models", "--about"]).run().success().stdout;
    assert!(about.starts_with("models and prices of 2031-05-06,"), "{about}");
    let shown = env.pollm(["models", "show", "openai/gpt-6-sol"]).run().success().stdout;
    assert!(shown.contains("catalog of 2031-05-06, from models.dev, "), "{shown}");
    // A file that is no catalog any more is passed over, and -v says so.
    std::fs::write(&path, "{}").unwrap();
    let about = env.pollm(["models", "--about", "-v"]).run().success();
    assert!(!about.stdout.contains("2031"), "{about}");
    assert!(about.stderr.contains("catalog.json` is not used: "), "{about}");
}

#[test]
fn what_looks_wrong_is_refused_and_the_old_stays() {
    let env = Env::new();
    let _ = refreshed(&env, &list());
    let before = cache(&env);
    let good = changed().to_string();
    let mut other_shape = changed();
    other_shape["openai"]["models"]["gpt-6-sol"]["limit"] = json!("400k");
    let mut other_unit = changed();
    other_unit["openai"]["models"]["gpt-6-sol"]["cost"]["input"] = json!(1_500_000);
    let mut few = changed();
    few.as_object_mut().unwrap().retain(|id, _| id == "openai");
    for (text, why) in [
        (good[..good.len() / 2].to_owned(), "it is cut short"),
        ("<!doctype html><title>Log in</title>".to_owned(), "it is a web page, not a list of models"),
        (good.clone() + &" ".repeat(40_000_000), "it is larger than 32 MB"),
        (other_shape.to_string(), "`openai/gpt-6-sol` in it can't be read: "),
        (
            other_unit.to_string(),
            "a million tokens of `openai/gpt-6-sol` cost `1500000`, which can't be right",
        ),
        (json!({"list": "of models"}).to_string(), "it is no list of models that this version can read"),
        (few.to_string(), "it lists no models of `anthropic`"),
    ] {
        env.write("list.json", text);
        let output = refresh(&env, "list.json").run().exited(1);
        assert!(output.stderr.contains(why), "{why}\n{output}");
        assert!(output.stderr.starts_with("error: `list.json` can't be used: "), "{output}");
        assert!(output.stderr.contains("\nhint: nothing was changed: the catalog of "), "{output}");
        assert_eq!(output.stdout, "");
    }
    assert!(cache(&env) == before);
    assert_eq!(price(&env, "openai/gpt-6-sol"), "0.002");
    // One source of two is no half of a catalog.
    env.write("list.json", good);
    let both = refresh(&env, "list.json").arg("--from").arg("missing.json").run().exited(1);
    assert!(both.stderr.contains("`missing.json` can't be used: No such file"), "{both}");
    assert!(cache(&env) == before);
    let _ = refresh(&env, "list.json").arg("--frm").run().exited(2);
}

#[test]
fn a_list_that_has_not_changed_is_not_fetched_again() {
    let body = list().to_string();
    let server = Server::start(move |request, _| match (&*request.target, request.header("if-none-match")) {
        ("/moved?secret=canary", _) => Script::redirect(302, "/list.json"),
        (_, Some("\"one\"")) => Script::new(304),
        _ => Script::new(200).header("etag", "\"one\"").body(body.clone()).gzip(),
    });
    let env = Env::new();
    let address = format!("{}/moved?secret=canary", server.url());
    let run = || refresh(&env, &address).env("OPENAI_API_KEY", "canary-key").arg("-v").run().success();
    let first = run();
    assert!(first.stdout.ends_with(" other changes\n"), "{}", first.stderr);
    let second = run();
    assert_eq!(second.stdout, "no changes\n");
    assert!(second.stderr.contains("/moved: not modified"), "{second}");
    assert!(!second.to_string().contains("canary"), "{second}");
    let requests = server.requests();
    let tags: Vec<_> = requests.iter().map(|request| request.header("if-none-match")).collect();
    assert_eq!(tags, [None, None, Some("\"one\""), Some("\"one\"")]);
    assert!(requests.iter().all(|request| request.header("authorization").is_none()));
    // Another list in between: the tag is of what the catalog holds no longer.
    let _ = refreshed(&env, &changed());
    assert!(run().stdout.contains("openai/gpt-6-sol  input $1.5 → $2\n"));
    assert_eq!(server.requests().last().unwrap().header("if-none-match"), None);
}

#[test]
fn a_server_that_fails_changes_nothing() {
    let server = Server::start(|request, _| match &*request.target {
        "/busy" => Script::json(503, &json!({"openai": {"models": {}}})),
        "/unasked" => Script::new(304),
        "/endless" => Script::new(200).chunked().forever(vec![b' '; 1 << 20]),
        "/cut" => Script::new(200).header("content-length", "100").until_close().body("{"),
        _ => Script::redirect(302, "/loop"),
    });
    let env = Env::new();
    let _ = refreshed(&env, &list());
    let before = cache(&env);
    let closed = ClosedPort::new().url();
    for (address, why) in [
        (format!("{}/busy", server.url()), "can't be fetched: HTTP 503"),
        (format!("{}/unasked", server.url()), "can't be fetched: HTTP 304"),
        (format!("{}/endless", server.url()), "can't be used: it is larger than 32 MB"),
        (format!("{}/cut", server.url()), "can't be fetched: the connection broke: "),
        (format!("{}/loop", server.url()), "can't be fetched: the connection broke: too many redirects"),
        (format!("{closed}/none"), "can't be fetched: no connection: "),
    ] {
        let output = refresh(&env, &address).run().exited(1);
        assert!(output.stderr.contains(&format!("`{address}` {why}")), "{output}");
        assert!(output.stderr.contains("\nhint: nothing was changed: the catalog of "), "{output}");
    }
    assert!(cache(&env) == before);
}

/// The embedded catalog in its own format, with one model's row changed.
fn catalog(model: &str, change: impl Fn(&mut Value)) -> Value {
    let mut catalog: Value = serde_json::from_str(EMBEDDED).unwrap();
    change(&mut catalog["p"]["openai"]["m"][model]);
    catalog
}

#[test]
fn a_catalog_of_another_build_is_taken_and_its_facts_are_told_in_words() {
    let env = Env::new();
    let change = |row: &mut Value| {
        row["$"][0]["i"] = json!(3);
        for (key, value) in
            [("rb", json!([1024, null])), ("~", json!(1)), ("dd", json!("2031-01-01")), ("x", json!("rt"))]
        {
            row[key] = value;
        }
    };
    insta::assert_snapshot!(refreshed(&env, &catalog("gpt-6-sol", change)), @"
    openai/gpt-6-sol  input $2 → $3
    openai/gpt-6-sol  abilities reasoning, tools, structured output, attachments, no temperature → reasoning, tools  shutdown none → 2031-01-01  thinking budget none → at least 1024  price by route none → yes
    1 price change, 1 other change
    ------- stderr -------
    [exit status: 0]
    ");
    assert_eq!(price(&env, "openai/gpt-6-sol"), "0.003");
    // A day that is not later is a refresh all the same.
    let audit = env.pollm(["cost", "audit", "--json"]).run().success().json();
    assert_eq!(audit["prices"]["refreshed"], true);
    let before = cache(&env);
    let mut other_unit = catalog("gpt-6-sol", |_| ());
    other_unit["per"] = json!(1_000);
    for (list, why) in [
        (
            catalog("gpt-6-sol", |row| row["$"][0]["i"] = json!("two")),
            "`openai/gpt-6-sol` in it can't be read: `\"two\"` is not an amount that can be kept exactly",
        ),
        (other_unit, "it is no list of models that this version can read"),
        (json!({"providers": []}), "it lists no models of `openai`"),
    ] {
        env.write("list.json", list.to_string());
        let output = refresh(&env, "list.json").run().exited(1);
        assert!(output.stderr.contains(&format!("`list.json` can't be used: {why}")), "{output}");
    }
    assert!(cache(&env) == before);
}

#[test]
fn zeros_of_a_trial_are_no_price() {
    let env = Env::new();
    let mut list = list();
    let zeros = json!({"input": 0, "output": 0});
    list["nvidia"]["models"]["new/trial"] = json!({"name": "Trial", "limit": {"context": 1_000}, "cost": zeros,
        "modalities": {"input": ["text"], "output": ["text"]}});
    list["sarvam"]["models"]["new-free"] = list["nvidia"]["models"]["new/trial"].clone();
    let _ = refreshed(&env, &list);
    let show = |model: &str| env.pollm(["models", "show", model]).run().success().stdout;
    let trial = show("nvidia/new/trial");
    assert!(trial.contains("\nbilling      trial\n\nprices: not metered\n"), "{trial}");
    let free = show("sarvam/new-free");
    assert!(free.contains("\nbilling      free\n"), "{free}");
}

#[test]
fn a_cache_that_cannot_be_written_leaves_the_old_in_use() {
    let env = Env::new();
    std::fs::create_dir_all(env.root().join("cache/pollm/catalog.json/in the way")).unwrap();
    env.write("list.json", list().to_string());
    let output = refresh(&env, "list.json").run().exited(1).to_string();
    assert!(
        output.contains("error: `$ENV/cache/pollm/catalog.json` can't be written\n  because: "),
        "{output}"
    );
    assert!(output.contains("\nhint: nothing was changed: the catalog of "), "{output}");
    assert_eq!(price(&env, "openai/gpt-6-sol"), "0.002");
}
