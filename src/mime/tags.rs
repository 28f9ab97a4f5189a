//! HTML as strangers write it, piece by piece: texts and tags, without a tree.

use mail_parser::decoders::html::add_html_token;

/// Most attributes of a tag that are looked at.
const MAX_ATTRIBUTES: usize = 64;
/// Longest name of an element or attribute that is looked at.
const MAX_NAME: usize = 32;
/// Longest character reference.
const MAX_REFERENCE: usize = 33;

/// A piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text, character references as they came.
    Text(&'a str),
    Start(Tag<'a>),
    /// An end tag: the element's name in lower case.
    End(String),
}

/// A start tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// In lower case.
    pub(super) name: String,
    /// It ends in `/>`.
    pub(super) empty: bool,
    /// Names in lower case; values as they came.
    attributes: Vec<(String, &'a str)>,
}

impl Tag<'_> {
    /// The value of an attribute, character references resolved, without control characters.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| resolved(value))
    }
}

/// Parts HTML into pieces. What is no piece (comments, declarations, a tag without an end) is skipped.
pub(super) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self { rest: html }
    }

    /// Skips to behind the end tag of an element; everything, where it has none.
    pub(super) fn skip_element(&mut self, name: &str) {
        while let Some((_, behind)) = self.rest.split_once("</") {
            self.rest = behind;
            let named = behind.get(..name.len()).is_some_and(|given| given.eq_ignore_ascii_case(name));
            let ended = behind.get(name.len()..).is_some_and(|rest| !rest.starts_with(is_name));
            if named && ended {
                self.rest = behind.split_once('>').map_or("", |(_, rest)| rest);
                return;
            }
        }
        self.rest = "";
    }

    /// Reads what begins behind `<`; `None` where that was no markup, or markup that is no piece.
    fn markup(&mut self, body: &'a str) -> Option<Piece<'a>> {
        if let Some(comment) = body.strip_prefix("!--") {
            let empty = comment.strip_prefix('>').or_else(|| comment.strip_prefix("->"));
            self.rest = empty.unwrap_or_else(|| comment.split_once("-->").map_or("", |(_, rest)| rest));
            return None;
        }
        if let Some(name) = body.strip_prefix('/').filter(|rest| rest.starts_with(is_letter)) {
            let (inside, rest) = name.split_once('>').unwrap_or((name, ""));
            self.rest = rest;
            return Some(Piece::End(lower(take_name(inside).0)));
        }
        if body.starts_with(['!', '?', '/']) {
            self.rest = body.split_once('>').map_or("", |(_, rest)| rest);
            return None;
        }
        let (name, mut rest) = take_name(body);
        let mut tag = Tag { name: lower(name), empty: false, attributes: Vec::new() };
        loop {
            let blank = rest;
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            tag.empty = blank.strip_suffix(rest).is_some_and(|blank| blank.ends_with('/'));
            if let Some(behind) = rest.strip_prefix('>') {
                self.rest = behind;
                return Some(Piece::Start(tag));
            }
            let ((name, value), behind) = attribute(rest).unwrap_or((("", ""), ""));
            if behind.is_empty() {
                self.rest = "";
                return None;
            }
            let name = lower(name);
            if tag.attributes.len() < MAX_ATTRIBUTES && tag.attributes.iter().all(|(known, _)| *known != name)
            {
                tag.attributes.push((name, value));
            }
            rest = behind;
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let html = self.rest;
            let body =
                html.strip_prefix('<').filter(|b| b.starts_with(|c| is_letter(c) || "!?/".contains(c)));
            match body {
                Some(body) => {
                    if let Some(piece) = self.markup(body) {
                        return Some(piece);
                    }
                }
                None => {
                    let first = html.chars().next()?.len_utf8();
                    let more = html.get(first..).unwrap_or_default();
                    let end = first + more.find('<').unwrap_or(more.len());
                    let (text, rest) = html.split_at_checked(end).unwrap_or((html, ""));
                    self.rest = rest;
                    return Some(Piece::Text(text));
                }
            }
        }
    }
}

