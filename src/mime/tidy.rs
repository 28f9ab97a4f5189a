//! HTML written anew so that no reader of it has anything to mend: the elements a message needs, each closed in its
//! place, nested to a bound. Readers that build a tree take time and memory for what they mend, beyond any bound.

use super::elements::{
    ATTRIBUTES, BLOCKS, FOREIGN, LOADING, PREFORMATTED, SECTIONS, SILENT, VOID, is_cell, is_one_of, kept,
};
use super::sanitise::{HtmlOptions, RemoteContent};
use super::style;
use super::tags::{Piece, Pieces, Tag};
use super::target::{is_image, is_remote, link, percent_decoded};

/// Deepest nesting: newsletters have tables in tables, and reach sixty. What is nested deeper keeps its text.
const MAX_DEPTH: usize = 128;

/// How preformatted text is told from other.
const PREFORMATTED_STYLE: &str = "white-space:pre-wrap;font-family:monospace";

/// Writes HTML anew; answers it and how many remote resources were left out.
pub(super) fn tidy(html: &str, options: &HtmlOptions<'_>) -> (String, usize) {
    let mut tidy = Tidy { options, html: String::with_capacity(html.len()), open: Vec::new(), blocked: 0 };
    let mut pieces = Pieces::new(html);
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => tidy.text(text),
            Piece::End(name) => tidy.end(element(&name).0),
            Piece::Start(tag) => {
                tidy.start(&tag);
                let name = tag.name.as_str();
                if is_one_of(SILENT, name) && !(tag.empty && is_one_of(FOREIGN, name)) {
                    pieces.skip_element(name);
                }
            }
        }
    }
    tidy.close_to(0);
    (tidy.html, tidy.blocked)
}

/// The element that stands for one of this name, and the style that it has of itself.
fn element(name: &str) -> (&str, &'static str) {
    if is_one_of(PREFORMATTED, name) { ("div", PREFORMATTED_STYLE) } else { (name, "") }
}

struct Tidy<'a> {
    options: &'a HtmlOptions<'a>,
    html: String,
    open: Vec<&'static str>,
    blocked: usize,
}

