"""Commands for open cases: see them, answer their buyers, settle them."""

import getpass
import os
import re
from functools import partial
from typing import Annotated

import typer
from msgspec.structs import asdict
from sqlalchemy import Connection

from bot.api.forms import case_form
from bot.commands.options import (
    FOUND,
    HERE,
    AsJson,
    ConfigFile,
    Limit,
    ShopName,
    WrongUse,
    choose_shop,
    opened,
    read_config,
    reader_of,
    words_of,
)
from bot.commands.screen import say, show, show_json, table, tell
from bot.domain.clock import utc_now
from bot.domain.errors import TemplateError
from bot.domain.untrusted_text import quote
from bot.operations.knowledge import load_replies
from bot.seller.canned import TEMPLATE, Sent, send_reply
from bot.seller.report import as_text, report_of
from bot.seller.report_page import as_page
from bot.seller.settle import Settled, owes_word, settle_case
from bot.seller.words import QUOTED_MAX, SellerWords
from bot.texts import formats
from bot.texts.catalogue import Catalogue
from storage import read_models
from storage.case_records import CaseWord
from storage.lookup import numbers_of
from storage.read_models import CaseView
from storage.unit import Unit

MINUTE = 60  # the least that is shown, in seconds
WORDS_SHOWN = 8  # of what was said in the chat since a case was opened, the newest
REFUSALS = {Settled.UNKNOWN: "case_unknown", Settled.CLOSED: "case_closed", Settled.NO_CLAIM: "case_no_claim"}

# One word, which may be a reply's name with a slip in it; more signs of Chinese are a sentence.
LIKE_A_NAME = re.compile(r"[A-Za-z0-9_-]{1,20}|[\w-]{1,5}")
REFUSED_REPLIES = {Sent.UNKNOWN: "case_unknown", Sent.NO_BUYER: "reply_no_buyer"}

cases_app = typer.Typer(help="What waits for you.", invoke_without_command=True)


@cases_app.callback()
def cases(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also what was settled.")] = False,
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show what waits for you; exit code 1 if anything does."""
    if context.invoked_subcommand:
        return
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    with opened(config) as database:
        found = database.read_now(
            partial(read_models.list_cases, shop=shop_id, open_only=not everything, limit=limit)
        )
        numbers = database.read_now(
            partial(numbers_of, shop=shop_id, ids={case.order for case in found if case.order})
        )
    words = words_of(shop)
    if as_json:
        show_json([case_form(case, words) for case in found])
    elif found:
        _show(found, numbers, words)
    else:
        tell(say("no_cases", words.locale))
    raise typer.Exit(FOUND if any(case.waits for case in found) else 0)


@cases_app.command("waiting")
def waiting(
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    as_json: AsJson = False,
) -> None:
    """Show the buyers of all your shops who wait for an answer, the longest first; exit code 1 if any."""
    config = read_config(config_file)
    now = utc_now()
    with opened(config) as database:
        found = database.read_now(partial(read_models.who_waits, shops=list(config.shops), limit=limit))
    words = {shop: words_of(settings) for shop, settings in config.shops.items()}
    reader = reader_of(config)
    if as_json:
        show_json([{"shop": shop, **asdict(case_form(case, words[shop]))} for shop, case in found])
    elif not found:
        tell(say("nobody_waits", reader))
    else:
        shown = table(*(say(head, reader) for head in ("case", "waits_for", "buyer", "why")))
        for shop, case in found:
            named = f"{shop} {case.number}" if len(config.shops) > 1 else str(case.number)
            waits = formats.duration(max(int((now - case.case.since).total_seconds()), MINUTE), reader)
            shown.add_row(named, waits, case.who or case.chat or "", _why(case, words[shop]))
        show(shown)
    raise typer.Exit(FOUND if found else 0)


@cases_app.command("report")
def report(
    number: Annotated[int, typer.Argument(help="The case's number.")],
    as_html: Annotated[bool, typer.Option("--html", help="As a page for a browser, in one file.")] = False,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
) -> None:
    """Write a case (as Markdown): what was asked, every word since, what we said, how it ended."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        found = database.read_now(
            partial(report_of, shop_id=shop_id, shop=shop, number=number, words=words, now=utc_now())
        )
    if found is None:
        raise WrongUse(say("case_unknown", words.locale, number=number))
    tell(as_page(found, words) if as_html else as_text(found, words))


