//! Sets of numbers, `1:4,7,*` (RFC 9051 §9 `sequence-set`).

/// A set as a session sent it; `*` is settled only against a mailbox.
pub(super) struct NumberSet(Vec<(Bound, Bound)>);

#[derive(Clone, Copy)]
enum Bound {
    Number(u32),
    Last,
}

impl NumberSet {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        text.split(',')
            .map(|range| {
                let (from, to) = range.split_once(':').unwrap_or((range, range));
                Some((bound(from)?, bound(to)?))
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// Whether `number` is in the set when `*` stands for `last`.
    pub(super) fn contains(&self, number: u32, last: u32) -> bool {
        self.0.iter().any(|(from, to)| {
            let (from, to) = (settle(*from, last), settle(*to, last));
            (from.min(to)..=from.max(to)).contains(&number)
        })
    }
}

/// Numbers in ascending order, written as ranges.
pub(super) fn compress(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, to)) if to.checked_add(1) == Some(*number) => *to = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    ranges
        .iter()
        .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}:{to}") })
        .collect::<Vec<_>>()
        .join(",")
}

fn bound(text: &str) -> Option<Bound> {
    if text == "*" {
        return Some(Bound::Last);
    }
    text.parse().ok().filter(|number| *number > 0).map(Bound::Number)
}

fn settle(bound: Bound, last: u32) -> u32 {
    match bound {
        Bound::Number(number) => number,
        Bound::Last => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_they_name() {
        let check =
            |set: &str, number, last| NumberSet::parse(set.as_bytes()).unwrap().contains(number, last);
        assert!(check("1:4,7", 3, 9));
        assert!(!check("1:4,7", 5, 9));
        assert!(check("7:*", 8, 9));
        // RFC 9051 §9: `*` names the last message even when the other end is behind it.
        assert!(check("20:*", 9, 9));
        assert!(NumberSet::parse(b"0").is_none() && NumberSet::parse(b"a").is_none());
        assert_eq!(compress(&[1, 2, 3, 5, 8, 9]), "1:3,5,8:9");
    }
}
