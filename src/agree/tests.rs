use proptest::prelude::*;

use super::*;

fn lanes(agreement: &Agreement) -> Vec<&[usize]> {
    agreement.groups.iter().map(|group| group.lanes.as_slice()).collect()
}

fn of(answers: &[&str], by_field: bool) -> Agreement {
    agreement(&answers.iter().map(|answer| Some(*answer)).collect::<Vec<_>>(), by_field)
}

#[test]
fn what_differs_in_form_alone_is_equal() {
    let alike: &[(&str, &[&str])] = &[
        (
            "paris",
            &[
                "Paris",
                " PARIS.\n",
                "**Paris**",
                "**Paris.**",
                "\"Paris\".",
                "“Paris!”",
                "`paris`",
                "_Paris_",
            ],
        ),
        (
            "paris",
            &["```\nParis\n```", "```text\nparis.\n```", "\u{feff}Paris", "«Paris»", "~~Paris~~", "'Paris'"],
        ),
        ("it's the north sea", &["It’s the\n\tNorth  Sea.", "it's the north\u{a0}sea"]),
        ("strasse", &["STRASSE", "Straße", "straße!"]),
        ("4", &["4", "4.0", "4.", "+4", "**4.00**", "4,"]),
        ("1234567.5", &["1,234,567.5", "1234567.50", "1.2345675e6"]),
        ("-0.05", &["-0.05", "−0.050", "-5e-2", "-.05"]),
        ("0", &["0", "-0", "0.0", "0e5"]),
        ("1000", &["1e3", "1,000", "1000.", "1E+3"]),
        ("東京", &["東京", "東京。"]),
    ];
    for (form, answers) in alike {
        for answer in *answers {
            assert_eq!(normal(answer), *form, "{answer}");
        }
    }
}

#[test]
fn what_may_differ_in_meaning_stays_different() {
    for (a, b) in [
        ("5!", "5"),
        ("*p", "p"),
        ("__init__", "init"),
        ("C", "C++"),
        ("C", "C#"),
        ("4%", "4"),
        ("$4", "4"),
        ("-4", "4"),
        ("007", "7"),
        ("1,00", "100"),
        ("1,000,00", "100000"),
        ("!!!", "???"),
        ("(a)", "a"),
        ("2**3", "23"),
        ("it is 4", "4"),
        ("1e999", "1e998"),
        ("", "."),
    ] {
        assert_ne!(normal(a), normal(b), "{a} and {b}");
    }
}

#[test]
fn groups_come_by_size_and_then_by_their_first_lane() {
    let agreement = agreement(&[Some("a"), Some("B"), None, Some("b."), Some("c"), Some("B!")], false);
    assert_eq!(lanes(&agreement), [&[1, 3, 5][..], &[0], &[4]]);
    assert_eq!(agreement.groups[0].answer, "b");
    assert_eq!((agreement.odd_ones(), agreement.is_unanimous()), (vec![0, 4], false));
    assert_eq!(agreement.majority().unwrap().lanes, [1, 3, 5]);

    let split = of(&["a", "b", "B", "A", "c"], false);
    assert_eq!(lanes(&split), [&[0, 3][..], &[1, 2], &[4]]);
    assert_eq!((split.majority(), split.odd_ones()), (None, Vec::new()));

    assert_eq!(of(&["a", "a"], false).odd_ones(), Vec::<usize>::new());
    assert!(super::agreement(&[None, None], true).groups.is_empty());
}

#[test]
fn json_is_compared_by_value_and_fields_that_differ_are_named() {
    let agreement = of(
        &[
            r#"{"city":"Paris","people":2000000,"tags":["a","b"],"at":{"x/y":1,"z":0}}"#,
            "```json\n{\"people\": 2e6, \"tags\": [\"a\",\"b\"], \"city\": \"Paris\", \"at\":{\"z\":0.0,\"x/y\":1}}\n```",
            r#"{"city":"paris","people":2000000.0,"tags":["a","c"],"at":{"x/y":2,"z":0}}"#,
        ],
        true,
    );
    assert_eq!(lanes(&agreement), [&[0, 1][..], &[2]]);
    assert_eq!(agreement.fields, ["/at/x~1y", "/city", "/tags/1"]);
    assert_eq!(
        agreement.groups[0].answer,
        r#"{"at":{"x/y":1,"z":0},"city":"Paris","people":2000000,"tags":["a","b"]}"#
    );
    assert_eq!(agreement.odd_ones(), [2]);
}

