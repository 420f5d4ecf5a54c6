//! From a lane to what answers it: the encoded request with its address and
//! key, or the embedded model with its weights in place.

use std::cell::RefCell;
#[cfg(feature = "local")]
use std::path::PathBuf;
use std::time::Duration;

use crate::chat::Request;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exchange::{Backend, HttpBackend};
use crate::lane::{Lane, Way};
use crate::model::{ModelRef, ProviderId};
use crate::secrets::Key;
use crate::transport::Client;
use crate::wire::{self, Target, WireRequest};

/// A lane that can be asked: its key is there, its weights are in place.
pub struct Ready {
    model: ModelRef,
    way: ReadyWay,
}

enum ReadyWay {
    Http {
        target: Box<Target>,
        key: Option<Key>,
        connect: Duration,
        /// Connections that are free for the lane's next call. No two calls
        /// share one at a time: each must know when its own was ready.
        free: RefCell<Vec<Client>>,
    },
    #[cfg(feature = "local")]
    Local { weights: PathBuf },
}

/// Makes a lane ready. Nothing is sent, but the embedded model's weights are
/// fetched where the user agrees to it.
///
/// # Errors
/// A missing key, weights that can't be had.
#[cfg_attr(not(feature = "local"), expect(clippy::unused_async, reason = "only a download waits"))]
pub async fn ready(lane: &Lane, connect: Duration, consent: bool, context: &Context) -> Result<Ready> {
    let way = match &lane.way {
        Way::Http { target, key } => ReadyWay::Http {
            target: target.clone(),
            key: key.clone()?.map(|found| found.key),
            connect,
            free: RefCell::default(),
        },
        #[cfg(feature = "local")]
        Way::Local => {
            ReadyWay::Local { weights: crate::weights::ready(&lane.model.model, consent, context).await? }
        }
        #[cfg(not(feature = "local"))]
        Way::Local => {
            let _ = (consent, context);
            return Err(Error::usage("this build has no embedded model"));
        }
    };
    Ok(Ready { model: lane.model.clone(), way })
}

impl Ready {
    /// What answers one request.
    ///
    /// # Errors
    /// Something that the protocol has no place for.
    pub fn backend(&self, request: &Request) -> Result<Backend> {
        match &self.way {
            ReadyWay::Http { target, key, connect, free } => {
                let (wire, url) = encode(target, request)?;
                let free = free.borrow_mut().pop().map_or_else(|| Client::new(&url, *connect), Ok);
                let client = free.map_err(|error| Error::from(&error))?;
                let key = key.clone().map(|key| (key, target.auth.clone()));
                Ok(Backend::Http(Box::new(HttpBackend { protocol: target.protocol, url, wire, key, client })))
            }
            #[cfg(feature = "local")]
            ReadyWay::Local { weights } => Ok(Backend::Local { weights: weights.clone() }),
        }
    }

    /// Keeps the connection of a call that is over for the next one.
    pub fn take_back(&self, backend: Backend) {
        match (&self.way, backend) {
            (ReadyWay::Http { free, .. }, Backend::Http(http)) => free.borrow_mut().push(http.client),
            #[cfg(feature = "local")]
            _ => {}
        }
    }

    /// Who limits how many calls may run at once: a provider with its key, or
    /// this machine's cores.
    pub fn provider(&self) -> &ProviderId {
        &self.model.provider
    }

    /// Whether the answer is computed in this process.
    pub fn is_local(&self) -> bool {
        !matches!(self.way, ReadyWay::Http { .. })
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
