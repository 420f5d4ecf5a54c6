use std::time::Duration;

use proptest::prelude::*;
use ulid::Ulid;

use super::*;
use crate::chat::Finish;
use crate::comparison::{Agreement, Checked, Group, LaneResult, Run};
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::{Attempt, Clock, CountedUsage, Outcome, Status};
use crate::render::filter::is_forbidden;
use crate::wire::{ApiError, FailureKind};

fn run(first: u64, total: u64, usd: Option<&str>, text: &str) -> Run {
    let at = Duration::from_millis;
    let started_at = Timestamp::from_second(1_795_348_800).unwrap();
    let usage = Usage { input_uncached: Tokens(312), output: Tokens(128), ..Usage::default() };
    let computed = |usd| Bill {
        cost: Some(Cost::parse_usd(usd).unwrap()),
        source: CostSource::Computed,
        approximate: false,
    };
    let outcome = Outcome {
        status: Status::Ok,
        finish: Some(Finish::Stop),
        text: text.to_owned(),
        usage: Some(CountedUsage { usage, source: UsageSource::Reported }),
        bill: usd.map_or(Bill::UNKNOWN, computed),
        clock: Clock {
            first_token: Some(at(first)),
            first_visible: Some(at(first)),
            last_token: Some(at(total)),
            end: at(total),
            token_reads: 9,
            ..Clock::default()
        },
        wall: at(total),
        attempts: vec![Attempt {
            started: at(0),
            took: at(total),
            status: Some(200),
            error: None,
            waited: None,
        }],
        ..Outcome::new(ModelRef::new("openai", "gpt"), "openai/gpt".to_owned(), started_at)
    };
    Run { outcome, is_warmup: false, checks: Vec::new() }
}

fn failed(kind: FailureKind, text: &str, message: &str) -> Run {
    let mut run = run(100, 900, None, text);
    run.outcome.status = if text.is_empty() { Status::Error } else { Status::Partial };
    run.outcome.finish = (!text.is_empty()).then_some(Finish::Cut);
    run.outcome.error = Some(ApiError { status: Some(429), ..ApiError::new(kind, message) });
    run
}

fn comparison(lanes: Vec<(&str, Vec<Run>)>) -> Comparison {
    let lanes = lanes.into_iter().map(|(name, runs)| LaneResult {
        name: name.to_owned(),
        route: serde_json::Value::Null,
        runs,
    });
    Comparison {
        id: Ulid::from_parts(1_795_348_800_000, 7),
        started_at: Timestamp::from_second(1_795_348_800).unwrap(),
        prompt: "Which one?".to_owned(),
        wall: Duration::from_millis(6_400),
        lanes: lanes.collect(),
        agreement: None,
    }
}

/// Every text that the page can show is `text`.
fn filled_with(text: &str) -> Comparison {
    let mut good = run(410, 1_322, Some("0.0019"), text);
    good.outcome.reasoning = Some(text.to_owned());
    good.outcome.served_model = Some(text.to_owned());
    good.outcome.served_by = Some(text.to_owned());
    good.checks = vec![Checked { check: text.to_owned(), failure: Some(text.to_owned()) }];
    let lanes = vec![
        (text, vec![good.clone(), run(500, 900, Some("0.1"), text), good]),
        ("b", vec![failed(FailureKind::RateLimit, "", text)]),
        (text, vec![failed(FailureKind::Broken, text, text)]),
        ("d", vec![run(500, 9_000, None, text)]),
    ];
    let group = Group { lanes: vec![0, 3], answer: text.to_owned() };
    Comparison {
        prompt: text.to_owned(),
        agreement: Some(Agreement { groups: vec![group], fields: vec![text.to_owned()] }),
        ..comparison(lanes)
    }
}

const TAGS: &str = "a article b bdi blockquote body br button circle code dd del details div dl dt em figcaption \
    figure footer g h1 h2 h3 h4 h5 h6 head header hr html i li line main meta ol p pre rect section small span \
    strong summary svg table tbody td text th thead time title tr tspan ul wbr script style";

const ATTRIBUTES: &str = "aria-hidden aria-labelledby charset class content cx cy data-sort data-value datetime \
    dir dx dy height hidden href http-equiv id lang name open r rel role scope start tabindex text-anchor title type \
    width x x1 x2 y y1 y2";

/// Reads a page as strictly as it is written; panics on what is not ours.
fn read(page: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut rest = page.strip_prefix("<!doctype html>").expect("a page");
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a loose bracket: {}", &rest[..at]);
        rest = &rest[at + 1..];
        let (tag, mut after) = rest.split_at(rest.find([' ', '>']).expect("a tag's end"));
        let name = tag.strip_prefix('/').unwrap_or(tag);
        assert!(TAGS.split_whitespace().any(|ours| ours == name), "<{tag}");
        while let Some(attribute) = after.strip_prefix(' ') {
            let end = attribute.find(['=', ' ', '>']).expect("an attribute's end");
            let name = &attribute[..end];
            assert!(ATTRIBUTES.split_whitespace().any(|ours| ours == name), "<{tag} {name}");
            after = &attribute[end..];
            let Some(value) = after.strip_prefix("=\"") else { continue };
            let (value, behind) = value.split_once('"').expect("a quote");
            assert!(!value.contains(['<', '>', '\'']), "{value}");
            let harmless = ["#lane-", "http://", "https://", "mailto:"];
            assert!(name != "href" || harmless.iter().any(|begin| value.starts_with(begin)), "{value}");
            after = behind;
        }
        rest = after.strip_prefix('>').unwrap_or_else(|| panic!("<{tag} …{:.40}", after));
        seen.push(tag.to_owned());
        if let "script" | "style" = tag {
            rest = &rest[rest.find("</").expect("its end")..];
        }
    }
    seen
}

