//! A URL, read in one way or not at all: what two readers would read in two ways is no URL here. Pure. Must not know which of them may be asked.

use super::refused::Refused;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Url;

/// The longest.
const URL_MAX: usize = 2_048;
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;
/// The name by which a machine calls itself.
pub(super) const LOCALHOST: &str = "localhost";

/// The host of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

/// A URL that may be asked. What it is shown as is where it leads, without path and query, which may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host,
    port: u16,
    is_plain: bool,
}

impl Target {
    /// Reads a URL of https, or of http.
    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        let is_plain_letter = |byte: u8| {
            byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`')
        };
        if text.len() > URL_MAX || !text.bytes().all(is_plain_letter) || text.contains('#') {
            return Err(Refused::Url);
        }
        let (rest, is_plain) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Err(Refused::Scheme),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        if authority.contains('@') {
            return Err(Refused::Url);
        }
        let (host, port) = halves(authority)?;
        let host = Host::read(host)?;
        let port = match port {
            None if is_plain => 80,
            None => 443,
            Some(port) => number(port)?,
        };
        let url = Url::parse(text).map_err(|_| Refused::Url)?;
        let target = Self { url, host, port, is_plain };
        // The reader by whom it will be asked has to see the same in it.
        if target.is_read_alike() { Ok(target) } else { Err(Refused::Url) }
    }

    fn is_read_alike(&self) -> bool {
        let host = match (self.url.host(), &self.host) {
            (Some(url::Host::Domain(name)), Host::Name(own)) => name == own,
            (Some(url::Host::Ipv4(address)), Host::Address(own)) => IpAddr::V4(address) == *own,
            (Some(url::Host::Ipv6(address)), Host::Address(own)) => IpAddr::V6(address) == *own,
            (Some(_) | None, _) => false,
        };
        let scheme = if self.is_plain { "http" } else { "https" };
        host && self.url.scheme() == scheme
            && self.url.port_or_known_default() == Some(self.port)
            && self.url.username().is_empty()
            && self.url.password().is_none()
            && self.url.fragment().is_none()
    }

    pub(super) const fn host(&self) -> &Host {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is asked without TLS.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    /// All of it, with these parameters after its own: for a browser, which is sent there.
    #[must_use]
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = self.url();
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// All of it, for whoever is there: what is signed for that place alone.
    #[must_use]
    pub fn whole(&self) -> &str {
        self.url.as_str()
    }

    /// Whether its query has a parameter of one of these names.
    #[must_use]
    pub fn names(&self, parameters: &[&str]) -> bool {
        self.url.query_pairs().any(|(name, _)| parameters.contains(&name.as_ref()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url.origin().ascii_serialization())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl Host {
    /// A name of two labels or more, or an address as everybody writes it.
    fn read(text: &str) -> Result<Self, Refused> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(Refused::Host)?;
            // Without a zone: the library reads none.
            let address = inner.parse::<Ipv6Addr>().map_err(|_| Refused::Host)?;
            return Ok(Self::Address(IpAddr::V6(address)));
        }
        let name = text.to_ascii_lowercase();
        let last = name.rsplit('.').next().unwrap_or_default();
        // What begins like a number where a number may stand is one to some readers: it is four plain ones, or nothing.
        if last.starts_with(|c: char| c.is_ascii_digit()) {
            let address = name.parse::<Ipv4Addr>().map_err(|_| Refused::Host)?;
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        is_name(&name).then_some(Self::Name(name)).ok_or(Refused::Host)
    }
}

/// Whether this is a whole name in lower case, or the machine's own.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let ends_in_letter = |label: &str| label.starts_with(|c: char| c.is_ascii_lowercase());
    text == LOCALHOST
        || (text.len() <= NAME_MAX
            && text.contains('.')
            && text.split('.').all(is_label)
            && text.rsplit('.').next().is_some_and(ends_in_letter))
}

/// Host and port.
fn halves(authority: &str) -> Result<(&str, Option<&str>), Refused> {
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    let rest = authority.get(host_end..).unwrap_or_default();
    match rest.split_once(':') {
        None => Ok((authority, None)),
        Some((_, port)) if port.contains(':') => Err(Refused::Host),
        Some((before, port)) => {
            let host = authority.get(..host_end + before.len()).ok_or(Refused::Host)?;
            Ok((host, Some(port)))
        }
    }
}

/// A port, in the one way of writing it.
fn number(text: &str) -> Result<u16, Refused> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_plain.then(|| text.parse().ok()).flatten().ok_or(Refused::Port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_read_is_what_is_asked() {
        for (text, host, port) in [
            ("https://id.example/keys", "id.example", 443),
            ("https://ID.Example", "id.example", 443),
            ("https://id.example:8443/a?b=c", "id.example", 8443),
            ("https://8.8.8.8/", "8.8.8.8", 443),
            ("https://[2606:4700::1111]:443/", "2606:4700::1111", 443),
            ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
            ("https://1password.example/", "1password.example", 443),
            ("http://localhost:8080/", "localhost", 8080),
        ] {
            let target = Target::read(text).unwrap();
            let found = match target.host() {
                Host::Name(name) => name.clone(),
                Host::Address(address) => address.to_string(),
            };
            assert_eq!((found.as_str(), target.port()), (host, port), "{text}");
            assert_eq!(target.url(), Url::parse(text).unwrap());
        }
    }

    #[test]
    fn parameters_come_after_those_that_are_there() {
        let put = [("state", "a b&c=d#e"), ("scope", "openid x")];
        for (text, all) in [
            ("https://id.example/a", "https://id.example/a?state=a+b%26c%3Dd%23e&scope=openid+x"),
            (
                "https://id.example/a?x=%2F;",
                "https://id.example/a?x=%2F;&state=a+b%26c%3Dd%23e&scope=openid+x",
            ),
        ] {
            let target = Target::read(text).unwrap();
            assert_eq!(target.with(&put), all);
            assert!(!target.names(&["state"]) && Target::read(all).unwrap().names(&["state"]));
        }
    }

    #[test]
    fn path_and_query_are_not_shown() {
        let target = Target::read("https://id.example:8443/zqpath?zqquery=1").unwrap();
        assert_eq!(format!("{target} {target:?}").matches("https://id.example:8443").count(), 2);
        assert!(!format!("{target} {target:?}").contains("zq"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn no_text_is_read_otherwise_than_by_the_one_who_asks(text in r"https?://[a-z0-9.:@\[\]%\\/?x_-]{0,24}") {
            if let Ok(target) = Target::read(&text) {
                let url = Url::parse(&text).unwrap();
                prop_assert!(url.username().is_empty() && url.password().is_none());
                prop_assert_eq!(url.port_or_known_default(), Some(target.port()));
                let host = match target.host() {
                    Host::Name(name) => name.clone(),
                    Host::Address(IpAddr::V4(address)) => address.to_string(),
                    Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
                };
                prop_assert_eq!(url.host_str(), Some(host.as_str()));
            }
        }

        #[test]
        fn numbers_are_four_or_none(a in any::<u64>(), b in any::<u8>(), form in 0_usize..6) {
            let text = match form {
                0 => format!("https://{a}/"),
                1 => format!("https://0x{a:x}/"),
                2 => format!("https://0{a:o}.1/"),
                3 => format!("https://{b}.1/"),
                4 => format!("https://{b}.{b}.{a}/"),
                _ => format!("https://{b}.{b}.{b}.0{b}/"),
            };
            prop_assert_eq!(Target::read(&text).err(), Some(Refused::Host), "{}", text);
        }
    }
}
