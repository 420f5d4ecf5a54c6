use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::chat::{Media, MediaKind, MediaSource, Message, Part, Role};
use crate::error::ErrorKind;
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::{CountedUsage, Status};

mod any;
mod cooldown;
mod file;
mod history;
mod matrix;
mod routing;

struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data/pollm/ledger.db")
    }

    fn open(&self) -> Ledger {
        Ledger::open(&self.path()).unwrap()
    }

    /// Everything in the ledger's folder, as bytes.
    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.path().parent().unwrap()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

fn asked(prompt: &str) -> Request {
    Request { messages: vec![Message::text(Role::User, prompt)], stream: true, ..Request::default() }
}

fn answered(text: &str) -> Outcome {
    let model = ModelRef::new("openai", "gpt-6.1-sol");
    let status = if text.is_empty() { Status::Error } else { Status::Ok };
    Outcome { status, text: text.into(), ..Outcome::new(model.clone(), model.to_string(), Timestamp::now()) }
}

fn append(ledger: &mut Ledger, request: &Request, outcome: &Outcome, conversation: Ulid) {
    ledger
        .append(&Entry { outcome, command: "ask", request, conversation, parent: None, place: None })
        .unwrap();
}

fn say(ledger: &mut Ledger, prompt: &str, text: &str) -> Outcome {
    let outcome = answered(text);
    append(ledger, &asked(prompt), &outcome, Ulid::generate());
    outcome
}

fn image(bytes: &[u8]) -> Part {
    Part::Media(Media {
        kind: MediaKind::Image,
        mime: "image/png".into(),
        name: "a.png".into(),
        source: MediaSource::Bytes(Arc::from(bytes)),
    })
}

fn count(ledger: &Ledger, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    ledger.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_appended_is_read_back(calls in prop::collection::vec(any::call(), 1..4)) {
        let mut ledger = Ledger::of(open::in_memory().unwrap(), Path::new(""));
        for call in &calls {
            let StoredCall { outcome, command, request, conversation, parent } = call;
            let entry = Entry { outcome, command, request, conversation: *conversation, parent: *parent, place: None };
            ledger.append(&entry).unwrap();
        }
        for call in &calls {
            prop_assert_eq!(&ledger.show(&call.outcome.id.to_string()).unwrap(), call);
        }
        let exported: Vec<StoredCall> = ledger.export().unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(exported, calls);
        ledger.delete(&Selection::All).unwrap();
        for table in ["calls", "attempts", "parts", "contents"] {
            prop_assert_eq!(count(&ledger, table), 0, "{}", table);
        }
    }

    #[test]
    fn any_text_is_an_id_a_prefix_or_an_error(text in "\\PC{0,30}|[0-9A-Za-z]{4,26}") {
        let ledger = Ledger::of(open::in_memory().unwrap(), Path::new(""));
        prop_assert!(ledger.show(&text).is_err());
        prop_assert!(ledger.conversation(&text).is_err());
    }

    #[test]
    fn a_term_is_found_wherever_it_stands(before in "\\PC{0,9}", term in "\\PC{1,9}", after in "\\PC{0,9}") {
        let mut ledger = Ledger::of(open::in_memory().unwrap(), Path::new(""));
        say(&mut ledger, "a prompt", &format!("{before}{term}{after}"));
        let found = ledger.list(&ListQuery { term: Some(&term), limit: None }).unwrap();
        prop_assert_eq!(found.len(), 1);
    }
}

#[test]
fn what_recurs_is_stored_once() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let mut request = asked("What is on this picture?");
    request.messages[0].parts.push(image(b"picture"));
    let conversation = Ulid::generate();
    for text in ["A cat.", "A cat.", "A dog."] {
        append(&mut ledger, &request, &answered(text), conversation);
    }
    assert_eq!(count(&ledger, "contents"), 4);
    // A text with a file's bytes is still a text.
    append(&mut ledger, &asked("picture"), &answered("Which?"), conversation);
    assert_eq!(count(&ledger, "contents"), 6);
    let deleted = ledger.delete(&Selection::All).unwrap();
    assert_eq!((deleted.calls, deleted.files), (4, 1));
}

#[test]
fn amounts_sum_exactly_and_absurd_ones_do_no_harm() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let usage = |output| {
        let usage = Usage { output: Tokens(output), ..Usage::default() };
        Some(CountedUsage { usage, source: UsageSource::Reported })
    };
    let costs = ["0.000000000000000001", "0.000000001999999999", "12.5", "999999.999999999999999999"];
    for usd in costs {
        let bill = Bill::billed(Cost::parse_usd(usd).unwrap());
        let outcome = Outcome { bill, usage: usage(7), ..answered("x") };
        append(&mut ledger, &asked("x"), &outcome, Ulid::generate());
        assert_eq!(ledger.show(&outcome.id.to_string()).unwrap().outcome, outcome);
    }
    for units in [i128::MAX, i128::MIN] {
        let bill = Bill { approximate: true, ..Bill::billed(Cost::from_atto(units)) };
        let outcome = Outcome { bill, usage: usage(u64::MAX), ..answered("x") };
        append(&mut ledger, &asked("x"), &outcome, Ulid::generate());
        let stored = ledger.show(&outcome.id.to_string()).unwrap().outcome;
        assert_eq!((stored.bill.cost, stored.bill.source), (None, CostSource::Unknown));
        assert_eq!(stored.usage, usage(1_000_000_000_000));
    }
    let sums = "SELECT sum(cost_nano), sum(cost_atto), sum(output) FROM calls";
    let (nano, atto, output): (i64, i64, i64) =
        ledger.connection.query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let expected: Cost = costs.map(|usd| Cost::parse_usd(usd).unwrap()).into_iter().sum();
    assert_eq!(columns::join(nano, atto), expected);
    assert_eq!(output, 4 * 7 + 2 * 1_000_000_000_000);
}

#[test]
fn a_word_of_an_unknown_pollm_is_an_error_not_a_guess() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let outcome = say(&mut ledger, "a", "b");
    ledger.connection.execute("UPDATE calls SET status = 'superb'", []).unwrap();
    let error = ledger.show(&outcome.id.to_string()).unwrap_err().to_string();
    assert!(error.contains("`status`") && error.contains("`superb`"), "{error}");
}
