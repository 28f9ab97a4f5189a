//! What every check of a mail store works with.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;

use crate::conformance::check::{Failure, Outcome, present, same};
use crate::conformance::clock::SteppedClock;
use crate::contract::{
    AccountRecord, Change, ChangeKind, CopiesInMailbox, CoverageChange, CoveredKeys, DeadLetter, Fence,
    HistoryStep, MailStore, MailboxState, Message, NewAccount, OutboxQuery, Outgoing, PagePosition,
    PageQuery, StoredCopy, Window, WindowReceipt,
};
use crate::error::Result;
use crate::settings::{AccountSettings, Login, PracticeSettings, ServerSettings, Sharing, TlsMode};
use crate::types::{
    AccountId, Address, KeyDigest, MailboxName, MatchKey, MessageKey, PracticeId, Uid, UidSet, UidValidity,
    UserId,
};

use super::mail::Mail;

/// How long the leases of checks last that do not care.
pub(super) const LEASE: u32 = 3_600;

/// Has the engine under a store refuse every row of a message from now on.
pub(in crate::conformance) type Refuse = Box<dyn Fn(MessageKey) -> LocalBoxFuture<'static, ()>>;

pub(super) struct Bench {
    pub(super) store: Box<dyn MailStore>,
    refuse: Option<Refuse>,
    pub(super) clock: Arc<SteppedClock>,
    pub(super) practice: PracticeId,
    pub(super) account: AccountId,
}

/// Everything a store says of one account and its practice.
#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    accounts: Vec<AccountRecord>,
    mailboxes: Vec<MailboxState>,
    keys: CoveredKeys,
    hints: String,
    octets_today: u64,
    copies: Vec<CopiesInMailbox>,
    messages: Vec<Message>,
    dead_letters: Vec<DeadLetter>,
    outbox: Vec<Outgoing>,
    settings: PracticeSettings,
    changes: Vec<Change>,
}

impl Bench {
    pub(super) fn new(
        (store, refuse): (Box<dyn MailStore>, Option<Refuse>),
        clock: Arc<SteppedClock>,
    ) -> Outcome<Self> {
        let (practice, account) = (PracticeId::new("practice")?, AccountId::new("account")?);
        Ok(Self { store, refuse, clock, practice, account })
    }

    /// Has the engine refuse a message; not checked where nobody arranged for that.
    pub(super) async fn refuse(&self, message: MessageKey) -> Outcome {
        let Some(refuse) = &self.refuse else {
            let why = "nothing in this test has the engine refuse a row: `conformance::store_refusing` takes what does";
            return Err(Failure::not_checked(why));
        };
        refuse(message).await;
        Ok(())
    }

    /// Connects the account and takes its lease.
    pub(super) async fn begin(&self) -> Outcome<Fence> {
        self.begin_account(&self.practice, &self.account).await
    }

    pub(super) async fn begin_account(&self, practice: &PracticeId, account: &AccountId) -> Outcome<Fence> {
        self.store.connect(&new_account(practice, account)?).await?;
        Ok(self.store.acquire_lease(practice, account, "worker", LEASE).await?)
    }

    /// Connects an account of a user, who shares so much of it.
    pub(super) async fn begin_user(&self, account: &str, user: &str, sharing: Sharing) -> Outcome<Fence> {
        let mut new = new_account(&self.practice, &AccountId::new(account)?)?;
        new.user = UserId::new(user)?;
        new.settings.sharing = sharing;
        self.store.connect(&new).await?;
        Ok(self.store.acquire_lease(&self.practice, &new.id, "worker", LEASE).await?)
    }

    /// The names, of these, of the messages a question has, newest first.
    pub(super) async fn names_of(
        &self,
        query: &PageQuery,
        names: &[&'static str],
    ) -> Outcome<Vec<&'static str>> {
        let page = self.store.page(query).await?;
        same("how many are counted", &self.store.count(query).await?, &page.len())?;
        let name = |at: &PagePosition| names.iter().copied().find(|name| message_key(name) == at.message);
        Ok(page.iter().map(|at| name(at).unwrap_or("another")).collect())
    }

    /// A question about everything that carries the client's key.
    pub(super) fn of_client(&self) -> Outcome<PageQuery> {
        Ok(PageQuery::new(self.practice.clone(), keys(&["client"])?, 1_000))
    }

    pub(super) async fn acquire(&self, holder: &str, seconds: u32) -> Result<Fence> {
        self.store.acquire_lease(&self.practice, &self.account, holder, seconds).await
    }

    pub(super) fn mail(&self, name: &str, uid: u32) -> Mail {
        Mail::new(self.account.clone(), name, uid)
    }

    /// Archives messages of one mailbox in one window, as seen.
    pub(super) async fn archive(&self, fence: &Fence, mails: &[Mail]) -> Outcome<WindowReceipt> {
        let first = present("a message to archive", mails.first())?;
        let mut window = Window::new(first.mailbox.clone(), validity(first.validity)?);
        for mail in mails {
            window.seen.insert(uid(mail.uid)?);
            window.copies.push(mail.build()?);
        }
        Ok(self.store.commit_window(fence, &window).await?)
    }

