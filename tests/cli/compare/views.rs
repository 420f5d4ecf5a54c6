//! What a comparison looks like, as a page and in words, and who agrees.

use serde_json::json;

use super::{compare, lab_of};
use crate::support::lab::row;
use crate::support::streams::{openai_chunks, openai_delta, openai_finish};
use crate::support::{Lab, Script};

/// Providers `a`, `b` and `c` that say yes, yes and no.
fn voters() -> Lab {
    lab_of(&["a", "b", "c"], |name, _| {
        Script::sse(openai_chunks(&[if name == "c" { "No." } else { "Yes." }]))
    })
}

/// Providers whose models cost nothing, something, and nobody knows what.
fn prices() -> Lab {
    let lab = lab_of(&[], |_, _| Script::sse(openai_chunks(&["Yes"])));
    let at = |name: &str| row(name, "openai-chat", &format!("{}/{name}", lab.server.url()));
    let free = |name: &str| at(name).replace("\"1\"", "\"0\"").replace("\"2\"", "\"0\"");
    let unknown = at("unknown").replace("input = \"1\"\noutput = \"2\"\n", "");
    let rows = [free("free"), free("gratis"), free("given"), at("priced"), at("paid"), unknown];
    lab.env.configure(&rows.concat());
    lab
}

#[test]
fn who_agrees_is_judged_later_too() {
    let lab = voters();
    let _ = compare(&lab, &["a", "b", "c"], &["hello"]).run().success();
    let last = |args: &[&str]| lab.pollm(["compare", "--last", "--agree"].iter().chain(args).copied()).run();
    let output = last(&[]).exited(7);
    assert_eq!(output.stderr, "error: the models disagree: 2 different answers\n");
    let said = "2 different answers among 3\n  a/one, b/one agree: yes\n  c/one stands alone: no\n";
    assert!(output.stdout.contains(said), "{output}");
    assert_eq!(last(&["--json"]).exited(7).json()["agreement"]["groups"].as_array().unwrap().len(), 2);
    let page = last(&["--format", "html"]).exited(7).stdout;
    assert!(page.contains("<h2 id=\"agreement\">Agreement</h2>\n<p>3 answers in 2 groups.</p>"), "{page}");
    assert_eq!(lab.server.requests().len(), 3);
}

#[test]
fn one_answer_has_nothing_to_agree_with() {
    for (answers, words, heading) in [
        (1, "only one answer: nothing to agree with\n", "Only one model answered."),
        (0, "no answers to compare\n", "No model answered."),
    ] {
        let lab = lab_of(&["a", "b"], move |name, _| match name {
            "a" if answers > 0 => Script::sse(openai_chunks(&["Yes."])),
            _ => Script::json(402, &json!({"error": {"message": "No credit"}})),
        });
        let output = compare(&lab, &["a", "b"], &["--agree", "hello"]).run();
        assert!(output.stdout.contains(words), "{output}");
        let page = lab.pollm(["compare", "--last", "--agree", "--format", "html"]).run().success().stdout;
        assert!(page.contains(heading), "{page}");
        assert_eq!(page.contains("<ol class=\"groups\">"), answers > 0, "{page}");
    }
}

#[test]
fn what_costs_nothing_and_what_nobody_knows() {
    let lab = prices();
    let said = |names: &[&str]| compare(&lab, names, &["hello"]).run().success().stdout;
    let both = said(&["free", "gratis"]);
    assert!(both.contains("\nneither cost anything\ncost of both calls: $0.00\n"), "{both}");
    let three = said(&["free", "gratis", "given"]);
    assert!(three.contains("\nnone cost anything\n"), "{three}");
    let mixed = said(&["free", "priced", "unknown"]);
    let words =
        "\nfree/one was cheapest of those with a known price: free\n  the price of unknown/one is unknown\n";
    assert!(mixed.contains(words), "{mixed}");
    // Neither has a place on an axis of costs, and each has one beside it.
    let _ = said(&["free", "priced", "paid", "unknown"]);
    let page = lab.pollm(["compare", "--last", "--format", "html"]).run().success().stdout;
    let beside = |word: &str| page.contains(&format!("dy=\"38\" text-anchor=\"middle\">{word}</text>"));
    assert!(beside("free") && beside("unknown"), "{page}");
    lab.env.write("p.txt", "one\ntwo\n");
    let totals = |names: &[&str]| compare(&lab, names, &["--prompts", "p.txt"]).run().success().stdout;
    let all = totals(&["free", "gratis"]);
    assert!(all.contains("\nno answer cost anything\n"), "{all}");
    let all = totals(&["free", "priced", "unknown"]);
    let words = "\nfree/one was cheapest of those whose costs are known: $0.00 an answer\n  not all costs of unknown/one are known\n";
    assert!(all.contains(words), "{all}");
}

