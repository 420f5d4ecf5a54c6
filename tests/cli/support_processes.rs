//! Processes run in an environment of their own, and their output is read as
//! it is written. A shell stands in for the executable.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;

use crate::support::process::Run;
use crate::support::{CommandOutput, Env};

fn shell(env: &Env, script: &str) -> Run {
    env.command("/bin/sh", ["-c", script])
}

#[test]
fn the_executable_runs() {
    let env = Env::new();
    let _ = env.pollm(["--version"]).run().success();
}

#[test]
fn nothing_of_the_machine_comes_in() {
    let env = Env::new();
    let output = shell(&env, "env | sort").env("POLLM_MODEL", "x/y").run().success();
    let names: Vec<_> = output.stdout.lines().map(|line| line.split('=').next().unwrap()).collect();
    // The shell itself sets the last three; LLVM's is there where coverage is measured.
    let known = [
        "COLUMNS",
        "HOME",
        "LANG",
        "LLVM_PROFILE_FILE",
        "PATH",
        "POLLM_MODEL",
        "TMPDIR",
        "TZ",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
        "PWD",
        "SHLVL",
        "_",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    env.configure("a = 1\n");
    env.write("note.txt", "here");
    let output = shell(&env, "cat note.txt $XDG_CONFIG_HOME/pollm/config.toml; ls -A $HOME").run().success();
    assert_eq!(output.stdout, "herea = 1\n");
}

#[test]
fn stdin_is_what_it_is_said_to_be() {
    const KIND: &str = "if [ -p /dev/stdin ]; then echo pipe; elif [ -f /dev/stdin ]; then echo file; \
                        elif [ -c /dev/stdin ]; then echo device; else echo none; fi; cat <&0 2>/dev/null";
    let env = Env::new();
    let said = |run: Run| run.run().stdout;
    assert_eq!(said(shell(&env, KIND)), "device\n");
    assert_eq!(said(shell(&env, KIND).stdin("words")), "pipe\nwords");
    assert_eq!(said(shell(&env, KIND).stdin_file(env.write("in", "text"))), "file\ntext");
    assert_eq!(said(shell(&env, KIND).stdin_closed()), "none\n");
    let mut running = shell(&env, KIND).stdin_open().spawn();
    running.wait_for_stdout("pipe\n");
    running.send("late");
    running.wait_for_stdout("late");
    running.close_stdin();
    assert_eq!(running.finish().success().stdout, "pipe\nlate");
}

#[test]
fn much_is_written_and_read_at_once() {
    let env = Env::new();
    let bytes = "0123456789abcde\n".repeat(200_000);
    let output = shell(&env, "cat; echo done >&2").stdin(bytes.clone()).run().success();
    assert!(output.stdout == bytes && output.stderr == "done\n");
}

#[test]
fn the_reader_of_stdout_can_leave() {
    let env = Env::new();
    let output = shell(&env, "exec yes").stdout_limit(100).run();
    assert_eq!((output.stdout.len(), output.signal), (100, Some(13)));
}

#[test]
fn signals_reach_the_process() {
    let env = Env::new();
    let running =
        shell(&env, "trap 'echo interrupted; exit 130' INT; echo ready; while :; do sleep 0.01; done");
    let mut running = running.spawn();
    running.wait_for_stdout("ready");
    running.interrupt();
    assert_eq!(running.finish().exited(130).stdout, "ready\ninterrupted\n");

    let mut running = shell(&env, "echo ready >&2; exec sleep 3600").spawn();
    running.wait_for_stderr("ready");
    running.kill();
    assert_eq!(running.finish().signal, Some(9));
}

#[test]
fn a_terminal_is_one() {
    const LOOK: &str = "for fd in 0 1 2; do [ -t $fd ] && echo $fd >&2; done; stty size <&2 >&2";
    let env = Env::new();
    let output = shell(&env, LOOK).terminal(83, 21).run().success();
    assert_eq!(output.stdout, "0\r\n1\r\n2\r\n21 83\r\n");
    let output = shell(&env, LOOK).terminal(83, 21).pipe_stdout().run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", "0\r\n2\r\n21 83\r\n"));
    let output = shell(&env, LOOK).terminal(83, 21).stdin("x").run().success();
    assert_eq!(output.stdout, "1\r\n2\r\n21 83\r\n");
}

#[test]
fn a_terminal_can_be_typed_on_and_interrupted() {
    let env = Env::new();
    let mut running =
        shell(&env, "read line < /dev/tty; echo got $line; exec sleep 3600").terminal(80, 24).spawn();
    running.send("words\n");
    running.wait_for_stdout("got words");
    running.send("\u{3}");
    assert_eq!(running.finish().signal, Some(2));
}

#[test]
fn output_is_shown_whole_without_what_differs_between_runs() {
    let env = Env::new();
    let script = r#"echo "$HOME/x at http://127.0.0.1:34567/v1, 0.41 s to first word, 1320 ms, 96 tok/s, in 3 s"
        echo '{"id":"01K9ZQJ5T3X8WJ7M4N2B6C0D1E","ttft_ms":402.7,"at":"2026-11-22T12:00:00.5Z"}'
        printf warned >&2; exit 4"#;
    insta::assert_snapshot!(shell(&env, script).run(), @r#"
    $ENV/home/x at http://127.0.0.1:PORT/v1, TIME to first word, TIME, N tok/s, in 3 s
    {"id":"ULID","ttft_ms":N,"at":"TIMESTAMP"}
    ------- stderr -------
    warned
    [no final newline]
    [exit status: 4]
    "#);
}

#[test]
fn json_is_read_from_stdout() {
    let env = Env::new();
    let output: CommandOutput = shell(&env, r#"printf '{"a":1}\n[2]\n'"#).run().success();
    assert_eq!(output.jsonl(), [json!({"a": 1}), json!([2])]);
    assert!(catch_unwind(AssertUnwindSafe(|| output.json())).is_err());
    assert_eq!(output.stdout_bytes, b"{\"a\":1}\n[2]\n");
}

#[test]
fn a_wrong_exit_status_fails_the_test() {
    let env = Env::new();
    let output = shell(&env, "exit 3").run();
    let panic = catch_unwind(AssertUnwindSafe(|| output.success())).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("[exit status: 3]"));
}
