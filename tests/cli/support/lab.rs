//! A provider that a scripted server plays, and what `ask` makes of it.

use std::fmt::Write as _;

use serde_json::Value;

use super::process::Run;
use super::server::Received;
use super::{CommandOutput, Env, Script, Server};

/// The key of the provider. No output may ever hold it.
pub(crate) const KEY: &str = "sk-lab-5up3rs3cr3tk3y0123456789";

/// An environment whose configuration names the provider `lab` with the model
/// `one` (a dollar for a million tokens in, two for a million out) and whose
/// key is set.
pub(crate) struct Lab {
    pub(crate) env: Env,
    pub(crate) server: Server,
}

impl Lab {
    /// A Chat Completions provider that answers each request as `handler` says.
    pub(crate) fn start(handler: impl Fn(&Received, usize) -> Script + Send + Sync + 'static) -> Self {
        Self::speaking("openai-chat", handler)
    }

    /// A provider of any protocol that answers each request as `handler` says.
    pub(crate) fn speaking(
        protocol: &str,
        handler: impl Fn(&Received, usize) -> Script + Send + Sync + 'static,
    ) -> Self {
        let (env, server) = (Env::new(), Server::start(handler));
        env.configure(&row("lab", protocol, &format!("{}/v1", server.url())));
        Self { env, server }
    }

    /// Further lines of the configuration, in front of the provider's.
    pub(crate) fn configure(&self, toml: &str) {
        let base = format!("{}/v1", self.server.url());
        self.env.configure(&format!("{toml}\n{}", row("lab", "openai-chat", &base)));
    }

    /// The body of the last request.
    #[track_caller]
    pub(crate) fn body(&self) -> Value {
        self.server.requests().last().expect("a request came").json()
    }

    /// A provider that gives these answers in turn, and the last one again.
    pub(crate) fn in_turn(answers: impl IntoIterator<Item = Script>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        Self::start(move |_, n| answers[n.min(answers.len() - 1)].clone())
    }

    /// A provider that always gives the same answer.
    pub(crate) fn always(answer: Script) -> Self {
        Self::in_turn([answer])
    }

    /// `pollm ask -m lab/one`, with further arguments.
    pub(crate) fn ask(&self, args: &[&str]) -> Run {
        self.pollm(["ask", "-m", "lab/one"].iter().chain(args).copied())
    }

    /// The executable with the key in its environment.
    pub(crate) fn pollm<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        self.env.pollm(args).env("LAB_KEY", KEY)
    }

    /// Every call in the ledger, oldest first.
    pub(crate) fn ledger(&self) -> Vec<Value> {
        ledger(&self.env)
    }

    /// Asks and tells everything that came of it, for a snapshot: the output,
    /// how many requests the server saw, and the rows of the ledger.
    #[track_caller]
    pub(crate) fn told(&self, args: &[&str]) -> String {
        let output = self.ask(args).arg("hello").run();
        self.tell(&output)
    }

    /// As [`Lab::told`], of an output that is there already.
    #[track_caller]
    pub(crate) fn tell(&self, output: &CommandOutput) -> String {
        let rows = self.ledger();
        let everything = format!("{}{}{rows:?}", output.stdout, output.stderr);
        assert!(!everything.contains(KEY), "the key is shown\n{everything}");
        let mut told = format!("{output}\nrequests: {}\n", self.server.requests().len());
        rows.iter().for_each(|row| told.push_str(&summary(row)));
        told
    }
}

/// A provider of the configuration whose key is in `LAB_KEY`.
pub(crate) fn row(name: &str, protocol: &str, base_url: &str) -> String {
    format!(
        "[providers.{name}]\nprotocol = \"{protocol}\"\nbase_url = \"{base_url}\"\nkey_env = \"LAB_KEY\"\n\
         [providers.{name}.models.one]\ncontext = 32768\nmax_output = 4096\ninput = \"1\"\noutput = \"2\"\n"
    )
}

/// Every call in an environment's ledger, oldest first; none where there is no ledger.
pub(crate) fn ledger(env: &Env) -> Vec<Value> {
    env.pollm(["history", "export"]).run().success().jsonl()
}

/// One line on what the ledger says of a call; times differ between runs and
/// are left out.
fn summary(row: &Value) -> String {
    let mut line = format!("ledger: {} {}", row["model"].as_str().unwrap_or("?"), row["status"]);
    let text = row["text"].as_str().unwrap_or_default();
    if text.len() <= 60 {
        let _ = write!(line, " {text:?}");
    } else {
        let _ = write!(line, " {} bytes", text.len());
    }
    let _ = write!(line, ", finish {}", row["finish"]);
    if !row["error"].is_null() {
        let _ = write!(line, ", {} {}", row["error"]["kind"], row["error"]["status"]);
    }
    let statuses: Vec<_> = row["requests"].as_array().unwrap().iter().map(|sent| &sent["status"]).collect();
    let _ = write!(line, ", HTTP {}", serde_json::to_string(&statuses).unwrap());
    let usage = &row["usage"];
    if !usage.is_null() {
        let _ = write!(line, ", {}+{} tokens {}", usage["input"], usage["output"], usage["source"]);
    }
    let _ = write!(line, ", cost {} {}", row["cost"]["usd"], row["cost"]["source"]);
    if row["possibly_billed"] == true {
        line.push_str(", possibly billed");
    }
    if row["malformed_events"] != 0 {
        let _ = write!(line, ", {} malformed", row["malformed_events"]);
    }
    line + "\n"
}
