//! What one viewer sees of a message.
//!
//! One sees one's own copies always; others' unless their user has hidden the message, and their text only where the account shares it.
//! A message shows if one copy remains that is seen.

use std::collections::BTreeSet;

use super::view::Viewer;
use crate::contract::{Message, MessageCopy, Outgoing, Rendition, Route};
use crate::types::{AccountId, CleanText, Digest, Field, Participant, UserId};

/// A message, and the intent by which the practice sent it, where it did.
pub(super) struct ArchivedMessage<'a> {
    pub(super) message: &'a Message,
    pub(super) sent: Option<&'a Outgoing>,
}

/// What a viewer sees of it.
pub(super) struct Seen<'a> {
    /// The content that is shown: one that may be read, where there is one.
    pub(super) rendition: &'a Rendition,
    /// Whether its text and attachments are shown too.
    pub(super) readable: bool,
    /// Every content that is seen.
    pub(super) renditions: Vec<&'a Rendition>,
    /// Those of them that may be read.
    read: Vec<Digest>,
    /// Every copy that is seen.
    pub(super) copies: Vec<&'a MessageCopy>,
    /// Those of them whose octets may be read.
    pub(super) open: Vec<&'a MessageCopy>,
    /// The intent, where it is seen.
    pub(super) sent: Option<&'a Outgoing>,
}

impl Seen<'_> {
    /// Everybody who takes part by what is seen, the Bcc recipients of seen copies included: by whom it is a client's.
    pub(super) fn people(&self) -> Vec<Participant> {
        let public = self.renditions.iter().flat_map(|rendition| rendition.participants.iter().cloned());
        let bcc = self.copies.iter().flat_map(|copy| copy.bcc.iter().cloned());
        let sent = self.sent.into_iter().flat_map(|sent| &sent.recipients);
        let sent = sent.filter(|recipient| recipient.field == Field::Bcc);
        let sent = sent.map(|r| Participant::new(Field::Bcc, r.address.clone(), CleanText::default()));
        let mut people: Vec<Participant> = public.chain(bcc).chain(sent).collect();
        people.sort();
        people.dedup();
        people
    }

    /// The copies whose octets may be handed over whole: those that name a colleague's Bcc recipients may not.
    pub(super) fn whole(&self, viewer: &Viewer) -> impl Iterator<Item = &MessageCopy> {
        self.open.iter().copied().filter(|copy| copy.bcc.is_empty() || viewer.owns(&copy.user))
    }

    /// Whether a content's text and attachments may be read.
    pub(super) fn is_readable(&self, rendition: &Rendition) -> bool {
        self.read.contains(&rendition.digest)
    }
}

impl Viewer {
    /// Whether a user's own things are the viewer's: the host itself owns everything.
    pub(super) fn owns(&self, user: &UserId) -> bool {
        !matches!(self, Self::User(viewer) if viewer != user)
    }

    /// The user, `None` for the host itself.
    pub(super) fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::System { .. } => None,
        }
    }
}

impl<'a> ArchivedMessage<'a> {
    /// What `viewer` sees; `headers_only` are the accounts that share no more.
    pub(super) fn seen_by(&self, viewer: &Viewer, headers_only: &BTreeSet<AccountId>) -> Option<Seen<'a>> {
        let message = self.message;
        let sees = |user: &UserId| viewer.owns(user) || !message.hidden_by.contains(user);
        let copies: Vec<&MessageCopy> = message.copies.iter().filter(|copy| sees(&copy.user)).collect();
        let sent = self.sent.filter(|sent| sees(&sent.message.author));
        let shared = |account: &AccountId| !headers_only.contains(account);
        let held = |rendition: &Rendition| {
            copies.iter().any(|copy| copy.rendition == rendition.digest)
                || sent.is_some_and(|sent| sent.message.rendition == rendition.digest)
        };
        let open: Vec<&MessageCopy> =
            copies.iter().copied().filter(|c| viewer.owns(&c.user) || shared(c.account())).collect();
        let read = |rendition: &Rendition| {
            let way = |sent: &&Outgoing| match &sent.message.route {
                Route::Own(account) => viewer.owns(&sent.message.author) || shared(account),
                Route::Noreply => true,
            };
            open.iter().any(|copy| copy.rendition == rendition.digest)
                || sent.filter(way).is_some_and(|sent| sent.message.rendition == rendition.digest)
        };
        let renditions: Vec<&Rendition> = message.renditions.iter().filter(|r| held(r)).collect();
        let readable = renditions.iter().copied().find(|rendition| read(rendition));
        let rendition = readable.or_else(|| renditions.first().copied())?;
        let read = renditions.iter().filter(|rendition| read(rendition)).map(|r| r.digest).collect();
        Some(Seen { rendition, readable: readable.is_some(), renditions, read, copies, open, sent })
    }

    /// Everybody who takes part by any of its contents and copies: what the practice's rules are about.
    pub(super) fn everyone(&self) -> Vec<Participant> {
        let public = self.message.renditions.iter().flat_map(|r| r.participants.iter().cloned());
        let mut everyone: Vec<Participant> = public.chain(self.bcc(|_| true)).collect();
        everyone.sort();
        everyone.dedup();
        everyone
    }

    /// Recipients nobody else sees, of the copies and of the intent that belong to users of whom `owns` says so.
    pub(super) fn bcc(&self, owns: impl Fn(&UserId) -> bool) -> BTreeSet<Participant> {
        let copies = self.message.copies.iter().filter(|copy| owns(&copy.user));
        let sent = self.sent.into_iter().filter(|item| owns(&item.message.author));
        let recipients = sent.flat_map(|item| &item.recipients).filter(|r| r.field == Field::Bcc);
        let of_sent =
            recipients.map(|r| Participant::new(Field::Bcc, r.address.clone(), CleanText::default()));
        let named: BTreeSet<Participant> = copies.flat_map(|copy| copy.bcc.iter().cloned()).collect();
        let missing: Vec<Participant> =
            of_sent.filter(|p| !named.iter().any(|n| n.address.key() == p.address.key())).collect();
        named.into_iter().chain(missing).collect()
    }
}
