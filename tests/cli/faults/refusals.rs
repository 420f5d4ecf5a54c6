//! Answers that are an error from the first byte.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

/// A refusal in the shape that most providers use.
fn refusal(status: u16, code: &str, message: &str) -> Script {
    Script::json(status, &json!({"error": {"message": message, "type": "scripted", "code": code}}))
        .header("x-request-id", "req_scripted")
}

#[test]
fn status_401() {
    let lab = Lab::always(refusal(401, "invalid_api_key", "Incorrect API key provided"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the API key was rejected (HTTP 401)
          because: Incorrect API key provided
          because: request id req_scripted

        hint: the key came from LAB_KEY; check it at the provider
        [exit status: 5]
        requests: 1
        ledger: lab/one "error" "", finish null, "auth" 401, HTTP [401], cost "0" "computed"
    "#);
}

#[test]
fn status_401_that_repeats_the_key() {
    let lab = Lab::start(|request, _| {
        let sent = request.header("authorization").unwrap().replace("Bearer ", "");
        refusal(401, "invalid_api_key", &format!("Incorrect API key provided: {sent}"))
    });
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the API key was rejected (HTTP 401)
          because: Incorrect API key provided: [key]
          because: request id req_scripted

        hint: the key came from LAB_KEY; check it at the provider
        [exit status: 5]
        requests: 1
        ledger: lab/one "error" "", finish null, "auth" 401, HTTP [401], cost "0" "computed"
    "#);
    let lines = lab.ask(&["--jsonl", "-v", "hello"]).run().exited(5);
    assert_snapshot!(lab.tell(&lines), @r#"
        {"event":"start","lane":0,"model":"lab/one","seq":0,"t_ms":N}
        {"event":"error","lane":0,"model":"lab/one","seq":1,"t_ms":N,"outcome":{"schema":"pollm/1","id":"ULID","command":"ask","started_at":"TIMESTAMP","model":"lab/one","served_model":null,"status":"error","text":"","reasoning":null,"finish":null,"dropped":[],"usage":null,"cost":{"usd":"0","source":"computed","approximate":false},"timing":{"connect_ms":N,"ttft_ms":null,"ttfv_ms":null,"e2e_ms":N,"wall_ms":N,"tpot_ms":null,"decode_tps":null,"attempts":1},"route":null,"request_id":"req_scripted","error":{"kind":"auth","status":401,"message":"Incorrect API key provided: [key]","retryable":false,"hint":"the key came from LAB_KEY; check it at the provider"},"lane":"lab/one","conversation":"ULID","served_by":null,"native_finish":null,"possibly_billed":false,"cached":false,"malformed_events":0,"requests":[{"status":401,"error_kind":"auth","took_ms":N,"waited_ms":null}],"failed":[]}}
        ------- stderr -------
        pollm: asking lab/one at http://127.0.0.1:PORT/v1
        error: lab/one: the API key was rejected (HTTP 401)
          because: Incorrect API key provided: [key]
          because: request id req_scripted

        hint: the key came from LAB_KEY; check it at the provider
        [exit status: 5]
        requests: 2
        ledger: lab/one "error" "", finish null, "auth" 401, HTTP [401], cost "0" "computed"
        ledger: lab/one "error" "", finish null, "auth" 401, HTTP [401], cost "0" "computed"
    "#);
}

#[test]
fn status_402() {
    let lab = Lab::always(refusal(402, "payment_required", "Your account has no credit left"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: out of credit, or over a spending limit (HTTP 402)
          because: Your account has no credit left
          because: request id req_scripted

        hint: add credit at the provider, or ask another model with `-m`
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "money" 402, HTTP [402], cost "0" "computed"
    "#);
}

#[test]
fn status_403() {
    let lab = Lab::always(refusal(403, "unsupported_country", "Your country is not supported"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the provider does not permit this (HTTP 403)
          because: Your country is not supported
          because: request id req_scripted

        hint: check at the provider what the key may use, or ask another model with `-m`
        [exit status: 5]
        requests: 1
        ledger: lab/one "error" "", finish null, "permission" 403, HTTP [403], cost "0" "computed"
    "#);
}

#[test]
fn status_404() {
    let lab = Lab::always(refusal(404, "model_not_found", "The model `one` does not exist"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: no such model or address (HTTP 404)
          because: The model `one` does not exist
          because: request id req_scripted

        hint: check the id; `pollm models --provider lab` lists what is known
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "not_found" 404, HTTP [404], cost "0" "computed"
    "#);
}

#[test]
fn status_413() {
    let lab = Lab::always(refusal(413, "request_too_large", "Request exceeds the maximum size"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the request is too large (HTTP 413)
          because: Request exceeds the maximum size
          because: request id req_scripted

        hint: send less: a shorter prompt, fewer or smaller attachments
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "too_large" 413, HTTP [413], cost "0" "computed"
    "#);
}

#[test]
fn status_400_for_a_prompt_that_is_too_long() {
    let lab = Lab::always(refusal(400, "context_length_exceeded", "Your messages have 40000 tokens"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the prompt does not fit the model's context (HTTP 400)
          because: Your messages have 40000 tokens
          because: request id req_scripted

        hint: shorten the prompt, or ask a model with a larger context
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "context_length" 400, HTTP [400], cost "0" "computed"
    "#);
}

#[test]
fn status_429_for_money() {
    let lab = Lab::always(refusal(429, "insufficient_quota", "You exceeded your current quota"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: out of credit, or over a spending limit (HTTP 429)
          because: You exceeded your current quota
          because: request id req_scripted

        hint: add credit at the provider, or ask another model with `-m`
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "money" 429, HTTP [429], cost "0" "computed"
    "#);
}

#[test]
fn status_500_once() {
    let fault = refusal(500, "server_error", "Something went wrong");
    let lab = Lab::in_turn([fault, Script::sse(openai_chunks(&["Fine now"]))]);
    assert_snapshot!(lab.told(&["-u"]), @r#"
        Fine now
        ------- stderr -------
        HTTP 500: Something went wrong; retrying in N s
        lab/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · 1 retry, TIME in all · answered by scripted-1
        [exit status: 0]
        requests: 2
        ledger: lab/one "ok" "Fine now", finish "stop", HTTP [500,200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn a_message_of_several_lines_is_one_note() {
    let fault = refusal(500, "server_error", "Something\nwent wrong\n");
    let lab = Lab::in_turn([fault, Script::sse(openai_chunks(&["Fine now"]))]);
    let output = lab.ask(&["hello"]).run().success();
    assert!(output.stderr.starts_with("HTTP 500: Something went wrong; retrying in "), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
}

#[test]
fn status_500_for_ever() {
    let lab = Lab::always(refusal(500, "server_error", "Something went wrong"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        HTTP 500: Something went wrong; retrying in N s
        HTTP 500: Something went wrong; retrying in N s
        error: lab/one: the provider failed (HTTP 500)
          because: Something went wrong
          because: 3 requests were sent
          because: request id req_scripted

        hint: try again later, or name further models: `-m first,second`
        [exit status: 1]
        requests: 3
        ledger: lab/one "error" "", finish null, "server" 500, HTTP [500,500,500], cost "0" "computed"
    "#);
}

#[test]
fn as_many_retries_as_asked_for() {
    for retries in [0, 1, 3] {
        let lab = Lab::always(refusal(503, "overloaded", "No capacity"));
        let output = lab.ask(&["--retries", &retries.to_string(), "hello"]).run().exited(1);
        assert_eq!(lab.server.requests().len(), retries + 1, "{output}");
        assert_eq!(lab.ledger()[0]["timing"]["attempts"], retries + 1);
    }
}

#[test]
fn a_server_that_asks_for_no_retry_gets_none() {
    let lab = Lab::always(refusal(500, "server_error", "Give up").header("x-should-retry", "false"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the provider failed (HTTP 500)
          because: Give up
          because: request id req_scripted

        hint: ask another model with `-m`
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "server" 500, HTTP [500], cost "0" "computed"
    "#);
}

#[test]
fn status_529() {
    let body = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let lab = Lab::always(Script::json(529, &body));
    assert_snapshot!(lab.told(&["--retries", "1"]), @r#"
        ------- stderr -------
        HTTP 529: Overloaded; retrying in N s
        error: lab/one: the provider is overloaded (HTTP 529)
          because: Overloaded
          because: 2 requests were sent

        hint: try again later, or name further models: `-m first,second`
        [exit status: 1]
        requests: 2
        ledger: lab/one "error" "", finish null, "overloaded" 529, HTTP [529,529], cost "0" "computed"
    "#);
}

#[test]
fn html_with_a_502() {
    let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    let lab = Lab::always(Script::new(502).header("content-type", "text/html").body(page));
    assert_snapshot!(lab.told(&["--retries", "0"]), @r#"
        ------- stderr -------
        error: lab/one: the provider failed (HTTP 502)
          because: HTTP 502 with an HTML page instead of JSON: 502 Bad Gateway

        hint: try again later, or name further models: `-m first,second`
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "server" 502, HTTP [502], cost "0" "computed"
    "#);
}

#[test]
fn an_error_without_a_body() {
    let lab = Lab::always(Script::new(418));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the provider refused the request (HTTP 418)
          because: HTTP 418 with an empty body
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "bad_request" 418, HTTP [418], cost "0" "computed"
    "#);
}

#[test]
fn an_error_without_an_end() {
    let lab = Lab::always(Script::new(400).chunked().forever("x".repeat(10_000)));
    let output = lab.ask(&["hello"]).run().exited(1);
    assert!(output.stderr.len() < 1_000, "{output}");
    let _ = lab.server.wait_for_departure(0);
}
