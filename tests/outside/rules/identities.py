"""Nobody hears what is another's, and a stop silences its own address only."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.outside import reading
from tests.outside.facts import Address, OptedOut, Wrote
from tests.outside.history import Finding, Heard, History
from tests.outside.known import Known
from tests.outside.rules.sayings import shown, unasked

LAST = 10**9  # a place after all that was told
_MOST_TRIES = 10
_OF_A_CHAT = 5  # wrong tries a day, as the settings have it
_HOURS = timedelta(hours=6)


def proved(history: History, chat: Address, before: int, surely: bool = False) -> set[str]:
    """The orders that a chat has opened: by number and that order's digits, as the first with a link, or by
    the word of the shop's own system. surely: not by a number that nobody may have told us by then, nor by an
    address or a phone that the order was corrected from since, nor by one that was proved before it was told.
    """
    found: set[str] = set()
    first: dict[str, Address] = {}
    for seq, fact in history.facts(before):
        if not isinstance(fact, Wrote):
            continue
        if fact.asks == "link" and first.setdefault(fact.text, fact.chat) == chat:
            found |= {
                order
                for order in history.by_order
                if fact.opened in Known(history, order, seq).addresses()
                and (not surely or fact.opened in Known(history, order, before).addresses())
            }
        if fact.chat == chat and fact.verified:
            known_by = seq if surely else before  # of what is placed later it is no proof
            sent_to = {order: _mailboxes(history, order, known_by) for order in history.by_order}
            found |= {order for order, mailboxes in sent_to.items() if fact.verified in mailboxes}
        if fact.chat == chat and fact.number and fact.digits:
            found |= {
                order
                for order in history.numbered(fact.number)
                if (_surely_right if surely else _right)(history, fact, order, seq, before)
            }
    return found


def _right(history: History, said: Wrote, order: str, seq: int, before: int) -> bool:
    return said.digits in _digits(history, order, history.read_at(seq))


def _surely_right(history: History, said: Wrote, order: str, seq: int, before: int) -> bool:
    """The digits were those of the order as it had been told last by then, and are still."""
    counts = [_last_digits(history, order, at) for at in (seq, before)]
    return all(said.digits in digits for digits in counts) and bool(Known(history, order, seq).newest)


def _mailboxes(history: History, order: str, before: int) -> set[str | None]:
    return {contact.email for contact in Known(history, order, before).ever_told}


def _digits(history: History, order: str, before: int) -> set[str]:
    """The last four of each phone that was told for an order."""
    told = Known(history, order, before).ever_told
    return {contact.phone[-4:] for contact in told if contact.phone}


def _last_digits(history: History, order: str, before: int) -> set[str]:
    """The same of what counts by then."""
    return {each.phone[-4:] for each in Known(history, order, before).contacts if each.phone}


def opens(history: History, heard: Heard, order: str) -> bool:
    """Whether an address may hear of an order."""
    if heard.address in Known(history, order, heard.seq).addresses():
        return True
    return order in proved(history, heard.address, heard.seq)


def crossing(history: History) -> Iterator[Finding]:
    """A message about an order reaches that order's own contacts or a chat that proved it, and names no other
    order and nobody else's name, also where several people share the address (promise 7)."""
    names = {name for order in history.by_order for name in _names(history, order)}
    for heard in history.heard:
        orders = history.orders_of(heard)
        if orders and not any(opens(history, heard, order) for order in orders):
            yield _finding(
                heard, f"{heard.address} hears of order {orders[0]}, which is not theirs", orders[0]
            )
            continue
        own = [order for order in history.by_order if opens(history, heard, order)]
        for number in reading.names_in(heard.text, history.by_name):
            orders = history.by_name[number]
            if not set(orders) & set(own) and not _typed(history, heard, number):
                yield _finding(
                    heard, f"{heard.address} hears the number {number} of another's order", orders[0]
                )
        about = [*(history.orders_of(heard) or own), *_ordered_by(history, heard)]
        theirs = {name for order in about for name in _names(history, order)} | _profiles(history, heard)
        for name in sorted(names - theirs):
            if name in heard.text:
                yield _finding(heard, f"{heard.address} hears the name {name}", next(iter(orders), None))


