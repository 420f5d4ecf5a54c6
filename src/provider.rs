//! From a provider's row to an address, a protocol and a key.
//!
//! A row comes from the catalog, with the user's configuration laid over it.
//! What the catalog leaves open, because it depends on the user's account or
//! region, stands here as data.

use crate::catalog::{Model, Provider, ProviderKind};
use crate::config::{self, KeyPlacement};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::{ModelRef, ProviderId};
use crate::secrets::{FoundKey, KeyFile, KeyQuery};
use crate::wire::{Auth, Protocol, Target, quirks};

/// Addresses that the catalog leaves open. `${A|B}` is the first variable of
/// the two that is set. Sources: Microsoft's v1 API, the Bedrock and the
/// Vertex guides for their OpenAI-compatible endpoints, Vercel's AI gateway.
const ADDRESSES: [(&str, &str); 4] = [
    ("azure", "https://${AZURE_RESOURCE_NAME}.openai.azure.com/openai/v1"),
    ("amazon-bedrock", "https://bedrock-runtime.${AWS_REGION|AWS_DEFAULT_REGION}.amazonaws.com/openai/v1"),
    (
        "google-vertex",
        "https://aiplatform.googleapis.com/v1/projects/${GOOGLE_VERTEX_PROJECT|GOOGLE_CLOUD_PROJECT}/locations/${GOOGLE_VERTEX_LOCATION|GOOGLE_CLOUD_LOCATION}/endpoints/openapi",
    ),
    ("vercel", "https://ai-gateway.vercel.sh/v1"),
];

/// Headers by which `OpenRouter` attributes a request to an application.
const OPENROUTER_HEADERS: [(&str, &str); 3] = [
    ("http-referer", env!("CARGO_PKG_REPOSITORY")),
    ("x-openrouter-title", "pollm"),
    ("x-openrouter-categories", "cli-agent"),
];

/// Providers that can't be reached with an address and a key, and why.
const UNREACHABLE: [(&str, &str, &str); 1] = [(
    "github-copilot",
    "GitHub Copilot gives out short-lived tokens to its own editors only",
    "ask the same model through its lab's own API or OpenRouter",
)];

/// Where a model's requests go: everything but the key.
///
/// # Errors
/// Where the provider can't be reached, or its address is not known.
pub fn target(
    context: &Context,
    provider: &Provider,
    model: &ModelRef,
    row: Option<&Model>,
) -> Result<Target> {
    let Endpoint { protocol, base_url, auth, headers } = endpoint(context, provider, &model.model)?;
    Ok(Target {
        model: model.clone(),
        api_model: api_model(provider, &model.model)?,
        protocol,
        base_url,
        auth,
        headers,
        quirks: quirks::of(provider.id.as_str()),
        facts: row.map(Model::facts).unwrap_or_default(),
    })
}

/// How a provider is spoken to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The wire format.
    pub protocol: Protocol,
    /// The address, without a final slash.
    pub base_url: String,
    /// How the key travels.
    pub auth: Auth,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
}

/// How a provider is spoken to about a model, or about none (`""`).
///
/// # Errors
/// Where the provider can't be reached, or its address is not known.
pub fn endpoint(context: &Context, provider: &Provider, model: &str) -> Result<Endpoint> {
    let id = provider.id.as_str();
    let config = context.config.providers.get(id);
    if let Some((_, why, instead)) = UNREACHABLE.iter().find(|(name, _, _)| *name == id)
        && config.is_none_or(|config| config.base_url.is_none())
    {
        return Err(Error::config(format!("pollm can't ask {id}: {why}")).hint(*instead));
    }
    let protocol = protocol(context, provider, model)?;
    let mut headers = Vec::new();
    if id == "openrouter" {
        // A build of a package without a repository has no address to name.
        let known = OPENROUTER_HEADERS.into_iter().filter(|(_, value)| !value.is_empty());
        headers.extend(known.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    for (name, value) in config.into_iter().flat_map(|config| &config.headers) {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_ascii_lowercase(), value.as_str().to_owned()));
    }
    Ok(Endpoint {
        protocol,
        base_url: address(context, provider)?,
        auth: auth(context, provider, protocol).unwrap_or(Auth::Bearer),
        headers,
    })
}

