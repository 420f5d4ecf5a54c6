//! `pollm cost what-if`, `estimate`, `audit` and `budget` on narrow terminals,
//! for screen readers, and where not everything is known.

use serde_json::{Value, json};

use crate::support::lab::{KEY, Lab};
use crate::support::streams::openai_delta;
use crate::support::{Env, Script, Server};

const LONG: &str = "a-model-with-a-rather-long-name";

/// An answer with these counts.
fn answer(input: u64, output: u64, cost: Option<f64>) -> Script {
    let mut usage =
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    if let Some(cost) = cost {
        usage["cost"] = json!(cost);
    }
    Script::json(
        200,
        &json!({"id": "gen-1", "object": "chat.completion", "created": 1, "model": "one", "usage": usage,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"},
                "finish_reason": "stop"}]}),
    )
}

/// One call each of `one` ($0.0007), of a model with a long name ($0.007) and
/// of one that has no price.
fn lab() -> Lab {
    let lab = Lab::always(answer(500, 100, None));
    lab.configure(&format!(
        "[providers.lab.models.{LONG}]\ninput = \"10\"\noutput = \"20\"\n\
         [providers.lab.models.dear]\nmax_output = 4096\ninput = \"30\"\noutput = \"30\"\n"
    ));
    for model in ["one", LONG, "secret"] {
        let model = format!("lab/{model}");
        let _ = lab.pollm(["ask", "--no-stream", "-m", &model, "hello"]).run().success();
    }
    lab
}

/// So many lines of what a terminal of so many columns shows, none of them wider.
fn narrow(lab: &Lab, columns: u16, args: &[&str], table: usize) -> String {
    let run = lab.pollm(args.iter().chain(&["--color", "never"]).copied());
    let shown = run.terminal(columns, 30).run().success().stdout.replace('\r', "");
    for line in shown.lines().take(table) {
        assert!(line.chars().count() <= usize::from(columns), "{shown}");
    }
    shown.lines().take(table).map(|line| format!("{line}\n")).collect()
}

fn read_out(lab: &Lab, args: &[&str]) -> String {
    let output = lab.pollm(args.iter().copied()).env("ACCESSIBLE", "1").run().success();
    let text = output.to_string().replace("------- stderr -------\n", "").replace("[exit status: 0]", "");
    assert!(!text.contains(['~', '≥', '≈', '?']) && !text.contains("  "), "{text}");
    assert!(!text.contains("\n\n\n") && !text.ends_with("\n\n"), "{text}");
    text
}

