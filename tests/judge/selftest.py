#!/usr/bin/env python3
"""The judge judged: it must notice each kind of difference, and pass what is the same. Needs no gateway."""

import datetime
import hashlib
import sys
import unittest

sys.dont_write_bytecode = True

from judge import difference  # noqa: E402
from proofs import root, sha256  # noqa: E402
from world import normal  # noqa: E402


class Differences(unittest.TestCase):
    """Rows as multisets."""

    def test_order_and_the_last_digits_of_sums_do_not_matter(self):
        self.assertIsNone(difference([(1, 0.1 + 0.2), (None, 5.0)], [(None, 5.0), (1, 0.3)]))

    def test_a_missing_a_doubled_and_a_changed_row_are_noticed(self):
        rows = [("a", 1), ("a", 1), ("b", 2)]
        for other in (rows[1:], [*rows, rows[0]], [("a", 1), ("a", 1), ("b", 3)], []):
            self.assertIsNotNone(difference(rows, other))

    def test_values_that_look_alike_are_not_the_same(self):
        for one, other in ((None, ""), (None, 0), (True, 1), ("1", 1), (0.0, None), (1, 1.0), ("a", "A"), ("a ", "a")):
            self.assertIsNotNone(difference([(one,)], [(other,)]), (one, other))

    def test_a_float_beyond_the_tolerance_is_noticed(self):
        self.assertIsNotNone(difference([("a", 1000.0)], [("a", 1000.00001)]))

    def test_a_day_is_its_midnight_and_no_other_time(self):
        day = datetime.date(2024, 5, 1)
        self.assertIsNone(difference([(day,)], [(datetime.datetime(2024, 5, 1),)]))
        self.assertIsNotNone(difference([(day,)], [(datetime.datetime(2024, 5, 1, 0, 0, 1),)]))


class Identifiers(unittest.TestCase):
    """The second normaliser, on values worked out by hand."""

    def test_spellings_meet(self):
        for kind, one, other in (
            ("email", "  User.1+x@Example.COM ", "user.1+x@example.com"), ("phone", "0049-171/1000037", "+491711000037"),
            ("phone", " +49 (0)171 1000037 ", "+491711000037"), ("lower-trim", " Lx1 ", "lx1"),
        ):
            self.assertEqual(normal(kind, one), other)

    def test_what_is_no_identifier_matches_nobody(self):
        for kind, raw in (("email", "n/a"), ("email", "nobody@"), ("email", ""), ("phone", "12"), ("phone", "n/a"), ("lower-trim", "  "), ("email", None)):
            self.assertIsNone(normal(kind, raw))


class Trees(unittest.TestCase):
    """RFC 6962, against its definition written the slow way."""

    @staticmethod
    def slow(hashes):
        """MTH as section 2.1 defines it."""
        if len(hashes) < 2:
            return hashes[0] if hashes else hashlib.sha256(b"").digest()
        split = 1 << (len(hashes) - 1).bit_length() - 1
        return sha256(b"\x01", Trees.slow(hashes[:split]), Trees.slow(hashes[split:]))

    def test_every_size_up_to_seventy(self):
        hashes = [sha256(b"\x00", bytes([n])) for n in range(70)]
        for size in range(71):
            self.assertEqual(root(hashes[:size]), self.slow(hashes[:size]))


if __name__ == "__main__":
    unittest.main()
