//! Whether another model may take over from one that failed, and which: pure
//! decisions.
//!
//! The line is the first piece of an answer that was shown. Up to there a
//! failure leaves no trace on stdout, and the next candidate's answer doubles
//! nothing; behind it the part that came stays, and nobody takes over. Text of
//! an answer always counts as shown, also where it waits for its end (`--json`,
//! `--extract`): one command does the same in every format. Reasoning counts
//! where it is shown: on a terminal, and as an event.

use crate::lane::Lane;
use crate::model::{ModelRef, ProviderId};
use crate::wire::FailureKind;
use crate::wire::failure::Class;

/// What matters of a candidate here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) model: ModelRef,
    /// Its context window in tokens, where known.
    pub(super) window: Option<u64>,
}

impl From<&Lane> for Candidate {
    fn from(lane: &Lane) -> Self {
        Self { model: lane.model.clone(), window: lane.row.as_ref().and_then(|row| row.context) }
    }
}

/// How a candidate failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// Something of its answer was shown.
    pub(super) shown: bool,
    /// The user agrees that what may have been served is asked for again.
    pub(super) retry_ambiguous: bool,
}

/// Who may take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heir {
    /// Nobody.
    Nobody,
    /// Any other candidate.
    Anyone,
    /// Candidates of other providers: the whole provider won't.
    OtherProvider,
    /// Candidates with a larger context window.
    LargerWindow,
}

impl Failure {
    /// Who may take over.
    pub(super) fn heir(self) -> Heir {
        use FailureKind as K;
        if self.shown {
            return Heir::Nobody;
        }
        match self.kind {
            // The request itself is wrong, or the user has had enough.
            K::BadRequest | K::Cancelled => Heir::Nobody,
            K::ContextLength => Heir::LargerWindow,
            // These limits, filters and certificates are the provider's, not the model's.
            K::TooLarge | K::ContentFilter | K::Tls => Heir::OtherProvider,
            K::NotFound | K::Protocol | K::Local => Heir::Anyone,
            // The answer ended in order before it began: nothing is under way any more.
            K::Truncated => Heir::Anyone,
            K::Auth
            | K::Permission
            | K::Money
            | K::RateLimit
            | K::Overloaded
            | K::Server
            | K::Connect
            | K::Timeout
            | K::Broken => match self.kind.class() {
                Class::Transient => Heir::Anyone,
                Class::Credential => Heir::OtherProvider,
                Class::Ambiguous if self.retry_ambiguous => Heir::Anyone,
                Class::Ambiguous | Class::Request => Heir::Nobody,
            },
        }
    }
}

/// Why a candidate is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// Its provider refused another candidate for a reason that holds for it too.
    SameProvider,
    /// Its window is not larger than that of a candidate which the prompt did not fit.
    WindowNotLarger,
}

impl Objection {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::SameProvider => "its provider has refused already",
            Self::WindowNotLarger => "its context window is not larger",
        }
    }
}

/// What the failures so far say of the candidates to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lessons {
    barred: Vec<ProviderId>,
    too_small: Option<u64>,
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The place of the next candidate; `None` where there is no other.
    pub(super) next: Option<usize>,
    /// Those before it that are passed over.
    pub(super) passed: Vec<(usize, Objection)>,
}

impl Lessons {
    /// Learns from a failure; whether anybody may take over at all.
    pub(super) fn learn(&mut self, of: &Candidate, failure: Failure) -> bool {
        match failure.heir() {
            Heir::Nobody => return false,
            Heir::Anyone => {}
            Heir::OtherProvider => self.barred.push(of.model.provider.clone()),
            Heir::LargerWindow => self.too_small = self.too_small.max(of.window),
        }
        true
    }

    /// Whose turn it is among the candidates from `from` on.
    pub(super) fn turn(&self, candidates: &[Candidate], from: usize) -> Turn {
        let mut passed = Vec::new();
        for (at, candidate) in candidates.iter().enumerate().skip(from) {
            match self.objection(candidate) {
                None => return Turn { next: Some(at), passed },
                Some(objection) => passed.push((at, objection)),
            }
        }
        Turn { next: None, passed }
    }

