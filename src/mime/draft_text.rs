//! The text of a message to be sent, in both forms, with what stands below it.

use super::html;
use crate::types::{Draft, Signature};

/// A text, and the same in HTML where that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftText {
    pub(super) text: String,
    pub(super) html: Option<String>,
}

impl DraftText {
    /// What the author wrote: plain text is made from the HTML where only that is given.
    pub(super) fn of(draft: &Draft) -> Self {
        let text = match (&draft.text, &draft.html) {
            (Some(text), _) => lines(text),
            (None, Some(html)) => html::to_text(html).trim_end().to_owned(),
            (None, None) => String::new(),
        };
        Self { text, html: draft.html.clone() }
    }

    /// Puts the signature below.
    pub(super) fn sign(&mut self, signature: &Signature) {
        let text = match &signature.html {
            Some(html) if signature.text.trim().is_empty() => html::to_text(html),
            _ => lines(&signature.text),
        };
        if text.trim().is_empty() {
            return;
        }
        // RFC 3676 §4.3: dash, dash, space.
        let text = format!("-- \n{}", text.trim_end());
        let block = match &signature.html {
            Some(html) => html.clone(),
            None => html::from_lines(&text),
        };
        self.add(&text, &block);
    }

    /// Adds a paragraph to the text, and a block to the HTML, if there is one.
    pub(super) fn add(&mut self, text: &str, block: &str) {
        let end = self.text.trim_end_matches(['\r', '\n']).len();
        self.text.truncate(end);
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(text);
        if let Some(html) = &mut self.html {
            let end = html.to_ascii_lowercase().rfind("</body").unwrap_or(html.len());
            html.insert_str(end, &format!("\n<div>{block}</div>\n"));
        }
    }
}

/// Text whose lines end in line feeds.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(draft: &Draft, signature: &Signature) -> (String, Option<String>) {
        let mut text = DraftText::of(draft);
        text.sign(signature);
        (text.text, text.html)
    }

    #[test]
    fn html_alone_gets_a_text() {
        let draft = Draft::new("s").html("<p>a &amp; b</p><p>c</p>");
        assert_eq!(DraftText::of(&draft).text, "a & b\n\nc");
    }

    #[test]
    fn a_signature_stands_below_the_text_and_inside_the_body() {
        let draft = Draft::new("s").text("a\r\n").html("<html><BODY><p>a</BODY></html>");
        let (text, html) = signed(&draft, &Signature::text("Anna <3\nTax"));
        assert_eq!(text, "a\n\n-- \nAnna <3\nTax");
        let block = "\n<div>-- <br>\nAnna &lt;3<br>\nTax</div>\n";
        assert_eq!(html.unwrap(), format!("<html><BODY><p>a{block}</BODY></html>"));
    }

    #[test]
    fn a_signature_brings_its_own_html() {
        let draft = Draft::new("s").html("<p>a");
        let signature = Signature::text("").html("<b>Anna</b>");
        assert_eq!(
            signed(&draft, &signature),
            ("a\n\n-- \nAnna".to_owned(), Some("<p>a\n<div><b>Anna</b></div>\n".to_owned()))
        );
        assert_eq!(signed(&Draft::new("s").text("a"), &signature).1, None);
        assert_eq!(signed(&Draft::new("s").text("a"), &Signature::text(" \n")).0, "a");
    }
}