def _ordered_by(history: History, heard: Heard) -> list[str]:
    """The orders of whoever writes in a chat, which is one person's; a mailbox may be a family's."""
    if heard.address.kind == "email":
        return []
    return [order for order in history.by_order if heard.address in Known(history, order).addresses()]


def _names(history: History, order: str) -> set[str]:
    return {contact.name for contact in Known(history, order).ever_told if contact.name}


def _typed(history: History, heard: Heard, number: str) -> bool:
    words = [fact for _, fact in history.facts(heard.seq) if isinstance(fact, Wrote)]
    return any(word.chat == heard.address and number in word.text for word in words)


def _profiles(history: History, heard: Heard) -> set[str]:
    words = [fact for _, fact in history.facts(heard.seq) if isinstance(fact, Wrote)]
    return {word.name for word in words if word.chat == heard.address and word.name}


def stopped_at(history: History, address: Address, before: int) -> datetime | None:
    """Since when an address wants no more words, by the words' own times, but none later than it was told
    first: a clock may run ahead. None if it may be written to."""
    words: list[tuple[datetime, bool]] = []
    first: dict[tuple[str, str], datetime] = {}
    for told in history.told:
        if told.seq >= before:
            continue
        arrived_at = first.setdefault((told.channel, told.delivery), told.acked_at)
        for fact in told.facts:
            if isinstance(fact, Wrote) and fact.chat == address and fact.asks in ("stop", "start"):
                words.append((min(fact.at, arrived_at), fact.asks == "stop"))
            if isinstance(fact, OptedOut) and address in fact.addresses:
                words.append((min(fact.at, arrived_at), True))
    last = max(words, default=None, key=lambda word: (word[0], not word[1]))
    return last[0] if last and last[1] else None


def silenced(history: History, address: Address, since: datetime, until: datetime | None = None) -> bool:
    """Whether an address wanted no more words at any time between, or from then on."""
    first, last = _after(history, since), _after(history, until) if until else LAST
    words = (seq for seq, fact in history.facts(last) if isinstance(fact, (Wrote, OptedOut)) and seq >= first)
    return any(stopped_at(history, address, place) for place in (first, *(seq + 1 for seq in words)))


def _after(history: History, at: datetime) -> int:
    """The place of what was told first after a time."""
    return next((told.seq for told in history.told if told.acked_at > at), LAST)


def stops(history: History) -> Iterator[Finding]:
    """After a stop of an address nothing unasked reaches it, whichever word arrived last.
    Whether an order placed after the stop is confirmed is left open."""
    for heard in history.heard:
        since = stopped_at(history, heard.address, heard.seq)
        if since is None or not unasked(history, heard):
            continue
        placed = [Known(history, order, heard.seq).newest for order in history.orders_of(heard)]
        if any(order and order.placed_at > since for order in placed):
            continue
        order = next(iter(history.orders_of(heard)), None)
        yield _finding(heard, f"{heard.address} said stop at {since:%d %b %H:%M} and is written to", order)


def silence(history: History) -> Iterator[Finding]:
    """Strangers, whatever they know of others, change nothing of what the others hear, but that somebody
    tried to open their order. Who opens it by its number and digits has answered for its buyer, so that
    nobody need write a second time, and no review is asked for while they wait for a person about it."""
    other = history.others.get("no strangers")
    if other is None:
        return
    strange = {fact.chat for _, fact in history.facts() if isinstance(fact, Wrote)} - {
        fact.chat for told in other.told for fact in told.facts if isinstance(fact, Wrote)
    }
    theirs = set(history.by_order) - set(other.by_order)
    chats = {fact.chat for _, fact in history.facts() if isinstance(fact, Wrote) and fact.number}
    strange |= {chat for chat in chats if proved(history, chat, LAST) & theirs}  # numbers and digits alike
    for order in theirs:
        strange |= Known(history, order).addresses()
        strange |= {Address("email", box) for box in _mailboxes(history, order, LAST) if box}
    with_them, without = _said(history, strange), _said(other, strange)
    for said, heard in without.items():
        if said not in with_them and not _answered_for(history, heard, strange):
            yield _finding(
                heard, f"{heard.address} does not hear this once strangers are about", _about(other, heard)
            )
    for said, heard in with_them.items():
        if said not in without:
            yield _finding(
                heard, f"{heard.address} hears this only when strangers are about", _about(history, heard)
            )


