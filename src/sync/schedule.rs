//! When an account is read again. Pure.

use std::time::Duration;

use crate::contract::NextDue;
use crate::error::{Error, ErrorKind, Who};
use crate::types::{AccountId, PracticeId, Timestamp};

/// Shortest and longest time from the beginning of a pass to that of the next, in seconds. The longest leaves half a minute of a
/// quarter of an hour for a worker to come by.
const INTERVAL: (u32, u32) = (600, 870);
/// Least pause between two passes, however long the first took.
const PAUSE: u32 = 60;
/// First wait after a failure that may pass by itself, and the longest: each further failure doubles it.
const SOON: (u32, u32) = (120, 3_600);
/// The same after a server asked for a pause and did not say how long: it has seen too much of us already.
const ASKED_TO_WAIT: (u32, u32) = (900, 3_600);
/// Between two tries where somebody mends it at the provider and tells nobody here.
const RARELY: u32 = 6 * 3_600;
/// Sign-ins that are refused in a row before it is believed. Servers refuse right passwords while their own directory is out; a few
/// wrong ones an hour apart lock nobody out.
const REFUSALS: u32 = 3;
/// Between two of those.
const REFUSED: u32 = 3_600;
/// Longest wait that a server is obeyed in without being asked again: none is known that locks anybody out for longer.
const LONGEST: u32 = 86_400;
/// Spreads what waits for the same instant.
const SPREAD: u32 = 60;

/// What is known of a pass that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) practice: &'a PracticeId,
    pub(crate) account: &'a AccountId,
    /// When it began.
    pub(crate) begun: Timestamp,
    /// When it ended.
    pub(crate) now: Timestamp,
    /// Passes that failed before it, in a row, and what the last of them failed with.
    pub(crate) failures: u32,
    pub(crate) before: Option<ErrorKind>,
    /// What it failed with.
    pub(crate) error: Option<&'a Error>,
}

/// What is done about a kind of failure.
enum Policy {
    /// Nothing: the rest was read.
    AsUsual,
    /// It is tried again soon, and then less and less often.
    Doubling((u32, u32)),
    /// It is tried again some time.
    Rarely,
    /// It is tried again a few times, and not any more then.
    Refused,
    /// It is not tried again until somebody did something.
    Stop,
}

impl Ended<'_> {
    /// When the account is due again.
    pub(crate) fn next_due(self) -> NextDue {
        let Some(error) = self.error else { return self.as_usual() };
        let told = self.told(error);
        match policy(error.kind()) {
            Policy::Stop => NextDue::Stopped,
            // After an outage the first refusals are of a server that has not come to itself yet.
            Policy::Refused if self.failures + 1 >= REFUSALS && self.before == Some(error.kind()) => {
                NextDue::Stopped
            }
            _ if told.is_some() => {
                NextDue::In(told.unwrap_or_default().max(PAUSE).saturating_add(self.spread(SPREAD)))
            }
            Policy::Refused => NextDue::In(REFUSED + self.spread(REFUSED / 4)),
            Policy::Rarely => NextDue::In(RARELY + self.spread(RARELY / 4)),
            Policy::AsUsual => self.as_usual(),
            Policy::Doubling((first, longest)) => {
                let doubled = first.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
                let wait = doubled.min(longest);
                // Towards the shorter side, so that the longest is the longest.
                NextDue::In(wait - self.spread(wait / 4))
            }
        }
    }

    fn as_usual(self) -> NextDue {
        let (shortest, longest) = INTERVAL;
        let interval = shortest + self.spread(longest - shortest);
        let took = u32::try_from(self.now.as_unix().saturating_sub(self.begun.as_unix())).unwrap_or_default();
        NextDue::In(interval.saturating_sub(took).max(PAUSE))
    }

    /// How long the server asked for patience, or the day's budget does.
    fn told(self, error: &Error) -> Option<u32> {
        let until = error.not_before().map(|at| at.as_unix().saturating_sub(self.now.as_unix()).max(0));
        let until = until.map(|seconds| u32::try_from(seconds).unwrap_or(LONGEST));
        let pause = error.pause().map(|pause: Duration| u32::try_from(pause.as_secs()).unwrap_or(LONGEST));
        until.into_iter().chain(pause).max().map(|seconds| seconds.min(LONGEST))
    }

    /// A number of at most so much: another one for every account and time, and always the same.
    fn spread(self, most: u32) -> u32 {
        let octets = self.practice.as_str().bytes().chain([0]).chain(self.account.as_str().bytes());
        let all = octets.chain(self.begun.as_unix().to_be_bytes());
        // FNV-1a, 64 bits, and its halves folded: its low bits alone depend little on the first octets.
        let hash = all.fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        });
        let folded = (hash ^ (hash >> 32)) % (u64::from(most) + 1);
        u32::try_from(folded).unwrap_or_default()
    }
}

