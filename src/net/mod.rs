//! Floor 4: connections. TCP without delay, TLS by rustls, an egress policy on the address that is really connected to, a
//! deadline on every step, and a meter above TLS.

mod dial;
mod egress;
mod http;
mod meter;
mod own_authority;
mod probe;
mod reach;
mod tls;
mod veil;

pub use dial::{Dialer, Stream, Timeouts};
pub use egress::EgressPolicy;
pub use http::{HttpClient, HttpConnection, HttpFailure, HttpRequest, HttpResponse, Sent};
pub use meter::Meter;
pub(crate) use meter::Metered;
pub use probe::{CommandPoint, CommandProbe};
pub use reach::{ReachEvent, ReachStep, ReachWitness};
pub(crate) use veil::Veil;
