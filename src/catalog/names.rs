//! Other spellings of model ids: pure functions on text.

use crate::chat::Effort;
use crate::model::ProviderId;

/// Prefixes of Bedrock's inference profiles.
const REGIONS: [&str; 9] = ["us-gov.", "us.", "eu.", "apac.", "au.", "jp.", "ca.", "in.", "global."];
/// Routing suffixes of `OpenRouter`.
const ROUTES: [&str; 6] = [":free", ":nitro", ":floor", ":online", ":exacto", ":thinking"];

/// The provider of Bedrock.
pub(super) const BEDROCK: &str = "amazon-bedrock";

/// An id without what belongs to no id: `models/` paths, `[1m]`, `(High)`; and
/// the effort that the last one asks for.
pub(super) fn plain(name: &str) -> (&str, Option<Effort>) {
    let mut id = name.trim();
    if let Some((_, model)) = id.strip_prefix("publishers/").and_then(|rest| rest.split_once("/models/")) {
        id = model;
    }
    id = id.strip_prefix("models/").unwrap_or(id);
    if let Some((front, _)) = id.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        id = front.trim_end();
    }
    let level = id.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match level.and_then(|(front, word)| Some((front.trim_end(), effort(word)?))) {
        Some((front, effort)) => (front, Some(effort)),
        None => (id, None),
    }
}

fn effort(word: &str) -> Option<Effort> {
    Effort::LEVELS.into_iter().find(|level| level.level() == Some(word.to_ascii_lowercase().as_str()))
}

/// Splits an effort off the end: `gpt-6-sol-high`.
pub(super) fn without_effort(id: &str) -> Option<(&str, Effort)> {
    let (front, word) = id.rsplit_once('-')?;
    Some((front, effort(word)?))
}

/// Whether two ids differ in case alone, or, for Claude, in a dot or a dash
/// between digits (`claude-opus-5.5`).
pub(super) fn same_spelling(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let claude = memchr::memmem::find(a.to_ascii_lowercase().as_bytes(), b"claude").is_some();
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let digit = |at: Option<usize>| at.and_then(|at| a.get(at)).is_some_and(u8::is_ascii_digit);
    (0..a.len()).all(|at| {
        a[at].eq_ignore_ascii_case(&b[at])
            || claude
                && matches!((a[at], b[at]), (b'.', b'-') | (b'-', b'.'))
                && digit(at.checked_sub(1))
                && digit(Some(at + 1))
    })
}

/// Whether a server that answers with the model `served` was asked for `asked`:
/// the names differ at most in a date, a version, a path, a tag such as
/// `:latest`, in spelling or in the order of their words (`OpenRouter` answers
/// `claude-sonnet-4.6` as `claude-4.6-sonnet-20260217`).
pub fn is_same_model(asked: &str, served: &str) -> bool {
    let (asked, served) = (plain(asked).0, plain(served).0);
    let (asked, served) = match (asked.contains('/'), served.contains('/')) {
        (true, false) => (tail(asked), served),
        (false, true) => (asked, tail(served)),
        _ => (asked, served),
    };
    let is_form = |long: &str, short: &str| {
        let tagless = long.split_once(':').map(|(front, _)| front);
        undated(long, true).into_iter().chain(tagless).any(|form| same_words(form, short))
    };
    is_form(served, asked) || is_form(asked, served)
}

/// Whether two ids are made of the same words, their numbers in the same order.
fn same_words(a: &str, b: &str) -> bool {
    let words = |id: &str| {
        let (numbers, mut names): (Vec<String>, Vec<String>) = id
            .split(['-', '.'])
            .map(str::to_ascii_lowercase)
            .partition(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        names.sort();
        (numbers, names)
    };
    words(a) == words(b)
}

/// The part of an id behind its last slash.
fn tail(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// What is lost when another row stands in for an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Its price holds, as that of the same model.
    Nothing,
    /// Regions have prices of their own.
    RegionPrice,
    /// Routes have prices of their own.
    RoutePrice,
}

/// An id whose row may stand in for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StandIn {
    pub(super) id: String,
    pub(super) loss: Loss,
}

