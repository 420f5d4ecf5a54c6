//! Character references (`&amp;`, `&#8230;`) and backslash escapes.

use super::super::filter;

/// The most bytes between `&` and `;` that are looked at.
const LONGEST: usize = 12;

/// What an `&` begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A reference: its text, and its length in bytes.
    Character(String, usize),
    /// An ampersand.
    Text,
    /// More must come.
    Wait,
}

/// Names that models write; the full list of HTML has over two thousand.
const NAMED: [(&str, &str); 46] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", "\u{a0}"),
    ("ensp", "\u{2002}"),
    ("emsp", "\u{2003}"),
    ("thinsp", "\u{2009}"),
    ("ndash", "–"),
    ("mdash", "—"),
    ("hellip", "…"),
    ("bull", "•"),
    ("middot", "·"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("deg", "°"),
    ("plusmn", "±"),
    ("times", "×"),
    ("divide", "÷"),
    ("minus", "−"),
    ("le", "≤"),
    ("ge", "≥"),
    ("ne", "≠"),
    ("asymp", "≈"),
    ("infin", "∞"),
    ("larr", "←"),
    ("rarr", "→"),
    ("uarr", "↑"),
    ("darr", "↓"),
    ("harr", "↔"),
    ("rArr", "⇒"),
    ("check", "✓"),
    ("euro", "€"),
    ("pound", "£"),
    ("yen", "¥"),
    ("sect", "§"),
    ("para", "¶"),
    ("frac12", "½"),
];

/// Reads a reference from its `&` on.
pub(super) fn read(rest: &str, ended: bool) -> Read {
    let inside = &rest[1..];
    let length = inside.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
    match inside.as_bytes().get(length) {
        _ if length > LONGEST => Read::Text,
        None if ended => Read::Text,
        None => Read::Wait,
        Some(b';') => match decode(&inside[..length]) {
            // A reference can spell what must not reach a terminal.
            Some(text) => Read::Character(filter::clean(&text).into_owned(), length + 2),
            None => Read::Text,
        },
        Some(_) => Read::Text,
    }
}

fn decode(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).map(String::from);
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
}

/// A text with its references and backslash escapes resolved.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '&' => match read(rest, true) {
                Read::Character(text, length) => {
                    out.push_str(&text);
                    rest = &rest[length..];
                    continue;
                }
                Read::Text | Read::Wait => 1,
            },
            '\\' if rest[1..].starts_with(|c: char| c.is_ascii_punctuation()) => {
                rest = &rest[1..];
                1
            }
            _ => c.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn character(text: &str) -> Option<String> {
        match read(text, true) {
            Read::Character(text, _) => Some(text),
            Read::Text | Read::Wait => None,
        }
    }

    #[test]
    fn references_are_read_and_filtered() {
        assert_eq!(read("&amp;x", false), Read::Character("&".into(), 5));
        assert_eq!(character("&#8230;").as_deref(), Some("…"));
        assert_eq!(character("&#x2026;").as_deref(), Some("…"));
        assert_eq!(character("&#27;").as_deref(), Some(""));
        assert_eq!(character("&#x202e;").as_deref(), Some(""));
        assert_eq!(character("&#xd800;"), None);
        assert_eq!(character("&unknown;"), None);
    }

    #[test]
    fn an_ampersand_waits_no_longer_than_a_name() {
        assert_eq!(read("&am", false), Read::Wait);
        assert_eq!(read("& b", false), Read::Text);
        assert_eq!(read("&averyverylongname", false), Read::Text);
    }

    #[test]
    fn addresses_lose_their_escapes() {
        assert_eq!(unescape("a?b&amp;c\\)\\d&"), "a?b&c)\\d&");
    }
}
