"""Previews of waiting messages, from the facts of now."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.domain.context import Buyer
from bot.domain.errors import TemplateError
from bot.domain.messages import DueMessage, Facts
from bot.domain.shop import Shop
from bot.texts.catalogue import Catalogue, Version
from bot.texts.variables import variables
from storage import buyer_records, history, order_records, outbox
from storage.asking import ask
from storage.read_models import Message


def text_now(
    connection: Connection, shop_id: str, shop: Shop, message: Message, texts: Catalogue, now: datetime
) -> str | None:
    """Render a waiting message as of `now`, without the links made on sending; None if that fails."""
    words = next(iter(ask(connection, shop_id, outbox.versions({message.version}))), None)
    if words is None:
        return None
    version = Version(id=words.id, locale=words.locale, name=words.name, source=words.source, own=words.own)
    orders = ask(connection, shop_id, order_records.by_id({message.order} if message.order else set()))
    buyers = ask(connection, shop_id, buyer_records.by_id({message.buyer}))
    said = ask(connection, shop_id, history.said_about({message.order} if message.order else set()))
    facts = Facts(
        shop=shop,
        buyer=buyers.get(message.buyer) or Buyer(id=message.buyer),
        order=orders.get(message.order) if message.order else None,
        said=said.get(message.order or "", ()),
    )
    due = DueMessage(
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
    except (TemplateError, ValueError):  # the fault is reported when the message is due
        return None
