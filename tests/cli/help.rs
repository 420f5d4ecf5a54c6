//! The help of every command, and the manual pages made from it. The commands
//! are found by walking clap's own tree, so none can be forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Command;
use pollm::cli::{self, help};

use crate::support::Env;

/// Every command as the words behind `pollm`, pollm itself first.
fn paths() -> Vec<Vec<String>> {
    fn walk(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
        found.push(path.to_vec());
        for below in command.get_subcommands() {
            walk(below, &[path, &[below.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&cli::built(), &[], &mut found);
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// The name of a command's page: `pollm-cost-budget`.
fn page_name(path: &[String]) -> String {
    [&["pollm".to_owned()], path].concat().join("-")
}

#[test]
fn every_help_reads_like_this() {
    let env = Env::new();
    let mut names = BTreeSet::new();
    for path in paths() {
        let shown = |flag: &str| {
            let args = path.iter().map(String::as_str).chain([flag]);
            let output = env.pollm(args).run().success();
            assert_eq!(output.stderr, "", "{path:?}");
            output.stdout
        };
        let text = format!("{}\n{}\n{}", shown("-h"), "=".repeat(40), shown("--help"));
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{path:?}");
        let name = page_name(&path);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.clone(), text);
        });
        names.insert(format!("{name}.snap"));
    }
    // The help of a command that is gone would stay here unnoticed.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let stale: Vec<String> = files
        .filter(|file| file.starts_with("pollm") && !names.contains(file) && file.ends_with(".snap"))
        .collect();
    assert_eq!(stale, [""; 0]);
}

#[test]
fn help_asked_for_by_name_is_the_same() {
    let env = Env::new();
    for path in paths() {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let by_flag = env.pollm(words.iter().copied().chain(["--help"])).run().success().stdout;
        let by_name = env.pollm(["help"].into_iter().chain(words.iter().copied())).run().success().stdout;
        assert_eq!(by_name, by_flag, "{path:?}");
    }
}

#[test]
fn every_example_of_the_help_works() {
    let env = super::readme::env();
    for path in paths() {
        for (line, _) in help::examples(&path.join(" ")) {
            super::readme::works(&env, line);
        }
    }
}

#[test]
fn every_command_has_a_page() {
    let env = Env::new();
    let dir = env.root().join("work/man/man1");
    let output = env.pollm(["man", "--dir", "man/man1"]).run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    let files = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<String> = paths().iter().map(|path| format!("{}.1", page_name(path))).collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);

    for path in paths() {
        let page = fs::read_to_string(dir.join(format!("{}.1", page_name(&path)))).unwrap();
        let words = ["man"].into_iter().chain(path.iter().map(String::as_str));
        assert_eq!(env.pollm(words).run().success().stdout, page, "{path:?}");
        assert!(page.contains(&format!("\n.TH {} 1 ", page_name(&path).to_uppercase())), "{page}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "\"SEE ALSO\""] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{path:?}: {section}");
        }
        // What roff would show as an accent, or as an empty paragraph.
        assert!(!page.lines().any(|line| line.trim().is_empty() || line.contains(['`', '~'])), "{page}");
        // What roff would take for two or three other characters, unless told the encoding.
        assert!(page.is_ascii(), "{page}");
    }
}

#[test]
fn the_page_of_pollm_names_its_variables_and_files() {
    let page = Env::new().pollm(["man"]).run().success().stdout;
    for (name, _) in pollm::env::VARIABLES {
        assert!(page.contains(&format!("\n\\fB{name}\\fR\n")), "{name}");
    }
    for (file, _) in help::FILES {
        assert!(page.contains(&file.replace('~', "\\(ti").replace('-', "\\-")), "{file}");
    }
}

#[test]
fn a_command_that_has_no_page_is_answered_with_the_nearest() {
    let output = Env::new().pollm(["man", "cost", "bugdet"]).run().exited(2);
    insta::assert_snapshot!(output.stderr, @"
    error: `pollm cost` has no command `bugdet`

    hint: did you mean `budget`?
    ");
    let output = Env::new().pollm(["man", "cost", "--dir", "man"]).run().exited(2);
    assert!(output.stderr.contains("cannot be used with"), "{output}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let env = Env::new();
    env.write("file", "");
    let output = env.pollm(["man", "--dir", "file/man1"]).run().exited(1);
    assert!(output.stderr.starts_with("error: file/man1 can't be made\n"), "{output}");
}
