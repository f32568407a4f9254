//! Where an address lies: outside, where everybody reaches it, or not. What IANA's registries of special-purpose addresses list is not outside, nor is
//! what clouds answer their machines at. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everybody reaches it.
    Outside,
    /// In somebody's own network, which an operator may admit.
    Inner,
    /// On this machine.
    Loopback,
    /// Nowhere that is ever asked.
    Never,
}

type V4 = (Ipv4Addr, u32, Reach);
type V6 = (Ipv6Addr, u32, Reach);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(first: [u16; 4]) -> Ipv6Addr {
    let [a, b, c, d] = first;
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

/// The first that holds an address decides.
const V4: [V4; 19] = [
    // Where clouds answer their machines, in blocks that would be for others.
    (v4(100, 100, 100, 200), 32, Reach::Never),
    (v4(168, 63, 129, 16), 32, Reach::Never),
    (v4(0, 0, 0, 0), 8, Reach::Never),
    (v4(10, 0, 0, 0), 8, Reach::Inner),
    (v4(100, 64, 0, 0), 10, Reach::Inner),
    (v4(127, 0, 0, 0), 8, Reach::Loopback),
    (v4(169, 254, 0, 0), 16, Reach::Never),
    (v4(172, 16, 0, 0), 12, Reach::Inner),
    (v4(192, 0, 0, 0), 24, Reach::Never),
    (v4(192, 0, 2, 0), 24, Reach::Never),
    (v4(192, 31, 196, 0), 24, Reach::Never),
    (v4(192, 52, 193, 0), 24, Reach::Never),
    (v4(192, 88, 99, 0), 24, Reach::Never),
    (v4(192, 168, 0, 0), 16, Reach::Inner),
    (v4(192, 175, 48, 0), 24, Reach::Never),
    (v4(198, 18, 0, 0), 15, Reach::Never),
    (v4(198, 51, 100, 0), 24, Reach::Never),
    (v4(203, 0, 113, 0), 24, Reach::Never),
    // Multicast, what is reserved, and broadcast.
    (v4(224, 0, 0, 0), 3, Reach::Never),
];

/// The same, once it is known that nothing older is wrapped in it.
const V6: [V6; 10] = [
    (Ipv6Addr::LOCALHOST, 128, Reach::Loopback),
    // Where clouds answer their machines, in blocks that would be for others.
    (v6([0xfd00, 0x0ec2, 0, 0]), 32, Reach::Never),
    (v6([0xfd20, 0x00ce, 0, 0]), 32, Reach::Never),
    (v6([0xfd00, 0x00c1, 0, 0]), 32, Reach::Never),
    (v6([0xfc00, 0, 0, 0]), 7, Reach::Inner),
    // Protocols' own (Teredo among them), documentation, 6to4, documentation again.
    (v6([0x2001, 0, 0, 0]), 23, Reach::Never),
    (v6([0x2001, 0x0db8, 0, 0]), 32, Reach::Never),
    (v6([0x2002, 0, 0, 0]), 16, Reach::Never),
    (v6([0x3fff, 0, 0, 0]), 20, Reach::Never),
    // Nothing else is given to anybody yet.
    (v6([0x2000, 0, 0, 0]), 3, Reach::Outside),
];

/// Where an address lies.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => match wrapped(address) {
            // Another way of writing one is no way to what is admitted.
            Some(inner) if of_v4(inner) == Reach::Outside => Reach::Outside,
            Some(_) => Reach::Never,
            None => of_v6(address),
        },
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    let within = |(block, prefix, _): &&V4| {
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        u32::from(address) & mask == u32::from(*block) & mask
    };
    V4.iter().find(within).map_or(Reach::Outside, |(_, _, reach)| *reach)
}

fn of_v6(address: Ipv6Addr) -> Reach {
    let within = |(block, prefix, _): &&V6| {
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        u128::from(address) & mask == u128::from(*block) & mask
    };
    let found = V6.iter().find(within).map_or(Reach::Never, |(_, _, reach)| *reach);
    // An address of ISATAP ends in one of IPv4, which is where its packets go.
    let [_, _, _, _, marked, isatap, high, low] = address.segments();
    let is_tunnel = matches!(marked, 0 | 0x0200) && isatap == 0x5efe;
    let leads_inside = is_tunnel && of_v4(joined(high, low)) != Reach::Outside;
    if found == Reach::Outside && leads_inside { Reach::Never } else { found }
}

