//! CSV (RFC 4180), line ends as Unix has them. An empty field is unknown.

/// A line out of fields.
pub fn row<'t>(fields: impl IntoIterator<Item = &'t str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(field).collect();
    fields.join(",") + "\n"
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
