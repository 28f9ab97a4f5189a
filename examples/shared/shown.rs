//! What the examples print of a tab, and of what was sent.

use practicemail::contract::{Outgoing, Route};
use practicemail::practice_mail::{Direction, Tab};

/// A client's Email tab.
pub(crate) fn tab(tab: &Tab) {
    println!("The client's Email tab, {} in all:", tab.count);
    for message in &tab.messages {
        let arrow = if message.direction == Direction::In { "←" } else { "→" };
        println!("  {arrow} {}  {}", message.time, message.subject);
    }
}

/// What became of a message.
pub(crate) fn outcome(sent: &Outgoing) {
    let way = match &sent.message.route {
        Route::Own(_) => "from the user's own account",
        _ => "from the practice's noreply address",
    };
    println!("The message: {} {way}", sent.state.as_str());
    for recipient in &sent.recipients {
        println!("  {} {}: {}", recipient.address, recipient.state.as_str(), recipient.reply);
    }
}
