//! Reports as they are read.

use jiff::tz::TimeZone;

use super::*;
use crate::ledger::Spent;
use crate::money::{Bill, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::CountedUsage;
use crate::render::output::{Output, OutputInputs};
use crate::spending::{By, Gatherer};

fn spending(calls: &[(&'static str, Option<&str>, CostSource)], loose: Loose) -> Spending {
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
    gatherer.finish(None, None, loose)
}

fn mixed() -> Spending {
    use CostSource as S;
    let calls = [
        ("a-model-with-a-long-name", Some("1.5"), S::Billed),
        ("small", Some("0.00000075"), S::Computed),
        ("guessed", Some("0.25"), S::Estimated),
        ("unknown", None, S::Unknown),
    ];
    spending(&calls, Loose { calls: 2, most: Cost::parse_usd("0.5").unwrap(), unpriced: 1 })
}

#[test]
fn amounts_say_what_they_are() {
    let usd = |text: &str| Some(Cost::parse_usd(text).unwrap());
    assert_eq!(amount(usd("1.23"), 0, false), "$1.23");
    assert_eq!(amount(usd("1.23"), 2, true), "≥ ~$1.23");
    assert_eq!(amount(None, 2, false), "?");
    let total = Total { known: usd("1.23").unwrap(), unpriced: 2, ..Total::default() };
    assert_eq!(total_in_words(&total, usd("1.23"), false), "≥ $1.23 (2 calls unpriced)");
}

#[test]
fn no_line_of_the_table_is_wider_than_the_terminal() {
    let output = Output::decide(&OutputInputs::default());
    for width in 40..=200 {
        let text = text(&mixed(), width, &output);
        for line in text.lines().take(6) {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
        }
    }
    insta::assert_snapshot!(text(&mixed(), 40, &output), @"
    model                calls          cost
    …l-with-a-long-name      1         $1.50
    lab/guessed              1        ~$0.25
    lab/small                1   $0.00000075
    lab/unknown              1             ?
    total                    4  ≥ ~$1.750001

    span                      all calls
    calls                     4
    total                     ≥ ~$1.750001 (1 call unpriced)
    billed by the provider    $1.50 in 1 call
    computed from its counts  $0.00000075 in 1 call
    estimated                 ~$0.25 in 1 call
    without an end            2 calls under way, or of a process that was killed: at most $0.50 more, and 1 unpriced
    ");
    let wide = text(&mixed(), 140, &output);
    let bars: Vec<usize> = wide.lines().skip(1).take(4).map(|line| line.matches('█').count()).collect();
    assert_eq!(bars, [24, 4, 0, 0]);
    assert!(wide.lines().nth(3).unwrap().ends_with('▏'), "{wide}");
}

#[test]
fn a_spreadsheet_gets_no_formulas() {
    assert_eq!(csv_field("=1+1"), "'=1+1");
    assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
}
