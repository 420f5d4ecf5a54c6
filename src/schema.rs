//! JSON Schema: whether an answer is what `--schema` asks for. Nothing is
//! fetched: a schema must be complete in itself.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use boon::{CompileError, Compiler, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::prompt::read_text;

/// How many mismatches are told apart; the rest is counted.
const SHOWN: usize = 3;

/// The longest description of one mismatch, in characters.
const LONGEST: usize = 200;

/// What the schema is called where it has no `$id`: references that are relative
/// lead to nowhere.
const BASE: &str = "schema://given/";

/// A JSON Schema that answers can be checked against. The draft is that of its
/// `$schema`, or 2020-12.
#[derive(Clone)]
pub struct Schema {
    value: Value,
    schemas: Arc<Schemas>,
    root: SchemaIndex,
}

/// An answer that meets the schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The answer.
    pub value: Value,
    /// Whether a Markdown code fence stood around it, as many models put one.
    pub fenced: bool,
}

/// Why an answer does not meet the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaFailure {
    /// It is not JSON at all.
    NotJson(String),
    /// It is JSON of another shape.
    Mismatch {
        /// The first few mismatches.
        first: Vec<Mismatch>,
        /// How many more there are.
        more: usize,
    },
}

/// One place where an answer is not what the schema asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where in the answer, as a JSON pointer; empty for the whole of it.
    pub path: String,
    /// What is wrong there. It may quote the answer, but no control characters.
    pub what: String,
}

impl Schema {
    /// Reads `--schema FILE|JSON`: JSON where it begins with `{` or `[` or is
    /// `true` or `false`, a file's name otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] as [`Schema::parse`] says, and for a file that can't be read.
    pub fn load(argument: &str) -> Result<Self> {
        let text = argument.trim();
        if text.starts_with(['{', '[']) || matches!(text, "true" | "false") {
            Self::parse(text)
        } else {
            let text = read_text(Path::new(argument))?;
            Self::parse(&text)
                .map_err(|error| Error { message: format!("{} in `{argument}`", error.message), ..error })
        }
    }

    /// Reads a schema's JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is no JSON, no valid schema, or refers to
    /// a schema elsewhere.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || Error::usage("invalid JSON Schema");
        let value: Value = serde_json::from_str(text).map_err(|error| invalid().because(&error))?;
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(Nowhere));
        let mut schemas = Schemas::new();
        compiler.add_resource(BASE, value.clone()).map_err(|error| explained(invalid(), &error, &value))?;
        let root =
            compiler.compile(BASE, &mut schemas).map_err(|error| explained(invalid(), &error, &value))?;
        Ok(Self { value, schemas: Arc::new(schemas), root })
    }

    /// The schema itself, as it is sent to providers.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Checks an answer. One Markdown code fence around all of it is no fault.
    ///
    /// # Errors
    /// What is wrong with the answer, and where.
    pub fn check(&self, answer: &str) -> Result<Checked, SchemaFailure> {
        let unfenced = unfenced(answer);
        let value: Value = serde_json::from_str(unfenced.unwrap_or(answer))
            .map_err(|error| SchemaFailure::NotJson(error.to_string()))?;
        match self.schemas.validate(&value, self.root) {
            Ok(()) => {}
            Err(error) => {
                let mut all = Vec::new();
                mismatches(&error, &value, &mut all);
                let more = all.len().saturating_sub(SHOWN);
                all.truncate(SHOWN);
                return Err(SchemaFailure::Mismatch { first: all, more });
            }
        }
        Ok(Checked { value, fenced: unfenced.is_some() })
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.value).finish()
    }
}

/// Fetches nothing.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("nothing is fetched".into())
    }
}

/// Adds why a schema is invalid.
fn explained(mut invalid: Error, error: &CompileError, schema: &Value) -> Error {
    match error {
        CompileError::LoadUrlError { url, .. } | CompileError::UnsupportedUrlScheme { url } => {
            let url = url.strip_prefix(BASE).unwrap_or(url);
            invalid.causes.push(format!("it refers to `{}`", plain(url)));
            return invalid.hint("a schema must be complete in itself, since nothing is fetched");
        }
        CompileError::ValidationError { src, .. } => {
            let mut all = Vec::new();
            mismatches(src, schema, &mut all);
            invalid.causes.extend(all.iter().take(SHOWN).map(Mismatch::to_string));
        }
        CompileError::JsonPointerNotFound(place) => {
            let place = place.split_once('#').map_or(place.as_str(), |(_, pointer)| pointer);
            invalid.causes.push(format!("nothing is at `{}`", plain(place)));
        }
        CompileError::AnchorNotFound { reference, .. } => {
            let reference = reference.strip_prefix(BASE).unwrap_or(reference);
            invalid.causes.push(format!("nothing is at `{}`", plain(reference)));
        }
        CompileError::DuplicateId { id: name, ptr1, ptr2, .. }
        | CompileError::DuplicateAnchor { anchor: name, ptr1, ptr2, .. } => {
            let name = plain(name.strip_prefix(BASE).unwrap_or(name));
            // They come in any order.
            let [one, other] = [ptr1.min(ptr2), ptr1.max(ptr2)].map(|place| plain(place));
            invalid.causes.push(format!("`{name}` names two places: `{one}` and `{other}`"));
        }
        CompileError::ParseIdError { loc } => {
            let place = loc.split_once('#').map_or("", |(_, pointer)| pointer);
            invalid.causes.push(format!("the `$id` at `{}` is no address", plain(place)));
        }
        other => invalid.causes.push(plain(&other.to_string().replace(BASE, ""))),
    }
    invalid
}

