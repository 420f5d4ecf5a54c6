//! Files that are fetched without a key.

#[cfg(feature = "local")]
use std::ops::ControlFlow;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;

use super::{USER_AGENT, describe, install_crypto};
#[cfg(feature = "local")]
use crate::local::pull::Fetch;
use crate::wire::{ApiError, FailureKind};

/// The most redirects that a download follows.
const MAX_REDIRECTS: usize = 5;

/// Downloads of files that need no key, so redirects may be followed.
pub struct Downloads(reqwest::Client);

/// A file as it came.
pub struct Downloaded {
    /// The file; one that is larger than allowed ends where it went beyond.
    pub bytes: Vec<u8>,
    /// The server's tag for it.
    pub etag: Option<String>,
}

impl Downloads {
    /// Builds the client.
    ///
    /// # Errors
    /// Where the system's certificates can't be read, or a proxy variable is wrong.
    pub fn new(connect_timeout: Duration, idle: Duration) -> Result<Self, ApiError> {
        install_crypto();
        let built = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(connect_timeout)
            .read_timeout(idle)
            .redirect(Policy::limited(MAX_REDIRECTS))
            .retry(reqwest::retry::never())
            .build();
        built.map(Self).map_err(|error| describe(&error, FailureKind::Tls))
    }

    /// Fetches a file; `None` where it is still the one of `etag`. Not much more than
    /// `most` bytes are read, counted as they are unpacked.
    ///
    /// # Errors
    /// Where the whole file did not come.
    pub async fn if_changed(
        &self,
        url: &str,
        etag: Option<&str>,
        most: usize,
    ) -> Result<Option<Downloaded>, ApiError> {
        let broken = |error: reqwest::Error| describe(&error, FailureKind::Broken);
        let mut request = self.0.get(url);
        if let Some(tag) = etag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
            request = request.header("if-none-match", tag);
        }
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        match status {
            304 if etag.is_some() => return Ok(None),
            200 => {}
            _ => return Err(ApiError::new(FailureKind::Protocol, format!("HTTP {status}"))),
        }
        let etag = response.headers().get("etag").and_then(|tag| Some(tag.to_str().ok()?.to_owned()));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > most {
                break;
            }
        }
        Ok(Some(Downloaded { bytes, etag }))
    }
}

#[cfg(feature = "local")]
impl Fetch for Downloads {
    async fn get(
        &self,
        url: &str,
        from: u64,
        sink: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let words = |error: &reqwest::Error| describe(error, FailureKind::Broken).message;
        // The bytes are counted and hashed as they are stored there.
        let mut request = self.0.get(url).header("accept-encoding", "identity");
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let mut response = request.send().await.map_err(|error| words(&error))?;
        let status = response.status();
        let mut at = if status.as_u16() == 206 { from } else { 0 };
        if !status.is_success() {
            return Err(format!("HTTP {}", status.as_u16()));
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| words(&error))? {
            if sink(at, &chunk).is_break() {
                break;
            }
            at += chunk.len() as u64;
        }
        Ok(())
    }
}
