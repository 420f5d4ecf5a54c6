//! A few threads that share jobs and sleep between them.
//!
//! Units are taken one by one from a counter, so a helper that the system wakes
//! late costs nothing: the others do its share. Nobody waits by spinning, which
//! on a busy machine is many times slower than one thread alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::engine::Settings;
use super::work::{Job, Scratch, Work};

/// What helpers look at when they wake.
#[derive(Default)]
struct Order<'a> {
    /// The job that is going on.
    job: Option<Job<'a>>,
    /// Counts jobs, so that nobody takes part in one twice.
    serial: u64,
    /// There will be no more.
    over: bool,
}

/// Work and the threads' agreement on it.
pub(super) struct Crew<'a> {
    work: RwLock<Work>,
    order: Mutex<Order<'a>>,
    wake: Condvar,
    next: AtomicUsize,
    helpers: usize,
    worth_sharing: usize,
}

/// Sends the helpers home when it goes, whatever the reason.
pub(super) struct Shift<'c, 'a>(&'c Crew<'a>);

impl Drop for Shift<'_, '_> {
    fn drop(&mut self) {
        self.0.order().over = true;
        self.0.wake.notify_all();
    }
}

impl<'a> Crew<'a> {
    /// A crew for some work, of as many threads as the settings say.
    pub(super) fn new(work: Work, settings: Settings) -> Self {
        Self {
            work: RwLock::new(work),
            order: Mutex::default(),
            wake: Condvar::new(),
            next: AtomicUsize::new(0),
            helpers: settings.threads.saturating_sub(1),
            worth_sharing: settings.worth_sharing,
        }
    }

    /// Starts the helpers. They end when what is returned is dropped.
    pub(super) fn start<'scope>(
        &'scope self,
        scope: &'scope std::thread::Scope<'scope, '_>,
    ) -> Shift<'scope, 'a> {
        let shift = Shift(self);
        for _ in 0..self.helpers {
            // Without a helper the work is done all the same, only slower.
            let helper = std::thread::Builder::new().name("local-model".to_owned());
            if let Err(error) = helper.spawn_scoped(scope, || self.help()) {
                log::debug!("no helper thread: {error}");
            }
        }
        shift
    }

    /// The work, to change it between jobs.
    pub(super) fn work(&self) -> RwLockWriteGuard<'_, Work> {
        self.work.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> RwLockReadGuard<'_, Work> {
        self.work.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self) -> MutexGuard<'_, Order<'a>> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a job, with help where that pays, and waits until it is done.
    pub(super) fn run(&self, job: Job<'a>, scratch: &mut Scratch) {
        let work = self.reading();
        // Nobody is at work now, so the counter is nobody else's.
        self.next.store(0, Ordering::Relaxed);
        let shared = self.helpers > 0 && work.effort(job) >= self.worth_sharing;
        if shared {
            let mut order = self.order();
            order.job = Some(job);
            order.serial += 1;
            drop(order);
            self.wake.notify_all();
        }
        self.take_part(job, &work, scratch);
        drop(work);
        if shared {
            self.order().job = None;
            // Whoever took part holds the work for reading until its last unit is done.
            drop(self.work());
        }
    }

    fn take_part(&self, job: Job<'a>, work: &Work, scratch: &mut Scratch) {
        let units = work.units(job);
        loop {
            let unit = self.next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                return;
            }
            work.run(job, unit, scratch);
        }
    }

    fn help(&self) {
        let mut scratch = Scratch::default();
        let mut seen = 0;
        let mut order = self.order();
        while !order.over {
            match order.job {
                Some(job) if order.serial != seen => {
                    seen = order.serial;
                    // Held before the order is let go: the job can't end unnoticed.
                    let work = self.reading();
                    drop(order);
                    self.take_part(job, &work, &mut scratch);
                    drop(work);
                    order = self.order();
                }
                _ => order = self.wake.wait(order).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
