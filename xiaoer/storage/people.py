"""What deliver has to tell: an address that is blocked, a message that the seller should know did not go out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from xiaoer.bot.actions import OpenCase
from xiaoer.storage import records
from xiaoer.storage.bulk import upsert
from xiaoer.storage.tables import conversations, outbox

TOLD = {"template_broken", "gave_up", "refused", "no_way"}  # reasons that the seller should hear of


def block(connection: Connection, shop: str, message: int, channel: str, address: str, at: datetime) -> None:
    """Write to this address no more, until its owner writes to us."""
    here = (
        conversations.c.shop == shop,
        conversations.c.channel == channel,
        conversations.c.address == address,
    )
    known = connection.execute(select(conversations).where(*here)).one_or_none()
    buyer = connection.scalar(select(outbox.c.buyer).where(outbox.c.shop == shop, outbox.c.id == message))
    row = dict(known._mapping) if known else {"buyer": buyer, "tries": 0}
    upsert(
        connection,
        conversations,
        [row | {"shop": shop, "channel": channel, "address": address, "blocked_at": at}],
    )


def open_cases_for(
    connection: Connection,
    shop: str,
    settled: Sequence[dict[str, Any]],
    rows: Iterable[Row[Any]],
    now: datetime,
) -> None:
    """A case for every message that fell through where the seller can do something about it."""
    told = {row["id"]: _reason(row["reason"]) for row in settled if _reason(row["reason"])["code"] in TOLD}
    for row in rows if told else ():
        if row.id in told:
            _tell(connection, shop, row, told[row.id], now)


def open_cases_for_failures(connection: Connection, failed: Iterable[dict[str, Any]], now: datetime) -> None:
    for each in failed:
        if each["state"] != "failed":
            continue
        here = select(outbox).where(outbox.c.shop == each["shop"], outbox.c.id == each["id"])
        _tell(connection, each["shop"], connection.execute(here).one(), _reason(each["reason"]), now)


def _tell(connection: Connection, shop: str, row: Row[Any], reason: dict[str, Any], now: datetime) -> None:
    if row.category == "promotion":
        return  # an offer that reached nobody is no trouble of the buyer's
    no_answer = row.template == "second_contact"
    why = reason.get("values", {}).get("why") or reason["code"]
    details = {"order": row.order_id} if no_answer else {"template": row.template, "why": why}
    opened = OpenCase(
        kind="no_answer" if no_answer else "undeliverable",
        key=f"undeliverable:{row.key}",
        reason="no_answer" if no_answer else "undeliverable",
        details=details,
        order=row.order_id,
    )
    records.open_case(connection, shop, records.next_case_number(connection, shop), opened, row.buyer, now)


def _reason(why: str) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(why)
    return decoded
