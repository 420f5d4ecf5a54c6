//! The terminal filter: text from a model, a server or a file passes it before
//! it reaches a terminal.
//!
//! What comes out holds no control characters but `\n` and `\t`, so it can't
//! move the cursor, set a title, write to the clipboard or ask the terminal to
//! type something back. It can't show text in another order than it has, and it
//! can't carry text that nobody sees. Nothing is held back between pieces.
//!
//! Honest text of any script passes unchanged. So the marks that Arabic and
//! Hebrew need beside Latin stay (U+200E, U+200F, U+061C: they move only
//! punctuation next to them), while embeddings, overrides and isolates go: they
//! turn whole runs of text round. Joiners stay behind the letters and emoji that
//! they join, and go behind ASCII and behind each other.

use std::borrow::Cow;

/// Takes what drives a terminal out of text that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    state: State,
    before: Before,
}

/// Where in an escape sequence the text stands (ECMA-48, and xterm's reading of it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind a carriage return, which was already shown as a line end.
    Return,
    /// Behind ESC.
    Escape,
    /// Behind ESC and intermediate characters, such as `ESC (` of `ESC ( 0`.
    Intermediate,
    /// In a control sequence: `ESC [` up to a letter.
    Control,
    /// In a string: OSC, DCS, APC, PM, SOS, up to BEL or ST.
    String,
    /// Behind ESC within a string: a backslash ends it.
    StringEscape,
}

/// What the last character shown was: decides whether an invisible one may follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    /// ASCII, a line end, or nothing at all.
    #[default]
    Plain,
    /// A digit, `#` or `*`, which emoji of keys are made of.
    Keycap,
    /// Any other visible character.
    Letter,
    /// An ideograph, which may have a variant.
    Ideograph,
    /// A variation selector behind a [`Before::Letter`].
    Selector,
    /// A selector of an ideograph, a joiner or an invisible break.
    Invisible,
}

impl Filter {
    /// A filter at the start of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what is left of `text` to `out`.
    pub fn push(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.state == State::Text {
                let plain = rest.bytes().take_while(|b| is_plain(*b)).count();
                if plain > 0 {
                    out.push_str(&rest[..plain]);
                    self.before = match rest.as_bytes()[plain - 1] {
                        b'0'..=b'9' | b'#' | b'*' => Before::Keycap,
                        _ => Before::Plain,
                    };
                    rest = &rest[plain..];
                }
            }
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.step(c, out);
            }
            rest = chars.as_str();
        }
    }

    fn step(&mut self, c: char, out: &mut String) {
        match self.state {
            State::Text => self.text(c, out),
            State::Return => {
                self.state = State::Text;
                if c != '\n' {
                    self.text(c, out);
                }
            }
            State::Escape => match c {
                '[' => self.state = State::Control,
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::String,
                ' '..='/' => self.state = State::Intermediate,
                '0'..='~' => self.state = State::Text,
                _ => self.text(c, out),
            },
            State::Intermediate => match c {
                ' '..='/' => {}
                '0'..='~' => self.state = State::Text,
                _ => self.text(c, out),
            },
            State::Control => match c {
                ' '..='?' => {}
                '@'..='~' => self.state = State::Text,
                _ => self.text(c, out),
            },
            State::StringEscape if c == '\\' => self.state = State::Text,
            // Any other ESC within a string cancels it and begins anew.
            State::StringEscape => {
                self.state = State::Escape;
                self.step(c, out);
            }
            State::String => match c {
                '\x07' | '\x18' | '\x1a' | '\u{9c}' => self.state = State::Text,
                '\x1b' => self.state = State::StringEscape,
                // One that is never ended must not swallow the rest of an answer.
                '\n' | '\r' => self.text(c, out),
                _ => {}
            },
        }
    }

    /// One character outside of any sequence; whatever was open is over.
    fn text(&mut self, c: char, out: &mut String) {
        self.state = State::Text;
        match c {
            '\x1b' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Control,
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.state = State::String,
            '\r' => {
                self.state = State::Return;
                self.show('\n', Before::Plain, out);
            }
            '\x0b' | '\x0c' | '\u{85}' | '\u{2028}' | '\u{2029}' => self.show('\n', Before::Plain, out),
            '\n' | '\t' => self.show(c, Before::Plain, out),
            _ if is_forbidden(c) => {}
            '\u{fe00}'..='\u{fe0f}' => match self.before {
                Before::Letter | Before::Ideograph | Before::Keycap => self.show(c, Before::Selector, out),
                Before::Plain | Before::Selector | Before::Invisible => {}
            },
            '\u{e0100}'..='\u{e01ef}' => {
                if self.before == Before::Ideograph {
                    self.show(c, Before::Invisible, out);
                }
            }
            _ if is_invisible(c) => {
                if matches!(self.before, Before::Letter | Before::Ideograph | Before::Selector) {
                    self.show(c, Before::Invisible, out);
                }
            }
            '0'..='9' | '#' | '*' => self.show(c, Before::Keycap, out),
            _ if c.is_ascii() => self.show(c, Before::Plain, out),
            '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
                self.show(c, Before::Ideograph, out);
            }
            _ => self.show(c, Before::Letter, out),
        }
    }

    fn show(&mut self, c: char, before: Before, out: &mut String) {
        self.before = before;
        out.push(c);
    }
}

