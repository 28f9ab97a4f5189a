//! Mailboxes full of mail, written straight into Maildir, and the catalogue of what was written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::composer::Composer;
use super::dovecot::Dovecot;
use super::imap::modified_utf7;
use super::letter::{Facts, Letter};
use super::sha256;

/// What a mailbox is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sent,
    Plain,
    /// Drafts, junk and trash: never read.
    Skipped,
    /// Excluded by the user.
    Excluded,
}

/// The language of the well-known mailboxes' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    English,
    German,
}

/// The thirteen mailboxes of a user with their weights.
pub(crate) fn mailboxes(naming: Naming) -> [(&'static str, Role, usize); 13] {
    let [sent, drafts, junk, trash] = match naming {
        Naming::English => ["Sent", "Drafts", "Junk", "Trash"],
        Naming::German => ["Gesendete Objekte", "Entwürfe", "Spam", "Papierkorb"],
    };
    [
        ("INBOX", Role::Plain, 34),
        (sent, Role::Sent, 18),
        ("Archive", Role::Plain, 20),
        ("Archive/2023", Role::Plain, 4),
        ("Archive/2024", Role::Plain, 4),
        (drafts, Role::Skipped, 2),
        (junk, Role::Skipped, 3),
        (trash, Role::Skipped, 3),
        ("Mandanten/Müller & Söhne", Role::Plain, 4),
        ("Akte \"Alt\" 2019", Role::Plain, 2),
        ("Rechnungen 2021", Role::Plain, 2),
        ("請求書", Role::Plain, 2),
        ("Private", Role::Excluded, 2),
    ]
}

/// The mail of the practice.
pub(crate) struct Corpus<'d> {
    dovecot: &'d Dovecot,
    pub(crate) composer: Composer,
    /// By the digest of the octets.
    pub(crate) catalogue: BTreeMap<String, Facts>,
    pub(crate) users: Vec<(&'static str, Naming)>,
    files: usize,
}

impl<'d> Corpus<'d> {
    /// Empty mailboxes for these users.
    pub(crate) fn new(dovecot: &'d Dovecot, composer: Composer, users: &[(&'static str, Naming)]) -> Self {
        let corpus = Self { dovecot, composer, catalogue: BTreeMap::new(), users: users.to_vec(), files: 0 };
        let names: Vec<&str> = users.iter().map(|(user, _)| *user).collect();
        dovecot.add_users(&names);
        for (user, naming) in users {
            dovecot.record_user(user);
            for (mailbox, ..) in mailboxes(*naming) {
                corpus.make_mailbox(user, mailbox);
            }
        }
        corpus
    }

    /// Writes so many messages over all mailboxes: one in ten is a client's, some only look so.
    pub(crate) fn fill(&mut self, messages: usize) {
        let end = self.files + messages;
        while self.files < end {
            let users = self.users.clone();
            let (user, naming) = *self.composer.random.pick(&users);
            let (mailbox, role) = self.mailbox(naming);
            match self.composer.random.below(100) {
                0..=9 => self.matching(user, mailbox, role),
                10..=12 if role != Role::Sent => {
                    let letter = self.composer.decoy(user);
                    self.deliver(user, mailbox, &letter);
                }
                13..=14 => {
                    let letter = self.composer.internal(user);
                    self.deliver(user, mailbox, &letter);
                }
                _ => {
                    let letter = self.composer.unlisted(user, role == Role::Sent);
                    self.deliver(user, mailbox, &letter);
                }
            }
        }
    }

    /// Puts one letter into a mailbox on disk, as it came by some way.
    pub(crate) fn deliver(&mut self, user: &str, mailbox: &str, letter: &Letter) {
        let route = u32::try_from(self.files + 1).expect("fewer files than that");
        let octets = self.note(letter, route);
        self.write(user, mailbox, &octets, "S");
    }

    /// Renders a letter and keeps its truth, for octets that reach the server another way.
    pub(crate) fn note(&mut self, letter: &Letter, route: u32) -> Vec<u8> {
        let (octets, facts) = letter.render(route);
        self.catalogue.insert(sha256(&octets), facts);
        octets
    }

    fn mailbox(&mut self, naming: Naming) -> (&'static str, Role) {
        let all = mailboxes(naming);
        let mut rest = self.composer.random.below(all.iter().map(|(.., weight)| weight).sum());
        for (name, role, weight) in all {
            if rest < weight {
                return (name, role);
            }
            rest -= weight;
        }
        unreachable!("the weights add up to the bound")
    }

    fn matching(&mut self, user: &'static str, mailbox: &'static str, role: Role) {
        let letter = match role {
            Role::Sent if self.composer.random.one_in(8) => self.composer.sent_long_ago(),
            Role::Sent => self.composer.sent(user),
            _ if self.composer.random.one_in(6) => self.composer.sent(user),
            _ => self.composer.received(user),
        };
        let route = u32::try_from(self.files + 1).expect("fewer files than that");
        let octets = self.note(&letter, route);
        let flags = *self.composer.random.pick(&["S", "S", "", "RS", "FS", "FRS", "S", "", "DS", "ST"]);
        self.write(user, mailbox, &octets, flags);
        let naming =
            self.users.iter().find(|(id, _)| *id == user).map_or(Naming::English, |(_, naming)| *naming);
        match self.composer.random.below(16) {
            0 => {
                let (elsewhere, _) = self.mailbox(naming);
                self.write(user, elsewhere, &octets, "S");
            }
            // The same mail reached a colleague by another way.
            1..=2 if letter.message_id.is_some() && role != Role::Sent => {
                for (other, _) in self.users.clone().into_iter().filter(|(other, _)| *other != user) {
                    self.deliver(other, "INBOX", &letter);
                }
            }
            // The same identifiers over another text.
            3 if letter.message_id.is_some()
                && letter.date.as_ref().is_some_and(|d| d.ends_with("+0000")) =>
            {
                let mut second = letter.clone();
                second.content.1.extend(b"\r\nNeue Bankverbindung: DE00 1234\r\n");
                self.deliver(user, "Archive", &second);
            }
            // A Message-ID used again by somebody else.
            4 if letter.message_id.is_some() => {
                let mut other = self.composer.received(user);
                other.message_id.clone_from(&letter.message_id);
                self.deliver(user, "INBOX", &other);
            }
            5 => {
                self.write(user, mailbox, &octets, "");
            }
            _ => {}
        }
    }

    fn directory_of(&self, user: &str, mailbox: &str) -> PathBuf {
        let maildir = self.dovecot.home(user).join("Maildir");
        match mailbox {
            "INBOX" => maildir,
            other => maildir.join(format!(".{}", modified_utf7(other).replace('/', "."))),
        }
    }

    fn make_mailbox(&self, user: &str, mailbox: &str) {
        let path = self.directory_of(user, mailbox);
        let (uid, gid) = self.dovecot.owner_of_mail();
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(part)).expect("create a mailbox");
            chown(path.join(part), Some(uid), Some(gid)).expect("hand a mailbox over");
        }
        chown(&path, Some(uid), Some(gid)).expect("hand a mailbox over");
        if mailbox != "INBOX" {
            File::create(path.join("maildirfolder")).expect("mark a mailbox");
            chown(path.join("maildirfolder"), Some(uid), Some(gid)).expect("hand a mark over");
        }
    }

    fn write(&mut self, user: &str, mailbox: &str, octets: &[u8], flags: &str) {
        self.files += 1;
        let unix = 1_400_000_000 + u64::try_from(self.files).expect("a number of files") * 7_200;
        let name = format!("{unix}.M{}P1.test,S={}:2,{flags}", self.files, octets.len());
        let path = self.directory_of(user, mailbox).join("cur").join(name);
        let mut file = File::create(&path).expect("create a message");
        file.write_all(octets).expect("write a message");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(unix)).expect("date a message");
        let (uid, gid) = self.dovecot.owner_of_mail();
        chown(&path, Some(uid), Some(gid)).expect("hand a message over");
    }
}
