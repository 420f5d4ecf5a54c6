//! Calls of many prompts: claimed once, whatever happens.

use serde_json::json;

use super::*;
use crate::outcome::Status;

fn begun(ledger: &mut Ledger, fingerprint: &str) -> Ulid {
    let id = Ulid::generate();
    let stored = StoredComparison {
        id,
        started_at: Timestamp::now(),
        prompt: "prompts.txt".to_owned(),
        plan: json!({"matrix": {}}),
        fingerprint: Some(fingerprint.to_owned()),
    };
    ledger.begin_comparison(&stored).unwrap();
    id
}

fn claim(comparison: Ulid, item: usize, instead_of: Option<Ulid>) -> Claim {
    let place = Place { comparison, lane: 1, run: 1, item: Some(item) };
    Claim { place, call: Ulid::generate(), instead_of }
}

fn end(ledger: &mut Ledger, claim: &Claim, text: &str) {
    let outcome = Outcome { id: claim.call, ..answered(text) };
    let (request, conversation) = (asked("x"), Ulid::generate());
    let entry = Entry {
        outcome: &outcome,
        command: "compare",
        request: &request,
        conversation,
        parent: None,
        place: Some(claim.place),
    };
    ledger.append(&entry).unwrap();
}

#[test]
fn a_place_is_claimed_by_one_process() {
    let scratch = Scratch::new();
    let (mut first, mut second) = (scratch.open(), scratch.open());
    let id = begun(&mut first, "f");
    let call = claim(id, 0, None);
    assert!(first.claim(&call).unwrap());
    assert!(!second.claim(&claim(id, 0, None)).unwrap());
    assert!(second.claim(&claim(id, 1, None)).unwrap());
    // Both saw the same failed call and want to make it again.
    let again = claim(id, 0, Some(call.call));
    assert!(second.claim(&again).unwrap());
    assert!(!first.claim(&claim(id, 0, Some(call.call))).unwrap());
    assert_eq!(first.begun(id).unwrap()[0].call, again.call);
}

#[test]
fn what_has_begun_and_not_ended_is_known() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let id = begun(&mut ledger, "f");
    let calls: Vec<Claim> = (0..3).map(|item| claim(id, item, None)).collect();
    calls.iter().for_each(|call| assert!(ledger.claim(call).unwrap()));
    end(&mut ledger, &calls[2], "yes");
    end(&mut ledger, &calls[0], "");
    let ended: Vec<_> = scratch.open().begun(id).unwrap().into_iter().map(|call| call.ended).collect();
    assert_eq!(ended, [Some((Status::Error, false)), None, Some((Status::Ok, false))]);
}

#[test]
fn calls_come_back_prompt_by_prompt_and_the_earlier_first() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let id = begun(&mut ledger, "f");
    let first = claim(id, 7, None);
    for call in [first, claim(id, 2, None), Claim { call: Ulid::generate(), ..first }] {
        end(&mut ledger, &call, &call.call.to_string());
    }
    let mut seen = Vec::new();
    let each = &mut |run: StoredRun| -> Result<(), LedgerError> {
        seen.push((run.place.item, run.call.outcome.id == first.call));
        Ok(())
    };
    ledger.each_run(id, each).unwrap();
    assert_eq!(seen, [(Some(2), false), (Some(7), true), (Some(7), false)]);
}

#[test]
fn a_deleted_call_may_be_made_again() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let id = begun(&mut ledger, "f");
    let (kept, deleted) = (claim(id, 0, None), claim(id, 1, None));
    for call in [&kept, &deleted] {
        assert!(ledger.claim(call).unwrap());
        end(&mut ledger, call, "yes");
    }
    ledger.delete(&Selection::Calls(vec![deleted.call.to_string()])).unwrap();
    let begun: Vec<Ulid> = ledger.begun(id).unwrap().into_iter().map(|call| call.call).collect();
    assert_eq!(begun, [kept.call]);
    assert!(ledger.claim(&claim(id, 1, None)).unwrap());
}

#[test]
fn the_latest_like_it_is_found_and_one_gone_on_with_is_the_last() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let (_, second, other) = (begun(&mut ledger, "f"), begun(&mut ledger, "f"), begun(&mut ledger, "g"));
    let found = ledger.comparison_like("f").unwrap().unwrap();
    assert_eq!(found.id, second);
    assert_eq!(ledger.comparison_like("h").unwrap(), None);
    assert_eq!(ledger.latest_comparison().unwrap().unwrap().id, other);
    ledger.begin_comparison(&found).unwrap();
    assert_eq!(ledger.latest_comparison().unwrap().unwrap().id, second);
}

#[test]
fn the_journal_grows_while_there_are_many_and_not_beyond() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let journal = || std::fs::metadata(scratch.path().with_extension("db-wal")).unwrap().len();
    ledger.expect_many();
    while journal() < 2 * open::JOURNAL_BYTES {
        say(&mut ledger, "what?", "yes");
    }
    ledger.no_more();
    assert_eq!(journal(), 0);
}