    /// Commits that these UIDs of the inbox were seen.
    pub(super) async fn see(&self, fence: &Fence, uids: UidSet) -> Outcome {
        let mut window = inbox_window()?;
        window.seen = uids;
        self.store.commit_window(fence, &window).await?;
        Ok(())
    }

    pub(super) async fn cover(&self, fence: &Fence, history: HistoryStep, pend: &[&str]) -> Outcome {
        let mut change = CoverageChange { history, ..CoverageChange::default() };
        change.pend.extend(keys(pend)?);
        Ok(self.store.change_coverage(fence, &change).await?)
    }

    pub(super) async fn mailbox(&self, name: &MailboxName) -> Outcome<Option<MailboxState>> {
        let state = self.store.sync_state(&self.practice, &self.account).await?;
        Ok(state.mailboxes.into_iter().find(|mailbox| mailbox.name == *name))
    }

    pub(super) async fn inbox_state(&self) -> Outcome<MailboxState> {
        present("the progress of the inbox", self.mailbox(&inbox()).await?)
    }

    pub(super) async fn message(&self, name: &str) -> Outcome<Message> {
        let found = self.store.messages(&self.practice, &[message_key(name)]).await?;
        present("an archived message", found.into_iter().next())
    }

    pub(super) async fn copies(&self) -> Outcome<Vec<CopiesInMailbox>> {
        Ok(self.store.copies(&self.practice, &self.account).await?)
    }

    pub(super) async fn inbox_copies_at(&self, uids: &UidSet) -> Outcome<Vec<StoredCopy>> {
        let of = (&self.practice, &self.account);
        Ok(self.store.copies_at(of.0, of.1, &inbox(), validity(1)?, uids).await?)
    }

    pub(super) async fn page(&self, names: &[&str]) -> Outcome<Vec<PagePosition>> {
        Ok(self.store.page(&PageQuery::new(self.practice.clone(), keys(names)?, 1_000)).await?)
    }

    /// The kinds of the changes after the one numbered `after`.
    pub(super) async fn changes(&self, after: u64) -> Outcome<Vec<ChangeKind>> {
        let changes = self.store.changes(&self.practice, after, 10_000).await?;
        Ok(changes.into_iter().map(|change| change.kind).collect())
    }

    pub(super) async fn last_change(&self) -> Outcome<u64> {
        let changes = self.store.changes(&self.practice, 0, 10_000).await?;
        Ok(changes.last().map_or(0, |change| change.sequence))
    }

    pub(super) async fn snapshot(&self) -> Outcome<Snapshot> {
        let Self { store, practice, account, .. } = self;
        let state = store.sync_state(practice, account).await?;
        Ok(Snapshot {
            accounts: store.accounts(practice).await?,
            mailboxes: state.mailboxes,
            keys: state.keys,
            hints: state.hints,
            octets_today: state.octets_today,
            copies: store.copies(practice, account).await?,
            messages: store.all_messages(practice, None, 10_000).await?,
            dead_letters: store.dead_letters(practice).await?,
            outbox: store.outbox(practice, &OutboxQuery::newest(10_000)).await?,
            settings: store.practice_settings(practice).await?,
            changes: store.changes(practice, 0, 10_000).await?,
        })
    }
}

pub(super) fn new_account(practice: &PracticeId, account: &AccountId) -> Outcome<NewAccount> {
    let server = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit)?;
    let settings = AccountSettings::new(server, Login::new("anna")?);
    let (user, address) = (UserId::new("anna")?, Address::parse("anna@practice.example")?);
    Ok(NewAccount::new(practice.clone(), account.clone(), user, address, settings))
}

pub(super) fn inbox() -> MailboxName {
    MailboxName::from_wire("INBOX")
}

pub(super) fn validity(number: u32) -> Outcome<UidValidity> {
    present("a UIDVALIDITY", UidValidity::new(number))
}

pub(super) fn uid(number: u32) -> Outcome<Uid> {
    present("a UID", Uid::new(number))
}

pub(super) fn uids(numbers: impl IntoIterator<Item = u32>) -> UidSet {
    numbers.into_iter().filter_map(Uid::new).collect()
}

/// A window of the inbox under its first validity.
pub(super) fn inbox_window() -> Outcome<Window> {
    Ok(Window::new(inbox(), validity(1)?))
}

/// The keys of clients of these names.
pub(super) fn keys(names: &[&str]) -> Outcome<Vec<KeyDigest>> {
    let key = |name: &&str| {
        let address = Address::parse(&format!("{name}@client.example"))?;
        Ok(MatchKey::Address(address.key()).digest())
    };
    names.iter().map(key).collect()
}

/// The identity of the message of this name.
pub(super) fn message_key(name: &str) -> MessageKey {
    super::mail::key(name)
}
