//! What is counted of the work, by the `metrics` facade where the feature of that name is on. The table in the manual's `scheduling` names
//! them. No label holds an id, an address or anything of a message.

use crate::sync::AccountReport;

/// A pass that ended.
#[cfg(feature = "metrics")]
pub(super) fn pass(report: &AccountReport) {
    let outcome = report.error.as_ref().map_or("ok", |error| error.kind().as_str());
    let new = report.mailboxes.iter().map(|mailbox| mailbox.new_messages).sum();
    metrics::counter!("practicemail_passes_total", "outcome" => outcome).increment(1);
    metrics::histogram!("practicemail_pass_seconds").record(report.elapsed.as_secs_f64());
    metrics::counter!("practicemail_octets_read_total").increment(report.traffic.octets_in);
    metrics::counter!("practicemail_messages_archived_total").increment(new);
}

#[cfg(not(feature = "metrics"))]
pub(super) const fn pass(_: &AccountReport) {}

/// A pass under way, counted while it is held.
pub(super) struct Running;

impl Running {
    pub(super) fn begin() -> Self {
        #[cfg(feature = "metrics")]
        metrics::gauge!("practicemail_passes_running").increment(1.0);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("practicemail_passes_running").decrement(1.0);
    }
}
