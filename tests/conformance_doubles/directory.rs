//! Directories that break a clause.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use practicemail::conformance::{self, DirectoryChange, DirectoryFact, DirectoryShape, Report};
use practicemail::contract::{ClientKey, ClientKeyPage, Practice, PracticeDirectory, Retention, User};
use practicemail::error::Result;
use practicemail::storage::MemoryDirectory;
use practicemail::types::{Address, ClientId, PracticeId, UserId};

use crate::assert_reported;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    None,
    UnknownPracticeIsInvented,
    EntryIsSkippedBetweenPages,
    EntryIsRepeatedBetweenPages,
    RevisionStands,
    RevisionCountsEntries,
    RevisionIsNeverTheSame,
    LastKeyOfAClientIsMissing,
    UsersOfAllPractices,
    UnknownClientsAreHeld,
    HoldsEndWithTheClient,
    HoldsEndWithTheKey,
    NothingIsKept,
}

pub(crate) async fn report(fault: Fault) -> Report {
    report_of(DirectoryShape::full(), fault).await
}

async fn report_of(shape: DirectoryShape, fault: Fault) -> Report {
    conformance::directory_of(shape, async || {
        let inner = Arc::new(MemoryDirectory::new());
        let double =
            Arc::new(Double { inner, fault, practices: Mutex::default(), readings: Mutex::default() });
        let tables = Arc::clone(&double);
        (double, async move |change| tables.change(change))
    })
    .await
}

#[tokio::test]
async fn every_broken_clause_is_reported() {
    for (fault, clauses) in [
        (Fault::None, &[][..]),
        (Fault::UnknownPracticeIsInvented, &["D1"]),
        (Fault::EntryIsSkippedBetweenPages, &["D2"]),
        (Fault::EntryIsRepeatedBetweenPages, &["D2"]),
        (Fault::RevisionStands, &["D3"]),
        (Fault::RevisionCountsEntries, &["D3"]),
        (Fault::RevisionIsNeverTheSame, &["D3"]),
        (Fault::LastKeyOfAClientIsMissing, &["D4"]),
        (Fault::UsersOfAllPractices, &["D5"]),
        (Fault::UnknownClientsAreHeld, &["D6"]),
        (Fault::HoldsEndWithTheClient, &["D6"]),
        // What a host does that implements one of the two.
        (Fault::HoldsEndWithTheKey, &["D7"]),
        // That is what a host without holds and retention does.
        (Fault::NothingIsKept, &[]),
    ] {
        assert_reported(&fault, &report(fault).await, clauses);
    }
}

/// What the tables hold is asked for and nothing else; what is wrong with it is found all the same.
#[tokio::test]
async fn a_shape_leaves_out_what_the_tables_do_not_hold() {
    let facts = [
        DirectoryFact::ClientDomains,
        DirectoryFact::SeveralAddresses,
        DirectoryFact::Aliases,
        DirectoryFact::PracticeName,
        DirectoryFact::PracticeDomains,
        DirectoryFact::NeverLog,
        DirectoryFact::Folding,
    ];
    let numbered = || DirectoryShape::full().numbers().global_ids();
    for fact in facts {
        assert_reported(&fact, &report_of(numbered().without([fact]), Fault::None).await, &[]);
    }
    let least = || numbered().one_practice("books").without(facts);
    let report = report_of(least(), Fault::None).await;
    assert_reported(&"least", &report, &[]);
    assert_eq!(report.clauses(), ["D1", "D2", "D3", "D4", "D6", "D7"]);
    assert_eq!(report.left_out().len(), facts.len() + 2);
    for (fault, clauses) in [
        (Fault::EntryIsRepeatedBetweenPages, &["D2"]),
        (Fault::RevisionStands, &["D3"]),
        (Fault::RevisionIsNeverTheSame, &["D3"]),
        (Fault::HoldsEndWithTheKey, &["D7"]),
    ] {
        assert_reported(&fault, &report_of(least(), fault).await, clauses);
    }
}

struct Double {
    inner: Arc<MemoryDirectory>,
    fault: Fault,
    practices: Mutex<BTreeSet<PracticeId>>,
    /// How often the first page was read.
    readings: Mutex<u64>,
}

