//! Waiting at inboxes beside the schedule: what comes asks for its account to be read now, by whichever worker is free.
//!
//! A session waits at the inbox of an account that this worker has read, until somewhat longer than passes are apart: where another
//! worker reads the account by then, that one waits. It holds no lease and reads nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::PracticeMail;
use super::gap::Gap;
use crate::contract::{AccountRecord, Waited};
use crate::error::Result;
use crate::sync::work::Wanted;
use crate::types::{AccountId, MailboxName, PracticeId};

/// How long a session waits after the worker's last pass over its account. Passes are ten to fifteen minutes apart.
const AFTER_A_PASS: Duration = Duration::from_mins(16);
/// From the beginning of one session to that of the next, where the former was lost: a server that drops every session is not asked for
/// ever new ones.
const AGAIN: Duration = Duration::from_mins(10);
/// And where the server tells of no changes.
const ASKED_AGAIN: Duration = Duration::from_hours(6);

/// An account that was read to its end.
pub(super) struct Read {
    pub(super) record: AccountRecord,
    /// Whether that brought anything.
    pub(super) found: bool,
}

/// The sessions of a worker that wait.
pub(super) struct Waiting {
    pub(super) mail: PracticeMail,
    /// At most so many.
    pub(super) most: usize,
    /// How often it is looked whether they still may.
    pub(super) look_every: Duration,
}

/// Whose inbox.
type At = (PracticeId, AccountId);

/// How long a session waits still, and how soon it may ask.
#[derive(Debug, Clone, Copy)]
struct Turn {
    until: Instant,
    gap: Gap,
}

/// A session, or why there is none.
struct Place {
    number: u64,
    turn: watch::Sender<Turn>,
    begun: Instant,
    /// Of one that has ended: no other before this.
    not_before: Option<Instant>,
}

/// How a session ended.
enum Ended {
    /// Its turn was over.
    Over,
    /// The server tells of no changes.
    NotOffered,
    /// It was lost, or never came about.
    Lost,
}

impl Waiting {
    /// Waits until the worker is told to end.
    pub(super) async fn run(
        self,
        mut read: mpsc::UnboundedReceiver<Read>,
        mut wanted: watch::Receiver<Wanted>,
    ) {
        let mut places: BTreeMap<At, Place> = BTreeMap::new();
        let (mut sessions, mut number) = (FuturesUnordered::new(), 0);
        // Polled beside the sessions, never waited for alone.
        let mut looking = Box::pin(self.out_of_use(BTreeMap::new()));
        loop {
            tokio::select! {
                _ = wanted.changed() => return,
                Some((at, number, ended)) = sessions.next(), if !sessions.is_empty() => {
                    if let Some(place) = places.get_mut(&at).filter(|place| place.number == number) {
                        place.ended(&ended);
                    }
                }
                read = read.recv() => {
                    let Some(Read { record, found }) = read else { return };
                    let at = (record.account.practice.clone(), record.account.id.clone());
                    let until = Instant::now() + AFTER_A_PASS;
                    if let Some(place) = places.get(&at).filter(|place| !place.is_free()) {
                        place.turn.send_modify(|turn| *turn = turn.after(until, found));
                    } else if sessions.len() < self.most {
                        number += 1;
                        let (sender, turn) = watch::channel(Turn { until, gap: Gap::SHORTEST });
                        let begun = Instant::now();
                        places.insert(at.clone(), Place { number, turn: sender, begun, not_before: None });
                        let (this, number) = (&self, number);
                        sessions.push(async move {
                            let ended = this.session(&record, turn).await;
                            (at, number, ended)
                        });
                    }
                }
                ended = &mut looking => {
                    let now = Instant::now();
                    for at in ended {
                        places.get(&at).inspect(|place| place.turn.send_modify(|turn| turn.until = now));
                    }
                    places.retain(|_, place| !place.is_free());
                    let mut practices: BTreeMap<PracticeId, BTreeSet<AccountId>> = BTreeMap::new();
                    for (practice, account) in places.keys() {
                        practices.entry(practice.clone()).or_default().insert(account.clone());
                    }
                    looking = Box::pin(self.out_of_use(practices));
                }
            }
        }
    }

    /// Those of these accounts, after a while, that are not to be read any more, or are paused.
    async fn out_of_use(&self, of: BTreeMap<PracticeId, BTreeSet<AccountId>>) -> Vec<At> {
        sleep(self.look_every).await;
        let mut ended = Vec::new();
        let Ok(pauses) = self.mail.storage.mail.pauses().await else { return ended };
        for (practice, mut accounts) in of {
            let Ok(read) = self.mail.read_accounts(&practice, None).await else { continue };
            for record in read {
                let (id, provider) = (&record.account.id, record.account.settings.provider());
                if !pauses.iter().any(|pause| pause.scope.holds(&practice, id, provider.name())) {
                    accounts.remove(id);
                }
            }
            ended.extend(accounts.into_iter().map(|account| (practice.clone(), account)));
        }
        ended
    }

    /// Waits for one account, as long as it has a turn.
    async fn session(&self, record: &AccountRecord, turn: watch::Receiver<Turn>) -> Ended {
        tokio::select! {
            () = over(turn.clone()) => Ended::Over,
            ended = self.wait(record, &turn) => match ended {
                Ok(()) => Ended::NotOffered,
                Err(error) => {
                    let kind = error.kind().as_str();
                    tracing::info!(account = %record.account.id, kind, "the session that waits ended");
                    Ended::Lost
                }
            },
        }
    }

    /// Waits, and asks for a pass with every change. `Ok` where the server does not tell of any.
    async fn wait(&self, record: &AccountRecord, turn: &watch::Receiver<Turn>) -> Result<()> {
        let (account, inbox) = (&record.account, MailboxName::encode("INBOX"));
        let mut reader = self.mail.open_to_wait(account).await?;
        // From here on nothing is missed; what came since the pass, another one finds.
        let mut waited = match reader.wait_for_change(&inbox, Duration::ZERO).await? {
            Waited::NotOffered => Waited::NotOffered,
            _ => Waited::Changed,
        };
        let mut asked = Instant::now();
        loop {
            match waited {
                Waited::Changed => {
                    let gap = turn.borrow().gap.get();
                    sleep_until(asked + gap).await;
                    asked = Instant::now();
                    self.mail.storage.mail.request_now(&account.practice, Some(account.id.clone())).await?;
                }
                Waited::NotOffered => {
                    reader.close().await;
                    return Ok(());
                }
                Waited::Quiet => {}
            }
            waited = reader.wait_for_change(&inbox, AFTER_A_PASS).await?;
        }
    }
}

impl Place {
    fn ended(&mut self, ended: &Ended) {
        self.not_before = Some(match ended {
            Ended::Over => Instant::now(),
            Ended::Lost => self.begun + AGAIN,
            Ended::NotOffered => self.begun + ASKED_AGAIN,
        });
    }

    /// Whether another session may be begun in its place.
    fn is_free(&self) -> bool {
        self.not_before.is_some_and(|at| at <= Instant::now())
    }
}

impl Turn {
    /// The turn after a pass.
    fn after(self, until: Instant, found: bool) -> Self {
        Self { until, gap: self.gap.after(found) }
    }
}

/// Ends with the turn.
async fn over(mut turn: watch::Receiver<Turn>) {
    loop {
        let until = turn.borrow_and_update().until;
        tokio::select! {
            () = sleep_until(until) => return,
            changed = turn.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
