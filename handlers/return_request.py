"""What is known of a buyer's wish to send something back, from one turn of the talk to the next."""

import msgspec

from bot.domain.events import Line
from bot.domain.orders import Order
from bot.domain.return_policy import Cause, Way, Wish
from bot.domain.talks import Asked, Detail
from handlers.normalise import normalise
from handlers.return_words import cause_in, items_in, says_yes, things_of, used_in, way_in, wish_in

KEPT = 300  # characters of a wish that a question remembers

_WAYS: dict[str, Way] = {"replacement": "replacement", "refund": "refund", "repair": "repair", "size": "size"}
_CAUSES: dict[str, Cause] = {"mind": "mind", "fault": "fault", "unclear": "unclear"}
_USED = {"yes": True, "no": False}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A wish about items of an order. lines: empty while they are not known. words: in which it was said.

    times: how often we have asked; in vain counts twice.
    """

    order: Order
    wish: Wish
    lines: tuple[Line, ...] = ()
    words: str = ""
    times: int = 0

    @property
    def says_which(self) -> bool:
        """True if it is known which items are meant, or nobody knows what was bought."""
        return bool(self.lines) or not things_of(self.order)


def request_in(words: str, order: Order, at_fault: bool = False) -> Request:
    """at_fault: something is wrong with it, whatever the words say."""
    wish, lines = wish_in(words), items_in(words, order)
    if at_fault and wish.cause == "mind":
        wish = msgspec.structs.replace(wish, cause="fault")
    return Request(order=order, wish=of_lines(wish, lines), lines=lines, words=words)


def of_lines(wish: Wish, lines: tuple[Line, ...]) -> Wish:
    """The same wish about these items."""
    return msgspec.structs.replace(wish, skus=tuple(line.sku for line in lines))


def with_words(known: Request, text: str, only: Way | None = None) -> Request:
    """What is known once these words are read. only: the one way that a yes accepts."""
    plain, wish = normalise(text), known.wish
    cause, used = cause_in(plain), used_in(plain)
    accepted = only if only and says_yes(plain) else wish.way
    lines = known.lines or items_in(text, known.order, listed=True)
    told = Wish(
        way=way_in(plain) or accepted,
        cause=wish.cause if cause == "mind" else cause,
        used=wish.used if used is None else used,
    )
    words = f"{known.words}\n{text}"
    return msgspec.structs.replace(known, wish=of_lines(told, lines), lines=lines, words=words)


def remember(request: Request, ways: tuple[Way, ...]) -> dict[str, Detail]:
    """What a question keeps of it. ways: those that the buyer may choose."""
    used = {True: "yes", False: "no", None: None}[request.wish.used]
    things = things_of(request.order)
    return {
        "order": request.order.id,
        "way": request.wish.way,
        "cause": request.wish.cause,
        "used": used,
        "items": " ".join(str(at) for at, line in enumerate(things) if line in request.lines),
        "only": ways[0] if len(ways) == 1 else None,
        "text": request.words[:KEPT],
        "times": request.times + 1,
    }


def remembered(asked: Asked, order: Order) -> Request:
    """What a question kept; of another order than it was about, without the items."""
    about = {name: str(value) for name, value in asked.about.items() if value is not None}
    places = about.get("items", "").split() if about.get("order") == order.id else []
    lines = tuple(line for at, line in enumerate(things_of(order)) if str(at) in places)
    wish = Wish(
        way=_WAYS.get(about.get("way", "")),
        cause=_CAUSES.get(about.get("cause", ""), "mind"),
        used=_USED.get(about.get("used", "")),
    )
    return Request(
        order=order,
        wish=of_lines(wish, lines),
        lines=lines,
        words=about.get("text", ""),
        times=int(about.get("times", 0)),
    )


def only_way(asked: Asked) -> Way | None:
    """The one way that was offered, where there was only one."""
    return _WAYS.get(str(asked.about.get("only")))
