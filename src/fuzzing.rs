//! What the fuzz targets in `fuzz/` reach that no other user of the crate may.
//!
//! It exists under `cfg(fuzzing)` alone, which `cargo fuzz` sets: no build that
//! anyone uses has it.

use crate::live::LiveModel;

pub use crate::wire::replay::{Replay, decode, decode_body};

/// The models of a list that a server sent; `None` where it is none.
pub fn live_models(body: &[u8]) -> Option<Vec<LiveModel>> {
    crate::live::read::models(body)
}
