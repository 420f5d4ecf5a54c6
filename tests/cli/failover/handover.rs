//! Before the first word: who takes over, by the class of the failure.

use insta::assert_snapshot;
use serde_json::json;

use super::{answer, ask, asked, calls, fault, lab, reasoning, refusal, text};
use crate::support::Script;
use crate::support::streams::{OPENAI_DONE, openai_delta};

#[test]
fn whatever_may_pass_goes_to_the_next_model() {
    let role = openai_delta(&json!({"role": "assistant", "content": ""}));
    let failures = [
        refusal(408),
        refusal(429),
        refusal(500),
        refusal(503),
        refusal(529),
        refusal(404),
        Script::sse([fault()]),
        Script::sse([role.clone(), fault()]),
        Script::sse([": comment\n\n".to_owned(), role.clone()]),
        Script::sse([OPENAI_DONE]),
        Script::new(200),
        Script::json(200, &json!({"error": {"message": "Overloaded", "code": "server_error"}})),
        Script::new(200).body("<!doctype html><title>Sign in</title>"),
    ];
    for failure in failures {
        let told = format!("{failure:?}");
        let lab = lab(move |model, _| if model == "a/one" { failure.clone() } else { answer("Here") });
        let output = ask(&lab, "a/one,a/two", &[]).run().success();
        assert_eq!(output.stdout, "Here\n", "{told}\n{output}");
        assert_eq!(
            (asked(&lab), calls(&lab)),
            (vec!["a/one".into(), "a/two".into()], vec!["a/one error".into(), "a/two ok".into()]),
            "{told}"
        );
    }
}

#[test]
fn a_wrong_request_is_wrong_everywhere() {
    for status in [400, 422] {
        let lab = lab(move |_, _| refusal(status));
        let _ = ask(&lab, "a/one,b/one", &[]).run().exited(1);
        assert_eq!(asked(&lab), ["a/one"]);
    }
}

#[test]
fn money_and_keys_concern_the_whole_provider() {
    for status in [401, 402, 403] {
        let lab = lab(move |model, _| match model {
            "a/one" => refusal(status),
            "b/one" => refusal(500),
            _ => answer("Here"),
        });
        let output = ask(&lab, "a/one,a/two,b/one,a/big,c/one", &[]).run().success();
        assert_eq!(
            (output.stdout.as_str(), asked(&lab)),
            ("Here\n", vec!["a/one".into(), "b/one".into(), "c/one".into()])
        );
        for passed in ["a/two", "a/big"] {
            let note = format!("{passed}: passed over, since its provider has refused already\n");
            assert!(output.stderr.contains(&note), "{output}");
        }
    }
}

