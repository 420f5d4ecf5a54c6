//! Many calls side by side, each as if it were alone.
//!
//! All of them run on one thread, so that no lock and no other lane's work
//! stands between a byte and its time. What waits for its turn has not begun:
//! a call's clock starts when it is sent.

use std::collections::{HashMap, VecDeque};
use std::future::Future;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::Cancel;
use crate::model::ProviderId;
use crate::outcome::{Outcome, Status};
use crate::wire::FailureKind;

/// So many jobs are looked at for one that may begin while others must wait
/// for their provider.
const LOOK_AHEAD: usize = 256;

/// How many calls may run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtOnce {
    /// Of all lanes together.
    pub all: usize,
    /// Of one lane.
    pub a_lane: usize,
}

impl AtOnce {
    /// So many, of whichever lanes.
    pub const fn of_all(all: usize) -> Self {
        Self { all, a_lane: usize::MAX }
    }
}

/// One call that is to be made.
#[derive(Clone, Debug)]
pub struct Job<T> {
    /// The lane that it is a call of.
    pub lane: usize,
    /// Who is asked; a provider that answers "too many requests" gets fewer at once.
    pub provider: ProviderId,
    /// It computes in this process: two at once would take each other's cores.
    pub is_local: bool,
    /// A round begins when the one before it is over.
    pub round: u32,
    /// What it is.
    pub what: T,
}

/// How a call ended, as far as the provider's limits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was answered.
    Good,
    /// The provider wants fewer requests.
    RateLimited,
    /// It failed for another reason.
    Otherwise,
}

impl Ended {
    /// How a call ended; one that was answered at a later attempt has been
    /// complained about too.
    pub fn of(outcome: &Outcome) -> Self {
        let mut errors = outcome.attempts.iter().filter_map(|attempt| attempt.error.as_ref());
        match outcome.status {
            _ if errors.any(|error| error.kind == FailureKind::RateLimit) => Self::RateLimited,
            Status::Ok => Self::Good,
            _ => Self::Otherwise,
        }
    }
}

/// How many calls a provider gets at once: halved when it complains, one more
/// after each good answer.
#[derive(Default)]
struct Limit {
    active: usize,
    most: Option<usize>,
}

impl Limit {
    fn has_room(&self, is_local: bool) -> bool {
        let most = if is_local { Some(1) } else { self.most };
        most.is_none_or(|most| self.active < most)
    }

    fn note(&mut self, ended: Ended) {
        match ended {
            Ended::RateLimited => self.most = Some((self.active / 2).max(1)),
            Ended::Good => self.most = self.most.map(|most| most + 1),
            Ended::Otherwise => {}
        }
        self.active = self.active.saturating_sub(1);
    }
}

