//! Two at once, where the first is late.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{answer, ask, asked, calls, lab, reasoning, refusal, text};
use crate::support::Script;
use crate::support::streams::openai_chunks;

/// The row of a model in the ledger.
fn row(lab: &crate::support::Lab, model: &str) -> Value {
    lab.ledger().into_iter().find(|row| row["model"] == model).unwrap()
}

#[test]
fn the_second_answers_and_the_first_is_stopped() {
    let lab = lab(|model, _| if model == "a/one" { Script::new(200).hang() } else { answer("Here") });
    let output = ask(&lab, "a/one,b/one", &["--hedge", "0.2s", "-u"]).run();
    lab.server.wait_for_departure(0);
    assert_snapshot!(lab.tell(&output), @r#"
        Here
        ------- stderr -------
        a/one: no token after N s; asking b/one too
        b/one has the first word; a/one is stopped
        b/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1 · 2 attempts, TIME in all · a/one stopped · ~$0.000002 more possibly billed
        [exit status: 0]
        requests: 2
        ledger: a/one "cancelled" "", finish null, "cancelled" null, HTTP [null], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
        ledger: b/one "ok" "Here", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn a_terminal_says_who_is_waited_for() {
    let lab = lab(|_, _| Script::new(200).hang());
    let mut running = ask(&lab, "a/one,b/one", &["--hedge", "0.2s"]).terminal(100, 24).spawn();
    running.wait_for_stdout("waiting for a/one, ");
    running.wait_for_stdout("waiting for a/one and b/one, ");
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn nothing_of_the_loser_is_printed() {
    let lab = lab(|model, _| match model {
        // Blank text is a token, but nothing to see; reasoning is not the answer.
        "a/one" => Script::new(200)
            .header("content-type", "text/event-stream")
            .chunked()
            .at(2_000)
            .bodies([reasoning("LOSER thinks"), text("\n\n")])
            .hang(),
        _ => Script::new(200)
            .header("content-type", "text/event-stream")
            .chunked()
            .at(3_000)
            .bodies(openai_chunks(&["Here ", "I am"])),
    });
    for args in [&["--jsonl"][..], &[]] {
        let args: Vec<&str> = ["--hedge", "100ms"].iter().chain(args).copied().collect();
        let output = ask(&lab, "a/one,b/one", &args).run().success();
        let everything = format!("{}{}", output.stdout, output.stderr);
        assert!(!everything.contains("LOSER"), "{output}");
        if args.len() == 2 {
            assert_eq!(output.stdout, "Here I am\n");
        }
    }
}

#[test]
fn both_are_in_the_events_and_on_the_bill() {
    let lab = lab(|model, _| if model == "a/one" { Script::new(200).hang() } else { answer("Here") });
    let events = ask(&lab, "a/one,b/one", &["--hedge", "0.2", "--jsonl"]).run().success().jsonl();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["event"].as_str().unwrap(),
                event["lane"].as_u64().unwrap(),
                event["model"].as_str().unwrap(),
            )
        })
        .collect();
    let b = |name| (name, 1, "b/one");
    assert_eq!(told, [("start", 0, "a/one"), b("start"), b("first_token"), b("delta"), b("done")]);
    let failed = &events[4]["outcome"]["failed"];
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["lane"]), (1, &json!("a/one")));
    assert_eq!((&failed[0]["status"], &failed[0]["possibly_billed"]), (&json!("cancelled"), &json!(true)));
    assert_eq!(
        (&failed[0]["usd"], &row(&lab, "a/one")["cost"]["usd"]),
        (&json!("0.000002"), &json!("0.000002"))
    );
    // The answer is written last: it is what `-c` goes on from.
    assert_eq!(calls(&lab), ["a/one cancelled", "b/one ok"]);
}

#[test]
fn a_token_in_time_keeps_the_second_out() {
    let slow = || Script::sse([reasoning("Hm")]).sleep(3_200).bodies(openai_chunks(&["Late but here"]));
    let lab = lab(move |model, _| if model == "a/one" { slow() } else { answer("SECOND") });
    let output = ask(&lab, "a/one,b/one", &["--hedge", "3s"]).run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("Late but here\n", ""));
    assert_eq!(asked(&lab), ["a/one"]);
}

#[test]
fn a_first_that_fails_is_followed_at_once() {
    let lab = lab(|model, _| if model == "a/one" { refusal(500) } else { answer("Here") });
    // An hour is longer than any test runs.
    let output = ask(&lab, "a/one,b/one", &["--hedge", "3600"]).run().success();
    assert_eq!(output.stdout, "Here\n");
    assert_eq!(calls(&lab), ["a/one error", "b/one ok"]);
}

