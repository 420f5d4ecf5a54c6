//! How much a model may write, and how hard it is to think about it.
//!
//! The API has two ways of saying the latter. Models up to Opus 4.6 take
//! `thinking: enabled` with a budget in tokens; those from 4.6 on take
//! `thinking: adaptive` with a level in `output_config.effort`. The level list
//! of a model tells them apart: each that thinks adaptively knows `max`, and
//! Opus 4.5, which has levels but only budgets to think by, does not.

use serde_json::{Value, json};

use crate::chat::{Effort, Params};
use crate::wire::{Facts, Target, effort};

/// The cap sent where neither the user nor the catalog names one, since the API
/// demands a cap. Every model still served can write this much.
pub const DEFAULT_MAX_TOKENS: u64 = 8_192;

/// The least budget that the API takes.
const LEAST_BUDGET: u32 = 1_024;

/// What is sent for `--max-tokens` and `--effort`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// `max_tokens`; thinking counts towards it.
    pub(super) max_tokens: u64,
    /// `thinking`.
    pub(super) thinking: Option<Value>,
    /// `output_config.effort`.
    pub(super) effort: Option<&'static str>,
    /// Why the effort was left out, for people.
    pub(super) dropped: Option<String>,
}

impl Plan {
    pub(super) fn new(target: &Target, params: &Params) -> Self {
        let facts = &target.facts;
        let known = params.max_tokens.map(u64::from).or(facts.max_output);
        let mut plan = Self { max_tokens: known.unwrap_or(DEFAULT_MAX_TOKENS), ..Self::default() };
        let asked = match params.effort {
            None => Ok(()),
            Some(Effort::None | Effort::Budget(0)) => plan.off(target),
            Some(_) if facts.reasoning == Some(false) => Err("the model does not reason".to_owned()),
            Some(Effort::Budget(tokens)) => plan.budget(facts, tokens, known.is_some()),
            Some(level) => plan.level(facts, level),
        };
        plan.dropped = asked.err();
        plan
    }

    /// Whether the model is asked to think, which forbids most temperatures.
    pub(super) fn thinks(&self) -> bool {
        self.thinking
            .as_ref()
            .is_some_and(|thinking| thinking["type"] == "adaptive" || thinking["type"] == "enabled")
    }

    fn off(&mut self, target: &Target) -> Result<(), String> {
        if target.facts.reasoning == Some(false) {
            return Ok(());
        }
        self.thinking = match Off::of(&target.api_model) {
            Off::Disabled => Some(json!({"type": "disabled"})),
            Off::BetweenTools => Some(json!({"type": "between_tools"})),
            Off::Never => return Err("the model's thinking can't be turned off".to_owned()),
        };
        Ok(())
    }

    fn budget(&mut self, facts: &Facts, tokens: u32, capped: bool) -> Result<(), String> {
        if let (Some(levels), None) = (&facts.efforts, facts.thinking_budget) {
            return Err(format!("the model takes no budget, only a level: {}", effort::listed(levels)));
        }
        let (least, most) = facts.thinking_budget.unwrap_or((LEAST_BUDGET, u32::MAX));
        let least = least.max(LEAST_BUDGET);
        if tokens < least || tokens > most {
            return Err(match most {
                u32::MAX => format!("the least budget is {least} tokens"),
                _ => format!("the model takes a budget of {least} to {most} tokens"),
            });
        }
        if !capped {
            self.max_tokens += u64::from(tokens);
        }
        if u64::from(tokens) >= self.max_tokens {
            return Err(format!("the budget must be less than the {} tokens of the answer", self.max_tokens));
        }
        self.enable(tokens);
        Ok(())
    }

    fn level(&mut self, facts: &Facts, level: Effort) -> Result<(), String> {
        match (&facts.efforts, facts.thinking_budget) {
            (Some(levels), _) if !levels.contains(&level) => {
                Err(format!("the model takes only {}", effort::listed(levels)))
            }
            (Some(levels), range) => {
                if levels.contains(&Effort::Max) {
                    self.adapt();
                } else if let Some(range) = range {
                    // Without a budget the level would only shorten the answer.
                    self.enable_level(level, range)?;
                }
                self.effort = level.level();
                Ok(())
            }
            (None, Some(range)) => self.enable_level(level, range),
            (None, None) if level == Effort::Minimal => {
                Err("the least level of the Messages API is `low`".to_owned())
            }
            // Nothing is known: as the newest models want it.
            (None, None) => {
                self.effort = level.level();
                self.adapt();
                Ok(())
            }
        }
    }