fn policy(kind: ErrorKind) -> Policy {
    use ErrorKind::{
        AccountLocked, AllMailHidden, ApplicationMisconfigured, AuthenticationFailed, BudgetSpent,
        CertificateWrongName, ConnectionRefused, ImapSwitchedOff, MailboxUnavailable, NameNotFound,
        NotConnected, StartTlsUnavailable, Throttled, TlsFailed, TooManyConnections, WebLoginRequired,
    };
    match kind {
        // The others were read; and new mail is read, though no more of the old today.
        MailboxUnavailable | BudgetSpent => Policy::AsUsual,
        Throttled | TooManyConnections => Policy::Doubling(ASKED_TO_WAIT),
        AuthenticationFailed => Policy::Refused,
        // More often an outage than a mistake: the account worked when it was connected. No password is shown to whoever answers.
        NameNotFound | ConnectionRefused | TlsFailed | CertificateWrongName | StartTlsUnavailable => {
            Policy::Doubling(SOON)
        }
        AllMailHidden
        | ImapSwitchedOff
        | AccountLocked
        | NotConnected
        | WebLoginRequired
        | ApplicationMisconfigured => Policy::Rarely,
        _ => match kind.advice().who {
            Who::Nobody | Who::Host => Policy::Doubling(SOON),
            Who::Administrator => Policy::Rarely,
            Who::User => Policy::Stop,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn t(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn after(error: Option<&Error>, account: &str, failures: u32, now: i64) -> Option<u32> {
        let (practice, account) = (PracticeId::new("p").unwrap(), AccountId::new(account).unwrap());
        let ended = Ended {
            practice: &practice,
            account: &account,
            begun: t(0),
            now: t(now),
            failures,
            before: error.map(Error::kind),
            error,
        };
        match ended.next_due() {
            NextDue::In(seconds) => Some(seconds),
            _ => None,
        }
    }

    #[test]
    fn a_refusal_after_an_outage_is_not_believed() {
        let (practice, account) = (PracticeId::new("p").unwrap(), AccountId::new("a").unwrap());
        let refused = Error::new(ErrorKind::AuthenticationFailed, "no");
        let ended = |failures, before| {
            let error = Some(&refused);
            let (practice, account) = (&practice, &account);
            Ended { practice, account, begun: t(0), now: t(0), failures, before: Some(before), error }
                .next_due()
        };
        assert!(matches!(ended(5, ErrorKind::ConnectionLost), NextDue::In(_)));
        assert!(matches!(ended(6, ErrorKind::AuthenticationFailed), NextDue::Stopped));
        assert!(matches!(ended(1, ErrorKind::AuthenticationFailed), NextDue::In(_)));
    }

    #[test]
    fn accounts_are_read_every_ten_to_fifteen_minutes_and_not_together() {
        let due: Vec<u32> = (0..1_000).filter_map(|n| after(None, &format!("a{n}"), 0, 0)).collect();
        assert!(due.iter().all(|seconds| (600..900).contains(seconds)));
        let different: BTreeSet<u32> = due.iter().copied().collect();
        assert!(different.len() > 200, "{}", different.len());
        assert_eq!(after(None, "a1", 0, 0), after(None, "a1", 0, 0), "the same for the same");
        assert_eq!(after(None, "a1", 0, 100).unwrap() + 100, after(None, "a1", 0, 0).unwrap());
        assert_eq!(after(None, "a1", 0, 5_000), Some(60), "a pass of an hour is followed by another");
    }

    #[test]
    fn failures_that_may_pass_are_tried_again_less_and_less_often() {
        for kind in [ErrorKind::ConnectionLost, ErrorKind::TimedOut, ErrorKind::ConnectionRefused] {
            let error = Error::new(kind, "");
            for (failures, longest) in [(0, 120), (1, 240), (4, 1_920), (5, 3_600), (31, 3_600), (99, 3_600)]
            {
                let wait = after(Some(&error), "a", failures, 0).unwrap();
                assert!(wait <= longest && wait >= longest * 3 / 4, "{kind:?} {failures}: {wait}");
            }
        }
    }

    #[test]
    fn a_server_that_asks_for_patience_is_obeyed() {
        let until = Error::new(ErrorKind::Throttled, "").retry_at(t(5_000));
        assert!((4_900..=4_960).contains(&after(Some(&until), "a", 0, 100).unwrap()));
        let pause = Error::new(ErrorKind::Throttled, "").retry_after(Duration::from_secs(700));
        assert!((700..=760).contains(&after(Some(&pause), "a", 0, 100).unwrap()));
        let for_ever = Error::new(ErrorKind::Throttled, "").retry_at(t(i64::MAX));
        assert!(after(Some(&for_ever), "a", 0, 0).unwrap() <= LONGEST + SPREAD);
    }

    #[test]
    fn what_a_user_has_to_mend_is_not_tried_again() {
        for kind in [
            ErrorKind::AuthorizationRequired,
            ErrorKind::AppPasswordRequired,
            ErrorKind::CredentialsUnreadable,
            ErrorKind::PasswordRefusedByProvider,
        ] {
            assert_eq!(after(Some(&Error::new(kind, "")), "a", 0, 0), None, "{kind:?}");
        }
        let refused = Error::new(ErrorKind::AuthenticationFailed, "");
        assert!(after(Some(&refused), "a", 0, 0).unwrap() >= 3_600);
        assert!(after(Some(&refused), "a", 1, 0).is_some());
        assert_eq!(after(Some(&refused), "a", 2, 0), None);
        let locked = Error::new(ErrorKind::AccountLocked, "");
        assert!(after(Some(&locked), "a", 50, 0).unwrap() >= RARELY);
    }

    #[test]
    fn a_spent_budget_waits_for_the_next_day_or_reads_what_is_new() {
        let day = Error::new(ErrorKind::BudgetSpent, "").retry_at(t(86_400));
        assert!((86_300..=86_360).contains(&after(Some(&day), "a", 0, 100).unwrap()));
        let share = Error::new(ErrorKind::BudgetSpent, "");
        assert!((600..900).contains(&after(Some(&share), "a", 0, 0).unwrap()));
    }
}
