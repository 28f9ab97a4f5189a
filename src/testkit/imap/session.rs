//! One connection from greeting to end: reads commands, answers them, goes wrong where told to.

use std::{io, sync::Arc};

use tokio::net::TcpStream;

use super::{
    command::{self, Arguments, Command, Incoming},
    fault::Fault,
    injection::Occasion,
    mailboxes, misconduct,
    reply::{Reply, Then, line},
    select::Selected,
    server::Shared,
    sign_in::Credentials,
    store::canonical,
    transcript::{Line, redact},
    user::UserRecord,
    utf7,
};
use crate::testkit::{listener::TlsMode, wire::Wire};

/// How much of a message is written at once.
const WRITE: usize = 64 * 1024;

/// A session's state (RFC 9051 §3).
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) wire: Wire,
    pub(super) connection: u32,
    pub(super) user: Option<Arc<UserRecord>>,
    pub(super) selected: Option<Selected>,
    /// Whether MODSEQ goes with every flag change (RFC 7162 §3.1).
    pub(super) condstore: bool,
    /// Whether every command is refused from now on.
    pub(super) refused: bool,
    /// Whether there is a mailbox behind the sign-in; every command is refused without one.
    pub(super) connected: bool,
}

/// Serves a connection until it ends, the server is dropped, or all are disconnected.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let open = Open { connection: shared.record.opened(), shared: Arc::clone(&shared) };
    let mut disconnected = shared.disconnected.subscribe();
    let mut session = Session {
        shared,
        wire: Wire::new(stream),
        connection: open.connection,
        user: None,
        selected: None,
        condstore: false,
        refused: false,
        connected: true,
    };
    tokio::select! {
        // A broken connection is this session's end and nobody else's concern.
        _ended = session.run() => session.wire.close().await,
        _disconnected = disconnected.changed() => {}
    }
}

/// Counts a connection out, however it ends.
struct Open {
    shared: Arc<Shared>,
    connection: u32,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.record.closed();
    }
}

impl Session {
    pub(super) fn occasion(&self) -> Occasion {
        Occasion {
            connection: self.connection,
            user: self.user.as_ref().map(|user| user.login.clone()),
            mailbox: self.selected.as_ref().map(|selected| utf7::display(&selected.name)),
            asked: None,
        }
    }

    pub(super) fn holds(&self, fault: &Fault) -> bool {
        self.shared.faults.holds(&self.occasion(), fault)
    }

    async fn run(&mut self) -> io::Result<()> {
        if self.holds(&Fault::Refuse) {
            return Ok(());
        }
        if self.holds(&Fault::SilentConnection) {
            return self.wire.stall().await;
        }
        if self.shared.tls == TlsMode::Implicit {
            self.start_tls().await?;
        }
        self.greet().await?;
        loop {
            let (here, shared) = (self.occasion(), Arc::clone(&self.shared));
            let hitch = |name: &str| misconduct::hitch(&shared.faults, &here, name);
            match command::read(&mut self.wire, &shared.personality, hitch).await? {
                Incoming::End => return Ok(()),
                Incoming::Refused(raw, reason) => {
                    let line = raw.line();
                    self.note(&line);
                    let tag = line.split(' ').next().unwrap_or("*");
                    self.send(tag, Reply::tagged(reason)).await?;
                }
                Incoming::Command(raw) => {
                    self.note(&raw.line());
                    match raw.parse() {
                        Ok(command) => {
                            if self.answer(command).await?.is_break() {
                                return Ok(());
                            }
                        }
                        Err(malformed) => {
                            let tag = malformed.tag.as_deref().unwrap_or("*");
                            self.send(tag, Reply::bad("Error in IMAP command.")).await?;
                        }
                    }
                }
            }
        }
    }

    pub(super) fn note(&self, line: &str) {
        self.shared.record.line(Line {
            connection: self.connection,
            encrypted: self.wire.encrypted(),
            text: redact(line, &self.shared.secrets()),
        });
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let acceptor = self.shared.certificates.acceptor();
        self.wire.start_tls(&acceptor).await
    }

