//! What the renderer shows, and that nothing it is fed can break it.

use proptest::prelude::*;

use super::super::filter;
use super::table::visible;
use super::*;

fn style(width: usize) -> Style {
    Style { width, color: false, accessible: false }
}

fn render(style: Style, text: &str) -> String {
    let mut markdown = Markdown::new(style);
    let out = markdown.push(text);
    out + &markdown.finish()
}

fn plain(text: &str) -> String {
    render(style(40), text)
}

/// With colours, which are then taken away: marks are gone.
fn shown(text: &str) -> String {
    visible(&render(Style { color: true, ..style(40) }, text))
}

fn colored(text: &str) -> String {
    render(Style { color: true, ..style(40) }, text).replace('\x1b', "")
}

/// Pieces parted by blanks; `¶` is a line end.
const PIECES: &str = "¶ ¶¶ * ** *** _ __ ~~ ` `` ``` ~~~ ```rust¶ ### > [ ]( ) ![ ] < <b> <div> <br> \
    https://x.org/a_b <https://x.org> &amp; &#27; & \\ \\* | |a|b|¶ |---|:-:|¶ --- === - = word 漢字、仮名 \
    👩\u{200d}👧 e\u{301} \u{1b}[31m \u{202e} 1 . \r¶";

/// The same for pieces that hold blanks.
const SPACED: [&str; 14] = [
    " ",
    "  ",
    "    ",
    "\t",
    "# ",
    " ##",
    "> ",
    "- ",
    "* ",
    "1. ",
    "10. ",
    "- [ ] ",
    "let x = \"é\"; // c",
    "**bold** text that goes on for a while and ends",
];

