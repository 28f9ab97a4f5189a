//! Octets to values and back: who takes part in a message, what is in it, and a draft as a message. Pure, and fed by strangers: every reader here is
//! linear in time and bounded in memory, and nothing recurses.
//!
//! ```text
//! octets ─▶ scan (lines) ─▶ walker (parts) ─▶ kept_header ─▶ addressing, content
//!                                         └─▶ leaf (transfer ─▶ rendition, the beginning of texts) ─▶ body
//! octets ─▶ answered ─▶ prepare ─▶ draft ─▶ compose (header_block, outgoing_body) ─▶ octets
//! ```

mod addr_spec;
mod address_list;
mod addressing;
mod answered;
mod body;
mod bounce_text;
mod charset;
mod compose;
mod content;
mod date;
mod delivery_status;
mod draft_text;
mod field;
mod flowed;
mod header_block;
mod html;
mod kept_header;
mod leaf;
mod lexer;
mod marks;
mod outgoing_body;
mod prepare;
mod rendition;
mod report;
mod scan;
mod subject;
mod transfer;
mod walker;
mod words;

pub use addressing::addressing_headers;
pub use answered::{Answered, answered};
pub use compose::{Composition, MAX_RECIPIENTS, compose, message_id, without_bcc};
pub(crate) use field::first_field;
pub use prepare::prepare;
pub use report::{bounce_report, is_bounce_candidate};
pub use scan::MessageScan;
pub use subject::{forward_subject, reply_subject};