#[test]
fn a_page_says_what_must_not_be_overlooked() {
    let made = std::sync::atomic::AtomicUsize::new(0);
    let lab = lab_of(&["a", "b"], move |name, _| match name {
        "a" => Script::sse(openai_chunks(&["- [ ] *open*"])),
        // Of two runs the first is tried twice in vain, the second ends in the middle.
        _ => match made.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 | 1 => {
                Script::json(500, &json!({"error": {"message": "<Oh no>"}})).header("retry-after-ms", "1")
            }
            _ => Script::sse([openai_delta(&json!({"content": "Half"})), openai_finish("length")]),
        },
    });
    let args =
        ["--runs", "2", "--retries", "1", "--check", "contains:open", "--output", "page.html", "hello"];
    let _ = compare(&lab, &["a", "b"], &args).run().exited(7);
    let page = std::fs::read_to_string(lab.env.root().join("work/page.html")).unwrap();
    for part in [
        "☐ <em>open</em>",
        "<span class=\"unseen\">passed: </span>",
        "<span class=\"unseen\">failed: </span>",
        "<span class=\"warn\">1 of 2 runs failed</span>",
        "Runs that had to connect first are left out.",
    ] {
        assert!(page.contains(part), "no {part}\n{page}");
    }
    let _ = compare(&lab, &["a", "a"], &["hello"]).run().success();
    let failed = lab_of(&["a", "b"], |name, _| match name {
        "a" => Script::sse(openai_chunks(&["Yes"])),
        _ => Script::json(500, &json!({"error": {"message": "<Oh no>"}})).header("retry-after-ms", "1"),
    });
    let page = compare(&failed, &["a", "b"], &["--format", "html", "--retries", "1", "hello"])
        .run()
        .exited(4)
        .stdout;
    let said = "<strong>the provider failed (HTTP 500)</strong></p><p dir=\"auto\">&lt;Oh no&gt;</p><p>2 requests were sent</p>";
    assert!(page.contains(said), "{page}");
}

/// A file is for whoever reads it, not for the terminal that the command ran on.
#[test]
fn a_file_has_no_colours() {
    let lab = voters();
    let args = ["--color", "always", "--output", "out.txt", "hello"];
    let output = compare(&lab, &["a", "c"], &args).run().success();
    let file = std::fs::read_to_string(lab.env.root().join("work/out.txt")).unwrap();
    assert!(file.starts_with("prompt: hello\n") && !file.contains('\u{1b}'), "{file:?}");
    assert_eq!(output.stdout, "");
    let shown = lab.pollm(["compare", "--last", "--color", "always"]).run().success().stdout;
    assert!(shown.contains("\u{1b}["), "{shown}");
}

/// What was paid for is in the history, or on stdout.
#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_does_not_take_is_not_lost() {
    let lab = voters();
    let full = |args: &[&str]| {
        let args = [args, &["--output", "/dev/full", "hello"]].concat();
        compare(&lab, &["a", "c"], &args).run().exited(1)
    };
    let kept = full(&[]);
    assert!(kept.stderr.ends_with("hint: `pollm compare --last` shows the comparison again\n"), "{kept}");
    assert_eq!(kept.stdout, "");
    let printed = full(&["--no-log"]);
    assert!(printed.stderr.ends_with("hint: it was printed on stdout instead\n"), "{printed}");
    assert!(printed.stdout.starts_with("prompt: hello\n"), "{printed}");
}

/// Without columns a line says who is meant.
#[test]
fn one_fact_a_line_names_who_answered() {
    let lab = voters();
    let output = compare(&lab, &["a", "c"], &["hello"]).env("ACCESSIBLE", "1").run().success();
    assert!(output.stdout.contains("\nanswered by: scripted-1\n"), "{output}");
}

/// Of a list of prompts: who was outvoted, and no more than a screen of what failed.
#[test]
fn totals_name_the_first_of_many() {
    let lab = lab_of(&["a", "b", "c", "d"], |name, _| match name {
        "d" => Script::json(402, &json!({"error": {"message": "No credit"}})),
        "c" => Script::sse(openai_chunks(&["No."])),
        _ => Script::sse(openai_chunks(&["Yes."])),
    });
    lab.env.write("p.txt", (1..=14).map(|n| format!("question {n}\n")).collect::<String>());
    let args = ["--prompts", "p.txt", "--agree", "--check", "contains:Yes"];
    let output = compare(&lab, &["c", "a", "b", "d"], &args).run().exited(7);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.iter().filter(|line| **line == "  and 2 more").count(), 2, "{output}");
    for line in [
        "14 of 56 calls failed",
        "14 checks failed",
        "answers differ on 14 of 14 prompts",
        "  c/one is outvoted on 14",
    ] {
        assert!(lines.contains(&line), "no {line}\n{output}");
    }
    assert!(
        lines.iter().any(|line| line.starts_with("  those: ") && line.ends_with(" and 2 more")),
        "{output}"
    );
    // By the price of an answer, or as they were named.
    let models = |sort: &str| {
        let output = lab.pollm(["compare", "--last", "--sort", sort]).run().exited(7);
        let head = output.stdout.lines().find(|line| line.starts_with("model ")).unwrap().to_owned();
        head.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(models("given"), ["c/one", "a/one", "b/one", "d/one"]);
    assert_eq!(models("cost").last().unwrap(), "d/one");
}

#[test]
fn totals_say_how_many_calls_were_not_made() {
    let lab = lab_of(&["a", "b"], |_, n| match n {
        0 => Script::sse(openai_chunks(&["Yes"])),
        _ => Script::new(200).hang(),
    });
    lab.env.write("p.txt", "one\ntwo\nthree\n");
    let running = compare(&lab, &["a", "b"], &["--prompts", "p.txt", "-j", "1"]).spawn();
    lab.server.wait_for_requests(2);
    running.interrupt();
    let output = running.finish().exited(130);
    assert!(output.stdout.contains("\n4 calls not made\n"), "{output}");
    assert!(output.stderr.contains("interrupted with 4 calls not made"), "{output}");
}
