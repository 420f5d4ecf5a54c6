use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

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
    ledger.append(&Entry { outcome, command: "ask", request, conversation, parent: None }).unwrap();
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
        let mut ledger = Ledger { connection: open::in_memory().unwrap(), path: PathBuf::new() };
        for call in &calls {
            let StoredCall { outcome, command, request, conversation, parent } = call;
            let entry = Entry { outcome, command, request, conversation: *conversation, parent: *parent };
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
        let ledger = Ledger { connection: open::in_memory().unwrap(), path: PathBuf::new() };
        prop_assert!(ledger.show(&text).is_err());
        prop_assert!(ledger.conversation(&text).is_err());
    }

    #[test]
    fn a_term_is_found_wherever_it_stands(before in "\\PC{0,9}", term in "\\PC{1,9}", after in "\\PC{0,9}") {
        let mut ledger = Ledger { connection: open::in_memory().unwrap(), path: PathBuf::new() };
        say(&mut ledger, "a prompt", &format!("{before}{term}{after}"));
        let found = ledger.list(&ListQuery { term: Some(&term), limit: None }).unwrap();
        prop_assert_eq!(found.len(), 1);
    }
}

#[test]
#[cfg(unix)]
fn files_are_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    say(&mut ledger, "a", "b");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = scratch.path().parent().unwrap().to_owned();
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.parent().unwrap()), 0o700);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn looking_into_a_missing_ledger_makes_none() {
    let scratch = Scratch::new();
    let ledger = Ledger::open_existing(&scratch.path()).unwrap();
    assert_eq!(ledger.list(&ListQuery::default()).unwrap(), []);
    assert_eq!(ledger.latest_conversation().unwrap(), None);
    assert!(!scratch.path().exists() && !scratch.path().parent().unwrap().exists());
}

#[test]
fn an_empty_file_becomes_a_ledger_once() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path().parent().unwrap()).unwrap();
    std::fs::write(scratch.path(), "").unwrap();
    let mut ledger = Ledger::open_existing(&scratch.path()).unwrap();
    say(&mut ledger, "a", "b");
    open::migrate(&mut ledger.connection).unwrap();
    assert_eq!(count(&scratch.open(), "calls"), 1);
    let version: i64 = ledger.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let journal: String = ledger.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!((version, journal.as_str()), (open::NEWEST, "wal"));
}

#[test]
fn a_newer_ledger_is_left_alone() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let newer = Connection::open(scratch.path()).unwrap();
    newer.execute_batch("PRAGMA user_version = 99; PRAGMA journal_mode = DELETE").unwrap();
    drop(newer);
    let before = std::fs::read(scratch.path()).unwrap();
    let error = Ledger::open(&scratch.path()).unwrap_err();
    assert!(matches!(error, LedgerError::Newer { found: 99, known: open::NEWEST, .. }), "{error}");
    assert!(error.to_string().contains("has format 99, and this pollm knows none above"), "{error}");
    assert_eq!(std::fs::read(scratch.path()).unwrap(), before);
}

#[test]
fn what_is_no_ledger_is_said_to_be_none() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path().parent().unwrap()).unwrap();
    std::fs::write(scratch.path(), "This is not a database. ".repeat(200)).unwrap();
    for result in [Ledger::open(&scratch.path()), Ledger::open_existing(&scratch.path())] {
        let error = result.unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
        let shown = crate::error::Error::from(error);
        assert_eq!(shown.kind, ErrorKind::Failed);
        assert!(shown.to_string().contains("file is not a database"), "{shown}");
    }
}

#[test]
fn a_ledger_damaged_in_the_middle_gives_errors() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    for number in 0..50 {
        say(&mut ledger, &format!("prompt {number} {}", "x".repeat(3_000)), "answer");
    }
    ledger.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(ledger);
    let mut bytes = std::fs::read(scratch.path()).unwrap();
    for byte in bytes.iter_mut().skip(4_096) {
        *byte = 0xA5;
    }
    std::fs::write(scratch.path(), bytes).unwrap();
    let listed = Ledger::open(&scratch.path()).and_then(|ledger| ledger.list(&ListQuery::default()));
    let error = listed.unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let scratch = Scratch::new();
    std::fs::write(scratch.folder.path().join("data"), "a file where a folder should be").unwrap();
    let error = Ledger::open(&scratch.path()).unwrap_err();
    assert!(matches!(error, LedgerError::Create { .. }), "{error}");
}