/// The IPv4 address that one of IPv6 is only another way of writing: mapped, or translated (RFC 6052). Compatible ones, 6to4 and Teredo are
/// given up, and lie in blocks that are never asked.
const fn wrapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(joined(high, low))
        }
        _ => None,
    }
}

const fn joined(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Reach {
        reach(text.parse().unwrap())
    }

    #[test]
    fn blocks_end_where_they_end() {
        for (before, first, last, after) in [
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("2001:1ff::1", "2001:db8::", "2001:db8:ffff::1", "2001:db9::"),
            ("2003::1", "2002::", "2002:ffff::1", "2003::"),
            ("3ffe:ffff::1", "3fff::", "3fff:fff::1", "3fff:1000::"),
        ] {
            assert_eq!(of(after), Reach::Outside, "{after}");
            assert!(before == "2001:1ff::1" || of(before) == Reach::Outside, "{before}");
            for inside in [first, last] {
                assert_ne!(of(inside), Reach::Outside, "{inside}");
            }
        }
        assert_eq!(of("223.255.255.255"), Reach::Outside);
        for never in ["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "0.0.0.0"] {
            assert_eq!(of(never), Reach::Never, "{never}");
        }
        for inner in ["10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.0.1", "fd12:3456::1"] {
            assert_eq!(of(inner), Reach::Inner, "{inner}");
        }
        for loopback in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(of(loopback), Reach::Loopback, "{loopback}");
        }
    }

    #[test]
    fn where_clouds_answer_their_machines_is_never_asked() {
        for metadata in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert_eq!(of(metadata), Reach::Never, "{metadata}");
        }
    }

    #[test]
    fn only_what_is_given_to_somebody_is_outside() {
        for outside in [
            "8.8.8.8",
            "1.1.1.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2600::5efe:808:808",
        ] {
            assert_eq!(of(outside), Reach::Outside, "{outside}");
        }
        for never in [
            "::",
            "::8.8.8.8",
            "::127.0.0.1",
            "64:ff9b:1::808:808",
            "64:ff9b::a00:1",
            "100::1",
            "1000::1",
            "2001::1",
            "2001:2::1",
            "2002:808:808::1",
            "2600::5efe:a00:1",
            "2600::200:5efe:7f00:1",
            "4000::1",
            "5f00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(of(never), Reach::Never, "{never}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn nothing_that_the_library_knows_as_special_is_outside(bits in any::<u32>(), wide in any::<u128>()) {
            let four = Ipv4Addr::from(bits);
            let is_special = four.is_private() || four.is_loopback() || four.is_link_local() || four.is_broadcast()
                || four.is_documentation() || four.is_multicast() || four.is_unspecified();
            prop_assert!(!(is_special && reach(four.into()) == Reach::Outside));
            let six = Ipv6Addr::from(wide);
            let is_special = six.is_loopback() || six.is_multicast() || six.is_unspecified()
                || six.is_unique_local() || six.is_unicast_link_local();
            prop_assert!(!(is_special && reach(six.into()) == Reach::Outside));
        }

        #[test]
        fn an_address_lies_no_further_out_for_being_written_otherwise(bits in any::<u32>()) {
            let four = Ipv4Addr::from(bits);
            let [a, b, c, d] = four.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for other in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            ] {
                prop_assert_eq!(reach(other.into()) == Reach::Outside, reach(four.into()) == Reach::Outside);
                prop_assert!(matches!(reach(other.into()), Reach::Outside | Reach::Never));
            }
            prop_assert_eq!(reach(Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into()), Reach::Never);
            prop_assert_eq!(reach(Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low).into()), Reach::Never);
            prop_assert_eq!(reach(four.to_ipv6_compatible().into()) == Reach::Outside, false);
        }
    }
}
