//! `hide`, `unhide` and `hold`: what colleagues do not see, and what nobody erases.

use std::fmt;

use practicemail::contract::PracticeDirectory as _;
use practicemail::error::Result;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{HideArgs, HoldArgs, OnOff};
use crate::host::Host;

/// Hides a message from its user's colleagues.
pub(crate) async fn hide(host: &Host, args: &HideArgs) -> Result<Answer> {
    let changed = host.door.hide(host.practice()?, &args.user, args.id).await?;
    Answer::of(&Hidden { id: args.id.to_string(), user: args.user.to_string(), hidden: true, changed }, true)
}

/// Shows it to them again.
pub(crate) async fn unhide(host: &Host, args: &HideArgs) -> Result<Answer> {
    let changed = host.door.unhide(host.practice()?, &args.user, args.id).await?;
    Answer::of(&Hidden { id: args.id.to_string(), user: args.user.to_string(), hidden: false, changed }, true)
}

/// Puts a client's mail on hold in the host's own tables, or lifts the hold.
pub(crate) async fn hold(host: &Host, args: &HoldArgs) -> Result<Answer> {
    let (practice, client) = (host.practice()?, &args.client);
    // For how long its mail is kept besides is another matter.
    let mut retention = host.directory.retention(practice, client).await?;
    retention.held = matches!(args.state, OnOff::On);
    host.tables.set_retention(practice, client, retention).await?;
    let listed = host.directory.keys_of(practice, client).await?.is_some();
    Answer::of(&Held { client: client.to_string(), held: retention.held, listed }, true)
}

#[derive(Serialize)]
struct Hidden {
    id: String,
    user: String,
    hidden: bool,
    changed: bool,
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, unchanged) = (&self.user, if self.changed { "" } else { ", as before" });
        let see = if self.hidden { "do not see" } else { "see" };
        write!(f, "Colleagues {see} {user}'s copy of the message{unchanged}.")
    }
}

#[derive(Serialize)]
struct Held {
    client: String,
    held: bool,
    /// Whether the directory has this client: a hold outlives it.
    listed: bool,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = &self.client;
        if self.held {
            write!(f, "Nothing of {client}'s mail is erased until the hold is lifted.")?;
        } else {
            write!(f, "{client}'s mail is not on hold.")?;
        }
        if self.listed {
            return Ok(());
        }
        write!(f, "\nThe directory has no client {client} at present.")
    }
}
