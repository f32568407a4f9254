//! What may be asked: hosts that everybody reaches, and such as an operator admits. Pure. Must not know how anything is asked.

use super::address::{Reach, reach};
use super::refused::Refused;
use super::target::{Host, LOCALHOST, Target, is_name};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Names that lead inside, whatever a resolver says.
const INNER_NAMES: [&str; 10] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "onion",
];

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    hosts: BTreeSet<String>,
    networks: Vec<Network>,
    ports: BTreeSet<u16>,
    is_loopback: bool,
    is_own: bool,
}

impl Default for Policy {
    /// Port 443 of hosts that everybody reaches.
    fn default() -> Self {
        Self {
            hosts: BTreeSet::new(),
            networks: Vec::new(),
            ports: BTreeSet::from([443]),
            is_loopback: false,
            is_own: false,
        }
    }
}

impl Policy {
    /// What an operator sets: `admitted` are whole names and networks. Says which of them can't be admitted by its place.
    pub fn new(
        admitted: &[String],
        ports: impl IntoIterator<Item = u16>,
        is_loopback: bool,
    ) -> Result<Self, usize> {
        let ports = ports.into_iter().collect();
        let mut policy = Self { ports, is_loopback, ..Self::default() };
        for (at, text) in admitted.iter().enumerate() {
            if let Ok(network) = text.parse() {
                policy.networks.push(network);
            } else if is_name(text) && text != LOCALHOST {
                policy.hosts.insert(text.clone());
            } else {
                return Err(at);
            }
        }
        Ok(policy)
    }

    /// For a place of the operator's own that is said to lie inside: this machine and networks that are somebody's own as well, by any port, and there
    /// without TLS too. What lies outside is asked by https all the same, and what is never asked is not asked for an operator either.
    #[must_use]
    pub fn own() -> Self {
        Self { is_own: true, ..Self::default() }
    }

    /// Whether something may be asked without TLS.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_loopback || self.is_own
    }

    /// Whether this machine may be asked, which is for trying things out.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// A URL that may be asked, as far as its text tells.
    pub fn target(&self, text: &str) -> Result<Target, Refused> {
        let target = Target::read(text)?;
        let is_here = match target.host() {
            Host::Name(name) => name == LOCALHOST,
            Host::Address(address) => reach(*address) == Reach::Loopback,
        };
        if is_here && self.is_plain() {
            return Ok(target);
        }
        if target.is_plain() && !self.is_own {
            return Err(Refused::Scheme);
        }
        match target.host() {
            Host::Name(name) if !self.may_lead_outside(name) => return Err(Refused::Inside),
            Host::Name(_) => {}
            Host::Address(address) => self.admits(None, *address, target.is_plain())?,
        }
        if self.is_own || self.ports.contains(&target.port()) {
            Ok(target)
        } else {
            Err(Refused::Port)
        }
    }

    /// The addresses that may be connected to for a name that leads to these, perhaps without TLS: all of them, or none.
    pub(super) fn pinned(
        &self,
        name: &str,
        found: &[IpAddr],
        is_plain: bool,
    ) -> Result<Vec<IpAddr>, Refused> {
        if name == LOCALHOST {
            let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            return if self.is_plain() { Ok(here.to_vec()) } else { Err(Refused::Inside) };
        }
        if !self.may_lead_outside(name) {
            return Err(Refused::Inside);
        }
        if found.is_empty() {
            return Err(Refused::Unresolved);
        }
        found.iter().try_for_each(|address| self.admits(Some(name), *address, is_plain))?;
        Ok(found.to_vec())
    }

    /// Whether the one who answered for a target is one that may be asked.
    pub(super) fn answers(&self, target: &Target, peer: IpAddr) -> bool {
        match target.host() {
            Host::Name(name) if name == LOCALHOST => peer.is_loopback(),
            Host::Name(name) => self.admits(Some(name), peer, target.is_plain()).is_ok(),
            Host::Address(address) => *address == peer,
        }
    }

    fn may_lead_outside(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or_default();
        self.is_own || self.hosts.contains(name) || !INNER_NAMES.contains(&last)
    }

    /// Refuses an address that may not be connected to, perhaps without TLS.
    fn admits(&self, name: Option<&str>, address: IpAddr, is_plain: bool) -> Result<(), Refused> {
        let is_open = match reach(address) {
            Reach::Outside if is_plain => return Err(Refused::Scheme),
            Reach::Outside => true,
            Reach::Inner => {
                self.is_own
                    || name.is_some_and(|name| self.hosts.contains(name))
                    || self.networks.iter().any(|network| network.holds(address))
            }
            Reach::Loopback => self.is_own,
            Reach::Never => false,
        };
        if is_open { Ok(()) } else { Err(Refused::Inside) }
    }
}

