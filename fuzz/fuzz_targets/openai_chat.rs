//! Chat Completions: any bytes, as a stream in pieces and as one body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollm::wire::Protocol;

fuzz_target!(|answer: &[u8]| {
    pollm_fuzz::check_decoder(Protocol::OpenAiChat, &["[DONE]", "finish_reason"], answer);
});
