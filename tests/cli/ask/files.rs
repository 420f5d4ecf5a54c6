//! `--output`: where an answer goes that is to be a file.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

fn lab() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["Good day"])))
}

#[test]
fn what_cannot_be_written_is_not_asked() {
    let lab = lab();
    for (file, why) in [("missing/answer.txt", "No such file"), (".", "is a directory")] {
        let output = lab.ask(&["--output", file, "hello"]).run().exited(2);
        assert!(output.stderr.contains(&format!("could not write `{file}`")), "{output}");
        assert!(output.stderr.contains(why) && !output.stderr.contains(".pollm-"), "{output}");
    }
    assert_eq!((lab.server.connections(), lab.ledger().len()), (0, 0));
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let lab = lab();
    let output = lab.ask(&["--output", "/dev/stdout", "hello"]).run().success();
    assert_eq!(output.stdout, "Good day\n");
    let output = lab.ask(&["--output", "-", "hello"]).run().success();
    assert_eq!(output.stdout, "Good day\n");
    assert!(!lab.env.root().join("work/-").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_full_device_does_not_take_is_printed() {
    let lab = lab();
    let output = lab.ask(&["--output", "/dev/full", "hello"]).run().exited(1);
    assert_eq!(output.stdout, "Good day\n", "{output}");
    assert!(output.stderr.contains("hint: it was printed on stdout instead"), "{output}");
}

#[test]
fn links_and_modes_stay() {
    let lab = lab();
    let file = lab.env.write("answer.txt", "before");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let link = lab.env.root().join("work/link.txt");
    symlink(&file, &link).unwrap();
    let _ = lab.ask(&["--output", "link.txt", "hello"]).run().success();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "Good day\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_extension_counts_in_any_case() {
    let lab = lab();
    let _ = lab.ask(&["--output", "answer.JSON", "hello"]).run().success();
    let written = fs::read_to_string(lab.env.root().join("work/answer.JSON")).unwrap();
    assert!(written.starts_with("{\"schema\":\"pollm/1\""), "{written}");
}

/// What was attached is not kept, but that it was, and how large.
#[test]
fn the_history_names_what_was_attached() {
    let lab = lab();
    lab.env.write("paper.pdf", "%PDF-1.4\n%%EOF\n");
    let args = ["-a", "paper.pdf", "-a", "https://127.0.0.1/a.png", "hello"];
    let _ = lab.ask(&args).run().success();
    let row = lab.ledger().remove(0);
    let attached = &row["request"]["messages"][0]["attachments"];
    assert_eq!(
        *attached,
        serde_json::json!([
            {"name": "paper.pdf", "mime": "application/pdf", "bytes": 15},
            {"name": "a.png", "mime": "image/png", "url": "https://127.0.0.1/a.png"},
        ])
    );
    let shown = lab.pollm(["history", "show", row["id"].as_str().unwrap()]).run().success().stdout;
    assert!(
        shown.contains("application/pdf, 15 bytes]\n") && shown.contains("https://127.0.0.1/a.png]\n"),
        "{shown}"
    );
}
