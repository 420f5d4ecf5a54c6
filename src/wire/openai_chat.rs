//! Chat Completions: `POST …/chat/completions`, the common language of `OpenAI`
//! and of everything that calls itself compatible with it.
//!
//! Compatible servers guarantee little, so only what the user set is sent, in
//! the words that the server's [`Quirks`](super::Quirks) name, and every field
//! of an answer may be missing, repeated or of another type.

use super::{Decode, EncodeError, Target, Wire, WireRequest};
use crate::chat::Request;

mod chunk;
mod decode;
mod finish;
mod repeat;
mod request;
mod thinking;

#[cfg(test)]
mod tests;

/// The adapter of this protocol.
#[derive(Clone, Copy, Debug)]
pub struct OpenAiChat;

impl Wire for OpenAiChat {
    fn encode(&self, target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
        request::encode(target, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::<decode::Decoder>::default()
    }
}
