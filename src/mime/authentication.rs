//! What servers say of a message's author (Authentication-Results, RFC 8601), and whom to believe.

use super::field::{HeaderFields, text};
use crate::types::{AddressingHeaders, AuthenticationResults, Authenticity, DomainName, Field, registrable};

/// Most fields looked at: a message passes two or three servers that write one.
const MAX_FIELDS: usize = 10;
/// Longest name of a server: that of a host.
const MAX_SERVER: usize = 255;

/// What a message's own Authentication-Results fields say of the domain in From, topmost first.
///
/// A domain answers for a message when DMARC passed; where DMARC says nothing, when a DKIM signature or SPF passed
/// for a domain of the same registrant. It does not when DMARC failed.
pub(super) fn results(header: &[u8], headers: &AddressingHeaders) -> Vec<AuthenticationResults> {
    let author = author(header, headers);
    let received = HeaderFields::new(header).position(|field| field.is("received"));
    let fields = HeaderFields::new(header).enumerate();
    fields
        .filter(|(_, field)| field.is("authentication-results"))
        .filter_map(|(at, field)| {
            let above_received = received.is_some_and(|received| at < received);
            let Statement { server, results } = Statement::parse(&text(field.value))?;
            let says = author.as_ref().map_or(Authenticity::Unknown, |author| judge(&results, author));
            Some(AuthenticationResults::new(server, above_received, says))
        })
        .take(MAX_FIELDS)
        .collect()
}

/// Whom to believe of those who say something of a message's author.
///
/// Fields above every Received field did not come with the message: they count first, and a failure among them counts
/// most. Else the first field of the `trusted` server does, the one that writes them for the account (`""` stands for
/// one that does not name itself). A server takes out what others wrote in its name, or writes its own above it.
///
/// ```
/// use practicemail::mime::{MessageScan, authenticity};
/// use practicemail::types::Authenticity;
/// let mut scan = MessageScan::new();
/// scan.update(b"Received: by mx\r\nAuthentication-Results: mx.google.com; dmarc=pass header.from=example.org\r\n\
///     From: anna@example.org\r\n\r\n");
/// let message = scan.finish();
/// assert_eq!(authenticity(&message.authentication, Some("mx.google.com")), Authenticity::Pass);
/// assert_eq!(authenticity(&message.authentication, None), Authenticity::Unknown);
/// ```
pub fn authenticity(results: &[AuthenticationResults], trusted: Option<&str>) -> Authenticity {
    let above = || results.iter().filter(|result| result.above_received).map(|result| result.says);
    [Authenticity::Fail, Authenticity::Pass]
        .into_iter()
        .find(|says| above().any(|said| said == *says))
        .or_else(|| {
            let trusted = trusted?;
            results.iter().find(|r| r.server.eq_ignore_ascii_case(trusted)).map(|result| result.says)
        })
        .unwrap_or_default()
}

/// The domain of the one author; several authors, or several From fields, have none, for servers may judge any of
/// them.
fn author(header: &[u8], headers: &AddressingHeaders) -> Option<DomainName> {
    let mut authors = headers.participants.iter().filter(|p| p.field == Field::From);
    let author = authors.next().filter(|_| !headers.truncated)?;
    let fields = HeaderFields::new(header).filter(|field| field.is("from")).count();
    (authors.next().is_none() && fields == 1).then(|| author.address.domain().clone())
}

fn judge(results: &[Vec<Word>], author: &DomainName) -> Authenticity {
    let dmarc = || results.iter().filter(|result| is_of(result, "dmarc"));
    if dmarc().any(|result| says(result, "fail")) {
        return Authenticity::Fail;
    }
    let about_author = |result: &Vec<Word>| {
        property(result, &["header.from"]).is_none_or(|domain| is_aligned(domain, author))
    };
    let passed =
        dmarc().next().is_some() && dmarc().all(|result| says(result, "pass") && about_author(result));
    let aligned = |method: &str, properties: &[&str]| {
        results.iter().any(|result| {
            is_of(result, method)
                && says(result, "pass")
                && property(result, properties).is_some_and(|domain| is_aligned(domain, author))
        })
    };
    if passed || aligned("dkim", &["header.d", "header.i"]) || aligned("spf", &["smtp.mailfrom"]) {
        Authenticity::Pass
    } else {
        Authenticity::Unknown
    }
}

