//! A server full of mail and a practice connected to it: where most black-box tests begin.

use std::collections::BTreeSet;

use serde_json::Value;

use super::composer::Composer;
use super::corpus::{Corpus, Naming, Role, mailboxes};
use super::directory::Directory;
use super::dovecot::Dovecot;
use super::practice::{Encryption, Practice};
use super::truth::{Reading, Truth};

/// What one mailbox shows without its octets: its name, its status, and flags by UID.
type Fingerprint = (String, [u64; 6], Vec<(u32, Vec<String>)>);

/// The scene.
pub(crate) struct Scene<'d> {
    pub(crate) dovecot: &'d Dovecot,
    pub(crate) corpus: Corpus<'d>,
    pub(crate) practice: Practice,
    pub(crate) readings: Vec<Reading>,
}

impl<'d> Scene<'d> {
    /// Writes so many messages for Anna, who has English mailboxes, and Ben, who has German ones, and connects both.
    pub(crate) fn of_two(dovecot: &'d Dovecot, messages: usize, encryption: Encryption) -> Self {
        Self::new(dovecot, &[("anna", Naming::English), ("ben", Naming::German)], messages, encryption)
    }

    /// The same for a host that is there already.
    pub(crate) fn of_two_on(
        dovecot: &'d Dovecot,
        practice: Practice,
        messages: usize,
        encryption: Encryption,
    ) -> Self {
        let users = [("anna", Naming::English), ("ben", Naming::German)];
        Self::on(dovecot, practice, &users, messages, encryption)
    }

    /// The same for Anna alone.
    pub(crate) fn of_anna(dovecot: &'d Dovecot, messages: usize, encryption: Encryption) -> Self {
        Self::new(dovecot, &[("anna", Naming::English)], messages, encryption)
    }

    fn new(
        dovecot: &'d Dovecot,
        users: &[(&'static str, Naming)],
        messages: usize,
        encryption: Encryption,
    ) -> Self {
        Self::on(dovecot, Practice::new(), users, messages, encryption)
    }

    fn on(
        dovecot: &'d Dovecot,
        practice: Practice,
        users: &[(&'static str, Naming)],
        messages: usize,
        encryption: Encryption,
    ) -> Self {
        let mut corpus = Corpus::new(dovecot, Composer::new(Directory::new(), 20_261_124), users);
        corpus.fill(messages);
        practice.init(&corpus.composer.directory);
        let readings = users
            .iter()
            .map(|(user, naming)| {
                let all = mailboxes(*naming);
                let excluded = all.iter().filter(|(_, role, _)| *role == Role::Excluded);
                let more: Vec<&str> = excluded.flat_map(|(name, ..)| ["--exclude", *name]).collect();
                let answer = practice.connect(dovecot, user, encryption, &more).success();
                assert_eq!(answer["checked"], true, "{answer}");
                reading(user, *naming, &answer)
            })
            .collect();
        Self { dovecot, corpus, practice, readings }
    }

    /// What an export must say now.
    pub(crate) fn truth(&self) -> Truth {
        Truth::survey(self.dovecot, &self.readings, &self.corpus.catalogue, &self.corpus.composer.directory)
    }

    /// Everything a reader could change on the server: flags by UID, and each mailbox's status.
    pub(crate) fn fingerprint(&self) -> Vec<Fingerprint> {
        let mut all = Vec::new();
        for reading in &self.readings {
            let mut session = self.dovecot.session(&reading.user);
            for mailbox in &reading.mailboxes {
                let flags = session.flags(mailbox);
                all.push((format!("{} {mailbox}", reading.user), session.fingerprint(mailbox), flags));
            }
        }
        all
    }
}

fn reading(user: &str, naming: Naming, connected: &Value) -> Reading {
    let named = |wanted: &[Role]| -> BTreeSet<String> {
        let all = mailboxes(naming);
        all.iter().filter(|(_, role, _)| wanted.contains(role)).map(|(name, ..)| (*name).to_owned()).collect()
    };
    Reading {
        user: user.to_owned(),
        account: connected["account"].as_str().expect("an account").to_owned(),
        mailboxes: named(&[Role::Plain, Role::Sent, Role::Skipped, Role::Excluded]),
        sent: named(&[Role::Sent]),
        unread: named(&[Role::Skipped, Role::Excluded]),
    }
}

/// Adds up a number over every mailbox of every account of a `sync` answer.
pub(crate) fn total(answer: &Value, key: &str) -> u64 {
    let accounts = answer["accounts"].as_array().expect("accounts");
    let mailboxes = accounts.iter().flat_map(|account| account["mailboxes"].as_array().expect("mailboxes"));
    mailboxes.map(|mailbox| mailbox[key].as_u64().unwrap_or_else(|| panic!("no {key} in {mailbox}"))).sum()
}

/// A number of every account of a `sync` answer.
pub(crate) fn each_account(answer: &Value, key: &str) -> Vec<u64> {
    let accounts = answer["accounts"].as_array().expect("accounts");
    accounts
        .iter()
        .map(|account| account[key].as_u64().unwrap_or_else(|| panic!("no {key} in {account}")))
        .collect()
}

/// Whether every mailbox of every account was found as it had been left.
pub(crate) fn all_unchanged(answer: &Value) -> bool {
    let accounts = answer["accounts"].as_array().expect("accounts");
    let mut mailboxes =
        accounts.iter().flat_map(|account| account["mailboxes"].as_array().expect("mailboxes"));
    mailboxes.all(|mailbox| mailbox["unchanged"] == true)
}

/// The names of all failpoints but those that only sending passes, as JSON in whatever shape or one a line.
pub(crate) fn failpoints(practice: &Practice) -> Vec<String> {
    let outcome = practice.run(&["--failpoint", "list"], &[]);
    assert_eq!(outcome.code, Some(0), "no failpoints: {outcome:?}");
    let name = |value: &Value| value.as_str().or_else(|| value["name"].as_str()).map(str::to_owned);
    let listed = serde_json::from_str::<Value>(&outcome.stdout).ok().and_then(|answer| {
        let inside =
            answer.as_object().and_then(|object| object.values().find(|value| value.is_array()).cloned());
        inside.unwrap_or(answer).as_array().map(|names| names.iter().filter_map(name).collect::<Vec<_>>())
    });
    let mut names: Vec<String> =
        listed.unwrap_or_else(|| outcome.stdout.lines().map(|line| line.trim().to_owned()).collect());
    let of_sending =
        ["outgoing", "enqueue", "settings", "smtp_", "graph_", "wire.find", "wire.append", "wire.create"];
    names.retain(|name| !of_sending.iter().any(|word| name.contains(word)));
    names
}

/// Aborts a first pass at a failpoint and runs another, which must make the archive complete at once. Answers whether the first
/// came by that point at all.
pub(crate) fn abort_and_continue(scene: &Scene<'_>, truth: &Truth, failpoint: &str) -> bool {
    let twin = scene.practice.duplicate();
    let first = twin.run(&["--failpoint", failpoint], &["sync", "--window", "40"]);
    let aborted = first.code.is_none();
    assert!(aborted || first.code == Some(0), "{failpoint} ends otherwise: {first:?}");
    let second = twin.run(&[], &["sync"]);
    assert_eq!(second.code, Some(0), "after {failpoint}: {second:?}");
    assert!(
        second.elapsed.as_secs() < 10,
        "after {failpoint} a dead process was waited for: {:?}",
        second.elapsed
    );
    let export = twin.export();
    let judged = std::panic::catch_unwind(|| truth.assert_equals(&export));
    assert!(judged.is_ok(), "after {failpoint} the export differs, see above");
    aborted
}
