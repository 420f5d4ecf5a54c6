//! HTML as it is written: markup that stands in this program's source, and
//! text from elsewhere, which is always escaped. The types keep the two apart.

use crate::render::filter::clean;

/// A piece of a page. Tags and attribute names can only be literals; all else
/// is text.
#[derive(Debug, Default)]
pub(in crate::render) struct Markup(String);

/// An attribute: its name, and its value as text.
pub(in crate::render) type Attribute<'a> = (&'static str, &'a str);

impl Markup {
    /// Markup as it stands in the source.
    pub(in crate::render) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Text from anywhere: nothing in it is markup, and nothing turns it round.
    pub(in crate::render) fn text(&mut self, text: &str) {
        for c in clean(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
    }

    /// An opening tag.
    pub(in crate::render) fn open(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// A closing tag.
    pub(in crate::render) fn close(&mut self, tag: &'static str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// An element with text in it.
    pub(in crate::render) fn element(&mut self, tag: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// All that was written.
    pub(in crate::render) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut markup = Markup::default();
        markup.element("b", &[("title", "\" onmouseover='x()'>")], "</b><script>&\u{202e}\x1b[31m");
        assert_eq!(
            markup.into_string(),
            "<b title=\"&quot; onmouseover=&#39;x()&#39;&gt;\">&lt;/b&gt;&lt;script&gt;&amp;</b>"
        );
    }
}
