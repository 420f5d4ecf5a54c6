//! Making, opening and upgrading the file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::{Action, LedgerError};
use crate::paths::private_file;

/// How long one process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// The journal is folded into the file when it has grown to so many bytes.
/// The first process that opens the ledger reads the whole journal, and a
/// call adds some 40 kB to it.
pub(super) const JOURNAL_BYTES: u64 = 512 * 1024;

/// The same for a process that writes thousands of calls: folding waits for the
/// disk, which calls that are under way would have to wait for.
pub(super) const JOURNAL_BYTES_OF_MANY: u64 = 16 * 1024 * 1024;

/// The steps from an empty file to the newest format. The file's
/// `user_version` counts the steps taken; a step that was released is never
/// changed.
pub(super) const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_calls.sql"),
    include_str!("migrations/0002_comparisons.sql"),
    include_str!("migrations/0003_spending.sql"),
    include_str!("migrations/0004_cooldowns.sql"),
    include_str!("migrations/0005_routing.sql"),
];

/// The newest format.
pub(super) const NEWEST: i64 = MIGRATIONS.len().cast_signed() as i64;

/// Opens the ledger, and makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    create(path).map_err(|source| LedgerError::Create { path: path.to_owned(), source })?;
    connect(path)
}

/// Opens a ledger that exists.
pub(super) fn connect(path: &Path) -> Result<Connection, LedgerError> {
    let reading = |error| LedgerError::sqlite(path, Action::Read, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(reading)?;
    let found = version(&connection).map_err(reading)?;
    if found > NEWEST {
        return Err(LedgerError::Newer { path: path.to_owned(), found, known: NEWEST });
    }
    configure(&connection).map_err(reading)?;
    if found < NEWEST {
        upgrade(&mut connection).map_err(|error| LedgerError::sqlite(path, Action::Write, error))?;
    }
    Ok(connection)
}

/// Opens a ledger that exists, to look something up. Where its journal is, even
/// a reader needs a file beside it; where there is no journal and none can be
/// made, as on a disk that is read-only, nobody writes and the file is all.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, LedgerError> {
    let error = match connect(path) {
        Err(error @ LedgerError::Unusable { .. }) if !journal(path).exists() => error,
        connected => return connected,
    };
    as_it_is(path).ok_or(error)
}

/// Opens a file of the newest format that nobody writes: without a lock and
/// without a journal (sqlite.org/uri.html, "immutable"). An older format would
/// have to be brought up to date.
pub(super) fn as_it_is(path: &Path) -> Option<Connection> {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    let path = path.to_str().filter(|path| path.starts_with('/'))?;
    let uri = format!("file:{}?immutable=1", utf8_percent_encode(path, PLAIN));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).ok()?;
    version(&connection).is_ok_and(|found| found == NEWEST).then_some(connection)
}

/// The file that the journal is in.
fn journal(path: &Path) -> PathBuf {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    journal.into()
}

/// An empty ledger that is nowhere on disk.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Makes the folder and an empty file that only the user can read. `SQLite`
/// gives its journal files the mode of the file itself.
fn create(path: &Path) -> io::Result<()> {
    match create_file(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                create_folder(folder)?;
            }
            match create_file(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                result => result,
            }
        }
        // A file that is there can be opened although its folder takes no new ones.
        Err(_) if path.is_file() => Ok(()),
        result => result,
    }
}

fn create_file(path: &Path) -> io::Result<()> {
    private_file().write(true).create_new(true).open(path).map(drop)
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// What holds for a connection only; that the file has a write-ahead journal
/// is written in the file itself.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // `SQLite` would fold the journal in whenever the last process leaves,
    // which syncs the disk twice: a high price for one call a process.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Its own rule for folding never empties the journal if no process writes
    // twice, since what is folded in already is only known while one is there.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")
}

/// Folds the journal into the file if it has grown, and if no other process
/// is reading from it. What was written is safe either way.
pub(super) fn fold_journal(connection: &Connection, path: &Path, most: u64) {
    if fs::metadata(journal(path)).is_ok_and(|file| file.len() >= most) {
        let _ = connection.busy_timeout(Duration::ZERO);
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = connection.busy_timeout(PATIENCE);
    }
}

fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    write_ahead(connection)?;
    migrate(connection)
}

/// Switches to a write-ahead journal. Of processes that do so at the same
/// moment all but one are turned away at once: `SQLite` does not wait here.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let given_up = Instant::now() + PATIENCE;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < given_up =>
            {
                thread::sleep(Duration::from_millis(u64::from(fastrand::u8(1..10))));
            }
            result => return result,
        }
    }
}

/// Takes the steps that the file lacks: all or none of them.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here while this one waited.
    let taken = usize::try_from(version(&transaction)?).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    if taken < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", NEWEST)?;
    }
    transaction.commit()
}
