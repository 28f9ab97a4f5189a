//! C1 to C5.

use std::sync::Arc;

use super::Seed;
use super::check::{self, Check, Outcome, hold, present, same};
use super::clock::SteppedClock;
use super::report::Report;
use crate::contract::{Claim, Clock, CredentialField, CredentialStore, SealedRecord};
use crate::types::{AccountId, PracticeId};

struct Bench {
    store: Box<dyn CredentialStore>,
    clock: Arc<SteppedClock>,
    practice: PracticeId,
    account: AccountId,
}

pub(super) async fn run(open: impl AsyncFn(Seed) -> Box<dyn CredentialStore>) -> Report {
    check::run("credential store", CHECKS, async || {
        let clock = Arc::new(SteppedClock::new());
        let store = open(Seed { clock: clock.clone() }).await;
        Ok(Bench {
            store,
            clock,
            practice: PracticeId::new("practice")?,
            account: AccountId::new("account")?,
        })
    })
    .await
}

const GRANT: CredentialField = CredentialField::Grant;
const PASSWORD: CredentialField = CredentialField::IncomingPassword;

const CHECKS: &[Check<Bench>] = &[
    Check { clause: "C1", name: "of many claims at once one is given", run: |b| Box::pin(one_claim(b)) },
    Check {
        clause: "C1",
        name: "a claim keeps others out until it expires",
        run: |b| Box::pin(claim_expires(b)),
    },
    Check {
        clause: "C1",
        name: "only the version that is there can be claimed",
        run: |b| Box::pin(claim_of_version(b)),
    },
    Check { clause: "C2", name: "after deleting nothing is left", run: |b| Box::pin(deleted(b)) },
    Check {
        clause: "C2",
        name: "nothing claimed before deleting can write",
        run: |b| Box::pin(claim_before_deletion(b)),
    },
    Check { clause: "C3", name: "a record is read back as it was written", run: |b| Box::pin(read_back(b)) },
    Check {
        clause: "C3",
        name: "a claim writes once, while it holds",
        run: |b| Box::pin(claim_writes_once(b)),
    },
    Check { clause: "C3", name: "an expired claim writes nothing", run: |b| Box::pin(expired_claim(b)) },
    Check {
        clause: "C3",
        name: "writing without a claim always works and ends claims",
        run: |b| Box::pin(replaced_without_claim(b)),
    },
    Check { clause: "C4", name: "fields, accounts and practices are apart", run: |b| Box::pin(isolated(b)) },
    Check {
        clause: "C5",
        name: "it is empty while there is no record, whosever it may be",
        run: |b| Box::pin(empty(b)),
    },
];

impl Bench {
    async fn load(&self) -> Outcome<Option<SealedRecord>> {
        Ok(self.store.load(&self.practice, &self.account, GRANT).await?)
    }

    async fn put(&self, octets: &[u8]) -> Outcome<u64> {
        let version = self.store.replace(&self.practice, &self.account, GRANT, octets.to_vec(), None).await?;
        present("the version of a record written without a claim", version)
    }

    async fn put_claimed(&self, octets: &[u8], claim: &Claim) -> Outcome<Option<u64>> {
        let claim = Some(claim.clone());
        Ok(self.store.replace(&self.practice, &self.account, GRANT, octets.to_vec(), claim).await?)
    }

    async fn claim(&self, version: u64) -> Outcome<Option<Claim>> {
        Ok(self.store.claim(&self.practice, &self.account, GRANT, version, 60).await?)
    }

    async fn octets_are(&self, octets: &[u8]) -> Outcome {
        let record = present("the record", self.load().await?)?;
        same("the record's octets", &record.octets, &octets.to_vec())
    }
}

async fn one_claim(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    let claims = futures_util::future::join_all((0..16).map(|_| b.claim(version))).await;
    let claims: Vec<_> = claims.into_iter().collect::<Outcome<_>>()?;
    let given: Vec<_> = claims.into_iter().flatten().collect();
    same("how many of 16 claims were given", &given.len(), &1)?;
    let claim = present("the claim", given.first())?;
    same("the claim's version", &claim.version, &version)?;
    same("when it ends", &claim.until, &b.clock.now().plus(60))
}

async fn claim_expires(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    present("a first claim", b.claim(version).await?)?;
    b.clock.advance(50);
    same("a claim while another lives", &b.claim(version).await?, &None)?;
    b.clock.advance(20);
    present("a claim after the other expired", b.claim(version).await?)?;
    same("one more", &b.claim(version).await?, &None)
}

async fn claim_of_version(b: &Bench) -> Outcome {
    same("a claim on a record that is not there", &b.claim(1).await?, &None)?;
    let first = b.put(b"one").await?;
    let second = b.put(b"two").await?;
    same("a claim on an earlier version", &b.claim(first).await?, &None)?;
    same("a claim on a later version", &b.claim(second + 1).await?, &None)?;
    present("a claim on the version there is", b.claim(second).await?)?;
    Ok(())
}