/// Ids whose rows may stand in for this one, the nearest first. None of them
/// is a guess by prefix: each is the same model under a longer name.
pub(super) fn stand_ins(provider: &ProviderId, gateway: bool, id: &str) -> Vec<StandIn> {
    let kept = |id: &str| StandIn { id: id.to_owned(), loss: Loss::Nothing };
    let mut found: Vec<StandIn> = Vec::new();
    let bedrock = provider.as_str() == BEDROCK;
    let tail = if bedrock && id.starts_with("arn:") { id.rsplit('/').next().unwrap_or(id) } else { id };
    let forms = undated(tail, bedrock);
    found.extend(forms.iter().map(|form| kept(form)));
    if provider.as_str() == "google-vertex" {
        // There, `@default` is what an id without a version means.
        found.extend(forms.iter().map(|form| kept(&format!("{form}@default"))));
    }
    if let Some(front) = REGIONS.into_iter().filter(|_| bedrock).find_map(|region| tail.strip_prefix(region))
    {
        let forms = undated(front, true).into_iter();
        found.extend(forms.map(|form| StandIn { id: form.to_owned(), loss: Loss::RegionPrice }));
    }
    if let Some(front) = ROUTES.into_iter().filter(|_| gateway).find_map(|route| tail.strip_suffix(route)) {
        found.push(StandIn { id: front.to_owned(), loss: Loss::RoutePrice });
    }
    // Last, since `-max` is also a name.
    found.extend(without_effort(tail).map(|(front, _)| kept(front)));
    found.retain(|form| form.id != id);
    found
}

/// The id, then without a version, a date, or both.
pub(super) fn undated(id: &str, versions: bool) -> Vec<&str> {
    let mut forms = vec![id];
    if versions {
        forms.extend(without_version(id));
    }
    let dated = forms.clone();
    forms.extend(dated.into_iter().filter_map(without_date));
    forms
}

/// Strips `-v1:0` or `-v1`.
fn without_version(id: &str) -> Option<&str> {
    let front = id.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':').strip_suffix("-v")?;
    (front.len() + 2 < id.len()).then_some(front)
}

/// Strips `-YYYY-MM-DD`, `-YYYYMMDD`, `@YYYYMMDD`, `@default`, `-MMDD` or
/// `-preview-MM-YYYY`.
fn without_date(id: &str) -> Option<&str> {
    if let Some((front, version)) = id.rsplit_once('@') {
        return (version == "default" || is_date(version)).then_some(front);
    }
    let cut = |length: usize| {
        let at = id.len().checked_sub(length)?;
        Some((id.get(..at)?, id.get(at..)?.strip_prefix('-')?))
    };
    if let Some((front, date)) = cut("-YYYY-MM-DD".len())
        && date.as_bytes()[4] == b'-'
        && date.as_bytes()[7] == b'-'
        && is_date(&date.replace('-', ""))
    {
        return Some(front);
    }
    if let Some((front, rest)) = cut("-preview-MM-YYYY".len())
        && let Some((month, year)) = rest.strip_prefix("preview-").and_then(|rest| rest.split_once('-'))
        && is_date(&format!("{year}{month}01"))
    {
        return Some(front);
    }
    if let Some((front, date)) = cut("-YYYYMMDD".len()) {
        return is_date(date).then_some(front);
    }
    let (front, date) = cut("-MMDD".len())?;
    // A leap year, so that 29 February is a day.
    is_date(&format!("2024{date}")).then_some(front)
}