/// Whether a result is one of this method, of whichever version.
fn is_of(result: &[Word], method: &str) -> bool {
    let name = result.first().map(|word| word.name.split('/').next().unwrap_or_default());
    name.is_some_and(|name| name.eq_ignore_ascii_case(method))
}

fn says(result: &[Word], value: &str) -> bool {
    let said = result.first().and_then(|word| word.value.as_deref());
    said.is_some_and(|said| said.eq_ignore_ascii_case(value))
}

/// The domain in the first of these properties that a result has.
fn property<'a>(result: &'a [Word], names: &[&str]) -> Option<&'a str> {
    let named = |name: &&str| {
        let word = result.iter().skip(1).find(|word| word.name.eq_ignore_ascii_case(name))?;
        word.value.as_deref()
    };
    let value = names.iter().find_map(named)?;
    Some(value.rsplit('@').next().unwrap_or(value).trim_end_matches('>'))
}

/// Whether a domain is the author's, or registered by whoever registered the author's (RFC 7489 §3.1, relaxed).
fn is_aligned(domain: &str, author: &DomainName) -> bool {
    let Ok(domain) = DomainName::parse(domain) else { return false };
    let registered = |domain: &DomainName| registrable(domain.as_str()).map(str::to_owned);
    domain == *author || registered(&domain).is_some_and(|one| registered(author) == Some(one))
}

/// A field taken apart.
struct Statement {
    server: String,
    /// Each with the method first, the properties behind it.
    results: Vec<Vec<Word>>,
}

/// `name` or `name=value`.
#[derive(Default)]
struct Word {
    name: String,
    value: Option<String>,
}

impl Statement {
    /// Reads a field's value; `None` where it says nothing, or a quote or comment never ends: then nobody can tell
    /// what it says.
    fn parse(value: &str) -> Option<Self> {
        let mut parser = Parser { results: vec![Vec::new()], gap: true, joined: false };
        parser.read(value)?;
        let mut results = parser.results;
        let names_server = results.first()?.first().is_some_and(|word| word.value.is_none());
        let server = if names_server {
            results.remove(0).into_iter().next().map(|word| word.name.to_ascii_lowercase())?
        } else {
            String::new()
        };
        results.retain(|result| !result.is_empty());
        let plain = server.len() <= MAX_SERVER && !server.contains(char::is_control);
        (plain && !(server.is_empty() && results.is_empty())).then_some(Self { server, results })
    }
}

/// Parts a value into results and words: white space and comments part words, a semicolon parts results, an equals
/// sign joins what stands around it.
struct Parser {
    results: Vec<Vec<Word>>,
    /// White space or a comment was read since the last word.
    gap: bool,
    /// The last character that counts was the equals sign of a word.
    joined: bool,
}

impl Parser {
    fn read(&mut self, value: &str) -> Option<()> {
        let (mut comments, mut quoted, mut escaped) = (0usize, false, false);
        for c in value.chars() {
            let plain = !std::mem::take(&mut escaped);
            let enclosed = quoted || comments > 0;
            match c {
                '\\' if plain && enclosed => escaped = true,
                '(' if plain && !quoted => comments += 1,
                ')' if plain && comments > 0 => {
                    comments -= 1;
                    self.gap = true;
                }
                _ if comments > 0 => {}
                '"' if plain => {
                    quoted = !quoted;
                    self.word(false);
                }
                _ if quoted => self.push(c),
                ';' => {
                    self.results.push(Vec::new());
                    self.gap = true;
                    self.joined = false;
                }
                _ if c.is_ascii_whitespace() => self.gap = true,
                '=' => self.equals(),
                _ => self.push(c),
            }
        }
        (!quoted && comments == 0).then_some(())
    }

    /// The word that is being read, begun where there is none.
    fn word(&mut self, equals: bool) -> Option<&mut Word> {
        let begins = std::mem::take(&mut self.gap) && !self.joined && !equals;
        self.joined = false;
        let result = self.results.last_mut()?;
        if begins || result.is_empty() {
            result.push(Word::default());
        }
        result.last_mut()
    }

    fn push(&mut self, c: char) {
        if let Some(word) = self.word(false) {
            word.value.as_mut().unwrap_or(&mut word.name).push(c);
        }
    }

    fn equals(&mut self) {
        let Some(word) = self.word(true) else { return };
        match &mut word.value {
            Some(value) => value.push('='),
            None => {
                word.value = Some(String::new());
                self.joined = true;
            }
        }
    }
}
