//! Writes the letters of a practice: what matches a client in every way mail does, what only looks so, and all the rest.

use super::directory::{CLIENT_DOMAIN, Directory, IDN, NEVER_LOGGED, PUBLIC_DOMAIN, STAFF_AND_CLIENT};
use super::letter::{Field, Letter, Party, Style, base64, date};

/// Stands in every address, subject, body and Message-ID of mail that belongs to no client: it may be found nowhere afterwards.
pub(crate) const MARK: &str = "zqx-unlisted";

/// The same numbers from the same seed, everywhere. Marsaglia's xorshift64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).expect("31 bits") % end
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The writer.
#[derive(Debug)]
pub(crate) struct Composer {
    pub(crate) random: Random,
    pub(crate) directory: Directory,
    listed: Vec<(String, String)>,
    serial: usize,
}

impl Composer {
    pub(crate) fn new(directory: Directory, seed: u64) -> Self {
        let ordinary = |id: &str| id.starts_with('c') || id.starts_with('d') && id != "domain";
        let listed = directory
            .clients
            .iter()
            .filter(|client| ordinary(&client.id))
            .flat_map(|client| client.addresses.iter().map(|a| (client.name.clone(), a.clone())))
            .collect();
        Self { random: Random::new(seed), directory, listed, serial: 0 }
    }

    /// Mail of a client that `user` got.
    pub(crate) fn received(&mut self, user: &str) -> Letter {
        let me = self.staff(user);
        let client = self.client();
        let contact = self.contact();
        match self.random.below(16) {
            0..=4 => self.letter("from").address(Field::From, &[client]).address(Field::To, &[me]),
            5 => self.letter("to").address(Field::From, &[contact]).address(Field::To, &[me, client]),
            6 => {
                let other = self.contact();
                let letter = self.letter("cc").address(Field::From, &[contact]).address(Field::To, &[me]);
                letter.address(Field::Cc, &[other, client])
            }
            7 => {
                let letter = self.letter("sender").address(Field::From, &[contact]);
                letter.address(Field::Sender, &[client]).address(Field::To, &[me])
            }
            8 => self.letter("group").address(Field::From, &[contact]).group(Field::To, &[me, client]),
            9 => {
                let letter = self.letter("header name in small letters");
                letter.address_in_small_letters(Field::From, &[client]).address(Field::To, &[me])
            }
            10 => {
                let letter = self.letter("two To lines").address(Field::From, &[contact]);
                letter.address(Field::To, &[client]).address(Field::To, &[me])
            }
            11 => {
                let many: Vec<Party> = (0..30).map(|_| self.contact()).chain([client]).collect();
                self.letter("long list").address(Field::From, &[contact]).address(Field::To, &many)
            }
            12 => {
                let variants = ["gerdamail@gmail.com", "gerda.mail+x@googlemail.com", "gerda.mail@gmail.com"];
                let address = *self.random.pick(&variants);
                let party = self.party("Gerda Gmail", address);
                self.letter("Google's variants").address(Field::From, &[party]).address(Field::To, &[me])
            }
            13 => {
                let party = self.party("Bernd Mueller", &format!("buero@{}", IDN.1));
                self.letter("international domain").address(Field::From, &[party]).address(Field::To, &[me])
            }
            14 => {
                let address = format!("stelle{}@{CLIENT_DOMAIN}", self.random.below(50));
                let party = self.party("Nora Nord", &address);
                self.letter("client's domain").address(Field::From, &[party]).address(Field::To, &[me])
            }
            _ => {
                let party = self.party("Familie Paar", "familie.paar@post.example");
                self.letter("address of two clients").address(Field::From, &[party]).address(Field::To, &[me])
            }
        }
    }

