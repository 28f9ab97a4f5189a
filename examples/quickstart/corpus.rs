//! The mail of a small accountancy practice, made up the same way each time.

use chrono::{Datelike as _, Months, NaiveDate};
use practicemail::testkit::ImapServer;

use crate::letter::{Charset, Letter, Person};
use crate::practice::{CLIENTS, Client, PAULA_AT_HOME, USERS};
use crate::wording::{ENGLISH, Exchange, FRENCH, GERMAN, INTERNAL, JAPANESE, NEWSLETTERS, POLISH};

const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2019, 4, 1).expect("a day");
const LAST: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
/// Staff keep in the inbox what is younger than this.
const ARCHIVED_BEFORE: NaiveDate = NaiveDate::from_ymd_opt(2025, 9, 1).expect("a day");
const DAY: i64 = 86_400;
const LONDON: (&str, i64) = ("+0000", 0);

/// How a client writes.
struct Manner {
    exchanges: &'static [Exchange],
    greeting: &'static str,
    farewell: &'static str,
    charset: Charset,
    zone: (&'static str, i64),
    /// Months from one exchange to the next.
    every: u32,
    /// Who of the staff looks after them, and who is copied in at times.
    staff: (usize, usize),
}

fn manner(client: &Client) -> Manner {
    let of = |exchanges, greeting, farewell, charset, zone, every, staff| Manner {
        exchanges,
        greeting,
        farewell,
        charset,
        zone,
        every,
        staff,
    };
    let continental = ("+0100", 3_600);
    match client.id {
        "marlow" => of(ENGLISH, "Hi {to},", "Best wishes\n{from}", Charset::Utf8, LONDON, 2, (0, 1)),
        "brook" => of(ENGLISH, "Dear {to},", "Regards, {from}", Charset::Windows1252, LONDON, 4, (0, 2)),
        "mueller" => {
            of(GERMAN, "Hallo {to},", "Viele Grüße\n{from}", Charset::Latin1, continental, 5, (1, 0))
        }
        "etoile" => {
            of(FRENCH, "Bonjour {to},", "Bien à vous,\n{from}", Charset::Windows1252, continental, 6, (2, 1))
        }
        "zielinski" => {
            of(POLISH, "Dzień dobry,", "Pozdrawiam\n{from}", Charset::Latin2, continental, 12, (1, 2))
        }
        _ => of(JAPANESE, "Dear {to},", "Kind regards\n{from}", Charset::Utf8, ("+0900", 32_400), 12, (2, 0)),
    }
}

/// Puts the messages into the users' mailboxes and tells how many there are.
pub(crate) fn fill(server: &ImapServer) -> usize {
    let mut post = Post { server, count: 0 };
    for user in &USERS {
        server.user(user.address).create_mailbox("Archive", &["\\Archive"]);
    }
    for client in &CLIENTS {
        correspond(&mut post, client);
    }
    notes_from_home(&mut post);
    internal(&mut post);
    newsletters(&mut post);
    post.count
}

/// Puts messages where they belong.
struct Post<'a> {
    server: &'a ImapServer,
    count: usize,
}

impl Post<'_> {
    /// What a user sent.
    fn sent(&mut self, user: usize, letter: &Letter<'_>) {
        self.put(user, "Sent", letter, "");
    }

    /// What a user got: every copy bears the trace of its own way.
    fn received(&mut self, user: usize, letter: &Letter<'_>) {
        let address = USERS[user].address;
        let trace = format!(
            "Delivered-To: {address}\r\nReceived: from mx.example by mail.hale-partners.example for <{address}>\r\n"
        );
        let archived = letter.at < timestamp(ARCHIVED_BEFORE, 0);
        self.put(user, if archived { "Archive" } else { "INBOX" }, letter, &trace);
    }

    fn put(&mut self, user: usize, mailbox: &str, letter: &Letter<'_>, trace: &str) {
        let mail = self.server.user(USERS[user].address);
        mail.append(mailbox, letter.octets(trace), &["\\Seen"], letter.at).expect("the mailbox is there");
        self.count += 1;
    }
}

/// Years of exchanges with a client: staff ask, the client answers, staff say thanks.
fn correspond(post: &mut Post<'_>, client: &Client) {
    let manner = manner(client);
    let mut month = FIRST;
    for number in 0.. {
        if month >= LAST {
            return;
        }
        exchange(post, client, &manner, number, month);
        month = month + Months::new(manner.every);
    }
}

fn exchange(post: &mut Post<'_>, client: &Client, manner: &Manner, number: usize, month: NaiveDate) {
    let words = &manner.exchanges[(number + 1) % manner.exchanges.len()];
    let (main, other) = manner.staff;
    let staff = (USERS[main].name, USERS[main].address);
    let colleague = (USERS[other].name, USERS[other].address);
    let them = (client.contact, client.address);
    // Every third time a colleague is copied in: one message in two mailboxes.
    let cc: Vec<Person<'_>> = if number % 3 == 2 { vec![colleague] } else { Vec::new() };
    let fill = |text: &str| fill_in(text, month);
    let subject = fill(words.subject);
    let attached = |file: Option<(&str, usize)>| file.map(|(name, size)| (fill(name), size + 37 * number));
    let asked = timestamp(month, 2 + i64::try_from(number * 5 % 17).unwrap_or(0));
    let letter = |turn: i64, from: Person<'static>, to: Person<'static>, text: &str, file| Letter {
        id: format!("{}.{number}.{turn}@{}", client.id, from.1.split('@').nth(1).unwrap_or("example")),
        at: asked + turn * DAY + turn * 4_711,
        zone: if from == them { manner.zone } else { LONDON },
        from,
        to: vec![to],
        cc: cc.clone(),
        subject: if turn == 0 { subject.clone() } else { format!("Re: {subject}") },
        text: dressed(manner, from.0, to.0, &fill(text)),
        charset: manner.charset,
        attachment: attached(file),
    };
    let request = letter(0, staff, them, words.request, None);
    let mut answer = letter(1, them, staff, words.answer, words.attachment);
    if client.id == "tanaka" {
        answer.charset = Charset::Iso2022Jp;
        TANAKAS_ANSWER.clone_into(&mut answer.text);
    }
    let thanks = letter(3, staff, them, words.thanks, words.result);
    for sent in [&request, &thanks] {
        post.sent(main, sent);
    }
    post.received(main, &answer);
    if !cc.is_empty() {
        for copied in [&request, &answer, &thanks] {
            post.received(other, copied);
        }
    }
}

