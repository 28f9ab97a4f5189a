//! Arguments of the worker and of its kill switches.

use std::time::Duration;

use clap::Args;
use practicemail::types::{AccountId, Timestamp};

use super::{account, instant, positive, seconds};

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Its name, for those who read who holds a lease.
    #[arg(long, default_value = "worker")]
    pub(crate) name: String,
    /// End after so many seconds.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) lasting: Option<Duration>,
    /// Accounts read side by side.
    #[arg(long, value_name = "N", default_value = "8", value_parser = positive)]
    pub(crate) side_by_side: usize,
    /// Wait at so many inboxes at most, so that what comes is read within seconds.
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) wait_at: usize,
    /// Seconds of an account's lease: for so long it rests when a worker dies.
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = clap::value_parser!(u32).range(3..))]
    pub(crate) lease: u32,
    /// How long passes under way have at the end.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub(crate) grace: Duration,
    /// Look at the store as often as this.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) look_every: Duration,
}

/// What a pause holds up: everything, unless something is named.
#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    /// A provider: its name, or that of its server.
    #[arg(long, group = "scope")]
    pub(crate) provider: Option<String>,
    /// This practice.
    #[arg(long, group = "scope")]
    pub(crate) practice: bool,
    /// An account of it.
    #[arg(long, value_parser = account, group = "scope")]
    pub(crate) account: Option<AccountId>,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Until this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<Timestamp>,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
}
