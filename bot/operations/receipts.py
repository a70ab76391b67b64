"""Receipts of erasures in a file outside the database, so that a restored database can be cleaned again."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from storage.private_files import make_private_folder, private


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody was erased. digests: keyed hashes of their addresses and orders. stops: of those whose
    owner wants to hear no more: what, and since when."""

    shop: str
    id: str
    at: datetime
    who: str
    digests: tuple[str, ...]
    stops: dict[str, tuple[str, datetime]] = {}


_receipts = msgspec.json.Decoder(Receipt)


class Receipts:
    """The file: a line for each receipt, only added to, mode 0600."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, receipt: Receipt) -> None:
        """Append a receipt unless it is there; durable when this returns. Raises OSError."""
        if any(each.id == receipt.id for each in self.of(receipt.shop)):
            return
        make_private_folder(self.file.absolute().parent)
        with open(self.file, "ab+", opener=private) as out:
            if out.tell() and not self.file.read_bytes().endswith(b"\n"):
                out.write(b"\n")  # behind a line that broke off
            out.write(msgspec.json.encode(receipt) + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def of(self, shop: str) -> Iterator[Receipt]:
        """The receipts of a shop, the oldest first. A line that broke off at a crash is left out."""
        try:
            lines = self.file.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                receipt = _receipts.decode(line)
            except msgspec.DecodeError:
                continue
            if receipt.shop == shop:
                yield receipt
