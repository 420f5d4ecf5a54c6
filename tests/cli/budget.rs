//! Caps on spending: what is refused, what is set aside, what goes on counting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::lab::row;
use crate::support::process::Run;
use crate::support::server::Received;
use crate::support::streams::{openai_chunks, openai_delta, openai_finish};
use crate::support::{CommandOutput, Lab, Script};

/// A lab under caps: `[budget]` and what follows it.
fn capped(lab: Lab, caps: &str) -> Lab {
    lab.configure(&format!("[budget]\n{caps}"));
    lab
}

fn answering() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["Yes."])))
}

/// What `cost budget` says, as JSON.
fn budget(lab: &Lab) -> Value {
    lab.pollm(["cost", "budget", "--json"]).run().success().json()
}

/// Spent, possibly billed, under way and left of the first cap.
fn sums(lab: &Lab) -> [String; 4] {
    let cap = budget(lab)["caps"][0].clone();
    ["spent_usd", "possibly_billed_usd", "under_way_usd", "left_usd"]
        .map(|name| cap[name].as_str().unwrap().to_owned())
}

/// Counts of the prompt's bytes and of the whole limit: as dear as it gets.
fn dearest(request: &Received) -> (Script, u64) {
    let body = request.json();
    let (input, output) = (request.body.len() as u64, body["max_tokens"].as_u64().unwrap());
    let usage = json!({"choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output}});
    let frames = [
        openai_delta(&json!({"content": "Yes."})),
        openai_finish("length"),
        format!("data: {usage}\n\n"),
        "data: [DONE]\n\n".to_owned(),
    ];
    // One dollar for a million tokens in, two for a million out.
    (Script::sse(frames), input + 2 * output)
}

/// The server itself adds up what it serves, in millionths of a dollar, and
/// what it has under way counts as served.
#[test]
fn twenty_processes_at_once_never_pass_a_cap() {
    let served = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&served);
    let lab = Lab::start(move |request, _| {
        let (script, cost) = dearest(request);
        sum.fetch_add(cost, Ordering::SeqCst);
        script
    });
    let lab = capped(lab, "day = \"0.01\"");
    let ask = || lab.ask(&["--max-tokens", "1000", "hello"]).spawn();
    let running: Vec<_> = (0..20).map(|_| ask()).collect();
    let outputs: Vec<CommandOutput> = running.into_iter().map(|one| one.finish()).collect();
    let good = outputs.iter().filter(|output| output.code == Some(0)).count();
    for output in outputs.iter().filter(|output| output.code != Some(0)) {
        assert_eq!(output.code, Some(3), "{output}");
        assert!(output.stderr.contains("over budget: lab/one may cost up to "), "{output}");
    }
    let served = served.load(Ordering::SeqCst);
    assert!(served <= 10_000, "served {served} millionths of a dollar under a cap of 10000");
    // Each costs some 2,150 millionths and may cost some 3,200.
    assert!((1..=4).contains(&good), "{good} of 20 were served");
    assert_eq!((lab.server.requests().len(), lab.server.connections()), (good, good));
    let spent = format!("0.{served:06}");
    assert_eq!(sums(&lab)[0], spent.trim_end_matches('0'), "the ledger knows what the server knows");
    assert_eq!(budget(&lab)["held"], json!([]), "what was not used is given back");
}

#[test]
fn what_is_refused_opens_no_connection_and_says_why() {
    let lab = capped(answering(), "day = \"0.005\"\nmonth = \"20\"");
    let output = lab.ask(&["hello"]).run();
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: over budget: lab/one may cost up to $0.009301, and $0.005 of the cap of $0.005 a day is left

        hint: `--max-tokens N` allows less, `--fit` as much as fits what is left
        hint: the cap begins anew at TIMESTAMP; `pollm cost budget` shows every cap
        [exit status: 3]
    "#);
    assert_eq!((lab.server.connections(), lab.ledger().len()), (0, 0));
    // Less is let through, and counts.
    let _ = lab.ask(&["--max-tokens", "50", "hello"]).run().success();
    assert_eq!(sums(&lab), ["0.000011", "0", "0", "0.004989"]);
}

#[test]
fn a_process_killed_in_the_middle_counts_as_possibly_billed() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Half a th"}))]).hang());
    let lab = capped(lab, "day = \"0.02\"");
    let mut running = lab.ask(&["hello"]).spawn();
    running.wait_for_stdout("Half a th");
    let [spent, possibly, open, left] = sums(&lab);
    assert_eq!((spent.as_str(), possibly.as_str()), ("0", "0"));
    assert_eq!(budget(&lab)["held"][0]["state"], "open");
    running.kill();
    assert_eq!(running.finish().signal, Some(9));
    assert_eq!(sums(&lab), ["0".to_owned(), open.clone(), "0".to_owned(), left]);
    let held = &budget(&lab)["held"];
    assert_eq!(held[0]["model"], "lab/one");
    assert_eq!((&held[0]["state"], &held[0]["possibly_billed"]), (&json!("lost"), &json!(true)));
    assert_eq!(held[0]["worst_usd"], open.as_str());
    let table = lab.pollm(["cost", "budget"]).run().success();
    assert!(table.stdout.contains("possibly billed: its process is gone"), "{table}");
    let report = lab.pollm(["cost", "report"]).run().success().stdout;
    assert!(
        report.contains("possibly billed besides  1 call whose process was killed: at most $"),
        "{report}"
    );
    assert!(!report.contains("$0.00 "), "{report}");
    // A second one fits no more, although nothing of the first is in the history.
    let second = lab.ask(&["--max-tokens", "4096", "--timeout", "1", "hello"]).run();
    assert_eq!(second.code, Some(6), "{second}");
    let third = lab.ask(&["hello"]).run().exited(3);
    assert!(third.stderr.contains("possibly billed besides"), "{third}");
    assert_eq!(lab.server.requests().len(), 2);
}

