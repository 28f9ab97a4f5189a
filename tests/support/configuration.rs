//! What a Dovecot is to be like, and the configuration file that makes it so.

use std::path::Path;

use super::dovecot::{Dovecot, Owner};

/// What the server says it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Everything Dovecot has.
    Full,
    /// All but LIST-STATUS (RFC 5819).
    NoListStatus,
    /// `IMAP4rev1` and nothing else, special uses not marked either.
    Plain,
}

impl Tier {
    fn capabilities(self) -> &'static str {
        match self {
            Tier::Full => "",
            Tier::NoListStatus => {
                "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS \
                 THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS \
                 LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH BINARY \
                 MOVE LITERAL+ SPECIAL-USE"
            }
            Tier::Plain => "IMAP4rev1",
        }
    }
}

/// How mail is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Maildir++, which a corpus writes by itself.
    Maildir,
    /// Dovecot's own; mail gets in by APPEND only.
    Sdbox,
}

/// The choices before a start.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    tier: Tier,
    format: Format,
    special_use: bool,
    insist_on_tls: bool,
    record: bool,
}

impl Options {
    /// Maildir, special uses marked except in the plain tier, sign-in allowed without TLS.
    pub(crate) fn new(tier: Tier) -> Self {
        Self {
            tier,
            format: Format::Maildir,
            special_use: tier != Tier::Plain,
            insist_on_tls: false,
            record: false,
        }
    }

    /// Keeps mail in another format.
    pub(crate) fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Leaves the special uses of mailboxes unmarked: they are to be told by their names.
    pub(crate) fn without_special_use(mut self) -> Self {
        self.special_use = false;
        self
    }

    /// Refuses a sign-in before TLS at [`Dovecot::TLS_ONLY_HOST`].
    pub(crate) fn insist_on_tls(mut self) -> Self {
        self.insist_on_tls = true;
        self
    }

    /// Keeps every line of every session, see [`Dovecot::command_lines`].
    pub(crate) fn record(mut self) -> Self {
        self.record = true;
        self
    }

    /// Starts such a server and waits until it greets.
    pub(crate) fn start(self) -> Dovecot {
        Dovecot::start(&self)
    }

    /// The text of the configuration file.
    pub(crate) fn configuration(&self, place: &Place<'_>) -> String {
        let (run, port, tls_port) = (place.directory.display(), place.port, place.tls_port);
        let Owner { uid, gid, user, group, .. } = place.owner;
        let location = match self.format {
            Format::Maildir => "maildir:~/Maildir",
            Format::Sdbox => "sdbox:~/sdbox",
        };
        let tls = if self.insist_on_tls { "required" } else { "yes" };
        let capabilities = self.tier.capabilities();
        let marked = if self.special_use { special_uses() } else { String::new() };
        let record = if self.record { format!("rawlog_dir = {run}/record/%u") } else { String::new() };
        format!(
            "base_dir = {run}/base
state_dir = {run}/state
log_path = {run}/dovecot.log
protocols = imap
listen = 127.0.0.1, {tls_only}
ssl = {tls}
ssl_cert = <{run}/cert.pem
ssl_key = <{run}/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0 secs
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_location = {location}
mail_fsync = never
mail_max_userip_connections = 100
imap_hibernate_timeout = 0
imap_capability = {capabilities}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {run}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={run}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
{marked}}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
protocol imap {{
  {record}
}}
",
            tls_only = Dovecot::TLS_ONLY_HOST
        )
    }
}

/// Where a server runs and as whom.
pub(crate) struct Place<'p> {
    pub(crate) directory: &'p Path,
    pub(crate) owner: &'p Owner,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
}

/// The marks for both languages a corpus may speak; Dovecot shows those of mailboxes that exist.
fn special_uses() -> String {
    use std::fmt::Write as _;
    let uses = [
        ("Sent", "\\Sent"),
        ("Gesendete Objekte", "\\Sent"),
        ("Drafts", "\\Drafts"),
        ("Entwürfe", "\\Drafts"),
        ("Junk", "\\Junk"),
        ("Spam", "\\Junk"),
        ("Trash", "\\Trash"),
        ("Papierkorb", "\\Trash"),
        ("Archive", "\\Archive"),
    ];
    uses.iter().fold(String::new(), |mut text, (name, mark)| {
        writeln!(text, "  mailbox \"{name}\" {{\n    special_use = {mark}\n  }}")
            .expect("writing to a string");
        text
    })
}