    /// Mail to a client that `user` sent.
    pub(crate) fn sent(&mut self, user: &str) -> Letter {
        let me = self.staff(user);
        let client = self.client();
        let contact = self.contact();
        match self.random.below(6) {
            0..=2 => self.letter("sent to").address(Field::From, &[me]).address(Field::To, &[client]),
            3 => {
                let letter =
                    self.letter("sent cc").address(Field::From, &[me]).address(Field::To, &[contact]);
                letter.address(Field::Cc, &[client])
            }
            _ => {
                let letter =
                    self.letter("sent bcc").address(Field::From, &[me]).address(Field::To, &[contact]);
                letter.address(Field::Bcc, &[client])
            }
        }
    }

    /// Mail in a Sent mailbox from an address the practice does not know any more: its Bcc counts because of where it lies.
    pub(crate) fn sent_long_ago(&mut self) -> Letter {
        let (client, contact) = (self.client(), self.contact());
        let former = self.party("Anna Albers", "albers@frueher.example");
        let letter = self.letter("Bcc in Sent from a former address").address(Field::From, &[former]);
        letter.address(Field::To, &[contact]).address(Field::Bcc, &[client])
    }

    /// Mail that names a client where that does not count.
    pub(crate) fn decoy(&mut self, user: &str) -> Letter {
        let me = self.staff(user);
        let stranger = self.stranger();
        let theirs = stranger.address.clone();
        let (_, bait) = self.random.pick(&self.listed.clone()).clone();
        let from_stranger = |letter: Letter| letter.address(Field::From, std::slice::from_ref(&stranger));
        match self.random.below(13) {
            0 => {
                let letter = self.marked("decoy: display name");
                letter
                    .address_raw(Field::From, &format!("\"{bait}\" <{theirs}>"), &theirs)
                    .address(Field::To, &[me])
            }
            1 => {
                let letter = self.marked("decoy: comment");
                letter
                    .address_raw(Field::From, &format!("{theirs} ({bait})"), &theirs)
                    .address(Field::To, &[me])
            }
            2 => {
                let name = format!("=?utf-8?B?{}?=", base64(format!("<{bait}>").as_bytes()));
                let letter = self.marked("decoy: encoded display name");
                letter
                    .address_raw(Field::From, &format!("{name} <{theirs}>"), &theirs)
                    .address(Field::To, &[me])
            }
            3 => {
                let mut letter = from_stranger(self.marked("decoy: subject")).address(Field::To, &[me]);
                letter.subject = format!("{MARK} {bait}");
                letter
            }
            4 => {
                let mut letter = from_stranger(self.marked("decoy: body")).address(Field::To, &[me]);
                letter.content.1.extend(format!("From: {bait}\r\nTo: {bait}\r\n").bytes());
                letter
            }
            5 => from_stranger(self.marked("decoy: Reply-To"))
                .address(Field::To, &[me])
                .other(&format!("Reply-To: <{bait}>")),
            6 => {
                let letter = from_stranger(self.marked("decoy: References")).address(Field::To, &[me]);
                letter
                    .other(&format!("In-Reply-To: <{bait}>"))
                    .other(&format!("References: <1.{bait}>\r\n\t<{bait}>"))
            }
            7 => {
                let letter =
                    from_stranger(self.marked("decoy: trace and resent headers")).address(Field::To, &[me]);
                ["Delivered-To", "Return-Path", "X-Original-To", "Resent-To", "Resent-From", "Errors-To"]
                    .iter()
                    .fold(letter, |letter, header| letter.other(&format!("{header}: <{bait}>")))
            }
            8 => {
                let client = self.client();
                from_stranger(self.marked("decoy: a stranger's Bcc"))
                    .address(Field::To, &[me])
                    .address(Field::Bcc, &[client])
            }
            9 => {
                let (local, domain) = bait.split_once('@').expect("an address");
                let variants = [
                    format!("{MARK}{local}@{domain}"),
                    format!("{local}@{domain}.{MARK}.example"),
                    format!("{local}+{MARK}@{domain}"),
                ];
                let address = self.random.pick(&variants).clone();
                let party = self.party("Lena Laut", &address);
                self.marked("decoy: similar address").address(Field::From, &[party]).address(Field::To, &[me])
            }
            10 => {
                let party = self.party("Petra Public", &format!("{MARK}@{PUBLIC_DOMAIN}"));
                self.marked("decoy: public domain").address(Field::From, &[party]).address(Field::To, &[me])
            }
            11 => {
                let party = self.party("Betriebsrat", NEVER_LOGGED);
                self.marked("never logged").address(Field::From, &[party]).address(Field::To, &[me])
            }
            _ => from_stranger(self.marked("decoy: no recipient"))
                .other("To: undisclosed-recipients:;")
                .other(&format!("X-To: {bait}")),
        }
    }

