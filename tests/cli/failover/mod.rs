//! Failures of candidates: who takes over, what is kept, what is remembered.

mod ambiguous;
mod broken_off;
mod handover;
mod hedging;
mod pauses;

use serde_json::{Value, json};

use crate::support::process::Run;
use crate::support::server::Received;
use crate::support::streams::{event, openai_chunks, openai_delta};
use crate::support::{Lab, Script};

/// Three providers on one server. Each has the models `one`, `two` and `big`,
/// the last with a larger window. Each request is answered as the function says
/// of its model (`a/one`) and of the number of requests to that model before it.
fn lab(answer: impl Fn(&str, usize) -> Script + Send + Sync + 'static) -> Lab {
    let asked = std::sync::Mutex::new(Vec::new());
    let lab = Lab::start(move |request, _| {
        let model = model_of(request);
        let before = {
            let mut asked = asked.lock().unwrap();
            asked.push(model.clone());
            asked.iter().filter(|known| **known == model).count() - 1
        };
        answer(&model, before)
    });
    configure(&lab, "");
    lab
}

/// Writes the configuration again, with further lines in front.
fn configure(lab: &Lab, toml: &str) {
    let mut lines = format!("{toml}\n");
    for name in ["a", "b", "c"] {
        let url = lab.server.url();
        lines += &format!(
            "[providers.{name}]\nprotocol = \"openai-chat\"\nbase_url = \"{url}/{name}\"\nkey_env = \"LAB_KEY\"\n"
        );
        for (model, context) in [("one", 8_000), ("two", 8_000), ("big", 64_000)] {
            lines += &format!(
                "[providers.{name}.models.{model}]\ncontext = {context}\ninput = \"1\"\noutput = \"2\"\n"
            );
        }
    }
    lab.env.configure(&lines);
}

fn model_of(request: &Received) -> String {
    let provider = request.target.split('/').nth(1).unwrap();
    match request.method.as_str() {
        "POST" => format!("{provider}/{}", request.json()["model"].as_str().unwrap()),
        _ => format!("{provider} {}", request.target),
    }
}

/// Who was asked, in this order.
fn asked(lab: &Lab) -> Vec<String> {
    lab.server.requests().iter().map(model_of).collect()
}

/// `pollm ask` of a chain, without retries.
fn ask(lab: &Lab, chain: &str, args: &[&str]) -> Run {
    lab.pollm(["ask", "-m", chain, "--retries", "0"].iter().chain(args).copied()).arg("hello")
}

fn refusal(status: u16) -> Script {
    Script::json(status, &json!({"error": {"message": "No"}}))
}

fn answer(text: &str) -> Script {
    Script::sse(openai_chunks(&[text]))
}

fn text(text: &str) -> String {
    openai_delta(&json!({"content": text}))
}

fn reasoning(text: &str) -> String {
    openai_delta(&json!({"reasoning_content": text}))
}

/// The error event of a stream.
fn fault() -> String {
    event(&json!({"error": {"message": "The engine went away", "code": "server_error"}}))
}

/// `model status` of every call in the ledger, in the order written.
fn calls(lab: &Lab) -> Vec<String> {
    let word = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    lab.ledger().iter().map(|row| format!("{} {}", word(row, "model"), word(row, "status"))).collect()
}
