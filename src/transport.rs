//! The only place that talks HTTP: client, dialling, sending, reading.
//!
//! It knows no protocol. Bytes go out, bytes and headers come back, and every
//! fault becomes an [`ApiError`] whose text holds neither key nor address.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rustls::AlertDescription;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::task::JoinHandle;

use crate::secrets::SecretHeader;
use crate::wire::{ApiError, FailureKind, Headers};

mod dial;
mod download;

use dial::{DialLayer, Dialled};
pub use download::{Downloaded, Downloads};

/// How long the end of a body is waited for of which nothing more is wanted.
const PATIENCE: Duration = Duration::from_secs(1);

/// How requests name this program.
const USER_AGENT: &str = concat!("pollm/", env!("CARGO_PKG_VERSION"));

/// A `POST` with a JSON body, or a `GET` where there is no body.
pub struct HttpRequest<'a> {
    /// The whole address.
    pub url: &'a str,
    /// Headers that may be shown.
    pub headers: &'a [(String, String)],
    /// The header that carries the key, and its whole value.
    pub secret: Option<(&'a str, &'a SecretHeader)>,
    /// The body; `GET` without.
    pub body: Option<Vec<u8>>,
}

/// A connection pool of one lane. Lanes do not share one, so that none waits
/// for another's connection and each knows when its own was ready.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    dialled: Dialled,
    rest: Rest,
}

/// Reads what is left of a body that was let go.
type Rest = Arc<Mutex<Option<JoinHandle<()>>>>;

impl Client {
    /// Builds a client for one address. Certificates are loaded only for
    /// `https`: reading the system's store takes longer than a local answer.
    ///
    /// # Errors
    /// Where the system's certificates can't be read, or a proxy variable is wrong.
    pub fn new(url: &str, connect_timeout: Duration) -> Result<Self, ApiError> {
        install_crypto();
        let dialled = Dialled::default();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(connect_timeout)
            // A redirected POST would carry the key and the prompt elsewhere.
            .redirect(Policy::none())
            // Retries are counted and shown; nobody else may add to them.
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .connector_layer(DialLayer(Arc::clone(&dialled)));
        builder = if url.starts_with("https:") {
            builder.tls_backend_preconfigured(tls()?)
        } else {
            builder.tls_certs_only([])
        };
        // A local server is never behind the proxy, even where NO_PROXY forgets it.
        if is_loopback(url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| describe(&error, FailureKind::Tls))?;
        Ok(Self { http, dialled, rest: Rest::default() })
    }

    /// Returns once the connection of the last call can be used again, or won't be.
    pub async fn settled(&self) {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(rest) = rest {
            let _ = rest.await;
        }
    }

    /// Whether a connection was ever usable, and a request may have left.
    pub fn has_connected(&self) -> bool {
        self.dialled.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Sends one request and waits for the response headers.
    ///
    /// # Errors
    /// Where no response came; redirects are errors too.
    pub async fn send(&self, request: HttpRequest<'_>) -> Result<Response, ApiError> {
        let started = Instant::now();
        let headers = header_map(&request)?;
        let builder = match request.body {
            Some(body) => self.http.post(request.url).body(body),
            None => self.http.get(request.url),
        };
        let sent = builder.headers(headers).send().await;
        let dialled =
            (*self.dialled.lock().unwrap_or_else(PoisonError::into_inner)).filter(|at| *at >= started);
        // An open connection that is used again may have carried the request away before it broke.
        let kind = if self.has_connected() { FailureKind::Broken } else { FailureKind::Connect };
        let inner = sent.map_err(|error| describe(&error, kind))?;
        let rest = Arc::clone(&self.rest);
        let response = Response { inner, dialled, at: Instant::now(), rest, is_done: false };
        match response.inner.headers().get("location") {
            Some(location) if response.inner.status().is_redirection() => {
                Err(redirected(response.status(), request.url, location.to_str().unwrap_or_default()))
            }
            _ => Ok(response),
        }
    }
}

/// A response whose headers are there.
pub struct Response {
    inner: reqwest::Response,
    /// When the connection became usable; `None` where an open one was used again.
    pub dialled: Option<Instant>,
    /// When the headers were read.
    pub at: Instant,
    /// Where the client finds what [`Response::let_go`] began.
    rest: Rest,
    /// The body's end was read.
    is_done: bool,
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The headers, names in lower case; values that are no text are left out.
    pub fn headers(&self) -> Headers {
        let headers = self.inner.headers().iter();
        Headers(
            headers.filter_map(|(k, v)| Some((k.as_str().to_owned(), v.to_str().ok()?.to_owned()))).collect(),
        )
    }

    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// Where the connection breaks or the body is not what its headers promise.
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, ApiError> {
        let chunk = self.inner.chunk().await.map_err(|error| describe(&error, FailureKind::Broken))?;
        self.is_done = chunk.is_none();
        Ok(chunk)
    }

