//! Byte-level byte-pair encoding with the vocabulary of a GGUF file.
//!
//! A text is cut into words by the pattern of the file's pre-tokenizer; each
//! word's bytes are merged pair by pair in the order of the vocabulary's merges.
//! Control tokens are never made from text: whoever types `<|im_end|>` gets
//! seven characters, not the end of a turn.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use super::gguf::{Gguf, Invalid, Value, invalid};

/// Token types of GGUF that matter here.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// Stands for a byte that has no token.
const NO_TOKEN: u32 = u32::MAX;

/// Vocabularies spell a byte as a visible character: itself where it is one,
/// else the next of these from U+0100 on. This is the highest such character.
const SPELLINGS: usize = 0x144;

/// A pair's rank among the merges, and what it becomes.
#[derive(Clone, Copy)]
struct Merge {
    rank: u32,
    token: u32,
}

type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The vocabulary of a file.
pub(super) struct Tokenizer<'a> {
    tokens: Vec<&'a [u8]>,
    kinds: Vec<i32>,
    merges: FastMap<(u32, u32), Merge>,
    /// The token of each byte, or [`NO_TOKEN`].
    bytes: [u32; 256],
    /// The byte that a character spells.
    spelled: [Option<u8>; SPELLINGS],
}

/// The character that spells a byte in vocabularies made like GPT-2's.
fn spelling(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    if visible(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !visible(*byte)).count() as u32;
    char::from_u32(256 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

impl<'a> Tokenizer<'a> {
    /// Reads the vocabulary of a file.
    ///
    /// # Errors
    /// Where it has none, or one of a kind that is not known here: other rules
    /// would quietly turn the prompt into other tokens.
    pub(super) fn load(gguf: &Gguf<'a>) -> Result<Self, Invalid> {
        for (key, known) in [("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "smollm")] {
            let name = gguf.text(key)?;
            if name != known {
                return Err(invalid!("its tokenizer (`{key}`) is `{}`, not `{known}`", name.escape_debug()));
            }
        }
        let texts = |key: &str| match gguf.get(key) {
            Some(Value::Texts(texts)) => Ok(texts),
            _ => Err(invalid!("it has no list `{key}`")),
        };
        let tokens = texts("tokenizer.ggml.tokens")?.clone();
        let kinds = gguf.get("tokenizer.ggml.token_type").and_then(Value::int32s);
        let kinds: Vec<i32> = kinds.ok_or_else(|| invalid!("it does not say its tokens' types"))?.collect();
        if tokens.is_empty() || tokens.len() != kinds.len() || u32::try_from(tokens.len()).is_err() {
            return Err(invalid!("it has {} tokens and {} token types", tokens.len(), kinds.len()));
        }
        let ids: FastMap<&[u8], u32> = tokens.iter().copied().zip(0..).collect();
        let mut bytes = [NO_TOKEN; 256];
        let mut spelled = [None; SPELLINGS];
        for byte in 0..=255 {
            let character = spelling(byte);
            spelled[character as usize] = Some(byte);
            if let Some(id) = ids.get(character.encode_utf8(&mut [0; 4]).as_bytes()) {
                bytes[usize::from(byte)] = *id;
            }
        }
        let merges = merges(texts("tokenizer.ggml.merges")?, &ids)?;
        Ok(Self { tokens, kinds, merges, bytes, spelled })
    }

    /// Number of tokens.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The control token of a name.
    pub(super) fn control(&self, name: &str) -> Option<u32> {
        let mut tokens = self.tokens.iter().zip(&self.kinds).zip(0..);
        let found = tokens.find(|((token, kind), _)| **kind == CONTROL && **token == name.as_bytes());
        found.map(|(_, id)| id)
    }

    /// Appends the tokens of a text. A byte that the vocabulary can't spell, such
    /// as a rare control character, has no token and is left out.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u32>) {
        let mut merger = Merger::default();
        for word in Words(text) {
            let tokens = word.bytes().map(|byte| self.bytes[usize::from(byte)]);
            merger.merge(tokens, &self.merges, out);
        }
    }

    /// Appends the bytes that a token stands for, which may end inside a
    /// character. Control tokens stand for none.
    pub(super) fn decode(&self, token: u32, out: &mut Vec<u8>) {
        let (Some(token), Some(kind)) = (self.tokens.get(token as usize), self.kinds.get(token as usize))
        else {
            return;
        };
        match *kind {
            NORMAL => {
                let characters = String::from_utf8_lossy(token);
                let byte = |c: char| self.spelled.get(c as usize).copied().flatten();
                out.extend(characters.chars().filter_map(byte));
            }
            USER_DEFINED => out.extend_from_slice(token),
            _ => {}
        }
    }
}

/// Reads the merges, each "left right", in the order of their rank.
fn merges(lines: &[&[u8]], ids: &FastMap<&[u8], u32>) -> Result<FastMap<(u32, u32), Merge>, Invalid> {
    let mut merges = FastMap::with_capacity_and_hasher(lines.len(), Default::default());
    let mut joined = Vec::new();
    for (rank, line) in (0..).zip(lines) {
        let Some(blank) = memchr::memchr(b' ', line) else {
            return Err(invalid!("merge `{}` is no pair", line.escape_ascii()));
        };
        let (left, right) = (&line[..blank], &line[blank + 1..]);
        joined.clear();
        joined.extend_from_slice(left);
        joined.extend_from_slice(right);
        // A pair outside the vocabulary can't come up.
        if let (Some(left), Some(right), Some(token)) =
            (ids.get(left), ids.get(right), ids.get(joined.as_slice()))
        {
            merges.entry((*left, *right)).or_insert(Merge { rank, token: *token });
        }
    }
    Ok(merges)
}

/// A part of a word, linked to its neighbours.
#[derive(Clone, Copy)]
struct Symbol {
    token: u32,
    previous: usize,
    next: usize,
}

/// Marks the end of the list on either side.
const NOWHERE: usize = usize::MAX;

/// A pair that could be merged. Ordered by rank, then from the left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: u32,
    left: usize,
    right: usize,
    /// What the two were when the pair was found: if that changed, it is stale.
    pair: (u32, u32),
    token: u32,
}

/// Merges words; keeps its memory from one to the next. The time is that of a
/// heap, so a long text without blanks is no trap.
#[derive(Default)]
struct Merger {
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Reverse<Candidate>>,
}

impl Merger {
    fn merge(
        &mut self,
        tokens: impl Iterator<Item = u32>,
        merges: &FastMap<(u32, u32), Merge>,
        out: &mut Vec<u32>,
    ) {
        self.symbols.clear();
        self.symbols.extend(tokens.enumerate().map(|(i, token)| Symbol {
            token,
            previous: i.wrapping_sub(1),
            next: i + 1,
        }));
        if let Some(last) = self.symbols.last_mut() {
            last.next = NOWHERE;
        }
        for right in 1..self.symbols.len() {
            self.propose(right - 1, right, merges);
        }
        while let Some(Reverse(best)) = self.queue.pop() {
            let (left, right) = (self.symbols[best.left], self.symbols[best.right]);
            if left.next != best.right || (left.token, right.token) != best.pair {
                continue;
            }
            self.symbols[best.left] = Symbol { token: best.token, next: right.next, ..left };
            // What was merged away points to itself, so that no pair with it counts.
            self.symbols[best.right].next = best.right;
            if let Some(next) = self.symbols.get_mut(right.next) {
                next.previous = best.left;
                self.propose(best.left, right.next, merges);
            }
            if left.previous != NOWHERE {
                self.propose(left.previous, best.left, merges);
            }
        }
        let mut place = 0;
        while let Some(symbol) = self.symbols.get(place) {
            if symbol.token != NO_TOKEN {
                out.push(symbol.token);
            }
            place = symbol.next;
        }
    }

    fn propose(&mut self, left: usize, right: usize, merges: &FastMap<(u32, u32), Merge>) {
        let pair = (self.symbols[left].token, self.symbols[right].token);
        if let Some(Merge { rank, token }) = merges.get(&pair) {
            self.queue.push(Reverse(Candidate { rank: *rank, left, right, pair, token: *token }));
        }
    }
}

/// What the pattern tells apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Number,
    Other,
}