/// "Enclosed are the documents for the tax return. Please check them. Yuki Tanaka", in ISO-2022-JP.
const TANAKAS_ANSWER: &str = "\x1b$B%O%lMM\x1b(B\r\n\r\n\x1b$B3NDj?=9p$N=qN`$r$*Aw$j$7$^$9!#$43NG'$r$*4j$$$$$?$7$^$9!#\x1b(B\r\n\r\n\x1b$BEDCf\x1b(B \x1b$BM35*\x1b(B\r\n";

/// What Paula of the bakery wrote from her own address, which the practice does not know as hers yet.
fn notes_from_home(post: &mut Post<'_>) {
    const NOTES: [(&str, &str); 4] = [
        (
            "The bakery's mail is down",
            "Writing from home because the bakery's mail is down. The VAT papers are on their way by post.",
        ),
        (
            "Receipts on my phone",
            "Here is the photograph of the till receipts you asked for. Please tell me if they cannot be read.",
        ),
        (
            "Can we move the meeting?",
            "My daughter has a school play on Tuesday. Could we meet on Wednesday at ten instead?",
        ),
        (
            "Question about my pension",
            "A private question: is there any room left for pension payments this tax year?",
        ),
    ];
    for number in 0..9_u32 {
        let (subject, text) = NOTES[number as usize % NOTES.len()];
        let month = FIRST + Months::new(5 + number * 9);
        let letter = Letter {
            id: format!("home.{number}@webmail.example"),
            at: timestamp(month, 11),
            zone: LONDON,
            from: ("Paula Marlow", PAULA_AT_HOME),
            to: vec![(USERS[0].name, USERS[0].address)],
            cc: Vec::new(),
            subject: subject.to_owned(),
            text: format!("Hi Anna,\n\n{text}\n\nPaula\n"),
            charset: Charset::Utf8,
            attachment: (number % 4 == 1).then(|| ("receipts.jpg".to_owned(), 15_500)),
        };
        post.received(0, &letter);
    }
}

fn internal(post: &mut Post<'_>) {
    for number in 0..36_u32 {
        let (subject, text) = INTERNAL[number as usize % INTERNAL.len()];
        let (from, to) = (number as usize % 3, (number as usize + 1) % 3);
        let letter = Letter {
            id: format!("internal.{number}@hale-partners.example"),
            at: timestamp(FIRST + Months::new(number * 2), 6),
            zone: LONDON,
            from: (USERS[from].name, USERS[from].address),
            to: vec![(USERS[to].name, USERS[to].address)],
            cc: Vec::new(),
            subject: subject.to_owned(),
            text: format!("{text}\n"),
            charset: Charset::Utf8,
            attachment: None,
        };
        post.sent(from, &letter);
        post.received(to, &letter);
    }
}

fn newsletters(post: &mut Post<'_>) {
    for number in 0..72_u32 {
        let (name, address, subject) = NEWSLETTERS[number as usize % NEWSLETTERS.len()];
        let reader = &USERS[number as usize % USERS.len()];
        let letter = Letter {
            id: format!("issue.{number}@{}", address.split('@').nth(1).unwrap_or("example")),
            at: timestamp(FIRST + Months::new(number), 14),
            zone: LONDON,
            from: (name, address),
            to: vec![(reader.name, reader.address)],
            cc: Vec::new(),
            subject: subject.to_owned(),
            text: "You are receiving this because you once gave us your address.\n".to_owned(),
            charset: Charset::Utf8,
            attachment: None,
        };
        post.received(number as usize % USERS.len(), &letter);
    }
}

/// Puts a quarter and a year into a text: the quarter that is over.
fn fill_in(text: &str, month: NaiveDate) -> String {
    let month = month - Months::new(3);
    let quarter = format!("Q{}", month.month0() / 3 + 1);
    text.replace("{quarter}", &quarter).replace("{year}", &month.year().to_string())
}

/// A text between greeting and farewell.
fn dressed(manner: &Manner, from: &str, to: &str, text: &str) -> String {
    let first = to.split(' ').next().unwrap_or(to);
    let (greeting, farewell) =
        (manner.greeting.replace("{to}", first), manner.farewell.replace("{from}", from));
    format!("{greeting}\n\n{text}\n\n{farewell}\n")
}

fn timestamp(month: NaiveDate, days: i64) -> i64 {
    let morning = month.and_hms_opt(9, 12, 0).unwrap_or_default();
    morning.and_utc().timestamp() + days * DAY
}