    /// Lets go of a body of which nothing more is wanted. Its end is waited for in
    /// the background, if not for long: only behind it can the connection be used
    /// again, which [`Client::settled`] waits for.
    pub fn let_go(mut self) {
        if self.is_done {
            return;
        }
        let slot = Arc::clone(&self.rest);
        let rest = tokio::spawn(async move {
            let read = async { while let Ok(Some(_)) = self.chunk().await {} };
            let _ = tokio::time::timeout(PATIENCE, read).await;
        });
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
    }
}

/// TLS with the certificates that the system trusts. They are read once, since
/// that takes longer than a local answer; sessions are not shared, so that no
/// lane's connection is made faster by another's.
fn tls() -> Result<rustls::ClientConfig, ApiError> {
    static SYSTEM: OnceLock<Result<rustls::ClientConfig, String>> = OnceLock::new();
    let built = SYSTEM.get_or_init(|| {
        let mut config = rustls::ClientConfig::builder()
            .with_platform_verifier()
            .map_err(|error| error.to_string())?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    });
    let mut config = built.clone().map_err(|why| {
        // A container may have none.
        let mend = if cfg!(target_os = "linux") {
            "; the package `ca-certificates` brings them, and SSL_CERT_FILE names others"
        } else {
            ""
        };
        ApiError::new(FailureKind::Tls, format!("the system's certificates can't be used: {why}{mend}"))
    })?;
    config.resumption = rustls::client::Resumption::default();
    Ok(config)
}

/// Makes ring the crypto of this process. A second call finds it installed.
fn install_crypto() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Whether an address names this very machine.
pub fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

fn header_map(request: &HttpRequest<'_>) -> Result<HeaderMap, ApiError> {
    let refused =
        |name: &str| ApiError::new(FailureKind::BadRequest, format!("header `{name}` can't be sent"));
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
    if request.body.is_some() {
        headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in request.headers {
        let key = HeaderName::try_from(name.as_str()).map_err(|_| refused(name))?;
        headers.insert(key, HeaderValue::try_from(value.as_str()).map_err(|_| refused(name))?);
    }
    if let Some((name, secret)) = request.secret {
        let key = HeaderName::try_from(name).map_err(|_| refused(name))?;
        let mut value = HeaderValue::from_bytes(secret.as_bytes()).map_err(|_| refused(name))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

fn redirected(status: u16, from: &str, to: &str) -> ApiError {
    let host = |url: &str| reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let goal = match (host(from), host(to)) {
        (Some(from), Some(to)) if from != to => format!("another host, `{to}`"),
        _ => "another address".to_owned(),
    };
    let message =
        format!("HTTP {status}: the server redirects to {goal}; the prompt and the key were not sent there");
    ApiError { status: Some(status), ..ApiError::new(FailureKind::BadRequest, message) }
}

/// Turns a fault of the HTTP library into words of ours. Its own text is not
/// used as it is: it may hold the address, and with it a key in a query.
fn describe(error: &reqwest::Error, otherwise: FailureKind) -> ApiError {
    let chain = chain_of(error);
    let cause = chain.last().map(ToString::to_string).unwrap_or_default();
    let tls: Option<&rustls::Error> = chain.iter().find_map(|error| tls_fault(*error));
    match tls {
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => {
            let message = "the server asks for a certificate of the client, and there is none to show";
            return ApiError::new(FailureKind::Tls, message);
        }
        // Behind the handshake a fault of TLS is a connection that breaks, as any other.
        Some(_) if error.is_connect() => {
            return ApiError::new(FailureKind::Tls, format!("no secure connection: {cause}"));
        }
        _ => {}
    }
    if error.is_connect() && error.is_timeout() {
        return ApiError::new(FailureKind::Connect, "no connection within the time allowed");
    }
    if error.is_connect() {
        return ApiError::new(FailureKind::Connect, format!("no connection: {cause}"));
    }
    if error.is_builder() {
        return ApiError::new(FailureKind::BadRequest, format!("the address can't be used: {cause}"));
    }
    match otherwise {
        FailureKind::Connect => ApiError::new(FailureKind::Connect, format!("no connection: {cause}")),
        kind => ApiError::new(kind, format!("the connection broke: {cause}")),
    }
}

/// An error of rustls. I/O errors wrap it, some of them twice, and do not name
/// what they wrap as their source.
fn tls_fault<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    error.downcast_ref().or_else(|| {
        let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
        tls_fault(inner)
    })
}

/// An error and its sources, the deepest last.
fn chain_of<'e>(error: &'e (dyn StdError + 'static)) -> Vec<&'e (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for url in ["http://127.0.0.1:8080/v1", "http://localhost/v1", "https://[::1]:1/", "http://127.9.9.9"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://example.com", "http://localhost.example.com", "http://10.0.0.1", "nonsense"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_redirect_names_the_other_host_only() {
        let error = redirected(302, "https://a.example/v1?key=secret", "https://b.example/x?token=secret");
        assert_eq!(
            error.message,
            "HTTP 302: the server redirects to another host, `b.example`; the prompt and the key were not sent there"
        );
    }
}
