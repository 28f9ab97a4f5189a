//! One message under construction: the octets, and beside them what they mean, noted while writing and never by parsing.

use super::sha256;

/// An addressing header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    From,
    Sender,
    To,
    Cc,
    Bcc,
}

/// How an address is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Bare,
    Named,
    LastFirst,
    EncodedName,
    EncodedNameQ,
    Comment,
    UpperCase,
    MixedCase,
    FoldedInside,
    QuotedLocal,
    RawLatin1Name,
    RawUtf8Name,
}

impl Style {
    /// Every way, so that a generator can choose.
    pub(crate) const ALL: [Style; 12] = [
        Style::Bare,
        Style::Named,
        Style::LastFirst,
        Style::EncodedName,
        Style::EncodedNameQ,
        Style::Comment,
        Style::UpperCase,
        Style::MixedCase,
        Style::FoldedInside,
        Style::QuotedLocal,
        Style::RawLatin1Name,
        Style::RawUtf8Name,
    ];

    /// An address of this name in this way. The name is ASCII.
    pub(crate) fn write(self, name: &str, address: &str) -> Vec<u8> {
        let (local, domain) = address.rsplit_once('@').expect("an address");
        let text = match self {
            Style::Bare => address.to_owned(),
            Style::Named => format!("{name} <{address}>"),
            Style::LastFirst => {
                let (first, last) = name.split_once(' ').unwrap_or((name, ""));
                format!("\"{last}, {first}\" <{address}>")
            }
            Style::EncodedName => {
                format!("=?UTF-8?B?{}?= <{address}>", base64(format!("{name} Größe").as_bytes()))
            }
            Style::EncodedNameQ => {
                format!("=?iso-8859-1?Q?{}_M=FCller?= <{address}>", name.replace(' ', "_"))
            }
            Style::Comment => format!("{address} ({name})"),
            Style::UpperCase => format!("{name} <{}>", address.to_uppercase()),
            Style::MixedCase => {
                let mut letters = local.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
                format!("<{first}{}@{}>", letters.as_str(), domain.to_uppercase())
            }
            Style::FoldedInside => format!("\"{name}\"\r\n\t<{address}>"),
            Style::QuotedLocal => format!("<\"{local}\"@{domain}>"),
            Style::RawLatin1Name => {
                let mut octets = b"\"M\xfcller, ".to_vec();
                octets.extend(format!("{name}\" <{address}>").bytes());
                return octets;
            }
            Style::RawUtf8Name => format!("\"Größe {name}\" <{address}>"),
        };
        text.into_bytes()
    }
}

/// Someone a letter is from or to.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) name: String,
    /// In lower case with an ASCII domain.
    pub(crate) address: String,
    pub(crate) style: Style,
}

impl Party {
    pub(crate) fn new(name: &str, address: &str, style: Style) -> Self {
        Self { name: name.to_owned(), address: address.to_owned(), style }
    }

    fn written(&self) -> Vec<u8> {
        self.style.write(&self.name, &self.address)
    }
}

/// What a message is and whom it names: the truth about its octets.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Which trap or plain case it is, for the words of a failure.
    pub(crate) kind: &'static str,
    pub(crate) message_id: Option<String>,
    /// Equal for copies of one message.
    pub(crate) identity: String,
    /// Equal for copies of one rendition.
    pub(crate) content: String,
    pub(crate) from: String,
    pub(crate) parties: Vec<(Field, String)>,
}

/// A message being written.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    kind: &'static str,
    pub(crate) message_id: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) subject: String,
    /// Content-Type and the like, then the body, without what lies between.
    pub(crate) content: (String, Vec<u8>),
    from: String,
    parties: Vec<(Field, String)>,
    addressing: Vec<u8>,
    others: Vec<u8>,
}

impl Letter {
    pub(crate) fn new(kind: &'static str, message_id: Option<String>, date: Option<String>) -> Self {
        Self {
            kind,
            message_id,
            date,
            subject: "Ihr Schreiben".to_owned(),
            content: ("Content-Type: text/plain; charset=us-ascii".to_owned(), b"Guten Tag.\r\n".to_vec()),
            from: String::new(),
            parties: Vec::new(),
            addressing: Vec::new(),
            others: Vec::new(),
        }
    }