/// The id to send. On Azure that is the deployment's name, which is what the
/// user types.
fn api_model(provider: &Provider, model: &str) -> Result<String> {
    if provider.wire != "vertex" {
        return Ok(model.to_owned());
    }
    // Vertex's compatible endpoint wants the publisher's name in front, and has Google's models only.
    if model.starts_with("claude") || model.starts_with("anthropic/") {
        return Err(Error::config(
            "pollm can't ask Claude on Vertex: its own request format is not supported",
        )
        .hint("ask it through `anthropic/…` or `amazon-bedrock/…`"));
    }
    Ok(if model.contains('/') { model.to_owned() } else { format!("google/{model}") })
}

/// The wire format of a provider: the configuration's, or the catalog's.
fn protocol(context: &Context, provider: &Provider, model: &str) -> Result<Protocol> {
    let id = provider.id.as_str();
    if let Some(protocol) = context.config.providers.get(id).and_then(|config| config.protocol) {
        return Ok(protocol);
    }
    let protocol = quirks::protocol(id, &provider.wire).ok_or_else(|| {
        Error::config(format!("pollm does not speak the protocol of {id} (`{}`)", provider.wire)).hint(
            format!(
                "if it has a compatible endpoint, set `protocol` and `base_url` below `[providers.{id}]`"
            ),
        )
    })?;
    let needs_responses = id == "openai" && quirks::responses_only(model);
    Ok(if needs_responses { Protocol::OpenAiResponses } else { protocol })
}

/// The address of a provider, without a final slash.
///
/// # Errors
/// Where it is not known, or needs a variable that is not set.
pub fn address(context: &Context, provider: &Provider) -> Result<String> {
    let id = provider.id.as_str();
    let open = ADDRESSES.iter().find(|(name, _)| *name == id).map(|(_, address)| *address);
    let built_in = quirks::base_url(id).or(provider.base_url.as_deref()).or(open);
    let found = config::base_url(id, &context.env, &context.config, built_in)?;
    found.map(|found| found.value).ok_or_else(|| {
        Error::config(format!("no address is known for provider {id}"))
            .hint(format!("set `base_url` below `[providers.{id}]` in the configuration"))
    })
}

/// How the key travels; `None` where the configuration says that none does.
fn auth(context: &Context, provider: &Provider, protocol: Protocol) -> Option<Auth> {
    let configured =
        context.config.providers.get(provider.id.as_str()).and_then(|config| config.auth.clone());
    match (configured, provider.wire.as_str(), protocol) {
        (Some(KeyPlacement::None), _, _) => None,
        (Some(KeyPlacement::Sent(auth)), _, _) => Some(auth),
        (None, "azure-openai", _) => Some(Auth::Header("api-key".to_owned())),
        (None, _, Protocol::Anthropic) => Some(Auth::Header("x-api-key".to_owned())),
        (None, _, Protocol::Gemini) => Some(Auth::Header("x-goog-api-key".to_owned())),
        (None, _, _) => Some(Auth::Bearer),
    }
}

/// Where a provider's key may be.
pub fn key_query(context: &Context, provider: &Provider) -> KeyQuery {
    let of_user = provider.wire.is_empty();
    let known = (!of_user).then_some(provider.env.as_slice());
    KeyQuery::new(provider.id.as_str(), known, &context.config)
}

/// A provider's key; `None` where none is needed.
///
/// # Errors
/// A needed key that is nowhere, or one that can't be used.
pub fn key(context: &Context, provider: &Provider) -> Result<Option<FoundKey>> {
    let found = key_query(context, provider).find(&context.env, &context.paths.key_file);
    found.map_err(|error| match provider.id.as_str() {
        "google-vertex" => error.hint(
            "Vertex takes access tokens that expire: set `key_command = [\"gcloud\", \"auth\", \"print-access-token\"]` below `[providers.google-vertex]`",
        ),
        _ => error,
    })
}

/// Whether a provider can be asked right now, without running a command to find out.
pub fn is_usable(context: &Context, id: &ProviderId) -> bool {
    context.catalog.provider(id.as_str()).is_some_and(|provider| is_ready(context, &provider))
}

/// As [`is_usable`], for a provider whose row is at hand.
pub fn is_ready(context: &Context, provider: &Provider) -> bool {
    if provider.kind == ProviderKind::Gone {
        return false;
    }
    if provider.wire == "local" {
        return true;
    }
    let query = key_query(context, provider);
    let Ok(stored) = KeyFile::open(&context.paths.key_file) else { return !query.required };
    !query.required || query.locate(&context.env, &stored).is_some()
}