/// Whether the text is `YYYYMMDD` of this century.
fn is_date(text: &str) -> bool {
    text.len() == 8
        && text.starts_with("20")
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_stripped_where_they_are_dates() {
        for (id, front) in [
            ("gpt-4o-2026-01-31", Some("gpt-4o")),
            ("gpt-4o-2026-02-30", None),
            ("claude-opus-4-5-20251101", Some("claude-opus-4-5")),
            ("claude-opus-4-5-20251301", None),
            ("claude-opus-4-5@20251101", Some("claude-opus-4-5")),
            ("claude-opus-4-5@default", Some("claude-opus-4-5")),
            ("claude-opus-4-5@2", None),
            ("gpt-4-0613", Some("gpt-4")),
            ("qwen3-coder-2507", None),
            ("gemini-2.5-flash-preview-05-2026", Some("gemini-2.5-flash")),
            ("gemini-2.5-flash-preview-13-2026", None),
            ("gpt-4o", None),
            ("0613", None),
        ] {
            assert_eq!(without_date(id), front, "{id}");
        }
    }

    #[test]
    fn a_server_may_name_the_model_more_precisely() {
        for (asked, served, same) in [
            ("gpt-6.1-sol", "gpt-6.1-sol", true),
            ("gpt-6.1-sol", "gpt-6.1-sol-2026-09-30", true),
            ("gpt-6.1-sol-2026-09-30", "gpt-6.1-sol", true),
            ("gpt-6.1-sol-2026-05-01", "gpt-6.1-sol-2026-09-30", false),
            ("gpt-6.1-sol", "gpt-6.1-sol-mini", false),
            ("gemini-4-argon", "models/gemini-4-argon", true),
            ("qwen3", "qwen3:latest", true),
            ("qwen3:8b", "qwen3:14b", false),
            ("anthropic/claude-opus-5.5", "claude-opus-5-5-20260801", true),
            ("anthropic/claude-opus-5.5", "claude-sonnet-5-5", false),
            ("anthropic/claude-sonnet-4.6", "anthropic/claude-4.6-sonnet-20260217", true),
            ("gpt-5.4", "gpt-4.5", false),
            ("openrouter/auto", "openai/gpt-6.1-sol", false),
            ("a/llama", "b/llama", false),
            ("x", "", false),
        ] {
            assert_eq!(is_same_model(asked, served), same, "{asked} {served}");
        }
    }

    #[test]
    fn versions_are_those_of_bedrock() {
        assert_eq!(without_version("amazon.nova-pro-v1:0"), Some("amazon.nova-pro"));
        assert_eq!(without_version("anthropic.claude-opus-4-6-v1"), Some("anthropic.claude-opus-4-6"));
        assert_eq!(without_version("deepseek.v3.2"), None);
        assert_eq!(without_version("model-v"), None);
        assert_eq!(undated("a.b-20251101-v1:0", true), ["a.b-20251101-v1:0", "a.b-20251101", "a.b"]);
    }

    #[test]
    fn spelling_differs_in_case_and_in_the_dots_of_claude() {
        assert!(same_spelling("claude-opus-5.5", "claude-opus-5-5"));
        assert!(same_spelling("Claude-Opus-5-5", "claude-opus-5.5"));
        assert!(same_spelling("minimax-m3", "MiniMax-M3"));
        assert!(!same_spelling("gpt-6.1-sol", "gpt-6-1-sol"));
        assert!(!same_spelling("claude.opus-5", "claude-opus-5"));
        assert!(!same_spelling("claude-opus-5", "claude-opus-5-5"));
    }

    #[test]
    fn what_belongs_to_no_id_is_taken_off() {
        assert_eq!(plain("models/gemini-2.5-pro"), ("gemini-2.5-pro", None));
        assert_eq!(plain("publishers/google/models/gemini-2.5-pro"), ("gemini-2.5-pro", None));
        assert_eq!(plain("claude-opus-5[1m]"), ("claude-opus-5", None));
        assert_eq!(plain("gemini-4-argon (High)"), ("gemini-4-argon", Some(Effort::High)));
        assert_eq!(plain("model (beta)"), ("model (beta)", None));
        assert_eq!(without_effort("gpt-6-sol-high"), Some(("gpt-6-sol", Effort::High)));
        assert_eq!(without_effort("gpt-6-sol"), None);
    }

    #[test]
    fn a_region_loses_its_price_and_a_route_too() {
        let forms = stand_ins(&ProviderId::new(BEDROCK), false, "eu.a.b-v1:0");
        let (kept, lost): (Vec<_>, Vec<_>) = forms.iter().partition(|form| form.loss == Loss::Nothing);
        assert_eq!(kept.iter().map(|form| form.id.as_str()).collect::<Vec<_>>(), ["eu.a.b"]);
        assert_eq!(lost.iter().map(|form| form.id.as_str()).collect::<Vec<_>>(), ["a.b-v1:0", "a.b"]);
        let route = stand_ins(&ProviderId::new("openrouter"), true, "a/b:nitro");
        assert_eq!(route, [StandIn { id: "a/b".into(), loss: Loss::RoutePrice }]);
    }

    proptest! {
        #[test]
        fn no_name_makes_them_fail(name in "[a-z0-9:@.()\\[\\]\u{e9}/-]{0,40}", other in "\\PC{0,20}") {
            for id in [&name, &other] {
                plain(id);
                without_effort(id);
                same_spelling(id, &name);
                for provider in [BEDROCK, "google-vertex", "x"] {
                    for form in stand_ins(&ProviderId::new(provider), true, id) {
                        prop_assert_ne!(&form.id, id);
                    }
                }
            }
        }
    }
}
