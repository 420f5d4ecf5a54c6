//! The Markdown of answers as HTML. What is a tag there is text here, links lead
//! only to the web and to mail, and nothing is loaded.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use url::Url;

use crate::render::filter::clean;
use crate::render::markup::{Attribute, Markup};

/// Deeper blocks are shown at this depth: browsers give up at some 500 tags.
const DEEPEST: usize = 40;

/// The most characters of a code block's language.
const LONGEST_LANGUAGE: usize = 30;

const LINK_END: &str = "</a>";

/// Writes a text as HTML blocks.
pub(super) fn write(text: &str, out: &mut Markup) {
    // Once before the parser, so that it reads what will be shown, and once
    // behind it, in the markup: entities can bring characters back.
    let text = clean(text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer =
        Writer { out, open: Vec::new(), in_link: false, alignments: Vec::new(), cell_tag: "td", column: 0 };
    for event in Parser::new_ext(&text, options) {
        writer.event(event);
    }
}

struct Writer<'a> {
    out: &'a mut Markup,
    /// What closes the elements that are open.
    open: Vec<&'static str>,
    in_link: bool,
    /// The columns of the table at hand.
    alignments: Vec<Alignment>,
    /// What the cells of the row at hand are.
    cell_tag: &'static str,
    /// Where in the row the next cell stands.
    column: usize,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => self.out.element("code", &[], &text),
            Event::InlineHtml(tag) if is_line_break(&tag) => self.out.raw("<br>"),
            // A line end stays one: models end lines on purpose.
            Event::SoftBreak | Event::HardBreak => self.out.raw("<br>"),
            Event::Rule => self.out.raw("<hr>"),
            Event::TaskListMarker(true) => self.out.text("☑ "),
            Event::TaskListMarker(false) => self.out.text("☐ "),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.out.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.block("<p>", "</p>"),
            Tag::Heading { level: HeadingLevel::H1, .. } => self.block("<h4>", "</h4>"),
            Tag::Heading { level: HeadingLevel::H2, .. } => self.block("<h5>", "</h5>"),
            Tag::Heading { .. } => self.block("<h6>", "</h6>"),
            Tag::CodeBlock(kind) => self.code(&kind),
            Tag::HtmlBlock => self.block("<pre tabindex=\"0\">", "</pre>"),
            Tag::BlockQuote(_) => self.nested("<blockquote>", "</blockquote>"),
            Tag::List(None) => self.nested("<ul>", "</ul>"),
            Tag::List(Some(first)) => self.numbered(first),
            Tag::Item => self.nested("<li>", "</li>"),
            Tag::Emphasis => self.nested("<em>", "</em>"),
            Tag::Strong => self.nested("<strong>", "</strong>"),
            Tag::Strikethrough => self.nested("<del>", "</del>"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.block("<div class=\"scroll\" tabindex=\"0\"><table>", "</tbody></table></div>");
            }
            Tag::TableHead => self.row("<thead><tr>", "</tr></thead><tbody>", "th"),
            Tag::TableRow => self.row("<tr>", "</tr>", "td"),
            Tag::TableCell => self.cell(),
            Tag::Link { dest_url, .. } => self.link(&dest_url, &[]),
            Tag::Image { dest_url, .. } => self.link(&dest_url, &[("class", "image")]),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.block("", ""),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let closing = self.open.pop().unwrap_or_default();
        if closing == LINK_END {
            self.in_link = false;
        }
        self.out.raw(closing);
        if matches!(tag, TagEnd::TableCell) {
            self.column += 1;
        }
    }

    fn block(&mut self, opening: &'static str, closing: &'static str) {
        self.out.raw(opening);
        self.open.push(closing);
    }

    /// As [`Self::block`], for what may stand in its own kind without end.
    fn nested(&mut self, opening: &'static str, closing: &'static str) {
        if self.open.len() < DEEPEST {
            self.block(opening, closing);
        } else {
            self.block("", "");
        }
    }

    fn numbered(&mut self, first: u64) {
        if first == 1 || self.open.len() >= DEEPEST {
            return self.nested("<ol>", "</ol>");
        }
        self.out.open("ol", &[("start", &first.to_string())]);
        self.open.push("</ol>");
    }

    fn code(&mut self, kind: &CodeBlockKind<'_>) {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        let language: String = language.chars().take(LONGEST_LANGUAGE).collect();
        self.out.raw("<div class=\"code\">");
        if !language.is_empty() {
            self.out.element("span", &[("class", "language")], &language);
        }
        self.block("<pre tabindex=\"0\"><code>", "</code></pre></div>");
    }

    fn row(&mut self, opening: &'static str, closing: &'static str, cell: &'static str) {
        (self.cell_tag, self.column) = (cell, 0);
        self.block(opening, closing);
    }

    fn cell(&mut self) {
        let class = match self.alignments.get(self.column) {
            Some(Alignment::Right) => "right",
            Some(Alignment::Center) => "center",
            Some(Alignment::Left | Alignment::None) | None => "",
        };
        let attributes = [("class", class)];
        self.out.open(self.cell_tag, if class.is_empty() { &[] } else { &attributes });
        self.open.push(if self.cell_tag == "th" { "</th>" } else { "</td>" });
    }

    /// A link, where it leads to the web or to mail; else only its text. Images
    /// are links too: loading one would tell its server who reads the page.
    fn link(&mut self, address: &str, attributes: &[Attribute<'_>]) {
        let Some(address) = address_of(address).filter(|_| !self.in_link) else {
            return self.block("", "");
        };
        self.in_link = true;
        let mut all = vec![("href", address.as_str()), ("rel", "noopener noreferrer nofollow")];
        all.extend_from_slice(attributes);
        self.out.open("a", &all);
        self.open.push(LINK_END);
    }
}

