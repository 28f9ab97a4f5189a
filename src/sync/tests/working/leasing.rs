//! A pass renews its lease by the length that it was taken for.

use tokio::time::{Duration, sleep};

use super::office::{Office, Script, account_id, practice_id};
use crate::contract::{MailStore as _, Practice};
use crate::error::ErrorKind;
use crate::storage::MemoryDirectory;
use crate::sync::brake::Brake;
use crate::sync::pass::{Accounted, Pass, PassInput};

/// Renewed after so many seconds, a lease of this length lasts as long as it says from then on, and no longer.
async fn lasts(lease: u32, renewed_after: u64) {
    let office = Office::new(|_| Script::taking(1));
    office.connect("p", "a", "imap.example.org").await;
    let (practice, id) = (practice_id("p"), account_id("a"));
    let directory = MemoryDirectory::new();
    directory.put_practice(Practice::new(practice.clone(), "Practice"));
    let (store, clock) = (&*office.store, &*office.clock);
    let record = store.accounts(&practice).await.unwrap().remove(0);
    let fence = store.acquire_lease(&practice, &id, "reader", lease).await.unwrap();
    let input = PassInput {
        store,
        blobs: store,
        directory: &directory,
        clock,
        account: &record.account,
        fence: &fence,
        lease,
        accounted: &Accounted::default(),
        window: 4,
        progress: &|_| {},
        brake: &Brake::default(),
    };
    let pass = Pass::begin(input, Box::new(Default::default)).await.unwrap();
    sleep(Duration::from_secs(renewed_after)).await;
    pass.keep_lease().await.unwrap();
    sleep(Duration::from_secs(u64::from(lease) - 1)).await;
    let another = async || store.acquire_lease(&practice, &id, "another", 60).await;
    assert_eq!(another().await.unwrap_err().kind(), ErrorKind::Busy, "a lease of {lease} seconds");
    sleep(Duration::from_secs(2)).await;
    another().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_short_lease_is_renewed_by_its_own_length() {
    lasts(30, 11).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_lease_is_renewed_by_its_own_length() {
    lasts(3_600, 1_201).await;
}
