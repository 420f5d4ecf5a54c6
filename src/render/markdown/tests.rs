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

/// Text made of what Markdown is made of.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = vec![
        "\n", "\n\n", " ", "  ", "    ", "\t", "*", "**", "***", "_", "__", "~~", "`", "``", "```", "~~~",
        "```rust\n", "# ", "###", " ##", "> ", ">", "- ", "* ", "+ ", "1. ", "2) ", "10. ", "- [ ] ", "[",
        "](", ")", "![", "]", "<", ">", "<b>", "<div>", "<br>", "https://x.org/a_b", "<https://x.org>", "&amp;",
        "&#27;", "&", "\\", "\\*", "|", "| a | b |\n", "|---|:-:|\n", "---", "===", "- - -", "-", "=", "word",
        "a long word", "漢字、仮名", "👩\u{200d}👧", "e\u{301}", "\x1b[31m", "\u{202e}", "let x = \"é\"; // c",
        "\r\n", "1", ".", "**bold** text that goes on for a while and ends",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
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
