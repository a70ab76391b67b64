"""Commands that show messages: outbox, explain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text
from sqlalchemy import Connection

from bot.api import forms
from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    Limit,
    ShopName,
    WrongUse,
    choose_shop,
    opened,
    read_config,
    remark_hold,
    words_of,
)
from bot.commands.screen import remark, say, show, show_json, table, tell
from bot.domain.clock import utc_now
from bot.domain.messages import Reason
from bot.seller.explanation import explain as explain_message
from bot.seller.words import SellerWords
from bot.texts.catalogue import Catalogue
from storage import instance, read_models
from storage.archive import archived_until
from storage.lookup import find_order, numbers_of
from storage.read_models import MESSAGE_STATES, Message, MessageFilter

WAITING = ("queued", "sending", "unknown")


def outbox(
    order: Annotated[str | None, typer.Option(help="About this order, by its number.")] = None,
    buyer: Annotated[
        str | None, typer.Option(help="To this buyer: a phone, a mail address, channel:id, or our id.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(MESSAGE_STATES)}; may be given several times.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was sent or will not be.")] = False,
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show messages: those that wait, or all about an order or to a buyer."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    states = _states(state or [], everything or order is not None or buyer is not None, words.locale)
    wanted = MessageFilter(order=order, buyer=buyer, states=states)
    with opened(config) as database:
        found = database.read_now(partial(read_models.messages, shop=shop_id, wanted=wanted, limit=limit))
        numbers = database.read_now(partial(numbers_of, shop=shop_id, ids=orders_in(found)))
        archived = database.read_now(partial(archived_until, shop=shop_id)) if states != WAITING else None
        hold = database.read_now(instance.held)
        nameless = not found and order and database.read_now(partial(_nameless, shop=shop_id, number=order))
    if as_json:
        show_json([forms.message_form(message, words) for message in found])
        return
    remark_hold(hold, words)
    if nameless:
        tell(say("nobody_known", words.locale, order=order))
        return
    if archived:
        remark(say("in_archive", words.locale, until=words.moment(archived)))
    if not found:
        tell(say("nothing_waits" if states == WAITING else "no_messages", words.locale))
        return
    show_messages(found, numbers, words)
    if len(found) == limit:
        tell(say("more_messages", words.locale, limit=limit))


def _nameless(connection: Connection, shop: str, number: str) -> bool:
    """Whether the order has no buyer, so that it has no messages though its seller expects some."""
    order = find_order(connection, shop, number)
    return order is not None and order.buyer is None


def _states(given: Sequence[str], everything: bool, reader: str) -> tuple[str, ...]:
    for state in given:
        if state not in MESSAGE_STATES:
            raise WrongUse(say("no_state", reader, state=repr(state), states=", ".join(MESSAGE_STATES)))
    return tuple(given) if given else () if everything else WAITING


def orders_in(messages: Sequence[Message]) -> set[str]:
    """The ids of the orders that the messages are about."""
    return {message.order for message in messages if message.order}


def show_messages(messages: Sequence[Message], numbers: Mapping[str, str], words: SellerWords) -> None:
    """numbers: of the orders, by their ids, because a seller knows an order by what its buyer sees."""
    heads = (say(head, words.locale) for head in ("id", "due", "message", "order", "outcome"))
    shown = table(*heads)
    for message in sorted(messages, key=_due):
        shown.add_row(
            str(message.id),
            words.moment(message.due_at),
            words.template(message.template),
            numbers.get(message.order, message.order) if message.order else "",
            _outcome_in_words(message, words),
        )
    show(shown)


def _due(message: Message) -> tuple[datetime, int]:
    return message.due_at, message.id


def _outcome_in_words(message: Message, words: SellerWords) -> str:
    why = outcome(message)
    if why.code == "waiting":
        return words.state(message.state)  # until when stands beside it
    return words.reason(why.code, why.values)


def outcome(message: Message) -> Reason:
    """Its outcome as a reason, or what it is waiting for."""
    if message.state == "sent":
        return Reason("sent", {"channel": message.channel, "sent_at": message.settled_at})
    if message.state == "sending":
        return Reason("sending", {"channel": message.channel})
    return message.reason or Reason("waiting", {"due_at": message.due_at})


def explain(
    name: Annotated[
        str, typer.Argument(metavar="MESSAGE", help="Its id, or its key as payment_reminder:1001:2.")
    ],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Explain a message, sent or not: event, rule, facts, limits, attempts."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words, texts, now = words_of(shop), Catalogue(config.templates), utc_now()
    with opened(config) as database:
        hold = database.read_now(instance.held)
        explanation = database.read_now(
            lambda link: explain_message(link, shop_id, shop, words, name, texts, now)
        )
        archived = database.read_now(partial(archived_until, shop=shop_id))
    if explanation is None:
        if archived:
            remark(say("in_archive", words.locale, until=words.moment(archived)))
        raise WrongUse(say("no_such_message", words.locale, name=name))
    if as_json:
        show_json(forms.explanation_form(explanation, words))
        return
    remark_hold(hold, words)
    show(Text(explanation.title, style="bold"))
    for section in explanation.sections:
        show(Text(f"\n{section.title}", style="bold"))
        for line in section.lines:
            show(Padding(Text(line), (0, 0, 0, 2), expand=False))
