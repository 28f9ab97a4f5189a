//! Octets to values and back: who takes part in a message, what is in it, and a draft as a message. Pure, and fed by strangers: every reader here is
//! linear in time and bounded in memory, and nothing recurses.
//!
//! ```text
//! octets ─▶ scan (lines) ─▶ walker (parts) ─▶ kept_header ─▶ addressing, content, authentication
//!                                         ├─▶ leaf (transfer ─▶ rendition, the beginning of texts) ─▶ body
//!                                         └─▶ part (where attachments lie, what is in one) ─▶ cut (octets without them)
//! HTML ─▶ tags (pieces) ─▶ tidy (elements, target, style) ─▶ sanitise ─▶ HTML that is fit to be shown
//! octets ─▶ mailbox_file ─▶ octets
//! octets ─▶ answered ─▶ prepare ─▶ draft ─▶ compose (header_block, outgoing_body) ─▶ octets
//! ```

mod addr_spec;
mod address_list;
mod addressing;
mod answered;
mod authentication;
mod body;
mod bounce_text;
mod charset;
mod compose;
mod content;
mod cut;
mod date;
mod delivery_status;
mod draft_text;
mod elements;
mod field;
mod flowed;
mod header_block;
mod html;
mod keep;
mod kept_header;
mod leaf;
mod lexer;
mod mailbox_file;
mod marks;
mod outgoing_body;
mod part;
mod prepare;
mod rendition;
mod report;
mod sanitise;
mod scan;
mod style;
mod subject;
mod tags;
mod target;
mod tidy;
mod transfer;
mod walker;
mod words;

pub use addressing::addressing_headers;
pub use answered::{Answered, answered};
pub use authentication::authenticity;
pub use compose::{Composition, MAX_RECIPIENTS, compose, message_id, without_bcc};
pub use cut::{Cutter, Segment, segments};
pub(crate) use field::first_field;
pub use mailbox_file::MailboxFileEntry;
pub use part::{AttachmentEnd, AttachmentReader, PartRange};
pub use prepare::prepare;
pub use report::{bounce_report, is_bounce_candidate};
pub use sanitise::{HtmlOptions, RemoteContent, SafeHtml, sanitise};
pub use scan::MessageScan;
pub use subject::{forward_subject, reply_subject};
