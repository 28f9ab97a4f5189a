//! A tiny IMAP session of the tests' own, for arranging and for the ground truth. It shares nothing with the crate.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::sha256;

/// One message as the server gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) uid: u32,
    /// Sorted, without `\Recent`.
    pub(crate) flags: Vec<String>,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// A signed-in session in plain text on loopback.
pub(crate) struct Session {
    stream: BufReader<TcpStream>,
    next: u32,
}

/// One response: its text with every literal's octets cut out.
struct Response {
    text: String,
    literals: Vec<Vec<u8>>,
}

impl Session {
    /// Connects and signs in.
    pub(crate) fn sign_in(port: u16, user: &str, password: &str) -> Self {
        Self::try_sign_in(port, user, password).expect("the server takes the password")
    }

    /// Connects and signs in, unless the server refuses the password.
    pub(crate) fn try_sign_in(port: u16, user: &str, password: &str) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connect to dovecot");
        stream.set_nodelay(true).expect("set no delay");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("set a time-out");
        let mut session = Self { stream: BufReader::new(stream), next: 0 };
        let greeting = session.response();
        assert!(greeting.text.starts_with("* OK"), "unexpected greeting {:?}", greeting.text);
        let tag = session.send(&format!("LOGIN {user} {}", quoted(password)));
        loop {
            let response = session.response();
            if let Some(answer) = response.text.strip_prefix(&format!("{tag} ")) {
                return answer.starts_with("OK").then_some(session);
            }
        }
    }

    /// What CAPABILITY answers after sign-in.
    pub(crate) fn capabilities(&mut self) -> String {
        let responses = self.command("CAPABILITY");
        let line = responses.iter().find_map(|response| response.text.strip_prefix("* CAPABILITY "));
        line.expect("a capability line").to_owned()
    }

    /// Every message of a mailbox with its octets' digest. EXAMINE and PEEK, so nothing changes.
    pub(crate) fn messages(&mut self, mailbox: &str) -> Vec<Fetched> {
        self.command(&format!("EXAMINE {}", name(mailbox)));
        let responses = self.command("UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[])");
        let mut messages: Vec<Fetched> = responses.iter().filter_map(fetched).collect();
        messages.sort_by_key(|message| message.uid);
        messages
    }

    /// A message's INTERNALDATE as the server writes it.
    pub(crate) fn internal_date(&mut self, mailbox: &str, uid: u32) -> String {
        self.command(&format!("EXAMINE {}", name(mailbox)));
        let responses = self.command(&format!("UID FETCH {uid} (INTERNALDATE)"));
        let date = responses.iter().find_map(|response| response.text.split_once("INTERNALDATE \""));
        date.and_then(|(_, rest)| rest.split_once('"')).expect("a date").0.to_owned()
    }

    /// Flags by UID, without any octets.
    pub(crate) fn flags(&mut self, mailbox: &str) -> Vec<(u32, Vec<String>)> {
        self.command(&format!("EXAMINE {}", name(mailbox)));
        let responses = self.command("UID FETCH 1:* (UID FLAGS)");
        let is_fetch = |response: &&Response| response.text.contains(" FETCH (");
        responses.iter().filter(is_fetch).map(|r| (number(&r.text, "UID "), flags(&r.text))).collect()
    }

    /// One item of STATUS, such as `UIDVALIDITY`.
    pub(crate) fn status(&mut self, mailbox: &str, item: &str) -> u64 {
        let responses = self.command(&format!("STATUS {} ({item})", name(mailbox)));
        let text = responses.iter().map(|r| r.text.as_str()).find(|text| text.starts_with("* STATUS"));
        number(text.expect("a status line"), &format!("({item} "))
    }

    /// Everything of a mailbox that a reader could change without touching a flag.
    pub(crate) fn fingerprint(&mut self, mailbox: &str) -> [u64; 6] {
        ["MESSAGES", "RECENT", "UNSEEN", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"]
            .map(|i| self.status(mailbox, i))
    }

    /// Appends a message and answers its UID.
    pub(crate) fn append(&mut self, mailbox: &str, flags: &str, octets: &[u8]) -> u32 {
        self.append_with(mailbox, &format!("({flags})"), octets)
    }

    /// The same with an INTERNALDATE, such as `15-Jan-2026 08:00:00 +0000`.
    pub(crate) fn append_at(&mut self, mailbox: &str, flags: &str, date: &str, octets: &[u8]) -> u32 {
        self.append_with(mailbox, &format!("({flags}) \"{date}\""), octets)
    }

    fn append_with(&mut self, mailbox: &str, parameters: &str, octets: &[u8]) -> u32 {
        let tag = self.send(&format!("APPEND {} {parameters} {{{}}}", name(mailbox), octets.len()));
        let ready = self.response();
        assert!(ready.text.starts_with('+'), "APPEND refused: {}", ready.text);
        self.stream.get_mut().write_all(octets).expect("send a literal");
        self.stream.get_mut().write_all(b"\r\n").expect("end a command");
        let (_, done) = self.until(&tag);
        let code = done.split("APPENDUID ").nth(1).expect("APPENDUID");
        number(code, " ")
    }

    /// Removes messages.
    pub(crate) fn expunge(&mut self, mailbox: &str, uids: &[u32]) {
        let set = set(uids);
        self.command(&format!("SELECT {}", name(mailbox)));
        self.command(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"));
        self.command(&format!("UID EXPUNGE {set}"));
        self.command("UNSELECT");
    }

    /// Moves messages into another mailbox.
    pub(crate) fn relocate(&mut self, mailbox: &str, uids: &[u32], to: &str) {
        self.command(&format!("SELECT {}", name(mailbox)));
        self.command(&format!("UID MOVE {} {}", set(uids), name(to)));
        self.command("UNSELECT");
    }

    /// Creates a mailbox.
    pub(crate) fn create(&mut self, mailbox: &str) {
        self.command(&format!("CREATE {}", name(mailbox)));
    }

    /// Deletes a mailbox with all it holds.
    pub(crate) fn delete(&mut self, mailbox: &str) {
        self.command(&format!("DELETE {}", name(mailbox)));
    }

    /// Renames a mailbox.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        self.command(&format!("RENAME {} {}", name(from), name(to)));
    }

    /// Gives a mailbox another UIDVALIDITY with the same messages in the same order.
    pub(crate) fn recreate(&mut self, mailbox: &str) {
        self.command(&format!("EXAMINE {}", name(mailbox)));
        let kept: Vec<(Vec<String>, Vec<u8>)> = self
            .command("UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[])")
            .into_iter()
            .filter(|response| response.text.contains(" FETCH ("))
            .map(|response| (flags(&response.text), response.literals.into_iter().next().unwrap_or_default()))
            .collect();
        let before = self.status(mailbox, "UIDVALIDITY");
        self.command("UNSELECT");
        self.delete(mailbox);
        // UIDVALIDITY is the second of creation.
        std::thread::sleep(Duration::from_millis(1100));
        self.create(mailbox);
        for (flags, octets) in kept {
            self.append(mailbox, &flags.join(" "), &octets);
        }
        assert_ne!(self.status(mailbox, "UIDVALIDITY"), before, "UIDVALIDITY of {mailbox} stayed");
    }

    fn send(&mut self, command: &str) -> String {
        self.next += 1;
        let tag = format!("t{}", self.next);
        self.stream.get_mut().write_all(format!("{tag} {command}").as_bytes()).expect("send a command");
        self.stream.get_mut().write_all(b"\r\n").expect("end a command");
        tag
    }

    fn command(&mut self, command: &str) -> Vec<Response> {
        let tag = self.send(command);
        self.until(&tag).0
    }

    fn until(&mut self, tag: &str) -> (Vec<Response>, String) {
        let mut responses = Vec::new();
        loop {
            let response = self.response();
            if let Some(done) = response.text.strip_prefix(&format!("{tag} ")) {
                assert!(done.starts_with("OK"), "the server answers {done:?}");
                return (responses, done.to_owned());
            }
            responses.push(response);
        }
    }

    fn response(&mut self) -> Response {
        let mut response = Response { text: String::new(), literals: Vec::new() };
        loop {
            let mut line = Vec::new();
            self.stream.read_until(b'\n', &mut line).expect("read a line");
            assert!(!line.is_empty(), "the server closed the connection");
            let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            let Some(size) =
                line.rsplit_once('{').and_then(|(_, n)| n.strip_suffix('}')?.parse::<usize>().ok())
            else {
                response.text.push_str(&line);
                return response;
            };
            response.text.push_str(&line);
            let mut octets = vec![0; size];
            self.stream.read_exact(&mut octets).expect("read a literal");
            response.literals.push(octets);
        }
    }
}

