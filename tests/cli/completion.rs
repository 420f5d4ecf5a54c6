//! What the shell completes.

use crate::support::{CommandOutput, Env};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

/// Completes the last word, as the script of a shell asks for it.
fn complete(env: &Env, shell: &str, words: &[&str]) -> CommandOutput {
    let args = ["--", "pollm"].into_iter().chain(words.iter().copied());
    let run = env.pollm(args).env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    run.env("_CLAP_IFS", "\n").run().success()
}

fn candidates(env: &Env, words: &[&str]) -> Vec<String> {
    complete(env, "bash", words).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn every_shell_gets_candidates_and_a_script() {
    let env = Env::new();
    for shell in SHELLS {
        let output = complete(&env, shell, &["ask", "-m", "openai/gpt-6.1-s"]);
        assert!(output.stdout.contains("openai/gpt-6.1-sol"), "{shell}: {output}");
        let script = env.pollm([""; 0]).env("COMPLETE", shell).run().success().stdout;
        assert!(script.contains("COMPLETE") && script.contains("pollm"), "{shell}: {script}");
    }
    let output = env.pollm([""; 0]).env("COMPLETE", "tcsh").run().exited(2);
    assert!(output.stderr.contains("unknown shell `tcsh`"), "{output}");
}

#[test]
fn each_shell_has_a_line_that_loads_its_script() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    for (shell, file) in SHELLS.iter().zip(["pollm.bash", "_pollm", "pollm.fish", "pollm.ps1", "pollm.elv"]) {
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let line = text.lines().find(|line| line.contains("COMPLETE")).unwrap().replace([' ', '"'], "");
        assert!(line.contains(&format!("COMPLETE={shell}")), "{file}: {line}");
    }
    // The one shell that every machine of the tests has.
    let env = Env::new();
    let exe = std::path::Path::new(env!("CARGO_BIN_EXE_pollm")).parent().unwrap().display().to_string();
    let script = format!("PATH='{exe}':$PATH; source {folder}/pollm.bash; complete -p pollm");
    let output = env.command("bash", ["-c", &script]).run().success();
    assert!(output.stdout.contains("-F _clap_complete_pollm"), "{output}");
}

#[test]
fn commands_flags_and_names_are_completed() {
    let env = Env::new();
    env.configure("[aliases]\nfavourite = \"groq/openai/gpt-oss-120b\"\n[providers.house]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n[providers.house.models.seven-b]\n");
    assert_eq!(candidates(&env, &["mod"]), ["models"]);
    assert_eq!(candidates(&env, &["models", "list", "--op"]), ["--open-weights"]);
    assert_eq!(candidates(&env, &["ask", "-m", "favo"]), ["favourite"]);
    assert_eq!(candidates(&env, &["ask", "-m", "house/"]), ["house/seven-b"]);
    assert_eq!(candidates(&env, &["ask", "-m", "gpt,favo"]), ["gpt,favourite"]);
    assert_eq!(candidates(&env, &["models", "show", "groq/openai/gpt-oss-1"]), ["groq/openai/gpt-oss-120b"]);
    assert_eq!(candidates(&env, &["keys", "set", "hou"]), ["house"]);
    assert_eq!(candidates(&env, &["models", "check", "anthr"]), ["anthropic"]);
    assert_eq!(candidates(&env, &["models", "--provider", "groq,anthr"]), ["groq,anthropic"]);
    assert_eq!(candidates(&env, &["models", "--sort", "pr"]), ["price"]);
    assert_eq!(candidates(&env, &["models", "pull", "loc"]), ["local/smollm2-135m"]);
}

#[test]
fn routes_sets_and_formats_are_completed() {
    let env = Env::new();
    env.configure(
        "[sets]\ndaily = [\"openai/gpt-6.1-sol\", \"anthropic/claude-opus-5-5\"]\n\
         [routes.quickest]\npolicy = \"fastest\"\nmodels = [\"openai/gpt-6.1-sol\"]\n",
    );
    assert_eq!(candidates(&env, &["compare", "--set", ""]), ["daily"]);
    assert_eq!(candidates(&env, &["ask", "-m", "quick"]), ["quickest"]);
    assert_eq!(candidates(&env, &["compare", "-m", "gpt,quick"]), ["gpt,quickest"]);
    assert_eq!(candidates(&env, &["ask", "--route", "che"]), ["cheapest"]);
    assert_eq!(candidates(&env, &["compare", "--format", "h"]), ["html"]);
    assert_eq!(candidates(&env, &["compare", "--view", ""]), ["table", "cards", "diff"]);
    assert_eq!(candidates(&env, &["compare", "--sort", "c"]), ["cost"]);
    assert_eq!(candidates(&env, &["cost", "report", "--by", "d"]), ["day"]);
    assert_eq!(candidates(&env, &["cost", "what-if", "groq/openai/gpt-oss-1"]), ["groq/openai/gpt-oss-120b"]);
    assert_eq!(
        candidates(&env, &["cost", "budget", "set", "day", "1", "--provider", "anthr"]),
        ["anthropic"]
    );
    let described = complete(&env, "fish", &["compare", "--set", "da"]);
    assert!(described.stdout.contains("openai/gpt-6.1-sol, anthropic/claude-opus-5-5"), "{described}");
}

#[test]
fn before_a_letter_is_typed_only_models_that_can_be_asked_are_offered() {
    let env = Env::new();
    let offered = candidates(&env, &["ask", "-m", ""]);
    assert!(offered.contains(&"local/smollm2-135m".to_owned()) && offered.contains(&"opus".to_owned()));
    assert!(!offered.iter().any(|name| name.starts_with("groq/")), "{offered:?}");
    let words = ["--", "pollm", "ask", "-m", ""];
    let run = env.pollm(words).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "3");
    let with_key = run.env("GROQ_API_KEY", "x").run().success();
    assert!(with_key.stdout.contains("groq/openai/gpt-oss-120b"), "{with_key}");
}

#[test]
fn a_broken_configuration_costs_only_the_user_s_names() {
    let env = Env::new();
    env.configure("aliases = 3\n");
    assert_eq!(candidates(&env, &["keys", "set", "anthr"]), ["anthropic"]);
}
