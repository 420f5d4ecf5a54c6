//! Reader of GGUF files, versions 2 and 3, over bytes that nobody vouches for.
//!
//! Nothing is copied: names, texts and weights are slices of the file. A count
//! in the file never decides an allocation alone: it is first held against the
//! bytes that are left. The format is described in ggml's `docs/gguf.md`.

use std::collections::HashMap;

use super::blocks::{Matrix, Quantization};

/// Why a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Invalid(pub(super) String);

/// Makes an [`Invalid`] of a formatted text.
macro_rules! invalid {
    ($($arg:tt)*) => { $crate::gguf::Invalid(format!($($arg)*)) };
}
pub(super) use invalid;

/// The file ends before what it promises.
fn cut_short() -> Invalid {
    invalid!("the file is cut short")
}

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// `f32` or `f64`.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text, meant to be UTF-8.
    Text(&'a [u8]),
    /// An array of texts.
    Texts(Vec<&'a [u8]>),
    /// An array of numbers of one type, as it lies in the file.
    Numbers(u32, &'a [u8]),
}

impl Value<'_> {
    /// The members of an array of 32-bit integers, which is how token types are kept.
    pub(super) fn int32s(&self) -> Option<impl Iterator<Item = i32> + '_> {
        let Self::Numbers(4 | 5, bytes) = self else { return None };
        Some(bytes.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes)))
    }
}

/// Where a tensor lies, as the file says.
struct Tensor {
    /// Lengths, the row's first; unused ones are 1.
    lengths: [u64; 4],
    /// ggml's number of the type.
    kind: u32,
    /// Bytes from the start of the data.
    offset: u64,
}

/// The directory of a file.
pub(super) struct Gguf<'a> {
    metadata: HashMap<&'a str, Value<'a>>,
    tensors: HashMap<&'a str, Tensor>,
    data: &'a [u8],
}

/// The bytes not read yet.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Invalid> {
        let count = usize::try_from(count).map_err(|_| cut_short())?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Invalid> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Invalid> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count of things that take at least `least` bytes each.
    fn count(&mut self, least: usize) -> Result<usize, Invalid> {
        let count = usize::try_from(self.u64()?).map_err(|_| cut_short())?;
        if count > self.0.len() / least {
            return Err(cut_short());
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<&'a [u8], Invalid> {
        let length = self.u64()?;
        self.take(length)
    }

    fn name(&mut self) -> Result<&'a str, Invalid> {
        std::str::from_utf8(self.text()?).map_err(|_| invalid!("a name in it is not UTF-8"))
    }

    fn value(&mut self, kind: u32) -> Result<Value<'a>, Invalid> {
        Ok(match kind {
            0 => Value::Unsigned(u8::from_le_bytes(self.array()?).into()),
            1 => Value::Signed(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Unsigned(self.u32()?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()? != [0]),
            8 => Value::Text(self.text()?),
            9 => self.values()?,
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(invalid!("value type {kind} is unknown")),
        })
    }

    fn values(&mut self) -> Result<Value<'a>, Invalid> {
        let kind = self.u32()?;
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            // A text takes at least the eight bytes of its length.
            8 => {
                let count = self.count(8)?;
                return (0..count).map(|_| self.text()).collect::<Result<_, _>>().map(Value::Texts);
            }
            _ => return Err(invalid!("arrays of value type {kind} are not supported")),
        };
        let bytes = self.count(size)? * size;
        Ok(Value::Numbers(kind, self.take(bytes as u64)?))
    }
}

/// Where the data starts when none is said.
const DEFAULT_ALIGNMENT: u64 = 32;

