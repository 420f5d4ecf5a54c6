//! `pollm cost`: totals, estimates, repricing and audits, against a provider
//! whose counts and prices are known.

use serde_json::{Value, json};

use crate::support::lab::{KEY, Lab, ledger};
use crate::support::{Env, Script, Server};

/// An answer with these counts.
fn answer(id: &str, input: u64, cached: u64, output: u64, cost: Option<f64>) -> Script {
    let mut usage = json!({"prompt_tokens": input, "completion_tokens": output,
        "total_tokens": input + output, "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": output / 2}});
    if let Some(cost) = cost {
        usage["cost"] = json!(cost);
    }
    Script::json(
        200,
        &json!({"id": id, "object": "chat.completion", "created": 1, "model": "one", "usage": usage,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"},
                "finish_reason": "stop"}]}),
    )
}

const TINY: &str = "[providers.lab.models.tiny]\ninput = \"0.25\"\noutput = \"0\"\n";

/// A history of three models: two calls of `one` ($0.0007 and $0.0014), one of
/// `tiny` ($0.00000075) and one of `secret`, which has no price.
fn history() -> Lab {
    let lab = Lab::in_turn([
        answer("a", 500, 200, 100, None),
        answer("b", 1_000, 0, 200, None),
        answer("c", 3, 0, 1, None),
        answer("d", 7, 0, 5, None),
    ]);
    lab.configure(TINY);
    for model in ["lab/one", "lab/one", "lab/tiny", "lab/secret"] {
        let line = ["ask", "--no-stream", "-m", model, "a question of some words"];
        let _ = lab.pollm(line).run().success();
    }
    lab
}

fn cost(lab: &Lab, line: &str) -> Value {
    let args = ["cost"].into_iter().chain(line.split(' ').filter(|arg| !arg.is_empty())).chain(["--json"]);
    lab.pollm(args).run().success().json()
}

