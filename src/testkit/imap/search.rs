//! SEARCH (RFC 9051 §6.4.4; RFC 4731, 7162).

use super::{
    command::{Arguments, Value},
    date,
    fault::Fault,
    gmail_query, header,
    reply::{Reply, line},
    session::Session,
    set::{NumberSet, compress},
    store::{Message, flag},
};

/// Deeper NOT, OR and parentheses than any search needs.
const DEPTH: usize = 32;

/// A search key.
pub(super) enum Key {
    All,
    Not(Box<Key>),
    And(Vec<Key>),
    Or(Vec<Key>),
    Numbers(NumberSet),
    Uids(NumberSet),
    Flag(String),
    Recent,
    Header(String, String),
    Text(String),
    Body(String),
    Larger(usize),
    Smaller(usize),
    Since(i64),
    On(i64),
    SentSince(i64),
    SentOn(i64),
    ModSeq(u64),
    GmailId(u64),
    GmailThread(u64),
}

impl Session {
    pub(super) fn search(&mut self, tag: &str, name: &str, arguments: &mut Arguments) -> Option<Reply> {
        let user = self.user.clone()?;
        let by_uid = name.starts_with("UID ");
        let mut returned = None;
        if arguments.skip("RETURN") {
            let options = arguments.list().filter(|_| self.shared.personality.has("ESEARCH"))?;
            let words = options.iter().map(|option| option.text().map(str::to_ascii_uppercase));
            returned = Some(words.collect::<Option<Vec<_>>>()?);
        }
        if arguments.skip("CHARSET") {
            let charset = arguments.text()?;
            if !["UTF-8", "US-ASCII"].iter().any(|known| known.eq_ignore_ascii_case(&charset)) {
                return Some(Reply::no("[BADCHARSET (US-ASCII UTF-8)] Unknown charset."));
            }
        }
        let key = self.keys(arguments, 0)?;
        let with_modseq = asks_modseq(&key);
        self.condstore |= with_modseq;
        let selected = self.selected.as_ref()?;
        let (mut found, mut modseq) = (Vec::new(), 0);
        {
            let store = user.store();
            let (_, mailbox) = store.by_id(selected.id)?;
            let last = selected.last();
            for (number, uid) in selected.numbered() {
                let Some(message) = mailbox.message(uid) else { continue };
                if key.fits(message, number, last) {
                    found.push(if by_uid { uid } else { number });
                    modseq = modseq.max(message.modseq);
                }
            }
        }
        if self.holds(&Fault::SearchEmpty) {
            found.clear();
        }
        let many = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::SearchMany { count } => Some(*count),
            _ => None,
        });
        found.extend((1..=many.unwrap_or(0)).map(|number| number.saturating_add(1_000_000)));
        let modseq = (with_modseq && !found.is_empty()).then_some(modseq);
        let text = match returned {
            Some(options) => extended(tag, by_uid, &options, found, modseq),
            None => plain(&found, modseq),
        };
        let mut untagged = Vec::new();
        line(&mut untagged, text);
        let mut reply = Reply::ok("Search completed.").with(untagged);
        self.add_news(&mut reply, by_uid);
        Some(reply)
    }

    fn keys(&self, arguments: &mut Arguments, depth: usize) -> Option<Key> {
        let mut keys = Vec::new();
        while !arguments.is_empty() {
            keys.push(self.key(arguments, depth)?);
        }
        (!keys.is_empty()).then_some(Key::And(keys))
    }

    fn key(&self, arguments: &mut Arguments, depth: usize) -> Option<Key> {
        if depth > DEPTH {
            return None;
        }
        let word = match arguments.next()? {
            Value::List(items) => return self.keys(&mut Arguments::new(items), depth + 1),
            Value::Text(_) => return None,
            Value::Atom(word) => String::from_utf8(word).ok()?.to_ascii_uppercase(),
        };
        let offered = |capability| self.shared.personality.has(capability);
        let day = |arguments: &mut Arguments| date::parse_date(&arguments.text()?);
        let not = |key| Key::Not(Box::new(key));
        Some(match word.as_str() {
            "ALL" => Key::All,
            "ANSWERED" | "DELETED" | "DRAFT" | "FLAGGED" | "SEEN" => Key::Flag(flag(&format!("\\{word}"))),
            "UNANSWERED" | "UNDELETED" | "UNDRAFT" | "UNFLAGGED" | "UNSEEN" => {
                not(Key::Flag(flag(&word.replacen("UN", "\\", 1))))
            }
            "KEYWORD" => Key::Flag(arguments.text()?),
            "UNKEYWORD" => not(Key::Flag(arguments.text()?)),
            "RECENT" => Key::Recent,
            "OLD" => not(Key::Recent),
            "NEW" => Key::And(vec![Key::Recent, not(Key::Flag("\\Seen".to_owned()))]),
            "FROM" | "TO" | "CC" | "BCC" | "SUBJECT" => Key::Header(word, lower(arguments)?),
            "HEADER" => Key::Header(arguments.text()?, lower(arguments)?),
            "TEXT" => Key::Text(lower(arguments)?),
            "BODY" => Key::Body(lower(arguments)?),
            "LARGER" => Key::Larger(arguments.text()?.parse().ok()?),
            "SMALLER" => Key::Smaller(arguments.text()?.parse().ok()?),
            "SINCE" => Key::Since(day(arguments)?),
            "BEFORE" => not(Key::Since(day(arguments)?)),
            "ON" => Key::On(day(arguments)?),
            "SENTSINCE" => Key::SentSince(day(arguments)?),
            "SENTBEFORE" => not(Key::SentSince(day(arguments)?)),
            "SENTON" => Key::SentOn(day(arguments)?),
            "NOT" => not(self.key(arguments, depth + 1)?),
            "OR" => Key::Or(vec![self.key(arguments, depth + 1)?, self.key(arguments, depth + 1)?]),
            "UID" => Key::Uids(NumberSet::parse(&arguments.octets()?)?),
            "MODSEQ" if offered("CONDSTORE") => Key::ModSeq(arguments.text()?.parse().ok()?),
            "X-GM-MSGID" if offered("X-GM-EXT-1") => Key::GmailId(arguments.text()?.parse().ok()?),
            "X-GM-THRID" if offered("X-GM-EXT-1") => Key::GmailThread(arguments.text()?.parse().ok()?),
            "X-GM-RAW" if offered("X-GM-EXT-1") => gmail_query::parse(&arguments.text()?)?,
            _ => Key::Numbers(NumberSet::parse(word.as_bytes())?),
        })
    }
}

