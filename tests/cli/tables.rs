//! Commands that print tables: the same formats everywhere, and one word for
//! those that make no sense.

use crate::support::streams::openai_chunks;
use crate::support::{Env, Lab, Script};

/// A command, and where the rows of its table are in the object that it prints.
const TABLES: [(&str, &str); 7] = [
    ("cost report", "groups"),
    ("cost estimate -m lab/one,lab/two --no-stdin hello", "models"),
    ("cost what-if lab/one", "models"),
    ("cost budget", "caps"),
    ("models list --provider lab", "models"),
    ("models providers", "providers"),
    ("history list", "calls"),
];

/// Two calls of `lab/one`, one of which failed, and a cap.
fn lab() -> Lab {
    let lab = Lab::in_turn([Script::sse(openai_chunks(&["Good day"])), Script::new(400)]);
    lab.configure("[budget]\nday = \"5.00\"\n");
    let _ = lab.ask(&["a | b _c_\nsecond line"]).run().success();
    let _ = lab.ask(&["hello"]).run().exited(1);
    lab
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').filter(|word| !word.is_empty())
}

/// How many fields a line of CSV has.
fn fields(line: &str) -> usize {
    let outside = line.split('"').step_by(2);
    outside.map(|part| part.matches(',').count()).sum::<usize>() + 1
}

#[test]
fn every_table_has_the_usual_formats() {
    let lab = lab();
    for (command, list) in TABLES {
        let shown = |flags: &str| lab.pollm(words(command).chain(words(flags))).run().success();
        let rows = shown("--json").json()[list].as_array().unwrap().len();
        assert!(rows > 0, "{command}");
        assert_eq!(shown("--format jsonl").jsonl().len(), rows, "{command}");
        let csv = shown("--format csv").stdout;
        assert_eq!(csv.lines().count(), rows + 1, "{command}: {csv}");
        let fields: Vec<usize> = csv.lines().map(fields).collect();
        assert!(fields.iter().all(|count| *count == fields[0]), "{command}: {csv}");
        let markdown = shown("--format markdown").stdout;
        let table: Vec<&str> = markdown.lines().filter(|line| line.starts_with("| ")).collect();
        assert!(table.len() > rows && markdown.contains("\n|:--|"), "{command}: {markdown}");
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(table.iter().all(|line| cells(line) == cells(table[0])), "{command}: {markdown}");
        for (name, format) in
            [("a.jsonl", "jsonl"), ("a.csv", "csv"), ("a.md", "markdown"), ("a.txt", "text")]
        {
            assert_eq!(shown(&format!("--output {name}")).stdout, "", "{command}");
            let written = std::fs::read_to_string(lab.env.root().join("work").join(name)).unwrap();
            assert_eq!(written, shown(&format!("--format {format}")).stdout, "{command}");
        }
    }
}

#[test]
fn a_format_that_makes_no_sense_is_refused_in_one_wording() {
    let lab = lab();
    for (command, _) in TABLES.into_iter().filter(|(command, _)| *command != "cost report") {
        let refused = lab.pollm(words(command).chain(["--format", "html"])).run().exited(2);
        let name: Vec<&str> = words(command).take(2).collect();
        assert_eq!(
            refused.stderr,
            format!(
                "error: `pollm {}` has no format `html`\n\nhint: it has text, json, jsonl, csv, markdown\n",
                name.join(" ")
            )
        );
    }
    insta::assert_snapshot!(lab.pollm(["cost", "audit", "--output", "audit.csv"]).run(), @"
    ------- stderr -------
    error: `pollm cost audit` has no format `csv`

    hint: it has text, json
    [exit status: 2]
    ");
    let page = lab.pollm(["cost", "report", "--format", "html"]).run().success().stdout;
    assert!(page.starts_with("<!doctype html>"));
}

#[test]
fn a_table_in_markdown_holds_what_was_said_in_its_cells() {
    let lab = lab();
    let shown = lab.pollm(["history", "--format", "markdown"]).run().success().stdout;
    let last = shown.lines().last().unwrap();
    assert!(last.ends_with(r"| a \| b \_c\_ |"), "{shown}");
    insta::assert_snapshot!(lab.pollm(["cost", "--format", "markdown"]).run(), @r"
    | model | calls | in | cached | out | reasoning | cost | share |
    |:--|--:|--:|--:|--:|--:|--:|--:|
    | lab/one | 2 | 9 | 0 | 1 | 0 | \$0.000011 | 100% |
    | total | 2 | 9 | 0 | 1 | 0 | \$0.000011 | 100% |

    - span: all calls
    - calls: 2
    - total: \$0.000011
    - computed from its counts: \$0.000011 in 1 call
    - failed at no cost: 1 call
    ------- stderr -------
    [exit status: 0]
    ");
    insta::assert_snapshot!(lab.pollm(["cost", "what-if", "lab/one", "--format", "markdown"]).run(), @r"
    ## what if lab/one had been asked

    | asked | calls | cost | what if | change |
    |:--|--:|--:|--:|--:|
    | lab/one | 2 | \$0.000011 | \$0.000011 | same |
    | total | 2 | \$0.000011 | \$0.000011 | same |
    ------- stderr -------
    [exit status: 0]
    ");
}

#[test]
fn a_reader_that_leaves_ends_a_table_quietly() {
    let env = Env::new();
    // It is more than a pipe holds.
    for format in ["text", "json", "jsonl", "csv", "markdown"] {
        let run = env.pollm(["models", "--all", "--format", format]).stdout_limit(10);
        assert_eq!(run.run().success().stderr, "", "{format}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_table_on_a_full_disk_is_an_error() {
    let lab = lab();
    for (command, _) in TABLES {
        let output = lab.pollm(words(command)).stdout_full().run().exited(1);
        assert_eq!(
            output.stderr.lines().next(),
            Some("error: the output can't be written"),
            "{command}: {output}"
        );
    }
}
