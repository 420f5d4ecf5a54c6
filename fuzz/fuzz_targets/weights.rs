//! Files of weights: the directory, the vocabulary, and a token out of whatever
//! passes for a model.
//!
//! An input that begins with `GGUF` is a file. Any other damages a sound one:
//! four bytes a byte to write (where it goes, in three, and what it is), and
//! what is left over of a four tells how much of the file's end is missing.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pollm_engine::fuzzing;

static SOUND: LazyLock<(Vec<u8>, usize)> = LazyLock::new(fuzzing::weights);

fn damaged(input: &[u8]) -> Vec<u8> {
    let (mut file, directory) = SOUND.clone();
    let (damage, rest) = input.as_chunks::<4>();
    for [high, middle, low, byte] in damage {
        let place = usize::from(*high & 0x7f) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        // Most of what can go wrong is in front of the numbers.
        let end = if high & 0x80 == 0 { directory } else { file.len() };
        file[place % end] = *byte;
    }
    let missing = rest.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    file.truncate(file.len().saturating_sub(missing));
    file
}

fuzz_target!(|input: &[u8]| {
    let file = if input.starts_with(b"GGUF") { input } else { &damaged(input) };
    let _ = fuzzing::answered(file, "the bee");
});
