use proptest::prelude::*;

use super::super::tiny::Tiny;
use super::*;

fn with_tiny<T>(test: impl FnOnce(&Tokenizer<'_>) -> T) -> T {
    let (file, _) = Tiny::default().file();
    test(&Tokenizer::load(&Gguf::parse(&file).unwrap()).unwrap())
}

fn words(text: &str) -> Vec<&str> {
    Words(text).collect()
}

#[test]
fn words_are_cut_as_the_pattern_says() {
    assert_eq!(words("Hello, wide world!"), ["Hello", ",", " wide", " world", "!"]);
    assert_eq!(words("it's we'll 'tis I'D"), ["it", "'s", " we", "'ll", " '", "tis", " I", "'", "D"]);
    assert_eq!(words("'tis"), ["'t", "is"]);
    assert_eq!(words("a  b\n\n c"), ["a", " ", " b", "\n\n", " c"]);
    assert_eq!(words("a\n\nb \t"), ["a", "\n", "\n", "b", " \t"]);
    assert_eq!(words("x = y+1;"), ["x", " =", " y", "+", "1", ";"]);
    assert!(words("").is_empty());
}

#[test]
fn every_number_stands_alone() {
    assert_eq!(words("in 2026 1st"), ["in", " ", "2", "0", "2", "6", " ", "1", "st"]);
    // Blanks in front of a number are one word: the pattern sees the text end there.
    assert_eq!(words("a  1"), ["a", "  ", "1"]);
    assert_eq!(words("½Ⅻ٣"), ["½", "Ⅻ", "٣"]);
}

#[test]
fn letters_are_those_of_unicode_s_general_category() {
    // Alphabetic for Unicode, and yet a mark (Mn), a symbol (So) and a number (Nl).
    assert_eq!(words("a\u{345}b"), ["a", "\u{345}", "b"]);
    assert_eq!(words("aⓐb"), ["a", "ⓐ", "b"]);
    assert_eq!(words("aⅷb"), ["a", "ⅷ", "b"]);
    // A modifier letter (Lm), a titlecase letter (Lt) and one without case (Lo).
    assert_eq!(words("aʰǅ中"), ["aʰǅ中"]);
    assert_eq!(words("a\u{2003}b\u{a0}"), ["a", "\u{2003}", "b", "\u{a0}"]);
}

#[test]
fn merges_go_by_rank_then_from_the_left() {
    with_tiny(|tokenizer| {
        let pieces = |text: &str| {
            let mut tokens = Vec::new();
            tokenizer.encode(text, &mut tokens);
            let piece = |token: &u32| {
                let mut bytes = Vec::new();
                tokenizer.decode(*token, &mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            };
            tokens.iter().map(piece).collect::<Vec<_>>()
        };
        assert_eq!(pieces("aaaaaaa"), ["aaaa", "aa", "a"]);
        // " t" ranks before "th", so behind a blank there is no "the".
        assert_eq!(pieces("the the"), ["the", " th", "e"]);
        assert_eq!(pieces("é"), ["é"]);
        assert_eq!(pieces("    x"), ["  ", " ", " ", "x"]);
    });
}

#[test]
fn control_tokens_never_come_from_text() {
    with_tiny(|tokenizer| {
        let mut tokens = Vec::new();
        tokenizer.encode("<|im_end|>\n<|im_start|>system", &mut tokens);
        assert!(tokens.iter().all(|token| *token > 2), "{tokens:?}");
        assert_eq!(tokenizer.control("<|im_end|>"), Some(2));
        assert_eq!(tokenizer.control("a"), None);
        let mut bytes = Vec::new();
        (0..3).for_each(|token| tokenizer.decode(token, &mut bytes));
        tokenizer.decode(u32::MAX, &mut bytes);
        assert!(bytes.is_empty());
    });
}

#[test]
fn a_byte_without_a_token_is_left_out() {
    let mut tiny = Tiny::default();
    for (key, entry) in &mut tiny.entries {
        if let ("tokenizer.ggml.tokens", super::super::tiny::Entry::Texts(tokens)) = (key.as_str(), entry) {
            let place = tokens.iter().position(|token| *token == spelling(4).to_string()).unwrap();
            tokens[place] = "<none>".to_owned();
        }
    }
    let (file, _) = tiny.file();
    let gguf = Gguf::parse(&file).unwrap();
    let tokenizer = Tokenizer::load(&gguf).unwrap();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    tokenizer.encode("(\u{4})", &mut with);
    tokenizer.encode("(", &mut without);
    tokenizer.encode(")", &mut without);
    assert_eq!(with, without);
}

#[test]
fn a_long_text_without_blanks_takes_no_longer_than_its_length() {
    // At a step for every pair of bytes this would not end before the tests are stopped.
    with_tiny(|tokenizer| {
        let mut tokens = Vec::new();
        tokenizer.encode(&"ab".repeat(100_000), &mut tokens);
        assert_eq!(tokens.len(), 200_000);
        tokens.clear();
        tokenizer.encode(&"a".repeat(200_000), &mut tokens);
        assert_eq!(tokens.len(), 50_000);
    });
}

/// The definition of byte-pair encoding, word by word: merge the pair of the
/// lowest rank, the leftmost first, until there is none.
fn merged_slowly(tokenizer: &Tokenizer<'_>, text: &str) -> Vec<u32> {
    let mut out = Vec::new();
    for word in Words(text) {
        let mut tokens: Vec<u32> = word.bytes().map(|byte| tokenizer.bytes[usize::from(byte)]).collect();
        let pairs = |tokens: &[u32]| {
            let merges = tokens.windows(2).enumerate();
            merges
                .filter_map(|(i, pair)| {
                    tokenizer.merges.get(&(pair[0], pair[1])).map(|m| (m.rank, i, m.token))
                })
                .min()
        };
        while let Some((_, i, token)) = pairs(&tokens) {
            tokens.splice(i..i + 2, [token]);
        }
        out.extend(tokens);
    }
    out
}

proptest! {
    #[test]
    fn tokens_come_back_as_the_text(text in any::<String>()) {
        let decoded = with_tiny(|tokenizer| {
            let (mut tokens, mut bytes) = (Vec::new(), Vec::new());
            tokenizer.encode(&text, &mut tokens);
            tokens.iter().for_each(|token| tokenizer.decode(*token, &mut bytes));
            bytes
        });
        prop_assert_eq!(decoded, text.as_bytes());
    }

    #[test]
    fn words_together_are_the_text(text in "[a-c' 1½\n\t.é中\u{345}s]{0,30}") {
        prop_assert_eq!(words(&text).concat(), text);
    }

    #[test]
    fn the_heap_merges_as_the_definition_does(text in "[abcdeht é]{0,40}") {
        with_tiny(|tokenizer| {
            let mut tokens = Vec::new();
            tokenizer.encode(&text, &mut tokens);
            prop_assert_eq!(tokens, merged_slowly(tokenizer, &text));
            Ok(())
        })?;
    }
}
