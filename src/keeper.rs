//! The ledger on a thread of its own, for commands whose lanes must not wait
//! while another one's outcome is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use ulid::Ulid;

use crate::chat::Request;
use crate::comparison::Checked;
use crate::ledger::{Claim, Entry, Place, StoredComparison};
use crate::outcome::Outcome;
use crate::store::Store;

/// Outcomes that were handed over and are not written yet.
static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Waits until all outcomes that were handed over are written, but no longer
/// than `patience`: for a process that is about to end as it stands.
pub fn wait_for_all(patience: Duration) {
    let begun = Instant::now();
    while UNWRITTEN.load(Ordering::Acquire) > 0 && begun.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(2));
    }
}

enum Task {
    Begin(Box<StoredComparison>),
    Append(Box<Kept>),
    Checks(Ulid, Vec<Checked>),
    Claim(Claim, oneshot::Sender<bool>),
    Tell(oneshot::Sender<()>),
}

struct Kept {
    outcome: Outcome,
    command: &'static str,
    request: Arc<Request>,
    place: Option<Place>,
}

/// Writes outcomes in the order given, while the calls go on.
pub struct Keeper {
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread. Nothing is opened before the first outcome.
    pub fn start(mut store: Store) -> Self {
        let (tasks, receiver) = channel();
        let write = move || {
            let mut has_many = false;
            for task in receiver {
                match task {
                    Task::Begin(begun) => store.write(|ledger| ledger.begin_comparison(&begun)),
                    Task::Append(kept) => {
                        store.append(&Entry {
                            outcome: &kept.outcome,
                            command: kept.command,
                            request: &kept.request,
                            // Each lane is a conversation that can be gone on with.
                            conversation: kept.outcome.id,
                            parent: None,
                            place: kept.place,
                        });
                        UNWRITTEN.fetch_sub(1, Ordering::Release);
                    }
                    Task::Checks(call, checks) => store.set_checks(call, &checks),
                    Task::Claim(claim, answer) => {
                        let mut claimed = true;
                        // Calls are claimed where there are many of them.
                        store.write(|ledger| {
                            ledger.expect_many();
                            ledger.claim(&claim).map(|own| claimed = own)
                        });
                        has_many = true;
                        // Nobody waits any more where the calls were ended meanwhile.
                        let _ = answer.send(claimed);
                    }
                    Task::Tell(waiting) => {
                        let _ = waiting.send(());
                    }
                }
            }
            store.release_unsent();
            if has_many {
                store.write(|ledger| {
                    ledger.no_more();
                    Ok(())
                });
            }
        };
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(write).ok();
        Self { tasks: Some(tasks), thread }
    }

    /// Writes what a comparison is about.
    pub fn begin(&self, begun: StoredComparison) {
        self.send(Task::Begin(Box::new(begun)));
    }

    /// Writes one outcome.
    pub fn append(
        &self,
        command: &'static str,
        outcome: Outcome,
        request: Arc<Request>,
        place: Option<Place>,
    ) {
        UNWRITTEN.fetch_add(1, Ordering::Relaxed);
        self.send(Task::Append(Box::new(Kept { outcome, command, request, place })));
    }

    /// Writes what the checks said of an outcome that was written before.
    pub fn checks(&self, call: Ulid, checks: Vec<Checked>) {
        self.send(Task::Checks(call, checks));
    }

    /// Claims a call; returns once that is written, for the process may end at
    /// any moment. False where another process makes this call. A ledger that
    /// can't be written keeps no call from being made: that was said.
    pub async fn claim(&self, claim: Claim) -> bool {
        let (answer, claimed) = oneshot::channel();
        self.send(Task::Claim(claim, answer));
        claimed.await.unwrap_or(true)
    }

    /// Returns when everything handed over so far is written.
    pub async fn written(&self) {
        let (waiting, written) = oneshot::channel();
        self.send(Task::Tell(waiting));
        // An error means that there is no thread, and nothing to wait for.
        let _ = written.await;
    }

    fn send(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            // The receiver is gone only where no thread could be started.
            let _ = tasks.send(task);
        }
    }
}

impl Drop for Keeper {
    /// Returns when everything is written.
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