/// A network that is somebody's own: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                u32::from(first) == u32::from(address) & mask
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                u128::from(first) == u128::from(address) & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Its last address.
    fn last(&self) -> IpAddr {
        match self.first {
            IpAddr::V4(first) => {
                let host = u32::MAX.checked_shr(self.prefix).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(first) | host))
            }
            IpAddr::V6(first) => {
                let host = u128::MAX.checked_shr(self.prefix).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(first) | host))
            }
        }
    }
}

impl FromStr for Network {
    type Err = ();

    /// `ADDRESS/BITS`, or an address by itself; only one of which every address can be admitted, or is never asked all the same.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let first: IpAddr = address.parse().map_err(|_| ())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let prefix: u32 = bits.map_or(Ok(most), str::parse).map_err(|_| ())?;
        if prefix > most || bits.is_some_and(|bits| bits != prefix.to_string()) {
            return Err(());
        }
        let network = Self { first, prefix };
        // Blocks that can be admitted are whole, but for where clouds answer, which stays shut: both ends tell.
        let is_whole = network.holds(first);
        let is_inner = [first, network.last()].iter().all(|end| reach(*end) == Reach::Inner);
        let is_one_block = is_whole && is_inner && !network.spans();
        if is_one_block { Ok(network) } else { Err(()) }
    }
}

