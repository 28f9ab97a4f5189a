//! Arguments of the commands about the archive.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use practicemail::types::{ClientId, ConversationId, MessageKey, UserId};

use super::{PageArgs, client, conversation, message, positive, user};

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// The words: beginnings of words, or words in a row between quotation marks.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) query: String,
}

#[derive(Debug, Args)]
pub(crate) struct ConversationsArgs {
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// Show the messages of this conversation.
    #[arg(long, value_parser = conversation)]
    pub(crate) id: Option<ConversationId>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Which message.
    #[arg(long, value_parser = message)]
    pub(crate) id: MessageKey,
    /// As this user sees it; as the host itself if not given.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) viewer: Option<UserId>,
    /// Write its octets as they came to stdout.
    #[arg(long)]
    pub(crate) raw: bool,
    /// Leave images in the HTML that are loaded from elsewhere.
    #[arg(long)]
    pub(crate) remote: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AttachmentArgs {
    /// Which message.
    #[arg(long, value_parser = message)]
    pub(crate) id: MessageKey,
    /// The attachment's name, or its number from 0.
    #[arg(long)]
    pub(crate) name: String,
    /// The file; it appears when it is whole.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// As this user sees it; as the host itself if not given.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) viewer: Option<UserId>,
}

#[derive(Debug, Args)]
pub(crate) struct HideArgs {
    /// Which message.
    #[arg(long, value_parser = message)]
    pub(crate) id: MessageKey,
    /// Whose copy.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) user: UserId,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// Whose mail.
    #[arg(long, value_parser = client)]
    pub(crate) client: ClientId,
    /// Whether it is held.
    pub(crate) state: OnOff,
}

/// On or off.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnOff {
    /// On.
    On,
    /// Off.
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) what: What,
    /// Of a client: archive it again when the client has been away and is back; for ever not, otherwise.
    #[arg(long, requires = "client")]
    pub(crate) until_back: bool,
    /// Who erases it, an administrator; the host itself if not given.
    #[arg(long, value_name = "USER", value_parser = user)]
    pub(crate) by: Option<UserId>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct What {
    /// This client's messages.
    #[arg(long, value_parser = client)]
    pub(crate) client: Option<ClientId>,
    /// Messages that only this user has, or sent.
    #[arg(long, value_parser = user)]
    pub(crate) user: Option<UserId>,
    /// This message.
    #[arg(long, value_parser = message)]
    pub(crate) id: Option<MessageKey>,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// Days between the first time a message was found to be no client's and its end.
    #[arg(long, value_name = "DAYS", default_value = "30")]
    pub(crate) grace_days: u32,
    /// Erase them however many they are.
    #[arg(long)]
    pub(crate) confirm: bool,
    /// Who does it, an administrator; the host itself if not given.
    #[arg(long, value_name = "USER", value_parser = user)]
    pub(crate) by: Option<UserId>,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Only this user's accounts.
    #[arg(long, value_parser = user)]
    pub(crate) user: Option<UserId>,
    /// Fetch what is missing, and look again.
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The Message-ID, with or without its angle brackets.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) message_id: String,
    /// Look for it on the servers too.
    #[arg(long)]
    pub(crate) ask: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeadLettersArgs {
    /// Try them again.
    #[arg(long)]
    pub(crate) replay: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// The number of the last change that is known; from the first on if not given.
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) after: u64,
    /// At most so many.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = positive)]
    pub(crate) limit: usize,
    /// As this user is told; as the host itself if not given.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) viewer: Option<UserId>,
}