#[test]
fn a_narrow_what_if_spares_the_change_then_the_calls_and_cuts_names() {
    let lab = lab();
    let args = ["cost", "what-if", "lab/dear"];
    insta::assert_snapshot!(narrow(&lab, 60, &args, 6), @"
    what if lab/dear had been asked
    asked                      calls       cost  what if  change
    …-with-a-rather-long-name      1     $0.007  ~$0.018   +157%
    lab/one                        1    $0.0007  ~$0.018     ×26
    lab/secret                     1          ?  ~$0.018
    total                          3  ≥ $0.0077  ~$0.054
    ");
    insta::assert_snapshot!(narrow(&lab, 33, &args, 6), @"
    what if lab/dear had been asked
    asked               cost  what if
    …er-long-name     $0.007  ~$0.018
    lab/one          $0.0007  ~$0.018
    lab/secret             ?  ~$0.018
    total          ≥ $0.0077  ~$0.054
    ");
}

#[test]
fn a_what_if_is_read_out_without_signs() {
    let lab = lab();
    insta::assert_snapshot!(read_out(&lab, &["cost", "what-if", "lab/dear"]), @"
    what if: lab/dear

    asked: lab/a-model-with-a-rather-long-name
    calls: 1
    cost: $0.007
    would cost: about $0.018
    change: +157%

    asked: lab/one
    calls: 1
    cost: $0.0007
    would cost: about $0.018
    change: 26 times as much

    asked: lab/secret
    calls: 1
    cost: unknown
    would cost: about $0.018

    asked: total
    calls: 3
    cost: at least $0.0077
    would cost: about $0.054

    tokens taken as the other model counted them: 3 calls
    ");
    let unknown = read_out(&lab, &["cost", "what-if", "lab/secret"]);
    assert!(unknown.contains("\nwould cost: unknown\n"), "{unknown}");
    assert!(unknown.ends_with("\nno known price: 3 calls\n"), "{unknown}");
}

#[test]
fn a_narrow_estimate_keeps_what_a_call_may_cost() {
    let lab = lab();
    let long = format!("lab/one,lab/{LONG},lab/secret");
    let args = ["cost", "estimate", "-m", &long, "hello"];
    insta::assert_snapshot!(narrow(&lab, 70, &args, 4), @"
    model                                tokens  typical        most
    lab/one                                  ~2        -  ~$0.008194
    lab/a-model-with-a-rather-long-name      ~2        -           ?
    lab/secret                               ~2        -           ?
    ");
    insta::assert_snapshot!(narrow(&lab, 38, &args, 4), @"
    model              typical        most
    lab/one                  -  ~$0.008194
    …rather-long-name        -           ?
    lab/secret               -           ?
    ");
}

#[test]
fn an_estimate_is_read_out_with_what_it_rests_on() {
    let lab = lab();
    for _ in 0..4 {
        let _ = lab.ask(&["--no-stream", "hello"]).run().success();
    }
    let models = format!("lab/one,lab/{LONG},lab/secret,ollama/any,huggingface/MiniMaxAI/MiniMax-M2");
    insta::assert_snapshot!(read_out(&lab, &["cost", "estimate", "-m", &models, "hello"]), @"
    model: lab/one
    tokens in the prompt: about 500
    cost of the prompt: about $0.0005
    typical cost: about $0.0007
    most: about $0.008692
    longest answer: 4096
    how: prompt counted as measured in 5 of your calls; a typical answer has 100 tokens (median of 5 of your calls)

    model: lab/a-model-with-a-rather-long-name
    tokens in the prompt: about 2
    cost of the prompt: about $0.00002
    most: unknown
    longest answer: unknown
    how: prompt counted by a rule of thumb; the longest answer is not known: `--max-tokens` sets one

    model: lab/secret
    tokens in the prompt: about 2
    cost of the prompt: unknown
    most: unknown
    longest answer: unknown
    how: prompt counted by a rule of thumb; a price that is needed is not known

    model: ollama/any
    tokens in the prompt: about 2
    cost of the prompt: local
    most: local
    longest answer: unknown
    how: prompt counted by a rule of thumb

    model: huggingface/MiniMaxAI/MiniMax-M2
    tokens in the prompt: about 2
    cost of the prompt: about $0.0000006
    most: about $0.157287
    longest answer: 131,072
    how: prompt counted by a rule of thumb; the price depends on the route, stands in for another or may have lapsed
    ");
}

/// What a request that got lost may have cost is known, its tokens are not.
#[test]
fn calls_that_nobody_counted_are_left_out_of_a_what_if() {
    let lab = Lab::start(|_, n| match n {
        0 | 2 => Script::sse([": still here\n\n"]).sleep(300).reset(),
        1 | 3 => Script::json(400, &json!({"error": {"message": "no"}})),
        _ => answer(500, 100, None),
    });
    for model in ["lab/one", "lab/secret"] {
        let _ = lab.pollm(["ask", "-m", model, "--retry-ambiguous", "hello"]).run().exited(1);
    }
    let _ = lab.ask(&["--no-stream", "hello"]).run().success();
    insta::assert_snapshot!(lab.pollm(["cost", "what-if", "lab/one"]).run(), @"
    what if lab/one had been asked
    asked    calls     cost  what if  change
    lab/one      1  $0.0007  $0.0007    same
    total        1  $0.0007  $0.0007    same
    ------- stderr -------
    left out: 2 calls whose tokens are unknown, cost ≥ ~$0.000002 (1 call unpriced)
    [exit status: 0]
    ");
    let read = read_out(&lab, &["cost", "what-if", "lab/one"]);
    assert!(read.contains("left out: 2 calls whose tokens are unknown, cost at least about $"), "{read}");
    let whole = lab.pollm(["cost", "what-if", "lab/one", "--json"]).run().success().json();
    assert_eq!(whole["left_out"]["calls"], 2);
    let audit = lab.pollm(["cost", "audit", "--offline"]).run().success().stdout;
    insta::assert_snapshot!(audit.split_once("\n\n").unwrap().1, @"
    without a known cost
      lab/secret: 1 call, its tokens are unknown

    possibly billed
      lab/one: 1 call cut short or cancelled, counted as ~$0.000002
      lab/secret: 1 call cut short or cancelled, cost unknown
    ");
}

#[test]
fn an_audit_says_why_a_cost_is_unknown() {
    let server = Server::always(answer(500, 100, None));
    let env = Env::new();
    let at = |provider: &str| format!("[providers.{provider}]\nbase_url = \"{}/v1\"\n", server.url());
    env.configure(&["ollama-cloud", "sarvam", "mistral"].map(at).concat());
    let pollm = |args: &[&str]| {
        let keys = ["OLLAMA_API_KEY", "SARVAM_API_KEY", "MISTRAL_API_KEY"];
        keys.into_iter().fold(env.pollm(args.iter().copied()), |run, name| run.env(name, KEY))
    };
    for model in ["ollama-cloud/gpt-oss:120b", "sarvam/sarvam-30b", "mistral/brand-new"] {
        let _ = pollm(&["ask", "--no-stream", "-m", model, "hello"]).run().success();
    }
    let audit = pollm(&["cost", "audit", "--json"]).run().success().json();
    let why = |model: &str| {
        let all = audit["unpriced"].as_array().unwrap();
        all.iter().find(|one| one["model"] == model).unwrap()["why"].clone()
    };
    assert_eq!(why("ollama-cloud/gpt-oss:120b"), "this provider does not meter");
    assert_eq!(why("sarvam/sarvam-30b"), "no price is known");
    assert_eq!(why("mistral/brand-new"), "not in the catalog");
}

#[test]
fn an_audit_is_read_out_a_finding_a_line() {
    let lab = Lab::start(|_, n| match n {
        0 => Script::sse([openai_delta(&json!({"content": "Half"}))]).close(),
        1 => Script::sse([openai_delta(&json!({"content": "Half"}))]).close(),
        2 => Script::sse([openai_delta(&json!({"content": "Half"}))]).hang(),
        _ => answer(1_000, 100, Some(0.0012)),
    });
    let _ = lab.ask(&["hello"]).run().exited(1);
    let _ = lab.pollm(["ask", "-m", "lab/secret", "hello"]).run().exited(1);
    lab.configure("[budget]\nday = \"5\"");
    let mut killed = lab.ask(&["hello"]).spawn();
    killed.wait_for_stdout("Half");
    killed.kill();
    let _ = killed.finish();
    let _ = lab.ask(&["--no-stream", "hello"]).run().success();
    let read = read_out(&lab, &["cost", "audit"]);
    let lines: Vec<&str> = read.lines().skip(1).collect();
    assert!(read.starts_with("prices: of ") && lines.iter().all(|line| line.contains(": ")), "{read}");
    insta::assert_snapshot!(lines.join("\n"), @"
    billed against prices: lab/one: 1 call billed $0.0012, prices say $0.0012 (the same)
    without a known cost: lab/secret: 1 call, not in the catalog
    possibly billed: lab/one: 1 call cut short or cancelled, counted as about $0.000004
    possibly billed: lab/secret: 1 call cut short or cancelled, cost unknown
    possibly billed: besides: 1 call whose process was killed: at most $0.009301 more
    ");
    let unfinished = lab.pollm(["cost", "audit", "--json"]).run().success().json()["unfinished"].clone();
    assert_eq!((&unfinished[0]["model"], &unfinished[0]["state"]), (&json!("lab/one"), &json!("lost")));
    assert_ne!(unfinished[0]["usd_most"], Value::Null);
}

/// The caps of [`lab`], and a call that was killed and holds money under them.
fn held() -> Lab {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Half"}))]).hang());
    lab.configure("[budget]\nday = \"5\"\n[budget.models.\"lab/one\"]\nmonth = \"20\"");
    let mut killed = lab.ask(&["hello"]).spawn();
    killed.wait_for_stdout("Half");
    killed.kill();
    let _ = killed.finish();
    lab
}

#[test]
fn a_narrow_budget_keeps_what_is_spent_and_what_is_left() {
    let lab = held();
    insta::assert_snapshot!(narrow(&lab, 70, &["cost", "budget"], 3), @"
    cap                         spent  possibly billed        left
    $5.00 a day                 $0.00        $0.009301   $4.990699
    $20.00 a month for lab/one  $0.00        $0.009301  $19.990699
    ");
    insta::assert_snapshot!(narrow(&lab, 36, &["cost", "budget"], 4), @"
    cap                spent        left
    $5.00 a day        $0.00   $4.990699
    $20.00 a month for lab/one
                       $0.00  $19.990699
    ");
}

#[test]
fn money_that_a_killed_call_holds_is_in_every_view_of_the_budget() {
    let lab = held();
    let markdown = lab.pollm(["cost", "budget", "--format", "markdown"]).run();
    insta::assert_snapshot!(markdown, @r"
    | cap | spent | possibly billed | under way | left | begins anew |
    |:--|--:|--:|--:|--:|:--|
    | \$5.00 a day | \$0.00 | \$0.009301 | \$0.00 | \$4.990699 | TIMESTAMP |
    | \$20.00 a month for lab/one | \$0.00 | \$0.009301 | \$0.00 | \$19.990699 | TIMESTAMP |

    | at | call | cost | state |
    |:--|:--|:--|:--|
    | TIMESTAMP | lab/one | up to \$0.009301 | possibly billed: its process is gone |
    ------- stderr -------
    [exit status: 0]
    ");
    insta::assert_snapshot!(read_out(&lab, &["cost", "budget"]), @"
    cap: $5.00 a day
    spent: $0.00
    possibly billed: $0.009301
    under way: $0.00
    left: $4.990699
    begins anew: TIMESTAMP

    cap: $20.00 a month for lab/one
    spent: $0.00
    possibly billed: $0.009301
    under way: $0.00
    left: $19.990699
    begins anew: TIMESTAMP

    call: lab/one
    at: TIMESTAMP
    cost: up to $0.009301
    state: possibly billed: its process is gone
    ");
    let mut running = lab.ask(&["hello"]).spawn();
    running.wait_for_stdout("Half");
    let shown = lab.pollm(["cost", "budget"]).run().success();
    assert!(shown.stdout.ends_with("  under way\n"), "{shown}");
    running.kill();
    let _ = running.finish();
}

#[test]
fn a_call_that_was_cut_off_is_named_below_the_caps() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Half"}))]).close());
    lab.configure("[budget]\nday = \"5\"");
    let _ = lab.ask(&["hello"]).run().exited(1);
    let shown = lab.pollm(["cost", "budget"]).run().success().stdout;
    assert!(shown.ends_with("  possibly billed: what it cost is not known for certain\n"), "{shown}");
}

#[test]
fn a_first_cap_makes_the_configuration() {
    let env = Env::new();
    let _ = env.pollm(["cost", "budget", "set", "day", "5", "-q"]).run().success();
    let text = std::fs::read_to_string(env.root().join("config/pollm/config.toml")).unwrap();
    assert_eq!(text, "[budget]\nday = \"5.00\"\n");
    let unset = env.pollm(["cost", "budget", "unset", "day", "-q"]).run().success();
    assert_eq!(unset.stderr, "");
}

#[test]
fn killed_calls_without_a_price_are_counted_apart() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Half"}))]).hang());
    lab.configure("[budget]\nday = \"5\"");
    let kill = |model: &str| {
        let mut killed = lab.pollm(["ask", "--allow-unpriced", "-m", model, "hello"]).spawn();
        killed.wait_for_stdout("Half");
        killed.kill();
        let _ = killed.finish();
    };
    let said = || {
        let report = lab.pollm(["cost"]).run().success().stdout;
        let line = report.lines().find_map(|line| line.strip_prefix("possibly billed besides  "));
        line.unwrap_or_else(|| panic!("{report}")).to_owned()
    };
    kill("lab/secret");
    assert_eq!(said(), "1 call whose process was killed: what may be billed is unknown");
    kill("lab/one");
    assert_eq!(said(), "2 calls whose process was killed: at most $0.009301 more, and 1 unpriced");
}

#[test]
fn a_report_says_which_days_it_covers() {
    let lab = lab();
    for (args, span) in [
        ("--since 2020-01-02", "since 2020-01-02 00:00"),
        ("--until 2199-01-01", "before 2199-01-02 00:00"),
        ("--since 2020-01-02 --until 2199-01-01", "from 2020-01-02 00:00 to 2199-01-02 00:00"),
    ] {
        let shown = lab.pollm(["cost"].into_iter().chain(args.split(' '))).run().success().stdout;
        let said = |line: &str| line.starts_with("span ") && line.ends_with(&format!("  {span}"));
        assert!(shown.lines().any(said), "{shown}");
    }
}
