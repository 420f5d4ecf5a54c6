//! Code in colours: syntect's parser says what each piece of a line is, and a
//! table here says which of the 16 colours that has.
//!
//! There is no theme: a terminal's own colours fit its background. The syntaxes
//! are unpacked when the first block with a known language begins.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::face::Face;

/// Lines longer than this are shown without colours: the patterns are not made
/// for minified code, and their time grows faster than the line.
pub(super) const LONGEST_LINE: usize = 1_024;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// What pieces of code are and how they look; the first that fits a scope, from
/// its innermost out, counts.
static FACES: LazyLock<Vec<(Scope, Face)>> = LazyLock::new(|| {
    let faces = [
        ("comment", Face::DIM),
        ("string", Face::GREEN),
        ("constant.character.escape", Face::CYAN),
        ("constant", Face::CYAN),
        ("keyword.operator", Face::PLAIN),
        ("keyword", Face::MAGENTA),
        ("storage", Face::MAGENTA),
        ("variable.language", Face::MAGENTA),
        ("support", Face::CYAN),
        ("entity.name.tag", Face::MAGENTA),
        ("entity.name", Face::BOLD),
        ("markup.heading", Face::BOLD),
        ("markup.inserted", Face::GREEN),
        ("markup.deleted", Face::RED),
        ("meta.diff", Face::CYAN),
        ("punctuation.definition.comment", Face::DIM),
        ("punctuation.definition.string", Face::GREEN),
        ("punctuation.section.interpolation", Face::CYAN),
        ("meta.interpolation", Face::PLAIN),
        ("meta.template.expression", Face::PLAIN),
    ];
    faces.into_iter().filter_map(|(scope, face)| Some((Scope::new(scope).ok()?, face))).collect()
});

/// Names that models give to languages which the syntaxes know by another, or
/// that are near enough to one.
const ALIASES: [(&str, &str); 21] = [
    ("c++", "cpp"),
    ("console", "bash"),
    ("cs", "c#"),
    ("csharp", "c#"),
    ("golang", "go"),
    ("ini", "properties"),
    ("js", "javascript"),
    ("json5", "json"),
    ("jsonc", "json"),
    ("jsonl", "json"),
    ("jsx", "javascript"),
    ("mjs", "javascript"),
    ("patch", "diff"),
    ("python3", "python"),
    ("shell", "bash"),
    ("svg", "xml"),
    ("toml", "properties"),
    ("ts", "javascript"),
    ("tsx", "javascript"),
    ("typescript", "javascript"),
    ("zsh", "bash"),
];

/// The colours of one block, line by line.
pub(super) struct Highlighter {
    state: ParseState,
    scopes: ScopeStack,
}

impl std::fmt::Debug for Highlighter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Highlighter").finish_non_exhaustive()
    }
}

impl Highlighter {
    /// For a fence's info string; `None` where its language is not known.
    pub(super) fn new(info: &str) -> Option<Self> {
        let syntax = syntax(info)?;
        Some(Self { state: ParseState::new(syntax), scopes: ScopeStack::new() })
    }

    /// Cuts a line, given without its end, into pieces with their faces.
    pub(super) fn line<'a>(&mut self, line: &'a str) -> Vec<(&'a str, Face)> {
        let ended = format!("{line}\n");
        let Ok(operations) = self.state.parse_line(&ended, &SYNTAXES) else {
            return vec![(line, Face::PLAIN)];
        };
        let mut pieces = Vec::new();
        let mut from = 0;
        for (at, operation) in operations {
            let to = at.min(line.len());
            if to > from && line.is_char_boundary(to) {
                pieces.push((&line[from..to], self.face()));
                from = to;
            }
            // A syntax that pops too much spoils its own colours only.
            let _ = self.scopes.apply(&operation);
        }
        if from < line.len() {
            pieces.push((&line[from..], self.face()));
        }
        pieces
    }

    fn face(&self) -> Face {
        let mut scopes = self.scopes.as_slice().iter().rev();
        scopes
            .find_map(|scope| FACES.iter().find(|(known, _)| known.is_prefix_of(*scope)))
            .map_or(Face::PLAIN, |(_, face)| *face)
    }
}

fn syntax(info: &str) -> Option<&'static SyntaxReference> {
    let name = info.split([' ', ',', '{', ':']).find(|word| !word.is_empty())?;
    let name = name.trim_start_matches('.').trim_end_matches('}').to_ascii_lowercase();
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, name)| name);
    // Not worth loading the syntaxes for.
    if matches!(name, "" | "text" | "txt" | "plain" | "plaintext" | "output") {
        return None;
    }
    SYNTAXES.find_syntax_by_token(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_leads_to_a_syntax() {
        for (alias, _) in ALIASES {
            assert!(syntax(alias).is_some(), "{alias}");
        }
        for name in ["rust", "python", "go", "sql", "yaml", "html", "{.python .numbers}", "Rust,ignore"] {
            assert!(syntax(name).is_some(), "{name}");
        }
        for name in ["", "text", "nosuchlanguage"] {
            assert!(syntax(name).is_none(), "{name}");
        }
    }

    #[test]
    fn colours_carry_over_lines_and_lose_no_text() {
        let mut rust = Highlighter::new("rust").unwrap();
        let first = rust.line("fn f() { /* é");
        assert_eq!(first.iter().map(|(text, _)| *text).collect::<String>(), "fn f() { /* é");
        assert_eq!(first[0], ("fn", Face::MAGENTA));
        assert_eq!(first.last().unwrap().1, Face::DIM);
        assert_eq!(rust.line("still */ 7")[0], ("still ", Face::DIM));
        assert!(rust.line("").is_empty());
    }
}