/// Name and value of the attribute that begins here, and what follows; `None` where a quoted value never ends.
fn attribute(html: &str) -> Option<((&str, &str), &str)> {
    let first = html.chars().next()?.len_utf8();
    let ends = |c: char| c.is_ascii_whitespace() || "=>/".contains(c);
    let more = html.get(first..)?;
    let (name, rest) = html.split_at_checked(first + more.find(ends).unwrap_or(more.len()))?;
    let Some(value) = rest.trim_start_matches(|c: char| c.is_ascii_whitespace()).strip_prefix('=') else {
        return Some(((name, ""), rest));
    };
    let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let (value, rest) = quoted.split_once(quote)?;
            return Some(((name, value), rest));
        }
    }
    let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
    let (value, rest) = value.split_at_checked(end)?;
    Some(((name, value), rest))
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic()
}

/// Whether it can be part of an element's name, which white space, a slash or the tag's end ends.
fn is_name(c: char) -> bool {
    !c.is_ascii_whitespace() && c != '/' && c != '>'
}

fn take_name(html: &str) -> (&str, &str) {
    html.split_at_checked(html.find(|c| !is_name(c)).unwrap_or(html.len())).unwrap_or((html, ""))
}

/// A name in lower case; of one that nobody knows the beginning.
fn lower(name: &str) -> String {
    name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or_default().to_ascii_lowercase()
}

/// A value with its character references resolved and its control characters left out.
fn resolved(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, reference)) = rest.split_once('&') {
        text.push_str(plain);
        let (reference, behind) = reference_length(reference);
        if reference.is_empty() {
            text.push('&');
        } else {
            add_html_token(&mut text, format!("&{reference};").as_bytes(), false);
        }
        rest = behind;
    }
    text.push_str(rest);
    text.retain(|c| !c.is_control());
    text
}

/// The reference that begins here, without its semicolon, and what follows; numbers end without one, too.
fn reference_length(html: &str) -> (&str, &str) {
    let end = html.bytes().take(MAX_REFERENCE).position(|b| !b.is_ascii_alphanumeric() && b != b'#');
    let end = end.unwrap_or_else(|| html.len().min(MAX_REFERENCE));
    let Some((name, rest)) = html.split_at_checked(end) else { return ("", html) };
    if let Some(rest) = rest.strip_prefix(';') {
        return (name, rest);
    }
    let Some(number) = name.strip_prefix('#') else { return ("", html) };
    let (mark, digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (2, digits, 16),
        None => (1, number, 10),
    };
    let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    if length == 0 {
        return ("", html);
    }
    html.split_at_checked(mark + length).unwrap_or(("", html))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(html: &str) -> Vec<String> {
        Pieces::new(html)
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::End(name) => format!("/{name}"),
                Piece::Start(tag) => {
                    let names = tag.attributes.iter().map(|(name, _)| name.clone());
                    let values = names.map(|n| format!(" {n}={}", tag.value(&n).unwrap()));
                    format!("{}{}", tag.name, values.collect::<String>())
                }
            })
            .collect()
    }

    #[test]
    fn texts_and_tags_are_told_apart() {
        for (html, pieces) in [
            ("a<b>c</B >d", &["a", "b", "c", "/b", "d"][..]),
            ("<a href=x>", &["a href=x"]),
            ("<a\thref = \"x>y\" HREF=z title='q\"' c d=/e/>", &["a href=x>y title=q\" c= d=/e/"]),
            ("<img/src=x/onerror=y>", &["img src=x/onerror=y"]),
            ("1 < 2 <3 & <", &["1 ", "< 2 ", "<3 & ", "<"]),
            ("a<!-- <b> --!> -->b<!-->c<!--->d<![if x]>e<?x y>f</ >g", &["a", "b", "c", "d", "e", "f", "g"]),
            ("a<b title=\"never closed>", &["a"]),
            ("a<!-- <b>", &["a"]),
            ("<o:p>&nbsp;</o:p>", &["o:p", "&nbsp;", "/o:p"]),
            (
                "<a href='j&#97;v&#x61;script&colon;&Tab;x&#10;&amp;&#97b& &x'>",
                &["a href=javascript:x&ab& &x"],
            ),
        ] {
            assert_eq!(shown(html), pieces, "{html}");
        }
    }

    #[test]
    fn an_element_is_skipped_to_its_own_end() {
        for (html, rest) in [("a</b></scripts></SCRIPT x>b", vec!["b"]), ("a</script", vec![]), ("a", vec![])]
        {
            let mut pieces = Pieces::new(html);
            pieces.skip_element("script");
            assert_eq!(shown(pieces.rest), rest, "{html}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(html in any::<String>(), marks in "[<>/!a-ds&#x0-9;= é\"'-]{0,120}") {
            shown(&html);
            shown(&marks);
        }
    }
}
