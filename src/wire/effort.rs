//! Effort levels, for models that are told a thinking budget instead.

use crate::chat::Effort;

/// A level in tokens, within the least and the most that the model takes. Low,
/// medium and high are Google's own figures for `reasoning_effort` on Gemini
/// 2.5; above that comes the largest budget of that family.
pub(super) fn budget(level: Effort, (least, most): (u32, u32)) -> u32 {
    let tokens = match level {
        Effort::None | Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
        Effort::Xhigh | Effort::Max => 32_768,
        Effort::Budget(tokens) => tokens,
    };
    tokens.min(most).max(least)
}

/// Levels for people: `low, medium, high`.
pub(super) fn listed(levels: &[Effort]) -> String {
    levels.iter().map(Effort::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_stay_within_what_the_model_takes() {
        assert_eq!(budget(Effort::Minimal, (0, 24_576)), 1_024);
        assert_eq!(budget(Effort::Max, (0, 24_576)), 24_576);
        assert_eq!(budget(Effort::Max, (128, 32_768)), 32_768);
        assert_eq!(budget(Effort::Low, (2_048, u32::MAX)), 2_048);
        // A row whose bounds are swapped must not panic as `clamp` would.
        assert_eq!(budget(Effort::Low, (9, 3)), 9);
    }
}
