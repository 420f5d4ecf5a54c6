//! Any text through the embedded model's tokenizer and back. Control tokens are
//! never made from text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pollm_engine::fuzzing;

static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| fuzzing::weights().0);

fuzz_target!(|text: &str| {
    let (bytes, controlled) = fuzzing::through_tokens(&SOUND, text).expect("the weights are sound");
    assert_eq!(bytes, text.as_bytes());
    assert!(!controlled);
});
