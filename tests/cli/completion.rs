//! What the shell completes.

use crate::support::streams::openai_chunks;
use crate::support::{CommandOutput, Env, Lab, Script};

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
fn only_a_stored_key_can_be_removed() {
    let env = Env::new();
    let stored = env.pollm(["keys", "set", "groq"]).stdin("a-key-of-groq").run().success();
    assert_eq!(stored.stdout, "");
    assert_eq!(candidates(&env, &["keys", "remove", "g"]), ["groq"]);
}

#[test]
fn a_broken_configuration_costs_only_the_user_s_names() {
    let env = Env::new();
    env.configure("aliases = 3\n");
    assert_eq!(candidates(&env, &["keys", "set", "anthr"]), ["anthropic"]);
}

#[test]
fn values_that_are_no_names_are_completed_too() {
    let env = Env::new();
    let at = |words: &[&str]| candidates(&env, words);
    assert_eq!(at(&["ask", "--effort", "m"]), ["minimal", "medium", "max"]);
    assert_eq!(at(&["ask", "-m", "opus@eff"]), ["opus@effort="]);
    assert_eq!(at(&["ask", "-m", "gpt,opus@seed=1@effort=x"]), ["gpt,opus@seed=1@effort=xhigh"]);
    assert_eq!(at(&["ask", "--hedge", ""]), ["p90"]);
    assert_eq!(at(&["compare", "--check", "max"]), ["max-cost:", "max-latency:"]);
    assert_eq!(at(&["cost", "report", "--since", "t"]), ["today"]);
    assert_eq!(at(&["man", "cost", "b"]), ["budget"]);
    assert_eq!(at(&["man", "hist"]), ["history"]);
    assert_eq!(at(&["man", "history", "e"]), ["export"]);
}

#[test]
fn files_are_completed_wherever_one_is_taken() {
    let env = Env::new();
    env.write("notes.md", "text");
    let at = |words: &[&str]| candidates(&env, words);
    for option in ["-f", "-a", "--schema", "--output"] {
        assert_eq!(at(&["ask", option, "no"]), ["notes.md"], "{option}");
    }
    assert_eq!(at(&["ask", "-s", "@no"]), ["@notes.md"]);
    assert_eq!(at(&["compare", "--check", "schema:no"]), ["schema:notes.md"]);
    assert_eq!(at(&["models", "refresh", "--from", "no"]), ["notes.md"]);
}

#[test]
fn calls_are_completed_by_their_ids() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good day"])));
    let _ = lab.ask(&["a\ttitle\n\nmore"]).run().success();
    let id = lab.ledger()[0]["id"].as_str().unwrap().to_owned();
    let begun = id[..8].to_lowercase();
    for words in [["history", "show"], ["history", "delete"], ["ask", "--conversation"]] {
        let whole = begun.clone() + &id[8..];
        assert_eq!(candidates(&lab.env, &[words[0], words[1], &begun]), [whole], "{words:?}");
    }
    let described = complete(&lab.env, "fish", &["history", "show", &begun]);
    assert!(described.stdout.contains("lab/one: a title"), "{described}");
}

/// bash splits words at `=` and `:`, and puts candidates in place of what
/// stands behind the last of these only.
#[test]
fn bash_completes_behind_its_own_word_breaks() {
    let env = Env::new();
    env.write("a b.md", "text");
    env.configure("[aliases]\nfavourite = \"groq/openai/gpt-oss-120b\"\n[providers.house]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n[providers.house.models.\"seven:free\"]\n");
    let exe = env!("CARGO_BIN_EXE_pollm");
    let replies = |line: &str, words: &str, current: &str| {
        let script = format!(
            "source <(COMPLETE=bash '{exe}'); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; _clap_complete_pollm pollm '{current}' x
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = env.command("bash", ["-c", &script]).run().success();
        output.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(replies("pollm mod", "pollm mod", "mod"), ["models"]);
    assert_eq!(replies("  pollm  keys set ", "pollm keys set ''", "")[0], "openai");
    assert_eq!(replies("pollm ask --format=", "pollm ask --format =", ""), ["text", "json", "jsonl"]);
    assert_eq!(replies("pollm ask --format=j", "pollm ask --format = j", "j"), ["json", "jsonl"]);
    assert_eq!(replies("pollm ask -m house/seven:f", "pollm ask -m house/seven : f", "f"), ["free"]);
    assert_eq!(replies("pollm ask -m favourite@se", "pollm ask -m favourite @ se", "se"), ["seed="]);
    assert_eq!(replies("pollm ask -f a", "pollm ask -f a", "a"), ["a\\ b.md"]);
    assert_eq!(
        replies("pollm ask -m nothing-like-it", "pollm ask -m nothing-like-it", "nothing-like-it"),
        [""]
    );
}
