use proptest::prelude::*;

use super::*;

fn first(markdown: &str) -> Option<String> {
    first_code_block(markdown).map(Cow::into_owned)
}

#[test]
fn the_first_block_is_taken_without_its_fences() {
    let cases = [
        ("Here:\n\n```rust\nfn a() {}\n```\n\n```\nb\n```\n", "fn a() {}\n"),
        ("~~~ sh `x`\nls\n~~~", "ls\n"),
        ("```\na\n\n b\n```\nmore", "a\n\n b\n"),
        ("```\n```\n", ""),
        ("```json\r\n{}\r\n```\r\n", "{}\r\n"),
    ];
    for (markdown, code) in cases {
        assert_eq!(first(markdown).as_deref(), Some(code), "{markdown:?}");
        assert!(matches!(first_code_block(markdown), Some(Cow::Borrowed(_))));
    }
}

#[test]
fn only_its_own_kind_of_fence_closes_a_block() {
    let cases = [
        ("````md\n```\nx\n```\n````\n", "```\nx\n```\n"),
        ("```\n~~~\n```\n", "~~~\n"),
        ("```\nx\n`````  \ny", "x\n"),
        ("```\nx\n``` y\n```\n", "x\n``` y\n"),
        ("```\nx\n    ```\n   ```\n", "x\n    ```\n"),
    ];
    for (markdown, code) in cases {
        assert_eq!(first(markdown).as_deref(), Some(code), "{markdown:?}");
    }
}

#[test]
fn a_block_that_is_never_closed_has_what_is_there() {
    for (markdown, code) in [("```\na\nb", "a\nb"), ("```py\n", ""), ("```", ""), ("```\na\n``", "a\n``")] {
        assert_eq!(first(markdown).as_deref(), Some(code), "{markdown:?}");
    }
}

#[test]
fn what_is_no_fence_opens_nothing() {
    for markdown in [
        "",
        "text",
        "``\nx\n``",
        "a ```code``` b",
        "```code``` first in its line",
        "``` a`b\n",
        "para\n\n    ```\n    indented code\n    ```\n",
        "\t```\n",
        "-```\n",
    ] {
        assert_eq!(first(markdown), None, "{markdown:?}");
    }
}

#[test]
fn the_indentation_of_the_fence_is_taken_off() {
    let cases = [
        ("  ```\n  a\n    b\n c\n\n  ```\n", "a\n  b\nc\n\n"),
        ("1. Install:\n   ```sh\n   make\n   ```\n", "make\n"),
        ("1. Install:\n\n    ```sh\n    make\n\tall\n    ```\n2. Done\n", "make\nall\n"),
        ("- a\n  - b\n    - c\n\n      ```\n      x\n        y\n      ```\n", "x\n  y\n"),
        ("- ```\n  x\n  ```\n", "x\n"),
        ("1) - ~~~\n     x\n     ~~~\n", "x\n"),
        // Models forget to indent what a fence in a list holds.
        ("* a\n\n        ```\nx\n  y\n        ```\nz", "x\ny\n"),
        ("- a\n\n  more\n\nnot in it\n\n    ```\nx\n\n```\nfirst\n```\n", "first\n"),
        ("- a\nlazily\n    ```\n    x\n    ```\n", "x\n"),
    ];
    for (markdown, code) in cases {
        assert_eq!(first(markdown).as_deref(), Some(code), "{markdown:?}");
    }
}

#[test]
fn a_quoted_block_loses_the_marks_of_the_quote() {
    let cases = [
        ("> ```\n> a\n>\n>   b\n> > c\n> ```\n", "a\n\n  b\n> c\n"),
        (">> ```\n>>x\n>> ```\n", "x\n"),
        ("> - ```\n>   x\n>   ```\n", "x\n"),
        // The quote ends, and its block with it.
        ("> ```\n> a\nb\n```\n", "a\n"),
        ("```\n> a\n```\n", "> a\n"),
    ];
    for (markdown, code) in cases {
        assert_eq!(first(markdown).as_deref(), Some(code), "{markdown:?}");
    }
    assert_eq!(first("    > ```\n"), None);
}

#[test]
fn long_texts_of_fences_and_markers_take_one_pass() {
    // A pass a line, or a scan to the end a marker, would never come to an end here.
    let size = 2_000_000;
    for piece in ["- ", "1. ", "> ", "`", "```x`\n", "- a\n", "\t", "~~~", "  -\n"] {
        let text = piece.repeat(size / piece.len());
        let found = first(&text);
        assert_eq!(found.is_some(), piece == "`" || piece == "~~~", "{piece:?}");
    }
    let open = format!("  ```\n{}", "  ``\n".repeat(size / 5));
    assert_eq!(first(&open).map(|code| code.len()), Some(size / 5 * 3));
}

/// Texts made of what this module looks at.
fn markdown() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "```", "~~~", "`", "~", "````", "> ", "\n", "\r\n", " ", "   ", "\t", "- ", "12. ", "a", "é",
        "\u{2003}",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in any::<String>(), pieces in markdown()) {
        for text in [text, pieces] {
            if let Some(code) = first_code_block(&text) {
                prop_assert!(code.len() < text.len());
            }
        }
    }

    #[test]
    fn what_was_fenced_comes_back(
        code in "([ \\ta`~é-]{0,8}\n){0,6}",
        before in "([a-z ]{0,8}\n){0,3}",
        mark in prop::sample::select(vec!['`', '~']),
        indent in 0_usize..4,
    ) {
        // A tab's width depends on where it stands, so indenting it is no plain shift.
        let code = if indent == 0 { code } else { code.replace('\t', " ") };
        let longest = code.split(|c| c != mark).map(str::len).max().unwrap_or(0);
        let fence = mark.to_string().repeat(longest.max(2) + 1);
        let pad = " ".repeat(indent);
        let inside: String = code.split_inclusive('\n').map(|line| format!("{pad}{line}")).collect();
        let text = format!("{before}{pad}{fence}info\n{inside}{pad}{fence}\nbehind");
        prop_assert_eq!(first(&text), Some(code));
    }
}
