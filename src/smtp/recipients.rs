//! What a server said of each recipient, and what follows from it for the message.

use super::classify::{self, Stage};
use super::reply::Reply;
use crate::contract::{RecipientResult, RecipientVerdict};
use crate::error::{Error, ErrorKind};
use crate::net::Veil;
use crate::types::{Address, RecipientPolicy};

/// The recipients asked about so far.
#[derive(Debug, Default)]
pub(super) struct Recipients(Vec<RecipientResult>);

impl Recipients {
    /// Takes note of the reply to one RCPT.
    pub(super) fn answered(
        &mut self,
        address: &Address,
        reply: &Reply,
        veil: &Veil,
        provider: Option<&'static str>,
    ) {
        let verdict = if reply.is_positive() {
            RecipientVerdict::Accepted
        } else if self.any_accepted() && is_too_many(reply) {
            RecipientVerdict::TooMany
        } else {
            let error = classify::refused(Stage::Recipient, reply, veil, provider);
            if error.is_retryable() {
                RecipientVerdict::Deferred(error)
            } else {
                RecipientVerdict::Refused(error)
            }
        };
        self.0.push(RecipientResult::new(address.clone(), verdict, reply.shown(veil)));
    }

    /// Leaves one for another transaction without asking: the server takes no more in this one.
    pub(super) fn leave(&mut self, address: &Address) {
        self.0.push(RecipientResult::new(address.clone(), RecipientVerdict::TooMany, ""));
    }

    /// Whether the server takes no more recipients in this transaction.
    pub(super) fn are_enough(&self) -> bool {
        matches!(self.0.last().map(|last| &last.verdict), Some(RecipientVerdict::TooMany))
    }

    fn any_accepted(&self) -> bool {
        self.0.iter().any(|result| matches!(result.verdict, RecipientVerdict::Accepted))
    }

    /// Why the message does not go to anybody; `None` where it goes.
    pub(super) fn objection(&self, policy: RecipientPolicy) -> Option<Error> {
        let refused = self.first(|verdict| match verdict {
            RecipientVerdict::Refused(error) => Some((error, ErrorKind::RecipientRefused)),
            _ => None,
        });
        let deferred = self.first(|verdict| match verdict {
            RecipientVerdict::Deferred(error) => Some((error, ErrorKind::RecipientDeferred)),
            _ => None,
        });
        let decisive = match policy {
            RecipientPolicy::AllOrNone => refused.or(deferred),
            // Later it may go to those who are only deferred.
            RecipientPolicy::AcceptedOnes if !self.any_accepted() => deferred.or(refused),
            RecipientPolicy::AcceptedOnes => None,
        };
        decisive.map(|(error, kind)| {
            // What is said of the account, not of a recipient, stays what it is: a spent day, a sender that is not allowed.
            let of_account =
                !matches!(error.kind(), ErrorKind::RecipientRefused | ErrorKind::RecipientDeferred);
            Error::new(if of_account { error.kind() } else { kind }, error.to_string())
        })
    }

    fn first(
        &self,
        find: impl Fn(&RecipientVerdict) -> Option<(&Error, ErrorKind)>,
    ) -> Option<(&Error, ErrorKind)> {
        self.0.iter().find_map(|result| find(&result.verdict))
    }

    pub(super) fn into_results(self) -> Vec<RecipientResult> {
        self.0
    }
}

/// RFC 5321 §4.5.3.1.10: 452, and 552 of servers that follow RFC 821.
fn is_too_many(reply: &Reply) -> bool {
    matches!(reply.code, 452 | 552)
        && (reply.enhanced().ends_with(".5.3") || reply.text().to_lowercase().contains("too many recipients"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(replies: &[(u16, &str)]) -> Recipients {
        let mut recipients = Recipients::default();
        for (code, text) in replies {
            let address = Address::parse("paula@example.org").unwrap();
            recipients.answered(&address, &Reply::of(*code, text), &Veil::default(), None);
        }
        recipients
    }

    #[test]
    fn a_full_transaction_is_no_refusal_of_the_rest() {
        for reply in [(452, "4.5.3 Too many recipients"), (552, "too many recipients"), (552, "5.5.3 enough")]
        {
            let recipients = after(&[(250, "ok"), reply]);
            assert!(recipients.are_enough() && recipients.objection(RecipientPolicy::AllOrNone).is_none());
        }
        let first = after(&[(452, "4.5.3 Too many recipients")]);
        assert!(!first.are_enough());
        assert!(!after(&[(250, "ok"), (452, "4.3.1 no space")]).are_enough());
    }

    #[test]
    fn the_policy_says_what_one_refusal_means_for_the_others() {
        use ErrorKind::{RecipientDeferred, RecipientRefused, SendingLimit};
        use RecipientPolicy::{AcceptedOnes, AllOrNone};
        let (yes, no, later) = ((250, "ok"), (550, "5.1.1 unknown"), (450, "4.2.0 greylisted"));
        let spent = (550, "5.4.5 Daily sending limit");
        for (replies, policy, expected) in [
            (&[yes, yes][..], AllOrNone, None),
            (&[yes, no], AllOrNone, Some(RecipientRefused)),
            (&[later, no], AllOrNone, Some(RecipientRefused)),
            (&[yes, later], AllOrNone, Some(RecipientDeferred)),
            (&[yes, no], AcceptedOnes, None),
            (&[later, no], AcceptedOnes, Some(RecipientDeferred)),
            (&[no], AcceptedOnes, Some(RecipientRefused)),
            (&[spent], AllOrNone, Some(SendingLimit)),
        ] {
            let objection = after(replies).objection(policy);
            assert_eq!(objection.map(|error| error.kind()), expected, "{replies:?} {policy:?}");
        }
    }
}
