//! Caps hold for all lanes together.

use serde_json::json;

use super::{compare, lab_of};
use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

fn lab() -> Lab {
    lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])))
}

#[test]
fn what_all_lanes_may_cost_is_counted_before_the_first_is_sent() {
    let lab = lab();
    // One lane may cost some 0.001 USD with 400 tokens out at two dollars a million.
    let args = ["--max-tokens", "400", "--max-cost", "0.003", "hello"];
    let output = compare(&lab, &["a", "b"], &args).run().exited(3);
    assert!(output.stderr.contains("over budget"), "{}", output.stderr);
    assert_eq!((lab.server.connections(), lab.ledger().len()), (0, 0));
    let args = ["--max-tokens", "400", "--max-cost", "0.006", "hello"];
    let _ = compare(&lab, &["a", "b"], &args).run().success();
    assert_eq!(lab.server.requests().len(), 2);
}

#[test]
fn runs_are_counted_too_and_fit_lowers_all_alike() {
    let lab = lab();
    let args = ["--runs", "3", "--max-tokens", "400", "--max-cost", "0.01", "hello"];
    let _ = compare(&lab, &["a", "b"], &args).run().exited(3);
    assert_eq!(lab.server.connections(), 0);
    let fitted: Vec<&str> = ["--fit"].into_iter().chain(args).collect();
    let _ = compare(&lab, &["a", "b"], &fitted).run().success();
    let limits: Vec<_> =
        lab.server.requests().iter().map(|request| request.json()["max_tokens"].clone()).collect();
    assert_eq!(limits.len(), 6);
    assert!(limits.iter().all(|limit| *limit == limits[0] && limit.as_u64().unwrap() < 400), "{limits:?}");
}

#[test]
fn what_is_not_used_is_given_back() {
    let lab = lab();
    let base = lab.server.url();
    let rows =
        ["a", "b"].map(|name| crate::support::lab::row(name, "openai-chat", &format!("{base}/{name}")));
    lab.env.configure(&format!("[budget]\nday = \"0.01\"\n{}", rows.concat()));
    for flag in ["--json", "--no-log"] {
        let _ = compare(&lab, &["a", "b"], &["--max-tokens", "400", flag, "hello"]).run().success();
    }
    let budget = lab.pollm(["cost", "budget", "--json"]).run().success().json();
    // Four calls of 9 + 1 tokens.
    assert_eq!(budget["caps"][0]["spent_usd"], json!("0.000044"), "{budget}");
    assert_eq!(budget["caps"][0]["under_way_usd"], json!("0"), "{budget}");
}
