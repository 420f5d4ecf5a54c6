//! For the fuzz targets: weights in memory, on the plain kernels and one thread.

use std::sync::atomic::AtomicBool;

use super::engine::Settings;
use super::gguf::Gguf;
use super::kernels::Kernels;
use super::tiny::Tiny;
use super::tokenizer::Tokenizer;
use super::{Error, Request, Role, Step, answer};

const PLAIN: Settings = Settings { kernels: Kernels::PORTABLE, threads: 1, worth_sharing: usize::MAX };

/// A sound file of weights of some kilobytes, and how many of its bytes come
/// before the numbers.
pub fn weights() -> (Vec<u8>, usize) {
    Tiny::default().file()
}

/// Answers a text with one token of the weights in `file`.
///
/// # Errors
/// Where the weights can't be used.
pub fn answered(file: &[u8], text: &str) -> Result<String, Error> {
    let turns = vec![(Role::User, text.to_owned())];
    let request = Request { turns, max_tokens: Some(1), ..Request::default() };
    let mut said = String::new();
    answer(file, &request, &AtomicBool::new(false), PLAIN, &mut |step| {
        if let Step::Token { text } | Step::Rest { text } = step {
            said.push_str(&text);
        }
    })?;
    Ok(said)
}

/// What the tokens of a text stand for, and whether one of them is a control token.
///
/// # Errors
/// Where the weights can't be used.
pub fn through_tokens(file: &[u8], text: &str) -> Result<(Vec<u8>, bool), Error> {
    let gguf = Gguf::parse(file)?;
    let tokenizer = Tokenizer::load(&gguf)?;
    let controls = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"].map(|name| tokenizer.control(name));
    let (mut tokens, mut bytes) = (Vec::new(), Vec::new());
    tokenizer.encode(text, &mut tokens);
    tokens.iter().for_each(|token| tokenizer.decode(*token, &mut bytes));
    let controlled = tokens.iter().any(|token| controls.contains(&Some(*token)));
    Ok((bytes, controlled))
}
