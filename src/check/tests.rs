use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::ModelRef;
use crate::money::{Bill, CostSource};
use crate::outcome::Attempt;
use crate::wire::{ApiError, FailureKind};

fn answer(text: &str) -> Outcome {
    let mut outcome =
        Outcome::new(ModelRef::new("openai", "gpt"), "openai/gpt".to_owned(), Timestamp::UNIX_EPOCH);
    outcome.status = Status::Ok;
    outcome.text = text.to_owned();
    outcome
}

fn parse(text: &str) -> Check {
    Check::parse(text, &[]).unwrap()
}

fn failure_of(check: &str, outcome: &Outcome) -> Option<String> {
    let checked = parse(check).run(outcome, &AtomicBool::new(false)).unwrap();
    assert_eq!(checked.check, check);
    checked.failure
}

fn failure(check: &str, text: &str) -> Option<String> {
    failure_of(check, &answer(text))
}

fn refused(check: &str) -> String {
    Check::parse(check, &[]).unwrap_err().to_string()
}

#[test]
fn texts_and_patterns() {
    assert_eq!(failure("contains:apple", "an apple"), None);
    assert_eq!(failure("contains:Apple", "an apple").unwrap(), "`Apple` is not in the answer");
    assert_eq!(failure("contains: a:b ", "x a:b y"), None);
    assert_eq!(failure("not-contains:sorry", "Sorry, no"), None);
    assert_eq!(failure("not-contains:orry", "Sorry, no").unwrap(), "`orry` is in the answer");
    assert_eq!(failure("regex:(?i)^yes\\b", "Yes."), None);
    assert_eq!(failure("regex:^\\d+:\\d+$", "12:30 h").unwrap(), "nothing in the answer matches");
    assert_eq!(
        failure("regex:(a+)+$", &format!("{}b", "a".repeat(50_000))).unwrap(),
        "nothing in the answer matches"
    );
}

#[test]
fn json_with_or_without_a_fence() {
    for good in ["4", " {\"a\":[1]}\n", "```json\n[1]\n```"] {
        assert_eq!(failure("json", good), None, "{good}");
    }
    let why = failure("json", "Here: {}").unwrap();
    assert_eq!(why, "the answer is not JSON: expected value at line 1 column 1");
    assert!(failure("json", &"[".repeat(100_000)).is_some());
    assert!(failure("json", "").is_some());
}

