//! Reasoning that a server leaves inside the answer's text, between tags.
//!
//! Servers without a reasoning parser pass on what the model writes:
//! `<think>…</think>` (`DeepSeek` R1, Qwen and most open models) or
//! `<reasoning>…</reasoning>` (gpt-oss on Bedrock's chat route). Only a block
//! that opens the text counts: a tag further on is part of the answer.

/// The tags that open a block of reasoning, and those that close it.
const TAGS: [(&str, &str); 2] = [("<think>", "</think>"), ("<reasoning>", "</reasoning>")];

/// Splits the text of one answer.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    state: State,
    /// Text that may yet turn out to be a tag; never longer than one tag and
    /// the white space before it.
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing but white space, or a part of a tag, was seen.
    #[default]
    Start,
    /// Inside the block; white space at its start is not passed on.
    Block { close: &'static str, begun: bool },
    /// Behind the block; white space that sets it off is not passed on.
    Behind,
    /// The answer; everything passes.
    Answer,
}

/// A piece of the text, told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Of the reasoning.
    Reasoning(String),
    /// Of the answer.
    Answer(String),
}

impl Splitter {
    /// Treats everything from here on as the answer: the server has a field of
    /// its own for reasoning, so a tag in the text is text.
    pub(super) fn stop(&mut self, emit: &mut dyn FnMut(Piece)) {
        if self.state == State::Start {
            self.end(emit);
        }
    }

    /// Takes the next piece of text.
    pub(super) fn push(&mut self, text: String, emit: &mut dyn FnMut(Piece)) {
        if self.state == State::Answer {
            if !text.is_empty() {
                emit(Piece::Answer(text));
            }
            return;
        }
        self.held.push_str(&text);
        while self.step(emit) {}
    }

    /// Hands out what is held back, at the end of the text.
    pub(super) fn end(&mut self, emit: &mut dyn FnMut(Piece)) {
        let held = std::mem::take(&mut self.held);
        let state = std::mem::replace(&mut self.state, State::Answer);
        if held.is_empty() {
            return;
        }
        match state {
            State::Block { .. } => emit(Piece::Reasoning(held)),
            State::Start | State::Behind | State::Answer => emit(Piece::Answer(held)),
        }
    }

    /// Takes one decision on the held text; whether another one may follow.
    fn step(&mut self, emit: &mut dyn FnMut(Piece)) -> bool {
        match self.state {
            State::Start => self.open(emit),
            State::Block { close, begun } => self.inside(close, begun, emit),
            State::Behind => {
                let blank = self.held.len() - self.held.trim_start().len();
                self.held.drain(..blank);
                if !self.held.is_empty() {
                    self.end(emit);
                }
                false
            }
            State::Answer => false,
        }
    }

    fn open(&mut self, emit: &mut dyn FnMut(Piece)) -> bool {
        let text = self.held.trim_start();
        for (open, close) in TAGS {
            if let Some(rest) = text.strip_prefix(open) {
                self.held = rest.to_owned();
                self.state = State::Block { close, begun: false };
                return true;
            }
        }
        // Endless white space is an answer too, and must not pile up here.
        let may_open = self.held.len() < 256 && TAGS.iter().any(|(open, _)| open.starts_with(text));
        if !may_open {
            self.end(emit);
        }
        false
    }

    fn inside(&mut self, close: &'static str, mut begun: bool, emit: &mut dyn FnMut(Piece)) -> bool {
        if !begun {
            let blank = self.held.len() - self.held.trim_start().len();
            self.held.drain(..blank);
            begun = !self.held.is_empty();
        }
        let (until, closed) = match self.held.find(close) {
            Some(at) => (at, true),
            None => (self.held.len() - partial(&self.held, close), false),
        };
        if until > 0 {
            let rest = self.held.split_off(until);
            let text = std::mem::replace(&mut self.held, rest);
            emit(Piece::Reasoning(text));
        }
        if closed {
            self.held.drain(..close.len());
            self.state = State::Behind;
        } else {
            self.state = State::Block { close, begun };
        }
        closed
    }
}

/// How many bytes at the end of a text may be the start of a tag.
fn partial(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|len| text.ends_with(&tag[..*len])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The reasoning and the answer of a text that comes in pieces.
    fn split<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut splitter = Splitter::default();
        let (mut reasoning, mut answer) = (String::new(), String::new());
        let mut emit = |piece| match piece {
            Piece::Reasoning(text) => reasoning.push_str(&text),
            Piece::Answer(text) => answer.push_str(&text),
        };
        for piece in pieces {
            splitter.push(piece.to_owned(), &mut emit);
        }
        splitter.end(&mut emit);
        (reasoning, answer)
    }

    fn expect(text: &str, reasoning: &str, answer: &str) {
        assert_eq!(split([text]), (reasoning.to_owned(), answer.to_owned()), "{text:?}");
        let letters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
        assert_eq!(split(letters), (reasoning.to_owned(), answer.to_owned()), "{text:?} letter by letter");
    }

    #[test]
    fn a_leading_block_is_reasoning() {
        expect("<think>\nHm.\n</think>\n\nYes.", "Hm.\n", "Yes.");
        expect("\n <reasoning>Hm < 3</reasoning>Yes </think>", "Hm < 3", "Yes </think>");
        expect("<think>\n\n</think>\n\nYes", "", "Yes");
        expect("<think>Hm </thin", "Hm </thin", "");
        expect("<think>a</reasoning>b</think>c", "a</reasoning>b", "c");
    }

    #[test]
    fn a_tag_elsewhere_is_text() {
        expect("Use <think>x</think>", "", "Use <think>x</think>");
        expect("  <thinker>", "", "  <thinker>");
        expect("<thin", "", "<thin");
        expect("<", "", "<");
        expect("\n\n", "", "\n\n");
        expect(&" ".repeat(600), "", &" ".repeat(600));
    }

    #[test]
    fn a_server_with_a_field_for_reasoning_leaves_tags_in_the_text() {
        let mut splitter = Splitter::default();
        let mut pieces = Vec::new();
        splitter.push("<thi".to_owned(), &mut |piece| pieces.push(piece));
        splitter.stop(&mut |piece| pieces.push(piece));
        splitter.push("nk>a".to_owned(), &mut |piece| pieces.push(piece));
        assert_eq!(pieces, [Piece::Answer("<thi".to_owned()), Piece::Answer("nk>a".to_owned())]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(text in "[ \n]{0,3}(<think>|<reasoning>|<)?[ a<>/é]{0,6}(</think>|</reasoning>)?[ a<é]{0,6}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            prop_assert_eq!(split(cuts.windows(2).map(|pair| &text[pair[0]..pair[1]])), split([text.as_str()]));
        }
    }
}
