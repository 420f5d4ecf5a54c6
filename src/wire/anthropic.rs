//! Anthropic's Messages API, which `MiniMax` serves as well.
//!
//! Spoken as version `2023-06-01`: the one of 2026-10-21 answers 400 to any
//! sampling parameter, also on models that take them. Answers look the same in
//! both.

use super::{Decode, EncodeError, Target, Wire, WireRequest};
use crate::chat::Request;

mod decode;
mod encode;
mod events;
#[cfg(test)]
mod tests;
mod thinking;
mod usage;

pub use thinking::DEFAULT_MAX_TOKENS;

/// The Messages API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anthropic;

impl Wire for Anthropic {
    fn encode(&self, target: &Target, request: &Request) -> Result<WireRequest, EncodeError> {
        encode::encode(target, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::<decode::Decoder>::default()
    }
}
