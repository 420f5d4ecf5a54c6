//! `pollm models`: what there is to ask, and what is known of it.

use serde_json::json;

use crate::support::process::Run;
use crate::support::streams::{OPENAI_DONE, openai_chunks};
use crate::support::{ClosedPort, Env, Script, Server};

/// A run in which no local server of the machine is found.
fn pollm(env: &Env, line: &str) -> Run {
    let closed = ClosedPort::new().url();
    ["OLLAMA_HOST", "LLAMACPP_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"]
        .into_iter()
        .fold(env.pollm(line.split(' ')), |run, name| run.env(name, &closed))
}

fn names(output: &serde_json::Value) -> Vec<String> {
    let models = output["models"].as_array().unwrap();
    models.iter().map(|model| model["model"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn with_nothing_to_ask_there_is_the_embedded_model_and_a_hint() {
    insta::assert_snapshot!(pollm(&Env::new(), "models").run(), @r#"
    model               context  $in/M  $out/M  abilities
    local/smollm2-135m     8.2k  local       -  open
    ------- stderr -------

    no API key is set and no local server runs

    hint: set a provider's variable, such as OPENAI_API_KEY, or run `pollm keys set PROVIDER`
    hint: `pollm models --all` lists the models of all providers, `pollm models providers` their variables
    [exit status: 0]
    "#);
}

#[test]
fn running_local_servers_are_listed_and_can_be_asked_at_once() {
    let ollama = Server::start(|request, _| match request.target.as_str() {
        "/v1/models" => Script::json(
            200,
            &json!({"object": "list", "data": [
                {"id": "qwen3:8b", "object": "model", "created": 1, "owned_by": "library"},
                {"id": "nomic-embed-text:latest", "object": "model", "created": 1, "owned_by": "library"},
            ]}),
        ),
        _ => Script::sse(openai_chunks(&["Good ", "day."])),
    });
    let llama = Server::always(Script::json(
        200,
        &json!({"models": [{"name": "tiny.gguf"}], "object": "list",
                "data": [{"id": "tiny.gguf", "object": "model", "meta": {"n_ctx_train": 4096}}]}),
    ));
    let env = Env::new();
    let run = |line: &str| {
        pollm(&env, line)
            .env("OLLAMA_HOST", ollama.url())
            .env("LLAMACPP_BASE_URL", format!("{}/v1", llama.url()))
    };
    insta::assert_snapshot!(run("models --local").run(), @r#"
    model               context  $in/M  $out/M  abilities
    llamacpp/tiny.gguf     4.1k  local       -  -
    local/smollm2-135m     8.2k  local       -  open
    ollama/qwen3:8b           ?  local       -  -
    ------- stderr -------
    [exit status: 0]
    "#);
    let listed = run("models --json").run().success().json();
    assert_eq!(names(&listed), ["llamacpp/tiny.gguf", "local/smollm2-135m", "ollama/qwen3:8b"]);
    assert_eq!(listed["models"][0]["price"]["status"], "local");
    assert_eq!(listed["models"][0]["context"], 4096);
    assert_eq!((&listed["models"][0]["live"], &listed["models"][1]["live"]), (&json!(true), &json!(false)));
    let answer = run("ask -m ollama/qwen3:8b hello").run().success();
    assert_eq!(answer.stdout, "Good day.\n");
    assert!(openai_chunks(&["x"]).contains(&OPENAI_DONE.to_owned()));
}

#[test]
fn filters_and_orders_hold() {
    let env = Env::new();
    let line = "models --all --max-price 1 --min-context 200k --tools --vision --sort price --json";
    let output = pollm(&env, line).run().success().json();
    let models = output["models"].as_array().unwrap();
    assert!(models.len() > 20);
    let price = |model: &serde_json::Value, part: &str| -> f64 {
        model["price"][part].as_str().map_or(0.0, |text| text.parse().unwrap())
    };
    let mut last = 0.0;
    for model in models {
        assert!(
            model["context"].as_u64().unwrap() >= 200_000 && model["abilities"]["tools"] == true,
            "{model}"
        );
        assert!(model["input"].as_array().unwrap().contains(&json!("image")), "{model}");
        assert!(price(model, "input") <= 1.0 && price(model, "output") <= 1.0, "{model}");
        assert!(["priced", "free"].contains(&model["price"]["status"].as_str().unwrap()), "{model}");
        let mixed = 2.0 * price(model, "input") + price(model, "output");
        assert!(mixed >= last - 1e-9, "{model}");
        last = mixed;
    }
    let found = pollm(&env, "models --provider gemini ARGON --json").run().success().json();
    assert!(!names(&found).is_empty());
    assert!(names(&found).iter().all(|name| name.starts_with("google/") && name.contains("argon")));
    let newest = pollm(&env, "models --provider openai --sort released --csv").run().success();
    assert!(newest.stdout.lines().nth(1).unwrap().contains(",2026-"), "{newest}");
    assert!(pollm(&env, "models --provider opnai").run().exited(2).stderr.contains("did you mean `openai`?"));
}

#[test]
fn a_table_fits_the_terminal_and_cuts_no_name() {
    let env = Env::new();
    let whole = pollm(&env, "models --all nemotron").run().success().stdout;
    let shown = pollm(&env, "models --all nemotron --color never").terminal(80, 24).run().success().stdout;
    for line in whole.lines().skip(1) {
        let name = line.split(' ').next().unwrap();
        assert!(shown.contains(&format!("{name} ")) || shown.contains(&format!("{name}\r")), "{name}");
    }
    assert!(shown.lines().all(|line| line.trim_end().chars().count() <= 80), "{shown}");
    let columns = whole.lines().next().unwrap().split_whitespace().count();
    assert!(whole.lines().all(|line| line.split_whitespace().count() == columns), "{whole}");
}

#[test]
fn a_live_list_is_kept_for_when_there_is_no_network() {
    let server = Server::start(|request, _| {
        assert_eq!(request.target, "/openai/v1/models");
        assert_eq!(request.header("authorization"), Some("Bearer canary-key"));
        Script::json(
            200,
            &json!({"data": [{"id": "brand-new", "context_window": 64000}, {"id": "openai/gpt-oss-120b"}]}),
        )
    });
    let env = Env::new();
    env.configure(&format!("[providers.groq]\nbase_url = \"{}/openai/v1\"\n", server.url()));
    let run = |line: &str| pollm(&env, line).env("GROQ_API_KEY", "canary-key");
    assert!(!names(&run("models --json").run().success().json()).contains(&"groq/brand-new".to_owned()));
    let live = run("models --live --provider groq --json").run().success().json();
    let new = live["models"].as_array().unwrap().iter().find(|model| model["id"] == "brand-new").unwrap();
    assert_eq!(
        (&new["context"], &new["price"]["status"], &new["live"]),
        (&json!(64000), &json!("unknown"), &json!(true))
    );
    assert_eq!(server.requests().len(), 1);
    drop(server);
    let kept = run("models --provider groq brand --json").run().success().json();
    assert_eq!(names(&kept), ["groq/brand-new"]);
    let offline = run("models --live --provider groq brand").run().success();
    assert!(offline.stderr.contains("warning: groq: could not connect"), "{offline}");
    assert!(offline.stdout.contains("groq/brand-new"), "{offline}");
}

#[test]
fn a_check_says_which_keys_are_taken() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/a/models?limit=1000" => {
            assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
            assert_eq!(request.header("x-api-key"), Some("canary-key-1"));
            Script::json(200, &json!({"data": [{"type": "model", "id": "claude-x"}], "has_more": false}))
        }
        "/g/models?pageSize=1000" => Script::json(503, &json!({"error": {"message": "overloaded"}})),
        _ => Script::json(401, &json!({"error": {"message": "Incorrect API key provided: canary-key-3"}})),
    });
    let env = Env::new();
    let at = |provider: &str, path: &str| {
        format!("[providers.{provider}]\nbase_url = \"{}{path}\"\n", server.url())
    };
    env.configure(&(at("anthropic", "/a") + &at("google", "/g") + &at("groq", "/q")));
    let run = |line: &str| {
        let keys = [
            ("ANTHROPIC_API_KEY", "canary-key-1"),
            ("GEMINI_API_KEY", "canary-key-2"),
            ("GROQ_API_KEY", "canary-key-3"),
        ];
        keys.into_iter().fold(pollm(&env, line), |run, (name, key)| run.env(name, key))
    };
    let good = run("models check anthropic --json").run().success().json();
    assert_eq!((&good["providers"][0]["ok"], &good["providers"][0]["models"]), (&json!(true), &json!(1)));
    let _ = run("models check anthropic google").run().exited(1);
    let _ = run("models check mistral").run().exited(5);
    let all = run("models check").run().exited(5);
    assert!(!all.to_string().contains("canary"), "{all}");
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert!(lines[0].starts_with("anthropic  ok ") && lines[0].ends_with("  1 chat model"), "{all}");
    assert!(lines[1].ends_with("  the provider is overloaded (HTTP 503): overloaded"), "{all}");
    assert!(lines[2].ends_with("(HTTP 401): Incorrect API key provided: [key]"), "{all}");
    assert_eq!(all.stderr, "error: failed the check: google, groq\n");
}

#[test]
fn a_model_is_shown_as_it_is_at_a_moment() {
    let env = Env::new();
    let peak = pollm(&env, "models show deepseek/deepseek-flash --at 2026-11-23T02:30:00Z").run().success();
    insta::assert_snapshot!(peak, @r#"
    model            deepseek/deepseek-flash
    name             DeepSeek V4.1 Flash
    provider         DeepSeek (api), key: not found (DEEPSEEK_API_KEY)
    aliases          deepseek
    family           deepseek-flash
    at its lab       deepseek/deepseek-v4.1-flash
    context          1,000,000 tokens
    most output      393,216 tokens
    takes            text, image
    gives            text
    abilities        reasoning, tools, vision, schema, open
    efforts          low, high, max
    thinking         can be switched off
    released         2026-09-10
    knowledge until  2025-05
    state            current
    billing          metered

    prices at TIMESTAMP UTC, in USD per million tokens:
      since       before 2026-11-22, the catalog's date
      until       further notice
      now         peak: the full price, until TIMESTAMP UTC
      input       $0.30
      output      $1.20
      cache read  $0.006
      schedule    full price 01:00–04:00 and 06:00–10:00 UTC on Mon Tue Wed Thu Fri but for holidays; × 0.5 otherwise

    schedule: weekday windows; all of Saturday, Sunday and Chinese public holidays is off-peak; by completion time

    catalog of 2026-11-22, from models.dev (2026-09-30), @earendil-works/pi-ai (2026-11-10), model-prices (2026-10-26), genai-prices (2026-11-04), litellm (2026-11-11)
    ------- stderr -------
    [exit status: 0]
    "#);
    let at = |model: &str, at: &str| {
        pollm(&env, &format!("models show {model} --json --at {at}")).run().success().json()
    };
    let flash = at("deepseek", "2026-11-22T12:00:00Z");
    assert_eq!(
        (&flash["in_force"]["phase"]["peak"], &flash["in_force"]["phase"]["until"]),
        (&json!(false), &json!("2026-11-23T01:00:00Z"))
    );
    let before = at("google/gemini-4-argon", "2026-11-30");
    assert_eq!(
        (&before["in_force"]["prices"]["input"], &before["in_force"]["until"]),
        (&json!("2"), &json!("2026-11-30"))
    );
    assert_eq!(before["in_force"]["next"]["since"], "2026-12-01");
    let after = at("google/gemini-4-argon", "2026-12-01");
    assert_eq!(
        (&after["in_force"]["prices"]["input"], &after["in_force"]["since"]),
        (&json!("4"), &json!("2026-12-01"))
    );
    let promoted = pollm(&env, "models show openai/gpt-5.6-sol --at 2026-11-20").run().success().stdout;
    assert!(promoted.contains("2026-11-21, the end of a promotion"), "{promoted}");
    let over = pollm(&env, "models show openai/gpt-5.6-sol --at 2026-11-22").run().success().stdout;
    assert!(over.contains("the promotion has ended"), "{over}");
    assert!(
        pollm(&env, "models show openai/gpt-6.1-sool").run().exited(2).stderr.contains("nothing is known")
    );
}

#[test]
fn providers_say_where_their_key_is_and_never_the_key() {
    let env = Env::new();
    env.configure("[providers.house]\nprotocol = \"anthropic\"\nbase_url = \"http://127.0.0.1:1/v1\"\nkey_env = \"HOUSE_KEY\"\n");
    let run = |line: &str| pollm(&env, line).env("HOUSE_KEY", "canary-key").run().success();
    let output = run("models providers");
    assert!(!output.to_string().contains("canary"));
    let house = output.stdout.lines().find(|line| line.starts_with("house ")).unwrap();
    assert_eq!(
        house.split_whitespace().collect::<Vec<_>>(),
        ["house", "api", "anthropic", "env", "HOUSE_KEY", "http://127.0.0.1:1/v1"]
    );
    let json = run("models providers --json").json();
    let find = |id: &str| {
        json["providers"].as_array().unwrap().iter().find(|row| row["provider"] == id).unwrap().clone()
    };
    assert_eq!(
        (&find("house")["usable"], &find("house")["key"]["found"]),
        (&json!(true), &json!("env HOUSE_KEY"))
    );
    assert_eq!(find("groq")["key"], json!({"required": true, "variables": ["GROQ_API_KEY"], "found": null}));
    assert!(find("azure")["obstacle"].as_str().unwrap().contains("AZURE_RESOURCE_NAME"));
    assert!(find("github-models")["obstacle"].as_str().unwrap().contains("2026-07-30"));
    assert!(run("models --about").stdout.contains("genai-prices"));
}

#[test]
fn screen_readers_get_a_line_a_fact() {
    let output =
        pollm(&Env::new(), "models --provider openai gpt-6.1-sol").env("ACCESSIBLE", "1").run().success();
    assert!(output.stdout.starts_with("model: openai/gpt-6.1-sol\ncontext: "), "{output}");
    assert!(output.stdout.contains("\ninput price: 2.00 USD per million tokens\n"), "{output}");
}

#[test]
fn a_check_of_nothing_is_no_good_check() {
    insta::assert_snapshot!(pollm(&Env::new(), "models check").run(), @"
    ------- stderr -------
    error: no API key is set and no local server runs

    hint: set a provider's variable, such as OPENAI_API_KEY, or run `pollm keys set PROVIDER`
    [exit status: 5]
    ");
}

/// An id that can't be asked for is not listed under another name, and a list
/// that nobody gives is a failure.
#[test]
fn lists_that_are_none_are_failures() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/good/models" => {
            Script::json(200, &json!({"data": [{"id": "a"}, {"id": "b\u{1b}[2J", "name": "Bee"}]}))
        }
        "/none/models" => Script::json(200, &json!({"data": []})),
        _ => Script::json(200, &json!("sign in first")),
    });
    let env = Env::new();
    let row = |name: &str| {
        let base = format!("{}/{name}", server.url());
        format!("[providers.{name}]\nprotocol = \"openai-chat\"\nbase_url = \"{base}\"\n")
    };
    env.configure(&["good", "none", "bad"].map(row).concat());
    let good = pollm(&env, "models --live --provider good,bad --json").run().success();
    assert_eq!(names(&good.json()), ["good/a"]);
    assert!(good.stderr.contains("warning: bad: "), "{good}");
    insta::assert_snapshot!(pollm(&env, "models --live --provider bad").run(), @"
    ------- stderr -------
    warning: bad: the answer can't be understood
    error: no list came from bad

    hint: `pollm models check` says more; ids can be asked all the same
    [exit status: 1]
    ");
    let none = pollm(&env, "models --live --provider none").run().success();
    assert!(none.stderr.contains("no models of none are known"), "{none}");
}

/// One `name: value` line a fact, whatever is shown.
#[test]
fn screen_readers_get_no_columns_anywhere() {
    let (env, server) = (Env::new(), Server::always(Script::json(200, &json!({"data": [{"id": "a"}]}))));
    env.configure(&format!(
        "[budget]\nday = \"5\"\n[providers.lab]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n",
        server.url()
    ));
    for line in [
        "models show openai/gpt-6-sol",
        "models check lab",
        "cost budget",
        "cost price openai/gpt-6-sol --input 9 --output 9",
        "models --about",
        "models providers",
    ] {
        let output = pollm(&env, line).env("ACCESSIBLE", "1").run().success();
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(text.lines().filter(|line| line.contains(": ")).count() >= 4, "{line}\n{text}");
        assert!(!text.contains("  "), "{line}\n{text}");
    }
    let budget = pollm(&env, "cost budget").env("ACCESSIBLE", "1").run().success().stdout;
    assert!(budget.starts_with("cap: $5.00 a day\nspent: $0.00\n"), "{budget}");
}