impl Key {
    fn fits(&self, message: &Message, number: u32, last: (u32, u32)) -> bool {
        let has = |name: &str, part: &str| {
            let values = header::values(&message.octets, name);
            values.iter().any(|value| value.to_lowercase().contains(part))
        };
        let holds = |octets: &[u8], part: &str| String::from_utf8_lossy(octets).to_lowercase().contains(part);
        let sent = || {
            let dates = header::values(&message.octets, "Date");
            dates.first().and_then(|date| date::header_day(date))
        };
        let arrived = date::day_of(message.internal_date);
        match self {
            Self::All => true,
            Self::Not(key) => !key.fits(message, number, last),
            Self::And(keys) => keys.iter().all(|key| key.fits(message, number, last)),
            Self::Or(keys) => keys.iter().any(|key| key.fits(message, number, last)),
            Self::Numbers(numbers) => numbers.contains(number, last.0),
            Self::Uids(uids) => uids.contains(message.uid, last.1),
            Self::Flag(flag) => message.flags.iter().any(|own| own.eq_ignore_ascii_case(flag)),
            Self::Recent => message.recent,
            Self::Header(name, part) => has(name, part),
            Self::Text(part) => holds(&message.octets, part),
            Self::Body(part) => {
                let body = message.octets.get(header::length(&message.octets)..);
                holds(body.unwrap_or_default(), part)
            }
            Self::Larger(size) => message.octets.len() > *size,
            Self::Smaller(size) => message.octets.len() < *size,
            Self::Since(day) => arrived >= *day,
            Self::On(day) => arrived == *day,
            Self::SentSince(day) => sent().is_some_and(|sent| sent >= *day),
            Self::SentOn(day) => sent() == Some(*day),
            Self::ModSeq(modseq) => message.modseq >= *modseq,
            Self::GmailId(id) => message.gmail_id == *id,
            Self::GmailThread(id) => message.gmail_thread == *id,
        }
    }
}

fn lower(arguments: &mut Arguments) -> Option<String> {
    arguments.text().map(|text| text.to_lowercase())
}

fn asks_modseq(key: &Key) -> bool {
    match key {
        Key::ModSeq(_) => true,
        Key::Not(key) => asks_modseq(key),
        Key::And(keys) | Key::Or(keys) => keys.iter().any(asks_modseq),
        _ => false,
    }
}

fn plain(found: &[u32], modseq: Option<u64>) -> String {
    let mut text = "* SEARCH".to_owned();
    for number in found {
        text.push(' ');
        text.push_str(&number.to_string());
    }
    text + &modseq.map_or(String::new(), |modseq| format!(" (MODSEQ {modseq})"))
}

fn extended(tag: &str, by_uid: bool, options: &[String], mut found: Vec<u32>, modseq: Option<u64>) -> String {
    found.sort_unstable();
    let asked =
        |option: &str| options.iter().any(|own| own == option) || option == "ALL" && options.is_empty();
    let mut parts = vec![format!("* ESEARCH (TAG \"{tag}\")")];
    if by_uid {
        parts.push("UID".to_owned());
    }
    if let (Some(min), Some(max)) = (found.first(), found.last()) {
        parts.extend(asked("MIN").then(|| format!("MIN {min}")));
        parts.extend(asked("MAX").then(|| format!("MAX {max}")));
        parts.extend(asked("ALL").then(|| format!("ALL {}", compress(&found))));
    }
    parts.extend(asked("COUNT").then(|| format!("COUNT {}", found.len())));
    parts.extend(modseq.map(|modseq| format!("MODSEQ {modseq}")));
    parts.join(" ")
}
