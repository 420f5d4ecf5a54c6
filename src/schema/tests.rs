use super::*;
use serde_json::json;

fn person() -> Schema {
    Schema::parse(
        r#"{"type":"object","required":["name","age"],"additionalProperties":false,
            "properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0},
                          "tags":{"type":"array","items":{"type":"string"}}}}"#,
    )
    .unwrap()
}

fn said(answer: &str) -> String {
    Error::from(&person().check(answer).unwrap_err()).to_string()
}

#[test]
fn an_answer_that_fits_comes_back_as_a_value() {
    let expected = json!({"name": "Ada", "age": 36});
    let checked = person().check(" {\"name\":\"Ada\",\"age\":36}\n").unwrap();
    assert_eq!(checked, Checked { value: expected.clone(), fenced: false });
    for fenced in [
        "```json\n{\"name\":\"Ada\",\"age\":36}\n```",
        "\n````\n{\"name\":\"Ada\",\n\"age\":36}\n````\n\n",
        "```json\r\n{\"name\":\"Ada\",\"age\":36}\r\n```",
    ] {
        assert_eq!(person().check(fenced).unwrap(), Checked { value: expected.clone(), fenced: true });
    }
}

#[test]
fn only_one_fence_around_all_of_it_is_tolerated() {
    for other in ["Here:\n```json\n{}\n```", "```json\n{}\n````", "```json\n{}", "``\n{}\n``", "```\n", "```"]
    {
        assert!(matches!(person().check(other), Err(SchemaFailure::NotJson(_))), "{other}");
    }
}

