"""Open orders to chats that proved them, and count the tries that failed."""

from datetime import timedelta

import msgspec

from bot.domain.actions import CountTry, OpenCase, OpenOrder
from bot.domain.contacts import Contacts
from bot.domain.context import Conversation
from bot.domain.orders import Order
from bot.domain.proofs import mark_of
from bot.domain.signed_tokens import ChatLink
from bot.domain.wishes import EMAIL, PHONE
from bot.react.unit_of_work import A_DAY, UnitOfWork
from storage import proof_records

LINK_LASTS = timedelta(days=14)  # after the order's last move
ALARM = 50  # wrong tries a day in one shop, before the seller is told
_replace = msgspec.structs.replace


class Proofs:
    """What the chats of one batch proved, or failed to."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def open(self, opened: OpenOrder, chat: Conversation, mark: str | None = None) -> None:
        """Open the order to the chat; by a link every order that goes to the address with the link's mark."""
        work, place = self._work, (chat.channel, chat.address)
        order = work.orders[opened.order]
        if opened.how != "link":
            work.open_order(order.id, place, opened.how, mark_of(order, PHONE))
            return
        work.use_link(order.id, _sent_to(order, mark), place)
        for each in (order, *self._marked(order, mark)):
            work.open_order(each.id, place, opened.how, _sent_to(order, mark))

    def _marked(self, order: Order, mark: str | None) -> list[Order]:
        """The orders that go to the one address of `order` that has this mark. A mailbox that was typed on an
        order is proved by a link that was sent to it, not by one that went to the shop's own system."""
        contacts = order.contacts or Contacts()
        if mark is None:
            return []
        if mark == mark_of(order, EMAIL):
            return self._work.orders_with(contacts.known("email"), None)
        return list(self._work.orders_of(order.buyer)) if order.buyer and contacts.known("id") else []

    def count_try(self, counted: CountTry, chat: Conversation) -> list[OpenCase]:
        """Count a wrong try: of the chat, of the orders it named, and of the shop. Returns what the seller
        should hear of; the chat's tries are counted anew a day after the first one."""
        work, now = self._work, self._work.now
        known = work.chats[chat.channel, chat.address]  # as the other tries of the message left it
        fresh = known.tries_since is None or now - known.tries_since > A_DAY
        tries, since = (1, now) if fresh else (known.tries + 1, known.tries_since)
        work.put_chat(_replace(known, tries=tries, tries_since=since))
        for order in counted.orders or ("",):
            work.put_try(order, (chat.channel, chat.address))
        many = work.new_tries + proof_records.tries_in_shop(work.connection, work.shop_id, now - A_DAY)
        if many < ALARM:
            return []
        details = {"tries": many}
        key = f"guessing:{now.date().isoformat()}"
        return [OpenCase(kind="guessing", key=key, reason="many_wrong_tries", details={**details})]


def linked(work: UnitOfWork, link: ChatLink, chat: Conversation) -> Order | None:
    """The order of a signed link, if this chat may use it: the first one may, until LINK_LASTS.

    A link proves the address that it was sent to, so it opens nothing that no longer goes there.
    """
    order = work.read_order(link.order)
    if order is None or order.moved_at is None or work.now > order.moved_at + LINK_LASTS:
        return None
    if link.mark is not None and link.mark not in {mark_of(order, EMAIL), mark_of(order, order.channel)}:
        return None
    user = work.link_user(order.id, _sent_to(order, link.mark))
    return order if user in (None, (chat.channel, chat.address)) else None


def _sent_to(order: Order, mark: str | None) -> str:
    """The mark of the address that a link proves; an older link, without one, went where the order goes."""
    return mark if mark is not None else mark_of(order, EMAIL) or mark_of(order, order.channel)
