//! Who is asked where no model is named.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::lab::KEY;
use crate::support::process::Run;
use crate::support::{ClosedPort, Env, Script, Server};

const PDF: &str = "%PDF-1.4\n%%EOF\n";

/// The shortest WAV there is: no sound at all.
const WAV: &[u8] =
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0";

/// `pollm ask --dry-run` with these providers' keys, where no server of the machine is found.
fn dry(env: &Env, keys: &[&str], args: &[&str]) -> Run {
    let closed = ClosedPort::new().url();
    let run = env.pollm(["ask", "--dry-run", "--no-stdin"].iter().chain(args));
    let run = ["OLLAMA_HOST", "LLAMACPP_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"]
        .into_iter()
        .fold(run, |run, name| run.env(name, &closed));
    keys.iter().fold(run, |run, key| run.env(key, KEY))
}

fn model(env: &Env, keys: &[&str], args: &[&str]) -> String {
    let output = dry(env, keys, &[args, &["--json", "hello"]].concat()).run().success();
    output.json()["model"].as_str().unwrap().to_owned()
}

fn provider(env: &Env, keys: &[&str], args: &[&str]) -> String {
    model(env, keys, args).split_once('/').unwrap().0.to_owned()
}

/// The prices of the catalog decide: of a page in and half a page out.
#[test]
fn the_cheapest_model_that_there_is_a_key_for() {
    let env = Env::new();
    let keys = ["MISTRAL_API_KEY", "XAI_API_KEY", "OPENROUTER_API_KEY"];
    let usd = |model: &str| -> f64 {
        let args = ["cost", "price", model, "--input", "1000", "--output", "500", "--json"];
        env.pollm(args).run().success().json()["cost"]["usd"].as_str().unwrap().parse().unwrap()
    };
    let [mistral, xai] = [&keys[..1], &keys[1..2]].map(|keys| model(&env, keys, &[]));
    assert!(mistral.starts_with("mistral/") && xai.starts_with("xai/"), "{mistral} {xai}");
    assert!(usd(&mistral) < usd(&xai), "{mistral} {xai}");
    assert_eq!(model(&env, &keys[..2], &[]), mistral);
    // What a gateway asks for depends on its route: it comes after all others.
    assert_eq!(model(&env, &keys[1..], &[]), xai);
    assert_eq!(provider(&env, &keys[2..], &[]), "openrouter");
}

#[test]
fn it_takes_what_is_attached() {
    let env = Env::new();
    env.write("paper", PDF);
    env.write("sound", WAV);
    let takes = |model: &str, what: &str| {
        let shown = env.pollm(["models", "show", model, "--json"]).run().success().json();
        shown["input"].as_array().unwrap().contains(&json!(what))
    };
    let by_key = |args: &[&str]| model(&env, &["MISTRAL_API_KEY"], args);
    let (cheapest, hearing) = (by_key(&[]), by_key(&["-a", "sound"]));
    assert!(!takes(&cheapest, "audio") && takes(&hearing, "audio"), "{cheapest} {hearing}");
    // It is not left out, nor is anything fetched that could not take it.
    for (keys, file, what) in [(["DEEPSEEK_API_KEY"].as_slice(), "sound", "audio"), (&[], "paper", "PDF")] {
        let refused = dry(&env, keys, &["-a", file, "hello"]).run().exited(2);
        assert_eq!(refused.stdout, "");
        let said = format!(
            "error: local/smollm2-135m does not take {what} attachments\n  because: it is the embedded model: \
             there is no key for a model that does\n\nhint: choose another one with `-m`; \
             `pollm models show MODEL` says what it takes\n"
        );
        assert_eq!(refused.stderr, said);
    }
}

#[test]
fn a_server_of_this_machine_and_at_last_the_embedded_model() {
    let env = Env::new();
    let listed = json!({"object": "list", "data": [{"id": "qwen3:8b", "object": "model"}]});
    let ollama = Server::always(Script::json(200, &listed));
    let run = |args: &[&str]| dry(&env, &[], args).env("OLLAMA_HOST", ollama.url()).run();
    assert_eq!(run(&["--json", "hello"]).success().json()["model"], "ollama/qwen3:8b");
    assert_eq!(run(&["--route", "best", "--json", "hello"]).success().json()["model"], "ollama/qwen3:8b");
    assert!(run(&["--why", "hello"]).stderr.starts_with(
        "no route was used: ollama/qwen3:8b is a model of a server that runs on this machine\n"
    ));
    for args in [&["--json", "hello"][..], &["--route", "best", "--json", "hello"]] {
        let embedded: Value = dry(&env, &[], args).run().success().json();
        assert_eq!(
            (&embedded["model"], &embedded["estimate"]["usd_max"]),
            (&json!("local/smollm2-135m"), &json!("0"))
        );
    }
}

