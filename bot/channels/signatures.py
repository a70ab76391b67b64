"""Comparing what a delivery was signed with to what our secrets make of it."""

import hmac
from collections.abc import Collection


def any_matches(expected: Collection[bytes], *given: str) -> bool:
    """True if one of the `given` signatures is one of those `expected`: one for each secret of a rotation.

    Compares each with each and in constant time, so that the time taken does not show which secret matched,
    or how much of it. Nothing expected, or an empty value on either side, never matches.
    """
    found = False
    for signature in given:
        offered = signature.encode(errors="replace")  # a header may hold any character
        for one in expected:
            found |= hmac.compare_digest(one, offered) and bool(one)
    return found
