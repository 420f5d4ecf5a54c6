//! Servers that can't be reached, can't be trusted, say nothing, or send elsewhere.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::{KEY, ledger, row};
use crate::support::streams::{OPENAI_DONE, openai_chunks, openai_delta};
use crate::support::{ClosedPort, Env, Lab, Script, Server};

#[test]
fn a_hang_before_the_headers() {
    let lab = Lab::always(Script::new(200).hang());
    assert_snapshot!(lab.told(&["--timeout", "1"]), @r#"
        ------- stderr -------
        error: lab/one: timed out
          because: no complete answer within 1 s
          because: it may have been served, and billed: ~$0.000002

        hint: allow more time with `--timeout`, or `[timeouts]` in the configuration
        hint: `--retry-ambiguous` asks again all the same
        [exit status: 6]
        requests: 1
        ledger: lab/one "error" "", finish null, "timeout" null, HTTP [null], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

#[test]
fn a_hang_before_the_first_event() {
    let lab = Lab::always(Script::sse([": still here\n\n"]).hang());
    lab.configure("[timeouts]\nfirst_event = 0.5");
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: timed out
          because: nothing came for N s
          because: it may have been served, and billed: ~$0.000002

        hint: allow more time with `--timeout`, or `[timeouts]` in the configuration
        hint: `--retry-ambiguous` asks again all the same
        [exit status: 6]
        requests: 1
        ledger: lab/one "error" "", finish null, "timeout" null, HTTP [200], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

#[test]
fn a_hang_between_chunks() {
    let text = openai_delta(&json!({"content": "So far so"}));
    let lab = Lab::always(Script::sse([text]).hang());
    lab.configure("[timeouts]\nidle = 0.5");
    assert_snapshot!(lab.told(&[]), @r#"
        So far so
        ------- stderr -------
        error: lab/one: timed out
          because: nothing came for N s
          because: request id chatcmpl-scripted

        hint: allow more time with `--timeout`, or `[timeouts]` in the configuration
        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 6]
        requests: 1
        ledger: lab/one "partial" "So far so", finish "cut", "timeout" null, HTTP [200], 2+3 tokens "estimated", cost "0.000008" "estimated", possibly billed
    "#);
}

#[test]
fn comments_are_life_between_chunks() {
    let text = openai_delta(&json!({"content": "Slow"}));
    let mut answer = Script::sse([text]);
    for _ in 0..4 {
        answer = answer.sleep(400).body(": thinking\n\n");
    }
    let lab = Lab::always(answer.bodies(openai_chunks(&[" but sure"])));
    // Longer than any pause, shorter than all of them together.
    lab.configure("[timeouts]\nidle = 1.2");
    assert_eq!(lab.ask(&["hello"]).run().success().stdout, "Slow but sure\n");
}

#[test]
fn connection_refused() {
    let (env, port) = (Env::new(), ClosedPort::new());
    env.configure(&row("lab", "openai-chat", &port.url()));
    let output = env.pollm(["ask", "-m", "lab/one", "hello"]).env("LAB_KEY", KEY).run();
    assert_snapshot!(output, @r#"
        ------- stderr -------
        no connection: Connection refused (os error N); retrying in N s
        no connection: Connection refused (os error N); retrying in N s
        error: lab/one: could not connect
          because: no connection: Connection refused (os error N)
          because: it was tried 3 times

        hint: nothing answers at http://127.0.0.1:PORT: is the address right, and the network there?
        [exit status: 1]
    "#);
    let row = &ledger(&env)[0];
    assert_eq!((&row["status"], &row["error"]["kind"]), (&json!("error"), &json!("connect")));
    assert_eq!((&row["timing"]["attempts"], &row["cost"]["usd"]), (&json!(3), &json!("0")));
}

#[test]
fn no_tls_where_it_is_asked_for() {
    let (env, server) = (Env::new(), Server::always(Script::sse(openai_chunks(&["never"]))));
    env.configure(&row("lab", "openai-chat", &server.url().replace("http:", "https:")));
    let output = env.pollm(["ask", "-m", "lab/one", "hello"]).env("LAB_KEY", KEY).run();
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: lab/one: no secure connection
          because: received corrupt message of type InvalidContentType

        hint: is https://127.0.0.1:PORT right? a server without TLS wants `http:`
        [exit status: 1]
    "#);
    assert_eq!((server.connections(), server.requests().len()), (1, 0));
    let row = &ledger(&env)[0];
    assert_eq!((&row["status"], &row["error"]["kind"]), (&json!("error"), &json!("tls")));
}

#[test]
fn something_that_is_no_http() {
    let lab = Lab::always(Script::raw("SSH-2.0-OpenSSH_9.9\r\n"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the connection broke
          because: invalid HTTP version parsed
          because: it may have been served, and billed: ~$0.000002

        hint: `--retry-ambiguous` asks again all the same
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "broken" null, HTTP [null], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

#[test]
fn a_redirect_to_another_host() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::always(Script::sse(openai_chunks(&["stolen"])));
        let to = format!("{}/v1/chat/completions", elsewhere.url().replace("127.0.0.1", "localhost"));
        let lab = Lab::always(Script::redirect(status, &to));
        let told = lab.told(&[]).replace(&status.to_string(), "STATUS");
        assert_eq!(elsewhere.connections(), 0);
        insta::allow_duplicates! {
            assert_snapshot!(told, @r#"
                ------- stderr -------
                error: lab/one: the provider refused the request (HTTP STATUS)
                  because: HTTP STATUS: the server redirects to another host, `localhost`; the prompt and the key were not sent there

                hint: is http://127.0.0.1:PORT/v1 right? `base_url` in the configuration names another address
                [exit status: 1]
                requests: 1
                ledger: lab/one "error" "", finish null, "bad_request" STATUS, HTTP [STATUS], cost "0" "computed"
            "#);
        }
    }
}

/// As servers close that leave out TLS's farewell, or are killed behind a proxy.
#[test]
fn a_reset_behind_the_reason_to_stop() {
    let frames = openai_chunks(&["All of it"]).into_iter().filter(|frame| frame != OPENAI_DONE);
    let lab = Lab::always(Script::sse(frames).sleep(300).reset());
    let answer = lab.ask(&["--json", "hello"]).run().success().json();
    assert_eq!((&answer["status"], &answer["text"]), (&json!("ok"), &json!("All of it")));
    assert_eq!(answer["usage"]["source"], "reported");
}

/// A connection that was used before may have carried the request away, too.
#[test]
fn a_connection_that_breaks_when_it_is_used_again() {
    let refusal = Script::json(500, &json!({"error": {"message": "Once more"}}));
    let lab = Lab::in_turn([refusal, Script::raw(""), Script::sse(openai_chunks(&["Paid twice"]))]);
    let told = lab.told(&[]);
    let requests = lab.server.requests();
    assert_eq!(requests.iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 0]);
    assert_snapshot!(told, @r#"
        ------- stderr -------
        HTTP 500: Once more; retrying in N s
        error: lab/one: the connection broke
          because: connection closed before message completed
          because: 2 requests were sent
          because: it may have been served, and billed: ~$0.000002

        hint: `--retry-ambiguous` asks again all the same
        [exit status: 1]
        requests: 2
        ledger: lab/one "error" "", finish null, "broken" null, HTTP [500,null], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

/// `OpenRouter`'s mark of an answer from its own cache, with its usage of zeros.
#[test]
fn an_answer_from_a_gateways_cache() {
    let usage = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    let mut frames = openai_chunks(&["Known"]);
    let with_usage = frames.iter_mut().find(|frame| frame.contains("prompt_tokens")).unwrap();
    *with_usage = crate::support::streams::event(&json!({"choices": [], "usage": usage}));
    let lab = Lab::always(Script::sse(frames).header("x-openrouter-cache-status", "HIT"));
    let answer = lab.ask(&["--json", "hello"]).run().success().json();
    assert_eq!((&answer["cached"], &answer["usage"]["input"]), (&json!(true), &json!(0)));
    assert_eq!(answer["usage"]["source"], "reported");
    assert_eq!((&answer["cost"]["usd"], &answer["cost"]["source"]), (&json!("0"), &json!("billed")));
}

#[test]
fn a_proxy_that_does_not_answer() {
    let (env, port) = (Env::new(), ClosedPort::new());
    env.configure(&row("lab", "openai-chat", "http://pollm-test.invalid/v1"));
    let ask = || env.pollm(["ask", "-m", "lab/one", "--retries", "0", "hello"]).env("LAB_KEY", KEY);
    assert_snapshot!(ask().env("HTTP_PROXY", port.url()).run(), @r#"
        ------- stderr -------
        error: lab/one: could not connect
          because: no connection: Connection refused (os error N)

        hint: nothing answers at http://pollm-test.invalid/v1 through the proxy that HTTP_PROXY names: are both right, and the network there?
        [exit status: 1]
    "#);
    // That one is for other addresses.
    let output = ask().env("HTTPS_PROXY", port.url()).run().exited(1);
    assert!(!output.stderr.contains("proxy"), "{output}");
}