    /// A level on a model that takes budgets. It is a rough wish, so at least
    /// half of the cap is kept for the answer.
    fn enable_level(&mut self, level: Effort, (least, most): (u32, u32)) -> Result<(), String> {
        let least = least.max(LEAST_BUDGET);
        let half = u32::try_from(self.max_tokens / 2).unwrap_or(u32::MAX);
        let tokens = effort::budget(level, (least, most.min(half)));
        if u64::from(tokens) >= self.max_tokens {
            return Err(format!("thinking takes at least {least} tokens of `max_tokens`"));
        }
        self.enable(tokens);
        Ok(())
    }

    /// Models that take budgets show a summary of their thinking by themselves.
    fn enable(&mut self, tokens: u32) {
        self.thinking = Some(json!({"type": "enabled", "budget_tokens": tokens}));
    }

    /// From Opus 4.7 on thinking is hidden unless a summary is asked for; the
    /// field came with `adaptive`.
    fn adapt(&mut self) {
        self.thinking = Some(json!({"type": "adaptive", "display": "summarized"}));
    }
}

/// How thinking is turned off. The catalog has no field for it, so it goes by
/// the id; ids of other platforms hold the same words
/// (`us.anthropic.claude-opus-5-5-v1:0`).
#[derive(Clone, Copy)]
enum Off {
    Disabled,
    BetweenTools,
    Never,
}

impl Off {
    /// From Anthropic's and `MiniMax`'s model pages of November 2026.
    const BY_ID: [(&str, Self); 5] = [
        ("fable", Self::Never),
        ("mythos", Self::Never),
        ("opus-5-5", Self::Never),
        ("minimax-m2", Self::Never),
        // It thinks between tool calls only, and pollm gives it no tools.
        ("sonnet-5-5", Self::BetweenTools),
    ];

