"""A chat played turn by turn by the rules alone: what is said, which case opens, and what is remembered."""

from datetime import datetime, timedelta
from typing import Any

from bot.domain.actions import Action, CallHuman, KeepTalk, OpenCase, OpenOrder, Say, WakeAt
from bot.domain.context import Case, Context, Conversation
from bot.domain.events import BuyerRef, Media, MessageReceived
from bot.domain.meanings import Meaning, Understanding
from bot.domain.orders import Order
from bot.domain.routes import route
from bot.domain.talks import Talk
from handlers.routes import ROUTES
from tests.handlers.world import ANN, SHOP

PICTURE = Media(ref="p1", type="image/jpeg", size=90_000)


class Chat:
    """One buyer's chat. intent None: the words were not understood."""

    def __init__(
        self, *orders: Order, now: datetime, shop: Any = SHOP, named: tuple[Order, ...] = ()
    ) -> None:
        self.orders = orders
        self.named = named
        self.now = now
        self.shop = shop
        self.talk = Talk()
        self.cases: tuple[Case, ...] = ()
        self.opened: list[OpenCase] = []
        self.called: list[CallHuman] = []
        self.wakes: list[WakeAt] = []
        self.last: list[Action] = []
        self._number = 0

    def say(self, text: str, intent: str | None = None, **fields: Any) -> list[str]:
        """What is answered: the templates."""
        self._number += 1
        self.now += timedelta(seconds=40)
        event = MessageReceived(
            channel="telegram",
            external_id=f"m{self._number}",
            at=self.now,
            conversation="42",
            buyer=BuyerRef(id="42"),
            message_id=f"m{self._number}",
            text=text,
            **fields,
        )
        self.last = self._decided(event, self.context(intent))
        for action in self.last:
            self._apply(action)
        return [action.template for action in self.last if isinstance(action, Say)]

    def send(self, media: Media, text: str = "") -> list[str]:
        return self.say(text, kind="other", media=(media,))

    def values(self, template: str) -> dict[str, Any]:
        (said,) = (each for each in self.last if isinstance(each, Say) and each.template == template)
        return said.values

    @property
    def asked(self) -> str | None:
        return self.talk.asked.question if self.talk.asked and self.now < self.talk.asked.until else None

    def context(self, intent: str | None = None) -> Context:
        sure = Understanding("answer", (Meaning(intent or "", 0.9),))
        chat = Conversation(channel="telegram", address="42", buyer="ann", talk=self.talk)
        return Context(
            now=self.now,
            shop_id="mugs",
            shop=self.shop,
            buyer=ANN,
            orders=self.orders,
            named_orders=(*self.orders, *self.named),
            conversation=chat,
            cases=tuple(case for case in self.cases if case.open),
            understood=sure if intent else None,
        )

    def _decided(self, event: MessageReceived, context: Context) -> list[Action]:
        chosen = route(ROUTES, event, context)
        assert chosen is not None
        return chosen.handler(event, context)

    def _apply(self, action: Action) -> None:
        match action:
            case KeepTalk():
                self.talk = action.talk
            case OpenOrder():
                self.orders = (*self.orders, *(each for each in self.named if each.id == action.order))
            case OpenCase():
                self.opened.append(action)
                self._open(action.kind, action.key, action.reason, action.order)
            case CallHuman():
                self.called.append(action)
                self._open(action.kind, f"human:{self._number}", action.reason, action.order)
            case WakeAt():
                self.wakes.append(action)

    def _open(self, kind: str, key: str, reason: str, order: str | None) -> None:
        case = Case(
            number=len(self.cases) + 1, kind=kind, key=key, reason=reason, opened_at=self.now, order=order
        )
        self.cases = (*self.cases, case)
