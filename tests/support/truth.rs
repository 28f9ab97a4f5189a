//! The ground truth: what the server holds, judged by what was noted while writing, against what the host exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::directory::Directory;
use super::dovecot::Dovecot;
use super::letter::{Facts, Field};

/// Where one user's mail lies and which of it is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) user: String,
    pub(crate) account: String,
    /// The names on the server now.
    pub(crate) mailboxes: BTreeSet<String>,
    pub(crate) sent: BTreeSet<String>,
    /// Drafts, junk, trash and what the user excluded.
    pub(crate) unread: BTreeSet<String>,
}

/// One place a message lies, as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copy {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) mailbox: String,
    pub(crate) uidvalidity: u64,
    pub(crate) uid: u64,
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

/// One message as an export line tells it, copies in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) copies: Vec<Copy>,
    pub(crate) message_id: Option<String>,
    pub(crate) clients: Vec<String>,
    pub(crate) renditions: u64,
}

/// What an export must say now.
#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) lines: BTreeSet<Line>,
    /// Octets of all messages on the server, and of those that are archived.
    pub(crate) octets: u64,
    pub(crate) archived_octets: u64,
    /// Messages on the server.
    pub(crate) messages: usize,
    kinds: BTreeMap<String, &'static str>,
}

impl Truth {
    /// Reads everything there is on the server and judges it.
    pub(crate) fn survey(
        dovecot: &Dovecot,
        readings: &[Reading],
        catalogue: &BTreeMap<String, Facts>,
        directory: &Directory,
    ) -> Self {
        let mut messages: BTreeMap<&str, Archived<'_>> = BTreeMap::new();
        let (mut octets, mut archived_octets, mut count) = (0, 0, 0);
        for reading in readings {
            let mut session = dovecot.session(&reading.user);
            for mailbox in &reading.mailboxes {
                let uidvalidity = session.status(mailbox, "UIDVALIDITY");
                for found in session.messages(mailbox) {
                    count += 1;
                    octets += found.size;
                    let facts = catalogue.get(&found.sha256).expect("every message on the server was noted");
                    let passed_over = found.flags.iter().any(|flag| flag == "\\Draft" || flag == "\\Deleted");
                    let clients = clients(facts, reading.sent.contains(mailbox), directory);
                    if passed_over || clients.is_empty() || reading.unread.contains(mailbox) {
                        continue;
                    }
                    archived_octets += found.size;
                    let archived = messages.entry(&facts.identity).or_insert_with(|| Archived::new(facts));
                    archived.clients.extend(clients);
                    archived.contents.insert(&facts.content);
                    archived.copies.insert(Copy {
                        account: reading.account.clone(),
                        user: reading.user.clone(),
                        mailbox: mailbox.clone(),
                        uidvalidity,
                        uid: u64::from(found.uid),
                        sha256: found.sha256,
                        size: found.size,
                    });
                }
            }
        }
        let kinds = catalogue.iter().map(|(sha256, facts)| (sha256.clone(), facts.kind)).collect();
        let lines = messages.into_values().map(Archived::line).collect();
        Self { lines, octets, archived_octets, messages: count, kinds }
    }

    /// How many copies are archived.
    pub(crate) fn copies(&self) -> usize {
        self.lines.iter().map(|line| line.copies.len()).sum()
    }

