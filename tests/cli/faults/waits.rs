//! How long a provider asks to be left alone, in every form that is known.

use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

/// Refuses once for the rate, and answers the second request, which must not
/// come sooner than asked for.
#[track_caller]
fn waits(refusal: Script, at_least: u64) {
    let lab = Lab::in_turn([refusal, Script::sse(openai_chunks(&["Here"]))]);
    let output = lab.ask(&["hello"]).run().success();
    assert_eq!(output.stdout, "Here\n");
    assert!(output.stderr.contains("HTTP 429: ") && output.stderr.contains("retrying in "), "{output}");
    let requests = lab.server.requests();
    assert_eq!(requests.len(), 2);
    // The client counts from when it has read the answer, which is later.
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_millis(at_least), "it waited {waited:?}");
    // Nobody waits for minutes where less was asked for.
    assert!(waited < Duration::from_secs(30), "it waited {waited:?}");
    let row = &lab.ledger()[0];
    assert_eq!((&row["status"], &row["timing"]["attempts"]), (&json!("ok"), &json!(2)));
    assert!(row["requests"][0]["waited_ms"].as_f64().unwrap() >= at_least as f64, "{row}");
}

fn limited(body: Value) -> Script {
    Script::json(429, &json!({"error": body}))
}

fn with_header(name: &str, value: &str) -> Script {
    limited(json!({"message": "Slow down", "code": "rate_limit_exceeded"})).header(name, value)
}

#[test]
fn milliseconds() {
    waits(with_header("retry-after-ms", "700"), 700);
}

#[test]
fn seconds() {
    waits(with_header("retry-after", "1"), 1000);
}

#[test]
fn a_fraction_of_seconds() {
    waits(with_header("retry-after", "0.7"), 700);
}

#[test]
fn milliseconds_before_seconds() {
    waits(with_header("retry-after-ms", "600").header("retry-after", "3600"), 600);
}

#[test]
fn an_http_date() {
    // Dates have whole seconds, so up to one of the two is lost.
    let at = Timestamp::try_from(SystemTime::now() + Duration::from_secs(3)).unwrap();
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let lab = Lab::in_turn([with_header("retry-after", &date), Script::sse(openai_chunks(&["Here"]))]);
    let output = lab.ask(&["hello"]).run().success();
    assert_eq!(output.stdout, "Here\n");
    assert_eq!(lab.server.requests().len(), 2);
    let whole_second = Duration::from_secs(u64::try_from(at.as_second()).unwrap());
    assert!(SystemTime::now() >= SystemTime::UNIX_EPOCH + whole_second, "it did not wait\n{output}");
}

#[test]
fn a_duration_text() {
    waits(with_header("retry-after", "700ms"), 700);
}

#[test]
fn retry_info_in_the_body() {
    let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.7s"});
    waits(
        limited(json!({"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": [info]})),
        700,
    );
}

#[test]
fn words() {
    waits(limited(json!({"message": "Rate limit reached. Please try again in 0.7s. Thanks"})), 700);
}

#[test]
fn longer_than_anyone_waits() {
    let lab = Lab::always(with_header("retry-after", "3600"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the rate limit is reached (HTTP 429)
          because: Slow down

        hint: the provider asks to come back in 60 min
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "rate_limit" 429, HTTP [429], cost "0" "computed"
    "#);
}

#[test]
fn longer_than_the_user_waits() {
    let lab = Lab::always(with_header("retry-after", "5"));
    assert_snapshot!(lab.told(&["--max-wait", "4"]), @r#"
        ------- stderr -------
        error: lab/one: the rate limit is reached (HTTP 429)
          because: Slow down

        hint: the provider asks to come back in 5 s
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "rate_limit" 429, HTTP [429], cost "0" "computed"
    "#);
}

#[test]
fn longer_than_the_timeout() {
    let lab = Lab::always(with_header("retry-after", "30"));
    assert_snapshot!(lab.told(&["--timeout", "10"]), @r#"
        ------- stderr -------
        error: lab/one: the rate limit is reached (HTTP 429)
          because: Slow down

        hint: the provider asks to come back in 30 s
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "rate_limit" 429, HTTP [429], cost "0" "computed"
    "#);
}
