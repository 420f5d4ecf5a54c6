//! Odd places to be started in: no home, closed streams, names that are no text.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use insta::assert_snapshot;

use crate::support::streams::openai_chunks;
use crate::support::{Env, Lab, Script};

fn lab() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["All", " is", " well"])))
}

/// Runs `ask` by way of a shell that changes something first.
fn through_shell(lab: &Lab, change: &str) -> crate::support::CommandOutput {
    let script = format!("{change} exec \"$0\" ask -m lab/one hello");
    let shell = lab.env.command("/bin/sh", ["-c", script.as_str(), env!("CARGO_BIN_EXE_pollm")]);
    shell.env("LAB_KEY", crate::support::lab::KEY).run()
}

#[test]
fn closed_streams() {
    let lab = lab();
    let output = through_shell(&lab, "exec <&- >&- 2>&-;").success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    // A standard stream that is closed is never the ledger, a socket or a file.
    let output = through_shell(&lab, "exec 2>&-;").success();
    assert_eq!(output.stdout, "All is well\n");
    let answers: Vec<_> = lab.ledger().iter().map(|call| call["text"].clone()).collect();
    assert_eq!(answers, ["All is well", "All is well"]);
}

#[test]
fn few_open_files() {
    let lab = lab();
    let output = through_shell(&lab, "ulimit -n 20;").success();
    assert_eq!((output.stdout.as_str(), lab.ledger().len()), ("All is well\n", 1), "{output}");
}

#[test]
fn a_file_whose_name_is_no_text() {
    let lab = lab();
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    if std::fs::write(lab.env.root().join("work").join(name), "a coffee house").is_err() {
        return; // This file system takes only names that are text.
    }
    let args = ["ask", "--dry-run", "-m", "lab/one", "-f"].map(OsString::from);
    let args = args.into_iter().chain([name.to_owned(), "what is it?".into()]);
    let output = lab.env.pollm(args).env("LAB_KEY", crate::support::lab::KEY).run().success();
    assert!(output.stdout.contains("`caf\u{fffd}.txt`:\\n```txt\\na coffee house\\n```"), "{output}");
}

#[test]
fn a_prompt_that_is_no_text() {
    let env = Env::new();
    let output = env.pollm([OsStr::new("ask"), OsStr::from_bytes(b"caf\xe9")]).run();
    assert_snapshot!(output, @r"
    ------- stderr -------
    error: invalid UTF-8 was detected in one or more arguments

    Usage: pollm ask [OPTIONS] [PROMPT]...

    For more information, try '--help'.
    [exit status: 2]
    ");
}

#[test]
fn relative_xdg_folders_do_not_count() {
    let env = Env::new();
    let run = env.pollm(["config", "path"]).env("XDG_CONFIG_HOME", "config").run();
    assert_snapshot!(run, @r"
    $ENV/home/.config/pollm/config.toml
    ------- stderr -------
    [exit status: 0]
    ");
}
