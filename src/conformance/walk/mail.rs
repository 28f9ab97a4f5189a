//! Mail of a walk, and what a pass writes of it.

use super::chance::Chance;
use super::world::{
    self, INTENTS, MESSAGES, PEOPLE, UIDS, WORD_COUNT, address, intent, key, mailbox, message, message_id,
    participant, rendition, said, uid, validity,
};
use crate::conformance::check::Outcome;
use crate::contract::{
    ArchivedCopy, Bounce, BounceReport, Comparison, DeadLetter, MovedCopy, SentMessage, Window,
};
use crate::types::{
    Attachment, Authenticity, CleanText, Copy, CopyPlace, Digest, Field, Gap, GapReason, Kept, MailboxStatus,
    ParsedMessage, Timestamp, UidSet,
};

/// What a message says, where it lies apart. Octets that are the same say the same, and so do the copies of a rendition but for what only
/// one of them shows.
pub(super) struct Letter {
    pub(super) message: u8,
    rendition: u8,
    version: u8,
    pub(super) answers: Option<u8>,
    pub(super) references: Vec<u8>,
    pub(super) people: Vec<u8>,
    subject: Vec<u8>,
    words: Vec<u8>,
    attached: Option<u8>,
    bcc: Option<u8>,
    outgoing: Option<u8>,
    is_unparsed: bool,
}

/// Versions of the octets of a rendition.
const VERSIONS: u8 = 2;

impl Letter {
    pub(super) fn draw(chance: &mut Chance, message: u8) -> Self {
        Self::of(message, u8::from(chance.one_in(4)), chance.below(VERSIONS))
    }

    fn of(message: u8, rendition: u8, version: u8) -> Self {
        let number = u64::from_be_bytes([0, 0, 0, 0, 0, message, rendition, version]);
        let chance = &mut Chance::new(number >> 8);
        let mut people = chance.some(2, PEOPLE);
        people.push(chance.below(PEOPLE));
        people.sort_unstable();
        people.dedup();
        let of_version = &mut Chance::new(number);
        Self {
            message,
            rendition,
            version,
            answers: chance.perhaps(MESSAGES),
            references: chance.some(2, MESSAGES),
            people,
            subject: chance.some(2, WORD_COUNT),
            words: chance.some(5, WORD_COUNT),
            attached: chance.one_in(3).then(|| chance.below(WORD_COUNT)),
            bcc: of_version.one_in(3).then(|| of_version.below(PEOPLE)),
            outgoing: of_version.one_in(3).then(|| of_version.below(INTENTS)),
            is_unparsed: of_version.one_in(6),
        }
    }

    pub(super) fn octets(&self) -> Digest {
        octets([self.message, self.rendition, self.version])
    }

    /// Some share a second; another version's is not the message's, if it comes later.
    pub(super) fn sort_time(&self) -> Timestamp {
        Timestamp::from_unix(1_700_000_000 + i64::from(self.message / 2) + i64::from(self.version))
    }

    pub(super) fn parsed(&self) -> Outcome<ParsedMessage> {
        let mut headers = world::headers(self.message)?;
        for person in &self.people {
            headers.participants.push(participant(Field::To, *person)?);
        }
        if let Some(person) = self.bcc {
            headers.participants.push(participant(Field::Bcc, person)?);
        }
        let attached = |word: u8| {
            let name = CleanText::file_name(&format!("{}.pdf", said(&[word])));
            Attachment::new(name, CleanText::new("application/pdf"), 1)
        };
        Ok(ParsedMessage {
            headers,
            subject: CleanText::new(&said(&self.subject)),
            in_reply_to: self.answers.map(message_id).transpose()?,
            references: self.references.iter().map(|number| message_id(*number)).collect::<Outcome<_>>()?,
            text: said(&self.words),
            attachments: self.attached.map(attached).into_iter().collect(),
            incomplete: self.version > 0,
            rendition: (!self.is_unparsed).then(|| rendition(self.message, self.rendition)),
            outgoing: self.outgoing.map(intent).transpose()?.map(|(_, id)| id),
            ..ParsedMessage::default()
        })
    }

    pub(super) fn archived(&self, place: CopyPlace) -> Outcome<ArchivedCopy> {
        let mut copy = Copy::new(place, self.octets(), 7, None);
        if self.version > 0 {
            (copy.authenticity, copy.kept) = (Authenticity::Pass, Kept::Beginning);
        }
        let keys = self.people.iter().chain(&self.bcc).map(|person| key(*person)).collect::<Outcome<_>>()?;
        Ok(ArchivedCopy::new(message(self.message)?, self.sort_time(), self.parsed()?, copy, keys))
    }
}

fn octets(of: [u8; 3]) -> Digest {
    Digest::of(&of)
}

/// Octets of some message.
pub(super) fn any_octets(chance: &mut Chance) -> Digest {
    octets([chance.below(MESSAGES), u8::from(chance.one_in(4)), chance.below(VERSIONS)])
}

