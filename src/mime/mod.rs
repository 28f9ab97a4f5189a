//! Octets to values: who takes part in a message, and what is in it. Pure, and fed by strangers: every reader here is
//! linear in time and bounded in memory, and nothing recurses.
//!
//! ```text
//! octets ─▶ scan (lines) ─▶ walker (parts) ─▶ kept_header ─▶ addressing, content
//!                                         └─▶ leaf (transfer ─▶ rendition, the beginning of texts) ─▶ body
//! ```

mod addr_spec;
mod address_list;
mod addressing;
mod body;
mod charset;
mod content;
mod date;
mod field;
mod flowed;
mod html;
mod kept_header;
mod leaf;
mod lexer;
mod rendition;
mod scan;
mod transfer;
mod walker;
mod words;

pub use addressing::addressing_headers;
pub use scan::MessageScan;
