//! What stdin is to a prompt.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

fn lab() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["ok"])))
}

/// The prompt as the server got it.
#[track_caller]
fn prompt(lab: &Lab) -> Value {
    lab.body()["messages"][0]["content"].clone()
}

#[test]
fn a_pipe_comes_before_the_words() {
    let lab = lab();
    let _ = lab.ask(&["what", "is", "this?"]).stdin("some text\n").run().success();
    assert_eq!(prompt(&lab), "some text\n\nwhat is this?");
}

#[test]
fn a_pipe_is_a_prompt_by_itself() {
    let lab = lab();
    let _ = lab.ask(&[]).stdin("only this\n").run().success();
    assert_eq!(prompt(&lab), "only this");
}

#[test]
fn a_file_is_read_like_a_pipe() {
    let lab = lab();
    let _ = lab.ask(&["go"]).stdin_file(lab.env.write("in.txt", "text")).run().success();
    assert_eq!(prompt(&lab), "text\n\ngo");
}

#[test]
fn the_placeholder_puts_it_elsewhere() {
    let lab = lab();
    let _ = lab.ask(&["say {stdin} twice: {stdin}"]).stdin("hi\n").run().success();
    assert_eq!(prompt(&lab), "say hi twice: hi");
}

#[test]
fn a_device_and_nothing_at_all_are_no_prompt() {
    let lab = lab();
    let _ = lab.ask(&["alone"]).run().success();
    assert_eq!(prompt(&lab), "alone");
    let _ = lab.ask(&["without"]).stdin_closed().run().success();
    assert_eq!(prompt(&lab), "without");
}

#[test]
fn it_can_be_ignored() {
    let lab = lab();
    let _ = lab.ask(&["--no-stdin", "alone"]).stdin("ignored").run().success();
    assert_eq!(prompt(&lab), "alone");
    // Nobody waits for a pipe that stays open.
    let running = lab.ask(&["--no-stdin", "still alone"]).stdin_open().spawn();
    lab.server.wait_for_requests(2);
    let _ = running.finish().success();
}

#[test]
fn an_open_and_silent_pipe_is_told_of() {
    let lab = lab();
    let mut running = lab.ask(&["go on"]).stdin_open().spawn();
    running.wait_for_stderr("waiting for stdin (a pipe is open); `--no-stdin` ignores it\n");
    assert_eq!(lab.server.connections(), 0);
    running.send("late text");
    running.close_stdin();
    let _ = running.finish().success();
    assert_eq!(prompt(&lab), "late text\n\ngo on");
}

#[test]
fn a_dash_reads_it_by_name() {
    let lab = lab();
    let _ = lab.ask(&["-"]).stdin("by name").run().success();
    assert_eq!(prompt(&lab), "by name");
    let _ = lab.ask(&["-s", "@-", "the question"]).stdin("be brief\n").run().success();
    let body = lab.body();
    assert_eq!(
        (&body["messages"][0]["role"], &body["messages"][0]["content"]),
        (&"system".into(), &"be brief".into())
    );
    assert_eq!(body["messages"][1]["content"], "the question");
    let _ = lab.ask(&["-f", "-", "explain"]).stdin("let x;").run().success();
    assert_snapshot!(prompt(&lab).as_str().unwrap(), @r"
        `stdin`:
        ```
        let x;
        ```

        explain
    ");
}

#[test]
fn what_cannot_be_read_twice_is_refused() {
    let lab = lab();
    assert_snapshot!(lab.ask(&["-f", "-", "-a", "-", "both"]).stdin("x").run(), @r"
        ------- stderr -------
        error: stdin can be read only once, but both `-a -` and `-f -` ask for it
        [exit status: 2]
    ");
    assert_snapshot!(lab.ask(&["in {stdin}"]).run(), @r"
        ------- stderr -------
        error: `{stdin}` is in the prompt, but stdin is neither a pipe nor a file

        hint: pipe something in, or add `-` to read stdin all the same
        [exit status: 2]
    ");
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn a_prompt_with_blanks_needs_no_command() {
    let lab = lab();
    let _ = lab.pollm(["-m", "lab/one", "why is it so?"]).run().success();
    assert_eq!(prompt(&lab), "why is it so?");
    let one_word = lab.pollm(["hsitory"]).run();
    assert_snapshot!(one_word, @r#"
        ------- stderr -------
        error: unrecognized subcommand 'hsitory'

          tip: a similar subcommand exists: 'history'

        Usage: pollm [OPTIONS] <COMMAND>

        For more information, try '--help'.

        hint: a prompt of one word needs the command: `pollm ask WORD`
        [exit status: 2]
    "#);
    let other = lab.pollm(["why"]).run().exited(2);
    assert!(other.stderr.contains("`pollm ask WORD`"), "{other}");
    assert_eq!(lab.server.requests().len(), 1);
}