#[test]
fn a_ledger_that_takes_nothing_says_why_and_stays_whole() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    say(&mut ledger, "a", "b");
    let request = asked(&"long ".repeat(100_000));
    let outcome = answered("c");
    let entry = Entry {
        outcome: &outcome,
        command: "ask",
        request: &request,
        conversation: Ulid::generate(),
        parent: None,
    };
    let refused = |ledger: &mut Ledger, reason: &str| {
        let error = ledger.append(&entry).unwrap_err().to_string();
        assert!(error.starts_with("could not write the ledger"), "{error}");
        assert!(error.ends_with(reason), "{error}");
    };
    ledger.connection.pragma_update(None, "query_only", true).unwrap();
    refused(&mut ledger, "the file or its folder is read-only");
    ledger.connection.pragma_update(None, "query_only", false).unwrap();

    let full = |ledger: &Ledger, pages: i64| {
        ledger.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    full(&ledger, 1);
    refused(&mut ledger, "the disk is full");
    full(&ledger, i64::from(u32::MAX) - 1);

    let other = scratch.open();
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    ledger.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    refused(&mut ledger, "another process is using it");
    other.connection.execute_batch("ROLLBACK").unwrap();

    assert_eq!(count(&ledger, "calls"), 1);
    ledger.append(&entry).unwrap();
    assert_eq!(ledger.list(&ListQuery::default()).unwrap().len(), 2);
}

#[test]
fn twenty_threads_can_begin_a_ledger_at_once() {
    let scratch = Scratch::new();
    let start = Barrier::new(20);
    thread::scope(|scope| {
        for number in 0..20 {
            let (start, scratch) = (&start, &scratch);
            scope.spawn(move || {
                start.wait();
                say(&mut scratch.open(), &format!("prompt {number}"), "answer");
            });
        }
    });
    let listed = scratch.open().list(&ListQuery::default()).unwrap();
    let mut prompts: Vec<_> = listed.into_iter().map(|one| one.prompt).collect();
    prompts.sort();
    prompts.dedup();
    assert_eq!(prompts.len(), 20);
}

const CHILD: &str = "POLLM_TEST_LEDGER_OF_PARENT";

/// No test by itself: [`twenty_processes_can_begin_a_ledger_at_once`] runs it.
#[test]
#[ignore = "run by another test, in processes of its own"]
fn one_of_many_processes() {
    let path = PathBuf::from(std::env::var_os(CHILD).unwrap());
    say(&mut Ledger::open(&path).unwrap(), "prompt", "answer");
}

