//! Worked cases, each computed by hand from the providers' published prices.

use super::tests::{at, model, usage};
use super::*;

/// Model, completion time, prompt, output and reasoning, mode, USD.
type Case = (&'static str, &'static str, [u64; 5], [u64; 2], &'static str, &'static str);

const CASES: [Case; 28] = [
    ("openai/gpt-6.1-sol", "2026-11-22T12:00:00Z", [1_234, 0, 0, 0, 0], [567, 0], "", "0.008138"),
    ("openai/gpt-6.1-sol", "2026-11-22T12:00:00Z", [272_000, 0, 0, 0, 0], [1_000, 0], "", "0.554"),
    ("openai/gpt-6-sol", "2026-11-22T12:00:00Z", [300_000, 250_000, 40_000, 0, 0], [2_000, 0], "", "0.37"),
    ("openai/gpt-6-astra", "2026-11-22T12:00:00Z", [9_999, 0, 5_000, 0, 0], [4_321, 0], "", "0.32854"),
    ("openai/gpt-6.2-sol", "2026-11-22T12:00:00Z", [300_000, 100_000, 0, 0, 0], [1_000, 0], "", "0.835"),
    (
        "anthropic/claude-opus-5-5",
        "2026-11-22T12:00:00Z",
        [12_000, 0, 4_000, 6_000, 0],
        [800, 0],
        "",
        "0.092",
    ),
    (
        "anthropic/claude-haiku-5-5",
        "2026-11-22T12:00:00Z",
        [100_000, 60_000, 0, 0, 0],
        [1_000, 0],
        "",
        "0.0051",
    ),
    (
        "anthropic/claude-haiku-5-5",
        "2026-11-22T12:00:00Z",
        [5_000, 0, 0, 0, 0],
        [5_000, 0],
        "batch",
        "0.0015",
    ),
    ("google/gemini-4-argon", "2026-12-01T00:00:00Z", [400_000, 100_000, 0, 0, 0], [9_000, 6_000], "", "1.4"),
    ("google/gemini-2.5-pro", "2026-11-22T12:00:00Z", [200_000, 0, 0, 0, 0], [100, 0], "", "0.251"),
    ("google/gemini-2.5-flash", "2026-11-22T12:00:00Z", [5_000, 0, 0, 0, 3_200], [250, 0], "", "0.004365"),
    ("xai/grok-4.7", "2026-11-22T12:00:00Z", [199_999, 99_999, 0, 0, 0], [1_000, 0], "", "0.2559995"),
    ("deepseek/deepseek-flash", "2026-11-23T02:30:00Z", [30_000, 20_000, 0, 0, 0], [4_000, 0], "", "0.00792"),
    (
        "deepseek/deepseek-v4-pro",
        "2026-11-22T02:30:00Z",
        [30_000, 20_000, 0, 0, 0],
        [4_000, 3_000],
        "",
        "0.01496",
    ),
    ("mistral/mistral-small-latest", "2026-11-22T12:00:00Z", [1, 0, 0, 0, 0], [1, 0], "", "0.00000075"),
    ("alibaba/qwen-plus", "2026-11-22T12:00:00Z", [10_000, 0, 0, 0, 0], [3_000, 2_500], "thinking", "0.016"),
    ("alibaba/qwen3-max", "2026-11-22T12:00:00Z", [100_000, 0, 0, 0, 0], [500, 0], "", "0.246"),
    ("zai/glm-5.3", "2026-11-22T12:00:00Z", [4_096, 4_096, 0, 0, 0], [1, 0], "", "0.00106936"),
    ("groq/openai/gpt-oss-120b", "2026-11-22T12:00:00Z", [3_000, 1_000, 0, 0, 0], [900, 0], "", "0.000915"),
    (
        "amazon-bedrock/us.anthropic.claude-opus-5-5",
        "2026-11-22T12:00:00Z",
        [10_000, 9_000, 0, 0, 0],
        [1_000, 0],
        "",
        "0.02838",
    ),
    ("google-vertex/gemini-2.5-pro", "2026-11-22T12:00:00Z", [200_001, 0, 0, 0, 0], [10, 0], "", "0.5001525"),
    ("cohere/command-a-03-2025", "2026-11-22T12:00:00Z", [2_500, 0, 0, 0, 0], [400, 0], "", "0.01025"),
    ("openai/gpt-5.4-mini", "2026-11-22T12:00:00Z", [31_337, 20_480, 0, 0, 0], [777, 512], "", "0.01317525"),
    (
        "anthropic/claude-opus-4-8",
        "2026-11-22T12:00:00Z",
        [900_000, 850_000, 0, 0, 0],
        [1, 0],
        "",
        "0.675025",
    ),
    ("together/moonshotai/Kimi-K3", "2026-11-22T12:00:00Z", [7_000, 0, 0, 0, 0], [7_000, 0], "", "0.126"),
    ("cerebras/gpt-oss-120b", "2026-11-22T12:00:00Z", [1_500, 0, 0, 0, 0], [2_500, 0], "", "0.0024"),
    ("moonshotai/kimi-k3.1-pro", "2026-11-22T12:00:00Z", [10_000, 5_000, 4_000, 0, 0], [100, 0], "", "0.012"),
    (
        "amazon-bedrock/amazon.nova-pro-v1:0",
        "2026-11-22T12:00:00Z",
        [10_001, 0, 0, 0, 0],
        [99, 0],
        "",
        "0.0083176",
    ),
];