/// Bytes that may be copied as they are.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// Characters that never reach a terminal, wherever they stand.
pub const fn is_forbidden(c: char) -> bool {
    matches!(c,
        '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}'
        // Terminals disagree on whether a soft hyphen takes a column.
        | '\u{ad}'
        // Line ends under another name.
        | '\u{2028}' | '\u{2029}'
        // Embeddings, overrides and isolates.
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Invisible operators and deprecated format characters.
        | '\u{2061}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tag characters, and what is reserved to be as invisible as they are.
        | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Characters that take no room and are honest only behind certain others:
/// joiners (Persian, the scripts of India, emoji), breaks between words (Khmer,
/// Thai), word joiners, and Mongolian's selectors.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}')
}

/// Text without anything that drives a terminal; lines stay lines.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    Filter::new().push(text, &mut out);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// As [`clean`], on one line: for messages and the cells of tables. Line ends
/// and tabs become single blanks; none are left at either end.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let cleaned = clean(text);
    if !cleaned.contains(['\n', '\t']) && cleaned.trim_matches(' ').len() == cleaned.len() {
        return cleaned;
    }
    let parts = cleaned.split(['\n', '\t']).map(|part| part.trim_matches(' '));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    Cow::Owned(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences_go_whole() {
        let cases = [
            ("a\x1b[31mb\x1b[0m", "ab"),
            ("a\x1b[2J\x1b[1;1Hb", "ab"),
            ("a\x1b[?1049h\x1b[>4;2mb", "ab"),
            ("a\x1b]0;title\x07b", "ab"),
            ("a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"),
            ("\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\", "text"),
            ("a\x1bP1$r0m\x1b\\b", "ab"),
            ("a\x1b_Gi=1;AAAA\x1b\\b", "ab"),
            ("a\x1b^secret\x1b\\b\x1bXsos\x1b\\c", "abc"),
            ("a\x1b(0lqk\x1b(Bb", "alqkb"),
            ("a\x1bcb\x1b7\x1b=", "ab"),
            ("a\x1b#8b", "ab"),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c\u{90}q\u{9c}d", "abcd"),
            ("a\x0e\x0fb\x05\x07\x08\x7f", "ab"),
            // A sequence inside a string takes the string's place.
            ("a\x1b]0;x\x1b[31mb", "ab"),
            ("\x1b\x1b\x1b[1mb", "b"),
            ("a\x1b[31é", "aé"),
        ];
        for (text, shown) in cases {
            assert_eq!(clean(text), shown, "{text:?}");
        }
    }

    #[test]
    fn an_unended_string_takes_its_line_at_most() {
        assert_eq!(clean("one\n\x1b]52;c;AAAA\ntwo"), "one\n\ntwo");
        assert_eq!(clean("one\x1b[31\ntwo\x1b"), "one\ntwo");
    }

    #[test]
    fn no_line_can_be_overwritten() {
        assert_eq!(clean("a\r\nb"), "a\nb");
        assert_eq!(clean("safe\revil"), "safe\nevil");
        assert_eq!(clean("a\r\r\nb\r"), "a\n\nb\n");
        assert_eq!(clean("a\u{2028}b\u{2029}c\u{85}d\x0be\x0cf"), "a\nb\nc\nd\ne\nf");
    }

    #[test]
    fn nothing_hides_and_nothing_turns_round() {
        assert_eq!(clean("if (a\u{202e}\u{2066}) b\u{2069}"), "if (a) b");
        assert_eq!(clean("\u{feff}a\u{e0041}\u{e007f}b"), "ab");
        assert_eq!(clean("rm\u{200b} -rf\u{200d}\u{2060}"), "rm -rf");
        // Text hidden in selectors behind an emoji: one may stand there.
        assert_eq!(clean("😀\u{fe0f}\u{fe01}\u{e0101}\u{e0102}"), "😀\u{fe0f}");
        assert_eq!(clean("a\u{fe0f}\u{ad}b"), "ab");
    }

    const HONEST: [&str; 12] = [
        "naïve café, “quotes” – dashes… 1½ × 3 ≠ ∞ €",
        "שלום (world) 123\u{200f}!",
        "مرحبا\u{200e} C++\u{200f} و\u{61c}12",
        "می\u{200c}خواهم",
        "क्\u{200d}ष र्\u{200d}य",
        "ស្វាគមន៍\u{200b}មក",
        "葛\u{e0100}飾区、「日本」",
        "한국어 ไทย ქართული Ελληνικά Кириллица",
        "👩\u{200d}👩\u{200d}👧 🏳\u{fe0f}\u{200d}🌈 ❤\u{fe0f}\u{200d}🔥 👍🏽 🇩🇪",
        "1\u{fe0f}\u{20e3} #\u{fe0f}\u{20e3} ©\u{fe0f}",
        "e\u{301} Z\u{335}",
        "\u{e0b0} \u{f121} tab\there\nline",
    ];

    #[test]
    fn honest_text_passes_unchanged() {
        for text in HONEST {
            assert!(matches!(clean(text), Cow::Borrowed(shown) if shown == text), "{text}");
        }
    }

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(clean_line("plain"), "plain");
        assert_eq!(clean_line(" bad\r\n\r\n  request\tnow\n"), "bad request now");
        assert_eq!(clean_line("\n"), "");
    }

    /// Text made of what matters here: openers, enders, invisibles and letters.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-zé漢 ;?0-9\\[\\]\\\\_^P(#~]{0,4}",
            3 => prop::sample::select(vec![
                "\x1b", "\x1b[", "\x1b]", "\x1bP", "\u{9b}", "\u{9d}", "\u{9c}", "\x07", "\x18", "\r", "\n",
                "\r\n", "\t", "\u{202e}", "\u{2066}", "\u{200b}", "\u{200d}", "\u{fe0f}", "\u{e0101}",
                "\u{e0041}", "\u{feff}", "\u{2028}", "😀", "م",
            ]).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_forbidden_comes_out(text in hostile()) {
            let shown = clean(&text);
            prop_assert!(!shown.chars().any(is_forbidden), "{shown:?}");
            prop_assert!(!clean_line(&text).contains(['\n', '\t']));
            prop_assert_eq!(clean(&shown), shown.clone(), "a second pass finds nothing");
        }

        #[test]
        fn pieces_give_what_the_whole_gives(text in hostile(), sizes in prop::collection::vec(1_usize..5, 1..64)) {
            let mut filter = Filter::new();
            let mut out = String::new();
            let chars: Vec<char> = text.chars().collect();
            let mut at = 0;
            for size in sizes.iter().cycle() {
                if at >= chars.len() {
                    break;
                }
                let end = (at + size).min(chars.len());
                filter.push(&chars[at..end].iter().collect::<String>(), &mut out);
                at = end;
            }
            prop_assert_eq!(&out, &*clean(&text));
        }

        #[test]
        fn honest_text_in_any_order_passes(picks in prop::collection::vec(0..HONEST.len(), 1..6)) {
            let text: Vec<&str> = picks.iter().map(|pick| HONEST[*pick]).collect();
            let text = text.join(" ");
            prop_assert_eq!(&*clean(&text), text.as_str());
        }
    }
}
