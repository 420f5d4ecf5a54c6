//! How hard a model is to think, in `thinkingConfig`.
//!
//! Gemini 2.5 takes a budget in tokens, later models take a level, and both at
//! once are answered with 400. Which it is follows from what the catalog lists;
//! where it lists neither, `gemini-1.` and `gemini-2.` in the id mean a budget
//! and anything else a level.

use serde_json::{Map, Value};

use crate::chat::Effort;
use crate::wire::{Facts, Target, effort};

/// What is sent for `--effort`, and to make thoughts visible.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// `generationConfig.thinkingConfig`, empty where nothing is to be sent.
    pub(super) config: Map<String, Value>,
    /// Why the effort was left out, for people.
    pub(super) dropped: Option<String>,
}

impl Plan {
    pub(super) fn new(target: &Target, effort: Option<Effort>) -> Self {
        let facts = &target.facts;
        let (asked, dropped) = match effort.map(|effort| ask(target, effort)) {
            None => (None, None),
            Some(Ok(asked)) => (asked, None),
            Some(Err(reason)) => (None, Some(reason)),
        };
        let mut config = Map::new();
        // Thoughts come only when asked for, and asking where there are none is an error.
        let off = matches!(asked, Some(Asked::Budget(0)));
        if !off && (asked.is_some() || facts.reasoning == Some(true)) {
            config.insert("includeThoughts".to_owned(), true.into());
        }
        match asked {
            None => {}
            Some(Asked::Level(level)) => {
                config.insert("thinkingLevel".to_owned(), level.into());
            }
            Some(Asked::Budget(tokens)) => {
                config.insert("thinkingBudget".to_owned(), tokens.into());
            }
        }
        Self { config, dropped }
    }
}