    /// Mail among staff, one of whom is a client as well.
    pub(crate) fn internal(&mut self, user: &str) -> Letter {
        let me = self.staff(user);
        let colleague = self.staff(if user == "anna" { "ben" } else { "anna" });
        let private = self.party("Carla Cohn", STAFF_AND_CLIENT);
        let letter = self.marked("internal").address(Field::From, &[me]).address(Field::To, &[private]);
        letter.address(Field::Cc, &[colleague])
    }

    /// Mail that has nothing to do with any client.
    pub(crate) fn unlisted(&mut self, user: &str, outgoing: bool) -> Letter {
        let me = self.staff(user);
        let stranger = self.stranger();
        let (from, to) = if outgoing { (me, stranger) } else { (stranger, me) };
        let copied: Vec<Party> = (0..self.random.below(4)).map(|_| self.stranger()).collect();
        let letter = self.marked("unlisted").address(Field::From, &[from]).address(Field::To, &[to]);
        if copied.is_empty() { letter } else { letter.address(Field::Cc, &copied) }
    }

    /// Mail from one address, whoever's it is.
    pub(crate) fn from(&mut self, address: &str, user: &str) -> Letter {
        let me = self.staff(user);
        let party = self.party("Ida Immer", address);
        self.letter("from a given address").address(Field::From, &[party]).address(Field::To, &[me])
    }

    /// A Message-ID nobody had before.
    pub(crate) fn message_id(&mut self) -> String {
        self.serial += 1;
        format!("{:06}.{:08x}@mail.example", self.serial, self.random.below(1 << 31))
    }

    /// A date in ten years of history.
    pub(crate) fn unix(&mut self) -> i64 {
        1_400_000_000 + i64::try_from(self.random.below(315_000_000)).expect("ten years of seconds")
    }

    fn letter(&mut self, kind: &'static str) -> Letter {
        let id = (!self.random.one_in(25)).then(|| self.message_id());
        let unix = self.unix();
        let written = match self.random.below(60) {
            0 => None,
            1 => Some("Fri, 31 Juni 2019 25:61".to_owned()),
            _ => Some(date(unix)),
        };
        let mut letter = Letter::new(kind, id, written);
        letter.subject = match self.random.below(4) {
            0 => format!("=?UTF-8?B?{}?=", base64("Rückfrage zu Ihrer Steuererklärung".as_bytes())),
            1 => "=?iso-8859-1?Q?Pr=FCfung_der?=\r\n =?iso-8859-1?Q?_Unterlagen?=".to_owned(),
            _ => format!("Akte {}", self.random.below(900)),
        };
        letter.content = self.content(&format!("Vorgang {}", self.serial));
        letter
    }

    fn marked(&mut self, kind: &'static str) -> Letter {
        let id = format!("{MARK}.{}", self.message_id());
        let unix = self.unix();
        let mut letter = Letter::new(kind, Some(id), Some(date(unix)));
        letter.subject = format!("{MARK} Rundbrief");
        letter.content = self.content(MARK);
        letter
    }