/// A key alone does not make a model one that can be asked.
#[test]
fn a_provider_without_an_address_is_not_in_the_way() {
    let env = Env::new();
    let keys = ["AZURE_OPENAI_API_KEY", "OPENAI_API_KEY"];
    for args in [&[][..], &["--route", "cheapest"]] {
        let first = |keys: &[&str]| {
            let output = dry(&env, keys, &[args, &["--json", "hello"]].concat()).run().success();
            output.jsonl().remove(0)
        };
        let chosen = first(&keys);
        assert!(chosen["model"].as_str().unwrap().starts_with("openai/"), "{chosen}");
        assert!(args.is_empty() || chosen["route"]["chosen"] == chosen["model"], "{chosen:#}");
        let alone = dry(&env, &keys[..1], &[args, &["hello"]].concat()).run();
        let said = "error: the address of provider azure needs AZURE_RESOURCE_NAME, which is not set\n";
        assert!(alone.code == Some(5) && alone.stderr.starts_with(said), "{alone}");
        let listed = json!({"object": "list", "data": [{"id": "qwen3:8b", "object": "model"}]});
        let ollama = Server::always(Script::json(200, &listed));
        let run = dry(&env, &keys[..1], &[args, &["--json", "hello"]].concat());
        let served = run.env("OLLAMA_HOST", ollama.url()).run().success().json();
        assert_eq!(served["model"], "ollama/qwen3:8b");
    }
}

#[test]
fn nobody_takes_what_is_attached() {
    let env = Env::new();
    env.write("sound", WAV);
    let args = ["--route", "cheapest", "-a", "sound", "hello"];
    assert_snapshot!(dry(&env, &["DEEPSEEK_API_KEY"], &args).run(), @"
    ------- stderr -------
    error: no model can serve this request
      because: deepseek/deepseek-flash: it does not take audio attachments
      because: deepseek/deepseek-v4-pro: it does not take audio attachments

    hint: name other models with `-m`; `pollm models` lists what can be asked
    [exit status: 2]
    ");
}

#[test]
fn why_says_how_it_was_found() {
    let env = Env::new();
    let why = |keys: &[&str], args: &[&str]| {
        let output = dry(&env, keys, &[args, &["--why", "hello"]].concat()).run().success();
        output.stderr.lines().next().unwrap().to_owned()
    };
    let said = why(&["DEEPSEEK_API_KEY"], &[]);
    assert!(said.ends_with(" is the cheapest capable model that you have a key for"), "{said}");
    assert_eq!(why(&[], &[]), "no route was used: local/smollm2-135m is the embedded model");
    let named = why(&["DEEPSEEK_API_KEY"], &["-m", "local/smollm2-135m"]);
    assert_eq!(named, "no route was used: local/smollm2-135m is the model that was named");
    let verbose = dry(&env, &[], &["-v", "hello"]).run().success();
    assert!(verbose.stderr.starts_with("pollm: no model named: local/smollm2-135m is the embedded model\n"));
}

/// A route without models of its own means whatever there is, under any policy.
#[test]
fn a_route_of_everything_is_ranked_like_everything() {
    let env = Env::new();
    env.configure(
        "[routes.any]\npolicy = \"best\"\nexplore = 0\n[routes.odd]\npolicy = \"best\"\nproviders = [\"opnai\"]\n",
    );
    let asked = |args: &[&str]| {
        let output = dry(&env, &["OPENAI_API_KEY"], &[args, &["--json", "hello"]].concat()).run().success();
        let first = output.jsonl().remove(0);
        (output.stdout.lines().count(), first["model"].clone(), first["route"]["reason"].clone())
    };
    let cheapest = asked(&["--route", "cheapest"]);
    assert_eq!(cheapest.0, 5);
    assert_eq!(asked(&["--route", "cheapest", "-m", "any"]), cheapest);
    assert_eq!(asked(&["-m", "any"]), asked(&["--route", "best"]));
    let fastest = asked(&["--route", "fastest", "-m", "any"]);
    assert_eq!(fastest.2, "nothing is measured yet: in the order of the expected cost");
    // Beside one that is named it stands for its models.
    let (count, first, _) = asked(&["--route", "cheapest", "-m", "any,local/smollm2-135m"]);
    assert!(count > 5 && first == "local/smollm2-135m", "{count} {first}");
    assert_snapshot!(dry(&env, &[], &["-m", "any@temperature=0", "hello"]).run(), @"
    ------- stderr -------
    error: route `any` names no models that could have options

    hint: options for whichever is chosen stand apart: `--temperature 0`, `-o KEY=VALUE`
    [exit status: 2]
    ");
    assert_snapshot!(dry(&env, &[], &["-m", "odd", "hello"]).run(), @"
    ------- stderr -------
    error: route `odd`: unknown provider `opnai`

    hint: did you mean `openai`?
    [exit status: 5]
    ");
    assert_snapshot!(env.pollm(["config", "check"]).run(), @"
    ------- stderr -------
    error: invalid `routes.odd.providers[0]` in $ENV/config/pollm/config.toml, line 6
      because: unknown provider `opnai`

    hint: did you mean `openai`?
    [exit status: 5]
    ");
}