@cases_app.command("settle")
def settle(
    number: Annotated[int, typer.Argument(help="The case's number.")],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="The claimed payment is on your account.")
    ] = False,
    outcome: Annotated[str | None, typer.Option("--outcome", help="What the buyer is told of it.")] = None,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Close a case; with --confirmed the order counts as paid."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    reader = words_of(shop).locale
    with opened(config) as database:
        owes = database.read_now(partial(owes_word, shop=shop_id, number=number, confirmed=confirmed))
        settled = database.write_now(
            partial(
                settle_case,
                shop=shop_id,
                number=number,
                confirmed=confirmed,
                now=utc_now(),
                by=f"command:{user()}",
                outcome=outcome,
            )
        )
    if settled is not Settled.DONE:
        raise WrongUse(say(REFUSALS[settled], reader, number=number))
    if as_json:
        show_json({"case": number, "settled": True, "confirmed": confirmed})
        return
    tell(say("case_done", reader, number=number))
    if owes and outcome is None:
        tell(say("case_owes_word", reader, number=number))


@cases_app.command("say")
def say_reply(
    number: Annotated[int, typer.Argument(help="The case's number.")],
    given: Annotated[
        str, typer.Argument(metavar="WORDS", help="Your words, or the name (`short`) of a reply.")
    ],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
) -> None:
    """Send words to the buyer of a case: your own, or a reply that you wrote down in knowledge.yaml."""
    from bot.app import rules_of  # only what runs rules needs it

    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    reader, now = words_of(shop).locale, utc_now()
    replies = load_replies(config.understanding.knowledge, config.shops)
    known = replies(shop_id, now.astimezone(shop.zone()).date())
    words = known.get(given.strip().casefold()) or given.strip()
    if isinstance(words, str) and (not words or LIKE_A_NAME.fullmatch(words)):
        names = ", ".join(sorted(each.short or "" for each in known.values())) or say("replies_none", reader)
        raise WrongUse(say("reply_unknown", reader, name=given, names=names))
    texts, policy = Catalogue(config.templates), rules_of(config).policies[TEMPLATE]

    def send(connection: Connection) -> Sent:
        return send_reply(
            Unit(connection, shop_id, shop, now), texts, policy, number, words, f"command:{user()}"
        )

    with opened(config) as database:
        try:
            sent = database.write_now(send)
        except TemplateError as error:
            raise WrongUse(say("reply_blank", reader, name=given, why=error)) from None
    if sent is not Sent.DONE:
        raise WrongUse(say(REFUSED_REPLIES[sent], reader, number=number))
    tell(say("reply_sent", reader, number=number))


def user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a number that has no name here, as in a container
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _said(word: CaseWord, words: SellerWords) -> str:
    """A line of the talk: who, when and what; a picture is named as such."""
    text = quote(word.text, QUOTED_MAX) or say("without_words", words.locale)
    if word.kind == "other":
        text = f"{say('picture', words.locale)} {text if word.text else ''}".rstrip()
    who = say("person" if word.who == "person" else "buyer", words.locale)
    return f"  {words.moment(word.at)} {who}: {text}"


def _why(case: CaseView, words: SellerWords) -> str:
    """Why it waits, and what was said in it since."""
    why = words.reason(case.reason.code, case.reason.values)
    return "\n".join((why, *(_said(word, words) for word in case.words[-WORDS_SHOWN:])))


def _show(cases: list[CaseView], numbers: dict[str, str], words: SellerWords) -> None:
    shown = table(*(say(head, words.locale) for head in ("id", "opened", "case", "buyer", "order", "why")))
    for case in cases:
        why = words.reason(case.reason.code, case.reason.values)
        if case.closed_at:
            why = f"{say('settled', words.locale)}; {why}"
        elif not case.waits:
            why = f"{say('answered', words.locale)}; {why}"
        why = "\n".join((why, *(_said(word, words) for word in case.words[-WORDS_SHOWN:])))
        shown.add_row(
            str(case.number),
            words.moment(case.opened_at),
            words.case(case.kind),
            case.who or "",
            numbers.get(case.order, case.order) if case.order else "",
            why,
        )
    show(shown)
    if any(case.closed_at is None for case in cases):
        tell(say("case_next", words.locale))
