//! What a call may cost besides its tokens: searches that a model makes by
//! itself, and headers that ask for a dearer service.

use crate::catalog::Model;

/// Parts of ids of models that search, and charge for each search what no
/// source of the catalog says. Sources: Perplexity's and OpenAI's price lists,
/// Groq's page on compound systems, OpenRouter's on `:online`, as of November 2026.
const SEARCHING: [&str; 6] =
    ["sonar", "deep-research", "search-preview", "search-api", "groq/compound", ":online"];

/// Headers that change nothing of the price: who asks, and for which account.
const HARMLESS: [&str; 19] = [
    "accept",
    "accept-language",
    "anthropic-version",
    "api-key",
    "authorization",
    "http-referer",
    "openai-organization",
    "openai-project",
    "origin",
    "referer",
    "traceparent",
    "user-agent",
    "x-api-key",
    "x-client-request-id",
    "x-goog-user-project",
    "x-openrouter-categories",
    "x-openrouter-title",
    "x-request-id",
    "x-title",
];

/// Whether a model searches by itself, and what that costs is not in its price.
pub(super) fn has_unknown_searches(row: &Model, now: jiff::Timestamp) -> bool {
    let searches = |id: &str| SEARCHING.iter().any(|part| id.contains(part));
    // Perplexity's other models are asked by the same API, which may search for them.
    let may = row.model.provider.as_str() == "perplexity" || searches(&row.model.model.to_ascii_lowercase());
    let is_priced = row.prices_at(now).is_some_and(|now| now.row.per_request.is_some());
    may && !is_priced
}

/// The header that may ask for something dearer than the catalog's price: a
/// tier, a beta, a region.
pub(super) fn costly_header(headers: &[(String, String)]) -> Option<String> {
    headers.iter().map(|(name, _)| name).find(|name| !HARMLESS.contains(&name.as_str())).cloned()
}
