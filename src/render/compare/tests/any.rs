//! What must hold for any answer.

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::super::fold::bare;
use super::*;

/// Words, wide letters, emoji, marks, code, tabs and what no terminal may get.
fn answers() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z]{1,30}",
        "[\u{4e00}-\u{4e20}]{1,20}",
        Just("👩‍👩‍👧".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("\n```rust\n\tlet a = \"1234567890 1234567890 1234567890 1234567890\";\n```\n".to_owned()),
        Just("\n\n- ".to_owned()),
        Just("\n| a | b |\n|---|---|\n| c | d |\n\n".to_owned()),
        Just("\x1b[2J\x1b]0;x\x07".to_owned()),
        Just("\u{9b}5A\r\u{202e}".to_owned()),
        Just("\t".to_owned()),
        Just("\n".to_owned()),
    ];
    proptest::collection::vec(piece, 0..25).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_too_wide_nothing_is_lost_and_nothing_drives_the_terminal(
        answers in proptest::collection::vec(answers(), 1..=12),
        width in 40_usize..=250,
        color: bool,
        broken in 0_usize..12,
    ) {
        let mut lanes: Vec<LaneResult> = Vec::new();
        for (at, answer) in answers.iter().enumerate() {
            let name = format!("openrouter/meta-llama/llama-3.3-70b-instruct@seed={at}");
            lanes.push(one(&name, answer, 200 + at as u64 * 13, "0.0012"));
        }
        if let Some(lane) = lanes.get_mut(broken) {
            lane.runs[0].outcome.status = Status::Partial;
            lane.runs[0].outcome.error = Some(ApiError::new(FailureKind::Server, "\x1b[2Ja\u{202e}\tb\nc"));
        }
        let of = comparison(lanes);
        let output = Output { color_stdout: color, ..output(width) };
        for view in [View::Table, View::Cards, View::Diff] {
            let shown = text(&of, view, Sort::Cost, &output);
            let plain: Vec<String> = shown.lines().map(bare).collect();
            for line in &plain {
                prop_assert!(line.width() <= width, "{} > {width}: {line:?}", line.width());
                prop_assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
            }
            if !color {
                prop_assert!(!shown.contains('\x1b'));
            }
            for at in 0..answers.len() {
                let option = format!("seed={at}");
                prop_assert!(plain.iter().any(|line| line.contains(&option)), "{option}");
            }
        }
        // Cards keep the order of the letters, whatever lies between them.
        let letters = |text: &str| text.chars().filter(|c| ('\u{4e00}'..='\u{4e20}').contains(c)).collect::<String>();
        let all: String = answers.iter().map(|answer| letters(answer)).collect();
        prop_assert_eq!(letters(&text(&of, View::Cards, Sort::Given, &output)), all);
    }

    #[test]
    fn every_word_is_in_the_table(words in proptest::collection::vec("[a-z]{1,20}", 1..80), width in 70_usize..200) {
        let of = comparison(vec![one("a/a", &words.join(" "), 300, "0.1"), one("b/b", "x", 200, "0.1")]);
        let shown = text(&of, View::Table, Sort::Given, &output(width));
        let rows = shown.lines().skip_while(|line| !line.starts_with("answer"));
        let rows = rows.take_while(|line| !line.starts_with('─')).filter_map(|line| line.split('│').nth(1));
        let shown: Vec<String> = rows.flat_map(str::split_whitespace).map(str::to_owned).collect();
        prop_assert_eq!(shown, words);
    }

    #[test]
    fn files_hold_no_control_characters_and_every_row(answers in proptest::collection::vec(answers(), 1..5)) {
        let lanes: Vec<LaneResult> = answers.iter().map(|answer| one("a/a", answer, 300, "0.1")).collect();
        let of = comparison(lanes);
        let forbidden = |c: char| c != '\n' && c != '\t' && crate::render::filter::is_forbidden(c);
        prop_assert!(!markdown(&of).contains(forbidden));
        let text = csv(&of);
        prop_assert!(!text.contains(forbidden));
        // A reader of the format sees one record a call, each with every field.
        let (mut fields, mut records, mut quoted) = (1, Vec::new(), false);
        for c in text.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields += 1,
                '\n' if !quoted => {
                    records.push(fields);
                    fields = 1;
                }
                _ => {}
            }
        }
        prop_assert_eq!(records, vec![41; answers.len() + 1]);
    }
}
