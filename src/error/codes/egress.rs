//! Codes of asking a URL that a setting or a tenant names.

use super::Row;

#[rustfmt::skip]
pub(super) const CODES: &[Row] = &[
    ("egress-url", "this is no URL in the one way of writing it", "https://HOST/PATH in plain letters, without a user, a fragment or a backslash"),
    ("egress-scheme", "the URL is not of https", "https://HOST/PATH"),
    ("egress-host", "the URL's host is no name with a dot and no address in the one way of writing it", "a whole name, four decimal numbers, or an IPv6 address in brackets"),
    ("egress-port", "the URL's port may not be asked", "443, or a port that the operator lists"),
    ("egress-inside", "the URL lies inside a network, or leads there", "a host that everybody reaches, or one that the operator admits"),
    ("egress-unresolved", "the URL's host has no address", "a host that there is"),
    ("egress-unreachable", "the URL can't be reached", "a host that answers at once, with a certificate that verifies"),
    ("egress-late", "the URL was not answered in time", "a quicker answer"),
    ("egress-redirect", "the URL was answered with another place", "the URL where the answer is"),
    ("egress-answer-long", "the URL's answer is longer than is read", "a shorter answer"),
    ("egress-busy", "as many URLs are asked as this gateway asks at a time", "the same again, in a moment"),
];
