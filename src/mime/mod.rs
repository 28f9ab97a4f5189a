//! Octets to values: who takes part in a message, and what is in it. Pure, and fed by strangers: every reader here is
//! linear in time and bounded in memory, and nothing recurses.

mod addr_spec;
mod address_list;
mod addressing;
mod charset;
mod date;
mod field;
mod lexer;
mod scan;
mod transfer;
mod words;

pub use addressing::addressing_headers;
pub use scan::MessageScan;