#[test]
fn a_cut_answer_counts_at_its_worst() {
    let half = Script::sse([openai_delta(&json!({"content": "Half"}))]).close();
    let lab = capped(Lab::always(half), "day = \"0.02\"");
    let _ = lab.ask(&["--max-tokens", "1000", "hello"]).run().exited(1);
    let [spent, possibly, open, _] = sums(&lab);
    let cost: f64 = spent.parse::<f64>().unwrap() + possibly.parse::<f64>().unwrap();
    assert!(cost > 0.003 && open == "0", "{spent} and {possibly}");
    assert_eq!(budget(&lab)["held"][0]["state"], "doubtful");
}

#[test]
fn a_failure_that_nobody_bills_gives_everything_back() {
    let lab = capped(Lab::always(Script::new(500)), "day = \"0.02\"");
    let _ = lab.ask(&["--retries", "1", "hello"]).run().exited(1);
    assert_eq!(sums(&lab), ["0", "0", "0", "0.02"]);
    assert_eq!(lab.server.requests().len(), 2);
}

#[test]
fn calls_that_are_in_no_history_count() {
    let lab = capped(answering(), "day = \"0.02\"");
    let _ = lab.ask(&["-n", "hello"]).run().success();
    let _ = lab.ask(&["hello"]).env("POLLM_NO_LOG", "1").run().success();
    assert_eq!(sums(&lab)[0], "0.000022");
    assert_eq!(lab.ledger().len(), 0);
}

#[test]
fn without_a_cap_a_call_in_no_history_leaves_no_ledger() {
    let lab = answering();
    let _ = lab.ask(&["-n", "hello"]).run().success();
    assert!(!lab.env.root().join("data/pollm").exists());
}

#[test]
fn a_cap_that_cannot_be_checked_lets_nothing_through() {
    let lab = capped(answering(), "month = \"20\"");
    std::fs::create_dir_all(lab.env.root().join("data/pollm/ledger.db")).unwrap();
    let output = lab.ask(&["-n", "hello"]).run();
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: a cap is set, and what was spent can't be looked up: nothing was sent
          because: could not read the ledger `$ENV/data/pollm/ledger.db`: the file could not be opened

        hint: the ledger keeps what was spent; `[budget]` in the configuration sets the caps
        [exit status: 3]
    "#);
    assert_eq!(lab.server.connections(), 0);
    // Nothing of this is needed where no cap is for the call, or none is shared.
    lab.configure("[budget.providers.openai]\nday = \"1\"");
    let _ = lab.ask(&["-n", "--max-cost", "1", "hello"]).run().success();
}