#[test]
fn a_second_that_fails_leaves_the_first_alone() {
    let lab = lab(|model, _| match model {
        "a/one" => Script::new(200)
            .header("content-type", "text/event-stream")
            .chunked()
            .at(1_500)
            .bodies(openai_chunks(&["Here"])),
        _ => refusal(402),
    });
    let output = ask(&lab, "a/one,b/one", &["--hedge", "0.2"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Here
        ------- stderr -------
        a/one: no token after N s; asking b/one too
        b/one: out of credit, or over a spending limit (HTTP 402); a/one goes on
        [exit status: 0]
        requests: 2
        ledger: b/one "error" "", finish null, "money" 402, HTTP [402], cost "0" "computed"
        ledger: a/one "ok" "Here", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn where_both_fail_the_third_has_its_turn() {
    let lab = lab(|model, _| match model {
        "a/one" => Script::new(500).at(2_000).body("{}"),
        "b/one" => refusal(402),
        _ => answer("Here"),
    });
    let output = ask(&lab, "a/one,b/one,b/two,c/one", &["--hedge", "0.2"]).run().success();
    assert_eq!(
        (output.stdout.as_str(), asked(&lab)),
        ("Here\n", vec!["a/one".into(), "b/one".into(), "c/one".into()])
    );
    assert_eq!(calls(&lab), ["b/one error", "a/one error", "c/one ok"]);
    assert!(output.stderr.contains("b/two: passed over"), "{output}");
}

#[test]
fn ctrl_c_ends_both() {
    let lab = lab(|_, _| Script::new(200).hang());
    let running = ask(&lab, "a/one,b/one", &["--hedge", "0.2"]).spawn();
    lab.server.wait_until_hanging(0);
    lab.server.wait_until_hanging(1);
    running.interrupt();
    let output = running.finish().exited(130);
    assert_eq!(output.stdout, "");
    lab.server.wait_for_departure(0);
    lab.server.wait_for_departure(1);
    assert_eq!(calls(&lab), ["b/one cancelled", "a/one cancelled"]);
}

#[test]
fn a_model_without_a_key_cannot_hedge() {
    let lab = lab(|_, _| {
        Script::new(200)
            .header("content-type", "text/event-stream")
            .chunked()
            .at(2_000)
            .bodies(openai_chunks(&["Here"]))
    });
    let output = ask(&lab, "a/one,openai/gpt-6.1-sol", &["--hedge", "0.2"]).run().success();
    assert_eq!(output.stdout, "Here\n");
    assert_eq!(output.stderr.matches("openai/gpt-6.1-sol: ").count(), 1, "{output}");
    assert!(output.stderr.contains("; not asked"), "{output}");
}

#[test]
fn a_p90_needs_ten_calls() {
    let lab = lab(|model, before| match (model, before) {
        ("a/one", 10..) => Script::new(200).hang(),
        _ => answer("Here"),
    });
    let output = ask(&lab, "a/one,b/one", &["--hedge", "p90"]).run().success();
    assert_eq!(
        output.stderr,
        "a/one: 0 of the 10 calls that a p90 needs; the next model is asked after 10 s\n"
    );
    for _ in 1..10 {
        let _ = ask(&lab, "a/one", &[]).run().success();
    }
    let output = ask(&lab, "a/one,b/one", &["--hedge", "p90"]).run().success();
    assert!(
        output.stderr.starts_with("a/one: no token after ") && !output.stderr.contains(" 10 s"),
        "{output}"
    );
    assert_eq!(asked(&lab).last().unwrap(), "b/one");
}

#[test]
fn wrong_uses_are_said() {
    let lab = lab(|_, _| answer("never"));
    let output = ask(&lab, "a/one", &["--hedge", "2s"]).run().exited(2);
    assert!(output.stderr.contains("`--hedge` needs a second model to ask"), "{output}");
    for wrong in ["p95", "-1", "soon", "1e99"] {
        let _ = ask(&lab, "a/one,b/one", &[&format!("--hedge={wrong}")]).run().exited(2);
    }
    let _ = ask(&lab, "a/one,b/one", &["--hedge", "1", "--no-stream"]).run().exited(2);
    assert_eq!(asked(&lab), [""; 0]);
}

/// Without a history there is no p90, which is no reason not to ask.
#[test]
fn a_damaged_history_is_as_good_as_none() {
    let lab = lab(|_, _| answer("Here"));
    let folder = lab.env.root().join("data/pollm");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ledger.db"), "no ledger at all").unwrap();
    let output = ask(&lab, "a/one,b/one", &["--hedge", "p90"]).run().success();
    assert_eq!(output.stdout, "Here\n");
    let said = "a/one: 0 of the 10 calls that a p90 needs; the next model is asked after 10 s\n";
    assert!(output.stderr.starts_with(said), "{output}");
}
