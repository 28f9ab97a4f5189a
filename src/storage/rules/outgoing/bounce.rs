//! Reports about deliveries that failed later.

use super::OutgoingRow;
use crate::contract::{Bounce, BounceReport, OutgoingRecipient};
use crate::types::Address;

impl OutgoingRow {
    /// Writes a report at the recipients it names; says whether it told anything new.
    pub fn bounce(&mut self, report: &BounceReport) -> bool {
        let mut news = false;
        for (address, bounce) in &report.recipients {
            for recipient in named(&mut self.item.recipients, address.as_ref()) {
                news |= tell(recipient, bounce);
            }
        }
        news
    }
}

/// The recipients of this address; without one the only recipient, if there is only one.
fn named<'a>(
    recipients: &'a mut [OutgoingRecipient],
    address: Option<&Address>,
) -> impl Iterator<Item = &'a mut OutgoingRecipient> {
    let only = recipients.len() == 1;
    let key = address.map(Address::key);
    recipients.iter_mut().filter(move |recipient| match &key {
        Some(key) => recipient.address.key() == *key,
        None => only,
    })
}

fn tell(recipient: &mut OutgoingRecipient, bounce: &Bounce) -> bool {
    let for_good = recipient.bounce.as_ref().is_some_and(|known| known.permanent);
    if (for_good && !bounce.permanent) || recipient.bounce.as_ref() == Some(bounce) {
        return false;
    }
    recipient.bounce = Some(bounce.clone());
    true
}
