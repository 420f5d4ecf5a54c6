//! Links, images, autolinks and HTML tags: how far they reach.

use super::inline::window;

/// The most bytes between the brackets of a link.
const TEXT_WINDOW: usize = 256;
/// The most bytes of an address and its title.
const ADDRESS_WINDOW: usize = 2_048;
/// The most bytes of an autolink or a tag.
const ANGLE_WINDOW: usize = 256;
/// The deepest nesting of brackets or parentheses in a link: what opens more of
/// them is none, and the search is over early.
const DEEPEST: u32 = 8;

/// What a `[` begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    /// `[text](address "title")`, so many bytes long.
    Link { text: &'a str, address: &'a str, length: usize },
    /// A bracket.
    Text,
    /// More must come.
    Wait,
}

/// Reads a link from its `[` on.
pub(super) fn read(rest: &str, ended: bool) -> Read<'_> {
    let (text_window, full) = window(rest, TEXT_WINDOW);
    let undecided = |full: bool| if full || ended { Read::Text } else { Read::Wait };
    let close = match closing_bracket(text_window) {
        Closing::At(close) => close,
        Closing::Ahead => return undecided(full),
        Closing::Never => return Read::Text,
    };
    let after = &rest[close + 1..];
    match after.chars().next() {
        None => return undecided(false),
        Some('(') => {}
        Some(_) => return Read::Text,
    }
    let (address_window, full) = window(&after[1..], ADDRESS_WINDOW);
    let end = match closing_parenthesis(address_window) {
        Closing::At(end) => end,
        Closing::Ahead => return undecided(full),
        Closing::Never => return Read::Text,
    };
    match destination(&address_window[..end]) {
        Some(address) => Read::Link { text: &rest[1..close], address, length: close + 1 + 1 + end + 1 },
        None => Read::Text,
    }
}

/// Where something ends.
enum Closing {
    At(usize),
    /// Not in the text at hand.
    Ahead,
    Never,
}

/// The `]` that belongs to the `[` at the start.
fn closing_bracket(text: &str) -> Closing {
    let mut depth = 0_u32;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' if depth == DEEPEST => return Closing::Never,
            b'[' => depth += 1,
            b']' if depth == 1 => return Closing::At(at),
            b']' => depth -= 1,
            _ => {}
        }
    }
    Closing::Ahead
}

/// The `)` that ends an address, its parentheses, quotes and brackets minded.
fn closing_parenthesis(text: &str) -> Closing {
    let mut depth = 0_u32;
    let mut until = None;
    let mut escaped = false;
    let mut blank = true;
    for (at, byte) in text.bytes().enumerate() {
        match (byte, until) {
            _ if escaped => escaped = false,
            (b'\\', _) => escaped = true,
            (_, Some(end)) if byte == end => until = None,
            (_, Some(_)) => {}
            (b'<', None) if at == 0 => until = Some(b'>'),
            (b'"' | b'\'', None) if blank && at > 0 => until = Some(byte),
            (b'(', None) if depth == DEEPEST => return Closing::Never,
            (b'(', None) => depth += 1,
            (b')', None) if depth == 0 => return Closing::At(at),
            (b')', None) => depth -= 1,
            _ => {}
        }
        blank = byte.is_ascii_whitespace();
    }
    Closing::Ahead
}

/// The address out of what stands between the parentheses; the title is dropped.
fn destination(inside: &str) -> Option<&str> {
    let inside = inside.trim();
    let (address, title) = match inside.strip_prefix('<') {
        Some(bracketed) => bracketed.split_once('>')?,
        None => inside.split_once(|c: char| c.is_whitespace()).unwrap_or((inside, "")),
    };
    let title = title.trim();
    let quoted = ["\"\"", "''", "()"]
        .iter()
        .any(|quotes| title.len() >= 2 && title.starts_with(&quotes[..1]) && title.ends_with(&quotes[1..]));
    (!address.contains('\n') && (title.is_empty() || quoted)).then_some(address)
}

/// What a `<` begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Angle<'a> {
    /// `<https://…>` or `<name@example.com>`.
    Address(&'a str, usize),
    /// An HTML tag or comment, so many bytes long.
    Tag(usize),
    /// A less-than sign.
    Text,
    /// More must come.
    Wait,
}

/// Reads an autolink or a tag from its `<` on.
pub(super) fn angle(rest: &str, ended: bool) -> Angle<'_> {
    let wait = if ended { Angle::Text } else { Angle::Wait };
    match rest[1..].chars().next() {
        None => return wait,
        Some(c) if c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?') => {}
        Some(_) => return Angle::Text,
    }
    let (text, full) = window(&rest[1..], ANGLE_WINDOW);
    match text.find(['>', '<', '\n']) {
        Some(end) if text.as_bytes()[end] == b'>' => {
            let inside = &text[..end];
            if is_address(inside) { Angle::Address(inside, end + 2) } else { Angle::Tag(end + 2) }
        }
        Some(_) => Angle::Text,
        None if full => Angle::Text,
        None => wait,
    }
}

fn is_address(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let scheme = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() >= 2 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
    });
    scheme || text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<&str> {
        match read(text, true) {
            Read::Link { address, .. } => Some(address),
            Read::Text | Read::Wait => None,
        }
    }

    #[test]
    fn links_end_where_they_end() {
        assert_eq!(read("[a](b) c", true), Read::Link { text: "a", address: "b", length: 6 });
        assert_eq!(address("[a [b] c](d)"), Some("d"));
        assert_eq!(address("[a](https://x.org/w_(y))"), Some("https://x.org/w_(y)"));
        assert_eq!(address("[a](b \"a ) title\")"), Some("b"));
        assert_eq!(address("[a](<b c>)"), Some("b c"));
        assert_eq!(address("[a](it's)"), Some("it's"));
        assert_eq!(address("[a]()"), Some(""));
        for text in ["[a] (b)", "[a](b c)", "[a][b]", "[a]", "[a", "[a](b"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn what_may_become_a_link_waits_only_so_long() {
        for text in ["[", "[a", "[a]", "[a](", "[a](b"] {
            assert_eq!(read(text, false), Read::Wait, "{text}");
        }
        assert_eq!(read("[a] ", false), Read::Text);
        assert_eq!(read(&format!("[{}", "a".repeat(300)), false), Read::Text);
        assert_eq!(read(&format!("[a]({}", "a".repeat(3000)), false), Read::Text);
    }

    #[test]
    fn tags_and_addresses_are_told_from_signs() {
        assert_eq!(angle("<https://x.org/a> b", false), Angle::Address("https://x.org/a", 17));
        assert_eq!(angle("<me@x.org>", false), Angle::Address("me@x.org", 10));
        assert_eq!(angle("<b class=\"x\">", false), Angle::Tag(13));
        assert_eq!(angle("</b>", false), Angle::Tag(4));
        assert_eq!(angle("< 3", false), Angle::Text);
        assert_eq!(angle("<b <c", false), Angle::Text);
        assert_eq!(angle("<b", false), Angle::Wait);
        assert_eq!(angle("<b", true), Angle::Text);
    }
}
