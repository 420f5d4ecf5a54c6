use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::chat::Request;
use crate::ledger::Entry;
use crate::ledger::HeldState;
use crate::money::{Bill, CostSource};
use crate::outcome::Status;

fn ledger() -> Ledger {
    Ledger::of(open::in_memory().unwrap(), Path::new(""))
}

fn usd(text: &str) -> Cost {
    Cost::parse_usd(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOON: &str = "2026-11-22T12:00:00Z";

fn model(name: &str) -> ModelRef {
    ModelRef::split(name).unwrap()
}

fn wish(name: &str, worst: &str) -> Reservation {
    let worst = (!worst.is_empty()).then(|| usd(worst));
    Reservation { call: Ulid::generate(), model: model(name), worst }
}

fn day(limit: &str) -> Cap {
    Cap { scope: Scope::All, since: at("2026-11-22T00:00:00Z"), limit: usd(limit) }
}

fn ended(call: &Reservation, cost: Option<&str>) -> Outcome {
    let bill = cost.map_or(Bill::UNKNOWN, |cost| Bill {
        cost: Some(usd(cost)),
        source: CostSource::Computed,
        approximate: false,
    });
    Outcome {
        id: call.call,
        status: Status::Ok,
        bill,
        ..Outcome::new(call.model.clone(), call.model.to_string(), at(NOON))
    }
}

fn log(ledger: &mut Ledger, outcome: &Outcome) {
    let request = Request::default();
    let entry = Entry {
        outcome,
        command: "ask",
        request: &request,
        conversation: Ulid::generate(),
        parent: None,
        place: None,
    };
    ledger.append(&entry).unwrap();
}

fn reserve(ledger: &mut Ledger, calls: &[Reservation], caps: &[Cap]) -> Decision {
    ledger.reserve("ask", calls, caps, at(NOON)).unwrap()
}

/// Spent, possibly billed and open, in USD.
fn sums(ledger: &mut Ledger, cap: &Cap) -> [String; 3] {
    let sum = ledger.spending(cap, at(NOON)).unwrap();
    [sum.spent, sum.possible, sum.open].map(Cost::to_usd)
}

fn rows(ledger: &Ledger) -> i64 {
    ledger.connection.query_row("SELECT count(*) FROM reservations", [], |row| row.get(0)).unwrap()
}

#[test]
fn all_calls_are_granted_or_none() {
    let (mut ledger, cap) = (ledger(), day("0.10"));
    let both = [wish("a/x", "0.06"), wish("b/y", "0.05")];
    let refused = reserve(&mut ledger, &both, std::slice::from_ref(&cap));
    let nothing = Spending::default();
    assert_eq!(refused, Decision::Refused { cap: 0, asked: usd("0.11"), spending: nothing });
    assert_eq!(rows(&ledger), 0);
    assert_eq!(reserve(&mut ledger, &both[..1], std::slice::from_ref(&cap)), Decision::Granted);
    assert_eq!(sums(&mut ledger, &cap), ["0", "0", "0.06"]);
    assert!(matches!(reserve(&mut ledger, &both[1..], &[cap]), Decision::Refused { .. }));
}

#[test]
fn a_call_that_ends_well_gives_back_what_it_did_not_use() {
    let (mut ledger, cap) = (ledger(), day("1"));
    let call = wish("a/x", "0.5");
    reserve(&mut ledger, std::slice::from_ref(&call), std::slice::from_ref(&cap));
    log(&mut ledger, &ended(&call, Some("0.000000000000000007")));
    assert_eq!(sums(&mut ledger, &cap), ["0.000000000000000007", "0", "0"]);
    assert_eq!(rows(&ledger), 0);
}

#[test]
fn a_call_in_no_history_counts_all_the_same() {
    let (mut ledger, cap) = (ledger(), day("1"));
    let (free, paid) = (wish("a/x", "0.5"), wish("a/x", "0.4"));
    reserve(&mut ledger, &[free.clone(), paid.clone()], std::slice::from_ref(&cap));
    ledger.settle(&ended(&free, Some("0"))).unwrap();
    ledger.settle(&ended(&paid, Some("0.125"))).unwrap();
    assert_eq!(sums(&mut ledger, &cap), ["0.125", "0", "0"]);
    ledger.settle(&ended(&wish("a/x", "1"), Some("1"))).unwrap();
    assert_eq!(sums(&mut ledger, &cap), ["0.125", "0", "0"], "what was never reserved is not counted");
}

#[test]
fn what_may_have_been_billed_counts_at_its_worst_and_once() {
    let (mut ledger, cap) = (ledger(), day("9"));
    let calls = ["1", "1", "1", "1"].map(|worst| wish("a/x", worst));
    reserve(&mut ledger, &calls, std::slice::from_ref(&cap));
    let cut = |call, cost| Outcome { possibly_billed: true, ..ended(call, cost) };
    log(&mut ledger, &cut(&calls[0], Some("0.25")));
    assert_eq!(sums(&mut ledger, &cap), ["0.25", "0.75", "3"]);
    ledger.settle(&cut(&calls[1], Some("0.25"))).unwrap();
    assert_eq!(sums(&mut ledger, &cap), ["0.25", "1.75", "2"]);
    log(&mut ledger, &ended(&calls[2], None));
    assert_eq!(sums(&mut ledger, &cap), ["0.25", "2.75", "1"], "an unknown cost is the worst case");
    let mut guessed = ended(&calls[3], Some("0.5"));
    guessed.bill.source = CostSource::Estimated;
    log(&mut ledger, &guessed);
    assert_eq!(sums(&mut ledger, &cap), ["0.75", "3.25", "0"], "tokens that nobody counted");
    let held = ledger.held(Some(at("2026-11-22T00:00:00Z")), None, at(NOON)).unwrap();
    assert_eq!(held.len(), 4);
    assert!(held.iter().all(|one| one.state == HeldState::Doubtful && one.worst == Some(usd("1"))));
}

#[test]
fn a_bill_above_the_reservation_counts_as_billed() {
    let (mut ledger, cap) = (ledger(), day("1"));
    let call = wish("a/x", "0.1");
    reserve(&mut ledger, std::slice::from_ref(&call), std::slice::from_ref(&cap));
    let outcome = Outcome { bill: Bill::billed(usd("0.3")), ..ended(&call, None) };
    log(&mut ledger, &outcome);
    assert_eq!(sums(&mut ledger, &cap), ["0.3", "0", "0"]);
}

#[test]
fn windows_begin_at_their_moment_and_open_calls_are_in_all_of_them() {
    let mut ledger = ledger();
    let yesterday = at("2026-11-21T23:59:59.999999999Z");
    let old = wish("a/x", "0.5");
    ledger.reserve("ask", std::slice::from_ref(&old), &[], yesterday).unwrap();
    let cap = day("1");
    assert_eq!(sums(&mut ledger, &cap), ["0", "0", "0.5"], "it may be billed today");
    ledger.settle(&Outcome { started_at: yesterday, ..ended(&old, Some("0.4")) }).unwrap();
    assert_eq!(sums(&mut ledger, &cap), ["0", "0", "0"], "it began yesterday");
    let month = Cap { since: at("2026-11-01T00:00:00Z"), ..cap };
    assert_eq!(sums(&mut ledger, &month), ["0.4", "0", "0"]);
}

#[test]
fn a_cap_covers_its_provider_or_its_model_only() {
    let mut ledger = ledger();
    let cap = |scope| Cap { scope, ..day("1") };
    let caps = [cap(Scope::Provider(ProviderId::new("a"))), cap(Scope::Model(model("b/y"))), cap(Scope::All)];
    let caps = [caps[0].clone(), caps[1].clone(), Cap { limit: usd("100"), ..caps[2].clone() }];
    assert_eq!(reserve(&mut ledger, &[wish("a/x", "0.9"), wish("b/x", "50")], &caps), Decision::Granted);
    let refused = reserve(&mut ledger, &[wish("a/z", "0.2"), wish("b/y", "0.9")], &caps);
    assert!(matches!(refused, Decision::Refused { cap: 0, .. }), "{refused:?}");
    assert_eq!(reserve(&mut ledger, &[wish("b/y", "1")], &caps), Decision::Granted);
    let refused = reserve(&mut ledger, &[wish("b/y", "0.000000001")], &caps);
    assert!(matches!(refused, Decision::Refused { cap: 1, .. }), "{refused:?}");
}

#[test]
fn what_has_no_price_is_counted_as_unpriced_and_nothing_passes_a_full_cap() {
    let (mut ledger, cap) = (ledger(), day("1"));
    let unpriced = wish("a/x", "");
    reserve(&mut ledger, &[unpriced.clone(), wish("a/y", "1")], std::slice::from_ref(&cap));
    assert_eq!(ledger.spending(&cap, at(NOON)).unwrap().unpriced, 1);
    log(&mut ledger, &ended(&unpriced, None));
    assert_eq!(ledger.spending(&cap, at(NOON)).unwrap().unpriced, 1, "counted once");
    let free = reserve(&mut ledger, &[wish("a/z", "0")], std::slice::from_ref(&cap));
    assert_eq!(free, Decision::Granted);
    assert_eq!(ledger.spending(&cap, at(NOON)).unwrap().left(cap.limit), Cost::ZERO);
}

#[test]
fn the_reservation_of_a_process_that_is_gone_is_lost_and_may_still_be_settled() {
    let (mut ledger, cap) = (ledger(), day("1"));
    let call = wish("a/x", "0.75");
    reserve(&mut ledger, std::slice::from_ref(&call), std::slice::from_ref(&cap));
    ledger
        .connection
        .execute("UPDATE reservations SET process = 4194305, machine = 'earlier x'", [])
        .unwrap();
    let age_of_a_day = at("2026-11-23T13:00:00Z");
    let held = ledger.held(Some(cap.since), None, age_of_a_day).unwrap();
    assert_eq!((held.len(), held[0].state, held[0].worst), (1, HeldState::Lost, Some(usd("0.75"))));
    ledger.spending(&cap, age_of_a_day).unwrap();
    assert_eq!(sums(&mut ledger, &cap), ["0", "0.75", "0"]);
    let refused = reserve(&mut ledger, &[wish("a/x", "0.5")], std::slice::from_ref(&cap));
    assert!(matches!(refused, Decision::Refused { .. }));
    log(&mut ledger, &ended(&call, Some("0.25")));
    assert_eq!(sums(&mut ledger, &cap), ["0.25", "0", "0"], "it lived after all");
}

#[test]
fn a_look_counts_what_is_lost_as_a_wish_does() {
    let mut ledger = ledger();
    let lost = wish("a/x", "8");
    let yesterday = at("2026-11-21T11:00:00Z");
    ledger.reserve("ask", std::slice::from_ref(&lost), &[], yesterday).unwrap();
    ledger
        .connection
        .execute("UPDATE reservations SET machine = 'earlier boot', process_began = 1", [])
        .unwrap();
    // Its process is gone, so that it counts on the day on which it was made.
    let (wishes, caps) = ([wish("a/x", "5")], [day("10")]);
    assert_eq!(ledger.would_grant(&wishes, &caps, at(NOON)).unwrap(), Decision::Granted);
    assert_eq!(ledger.reserve("ask", &wishes, &caps, at(NOON)).unwrap(), Decision::Granted);
}

#[test]
fn what_was_not_sent_is_given_back() {
    let (mut ledger, cap) = (ledger(), day("1"));
    let calls = [wish("a/x", "0.5"), wish("a/x", "0.5")];
    reserve(&mut ledger, &calls, std::slice::from_ref(&cap));
    ledger.release(&[calls[0].call]).unwrap();
    assert_eq!(sums(&mut ledger, &cap), ["0", "0", "0.5"]);
}

#[test]
fn settled_rows_are_forgotten_after_the_longest_month() {
    let mut ledger = ledger();
    let call = wish("a/x", "0.5");
    let long_ago = at("2026-09-01T00:00:00Z");
    ledger.reserve("ask", std::slice::from_ref(&call), &[], long_ago).unwrap();
    ledger.settle(&Outcome { started_at: long_ago, ..ended(&call, Some("0.5")) }).unwrap();
    assert_eq!(rows(&ledger), 1);
    reserve(&mut ledger, &[wish("a/x", "0.5")], &[]);
    assert_eq!(rows(&ledger), 1);
}

#[test]
fn sums_read_the_index_alone() {
    let ledger = ledger();
    let plan: String = ledger
        .connection
        .query_row(&format!("EXPLAIN QUERY PLAN {SPENT}"), params![0, "a", "x"], |row| row.get(3))
        .unwrap();
    assert_eq!(plan, "SEARCH calls USING COVERING INDEX calls_by_time (started_ns>?)");
}

/// What one of several processes does next.
#[derive(Clone, Debug)]
enum Step {
    Reserve(Vec<(u8, u32)>),
    /// One of the open calls ends: with a share of its worst case, logged or
    /// not, whole or cut.
    End {
        which: usize,
        share: u32,
        logged: bool,
        cut: bool,
    },
    /// The owner of one of the open calls is killed.
    Kill(usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0..3_u8, 0..600_u32), 1..4).prop_map(Step::Reserve),
        4 => (any::<usize>(), 0..=100_u32, any::<bool>(), any::<bool>())
            .prop_map(|(which, share, logged, cut)| Step::End { which, share, logged, cut }),
        1 => any::<usize>().prop_map(Step::Kill),
        1 => any::<usize>().prop_map(Step::Release),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// The provider bills up to the worst case whatever is known here.
    #[test]
    fn no_order_of_events_passes_a_cap(steps in prop::collection::vec(step(), 1..40)) {
        let mut ledger = ledger();
        let thousandths = |n: u32| Cost::from_atto(i128::from(n) * 1_000_000_000_000_000);
        let of = |scope, limit| Cap { scope, since: at("2026-11-22T00:00:00Z"), limit: thousandths(limit) };
        let caps = [
            of(Scope::All, 1_000),
            of(Scope::Provider(ProviderId::new("p1")), 500),
            of(Scope::Model(model("p2/m")), 300),
        ];
        let mut open: Vec<(Reservation, Cost)> = Vec::new();
        let mut billed = [Cost::ZERO; 3];
        for step in steps {
            match step {
                Step::Reserve(wishes) => {
                    let calls: Vec<_> = wishes
                        .iter()
                        .map(|(p, worst)| Reservation {
                            call: Ulid::generate(),
                            model: model(&format!("p{p}/m")),
                            worst: Some(thousandths(*worst)),
                        })
                        .collect();
                    if reserve(&mut ledger, &calls, &caps) == Decision::Granted {
                        open.extend(calls.into_iter().map(|call| { let worst = call.worst.unwrap(); (call, worst) }));
                    }
                }
                Step::End { which, share, logged, cut } if !open.is_empty() => {
                    let at_most = open.len();
                    let (call, worst) = open.swap_remove(which % at_most);
                    let cost = Cost::from_atto(worst.atto() * i128::from(share) / 100);
                    let outcome = Outcome { possibly_billed: cut, ..ended(&call, Some(&cost.to_usd())) };
                    if logged { log(&mut ledger, &outcome) } else { ledger.settle(&outcome).unwrap() }
                    for (cap, billed) in caps.iter().zip(&mut billed) {
                        if cap.scope.covers(&call.model) {
                            *billed = *billed + if cut { worst } else { cost };
                        }
                    }
                }
                Step::Kill(which) if !open.is_empty() => {
                    let at_most = open.len();
                    let (call, worst) = open.swap_remove(which % at_most);
                    ledger.connection
                        .execute("UPDATE reservations SET machine = 'earlier x' WHERE call = ?1", [call.call.to_string()])
                        .unwrap();
                    for (cap, billed) in caps.iter().zip(&mut billed) {
                        if cap.scope.covers(&call.model) {
                            *billed = *billed + worst;
                        }
                    }
                }
                Step::Release(which) if !open.is_empty() => {
                    let at_most = open.len();
                    let (call, _) = open.swap_remove(which % at_most);
                    ledger.release(&[call.call]).unwrap();
                }
                _ => {}
            }
            for (cap, billed) in caps.iter().zip(&billed) {
                let under_way: Cost =
                    open.iter().filter(|(call, _)| cap.scope.covers(&call.model)).map(|(_, worst)| *worst).sum();
                let counted = ledger.spending(cap, at(NOON)).unwrap();
                prop_assert!(*billed + under_way <= cap.limit, "{:?}: {:?}", cap, counted);
                prop_assert_eq!(counted.total(), *billed + under_way);
            }
        }
    }
}