impl Double {
    fn change(&self, change: DirectoryChange) {
        match change {
            DirectoryChange::PutPractice(practice) => {
                self.practices.lock().unwrap().insert(practice.id.clone());
                self.inner.put_practice(practice);
            }
            DirectoryChange::PutUser(practice, user) => self.inner.put_user(&practice, user).unwrap(),
            DirectoryChange::RemoveUser(practice, user) => self.inner.remove_user(&practice, &user).unwrap(),
            DirectoryChange::PutClient(practice, client, keys) => {
                self.inner.put_client(&practice, client, keys).unwrap();
            }
            DirectoryChange::RemoveClient(practice, client) => {
                self.inner.remove_client(&practice, &client).unwrap();
            }
            DirectoryChange::SetRetention(practice, client, retention) => {
                self.inner.set_retention(&practice, client, retention).unwrap();
            }
            other => panic!("a new kind of change: {other:?}"),
        }
    }
}

#[async_trait]
impl PracticeDirectory for Double {
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>> {
        let found = self.inner.practice(practice).await?;
        let invented = self.fault == Fault::UnknownPracticeIsInvented;
        Ok(found.or_else(|| invented.then(|| Practice::new(practice.clone(), ""))))
    }

    async fn users(&self, practice: &PracticeId) -> Result<Vec<User>> {
        let mut users = self.inner.users(practice).await?;
        if self.fault == Fault::UsersOfAllPractices && !users.is_empty() {
            let others: Vec<_> =
                self.practices.lock().unwrap().iter().filter(|p| *p != practice).cloned().collect();
            for other in others {
                users.extend(self.inner.users(&other).await?);
            }
        }
        Ok(users)
    }

    async fn client_keys(&self, practice: &PracticeId, from: Option<String>) -> Result<ClientKeyPage> {
        let first = from.is_none();
        let mut page = self.inner.client_keys(practice, from).await?;
        match self.fault {
            Fault::EntryIsSkippedBetweenPages if !first => {
                page.entries.remove(0);
            }
            Fault::EntryIsRepeatedBetweenPages if !first => page.entries.insert(0, page.entries[0].clone()),
            Fault::RevisionStands => "1".clone_into(&mut page.revision),
            Fault::RevisionCountsEntries => {
                let users = self.inner.users(practice).await?.len();
                let rules = self.inner.practice(practice).await?;
                page.revision = format!("{users} {rules:?}");
                let mut next = Some(String::from("0"));
                let mut entries = 0;
                while let Some(from) = next {
                    let page = self.inner.client_keys(practice, Some(from)).await?;
                    entries += page.entries.len();
                    next = page.next;
                }
                page.revision = format!("{} {entries}", page.revision);
            }
            Fault::RevisionIsNeverTheSame => {
                let mut readings = self.readings.lock().unwrap();
                *readings += u64::from(first);
                page.revision = readings.to_string();
            }
            _ => {}
        }
        Ok(page)
    }

    async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>> {
        let mut keys = self.inner.keys_of(practice, client).await?;
        if let Some(keys) = keys.as_mut().filter(|keys| keys.len() > 1)
            && self.fault == Fault::LastKeyOfAClientIsMissing
        {
            keys.pop();
        }
        Ok(keys)
    }

    async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool> {
        self.inner.may_see(practice, user, client).await
    }

    async fn retention(&self, practice: &PracticeId, client: &ClientId) -> Result<Retention> {
        let exists = self.inner.keys_of(practice, client).await?.is_some();
        let retention = self.inner.retention(practice, client).await?;
        Ok(match self.fault {
            Fault::UnknownClientsAreHeld if !exists => Retention::HELD,
            Fault::HoldsEndWithTheClient if !exists => Retention::FREE,
            Fault::NothingIsKept => Retention::FREE,
            _ => retention,
        })
    }

    async fn former_retention(&self, practice: &PracticeId, address: &Address) -> Result<Retention> {
        match self.fault {
            Fault::HoldsEndWithTheKey => Ok(Retention::FREE),
            _ => self.inner.former_retention(practice, address).await,
        }
    }
}
