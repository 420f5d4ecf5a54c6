//! Answers that a gateway repeats from its own cache.

use super::Headers;

/// The headers in which gateways say so, with a value that ends in `HIT`.
///
/// - `OpenRouter`: openrouter.ai/docs/guides/features/response-caching; the
///   usage that comes along is all zeros, and nothing is charged.
/// - Cloudflare: developers.cloudflare.com/ai-gateway/features/caching; the
///   answer is that of the first request, usage included.
/// - Portkey: portkey.ai/docs/api-reference/response-schema, which has
///   `SEMANTIC HIT` for the answer to a similar request.
const STATUS: [&str; 3] = ["x-openrouter-cache-status", "cf-aig-cache-status", "x-portkey-cache-status"];

/// Whether the headers of an answer say that no model was asked for it: then
/// none of its figures is a measurement, and nobody charges for it.
pub fn is_from_cache(headers: &Headers) -> bool {
    STATUS.iter().any(|name| headers.get(name).is_some_and(|value| value.trim().ends_with("HIT")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hit_is_one() {
        let told =
            |name: &str, value: &str| is_from_cache(&Headers(vec![(name.to_owned(), value.to_owned())]));
        assert!(told("x-openrouter-cache-status", "HIT"));
        assert!(told("cf-aig-cache-status", "HIT"));
        assert!(told("x-portkey-cache-status", "SEMANTIC HIT"));
        for miss in ["MISS", "SEMANTIC MISS", "DISABLED", "REFRESH", ""] {
            assert!(!told("x-portkey-cache-status", miss), "{miss}");
        }
        // A content network's own header says nothing of an answer to a POST.
        assert!(!told("cf-cache-status", "HIT"));
        assert!(!is_from_cache(&Headers::default()));
    }
}
