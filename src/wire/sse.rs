//! `text/event-stream`: bytes in any split, whole frames out.
//!
//! Own code: reqwest-eventsource is tied to an older reqwest and reconnects,
//! which would repeat a paid request.

use memchr::memchr2;

/// The longest line, and the most data of one event, that is kept. The longest
/// honest one is a base64 image of some megabytes; without a bound a broken
/// server could fill the memory.
pub const MAX_LINE: usize = 32 * 1024 * 1024;

/// One event, borrowed from the parser's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event's name, empty where none was given.
    pub event: &'a str,
    /// The data lines, joined by newlines.
    pub data: &'a [u8],
}

/// What the parser found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole event.
    Frame(Frame<'a>),
    /// A comment: a sign of life, nothing else.
    Comment,
    /// A line that is no field of the format: some servers write a bare JSON
    /// error into the stream. Given without its line end.
    Stray(&'a [u8]),
}

/// A line, or the data lines of one event, grew longer than [`MAX_LINE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTooLong;

/// The parser of one stream.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: String,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    started: bool,
}

impl Parser {
    /// Takes the next bytes and hands out what they complete.
    ///
    /// # Errors
    /// Where a line or an event grows beyond [`MAX_LINE`]; the stream can't be used after that.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Item<'_>)) -> Result<(), LineTooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                if self.line.len() + bytes.len() > MAX_LINE {
                    return Err(LineTooLong);
                }
                self.line.extend_from_slice(bytes);
                return Ok(());
            };
            self.after_cr = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.end_line(&bytes[..end], &mut each);
            } else {
                if self.line.len() + end > MAX_LINE {
                    return Err(LineTooLong);
                }
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.end_line(&line, &mut each);
                line.clear();
                self.line = line;
            }
            if self.data.len() > MAX_LINE {
                return Err(LineTooLong);
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    /// Hands out what an end of stream without a final blank line leaves. The
    /// standard would drop it; servers that close early have been seen to send
    /// their last event so.
    pub fn end(&mut self, mut each: impl FnMut(Item<'_>)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.end_line(&line, &mut each);
        }
        self.end_line(b"", &mut each);
    }

    fn end_line(&mut self, line: &[u8], each: &mut impl FnMut(Item<'_>)) {
        let first = !std::mem::replace(&mut self.started, true);
        let line = if first { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line) } else { line };
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                each(Item::Frame(Frame { event: &self.event, data: &self.data }));
            }
            self.data.clear();
            self.event.clear();
            return;
        }
        let (field, value) = match line.iter().position(|b| *b == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"" => each(Item::Comment),
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.event.clear();
                self.event.push_str(&String::from_utf8_lossy(value));
            }
            b"id" | b"retry" => {}
            _ => each(Item::Stray(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(chunks: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        let mut each = |item: Item<'_>| {
            found.push(match item {
                Item::Frame(frame) => format!("{}|{}", frame.event, String::from_utf8_lossy(frame.data)),
                Item::Comment => "comment".to_owned(),
                Item::Stray(line) => format!("stray {}", String::from_utf8_lossy(line)),
            });
        };
        for chunk in chunks {
            parser.push(chunk, &mut each).unwrap();
        }
        parser.end(&mut each);
        found
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        let text = "\u{feff}event: a\ndata: 1\ndata:2\nid: 7\nretry: 9\n\n: hi\n\ndata:  two spaces\n\ndata\n\nevent: lost\n\n";
        assert_eq!(items(&[text.as_bytes()]), ["a|1\n2", "comment", "| two spaces", "|"]);
    }

    #[test]
    fn a_bare_json_line_is_handed_out() {
        assert_eq!(items(&[b"{\"error\":{\"code\":500}}\n"]), ["stray {\"error\":{\"code\":500}}"]);
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        assert_eq!(items(&[b"data: a\n\ndata: [DONE]"]), ["|a", "|[DONE]"]);
    }

    #[test]
    fn a_crlf_split_over_chunks_is_one_line_end() {
        assert_eq!(items(&[b"data: A\r", b"\ndata: B\r\n", b"\r", b"\n"]), ["|A\nB"]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = Parser::default();
        let megabytes = vec![b'x'; 8 * 1024 * 1024];
        let pushed: Result<Vec<()>, _> = (0..5).map(|_| parser.push(&megabytes, |_| {})).collect();
        assert_eq!(pushed, Err(LineTooLong));
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; 8 * 1024 * 1024], b"\n"].concat();
        let pushed: Result<Vec<()>, _> = (0..5).map(|_| parser.push(&line, |_| {})).collect();
        assert_eq!(pushed, Err(LineTooLong));
    }

    proptest! {
        #[test]
        fn any_split_and_any_line_end_gives_the_same(
            lines in prop::collection::vec("(data: ?|event: ?|: ?|)[a-zé🦀{}:\\[\\] ]{0,12}", 0..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ) {
            let reference = lines.join("\n") + "\n\n";
            let text = lines.join(end) + end + end;
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(items(&chunks), items(&[reference.as_bytes()]));
        }
    }
}