/// The same, at the edges: one token above, one minute later, one day before.
const EDGES: [Case; 16] = [
    ("openai/gpt-6.1-sol", "2026-11-22T12:00:00Z", [272_001, 0, 0, 0, 0], [1_000, 0], "", "1.103004"),
    (
        "anthropic/claude-haiku-5-5",
        "2026-11-22T12:00:00Z",
        [100_001, 60_000, 20_000, 0, 0],
        [1_000, 0],
        "",
        "0.0280005",
    ),
    ("xai/grok-4.7", "2026-11-22T12:00:00Z", [200_000, 100_000, 0, 0, 0], [1_000, 0], "", "0.512"),
    ("google/gemini-4-argon", "2026-11-30T23:59:59Z", [400_000, 100_000, 0, 0, 0], [9_000, 6_000], "", "0.7"),
    ("google/gemini-2.5-pro", "2026-11-22T12:00:00Z", [200_001, 0, 0, 0, 0], [100, 0], "", "0.5015025"),
    ("deepseek/deepseek-flash", "2026-11-23T00:59:59Z", [30_000, 20_000, 0, 0, 0], [4_000, 0], "", "0.00396"),
    ("deepseek/deepseek-flash", "2026-11-23T01:00:00Z", [30_000, 20_000, 0, 0, 0], [4_000, 0], "", "0.00792"),
    ("deepseek/deepseek-flash", "2026-11-23T04:00:00Z", [30_000, 20_000, 0, 0, 0], [4_000, 0], "", "0.00396"),
    ("deepseek/deepseek-flash", "2026-11-22T02:30:00Z", [30_000, 20_000, 0, 0, 0], [4_000, 0], "", "0.00396"),
    ("deepseek/deepseek-flash", "2026-10-05T02:30:00Z", [30_000, 20_000, 0, 0, 0], [4_000, 0], "", "0.00396"),
    ("alibaba/qwen-plus", "2026-11-22T12:00:00Z", [10_000, 0, 0, 0, 0], [3_000, 2_500], "", "0.0076"),
    ("alibaba/qwen-plus", "2026-11-22T12:00:00Z", [256_001, 0, 0, 0, 0], [1_000, 0], "thinking", "0.3192012"),
    (
        "perplexity/sonar-deep-research",
        "2026-09-01T12:00:00Z",
        [500, 0, 0, 0, 0],
        [9_000, 7_000],
        "",
        "0.038",
    ),
    // Twelve dollars for a thousand requests, on top of the tokens.
    ("perplexity/sonar", "2026-09-01T12:00:00Z", [1_000, 0, 0, 0, 0], [1_000, 0], "", "0.014"),
    (
        "google-vertex/claude-opus-5-5@default",
        "2026-11-22T12:00:00Z",
        [1_000, 0, 0, 0, 0],
        [0, 0],
        "batch",
        "0.0025",
    ),
    // Prices of the batch's own, which are no share of the usual ones.
    (
        "amazon-bedrock/google.gemma-3-12b-it",
        "2026-11-22T12:00:00Z",
        [1_000, 0, 0, 0, 0],
        [1_000, 0],
        "batch",
        "0.0002",
    ),
];

fn how(mode: &str) -> Pricing {
    Pricing { thinking: mode == "thinking", batch: mode == "batch", ceiling: false }
}

#[test]
fn worked_cases_are_exact() {
    for (name, time, prompt, output, mode, usd) in CASES.into_iter().chain(EDGES) {
        let bill = model(name).bill(&usage(prompt, output), UsageSource::Reported, at(time), how(mode));
        assert_eq!(bill.cost.map(Cost::to_usd).as_deref(), Some(usd), "{name} {time} {prompt:?} {mode}");
        assert_eq!((bill.source, bill.approximate), (CostSource::Computed, false), "{name} {time}");
    }
}
