//! A model of two layers with random weights, written out as a GGUF file: all
//! that the tests need to load, sample, stop and fail in milliseconds.

use super::blocks::{Quantization, f32_to_half};

/// The chat template that the engine knows.
const TEMPLATE: &str = concat!(
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}",
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}",
    "{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}",
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
);

/// A value to write.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Whole(u32),
    Fraction(f32),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i32>),
}

/// A tensor to write.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) lengths: Vec<u64>,
    pub(super) kind: u32,
    pub(super) data: Vec<u8>,
}

/// A file to write, open to changes.
#[derive(Clone, Debug)]
pub(super) struct Tiny {
    pub(super) entries: Vec<(String, Entry)>,
    pub(super) tensors: Vec<Tensor>,
}

/// Numbers that look random and are the same everywhere.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// From -1 to 1.
    pub(super) fn float(&mut self) -> f32 {
        self.next() as f32 / (1_u32 << 30) as f32 - 1.0
    }
}

/// Rows of random numbers in a quantisation.
pub(super) fn random_rows(kind: Quantization, columns: usize, rows: usize, numbers: &mut Numbers) -> Vec<u8> {
    let half = |value: f32| f32_to_half(value).to_le_bytes();
    let mut data = Vec::new();
    let count = columns * rows;
    if kind == Quantization::F32 {
        (0..count).for_each(|_| data.extend_from_slice(&(numbers.float() * 0.2).to_le_bytes()));
        return data;
    }
    for _ in 0..count / 32 {
        let spread = 0.02 + 0.005 * numbers.float();
        let bytes = match kind {
            Quantization::Q8_0 => {
                data.extend_from_slice(&half(spread / 16.0));
                32
            }
            Quantization::Q4_1 => {
                data.extend_from_slice(&half(spread));
                data.extend_from_slice(&half(spread * -7.5));
                16
            }
            _ => {
                data.extend_from_slice(&half(spread));
                16
            }
        };
        (0..bytes).for_each(|_| data.push(numbers.next() as u8));
    }
    data
}

/// Three control tokens, the 256 bytes, and what the merges make: 300 tokens.
fn vocabulary() -> (Vec<String>, Vec<String>) {
    let mut tokens: Vec<String> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned).into();
    let visible = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    tokens.extend((0..=255).filter(visible).map(|byte| char::from(byte).to_string()));
    tokens.extend((256..324).filter_map(char::from_u32).map(String::from));
    let mut merges: Vec<String> =
        ["a a", "aa aa", "Ġ t", "t h", "th e", "Ġt h", "Ã ©", "Ġ Ġ", "Ċ Ċ"].map(str::to_owned).into();
    let letters = ('b'..='s').map(|c| (c, char::from(c as u8 + 1)));
    let spread = ('b'..='r').map(|c| (c, char::from(c as u8 + 2)));
    merges.extend(letters.chain(spread).take(41 - merges.len()).map(|(a, b)| format!("{a} {b}")));
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    (tokens, merges)
}

impl Default for Tiny {
    /// Width 64 in four heads that share two, 96 between, 300 tokens, context
    /// 200; every quantisation is used somewhere.
    fn default() -> Self {
        let (tokens, merges) = vocabulary();
        let kinds = (0..tokens.len()).map(|i| if i < 3 { 3 } else { 1 }).collect();
        let mut tiny = Self { entries: Vec::new(), tensors: Vec::new() };
        let vocabulary = tokens.len();
        for (key, entry) in [
            ("general.architecture", Entry::Text("llama".into())),
            ("llama.block_count", Entry::Whole(2)),
            ("llama.context_length", Entry::Whole(200)),
            ("llama.embedding_length", Entry::Whole(64)),
            ("llama.feed_forward_length", Entry::Whole(96)),
            ("llama.attention.head_count", Entry::Whole(4)),
            ("llama.attention.head_count_kv", Entry::Whole(2)),
            ("llama.rope.freq_base", Entry::Fraction(10_000.0)),
            ("llama.attention.layer_norm_rms_epsilon", Entry::Fraction(1e-5)),
            ("tokenizer.ggml.model", Entry::Text("gpt2".into())),
            ("tokenizer.ggml.pre", Entry::Text("smollm".into())),
            ("tokenizer.ggml.tokens", Entry::Texts(tokens)),
            ("tokenizer.ggml.token_type", Entry::Integers(kinds)),
            ("tokenizer.ggml.merges", Entry::Texts(merges)),
            ("tokenizer.chat_template", Entry::Text(TEMPLATE.into())),
        ] {
            tiny.entries.push((key.to_owned(), entry));
        }
        let mut numbers = Numbers(7);
        tiny.matrix("token_embd.weight", Quantization::Q8_0, 64, vocabulary, &mut numbers);
        for (layer, kind) in [Quantization::Q4_1, Quantization::Q4_0].into_iter().enumerate() {
            for (part, columns, rows) in [
                ("attn_q", 64, 64),
                ("attn_k", 64, 32),
                ("attn_v", 64, 32),
                ("ffn_gate", 64, 96),
                ("ffn_up", 64, 96),
                ("ffn_down", 96, 64),
            ] {
                tiny.matrix(&format!("blk.{layer}.{part}.weight"), kind, columns, rows, &mut numbers);
            }
            let plain = Quantization::F32;
            tiny.matrix(&format!("blk.{layer}.attn_output.weight"), plain, 64, 64, &mut numbers);
            tiny.ones(&format!("blk.{layer}.attn_norm.weight"));
            tiny.ones(&format!("blk.{layer}.ffn_norm.weight"));
        }
        tiny.ones("output_norm.weight");
        tiny
    }
}

