//! Where lines end.

use super::*;

fn wrapped(width: usize, text: &str) -> String {
    let mut writer = Writer::new(width, false, '│');
    writer.text(text, Face::PLAIN, false);
    writer.close();
    writer.take()
}

#[test]
fn lines_are_filled_and_never_longer() {
    assert_eq!(wrapped(10, "the quick  brown fox"), "the quick\nbrown fox\n");
    assert_eq!(wrapped(9, "the quick brown fox"), "the quick\nbrown fox\n");
    assert_eq!(wrapped(8, "the quick brown fox"), "the\nquick\nbrown\nfox\n");
    assert_eq!(wrapped(10, ""), "");
}

proptest::proptest! {
    #[test]
    fn a_line_too_long_is_one_word(text in "[a-z漢é 👍。]{0,80}", width in 4_usize..30) {
        for line in wrapped(width, &text).lines() {
            let word = !line.contains([' ', '漢']);
            // A stop never begins a line, so runs of them hold together.
            proptest::prop_assert!(line.width() <= width || word || line.contains('。'), "{line:?}");
        }
    }
}

#[test]
fn what_fits_on_no_line_stays_whole() {
    let url = "https://example.com/a/long/path";
    assert_eq!(wrapped(10, &format!("see {url} now")), format!("see\n{url}\nnow\n"));
}

#[test]
fn wide_characters_take_two_columns_and_break_anywhere_but_before_a_stop() {
    assert_eq!(wrapped(6, "日本語日本語"), "日本語\n日本語\n");
    assert_eq!(wrapped(6, "日本語。日本"), "日本\n語。日\n本\n");
    assert_eq!(wrapped(7, "「日本」語 ab"), "「日\n本」語\nab\n");
    assert_eq!(wrapped(7, "👩\u{200d}👩\u{200d}👧 👍🏽 ab"), "👩\u{200d}👩\u{200d}👧 👍🏽\nab\n");
}

#[test]
fn words_come_out_when_they_are_complete() {
    let mut writer = Writer::new(20, false, '│');
    writer.text("one tw", Face::PLAIN, false);
    assert_eq!(writer.take(), "one");
    writer.text("o ", Face::PLAIN, false);
    assert_eq!(writer.take(), " two");
}

#[test]
fn indents_hang_and_blank_lines_end_clean() {
    let mut writer = Writer::new(12, false, '│');
    writer.indent(Indent::Quote);
    writer.indent(Indent::Item { marker: "1. ".into(), written: false });
    writer.text("one two three", Face::PLAIN, false);
    writer.blank_line();
    writer.text("x", Face::PLAIN, false);
    writer.close();
    assert_eq!(writer.take(), "│ 1. one two\n│    three\n│\n│    x\n");
}

/// Found by fuzzing: with nothing behind it, the bar's line had no end.
#[test]
fn a_blank_line_at_the_end_is_ended_where_it_shows_a_bar() {
    let ended = |indent: Option<Indent>| {
        let mut writer = Writer::new(12, false, '│');
        indent.into_iter().for_each(|indent| writer.indent(indent));
        writer.text("x", Face::PLAIN, false);
        let mut shown = writer.take();
        writer.blank_line();
        shown += &writer.take();
        writer.close();
        shown + &writer.take()
    };
    assert_eq!(ended(None), "x\n");
    assert_eq!(ended(Some(Indent::Quote)), "│ x\n│\n");
    assert_eq!(ended(Some(Indent::Item { marker: "- ".into(), written: false })), "- x\n");
}

#[test]
fn faces_end_with_each_piece_and_each_line() {
    let mut writer = Writer::new(3, true, '│');
    writer.text("aa bb ", Face::BOLD, false);
    assert_eq!(writer.take(), "\x1b[1maa\x1b[0m\n\x1b[1mbb\x1b[0m");
}
