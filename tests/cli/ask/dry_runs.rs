//! `--dry-run`: what would be sent, to the letter, but for the key.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::lab::KEY;
use crate::support::process::Run;
use crate::support::{Env, Lab, Script};

/// Providers at an address where nothing listens, with keys from everywhere.
const PROVIDERS: &str = r#"
[providers.by-command]
protocol = "openai-chat"
base_url = "http://127.0.0.1:1/v1"
key_command = ["false"]
[providers.open]
protocol = "openai-chat"
base_url = "http://127.0.0.1:1/v1"
[providers.silent]
protocol = "anthropic"
base_url = "http://127.0.0.1:1/v1"
key_env = "SILENT_KEY"
auth = "none"
[providers.ollama]
base_url = "http://127.0.0.1:1/v1"
"#;

fn env() -> Env {
    let env = Env::new();
    env.configure(PROVIDERS);
    env
}

fn dry(env: &Env, args: &[&str]) -> Run {
    env.pollm(["ask", "--dry-run", "--no-stdin"].iter().chain(args))
}

/// The header with the key, whatever it is called.
fn key_header(run: Run) -> Option<String> {
    let output = run.run().success();
    assert!(!output.to_string().contains(KEY), "{output}");
    let headers = output.json()["headers"].as_object().unwrap().clone();
    let value = headers.get("authorization").or(headers.get("x-goog-api-key")).or(headers.get("x-api-key"))?;
    Some(value.as_str().unwrap().to_owned())
}

#[test]
fn the_key_s_place_is_named_and_a_command_is_not_run() {
    let env = env();
    let header = |model: &str| dry(&env, &["-m", model, "--json", "hello"]);
    let bearer = |place: &str| Some(format!("Bearer {place}"));
    assert_eq!(key_header(header("by-command/one")), bearer("$(key_command)"));
    // Whether there is one or not, it is named; where there are synonyms, the one that is set.
    assert_eq!(key_header(header("openai/gpt-6-sol")), bearer("$OPENAI_API_KEY"));
    assert_eq!(
        key_header(header("google/any").env("GOOGLE_API_KEY", KEY)),
        Some("$GOOGLE_API_KEY".to_owned())
    );
    assert_eq!(key_header(header("google/any")), Some("$GEMINI_API_KEY".to_owned()));
    // What needs none is sent none, unless there is one.
    assert_eq!(key_header(header("ollama/qwen3")), None);
    assert_eq!(key_header(header("ollama/qwen3").env("OLLAMA_API_KEY", KEY)), bearer("$OLLAMA_API_KEY"));
    assert_eq!(key_header(header("silent/one").env("SILENT_KEY", KEY)), None);
    assert_eq!(key_header(header("open/one")), None);
    let _ = env.pollm(["keys", "set", "open"]).stdin(KEY).run().success();
    assert_eq!(key_header(header("open/one")), bearer("[key]"));
    // A token of Vertex's expires, so that no variable holds it.
    let vertex = header("google-vertex/gemini-4-argon");
    let vertex = vertex.env("GOOGLE_VERTEX_PROJECT", "p").env("GOOGLE_VERTEX_LOCATION", "us");
    assert_eq!(key_header(vertex), bearer("[key]"));
}

/// A person wants to see that a file is there, a program wants all of it.
#[test]
fn what_is_long_is_shortened_on_a_terminal_only() {
    let lab = Lab::always(Script::new(500));
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".as_slice(), &[0; 30_000]]
        .concat();
    lab.env.write("image", png);
    let args = ["--dry-run", "--no-stdin", "-a", "image", "what is it?"];
    let piped = lab.ask(&args).run().success();
    assert!(piped.stdout.len() > 40_000 && !piped.stdout.contains('…'));
    let shown = lab.ask(&args).arg("--color=never").terminal(200, 50).run().success();
    assert!(shown.stdout.contains("\"url\": \"data:image/png;base64,iVBORw0KGgo"), "{shown}");
    assert!(shown.stdout.contains("… (40062 bytes)\"\r\n"), "{shown}");
    assert!(shown.stdout.contains("\"text\": \"what is it?\""), "{shown}");
    assert_eq!(lab.server.requests().len(), 0);
}

