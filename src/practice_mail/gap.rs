//! How soon an account is read again because something has changed there.

use std::time::Duration;

use crate::sync::AccountReport;

/// From one pass, or the request for one, to the next that a change asks for. Doubled with each pass that finds nothing, so that a server
/// that tells of changes without end is not asked without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap(Duration);

impl Gap {
    pub(super) const SHORTEST: Self = Self(Duration::from_secs(1));
    pub(super) const LONGEST: Self = Self(Duration::from_mins(1));

    /// The gap after a pass that ended well.
    pub(super) fn after(self, found: bool) -> Self {
        if found { Self::SHORTEST } else { Self((self.0 * 2).min(Self::LONGEST.0)) }
    }

    pub(super) const fn get(self) -> Duration {
        self.0
    }
}

/// Whether a pass found something to look at.
pub(super) fn found_something(report: &AccountReport) -> bool {
    report.mailboxes.iter().any(|mailbox| mailbox.scanned > 0)
}
