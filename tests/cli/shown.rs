//! What `pollm models` shows of prices, promises and ends, where facts are
//! missing, and to screen readers.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::{KEY, row};
use crate::support::process::Run;
use crate::support::streams::openai_chunks;
use crate::support::{ClosedPort, Env, Lab, Script, Server};

/// A run in which no local server of the machine is found.
fn pollm(env: &Env, line: &str) -> Run {
    let closed = ClosedPort::new().url();
    ["OLLAMA_HOST", "LLAMACPP_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"]
        .into_iter()
        .fold(env.pollm(line.split(' ')), |run, name| run.env(name, &closed))
}

/// `models show` of the embedded catalog, without the line that names its sources.
fn shown(line: &str) -> String {
    let text = pollm(&Env::new(), &format!("models show {line}")).run().success().stdout;
    let (facts, catalog) = text.trim_end().rsplit_once("\n\n").unwrap();
    assert!(catalog.starts_with("catalog of "), "{text}");
    facts.to_owned()
}

/// What stands behind a name in [`shown`].
fn fact(text: &str, name: &str) -> String {
    let value = text.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix("  "));
    value.unwrap_or_else(|| panic!("no `{name}` in\n{text}")).trim().to_owned()
}

/// From the first line about prices on.
fn prices(text: &str) -> &str {
    &text[text.find("\nprices").unwrap() + 1..]
}

#[test]
fn models_say_when_they_end() {
    let of = |line: &str| fact(&shown(line), "state");
    let image = "openai/chatgpt-image-latest";
    assert_eq!(of(&format!("{image} --at 2026-11-29")), "deprecated, to be shut down on 2026-12-01 or later");
    assert_eq!(
        of(&format!("{image} --at 2026-12-01")),
        "deprecated, was to be shut down on 2026-12-01 or later"
    );
    assert_eq!(of("openai/gpt-3.5-turbo --at 2026-11-29"), "retired, shut down on 2026-10-23");
    assert_eq!(of("mistral/devstral-medium-2507"), "retired");
    let note = fact(&shown("openai/gpt-3.5-turbo"), "note");
    assert_eq!(note, "`openai/gpt-3.5-turbo` was retired on 2026-10-23");
}

#[test]
fn budgets_for_thinking_have_the_bounds_that_are_known() {
    let of = |line: &str| fact(&shown(line), "thinking");
    assert_eq!(of("anthropic/claude-haiku-4-5"), "budget of at least 1024 tokens");
    assert_eq!(of("alibaba/qwen3.5-flash"), "budget of at most 81,920 tokens, can be switched off");
    assert_eq!(of("google/gemini-2.5-flash"), "budget of 0 to 24,576 tokens, can be switched off");
}

#[test]
fn prices_that_are_none_are_words() {
    let of = |line: &str| prices(&shown(line)).to_owned();
    assert_eq!(of("sarvam/sarvam-30b"), "prices: unknown");
    assert_eq!(of("ollama-cloud/kimi-k2.5"), "prices: not metered");
    assert_eq!(of("local/smollm2-135m"), "prices: local");
    let free = shown("nova/nova-2-pro-v1");
    assert_eq!((fact(&free, "billing"), fact(&free, "input")), ("free".to_owned(), "$0.00".to_owned()));
}

#[test]
fn every_part_of_a_price_has_a_name() {
    let part = |line: &str, name: &str| fact(prices(&shown(line)), name);
    assert_eq!(part("perplexity/sonar-deep-research", "reasoning"), "$3.00");
    assert_eq!(part("perplexity/sonar", "a request"), "$0.012");
    assert_eq!(part("google/gemini-2.5-flash-image", "image output"), "$30.00");
    assert_eq!(part("google/gemini-3.1-flash-live-preview", "audio output"), "$12.00");
    assert_eq!(part("amazon-bedrock/google.gemma-3-12b-it", "batch"), "input $0.05, output $0.15");
    assert_eq!(
        part("alibaba/qwen-plus", "above 256,000 tokens"),
        "input $1.20, output $3.60, cache read $0.24, cache write $1.50, output when thinking $12.00"
    );
}