    fn objection(&self, to: &Candidate) -> Option<Objection> {
        if self.barred.contains(&to.model.provider) {
            return Some(Objection::SameProvider);
        }
        // A window that nobody knows may be larger.
        let too_small = self.too_small.zip(to.window).is_some_and(|(known, window)| window <= known);
        too_small.then_some(Objection::WindowNotLarger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, window: Option<u64>) -> Candidate {
        Candidate { model: ModelRef::split(name).unwrap(), window }
    }

    fn of(kind: FailureKind) -> Failure {
        Failure { kind, shown: false, retry_ambiguous: false }
    }

    #[test]
    fn every_kind_has_its_heir() {
        use FailureKind as K;
        for kind in K::ALL {
            let (silent, agreed) = match kind {
                K::RateLimit | K::Overloaded | K::Server | K::Connect => (Heir::Anyone, Heir::Anyone),
                K::NotFound | K::Protocol | K::Local | K::Truncated => (Heir::Anyone, Heir::Anyone),
                K::Auth | K::Permission | K::Money => (Heir::OtherProvider, Heir::OtherProvider),
                K::Tls | K::TooLarge | K::ContentFilter => (Heir::OtherProvider, Heir::OtherProvider),
                K::ContextLength => (Heir::LargerWindow, Heir::LargerWindow),
                K::Timeout | K::Broken => (Heir::Nobody, Heir::Anyone),
                K::BadRequest | K::Cancelled => (Heir::Nobody, Heir::Nobody),
            };
            assert_eq!(of(kind).heir(), silent, "{kind:?}");
            assert_eq!(Failure { retry_ambiguous: true, ..of(kind) }.heir(), agreed, "{kind:?}");
            // Behind the first word nobody takes over, whatever it was.
            for retry_ambiguous in [false, true] {
                assert_eq!(Failure { kind, shown: true, retry_ambiguous }.heir(), Heir::Nobody, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_provider_without_money_is_not_asked_again() {
        let chain = ["p/one", "q/one", "p/two", "r/one"].map(|name| candidate(name, None));
        let mut lessons = Lessons::default();
        assert!(lessons.learn(&chain[0], of(FailureKind::Money)));
        assert_eq!(lessons.turn(&chain, 1), Turn { next: Some(1), passed: Vec::new() });
        // What the first one said still holds after the second has failed.
        assert!(lessons.learn(&chain[1], of(FailureKind::Server)));
        let passed = vec![(2, Objection::SameProvider)];
        assert_eq!(lessons.turn(&chain, 2), Turn { next: Some(3), passed: passed.clone() });
        assert_eq!(lessons.turn(&chain[..3], 2), Turn { next: None, passed });
    }

    #[test]
    fn a_prompt_that_does_not_fit_goes_to_a_larger_window() {
        let windows = [Some(8), Some(8), None, Some(4), Some(9)];
        let chain: Vec<_> = windows.iter().map(|window| candidate("p/one", *window)).collect();
        let mut lessons = Lessons::default();
        assert!(lessons.learn(&chain[0], of(FailureKind::ContextLength)));
        assert_eq!(
            lessons.turn(&chain, 1),
            Turn { next: Some(2), passed: vec![(1, Objection::WindowNotLarger)] }
        );
        // One of an unknown size failed too, which says nothing of sizes.
        assert!(lessons.learn(&chain[2], of(FailureKind::ContextLength)));
        assert_eq!(
            lessons.turn(&chain, 3),
            Turn { next: Some(4), passed: vec![(3, Objection::WindowNotLarger)] }
        );
    }

    #[test]
    fn any_other_failure_bars_nobody() {
        let chain = ["p/one", "p/two"].map(|name| candidate(name, Some(8)));
        for kind in [FailureKind::RateLimit, FailureKind::Server, FailureKind::NotFound] {
            let mut lessons = Lessons::default();
            assert!(lessons.learn(&chain[0], of(kind)));
            assert_eq!(lessons.turn(&chain, 1), Turn { next: Some(1), passed: Vec::new() });
        }
        assert!(!Lessons::default().learn(&chain[0], of(FailureKind::Timeout)));
    }
}
