//! Disks that are full, folders that can't be written, and many processes at once.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::KEY;
use crate::support::streams::{openai_chunks, openai_delta};
use crate::support::{Lab, Script};

fn lab() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["All", " is", " well"])))
}

#[test]
fn a_data_folder_that_is_a_file() {
    let lab = lab();
    let blocked = lab.env.write("blocked", "");
    let output = lab.ask(&["hello"]).env("XDG_DATA_HOME", &blocked).run();
    assert_snapshot!(output, @r"
        All is well
        ------- stderr -------
        warning: this call was not written to the history: could not create the ledger `$ENV/work/blocked/pollm/ledger.db`: Not a directory (os error N)
        [exit status: 0]
    ");
    assert!(lab.ledger().is_empty());
}

#[cfg_attr(not(target_os = "linux"), ignore = "/proc is Linux's")]
#[test]
fn a_read_only_data_folder() {
    let lab = lab();
    // Even root can't write below a process's own entry in /proc.
    let output = lab.ask(&["hello"]).env("XDG_DATA_HOME", "/proc/self/attr").run().success();
    assert_eq!(output.stdout, "All is well\n");
    assert!(output.stderr.starts_with("warning: this call was not written to the history: "), "{output}");
}

#[test]
fn a_ledger_that_is_none() {
    let lab = lab();
    let folder = lab.env.root().join("data/pollm");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("ledger.db"), "no database, but more than a hundred bytes of text ".repeat(9))
        .unwrap();
    let output = lab.ask(&["hello"]).run();
    assert_snapshot!(output, @r"
        All is well
        ------- stderr -------
        warning: this call was not written to the history: the ledger `$ENV/data/pollm/ledger.db` is damaged, or is no ledger: file is not a database
        [exit status: 0]
    ");
    assert!(fs::read_to_string(folder.join("ledger.db")).unwrap().starts_with("no database"));
}

#[cfg_attr(not(target_os = "linux"), ignore = "/dev/full is Linux's")]
#[test]
fn a_full_disk_below_stdout() {
    // No more comes, so only the failed write can end the call.
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "All"}))]).hang());
    let script = format!("{} ask -m lab/one hello > /dev/full", env!("CARGO_BIN_EXE_pollm"));
    let output = lab.env.command("/bin/sh", ["-c", &script]).env("LAB_KEY", KEY).run();
    assert_snapshot!(lab.tell(&output), @r#"
        ------- stderr -------
        error: the answer could not be written
          because: No space left on device (os error N)
        [exit status: 1]
        requests: 1
        ledger: lab/one "cancelled" "All", finish "cut", "cancelled" null, HTTP [200], 2+1 tokens "estimated", cost "0.000004" "estimated", possibly billed
    "#);
}

#[test]
fn twenty_processes_at_once() {
    let lab = lab();
    let running: Vec<_> = (0..20).map(|_| lab.ask(&["hello"]).spawn()).collect();
    for process in running {
        let output = process.finish().success();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("All is well\n", ""));
    }
    let rows = lab.ledger();
    assert_eq!((rows.len(), lab.server.requests().len()), (20, 20));
    assert!(rows.iter().all(|row| row["status"] == json!("ok") && row["text"] == json!("All is well")));
}
