//! What the example prints.

use std::collections::BTreeMap;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use practicemail::contract::{ClientKey, Role};
use practicemail::practice_mail::{Connected, Direction, SyncReport, Tab, TabMessage, UserStatus};
use practicemail::storage::sqlite::PracticeData;
use practicemail::sync::{MailboxReport, Progress};
use practicemail::types::UserId;

use crate::page::{Page, cut};
use crate::practice::USERS;

/// Begins a part.
pub(crate) fn heading(text: &str) {
    println!("\n■ {text}\n");
}

/// Users and clients.
pub(crate) fn practice(data: &PracticeData) {
    println!("{}", data.practice.name);
    for user in &data.users {
        let role = if user.role == Role::Administrator { "administrator" } else { "staff" };
        println!("  {:<28} {:<42} {role}", user.name, user.address);
    }
    println!("Their clients, and how their mail is told");
    for client in &data.clients {
        let keys = client.keys.iter().map(|key| match key {
            ClientKey::Domain(domain) => format!("anyone at {domain}"),
            ClientKey::Address(address) => address.clone(),
            _ => String::new(),
        });
        println!("  {:<28} {}", client.name, keys.collect::<Vec<_>>().join(", "));
    }
}

/// An account that was connected.
pub(crate) fn connected(connected: &Connected) {
    let sent = connected.sent_mailbox.as_deref().unwrap_or("(not found)");
    println!("  ✓ {:<30} signed in over TLS; sent messages are in {sent}", connected.address);
}

/// A progress bar over all mailboxes of all accounts.
pub(crate) struct Watcher {
    bar: ProgressBar,
    mailboxes: Mutex<BTreeMap<(String, String), (u64, u64)>>,
}

impl Watcher {
    /// A bar that nothing has moved yet.
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("  {bar:50} {pos} of {len} messages looked at");
        let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, mailboxes: Mutex::default() }
    }

    /// Moves the bar.
    pub(crate) fn see(&self, progress: &Progress) {
        let Ok(mut mailboxes) = self.mailboxes.lock() else { return };
        let mailbox = (progress.account.to_string(), progress.mailbox.to_string());
        mailboxes.insert(mailbox, (progress.done, progress.total));
        self.bar.set_length(mailboxes.values().map(|(_, total)| total).sum());
        self.bar.set_position(mailboxes.values().map(|(done, _)| done).sum());
    }

    /// Leaves the bar where it is.
    pub(crate) fn finish(&self) {
        self.bar.abandon();
    }
}

/// What a pass did.
pub(crate) fn report(report: &SyncReport) {
    for account in &report.accounts {
        let sum = |of: fn(&MailboxReport) -> u64| account.mailboxes.iter().map(of).sum::<u64>();
        let (looked_at, new) = (sum(|m| m.scanned), sum(|m| m.new_messages));
        let copies = sum(|m| m.new_copies) - new;
        let (name, trips) = (first_name(&account.user), account.traffic.round_trips);
        let news = match (new, copies) {
            (0, 0) => "nothing new".to_owned(),
            (new, 0) => format!("{new} new messages of clients"),
            (0, copies) => format!("{copies} copy of what was sent from here, recognised"),
            (new, copies) => {
                format!("{new} new messages of clients, and {copies} that a colleague has too, kept once")
            }
        };
        println!("  {name:<8} {looked_at:>4} looked at: {news} ({trips} round trips)");
        if let Some(error) = &account.error {
            println!("           {} {}", error.advice().summary, error.advice().remedy);
        }
    }
}

/// What was read and what was not.
pub(crate) fn privacy(bodies: usize, messages: usize) {
    println!(
        "\nOf {messages} messages on the server, {bodies} are between a client and the practice, and only these were\n\
         fetched. Of the others - newsletters, private mail, colleagues among themselves - the server was asked for\n\
         sender and recipients alone, and nothing about them was stored."
    );
}

/// The first messages of a tab, or of a part of it.
pub(crate) fn page(title: &str, tab: &Tab, messages: &[TabMessage], most: usize) {
    let users: BTreeMap<UserId, String> =
        USERS.iter().filter_map(|user| Some((UserId::new(user.id).ok()?, user.name.to_owned()))).collect();
    let shown = messages.get(..most).unwrap_or(messages);
    print!("{}", Page { title, tab, users: &users, messages: shown });
    if messages.len() > shown.len() {
        println!("{:15}… and {} more", "", messages.len() - shown.len());
    }
}

/// How many messages another client's tab has, and the latest that came in.
pub(crate) fn latest(name: &str, tab: &Tab) {
    println!("  {name}: {} messages", tab.count);
    if let Some(message) = tab.messages.iter().find(|message| message.direction == Direction::In) {
        println!("      {}\n      {}", message.subject, cut(&message.snippet, 94));
    }
}

/// A row a user, as in the practice's settings.
pub(crate) fn status(rows: &[UserStatus]) {
    for row in rows {
        let last = row.last_synchronised.map_or_else(|| "never".to_owned(), |at| at.to_string());
        println!("  {:<30} last synchronised {last}   {}", row.address, row.health.as_str());
    }
}

fn first_name(user: &UserId) -> &str {
    let member = USERS.iter().find(|member| member.id == user.as_str());
    member.and_then(|member| member.name.split(' ').next()).unwrap_or(user.as_str())
}
