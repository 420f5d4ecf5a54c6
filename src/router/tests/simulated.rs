//! Whole days of asking, without a network or a clock.

use super::*;

/// Asks so many times, a second apart; `answers` says how long each model
/// takes. What was learned before goes on.
struct World {
    candidates: Vec<Candidate>,
    settings: Settings,
    clock: Timestamp,
    turn: u64,
    seed: u64,
}

impl World {
    fn new(names: &[&str], seed: u64) -> Self {
        let candidates = names.iter().map(|name| candidate(name, vec![])).collect();
        Self { candidates, settings: Settings::default(), clock: now(), turn: 0, seed }
    }

    /// The places of those that were asked.
    fn ask(&mut self, times: usize, answers: impl Fn(usize, u64) -> Option<f64>) -> Vec<usize> {
        (0..times).map(|_| self.ask_once(&answers)).collect()
    }

    fn ask_once(&mut self, answers: &impl Fn(usize, u64) -> Option<f64>) -> usize {
        let need = Need { input: 10, ..Need::default() };
        let asked = question(Policy::Fastest, &self.settings, &need, &self.candidates);
        let ranking = rank(&Question { now: self.clock, seed: self.seed, turn: self.turn, ..asked });
        let first = ranking.ranked[0].candidate;
        let came = answers(first, self.turn).map_or_else(|| failure(0), |ms| sample(0, ms));
        self.candidates[first].samples.insert(0, Sample { at: self.clock, ..came });
        self.candidates[first].samples.truncate(50);
        self.clock += jiff::SignedDuration::from_secs(1);
        self.turn += 1;
        first
    }
}

fn count(asked: &[usize], which: usize) -> usize {
    asked.iter().filter(|one| **one == which).count()
}

/// Some unevenness that is the same in every run: up to a fifth more or less.
fn uneven(ms: f64, turn: u64) -> f64 {
    ms * (0.8 + 0.4 * fastrand::Rng::with_seed(turn).f64())
}

#[test]
fn nine_tenths_go_to_the_fast_one_and_most_follow_when_the_pace_swaps() {
    for seed in 0..100 {
        let mut world = World::new(&["a/slow", "a/fast"], seed);
        let asked = world.ask(30, |which, turn| Some(uneven([800.0, 100.0][which], turn)));
        assert!(count(&asked, 1) >= 27, "seed {seed}: {asked:?}");
        let asked = world.ask(10, |which, turn| Some(uneven([100.0, 800.0][which], turn)));
        assert!(count(&asked, 0) >= 6, "seed {seed}: {asked:?}");
        let asked = world.ask(20, |which, turn| Some(uneven([100.0, 800.0][which], turn)));
        assert!(count(&asked, 0) >= 18, "seed {seed}: {asked:?}");
    }
}

#[test]
fn a_model_that_fails_is_left_and_found_again() {
    let mut world = World::new(&["a/slow", "a/fast"], 3);
    let fast = |which: usize, turn| Some(uneven([800.0, 100.0][which], turn));
    let _ = world.ask(30, fast);
    let down = world.ask(20, |which, turn| if which == 1 { None } else { fast(which, turn) });
    assert!(count(&down, 1) <= 4, "{down:?}");
    // The next day its failures are forgotten.
    world.clock += jiff::SignedDuration::from_hours(24);
    let again = world.ask(60, fast);
    assert!(count(&again, 1) >= 40, "{again:?}");
}

#[test]
fn every_named_model_is_tried_once_and_then_seldom() {
    let names = ["a/1", "a/2", "a/3", "a/4", "a/5"];
    let mut world = World::new(&names, 11);
    let asked = world.ask(60, |which, turn| Some(uneven([900.0, 700.0, 300.0, 800.0, 600.0][which], turn)));
    assert_eq!((0..5).map(|which| asked[..5].contains(&which)).collect::<Vec<_>>(), [true; 5], "{asked:?}");
    assert!(count(&asked[5..], 2) >= 50, "{asked:?}");
    world.settings.explore = 0.0;
    let settled = world.ask(40, |which, turn| Some(uneven([900.0, 700.0, 300.0, 800.0, 600.0][which], turn)));
    assert_eq!(count(&settled, 2), 40);
}
