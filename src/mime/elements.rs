//! The elements and attributes of HTML that a message needs, by what is done with them. Names stand between spaces.

/// Elements that are kept.
pub(super) const ELEMENTS: &str = "\
    a abbr address article aside b bdi bdo big blockquote br caption center cite code dd del dfn div dl \
    dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p q s \
    samp section small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var";
/// Attributes that are kept of any element, beside `style`.
pub(super) const ATTRIBUTES: &str = "\
    align alt bgcolor border cellpadding cellspacing color colspan dir face height lang nowrap rowspan \
    size start title type valign width";
/// Attributes by which elements load something.
pub(super) const LOADING: &str = "background data poster src srcset dynsrc";
/// Elements that go with all that is in them: it is no text, or means nothing by itself.
pub(super) const SILENT: &str = "\
    iframe math noembed noframes plaintext script select style svg template textarea title";
/// Of these, those that can be empty.
pub(super) const FOREIGN: &str = "math svg";
/// Elements that end a paragraph.
pub(super) const BLOCKS: &str = "\
    address article aside blockquote center dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 \
    header hr li main ol p section table td th tr ul";
/// Elements without content.
pub(super) const VOID: &str = "br hr img";
/// Parts of a table that hold rows.
pub(super) const SECTIONS: &str = "tbody tfoot thead";
/// Elements whose text is shown as it is written.
pub(super) const PREFORMATTED: &str = "listing pre xmp";

/// Whether a name is one of a list.
pub(super) fn is_one_of(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// Whether it is a part of a table that holds text.
pub(super) fn is_cell(name: &str) -> bool {
    matches!(name, "caption" | "td" | "th")
}

/// The element that is kept of this name.
pub(super) fn kept(name: &str) -> Option<&'static str> {
    ELEMENTS.split(' ').find(|known| *known == name)
}
