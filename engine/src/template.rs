//! How a conversation becomes tokens. Templates in files are programs; here
//! only those are spoken whose text is known, told by its hash.

use sha2::{Digest, Sha256};

use super::gguf::{Gguf, Invalid, invalid};
use super::tokenizer::Tokenizer;
use super::{Request, Role};

/// SHA-256 of the template of `SmolLM2` Instruct: `ChatML`, with a system message
/// of its own where the conversation begins without one.
const SMOLLM2: [u8; 32] = [
    0x87, 0x2b, 0xe4, 0x9d, 0xbb, 0x63, 0x80, 0x44, 0xad, 0x01, 0xb6, 0x03, 0x88, 0xf4, 0x8d, 0x46, 0x9f,
    0xf2, 0x98, 0x0e, 0x5f, 0x0d, 0xcc, 0xdc, 0x22, 0xec, 0x90, 0x7d, 0xb5, 0x4d, 0x07, 0x88,
];

/// What that template says where there is no system message.
const DEFAULT_SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

/// The control tokens of `ChatML` in one vocabulary.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChatMl {
    start: u32,
    end: u32,
    end_of_text: Option<u32>,
}

impl ChatMl {
    /// Recognises the template of a file.
    ///
    /// # Errors
    /// Where the file has none or another one: a model that is spoken to in
    /// another form than it was trained on answers nonsense.
    pub(super) fn recognise(gguf: &Gguf<'_>, tokenizer: &Tokenizer<'_>) -> Result<Self, Invalid> {
        let template = gguf.text("tokenizer.chat_template")?;
        if Sha256::digest(template.as_bytes()).as_slice() != SMOLLM2 {
            return Err(invalid!("its chat template is not the one of SmolLM2"));
        }
        let control = |name: &str| {
            tokenizer.control(name).ok_or_else(|| invalid!("its vocabulary has no control token `{name}`"))
        };
        Ok(Self {
            start: control("<|im_start|>")?,
            end: control("<|im_end|>")?,
            end_of_text: tokenizer.control("<|endoftext|>"),
        })
    }

    /// Whether the model ends its answer with this token.
    pub(super) fn is_end(&self, token: u32) -> bool {
        token == self.end || Some(token) == self.end_of_text
    }

    /// The tokens of a conversation, up to where the answer begins. The
    /// template's words and the user's are encoded apart.
    pub(super) fn encode(&self, request: &Request, tokenizer: &Tokenizer<'_>) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut turn = |role: &str, text: Option<&str>| {
            tokens.push(self.start);
            tokenizer.encode(role, &mut tokens);
            tokenizer.encode("\n", &mut tokens);
            if let Some(text) = text {
                tokenizer.encode(text, &mut tokens);
                tokens.push(self.end);
                tokenizer.encode("\n", &mut tokens);
            }
        };
        turn("system", Some(request.system.as_deref().unwrap_or(DEFAULT_SYSTEM)));
        for (role, text) in &request.turns {
            let role = match role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            turn(role, Some(text));
        }
        turn("assistant", None);
        tokens
    }
}
