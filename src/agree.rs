//! `--agree`: which answers say the same, and who is alone with his.
//!
//! Two answers are equal where their normal forms are ([`normal`]). It is
//! careful: what it takes for equal differs in nothing but form, and answers
//! that agree in other words count as different.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

use crate::comparison::{Agreement, Group};
use crate::render::filter::clean;
use crate::schema::unfenced;

/// The most digits that an exponent may stand for before a number is text.
const MOST_DIGITS: i32 = 40;

impl Agreement {
    /// The group that is larger than any other; `None` where there is none.
    pub fn majority(&self) -> Option<&Group> {
        let (first, rest) = self.groups.split_first()?;
        rest.first().is_none_or(|second| second.lanes.len() < first.lanes.len()).then_some(first)
    }

    /// The lanes outside of the majority, in the order asked. Empty where there
    /// is no majority that they could be at odds with.
    pub fn odd_ones(&self) -> Vec<usize> {
        let Some(majority) = self.majority() else {
            return Vec::new();
        };
        let others = self.groups.iter().filter(|group| *group != majority);
        let mut odd: Vec<usize> = others.flat_map(|group| group.lanes.iter().copied()).collect();
        odd.sort_unstable();
        odd
    }
}

/// Groups equal answers; `None` for a lane without a whole one.
///
/// `by_field`: answers are JSON and are compared by value: the order of an
/// object's fields does not count, numbers are compared by value, texts must be
/// the same to the letter. The fields that differ are named by JSON pointers, in
/// the order of their names. An answer that is no JSON is compared as text.
pub fn agreement(answers: &[Option<&str>], by_field: bool) -> Agreement {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<(bool, String), usize> = HashMap::new();
    let mut values = Vec::new();
    for (lane, answer) in answers.iter().enumerate() {
        let Some(answer) = answer else {
            continue;
        };
        let value = if by_field { value(answer) } else { None };
        let is_json = value.is_some();
        let form = value.as_ref().map_or_else(|| normal(answer), Value::to_string);
        match places.entry((is_json, form)) {
            Entry::Occupied(place) => groups[*place.get()].lanes.push(lane),
            Entry::Vacant(place) => {
                groups.push(Group { lanes: vec![lane], answer: place.key().1.clone() });
                place.insert(groups.len() - 1);
                values.extend(value);
            }
        }
    }
    // Stable: groups of one size stay in the order of their first lanes.
    groups.sort_by_key(|group| std::cmp::Reverse(group.lanes.len()));
    let mut fields = Vec::new();
    differing(&mut String::new(), &values.iter().collect::<Vec<_>>(), &mut fields);
    Agreement { groups, fields }
}

/// The form in which answers are compared. In this order:
///
/// 1. What would not be shown (control characters, byte order marks) goes.
/// 2. A code fence around all of it goes.
/// 3. Letters are folded: upper case, then lower case, character by character,
///    so that `STRASSE` is `straße`. Accents written as one character or as two
///    stay different. Typographic quotes become straight ones, the minus sign a
///    hyphen.
/// 4. White space becomes single blanks; none is left at either end.
/// 5. As often as they are there: `.`, `,`, `;`, `:`, `!`, `?`, `…` and their
///    ideographic forms go from the end (but not the `!` of `5!`), and pairs
///    around all of it: quotes, backticks, `*`, `~~`, a single `_`. Where
///    nothing would be left, they stay.
/// 6. A number is written plainly: `4`, `4.0`, `+4` and `4.` are `4`; `1,000`
///    and `1e3` are `1000`. With zeros in front (`007`) it is no number.
pub fn normal(answer: &str) -> String {
    let shown = clean(answer);
    let text = unfenced(&shown).unwrap_or(&shown);
    let folded: String = text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    let plain: String = folded.chars().map(straight).collect();
    // A joiner behind a letter or a blank that became an ASCII one has nothing to join.
    let line = spaced(&clean(&spaced(&plain)));
    let bare = bare(&line);
    let bare = if bare.is_empty() { &line } else { bare };
    number(bare).unwrap_or_else(|| bare.to_owned())
}

/// Single plain blanks between the words, and none around them.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn straight(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' => '"',
        '−' => '-',
        _ => c,
    }
}

