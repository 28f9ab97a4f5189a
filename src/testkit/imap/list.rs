//! LIST and LSUB (RFC 9051 §6.3.9; RFC 5258, 5819, 6154).

use std::collections::BTreeMap;

use super::{
    command::{Arguments, Value},
    fault::Fault,
    reply::{Reply, astring, line, string},
    session::Session,
    store::{Store, canonical},
};

/// What a LIST asks for beyond names.
#[derive(Default)]
struct Wanted {
    /// Whether it was asked in the way of RFC 5258.
    extended: bool,
    /// Only mailboxes that are subscribed, or have a special use.
    only: Vec<Only>,
    /// Attributes to tell.
    told: Vec<Only>,
    status: Option<Vec<Value>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Only {
    Subscribed,
    SpecialUse,
}

impl Session {
    pub(super) fn list(&mut self, command: &str, arguments: &mut Arguments) -> Option<Reply> {
        let user = self.user.clone()?;
        let mut wanted = Wanted::default();
        if command == "LSUB" {
            wanted.only.push(Only::Subscribed);
        }
        if let Some(options) = arguments.list() {
            self.selection(&options, &mut wanted)?;
        }
        let reference = arguments.octets()?;
        let patterns: Vec<Vec<u8>> = arguments
            .next()?
            .items()
            .iter()
            .map(|pattern| pattern.octets().map(|octets| [reference.as_slice(), octets].concat()))
            .collect::<Option<_>>()?;
        if arguments.skip("RETURN") {
            self.returned(&arguments.list()?, &mut wanted)?;
        }
        if !arguments.is_empty() {
            return None;
        }
        let done = Reply::ok(format!("{command} completed."));
        if self.holds(&Fault::ListEmpty) {
            return Some(done);
        }
        let store = user.store();
        let delimiter = self.delimiter_told(&store);
        let mut untagged = Vec::new();
        if patterns.iter().all(Vec::is_empty) {
            line(&mut untagged, [b"* LIST (\\Noselect) ", delimiter.as_slice(), b" \"\""].concat());
            return Some(done.with(untagged));
        }
        for (name, mut attributes) in self.listed(&store, &patterns, &wanted) {
            if !wanted.extended && command == "LSUB" {
                attributes.retain(|attribute| attribute.starts_with("\\No"));
            }
            let head = format!("* {command} ({}) ", attributes.join(" "));
            line(&mut untagged, [head.as_bytes(), &delimiter, b" ", &astring(&name)].concat());
            let counted = store.get(&name).filter(|mailbox| mailbox.selectable()).zip(wanted.status.as_ref());
            if let Some((mailbox, items)) = counted {
                line(&mut untagged, self.status_line(&name, mailbox, items)?);
            }
        }
        let many = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::ListMany { count } => Some(*count),
            _ => None,
        });
        for number in 0..many.unwrap_or(0) {
            let head = format!("* {command} (\\HasNoChildren) ");
            let name = format!(" phantom-{number}");
            line(&mut untagged, [head.as_bytes(), &delimiter, name.as_bytes()].concat());
        }
        Some(done.with(untagged))
    }

    fn selection(&self, options: &[Value], wanted: &mut Wanted) -> Option<()> {
        wanted.extended = self.shared.personality.has("LIST-EXTENDED").then_some(true)?;
        for option in options {
            match option.text()?.to_ascii_uppercase().as_str() {
                "SUBSCRIBED" => wanted.only.push(Only::Subscribed),
                "SPECIAL-USE" => wanted.only.push(Only::SpecialUse),
                "REMOTE" | "RECURSIVEMATCH" => {}
                _ => return None,
            }
        }
        wanted.told.clone_from(&wanted.only);
        Some(())
    }

    fn returned(&self, options: &[Value], wanted: &mut Wanted) -> Option<()> {
        let personality = &self.shared.personality;
        wanted.extended = personality.has("LIST-EXTENDED").then_some(true)?;
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match option.text()?.to_ascii_uppercase().as_str() {
                "SUBSCRIBED" => wanted.told.push(Only::Subscribed),
                "CHILDREN" => {}
                "SPECIAL-USE" if personality.has("SPECIAL-USE") => wanted.told.push(Only::SpecialUse),
                "STATUS" if personality.has("LIST-STATUS") => {
                    wanted.status = Some(options.next()?.items().to_vec());
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn listed(&self, store: &Store, patterns: &[Vec<u8>], wanted: &Wanted) -> BTreeMap<Vec<u8>, Vec<String>> {
        let personality = &self.shared.personality;
        let mut delimiter = [0; 4];
        let delimiter = store.delimiter().encode_utf8(&mut delimiter).as_bytes();
        let fits = |name: &[u8]| patterns.iter().any(|pattern| matches(&canonical(pattern), name, delimiter));
        let tell_special = personality.has("SPECIAL-USE")
            && (wanted.told.contains(&Only::SpecialUse)
                || !wanted.extended
                || !personality.special_use_by_request);
        let mut listed = BTreeMap::new();
        for (name, mailbox) in store.mailboxes() {
            let special = |attribute: &&String| {
                !attribute.eq_ignore_ascii_case("\\Noselect")
                    && !attribute.eq_ignore_ascii_case("\\NonExistent")
            };
            let left_out = wanted.only.contains(&Only::Subscribed) && !mailbox.subscribed
                || wanted.only.contains(&Only::SpecialUse)
                    && !mailbox.attributes.iter().any(|own| special(&own));
            if left_out {
                continue;
            }
            if fits(name) {
                let own = mailbox.attributes.iter().filter(|own| tell_special || !special(own));
                let mut attributes: Vec<String> = own.cloned().collect();
                if personality.has("CHILDREN") {
                    attributes.push(children(store, name, delimiter).to_owned());
                }
                if wanted.told.contains(&Only::Subscribed) && mailbox.subscribed {
                    attributes.push("\\Subscribed".to_owned());
                }
                listed.insert(name.clone(), attributes);
            } else {
                // RFC 9051 §6.3.9: with `%` a parent that is no mailbox shows its children exist.
                for parent in
                    parents(name, delimiter).filter(|parent| fits(parent) && store.get(parent).is_none())
                {
                    listed.insert(parent.to_vec(), vec!["\\Noselect".to_owned(), "\\HasChildren".to_owned()]);
                }
            }
        }
        listed
    }

    fn delimiter_told(&self, store: &Store) -> Vec<u8> {
        let lie = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::ListDelimiter(delimiter) => Some(*delimiter),
            _ => None,
        });
        match lie.unwrap_or(Some(store.delimiter())) {
            Some(delimiter) => string(delimiter.to_string().as_bytes()),
            None => b"NIL".to_vec(),
        }
    }
}