#[test]
fn what_has_no_price_is_refused_under_a_cap() {
    let lab = capped(answering(), "day = \"5\"");
    let ask = |args: &[&str]| lab.pollm(["ask", "-m", "lab/two"].iter().chain(args).copied());
    assert_snapshot!(ask(&["hello"]).run(), @r#"
        ------- stderr -------
        error: lab/two: a cap is set, and what the call may cost is unknown
          because: no price of lab/two is known

        hint: `--allow-unpriced` sends what has no known cost all the same
        [exit status: 3]
    "#);
    assert_eq!(lab.server.connections(), 0);
    let _ = ask(&["--allow-unpriced", "hello"]).run().success();
    let cap = &budget(&lab)["caps"][0];
    assert_eq!((&cap["unpriced_calls"], &cap["spent_usd"]), (&json!(1), &json!("0")));
    let table = lab.pollm(["cost", "budget"]).run().success();
    assert!(table.stdout.contains("≥ $0.00 (1 unpriced)"), "{table}");
    let field = lab.ask(&["-o", "web_search_options={}", "hello"]).run().exited(3);
    assert!(field.stderr.contains("the field `web_search_options` of `-o` may cost more"), "{field}");
}

#[test]
fn fit_lowers_the_limit_to_what_is_left() {
    let limits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&limits);
    let lab = Lab::start(move |request, _| {
        seen.lock().unwrap().push(request.json()["max_tokens"].as_u64().unwrap());
        dearest(request).0
    });
    let lab = capped(lab, "day = \"0.005\"");
    let _ = lab.ask(&["--fit", "--max-tokens", "40", "hello"]).run().success();
    let dry = lab.ask(&["--fit", "--dry-run", "--json", "hello"]).run().success().json();
    let _ = lab.ask(&["--fit", "hello"]).run().success();
    let limits = limits.lock().unwrap().clone();
    assert_eq!(limits[0], 40, "a limit that fits is kept");
    assert!((1_000..2_000).contains(&limits[1]), "{limits:?}");
    assert_eq!(
        (&dry["body"]["max_tokens"], &dry["cap"]["max_tokens"]),
        (&json!(limits[1]), &json!(limits[1]))
    );
    let output = lab.ask(&["--fit", "--max-cost", "0.001", "hello"]).run().exited(3);
    assert!(output.stderr.contains("not even an answer of 16 tokens fits"), "{output}");
    assert_eq!(lab.server.requests().len(), 2);
}

/// Two providers, the first of which is a hundred times dearer.
fn dear_and_cheap(answer: impl Fn(&str) -> Script + Send + Sync + 'static) -> Lab {
    let lab = Lab::start(move |request, _| answer(request.target.split('/').nth(1).unwrap()));
    let row = |name| row(name, "openai-chat", &format!("{}/{name}", lab.server.url()));
    let dear = row("dear").replace("output = \"2\"", "output = \"200\"");
    lab.env.configure(&format!("{dear}{}", row("cheap")));
    lab
}

fn ask_both(lab: &Lab, args: &[&str]) -> Run {
    lab.pollm(["ask", "-m", "dear/one,cheap/one", "--retries", "0", "hello"].iter().chain(args).copied())
}

#[test]
fn max_cost_is_for_the_whole_command() {
    let lab = dear_and_cheap(|_| Script::sse(openai_chunks(&["Yes."])));
    let output = ask_both(&lab, &["--max-cost", "0.05"]).run().success();
    assert!(output.stderr.contains("over budget: dear/one"), "{output}");
    assert_eq!(lab.server.requests().len(), 1);
    let none = ask_both(&lab, &["--max-cost", "0.001"]).run().exited(3);
    assert!(none.stderr.contains("of `--max-cost` $0.001 is left"), "{none}");
    assert_eq!(lab.server.requests().len(), 1);
    // What failed and is not billed frees its share for the next.
    let lab = dear_and_cheap(|name| match name {
        "dear" => Script::new(503),
        _ => Script::sse(openai_chunks(&["Yes."])),
    });
    let _ = ask_both(&lab, &["--max-cost", "0.822"]).run().success();
    assert_eq!(lab.server.requests().len(), 2);
}

