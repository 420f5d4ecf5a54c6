//! Choosing between models: `--route`, `--why` and named routes.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::lab::{KEY, row};
use crate::support::process::Run;
use crate::support::streams::{OPENAI_DONE, event, openai_chunks};
use crate::support::{Env, Lab, Script, Server};

/// Three providers that answer as the function says of their names; `c` has no key.
fn lab(toml: &str, answer: impl Fn(&str) -> Script + Send + Sync + 'static) -> Lab {
    let lab = Lab::start(move |request, _| answer(request.target.split('/').nth(1).unwrap()));
    let rows = ["a", "b"].map(|name| row(name, "openai-chat", &format!("{}/{name}", lab.server.url())));
    let keyless = row("c", "openai-chat", "http://127.0.0.1:1/c").replace("LAB_KEY", "C_KEY");
    lab.env.configure(&format!("{toml}\n{}{keyless}", rows.concat()));
    lab
}

fn said(_: &str) -> Script {
    Script::sse(openai_chunks(&["Here I am"]))
}

fn ask(lab: &Lab, args: &[&str]) -> Run {
    lab.pollm(["ask", "--no-stdin"].iter().chain(args).copied()).env("POLLM_SEED", "7")
}

const QUICK: &str = "[routes.quick]\nmodels = [\"c/one\", \"a/one\", \"b/one\"]\npolicy = \"fastest\"\n";

/// Whatever the times are: each model is tried once, and from then on the order
/// is that of the figures.
#[test]
fn each_is_tried_and_then_the_figures_decide() {
    let lab = lab(QUICK, |name| Script::late_sse(if name == "a" { 30 } else { 0 }, openai_chunks(&["Here"])));
    let asked: Vec<Value> =
        (0..8).map(|_| ask(&lab, &["-m", "quick", "--json", "hi"]).run().success().json()).collect();
    assert_eq!((&asked[0]["model"], &asked[1]["model"]), (&json!("a/one"), &json!("b/one")));
    let starts = |of: &Value, with: &str| of["route"]["reason"].as_str().unwrap().starts_with(with);
    assert!(starts(&asked[0], "nothing is measured yet") && starts(&asked[1], "tried once"), "{asked:#?}");
    for object in &asked[2..] {
        let ms = |place: usize| object["route"]["candidates"][place]["answer_ms"].as_f64().unwrap();
        assert!(ms(0) <= ms(1) || starts(object, "measured again"), "{object:#}");
        assert_eq!(object["route"]["chosen"], object["model"]);
    }
}

#[test]
fn why_is_data_and_says_who_was_left_out() {
    let lab = lab(QUICK, said);
    for _ in 0..11 {
        let _ = ask(&lab, &["-m", "a/one", "hi"]).run().success();
    }
    let _ = ask(&lab, &["-m", "b/one", "hi"]).run().success();
    let output = ask(&lab, &["-m", "quick", "--why", "--json", "hi"]).run().success();
    let route = &output.json()["route"];
    assert_eq!((&route["policy"], &route["route"]), (&json!("fastest"), &json!("quick")));
    assert_eq!(route["rejected"], json!([{"model": "c/one", "reason": "there is no API key for c"}]));
    let of = |name: &str| {
        let candidates = route["candidates"].as_array().unwrap();
        candidates.iter().find(|of| of["model"] == name).unwrap().clone()
    };
    // A change of pace may have made some of them old.
    let n = of("a/one")["n"].as_u64().unwrap();
    assert!((2..=11).contains(&n) && of("b/one")["n"] == 1, "{route:#}");
    assert_eq!(of("a/one")["ttfv_p90_ms"].is_f64(), n >= 10, "{route:#}");
    assert!(of("a/one")["age_s"].is_u64() && of("a/one")["expected_usd"].is_string(), "{route:#}");
    assert_eq!(route["candidates"][0]["model"], route["chosen"]);
    assert!(route["baseline"]["model"].is_string() && route["reason"].is_string(), "{route:#}");
    assert!(output.stderr.contains("left out: c/one: there is no API key for c"), "{output}");
    assert!(output.stderr.contains("first word") && output.stderr.contains("best single model"), "{output}");
    // Asked for by name, it is said under -q too.
    let quiet = ask(&lab, &["-q", "-m", "quick", "--why", "hi"]).run().success();
    assert!(quiet.stderr.contains("best single model"), "{quiet}");
    // Without a route there is none.
    assert_eq!(ask(&lab, &["-m", "a/one", "--json", "hi"]).run().success().json()["route"], Value::Null);
}

