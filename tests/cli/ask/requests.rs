//! What the command line says reaches the request.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::lab::KEY;
use crate::support::streams::{openai_body, openai_chunks};
use crate::support::{Lab, Script};

fn lab() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["ok"])))
}

/// The smallest PNG there is: one transparent pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xda\x63\x64\x60\xf8\x5f\x0f\0\x02\x87\x01\x80\xeb\x47\xba\x92\0\0\0\0IEND\xaeB`\x82";

#[test]
fn only_what_was_said_is_sent() {
    let lab = lab();
    let _ = lab.ask(&["hello"]).run().success();
    assert_snapshot!(format!("{:#}", lab.body()), @r#"
        {
          "model": "one",
          "messages": [
            {
              "role": "user",
              "content": "hello"
            }
          ],
          "stream": true,
          "stream_options": {
            "include_usage": true
          }
        }
    "#);
    let request = &lab.server.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[test]
fn parameters_and_options_of_one_lane() {
    let lab = lab();
    let args = [
        "--top-p",
        "0.5",
        "--max-tokens",
        "99",
        "--seed",
        "7",
        "--stop",
        "END",
        "--temperature",
        "1",
        "-o",
        "user=ann",
        "-o",
        "logit_bias={\"1\":2}",
        "-o",
        "a.b=3",
        "hello",
    ];
    let _ = lab
        .pollm(["ask", "-m", "lab/one@effort=high@temperature=0@top_k=5"].into_iter().chain(args))
        .run()
        .success();
    let mut body = lab.body();
    body["messages"].take();
    assert_snapshot!(format!("{body:#}"), @r#"
        {
          "model": "one",
          "messages": null,
          "max_tokens": 99,
          "temperature": 0.0,
          "top_p": 0.5,
          "seed": 7,
          "stop": [
            "END"
          ],
          "reasoning_effort": "high",
          "stream": true,
          "stream_options": {
            "include_usage": true
          },
          "user": "ann",
          "logit_bias": {
            "1": 2
          },
          "a": {
            "b": 3
          },
          "top_k": 5
        }
    "#);
    assert_eq!(lab.ledger()[0]["lane"], "lab/one@effort=high@temperature=0@top_k=5");
}

#[test]
fn files_attachments_and_a_system_prompt() {
    let lab = lab();
    lab.env.write("code.rs", "fn main() {}\n");
    lab.env.write("pixel", PNG);
    lab.env.write("system.txt", "Be brief.\n");
    let _ = lab.ask(&["-f", "code.rs", "-a", "pixel", "-s", "@system.txt", "look"]).run().success();
    assert_snapshot!(format!("{:#}", lab.body()["messages"]), @r#"
        [
          {
            "role": "system",
            "content": "Be brief."
          },
          {
            "role": "user",
            "content": [
              {
                "type": "image_url",
                "image_url": {
                  "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
                }
              },
              {
                "type": "text",
                "text": "`code.rs`:\n```rs\nfn main() {}\n```\n\nlook"
              }
            ]
          }
        ]
    "#);
}

const SCHEMA: &str = r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}"#;

#[test]
fn an_answer_that_meets_its_schema() {
    let lab = Lab::always(Script::sse(openai_chunks(&["{\"n\":", " 4}"])));
    let output = lab.ask(&["--schema", SCHEMA, "how many?"]).run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("{\"n\": 4}\n", ""));
    let sent: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(lab.body()["response_format"]["json_schema"]["schema"], sent);
}

#[test]
fn an_answer_that_does_not_meet_its_schema() {
    for text in ["{\"n\": \"four\"}", "It is four"] {
        let lab = Lab::always(Script::sse(openai_chunks(&[text])));
        lab.env.write("schema.json", SCHEMA);
        let output = lab.ask(&["--schema", "schema.json", "how many?"]).run().exited(7);
        assert_eq!(output.stdout, format!("{text}\n"));
        assert!(output.stderr.starts_with("error: lab/one: "), "{output}");
        assert_eq!((&lab.ledger()[0]["status"], &lab.ledger()[0]["text"]), (&json!("ok"), &json!(text)));
    }
}

#[test]
fn an_answer_in_one_piece() {
    let lab = Lab::always(Script::json(200, &openai_body("All at once")));
    let output = lab.ask(&["--no-stream", "--json", "hello"]).run().success();
    let object = output.json();
    assert_eq!(object["text"], "All at once");
    // The end is no first token.
    assert_eq!((&object["timing"]["ttft_ms"], &object["timing"]["decode_tps"]), (&Value::Null, &Value::Null));
    assert!(lab.body().get("stream").is_none_or(|stream| stream == false), "{}", lab.body());
}

#[test]
fn a_dry_run_sends_nothing_and_shows_no_key() {
    let lab = lab();
    let output = lab.ask(&["--dry-run", "--temperature", "0", "hello"]).run();
    assert_snapshot!(output, @r#"
        POST http://127.0.0.1:PORT/v1/chat/completions
        content-type: application/json
        accept: text/event-stream
        authorization: Bearer $LAB_KEY

        {
          "model": "one",
          "messages": [
            {
              "role": "user",
              "content": "hello"
            }
          ],
          "temperature": 0.0,
          "stream": true,
          "stream_options": {
            "include_usage": true
          }
        }
        ------- stderr -------
        lab/one: ~2 tokens in the prompt, estimated cost ~$0.000002 to ~$0.008194 (with 4096 tokens out); nothing was sent
        [exit status: 0]
    "#);
    assert!(!output.to_string().contains(KEY));
    let events = lab.ask(&["--dry-run", "--jsonl", "hello"]).run().success().jsonl();
    let object = lab.ask(&["--dry-run", "--json", "hello"]).run().success().json();
    assert_eq!((events.len(), &events[0]), (1, &object));
    assert_eq!(object["headers"]["authorization"], "Bearer $LAB_KEY");
    assert_eq!((lab.server.connections(), lab.ledger().len()), (0, 0));
}

#[test]
fn a_call_that_is_not_to_be_kept() {
    let lab = lab();
    let _ = lab.ask(&["--no-log", "hello"]).run().success();
    assert!(lab.ledger().is_empty());
    assert!(!lab.env.root().join("data/pollm/ledger.db").exists());
}

#[test]
fn a_mistyped_option_of_a_lane_is_not_sent() {
    let lab = lab();
    assert_snapshot!(lab.pollm(["ask", "-m", "lab/one@temprature=1", "hello"]).run(), @r"
        ------- stderr -------
        error: `lab/one@temprature=1`: unknown option `@temprature`

        hint: did you mean `@temperature`?
        hint: `-o temprature=1` sends a field of that name to every model
        [exit status: 2]
    ");
    assert_eq!(lab.server.connections(), 0);
    let _ = lab.ask(&["-o", "temprature=1", "hello"]).run().success();
    assert_eq!(lab.body()["temprature"], 1);
}

#[test]
fn commas_within_an_option_s_json_part_no_models() {
    let lab = lab();
    let models = r#"lab/one@provider.order=["x","y"],lab/two"#;
    let output = lab.pollm(["ask", "-m", models, "--dry-run", "--json", "hello"]).run().success();
    let bodies: Vec<Value> = output.jsonl().into_iter().map(|object| object["body"].clone()).collect();
    assert_eq!(bodies.len(), 2, "{output}");
    assert_eq!((&bodies[0]["provider"], &bodies[1]["model"]), (&json!({"order": ["x", "y"]}), &json!("two")));
}

/// What an answer lacks is said in the words of the schema, with the place.
#[test]
fn why_an_answer_does_not_meet_its_schema() {
    let said = |schema: &str, answer: &str| {
        let lab = Lab::always(Script::sse(openai_chunks(&[answer])));
        let output = lab.ask(&["--schema", schema, "hello"]).run().exited(7);
        let causes = output.stderr.lines().filter_map(|line| line.strip_prefix("  because: "));
        causes.collect::<Vec<_>>().join("\n")
    };
    let both = r#"{"oneOf":[{"type":"string"},{"type":"null"},{"minLength":1}]}"#;
    assert_eq!(said(both, "\"yes\""), "more than one of the alternatives fits: `oneOf/0` and `oneOf/2`");
    assert_eq!(said(r#"{"not":{"type":"string"}}"#, "\"yes\""), "it fits what `not` excludes");
    assert_eq!(said("false", "1"), "nothing is allowed here");
    assert_eq!(
        said(r#"{"propertyNames":{"maxLength":2},"properties":{"a":{"const":1}}}"#, "{\"long\":1,\"a\":2}"),
        "at `/a`: expected 1\nthe name `long` does not fit: length must be <=2, but got 4"
    );
}
