//! The address of a gateway: a scheme, a host, a port, and nothing else. A token goes nowhere unencrypted but to this machine.

use crate::error::{Error, Result};
use reqwest::Url;

/// Reads one. What is refused is not repeated: it may hold a password.
pub(crate) fn read(text: &str) -> Result<Url> {
    let wrong = |message: &str| {
        Error::invalid("gateway-address", message).help("https://HOST, or http://127.0.0.1:PORT")
    };
    let url = Url::parse(text).map_err(|_| wrong("the gateway's address can't be read"))?;
    let bare = url.username().is_empty() && url.password().is_none();
    let bare = bare && url.query().is_none() && url.fragment().is_none();
    if !bare || !matches!(url.path(), "" | "/") {
        return Err(wrong("a gateway's address is a scheme, a host and a port"));
    }
    match url.scheme() {
        "https" if url.host_str().is_some() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            let message = "the token would go over the network as it is";
            Err(Error::refused("gateway-not-private", message)
                .help("https; or http to this machine alone"))
        }
        _ => Err(wrong("a gateway is asked by https")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = host.parse::<std::net::IpAddr>();
    // Whatever a resolver says of that name, `ask` leads it to this machine.
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_nowhere_unencrypted_but_to_this_machine() {
        for good in [
            "https://airlock.example.org",
            "https://airlock.example.org:8443/",
            "http://127.0.0.1:8470",
            "http://127.9.9.9:1",
            "http://[::1]:8470",
            "http://localhost:8470",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "http://airlock.example.org",
            "http://10.0.0.1:8470",
            "http://0.0.0.0:8470",
            "http://127.0.0.1.example.org",
            "http://localhost.example.org",
            "http://[::ffff:10.0.0.1]:1",
        ] {
            assert_eq!(read(bad).unwrap_err().code, "gateway-not-private", "{bad}");
        }
        for none in [
            "",
            "airlock.example.org",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "https://user@airlock.example.org",
            "https://user:zqsentinel@airlock.example.org",
            "http://127.0.0.1:8470/v1",
            "http://127.0.0.1:8470/?x",
            "http://127.0.0.1:8470/#x",
        ] {
            let error = read(none).unwrap_err();
            assert_eq!(error.code, "gateway-address", "{none}");
            assert!(!error.to_string().contains("zqsentinel"));
        }
    }
}
