//! Requests that may have been served although no answer came.

use insta::assert_snapshot;
use serde_json::json;

use super::{answer, ask, asked, calls, configure, lab};
use crate::support::Script;

#[test]
fn they_are_neither_sent_again_nor_passed_on() {
    for lost in
        [Script::sse([": still here\n\n"]).hang(), Script::sse([": still here\n\n"]).sleep(300).reset()]
    {
        let lab = lab(move |model, _| if model == "a/one" { lost.clone() } else { answer("Here") });
        configure(&lab, "[timeouts]\nfirst_event = 1.0");
        let output = lab.pollm(["ask", "-m", "a/one,b/one", "hello"]).run();
        assert!(matches!(output.code, Some(1 | 6)), "{output}");
        assert_eq!(asked(&lab), ["a/one"]);
        assert_eq!(lab.ledger()[0]["possibly_billed"], true);
        assert!(output.stderr.contains("--retry-ambiguous"), "{output}");
    }
}

#[test]
fn they_are_with_the_users_word() {
    let lab = lab(|model, _| match model {
        "a/one" => Script::sse([": still here\n\n"]).sleep(300).reset(),
        _ => answer("Here"),
    });
    let output = ask(&lab, "a/one,b/one", &["--retry-ambiguous", "-u"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Here
        ------- stderr -------
        a/one: the connection broke, possibly billed ~$0.000002; trying the next model
        b/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1 · 2 attempts, TIME in all · a/one failed · ~$0.000002 more possibly billed
        [exit status: 0]
        requests: 2
        ledger: a/one "error" "", finish null, "broken" null, HTTP [200], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
        ledger: b/one "ok" "Here", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn what_is_sent_again_is_billed_as_if_both_were_served() {
    let lab = lab(|_, before| match before {
        0 => Script::sse([": still here\n\n"]).sleep(300).reset(),
        _ => answer("Here"),
    });
    let output = lab.pollm(["ask", "-m", "a/one", "--retry-ambiguous", "-u", "hello"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Here
        ------- stderr -------
        the connection broke: Connection reset by peer (os error N), possibly billed; retrying in N s
        the request that was sent again may have been served too, for ~$0.000002 of the cost
        a/one · TIME to first word, TIME · 9 → 1 tokens · ~$0.000013 · possibly billed · 1 retry, TIME in all · answered by scripted-1
        [exit status: 0]
        requests: 2
        ledger: a/one "ok" "Here", finish "stop", HTTP [200,200], 9+1 tokens "reported", cost "0.000013" "estimated", possibly billed
    "#);
    let row = &lab.ledger()[0];
    assert_eq!(
        (&row["requests"][0]["error_kind"], &row["timing"]["attempts"]),
        (&json!("broken"), &json!(2))
    );
    assert_eq!(calls(&lab), ["a/one ok"]);
}
