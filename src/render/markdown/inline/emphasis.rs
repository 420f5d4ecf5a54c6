//! Emphasis: `*`, `_` and `~~`.
//!
//! The rules are CommonMark's, but for three things. An opening mark is held
//! for [`WINDOW`] bytes only; if no closing one came by then, it is taken
//! to be one where prose goes on behind it. A `*` between ASCII letters or
//! digits is no mark (`a*b*c` is a product). Nothing opens within a bare
//! address.

use super::super::face::Face;
use super::{Address, Inline, Sink, Step, code_end, run_length, window};

/// How many bytes behind an opening mark are searched for its closing one.
const WINDOW: usize = 40;

/// The deepest nesting of emphasis.
const MOST_OPEN: usize = 12;

/// Emphasis that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    mark: u8,
    /// Two characters: strong, or struck out.
    double: bool,
}

impl Open {
    pub(super) const fn face(self) -> Face {
        match (self.mark, self.double) {
            (b'~', _) => Face::STRIKE,
            (_, true) => Face::BOLD,
            (_, false) => Face::ITALIC,
        }
    }

    const fn length(self) -> usize {
        if self.double { 2 } else { 1 }
    }
}

/// Whether a run of marks begins emphasis.
enum Opens {
    Yes,
    No,
    Wait,
}

impl Inline {
    pub(super) fn delimiter(&mut self, rest: &str, mark: u8, ended: bool, sink: &mut dyn Sink) -> Step {
        let length = run_length(rest, mark);
        if length > 3 || (mark == b'~' && length > 2) {
            return self.literal_run(rest, mark, sink);
        }
        if length == rest.len() && !ended {
            return Step::Wait;
        }
        let next = rest[length..].chars().next();
        let closed =
            if self.may_close(mark, length, next) { self.closed_by(mark, length) } else { Vec::new() };
        let used: usize = closed.iter().map(|index| self.open[*index].length()).sum();
        let left = length - used;
        let opens = if left > 0 && self.may_open(mark, left, next) {
            opens(&rest[length..], mark, left, ended)
        } else {
            Opens::No
        };
        if matches!(opens, Opens::Wait) {
            return Step::Wait;
        }
        if let Some(outermost) = closed.last() {
            self.mark(&rest[..used], sink);
            self.open.truncate(*outermost);
        }
        if left == 0 {
            return Step::Done(length);
        }
        if matches!(opens, Opens::No) {
            self.emit(&rest[used..length], sink);
            return Step::Done(length);
        }
        self.open.extend((left >= 2).then_some(Open { mark, double: true }));
        self.open.extend((left != 2).then_some(Open { mark, double: false }));
        self.mark(&rest[used..length], sink);
        Step::Done(length)
    }

    /// Which open emphasis a run ends, innermost first. What lies further in
    /// ends with it.
    fn closed_by(&self, mark: u8, length: usize) -> Vec<usize> {
        let mut left = length;
        let mut within = self.open.as_slice();
        let mut closed = Vec::new();
        loop {
            let find = |fits: &dyn Fn(usize) -> bool| {
                within.iter().rposition(|open| open.mark == mark && fits(open.length()))
            };
            // `**` ends what `**` began, even if a `*` was begun in between.
            let exact = if left <= 2 { find(&|length| length == left) } else { None };
            let Some(index) = exact.or_else(|| find(&|length| length <= left)) else { return closed };
            left -= within[index].length();
            within = &within[..index];
            closed.push(index);
        }
    }

    fn may_close(&self, mark: u8, length: usize, next: Option<char>) -> bool {
        self.before.is_some_and(|before| !before.is_whitespace())
            && !is_product(mark, length, self.before, next)
            && (mark != b'_' || next.is_none_or(|next| !next.is_alphanumeric()))
            // Within an address only what stands at its end closes.
            && (self.address != Address::Yes || next.is_none_or(|next| !next.is_alphanumeric()))
    }

    fn may_open(&self, mark: u8, length: usize, next: Option<char>) -> bool {
        let Some(next) = next.filter(|next| !next.is_whitespace()) else { return false };
        let before = self.before.unwrap_or(' ');
        let flanks = next.is_alphanumeric() || !before.is_alphanumeric();
        let allowed = match mark {
            b'*' => !is_product(mark, length, self.before, Some(next)),
            b'_' => !before.is_alphanumeric(),
            _ => length == 2,
        };
        flanks && allowed && self.address != Address::Yes && self.open.len() < MOST_OPEN
    }
}

/// Whether a single `*` stands between ASCII letters or digits.
fn is_product(mark: u8, length: usize, before: Option<char>, next: Option<char>) -> bool {
    let factor = |side: Option<char>| side.is_some_and(|c| c.is_ascii_alphanumeric());
    mark == b'*' && length == 1 && factor(before) && factor(next)
}

/// Looks for the mark's other half behind it.
fn opens(after: &str, mark: u8, length: usize, ended: bool) -> Opens {
    let (window, full) = window(after, WINDOW);
    if closes_within(window, mark, length, ended && !full) {
        return Opens::Yes;
    }
    let prose = |c: char| c.is_alphanumeric() || "\"'“‘«„([{`*_".contains(c);
    match after.chars().next() {
        Some(next) if full && prose(next) => Opens::Yes,
        _ if full || ended => Opens::No,
        _ => Opens::Wait,
    }
}

/// Whether emphasis of `length` marks ends in the text. What more text could
/// change counts as no end yet, unless the text is complete.
fn closes_within(text: &str, mark: u8, length: usize, complete: bool) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => {
                let ticks = run_length(&text[at..], b'`');
                let Some(end) = code_end(&text[at + ticks..], ticks, complete) else {
                    if complete {
                        at += ticks;
                        continue;
                    }
                    return false;
                };
                at += ticks + end + ticks;
            }
            byte if byte == mark => {
                let found = run_length(&text[at..], mark);
                let before = text[..at].chars().next_back();
                let next = text[at + found..].chars().next();
                let known = complete || next.is_some();
                let fits = match length {
                    1 => found != 2 && known,
                    2 => found >= 2,
                    // A single one may yet be a product.
                    _ => found > 1 || known,
                };
                let word = mark == b'_' && (!known || next.is_some_and(char::is_alphanumeric));
                let product = is_product(mark, found, before, next);
                if fits && !word && !product && before.is_some_and(|before| !before.is_whitespace()) {
                    return true;
                }
                at += found;
            }
            _ => at += 1,
        }
    }
    false
}