fn children(store: &Store, name: &[u8], delimiter: &[u8]) -> &'static str {
    let prefix = [name, delimiter].concat();
    let has = store.mailboxes().any(|(other, _)| other.starts_with(&prefix));
    if has { "\\HasChildren" } else { "\\HasNoChildren" }
}

fn parents<'a>(name: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let ends = (0..name.len()).filter(|at| name.get(*at..).is_some_and(|rest| rest.starts_with(delimiter)));
    ends.filter_map(|end| name.get(..end))
}

/// Whether a name fits a pattern: `*` stands for anything, `%` for anything on one level.
fn matches(pattern: &[u8], name: &[u8], delimiter: &[u8]) -> bool {
    // The places in the name the pattern read so far may have come to.
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        let mut running = false;
        for (at, (here, target)) in reached.iter().zip(&mut next).enumerate() {
            match wanted {
                b'*' | b'%' => {
                    running |= *here;
                    *target = running;
                    let ahead = name.get(at..).unwrap_or_default();
                    running &= *wanted == b'*' || !ahead.starts_with(delimiter);
                }
                octet => {
                    *target = at > 0 && reached.get(at - 1) == Some(&true) && name.get(at - 1) == Some(octet);
                }
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_standard_says() {
        let check = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes(), b"/");
        assert!(check("*", "a/b") && check("*", ""));
        assert!(check("%", "a") && !check("%", "a/b"));
        assert!(check("%/%", "a/b") && !check("%/%", "a/b/c"));
        assert!(check("a/*", "a/b/c") && !check("a/*", "a"));
        assert!(check("[Gmail]/%", "[Gmail]/All Mail"));
        assert!(check("INBOX", "INBOX") && !check("INBOX", "INBO"));
        assert!(check("*b*", "abc") && check("a%c", "abc") && check("**", "x"));
    }
}