/// The faults that a person would name: those of the parts where a whole
/// consists of parts, and that no alternative fits where there are several.
fn mismatches(error: &ValidationError<'_, '_>, whole: &Value, all: &mut Vec<Mismatch>) {
    use boon::ErrorKind::{AnyOf, Contains, OneOf, PropertyName};
    let is_whole = matches!(error.kind, AnyOf | OneOf(_) | Contains | PropertyName { .. });
    if error.causes.is_empty() || is_whole {
        all.push(Mismatch::new(error, whole));
    } else {
        error.causes.iter().for_each(|cause| mismatches(cause, whole, all));
    }
}

impl Mismatch {
    fn new(error: &ValidationError<'_, '_>, whole: &Value) -> Self {
        use boon::ErrorKind;
        let path = error.instance_location.to_string();
        let what = match &error.kind {
            ErrorKind::AnyOf | ErrorKind::OneOf(None) => {
                let mut all = Vec::new();
                error.causes.iter().for_each(|cause| mismatches(cause, whole, &mut all));
                // Most stand at the very place that is named anyway.
                let place = plain(&path);
                let whys =
                    all.iter().map(|why| if why.path == place { why.what.clone() } else { why.to_string() });
                format!("none of the alternatives fits: {}", joined(whys, "; "))
            }
            ErrorKind::RefCycle { .. } => "the schema refers to itself without end".to_owned(),
            ErrorKind::OneOf(Some((one, other))) => {
                format!("more than one of the alternatives fits: `oneOf/{one}` and `oneOf/{other}`")
            }
            ErrorKind::PropertyName { prop } => {
                let mut all = Vec::new();
                error.causes.iter().for_each(|cause| mismatches(cause, whole, &mut all));
                format!("the name `{prop}` does not fit: {}", joined(all.iter().map(|why| &why.what), "; "))
            }
            ErrorKind::Not => "it fits what `not` excludes".to_owned(),
            ErrorKind::FalseSchema => "nothing is allowed here".to_owned(),
            ErrorKind::Enum { want } => format!("expected one of {}", Value::from((*want).clone())),
            ErrorKind::Const { want } => format!("expected {want}"),
            ErrorKind::Type { got, want } => {
                let found = whole.pointer(&path).and_then(short).unwrap_or_else(|| got.to_string());
                format!("expected {}, found {found}", joined(want.iter(), " or "))
            }
            ErrorKind::AdditionalProperties { got } => format!("unexpected {}", joined(quoted(got), ", ")),
            ErrorKind::Required { want } => format!("{} is missing", joined(quoted(want), ", ")),
            // The reason of a regular expression's parser is a drawing of several lines.
            ErrorKind::Format { got, want, .. } => format!("{got} is not a valid {want}"),
            kind => kind.to_string(),
        };
        Self { path: plain(&path), what: plain(&what) }
    }
}

/// A value that says more than its type would, where it takes little room.
fn short(value: &Value) -> Option<String> {
    const LONGEST: usize = 60;
    let text = if value.is_object() || value.is_array() { return None } else { value.to_string() };
    (text.chars().nth(LONGEST).is_none()).then_some(text)
}

fn joined(items: impl Iterator<Item = impl fmt::Display>, between: &str) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(between)
}

fn quoted(items: &[impl fmt::Display]) -> impl Iterator<Item = String> {
    items.iter().map(|item| format!("`{item}`"))
}

/// At most [`LONGEST`] characters, the control ones escaped.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars().take(LONGEST) {
        if c.is_control() { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    if text.chars().nth(LONGEST).is_some() {
        plain.push('…');
    }
    plain
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at `{}`: ", self.path)?;
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for SchemaFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(self).fmt(f)
    }
}

impl From<&SchemaFailure> for Error {
    fn from(failure: &SchemaFailure) -> Self {
        match failure {
            SchemaFailure::NotJson(why) => {
                let mut error = Self::new(ErrorKind::Check, "the answer is not JSON");
                error.causes.push(why.clone());
                error
            }
            SchemaFailure::Mismatch { first, more } => {
                let mut error = Self::new(ErrorKind::Check, "the answer does not meet the schema");
                error.causes.extend(first.iter().map(Mismatch::to_string));
                if *more > 0 {
                    error.causes.push(format!("{more} more"));
                }
                error
            }
        }
    }
}

/// What is between the code fences, where the answer is one fenced block.
pub fn unfenced(answer: &str) -> Option<&str> {
    let (opening, rest) = answer.trim().split_once('\n')?;
    let fence_len = opening.bytes().take_while(|byte| *byte == b'`').count();
    let (fence, info) = opening.split_at(fence_len);
    if fence_len < 3 || info.contains('`') {
        return None;
    }
    let body = rest.strip_suffix(fence)?;
    (body.is_empty() || body.ends_with('\n')).then_some(body)
}

#[cfg(test)]
mod tests;
