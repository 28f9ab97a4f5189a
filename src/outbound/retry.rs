//! When something is tried again. Pure.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::types::Timestamp;

/// Pauses before the second, third, … try; the last is repeated. A minute lets greylisting pass, two hours an outage.
const PAUSES: [i64; 6] = [60, 300, 900, 1_800, 3_600, 7_200];
/// Pause when a day's limit is used up: limits are counted over the last twenty-four hours, not by calendar days.
const LIMIT_PAUSE: i64 = 3 * 3_600;
/// A message that could not be handed over for so long is refused: its author should know, and may send it anew.
const GIVE_UP_AFTER: i64 = 24 * 3_600;
/// Tries it has all the same, however late the first one came: about six hours.
const FEWEST_TRIES: u32 = 8;
/// Looks for evidence in the Sent mailbox, in seconds after the last one. Servers file at once or never; a day later what
/// was not found will not be.
const LOOKS: [i64; 5] = [60, 600, 3_600, 6 * 3_600, 16 * 3_600];
/// Shortens every other pause by up to this part of it, so that what failed together does not come back together.
const SPREAD: i64 = 5;

/// Whether the same message may be accepted later without anybody changing anything.
pub(super) fn is_worth_another_try(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionRefused, FenceLost, KeyUnavailable, NameNotFound, Storage, StorageFull};
    // A server that does not answer, or a name that does not resolve, is more often an outage than a mistake: the account
    // worked when it was connected.
    matches!(kind, ConnectionRefused | KeyUnavailable | NameNotFound | Storage | StorageFull)
        || (kind != FenceLost && Error::new(kind, "").is_retryable())
}

/// When a message is tried again that was not sent, after `attempts` tries; `None` when it is given up.
pub(super) fn next_try(
    error: &Error,
    attempts: u32,
    wanted_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let too_late = now >= wanted_at.plus(GIVE_UP_AFTER) && attempts >= FEWEST_TRIES;
    if too_late || !is_worth_another_try(error.kind()) {
        return None;
    }
    let pause = if error.kind() == ErrorKind::SendingLimit { LIMIT_PAUSE } else { pause(attempts) };
    Some(not_before(error, now.plus(pause), now))
}

/// When filing is tried again after a failure.
pub(super) fn next_filing(error: &Error, sent_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    // Whatever the cause, somebody may mend it meanwhile: the message is sent, there is time.
    let age = now.as_unix().saturating_sub(sent_at.as_unix());
    let at = now.plus(age.clamp(60, 7_200));
    (age < GIVE_UP_AFTER).then(|| not_before(error, at, now))
}

/// `at`, or later where the server asked for it.
fn not_before(error: &Error, at: Timestamp, now: Timestamp) -> Timestamp {
    let seconds = |pause: Duration| i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
    let paused = error.pause().map(|pause| now.plus(seconds(pause).saturating_add(1)));
    error.not_before().into_iter().chain(paused).fold(at, Timestamp::max)
}

/// When to look for evidence again, the outcome being unknown since `since`.
pub(super) fn next_look(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let mut at = since;
    LOOKS.iter().find_map(|pause| {
        at = at.plus(*pause);
        (at > now).then_some(at)
    })
}

fn pause(attempts: u32) -> i64 {
    let last = PAUSES.len().saturating_sub(1);
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(last).min(last);
    let pause = PAUSES.get(index).copied().unwrap_or(LIMIT_PAUSE);
    let mut octets = [0; 2];
    // Without randomness pauses are merely not spread.
    let _ = getrandom::fill(&mut octets);
    pause - pause / SPREAD * i64::from(u16::from_be_bytes(octets)) / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn pauses_grow_and_end_after_a_day() {
        let error = Error::new(ErrorKind::ServerUnavailable, "try later");
        for (attempts, longest) in [(1, 60), (2, 300), (6, 7_200), (60, 7_200)] {
            let at = next_try(&error, attempts, t(0), t(1_000)).unwrap().as_unix() - 1_000;
            assert!(at <= longest && at >= longest * 4 / 5, "{attempts}: {at}");
        }
        assert_eq!(next_try(&error, 9, t(0), t(86_400)), None);
        assert!(next_try(&error, 1, t(0), t(86_400)).is_some(), "a host that was down for a day");
    }

    #[test]
    fn what_a_person_has_to_mend_is_not_tried_again() {
        for kind in [
            ErrorKind::AuthenticationFailed,
            ErrorKind::RecipientRefused,
            ErrorKind::MessageTooLarge,
            ErrorKind::CertificateUntrusted,
            ErrorKind::DeliveryUnknown,
            ErrorKind::FenceLost,
        ] {
            assert_eq!(next_try(&Error::new(kind, ""), 1, t(0), t(0)), None, "{kind:?}");
        }
        for kind in [ErrorKind::ConnectionLost, ErrorKind::ConnectionRefused, ErrorKind::RecipientDeferred] {
            assert!(next_try(&Error::new(kind, ""), 1, t(0), t(0)).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn a_time_the_server_told_is_waited_for() {
        let error = Error::new(ErrorKind::Throttled, "").retry_at(t(50_000));
        assert_eq!(next_try(&error, 1, t(0), t(0)), Some(t(50_000)));
        assert_eq!(next_filing(&error, t(0), t(0)), Some(t(50_000)));
    }

    #[test]
    fn evidence_is_looked_for_less_and_less_and_not_for_ever() {
        assert_eq!(next_look(t(0), t(0)), Some(t(60)));
        assert_eq!(next_look(t(0), t(60)), Some(t(660)));
        assert_eq!(next_look(t(0), t(1_000_000)), None);
    }
}
