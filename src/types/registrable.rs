//! Where domains are registered.

/// The domain under which a host's name is registered, by the public suffix list; `None` for addresses of machines.
pub(crate) fn registrable(host: &str) -> Option<&str> {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    psl::domain_str(host)
}
