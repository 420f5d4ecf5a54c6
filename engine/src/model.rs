//! A model of the llama architecture, as its file describes it.

use std::collections::HashSet;

use super::blocks::Matrix;
use super::gguf::{Gguf, Invalid, Value, invalid};

/// The widest a row may be. Far above any model that this engine is for; it
/// bounds what a hostile file can make the engine allocate.
const WIDEST: u64 = 65_536;

/// The measures of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Length of the vector that stands for a token.
    pub(super) width: usize,
    /// Length of the gated layer between.
    pub(super) hidden: usize,
    /// Attention heads.
    pub(super) heads: usize,
    /// Heads of keys and values; several heads may share one.
    pub(super) kv_heads: usize,
    /// Length of a head's vectors.
    pub(super) head_size: usize,
    /// Tokens that the model was trained to see at once.
    pub(super) context: usize,
    /// Kept from zero in norms.
    pub(super) epsilon: f32,
    /// Base of the rotary frequencies.
    pub(super) rotary_base: f64,
}

/// One layer's weights.
pub(super) struct Layer<'a> {
    pub(super) attention_norm: Vec<f32>,
    pub(super) query_key_value: [Matrix<'a>; 3],
    pub(super) attention_output: [Matrix<'a>; 1],
    pub(super) hidden_norm: Vec<f32>,
    pub(super) gate_up: [Matrix<'a>; 2],
    pub(super) down: [Matrix<'a>; 1],
}

/// All weights. Every shape was checked against every other.
pub(super) struct Model<'a> {
    pub(super) shape: Shape,
    pub(super) embedding: Matrix<'a>,
    pub(super) layers: Vec<Layer<'a>>,
    pub(super) output_norm: Vec<f32>,
    pub(super) output: [Matrix<'a>; 1],
}

impl<'a> Model<'a> {
    /// Finds all weights of a file with `vocabulary` tokens.
    ///
    /// # Errors
    /// Where something is missing, contradicts itself, or would change the
    /// arithmetic in a way that this engine does not know.
    pub(super) fn load(gguf: &Gguf<'a>, vocabulary: usize) -> Result<Self, Invalid> {
        let architecture = gguf.text("general.architecture")?;
        if architecture != "llama" {
            return Err(invalid!("its architecture `{}` is not `llama`", architecture.escape_debug()));
        }
        let shape = Shape::read(gguf)?;
        let layer_count = measure(gguf, "llama.block_count")?;
        let layers = (0..layer_count).map(|i| layer(gguf, &shape, i)).collect::<Result<Vec<_>, _>>()?;
        let embedding = gguf.matrix("token_embd.weight", shape.width, vocabulary)?;
        // Without a matrix of its own, the output shares the embedding's.
        let tied = !gguf.tensor_names().any(|name| name == "output.weight");
        let output = if tied { embedding } else { gguf.matrix("output.weight", shape.width, vocabulary)? };
        let output_norm = gguf.vector("output_norm.weight", shape.width)?;
        let known = layers.len() * 9 + if tied { 2 } else { 3 };
        if gguf.tensor_names().count() != known {
            return Err(unknown_tensor(gguf, layers.len()));
        }
        Ok(Self { shape, embedding, layers, output_norm, output: [output] })
    }
}

/// A measure of the metadata that must be there and can't be zero.
fn measure(gguf: &Gguf<'_>, key: &str) -> Result<usize, Invalid> {
    let number = gguf.whole(key).ok_or_else(|| invalid!("it has no number `{key}`"))?;
    if number == 0 || number > WIDEST {
        return Err(invalid!("`{key}` is {number}"));
    }
    usize::try_from(number).map_err(|_| invalid!("`{key}` is {number}"))
}

impl Shape {
    fn read(gguf: &Gguf<'_>) -> Result<Self, Invalid> {
        let width = measure(gguf, "llama.embedding_length")?;
        let heads = measure(gguf, "llama.attention.head_count")?;
        let kv_heads = match gguf.get("llama.attention.head_count_kv") {
            None => heads,
            Some(_) => measure(gguf, "llama.attention.head_count_kv")?,
        };
        if !width.is_multiple_of(heads) || !heads.is_multiple_of(kv_heads) {
            return Err(invalid!("{width} numbers, {heads} heads and {kv_heads} key heads don't divide"));
        }
        let head_size = width / heads;
        if !head_size.is_multiple_of(16) {
            return Err(invalid!("its heads have {head_size} numbers, not a multiple of 16"));
        }
        for key in ["rope.dimension_count", "attention.key_length", "attention.value_length"] {
            let size = gguf.whole(&format!("llama.{key}")).unwrap_or(head_size as u64);
            if size != head_size as u64 {
                return Err(invalid!("`llama.{key}` is {size}, but heads have {head_size} numbers"));
            }
        }
        if let Some(Value::Text(kind)) = gguf.get("llama.rope.scaling.type")
            && *kind != b"none"
        {
            return Err(invalid!("rotary scaling `{}` is not supported", kind.escape_ascii()));
        }
        let positive = |key: &str, default: Option<f64>| {
            let number = gguf.fraction(key).or(default);
            number
                .filter(|number| number.is_finite() && *number > 0.0)
                .ok_or_else(|| invalid!("`{key}` is no positive number"))
        };
        Ok(Self {
            width,
            hidden: measure(gguf, "llama.feed_forward_length")?,
            heads,
            kv_heads,
            head_size,
            context: gguf
                .whole("llama.context_length")
                .and_then(|tokens| usize::try_from(tokens).ok())
                .filter(|tokens| *tokens > 0)
                .ok_or_else(|| invalid!("it has no context length"))?,
            epsilon: positive("llama.attention.layer_norm_rms_epsilon", None)? as f32,
            rotary_base: positive("llama.rope.freq_base", Some(10_000.0))?,
        })
    }

    /// Numbers in all keys, or all values, of one token in one layer.
    pub(super) const fn kv_width(&self) -> usize {
        self.kv_heads * self.head_size
    }
}

fn layer<'a>(gguf: &Gguf<'a>, shape: &Shape, index: usize) -> Result<Layer<'a>, Invalid> {
    let (width, hidden, kv_width) = (shape.width, shape.hidden, shape.kv_width());
    let name = |part: &str| format!("blk.{index}.{part}.weight");
    let matrix = |part: &str, columns, rows| gguf.matrix(&name(part), columns, rows);
    Ok(Layer {
        attention_norm: gguf.vector(&name("attn_norm"), width)?,
        query_key_value: [
            matrix("attn_q", width, width)?,
            matrix("attn_k", width, kv_width)?,
            matrix("attn_v", width, kv_width)?,
        ],
        attention_output: [matrix("attn_output", width, width)?],
        hidden_norm: gguf.vector(&name("ffn_norm"), width)?,
        gate_up: [matrix("ffn_gate", width, hidden)?, matrix("ffn_up", width, hidden)?],
        down: [matrix("ffn_down", hidden, width)?],
    })
}

/// Names a tensor that no part of the engine would use: biases, experts or
/// frequency factors, without which the answer would be quietly wrong.
fn unknown_tensor(gguf: &Gguf<'_>, layers: usize) -> Invalid {
    const PARTS: [&str; 9] = [
        "attn_norm",
        "attn_q",
        "attn_k",
        "attn_v",
        "attn_output",
        "ffn_norm",
        "ffn_gate",
        "ffn_up",
        "ffn_down",
    ];
    let mut known: HashSet<String> =
        ["token_embd.weight", "output_norm.weight", "output.weight"].map(str::to_owned).into();
    known.extend((0..layers).flat_map(|i| PARTS.map(|part| format!("blk.{i}.{part}.weight"))));
    let unknown = gguf.tensor_names().filter(|name| !known.contains(*name)).min().unwrap_or_default();
    invalid!("tensor `{}` is not supported", unknown.escape_debug())
}
