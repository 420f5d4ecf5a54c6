//! From a lane to what answers it: the encoded request with its address and
//! key, or the embedded model with its weights in place.

use std::time::Duration;

use crate::chat::Request;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exchange::{Backend, HttpBackend};
use crate::lane::{Lane, Way};
use crate::transport::Client;
use crate::wire::{self, Target, WireRequest};

/// Prepares one call. Nothing is sent, but the embedded model's weights are
/// fetched where the user agrees to it.
///
/// # Errors
/// A missing key, something that the protocol has no place for, weights that
/// can't be had.
#[cfg_attr(not(feature = "local"), expect(clippy::unused_async, reason = "only a download waits"))]
pub async fn backend(
    lane: &Lane,
    request: &Request,
    connect: Duration,
    consent: bool,
    context: &Context,
) -> Result<Backend> {
    match &lane.way {
        Way::Http { target, key } => {
            let key = key.clone()?;
            let (wire, url) = encode(target, request)?;
            let client = Client::new(&url, connect).map_err(|error| Error::from(&error))?;
            let key = key.map(|found| (found.key, target.auth.clone()));
            Ok(Backend::Http(Box::new(HttpBackend { protocol: target.protocol, url, wire, key, client })))
        }
        #[cfg(feature = "local")]
        Way::Local => {
            let weights = crate::weights::ready(&lane.model.model, consent, context).await?;
            Ok(Backend::Local { weights })
        }
        #[cfg(not(feature = "local"))]
        Way::Local => {
            let _ = (consent, context);
            Err(Error::usage("this build has no embedded model"))
        }
    }
}

/// The request in the protocol's words, with the user's own fields laid over
/// it, and the address that it goes to.
///
/// # Errors
/// Where the protocol has no place for something.
pub fn encode(target: &Target, request: &Request) -> Result<(WireRequest, String)> {
    let encoded = target.protocol.wire().encode(target, request);
    let mut wire = encoded.map_err(|error| Error::usage(format!("{}: {error}", target.model)))?;
    wire::overlay(&mut wire.body, &request.params.extra);
    for (name, value) in &target.headers {
        wire.headers.retain(|(known, _)| known != name);
        wire.headers.push((name.clone(), value.clone()));
    }
    let url = format!("{}{}", target.base_url, wire.path);
    Ok((wire, url))
}
