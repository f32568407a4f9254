//! Codes of whoever asks a gateway elsewhere.

use super::Row;

#[rustfmt::skip]
pub(super) const CODES: &[Row] = &[
    ("gateway-address", "this is no address of a gateway", "https://HOST, or http://127.0.0.1:PORT"),
    ("gateway-answer", "what the gateway answered can't be read", "the address of an Airlock gateway of this version"),
    ("gateway-answer-long", "the gateway's answer is longer than is read", "a smaller page"),
    ("gateway-key-changed", "the gateway shows another key than it is known by", "the gateway that was meant, or its operator's word for the new key, and --gateway-key"),
    ("gateway-not-here", "the command is one that can't be asked of a gateway elsewhere; its reason is said", "the same without --gateway, where the gateway is"),
    ("gateway-not-private", "a token would go over the network as it is", "https; or http to this machine alone"),
    ("gateway-unreachable", "the gateway can't be reached, or did not answer", "the same again; what was asked for may have been done all the same"),
    ("known-exposed", "others can write what is remembered of gateways", "chmod 600, and a look at what is in it"),
    ("known-homeless", "there is no folder to remember gateways in", "HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME"),
    ("known-unreadable", "what is remembered of gateways can't be read", "the file as it was; without it, what it remembers is taken on the gateway's word"),
    ("member-differs", "the token speaks for another member, or for none", "--as the token's member, or another token"),
    ("receipt-missing", "the gateway says that it was done, and proves nothing", "a look at the log, then the same again"),
    ("receipt-wrong", "the gateway's proof of what was done does not hold", "a look at the log, and a word with whoever runs the gateway"),
    ("token-exposed", "others can read the file with the token", "chmod 600, and a fresh token where others may have read it"),
    ("token-malformed", "the access token is none", "AIRLOCK_TOKEN or --token-file with what the issuer gave"),
];