#[test]
fn fields_may_be_missing_and_shapes_may_differ() {
    assert_eq!(of(&[r#"{"a":1}"#, r#"{"a":1,"b":2}"#], true).fields, ["/b"]);
    assert_eq!(of(&[r#"{"a":[1]}"#, r#"{"a":[1,2]}"#], true).fields, ["/a"]);
    assert_eq!(of(&[r#"{"a":{"b":1}}"#, r#"{"a":null}"#], true).fields, ["/a"]);
    // Without fields there is nothing to name.
    assert!(of(&["[1]", "[1,2]", "7"], true).fields.is_empty());
    assert_eq!(lanes(&of(&["7", "7.0", "\"7\""], true)), [&[0, 1][..], &[2]]);
}

#[test]
fn an_answer_that_is_no_json_stands_alone_and_names_no_fields() {
    let agreement = of(&[r#"{"a":1}"#, "I can't.", r#"{"a":1}"#, "i can’t", r#"{"a":1}."#], true);
    assert_eq!(lanes(&agreement), [&[0, 2][..], &[1, 3], &[4]]);
    assert!(agreement.fields.is_empty());
    // Large numbers are not rounded to be equal.
    assert_eq!(of(&["9007199254740993", "9007199254740992"], true).groups.len(), 2);
    assert_eq!(of(&["1e999", &"[".repeat(10_000)], true).groups.len(), 2);
}

/// Answers made of what matters here, so that many of them are equal.
fn answer() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "B", "ß", "İ", "ſ", "K", "ŉ", "4", "4.0", "1,000", "e", "E", "+", "-", "−", ".", "!", "…", "*",
        "**", "_", "__", "`", "```", "```\n", "~~", "\"", "“", "’", " ", "\n", "\u{a0}", "\u{200d}",
        "\u{feff}", "\u{345}", "{", "}", "[", "]", ":", ",", "\"a\"", "null", "\x1b[1m",
    ]);
    prop_oneof![
        3 => prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        1 => "\\PC{0,6}",
        1 => prop::sample::select(vec![r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1.0,2],"a":1}"#, r#"{"a":2}"#]).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own(text in answer()) {
        let form = normal(&text);
        prop_assert_eq!(normal(&form), form.clone(), "{:?}", text);
        prop_assert_eq!(normal(&form.to_uppercase().to_lowercase()), form);
    }

    #[test]
    fn the_order_of_lanes_decides_nothing(
        answers in prop::collection::vec(prop::option::weighted(0.8, answer()), 0..8),
        by_field: bool,
    ) {
        let forth: Vec<Option<&str>> = answers.iter().map(Option::as_deref).collect();
        let back: Vec<Option<&str>> = forth.iter().rev().copied().collect();
        let (there, mut mirrored) = (agreement(&forth, by_field), agreement(&back, by_field));
        for group in &mut mirrored.groups {
            for lane in &mut group.lanes {
                *lane = answers.len() - 1 - *lane;
            }
            group.lanes.sort_unstable();
        }
        mirrored.groups.sort_by_key(|group| (std::cmp::Reverse(group.lanes.len()), group.lanes[0]));
        prop_assert_eq!(&there, &mirrored);

        let mut all: Vec<usize> = there.groups.iter().flat_map(|group| group.lanes.clone()).collect();
        all.sort_unstable();
        let answered: Vec<usize> = (0..answers.len()).filter(|lane| answers[*lane].is_some()).collect();
        prop_assert_eq!(all, answered);
    }
}