impl Tiny {
    fn matrix(&mut self, name: &str, kind: Quantization, columns: usize, rows: usize, numbers: &mut Numbers) {
        #[expect(clippy::unwrap_used, reason = "every kind has a number, and only tests come here")]
        let id = (0..16).find(|id| Quantization::from_id(*id) == Some(kind)).unwrap();
        self.tensors.push(Tensor {
            name: name.to_owned(),
            lengths: vec![columns as u64, rows as u64],
            kind: id,
            data: random_rows(kind, columns, rows, numbers),
        });
    }

    fn ones(&mut self, name: &str) {
        let data = 1.0_f32.to_le_bytes().repeat(64);
        self.tensors.push(Tensor { name: name.to_owned(), lengths: vec![64], kind: 0, data });
    }

    /// Replaces a value.
    #[cfg(test)]
    pub(super) fn set(mut self, key: &str, entry: Entry) -> Self {
        self.entries.retain(|(name, _)| name != key);
        self.entries.push((key.to_owned(), entry));
        self
    }

    /// The file, and how many of its bytes come before the weights.
    pub(super) fn file(&self) -> (Vec<u8>, usize) {
        fn text(file: &mut Vec<u8>, text: &str) {
            file.extend_from_slice(&(text.len() as u64).to_le_bytes());
            file.extend_from_slice(text.as_bytes());
        }
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend_from_slice(&(self.tensors.len() as u64).to_le_bytes());
        file.extend_from_slice(&(self.entries.len() as u64).to_le_bytes());
        for (key, entry) in &self.entries {
            text(&mut file, key);
            let mut put = |kind: u32, bytes: &[u8]| {
                file.extend_from_slice(&kind.to_le_bytes());
                file.extend_from_slice(bytes);
            };
            match entry {
                Entry::Whole(number) => put(4, &number.to_le_bytes()),
                Entry::Fraction(number) => put(6, &number.to_le_bytes()),
                Entry::Text(value) => {
                    put(8, &[]);
                    text(&mut file, value);
                }
                Entry::Texts(values) => {
                    put(9, &8_u32.to_le_bytes());
                    file.extend_from_slice(&(values.len() as u64).to_le_bytes());
                    values.iter().for_each(|value| text(&mut file, value));
                }
                Entry::Integers(values) => {
                    put(9, &5_u32.to_le_bytes());
                    file.extend_from_slice(&(values.len() as u64).to_le_bytes());
                    values.iter().for_each(|value| file.extend_from_slice(&value.to_le_bytes()));
                }
            }
        }
        let mut data = Vec::new();
        for tensor in &self.tensors {
            text(&mut file, &tensor.name);
            file.extend_from_slice(&(tensor.lengths.len() as u32).to_le_bytes());
            tensor.lengths.iter().for_each(|length| file.extend_from_slice(&length.to_le_bytes()));
            file.extend_from_slice(&tensor.kind.to_le_bytes());
            file.extend_from_slice(&(data.len() as u64).to_le_bytes());
            data.extend_from_slice(&tensor.data);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        let directory = file.len();
        file.extend_from_slice(&data);
        (file, directory)
    }
}
