//! Arguments of the commands that show a page of a client's mail.

use clap::Args;
use practicemail::practice_mail::TabQuery;
use practicemail::types::{ClientId, UserId};

use super::{client, positive, user};

#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Whose mail.
    #[arg(long, value_parser = client)]
    pub(crate) client: ClientId,
    /// As this user sees it; as the host itself if not given.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) viewer: Option<UserId>,
    /// Messages, or conversations, a page.
    #[arg(long, value_name = "N", default_value = "50", value_parser = positive)]
    limit: usize,
    /// The page that `next` of the last one named.
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

impl PageArgs {
    /// The question for that page.
    pub(crate) fn query(&self) -> TabQuery {
        TabQuery::newest(self.limit).before(self.before.as_deref())
    }
}
