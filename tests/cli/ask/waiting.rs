//! The line on the terminal that says who is waited for.

use crate::support::lab::row;
use crate::support::process::{Run, Running};
use crate::support::streams::{OPENAI_DONE, openai_delta, openai_finish};
use crate::support::{Lab, Script};

use serde_json::json;

/// The lines that stood there, oldest first, up to the time: all that moves.
fn waits(written: &str) -> Vec<&str> {
    let lines = written.split("\u{1b}[J\r").skip(1).filter_map(|line| line.split_once('\r'));
    lines.map(|(line, _)| line.trim_start_matches(|sign| ('⠀'..='⣿').contains(&sign))).collect()
}

#[track_caller]
fn wait_for_line(running: &mut Running, begin: &str) -> String {
    running.find_in_stderr(|written| {
        waits(written).into_iter().find(|line| line.starts_with(begin)).map(str::to_owned)
    })
}

/// A lab with models of these names that never say anything, asked on a terminal.
fn silent(names: &[&str], columns: u16, args: &[&str]) -> (Lab, Run) {
    let lab = Lab::always(Script::new(200).hang());
    let rows = names.iter().map(|name| row(name, "openai-chat", &format!("{}/v1", lab.server.url())));
    lab.env.configure(&rows.collect::<String>());
    let models = names.iter().map(|name| format!("{name}/one")).collect::<Vec<_>>().join(",");
    let run = lab.pollm(["ask", "-m", models.as_str(), "hello"].iter().chain(args).copied());
    (lab, run.terminal(columns, 24).pipe_stdout())
}

#[test]
fn it_names_the_model_until_the_first_word() {
    let frames = [openai_delta(&json!({"content": "Here"})), openai_finish("stop"), OPENAI_DONE.to_owned()];
    let lab = Lab::always(Script::late_sse(300, frames));
    let shown = lab.ask(&["hello"]).terminal(80, 24).run().success().stdout;
    let waits = waits(&shown);
    assert!(waits.iter().any(|line| line.starts_with(" waiting for lab/one, ")), "{shown:?}");
    // Its line is empty again when the answer takes it.
    let (before, _) = shown.split_once("Here").unwrap();
    assert!(before.ends_with("\r\u{1b}[2K\u{1b}[C\u{1b}[J\r"), "{before:?}");
    assert!(!shown.split_once("Here").unwrap().1.contains("waiting for"), "{shown:?}");
}

#[test]
fn the_time_is_seen_beside_the_longest_name() {
    let name = "n".repeat(60);
    let (_lab, run) = silent(&[&name], 50, &[]);
    let mut running = run.env("COLUMNS", "200").spawn();
    let line = wait_for_line(&mut running, " waiting for nnn");
    assert!(line.contains("nnn…, ") && line.ends_with('s') && line.chars().count() < 50, "{line:?}");
    // Where there is no room even for that, it stays one line.
    running.resize(15, 24);
    let line = wait_for_line(&mut running, " waiting for…");
    assert_eq!(line, " waiting for…");
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn both_are_named_where_a_second_is_asked_too() {
    let (lab, run) = silent(&["a", "b"], 80, &["--hedge", "0.1s"]);
    let mut running = run.spawn();
    let _ = wait_for_line(&mut running, " waiting for a/one, ");
    let _ = wait_for_line(&mut running, " waiting for a/one and b/one, ");
    // What is said meanwhile stands above.
    running.wait_for_stderr("a/one: no token after 0.1 s; asking b/one too");
    running.interrupt();
    let _ = running.finish().exited(130);
    assert_eq!(lab.server.requests().len(), 2);
}
