//! x
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic,
        clippy::print_stdout
    )
)]

#[cfg(feature = "testkit")]
pub mod testkit;