#[test]
fn a_mismatch_says_what_and_where() {
    insta::assert_snapshot!(said(r#"{"name":"Ada","age":"old","tags":["a",1]}"#), @r#"
    error: the answer does not meet the schema
      because: at `/age`: expected integer, found "old"
      because: at `/tags/1`: expected string, found 1
    "#);
    insta::assert_snapshot!(said("[]"), @"
    error: the answer does not meet the schema
      because: expected object, found array
    ");
    let nullable = Schema::parse(
        r#"{"properties":{"a":{"anyOf":[{"type":"string"},{"items":{"type":"integer"},"type":"array"}]}}}"#,
    );
    let why = nullable.unwrap().check(r#"{"a":["b"]}"#).unwrap_err();
    insta::assert_snapshot!(Error::from(&why), @r#"
    error: the answer does not meet the schema
      because: at `/a`: none of the alternatives fits: expected string, found array; at `/a/0`: expected integer, found "b"
    "#);
    insta::assert_snapshot!(said("It is 4."), @"
    error: the answer is not JSON
      because: expected value at line 1 column 1
    ");
    insta::assert_snapshot!(said(""), @"
    error: the answer is not JSON
      because: EOF while parsing a value at line 1 column 0
    ");
}

#[test]
fn many_mismatches_are_counted_and_long_ones_cut() {
    let schema = Schema::parse(r#"{"items":{"type":"integer"}}"#).unwrap();
    let answer = json!(["x".repeat(10_000), "\u{1b}[31m", "c", "d", "e"]).to_string();
    let error = Error::from(&schema.check(&answer).unwrap_err());
    assert_eq!(
        error.causes,
        [
            "at `/0`: expected integer, found string",
            "at `/1`: expected integer, found \"\\u001b[31m\"",
            "at `/2`: expected integer, found \"c\"",
            "2 more",
        ]
    );
    assert_eq!(error.kind.exit_code(), 7);

    let answer = json!({"name": "A", "age": 1, "\u{1b}]0;x\u{7}": 1, "y".repeat(5000): 1}).to_string();
    let Err(SchemaFailure::Mismatch { first, .. }) = person().check(&answer) else { panic!() };
    assert!(first[0].what.len() < 300 && !first[0].what.contains('\u{1b}'), "{first:?}");
}

#[test]
fn an_invalid_schema_says_where() {
    let said = |text: &str| Schema::load(text).unwrap_err().to_string();
    insta::assert_snapshot!(said(r#"{"properties":{"a":{"type":"strin"}}}"#), @r#"
    error: invalid JSON Schema
      because: at `/properties/a/type`: none of the alternatives fits: expected one of ["array","boolean","integer","null","number","object","string"]; expected array, found "strin"
    "#);
    insta::assert_snapshot!(said("{"), @"
    error: invalid JSON Schema
      because: EOF while parsing an object at line 1 column 1
    ");
    insta::assert_snapshot!(said("[]"), @"
    error: invalid JSON Schema
      because: expected boolean or object, found array
    ");
    insta::assert_snapshot!(said(r##"{"$ref":"#/$defs/missing"}"##), @"
    error: invalid JSON Schema
      because: nothing is at `/$defs/missing`
    ");
    insta::assert_snapshot!(said(r#"{"$ref":"https://example.com/schema.json"}"#), @"
    error: invalid JSON Schema
      because: it refers to `https://example.com/schema.json`

    hint: a schema must be complete in itself, since nothing is fetched
    ");
    insta::assert_snapshot!(said(r#"{"$schema":"https://example.com/dialect"}"#), @"
    error: invalid JSON Schema
      because: it refers to `https://example.com/dialect`

    hint: a schema must be complete in itself, since nothing is fetched
    ");
    insta::assert_snapshot!(said(r#"{"pattern":"("}"#), @r#"
    error: invalid JSON Schema
      because: at `/pattern`: "(" is not a valid regex
    "#);
    insta::assert_snapshot!(said(r##"{"$ref":"#nowhere"}"##), @"
    error: invalid JSON Schema
      because: nothing is at `#nowhere`
    ");
    insta::assert_snapshot!(said(r##"{"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}}"##), @"
    error: invalid JSON Schema
      because: `x` names two places: `/$defs/a` and `/$defs/b`
    ");
    insta::assert_snapshot!(said(r##"{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}"##), @"
    error: invalid JSON Schema
      because: `x` names two places: `/$defs/a` and `/$defs/b`
    ");
    insta::assert_snapshot!(said(r##"{"$defs":{"a":{"$id":"http:// bad"}}}"##), @"
    error: invalid JSON Schema
      because: the `$id` at `/$defs/a` is no address
    ");
}

#[test]
fn a_schema_is_json_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    std::fs::write(&path, "\u{feff}{\"type\": \"integer\"}\n").unwrap();
    let schema = Schema::load(path.to_str().unwrap()).unwrap();
    assert!(schema.check("4").is_ok() && schema.check("true").is_err());
    assert_eq!(*schema.value(), json!({"type": "integer"}));
    assert!(Schema::load("true").unwrap().check("null").is_ok());
    assert!(Schema::load(" false ").unwrap().check("null").is_err());

    std::fs::write(&path, "{").unwrap();
    let error = Schema::load(path.to_str().unwrap()).unwrap_err();
    assert_eq!(error.message, format!("invalid JSON Schema in `{}`", path.display()));
}

#[test]
fn schemas_and_answers_can_not_run_away() {
    let answer = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(person().check(&answer), Err(SchemaFailure::NotJson(_))));
    for endless in [r##"{"$ref":"#"}"##, r##"{"anyOf":[{"$ref":"#"}]}"##] {
        let schema = Schema::parse(endless).unwrap();
        let Err(SchemaFailure::Mismatch { first, .. }) = schema.check("[1]") else { panic!("{endless}") };
        assert!(first[0].what.contains("the schema refers to itself without end"), "{endless}: {first:?}");
    }
    let paradox = r##"{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}"##;
    assert!(Schema::parse(paradox).unwrap().check("[1]").is_ok());
    let slow = Schema::parse(r#"{"pattern":"^(a+)+b$"}"#).unwrap();
    assert!(slow.check(&json!("a".repeat(60)).to_string()).is_err());
}
