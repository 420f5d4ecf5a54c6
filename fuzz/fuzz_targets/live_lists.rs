//! Lists of models as servers send them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for model in pollm::fuzzing::live_models(body).unwrap_or_default() {
        assert!(!model.id.trim().is_empty() && !model.id.contains(char::is_control), "{model:?}");
        assert_ne!((model.context, model.max_output), (Some(0), Some(0)));
    }
});