/// Starts every job in turn, not more than `most` at once, and returns when all
/// that were started have ended. After a cancel no further one is started.
///
/// Jobs are taken from the iterator when their turn comes, a few hundred before
/// it at most, so that a lane that has all it may have holds up no other.
pub async fn fan_out<T, F>(
    jobs: impl IntoIterator<Item = Job<T>>,
    most: AtOnce,
    cancel: &Cancel,
    mut start: impl FnMut(T) -> F,
) where
    F: Future<Output = Ended>,
{
    let mut jobs = jobs.into_iter();
    let mut pending = VecDeque::new();
    let mut running = FuturesUnordered::new();
    let mut limits: HashMap<ProviderId, Limit> = HashMap::new();
    let mut lanes: HashMap<usize, usize> = HashMap::new();
    let mut round = 0;
    loop {
        while !cancel.is_cancelled() && running.len() < most.all {
            pending.extend(jobs.by_ref().take(LOOK_AHEAD.saturating_sub(pending.len())));
            if running.is_empty() {
                round = pending.front().map_or(round, |job: &Job<T>| job.round);
            }
            let may_begin = |job: &Job<T>| {
                job.round <= round
                    && lanes.get(&job.lane).is_none_or(|active| *active < most.a_lane)
                    && limits.get(&job.provider).is_none_or(|limit| limit.has_room(job.is_local))
            };
            let Some(at) = pending.iter().position(may_begin) else { break };
            let Some(job) = pending.remove(at) else { break };
            limits.entry(job.provider.clone()).or_default().active += 1;
            *lanes.entry(job.lane).or_default() += 1;
            let (provider, lane, call) = (job.provider, job.lane, start(job.what));
            running.push(async move { (provider, lane, call.await) });
        }
        let Some((provider, lane, ended)) = running.next().await else { return };
        if let Some(active) = lanes.get_mut(&lane) {
            *active = active.saturating_sub(1);
        }
        if let Some(limit) = limits.get_mut(&provider) {
            limit.note(ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::*;

    fn job(provider: &str, round: u32, what: usize) -> Job<usize> {
        Job {
            lane: what % 2,
            provider: ProviderId::new(provider),
            is_local: provider == "local",
            round,
            what,
        }
    }

    /// Runs jobs that take a moment each and tells how many ran at once, at
    /// most, and in which order they began.
    fn run(
        jobs: Vec<Job<usize>>,
        most: impl Into<AtOnce>,
        ended: impl Fn(usize) -> Ended,
        cancel_after: usize,
    ) -> (usize, Vec<usize>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let (active, begun, cancel) =
            (RefCell::new((0_usize, 0_usize)), RefCell::default(), Cancel::default());
        runtime.unwrap().block_on(fan_out(jobs, most.into(), &cancel, |what| {
            begun_now(&begun, what);
            let mut now = active.borrow_mut();
            now.0 += 1;
            now.1 = now.1.max(now.0);
            if begun.borrow().len() == cancel_after {
                cancel.cancel();
            }
            let (active, ended) = (&active, &ended);
            async move {
                tokio::time::sleep(Duration::from_millis(what as u64 % 7 + 1)).await;
                active.borrow_mut().0 -= 1;
                ended(what)
            }
        }));
        (active.into_inner().1, begun.into_inner())
    }

    impl From<usize> for AtOnce {
        fn from(all: usize) -> Self {
            Self::of_all(all)
        }
    }

    fn begun_now(begun: &RefCell<Vec<usize>>, what: usize) {
        begun.borrow_mut().push(what);
    }

    #[test]
    fn all_run_at_once_unless_a_number_is_given() {
        let jobs = || (0..100).map(|n| job("a", 0, n)).collect();
        assert_eq!(run(jobs(), usize::MAX, |_| Ended::Good, 0), (100, (0..100).collect()));
        assert_eq!(run(jobs(), 3, |_| Ended::Good, 0), (3, (0..100).collect()));
    }

    #[test]
    fn the_embedded_model_takes_one_at_a_time_and_holds_nobody_up() {
        let jobs = vec![job("local", 0, 6), job("local", 0, 1), job("a", 0, 2)];
        assert_eq!(run(jobs, usize::MAX, |_| Ended::Good, 0), (2, vec![6, 2, 1]));
    }

    #[test]
    fn a_round_begins_when_the_one_before_is_over() {
        let jobs = vec![job("a", 0, 6), job("b", 0, 1), job("a", 1, 3), job("b", 1, 2)];
        assert_eq!(run(jobs, usize::MAX, |_| Ended::Good, 0), (2, vec![6, 1, 3, 2]));
    }

    #[test]
    fn a_provider_that_complains_gets_fewer_at_once() {
        // The first eight go out together; all complain, so the rest goes one by one.
        let jobs = (0..40).map(|n| job("a", u32::from(n >= 8), n)).collect();
        let active = RefCell::new(Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let running = RefCell::new(0_usize);
        let jobs: Vec<Job<usize>> = jobs;
        runtime.unwrap().block_on(fan_out(jobs, AtOnce::of_all(usize::MAX), &Cancel::default(), |what| {
            *running.borrow_mut() += 1;
            active.borrow_mut().push((what, *running.borrow()));
            let running = &running;
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                *running.borrow_mut() -= 1;
                Ended::RateLimited
            }
        }));
        let active = active.into_inner();
        assert!(active.iter().all(|(what, at_once)| *what < 8 || *at_once == 1), "{active:?}");
    }

    #[test]
    fn a_lane_that_has_all_it_may_have_holds_up_no_other() {
        // The even ones are of one lane, the odd ones of another.
        let jobs = || vec![job("a", 0, 6), job("a", 0, 2), job("a", 0, 4), job("b", 0, 1), job("b", 0, 3)];
        let most = |all| AtOnce { all, a_lane: 1 };
        assert_eq!(run(jobs(), most(usize::MAX), |_| Ended::Good, 0), (2, vec![6, 1, 3, 2, 4]));
        assert_eq!(run(jobs(), most(1), |_| Ended::Good, 0), (1, vec![6, 2, 4, 1, 3]));
    }

    #[test]
    fn after_a_cancel_nothing_begins() {
        let jobs = (0..10).map(|n| job("a", 0, n)).collect();
        assert_eq!(run(jobs, 2, |_| Ended::Good, 4).1, vec![0, 1, 2, 3]);
    }
}
