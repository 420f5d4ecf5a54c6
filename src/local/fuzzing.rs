//! For the fuzz targets: weights in memory, on the plain kernels and one thread.

use std::sync::atomic::AtomicBool;

use super::engine::Settings;
use super::gguf::{Gguf, Invalid};
use super::kernels::Kernels;
use super::tiny::Tiny;
use super::tokenizer::Tokenizer;
use super::{Failure, Generation, Step, answer};
use crate::chat::Request;

const PLAIN: Settings = Settings { kernels: Kernels::PORTABLE, threads: 1, worth_sharing: usize::MAX };

/// A sound file of weights of some kilobytes, and how many of its bytes come
/// before the numbers.
pub fn weights() -> (Vec<u8>, usize) {
    Tiny::default().file()
}

/// Answers a request with the weights in `file`; the text, or why there is none.
pub fn answered(file: &[u8], request: &Request) -> Result<String, String> {
    let generation = Generation { request, cancel: &AtomicBool::new(false) };
    let mut said = String::new();
    let done = answer(file, &generation, PLAIN, &mut |step| {
        if let Step::Token { text } | Step::Rest { text } = step {
            said.push_str(&text);
        }
    });
    match done {
        Ok(_) => Ok(said),
        Err(Failure::Unusable(Invalid(reason))) => Err(reason),
        Err(Failure::ContextLength { prompt, context }) => Err(format!("{prompt} of {context} tokens")),
    }
}

/// What the tokens of a text stand for, and whether one of them is a control token.
pub fn through_tokens(file: &[u8], text: &str) -> Result<(Vec<u8>, bool), String> {
    let gguf = Gguf::parse(file).map_err(|Invalid(reason)| reason)?;
    let tokenizer = Tokenizer::load(&gguf).map_err(|Invalid(reason)| reason)?;
    let controls = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"].map(|name| tokenizer.control(name));
    let (mut tokens, mut bytes) = (Vec::new(), Vec::new());
    tokenizer.encode(text, &mut tokens);
    tokens.iter().for_each(|token| tokenizer.decode(*token, &mut bytes));
    let controlled = tokens.iter().any(|token| controls.contains(&Some(*token)));
    Ok((bytes, controlled))
}
