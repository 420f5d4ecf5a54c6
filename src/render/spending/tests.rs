//! Reports as they are read.

use jiff::tz::TimeZone;

use super::*;
use crate::ledger::{Held, HeldState, Spent};
use crate::model::ModelRef;
use crate::money::{Bill, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::CountedUsage;
use crate::render::output::{Output, OutputInputs};
use crate::spending::{By, Gatherer};

fn spending(calls: &[(&'static str, Option<&str>, CostSource)], held: &[Held]) -> Spending {
    let mut gatherer = Gatherer::new(By::Model, TimeZone::UTC);
    for (model, usd, source) in calls {
        let usage = Usage { input_uncached: Tokens(12_345), output: Tokens(10), ..Usage::default() };
        gatherer.add(&Spent {
            started_ns: 0,
            provider: "lab",
            model,
            command: "ask",
            usage: Some(CountedUsage { usage, source: UsageSource::Reported }),
            bill: Bill {
                cost: usd.map(|usd| Cost::parse_usd(usd).unwrap()),
                source: *source,
                approximate: false,
            },
            possibly_billed: false,
            effort: None,
            request_id: None,
        });
    }
    held.iter().for_each(|call| gatherer.add_held(call));
    gatherer.finish(None, None)
}

fn held(model: &str, usd: Option<&str>, state: HeldState) -> Held {
    let worst = usd.map(|usd| Cost::parse_usd(usd).unwrap());
    let (call, at) = (ulid::Ulid::nil(), jiff::Timestamp::UNIX_EPOCH);
    let model = ModelRef::new("lab", model);
    Held { call, command: "ask".to_owned(), model, at, worst, counted: worst, state }
}

fn mixed() -> Spending {
    use CostSource as S;
    let calls = [
        ("a-model-with-a-long-name", Some("1.5"), S::Billed),
        ("small", Some("0.00000075"), S::Computed),
        ("guessed", Some("0.25"), S::Estimated),
        ("unknown", None, S::Unknown),
    ];
    let held = [
        held("small", Some("0.5"), HeldState::Lost),
        held("killed", Some("0.25"), HeldState::Lost),
        held("unknown", None, HeldState::Open),
        held("guessed", Some("9"), HeldState::Doubtful),
    ];
    spending(&calls, &held)
}

#[test]
fn amounts_say_what_they_are() {
    let usd = |text: &str| Some(Cost::parse_usd(text).unwrap());
    assert_eq!(amount(usd("1.23"), 0, false), "$1.23");
    assert_eq!(amount(usd("1.23"), 2, true), "≥ ~$1.23");
    assert_eq!(amount(None, 2, false), "?");
    assert_eq!((amount(usd("0"), 1, true), amount(usd("0"), 0, false)), ("?".to_owned(), "$0.00".to_owned()));
    let total = Total { known: usd("1.23").unwrap(), unpriced: 2, ..Total::default() };
    assert_eq!(total_in_words(&total, usd("1.23"), false), "≥ $1.23 (2 calls unpriced)");
}

#[test]
fn no_line_of_the_table_is_wider_than_the_terminal() {
    let output = Output::decide(&OutputInputs::default());
    for width in 40..=200 {
        let text = text(&mixed(), width, &output);
        for line in text.lines().take(7) {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
        }
    }
    insta::assert_snapshot!(text(&mixed(), 40, &output), @"
    model               calls           cost
    …-with-a-long-name      1          $1.50
    lab/guessed             1         ~$0.25
    lab/small               1  ≥ $0.00000075
    lab/unknown             1              ?
    lab/killed              0              ?
    total                   4   ≥ ~$1.750001

    span                      all calls
    calls                     4
    total                     ≥ ~$1.750001 (1 call unpriced, 2 calls possibly billed besides, 1 call under way)
    billed by the provider    $1.50 in 1 call
    computed from its counts  $0.00000075 in 1 call
    estimated                 ~$0.25 in 1 call
    possibly billed besides   2 calls whose process was killed: at most $0.75 more
    under way                 1 call: what may be billed is unknown
    ");
    let wide = text(&mixed(), 140, &output);
    let bars: Vec<usize> = wide.lines().skip(1).take(5).map(|line| line.matches('█').count()).collect();
    assert_eq!(bars, [24, 4, 0, 0, 0]);
    assert!(wide.lines().nth(3).unwrap().ends_with('▏'), "{wide}");
}

/// What a killed process may have cost is in no sum, and no sum hides it.
#[test]
fn a_killed_call_is_named_wherever_totals_are() {
    let spending = mixed();
    let csv = csv(&spending);
    let killed = csv.lines().find(|line| line.starts_with("lab/killed")).unwrap();
    assert_eq!(killed, "lab/killed,0,0,0,0,0,0,,false,0,0,0,0,1,1,0.25,0,0");
    let page = html(&spending);
    assert!(page.contains("2 calls whose process was killed: at most $0.75 more"), "{page}");
    let json = json(&spending);
    let cost = &json["total"]["cost"];
    assert_eq!(cost["lost"], serde_json::json!({"calls": 2, "usd_most": "0.75", "unpriced_calls": 0}));
    assert_eq!(cost["under_way"], serde_json::json!({"calls": 1, "usd_most": null, "unpriced_calls": 1}));
    assert_eq!((&cost["possibly_billed_calls"], &json["total"]["calls"]), (&2.into(), &4.into()));
}

#[test]
fn a_call_that_nothing_was_served_for_is_no_unknown() {
    let mut failed = Sums::default();
    let call = |usage, usd: Option<&str>| Spent {
        started_ns: 0,
        provider: "lab",
        model: "one",
        command: "ask",
        usage,
        bill: Bill {
            cost: usd.map(|usd| Cost::parse_usd(usd).unwrap()),
            source: CostSource::Computed,
            approximate: false,
        },
        possibly_billed: false,
        effort: None,
        request_id: None,
    };
    failed.add(&call(None, Some("0")));
    assert_eq!((failed.calls, failed.unserved, failed.uncounted, failed.computed.calls), (1, 1, 0, 0));
    assert_eq!((tokens(failed.input, &failed), cost(&failed)), ("0".to_owned(), "$0.00".to_owned()));
    failed.add_held(&held("one", Some("1"), HeldState::Lost));
    assert_eq!(cost(&failed), "?");
    failed.add(&call(None, None));
    assert_eq!((failed.uncounted, cost(&failed)), (1, "?".to_owned()));
}
