//! Mozilla's configuration format (draft-ietf-mailmaint-autoconfig §3). What a stranger wrote: no document type, no entities but
//! the five of XML, nothing deep, nothing long; what is unknown is skipped.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{SignInOffer, Source, Suggestion};
use crate::settings::{Login, ServerSettings, TlsMode};
use crate::types::Address;

/// Deepest nesting: the format has four levels, and documentation in it some more.
const MAX_DEPTH: usize = 16;
/// Most elements: the longest document of the ISPDB has a few hundred, mostly domains.
const MAX_ELEMENTS: usize = 5_000;
/// Longest value that is read.
const MAX_VALUE: usize = 1_024;

/// A server as it is written.
#[derive(Default)]
struct Written {
    outgoing: bool,
    host: String,
    port: String,
    tls: String,
    user_name: String,
    sign_in: Vec<String>,
}

/// The IMAP servers of a document, in its order, each with the first submission server. `None` for what is no such document,
/// or not a harmless one.
pub(super) fn read(document: &[u8], address: &Address) -> Option<Vec<Suggestion>> {
    let mut reader = Reader::from_str(std::str::from_utf8(document).ok()?);
    let (mut path, mut elements): (Vec<String>, usize) = (Vec::new(), 0);
    let (mut servers, mut server, mut value) = (Vec::new(), None::<Written>, String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                path.push(name_of(&start));
                value.clear();
                if path.len() > MAX_DEPTH || elements > MAX_ELEMENTS {
                    return None;
                }
                if path.len() == SERVER_DEPTH {
                    server = server_of(&start);
                }
            }
            Event::End(_) => {
                let name = path.pop()?;
                if path.len() == SERVER_DEPTH
                    && let Some(server) = &mut server
                {
                    server.take(&name, value.trim());
                }
                if path.len() + 1 == SERVER_DEPTH {
                    servers.extend(server.take());
                }
            }
            Event::Empty(_) => elements += 1,
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::CData(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => value.push(character(&reference)?),
            Event::DocType(_) => return None,
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        if value.len() > MAX_VALUE {
            // Only documentation is as long.
            value.clear();
        }
    }
    if !path.is_empty() {
        return None;
    }
    let outgoing = servers.iter().filter(|server| server.outgoing).find_map(|server| server.read(address));
    let incoming = servers.iter().filter(|server| !server.outgoing);
    Some(incoming.filter_map(|server| suggestion(server, outgoing.clone(), address)).collect())
}

/// Where servers stand: `clientConfig/emailProvider/incomingServer`.
const SERVER_DEPTH: usize = 3;

fn server_of(start: &BytesStart<'_>) -> Option<Written> {
    let kind = start.try_get_attribute("type").ok()??;
    let kind = kind.normalized_value(XmlVersion::Implicit1_0).ok()?;
    let outgoing = match (name_of(start).as_str(), kind.as_ref()) {
        ("incomingServer", "imap") => false,
        ("outgoingServer", "smtp") => true,
        _ => return None,
    };
    Some(Written { outgoing, ..Written::default() })
}

fn name_of(start: &BytesStart<'_>) -> String {
    start.name().as_ref().to_owned()
}

/// A character reference, or one of the five entities that every document has.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok()?;
    }
    Some(match reference.xml10_content() {
        Cow::Borrowed("amp") => '&',
        Cow::Borrowed("lt") => '<',
        Cow::Borrowed("gt") => '>',
        Cow::Borrowed("quot") => '"',
        Cow::Borrowed("apos") => '\'',
        _ => return None,
    })
}

impl Written {
    fn take(&mut self, name: &str, value: &str) {
        let field = match name {
            "hostname" => &mut self.host,
            "port" => &mut self.port,
            "socketType" => &mut self.tls,
            "username" => &mut self.user_name,
            "authentication" => return self.sign_in.push(value.to_owned()),
            _ => return,
        };
        value.clone_into(field);
    }

    /// The server and the user name there; `None` where it is not encrypted, or not to be understood.
    fn read(&self, address: &Address) -> Option<(ServerSettings, Login)> {
        let tls = match self.tls.as_str() {
            "SSL" => TlsMode::Implicit,
            "STARTTLS" => TlsMode::StartTls,
            _ => return None,
        };
        let filled = |text: &str| {
            text.replace("%EMAILADDRESS%", &address.to_string())
                .replace("%EMAILLOCALPART%", address.local())
                .replace("%EMAILDOMAIN%", address.domain().as_str())
        };
        let user_name = if self.user_name.is_empty() { "%EMAILADDRESS%" } else { &self.user_name };
        let server = ServerSettings::new(&filled(&self.host), self.port.parse().ok()?, tls).ok()?;
        Some((server, Login::new(&filled(user_name)).ok()?))
    }
}

fn suggestion(
    server: &Written,
    outgoing: Option<(ServerSettings, Login)>,
    address: &Address,
) -> Option<Suggestion> {
    let (incoming, login) = server.read(address)?;
    let sign_in: Vec<SignInOffer> = server.sign_in.iter().filter_map(|word| offer(word)).collect();
    if sign_in.is_empty() && !server.sign_in.is_empty() {
        return None;
    }
    Some(Suggestion { outgoing, sign_in, ..Suggestion::new(incoming, login, Source::Autoconfig) })
}

fn offer(word: &str) -> Option<SignInOffer> {
    match word {
        "OAuth2" => Some(SignInOffer::OAuth),
        // `plain` is an old word for it; over TLS both are a password.
        "password-cleartext" | "plain" => Some(SignInOffer::Password),
        _ => None,
    }
}
