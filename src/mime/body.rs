//! The text of a message, put together from its parts the way a mail program shows them.

use super::content::ContentHeaders;
use super::leaf::MAX_TEXT;
use super::{charset, flowed, html};

/// What a multipart/alternative (RFC 2046 §5.1.4) has shown of itself so far. It says one thing several times: what is
/// said in plain words goes to the text, what is said in HTML to the HTML, and each stands in for the other until that
/// comes.
#[derive(Clone, Copy)]
pub(super) struct Alternative {
    text: usize,
    html: usize,
    has_text: bool,
    has_html: bool,
}

/// The text and the HTML of a message in the making.
#[derive(Default)]
pub(super) struct Body {
    text: String,
    /// Everything, as HTML; of use only once a part was HTML.
    html: String,
    has_html: bool,
}

impl Body {
    /// Marks where a multipart/alternative begins.
    pub(super) fn alternative(&self) -> Alternative {
        Alternative { text: self.text.len(), html: self.html.len(), has_text: false, has_html: false }
    }

    /// Adds a text part, of which `octets` are the beginning.
    pub(super) fn add(
        &mut self,
        content: &ContentHeaders,
        octets: &[u8],
        alternative: Option<&mut Alternative>,
    ) {
        let decoded = charset::decode(content.charset.as_deref(), octets);
        let whole = octets.len() < MAX_TEXT;
        // Where the limit cut a character in two, its half is no character.
        let decoded = if whole { &decoded } else { decoded.trim_end_matches(char::REPLACEMENT_CHARACTER) };
        let decoded = decoded.strip_prefix('\u{feff}').unwrap_or(decoded).replace('\0', "");
        if content.media_type == "text/html" {
            self.add_html(&decoded, alternative);
        } else {
            let lines = decoded.replace("\r\n", "\n").replace('\r', "\n");
            let text = if content.flowed { flowed::unflow(&lines, content.delsp) } else { lines };
            self.add_text(text.trim_end(), alternative);
        }
    }

    fn add_text(&mut self, text: &str, mut alternative: Option<&mut Alternative>) {
        if text.is_empty() {
            return;
        }
        if let Some(alternative) = alternative.as_deref_mut()
            && !std::mem::replace(&mut alternative.has_text, true)
        {
            self.text.truncate(alternative.text);
        }
        append(&mut self.text, text);
        if !alternative.is_some_and(|alternative| alternative.has_html) {
            append(&mut self.html, &html::from_text(text));
        }
    }

    fn add_html(&mut self, html: &str, mut alternative: Option<&mut Alternative>) {
        if html.trim().is_empty() {
            return;
        }
        self.has_html = true;
        if let Some(alternative) = alternative.as_deref_mut()
            && !std::mem::replace(&mut alternative.has_html, true)
        {
            self.html.truncate(alternative.html);
        }
        append(&mut self.html, html);
        if !alternative.is_some_and(|alternative| alternative.has_text) {
            let text = html::to_text(html).replace('\0', "");
            append(&mut self.text, text.trim_end());
        }
    }

    /// The text, and the HTML if any part was HTML.
    pub(super) fn finish(self) -> (String, Option<String>) {
        (self.text, self.has_html.then_some(self.html))
    }
}

/// Adds a piece on a line of its own, as far as there is room.
fn append(whole: &mut String, piece: &str) {
    if !whole.is_empty() && !whole.ends_with('\n') && whole.len() < MAX_TEXT {
        whole.push('\n');
    }
    let room = MAX_TEXT.saturating_sub(whole.len());
    whole.push_str(piece.get(..piece.floor_char_boundary(room)).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(parts: &[(&str, &str)], alternative: bool) -> (String, Option<String>) {
        let mut body = Body::default();
        body.add(&ContentHeaders::of_type("text/plain"), b"before", None);
        let mut marks = body.alternative();
        for (media_type, text) in parts {
            body.add(
                &ContentHeaders::of_type(media_type),
                text.as_bytes(),
                alternative.then_some(&mut marks),
            );
        }
        body.finish()
    }

    #[test]
    fn alternatives_say_one_thing_in_either_order() {
        let expected = ("before\nplain".to_owned(), Some("<pre>before</pre>\n<p>html".to_owned()));
        assert_eq!(body(&[("text/plain", "plain"), ("text/html", "<p>html")], true), expected);
        assert_eq!(body(&[("text/html", "<p>html"), ("text/plain", "plain")], true), expected);
    }

    #[test]
    fn an_alternative_left_empty_is_stood_in_for() {
        let (text, _) = body(&[("text/plain", " \r\n"), ("text/html", "<p>html")], true);
        assert_eq!(text, "before\nhtml");
        assert_eq!(body(&[("text/plain", "plain"), ("text/html", "")], true).1, None);
    }

    #[test]
    fn parts_in_a_row_are_all_shown_in_both() {
        let (text, html) = body(&[("text/html", "<p>html"), ("text/plain", "a < b")], false);
        assert_eq!(text, "before\nhtml\na < b");
        assert_eq!(html.unwrap(), "<pre>before</pre>\n<p>html\n<pre>a &lt; b</pre>");
    }

    #[test]
    fn texts_are_capped_between_characters() {
        let (text, html) = body(&[("text/html", &"é".repeat(MAX_TEXT))], false);
        assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&text.len()));
        assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&html.unwrap().len()));
    }

    #[test]
    fn no_nul_is_left() {
        let (text, html) = body(&[("text/html", "a\0b&#0;c")], false);
        assert_eq!((text.as_str(), html.unwrap().contains('\0')), ("before\nabc", false));
    }
}
