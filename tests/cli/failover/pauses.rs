//! Who failed is left alone for a while, also by the next process.

use serde_json::{Value, json};

use super::{answer, ask, asked, lab, refusal};
use crate::support::{Lab, Script};

fn limited() -> Script {
    refusal(429).header("retry-after", "1800")
}

/// `a/one` is over its rate for half an hour, the others answer; the list of
/// models is there.
fn half_an_hour() -> Lab {
    lab(|model, _| match model {
        "a/one" => limited(),
        _ if model.contains(' ') => Script::json(200, &json!({"object": "list", "data": [{"id": "one"}]})),
        _ => answer("Here"),
    })
}

fn check(lab: &Lab, args: &[&str]) -> Value {
    lab.pollm(["models", "check", "--json"].iter().chain(args).copied()).run().json()
}

#[test]
fn the_next_chain_asks_the_others_first() {
    let lab = half_an_hour();
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    let output = ask(&lab, "a/one,b/one", &[]).run().success();
    assert_eq!(asked(&lab), ["a/one", "b/one", "b/one"]);
    assert!(
        output.stderr.starts_with(
            "a/one: left alone for 30 min (the rate limit is reached); asked after the others\n"
        ),
        "{output}"
    );
    // Another model of the same provider is none of it.
    let _ = ask(&lab, "a/two,b/one", &[]).run().success();
    // One that is named alone, or all of them, are asked whatever happened.
    let alone = ask(&lab, "a/one", &[]).run().exited(1);
    assert!(!alone.stderr.contains("left alone"), "{alone}");
    let _ = ask(&lab, "a/one,a/one", &[]).run().exited(1);
    assert_eq!(asked(&lab)[3..], ["a/two", "a/one", "a/one", "a/one"]);
}

#[test]
fn one_that_is_named_alone_is_asked_and_said_to_be_paused() {
    let lab = half_an_hour();
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    let alone = ask(&lab, "a/one", &["-v"]).run().exited(1);
    let note = "a/one: chains leave it alone for 30 min (the rate limit is reached); asked, since no other is named\n";
    assert!(alone.stderr.contains(note), "{alone}");
}

#[test]
fn a_good_answer_ends_it() {
    let lab = lab(|model, before| if model == "a/one" && before == 0 { limited() } else { answer("Here") });
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    let _ = ask(&lab, "a/one", &[]).run().success();
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    assert_eq!(asked(&lab), ["a/one", "b/one", "a/one", "a/one"]);
}

#[test]
fn failures_in_a_row_are_counted_over_processes() {
    let lab = lab(|model, _| if model == "a/one" { refusal(500) } else { answer("Here") });
    for _ in 0..4 {
        let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    }
    assert_eq!(asked(&lab), ["a/one", "b/one", "a/one", "b/one", "a/one", "b/one", "b/one"]);
}

#[test]
fn a_rejected_key_has_no_pause() {
    let lab =
        lab(|model, before| if model == "a/one" && before == 0 { refusal(401) } else { answer("Here") });
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    assert_eq!(asked(&lab), ["a/one", "b/one", "a/one"]);
}

#[test]
fn a_call_that_is_not_kept_is_not_remembered() {
    let lab = half_an_hour();
    let _ = ask(&lab, "a/one,b/one", &["-n"]).run().success();
    let _ = ask(&lab, "a/one,b/one", &["-n"]).run().success();
    assert_eq!(asked(&lab), ["a/one", "b/one", "a/one", "b/one"]);
}

#[test]
fn the_check_shows_it_and_a_good_one_ends_it() {
    let lab = half_an_hour();
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    let row = &check(&lab, &["a"])["providers"][0];
    assert_eq!((&row["ok"], &row["cooldowns_cleared"]), (&json!(true), &json!(true)));
    assert_eq!(
        (&row["cooldowns"][0]["model"], &row["cooldowns"][0]["kind"]),
        (&json!("one"), &json!("rate_limit"))
    );
    assert_eq!(check(&lab, &["a"])["providers"][0]["cooldowns"], json!([]));
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    let shown = lab.pollm(["models", "check", "a"]).run().success();
    assert!(
        shown.stdout.contains("; not left alone any more: one for 30 min (the rate limit is reached)"),
        "{shown}"
    );
}

#[test]
fn pauses_can_be_ended_by_hand() {
    let lab = half_an_hour();
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    assert_eq!(check(&lab, &["--clear-cooldowns", "b"])["cooldowns_cleared"], 0);
    let output = lab.pollm(["models", "check", "--clear-cooldowns"]).run().success();
    assert_eq!(output.stdout, "1 pause ended\n");
    let _ = ask(&lab, "a/one,b/one", &[]).run().success();
    // Nobody was asked for a list.
    assert_eq!(asked(&lab), ["a/one", "b/one", "a/one", "b/one"]);
    let _ = lab.pollm(["models", "check", "--clear-cooldowns", "nobody"]).run().exited(2);
}