#[test]
fn twenty_processes_can_begin_a_ledger_at_once() {
    let scratch = Scratch::new();
    let children: Vec<_> = (0..20)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "ledger::tests::one_of_many_processes", "--ignored", "--quiet"])
                .env(CHILD, scratch.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(count(&scratch.open(), "calls"), 20);
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
fn a_conversation_goes_on_from_the_last_answer() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let conversation = Ulid::generate();
    let mut request = asked("First?");
    request.system = Some("Be brief.".into());
    request.messages[0].parts.push(image(b"picture"));
    append(&mut ledger, &request, &answered("One."), conversation);

    let going_on = ledger.latest_conversation().unwrap().unwrap();
    assert_eq!((going_on.id, going_on.system.as_deref()), (conversation, Some("Be brief.")));
    assert_eq!(going_on.messages.len(), 2);
    assert_eq!(going_on.messages[0], request.messages[0]);
    assert_eq!(going_on.messages[1], Message::text(Role::Assistant, "One."));

    // A failed call leaves no turn; a partial answer does.
    let next = |question: &str, before: &Conversation| {
        let mut messages = before.messages.clone();
        messages.push(Message::text(Role::User, question));
        Request { messages, system: before.system.clone(), ..Request::default() }
    };
    append(&mut ledger, &next("Lost?", &going_on), &answered(""), conversation);
    assert_eq!(ledger.latest_conversation().unwrap().unwrap(), going_on);
    let cut = Outcome { status: Status::Partial, ..answered("Tw") };
    append(&mut ledger, &next("Second?", &going_on), &cut, conversation);
    let going_on = ledger.conversation(&conversation.to_string().to_lowercase()).unwrap();
    let turns: Vec<_> = going_on.messages.iter().map(Message::to_text).collect();
    assert_eq!(turns, ["First?", "One.", "Second?", "Tw"]);
    assert_eq!(going_on.last_call, cut.id);

    // Another shell's newer conversation is the latest, but not the one asked for.
    say(&mut scratch.open(), "Elsewhere?", "There.");
    assert_eq!(ledger.latest_conversation().unwrap().unwrap().messages[0].to_text(), "Elsewhere?");
    assert_eq!(ledger.conversation(&conversation.to_string()).unwrap(), going_on);
}

#[test]
fn a_call_s_id_goes_on_from_that_call() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let conversation = Ulid::from_parts(1_000, 1);
    let first = Outcome { id: Ulid::from_parts(2_000_000_000, 1), ..answered("One.") };
    let second = Outcome { id: Ulid::from_parts(3_000_000_000, 1), ..answered("Two.") };
    for outcome in [&first, &second] {
        append(&mut ledger, &asked("Count."), outcome, conversation);
    }
    let from = |id: Ulid| ledger.conversation(&id.to_string()).unwrap().last_call;
    assert_eq!(from(first.id), first.id);
    assert_eq!(from(conversation), second.id);
    let failed = Outcome { id: Ulid::from_parts(4_000_000_000, 1), ..answered("") };
    append(&mut ledger, &asked("Count."), &failed, conversation);
    let error = ledger.conversation(&failed.id.to_string()).unwrap_err();
    assert!(matches!(error, LedgerError::Missing { what: "conversation", .. }), "{error}");
}

#[test]
fn an_ambiguous_prefix_lists_candidates() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let ids: Vec<Ulid> = (1..=7).map(|number| Ulid::from_parts(1_795_000_000_000, number)).collect();
    for id in &ids {
        append(&mut ledger, &asked("a"), &Outcome { id: *id, ..answered("b") }, *id);
    }
    let whole = ids[3].to_string();
    assert_eq!(ledger.show(&whole).unwrap().outcome.id, ids[3]);
    for error in [ledger.show(&whole[..10]).unwrap_err(), ledger.conversation(&whole[..4]).unwrap_err()] {
        let LedgerError::Ambiguous { candidates, .. } = &error else { panic!("{error}") };
        assert_eq!(candidates[..], [ids[6], ids[5], ids[4], ids[3], ids[2]]);
        assert_eq!(crate::error::Error::from(error).kind, ErrorKind::Usage);
    }
    assert!(matches!(ledger.show("01K").unwrap_err(), LedgerError::NotAnId(_)));
    assert!(matches!(ledger.show("7ZZZZZ").unwrap_err(), LedgerError::Missing { .. }));
}