/// Text made of what Markdown is made of.
fn hostile() -> impl Strategy<Value = String> {
    let pieces: Vec<String> = PIECES.split(' ').map(|piece| piece.replace('¶', "\n")).collect();
    let piece = prop_oneof![
        2 => prop::sample::select(pieces),
        1 => prop::sample::select(SPACED.to_vec()).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_style() -> impl Strategy<Value = Style> {
    (0_usize..60, any::<bool>(), any::<bool>()).prop_map(|(width, color, accessible)| Style {
        width,
        color,
        accessible,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pieces_show_what_the_whole_shows(
        text in hostile(),
        style in any_style(),
        sizes in prop::collection::vec(1_usize..9, 1..32),
    ) {
        let mut markdown = Markdown::new(style);
        let mut out = String::new();
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        for size in sizes.iter().cycle() {
            if at >= chars.len() {
                break;
            }
            let end = (at + size).min(chars.len());
            out += &markdown.push(&chars[at..end].iter().collect::<String>());
            at = end;
        }
        out += &markdown.finish();
        prop_assert_eq!(visible(&out), visible(&render(style, &text)));
    }

    #[test]
    fn only_faces_drive_the_terminal(text in hostile(), style in any_style()) {
        let out = render(style, &text);
        prop_assert!(style.color || !out.contains('\x1b'));
        prop_assert!(!visible(&out).chars().any(filter::is_forbidden), "{out:?}");
        prop_assert!(out.is_empty() || out.ends_with('\n'));
    }

    #[test]
    fn any_text_at_all_is_fine(text in any::<String>(), style in any_style()) {
        render(style, &text);
    }
}

/// Found by fuzzing: the marks were taken for an opening before the `b` came.
#[test]
fn a_product_behind_three_marks_is_one_in_pieces_too() {
    let mut markdown = Markdown::new(Style { color: true, ..style(40) });
    let shown: String = "***o*b\n".chars().map(|c| markdown.push(&c.to_string())).collect();
    assert_eq!(visible(&(shown + &markdown.finish())), "***o*b\n");
}

#[test]
fn words_appear_as_they_come() {
    let text = "## Plain *words* of a line\n\nthat is not ended: 2024 was - it seems - a year. ";
    let mut markdown = Markdown::new(Style { color: true, ..style(200) });
    let mut out = String::new();
    let mut sent = 0;
    for word in text.split_inclusive(' ') {
        out += &markdown.push(word);
        sent += word.matches(char::is_alphanumeric).count();
        let seen = visible(&out).matches(char::is_alphanumeric).count();
        // An opening `*` holds its own words back, and they come at once.
        let held = if word.contains("*words*") { 5 } else { 0 };
        assert!(seen + held >= sent, "{word:?} is not shown in {out:?}");
    }
}

#[test]
fn only_what_may_be_a_mark_is_held() {
    let mut markdown = Markdown::new(style(80));
    assert_eq!(markdown.push("Some text *"), "Some text");
    assert_eq!(markdown.push(" 3 [x"), " * 3");
    assert_eq!(markdown.push("] y "), " [x] y");
    assert_eq!(markdown.push("\n-"), "");
    assert_eq!(markdown.push("5 degrees "), "\n-5 degrees");
    assert_eq!(markdown.push("\n\n12"), "");
    assert_eq!(markdown.push(" monkeys "), "\n\n12 monkeys");
    assert_eq!(markdown.finish(), "\n");
}

#[test]
fn an_interrupted_text_leaves_the_terminal_as_it_was() {
    let mut markdown = Markdown::new(Style { color: true, ..style(80) });
    let out = markdown.push("**bold text that goes on and on, and still does not end ");
    assert!(out.starts_with("\x1b[1mbold") && out.ends_with("\x1b[0m"), "{out:?}");
}

#[test]
fn nothing_in_gives_nothing_out() {
    for text in ["", "\n", "  \n\n", "\x1b[2J"] {
        assert_eq!(plain(text), "", "{text:?}");
    }
}

#[test]
fn headings_stand_apart() {
    assert_eq!(
        plain("text\n# One #\ntwo\n## C# ##\n### \n####### x"),
        "text\n\n# One\n\ntwo\n\n## C#\n\n###\n\n####### x\n"
    );
    assert_eq!(colored("# One\n## Two\n### Three"), "[1;4mOne[0m\n\n[1mTwo[0m\n\n[1;3mThree[0m\n");
    assert_eq!(plain("Title\n===\ntext\n\nUnder\n---\n"), "Title\n═════\n\ntext\n\nUnder\n─────\n");
    assert_eq!(shown("#hashtag and #1"), "#hashtag and #1\n");
}

#[test]
fn emphasis_is_commonmarks_where_it_can_be_known() {
    let cases = [
        ("**bold** *it* ***both*** ~~gone~~ __b__ _i_", "bold it both gone b i\n"),
        ("**foo *bar** baz*", "foo bar baz*\n"),
        ("snake_case_name and 2 * 3 * 4 and a*b*c", "snake_case_name and 2 * 3 * 4 and a*b*c\n"),
        ("use *.rs and *args", "use *.rs and *args\n"),
        ("**重要**です、**「引用」**も", "重要です、「引用」も\n"),
        (
            "**https://x.org/a_b__c** and https://x.org/__init__.py",
            "https://x.org/a_b__c and\nhttps://x.org/__init__.py\n",
        ),
        ("\\*no\\* ****four**** ~one~", "*no* ****four**** ~one~\n"),
        ("*a `b* c` d*", "a b* c d\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert_eq!(colored("**b *bi* b** ~~s~~"), "[1mb [0;1;3mbi[0;1m b[0m [9ms[0m\n");
    assert_eq!(plain("**b *bi* b** ~~s~~ `c`"), "**b *bi* b** ~~s~~ `c`\n");
}

#[test]
fn a_mark_that_is_never_closed_does_not_end_at_a_block() {
    assert_eq!(
        colored("**open and long enough that it is taken for strong\n\nnext").split_once("\n\n").unwrap().1,
        "next\n"
    );
}

#[test]
fn code_keeps_its_characters() {
    assert_eq!(shown("`` a`b `` `*x*` `a  b` `open"), "a`b *x* a  b `open\n");
    assert_eq!(colored("`a`"), "[36ma[0m\n");
}

#[test]
fn links_show_where_they_lead() {
    let cases = [
        ("[docs](https://x.org \"title\").", "docs (https://x.org).\n"),
        ("[https://x.org](https://x.org) <https://x.org> <a@x.org>", "https://x.org https://x.org a@x.org\n"),
        ("![a cat](cat.png) ![](dog.png)", "a cat (cat.png) image (dog.png)\n"),
        ("[![badge](b.svg)](https://x.org)", "badge (b.svg) (https://x.org)\n"),
        ("[1] and a[0] and [x] (y) [ref][1]", "[1] and a[0] and [x] (y) [ref][1]\n"),
        ("[a](b&#27;]0;c)", "a (b]0;c)\n"),
        ("1 < 2 <b>x</b> <3 &lt;&copy; &nosuch; AT&T", "1 < 2 <b>x</b> <3 <© &nosuch; AT&T\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn lines_of_a_paragraph_stay_lines() {
    assert_eq!(
        plain("Roses are red,  \nviolets\\\nare blue\n\n\n\nend"),
        "Roses are red,\nviolets\nare blue\n\nend\n"
    );
}

#[test]
fn lists_hang_and_nest() {
    let text = "List:\n- one\n  - two is a line that has to be wrapped\n    - three\n- four\n\n  second paragraph\n\n- five\ntext";
    let expected = "List:\n• one\n  ◦ two is a line that has to be wrapped\n    ▪ three\n• four\n\n  second paragraph\n\n• five\n  text\n";
    assert_eq!(plain(text), expected);
    assert_eq!(render(style(24), "10. one two three four five"), "10. one two three four\n    five\n");
    assert_eq!(plain("1. a\n1. b\n1. c\n\ntext\n\n4) d\n7) e"), "1. a\n2. b\n3. c\n\ntext\n\n4) d\n7) e\n");
    assert_eq!(plain("1. a\n  - b\n2. c"), "1. a\n   • b\n2. c\n");
    assert_eq!(plain("- [ ] a\n- [x] b\n- [z] c\n1. [x] d"), "[ ] a\n[x] b\n• [z] c\n1. [x] d\n");
    assert_eq!(plain("-\n- a\n-\n  b"), "•\n• a\n• b\n");
}

#[test]
fn quotes_have_bars() {
    assert_eq!(plain("> a\nlazy\n>\n> > b\n\nc"), "│ a\n│ lazy\n│\n│ │ b\n\nc\n");
    assert_eq!(plain("> - a\n>   b\n> ```\n> x\n"), "│ • a\n│   b\n│ ```\n│ x\n│ ```\n");
}

#[test]
fn rules_are_no_lists() {
    assert_eq!(render(style(10), "a\n\n---\n* * *\nb"), "a\n\n──────────\n\n──────────\n\nb\n");
    assert_eq!(plain("--flag is - well - a flag"), "--flag is - well - a flag\n");
}

#[test]
fn code_blocks_are_not_touched() {
    let code =
        "fn main() {\n\n    let very_long = \"a line that is not wrapped, whatever the width\";\t// *no*\n}";
    assert_eq!(plain(&format!("```\n{code}\n```\nafter")), format!("```\n{code}\n```\n\nafter\n"));
    assert_eq!(shown(&format!("```rust\n{code}\n```")), format!("```rust\n{code}\n```\n"));
    assert_eq!(plain("````md\n```rust\nx\n```\n````\n"), "````md\n```rust\nx\n```\n````\n");
    assert_eq!(plain("~~~\n```\n~~~\n"), "~~~\n```\n~~~\n");
    assert_eq!(plain("```\nnever ended"), "```\nnever ended\n```\n");
    assert_eq!(plain("a\n\n    code\n\n\n      more\n\nb"), "a\n\n    code\n\n\n      more\n\nb\n");
    assert_eq!(plain("``` inline ``` text"), "``` inline ``` text\n");
}

#[test]
fn code_in_lists_loses_the_lists_indent_even_where_it_has_none() {
    assert_eq!(
        plain("1. a\n   ```\n   x\n\n     y\n   ```\n2. b"),
        "1. a\n   ```\n   x\n\n     y\n   ```\n2. b\n"
    );
    assert_eq!(plain("1. a\n   ```\nx\n   ```\n2. b"), "1. a\n   ```\n   x\n   ```\n2. b\n");
    assert_eq!(plain("- ```\n  x\n  ```\n"), "• ```\n  x\n  ```\n");
}

#[test]
fn code_is_coloured_line_by_line() {
    let mut markdown = Markdown::new(Style { color: true, ..style(40) });
    assert_eq!(markdown.push("```rust\nlet x"), "\x1b[2m```rust\x1b[0m");
    assert_eq!(markdown.push(" = 1;\n"), "\n\x1b[35mlet\x1b[0m x = \x1b[36m1\x1b[0m;");
    let long = "x".repeat(3_000);
    assert_eq!(shown(&format!("```rust\n{long}\nfn\n```")), format!("```rust\n{long}\nfn\n```\n"));
}

#[test]
fn html_is_shown_as_it_is() {
    let html = "<details>\n  <summary>*More*</summary>\n</details>";
    assert_eq!(shown(&format!("{html}\n\n*text*")), format!("{html}\n\ntext\n"));
    assert_eq!(shown("<div>\n```\n*x*\n```\n</div>"), "<div>\n\n```\n*x*\n```\n\n</div>\n");
    assert_eq!(shown("<think>\n*so*\n</think>"), "<think>\nso\n</think>\n");
}

#[test]
fn tables_are_laid_out_to_the_width() {
    let text = "Before:\n| Name | `n` |\n|:--|--:|\n| 日本 | 1 |\n| **b** \\| c | 20 |\nafter";
    let expected = "Before:\n\nName  │  n\n━━━━━━┿━━━\n日本  │  1\nb | c │ 20\n\nafter\n";
    assert_eq!(shown(text), expected);
    let wide = "|A|B|\n|-|-|\n|x|one two three four five|\n|y|z<br>w|";
    let expected =
        "A │ B\n━━┿━━━━━━━━━━━━━━━\nx │ one two three\n  │ four five\n──┼───────────────\ny │ z\n  │ w\n";
    assert_eq!(render(style(18), wide), expected);
}

#[test]
fn tables_without_room_become_cards() {
    let text = "|Name|Value|\n|-|-|\n|one|https://example.com/a/long/address|\n|two|short|\n";
    let expected = "Name: one\nValue:\nhttps://example.com/a/long/address\n\nName: two\nValue: short\n";
    assert_eq!(render(style(30), text), expected);
    let accessible = Style { accessible: true, ..style(80) };
    assert_eq!(render(accessible, "|A|B|\n|-|-|\n|1|2|\n"), "A: 1\nB: 2\n");
}

/// What does not fit into memory is shown as it comes, under one head.
#[test]
fn a_table_without_end_is_one_table() {
    let rows: Vec<String> = (1_000..5_000).map(|n| format!("|{n}|{}|", "x".repeat(80))).collect();
    let text = format!("|A|B|\n|:-:|-|\n{}\n\nEnd", rows.join("\n"));
    let wide = render(style(100), &text);
    let lines: Vec<&str> = wide.lines().collect();
    assert!(lines[0] == " A   │ B" && lines[1].starts_with("━━━━━┿━━") && lines[2].starts_with("1000 │ x"));
    assert_eq!(
        (lines.len(), lines[4_001], lines[4_003]),
        (4_004, &*format!("4999 │ {}", "x".repeat(80)), "End")
    );
    let cards = render(style(20), &text);
    assert_eq!((cards.matches("A: ").count(), cards.matches("\n\n\n").count()), (4_000, 0));
    // A head alone has no rows to be a card of.
    let accessible = Style { accessible: true, ..style(80) };
    assert_eq!(render(accessible, "|A|B|\n|-|-|\n"), "A\nB\n");
    // Nor is a row without end kept.
    let row = format!("|A|B|\n|-|-|\n|1|2|\n|{}", "word ".repeat(4_000));
    let shown = render(style(80), &row);
    assert!(shown.starts_with("A │ B\n━━┿━━\n1 │ 2\n") && shown.matches("word").count() == 4_000, "{shown}");
}

#[test]
fn what_only_looks_like_a_table_is_text() {
    assert_eq!(plain("| a | b |\n| c |\ntext"), "| a | b |\n| c |\ntext\n");
    assert_eq!(plain("|a|b|\n|-|\n\n|x"), "|a|b|\n|-|\n\n|x\n");
    // More cells than columns: nothing is lost.
    assert_eq!(plain("|a|\n|-|\n|b|c|"), "a\n━━━━━\nb | c\n");
}

#[test]
fn screen_readers_get_words_for_boxes() {
    let accessible = Style { accessible: true, ..style(80) };
    let text = "> quote\n\n- item\n\n---\n\n```rust\nx\n```\n";
    assert_eq!(render(accessible, text), "> quote\n\n- item\n\n---\n\ncode (rust):\nx\nend of code\n");
}

#[test]
fn long_inputs_take_long_but_not_longer() {
    // Each would take minutes if it were not linear.
    for text in ["*", "**a ", "`a ", "[", "[a](", "![", ">", "- ", "|", "<a ", "_", "# #", "\\", "&"] {
        let text = text.repeat(200_000 / text.len());
        render(Style { color: true, ..style(80) }, &text);
    }
}
