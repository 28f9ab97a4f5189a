//! Floor 4: connections. TCP without delay, TLS by rustls, an egress policy on the address that is really connected to, a
//! deadline on every step, and a meter above TLS.

mod dial;
mod egress;
mod meter;
mod own_authority;
mod tls;

pub use dial::{Dialer, Stream, Timeouts};
pub use egress::EgressPolicy;
pub use meter::Meter;
pub(crate) use meter::Metered;