/// The field that says it.
enum Asked {
    Level(&'static str),
    Budget(u32),
}

fn ask(target: &Target, effort: Effort) -> Result<Option<Asked>, String> {
    let facts = &target.facts;
    let off = matches!(effort, Effort::None | Effort::Budget(0));
    if facts.reasoning == Some(false) {
        return if off { Ok(None) } else { Err("the model does not reason".to_owned()) };
    }
    match budget_range(target, effort) {
        // Flash and Flash-Lite take 0, though Flash-Lite's least budget is 512.
        Some(_) if off && target.api_model.contains("-pro") => Err(NEVER_OFF.to_owned()),
        Some(_) if off => Ok(Some(Asked::Budget(0))),
        Some(range) => budget(effort, range).map(Asked::Budget).map(Some),
        None if off => Err(NEVER_OFF.to_owned()),
        None => level(facts, effort).map(Asked::Level).map(Some),
    }
}

const NEVER_OFF: &str = "the model's thinking can't be turned off";

/// The bounds of the budget where the model takes one; `None` where it takes levels.
fn budget_range(target: &Target, effort: Effort) -> Option<(u32, u32)> {
    let id = target.api_model.to_ascii_lowercase();
    match (&target.facts.efforts, target.facts.thinking_budget) {
        (None, Some(range)) => Some(range),
        (Some(_), Some(range)) if matches!(effort, Effort::Budget(_)) => Some(range),
        (None, None) if id.contains("gemini-1.") || id.contains("gemini-2.") => Some((0, u32::MAX)),
        _ => None,
    }
}

fn budget(effort: Effort, (least, most): (u32, u32)) -> Result<u32, String> {
    match effort {
        Effort::Budget(tokens) if tokens < least || tokens > most => {
            Err(format!("the model takes a budget of {least} to {most} tokens"))
        }
        other => Ok(effort::budget(other, (least, most))),
    }
}

fn level(facts: &Facts, effort: Effort) -> Result<&'static str, String> {
    let listed = || facts.efforts.as_deref().map(effort::listed);
    let name = match effort {
        Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High => "HIGH",
        Effort::Xhigh => "XHIGH",
        Effort::None | Effort::Max => {
            let levels = listed().unwrap_or_else(|| effort::listed(&Effort::LEVELS[1..6]));
            return Err(format!("the model takes only {levels}"));
        }
        Effort::Budget(_) => {
            return Err(match listed() {
                Some(levels) => format!("the model takes no budget, only a level: {levels}"),
                None => "the model takes no budget, only a level".to_owned(),
            });
        }
    };
    match &facts.efforts {
        Some(levels) if !levels.contains(&effort) => {
            Err(format!("the model takes only {}", effort::listed(levels)))
        }
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::gemini::tests::target;
    use serde_json::json;

    fn plan(id: &str, facts: &Facts, effort: Option<Effort>) -> (Value, Option<String>) {
        let plan = Plan::new(&target(id, facts.clone()), effort);
        (plan.config.into(), plan.dropped)
    }

    fn leveled() -> Facts {
        let efforts = Some(vec![Effort::Low, Effort::Medium, Effort::High]);
        Facts { efforts, reasoning: Some(true), ..Facts::default() }
    }

    fn budgeted(range: (u32, u32)) -> Facts {
        Facts { thinking_budget: Some(range), reasoning: Some(true), ..Facts::default() }
    }

    #[test]
    fn thoughts_are_shown_where_a_model_reasons() {
        assert_eq!(plan("gemini-4-argon", &leveled(), None), (json!({"includeThoughts": true}), None));
        assert_eq!(plan("gemini-4-argon", &Facts::default(), None), (json!({}), None));
        let plain = Facts { reasoning: Some(false), ..Facts::default() };
        assert_eq!(plan("gemma", &plain, Some(Effort::None)), (json!({}), None));
        assert!(plan("gemma", &plain, Some(Effort::Low)).1.is_some());
    }

    #[test]
    fn later_models_take_levels() {
        let sent = json!({"includeThoughts": true, "thinkingLevel": "HIGH"});
        assert_eq!(plan("gemini-4-argon", &leveled(), Some(Effort::High)), (sent.clone(), None));
        assert_eq!(plan("gemini-9-xenon", &Facts::default(), Some(Effort::High)), (sent, None));
        for effort in [Effort::None, Effort::Minimal, Effort::Xhigh, Effort::Max, Effort::Budget(500)] {
            let (config, dropped) = plan("gemini-4-argon", &leveled(), Some(effort));
            assert_eq!((config, dropped.is_some()), (json!({"includeThoughts": true}), true), "{effort}");
        }
        assert_eq!(
            plan("gemini-9-xenon", &Facts::default(), Some(Effort::Max)).1.as_deref(),
            Some("the model takes only minimal, low, medium, high, xhigh")
        );
    }

    #[test]
    fn gemini_2_5_takes_budgets() {
        let flash = budgeted((0, 24_576));
        let budget = |tokens: u32| json!({"includeThoughts": true, "thinkingBudget": tokens});
        assert_eq!(plan("gemini-2.5-flash", &flash, Some(Effort::Medium)), (budget(8_192), None));
        assert_eq!(plan("gemini-2.5-flash", &flash, Some(Effort::Max)), (budget(24_576), None));
        assert_eq!(plan("gemini-2.5-flash", &flash, Some(Effort::Budget(77))), (budget(77), None));
        assert_eq!(plan("gemini-2.5-flash", &Facts::default(), Some(Effort::Low)), (budget(1_024), None));
        let (config, dropped) = plan("gemini-2.5-flash", &flash, Some(Effort::Budget(24_577)));
        assert_eq!(config, json!({"includeThoughts": true}));
        assert_eq!(dropped.as_deref(), Some("the model takes a budget of 0 to 24576 tokens"));
    }

    #[test]
    fn thinking_is_turned_off_where_it_can_be() {
        let lite = budgeted((512, 24_576));
        for effort in [Effort::None, Effort::Budget(0)] {
            let off = plan("gemini-2.5-flash-lite", &lite, Some(effort));
            assert_eq!(off, (json!({"thinkingBudget": 0}), None));
            let pro = plan("gemini-2.5-pro", &budgeted((128, 32_768)), Some(effort));
            assert_eq!(pro, (json!({"includeThoughts": true}), Some(NEVER_OFF.to_owned())));
        }
    }

    #[test]
    fn a_model_with_both_takes_what_the_user_gave() {
        let both = Facts { thinking_budget: Some((0, 1_000)), ..leveled() };
        assert_eq!(plan("gemini-x", &both, Some(Effort::Budget(9))).0["thinkingBudget"], 9);
        assert_eq!(plan("gemini-x", &both, Some(Effort::Low)).0["thinkingLevel"], "LOW");
    }
}
