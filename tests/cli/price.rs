//! `pollm cost price`: to the last digit.

use crate::support::Env;

fn price(line: &str) -> String {
    let env = Env::new();
    let args = ["cost", "price"].into_iter().chain(line.split(' ')).collect::<Vec<_>>();
    env.pollm(args).run().success().stdout
}

#[test]
fn prices_are_exact() {
    for (line, usd) in [
        // A prompt beyond the bound has other prices as a whole, cached tokens count towards it.
        ("openai/gpt-6-sol --at 2026-11-22 --input 272000 --output 0", "0.544"),
        ("openai/gpt-6-sol --at 2026-11-22 --input 272001 --output 0", "1.088004"),
        ("openai/gpt-6-sol --at 2026-11-22 --input 272001 --cache-read 272001 --output 0", "0.1088004"),
        // Writes for an hour cost more than those for five minutes.
        (
            "anthropic/claude-opus-5-5 --at 2026-11-22 --input 2 --cache-write 1 --cache-write-1h 1 --output 0",
            "0.000013",
        ),
        // Prices that change at the beginning of a day in UTC.
        ("google/gemini-4-argon --at 2026-11-30T23:59:59Z --input 1000 --output 0", "0.002"),
        ("google/gemini-4-argon --at 2026-12-01T00:00:00Z --input 1000 --output 0", "0.004"),
        // Monday in and out of the peak hours.
        ("deepseek/deepseek-flash --at 2026-11-23T03:59:59Z --input 1000 --output 0", "0.0003"),
        ("deepseek/deepseek-flash --at 2026-11-23T04:00:00Z --input 1000 --output 0", "0.00015"),
        // Half the price in a batch, another price for thinking.
        ("anthropic/claude-haiku-5-5 --at 2026-11-22 --input 10 --output 10 --batch", "0.000003"),
        ("alibaba/qwen-plus --at 2026-11-22 --input 0 --output 1 --thinking", "0.000004"),
        ("google/gemini-2.5-flash --at 2026-11-22 --input 1 --audio 1 --output 0", "0.000001"),
        ("ollama/anything --input 1000000 --output 1000000", "0"),
        ("openai/no-such-model --input 1 --output 1", "unknown"),
    ] {
        assert_eq!(price(line), format!("{usd}\n"), "{line}");
    }
}

#[test]
fn the_prices_used_are_shown_beside_the_amount() {
    let env = Env::new();
    let line = "cost price gpt-6 --at 2026-11-22 --input 300000 --cache-read 250000 --output 2000";
    insta::assert_snapshot!(env.pollm(line.split(' ')).run(), @r#"
    0.33
    ------- stderr -------
    model                 openai/gpt-6-sol
    cost                  list prices, exact
    prices                in USD per million tokens
    input                 $2.00
    output                $10.00
    cache read            $0.20
    cache write           $2.50
    above 272,000 tokens  input $4.00, output $15.00, cache read $0.40, cache write $5.00
    batch                 × 0.5
    since                 before 2026-11-22, the catalog's date
    until                 further notice
    [exit status: 0]
    "#);
    let output = env.pollm(line.split(' ').chain(["-q"])).run().success();
    assert_eq!(output.stderr, "");
}

#[test]
fn the_object_keeps_unknown_apart_from_nothing() {
    let env = Env::new();
    let cost = |model: &str| {
        let args = ["cost", "price", model, "--input", "10", "--output", "10", "--json"];
        env.pollm(args).run().success().json()["cost"].clone()
    };
    assert_eq!(
        cost("openai/no-such-model"),
        serde_json::json!({"usd": null, "source": "unknown", "approximate": false})
    );
    assert_eq!(
        cost("local/smollm2-135m"),
        serde_json::json!({"usd": "0", "source": "local", "approximate": false})
    );
    assert_eq!(cost("gpt-6")["source"], "computed");
}

#[test]
fn counts_that_do_not_fit_together_are_refused() {
    let env = Env::new();
    for line in [
        "--input 10 --output 1 --cache-read 11",
        "--input 10 --output 1 --cache-read 6 --audio 5",
        "--input 10 --output 1 --reasoning 2",
        "--input -1 --output 1",
        "--input 1 --output 1 --at tomorrow",
        "--input 1",
    ] {
        let args = ["cost", "price", "gpt-6"].into_iter().chain(line.split(' '));
        assert!(env.pollm(args).run().exited(2).stderr.contains("error: "), "{line}");
    }
}

#[test]
fn why_an_amount_is_not_exact_is_said() {
    let env = Env::new();
    env.configure(
        "[providers.lab]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
         [providers.lab.models.one]\ninput = \"1\"\noutput = \"2\"\n",
    );
    let run = |model: &str| {
        let output = env.pollm(["cost", "price", model, "--input", "10", "--output", "10"]).run().success();
        let cost =
            output.stderr.lines().find_map(|line| line.strip_prefix("cost")).unwrap().trim().to_owned();
        (output.stdout.trim().to_owned(), cost, output.stderr)
    };
    for (model, usd, cost) in [
        ("nova/nova-2-pro-v1", "0", "nothing is charged"),
        ("ollama-cloud/gpt-oss:120b", "unknown", "unknown: this provider does not meter"),
        ("sarvam/sarvam-30b", "unknown", "unknown: a price that is needed is not known"),
        ("lab/two", "unknown", "unknown: the model is not in the catalog"),
        (
            "huggingface/MiniMaxAI/MiniMax-M2",
            "0.000015",
            "approximate: a price depends on the route, stands in for another or may have lapsed",
        ),
        ("lab/one", "0.00003", "your own prices, exact"),
    ] {
        let (shown, why, _) = run(model);
        assert_eq!((shown.as_str(), why.as_str()), (usd, cost), "{model}");
    }
    assert!(run("ollama-cloud/gpt-oss:120b").2.contains("\nat list prices  $0.0000075\n"));
    let own = run("lab/one").2;
    assert!(own.contains("\nset in  the configuration\n") && !own.contains("catalog"), "{own}");
}
