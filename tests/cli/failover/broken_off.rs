//! Behind the first word: what came stays, and nobody else's words join it.

use insta::assert_snapshot;

use super::{answer, ask, asked, calls, fault, lab, text};
use crate::support::Script;

const TEN: &str = "one two three four five six seven eight nine ten";

#[test]
fn ten_words_are_kept_and_nothing_is_joined_to_them() {
    let lab = lab(|model, _| match model {
        "a/one" => Script::sse([text(TEN), fault()]),
        _ => answer("SPLICED"),
    });
    for (args, at) in [(&[][..], "stdout"), (&["--no-stream"], "stdout"), (&["--json"], "text")] {
        let output = ask(&lab, "a/one,b/one", args).run().exited(1);
        let text = if at == "text" {
            output.json()["text"].as_str().unwrap().to_owned() + "\n"
        } else {
            output.stdout
        };
        assert_eq!(text, format!("{TEN}\n"));
    }
    assert_eq!(asked(&lab), ["a/one"; 3]);
    assert_eq!(calls(&lab), ["a/one partial"; 3]);
}

#[test]
fn the_break_is_seen_on_a_terminal() {
    let lab = lab(|_, _| Script::sse([text(TEN), fault()]));
    let shown = ask(&lab, "a/one,b/one", &["--color=never"]).terminal(80, 24).run().exited(1).stdout;
    assert!(shown.contains("`pollm ask -c -m b/one \"go on\"` goes on with the next model"), "{shown}");
    let broken = shown.find("── the answer breaks off here ──").expect(&shown);
    assert!(
        shown.find("nine ten").unwrap() < broken && broken < shown.find("error: a/one: ").unwrap(),
        "{shown}"
    );
}

#[test]
fn going_on_elsewhere_stands_below_a_line_of_its_own() {
    let lab = lab(|model, _| match model {
        "a/one" => Script::sse([text(TEN), fault()]),
        _ => answer("eleven"),
    });
    let _ = ask(&lab, "a/one", &[]).run().exited(1);
    let output = lab.pollm(["ask", "-c", "-m", "b/one", "go on"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        eleven
        ------- stderr -------
        a/one's answer broke off above; it is gone on with below
        [exit status: 0]
        requests: 2
        ledger: a/one "partial" "one two three four five six seven eight nine ten", finish "cut", "server" null, HTTP [200], 2+11 tokens "estimated", cost "0.000024" "estimated", possibly billed
        ledger: b/one "ok" "eleven", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    let body = lab.server.requests()[1].json();
    let turns: Vec<_> =
        body["messages"].as_array().unwrap().iter().map(|turn| turn["content"].as_str().unwrap()).collect();
    assert_eq!(turns, ["hello", TEN, "go on"]);
    // A whole answer has no such line.
    let output = lab.pollm(["ask", "-c", "and now?"]).run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("eleven\n", ""));
}
