//! Text to read and search by, made from HTML. What is shown as HTML never comes from here.

use mail_parser::decoders::html::add_html_token;

/// Elements whose content is no text. Not `head`, whose end may be left out.
const SILENT: [&str; 4] = ["script", "style", "template", "title"];

/// Elements that begin a line of their own.
const BLOCKS: [&str; 31] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Longest name of a character reference.
const MAX_REFERENCE: usize = 33;

/// The text of `html`: white space collapsed, a line for each block, character references resolved.
pub(super) fn to_text(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (plain, markup) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.words(plain);
        rest = match Markup::read(markup) {
            Markup::Tag { name, closing, rest } => {
                if BLOCKS.contains(&name.as_str()) {
                    text.line(name == "p" || name == "br");
                } else if name == "td" || name == "th" {
                    text.space();
                }
                if !closing && SILENT.contains(&name.as_str()) { behind_silent(rest, &name) } else { rest }
            }
            Markup::Nothing { rest } => rest,
            Markup::Reference { reference, rest } => {
                let mut resolved = String::new();
                add_html_token(&mut resolved, reference.as_bytes(), false);
                text.words(&resolved);
                rest
            }
            Markup::Plain { plain, rest } => {
                text.words(plain);
                rest
            }
        };
    }
    text.words(rest);
    text.0
}

enum Markup<'a> {
    Tag { name: String, closing: bool, rest: &'a str },
    Nothing { rest: &'a str },
    Reference { reference: &'a str, rest: &'a str },
    Plain { plain: &'a str, rest: &'a str },
}

impl<'a> Markup<'a> {
    /// Reads what begins with `<` or `&`.
    fn read(markup: &'a str) -> Self {
        let plain = || {
            let (plain, rest) = markup.split_at_checked(1).unwrap_or((markup, ""));
            Self::Plain { plain, rest }
        };
        if markup.starts_with('&') {
            let head = markup.bytes().take(MAX_REFERENCE).position(|b| b == b';');
            return match head.and_then(|end| markup.split_at_checked(end + 1)) {
                Some((reference, rest))
                    if reference.bytes().all(|b| b.is_ascii_alphanumeric() || b"&#;".contains(&b)) =>
                {
                    Self::Reference { reference, rest }
                }
                _ => plain(),
            };
        }
        if let Some(comment) = markup.strip_prefix("<!--") {
            return Self::Nothing { rest: comment.split_once("-->").map_or("", |(_, rest)| rest) };
        }
        let body = markup.strip_prefix('<').unwrap_or(markup);
        let (closing, body) = match body.strip_prefix('/') {
            Some(body) => (true, body),
            None => (false, body),
        };
        if !body.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
            return plain();
        }
        let (tag, rest) = body.split_once('>').unwrap_or((body, ""));
        let name: String = tag.chars().take(16).take_while(char::is_ascii_alphanumeric).collect();
        Self::Tag { name: name.to_ascii_lowercase(), closing, rest }
    }
}

/// What follows the end of an element whose content is no text; nothing when it never ends.
fn behind_silent<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    while let Some((_, behind)) = rest.split_once("</") {
        if behind.get(..name.len()).is_some_and(|given| given.eq_ignore_ascii_case(name)) {
            return behind.split_once('>').map_or("", |(_, rest)| rest);
        }
        rest = behind;
    }
    ""
}

#[derive(Default)]
struct Text(String);

impl Text {
    /// Adds words; white space at either end becomes one space at most.
    fn words(&mut self, plain: &str) {
        if plain.starts_with(is_space) {
            self.space();
        }
        for (n, word) in plain.split(is_space).filter(|word| !word.is_empty()).enumerate() {
            if n > 0 {
                self.0.push(' ');
            }
            self.0.push_str(word);
        }
        if plain.ends_with(is_space) {
            self.space();
        }
    }

    fn space(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with([' ', '\n']) {
            self.0.push(' ');
        }
    }

    /// Begins a line, after one empty line at most when `spaced`.
    fn line(&mut self, spaced: bool) {
        let end = self.0.trim_end_matches(' ').len();
        self.0.truncate(end);
        if !self.0.is_empty() && (!self.0.ends_with('\n') || spaced && !self.0.ends_with("\n\n")) {
            self.0.push('\n');
        }
    }
}

/// White space that HTML collapses; a no-break space is a space to readers and searchers.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{a0}'
}

/// Plain text as HTML, for a message that has some of its text in either.
pub(super) fn from_text(text: &str) -> String {
    format!("<pre>{}</pre>", escaped(text))
}

/// Plain text as HTML whose lines are broken where the text's are, in the font of what stands around it.
pub(super) fn from_lines(text: &str) -> String {
    escaped(text).replace('\n', "<br>\n")
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_are_lines_and_markup_is_not_text() {
        for (html, text) in [
            ("<div>a</div><div>b <b>c</b></div>", "a\nb c\n"),
            ("<p>a\r\n  b</p>\n<p>c</p>", "a b\n\nc\n"),
            ("a<br>b<BR/>c", "a\nb\nc"),
            ("<html><head><title>t</title><style>x > y</style></head><body>a</body>", "a"),
            ("<script>if (a < b) '</p>'</script>a<!-- <p>no --> b", "a b"),
            ("a &lt;b&gt; &amp;amp; &euro;&#8364;&#x20ac; &nope; & &", "a <b> &amp; €€€ &nope; & &"),
            ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3\n"),
            ("1 < 2 <3 a", "1 < 2 <3 a"),
            ("a<style>never closed", "a"),
            ("a<!-- never closed", "a"),
            ("a <b", "a "),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn unclosed_tags_end_in_linear_time() {
        for run in
            ["<div>", "<div", "<", "<style", "<style></s", "<!--", "&amp", "&", "</", "<a \"", "\u{a0}"]
        {
            to_text(&run.repeat(200_000));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(html in any::<String>(), marks in "[<>/!a-dsp&#x0-9;\\- é\"]{0,120}") {
            to_text(&html);
            to_text(&marks);
        }
    }
}
