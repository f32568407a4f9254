//! The cookies: that which names a session, and that which a browser keeps while an issuer signs somebody in. Over TLS it has the prefix `__Host-`, which browsers take only with `Secure`, the path `/` and no domain, and
//! which no neighbouring host can set. Under a loopback name there is no TLS, and browsers differ in whether they keep such a cookie there, so
//! it is a plain one under the console's own path. Only the second comes along when another site leads here (`Lax`), since an issuer does. Must not
//! know what a session is.

use axum::http::header::{COOKIE, HOST};
use axum::http::{HeaderMap, HeaderValue};

/// Names under which a machine is asked by itself, without TLS.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// How the cookie is called and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jar {
    name: &'static str,
    kept: &'static str,
}

const LOCAL: Jar =
    Jar { name: "airlock-console", kept: "Path=/console; HttpOnly; SameSite=Strict" };
const ANYWHERE: Jar =
    Jar { name: "__Host-airlock-console", kept: "Path=/; Secure; HttpOnly; SameSite=Strict" };

const LOCAL_AWAY: Jar =
    Jar { name: "airlock-sign-in", kept: "Path=/console/sign-in; HttpOnly; SameSite=Lax" };
const ANYWHERE_AWAY: Jar =
    Jar { name: "__Host-airlock-sign-in", kept: "Path=/; Secure; HttpOnly; SameSite=Lax" };

impl Jar {
    /// That of a request's session, by the name under which it is asked.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if is_local(headers) { LOCAL } else { ANYWHERE }
    }

    /// The same for while somebody is away at an issuer.
    pub(super) fn of_away(headers: &HeaderMap) -> Self {
        if is_local(headers) { LOCAL_AWAY } else { ANYWHERE_AWAY }
    }

    /// What a request shows; nothing where it shows two of this name, of which one is somebody else's.
    pub(super) fn shown(self, headers: &HeaderMap) -> Option<&str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|one| one.split_once('='));
        let mut own =
            pairs.filter(|(name, _)| name.trim() == self.name).map(|(_, value)| value.trim());
        own.next().filter(|_| own.next().is_none())
    }

    /// Keeps a session for so long.
    pub(super) fn keeps(self, id: &str, seconds: i64) -> Option<HeaderValue> {
        let Self { name, kept } = self;
        HeaderValue::from_str(&format!("{name}={id}; Max-Age={seconds}; {kept}")).ok()
    }

    /// Forgets it.
    pub(super) fn forgets(self) -> Option<HeaderValue> {
        self.keeps("", 0)
    }
}

/// Whether a machine is asked by itself.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    LOOPBACK.iter().any(|one| one.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &'static str, cookies: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        for one in cookies {
            headers.append(COOKIE, HeaderValue::from_static(one));
        }
        headers
    }

    #[test]
    fn only_under_a_loopback_name_does_it_go_without_tls() {
        for local in ["localhost", "localhost:8470", "127.0.0.1:1", "[::1]:8470", "LocalHost"] {
            assert_eq!(Jar::of(&of(local, &[])), LOCAL, "{local}");
        }
        for other in
            ["airlock.example", "airlock.example:443", "10.0.0.1:8470", "127.0.0.1.evil", ""]
        {
            assert_eq!(Jar::of(&of(other, &[])), ANYWHERE, "{other}");
        }
        for jar in [ANYWHERE, Jar::of_away(&of("airlock.example", &[]))] {
            let kept = jar.keeps("id", 60).unwrap();
            let kept = kept.to_str().unwrap();
            assert!(kept.starts_with("__Host-") && kept.contains("; Path=/; Secure;"), "{kept}");
            assert!(!kept.contains("Domain"), "a browser refuses the prefix with one");
            assert_eq!(kept.contains("SameSite=Strict"), jar == ANYWHERE, "{kept}");
        }
    }

    #[test]
    fn one_cookie_of_the_name_is_read_and_two_are_none() {
        let shown =
            |cookies: &[&'static str]| LOCAL.shown(&of("localhost", cookies)).map(str::to_owned);
        assert_eq!(shown(&["a=1; airlock-console=x ; b=2"]).as_deref(), Some("x"));
        assert_eq!(shown(&["a=1", "airlock-console=x"]).as_deref(), Some("x"));
        for none in
            [&[][..], &["airlock-console"], &["__Host-airlock-console=x"], &["xairlock-console=x"]]
        {
            assert_eq!(shown(none), None, "{none:?}");
        }
        assert_eq!(shown(&["airlock-console=x; airlock-console=y"]), None);
        assert_eq!(shown(&["airlock-console=x", "airlock-console=y"]), None);
    }
}