    /// An addressing header line.
    pub(crate) fn address(self, field: Field, parties: &[Party]) -> Self {
        self.list(field, &format!("{field:?}: "), parties, "")
    }

    /// An addressing header line whose name is in small letters.
    pub(crate) fn address_in_small_letters(self, field: Field, parties: &[Party]) -> Self {
        self.list(field, &format!("{field:?}: ").to_lowercase(), parties, "")
    }

    /// An addressing header line with one group. RFC 5322 §3.4.
    pub(crate) fn group(self, field: Field, parties: &[Party]) -> Self {
        self.list(field, &format!("{field:?}: Verteiler: "), parties, ";")
    }

    fn list(mut self, field: Field, before: &str, parties: &[Party], after: &str) -> Self {
        self.addressing.extend(before.bytes());
        for (i, party) in parties.iter().enumerate() {
            if i > 0 {
                self.addressing.extend(b",\r\n ");
            }
            self.addressing.extend(party.written());
            self.parties.push((field, party.address.clone()));
            if field == Field::From {
                self.from.clone_from(&party.address);
            }
        }
        self.addressing.extend(after.bytes());
        self.addressing.extend(b"\r\n");
        self
    }

    /// A header line that addresses nobody, whatever stands in it; for an addressing header, a value without a party.
    pub(crate) fn other(mut self, line: &str) -> Self {
        self.others.extend(line.bytes());
        self.others.extend(b"\r\n");
        self
    }

    /// An addressing header line with an address that names somebody else's in its display name or comment.
    pub(crate) fn address_raw(mut self, field: Field, value: &str, address: &str) -> Self {
        self.addressing.extend(format!("{field:?}: {value}\r\n").bytes());
        self.parties.push((field, address.to_owned()));
        if field == Field::From {
            address.clone_into(&mut self.from);
        }
        self
    }

    /// The octets as they came by way number `route`, and their truth.
    pub(crate) fn render(&self, route: u32) -> (Vec<u8>, Facts) {
        let mut octets = Vec::with_capacity(self.content.1.len() + 1024);
        if route > 0 {
            octets.extend(
                format!(
                    "Received: from mx{route}.transit.example (mx{route}.transit.example [203.0.113.{}])\r\n\
                     \tby mail.praxis.example (Postfix) with ESMTPS id R{route:08X}\r\n\
                     \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits));\r\n\
                     \tMon, 3 Jun 2019 09:{:02}:00 +0200\r\n",
                    route % 250,
                    route % 60
                )
                .bytes(),
            );
        }
        octets.extend(&self.addressing);
        octets.extend(format!("Subject: {}\r\n", self.subject).bytes());
        if let Some(date) = &self.date {
            octets.extend(format!("Date: {date}\r\n").bytes());
        }
        if let Some(id) = &self.message_id {
            octets.extend(format!("Message-ID: <{id}>\r\n").bytes());
        }
        octets.extend(&self.others);
        octets.extend(format!("MIME-Version: 1.0\r\n{}\r\n\r\n", self.content.0).bytes());
        octets.extend(&self.content.1);
        // A date nobody can read is no instant, like none.
        let instant = self.date.as_deref().filter(|date| date.ends_with("+0000")).unwrap_or("undated");
        let identity = match &self.message_id {
            Some(id) => format!("{id} {} {instant}", self.from),
            None => sha256(&octets),
        };
        let facts = Facts {
            kind: self.kind,
            message_id: self.message_id.clone(),
            identity,
            content: sha256(&self.content.1),
            from: self.from.clone(),
            parties: self.parties.clone(),
        };
        (octets, facts)
    }
}

/// Base64 with padding, in one line. RFC 4648 §4.
pub(crate) fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(octets.len().div_ceil(3) * 4);
    for chunk in octets.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

/// A date as RFC 5322 §3.3 writes it, in UTC.
pub(crate) fn date(unix: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (mut days, second) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let name = DAYS[usize::try_from(days.rem_euclid(7)).expect("a day of the week")];
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut year = 1970;
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    format!("{name}, {} {} {year} {clock} +0000", days + 1, MONTHS[month])
}