#[test]
fn a_schema_is_read_before_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    std::fs::write(&path, r#"{"type":"object","required":["a"]}"#).unwrap();
    let check = format!("schema:{}", path.display());
    let parsed = parse(&check);
    std::fs::remove_file(&path).unwrap();
    let run = |text| parsed.run(&answer(text), &AtomicBool::new(false)).unwrap().failure;
    assert_eq!(run(r#"{"a":1}"#), None);
    assert_eq!(run("{}").unwrap(), "the answer does not meet the schema: `a` is missing");
    assert!(refused(&check).starts_with("error: could not read"));
}

#[test]
fn money_and_time() {
    let mut outcome = answer("4");
    assert_eq!(failure_of("max-cost:1", &outcome).unwrap(), "what it cost is unknown");
    assert_eq!(failure_of("max-latency:1", &outcome).unwrap(), "how long it took is unknown");
    outcome.bill = Bill {
        cost: Some(Cost::parse_usd("0.01").unwrap()),
        source: CostSource::Computed,
        approximate: false,
    };
    assert_eq!(failure_of("max-cost:0.01", &outcome), None);
    assert_eq!(failure_of("max-cost:$0.01", &outcome), None);
    assert_eq!(failure_of("max-cost:0.009", &outcome).unwrap(), "it cost $0.01, more than $0.009");
    assert_eq!(failure_of("max-cost:0", &answer("")).unwrap(), "what it cost is unknown");
    outcome.bill = Bill::LOCAL;
    assert_eq!(failure_of("max-cost:0", &outcome), None);

    outcome.attempts.push(Attempt {
        started: Duration::ZERO,
        took: Duration::from_millis(1500),
        status: Some(200),
        error: None,
        waited: None,
    });
    outcome.clock.end = Duration::from_millis(1500);
    // Waits before the attempt do not count.
    outcome.wall = Duration::from_secs(9);
    assert_eq!(failure_of("max-latency:1500", &outcome), None);
    assert_eq!(failure_of("max-latency:1499.5", &outcome).unwrap(), "it took 1500 ms, more than 1499.5 ms");
}

#[test]
fn an_answer_that_is_not_whole_passes_nothing() {
    let mut outcome = answer("apple");
    outcome.bill = Bill::LOCAL;
    outcome.status = Status::Partial;
    outcome.error = Some(ApiError::new(FailureKind::Broken, "reset by peer"));
    for check in ["contains:apple", "not-contains:pear", "regex:a", "json", "max-cost:1", "cmd:true"] {
        let said = failure_of(check, &outcome).unwrap();
        assert_eq!(said, "the answer is not whole: the connection broke", "{check}");
    }
    outcome.status = Status::Skipped;
    outcome.error = None;
    assert_eq!(failure_of("contains:apple", &outcome).unwrap(), "the prompt was not sent");
    outcome.status = Status::Cancelled;
    assert_eq!(failure_of("cmd:true", &outcome).unwrap(), "the call was interrupted");
}

#[test]
fn what_is_no_check_is_refused() {
    insta::assert_snapshot!(refused("contain:apple"), @"
    error: unknown check `contain`

    hint: did you mean `contains`?
    hint: checks are `contains:TEXT`, `not-contains:TEXT`, `regex:RE`, `json`, `schema:FILE`, `max-cost:USD`, `max-latency:MS`, `cmd:COMMAND`
    ");
    insta::assert_snapshot!(refused("apple"), @"
    error: unknown check `apple`

    hint: checks are `contains:TEXT`, `not-contains:TEXT`, `regex:RE`, `json`, `schema:FILE`, `max-cost:USD`, `max-latency:MS`, `cmd:COMMAND`
    ");
    insta::assert_snapshot!(refused("contains"), @"error: the check `contains` needs a value: `contains:TEXT`");
    insta::assert_snapshot!(refused("regex:"), @"error: the check `regex` needs a value: `regex:RE`");
    insta::assert_snapshot!(refused("json:x"), @"error: the check `json` takes no value");
    insta::assert_snapshot!(refused("regex:a(b"), @"error: invalid check `regex:a(b`: unclosed group");
    insta::assert_snapshot!(refused("regex:(a{1000}){1000}"), @"error: invalid check `regex:(a{1000}){1000}`: Compiled regex exceeds size limit of 10485760 bytes.");
    insta::assert_snapshot!(refused("max-cost:cheap"), @"error: invalid check `max-cost:cheap`: expected an amount in USD, such as `0.01`");
    insta::assert_snapshot!(refused("max-latency:1.5s"), @"error: invalid check `max-latency:1.5s`: expected milliseconds, such as `1500`");
    for check in
        ["max-latency:0", "max-latency:NaN", "max-latency:-1", "max-cost:-1", "schema:/nonexistent", ""]
    {
        assert!(Check::parse(check, &[]).is_err(), "{check}");
    }
}

#[test]
fn every_kind_that_the_help_lists_is_known_and_can_leave_the_thread() {
    fn assert_send<T: Send + Sync>(_: &T) {}
    for (form, _) in KINDS {
        let check = form.replace("TEXT", "a").replace("RE", "a").replace("FILE", "{}").replace("USD", "1");
        let check = check.replace("MS", "1").replace("COMMAND", "exit 0");
        assert_send(&parse(&check));
    }
}

proptest! {
    #[test]
    fn any_text_is_a_check_or_an_error(text in "(contains|regex|max-cost|max-latency|json|schema|\\PC{0,8}):?\\PC{0,12}") {
        if let Ok(check) = Check::parse(&text, &[]) {
            prop_assert_eq!(check.as_str(), text.as_str());
        }
    }
}