#[test]
fn the_ranking_is_the_chain() {
    let lab = lab("", |name| match name {
        "a" => Script::json(429, &json!({"error": {"message": "Slow down"}})),
        _ => said(name),
    });
    let args = ["--route", "best", "-m", "a/one,b/one,c/one", "--retries", "0", "--json", "hi"];
    let object = ask(&lab, &args).run().success().json();
    assert_eq!((&object["model"], &object["route"]["chosen"]), (&json!("b/one"), &json!("a/one")));
}

#[test]
fn a_route_is_a_model_s_name_everywhere() {
    let toml = "default_model = \"first\"\n[aliases]\nfav = \"first\"\n[routes.first]\nmodels = [\"b/one\"]\npolicy = \"best\"\n";
    let lab = lab(toml, said);
    let model = |args: &[&str]| ask(&lab, args).run().success().json()["model"].clone();
    assert_eq!(model(&["--json", "hi"]), "b/one");
    assert_eq!(model(&["-m", "fav", "--json", "hi"]), "b/one");
    let _ = ask(&lab, &["-m", "first@temperature=0.5", "hi"]).run().success();
    assert_eq!(lab.body()["temperature"], 0.5);
    assert_snapshot!(ask(&lab, &["-m", "frist", "hi"]).run(), @"
    ------- stderr -------
    error: unknown model `frist`

    hint: did you mean `first`?
    [exit status: 2]
    ");
    let run = lab.pollm(["--", "pollm", "ask", "-m", "fir"]);
    let run = run.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "3").env("_CLAP_IFS", "\n");
    assert!(run.run().success().stdout.lines().any(|name| name == "first"));
}

#[test]
fn the_cheapest_is_shown_without_a_call() {
    let env = Env::new();
    let models = "openai/gpt-6-sol,openai/gpt-6-luna,anthropic/claude-haiku-5-5,deepseek/deepseek-flash";
    let args = [
        "ask",
        "--route",
        "cheapest",
        "-m",
        models,
        "--max-tokens",
        "100",
        "--dry-run",
        "--why",
        "--json",
        "hi",
    ];
    let keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY"];
    let run = keys.iter().fold(env.pollm(args), |run, key| run.env(key, KEY));
    let output = run.run().success();
    let first: Value = serde_json::from_str(output.stdout.lines().next().unwrap()).unwrap();
    let usd = |of: &Value| of["expected_usd"].as_str().unwrap().parse::<f64>().unwrap();
    let candidates = first["route"]["candidates"].as_array().unwrap();
    assert!(candidates.windows(2).all(|pair| usd(&pair[0]) <= usd(&pair[1])), "{candidates:#?}");
    assert_eq!((candidates.len(), &first["model"]), (4, &candidates[0]["model"]));
    assert!(output.stderr.starts_with("cheapest: "), "{output}");
}

