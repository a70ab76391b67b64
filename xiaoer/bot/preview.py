"""What a waiting message would say now, from the facts of the present."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from xiaoer.bot.context import Buyer
from xiaoer.bot.errors import TemplateError
from xiaoer.bot.router import Due, Facts
from xiaoer.bot.shop import Shop
from xiaoer.bot.texts import Texts, Version
from xiaoer.bot.variables import variables
from xiaoer.storage import outbox, records
from xiaoer.storage.views import Message


def text_now(
    connection: Connection, shop_id: str, shop: Shop, message: Message, texts: Texts, now: datetime
) -> str | None:
    """None if it cannot be filled in. Links that are made in the moment of sending are left out."""
    words = next(iter(outbox.version_rows(connection, shop_id, {message.version})), None)
    if words is None:
        return None
    version = Version(id=words.id, locale=words.locale, name=words.name, source=words.source, own=words.own)
    orders = records.orders_by_id(connection, shop_id, {message.order} if message.order else set())
    buyers = records.buyers_by_id(connection, shop_id, {message.buyer})
    facts = Facts(
        shop=shop,
        buyer=buyers.get(message.buyer) or Buyer(id=message.buyer),
        order=orders.get(message.order) if message.order else None,
    )
    due = Due(
        key=message.key,
        template=message.template,
        category=message.category,
        due_at=message.due_at,
        created_at=message.created_at,
        lateness=timedelta(seconds=message.lateness),
        values=message.values,
        order=message.order,
        to=message.to,
    )
    try:
        return texts.render(version, variables(due, facts, now)).text
    except (TemplateError, ValueError):  # a faulty template is told of when the message is due
        return None
