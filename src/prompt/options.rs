//! Parameters as they are typed: `-o KEY=VALUE`, a lane's `@` options, and the
//! ranges that every protocol shares.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::chat::Params;
use crate::error::{Error, Result};
use crate::nearest::nearest;

/// Reads `KEY=VALUE` of `-o`: a dotted name of a field of the provider's
/// request body, and JSON or, where it is none, text. A value that begins like
/// a JSON object or array must be one.
///
/// # Errors
/// What is wrong with it, for a message that names the option.
pub fn parse_option(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    field(name, value)
}

fn field(name: &str, value: &str) -> Result<(String, Value), String> {
    if name.split('.').any(str::is_empty) {
        return Err("expected a field's name before the `=`".to_owned());
    }
    Ok((name.to_owned(), option_value(value)?))
}

fn option_value(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) if text.trim_start().starts_with(['{', '[']) => Err(format!("invalid JSON: {error}")),
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

/// Reads a sampling temperature: a number of 0 or more.
///
/// # Errors
/// What was expected.
pub fn parse_temperature(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0).ok_or_else(|| "expected a number of 0 or more".to_owned())
}

/// Reads a `top_p`: a number from 0 to 1.
///
/// # Errors
/// What was expected.
pub fn parse_top_p(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// Reads a cap on tokens: a whole number of 1 or more.
///
/// # Errors
/// What was expected.
pub fn parse_max_tokens(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|tokens| *tokens >= 1)
        .ok_or_else(|| "expected a whole number of 1 or more".to_owned())
}

/// Reads a seed: a whole number.
///
/// # Errors
/// What was expected.
pub fn parse_seed(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// Reads how many there may be of something: a whole number of 0 or more.
///
/// # Errors
/// What was expected.
pub fn parse_number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "expected a whole number of 0 or more".to_owned())
}

/// Reads a whole number between these, them included.
///
/// # Errors
/// What was expected.
pub fn parse_between<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {LEAST} to {MOST}"))
}

/// Reads a text that ends the answer: an empty one would end it before it began.
///
/// # Errors
/// What was expected.
pub fn parse_stop(text: &str) -> Result<String, String> {
    let stop = (!text.is_empty()).then(|| text.to_owned());
    stop.ok_or_else(|| "expected a text that is not empty".to_owned())
}

/// The longest wait that can be asked for: a year.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// Reads a time that something may take: seconds, or `500ms`, `30s`, `5m`, `1h`.
///
/// # Errors
/// What was expected.
pub fn parse_wait(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit = text.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic());
    let factor = match unit {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3_600.0),
        _ => None,
    };
    let number = text.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok());
    let wait =
        number.zip(factor).and_then(|(number, factor)| Duration::try_from_secs_f64(number * factor).ok());
    wait.filter(|wait| *wait <= LONGEST_WAIT).ok_or_else(|| {
        "expected seconds, such as `90` or `0.5`, or a time such as `500ms`, `30s`, `5m`".to_owned()
    })
}

/// As [`parse_wait`], and longer than no time at all.
///
/// # Errors
/// What was expected.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_wait(text)? {
        Duration::ZERO => Err("expected more than 0".to_owned()),
        timeout => Ok(timeout),
    }
}

fn number(text: &str, allowed: impl Fn(f64) -> bool) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && allowed(*value))
}

/// The options of a lane that every protocol has, in the spelling of the flags.
pub const LANE_OPTIONS: [&str; 6] = ["effort", "temperature", "top-p", "max-tokens", "seed", "stop"];

/// Fields of request bodies whose names look like a mistyped option of ours:
/// sampling by rank (Anthropic, Cohere and others; `top_a` of OpenRouter), the
/// least length (vLLM), and the pace of an answer (Anthropic).
const LOOKALIKES: [&str; 4] = ["top_k", "top_a", "min_tokens", "speed"];

/// So many letters of a name's beginning are taken for an abbreviation of it.
const ABBREVIATED: usize = 3;