/// The figures of `cost estimate` and of a route, each by model: prompt, answer and cost.
fn both_estimates(run: &dyn Fn(&[&str]) -> Value, prompt: &[&str]) -> [Vec<(String, Value)>; 2] {
    let figures = |models: &Value, keys: [&str; 3]| {
        let of = |model: &Value| {
            let figures = keys.map(|key| model[key].clone());
            (model["model"].as_str().unwrap().to_owned(), json!(figures))
        };
        let mut all: Vec<_> = models.as_array().unwrap().iter().map(of).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let estimate = run(&[&["cost", "estimate", "--json", "--no-stdin"][..], prompt].concat());
    let route = ["ask", "--route", "cheapest", "--dry-run", "--json", "--no-stdin"];
    let route = run(&[&route[..], prompt].concat())["route"].clone();
    let cheapest = estimate["models"].as_array().unwrap().iter().min_by(|a, b| {
        let usd = |of: &Value| of["usd_expected"].as_str().unwrap().parse::<f64>().unwrap();
        usd(a).total_cmp(&usd(b))
    });
    assert_eq!(cheapest.unwrap()["model"], route["chosen"], "{prompt:?}");
    [
        figures(&estimate["models"], ["input", "expected_output", "usd_expected"]),
        figures(&route["candidates"], ["expected_input", "expected_output", "expected_usd"]),
    ]
}

/// A first line of several, or a whole object.
fn first_object(output: &str) -> Value {
    serde_json::Deserializer::from_str(output).into_iter().next().unwrap().unwrap()
}

/// One prompt is short, one is beyond the bound where some prices rise, one has an image.
#[test]
fn the_cheapest_is_so_by_the_estimate_too() {
    let lab = lab("", |name| {
        Script::sse(if name == "a" {
            openai_chunks(&["Here ", "I am ", "and ", "stay"])
        } else {
            openai_chunks(&["No"])
        })
    });
    // What one's own calls say of a model goes for both.
    for _ in 0..6 {
        let _ = ask(&lab, &["-m", "a/one", "where are you?"]).run().success();
    }
    let models =
        "a/one,b/one,openai/gpt-6-sol,xai/grok-4.7,deepseek/deepseek-flash,anthropic/claude-haiku-5-5";
    let env = lab.env.root();
    std::fs::write(env.join("long.txt"), "Some words that go on. ".repeat(60_000)).unwrap();
    let png =
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 3, 0, 0, 0, 3, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0]]
            .concat();
    std::fs::write(env.join("a.png"), png).unwrap();
    let (long, image) = (env.join("long.txt"), env.join("a.png"));
    let run = |args: &[&str]| {
        let run = lab.pollm(args.iter().copied());
        let keys = ["OPENAI_API_KEY", "XAI_API_KEY", "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY"];
        first_object(&keys.iter().fold(run, |run, key| run.env(key, KEY)).run().success().stdout)
    };
    let big = "openai/gpt-6-sol,xai/grok-4.7,deepseek/deepseek-flash";
    let seeing = "openai/gpt-6-sol,anthropic/claude-haiku-5-5";
    for prompt in [
        &["-m", models, "where is she?"][..],
        &["-m", models, "--max-tokens", "3", "where is she?"],
        &["-m", big, "-f", long.to_str().unwrap(), "sum up"],
        &["-m", seeing, "-a", image.to_str().unwrap(), "what is it?"],
    ] {
        let [estimated, routed] = both_estimates(&run, prompt);
        assert_eq!(estimated, routed, "{prompt:?}");
        assert_eq!(estimated.len(), prompt[1].split(',').count());
    }
    let [estimated, _] = both_estimates(&run, &["-m", models, "where is she?"]);
    // The script says nine tokens in and as many out as it has pieces.
    assert_eq!(estimated.iter().find(|of| of.0 == "a/one").unwrap().1[1], 4, "{estimated:?}");
}

#[test]
fn without_names_only_what_can_be_asked_is_ranked() {
    let env = Env::new();
    let args = ["ask", "--route", "best", "--dry-run", "--json", "hi"];
    let output = env.pollm(args).env("GROQ_API_KEY", KEY).run().success();
    let lanes: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!((1..=5).contains(&lanes.len()));
    assert!(lanes.iter().all(|lane| lane["model"].as_str().unwrap().starts_with("groq/")), "{output}");
}

