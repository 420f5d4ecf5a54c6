//! What one answer took, in tokens.

use super::Tokens;

/// Tokens of one answer in disjoint buckets; reasoning and audio are the named
/// parts inside theirs. Every protocol is brought into this one form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens billed at the full input price, audio included.
    pub input_uncached: Tokens,
    /// Prompt tokens read from a cache.
    pub cache_read: Tokens,
    /// Prompt tokens written to a cache for five minutes (or the provider's default).
    pub cache_write_5m: Tokens,
    /// Prompt tokens written to a cache for an hour or longer.
    pub cache_write_1h: Tokens,
    /// Audio inside `input_uncached`.
    pub input_audio: Tokens,
    /// All generated tokens, reasoning included.
    pub output: Tokens,
    /// Reasoning inside `output`.
    pub reasoning: Tokens,
    /// Audio inside `output`.
    pub output_audio: Tokens,
}

impl Usage {
    /// All prompt tokens: uncached, read and written.
    pub fn input(&self) -> Tokens {
        self.input_uncached + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }

    /// From a prompt total that counts cached and written tokens inside
    /// (`OpenAI`, Gemini and most others).
    #[must_use]
    pub fn from_inclusive_input(
        input: Tokens,
        cache_read: Tokens,
        cache_write_5m: Tokens,
        cache_write_1h: Tokens,
    ) -> Self {
        Self {
            input_uncached: input - cache_read - cache_write_5m - cache_write_1h,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            ..Self::default()
        }
    }
}

/// Where token counts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageSource {
    /// The provider said so, or the embedded model counted them.
    Reported,
    /// Counted or guessed here, because the provider gave none.
    Estimated,
}

impl UsageSource {
    /// The word used in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Reported, Self::Estimated].into_iter().find(|source| source.as_str() == word)
    }
}