#[test]
fn a_dry_run_says_what_the_caps_would_say() {
    let lab = capped(answering(), "day = \"0.005\"");
    let refused = lab.ask(&["--dry-run", "hello"]).run().success();
    assert!(refused.stderr.contains("it would not be sent: over budget"), "{refused}");
    let allowed = lab.ask(&["--dry-run", "--max-tokens", "9", "--json", "hello"]).run().success().json();
    assert_eq!(allowed["cap"]["allowed"], true);
    assert!(allowed["cap"]["worst_usd"].as_str().unwrap().starts_with("0.001"), "{allowed}");
    assert!(!lab.env.root().join("data/pollm").exists(), "nothing is set aside");
}

#[test]
fn caps_are_set_and_removed_and_comments_stay() {
    let lab = answering();
    assert_snapshot!(lab.pollm(["cost", "budget"]).run(), @r#"
        ------- stderr -------
        no cap is set

        hint: `pollm cost budget set day 5.00` sets one, `--max-cost` caps a single command
        [exit status: 0]
    "#);
    lab.configure("# my own\nlog = true # yes");
    let set = |args: &[&str]| lab.pollm(["cost", "budget"].iter().chain(args).copied()).run();
    assert!(set(&["set", "day", "5"]).success().stderr.starts_with("set `budget.day` to $5.00 in "));
    let _ = set(&["set", "month", "$0.5", "--provider", "lab"]).success();
    let _ = set(&["set", "day", "0.25", "--model", "lab/one"]).success();
    let text = std::fs::read_to_string(lab.env.root().join("config/pollm/config.toml")).unwrap();
    assert!(text.starts_with("# my own\nlog = true # yes\n"), "{text}");
    let names: Vec<Value> = budget(&lab)["caps"].as_array().unwrap().clone();
    let told: Vec<_> =
        names.iter().map(|cap| [&cap["period"], &cap["provider"], &cap["model"], &cap["cap_usd"]]).collect();
    assert_eq!(
        json!(told),
        json!([["day", null, null, "5"], ["month", "lab", null, "0.5"], ["day", "lab", "lab/one", "0.25"]])
    );
    let _ = set(&["unset", "day", "--model", "lab/one"]).success();
    assert!(set(&["unset", "day", "--model", "lab/one"]).exited(2).stderr.contains("no cap "));
    assert!(set(&["set", "day", "1", "--provider", "lap"]).exited(5).stderr.contains("did you mean `lab`?"));
    assert!(set(&["set", "day", "much"]).exited(2).stderr.contains("a plain amount of USD"));
    assert_eq!(budget(&lab)["caps"].as_array().unwrap().len(), 2);
}

#[test]
fn what_may_be_charged_apart_is_refused_under_a_cap() {
    let lab = answering();
    let base = lab.server.url();
    lab.configure(&format!(
        "[providers.openai]\nbase_url = \"{base}/v1\"\nheaders = {{ \"OpenAI-Beta\" = \"fast=v1\", \"X-Title\" = \"t\" }}\n\
         [providers.perplexity]\nbase_url = \"{base}/v1\"\n"
    ));
    let ask = |model: &str| {
        let run = lab.pollm(["ask", "-m", model, "--max-tokens", "9", "--max-cost", "1", "hello"]);
        run.env("OPENAI_API_KEY", "k").env("PERPLEXITY_API_KEY", "k")
    };
    assert_snapshot!(ask("openai/gpt-6-sol").run(), @"
    ------- stderr -------
    error: openai/gpt-6-sol: a cap is set, and what the call may cost is unknown
      because: the header `openai-beta` of the configuration may cost more, and how much is not known

    hint: prices of your own, below `[providers.ID.models.MODEL]` in the configuration, are taken as all that is charged
    hint: `--allow-unpriced` sends what has no known cost all the same
    [exit status: 3]
    ");
    let searching = ask("perplexity/sonar-deep-research").run().exited(3);
    assert!(searching.stderr.contains("may search by itself"), "{searching}");
    assert_eq!(lab.server.requests().len(), 0);
    let _ = ask("openai/gpt-6-sol").arg("--allow-unpriced").run().success();
    // A team's own server may want any header.
    let text = std::fs::read_to_string(lab.env.root().join("config/pollm/config.toml")).unwrap();
    std::fs::write(
        lab.env.root().join("config/pollm/config.toml"),
        text.replace("key_env = \"LAB_KEY\"\n", "key_env = \"LAB_KEY\"\nheaders = { \"X-Team\" = \"a\" }\n"),
    )
    .unwrap();
    let _ = lab.ask(&["--max-tokens", "9", "--max-cost", "1", "hello"]).run().success();
}

/// Calls that are sent together are looked at together, resends and all.
#[test]
fn a_dry_run_counts_as_the_run_would() {
    let lab = dear_and_cheap(|_| Script::sse(openai_chunks(&["Yes."])));
    let run = |args: &[&str]| {
        let line = ["compare", "-m", "dear/one,cheap/one", "--max-tokens", "9", "--max-cost", "0.02"];
        lab.pollm(line.iter().chain(args).copied()).run()
    };
    let dry = run(&["--runs", "40", "--dry-run", "hello"]).success();
    let wet = run(&["--runs", "40", "hello"]).exited(3);
    let said = wet.stderr.lines().next().unwrap().strip_prefix("error: ").unwrap().to_owned();
    assert!(said.contains("the 80 calls may cost up to"), "{wet}");
    assert!(dry.stderr.contains(&format!("it would not be sent: {said}")), "{dry}\n{said}");
    let list = lab.env.root().join("list.txt");
    std::fs::write(&list, "one\n".repeat(40)).unwrap();
    let many = ["--prompts", list.to_str().unwrap()];
    let dry = run(&[&many[..], &["--dry-run"]].concat()).success();
    assert!(dry.stderr.contains("the 80 calls may cost up to"), "{dry}");
    let dry = run(&["--dry-run", "hello"]).success();
    assert!(dry.stderr.contains("all calls together may cost up to"), "{dry}");
    assert_eq!(lab.server.requests().len(), 0);
    let worst = |args: &[&str]| {
        let line = ["ask", "-m", "cheap/one", "--max-tokens", "9", "--max-cost", "1", "--dry-run", "--json"];
        let object = lab.pollm(line.iter().chain(args).copied()).run().success().json();
        object["cap"]["worst_usd"].as_str().unwrap().parse::<f64>().unwrap()
    };
    let (once, thrice) = (worst(&["hello"]), worst(&["--retry-ambiguous", "--retries", "2", "hello"]));
    assert!((thrice - 3.0 * once).abs() < 1e-12, "{once} {thrice}");
}

/// At a lab whose charges are known a small cap lets a short question through.
#[test]
fn a_tiny_cap_is_of_use() {
    let lab = answering();
    let args = ["ask", "-m", "openai/gpt-6-luna", "--max-tokens", "100", "--max-cost", "0.0001", "--dry-run"];
    let run = lab.pollm(args.into_iter().chain(["--json", "is it so?"])).env("OPENAI_API_KEY", "k");
    let object = run.run().success().json();
    assert_eq!(object["cap"]["allowed"], true, "{object}");
}

#[test]
fn a_negative_cap_is_no_cap() {
    let lab = answering();
    let ask = lab.ask(&["--max-cost", "-1", "hello"]).run().exited(2);
    assert!(ask.stderr.contains("expected a plain amount of USD"), "{ask}");
    let set = lab.pollm(["cost", "budget", "set", "day", "-5"]).run().exited(2);
    assert!(set.stderr.contains("expected a plain amount of USD"), "{set}");
}