#[test]
fn what_a_model_does_not_take_is_named() {
    let env = env();
    let args = ["-m", "anthropic/claude-opus-5-5", "--seed", "7", "hello"];
    assert_snapshot!(dry(&env, &args).run(), @r#"
    POST https://api.anthropic.com/v1/messages
    content-type: application/json
    anthropic-version: 2023-06-01
    x-api-key: $ANTHROPIC_API_KEY

    {
      "model": "claude-opus-5-5",
      "max_tokens": 128000,
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
    ------- stderr -------
    `seed` is left out: the Messages API has no seed
    anthropic/claude-opus-5-5: ~2 tokens in the prompt, estimated cost ~$0.000008 to ~$2.560008 (with 128000 tokens out); nothing was sent
    [exit status: 0]
    "#);
    let quiet = dry(&env, &args).arg("-q").run().success();
    assert_eq!(quiet.stderr, "");
}

/// Nothing is sent to the embedded model, but it is asked all the same.
#[test]
fn the_embedded_model_is_asked_with_these_parameters() {
    let env = env();
    let args =
        ["-m", "local/smollm2-135m", "-s", "Be brief.", "--temperature", "0", "--effort", "high", "hello"];
    assert_snapshot!(dry(&env, &args).run(), @r#"
    {
      "model": "local/smollm2-135m",
      "runs": "in this process",
      "system": "Be brief.",
      "messages": [
        {
          "role": "user",
          "text": "hello",
          "attachments": []
        }
      ],
      "params": {
        "temperature": 0.0,
        "top_p": null,
        "max_tokens": null,
        "seed": null,
        "stop": [],
        "effort": "high",
        "extra": {}
      },
      "schema": null
    }
    ------- stderr -------
    `effort` is left out: the embedded model does not reason
    local/smollm2-135m: ~6 tokens in the prompt, no cost: it runs on this machine; nothing was sent
    [exit status: 0]
    "#);
    let object: Value = dry(&env, &args).arg("--json").run().success().json();
    assert_eq!((&object["params"]["temperature"], &object["cap"]), (&json!(0.0), &Value::Null));
}

#[test]
fn an_unknown_cost_under_a_cap() {
    let env = env();
    let notes = |args: &[&str]| {
        dry(&env, &[&["-m", "open/one", "--max-cost", "1"], args, &["hello"]].concat()).run().stderr
    };
    assert_eq!(
        notes(&[]),
        "open/one: ~2 tokens in the prompt, cost unknown; nothing was sent\n\
         open/one: it would not be sent: a cap is set, and what the call may cost is unknown\n"
    );
    assert_eq!(
        notes(&["--allow-unpriced"]),
        "open/one: ~2 tokens in the prompt, cost unknown; nothing was sent\n\
         open/one: its cost is unknown, which `--allow-unpriced` accepts\n"
    );
}

/// What can't be asked is found out before anything is sent.
#[test]
fn who_can_t_be_asked() {
    let env = env();
    let refused = |model: &str| {
        let run = dry(&env, &["-m", model, "hello"]);
        run.env("GOOGLE_VERTEX_PROJECT", "p").env("GOOGLE_VERTEX_LOCATION", "us").run()
    };
    assert_snapshot!(refused("google-vertex/claude-opus-5-5"), @"
    ------- stderr -------
    error: pollm can't ask Claude on Vertex: its own request format is not supported

    hint: ask it through `anthropic/…` or `amazon-bedrock/…`
    [exit status: 5]
    ");
    assert_snapshot!(refused("github-copilot/gpt-6-sol"), @"
    ------- stderr -------
    error: pollm can't ask github-copilot: GitHub Copilot gives out short-lived tokens to its own editors only

    hint: ask the same model through its lab's own API or OpenRouter
    [exit status: 5]
    ");
    assert_snapshot!(refused("local/llama"), @"
    ------- stderr -------
    error: there is no embedded model `llama`

    hint: the one there is: `local/smollm2-135m`
    [exit status: 2]
    ");
}

/// `pollm ask --dry-run … | head -c 20`
#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let lab = Lab::always(Script::new(500));
    lab.env.write("long.txt", "word ".repeat(200_000));
    let args = ["--dry-run", "--no-stdin", "-f", "long.txt", "hello"];
    let output = lab.ask(&args).stdout_limit(20).run().success();
    assert_eq!((output.stdout.len(), output.stderr.as_str()), (20, ""));
}

#[cfg(target_os = "linux")]
#[test]
fn what_could_not_be_written_was_not_shown() {
    let lab = Lab::always(Script::new(500));
    let output = lab.ask(&["--dry-run", "hello"]).stdout_full().run().exited(1);
    let said = "error: the request could not be written\n  because: No space left on device";
    assert!(output.stderr.starts_with(said), "{output}");
}
