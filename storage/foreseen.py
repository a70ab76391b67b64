"""What became of messages in a copy of the data that was played into the future."""

from datetime import datetime

import msgspec
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, and_, or_, select

from bot.domain.forecast import Foreseen
from bot.domain.messages import Reason
from storage.tables import outbox

_reason = msgspec.json.Decoder(Reason)

# The first reason that kept each message from being said when it was due; the outbox keeps the last.
_holds = Table("holds", MetaData(), Column("shop", Text), Column("id", Integer), Column("reason", Text))
_WATCH = (
    "CREATE TABLE holds (shop TEXT, id INTEGER, reason TEXT, PRIMARY KEY (shop, id)) WITHOUT ROWID",
    """
    CREATE TRIGGER note_hold AFTER UPDATE OF reason ON outbox
    WHEN new.state = 'queued' AND new.reason IS NOT NULL
    BEGIN INSERT OR IGNORE INTO holds VALUES (new.shop, new.id, new.reason); END
    """,
)


def watch_holds(connection: Connection) -> None:
    """Keep why messages are held, in an SQLite file that nobody else uses."""
    for statement in _WATCH:
        connection.exec_driver_sql(statement)


def foreseen(connection: Connection, shop: str, since: datetime, until: datetime) -> tuple[Foreseen, ...]:
    """The messages that were decided since then, and those due by `until` that still wait; in the order of
    their times, those that wait last."""
    held = and_(_holds.c.shop == outbox.c.shop, _holds.c.id == outbox.c.id)
    waits = and_(outbox.c.settled_at.is_(None), outbox.c.due_at <= until)
    statement = (
        select(outbox, _holds.c.reason.label("held"))
        .join_from(outbox, _holds, held, isouter=True)
        .where(outbox.c.shop == shop, or_(outbox.c.settled_at >= since, waits))
        .order_by(outbox.c.settled_at.is_(None), outbox.c.settled_at, outbox.c.due_at, outbox.c.key)
    )
    return tuple(
        Foreseen(
            key=row.key,
            template=row.template,
            category=row.category,
            buyer=row.buyer,
            order=row.order_id,
            due_at=row.due_at,
            at=row.settled_at,
            state=row.state,
            reason=_reason.decode(row.reason) if row.reason else None,
            held=_reason.decode(row.held) if row.held else None,
            channel=row.channel,
            text=row.text,
        )
        for row in connection.execute(statement)
    )
