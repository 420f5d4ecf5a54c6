//! Lists of models as servers give them, and checks of keys by them.

use serde_json::json;

use crate::support::lab::KEY;
use crate::support::process::Run;
use crate::support::{Env, Lab, Script, Server};

/// `OpenRouter` lists its models to everyone: its key is tried elsewhere.
#[test]
fn a_key_is_checked_where_it_counts() {
    let (env, server) = (
        Env::new(),
        Server::start(|request, _| match request.header("authorization") {
            Some(header) if header.ends_with(KEY) => Script::json(200, &json!({"data": {"label": "mine"}})),
            _ => Script::json(401, &json!({"error": {"message": "No auth credentials found", "code": 401}})),
        }),
    );
    env.configure(&format!("[providers.openrouter]\nbase_url = \"{}/api/v1\"\n", server.url()));
    let check = |key: &str| env.pollm(["models", "check", "openrouter"]).env("OPENROUTER_API_KEY", key).run();
    let good = check(KEY).success().stdout;
    assert!(good.starts_with("openrouter  ok  ") && good.ends_with("  the key is taken\n"), "{good}");
    let bad = check("sk-or-another-one").exited(5);
    assert!(bad.stdout.contains("the API key was rejected (HTTP 401): No auth credentials found"), "{bad}");
    assert!(server.requests().iter().all(|request| request.target == "/api/v1/key"));
}

/// Asks a server of this machine that answers so for its list.
fn listing(script: Script) -> impl Fn(&str) -> Run {
    let (env, server) = (Env::new(), Server::always(script));
    move |line| env.pollm(line.split(' ')).env("VLLM_BASE_URL", server.url())
}

#[test]
fn a_server_that_keeps_silent_is_not_waited_for() {
    let run = listing(Script::new(200).hang());
    let checked = run("models check vllm").run().exited(1);
    assert!(checked.stdout.ends_with("  timed out: no answer within 0.5 s\n"), "{checked}");
    let listed = run("models list --live --provider vllm").run().exited(1);
    let said =
        "warning: vllm: timed out\nerror: no list came from vllm\n\nhint: `pollm models check` says more";
    assert!(listed.stderr.starts_with(said), "{listed}");
}

#[test]
fn a_list_without_end_is_given_up() {
    let run = listing(Script::new(200).until_close().forever(vec![b' '; 1 << 20]));
    let checked = run("models check vllm").run().exited(1);
    assert!(
        checked.stdout.ends_with("the answer can't be understood: the answer is larger than 16 MiB\n"),
        "{checked}"
    );
}

/// What can't be kept costs the next run a request, no more.
#[test]
fn a_list_that_can_not_be_kept_is_shown_all_the_same() {
    let lab = Lab::always(Script::json(
        200,
        &json!({"object": "list", "data": [{"id": "new-one", "object": "model"}]}),
    ));
    let cache = lab.env.root().join("cache");
    std::fs::remove_dir(&cache).unwrap();
    std::fs::write(&cache, "a file where the folder would be").unwrap();
    let output = lab.pollm(["models", "list", "-v", "--live", "--provider", "lab"]).run().success();
    assert!(output.stdout.contains("lab/new-one"), "{output}");
    assert!(output.stderr.contains("the list of lab could not be kept: "), "{output}");
}