fn fetched(response: &Response) -> Option<Fetched> {
    response.text.contains(" FETCH (").then(|| Fetched {
        uid: number(&response.text, "UID "),
        flags: flags(&response.text),
        size: number(&response.text, "RFC822.SIZE "),
        sha256: sha256(response.literals.first().map_or(&[], Vec::as_slice)),
    })
}

fn number<N: std::str::FromStr>(text: &str, after: &str) -> N {
    let rest = text.split_once(after).map_or("", |(_, rest)| rest);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().unwrap_or_else(|| panic!("no number after {after:?} in {text:?}"))
}

fn flags(text: &str) -> Vec<String> {
    let inside = text
        .split_once("FLAGS (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or("", |(inside, _)| inside);
    let mut flags: Vec<String> =
        inside.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect();
    flags.sort();
    flags
}

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn name(mailbox: &str) -> String {
    quoted(&modified_utf7(mailbox))
}

/// A mailbox name as it travels and as Maildir++ keeps it. RFC 3501 §5.1.3.
pub(crate) fn modified_utf7(name: &str) -> String {
    let mut out = String::new();
    let mut pending: Vec<u8> = Vec::new();
    let flush = |pending: &mut Vec<u8>, out: &mut String| {
        if !pending.is_empty() {
            out.push('&');
            out.push_str(super::letter::base64(pending).trim_end_matches('=').replace('/', ",").as_str());
            out.push('-');
            pending.clear();
        }
    };
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut pending, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            pending.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut pending, &mut out);
    out
}
