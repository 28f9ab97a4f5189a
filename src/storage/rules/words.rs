//! Where the terms of a search may stand.

use crate::contract::Rendition;
use crate::types::search_words;

/// What whoever sees the message may search: the subject, and who takes part, each as words.
pub(in crate::storage) fn head(rendition: &Rendition) -> Vec<Vec<String>> {
    let people = rendition
        .participants
        .iter()
        .flat_map(|participant| [participant.name.as_str().to_owned(), participant.address.to_string()]);
    std::iter::once(rendition.subject.as_str().to_owned()).chain(people).map(|text| words(&text)).collect()
}

/// What only those may search who may read it: the text, and the attachments' names.
pub(in crate::storage) fn body(rendition: &Rendition) -> Vec<Vec<String>> {
    let names = rendition.attachments.iter().map(|attachment| attachment.name.as_str());
    std::iter::once(rendition.text.as_str()).chain(names).map(words).collect()
}

fn words(text: &str) -> Vec<String> {
    search_words(text).collect()
}
