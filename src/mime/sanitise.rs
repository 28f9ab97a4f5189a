//! HTML of a stranger, made fit to be shown inside a host's page.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::elements::{ATTRIBUTES, ELEMENTS};
use super::leaf::MAX_TEXT;
use super::style;
use super::target::{is_image, link};
use super::tidy::tidy;

/// Whether a message may load what lies elsewhere: its sender learns then that it is read, when and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteContent {
    /// Nothing is loaded.
    #[default]
    Blocked,
    /// Images are.
    Allowed,
}

type Resolve<'a> = Box<dyn Fn(&str) -> Option<String> + Send + Sync + 'a>;

/// How HTML is to be shown.
#[derive(Default)]
pub struct HtmlOptions<'a> {
    pub(super) remote: RemoteContent,
    inline: Option<Resolve<'a>>,
}

impl fmt::Debug for HtmlOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtmlOptions").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl<'a> HtmlOptions<'a> {
    /// Nothing is loaded from elsewhere, and no image is shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says whether remote content is loaded.
    pub fn remote_content(mut self, remote: RemoteContent) -> Self {
        self.remote = remote;
        self
    }

    /// Says where the message's own images lie: given a Content-ID without brackets, the `http` or `https` URL or the
    /// path under which the host serves that part; `None` leaves the image out.
    pub fn inline(mut self, resolve: impl Fn(&str) -> Option<String> + Send + Sync + 'a) -> Self {
        self.inline = Some(Box::new(resolve));
        self
    }

    pub(super) fn resolve(&self, content_id: &str) -> Option<String> {
        self.inline.as_ref().and_then(|resolve| resolve(content_id))
    }
}

/// HTML that runs nothing, asks for nothing but what it was allowed to, and stays where it is put.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SafeHtml {
    /// The HTML: a fragment, for the inside of an element.
    pub html: String,
    /// How many remote resources were left out.
    pub blocked: usize,
}

/// Nothing of what the message says.
impl fmt::Debug for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SafeHtml").field("blocked", &self.blocked).finish_non_exhaustive()
    }
}

/// Makes the HTML of a message fit to be shown.
///
/// Kept are the elements of text, tables and images; style attributes by a list of properties that change looks
/// alone; links of `http`, `https`, `mailto` and `tel`, which open in a page of their own that learns nothing of this
/// one. Scripts, style sheets, forms, frames, ids and classes go. Images are the message's own, as
/// [`HtmlOptions::inline`] says, and remote ones where allowed. Time and memory grow with the input's length alone;
/// of it, 256 KiB are looked at, which is all that [`ParsedMessage::html`](crate::types::ParsedMessage::html) holds.
///
/// ```
/// use practicemail::mime::{HtmlOptions, sanitise};
/// let html = r#"<p onclick="x()">Hello<script>x()</script> <img src="cid:logo%40x"><img src="https://x.example/seen.gif">"#;
/// let options = HtmlOptions::new().inline(|id| (id == "logo@x").then(|| "/mail/7/logo".to_owned()));
/// let safe = sanitise(html, &options);
/// assert_eq!((safe.html.as_str(), safe.blocked), (r#"<p>Hello <img src="/mail/7/logo"></p>"#, 1));
/// ```
pub fn sanitise(html: &str, options: &HtmlOptions<'_>) -> SafeHtml {
    let html = html.get(..html.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
    let (tidy, blocked) = tidy(html, options);
    let html = CLEANER.clean(&tidy).to_string().replace('\r', "\n");
    SafeHtml { html, blocked }
}

/// What nothing passes, whatever was thought of it before.
static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(ELEMENTS.split(' ').collect())
        .generic_attributes(ATTRIBUTES.split(' ').chain(["style"]).collect())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"])), ("img", HashSet::from(["src"]))]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(|_, attribute, value| match attribute {
            "href" => link(value).map(Into::into),
            "src" => is_image(value).then(|| value.into()),
            "style" => Some(style::harmless(value).into())
                .filter(|style: &std::borrow::Cow<'_, str>| !style.is_empty()),
            _ => Some(value.into()),
        });
    cleaner
});