impl Network {
    /// Whether it is wider than the widest block that can be admitted.
    const fn spans(&self) -> bool {
        match self.first {
            IpAddr::V4(_) => self.prefix < 8,
            IpAddr::V6(_) => self.prefix < 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(admitted: &[&str]) -> Policy {
        let admitted: Vec<_> = admitted.iter().map(|&text| text.to_owned()).collect();
        Policy::new(&admitted, [443, 8443], false).unwrap()
    }

    fn ips(all: &[&str]) -> Vec<IpAddr> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_what_can_be_admitted_is() {
        for good in [
            "10.0.0.0/8",
            "10.1.2.0/24",
            "10.1.2.3",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "fd12:3456::/32",
            "fc00::/7",
            "id.corp.example",
            "vault.internal",
        ] {
            assert!(Policy::new(&[good.to_owned()], [443], false).is_ok(), "{good}");
        }
        for bad in [
            "0.0.0.0/0",
            "10.0.0.0/7",
            "10.1.2.3/24",
            "127.0.0.1",
            "127.0.0.0/8",
            "::1",
            "::/0",
            "169.254.169.254",
            "169.254.0.0/16",
            "8.8.8.8",
            "192.0.0.0/8",
            "172.0.0.0/8",
            "fd00:ec2::254",
            "fe80::/10",
            "224.0.0.0/4",
            "100.100.100.200",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/33",
            "*",
            "*.example",
            "localhost",
            "Id.Example",
            "https://id.example",
            "id.example:443",
            "10.1",
            "::ffff:10.0.0.1",
            "",
        ] {
            assert_eq!(
                Policy::new(&["a.example".to_owned(), bad.to_owned()], [443], false),
                Err(1),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_is_admitted_is_admitted_alone() {
        let policy = policy(&["id.corp.example", "10.1.0.0/16", "vault.internal"]);
        for (name, found, pinned) in [
            ("id.corp.example", &["192.168.3.4"][..], true),
            ("id.corp.example", &["192.168.3.4", "fd00::1", "8.8.8.8"], true),
            ("id.corp.example", &["169.254.169.254"], false),
            ("id.corp.example", &["192.168.3.4", "127.0.0.1"], false),
            ("other.corp.example", &["192.168.3.4"], false),
            ("other.corp.example", &["10.1.3.4"], true),
            ("other.corp.example", &["10.2.3.4"], false),
            ("vault.internal", &["10.2.3.4"], true),
            ("other.internal", &["8.8.8.8"], false),
        ] {
            let answer = policy.pinned(name, &ips(found), false);
            assert_eq!(answer.is_ok(), pinned, "{name} {found:?}");
        }
        assert!(
            policy.target("https://10.1.2.3/").is_ok()
                && policy.target("https://10.2.2.3/").is_err()
        );
        assert_eq!(policy.pinned("id.example", &[], false), Err(Refused::Unresolved));
    }

    #[test]
    fn what_lies_inside_is_asked_without_tls_and_what_lies_outside_is_not() {
        let own = Policy::own();
        for (inside, is_plain) in [
            ("http://10.0.0.8:4318/", true),
            ("http://[fd00::8]:4318/", true),
            ("http://127.0.0.1:4318/", true),
            ("https://10.0.0.8:4318/", false),
            ("https://8.8.8.8:4318/", false),
            ("https://[2606:4700::1111]/", false),
        ] {
            let target = own.target(inside);
            assert!(target.is_ok_and(|target| target.is_plain() == is_plain), "{inside}");
        }
        for outside in [
            "http://8.8.8.8/",
            "http://8.8.8.8:4318/",
            "http://[2606:4700::1111]/",
            "http://[::ffff:8.8.8.8]/",
        ] {
            assert_eq!(own.target(outside), Err(Refused::Scheme), "{outside}");
        }
        // Of a name its text does not tell: where it leads does.
        let target = own.target("http://collector.example/").unwrap();
        for (found, is_plain, refused) in [
            (&["10.0.0.8", "fd00::8", "127.0.0.1"][..], true, None),
            (&["10.0.0.8"], false, None),
            (&["8.8.8.8"], false, None),
            (&["8.8.8.8", "10.0.0.8"], false, None),
            (&["8.8.8.8"], true, Some(Refused::Scheme)),
            (&["10.0.0.8", "8.8.8.8"], true, Some(Refused::Scheme)),
            (&["169.254.169.254"], true, Some(Refused::Inside)),
            (&["169.254.169.254"], false, Some(Refused::Inside)),
        ] {
            let pinned = own.pinned("collector.example", &ips(found), is_plain);
            assert_eq!(pinned.err(), refused, "{found:?} {is_plain}");
        }
        assert!(own.answers(&target, "10.0.0.8".parse().unwrap()));
        assert!(!own.answers(&target, "8.8.8.8".parse().unwrap()));
        let sealed = own.target("https://collector.example/").unwrap();
        assert!(own.answers(&sealed, "8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn this_machine_is_asked_only_where_that_is_set_and_only_by_its_own_name() {
        let open = Policy::new(&[], [443], true).unwrap();
        for here in [
            "http://127.0.0.1:8080/k",
            "http://[::1]:1/",
            "http://localhost:9/",
            "https://localhost/",
        ] {
            assert!(open.target(here).is_ok(), "{here}");
            assert!(Policy::default().target(here).is_err(), "{here}");
        }
        for other in [
            "http://id.example/",
            "http://10.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "https://a.localhost/",
        ] {
            assert!(open.target(other).is_err(), "{other}");
        }
        assert_eq!(open.pinned("id.example", &ips(&["127.0.0.1"]), true), Err(Refused::Inside));
        let here = open.pinned(LOCALHOST, &ips(&["10.0.0.1"]), true).unwrap();
        assert!(here.iter().all(IpAddr::is_loopback), "whatever a resolver says");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn one_address_inside_shuts_the_name(outside in any::<[u8; 4]>(), inside in any::<[u8; 2]>(), at in 0_usize..3) {
            let (mut found, policy) = (vec![IpAddr::from(outside); 2], Policy::default());
            let is_open = reach(found[0]) == Reach::Outside;
            prop_assert_eq!(policy.pinned("id.example", &found, false).is_ok(), is_open);
            found.insert(at, IpAddr::from([10, 0, inside[0], inside[1]]));
            prop_assert_eq!(policy.pinned("id.example", &found, false), Err(Refused::Inside));
        }
    }
}
