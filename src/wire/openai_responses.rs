//! Responses: `POST …/responses`, `OpenAI`'s newer protocol. Some models exist
//! only here, and Perplexity speaks nothing else.
//!
//! Nothing is kept at the provider (`store: false`): the conversation is the
//! user's, and a reasoning item of an earlier turn is never sent back.

use super::{Decode, EncodeError, Target, Wire, WireRequest};
use crate::chat::Request;

mod decode;
mod event;
mod request;

#[cfg(test)]
mod tests;

/// The adapter of this protocol.
#[derive(Clone, Copy, Debug)]
pub struct OpenAiResponses;

impl Wire for OpenAiResponses {
    fn encode(&self, target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
        request::encode(target, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::<decode::Decoder>::default()
    }
}