    /// Which kinds of letters are archived.
    pub(crate) fn archived_kinds(&self) -> BTreeSet<&'static str> {
        let kind = |copy: &Copy| self.kinds.get(&copy.sha256).copied();
        self.lines.iter().flat_map(|line| line.copies.iter().filter_map(kind)).collect()
    }

    /// The places of archived copies in one user's mailboxes.
    pub(crate) fn places(&self, user: &str) -> BTreeSet<(String, u64)> {
        let copies = self.lines.iter().flat_map(|line| &line.copies).filter(|copy| copy.user == user);
        copies.map(|copy| (copy.mailbox.clone(), copy.uid)).collect()
    }

    /// Fails with every kind of difference when an export says anything else.
    #[track_caller]
    pub(crate) fn assert_equals(&self, export: &[Value]) {
        let (mut said, mut strays) = (BTreeSet::new(), Vec::new());
        for value in export {
            match parse(value) {
                Ok(line) if line.copies.is_empty() => strays.push(format!("no present copy: {value}")),
                Ok(line) => {
                    if !said.insert(line) {
                        strays.push(format!("twice: {value}"));
                    }
                }
                Err(reason) => strays.push(format!("{reason}: {value}")),
            }
        }
        self.report(&said, strays);
    }

    /// The same for an archive that remembers messages no longer on the server: their lines have no present copy left, and there
    /// are exactly as many of them as given.
    #[track_caller]
    pub(crate) fn assert_equals_with_memories(&self, export: &[Value], memories: usize) {
        let (mut said, mut strays, mut remembered) = (BTreeSet::new(), Vec::new(), 0);
        for value in export {
            match parse(value) {
                Ok(line) if line.copies.is_empty() => remembered += 1,
                Ok(line) => {
                    said.insert(line);
                }
                Err(reason) => strays.push(format!("{reason}: {value}")),
            }
        }
        if remembered != memories {
            strays.push(format!("{remembered} messages without a present copy instead of {memories}"));
        }
        self.report(&said, strays);
    }

    #[track_caller]
    fn report(&self, said: &BTreeSet<Line>, mut problems: Vec<String>) {
        let kinds = |line: &Line| {
            let kind = |copy: &Copy| self.kinds.get(&copy.sha256).copied().unwrap_or("unknown octets");
            line.copies.iter().map(kind).collect::<BTreeSet<_>>()
        };
        let missing: Vec<&Line> = self.lines.difference(said).collect();
        let extra: Vec<&Line> = said.difference(&self.lines).collect();
        for (what, lines) in [("missing", &missing), ("extra", &extra)] {
            problems.extend(lines.iter().take(8).map(|line| format!("{what} ({:?}): {line:?}", kinds(line))));
        }
        if problems.is_empty() {
            return;
        }
        let mut text = format!(
            "the export differs from the server: {} lines right, {} missing, {} extra",
            self.lines.intersection(said).count(),
            missing.len(),
            extra.len()
        );
        for problem in problems.iter().take(20) {
            write!(text, "\n  {problem}").expect("writing to a string");
        }
        panic!("{text}");
    }
}

/// A message being put together from its copies.
struct Archived<'c> {
    facts: &'c Facts,
    clients: BTreeSet<String>,
    contents: BTreeSet<&'c str>,
    copies: BTreeSet<Copy>,
}

impl<'c> Archived<'c> {
    fn new(facts: &'c Facts) -> Self {
        Self { facts, clients: BTreeSet::new(), contents: BTreeSet::new(), copies: BTreeSet::new() }
    }

    fn line(self) -> Line {
        Line {
            copies: self.copies.into_iter().collect(),
            message_id: self.facts.message_id.clone(),
            clients: self.clients.into_iter().collect(),
            renditions: u64::try_from(self.contents.len()).expect("few renditions"),
        }
    }
}

/// The clients a copy belongs to: none for internal mail and for what is never logged.
fn clients(facts: &Facts, lies_in_sent: bool, directory: &Directory) -> BTreeSet<String> {
    let internal = facts.parties.iter().all(|(_, address)| directory.is_staff(address));
    let never = facts.parties.iter().any(|(_, address)| directory.never_log.contains(address));
    if internal || never {
        return BTreeSet::new();
    }
    let outgoing = lies_in_sent || directory.is_staff(&facts.from);
    let counting = facts.parties.iter().filter(|(field, _)| *field != Field::Bcc || outgoing);
    counting.flat_map(|(_, address)| directory.clients_of(address)).map(str::to_owned).collect()
}

/// An export line with its present copies.
fn parse(value: &Value) -> Result<Line, String> {
    let keys: BTreeSet<&str> = value.as_object().ok_or("not an object")?.keys().map(String::as_str).collect();
    let known = BTreeSet::from(["clients", "copies", "dead_letter", "id", "message_id", "renditions"]);
    if keys != known {
        return Err(format!("keys {keys:?}"));
    }
    if !value["dead_letter"].is_null() {
        return Err("a dead letter".to_owned());
    }
    let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned).ok_or(format!("no {key}"));
    let number = |value: &Value, key: &str| value[key].as_u64().ok_or(format!("no {key}"));
    let mut copies = Vec::new();
    for copy in value["copies"].as_array().ok_or("no copies")? {
        match copy["state"].as_str() {
            Some("present") => copies.push(Copy {
                account: text(copy, "account")?,
                user: text(copy, "user")?,
                mailbox: text(copy, "mailbox")?,
                uidvalidity: number(copy, "uidvalidity")?,
                uid: number(copy, "uid")?,
                sha256: text(copy, "sha256")?,
                size: number(copy, "size")?,
            }),
            Some("missing" | "gone") => {}
            other => return Err(format!("a copy's state is {other:?}")),
        }
    }
    copies.sort();
    let clients = value["clients"].as_array().ok_or("no clients")?;
    let clients =
        clients.iter().map(|c| c.as_str().map(str::to_owned).ok_or("a client is no text".to_owned()));
    Ok(Line {
        copies,
        message_id: value["message_id"].as_str().map(str::to_owned),
        clients: clients.collect::<Result<_, _>>()?,
        renditions: number(value, "renditions")?,
    })
}
