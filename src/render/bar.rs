//! A bar that fills, and words behind it.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::columns::fitted;

/// One line of this width: the same signs on every terminal, with and without
/// colour. Where there is no room for both, the words stay.
pub fn bar(done: u64, all: u64, words: &str, width: usize) -> String {
    let room = width.saturating_sub(words.width() + 1);
    if room == 0 {
        return fitted(words, width);
    }
    let filled = u128::from(done.min(all)) * room as u128 / u128::from(all.max(1));
    let filled = usize::try_from(filled).unwrap_or(room);
    let head = if filled < room && done > 0 { "╸" } else { "" };
    let empty = room - filled - head.chars().count();
    format!("{}{head}{} {words}", "━".repeat(filled), " ".repeat(empty))
}

/// How long the rest takes if it goes on as so far, in whole seconds. Nothing
/// is said in the first second, or before something was made.
pub fn time_left(elapsed: Duration, made: u64, rest: u64) -> Option<Duration> {
    if elapsed.as_secs() == 0 {
        return None;
    }
    let nanoseconds = (elapsed.as_nanos() * u128::from(rest)).checked_div(u128::from(made))?;
    u64::try_from(nanoseconds.div_ceil(1_000_000_000)).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_goes_by_what_was_made() {
        let seconds = Duration::from_secs;
        assert_eq!(time_left(seconds(10), 5, 20), Some(seconds(40)));
        assert_eq!(time_left(seconds(10), 3, 1), Some(seconds(4)));
        assert_eq!(time_left(seconds(10), 5, 0), Some(seconds(0)));
        assert_eq!(time_left(seconds(10), 0, 20), None);
        assert_eq!(time_left(Duration::from_millis(10), 5, 20), None);
        // Bytes of a fast download, of which one takes less than a nanosecond.
        assert_eq!(time_left(seconds(2), 8_000_000_000, 4_000_000_000), Some(seconds(1)));
    }

    #[test]
    fn it_fills_its_room_and_no_more() {
        assert_eq!(bar(0, 4, "0/4", 12), "         0/4");
        assert_eq!(bar(2, 4, "2/4", 12), "━━━━╸    2/4");
        assert_eq!(bar(4, 4, "4/4", 12), "━━━━━━━━ 4/4");
        assert_eq!(bar(u64::MAX, u64::MAX, "", 3), "━━ ");
        assert_eq!(bar(2, 4, "2 of 4", 6), "2 of 4");
        assert_eq!(bar(2, 4, "2 of 4", 4), "2 o…");
    }
}
