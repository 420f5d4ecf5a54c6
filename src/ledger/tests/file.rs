//! Making, opening, sharing and failing to write the file.

use std::sync::Barrier;
use std::thread;

use super::*;

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
#[cfg(unix)]
fn a_ledger_that_nobody_can_write_is_read_as_it_is() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    say(&mut ledger, "a", "b");
    ledger.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(ledger);
    let folder = scratch.folder.path().join("50% ?a=b#c");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(scratch.path(), folder.join("ledger.db")).unwrap();
    let connection = open::as_it_is(&folder.join("ledger.db")).unwrap();
    let mut ledger = Ledger::of(connection, &folder.join("ledger.db"));
    assert_eq!(ledger.list(&ListQuery::default()).unwrap().len(), 1);
    let error = ledger.delete(&Selection::All).unwrap_err();
    assert!(error.to_string().ends_with("the file or its folder is read-only"), "{error}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no journal beside it");
    assert!(open::as_it_is(&folder.join("none.db")).is_none());
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
        place: None,
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

#[test]
fn the_journal_stays_small_though_no_process_writes_twice() {
    let scratch = Scratch::new();
    let mut largest = 0;
    for number in 0..60 {
        say(&mut scratch.open(), &format!("prompt {number} {}", "x".repeat(9_000)), "answer");
        let journal = scratch.path().with_extension("db-wal");
        largest = largest.max(std::fs::metadata(journal).unwrap().len());
    }
    assert!(largest < 2 * open::JOURNAL_BYTES, "{largest}");
    assert!(std::fs::metadata(scratch.path()).unwrap().len() > open::JOURNAL_BYTES);
    assert_eq!(count(&scratch.open(), "calls"), 60);
}
