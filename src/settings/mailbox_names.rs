//! Names by which a mailbox's use is known where the server does not say it (RFC 6154 is not spoken everywhere).

use unicode_normalization::UnicodeNormalization;

use crate::types::SpecialUse;

/// One `use<TAB>name` a line; provenance at its head.
const NAMES: &str = include_str!("mailbox_names.tsv");

/// The use that the last component of a mailbox's name tells in some language.
///
/// ```
/// use practicemail::{settings::mailbox_names::use_of, types::SpecialUse};
/// assert_eq!(use_of("Gesendete Elemente"), Some(SpecialUse::Sent));
/// assert_eq!(use_of("Invoices"), None);
/// ```
pub fn use_of(component: &str) -> Option<SpecialUse> {
    let name: String = component.nfkc().filter(|c| !matches!(c, '\u{200e}' | '\u{200f}')).collect();
    let name = name.trim().to_lowercase();
    let rows = NAMES.lines().filter_map(|line| line.split_once('\t'));
    rows.into_iter().find(|(_, known)| *known == name).and_then(|(special_use, _)| match special_use {
        "archive" => Some(SpecialUse::Archive),
        "drafts" => Some(SpecialUse::Drafts),
        "junk" => Some(SpecialUse::Junk),
        "sent" => Some(SpecialUse::Sent),
        "trash" => Some(SpecialUse::Trash),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_languages_are_known() {
        for (name, special_use) in [
            ("Sent", SpecialUse::Sent),
            ("Sent Items", SpecialUse::Sent),
            ("Entwürfe", SpecialUse::Drafts),
            ("送信済みアイテム", SpecialUse::Sent),
            ("Papierkorb", SpecialUse::Trash),
            ("Junk", SpecialUse::Junk),
            ("Spam", SpecialUse::Junk),
            ("Trash", SpecialUse::Trash),
            ("Drafts", SpecialUse::Drafts),
        ] {
            assert_eq!(use_of(name), Some(special_use), "{name}");
        }
        assert_eq!(use_of("Müller & Söhne"), None);
    }
}