fn assert_ours(page: &str) {
    let seen = read(page);
    for once in ["script", "style", "title"] {
        // Charts have titles, too.
        let count = seen.iter().filter(|tag| *tag == once).count();
        assert!(if once == "title" { count > 0 } else { count == 1 }, "{count} {once}");
    }
    assert_eq!(page.matches("<script").count(), 1);
    for (open, close) in
        [("article", "/article"), ("section", "/section"), ("table", "/table"), ("svg", "/svg")]
    {
        let count = |tag: &str| seen.iter().filter(|seen| *seen == tag).count();
        assert_eq!(count(open), count(close), "{open}");
    }
}

#[test]
fn hostile_text_stays_text() {
    for text in [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>\n\n<b onclick='x'>y</b>",
        "\" onmouseover=\"alert(1)\" x=\"",
        "[a](javascript:alert(1)) ![b](https://x.example/t.gif) <https://y.example/\"'>",
        "```\"><script>\n</code></pre><script>\n```\n\n| <b> |\n|:-:|\n| `</td>` |",
        "</title></style><!-- <![CDATA[ &#60;script&#62; &lt;script>",
        "\u{202e}\u{2066}\x1b]0;x\x07\0\u{feff}",
    ] {
        let page = html(&filled_with(text));
        assert_ours(&page);
        assert!(!page.contains(|c: char| c != '\n' && is_forbidden(c)), "{text:?}");
    }
}

#[test]
fn the_policy_names_what_is_in_the_page() {
    let page = html(&filled_with("x"));
    for tag in ["style", "script"] {
        let (_, from) = page.split_once(&format!("<{tag}>")).unwrap();
        let (inside, _) = from.split_once(&format!("</{tag}>")).unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(inside.replace("\r\n", "\n")));
        assert!(page.contains(&format!("{tag}-src &#39;sha256-{hash}&#39;")), "{tag}");
    }
    assert!(page.contains("content=\"default-src &#39;none&#39;;"));
    for foreign in ["src=\"", "srcset=", "@import", "url(", "style=\"", "<link", "<iframe"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn what_is_unknown_is_not_shown_as_nothing() {
    let lanes = vec![
        ("a/priced", vec![run(400, 1_300, Some("0.002"), "yes")]),
        ("a/unpriced", vec![run(500, 2_000, None, "no")]),
        ("a/cheap", vec![run(500, 2_500, Some("0.001"), "no")]),
    ];
    let page = html(&comparison(lanes));
    assert!(page.contains("≥ $0.003 in all (1 call unpriced)"), "{page}");
    assert!(page.contains("<span>cost unknown</span>"));
    // Its dot stands behind the axis of cost, in a place of its own.
    let (_, dot) = page.split_once("<title>a/unpriced: 2.00 s, cost unknown</title>").unwrap();
    let (x, _) = dot.split_once("cx=\"").unwrap().1.split_once('%').unwrap();
    assert!(x.parse::<f64>().unwrap() > 90.0, "{x}");
    assert!(page.contains(">unknown</text>"));
}

#[test]
fn failures_and_cut_answers_are_told() {
    let lanes = vec![
        ("a/good", vec![run(400, 1_300, Some("0.002"), "yes")]),
        ("a/none", vec![failed(FailureKind::RateLimit, "", "slow down")]),
        ("a/part", vec![failed(FailureKind::Broken, "begun", "reset")]),
    ];
    let page = html(&comparison(lanes));
    assert!(
        page.contains(
            "<strong>the rate limit is reached (HTTP 429)</strong></p><p dir=\"auto\">slow down</p>"
        )
    );
    assert!(page.contains("<p>begun</p>"));
    assert!(page.contains("The answer ends here: <strong>the connection broke (HTTP 429)</strong>"));
    assert!(!page.contains("class=\"scatter\""), "one dot is no comparison");
}

#[test]
fn runs_are_dots_and_other_answers_are_kept() {
    let runs = |text| vec![run(400, 1_000, Some("0.002"), "same"), run(500, 1_200, Some("0.002"), text)];
    let page = html(&comparison(vec![("a/b", runs("another")), ("a/c", runs("same"))]));
    assert_eq!(page.matches("<circle class=\"end\"").count(), 4);
    assert!(page.contains("<summary>1 run besides this one</summary>"));
    assert!(page.contains("<p>another</p>") && page.contains("the same answer"));
}

#[test]
fn a_comparison_without_lanes_is_a_page_too() {
    assert_ours(&html(&Comparison { prompt: String::new(), ..comparison(Vec::new()) }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_becomes_markup(text in prop_oneof![
        any::<String>(),
        "([<>&\"'`*_~|#\\[\\]()!:\n -]|<script>|</|javascript:|https://x|\\| a \\|\n\\|--\\|\n|```|onclick=){0,60}",
    ]) {
        assert_ours(&html(&filled_with(&text)));
    }
}