/// Reads the options of one lane (`provider/model@effort=high`). Of a name
/// given twice the last counts, but each `stop` adds one. Names that no common
/// parameter has are fields of the provider's request body, as with `-o`, but
/// that a name near one of ours is refused: most servers would not say a word.
///
/// # Errors
/// Which option is wrong, and what was expected or may be meant.
pub fn lane_params(options: &[(String, String)]) -> Result<Params> {
    let mut params = Params::default();
    for (name, value) in options {
        if let Some(meant) = mistyped(name) {
            return Err(Error::usage(format!("unknown option `@{name}`"))
                .hint(format!("did you mean `@{meant}`?"))
                .hint(format!("`-o {name}={value}` sends a field of that name to every model")));
        }
        set(&mut params, name, value)
            .map_err(|expected| Error::usage(format!("invalid `@{name}={value}`: {expected}")))?;
    }
    Ok(params)
}

/// The name that was meant by one that is none but nearly is.
fn mistyped(name: &str) -> Option<&'static str> {
    let spelled = name.replace('_', "-");
    if LANE_OPTIONS.contains(&spelled.as_str()) || LOOKALIKES.contains(&name) || name.contains('.') {
        return None;
    }
    let begun = |whole: &&&str| name.len() >= ABBREVIATED && whole.starts_with(&spelled);
    let abbreviated = LANE_OPTIONS.iter().find(begun).copied();
    abbreviated.or_else(|| nearest(name, LOOKALIKES.into_iter().chain(LANE_OPTIONS)))
}

