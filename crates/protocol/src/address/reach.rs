//! Where an address leads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns whether an address belongs to the public internet.
///
/// Addresses that the IANA registries for special purposes list are not public, and neither are
/// multicast and unassigned ones. An IPv4 address inside an IPv6 one (IPv4-mapped, NAT64) counts as
/// the IPv4 address. 6to4 and Teredo reach IPv4 as well, and no server needs them: none is public.
///
/// ```
/// use tokenkeeper_protocol::is_public_address;
///
/// assert!(is_public_address("192.0.32.7".parse().unwrap()));
/// assert!(!is_public_address("169.254.169.254".parse().unwrap()));
/// assert!(!is_public_address("::ffff:10.0.0.1".parse().unwrap()));
/// ```
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    Reach::of(address) == Reach::Public
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Public,
    /// This machine. Systems take the unspecified address for it as well.
    Loopback,
    /// Anything else: a network of one owner, or nowhere.
    Private,
}

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        let is_special = SPECIAL_V4.iter().any(|&(network, bits)| {
            let mask = u32::MAX << (32 - bits);
            address.to_bits() & mask == Ipv4Addr::from(network).to_bits()
        });
        if is_special {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        if let Some(embedded) = embedded(address) {
            return Self::of_v4(embedded);
        }
        let first = address.segments()[0];
        let in_network = |&(network, bits): &([u16; 2], u32)| {
            let [high, low] = network;
            let network = (u32::from(high) << 16) | u32::from(low);
            let segments = address.segments();
            let start = (u32::from(segments[0]) << 16) | u32::from(segments[1]);
            start & (u32::MAX << (32 - bits)) == network
        };
        // All of the public internet is in 2000::/3 (RFC 4291 §2.4, IANA).
        let is_public = first & 0xe000 == 0x2000 && !SPECIAL_V6.iter().any(in_network);
        if is_public {
            Self::Public
        } else {
            Self::Private
        }
    }
}

/// Returns the IPv4 address that packets to this address go to: IPv4-mapped (RFC 4291 §2.5.5.2),
/// or NAT64 with the well-known prefix (RFC 6052 §2.1).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

/// The networks beyond loopback that are not public, each with the length of its prefix, by the
/// IANA IPv4 Special-Purpose Address Registry.
const SPECIAL_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    // Carrier-grade NAT.
    ([100, 64, 0, 0], 10),
    // Azure's own services, at a public address that every machine there reaches.
    ([168, 63, 129, 16], 32),
    // Link-local, with the metadata services of most clouds.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    // Protocol assignments.
    ([192, 0, 0, 0], 24),
    // Documentation, as two others below.
    ([192, 0, 2, 0], 24),
    // 6to4 relays.
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    // Benchmarks.
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast.
    ([224, 0, 0, 0], 4),
    // Reserved, and broadcast.
    ([240, 0, 0, 0], 4),
];

/// The networks within 2000::/3 that are not public, by the first 32 bits.
const SPECIAL_V6: [([u16; 2], u32); 4] = [
    // Protocol assignments, Teredo among them.
    ([0x2001, 0], 23),
    // Documentation, as the last.
    ([0x2001, 0xdb8], 32),
    // 6to4.
    ([0x2002, 0], 16),
    ([0x3fff, 0], 20),
];

#[cfg(test)]
mod tests {
    use super::{super::AddressPolicy, *};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "168.63.129.15",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2003::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public_address(ip(public)), "{public}");
            assert!(AddressPolicy::public().allows(ip(public)), "{public}");
        }
    }

    /// Addresses that lead to this machine, and others that are not public.
    const LOOPBACK: [&str; 9] = [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "64:ff9b::7f00:1",
        "64:ff9b::",
    ];
    const PRIVATE: [&str; 43] = [
        "0.0.0.1",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::2",
        "::10.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:1:2::",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
    ];

    #[test]
    fn no_other_address_is_allowed_without_permission() {
        let public = AddressPolicy::public();
        let loopback = public.allow_loopback(true);
        let private = public.allow_private(true);
        for text in LOOPBACK {
            let address = ip(text);
            assert!(!is_public_address(address), "{text}");
            let allowed = [public, private, loopback].map(|policy| policy.allows(address));
            assert_eq!(allowed, [false, false, true], "{text}");
        }
        for text in PRIVATE
            .into_iter()
            .chain(["fd00:ec2::254", "fec0::1", "febf::1"])
        {
            let address = ip(text);
            assert!(!is_public_address(address), "{text}");
            let allowed = [public, loopback, private].map(|policy| policy.allows(address));
            assert_eq!(allowed, [false, false, true], "{text}");
        }
    }
}
