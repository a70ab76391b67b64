"""What has to be heard and was not: confirmations, answers, one word after a restoring."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.outside.facts import (
    Address,
    Cancelled,
    Placed,
    Refunded,
    Replied,
    Restored,
    Shipped,
    Wrote,
)
from tests.outside.history import Finding, History, Told
from tests.outside.known import Known
from tests.outside.rules.identities import LAST, proved, silenced

_IN_TIME = timedelta(hours=1)
_ENOUGH = timedelta(days=1)  # in which quiet hours and caps have passed
_AT_ONCE = timedelta(minutes=10)
_TRIED = timedelta(minutes=30)  # until when an answer that no try delivered is a person's
_GUESSING = 3  # tries after which nobody need be believed
_OF_A_PERSON = ("human_coming", "human_again", "too_many_answers", None)  # a chat may not say which it is


def confirmations(history: History) -> Iterator[Finding]:
    """Every order that is told in time and stays open is confirmed at its own contact, unless there is no
    address, a stop, or a person in the chat (promise 1; seeds 1)."""
    for order in history.by_order:
        first = _first_told(history, order)
        if first is None or first.acked_at + _ENOUGH > history.ended_at:
            continue
        known = Known(history, order, first.seq + 1)
        placed = known.newest
        if placed is None or known.test or first.acked_at - placed.placed_at > _IN_TIME:
            continue
        if _excused(history, known, first) or not _stays_open(history, order, first.acked_at):
            continue
        heard = history.about(order)
        if any(each.template in ("order_confirmation", None) for each in heard) or _shares(history, order):
            continue
        ways = ", ".join(f"{address.kind}:{address.value}" for address in sorted(known.addresses()))
        what = f"{order} was told at {first.acked_at:%d %b %H:%M} and never confirmed to {ways}"
        yield Finding(rule="", when=first.acked_at, what=what, order=order)


def _shares(history: History, order: str) -> bool:
    """Another order goes by the same number, so that nobody can say which of them a message meant."""
    return any(order in orders and len(orders) > 1 for orders in history.by_name.values())


def _first_told(history: History, order: str) -> Told | None:
    return next(
        (
            told
            for told in history.told
            if any(isinstance(fact, Placed) and fact.order == order for fact in told.facts)
        ),
        None,
    )


def _excused(history: History, known: Known, first: Told) -> bool:
    """No way to speak there, or good reasons not to: a stop, a person or a failure at any of them."""
    ways = [address for address in known.addresses() if address.kind in history.shop.channels]
    until = first.acked_at + _ENOUGH
    later = next((told.seq for told in history.told if told.acked_at > until), LAST)
    since = first.acked_at
    words = [fact for _, fact in history.facts(later)]
    busy = {fact.chat for fact in words if isinstance(fact, Replied)}
    failing = {trouble.kind for trouble in history.troubles}
    closed = [
        way for way in ways if way in busy or way.kind in failing or silenced(history, way, since, until)
    ]
    return not ways or bool(closed) or _crowded(history, ways, first)


def _crowded(history: History, ways: list[Address], first: Told) -> bool:
    """The cap of that day may have been used up."""
    near = [
        heard
        for heard in history.heard
        if heard.address in ways and abs(heard.at - first.acked_at) <= _ENOUGH
    ]
    return len(near) >= history.shop.per_day


def _stays_open(history: History, order: str, since: datetime) -> bool:
    """Nothing within a day makes a confirmation too late."""
    ended = (Cancelled, Shipped, Refunded)
    return not any(
        isinstance(fact, ended) and told.acked_at <= since + _ENOUGH
        for told in history.told
        for fact in told.facts
        if getattr(fact, "order", None) == order
    )


def restorings(history: History) -> Iterator[Finding]:
    """An order that was said to be cancelled and is restored: one word, be it that all went back since."""
    for order in history.by_order:
        gone = next((heard for heard in history.about(order) if heard.template == "cancelled"), None)
        back = next(
            (
                told
                for told in history.told
                if gone
                and told.seq > gone.seq
                and any(isinstance(fact, Restored) and fact.order == order for fact in told.facts)
            ),
            None,
        )
        if gone is None or back is None or history.troubles or back.acked_at + 2 * _ENOUGH > history.ended_at:
            continue
        if _cancelled_again(history, order, back) or _crowded(history, [gone.address], back):
            continue
        after = [
            heard
            for heard in history.about(order)
            if heard.seq > back.seq and heard.template in ("restored", "order_confirmation", "refunded", None)
        ]
        if not any(heard.at - back.acked_at <= _ENOUGH for heard in after) and not silenced(
            history, gone.address, back.acked_at, back.acked_at + _ENOUGH
        ):
            what = (
                f"{order} was said to be cancelled and restored at {back.acked_at:%d %b %H:%M} without a word"
            )
            yield Finding(rule="", when=back.acked_at, what=what, order=order)


def _cancelled_again(history: History, order: str, back: Told) -> bool:
    """Within a day, or in what was told together with the restoring."""
    until = back.acked_at + _ENOUGH
    later = next((told.seq for told in history.told if told.acked_at > until), LAST)
    return Known(history, order, later).cancelled is not False


def answers(history: History) -> Iterator[Finding]:
    """A question from a chat that has opened an order is answered there at once, or a person is called; who
    asks for a person hears of one, always, and never the menu (promise 1)."""
    for told in history.told:
        for fact in told.facts:
            if not isinstance(fact, Wrote) or fact.asks not in ("question", "person"):
                continue
            if fact.asks == "question" and not _knows_one(history, fact.chat, told.seq):
                continue
            if _taken_over(history, fact.chat, told) or _again(history, told) or _failing(history, fact.chat):
                continue
            until = told.acked_at + _patience(history, fact.chat, told.acked_at)
            heard = any(
                each.address == fact.chat
                and each.seq > told.seq
                and each.at <= until
                and (fact.asks != "person" or each.template in _OF_A_PERSON)
                for each in history.heard
            )
            if not heard and not (fact.asks == "question" and _called(history, told, fact.chat)):
                what = f"{fact.chat} wrote {fact.text!r} and neither an answer nor a person came"
                yield Finding(rule="", when=told.acked_at, what=what)


def _patience(history: History, chat: Address, since: datetime) -> timedelta:
    """What a receiver refuses is tried again, ever more seldom."""
    until = since + _AT_ONCE
    refused = any(address == chat.value and since <= at <= until for address, at in history.refused)
    return _TRIED if refused else _AT_ONCE


def proofs(history: History) -> Iterator[Finding]:
    """An order's number, however shops write it, and its phone's last four digits open it to that chat,
    unless the tries are used up."""
    for told in history.told:
        for fact in told.facts:
            if not isinstance(fact, Wrote) or fact.asks != "proof" or not fact.number:
                continue
            opened = proved(history, fact.chat, told.seq + 1) & set(history.numbered(fact.number))
            opened = {order for order in opened if _keeps(history, order, fact, told.seq + 1)}
            if not opened or _again(history, told) or _tried(history, fact, told.seq):
                continue
            if _taken_over(history, fact.chat, told) or _failing(history, fact.chat):
                continue
            until = told.acked_at + _patience(history, fact.chat, told.acked_at)
            said = [heard for heard in history.heard if heard.address == fact.chat and heard.seq > told.seq]
            believed = any(set(history.orders_of(heard)) & opened for heard in said if heard.at <= until)
            if not believed and not _called(history, told, fact.chat):
                order = sorted(opened)[0]
                what = f"{fact.chat} proved {order} by {fact.text!r} and was not believed"
                yield Finding(rule="", when=told.acked_at, what=what, order=order)


def _keeps(history: History, order: str, right: Wrote, before: int) -> bool:
    """The order is told by now, and the digits are those of its phone, which may have been corrected."""
    known = Known(history, order, before)
    phones = [contact.phone or "" for contact in known.contacts if known.newest]
    return not Known(history, order).test and any(phone.endswith(right.digits or "-") for phone in phones)


def _tried(history: History, right: Wrote, before: int) -> bool:
    """Wrong digits were tried before, in this chat or for this order, so often that it may be guessing."""
    words = [fact for _, fact in history.facts(before) if isinstance(fact, Wrote) and fact.asks == "proof"]
    tried = [word for word in words if word.chat == right.chat or word.number == right.number]
    return len(tried) >= _GUESSING


def _knows_one(history: History, chat: Address, before: int) -> bool:
    own = any(chat in Known(history, order, before).addresses() for order in history.by_order)
    return own or bool(proved(history, chat, before))


def _taken_over(history: History, chat: Address, told: Told) -> bool:
    """A person has written there lately, or comes before an answer that was refused is tried again."""
    lately, soon = told.acked_at - history.shop.takeover - _AT_ONCE, told.acked_at + _AT_ONCE
    said = [fact for _, fact in history.facts() if isinstance(fact, Replied)]
    return any(fact.chat == chat and lately <= fact.at <= soon for fact in said)


def _again(history: History, told: Told) -> bool:
    """The same delivery came before: it changes nothing."""
    return any(each.delivery == told.delivery and each.seq < told.seq for each in history.told)


def _called(history: History, told: Told, chat: Address) -> bool:
    """A person is called at once, or when the answer was tried for a while and could not be delivered."""
    name = f"{chat.kind}:{chat.value}"
    return any(
        told.acked_at <= case.opened_at <= told.acked_at + (_TRIED if name in (case.who or "") else _AT_ONCE)
        for case in history.cases
    )


def _failing(history: History, chat: Address) -> bool:
    return any(trouble.kind == chat.kind for trouble in history.troubles)