async fn deleted(b: &Bench) -> Outcome {
    b.put(b"one").await?;
    let password = b.store.replace(&b.practice, &b.account, PASSWORD, b"pw".to_vec(), None).await?;
    present("the version of a record written without a claim", password)?;
    b.store.delete(&b.practice, &b.account).await?;
    same("a deleted grant", &b.load().await?, &None)?;
    same("a deleted password", &b.store.load(&b.practice, &b.account, PASSWORD).await?, &None)?;
    Ok(b.store.delete(&b.practice, &b.account).await?)
}

async fn claim_before_deletion(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    let claim = present("a claim", b.claim(version).await?)?;
    b.store.delete(&b.practice, &b.account).await?;
    same("writing with the claim of a deleted record", &b.put_claimed(b"late", &claim).await?, &None)?;
    same("the record", &b.load().await?, &None)?;
    b.put(b"new").await?;
    same("writing with it after the record is there again", &b.put_claimed(b"late", &claim).await?, &None)?;
    b.octets_are(b"new").await
}

async fn read_back(b: &Bench) -> Outcome {
    same("a record that was never written", &b.load().await?, &None)?;
    let mut last = 0;
    for octets in [&b"\0\xff\x01'\""[..], b"", &[0xaa; 5_000]] {
        let version = b.put(octets).await?;
        hold(version > last, || format!("version {version} follows version {last}"))?;
        last = version;
        same("the record", &b.load().await?, &Some(SealedRecord::new(version, octets.to_vec())))?;
    }
    Ok(())
}

async fn claim_writes_once(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    let claim = present("a claim", b.claim(version).await?)?;
    b.clock.advance(50);
    let written = present("the version written with a claim", b.put_claimed(b"two", &claim).await?)?;
    hold(written > version, || format!("version {written} follows version {version}"))?;
    b.octets_are(b"two").await?;
    same("writing with the same claim again", &b.put_claimed(b"three", &claim).await?, &None)?;
    b.octets_are(b"two").await?;
    present("a claim on the new version", b.claim(written).await?)?;
    Ok(())
}

async fn expired_claim(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    let claim = present("a claim", b.claim(version).await?)?;
    b.clock.advance(70);
    same("writing with an expired claim", &b.put_claimed(b"late", &claim).await?, &None)?;
    b.octets_are(b"one").await?;
    let next = present("a claim after the other expired", b.claim(version).await?)?;
    same("writing with the first claim", &b.put_claimed(b"late", &claim).await?, &None)?;
    present("the version written with the second claim", b.put_claimed(b"two", &next).await?)?;
    b.octets_are(b"two").await
}

async fn replaced_without_claim(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    let claim = present("a claim", b.claim(version).await?)?;
    let second = b.put(b"two").await?;
    same("writing with a claim that was overtaken", &b.put_claimed(b"late", &claim).await?, &None)?;
    b.octets_are(b"two").await?;
    present("a claim on the new version", b.claim(second).await?)?;
    Ok(())
}

async fn isolated(b: &Bench) -> Outcome {
    let version = b.put(b"one").await?;
    present("a claim", b.claim(version).await?)?;
    let (practice, account) = (PracticeId::new("Practice")?, AccountId::new("Account")?);
    let others = [
        (&b.practice, &b.account, PASSWORD),
        (&b.practice, &b.account, CredentialField::PendingAuthorization),
        (&b.practice, &b.account, CredentialField::ClientSecret),
        (&b.practice, &account, GRANT),
        (&practice, &b.account, GRANT),
    ];
    for (practice, account, field) in others {
        same("another's record", &b.store.load(practice, account, field).await?, &None)?;
        let theirs = b.store.replace(practice, account, field, b"theirs".to_vec(), None).await?;
        let theirs = present("the version of another's record", theirs)?;
        present("a claim on another's record", b.store.claim(practice, account, field, theirs, 60).await?)?;
    }
    b.octets_are(b"one").await?;
    b.store.delete(&practice, &b.account).await?;
    b.store.delete(&b.practice, &account).await?;
    b.octets_are(b"one").await
}

async fn empty(b: &Bench) -> Outcome {
    same("whether a new store is empty", &b.store.is_empty().await?, &true)?;
    let practice = PracticeId::new("another")?;
    let account = AccountId::new("another")?;
    let theirs = b.store.replace(&practice, &account, GRANT, b"theirs".to_vec(), None).await?;
    present("the version of another's record", theirs)?;
    same("whether it is empty with another practice's record", &b.store.is_empty().await?, &false)?;
    let version = b.put(b"one").await?;
    present("a claim", b.claim(version).await?)?;
    b.store.delete(&practice, &account).await?;
    same("whether it is empty while a record is left", &b.store.is_empty().await?, &false)?;
    b.store.delete(&b.practice, &b.account).await?;
    same("whether it is empty after the last was deleted", &b.store.is_empty().await?, &true)
}