impl<'a> Gguf<'a> {
    /// Reads the directory of a file.
    ///
    /// # Errors
    /// Where the file is cut short or is not a GGUF file of a known version.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Invalid> {
        let mut cursor = Cursor(file);
        if cursor.take(4).ok() != Some(b"GGUF") {
            return Err(invalid!("it is not a GGUF file"));
        }
        let version = cursor.u32()?;
        if !(2..=3).contains(&version) {
            return Err(invalid!("GGUF version {version} is not supported"));
        }
        // A tensor takes at least 24 bytes; an entry 13, checked once the first count is read.
        let tensor_count = cursor.count(24)?;
        let entry_count = cursor.count(13)?;
        let mut metadata = HashMap::new();
        for _ in 0..entry_count {
            let key = cursor.name()?;
            let kind = cursor.u32()?;
            if metadata.insert(key, cursor.value(kind)?).is_some() {
                return Err(invalid!("`{}` is given twice", key.escape_debug()));
            }
        }
        let mut tensors = HashMap::new();
        for _ in 0..tensor_count {
            let name = cursor.name()?;
            if tensors.insert(name, tensor(&mut cursor)?).is_some() {
                return Err(invalid!("tensor `{}` is given twice", name.escape_debug()));
            }
        }
        let alignment = match metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(Value::Unsigned(bytes)) if bytes.is_power_of_two() && *bytes <= 65_536 => *bytes,
            Some(_) => return Err(invalid!("`general.alignment` is not a small power of two")),
        };
        let read = (file.len() - cursor.0.len()) as u64;
        cursor.take(read.next_multiple_of(alignment) - read)?;
        Ok(Self { metadata, tensors, data: cursor.0 })
    }

    /// A value of the metadata.
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.metadata.get(key)
    }

    /// A text of the metadata that must be there.
    pub(super) fn text(&self, key: &str) -> Result<&'a str, Invalid> {
        match self.get(key) {
            Some(Value::Text(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
        .ok_or_else(|| invalid!("it has no text `{key}`"))
    }

    /// A whole number of the metadata, where it is there.
    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Unsigned(number) => Some(*number),
            Value::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A fraction of the metadata, where it is there.
    pub(super) fn fraction(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The names of all tensors, in no order.
    pub(super) fn tensor_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.tensors.keys().copied()
    }

    /// A tensor of `rows` rows of `columns` numbers each.
    ///
    /// # Errors
    /// Where it is missing, of another shape, of a type that the kernels don't
    /// know, or not all inside the file.
    pub(super) fn matrix(&self, name: &str, columns: usize, rows: usize) -> Result<Matrix<'a>, Invalid> {
        let tensor = self.tensors.get(name).ok_or_else(|| invalid!("tensor `{name}` is missing"))?;
        let [tensor_columns, tensor_rows, rest @ ..] = tensor.lengths;
        if (tensor_columns, tensor_rows, rest) != (columns as u64, rows as u64, [1, 1]) {
            return Err(invalid!(
                "tensor `{name}` has {tensor_columns} × {tensor_rows} numbers instead of {columns} × {rows}"
            ));
        }
        let quantization = Quantization::from_id(tensor.kind)
            .ok_or_else(|| invalid!("tensor `{name}` has the unsupported type {}", tensor.kind))?;
        let row_bytes = quantization
            .row_bytes(columns)
            .ok_or_else(|| invalid!("tensor `{name}` has rows of {columns} numbers, not a multiple of 32"))?;
        let outside = || invalid!("tensor `{name}` is not all inside the file: it may be cut short");
        let length = row_bytes.checked_mul(rows).ok_or_else(outside)?;
        let start = usize::try_from(tensor.offset).map_err(|_| outside())?;
        let end = start.checked_add(length).ok_or_else(outside)?;
        let data = self.data.get(start..end).ok_or_else(outside)?;
        Ok(Matrix { quantization, rows, columns, data })
    }

    /// A tensor of one row of `f32`, copied out.
    ///
    /// # Errors
    /// As [`Self::matrix`]; also where it is quantised.
    pub(super) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, Invalid> {
        let matrix = self.matrix(name, length, 1)?;
        if matrix.quantization != Quantization::F32 {
            return Err(invalid!("tensor `{name}` is quantised"));
        }
        Ok(matrix.data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

fn tensor(cursor: &mut Cursor<'_>) -> Result<Tensor, Invalid> {
    let dimensions = cursor.u32()? as usize;
    let mut lengths = [1; 4];
    let used = lengths.get_mut(..dimensions);
    for length in used.ok_or_else(|| invalid!("a tensor has {dimensions} dimensions"))? {
        *length = cursor.u64()?;
    }
    Ok(Tensor { lengths, kind: cursor.u32()?, offset: cursor.u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny::{Entry, Tiny};

    #[test]
    fn a_file_cut_anywhere_in_its_directory_is_refused() {
        let (file, directory) = Tiny::default().file();
        assert!(Gguf::parse(&file).is_ok());
        for length in 0..directory {
            let error = Gguf::parse(&file[..length]).map(|_| ()).unwrap_err();
            let expected = if length < 4 { "it is not a GGUF file" } else { "the file is cut short" };
            assert_eq!(error.0, expected, "cut after {length} bytes");
        }
    }

    #[test]
    fn a_tensor_that_is_cut_off_is_named() {
        let (file, _) = Tiny::default().file();
        let gguf = Gguf::parse(&file[..file.len() - 1]).unwrap();
        let errors: Vec<_> =
            gguf.tensor_names().filter_map(|name| gguf.vector(name, 64).err()).map(|error| error.0).collect();
        let cut = "tensor `output_norm.weight` is not all inside the file: it may be cut short";
        assert!(errors.iter().any(|error| error == cut), "{errors:?}");
    }

    #[test]
    fn counts_that_the_file_can_t_hold_are_refused() {
        for kind in [8_u32, 10] {
            let mut file = b"GGUF\x03\0\0\0".to_vec();
            file.extend_from_slice(&0_u64.to_le_bytes());
            file.extend_from_slice(&1_u64.to_le_bytes());
            file.extend_from_slice(&1_u64.to_le_bytes());
            file.push(b'k');
            file.extend_from_slice(&9_u32.to_le_bytes());
            file.extend_from_slice(&kind.to_le_bytes());
            file.extend_from_slice(&(u64::MAX / 8 + 2).to_le_bytes());
            file.extend_from_slice(&[0; 64]);
            assert_eq!(Gguf::parse(&file).map(|_| ()), Err(cut_short()), "of type {kind}");
        }
    }

    #[test]
    fn other_versions_and_double_keys_are_refused() {
        let (mut file, _) = Tiny::default().file();
        file[4] = 1;
        assert_eq!(Gguf::parse(&file).map(|_| ()).unwrap_err().0, "GGUF version 1 is not supported");
        let mut tiny = Tiny::default();
        tiny.entries.push(("tokenizer.ggml.pre".into(), Entry::Text("smollm".into())));
        let error = Gguf::parse(&tiny.file().0).map(|_| ()).unwrap_err();
        assert_eq!(error.0, "`tokenizer.ggml.pre` is given twice");
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        let (file, _) = Tiny::default().file();
        let gguf = Gguf::parse(&file).unwrap();
        assert_eq!(gguf.text("general.architecture"), Ok("llama"));
        assert_eq!(gguf.whole("llama.block_count"), Some(2));
        assert_eq!(gguf.fraction("llama.rope.freq_base"), Some(10_000.0));
        assert_eq!(gguf.get("tokenizer.ggml.token_type").unwrap().int32s().unwrap().nth(1), Some(3));
        assert_eq!(gguf.text("llama.block_count").unwrap_err().0, "it has no text `llama.block_count`");
    }
}
