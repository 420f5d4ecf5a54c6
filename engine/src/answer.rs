//! From a model's bytes to text that may be shown: whole characters only, and
//! nothing of a text that ends the answer.

/// Gathers an answer's bytes and lets go of what is certain.
pub(super) struct AnswerText<'r> {
    stops: &'r [String],
    /// Bytes behind the last whole character.
    bytes: Vec<u8>,
    /// Text that may be the beginning of a stop text.
    held: String,
}

impl<'r> AnswerText<'r> {
    /// An answer that ends at any of some texts; empty ones don't count.
    pub(super) const fn new(stops: &'r [String]) -> Self {
        Self { stops, bytes: Vec::new(), held: String::new() }
    }

    /// Takes one token's bytes. Gives the text that is certain now, and whether
    /// a stop text came, in front of which that text ends.
    pub(super) fn push(&mut self, bytes: impl FnOnce(&mut Vec<u8>)) -> (String, bool) {
        bytes(&mut self.bytes);
        let mut used = 0;
        for chunk in self.bytes.utf8_chunks() {
            self.held.push_str(chunk.valid());
            used += chunk.valid().len();
            let invalid = chunk.invalid();
            // At the end, bytes that begin a character may still be completed.
            if used + invalid.len() == self.bytes.len() && is_beginning(invalid) {
                break;
            }
            if !invalid.is_empty() {
                self.held.push(char::REPLACEMENT_CHARACTER);
                used += invalid.len();
            }
        }
        self.bytes.drain(..used);
        self.release()
    }

    /// What is left at the end, where no stop text came.
    pub(super) fn finish(mut self) -> String {
        if !self.bytes.is_empty() {
            self.held.push(char::REPLACEMENT_CHARACTER);
        }
        self.held
    }

    fn release(&mut self) -> (String, bool) {
        let stops = || self.stops.iter().map(String::as_str).filter(|stop| !stop.is_empty());
        if let Some(end) = stops().filter_map(|stop| self.held.find(stop)).min() {
            self.held.truncate(end);
            self.bytes.clear();
            return (std::mem::take(&mut self.held), true);
        }
        let kept = stops().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        (std::mem::replace(&mut self.held, rest), false)
    }
}

/// Whether bytes are the beginning of a character.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// How many bytes at the end of a text are the beginning of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    let mut lengths = (1..=longest).rev();
    lengths.find(|length| text.as_bytes().ends_with(&stop.as_bytes()[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is let go of at each piece, and at the end.
    fn pieces(stops: &[&str], pieces: &[&[u8]]) -> Vec<String> {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut answer = AnswerText::new(&stops);
        let mut out = Vec::new();
        for piece in pieces {
            let (text, stopped) = answer.push(|bytes| bytes.extend_from_slice(piece));
            out.push(text);
            if stopped {
                out.push("<stop>".to_owned());
                return out;
            }
        }
        out.push(answer.finish());
        out
    }

    #[test]
    fn characters_come_whole() {
        let smile = "😀".as_bytes();
        assert_eq!(
            pieces(&[], &[b"a", &smile[..1], &smile[1..3], &smile[3..], b"b"]),
            ["a", "", "", "😀", "b", ""]
        );
        assert_eq!(pieces(&[], &[b"a", &smile[..3]]), ["a", "", "\u{fffd}"]);
        assert_eq!(pieces(&[], &[b"\xff", &smile[..2], b"x"]), ["\u{fffd}", "", "\u{fffd}x", ""]);
    }

    #[test]
    fn what_may_be_a_stop_text_waits() {
        assert_eq!(pieces(&["END"], &[b"an E", b"N", b"E", b"ND."]), ["an ", "", "EN", "", "<stop>"]);
        assert_eq!(pieces(&["END"], &[b"an E", b"N"]), ["an ", "", "EN"]);
        assert_eq!(pieces(&["abc", "b"], &[b"xa", b"b"]), ["x", "a", "<stop>"]);
        assert_eq!(pieces(&[""], &[b"a"]), ["a", ""]);
        assert_eq!(pieces(&["aé"], &[b"xa", b"\xc3", b"\xa9y"]), ["x", "", "", "<stop>"]);
    }

    proptest! {
        #[test]
        fn no_cut_changes_the_text(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(0xc3), Just(0xa9), any::<u8>()], 0..40),
            cuts in prop::collection::vec(0_usize..5, 1..40),
            stop in prop::option::of("[ab]{1,3}"),
        ) {
            let whole = String::from_utf8_lossy(&bytes).into_owned();
            let end = stop.as_ref().and_then(|stop| whole.find(stop.as_str()));
            let mut rest = bytes.as_slice();
            let mut parts = Vec::new();
            for cut in cuts {
                let (part, left) = rest.split_at(cut.min(rest.len()));
                parts.push(part);
                rest = left;
            }
            parts.push(rest);
            let stops: Vec<&str> = stop.as_deref().into_iter().collect();
            let text = pieces(&stops, &parts).concat();
            let expected = end.map_or(whole.clone(), |end| whole[..end].to_owned() + "<stop>");
            prop_assert_eq!(text, expected);
        }
    }
}