#[test]
fn lists_are_newest_first_and_searched_by_prompt_and_answer() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let mut at = 0;
    let mut say = |prompt: Request, text: &str| {
        at += 1_000;
        let outcome = Outcome { id: Ulid::from_parts(at, 0), ..answered(text) };
        append(&mut ledger, &prompt, &outcome, outcome.id);
    };
    say(asked("\n  100% of what?\nmore"), "Of all.");
    say(asked("Name a colour."), "Green_ish \\ blue.");
    let mut longer = asked("an earlier turn");
    longer.messages.push(Message::text(Role::Assistant, "an earlier answer"));
    longer.messages.push(Message::text(Role::User, "the PROMPT itself"));
    say(Request { system: Some("a system prompt of earlier days".into()), ..longer }, "Yes.");
    let mut pictured = asked("");
    pictured.messages[0].parts = vec![image(b"earlier, in a file")];
    say(pictured, "");

    let found = |term: Option<&str>, limit| -> Vec<String> {
        let listed = ledger.list(&ListQuery { term, limit }).unwrap();
        listed.into_iter().map(|one| one.prompt).collect()
    };
    assert_eq!(found(None, None), ["", "the PROMPT itself", "Name a colour.", "100% of what?"]);
    assert_eq!(found(None, Some(2)), ["", "the PROMPT itself"]);
    assert_eq!(found(Some("prompt"), None), ["the PROMPT itself"]);
    assert_eq!(found(Some("100%"), None), ["100% of what?"]);
    assert_eq!(found(Some("r_e"), None), [""; 0]);
    assert_eq!(found(Some("%"), None), ["100% of what?"]);
    assert_eq!(found(Some("green_ISH \\"), None), ["Name a colour."]);
    assert_eq!(found(Some("earlier"), None), [""; 0]);
    assert_eq!(found(Some("an earlier"), None), [""; 0]);
}

#[test]
fn deleting_removes_the_bytes() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let kept = say(&mut ledger, "A prompt to keep", "An answer to keep");
    let mut request = asked("Do you know the word XYLOPHONIST?");
    request.messages[0].parts.push(image(b"XYLOPHONIST in pixels"));
    let gone: Vec<String> = (0..30)
        .map(|number| {
            let outcome = answered(&format!("{number} XYLOPHONIST {}", "and more ".repeat(number * 40)));
            append(&mut ledger, &request, &outcome, Ulid::generate());
            outcome.id.to_string()
        })
        .collect();
    let holds = |word: &str| scratch.bytes().windows(word.len()).any(|window| window == word.as_bytes());
    assert!(holds("XYLOPHONIST") && holds(&gone[0]));

    // Half of them one by one, the rest at once.
    let (single, rest) = gone.split_at(15);
    for id in single {
        let deleted = ledger.delete(&Selection::Calls(vec![id.clone()])).unwrap();
        assert_eq!(deleted, Deleted { calls: 1, files: 0, erased: true });
    }
    let deleted = ledger.delete(&Selection::Calls(rest.to_vec())).unwrap();
    assert_eq!(deleted, Deleted { calls: 15, files: 1, erased: true });
    assert!(!holds("XYLOPHONIST") && !holds(&gone[0]) && !holds(&gone[29]));
    assert!(holds("A prompt to keep") && holds("An answer to keep"));
    assert_eq!(ledger.show(&kept.id.to_string()).unwrap().outcome, kept);
}

#[test]
fn deletes_are_all_or_nothing_and_say_what_is_left() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let first = say(&mut ledger, "first", "answer");
    let moment = Timestamp::now();
    let second = Outcome { started_at: moment, ..answered("SECOND ANSWER") };
    append(&mut ledger, &asked("second"), &second, Ulid::generate());
    let wrong = vec![first.id.to_string(), Ulid::from_parts(5, 5).to_string()];
    assert!(matches!(ledger.delete(&Selection::Calls(wrong)), Err(LedgerError::Missing { .. })));
    assert_eq!(count(&ledger, "calls"), 2);
    assert_eq!(ledger.delete(&Selection::Before(moment)).unwrap().calls, 1);
    assert!(ledger.show(&second.id.to_string()).is_ok());
    assert_eq!(ledger.delete(&Selection::Before(moment)).unwrap().calls, 0);

    // A reader keeps the journal in use.
    ledger.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let reader = scratch.open();
    let reading = reader.connection.unchecked_transaction().unwrap();
    assert_eq!(count(&reader, "calls"), 1);
    let deleted = ledger.delete(&Selection::All).unwrap();
    assert_eq!(deleted, Deleted { calls: 1, files: 0, erased: false });
    assert_eq!(count(&reader, "calls"), 1);
    drop(reading);
    assert_eq!(count(&reader, "calls"), 0);
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