    /// A body of some kind with `text` in it, under its Content-Type.
    fn content(&mut self, text: &str) -> (String, Vec<u8>) {
        let plain = |charset: &str, encoding: &str| {
            format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}")
        };
        let filler = "Bitte beachten Sie die Frist und senden Sie uns die Unterlagen zu.\r\n"
            .repeat(self.random.below(20));
        let with = |octets: &[u8]| [text.as_bytes(), b"\r\n", octets, b"\r\n", filler.as_bytes()].concat();
        match self.random.below(10) {
            0 => (plain("iso-8859-1", "8bit"), with(b"Gr\xfc\xdfe aus K\xf6ln, bitte pr\xfcfen.")),
            1 => {
                (plain("windows-1252", "8bit"), with(b"\x84Angebot\x93 \xfcber 1.200 \x80 \x96 bis Freitag"))
            }
            2 => (plain("iso-2022-jp", "7bit"), with(b"\x1b$B@A5a=q$rE:IU$$$?$7$^$9!#\x1b(B")),
            3 => (plain("koi8-r", "8bit"), with(b"\xe4\xcf\xc2\xd2\xd9\xca \xc4\xc5\xce\xd8.")),
            4 => (plain("utf-8", "base64"), wrapped(&with("Schöne Grüße".as_bytes()))),
            5 => (plain("utf-8", "quoted-printable"), with(b"Sch=C3=B6ne Gr=C3=BC=C3=9Fe=\r\n aus Bonn")),
            6 => (plain("utf-8", "8bit"), with("請求書を添付いたします。".as_bytes())),
            7 => {
                let body = format!(
                    "--grenze\r\n{}\r\n\r\n{text}\r\n{filler}\r\n--grenze\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
                     <p>{text}</p>\r\n--grenze--\r\n",
                    plain("us-ascii", "7bit")
                );
                ("Content-Type: multipart/alternative; boundary=grenze".to_owned(), body.into_bytes())
            }
            8 => {
                let size = 500 + self.random.below(20_000);
                self.with_attachment(text, size)
            }
            _ => (plain("us-ascii", "7bit"), with(b"Guten Tag.")),
        }
    }

    /// A body with one attachment of so many octets before its encoding.
    pub(crate) fn with_attachment(&mut self, text: &str, size: usize) -> (String, Vec<u8>) {
        let octets: Vec<u8> =
            (0..size).map(|_| u8::try_from(self.random.below(256)).expect("an octet")).collect();
        let head = format!(
            "--grenze\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--grenze\r\nContent-Type: application/pdf\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename*=utf-8''Bescheid%20f%C3%BCr.pdf\r\n\r\n"
        );
        let body = [head.as_bytes(), &wrapped(&octets), b"--grenze--\r\n"].concat();
        ("Content-Type: multipart/mixed; boundary=grenze".to_owned(), body)
    }

    fn party(&mut self, name: &str, address: &str) -> Party {
        let style = *self.random.pick(&Style::ALL);
        Party::new(name, address, style)
    }

    fn client(&mut self) -> Party {
        let (name, address) = self.random.pick(&self.listed).clone();
        self.party(&name, &address)
    }

    /// Somebody whom letters of clients may name too.
    fn contact(&mut self) -> Party {
        let address = format!("kontakt{}@umfeld.example", self.random.below(60));
        self.party("Kai Kontakt", &address)
    }

    /// Somebody whom nothing that is kept may name.
    fn stranger(&mut self) -> Party {
        self.serial += 1;
        let address = format!("{MARK}-{}@fremd.example", self.serial);
        self.party("Frieda Fremd", &address)
    }

    fn staff(&mut self, user: &str) -> Party {
        let user = self.directory.user(user).clone();
        let alias = user.aliases.first().filter(|_| user.id == "anna" && self.random.one_in(5)).copied();
        // The names of staff are written in ASCII here: a style encodes what it adds.
        let name = user.name.replace('ö', "oe");
        self.party(&name, alias.unwrap_or(user.address))
    }
}

fn wrapped(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() * 4 / 3 + octets.len() / 28);
    for line in octets.chunks(57) {
        out.extend(base64(line).bytes());
        out.extend(b"\r\n");
    }
    out
}