/// Without marks around it and at its end.
fn bare(line: &str) -> &str {
    let mut text = line;
    loop {
        let before = text;
        text = text.trim();
        text = without_stop(text).unwrap_or(text);
        for mark in ["*", "\"", "'", "`", "~~"] {
            text = between(text, mark).unwrap_or(text);
        }
        if !text.starts_with("__") && !text.ends_with("__") {
            text = between(text, "_").unwrap_or(text);
        }
        if text == before {
            return text;
        }
    }
}

fn between<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.strip_prefix(mark)?.strip_suffix(mark)
}

fn without_stop(text: &str) -> Option<&str> {
    let rest = text.strip_suffix(['.', ',', ';', ':', '!', '?', '…', '。', '，', '！', '？'])?;
    let is_factorial = text.ends_with('!') && rest.ends_with(|c: char| c.is_ascii_digit() || c == '!');
    (!is_factorial).then_some(rest)
}

/// A decimal number without needless characters; `None` for what is none.
fn number(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) if text.starts_with('-') => ("-", rest),
        Some(rest) => ("", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.split_once('e') {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= MOST_DIGITS)?)
        }
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = ungrouped(whole)?;
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_zeros = whole.len() > 1 && whole.starts_with('0');
    if !is_digits(&whole) || !is_digits(fraction) || whole.len() + fraction.len() == 0 || has_zeros {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let mut digits = whole + fraction;
    if point < 0 {
        digits.insert_str(0, &"0".repeat(usize::try_from(-point).ok()?));
    }
    let point = usize::try_from(point.max(0)).ok()?;
    while digits.len() < point {
        digits.push('0');
    }
    let (whole, fraction) = digits.split_at(point);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some(match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (_, "") => format!("{sign}{whole}"),
        ("", _) => format!("{sign}0.{fraction}"),
        _ => format!("{sign}{whole}.{fraction}"),
    })
}

/// `1,234,567` without its commas; `None` where they do not group thousands.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let is_grouped = groups.clone().count() > 0;
    let fits = |group: &str| group.len() == 3;
    if is_grouped && (first.is_empty() || first.len() > 3 || !groups.all(fits)) {
        return None;
    }
    Some(whole.replace(',', ""))
}

/// The answer's JSON in a form that is equal where the values are.
fn value(answer: &str) -> Option<Value> {
    let shown = unfenced(answer).unwrap_or(answer);
    serde_json::from_str(shown).ok().map(by_value)
}

fn by_value(value: Value) -> Value {
    match value {
        // 4 and 4.0 are one number; whole ones are exact up to 2^53.
        Value::Number(number) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
            Some(float)
                if number.is_f64() && float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 =>
            {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(by_value).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.into_iter().map(|(name, value)| (name, by_value(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        other => other,
    }
}

/// Adds the JSON pointers of what differs between values, as deep down as they
/// are of one shape. A difference as a whole has no name.
fn differing(path: &mut String, values: &[&Value], fields: &mut Vec<String>) {
    let Some((first, rest)) = values.split_first() else {
        return;
    };
    if rest.iter().all(|value| value == first) {
        return;
    }
    let objects: Option<Vec<_>> = values.iter().map(|value| value.as_object()).collect();
    let arrays: Option<Vec<_>> = values.iter().map(|value| value.as_array()).collect();
    let length = path.len();
    if let Some(objects) = objects {
        let mut names: Vec<&String> = objects.iter().flat_map(|object| object.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            path.push('/');
            path.push_str(&name.replace('~', "~0").replace('/', "~1"));
            let inner: Vec<&Value> = objects.iter().filter_map(|object| object.get(name)).collect();
            if inner.len() < objects.len() {
                fields.push(path.clone());
            } else {
                differing(path, &inner, fields);
            }
            path.truncate(length);
        }
    } else if let Some(arrays) = arrays.filter(|arrays| arrays.iter().all(|a| a.len() == arrays[0].len())) {
        for place in 0..arrays[0].len() {
            path.push_str(&format!("/{place}"));
            differing(path, &arrays.iter().map(|array| &array[place]).collect::<Vec<_>>(), fields);
            path.truncate(length);
        }
    } else if !path.is_empty() {
        fields.push(path.clone());
    }
}

#[cfg(test)]
mod tests;
