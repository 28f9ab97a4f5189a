//! A page of keys for directories that read everything at once.

use super::{ClientEntry, ClientKeyPage, Practice, Role, User};
use crate::types::Hasher;

impl ClientKeyPage {
    /// The one page of a practice whose keys were read in one go, in any order: its revision is a digest over them, its users and
    /// its rules, so that a host needs no counter for it. No practice has no keys.
    ///
    /// The keys are read whole at the start and at the end of every pass: right up to some ten thousand. A directory of more is
    /// better read by pages and a counter.
    ///
    /// ```
    /// use practicemail::contract::{ClientEntry, ClientKey, ClientKeyPage, Practice};
    /// use practicemail::types::{ClientId, PracticeId};
    /// let practice = Practice::new(PracticeId::new("p")?, "Miller & Co");
    /// let entry = |client, address: &str| ClientEntry::new(ClientId::from(client), ClientKey::Address(address.into()));
    /// let (one, two) = (entry(1, "carl@client.example"), entry(2, "dora@client.example"));
    /// let page = ClientKeyPage::whole(Some(&practice), &[], vec![two.clone(), one.clone()]);
    /// assert_eq!(page.entries, [one.clone(), two.clone()]);
    /// assert_eq!(page, ClientKeyPage::whole(Some(&practice), &[], vec![one.clone(), two]));
    /// assert_ne!(page.revision, ClientKeyPage::whole(Some(&practice), &[], vec![one]).revision);
    /// # Ok::<(), practicemail::error::Error>(())
    /// ```
    pub fn whole(practice: Option<&Practice>, users: &[User], mut entries: Vec<ClientEntry>) -> Self {
        let Some(practice) = practice else { return Self::new("", Vec::new(), None) };
        entries.sort_unstable();
        entries.dedup();
        let mut digest = Hasher::new();
        rules(&mut digest, practice);
        let mut users: Vec<&User> = users.iter().collect();
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        number(&mut digest, users.len());
        for user in users {
            person(&mut digest, user);
        }
        for entry in &entries {
            let (kind, key) = match &entry.key {
                super::ClientKey::Address(key) => ("address", key),
                super::ClientKey::Domain(key) => ("domain", key),
            };
            for text in [entry.client.as_str(), kind, key] {
                digest.field(text.as_bytes());
            }
        }
        Self::new(digest.finish().to_string(), entries, None)
    }
}

fn rules(digest: &mut Hasher, practice: &Practice) {
    digest.field(practice.id.as_str().as_bytes());
    digest.field(practice.name.as_bytes());
    list(digest, &practice.domains);
    list(digest, &practice.never_log);
    digest.field(&[u8::from(practice.fold_addresses)]);
    digest.field(practice.keep_gone_days.map_or_else(String::new, |days| days.to_string()).as_bytes());
}

fn person(digest: &mut Hasher, user: &User) {
    digest.field(user.id.as_str().as_bytes());
    digest.field(user.name.as_bytes());
    digest.field(user.address.as_bytes());
    list(digest, &user.aliases);
    digest.field(&[u8::from(user.role == Role::Administrator), u8::from(user.active)]);
}

/// In an order of its own: a `SELECT` without `ORDER BY` may answer in another one each time.
fn list(digest: &mut Hasher, texts: &[String]) {
    let mut texts: Vec<&String> = texts.iter().collect();
    texts.sort_unstable();
    number(digest, texts.len());
    for text in texts {
        digest.field(text.as_bytes());
    }
}

fn number(digest: &mut Hasher, number: usize) {
    digest.field(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ClientKey;
    use crate::types::{ClientId, PracticeId, UserId};

    fn everything() -> (Practice, Vec<User>, Vec<ClientEntry>) {
        let mut practice = Practice::new(PracticeId::new("p").unwrap(), "P");
        practice.domains = vec!["a.example".into(), "b.example".into()];
        practice.never_log = vec!["c.example".into(), "d.example".into()];
        let mut anna = User::new(UserId::from(1), "Anna", "anna@a.example");
        anna.aliases = vec!["a@a.example".into(), "b@a.example".into()];
        let users = vec![anna, User::new(UserId::from(2), "Ben", "ben@a.example")];
        let entry =
            |client, key: &str| ClientEntry::new(ClientId::from(client), ClientKey::Address(key.into()));
        (practice, users, vec![entry(1, "x@x.example"), entry(2, "y@y.example")])
    }

    #[test]
    fn the_order_of_rows_does_not_count_and_a_row_twice_counts_once() {
        let (mut practice, mut users, mut entries) = everything();
        let before = ClientKeyPage::whole(Some(&practice), &users, entries.clone());
        users[0].aliases.reverse();
        users.reverse();
        entries.push(entries[0].clone());
        entries.reverse();
        practice.domains.reverse();
        practice.never_log.reverse();
        assert_eq!(ClientKeyPage::whole(Some(&practice), &users, entries), before);
    }

    #[test]
    fn anything_else_does() {
        type Change = fn(&mut Practice, &mut Vec<User>, &mut Vec<ClientEntry>);
        let changes: [Change; 15] = [
            |_, _, _| {},
            |p, _, _| p.name.push('!'),
            |p, _, _| p.domains.truncate(1),
            |p, _, _| p.never_log.truncate(1),
            |p, _, _| p.never_log.append(&mut p.domains),
            |p, _, _| p.fold_addresses = true,
            |p, _, _| p.keep_gone_days = Some(0),
            |_, u, _| u[0].role = Role::Administrator,
            |_, u, _| u[0].active = false,
            |_, u, _| u[1].aliases = std::mem::take(&mut u[0].aliases),
            |_, u, _| u[1].address.push('x'),
            |_, u, _| u.truncate(1),
            |_, _, e| e[0].key = ClientKey::Domain("x@x.example".into()),
            |_, _, e| e[0].client = ClientId::from(2),
            |_, _, e| e.clear(),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for (number, change) in changes.into_iter().enumerate() {
            let (mut practice, mut users, mut entries) = everything();
            change(&mut practice, &mut users, &mut entries);
            let page = ClientKeyPage::whole(Some(&practice), &users, entries);
            assert!(seen.insert(page.revision), "change {number}");
        }
        let nothing = ClientKeyPage::whole(None, &[], everything().2);
        assert!(nothing.entries.is_empty() && seen.insert(nothing.revision));
    }
}
