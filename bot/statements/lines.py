"""What is read of a statement: lines by which money came, lines that say nothing of that, and faults."""

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from bot.csv_import.faults import BadLine
from bot.domain.money import Money

LONGEST = 500  # characters of a text, a name or an account that are kept
NO_ID = frozenset(("", "/", "-", "NONREF", "NOTPROVIDED", "0"))

Why = Literal["outgoing", "not_settled", "no_booking", "reversal"]


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came. line: where it stands. latest: until when it may have been; see Transfer."""

    line: int
    bank: str
    at: datetime
    latest: datetime
    amount: Money
    payer: str = ""
    account: str = ""
    text: str = ""
    id: str = ""  # the bank's own

    def fingerprint(self) -> str:
        """The same for this booking in every statement; equal bookings without an id of the bank's have the
        same one, and are told apart by their place among each other."""
        said = (self.latest.isoformat(), self.payer, self.account, self.text)
        content = (self.bank, self.amount.minor, self.amount.currency, self.id or said)
        return hashlib.blake2b(msgspec.json.encode(content), digest_size=12).hexdigest()


class Ignored(msgspec.Struct, frozen=True):
    """A line by which no money came."""

    line: int
    why: Why


Read = Booking | Ignored | BadLine


def tidy(text: str) -> str:
    """Without what pads it, and no longer than is kept."""
    return " ".join(text.replace("\x00", " ").split())[:LONGEST]


def own_id(text: str) -> str:
    found = tidy(text)
    return "" if found.upper() in NO_ID else found[:100]