#[test]
fn no_other_provider_left() {
    let lab = lab(|_, _| refusal(402));
    let output = ask(&lab, "a/one,a/two", &[]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        ------- stderr -------
        a/two: passed over, since its provider has refused already
        error: a/one: out of credit, or over a spending limit (HTTP 402)
          because: No

        hint: add credit at the provider, or ask another model with `-m`
        [exit status: 1]
        requests: 1
        ledger: a/one "error" "", finish null, "money" 402, HTTP [402], cost "0" "computed"
    "#);
}

#[test]
fn a_prompt_that_does_not_fit_goes_to_a_larger_window() {
    let lab = lab(|model, _| match model {
        "b/big" => answer("Here"),
        _ => Script::json(400, &json!({"error": {"message": "Too long", "code": "context_length_exceeded"}})),
    });
    let output = ask(&lab, "a/one,b/one,b/big", &["-u"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Here
        ------- stderr -------
        a/one: the prompt does not fit the model's context (HTTP 400); trying the next model
        b/one: passed over, since its context window is not larger
        b/big · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1 · 2 attempts, TIME in all · a/one failed
        [exit status: 0]
        requests: 2
        ledger: a/one "error" "", finish null, "context_length" 400, HTTP [400], cost "0" "computed"
        ledger: b/big "ok" "Here", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn a_hint_beyond_the_patience_goes_to_the_next_at_once() {
    let lab = lab(|model, _| match model {
        "a/one" => refusal(429).header("retry-after", "3600"),
        _ => answer("Here"),
    });
    let output = lab.pollm(["ask", "-m", "a/one,b/one", "--json", "hello"]).run().success();
    assert_eq!(asked(&lab), ["a/one", "b/one"]);
    assert!(
        output.stderr.contains("a/one: the rate limit is reached (HTTP 429), back in 60 min; trying"),
        "{output}"
    );
    let answered = output.json();
    let failed = &answered["failed"];
    assert_eq!(failed.as_array().unwrap().len(), 1);
    let failed = &failed[0];
    assert_eq!(
        (&failed["lane"], &failed["status"], &failed["error_kind"], &failed["http_status"], &failed["usd"]),
        (&json!("a/one"), &json!("error"), &json!("rate_limit"), &json!(429), &json!("0"))
    );
    assert_eq!((&failed["possibly_billed"], &failed["attempts"]), (&json!(false), &json!(1)));
    assert_eq!(failed["id"], lab.ledger()[0]["id"]);
}

/// Reasoning that nobody saw is no beginning of an answer, but it was paid.
#[test]
fn reasoning_that_was_not_shown_does_not_hold_anyone() {
    let lab = lab(|model, _| match model {
        "a/one" => Script::sse([reasoning("Let me think about that."), fault()]),
        _ => answer("Here"),
    });
    let output = ask(&lab, "a/one,b/one", &["-u"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Here
        ------- stderr -------
        a/one: the provider failed, possibly billed ~$0.000014; trying the next model
        b/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1 · 2 attempts, TIME in all · a/one failed · ~$0.000014 more possibly billed
        [exit status: 0]
        requests: 2
        ledger: a/one "partial" "", finish "cut", "server" null, HTTP [200], 2+6 tokens "estimated", cost "0.000014" "estimated", possibly billed
        ledger: b/one "ok" "Here", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

/// As an event it was seen.
#[test]
fn reasoning_that_was_shown_does() {
    let lab = lab(|_, _| Script::sse([reasoning("Let me think."), fault()]));
    let events = ask(&lab, "a/one,b/one", &["--jsonl"]).run().exited(1).jsonl();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "first_token", "reasoning", "error"]);
    let shown = ask(&lab, "a/one,b/one", &[]).terminal(80, 24).run().exited(1);
    assert!(shown.stdout.contains("Let me think."), "{shown}");
    // Where it is hidden, the next one is asked.
    let _ = ask(&lab, "a/one,b/one", &["-R"]).terminal(80, 24).run().exited(1);
    assert_eq!(asked(&lab), ["a/one", "a/one", "a/one", "b/one"]);
}

#[test]
fn the_last_one_cannot_be_asked() {
    let lab = lab(|_, _| refusal(500));
    let output = ask(&lab, "a/one,openai/gpt-6.1-sol", &["--json"]).run().exited(1);
    assert_eq!(output.json()["error"]["status"], 500);
    assert_eq!(calls(&lab), ["a/one error"]);
    assert!(
        output.stderr.contains("openai/gpt-6.1-sol: ") && output.stderr.contains("error: a/one: "),
        "{output}"
    );
}

#[test]
fn lanes_of_a_chain_are_numbered_in_the_order_asked() {
    let lab =
        lab(
            |model, _| {
                if model == "a/one" { refusal(500) } else { Script::sse([text("Here"), OPENAI_DONE.into()]) }
            },
        );
    let events = ask(&lab, "a/one,b/one", &["--jsonl"]).run().jsonl();
    let lanes: Vec<_> = events
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), event["lane"].as_u64().unwrap()))
        .collect();
    assert_eq!(lanes[..2], [("start", 0), ("start", 1)]);
    assert!(lanes[2..].iter().all(|(_, lane)| *lane == 1), "{lanes:?}");
}
