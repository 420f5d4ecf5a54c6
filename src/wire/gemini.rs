//! Google's `generateContent`, spoken as `v1beta`: the `-latest` names and what
//! is in preview exist only there. Vertex answers in the same words.

use super::{Decode, EncodeError, Target, Wire, WireRequest};
use crate::chat::Request;

mod decode;
mod encode;
mod events;
#[cfg(test)]
mod tests;
mod thinking;
mod usage;

/// The `generateContent` API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

impl Wire for Gemini {
    fn encode(&self, target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
        encode::encode(target, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::<decode::Decoder>::default()
    }
}
