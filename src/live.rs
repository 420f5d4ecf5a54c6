//! Models that providers say they have: servers on this machine, and any other
//! one that is asked for its list.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::catalog::{Provider, ProviderKind};
use crate::context::Context;
use crate::error::Result;
use crate::model::{ModelRef, ProviderId};
use crate::provider::{self, Endpoint};
use crate::secrets::{Key, SecretHeader, redact};
use crate::transport::{Client, HttpRequest};
use crate::wire::{ApiError, Auth, FailureKind, Protocol};

mod cache;
mod generation;
pub(crate) mod read;

pub use cache::{read as cached, write as keep};
pub use generation::{Generation, generations};
pub use read::LiveModel;

/// How long a server on this machine may take to say what it has.
pub const LOCAL_PATIENCE: Duration = Duration::from_millis(500);

/// How long any other provider may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The most that is read of a list of models; the longest known has 2 MB.
const MAX_LIST: usize = 16 * 1024 * 1024;

/// Addresses that check a key where the list of models is open to everyone
/// (openrouter.ai/docs/api, "Get current API key").
const KEY_CHECKS: [(&str, &str); 1] = [("openrouter", "/key")];

/// Providers whose list of models is open to everyone, and that have no other
/// call without a charge: an answer says nothing of the key.
const OPEN_LISTS: [&str; 4] = ["deepinfra", "huggingface", "nvidia", "vercel"];

/// A request for a list, with everything that it needs.
pub struct Ask {
    /// Who is asked.
    pub provider: ProviderId,
    /// The whole address.
    pub url: String,
    protocol: Protocol,
    headers: Vec<(String, String)>,
    secret: Option<(String, SecretHeader)>,
    key: Option<Key>,
    patience: Duration,
}

/// What came of a request.
pub struct Answer {
    /// Who was asked.
    pub provider: ProviderId,
    /// The address that was asked.
    pub url: String,
    /// From the request to the last byte.
    pub took: Duration,
    /// The models that can chat, in the provider's order.
    pub models: Result<Vec<LiveModel>, ApiError>,
}

/// Whether an answer of a provider says that its key is good.
pub fn tests_key(provider: &str) -> bool {
    !OPEN_LISTS.contains(&provider)
}

/// Where a protocol has its list, in as few pages as it allows.
const fn list_path(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OpenAiChat | Protocol::OpenAiResponses => "/models",
        Protocol::Anthropic => "/models?limit=1000",
        Protocol::Gemini => "/models?pageSize=1000",
    }
}

/// The address of a provider's list; `None` where it can't be asked.
pub fn list_url(context: &Context, provider: &Provider) -> Option<String> {
    let endpoint = provider::endpoint(context, provider, "").ok()?;
    Some(endpoint.base_url + list_path(endpoint.protocol))
}

impl Ask {
    /// The request for a provider's list.
    ///
    /// # Errors
    /// A provider that can't be asked, a key that is missing or can't be used.
    pub fn list(context: &Context, provider: &Provider) -> Result<Self> {
        let endpoint = provider::endpoint(context, provider, "")?;
        let path = list_path(endpoint.protocol);
        Self::new(context, provider, endpoint, path)
    }

    /// The request that shows whether a provider takes the key.
    ///
    /// # Errors
    /// As [`Ask::list`].
    pub fn check(context: &Context, provider: &Provider) -> Result<Self> {
        let path = KEY_CHECKS.iter().find(|(id, _)| *id == provider.id.as_str()).map(|(_, path)| *path);
        match path {
            Some(path) => Self::new(context, provider, provider::endpoint(context, provider, "")?, path),
            None => Self::list(context, provider),
        }
    }

    fn new(context: &Context, provider: &Provider, endpoint: Endpoint, path: &str) -> Result<Self> {
        let Endpoint { protocol, base_url, auth, mut headers } = endpoint;
        if protocol == Protocol::Anthropic && !headers.iter().any(|(name, _)| name == "anthropic-version") {
            headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
        }
        let key = provider::key(context, provider)?.map(|found| found.key);
        let secret = key.as_ref().map(|key| match auth {
            Auth::Bearer => ("authorization".to_owned(), key.header_value("Bearer ")),
            Auth::Header(name) => (name, key.header_value("")),
        });
        let patience = if provider.kind == ProviderKind::Local { LOCAL_PATIENCE } else { PATIENCE };
        let url = format!("{base_url}{path}");
        Ok(Self { provider: provider.id.clone(), url, protocol, headers, secret, key, patience })
    }

    async fn send(self) -> Answer {
        let started = Instant::now();
        let body = self.body().await;
        let models = body.and_then(|body| {
            read::models(&body)
                .ok_or_else(|| ApiError::new(FailureKind::Protocol, "the answer is no list of models"))
        });
        Answer { provider: self.provider, url: self.url, took: started.elapsed(), models }
    }

    /// The body of a good answer.
    async fn body(&self) -> Result<Vec<u8>, ApiError> {
        let asked = tokio::time::timeout(self.patience, self.fetch()).await;
        let body = asked.unwrap_or_else(|_| {
            let within = format!("no answer within {} s", self.patience.as_secs_f32());
            Err(ApiError::new(FailureKind::Timeout, within))
        });
        body.map_err(|error| match &self.key {
            // Servers are known to repeat a wrong key in their complaint about it.
            Some(key) => ApiError { message: redact(&error.message, &[key]).into_owned(), ..error },
            None => error,
        })
    }

    async fn fetch(&self) -> Result<Vec<u8>, ApiError> {
        let client = Client::new(&self.url, self.patience)?;
        let secret = self.secret.as_ref().map(|(name, value)| (name.as_str(), value));
        let request = HttpRequest { url: &self.url, headers: &self.headers, secret, body: None };
        let mut response = client.send(request).await?;
        let (status, headers) = (response.status(), response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(chunk.as_ref());
            if body.len() > MAX_LIST {
                return Err(ApiError::new(FailureKind::Protocol, "the answer is larger than 16 MiB"));
            }
        }
        if !(200..300).contains(&status) {
            return Err(self.protocol.wire().error(status, &headers, &body));
        }
        Ok(body)
    }
}

/// Asks all at once. The answers come in the order of the requests.
///
/// # Errors
/// Where the runtime can't be started.
pub fn ask_all(asks: Vec<Ask>) -> Result<Vec<Answer>> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = crate::runtime()?.block_on(async {
        let mut running = JoinSet::new();
        for (at, ask) in asks.into_iter().enumerate() {
            running.spawn(async move { (at, ask.send().await) });
        }
        running.join_all().await
    });
    answers.sort_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// The servers on this machine that the catalog knows.
pub fn local_servers(context: &Context) -> Vec<Provider> {
    let providers = context.catalog.providers().into_iter();
    providers.filter(|provider| provider.kind == ProviderKind::Local && provider.wire != "local").collect()
}

/// The first model of the first local server that answers, in the catalog's order.
pub fn first_running(context: &Context) -> Option<ModelRef> {
    let servers = local_servers(context);
    let asks = servers.iter().filter_map(|server| Ask::list(context, server).ok()).collect();
    let answers = ask_all(asks).ok()?.into_iter();
    answers
        .filter_map(|answer| Some((answer.provider, answer.models.ok()?.into_iter().next()?)))
        .map(|(provider, model)| ModelRef { provider, model: model.id })
        .next()
}