    async fn greet(&mut self) -> io::Result<()> {
        let here = self.occasion();
        let faults = &self.shared.faults;
        let capabilities = self.offered_code();
        let words = self.shared.personality.greeting;
        let mut greeting = format!("* OK {capabilities}{words}").into_bytes();
        if let Some(login) = faults.take(&here, |fault| match fault {
            Fault::Preauth { login } => Some(login.clone()),
            _ => None,
        }) {
            greeting = format!("* PREAUTH {capabilities}{words}").into_bytes();
            self.user = self.shared.known_user(&login);
        }
        if let Some(octets) = faults.take(&here, |fault| match fault {
            Fault::Greeting(octets) => Some(octets.clone()),
            _ => None,
        }) {
            greeting = octets;
        }
        greeting.extend_from_slice(b"\r\n");
        for octets in faults.take_all(&here, |fault| match fault {
            Fault::BehindGreeting(octets) => Some(octets.clone()),
            _ => None,
        }) {
            greeting.extend(octets);
        }
        self.wire.write(&greeting).await?;
        self.wire.flush().await
    }

    /// The capabilities offered now, for the CAPABILITY response.
    pub(super) fn offered(&self) -> String {
        let forced = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::Capabilities(capabilities) => Some(capabilities.clone()),
            _ => None,
        });
        if let Some(capabilities) = forced {
            return capabilities;
        }
        let personality = &self.shared.personality;
        if self.user.is_some() {
            return personality.after_sign_in().join(" ");
        }
        let mut offered = personality.before_sign_in().to_vec();
        if self.locked() {
            offered.push("STARTTLS".to_owned());
        }
        if self.locked() || !self.shared.passwords {
            offered.push("LOGINDISABLED".to_owned());
        }
        if !self.locked() {
            offered.extend(self.mechanisms().map(|mechanism| format!("AUTH={mechanism}")));
        }
        offered.join(" ")
    }

    /// The code `[CAPABILITY …] ` for servers that volunteer it, else nothing.
    pub(super) fn offered_code(&self) -> String {
        if self.shared.personality.volunteers_capabilities {
            format!("[CAPABILITY {}] ", self.offered())
        } else {
            String::new()
        }
    }

    /// Whether STARTTLS must come first.
    pub(super) fn locked(&self) -> bool {
        self.shared.tls == TlsMode::StartTls && !self.wire.encrypted()
    }

    async fn answer(&mut self, mut command: Command) -> io::Result<std::ops::ControlFlow<()>> {
        use std::ops::ControlFlow::{Break, Continue};

        let mut here = self.occasion();
        if ["SELECT", "EXAMINE", "STATUS", "APPEND"].contains(&command.name.as_str()) {
            let named = command.arguments.peek().and_then(|value| value.octets());
            here.mailbox = named.map(|name| utf7::display(&canonical(name)));
        }
        if command.name == "AUTHENTICATE" {
            match self.collect_credentials(command.arguments).await? {
                Credentials::Given(arguments) => command.arguments = arguments,
                Credentials::Cancelled => {
                    self.send(&command.tag, Reply::bad("Authentication cancelled.")).await?;
                    return Ok(Continue(()));
                }
                Credentials::Gone => return Ok(Break(())),
            }
        }
        let Command { tag, name, arguments } = command;
        if let Some(wait) = self.fault_of(&here, &name, |fault| match fault {
            Fault::Delay { command, by } => Some((command, *by)),
            _ => None,
        }) {
            tokio::time::sleep(wait).await;
        }
        let mut reply = match self.instead(&here, &name) {
            Some(reply) => reply,
            None if name == "IDLE" => self.idle(&tag).await?,
            None => self.execute(&tag, &name, arguments),
        };
        self.spoil(&here, &name, &mut reply);
        let behind = self.fault_of(&here, &name, |fault| match fault {
            Fault::Behind { command, octets } => Some((command, octets.clone())),
            _ => None,
        });
        let limit = self.fault_of(&here, &name, |fault| match fault {
            Fault::CloseAmid { command, octets } => Some((command, *octets)),
            _ => None,
        });
        if limit.is_some() {
            reply.then = Then::Close;
        }
        let then = std::mem::take(&mut reply.then);
        self.write(&tag, &reply, limit, behind.as_deref().unwrap_or_default()).await?;
        match then {
            Then::Continue => return Ok(Continue(())),
            Then::StartTls if self.holds(&Fault::StartTlsPlain) => return Ok(Continue(())),
            Then::StartTls => {
                self.start_tls().await?;
                return Ok(Continue(()));
            }
            Then::Close => {}
            Then::Stall => self.wire.stall().await?,
            Then::Flood(flood) => self.flood(flood).await?,
        }
        Ok(Break(()))
    }

    fn execute(&mut self, tag: &str, name: &str, mut arguments: Arguments) -> Reply {
        match name {
            "CAPABILITY" => {
                let mut untagged = Vec::new();
                line(&mut untagged, format!("* CAPABILITY {}", self.offered()));
                return Reply::ok("Capability completed.").with(untagged);
            }
            "LOGOUT" => {
                let mut untagged = Vec::new();
                line(&mut untagged, "* BYE Logging out");
                return Reply { then: Then::Close, ..Reply::ok("Logout completed.").with(untagged) };
            }
            "ID" if self.shared.personality.has("ID") => {
                let mut untagged = Vec::new();
                line(&mut untagged, format!("* ID {}", self.shared.personality.id));
                return Reply::ok("ID completed.").with(untagged);
            }
            "NOOP" | "CHECK" => return self.with_news(Reply::ok("NOOP completed.")),
            "STARTTLS" if self.locked() => {
                return Reply { then: Then::StartTls, ..Reply::ok("Begin TLS negotiation now.") };
            }
            "LOGIN" => return self.login(&mut arguments),
            "AUTHENTICATE" => return self.authenticate(&mut arguments),
            _ => {}
        }
        let Some(user) = self.user.clone() else { return Reply::bad("Unknown command, or sign in first.") };
        let personality = &self.shared.personality;
        let extension = match name {
            "ENABLE" | "NAMESPACE" | "UNSELECT" => Some(name),
            "MOVE" | "UID MOVE" => Some("MOVE"),
            "UID EXPUNGE" => Some("UIDPLUS"),
            _ => None,
        };
        if extension.is_some_and(|extension| !personality.has(extension)) {
            return Reply::bad("Unknown command.");
        }
        let reply = match name {
            "ENABLE" => Some(self.enable(&mut arguments)),
            "NAMESPACE" => Some(mailboxes::namespace(&user)),
            "LIST" | "LSUB" => self.list(name, &mut arguments),
            "STATUS" => self.status(&mut arguments),
            "SELECT" | "EXAMINE" => self.select(name, &mut arguments),
            "CREATE" => mailboxes::create(&user, personality, &mut arguments),
            "DELETE" | "RENAME" | "SUBSCRIBE" | "UNSUBSCRIBE" => {
                mailboxes::change(&user, name, &mut arguments)
            }
            "APPEND" => self.append(&mut arguments),
            _ if self.selected.is_none() => Some(Reply::bad("No mailbox selected.")),
            "CLOSE" | "UNSELECT" => Some(self.close(name)),
            "SEARCH" | "UID SEARCH" => self.search(tag, name, &mut arguments),
            "FETCH" | "UID FETCH" => self.fetch(name, &mut arguments),
            "STORE" | "UID STORE" => self.store_flags(name, &mut arguments),
            "COPY" | "UID COPY" | "MOVE" | "UID MOVE" => self.copy(name, &mut arguments),
            "EXPUNGE" | "UID EXPUNGE" => self.expunge(name, &mut arguments),
            _ => Some(Reply::bad("Unknown command.")),
        };
        reply.unwrap_or_else(|| Reply::bad("Error in IMAP command: invalid arguments."))
    }

    fn enable(&mut self, arguments: &mut Arguments) -> Reply {
        let mut enabled = String::new();
        while let Some(capability) = arguments.text() {
            if capability.eq_ignore_ascii_case("CONDSTORE") && self.shared.personality.has("CONDSTORE") {
                self.condstore = true;
                enabled.push_str(" CONDSTORE");
            }
        }
        let mut untagged = Vec::new();
        line(&mut untagged, format!("* ENABLED{enabled}"));
        Reply::ok("Enabled.").with(untagged)
    }

    /// Writes an answer no fault is asked about.
    async fn send(&mut self, tag: &str, reply: Reply) -> io::Result<()> {
        self.write(tag, &reply, None, &[]).await
    }

    async fn write(
        &mut self,
        tag: &str,
        reply: &Reply,
        limit: Option<usize>,
        behind: &[u8],
    ) -> io::Result<()> {
        let tagged = reply.tagged.as_ref().map(|text| format!("{tag} {text}\r\n"));
        let mut last = tagged.unwrap_or_default().into_bytes();
        last.extend_from_slice(behind);
        let pieces = reply.untagged.iter().flat_map(|response| &response.0).map(super::reply::Chunk::octets);
        let mut left = limit.unwrap_or(usize::MAX);
        // Small pieces are gathered, so that a pipelined answer is a few writes and not thousands.
        let mut gathered = Vec::new();
        for piece in pieces.chain([last.as_slice()]).flat_map(|piece| piece.chunks(WRITE)) {
            let piece = piece.get(..left).unwrap_or(piece);
            left -= piece.len();
            gathered.extend_from_slice(piece);
            if gathered.len() >= WRITE {
                self.wire.write(&gathered).await?;
                gathered.clear();
            }
        }
        self.wire.write(&gathered).await?;
        self.wire.flush().await
    }
}