fn class(c: char) -> Class {
    use Category as C;
    match c {
        'a'..='z' | 'A'..='Z' => return Class::Letter,
        _ if c.is_whitespace() => return Class::Space,
        '\0'..='\x7f' if !c.is_ascii_digit() => return Class::Other,
        _ => {}
    }
    match get_general_category(c) {
        C::UppercaseLetter | C::LowercaseLetter | C::TitlecaseLetter | C::ModifierLetter | C::OtherLetter => {
            Class::Letter
        }
        C::DecimalNumber | C::LetterNumber | C::OtherNumber => Class::Number,
        _ => Class::Other,
    }
}

/// The words of a text under the pre-tokenizer `smollm`: every `\p{N}` stands
/// alone, and what lies between is cut by GPT-2's pattern,
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
struct Words<'t>(&'t str);

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let first = self.0.chars().next()?;
        let (word, rest) = self.0.split_at(word_length(self.0, first));
        self.0 = rest;
        Some(word)
    }
}

/// Bytes of the first word of a text that begins with `first`.
fn word_length(text: &str, first: char) -> usize {
    const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    if first == '\''
        && let Some(contraction) = CONTRACTIONS.into_iter().find(|end| text.starts_with(end))
    {
        return contraction.len();
    }
    let run = |from: usize, of: Class| {
        let mut characters = text[from..].char_indices();
        characters.find(|(_, c)| class(*c) != of).map_or(text.len(), |(length, _)| from + length)
    };
    match class(first) {
        Class::Number => first.len_utf8(),
        Class::Space => {
            let after = text[first.len_utf8()..].chars().next().map(class);
            if first == ' '
                && let Some(kind @ (Class::Letter | Class::Other)) = after
            {
                return run(1, kind);
            }
            let end = run(0, Class::Space);
            // The last blank of several belongs to the word behind it; a number
            // stands apart and takes none.
            let next = text[end..].chars().next().map(class);
            match text[..end].char_indices().next_back() {
                Some((last, _)) if last > 0 && !matches!(next, None | Some(Class::Number)) => last,
                _ => end,
            }
        }
        kind => run(0, kind),
    }
}

#[cfg(test)]
mod tests;
