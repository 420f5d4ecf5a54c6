//! Each protocol once, from the command line to the ledger.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::KEY;
use crate::support::streams::{
    OPENAI_DONE, anthropic_chunks, event, gemini_chunks, openai_chunks, openai_delta, openai_finish,
    responses_chunks,
};
use crate::support::{Env, Lab, Script, Server};

/// Where a request went, how its key travelled, and its body.
fn sent(lab: &Lab) -> String {
    let request = &lab.server.requests()[0];
    let key = request.headers.iter().find(|(_, value)| value.contains(KEY)).expect("the key was sent");
    let key = format!("{}: {}", key.0, key.1.replace(KEY, "KEY"));
    format!("{} {}\n{key}\n{:#}", request.method, request.target, request.json())
}

const ARGS: [&str; 5] = ["-s", "Be brief.", "--max-tokens", "64", "-u"];

#[test]
fn chat_completions() {
    let lab = Lab::speaking("openai-chat", |_, _| Script::sse(openai_chunks(&["Good day"])));
    assert_snapshot!(lab.told(&ARGS), @r#"
        Good day
        ------- stderr -------
        lab/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Good day", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    assert_snapshot!(sent(&lab), @r#"
        POST /v1/chat/completions
        authorization: Bearer KEY
        {
          "model": "one",
          "messages": [
            {
              "role": "system",
              "content": "Be brief."
            },
            {
              "role": "user",
              "content": "hello"
            }
          ],
          "max_tokens": 64,
          "stream": true,
          "stream_options": {
            "include_usage": true
          }
        }
    "#);
}

#[test]
fn responses() {
    let lab = Lab::speaking("openai-responses", |_, _| Script::sse(responses_chunks(&["Good day"])));
    assert_snapshot!(lab.told(&ARGS), @r#"
        Good day
        ------- stderr -------
        lab/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Good day", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    assert_snapshot!(sent(&lab), @r#"
        POST /v1/responses
        authorization: Bearer KEY
        {
          "model": "one",
          "instructions": "Be brief.",
          "input": [
            {
              "role": "user",
              "content": "hello"
            }
          ],
          "store": false,
          "max_output_tokens": 64,
          "stream": true
        }
    "#);
}

#[test]
fn messages() {
    let lab = Lab::speaking("anthropic", |_, _| Script::sse(anthropic_chunks(&["Good day"])));
    assert_snapshot!(lab.told(&ARGS), @r#"
        Good day
        ------- stderr -------
        lab/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Good day", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    assert_snapshot!(sent(&lab), @r#"
        POST /v1/messages
        x-api-key: KEY
        {
          "model": "one",
          "max_tokens": 64,
          "system": "Be brief.",
          "messages": [
            {
              "role": "user",
              "content": [
                {
                  "type": "text",
                  "text": "hello"
                }
              ]
            }
          ],
          "stream": true
        }
    "#);
}

#[test]
fn generate_content() {
    let lab = Lab::speaking("gemini", |_, _| Script::sse(gemini_chunks(&["Good day"])));
    assert_snapshot!(lab.told(&ARGS), @r#"
        Good day
        ------- stderr -------
        lab/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Good day", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    assert_snapshot!(sent(&lab), @r#"
        POST /v1/models/one:streamGenerateContent?alt=sse
        x-goog-api-key: KEY
        {
          "systemInstruction": {
            "parts": [
              {
                "text": "Be brief."
              }
            ]
          },
          "contents": [
            {
              "role": "user",
              "parts": [
                {
                  "text": "hello"
                }
              ]
            }
          ],
          "generationConfig": {
            "maxOutputTokens": 64
          }
        }
    "#);
}

/// Some servers and proxies leave the connection open behind the answer.
#[test]
fn an_answer_is_over_where_its_protocol_says_so() {
    let streams = [
        ("openai-chat", openai_chunks(&["Good day"])),
        ("openai-responses", responses_chunks(&["Good day"])),
        ("anthropic", anthropic_chunks(&["Good day"])),
    ];
    for (protocol, frames) in streams {
        let lab = Lab::speaking(protocol, move |_, _| Script::sse(frames.clone()).hang());
        let output = lab.ask(&["hello"]).run().success();
        assert_eq!(output.stdout, "Good day\n", "{protocol}");
        let row = &lab.ledger()[0];
        assert_eq!(
            (&row["status"], &row["usage"]["source"]),
            (&json!("ok"), &json!("reported")),
            "{protocol}"
        );
    }
}

#[test]
fn a_gateway_says_what_it_bills() {
    let usage = json!({"id": "gen-1", "provider": "Upstream", "model": "meta-llama/llama-3.3-70b-instruct", "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "cost": 0.000_123_45}});
    let frames = [
        openai_delta(&json!({"content": "Hi"})),
        openai_finish("stop"),
        event(&usage),
        OPENAI_DONE.to_owned(),
    ];
    let (env, server) = (Env::new(), Server::always(Script::sse(frames)));
    env.configure(&format!("[providers.openrouter]\nbase_url = \"{}/api/v1\"\n", server.url()));
    let args = ["ask", "--json", "-m", "openrouter/meta-llama/llama-3.3-70b-instruct", "hello"];
    let object = env.pollm(args).env("OPENROUTER_API_KEY", KEY).run().success().json();
    assert_eq!(object["cost"], json!({"usd": "0.00012345", "source": "billed", "approximate": false}));
    assert_eq!(object["served_by"], "Upstream");
    let request = &server.requests()[0];
    assert_eq!(request.target, "/api/v1/chat/completions");
    assert_eq!(request.header("x-openrouter-title"), Some("pollm"));
    // A header without a value says nothing of anyone.
    assert!(request.headers.iter().all(|(_, value)| !value.is_empty()), "{:?}", request.headers);
}

/// Its stream begins with a count of one generated token, which is no count of
/// an answer that was cut.
#[test]
fn a_cut_answer_is_not_counted_by_its_beginning() {
    let lab = Lab::speaking("anthropic", |_, _| {
        let mut events = anthropic_chunks(&["Once upon a time ", "there was a king who had three sons."]);
        events.truncate(events.len() - 3);
        Script::sse(events)
    });
    let answer = lab.ask(&["--json", "hello"]).run().exited(1).json();
    assert_eq!((&answer["status"], &answer["finish"]), (&json!("partial"), &json!("cut")));
    assert_eq!(answer["usage"]["source"], "estimated");
    assert!(answer["usage"]["output"].as_u64().unwrap() > 10, "{answer}");
    assert_eq!(answer["cost"]["source"], "estimated");
}
