"""Queue the word that an item is back, page by page: once for each chat that asked, the first one first.

As many are told in one turn as there are pieces, and as many again as are left a day later, so that nobody is
told of what others have bought meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.domain.errors import TemplateError
from bot.domain.products import Product, product_of
from bot.domain.rules import Rules
from bot.domain.shop import Shop
from bot.domain.stock_wishes import REST, SKU, TEMPLATE, StockWish
from bot.texts.catalogue import Catalogue
from storage import buyer_records, conversation_records, outbox, product_records, stock_wish_records
from storage.stock_wish_records import Restock
from storage.unit import Unit

log = structlog.get_logger()

PAGE = 200  # wishes in one transaction
ITEMS = 20  # that are looked at in one
RULE = "restocks"


class Restocks:
    """Tells buyers of all shops that what they asked for is back."""

    def __init__(self, shops: Mapping[str, Shop], rules: Rules, catalogue: Catalogue) -> None:
        self._shops = shops
        self._rules = rules
        self._catalogue = catalogue

    def run_page(self, connection: Connection, now: datetime) -> int:
        """Queue at most PAGE messages; returns how many items and wishes were examined.

        Must run in a writing transaction. In it the wishes are marked as told, so that a crash tells nobody
        twice and leaves nobody out.
        """
        examined = 0
        for item in stock_wish_records.due_restocks(connection, now, ITEMS):
            shop = self._shops.get(item.shop)
            if shop is None:
                stock_wish_records.put_off(connection, item, now + REST, item.room)
                continue
            unit = Unit(connection, item.shop, shop, now)
            try:
                examined += 1 + self._run_item(unit, item, PAGE - examined)
            except TemplateError as error:  # the others go on; this one waits for its text
                log.error("restock has no template", shop=item.shop, why=str(error))
                stock_wish_records.put_off(connection, item, now + REST, item.room)
            if examined >= PAGE:
                break
        return examined

    def _run_item(self, unit: Unit, item: Restock, most: int) -> int:
        product = product_of(item.sku, unit.ask(product_records.by_sku({item.sku})))
        if product is None or not product.available:
            stock_wish_records.end_restock(unit.connection, item)  # begins again when it is back
            return 0
        stock = product.stock if isinstance(product.stock, int) else None
        room = item.room if item.room is not None else stock
        limit = most if room is None else min(most, room)
        wishes = stock_wish_records.longest_waiting(unit.connection, unit.shop_id, item.sku, unit.now, limit)
        unit.ask(outbox.queue(self._drafts(unit, product, wishes), unit.now))
        stock_wish_records.mark_told(unit.connection, unit.shop_id, wishes, unit.now)
        if len(wishes) < limit:
            stock_wish_records.end_restock(unit.connection, item)
        elif room is not None and len(wishes) == room:
            stock_wish_records.put_off(unit.connection, item, unit.now + REST, None)
        else:
            left = room - len(wishes) if room is not None else None
            stock_wish_records.put_off(unit.connection, item, unit.now, left)
        return len(wishes)

    def _drafts(self, unit: Unit, product: Product, wishes: Sequence[StockWish]) -> list[outbox.Draft]:
        """One message for each chat, to the buyer whose chat it is by now."""
        policy = self._rules.policies[TEMPLATE]
        chats = unit.ask(conversation_records.by_place({(each.channel, each.address) for each in wishes}))
        buyers = unit.ask(buyer_records.by_id({chat.buyer for chat in chats.values()}))
        drafts = []
        for wish in wishes:
            chat = chats.get((wish.channel, wish.address))
            if chat is None:
                continue
            buyer = buyers.get(chat.buyer)
            version = self._catalogue.resolve(TEMPLATE, (buyer and buyer.locale) or unit.shop.locale)
            unit.ask(outbox.keep_versions([version]))
            drafts.append(
                outbox.Draft(
                    key=wish.key,
                    buyer=chat.buyer,
                    template=TEMPLATE,
                    version=version.id,
                    category=policy.category,
                    rule=RULE,
                    due_at=unit.now,
                    lateness=policy.lateness,
                    to=wish.chat,
                    values={
                        SKU: product.sku,
                        "title": wish.title,
                        "asked_at": wish.asked_at.isoformat(),
                        "try": wish.tries,
                    },
                )
            )
        return drafts
