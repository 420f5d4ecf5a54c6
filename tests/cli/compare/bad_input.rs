//! Nothing is sent to anyone where something is wrong with one lane.

use super::{compare, lab_of};
use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

fn lab() -> Lab {
    lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])))
}

#[track_caller]
fn refused(lab: &Lab, args: &[&str], code: i32, said: &str) {
    let output = lab.pollm(["compare"].iter().chain(args).copied()).run().exited(code);
    assert!(output.stderr.contains(said), "no `{said}` in\n{}", output.stderr);
    assert_eq!(output.stdout, "");
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let lab = lab();
    refused(&lab, &["hello"], 2, "two models or more");
    refused(&lab, &["-m", "a/one", "hello"], 2, "two models or more");
    refused(&lab, &["-m", "a/one,nowhere/two", "hello"], 2, "nowhere");
    refused(&lab, &["-m", "a/one,b/one", "--check", "contians:x", "hello"], 2, "contians");
    refused(&lab, &["-m", "a/one,b/one", "--check", "regex:(", "hello"], 2, "regex");
    refused(
        &lab,
        &["-m", "a/one,b/one", "--check", "cmd:no-such-command-here", "hello"],
        2,
        "no-such-command-here",
    );
    refused(&lab, &["-m", "a/one,b/one", "--runs", "0", "hello"], 2, "a whole number from 1 to 10000");
    refused(&lab, &["-m", "a/one,b/one", "--jobs", "many", "hello"], 2, "a whole number of 0 or more");
    refused(&lab, &["-m", "a/one,b/one"], 2, "prompt");
    refused(&lab, &["-m", "a/one,openai/gpt-6.1-sol", "hello"], 5, "OPENAI_API_KEY");
}

#[test]
fn a_dry_run_shows_every_request_and_no_key() {
    let lab = lab();
    let output = compare(&lab, &["a", "b"], &["--dry-run", "hello"]).run().success();
    assert_eq!(output.stdout.matches("POST ").count(), 2);
    assert!(output.stdout.contains("$LAB_KEY") && output.stderr.contains("b/one: ~"), "{output}");
    assert_eq!(lab.server.connections(), 0);
}
