//! Names that are nearly right.

use crate::settings::{Provider, ServerTemplate};

/// Where a name was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// As an address, or its domain.
    Address,
    /// As the incoming server.
    Incoming,
    /// As the outgoing server.
    Outgoing,
}

/// From this length on a name with one mistake is taken for a known one: among shorter ones everything is near.
const ONE_MISTAKE: usize = 9;
/// From this length on two mistakes are.
const TWO_MISTAKES: usize = 11;
/// Longest name looked at.
const LONGEST: usize = 64;
/// Real domains that are near to known ones.
const REAL: &[&str] = &["email.com", "gmail.co.uk", "inmail.com", "usmail.com"];
/// Top-level domains that are typed by mistake for `com`, though they exist.
const NEARLY_COM: &[&str] = &["co", "cm", "om"];
/// Top-level domains of three letters and more that are meant when they are typed.
const MEANT: &[&str] = &["com", "net", "org", "edu", "gov", "int", "mil", "biz", "info", "name", "pro"];

/// The known name that was probably meant. `None` for one that is known itself, or near to none.
///
/// ```
/// use practicemail::settings::typed::{Place, did_you_mean};
/// assert_eq!(did_you_mean("anna@gmial.com", Place::Address), Some("gmail.com"));
/// assert_eq!(did_you_mean("smtp.gmail.com", Place::Incoming), Some("imap.gmail.com"));
/// assert_eq!(did_you_mean("mail.example.org", Place::Incoming), None);
/// ```
pub fn did_you_mean(typed: &str, place: Place) -> Option<&'static str> {
    let typed = typed.trim().trim_end_matches('.').to_lowercase();
    let typed = typed.rsplit('@').next().unwrap_or_default();
    if typed.len() > LONGEST || REAL.contains(&typed) || known(place).any(|name| name == typed) {
        return None;
    }
    if let Some(servers) = other_place(typed, place) {
        return servers.iter().find(|server| !server.needs_input()).map(ServerTemplate::host);
    }
    let near = known(place).filter_map(|name| Some((mistakes(typed, name)?, name)));
    near.min_by_key(|(mistakes, _)| *mistakes).map(|(_, name)| name)
}

fn known(place: Place) -> impl Iterator<Item = &'static str> {
    Provider::all().iter().flat_map(move |provider| {
        let servers = match place {
            Place::Address => &[],
            Place::Incoming => provider.incoming(),
            Place::Outgoing => provider.outgoing(),
        };
        let domains = if place == Place::Address { provider.domains() } else { &[] };
        let domains = domains.iter().map(|domain| domain.trim_start_matches("*."));
        domains.chain(servers.iter().filter(|server| !server.needs_input()).map(ServerTemplate::host))
    })
}

/// The servers that belong here, where what stands here is right elsewhere: the outgoing server as the incoming one, or the
/// address's domain as either.
fn other_place(typed: &str, place: Place) -> Option<&'static [ServerTemplate]> {
    let of = |provider: &'static Provider| {
        let (here, there) = match place {
            Place::Address => return None,
            Place::Incoming => (provider.incoming(), provider.outgoing()),
            Place::Outgoing => (provider.outgoing(), provider.incoming()),
        };
        let is = there.iter().any(|server| server.host() == typed) || provider.domains().contains(&typed);
        is.then_some(here)
    };
    Provider::all().iter().find_map(of)
}

/// By how many mistakes a known name is another; `None` where that many say nothing.
fn mistakes(typed: &str, name: &'static str) -> Option<usize> {
    let allowed = match name.len() {
        TWO_MISTAKES.. => 2,
        ONE_MISTAKE.. => 1,
        _ => return None,
    };
    let distance = distance(typed, name);
    if distance > allowed {
        return None;
    }
    let ((typed_above, typed_top), (above, top)) = (typed.rsplit_once('.')?, name.rsplit_once('.')?);
    if typed_above != above {
        return Some(distance);
    }
    // Under another top-level domain the same name may well exist.
    let slip = match typed_top.len() {
        ..=2 => top == "com" && NEARLY_COM.contains(&typed_top),
        _ => !MEANT.contains(&typed_top),
    };
    slip.then_some(distance)
}

/// Insertions, deletions, substitutions and swaps of neighbours that make one text the other (Damerau-Levenshtein, every piece
/// edited once).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let mut last_b = None;
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&row, j) + usize::from(ca != *cb);
            let mut least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if last_a == Some(*cb) && last_b == Some(ca) {
                least = least.min(at(&before, j.wrapping_sub(1)) + 1);
            }
            next.push(least);
            last_b = Some(*cb);
        }
        (before, row, last_a) = (row, next, Some(ca));
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_mistakes_of_typing() {
        for (a, b, mistakes) in [
            ("gmail", "gmail", 0),
            ("gmial", "gmail", 1),
            ("gmal", "gmail", 1),
            ("", "abc", 3),
            ("ca", "abc", 3),
            ("outlok", "outlook", 1),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (mistakes, mistakes), "{a} {b}");
        }
    }

    /// S17
    #[test]
    fn a_name_that_is_nearly_right_is_recognised() {
        for (typed, place, meant) in [
            ("gmial.com", Place::Address, "gmail.com"),
            ("gmai.com", Place::Address, "gmail.com"),
            ("gmail.con", Place::Address, "gmail.com"),
            ("gmail.co", Place::Address, "gmail.com"),
            ("anna@outlok.com", Place::Address, "outlook.com"),
            ("hotmial.com", Place::Address, "hotmail.com"),
            ("imap.gmal.com", Place::Incoming, "imap.gmail.com"),
            ("imap.gmail.con", Place::Incoming, "imap.gmail.com"),
            ("IMAP.GAMIL.COM.", Place::Incoming, "imap.gmail.com"),
            ("iamp.gmail.com", Place::Incoming, "imap.gmail.com"),
            ("outlook.ofice365.com", Place::Incoming, "outlook.office365.com"),
            ("smtp.offce365.com", Place::Outgoing, "smtp.office365.com"),
            ("smtp.gmail.com", Place::Incoming, "imap.gmail.com"),
            ("imap.gmail.com", Place::Outgoing, "smtp.gmail.com"),
            ("gmail.com", Place::Incoming, "imap.gmail.com"),
        ] {
            assert_eq!(did_you_mean(typed, place), Some(meant), "{typed}");
        }
    }

    /// S17
    #[test]
    fn a_name_of_its_own_is_left_alone() {
        for (typed, place) in [
            ("mail.example.org", Place::Incoming),
            ("imap.example.org", Place::Incoming),
            ("imap.gmail.com", Place::Incoming),
            ("posteo.de", Place::Incoming),
            ("gmail.com", Place::Address),
            ("email.com", Place::Address),
            ("hex.com", Place::Address),
            ("outlook.be", Place::Address),
            ("yahoo.co.za", Place::Address),
            ("hale.example", Place::Address),
            ("", Place::Address),
        ] {
            assert_eq!(did_you_mean(typed, place), None, "{typed}");
        }
        for provider in Provider::all() {
            for domain in provider.domains() {
                assert_eq!(did_you_mean(domain.trim_start_matches("*."), Place::Address), None);
            }
        }
    }
}
