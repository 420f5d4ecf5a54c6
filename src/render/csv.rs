//! CSV (RFC 4180), line ends as Unix has them. An empty field is unknown.

use serde_json::Value;

/// A line out of fields.
pub fn row<'t>(fields: impl IntoIterator<Item = &'t str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(field).collect();
    fields.join(",") + "\n"
}

/// A header, and a line an object: the values at JSON pointers, each below its
/// name. Texts are such as [`text`] gives them; lists stand with blanks between.
pub fn of_objects(fields: &[(&str, &str)], objects: &[Value]) -> String {
    let mut out = row(fields.iter().map(|(name, _)| *name));
    for object in objects {
        let cells: Vec<String> = fields.iter().map(|(_, at)| value(object.pointer(at))).collect();
        out += &row(cells.iter().map(String::as_str));
    }
    out
}

fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(known)) => text(known),
        Some(Value::Array(list)) => {
            list.iter().map(|one| self::value(Some(one))).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Text from outside that a spreadsheet does not take for a formula: where it
/// begins as one may, an apostrophe stands before it, as people type it there.
/// Models begin answers with `=`, `-` and `+` by themselves, and others can
/// make them. JSON keeps such texts as they are.
pub fn text(text: &str) -> String {
    let clean = super::filter::clean(text);
    if clean.starts_with(['=', '+', '-', '@', '\t']) { format!("'{clean}") } else { clean.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(row(["a", "b c", "", "d,e", "f\"g", "h\ni"]), "a,b c,,\"d,e\",\"f\"\"g\",\"h\ni\"\n");
    }

    #[test]
    fn objects_become_lines_in_which_nothing_is_unknown() {
        let objects = [serde_json::json!({"a": {"b": "=1"}, "n": null, "l": ["x", "y"], "z": 0, "t": true})];
        let fields =
            [("b", "/a/b"), ("none", "/n"), ("no", "/no"), ("list", "/l"), ("zero", "/z"), ("t", "/t")];
        assert_eq!(of_objects(&fields, &objects), "b,none,no,list,zero,t\n'=1,,,x y,0,true\n");
    }

    #[test]
    fn a_text_is_no_formula() {
        assert_eq!(text("=HYPERLINK(\"http://evil.example\")"), "'=HYPERLINK(\"http://evil.example\")");
        assert_eq!(
            ["- a", "+1", "@x", "\t=1", "a=b", "1-2"].map(text),
            ["'- a", "'+1", "'@x", "'\t=1", "a=b", "1-2"]
        );
        // What is taken out must not lay a sign bare.
        assert_eq!(text("\x1b[1m=1"), "'=1");
    }
}