#[test]
fn totals_name_what_they_leave_out() {
    let lab = history();
    insta::assert_snapshot!(lab.pollm(["cost"]).run(), @r"
    model       calls    in  cached  out  reasoning          cost  share
    lab/one         2  1500     200  300        150      ~$0.0021   100%  ████████████████████████
    lab/tiny        1     3       0    1          0   $0.00000075    <1%  ▏
    lab/secret      1     7       0    5          2             ?      ?
    total           4  1510     200  306        152  ≥ ~$0.002101   100%

    span                      all calls
    calls                     4
    total                     ≥ ~$0.002101 (1 call unpriced)
    computed from its counts  $0.002101 in 3 calls
    ------- stderr -------
    [exit status: 0]
    ");
    let groups = cost(&lab, "")["groups"].clone();
    let of = |model: &str| {
        groups.as_array().unwrap().iter().find(|group| group["model"] == model).unwrap().clone()
    };
    assert_eq!(of("lab/one")["cost"]["usd"], "0.0021");
    assert_eq!(
        of("lab/one")["usage"],
        json!({"input": 1500, "cache_read": 200, "output": 300, "reasoning": 150, "estimated": false,
            "uncounted_calls": 0})
    );
    assert_eq!(of("lab/tiny")["cost"]["usd"], "0.00000075");
    assert_eq!(
        (&of("lab/secret")["cost"]["usd"], &of("lab/secret")["cost"]["unpriced_calls"]),
        (&Value::Null, &json!(1))
    );
}

#[test]
fn totals_are_the_same_by_whatever_they_are_put_together() {
    let lab = history();
    let days: std::collections::BTreeSet<String> =
        lab.ledger().iter().map(|call| call["started_at"].as_str().unwrap()[..10].to_owned()).collect();
    let names = |by: &str| -> Vec<String> {
        let report = cost(&lab, &format!("report --by {by} --since 2d"));
        assert_eq!(report["total"]["cost"]["usd"], "0.00210075", "{by}");
        assert_eq!(
            (&report["total"]["calls"], &report["total"]["cost"]["unpriced_calls"]),
            (&json!(4), &json!(1))
        );
        let groups = report["groups"].as_array().unwrap().clone();
        groups.iter().map(|group| group[by].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("model"), ["lab/one", "lab/tiny", "lab/secret"]);
    assert_eq!(names("provider"), ["lab"]);
    assert_eq!(names("command"), ["ask"]);
    assert_eq!(names("day"), days.into_iter().collect::<Vec<_>>());
    assert_eq!(cost(&lab, "--until 2000-01-01")["total"]["calls"], 0);
    let wrong = lab.pollm(["cost", "--since", "today", "--until", "2000-01-01"]).run();
    assert!(wrong.exited(2).stderr.contains("is not before"));
}

#[test]
fn a_report_fits_narrow_terminals_and_screen_readers() {
    let lab = history();
    let shown = lab.pollm(["cost", "--color", "never"]).terminal(40, 30).run().success();
    for line in shown.stdout.lines().take_while(|line| !line.trim().is_empty()) {
        assert!(line.trim_end().chars().count() <= 40, "{line:?}");
        assert!(!line.contains("reasoning"), "{line:?}");
    }
    let read = lab.pollm(["cost"]).env("ACCESSIBLE", "1").run().success().stdout;
    assert!(read.contains("model: lab/secret\ncalls: 1\n") && read.contains("\ncost: unknown\n"), "{read}");
    assert!(read.contains("\ntotal: at least about $0.002101 (1 call unpriced)\n"), "{read}");
    assert!(!read.contains(['█', '≥', '~']), "{read}");
}

#[test]
fn files_are_of_the_format_that_their_name_says() {
    let lab = Lab::always(answer("a", 10, 0, 10, None));
    let _ = lab.pollm(["ask", "--no-stream", "-m", "lab/<b>\"=x", "hello there"]).run().success();
    let written = |name: &str| {
        let path = lab.env.root().join("work").join(name);
        assert_eq!(lab.pollm(["cost", "--output", name]).run().success().stdout, "");
        std::fs::read_to_string(path).unwrap()
    };
    let page = written("costs.html");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("lab/&lt;b&gt;&quot;=x") && !page.contains("<b>"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    assert!(written("costs.csv").contains("\n\"lab/<b>\"\"=x\",1,10,0,10,5,0,,false,1,"));
    assert_eq!(serde_json::from_str::<Value>(&written("costs.json")).unwrap()["by"], "model");
    assert!(lab.pollm(["cost", "--output", "costs.pdf"]).run().exited(2).stderr.contains("which format"));
}

#[test]
fn an_empty_history_says_how_it_is_filled() {
    let env = Env::new();
    for line in ["cost", "cost report --by day", "cost what-if gpt-6", "cost audit"] {
        let output = env.pollm(line.split(' ')).run().success();
        assert!(output.stderr.contains("`pollm ask` writes them"), "{output}");
    }
    assert_eq!(env.pollm(["cost", "-q"]).run().success().stderr, "");
    let report = env.pollm(["cost", "--json"]).run().success().json();
    assert_eq!((&report["total"]["calls"], &report["total"]["cost"]["usd"]), (&json!(0), &json!("0")));
}

#[test]
fn an_estimate_is_the_price_of_what_it_counts() {
    let env = Env::new();
    let keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"];
    let run = |args: &[&str]| {
        keys.iter().fold(env.pollm(args.iter().copied()), |run, key| run.env(key, "x")).run().success()
    };
    let models = "openai/gpt-6-sol,anthropic/claude-opus-5-5,ollama/any,openai/no-such-model";
    let estimate = run(&[
        "cost",
        "estimate",
        "-m",
        models,
        "--max-tokens",
        "100",
        "--json",
        "how long is a piece of string?",
    ]);
    let lanes = estimate.json()["models"].as_array().unwrap().clone();
    for lane in &lanes[..2] {
        let price = |output: &str| {
            let (model, input) = (lane["model"].as_str().unwrap(), lane["input"].to_string());
            run(&["cost", "price", model, "--input", &input, "--output", output, "-q"])
                .stdout
                .trim()
                .to_owned()
        };
        assert_eq!((&lane["usd_min"], &lane["usd_max"]), (&json!(price("0")), &json!(price("100"))));
        assert_eq!((&lane["input_source"], &lane["typical_output"]), (&json!("rule"), &Value::Null));
    }
    assert_eq!((&lanes[2]["usd_max"], &lanes[2]["local"]), (&json!("0"), &json!(true)));
    assert_eq!((&lanes[3]["usd_min"], &lanes[3]["usd_max"]), (&Value::Null, &Value::Null));
    let table = run(&["cost", "estimate", "-m", models, "how long is a piece of string?"]).stdout;
    assert!(table.lines().nth(4).unwrap().contains('?'), "{table}");
    let csv = run(&["cost", "estimate", "-m", models, "--format", "csv", "how long?"]).stdout;
    assert_eq!(csv.lines().count(), 5);
}

#[test]
fn an_estimate_learns_from_calls_of_its_model() {
    let lab = Lab::always(answer("a", 30, 0, 80, None));
    let ask = || {
        let _ = lab.ask(&["--no-stream", "a question of exactly forty letters, yes"]).run().success();
    };
    let estimate = || {
        let args =
            ["cost", "estimate", "-m", "lab/one", "--json", "another one of exactly forty letters, no"];
        lab.pollm(args).run().success().json()["models"][0].clone()
    };
    (0..4).for_each(|_| ask());
    assert_eq!(estimate()["input_source"], "rule");
    ask();
    let connections = lab.server.connections();
    let lane = estimate();
    assert_eq!(
        (&lane["input_source"], &lane["input"], &lane["input_calls"]),
        (&json!("measured"), &json!(30), &json!(5))
    );
    // A dollar for a million tokens in, two for a million out.
    assert_eq!((&lane["typical_output"], &lane["usd_typical"]), (&json!(80), &json!("0.00019")));
    let dry = lab.ask(&["--dry-run", "another one of exactly forty letters, no"]).run().success();
    assert!(dry.stderr.contains("typically ~$0.00019 (80 tokens, the median of 5 of your calls)"), "{dry}");
    assert_eq!(lab.server.connections(), connections);
}

#[test]
fn the_past_is_repriced_without_a_connection() {
    let lab = history();
    let connections = lab.server.connections();
    let what_if = cost(&lab, "what-if lab/tiny lab/secret");
    assert_eq!(lab.server.connections(), connections);
    let tiny = &what_if["models"][0];
    // 1,510 tokens in at $0.25 for a million; three of them were priced so.
    assert_eq!(tiny["total"]["what_if"]["usd"], "0.0003775");
    assert_eq!(
        (&tiny["total"]["actual"]["usd"], &tiny["total"]["actual"]["unpriced_calls"]),
        (&json!("0.00210075"), &json!(1))
    );
    assert_eq!(tiny["total"]["what_if"]["approximate"], true);
    let same = tiny["groups"].as_array().unwrap().iter().find(|group| group["asked"] == "lab/tiny").unwrap();
    assert_eq!(
        (&same["tokens"], &same["what_if"]),
        (&json!("same model"), &json!({"usd": "0.00000075", "approximate": false, "unpriced_calls": 0}))
    );
    assert_eq!(what_if["models"][1]["total"]["what_if"]["usd"], Value::Null);
    assert!(lab.pollm(["cost", "what-if", "no-such-model"]).run().exited(2).stderr.contains("no-such-model"));
}

#[test]
fn calls_with_unknown_tokens_are_left_out_and_named() {
    let lab = Lab::in_turn([answer("a", 10, 0, 10, None), Script::new(200).hang()]);
    let ask = |args: &[&str]| lab.ask(args).arg("hello there").run();
    let _ = ask(&["--no-stream"]).success();
    let _ = ask(&["--no-stream", "--timeout", "0.3", "--retries", "0"]).exited(6);
    let rows = ledger(&lab.env);
    assert_eq!((&rows[1]["possibly_billed"], rows.len()), (&json!(true), 2));
    let report = cost(&lab, "");
    assert_eq!(report["total"]["cost"]["possibly_billed_calls"], 1);
    let text = lab.pollm(["cost"]).run().success().stdout;
    assert!(text.contains("possibly billed") && text.contains("1 call whose end is unknown"), "{text}");
    let audit = cost(&lab, "audit");
    assert_eq!(
        (&audit["possibly_billed"][0]["model"], &audit["possibly_billed"][0]["calls"]),
        (&json!("lab/one"), &json!(1))
    );
}

/// An OpenRouter that charges twice what the answer said for the second call,
/// and has no record of the third.
fn openrouter() -> (Env, Server) {
    let server = Server::start(|request, n| match request.method.as_str() {
        "POST" => answer(&format!("gen-{n}"), 1_000, 0, 100, Some(0.001)),
        _ => match request.target.rsplit('=').next().unwrap() {
            "gen%2D0" => {
                Script::json(200, &json!({"data": {"id": "gen-0", "total_cost": 0.001, "cancelled": false}}))
            }
            "gen%2D1" => {
                Script::json(200, &json!({"data": {"id": "gen-1", "total_cost": 2e-3, "cancelled": true}}))
            }
            _ => Script::json(404, &json!({"error": {"code": 404, "message": "Generation not found"}})),
        },
    });
    let env = Env::new();
    env.configure(&format!(
        "[providers.openrouter]\nbase_url = \"{}/v1\"\n[providers.openrouter.models.\"lab/one\"]\ninput = \"1\"\noutput = \"2\"\n",
        server.url()
    ));
    (env, server)
}

#[test]
fn an_audit_asks_openrouter_what_it_charged() {
    let (env, server) = openrouter();
    let run = |args: &[&str]| env.pollm(args.iter().copied()).env("OPENROUTER_API_KEY", KEY).run().success();
    for _ in 0..3 {
        let _ = run(&["ask", "--no-stream", "-m", "openrouter/lab/one", "hello there"]);
    }
    let audit = run(&["cost", "audit", "--json"]).json();
    let records = audit["openrouter"]["records"].as_array().unwrap().clone();
    let told: Vec<_> = records
        .iter()
        .map(|record| (&record["id"], &record["charged_usd"], &record["recorded_usd"]))
        .collect();
    let ids = ["gen-2", "gen-1", "gen-0"].map(Value::from);
    let (null, recorded) = (Value::Null, json!("0.001"));
    assert_eq!(
        told,
        [(&ids[0], &null, &recorded), (&ids[1], &json!("0.002"), &recorded), (&ids[2], &recorded, &recorded)]
    );
    assert_eq!((&records[0]["error"], &records[1]["cancelled"]), (&json!("no record"), &json!(true)));
    // 1,000 in at $1 and 100 out at $2 for a million: a fifth more than was billed.
    assert_eq!(
        (&audit["drift"][0]["computed_usd"], &audit["drift"][0]["drift"]),
        (&json!("0.0036"), &json!(0.2))
    );
    let text = run(&["cost", "audit", "--limit", "1"]);
    assert!(text.stdout.contains("0 of 1 call agrees") && text.stdout.contains("gen-2"), "{text}");
    assert!(text.stdout.contains("3 calls billed $0.003, prices say $0.0036 (+20.0%)"), "{text}");
    assert!(!format!("{}{}", text.stdout, text.stderr).contains(KEY));
    let text = run(&["cost", "audit"]).stdout;
    assert!(text.contains("\n  1 of 3 calls agree to the last digit\n"), "{text}");
    assert!(
        text.contains("\n  gen-1 openrouter/lab/one: charged $0.002, recorded $0.001 (cancelled)\n"),
        "{text}"
    );
    assert_eq!(server.requests().len(), 3 + 3 + 1 + 3);
}

#[test]
fn an_audit_without_a_key_or_a_network_says_what_was_not_asked() {
    let (env, server) = openrouter();
    let ask = ["ask", "--no-stream", "-m", "openrouter/lab/one", "hello there"];
    let _ = env.pollm(ask).env("OPENROUTER_API_KEY", KEY).run().success();
    let connections = server.connections();
    let without = env.pollm(["cost", "audit"]).run().success().stdout;
    assert!(without.contains("not asked for 1 call: no key for openrouter is set"), "{without}");
    assert!(without.contains("prices say"), "{without}");
    let offline = env.pollm(["cost", "audit", "--offline", "--json"]).env("OPENROUTER_API_KEY", KEY);
    assert_eq!(offline.run().success().json()["openrouter"]["asked"], false);
    assert_eq!(server.connections(), connections);
}

#[test]
fn a_route_and_a_set_are_repriced_as_their_models() {
    let lab = history();
    lab.configure(&format!(
        "[sets]\nboth = [\"lab/one\", \"lab/tiny\"]\n[routes.r]\nmodels = [\"lab/tiny\"]\npolicy = \"best\"\n\
         [routes.any]\npolicy = \"best\"\n{TINY}"
    ));
    let models = |names: &str| {
        let whole = cost(&lab, &format!("what-if {names}"));
        let models = whole["models"].as_array().unwrap().iter().map(|of| of["model"].clone());
        models.collect::<Vec<_>>()
    };
    assert_eq!(json!(models("both")), json!(["lab/one", "lab/tiny"]));
    assert_eq!(json!(models("r,lab/one,r")), json!(["lab/tiny", "lab/one"]));
    let any = lab.pollm(["cost", "what-if", "any"]).run().exited(2);
    assert!(any.stderr.contains("route `any` names no models") && any.stderr.contains("hint: "), "{any}");
}

/// Some models have another price for answers that they think about.
#[test]
fn a_call_with_an_effort_is_repriced_as_one_that_thinks() {
    let lab = Lab::always(answer("a", 1_000, 0, 1_000_000, None));
    for effort in [&["--effort", "none"][..], &["--effort", "low"]] {
        let _ = lab.ask(&[&["--no-stream"], effort, &["hello"]].concat()).run().success();
        let total = cost(&lab, "what-if alibaba/qwen-plus")["models"][0]["total"]["what_if"]["usd"].clone();
        assert_eq!(total, if effort[1] == "none" { "1.2004" } else { "5.2008" });
    }
}

#[test]
fn a_call_of_unknown_cost_counts_under_a_cap_though_no_history_has_it() {
    let lab = Lab::always(answer("a", 7, 0, 5, None));
    lab.configure("[budget]\nday = \"5\"");
    let ask = ["ask", "--no-stream", "--no-log", "--allow-unpriced", "-m", "lab/secret", "hello"];
    let _ = lab.pollm(ask).run().success();
    let budget = |args: &[&str]| lab.pollm(["cost", "budget"].iter().chain(args).copied());
    let shown = budget(&[]).run().success().stdout;
    assert!(shown.contains("  ≥ $0.00 (1 unpriced)  "), "{shown}");
    assert!(shown.contains("  lab/secret  cost unknown  possibly billed: "), "{shown}");
    let read = budget(&[]).env("ACCESSIBLE", "1").run().success().stdout;
    assert!(read.contains("\ncost: unknown\nstate: possibly billed: "), "{read}");
    let document = budget(&["--format", "markdown"]).run().success().stdout;
    assert!(document.contains(" | lab/secret | unknown | possibly billed: "), "{document}");
}