#[test]
fn prices_to_come_stand_below_those_of_today() {
    assert_snapshot!(prices(&shown("google/gemini-3.6-flash --at 2026-11-29")), @"
    prices at 2026-11-29 00:00 UTC, in USD per million tokens:
      since        before 2026-11-22, the catalog's date
      until        2026-12-31
      input        $0.75
      output       $3.75
      cache read   $0.075
      audio input  $0.75
      batch        × 0.5

    from 2027-01-01 on:
      input       $1.50
      output      $7.50
      cache read  $0.15
      batch       × 0.5
    ");
}

/// Facts of another model are no price.
#[test]
fn approximate_is_said_of_prices_that_there_are() {
    let dated = shown("openai/gpt-6-sol-2026-11-01");
    assert!(dated.ends_with("\n\napproximate: facts and prices of openai/gpt-6-sol"), "{dated}");
    let routed = shown("huggingface/MiniMaxAI/MiniMax-M2");
    assert!(
        routed.ends_with("\n\napproximate: the price depends on the route that the gateway takes"),
        "{routed}"
    );
    let unknown = shown("openrouter/deepseek/deepseek-r1:nitro");
    assert_eq!(prices(&unknown), "prices: unknown");
    assert_eq!(
        fact(&unknown, "note"),
        "facts of `openrouter/deepseek/deepseek-r1`; the route's price is unknown"
    );
}

const OWN: &str = "[sets]\nboth = [\"lab/one\", \"lab/two\", \"ollama-cloud/gpt-oss:120b\"]\n";

#[test]
fn a_price_of_the_configuration_is_no_price_of_the_catalog() {
    let lab = Lab::always(Script::new(404));
    let text = pollm(&lab.env, "models show lab/one --at 2026-11-29").run().success().stdout;
    assert_snapshot!(prices(&text).split_once("\n\n").unwrap().0, @"
    prices at 2026-11-29 00:00 UTC, in USD per million tokens:
      set in  the configuration
      input   $1.00
      output  $2.00
    ");
    assert_eq!(fact(&text, "abilities"), "unknown");
}

#[test]
fn a_set_is_read_out_a_line_a_fact() {
    let lab = Lab::always(Script::new(404));
    lab.configure(OWN);
    let output = pollm(&lab.env, "models show both").env("ACCESSIBLE", "1").run().success();
    let narrow = pollm(&lab.env, "models show both --color never").terminal(60, 30).run().success().stdout;
    assert!(narrow.contains("  rt-----o\r\n\r\nr reasoning, t tools, "), "{narrow}");
    assert_snapshot!(output.stdout, @"
    set: both

    model: lab/one
    context: 33k
    input price: 1.00 USD per million tokens
    output price: 2.00 USD per million tokens

    model: lab/two
    context: unknown
    price: unknown

    model: ollama-cloud/gpt-oss:120b
    context: 131k
    price: unmetered
    abilities: reasoning, tools, open
    ");
}

#[test]
fn lists_are_in_the_order_that_is_asked_for() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Here"])));
    lab.configure(
        "[providers.lab.models.small]\ncontext = 64000\n[providers.lab.models.large]\ncontext = 200000\n",
    );
    let names = |sort: &str| -> Vec<String> {
        let run = pollm(&lab.env, &format!("models --provider lab --sort {sort}")).env("LAB_KEY", KEY);
        let lines = run.run().success().stdout;
        lines.lines().skip(1).map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    for model in ["lab/small", "lab/large"] {
        let _ = lab.pollm(["ask", "-m", model, "hi"]).run().success();
    }
    assert_eq!(names("context"), ["lab/large", "lab/small", "lab/one"]);
    assert_eq!(names("name"), ["lab/large", "lab/one", "lab/small"]);
    assert_eq!(names("price"), ["lab/one", "lab/large", "lab/small"], "what is unknown comes last");
    assert_eq!(names("latency")[2], "lab/one", "what was never asked comes last");
    let run = pollm(&lab.env, "models --provider lab --sort latency --json").env("LAB_KEY", KEY);
    let listed = run.run().success().json()["models"].clone();
    let ms = |place: usize| listed[place]["first_word_ms"].as_f64().unwrap();
    assert!(ms(0) <= ms(1), "{listed:#}");
    let read = pollm(&lab.env, "models --provider lab").env("LAB_KEY", KEY).env("ACCESSIBLE", "1");
    let read = read.run().success().stdout;
    assert!(
        read.contains("\n\nmodel: lab/small\ncontext: 64k\nprice: unknown\nmedian time to first word: "),
        "{read}"
    );
}

#[test]
fn an_empty_list_says_what_widens_it() {
    let env = Env::new();
    let list = |line: &str| pollm(&env, line).env("OPENAI_API_KEY", KEY).run().success();
    assert_snapshot!(list("models no-such-model"), @"
    ------- stderr -------
    no model fits

    hint: `--all` looks at providers without a key too
    [exit status: 0]
    ");
    assert_snapshot!(list("models --all no-such-model"), @"
    ------- stderr -------
    no model fits
    [exit status: 0]
    ");
    assert_snapshot!(list("models --provider openai no-such-model"), @"
    ------- stderr -------
    no model fits
    [exit status: 0]
    ");
}

#[test]
fn a_check_counts_models_and_says_what_it_did_not_test() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/none/models" => Script::json(200, &json!({"data": []})),
        "/one/models" | "/open/models" => Script::json(200, &json!({"data": [{"id": "a"}]})),
        _ => Script::json(200, &json!({"data": [{"id": "a"}, {"id": "b"}]})),
    });
    let env = Env::new();
    let own = |name: &str| row(name, "openai-chat", &format!("{}/{name}", server.url()));
    let open = format!("[providers.huggingface]\nbase_url = \"{}/open\"\n", server.url());
    env.configure(&(["none", "one", "two"].map(own).concat() + &open));
    let run = |line: &str| pollm(&env, line).env("LAB_KEY", KEY).env("HF_TOKEN", KEY);
    let checked = run("models check none one two huggingface").run().success().stdout;
    // The column of times is as wide as the widest.
    let took = regex::Regex::new(r"ok +[\d.]+ m?s  ").unwrap();
    assert_snapshot!(took.replace_all(&checked, "ok  TIME  "), @"
    none         ok  TIME  the key is taken
    one          ok  TIME  1 chat model
    two          ok  TIME  2 chat models
    huggingface  ok  TIME  1 chat model; the list is open to all, so this says nothing of the key
    ");
    let read = run("models check one local").env("ACCESSIBLE", "1").run().success().stdout;
    assert_snapshot!(steady(&read), @"
    provider: one
    result: ok
    latency: TIME
    details: 1 chat model

    provider: local
    result: ok
    details: 1 chat model
    ");
}

#[test]
fn clearing_pauses_says_how_many_ended() {
    let lab = Lab::always(
        Script::json(429, &json!({"error": {"message": "slow down"}})).header("retry-after", "600"),
    );
    lab.configure("[providers.lab.models.two]\ninput = \"1\"\noutput = \"1\"\n");
    let clear = || lab.pollm(["models", "check", "--clear-cooldowns"]).run().success().stdout;
    assert_eq!(clear(), "nothing was left alone\n");
    let _ = lab.ask(&["hello"]).run().exited(1);
    assert_eq!(clear(), "1 pause ended\n");
    for model in ["lab/one", "lab/two"] {
        let _ = lab.pollm(["ask", "-m", model, "hello"]).run().exited(1);
    }
    assert_eq!(clear(), "2 pauses ended\n");
}

#[test]
fn providers_are_read_out_a_line_a_fact() {
    let lab = Lab::always(Script::new(404));
    let read = pollm(&lab.env, "models providers").env("LAB_KEY", KEY).env("ACCESSIBLE", "1").run().success();
    assert!(read.to_string().contains(
        "\nprovider: lab\nkind: api\nprotocol: openai-chat\nkey: env LAB_KEY\naddress: http://127.0.0.1:PORT/v1\n\n"
    ), "{read}");
    assert!(!read.stdout.contains("  ") && !read.stdout.ends_with("\n\n"), "{read}");
    let narrow = pollm(&lab.env, "models providers --color never").terminal(50, 30).run().success().stdout;
    let lines: Vec<&str> = narrow.lines().map(str::trim_end).collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["provider", "protocol", "key"]);
    assert!(lines.contains(&"    this program"), "{narrow}");
}

const ROUTE: &str = "[routes.quick]\nmodels = [\"lab/one\", \"lab/two\"]\npolicy = \"fastest\"\n\
    [routes.even]\nmodels = [\"lab/one\", \"lab/two\"]\npolicy = \"balanced\"\nmax_price = \"3\"\n\
    providers = [\"lab\"]\nexcept = [\"openai\"]\nweights = { cost = 0.5, speed = 0.25 }\n\
    [routes.mine]\nmodels = [\"lab/two\", \"lab/one\"]\npolicy = \"best\"\n\
    [aliases]\nq = \"quick\"\n";

/// What differs between runs, and what stands for it.
fn steady(text: &str) -> String {
    let time = regex::Regex::new(r"\b\d+(\.\d+)? (ms|s)\b|\b[\d.]+ tok/s").unwrap();
    time.replace_all(text, "TIME").into_owned()
}

#[test]
fn a_route_is_read_out_a_candidate_after_the_other() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Here"])));
    lab.configure(ROUTE);
    let _ = lab.ask(&["hi"]).run().success();
    let show = |line: &str| lab.pollm(line.split(' ')).env("POLLM_SEED", "7");
    let read = show("models show q").env("ACCESSIBLE", "1").run().success().stdout;
    // The other one is tried once, whatever the figures are.
    let why = show("ask -m quick --why --no-stream hi").run().success().stderr;
    let last = steady(why.lines().find(|line| line.starts_with("the best")).unwrap());
    assert_snapshot!(last, @"the best single model, lab/one: TIME to first word, ~$0.000004; this choice: nothing known");
    assert_snapshot!(steady(&read), @"
    route: quick
    policy: fastest: the shortest time to an answer first, by your own measurements
    aliases: q
    models: lab/one, lab/two
    explores: 5 of 100 calls
    half-life: 72 h for a measurement

    for a text of 1000 tokens now:
    route quick, fastest: lab/one: TIME to first word, cautiously TIME to the end (n 1)

    rank: 1
    model: lab/one
    calls measured: 1
    failed: 0
    first word: TIME
    p90: unknown
    speed: unknown
    answer: TIME
    age: TIME
    price in/out: $1.00/$2.00
    expected: about $0.002

    rank: 2
    model: lab/two
    calls measured: 0
    failed: 0
    first word: unknown
    p90: unknown
    speed: unknown
    answer: unknown
    age: unknown
    price in/out: unknown
    expected: unknown

    the best single model is the same: lab/one
    ");
}

#[test]
fn a_route_says_by_what_it_chooses() {
    let lab = Lab::always(Script::new(404));
    lab.configure(ROUTE);
    let head = |route: &str| {
        let text = lab.pollm(["models", "show", route]).run().success().stdout;
        text.split_once("\n\n").unwrap().0.to_owned()
    };
    assert_snapshot!(head("even"), @"
    route       even
    policy      balanced: a weighted mean of cost, speed and your order
    models      lab/one, lab/two
    explores    5 of 100 calls
    half-life   72 h for a measurement
    weights     cost 0.5, speed 0.25, best 0
    max price   $3 for a million tokens, in or out
    only        lab
    except      openai
    ");
    assert_snapshot!(head("mine"), @"
    route       mine
    policy      best: your own order, else the newest model of the dearest family
    models      lab/two, lab/one
    ");
}

#[test]
fn half_a_price_is_no_amount() {
    let env = Env::new();
    let list = pollm(&env, "models --provider azure model-router");
    let read = list.env("ACCESSIBLE", "1").run().success().stdout;
    assert!(read.contains("\ninput price: 0.14 USD per million tokens\noutput price: unknown\n"), "{read}");
}

#[test]
fn who_has_no_usable_address_is_named() {
    let env = Env::new();
    let check = pollm(&env, "models check openai").env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", "no");
    assert_snapshot!(check.run(), @"
    openai  failed  -  `OPENAI_BASE_URL` is not a usable address
    ------- stderr -------
    error: failed the check: openai
    [exit status: 5]
    ");
    let live = pollm(&env, "models --provider azure --live model-router").run().success();
    let warning = "warning: the address of provider azure needs AZURE_RESOURCE_NAME, which is not set\n";
    assert_eq!(live.stderr, warning);
    env.configure("[providers.house]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n");
    assert_snapshot!(pollm(&env, "models --provider house").run(), @"
    ------- stderr -------
    no models of house are known

    hint: `--live` asks the provider for its list
    [exit status: 0]
    ");
}
