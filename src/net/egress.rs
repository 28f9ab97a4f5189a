//! Which addresses may be connected to: the names come from users' forms.

use std::net::IpAddr;

/// Says to which addresses connections are made. Checked on the resolved address that is then connected to, so that a name
/// that resolves differently the second time gains nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EgressPolicy {
    /// Public addresses only: not this machine, its networks or those that lead nowhere (RFC 6890).
    #[default]
    Public,
    /// Any address: for a program that runs on its user's own machine.
    Any,
}

impl EgressPolicy {
    /// Whether `address` may be connected to.
    ///
    /// ```
    /// use practicemail::net::EgressPolicy;
    /// assert!(!EgressPolicy::Public.allows("169.254.169.254".parse().unwrap()));
    /// assert!(EgressPolicy::Public.allows("198.41.0.4".parse().unwrap()));
    /// ```
    pub fn allows(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b); // RFC 6598
            let benchmark = a == 198 && (b == 18 || b == 19); // RFC 2544
            let protocol = a == 192 && b == 0 && c == 0; // RFC 6890
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || shared
                || benchmark
                || protocol)
        }
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            if let Some(v4) = v6.to_ipv4() {
                return is_public(IpAddr::V4(v4));
            }
            let [first, second, ..] = segments;
            let documentation = first == 0x2001 && second == 0xdb8;
            let translated = first == 0x64 && second == 0xff9b; // RFC 6052, RFC 8215: reaches IPv4
            let sixto4 = first == 0x2002;
            (0x2000..0x4000).contains(&first) && !documentation && !translated && !sixto4
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_refused() {
        for inside in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
        ] {
            assert!(!EgressPolicy::Public.allows(inside.parse().unwrap()), "{inside}");
            assert!(EgressPolicy::Any.allows(inside.parse().unwrap()));
        }
        for outside in ["198.41.0.4", "2606:4700::1111", "::ffff:198.41.0.4"] {
            assert!(EgressPolicy::Public.allows(outside.parse().unwrap()), "{outside}");
        }
    }
}
