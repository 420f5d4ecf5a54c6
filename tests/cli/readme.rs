//! The README: every command in it is one that pollm takes, every configuration
//! one that it reads, and what it shows of a comparison looks like that.

use crate::support::{CommandOutput, Env};

const README: &str = include_str!("../../README.md");

/// The fenced blocks in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let found: Vec<&str> =
        README.split(opening.as_str()).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(!found.is_empty(), "no block in {language}");
    found
}

/// What stands behind the prompt of a shell, without its comment.
fn commands() -> Vec<&'static str> {
    let lines = blocks("console").into_iter().flat_map(str::lines);
    let typed = lines.filter_map(|line| line.strip_prefix("$ "));
    typed.map(|line| line.split("  #").next().unwrap().trim_end()).collect()
}

/// An environment in which the README's models, sets and routes exist.
fn env() -> Env {
    let env = Env::new();
    let whole = blocks("toml").into_iter().find(|block| block.contains("[sets]")).unwrap();
    env.configure(whole);
    env.write("questions.csv", "id,prompt\nsky,Why is the sky blue?\n");
    env
}

/// Runs a line in a shell that knows keys, but none that is worth anything.
fn run(env: &Env, line: &str) -> CommandOutput {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_pollm")).parent().unwrap().display();
    let line = format!("PATH='{folder}':$PATH; {line}");
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY"]
        .iter()
        .fold(env.command("bash", ["-c", &line]), |run, key| run.env(key, "none"))
        .run()
}

#[test]
fn every_configuration_is_right() {
    for block in blocks("toml") {
        let env = Env::new();
        env.configure(block);
        assert_eq!(env.pollm(["config", "check"]).run().success().stdout, "ok\n");
    }
}

#[test]
fn every_prompt_can_be_sent() {
    let env = env();
    let mut tried = 0;
    for command in commands() {
        // What another program writes into the pipe is not at issue.
        let command = command.replace("git diff |", "echo a difference |");
        let sends = command.contains("pollm ask ") || command.contains("pollm compare ");
        // The embedded model, the past and lists of prompts have tests of their own.
        if !sends || ["local/", " --last"].iter().any(|other| command.contains(other)) {
            continue;
        }
        let output = run(&env, &format!("{command} --dry-run")).success();
        assert!(output.stderr.contains("nothing was sent"), "{command}: {output}");
        tried += 1;
    }
    assert!(tried > 8, "{tried}");
}

#[test]
fn the_last_comparison_is_what_is_missing_to_show_it_again() {
    let env = env();
    for command in commands().into_iter().filter(|command| command.contains(" --last")) {
        let output = run(&env, command).exited(2);
        assert!(output.stderr.contains("no comparison to show again"), "{command}: {output}");
    }
}

#[test]
fn what_needs_no_network_works() {
    let env = env();
    let online = ["pollm models check", "pollm models refresh"];
    for command in commands() {
        let is_of = |prefix: &str| command.starts_with(prefix);
        if !(is_of("pollm models") || is_of("pollm cost")) || online.contains(&command) {
            continue;
        }
        let output = run(&env, command).success();
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{command}: {output}");
    }
    assert!(commands().iter().filter(|command| online.contains(command)).count() == 2);
}

/// The names of the table's rows, without the header's second showing below long
/// answers: what a tiny model says under a temperature is chance, and so is the
/// time that it takes.
#[cfg(feature = "local")]
fn rows(text: &str) -> Vec<String> {
    let named = |line: &str| line.chars().next().is_some_and(|first| first.is_ascii_lowercase());
    let rows = text.lines().filter(|line| line.contains('│') && named(line));
    let mut names: Vec<String> = rows.map(|line| line.split('│').next().unwrap().trim().to_owned()).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

#[cfg(feature = "local")]
#[test]
fn the_comparison_on_the_front_page_looks_like_that() {
    let env = Env::new();
    let line = commands().into_iter().find(|command| command.starts_with("pollm compare -m local/")).unwrap();
    let head = |text: &'static str| text.lines().find(|line| line.starts_with("model "));
    let shown = blocks("text").into_iter().find(|block| head(block).is_some()).unwrap();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_pollm")).parent().unwrap().display();
    let output = env
        .command("bash", ["-c", &format!("PATH='{folder}':$PATH; {line}")])
        .env("POLLM_CACHE_DIR", crate::local::weights())
        .env("COLUMNS", "80")
        .run()
        .success();
    assert_eq!(rows(&output.stdout), rows(shown), "{output}");
    let names = output.stdout.lines().find(|line| line.starts_with("model "));
    assert_eq!(names, head(shown), "{output}");
    assert!(output.stdout.trim_end().ends_with("cost of all 2 calls: $0.00"), "{output}");
    assert!(shown.trim_end().ends_with("cost of all 2 calls: $0.00"));
}