impl Tidy<'_> {
    fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.enter_cell();
        }
        for c in text.chars() {
            match c {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '\0' => {}
                c => self.html.push(c),
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let (name, style) = element(&tag.name);
        let mut attributes = String::new();
        let source = if name == "img" { self.image(tag) } else { None };
        self.count(tag, source.is_some());
        let Some(name) = kept(name).filter(|name| source.is_some() || *name != "img") else { return };
        let full = self.open.len() >= MAX_DEPTH && !is_one_of(VOID, name);
        if full || !self.make_room(name) {
            return;
        }
        if let Some(source) = source {
            write(&mut attributes, "src", &source);
        }
        if let Some(target) = tag.value("href").as_deref().and_then(link).filter(|_| name == "a") {
            write(&mut attributes, "href", &target);
        }
        for known in ATTRIBUTES.split(' ') {
            if let Some(value) = tag.value(known) {
                write(&mut attributes, known, &value);
            }
        }
        let given = tag.value("style").map(|style| style::harmless(&style)).unwrap_or_default();
        let styles: Vec<_> = [style, given.as_str()].into_iter().filter(|style| !style.is_empty()).collect();
        if !styles.is_empty() {
            write(&mut attributes, "style", &styles.join(";"));
        }
        for part in ["<", name, &attributes, ">"] {
            self.html.push_str(part);
        }
        if !is_one_of(VOID, name) {
            self.open.push(name);
        }
    }

    /// Where an image of the message's own lies, or one from elsewhere that may be loaded.
    fn image(&self, tag: &Tag<'_>) -> Option<String> {
        let source = tag.value("src")?;
        let source = source.trim();
        let content_id = source.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:"));
        if content_id.is_some() {
            let id = percent_decoded(source.get(4..)?);
            return self.options.resolve(&id).filter(|url| is_image(url));
        }
        let allowed = self.options.remote == RemoteContent::Allowed && is_remote(source);
        let whole = if source.starts_with("//") { format!("https:{source}") } else { source.to_owned() };
        allowed.then_some(whole)
    }

    /// Counts what a tag would have loaded from elsewhere and does not.
    fn count(&mut self, tag: &Tag<'_>, image_kept: bool) {
        let left_out = |name: &&str| {
            let loads = tag.value(name).is_some_and(|value| is_remote(value.trim()));
            loads && !(image_kept && *name == "src")
        };
        self.blocked += LOADING.split(' ').filter(left_out).count();
        let style = tag.value("style").unwrap_or_default().to_ascii_lowercase();
        self.blocked += usize::from(style.contains("url(") && style.contains("//"));
    }

    /// Closes what ends where this element begins, and opens what it must stand in; tells whether it may begin at
    /// all.
    fn make_room(&mut self, name: &str) -> bool {
        let in_cell = |open: &str| is_cell(open) || open == "table";
        if is_one_of(SECTIONS, name) || name == "caption" {
            return self.return_to(&["table"]);
        }
        if name == "tr" {
            return self.return_to(&["table", "tbody", "tfoot", "thead"]);
        }
        if name == "td" || name == "th" {
            let within = self.return_to(&["table", "tbody", "tfoot", "thead", "tr"]);
            if within && self.open.last().is_some_and(|open| *open != "tr") {
                self.open_plain("tr");
            }
            return within;
        }
        self.enter_cell();
        if is_one_of(BLOCKS, name) {
            self.close_nearest(&["p"], |open| in_cell(open));
        }
        let heading = |name: &str| name.len() == 2 && name.starts_with('h') && name != "hr";
        if heading(name) && self.open.last().is_some_and(|open| heading(open)) {
            self.close_to(self.open.len().saturating_sub(1));
        }
        match name {
            "li" => self.close_nearest(&["li"], |open| in_cell(open) || ["ol", "ul"].contains(&open)),
            "dd" | "dt" => self.close_nearest(&["dd", "dt"], |open| in_cell(open) || open == "dl"),
            "a" => self.close_nearest(&["a"], |open| in_cell(open)),
            _ => {}
        }
        true
    }

    /// Opens a cell where text would stand in a table but in none of its cells, two levels beyond the bound at most.
    fn enter_cell(&mut self) {
        if self.open.last().is_some_and(|open| *open == "table" || is_one_of(SECTIONS, open)) {
            self.open_plain("tr");
        }
        if self.open.last().is_some_and(|open| *open == "tr") {
            self.open_plain("td");
        }
    }

    fn open_plain(&mut self, name: &'static str) {
        for part in ["<", name, ">"] {
            self.html.push_str(part);
        }
        self.open.push(name);
    }

    /// Closes everything inside the nearest of these elements of the innermost table.
    fn return_to(&mut self, names: &[&str]) -> bool {
        let Some(at) = self.open.iter().rposition(|open| names.contains(open) || *open == "table") else {
            return false;
        };
        self.close_to(at + 1);
        true
    }

    /// Closes the nearest of these elements with all that is in it, unless a `boundary` is nearer.
    fn close_nearest(&mut self, names: &[&str], boundary: impl Fn(&str) -> bool) {
        let nearest = self.open.iter().rposition(|open| names.contains(open) || boundary(open));
        if let Some(at) = nearest.filter(|at| self.open.get(*at).is_some_and(|open| names.contains(open))) {
            self.close_to(at);
        }
    }

    fn end(&mut self, name: &str) {
        let of_table = name == "table" || name == "tr" || is_one_of(SECTIONS, name) || is_cell(name);
        self.close_nearest(&[name], |open| open == "table" || (!of_table && is_cell(open)));
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            let Some(name) = self.open.pop() else { return };
            for part in ["</", name, ">"] {
                self.html.push_str(part);
            }
        }
    }
}

fn write(attributes: &mut String, name: &str, value: &str) {
    attributes.push(' ');
    attributes.push_str(name);
    attributes.push_str("=\"");
    for c in value.chars() {
        match c {
            '&' => attributes.push_str("&amp;"),
            '<' => attributes.push_str("&lt;"),
            '>' => attributes.push_str("&gt;"),
            '"' => attributes.push_str("&quot;"),
            c => attributes.push(c),
        }
    }
    attributes.push('"');
}
