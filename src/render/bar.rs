//! A bar that fills, and words behind it.

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

#[cfg(test)]
mod tests {
    use super::bar;

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
