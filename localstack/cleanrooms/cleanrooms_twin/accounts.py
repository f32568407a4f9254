"""Who calls: the account behind the access key and the Region, both from the signature's credential scope.

Signatures and secrets are not checked: this is a stand-in for tests, never an authority. Must not know any resource.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from .errors import HarnessError

SCOPE = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
DEFAULT_ACCOUNT = "000000000000"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
FIRST_ENCODED = 549755813888


@dataclass(frozen=True)
class Caller:
    """One request's account and Region."""

    account: str
    region: str


def scope(headers):
    """(access key, Region, service) of a signed request, None of an unsigned one."""
    found = SCOPE.search(headers.get("authorization", ""))
    return (found[1], found[3], found[4]) if found else None


class Accounts:
    """Access keys that were given an account by the control API, and the rules for all others."""

    def __init__(self):
        self.given = {}

    def account_of(self, key):
        """Given keys first; twelve digits are the account itself; a long key carries its account; all else is the default."""
        if key in self.given:
            return self.given[key]
        if re.fullmatch(r"\d{12}", key):
            return key
        return self._encoded(key) or DEFAULT_ACCOUNT

    def caller(self, headers):
        """The caller of a signed request."""
        found = scope(headers)
        if not found:
            raise HarnessError("MissingAuthenticationTokenException", "the request is not signed: no credential scope in Authorization", 403)
        return Caller(self.account_of(found[0]), found[1])

    @staticmethod
    def _encoded(key):
        """The account written into a 20-character key of AWS or LocalStack, None when there is none."""
        if not re.fullmatch(r"(AKIA|ASIA|LKIA|LSIA)[A-Z2-7]{16}", key):
            return None
        try:
            number = 2 * (int.from_bytes(base64.b32decode(key[4:12]), "big") - FIRST_ENCODED)
        except binascii.Error:
            return None
        number += ALPHABET.index(key[12]) >= 16
        return f"{number:012}" if 0 <= number <= 999_999_999_999 else None