    fn of(id: &str) -> Self {
        let id = id.to_ascii_lowercase();
        Self::BY_ID.iter().find(|(word, _)| id.contains(word)).map_or(Self::Disabled, |(_, off)| *off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::anthropic::tests::target;

    const BUDGET_ONLY: Facts = Facts {
        context: None,
        max_output: Some(64_000),
        no_temperature: false,
        reasoning: Some(true),
        efforts: None,
        thinking_budget: Some((1_024, u32::MAX)),
        schema: None,
    };

    fn leveled(levels: &[Effort], range: Option<(u32, u32)>) -> Facts {
        Facts { efforts: Some(levels.to_vec()), thinking_budget: range, ..BUDGET_ONLY }
    }

    fn plan(facts: &Facts, effort: Effort) -> Plan {
        plan_within(facts, effort, None)
    }

    fn plan_within(facts: &Facts, effort: Effort, max_tokens: Option<u32>) -> Plan {
        let target = target("claude-x", facts.clone());
        Plan::new(&target, &Params { effort: Some(effort), max_tokens, ..Params::default() })
    }

    const NEW: [Effort; 4] = [Effort::Low, Effort::Medium, Effort::High, Effort::Max];

    #[test]
    fn models_that_know_max_think_adaptively() {
        for facts in [leveled(&NEW, None), leveled(&NEW, Some((1_024, u32::MAX))), Facts::default()] {
            let plan = plan(&facts, Effort::High);
            assert_eq!(plan.thinking, Some(json!({"type": "adaptive", "display": "summarized"})));
            assert_eq!((plan.effort, plan.dropped), (Some("high"), None));
        }
    }

    #[test]
    fn a_level_becomes_a_budget_where_only_budgets_are_known() {
        let haiku = plan(&BUDGET_ONLY, Effort::Medium);
        assert_eq!(haiku.thinking, Some(json!({"type": "enabled", "budget_tokens": 8_192})));
        assert_eq!(haiku.effort, None);
        let opus = plan(&leveled(&NEW[..3], Some((1_024, u32::MAX))), Effort::Low);
        assert_eq!(opus.thinking, Some(json!({"type": "enabled", "budget_tokens": 1_024})));
        assert_eq!(opus.effort, Some("low"));
    }

    #[test]
    fn a_level_leaves_room_for_the_answer() {
        let plan = plan_within(&BUDGET_ONLY, Effort::Max, Some(6_000));
        assert_eq!(plan.thinking, Some(json!({"type": "enabled", "budget_tokens": 3_000})));
        let plan = plan_within(&BUDGET_ONLY, Effort::Max, Some(1_025));
        assert_eq!(plan.thinking, Some(json!({"type": "enabled", "budget_tokens": 1_024})));
        let plan = plan_within(&BUDGET_ONLY, Effort::Low, Some(1_024));
        assert_eq!((plan.thinking, plan.dropped.is_some()), (None, true));
    }

    #[test]
    fn unknown_levels_are_dropped_with_the_known_ones_as_reason() {
        let plan = plan(&leveled(&NEW, None), Effort::Xhigh);
        assert_eq!(plan.dropped.as_deref(), Some("the model takes only low, medium, high, max"));
        assert_eq!((plan.thinking, plan.effort), (None, None));
        assert!(super::tests::plan(&Facts::default(), Effort::Minimal).dropped.is_some());
    }

    #[test]
    fn budgets_go_where_they_are_taken() {
        let fits = plan(&BUDGET_ONLY, Effort::Budget(2_000));
        assert_eq!(fits.thinking, Some(json!({"type": "enabled", "budget_tokens": 2_000})));
        assert_eq!(fits.max_tokens, 64_000);
        for (facts, tokens, max_tokens) in [
            (leveled(&NEW, None), 2_000, None),
            (BUDGET_ONLY, 1_023, None),
            (BUDGET_ONLY, 64_000, None),
            (BUDGET_ONLY, 2_000, Some(2_000)),
            (Facts { thinking_budget: Some((1_024, 4_096)), ..BUDGET_ONLY }, 5_000, None),
        ] {
            let plan = plan_within(&facts, Effort::Budget(tokens), max_tokens);
            assert_eq!((plan.thinking.is_some(), plan.dropped.is_some()), (false, true), "{tokens}");
        }
    }

    #[test]
    fn an_unknown_model_gets_its_budget_on_top_of_the_default() {
        let plan = plan(&Facts::default(), Effort::Budget(20_000));
        assert_eq!(plan.max_tokens, DEFAULT_MAX_TOKENS + 20_000);
        assert_eq!(plan.thinking, Some(json!({"type": "enabled", "budget_tokens": 20_000})));
    }

    #[test]
    fn thinking_is_turned_off_as_each_model_allows() {
        let off = |id: &str| {
            let target = target(id, leveled(&NEW, None));
            let plan = Plan::new(&target, &Params { effort: Some(Effort::None), ..Params::default() });
            (plan.thinking.map(|thinking| thinking["type"].clone()), plan.dropped.is_some())
        };
        assert_eq!(off("claude-opus-5"), (Some(json!("disabled")), false));
        assert_eq!(off("claude-haiku-5-5"), (Some(json!("disabled")), false));
        assert_eq!(off("claude-sonnet-5-5"), (Some(json!("between_tools")), false));
        assert_eq!(off("us.anthropic.claude-opus-5-5-v1:0"), (None, true));
        assert_eq!(off("claude-fable-5-2"), (None, true));
        assert_eq!(off("MiniMax-M2.7"), (None, true));
    }

    #[test]
    fn a_model_without_reasoning_is_asked_for_none() {
        let facts = Facts { reasoning: Some(false), ..Facts::default() };
        assert_eq!(plan(&facts, Effort::None), Plan { max_tokens: 8_192, ..Plan::default() });
        assert!(plan(&facts, Effort::Low).dropped.is_some());
        assert!(plan(&facts, Effort::Budget(2_000)).dropped.is_some());
    }
}
