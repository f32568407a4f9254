"""Pages of a list: nextToken and maxResults. Must not know what is listed.

A token names the last entry of its page, so that entries which come or go between two pages neither repeat nor hide others.
"""

import base64
import binascii

from .errors import invalid

PAGE_SIZE = 100


def page(entities, params, page_size_max, key=lambda e: e["id"]):
    """(the page, the next token or None). Entities come in their order; the key tells them apart."""
    size = min(params.get("maxResults", PAGE_SIZE), page_size_max)
    start = 0
    token = params.get("nextToken")
    if token is not None:
        try:
            position, last = base64.urlsafe_b64decode(token.encode()).decode().split("|", 1)
            start = int(position)
        except (ValueError, binascii.Error) as error:
            raise invalid("nextToken", "is not a token of this list") from error
        at = [i for i, e in enumerate(entities) if key(e) == last]
        start = at[0] + 1 if at else min(start, len(entities))
    chosen = entities[start:start + size]
    if start + size >= len(entities):
        return chosen, None
    return chosen, base64.urlsafe_b64encode(f"{start + size}|{key(chosen[-1])}".encode()).decode()
