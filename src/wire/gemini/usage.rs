//! Token counts of `generateContent`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::money::{Tokens, Usage};
use crate::wire::count::Count;

/// The counts as sent: totals of the answer so far, of which the last one
/// holds. Early ones lack fields.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Counts {
    prompt_token_count: Count,
    tool_use_prompt_token_count: Count,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    total_token_count: Count,
    prompt_tokens_details: Option<Vec<Modality>>,
    cache_tokens_details: Option<Vec<Modality>>,
    candidates_tokens_details: Option<Vec<Modality>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct Modality {
    modality: Option<Channel>,
    token_count: Count,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
enum Channel {
    #[serde(rename = "AUDIO")]
    Audio,
    #[serde(other)]
    Other,
}

/// The tokens of sound in a list of modalities.
fn audio(details: &Option<Vec<Modality>>) -> Tokens {
    let sounds = details.iter().flatten().filter(|each| each.modality == Some(Channel::Audio));
    sounds.fold(Tokens(0), |sum, each| sum + each.token_count.tokens())
}

impl Counts {
    /// Reads a `usageMetadata` object. One that can't be read says nothing: it
    /// must not take the text beside it down with it.
    pub(super) fn read(raw: &RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The common form. The prompt's count includes what came from a cache and
    /// excludes what the server's tools brought in; the candidates' count
    /// excludes thoughts. Vertex and older models counted thoughts otherwise,
    /// so where the parts don't add up to the total, the total is believed.
    pub(super) fn usage(&self) -> Usage {
        let input = self.prompt_token_count.tokens() + self.tool_use_prompt_token_count.tokens();
        let thoughts = self.thoughts_token_count.tokens();
        let parts = self.candidates_token_count.tokens() + thoughts;
        let output = match self.total_token_count.0 {
            Some(total) if Tokens(total) >= input => Tokens(total) - input,
            _ => parts,
        };
        let cached = self.cached_content_token_count.tokens();
        let usage = Usage::from_inclusive_input(input, cached, Tokens(0), Tokens(0));
        Usage {
            input_audio: (audio(&self.prompt_tokens_details) - audio(&self.cache_tokens_details))
                .min(usage.input_uncached),
            output,
            reasoning: thoughts,
            output_audio: audio(&self.candidates_tokens_details).min(output),
            ..usage
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(text: &str) -> Usage {
        serde_json::from_str::<Counts>(text).unwrap().usage()
    }

    #[test]
    fn thoughts_are_output_and_cached_tokens_are_input() {
        let told = usage(
            r#"{"promptTokenCount":100,"cachedContentTokenCount":60,"toolUsePromptTokenCount":7,
            "candidatesTokenCount":5,"thoughtsTokenCount":20,"totalTokenCount":132}"#,
        );
        let expected = Usage {
            input_uncached: Tokens(47),
            cache_read: Tokens(60),
            output: Tokens(25),
            reasoning: Tokens(20),
            ..Usage::default()
        };
        assert_eq!(told, expected);
        assert_eq!(told.input(), Tokens(107));
    }

    #[test]
    fn the_total_is_believed_where_it_can_be() {
        let thoughts_inside = r#"{"promptTokenCount":10,"candidatesTokenCount":30,"thoughtsTokenCount":25,"totalTokenCount":40}"#;
        assert_eq!(usage(thoughts_inside).output, Tokens(30));
        let thoughts_untold = r#"{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":40}"#;
        assert_eq!(usage(thoughts_untold).output, Tokens(30));
        let no_total = r#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":2}"#;
        assert_eq!(usage(no_total).output, Tokens(7));
        let absurd = r#"{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":3}"#;
        assert_eq!(usage(absurd).output, Tokens(5));
    }

    #[test]
    fn sound_is_counted_apart() {
        let told = usage(
            r#"{"promptTokenCount":100,"cachedContentTokenCount":30,"candidatesTokenCount":5,"totalTokenCount":105,
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":20},{"modality":"AUDIO","tokenCount":80}],
            "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":30}],
            "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":4},{"modality":"TEXT"}]}"#,
        );
        assert_eq!((told.input_uncached, told.input_audio), (Tokens(70), Tokens(50)));
        assert_eq!((told.output, told.output_audio), (Tokens(5), Tokens(4)));
        assert_eq!(usage("{}"), Usage::default());
    }
}