fn set(params: &mut Params, name: &str, value: &str) -> Result<(), String> {
    match name {
        "effort" => params.effort = Some(value.parse()?),
        "temperature" => params.temperature = Some(parse_temperature(value)?),
        "top-p" | "top_p" => params.top_p = Some(parse_top_p(value)?),
        "max-tokens" | "max_tokens" => params.max_tokens = Some(parse_max_tokens(value)?),
        "seed" => params.seed = Some(parse_seed(value)?),
        "stop" => params.stop.push(parse_stop(value)?),
        _ => {
            let (name, value) = field(name, value)?;
            params.extra.insert(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Effort;
    use crate::model::LaneName;
    use serde_json::json;

    #[test]
    fn an_option_is_json_or_text() {
        let value = |text: &str| parse_option(text).map(|(name, value)| format!("{name} {value}"));
        assert_eq!(value("top_k=40").unwrap(), "top_k 40");
        assert_eq!(value("user=ann").unwrap(), r#"user "ann""#);
        assert_eq!(value(r#"user="40""#).unwrap(), r#"user "40""#);
        assert_eq!(value("a.b=x=y").unwrap(), r#"a.b "x=y""#);
        assert_eq!(value("empty=").unwrap(), r#"empty """#);
        assert_eq!(value(r#"a={"b":[1,null]}"#).unwrap(), r#"a {"b":[1,null]}"#);
        assert_eq!(value("text=1e999").unwrap(), r#"text "1e999""#);
    }

    #[test]
    fn a_wrong_option_says_what_is_wrong() {
        assert_eq!(parse_option("top_k").unwrap_err(), "expected KEY=VALUE");
        for nameless in ["=1", "a..b=1", ".a=1", "a.=1"] {
            assert_eq!(parse_option(nameless).unwrap_err(), "expected a field's name before the `=`");
        }
        assert!(parse_option(r#"a={"b":1"#).unwrap_err().starts_with("invalid JSON: EOF"));
    }

    #[test]
    fn numbers_keep_to_their_ranges() {
        assert_eq!(parse_temperature("0"), Ok(0.0));
        assert_eq!(parse_temperature("2.5"), Ok(2.5));
        assert_eq!(parse_top_p("1"), Ok(1.0));
        assert_eq!(parse_max_tokens("1"), Ok(1));
        for wrong in ["-0.1", "NaN", "inf", "hot", ""] {
            assert!(parse_temperature(wrong).is_err(), "{wrong}");
        }
        assert!(parse_top_p("1.01").is_err() && parse_top_p("-1").is_err());
        assert!(parse_max_tokens("0").is_err() && parse_max_tokens("1.5").is_err());
    }

    #[test]
    fn a_wait_is_seconds_or_has_a_unit() {
        let ms = |text: &str| parse_wait(text).unwrap().as_millis();
        let read = ["90", "0.5", "500ms", "30s", "5m", "2 min", "1h", "0"].map(ms);
        assert_eq!(read, [90_000, 500, 500, 30_000, 300_000, 120_000, 3_600_000, 0]);
        for wrong in ["", "s", "-1", "nan", "inf", "1e300", "2x", "5 m 3", "9999999h", "1,5"] {
            assert!(parse_wait(wrong).unwrap_err().starts_with("expected seconds"), "{wrong}");
        }
        assert_eq!(parse_timeout("0s").unwrap_err(), "expected more than 0");
    }

    #[test]
    fn nothing_ends_an_answer_before_it_began() {
        assert_eq!(parse_stop("END").unwrap(), "END");
        assert!(parse_stop("").is_err());
        assert!(lane_params(&[("stop".into(), String::new())]).is_err());
    }

    #[test]
    fn a_lane_has_parameters_of_its_own() {
        let lane = LaneName::parse(
            "x/y@effort=high@temperature=0@top-p=0.9@max_tokens=64@seed=-7@stop=END@stop=###@provider.order=[\"z\"]",
        );
        let params = lane_params(&lane.options).unwrap();
        let expected = Params {
            temperature: Some(0.0),
            top_p: Some(0.9),
            max_tokens: Some(64),
            seed: Some(-7),
            stop: vec!["END".into(), "###".into()],
            effort: Some(Effort::High),
            extra: json!({"provider.order": ["z"]}).as_object().cloned().unwrap(),
        };
        assert_eq!(params, expected);
        assert_eq!(lane_params(&[]).unwrap(), Params::default());
    }

    #[test]
    fn a_wrong_lane_option_is_named() {
        let said = |name: &str, value: &str| lane_params(&[(name.into(), value.into())]).unwrap_err().message;
        assert_eq!(said("temperature", "hot"), "invalid `@temperature=hot`: expected a number of 0 or more");
        assert_eq!(said("seed", "x"), "invalid `@seed=x`: expected a whole number");
        assert!(said("effort", "extreme").contains("expected none, minimal"));
    }

    #[test]
    fn a_name_near_one_of_ours_is_refused_and_fields_pass() {
        let meant = |name: &str| {
            let error = lane_params(&[(name.into(), "1".into())]).unwrap_err();
            assert_eq!(error.message, format!("unknown option `@{name}`"));
            assert_eq!(error.hints[1], format!("`-o {name}=1` sends a field of that name to every model"));
            error.hints[0].clone()
        };
        let near = [
            ("temprature", "temperature"),
            ("Temperature", "temperature"),
            ("temp", "temperature"),
            ("max_token", "max-tokens"),
            ("maxtokens", "max-tokens"),
            ("topp", "top-p"),
            ("top-k", "top_k"),
            ("efort", "effort"),
            ("stops", "stop"),
        ];
        for (typed, known) in near {
            assert_eq!(meant(typed), format!("did you mean `@{known}`?"), "{typed}");
        }
        for field in LOOKALIKES {
            assert!(lane_params(&[(field.into(), "1".into())]).unwrap().extra.contains_key(field));
        }
        for field in ["n", "user", "store", "service_tier", "max_completion_tokens", "top_logprobs", "x.temp"]
        {
            let params = lane_params(&[(field.into(), "1".into())]).unwrap();
            assert_eq!(params.extra.keys().collect::<Vec<_>>(), [field]);
        }
    }
}
