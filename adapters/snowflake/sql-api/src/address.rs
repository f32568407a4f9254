//! Where the API answers: an account's host, or an address given outright. Must not know what is asked.

use crate::account::AccountIdentifier;
use crate::error::{Error, Invalid, Result};
use crate::handle::Handle;
use crate::request_id::RequestId;
use reqwest::Url;
use std::net::IpAddr;

/// A base address: https, or http on this machine's own loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// The public address of an account.
    pub fn of_account(account: &AccountIdentifier) -> Result<Self> {
        Self::new(&format!("https://{}", account.host()))
    }

    /// An address given outright, as of a private link. It may have a path in front of the API's.
    pub fn new(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(Invalid::Address);
        let url = Url::parse(text).map_err(|_| wrong())?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let allowed = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            _ => false,
        };
        if bare && allowed { Ok(Self(url)) } else { Err(wrong()) }
    }

    /// Whether requests go over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    fn below(&self, words: &[&str]) -> Result<Url> {
        let mut url = self.0.clone();
        let path = url.path_segments_mut().map_err(|()| Error::invalid(Invalid::Address));
        path?.pop_if_empty().extend(["api", "v2", "statements"]).extend(words);
        Ok(url)
    }

    /// Where a statement is submitted.
    pub(crate) fn submit(&self, id: RequestId, asynchronous: bool, retry: bool) -> Result<Url> {
        let mut url = self.below(&[])?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("requestId", &id.to_string()).append_pair("nullable", "true");
            if asynchronous {
                query.append_pair("async", "true");
            }
            if retry {
                query.append_pair("retry", "true");
            }
        }
        Ok(url)
    }

    /// Where a statement is asked after; a partition of its result.
    pub(crate) fn poll(&self, handle: &Handle, partition: Option<usize>) -> Result<Url> {
        let mut url = self.below(&[handle.as_str()])?;
        if let Some(number) = partition {
            url.query_pairs_mut().append_pair("partition", &number.to_string());
        }
        Ok(url)
    }

    /// Where a statement is cancelled.
    pub(crate) fn cancel(&self, handle: &Handle) -> Result<Url> {
        self.below(&[handle.as_str(), "cancel"])
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    //! What may be an address, and the paths below it.
    use super::*;

    #[test]
    fn only_tls_except_on_loopback() {
        let good = [
            "https://acme-a.snowflakecomputing.com",
            "https://acme-a.privatelink.snowflakecomputing.com/",
            "http://127.0.0.1:8378/accounts/ACME-A",
            "http://[::1]:1",
            "http://localhost:1",
        ];
        for text in good {
            assert!(Address::new(text).is_ok(), "{text}");
        }
        let bad = [
            "http://acme-a.snowflakecomputing.com",
            "http://10.0.0.1",
            "http://localhost.evil.com",
            "http://127.0.0.1.evil.com",
            "ftp://127.0.0.1",
            "https://user@acme-a.snowflakecomputing.com",
            "https://user:word@acme-a.snowflakecomputing.com",
            "https://acme-a.snowflakecomputing.com/?a=b",
            "https://acme-a.snowflakecomputing.com/#a",
            "acme-a.snowflakecomputing.com",
            "unix:/tmp/x",
            "",
        ];
        for text in bad {
            assert!(Address::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_stand_below_the_prefix() {
        let address = Address::new("http://127.0.0.1:1/accounts/ACME-A/").unwrap();
        let handle = Handle::read("01ab-cd").unwrap();
        let id = RequestId::from_bytes([0; 16]);
        assert_eq!(
            address.submit(id, true, true).unwrap().as_str(),
            "http://127.0.0.1:1/accounts/ACME-A/api/v2/statements?requestId=00000000-0000-4000-8000-000000000000&nullable=true&async=true&retry=true"
        );
        let polled = address.poll(&handle, Some(3)).unwrap();
        assert!(polled.as_str().ends_with("/ACME-A/api/v2/statements/01ab-cd?partition=3"));
        assert!(address.cancel(&handle).unwrap().as_str().ends_with("/01ab-cd/cancel"));
    }
}
