//! A client's Email tab as text, laid out as a mail program does.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, FixedOffset};
use practicemail::contract::{OutgoingState, RecipientState, Route};
use practicemail::practice_mail::{Delivery, Direction, Tab, TabMessage};
use practicemail::types::{Attachment, Authenticity, Field, MatchKey, Participant, UserId};

/// Columns of the page.
const WIDTH: usize = 100;
/// Columns of the name of who wrote, or was written to.
const NAME: usize = 26;

/// A page to be printed.
pub(crate) struct Page<'a> {
    /// The client's name.
    pub(crate) title: &'a str,
    /// The tab.
    pub(crate) tab: &'a Tab,
    /// The users' names.
    pub(crate) users: &'a BTreeMap<UserId, String>,
    /// Which of the tab's messages are shown.
    pub(crate) messages: &'a [TabMessage],
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.tab.count.to_string();
        let messages = if count == "1" { "message" } else { "messages" };
        let count = format!("{count} {messages}");
        let title = format!("{} · Email", self.title);
        writeln!(f, "{}{count:>rest$}", title, rest = WIDTH.saturating_sub(title.chars().count()))?;
        writeln!(f, "{}", "─".repeat(WIDTH))?;
        self.messages.iter().try_for_each(|message| f.write_str(&Self::entry(message, self.users)))
    }
}

impl Page<'_> {
    /// One message as the page shows it.
    pub(crate) fn entry(message: &TabMessage, users: &BTreeMap<UserId, String>) -> String {
        Entry { message, users }.to_string()
    }
}

/// A message to be printed.
struct Entry<'a> {
    message: &'a TabMessage,
    users: &'a BTreeMap<UserId, String>,
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message;
        let (arrow, others) = match message.direction {
            Direction::Out => ("→", [&message.to[..], &message.cc[..]].concat()),
            _ => ("←", message.from.clone()),
        };
        let others = cut(&names(&others), NAME);
        let subject = if message.subject.is_empty() { "(no subject)" } else { message.subject.as_str() };
        let subject = cut(subject, WIDTH - 16 - NAME);
        writeln!(f, "{:<11}  {arrow} {others:<NAME$} {subject}", day(message))?;
        let line = |f: &mut fmt::Formatter<'_>, text: &str| writeln!(f, "{:15}{}", "", cut(text, WIDTH - 15));
        if !message.snippet.is_empty() {
            line(f, &message.snippet)?;
        }
        if !message.attachments.is_empty() {
            let all: Vec<String> = message.attachments.iter().map(attachment).collect();
            line(f, &format!("📎 {}", all.join(", ")))?;
        }
        if message.versions > 1 {
            line(f, &format!("⚠ {} differing versions of this message exist", message.versions))?;
        }
        if message.authenticity == Authenticity::Fail {
            line(f, "⚠ the address it says it is from does not answer for it")?;
        }
        if message.headers_only {
            line(f, "· its text is kept from you: whoever has it shares headers only")?;
        }
        if message.incomplete {
            line(f, "· only its beginning was taken in, for it is very long")?;
        }
        if message.hidden {
            line(f, "· hidden from colleagues")?;
        }
        if message.automatic {
            line(f, "⚙ written by a program")?;
        }
        if let Some(delivery) = &message.delivery {
            fate(delivery).iter().try_for_each(|fate| line(f, fate))?;
        }
        line(f, &format!("In the mail of {} · here because of {}", self.owners(message), reasons(message)))?;
        writeln!(f)
    }
}

impl Entry<'_> {
    fn owners(&self, message: &TabMessage) -> String {
        let mut owners: Vec<&str> = Vec::new();
        for copy in &message.copies {
            let name = self.users.get(&copy.user).map_or(copy.user.as_str(), String::as_str);
            let first = name.split_whitespace().next().unwrap_or(name);
            if !owners.contains(&first) {
                owners.push(first);
            }
        }
        match (&owners[..], &message.delivery) {
            ([], None) => "nobody any more".to_owned(),
            ([], Some(_)) => "nobody: it was sent from here".to_owned(),
            (owners, _) => owners.join(", "),
        }
    }
}

pub(crate) fn day(message: &TabMessage) -> String {
    local(message).map_or_else(|| message.time.to_string(), |date| date.format("%e %b %Y").to_string())
}

/// The date as its writer's clock showed it, else in UTC.
pub(crate) fn local(message: &TabMessage) -> Option<DateTime<FixedOffset>> {
    let (at, minutes) = message.date.map_or((message.time, 0), |date| (date.at, date.offset_minutes));
    let zone = FixedOffset::east_opt(i32::from(minutes) * 60)?;
    Some(DateTime::from_timestamp(at.as_unix(), 0)?.with_timezone(&zone))
}

pub(crate) fn names(participants: &[Participant]) -> String {
    let name = |p: &Participant| if p.name.is_empty() { p.address.to_string() } else { p.name.to_string() };
    participants.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn reasons(message: &TabMessage) -> String {
    let reason = |reason: &practicemail::matching::Reason| {
        let field = match reason.field {
            Field::From => "From",
            Field::Sender => "Sender",
            Field::To => "To",
            Field::Cc => "Cc",
            Field::Bcc => "Bcc",
            _ => "X-Original-From",
        };
        let tier = match reason.key {
            MatchKey::Address(_) => "",
            MatchKey::Domain(_) => " (its domain)",
            _ => " (the same address to its provider)",
        };
        format!("{field}: {}{tier}", reason.address)
    };
    message.matched.iter().map(reason).collect::<Vec<_>>().join(", ")
}

/// What there is to know of a message that was sent from here, where it is not simply that it was sent.
fn fate(delivery: &Delivery) -> Vec<String> {
    let mut lines = Vec::new();
    if delivery.route == Route::Noreply {
        lines.push("✉ left from the practice's noreply address".to_owned());
    }
    match delivery.state {
        OutgoingState::Unknown => lines.push("⚠ it is not certain whether this was sent".to_owned()),
        OutgoingState::Queued | OutgoingState::Sending => {
            lines.push("… not sent to everybody yet".to_owned());
        }
        OutgoingState::Refused => lines.push("✗ was not sent".to_owned()),
        _ => {}
    }
    for recipient in &delivery.recipients {
        if recipient.state == RecipientState::Refused {
            lines.push(format!("✗ refused for {}: {}", recipient.address, recipient.reply));
        }
        if let Some(bounce) = &recipient.bounce {
            let how = if bounce.permanent { "✗ not delivered to" } else { "… delayed for" };
            lines.push(format!("{how} {}: {}", recipient.address, bounce.diagnostic));
        }
    }
    lines
}

fn attachment(attachment: &Attachment) -> String {
    let name = if attachment.name.is_empty() { "attachment" } else { attachment.name.as_str() };
    format!("{name} ({})", size(attachment.size))
}

fn size(octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} bytes"),
        1_000..1_000_000 => format!("{} kB", octets.div_ceil(1_000)),
        _ => format!("{}.{} MB", octets / 1_000_000, octets % 1_000_000 / 100_000),
    }
}

/// As much of a text as so many columns take.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}