/// The octets that an intent sends are filed as they are.
pub(super) fn octets_of_intent(number: u8) -> Digest {
    octets([number, 0, 0])
}

/// As the archive takes up what was sent.
pub(super) fn sent(number: u8) -> Outcome<SentMessage> {
    let built = Letter::of(number, 0, 0).archived(world::place(0, (0, 0, 0))?)?;
    Ok(SentMessage::new(built.sort_time, built.parsed, built.postings))
}

/// One step of reading a mailbox of an account.
pub(super) fn window(chance: &mut Chance, account: u8, now: Timestamp) -> Outcome<Window> {
    let box_number = chance.of(&[0, 0, 1, 1, 2]);
    let valid = u8::from(chance.one_in(8));
    let mut window = Window::new(mailbox(box_number), validity(valid)?);
    window.seen = uids(chance, 4)?;
    if chance.one_in(4) {
        window.history_done = uids(chance, UIDS)?;
    }
    for number in chance.some(1, UIDS) {
        let gap = Gap::new(uid(number)?, GapReason::Refused, 1 + u32::from(chance.below(3)), now.plus(60));
        window.gaps.push(gap);
    }
    if chance.one_in(4) {
        window.gaps_closed = uids(chance, 3)?;
    }
    let mut numbers = chance.some(4, UIDS);
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let place = world::place(account, (box_number, valid, number))?;
        let name = chance.below(MESSAGES);
        let mut copy = Letter::draw(chance, name).archived(place)?;
        copy.in_sent = box_number == 1;
        copy.thread = chance.one_in(3).then(|| format!("t{}", chance.below(3)));
        if chance.one_in(5) {
            let stored = Digest::of(copy.copy.sha256.as_bytes());
            copy.copy.kept = Kept::WithoutAttachments { stored, cuts: Vec::new() };
        }
        window.copies.push(copy);
    }
    if chance.one_in(3) {
        let to = world::place(account, (box_number, valid, chance.below(UIDS)))?;
        // One that a copy is committed at is no other's.
        if window.copies.iter().all(|copy| copy.copy.place != to) {
            let from = any_place(chance, account)?;
            window.moved.push(MovedCopy::new(from, to, vec![mailbox(chance.below(3))]));
        }
    }
    if chance.one_in(5) {
        let place = world::place(account, (box_number, valid, chance.below(UIDS)))?;
        if window.copies.iter().all(|copy| copy.copy.place != place) {
            let mut letter = DeadLetter::new(place, "it is no message", now);
            letter.message_id = chance.perhaps(MESSAGES).map(message_id).transpose()?;
            letter.labels.push(mailbox(chance.below(3)));
            letter.octets = chance.one_in(2).then(|| (any_octets(chance), 7));
            window.dead_letters.push(letter);
        }
    }
    if chance.one_in(5) {
        window.bounces.push(bounce(chance, now)?);
    }
    window.octets_read = u64::from(chance.below(200));
    if chance.one_in(3) {
        window.finished = Some(MailboxStatus::new(u32::from(UIDS), 9, Some(window.uid_validity), None));
        window.look_again_at = chance.one_in(3).then(|| now.plus(600));
    }
    window.left = chance.one_in(4).then(|| u64::from(chance.below(9)));
    Ok(window)
}

/// What comparing copies with the server showed.
pub(super) fn comparison(chance: &mut Chance, account: u8) -> Outcome<Comparison> {
    let mut comparison = Comparison::default();
    let mut places = |most: u8| {
        let count = chance.below(most + 1);
        (0..count).map(|_| any_place(chance, account)).collect::<Outcome<Vec<_>>>()
    };
    (comparison.missing, comparison.found, comparison.gone) = (places(4)?, places(2)?, places(3)?);
    if chance.one_in(5) {
        comparison.mailboxes_gone.push(mailbox(chance.below(3)));
    }
    Ok(comparison)
}

fn bounce(chance: &mut Chance, now: Timestamp) -> Outcome<BounceReport> {
    let outgoing = chance.perhaps(INTENTS).map(intent).transpose()?.map(|(_, id)| id);
    let message_id = chance.perhaps(MESSAGES).map(message_id).transpose()?;
    let recipient = chance.perhaps(PEOPLE).map(address).transpose()?;
    let told = Bounce::new(chance.one_in(2), Some("5.1.1".to_owned()), "unknown", now);
    Ok(BounceReport::new(outgoing, message_id, vec![(recipient, told)]))
}

fn any_place(chance: &mut Chance, account: u8) -> Outcome<CopyPlace> {
    let valid = u8::from(chance.one_in(8));
    world::place(account, (chance.of(&[0, 0, 1, 1, 2]), valid, chance.below(UIDS)))
}

pub(super) fn uids(chance: &mut Chance, most: u8) -> Outcome<UidSet> {
    let mut uids = UidSet::new();
    for number in chance.some(most, UIDS) {
        uids.insert(uid(number)?);
    }
    Ok(uids)
}