def _answered_for(history: History, unheard: Heard, strange: set[Address]) -> bool:
    opened = {order for chat in strange for order in proved(history, chat, LAST)}
    meant = opened & set(history.orders_of(unheard))
    waits = any(f"{chat.kind}:{chat.value}" in (case.who or "") for case in history.cases for chat in strange)
    of_both = (
        "second_contact",
        *(("review_request", "review_reminder", "reassurance") if waits else ()),
        None,
    )
    # What nobody else can be told of goes to the chat that opened it first.
    alone = not any(_reachable(history, order, unheard.at) for order in meant)
    return bool(meant) and (unheard.template in of_both or alone)


def guessing(history: History) -> Iterator[Finding]:
    """Ten wrong tries within hours are told to the order's own contact, and nobody is told without them."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        tries = [len(_wrong_tries(history, order, heard.seq, surely=True)) for order in orders]
        if heard.template == "order_guessed" and orders and max(tries) < _MOST_TRIES:
            yield _finding(heard, f"{orders[0]}: nobody tried so often to open it", orders[0])
    for order in history.by_order:
        tries = _wrong_tries(history, order, LAST, most=_OF_A_CHAT)
        if (
            len(tries) < _MOST_TRIES
            or tries[-1] - tries[0] > _HOURS
            or not _reachable(history, order, tries[-1])
        ):
            continue
        if not any(heard.template in ("order_guessed", None) for heard in history.about(order)):
            what = f"{order}: {len(tries)} wrong tries, and its own contact was not told"
            yield Finding(rule="", when=tries[-1], what=what, order=order)


def _wrong_tries(
    history: History, order: str, before: int, most: int = LAST, surely: bool = False
) -> list[datetime]:
    """When chats that have not (surely) opened the order wrote its number and other digits; so many of each
    chat at most, at whichever orders, since after that nothing that a chat writes is looked at. Where a chat
    has opened another order of that number, digits may be meant for that one."""
    found: set[datetime] = set()
    spent: dict[Address, set[datetime]] = {}
    for seq, fact in history.facts(before):
        if not isinstance(fact, Wrote) or fact.asks != "proof" or not fact.number:
            continue
        named = history.numbered(fact.number)
        right = _last_digits if surely else _digits  # what was corrected since opens no more
        if any(fact.digits in right(history, each, seq) for each in named):
            continue
        tries = spent.setdefault(fact.chat, set())
        knows = proved(history, fact.chat, seq, surely) & ({order} if surely else set(named))
        known = Known(history, order, seq)
        told = known.newest or (surely and known.ever_told)  # by its payment, say; its number may be its id
        if order in named and told and not knows and len(tries) < most:
            found.add(fact.at)
        tries.add(fact.at)
    return sorted(found)


def _reachable(history: History, order: str, since: datetime) -> bool:
    """There is an address, it does not want no more words, and nothing failed."""
    ways = [way for way in Known(history, order).addresses() if way.kind in history.shop.channels]
    silent = [way for way in ways if silenced(history, way, since)]
    return bool(ways) and not silent and not history.troubles and not Known(history, order).test


def _said(history: History, but: set[Address]) -> dict[tuple[Address, str], Heard]:
    return {
        (heard.address, reading.without_cases(heard.text)): heard
        for heard in history.heard
        if heard.address not in but and heard.template != "order_guessed"
    }


def _about(history: History, heard: Heard) -> str | None:
    return next(iter(history.orders_of(heard)), None)


def _finding(heard: Heard, what: str, order: str | None) -> Finding:
    return Finding(rule="", when=heard.at, what=what, order=order, evidence=(shown(heard),))
