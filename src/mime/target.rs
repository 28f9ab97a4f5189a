//! Where links and images of a message lead.

use super::transfer::hex;

/// Schemes of links.
const LINKS: [&str; 4] = ["http", "https", "mailto", "tel"];

fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    scheme
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        .then(|| scheme.to_ascii_lowercase())
}

/// The target of a link, where it is one that leads out of the page and runs nothing.
pub(super) fn link(url: &str) -> Option<String> {
    let url = url.trim();
    scheme(url).filter(|scheme| LINKS.contains(&scheme.as_str())).map(|_| url.to_owned())
}

/// Whether an image may lie there: on the web, or at a path of the host's.
pub(super) fn is_image(url: &str) -> bool {
    match scheme(url) {
        Some(scheme) => scheme == "http" || scheme == "https",
        None => !url.is_empty() && !url.contains(':') && !url.starts_with("//") && !url.contains('\\'),
    }
}

/// Whether it lies on the web.
pub(super) fn is_remote(url: &str) -> bool {
    url.starts_with("//") || scheme(url).is_some_and(|scheme| scheme == "http" || scheme == "https")
}

/// Undoes the percent signs of RFC 2392 and RFC 3986; one that is none stands for itself.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                octets.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                rest = after;
            }
            _ => octets.push(*first),
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}
