//! What surrounds a transport under test: the service that takes messages, and how it goes wrong.

use async_trait::async_trait;

use crate::contract::MailTransport;
use crate::error::Result;
use crate::types::Address;

/// What a submission service took responsibility for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// Who gets it. A service that keeps one copy a recipient answers one of these for each.
    pub forward_paths: Vec<Address>,
    /// What they get, trace fields in front of it included.
    pub octets: Vec<u8>,
}

impl Received {
    /// A message with those who get it.
    pub fn new(forward_paths: Vec<Address>, octets: Vec<u8>) -> Self {
        Self { forward_paths, octets }
    }
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({} recipients, {} octets)", self.forward_paths.len(), self.octets.len())
    }
}

/// How a service takes the next message, other than well. Each is declared by
/// [`SubmissionService::abilities`]; what is not, the suite reports as *not checked*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubmissionFailure {
    /// It is not there: no connection comes about of transports made from now on.
    Unreachable,
    /// It refuses the message before its octets, for good.
    RefuseBefore,
    /// It refuses the message once it has all of it, for good.
    RefuseAfter,
    /// It never takes the recipient [`STRANGER`](Self::STRANGER).
    RefuseStranger,
    /// It breaks off before it has asked for the message's octets. Where they come unasked, as with HTTP, no such moment exists.
    BreakBefore,
    /// It has the whole message, takes it not, and breaks off without an answer.
    BreakAfter,
    /// It takes the message, and breaks off without an answer.
    AnswerLost,
    /// It takes the message, and breaks off amid the answer.
    AnswerCut,
    /// It takes the message, answers so, and breaks off.
    BreakBehindAnswer,
}

impl SubmissionFailure {
    /// Every failure.
    pub const ALL: [Self; 9] = [
        Self::Unreachable,
        Self::RefuseBefore,
        Self::RefuseAfter,
        Self::RefuseStranger,
        Self::BreakBefore,
        Self::BreakAfter,
        Self::AnswerLost,
        Self::AnswerCut,
        Self::BreakBehindAnswer,
    ];

    /// Whom [`RefuseStranger`](Self::RefuseStranger) is about.
    pub const STRANGER: &str = "stranger@bakery.example";
}

/// A submission service with one account, and what opens transports to it: an account of a test server, or a server in memory. Mail for
/// `paula@bakery.example`, `otto@bakery.example` and `vera@bakery.example` from `anna@practice.example` is taken.
///
/// The suite makes one for each check, so that nothing an earlier check did is left.
#[async_trait(?Send)]
pub trait SubmissionService {
    /// The failures it can be told to have; none unless told otherwise.
    fn abilities(&self) -> &[SubmissionFailure] {
        &[]
    }

    /// A transport under test, each time another one.
    ///
    /// # Errors
    /// Fails the check that asked.
    async fn transport(&self) -> Result<Box<dyn MailTransport>>;

    /// What the service took responsibility for, whatever it answered; waits until that is settled.
    async fn received(&self) -> Vec<Received>;

    /// Takes the next message so, and those after it too where it is of no importance.
    async fn fail(&self, failure: SubmissionFailure) {
        let _ = failure;
    }
}
