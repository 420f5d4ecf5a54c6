//! `schema/pollm-1.json` held against all that the executable prints as JSON,
//! in whatever test it does: each object follows it, and has no field that it
//! does not tell of.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use pollm::schema::Schema;
use serde_json::{Value, json};

/// The schema, closed: it takes no field that it does not know.
static CLOSED: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(include_str!("../../../schema/pollm-1.json")).unwrap();
    let mut extended = BTreeSet::new();
    extensions(&document, &mut extended);
    for (name, definition) in document["$defs"].as_object_mut().unwrap() {
        close(definition, extended.contains(name));
    }
    document
});

static WHOLE: LazyLock<Schema> = LazyLock::new(|| Schema::parse(&CLOSED.to_string()).unwrap());

/// The definitions that others add fields to, which closes them for others.
fn extensions(schema: &Value, found: &mut BTreeSet<String>) {
    if let (Some(reference), true) = (schema["$ref"].as_str(), schema["properties"].is_object()) {
        found.insert(reference.rsplit('/').next().unwrap().to_owned());
    }
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| extensions(part, found)),
        Value::Array(parts) => parts.iter().for_each(|part| extensions(part, found)),
        _ => {}
    }
}

fn close(schema: &mut Value, is_extended: bool) {
    if !is_extended && (schema["$ref"].is_string() || schema["properties"].is_object()) {
        schema["unevaluatedProperties"] = json!(false);
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(|all| all.values_mut()).for_each(|part| close(part, false));
    let choices = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    choices.into_iter().flatten().for_each(|part| close(part, false));
    if let Some(items) = schema.get_mut("items").filter(|items| items.is_object()) {
        close(items, false);
    }
}

/// Asserts that an object of pollm's is one that the schema describes. What a
/// model wrote as JSON is none of pollm's.
#[track_caller]
pub(crate) fn check(value: &Value) {
    if value["schema"] == "pollm/1" || value["event"].is_string() || value["route_dependent"].is_boolean() {
        assert!(WHOLE.check(&value.to_string()).is_ok(), "no object of the schema\n{value:#}");
    }
}

/// Asserts that a value is of one definition of the schema.
#[track_caller]
pub(crate) fn check_as(name: &str, value: &Value) {
    let part = json!({
        "$ref": format!("#/$defs/{name}"), "unevaluatedProperties": false, "$defs": CLOSED["$defs"],
    });
    if let Err(failure) = Schema::parse(&part.to_string()).unwrap().check(&value.to_string()) {
        panic!("no {name}: {failure}\n{value:#}");
    }
}