#[test]
fn nobody_left_is_an_error_with_every_reason() {
    let lab = lab("[routes.mine]\nmodels = [\"c/one\"]\npolicy = \"best\"\n", said);
    assert_snapshot!(ask(&lab, &["-m", "mine", "hi"]).run(), @"
    ------- stderr -------
    error: no model of route `mine` can serve this request
      because: c/one: there is no API key for c

    hint: `pollm models providers` shows where keys are looked for
    [exit status: 5]
    ");
    assert_eq!(lab.server.requests().len(), 0);
}

/// What `OpenRouter` routes itself is left to it, and what it did is shown.
#[test]
fn a_gateway_s_own_routing_passes_through() {
    let chunk = |delta: &Value, finish: &Value| {
        event(&json!({"id": "gen-1", "provider": "Groq", "model": "meta-llama/llama-3.3-70b-instruct",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
    };
    let frames = [
        chunk(&json!({"content": "Hi"}), &Value::Null),
        chunk(&json!({"content": ""}), &json!("stop")),
        OPENAI_DONE.to_owned(),
    ];
    let (env, server) = (Env::new(), Server::always(Script::sse(frames)));
    env.configure(&format!("[providers.openrouter]\nbase_url = \"{}/api/v1\"\n", server.url()));
    for id in ["qwen/qwen3-32b:nitro", "meta-llama/llama-3.3-70b-instruct:floor"] {
        let model = format!("openrouter/{id}");
        let args = [
            "ask",
            "--json",
            "--no-stdin",
            "-m",
            &model,
            "-o",
            "provider.sort=throughput",
            "-o",
            "provider.only=[\"groq\"]",
            "-o",
            "models=[\"z-ai/glm-5\"]",
            "hello",
        ];
        let object = env.pollm(args).env("OPENROUTER_API_KEY", KEY).run().success().json();
        assert_eq!((&object["model"], &object["served_by"]), (&json!(model), &json!("Groq")));
        assert_eq!(object["served_model"], "meta-llama/llama-3.3-70b-instruct");
        // A variant may cost more than the model: its price is not taken for the model's.
        assert_eq!(object["cost"]["usd"], Value::Null, "{object:#}");
        let body = server.requests().last().unwrap().json();
        assert_eq!((&body["model"], &body["models"]), (&json!(id), &json!(["z-ai/glm-5"])));
        assert_eq!(body["provider"], json!({"sort": "throughput", "only": ["groq"]}));
    }
}

#[test]
fn a_comparison_says_which_of_its_models_a_route_chose() {
    let lab = lab(QUICK, said);
    let args = ["compare", "--no-stdin", "-m", "b/one,quick", "--why", "--json", "hi"];
    let output = lab.pollm(args).env("POLLM_SEED", "7").run().success();
    let (object, stderr) = (output.json(), &output.stderr);
    let lanes = object["lanes"].as_array().unwrap();
    assert_eq!(lanes[0]["route"], Value::Null);
    assert_eq!(
        (&lanes[1]["route"]["route"], &lanes[1]["route"]["chosen"]),
        (&json!("quick"), &lanes[1]["model"])
    );
    assert!(stderr.contains("route quick, fastest") && stderr.contains("left out: c/one"), "{stderr}");
    let again = lab.pollm(["compare", "--last", "--json"]).run().success().json();
    assert_eq!(again["lanes"][1]["route"], lanes[1]["route"]);
    let ended = lab.pollm(["compare", "--last", "--jsonl"]).run().success().jsonl();
    assert!(ended.iter().any(|event| event["outcome"]["route"]["route"] == "quick"), "{ended:?}");
    let args = ["compare", "--last", "--add", "-m", "quick", "--json"];
    let added = lab.pollm(args).run().success().json();
    assert_eq!(
        (&added["lanes"][1]["route"], &added["lanes"][2]["route"]["route"]),
        (&lanes[1]["route"], &json!("quick"))
    );
    let named = lab.pollm(["compare", "-m", "a/one,b/one", "--why", "hi"]).run().success();
    assert!(named.stderr.contains("no route was used"), "{}", named.stderr);
    lab.env.write("p.txt", "one\ntwo\n");
    let args = ["compare", "-m", "b/one,quick", "--why", "--prompts", "p.txt", "--json"];
    let output = lab.pollm(args).run().success();
    assert_eq!(output.json()["lanes"][1]["route"]["route"], "quick");
    assert!(output.stderr.contains("route quick, fastest"), "{}", output.stderr);
    let again = lab.pollm(["compare", "--last", "--json"]).run().success().json();
    assert_eq!(again["lanes"][1]["route"], output.json()["lanes"][1]["route"]);
}

/// A page that is about a route, not about a prompt.
#[test]
fn a_route_is_shown_with_its_settings_and_its_figures() {
    let toml = format!(
        "[aliases]\nfav = \"quick\"\n[sets]\nboth = [\"a/one\", \"b/one\"]\n{QUICK}max_price = \"5\"\n"
    );
    let lab = lab(&toml, said);
    for _ in 0..2 {
        let _ = ask(&lab, &["-m", "b/one", "hi"]).run().success();
    }
    let show = |args: &[&str]| lab.pollm(["models", "show"].iter().chain(args).copied()).run();
    let text = show(&["fav"]).success().stdout;
    for line in [
        "route       quick\n",
        "policy      fastest: ",
        "aliases     fav\n",
        "models      c/one, a/one, b/one\n",
        "explores    5 of 100 calls\n",
        "max price   $5 for a million tokens, in or out\n",
        "left out: c/one: there is no API key for c\n",
        "$1.00/$2.00",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let object = show(&["quick", "--json"]).success().json();
    let ranked = object["ranking"]["candidates"].as_array().unwrap();
    let n: Vec<_> = ranked.iter().map(|of| (&of["model"], &of["n"])).collect();
    assert_eq!(json!(n), json!([["b/one", 2], ["a/one", 0]]));
    assert_eq!((&object["route"], &object["models"][0]), (&json!("quick"), &json!("c/one")));
    assert_eq!(
        (&object["settings"]["max_price"], &object["ranking"]["chosen"]),
        (&json!("5"), &json!("b/one"))
    );
    // A set is no route: its models, a line each.
    let set = show(&["both", "--json"]).success().json();
    let names: Vec<_> = set["models"].as_array().unwrap().iter().map(|of| &of["model"]).collect();
    assert_eq!((&set["set"], json!(names)), (&json!("both"), json!(["a/one", "b/one"])));
    assert!(show(&["both"]).success().stdout.contains("a/one      33k   1.00    2.00"));
    assert_eq!(lab.server.requests().len(), 2, "nothing is asked for it");
    assert_snapshot!(show(&["quik"]), @"
    ------- stderr -------
    error: unknown model `quik`

    hint: did you mean `quick`?
    [exit status: 2]
    ");
    assert_snapshot!(lab.pollm(["cost", "price", "quick", "--input", "1", "--output", "1"]).run(), @"
    ------- stderr -------
    error: `quick` is a route, not a model

    hint: name one of `c/one`, `a/one`, `b/one`
    [exit status: 2]
    ");
}

#[test]
fn what_costs_nothing_is_called_so() {
    let env = Env::new();
    env.configure("[routes.here]\nmodels = [\"local/smollm2-135m\"]\npolicy = \"cheapest\"\n");
    let text = env.pollm(["models", "show", "here"]).run().success().stdout;
    assert!(text.contains("cheapest: local/smollm2-135m: it runs on this machine\n"), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with("1. local/") && line.ends_with("local     local")),
        "{text}"
    );
    assert!(!text.contains('$'), "{text}");
}

/// Under `--max-cost` a route leaves out what the cap would refuse, by the same bound.
#[test]
fn a_route_and_a_cap_count_alike() {
    let lab = lab("", said);
    let args = ["-m", "a/one", "--max-tokens", "10", "--dry-run", "--json", "hi"];
    let object = ask(&lab, &[&["--max-cost", "1"], &args[..]].concat()).run().success().json();
    let worst = object["cap"]["worst_usd"].as_str().unwrap().to_owned();
    // What a prompt of one token is expected to cost is far less.
    let expected: f64 = object["estimate"]["usd_max"].as_str().unwrap().parse().unwrap();
    assert!(worst.parse::<f64>().unwrap() > 10.0 * expected, "{object}");
    let route = |cap: &str| ask(&lab, &[&["--max-cost", cap, "--route", "best"], &args[..]].concat()).run();
    assert_eq!(route(&worst).success().json()["cap"]["worst_usd"], worst.as_str());
    let less = format!("{:.6}", worst.parse::<f64>().unwrap() - 0.000_001);
    let refused = route(&less).exited(3);
    assert!(
        refused.stderr.contains("a/one: it may cost $") && refused.stderr.contains("hint: "),
        "{refused}"
    );
    // What may be paid for thrice is counted thrice.
    let thrice =
        ask(&lab, &[&["--max-cost", &worst, "--retry-ambiguous", "--route", "best"], &args[..]].concat());
    assert!(thrice.run().exited(3).stderr.contains("it may cost $"));
}
