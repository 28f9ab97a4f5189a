//! Points on the wire, for tests that break off there.

use std::sync::Arc;

/// A moment around a command on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CommandPoint {
    /// It is about to be sent.
    Before(&'static str),
    /// It was answered.
    After(&'static str),
}

impl CommandPoint {
    /// The names of the commands that are sent.
    pub const COMMANDS: &[&str] = &[
        "connect",
        "sign_in",
        "list",
        "status",
        "examine",
        "search",
        "fetch_addressing",
        "fetch_messages",
        "logout",
        "find",
        "append",
        "create",
        "smtp_connect",
        "smtp_sign_in",
        "smtp_mail",
        "smtp_rcpt",
        "smtp_data",
        "smtp_message",
        "smtp_rset",
        "smtp_quit",
        "graph_send",
    ];
}

/// Is told of every command on the wire: for tests that break off there.
pub type CommandProbe = Arc<dyn Fn(CommandPoint) + Send + Sync>;