/// An address in its normal form, which is what browsers go by, where its
/// scheme is a harmless one.
fn address_of(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.into())
}

/// `<br>`, the one tag that models use for want of Markdown: in cells of tables.
fn is_line_break(tag: &str) -> bool {
    let name = tag.strip_prefix('<').and_then(|tag| tag.strip_suffix('>'));
    name.is_some_and(|name| name.trim_end_matches(['/', ' ']).eq_ignore_ascii_case("br"))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn html(text: &str) -> String {
        let mut out = Markup::default();
        write(text, &mut out);
        out.into_string()
    }

    #[test]
    fn what_models_write_becomes_html() {
        assert_snapshot!(html("# A\n\n## B\n\n##### C\n\na *b* **c** ~~d~~ `e<f`\nnext\n\n---"), @"<h4>A</h4><h5>B</h5><h6>C</h6><p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;f</code><br>next</p><hr>");
        assert_snapshot!(html("- a\n- [x] b\n\n3. c\n4. d"), @r#"<ul><li>a</li><li>☑ b</li></ul><ol start="3"><li>c</li><li>d</li></ol>"#);
        assert_snapshot!(html("> q\n\n```rust,ignore\nlet a = \"<b>\";\n```\n\n    x\n"), @r#"
        <blockquote><p>q</p></blockquote><div class="code"><span class="language">rust</span><pre tabindex="0"><code>let a = &quot;&lt;b&gt;&quot;;
        </code></pre></div><div class="code"><pre tabindex="0"><code>x
        </code></pre></div>
        "#);
        assert_snapshot!(html("| a | b | c |\n|:-:|--:|---|\n| 1<br>2 | **3** | 4 |"), @r#"<div class="scroll" tabindex="0"><table><thead><tr><th class="center">a</th><th class="right">b</th><th>c</th></tr></thead><tbody><tr><td class="center">1<br>2</td><td class="right"><strong>3</strong></td><td>4</td></tr></tbody></table></div>"#);
    }

    #[test]
    fn links_lead_only_to_the_web_and_to_mail() {
        assert_snapshot!(html("[a](https://x.example/?a=1&b=%22) <mailto:a@b.example>"), @r#"<p><a href="https://x.example/?a=1&amp;b=%22" rel="noopener noreferrer nofollow">a</a> <a href="mailto:a@b.example" rel="noopener noreferrer nofollow">mailto:a@b.example</a></p>"#);
        assert_snapshot!(html("[a](javascript:alert(1)) [b](JaVaScRiPt:x) [c](data:text/html,x) [d](/e) [f](file:///etc)"), @"<p>a b c d f</p>");
        assert_snapshot!(html("[a](<java\tscript:x>) [b](&#106;avascript:x) [c](vbscript:x \"t\")"), @"<p>a b c</p>");
        assert_snapshot!(html("![a](https://x.example/t.gif) [![b](https://x.example/t.gif)](https://y.example)"), @r#"<p><a href="https://x.example/t.gif" rel="noopener noreferrer nofollow" class="image">a</a> <a href="https://y.example/" rel="noopener noreferrer nofollow">b</a></p>"#);
    }

    #[test]
    fn tags_are_text() {
        assert_snapshot!(html("<script>alert(1)</script>\n\na <b onclick=x>c</b> <br onload=x> <!-- d --> &lt;i&gt; &#x202e;"), @r#"
        <pre tabindex="0">&lt;script&gt;alert(1)&lt;/script&gt;
        </pre><p>a &lt;b onclick=x&gt;c&lt;/b&gt; &lt;br onload=x&gt; &lt;!-- d --&gt; &lt;i&gt; </p>
        "#);
        assert_snapshot!(html("```<i>\" onmouseover=x\n</code></pre>"), @r#"<div class="code"><span class="language">&lt;i&gt;&quot;</span><pre tabindex="0"><code>&lt;/code&gt;&lt;/pre&gt;</code></pre></div>"#);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = html(&">".repeat(5_000));
        assert!(deep.matches("<blockquote>").count() <= DEEPEST, "{}", deep.len());
        let strong = html(&format!("{}x{}", "*a **b ".repeat(2_000), "** *".repeat(2_000)));
        assert_eq!(strong.matches("<em>").count(), strong.matches("</em>").count());
        assert!(html(&"- ".repeat(5_000)).matches("<ul>").count() <= DEEPEST);
    }
}
