//! Floor 6: sending. By which way a message leaves, its delivery, the evidence for what is unknown, and the Sent copy. Knows no
//! protocol.
//!
//! Nothing here remembers anything: the outbox says what is to be done, a claim gives the right to do it once, and ending the
//! claim writes what became of it. Whatever dies in between leaves an intent that says so.

mod deliver;
mod filing;
mod permit;
mod retry;
pub(crate) mod route;
pub(crate) mod sent;
mod sessions;
#[cfg(test)]
mod tests;
mod time;
mod turns;
pub(crate) mod worker;

pub(crate) use sessions::Sessions;
pub(crate) use turns::Turns;
