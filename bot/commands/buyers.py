"""Commands for buyers: buyers export, buyers erase, buyers compact."""

import getpass
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

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
from bot.commands.screen import counting, remark, say, show, show_json, table, tell
from bot.config import Config
from bot.domain.clock import utc_now
from bot.domain.contacts import Contacts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payments import Paid
from bot.operations.buyer_export import Export, export
from bot.operations.erasure import Eraser, Preview, reach_of
from bot.seller.words import SellerWords
from bot.texts import formats
from storage import buyer_file, buyer_scope
from storage.buyer_file import BuyerFile, Moment, cursor_of, next_of
from storage.buyer_scope import Candidate
from storage.database import Database

buyers_app = typer.Typer(help="What is known of buyers: exported, and erased.", no_args_is_help=True)

BuyerName = Annotated[
    str, typer.Argument(metavar="BUYER", help="Our id, channel:address, a mail address or a phone.")
]


Words = Annotated[str, typer.Argument(metavar="TEXT")]


@buyers_app.command("find")
def find(
    words: Annotated[str, typer.Argument(metavar="WORDS", help="In a name, address, tag or note.")],
    after: Annotated[str, typer.Option("--after", metavar="ID", help="Go on behind this buyer.")] = "",
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Find buyers by words; exit code 1 if there is none."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    reader = words_of(shop).locale
    with opened(config) as database:
        look = partial(buyer_file.find, shop=shop_id, words=words, after=after, limit=limit)
        found = database.read_now(look)
    if as_json:
        show_json(found)
    elif found:
        shown = table(*(say(head, reader) for head in ("buyer_id", "buyer_name", "addresses", "tags")))
        for each in found:
            addresses = ", ".join(part for part in (each.email, each.phone) if part)
            shown.add_row(each.id, each.name or "", addresses, ", ".join(each.tags))
        show(shown)
    else:
        tell(say("buyers_none", reader))
    raise typer.Exit(0 if found else FOUND)


@buyers_app.command("show")
def show_buyer(
    name: BuyerName,
    before: Annotated[
        str | None, typer.Option("--before", metavar="CURSOR", help="Go on with the time line from here.")
    ] = None,
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show a buyer's file, and what was said, bought, asked and decided, the newest first."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    try:
        start = cursor_of(before)
    except ValueError:
        raise WrongUse(say("cursor_unknown", words.locale, given=repr(before))) from None
    with opened(config) as database:
        id = _chosen(database, shop_id, name, words, as_json)
        scope = database.read_now(partial(buyer_scope.together, shop=shop_id, id=id))
        file = database.read_now(partial(buyer_file.read, shop=shop_id, scope=scope))
        line = partial(buyer_file.time_line, shop=shop_id, scope=scope, before=start, limit=limit)
        moments = database.read_now(line)
    if as_json:
        show_json({"file": file, "time_line": moments, "next": next_of(moments, limit)})
        return
    if before is None:
        _show_file(file, words)
    for each in moments:
        tell(f"{words.moment(each.at)}  {_of_time_line(each, words)}")
    if following := next_of(moments, limit):
        remark(say("line_more", words.locale, cursor=following))


def _of_time_line(each: Moment, words: SellerWords) -> str:
    """Who or what it was, and what of it, in words."""
    kind = say(f"line_{each.kind}", words.locale)
    match each.kind:
        case "wrote" | "person":
            return f"{kind}: {each.text}"
        case "wish":
            wish = each.what.replace(":", "_")
            return f"{kind}: {say(f'wish_{wish}', words.locale)}  {each.text}"
        case "note":
            name = say("tags", words.locale) if each.what == "tag" else each.what
            return f"{kind}: {'' if name == 'note' else f'{name}: '}{each.text}"
        case "bot":
            what = words.template(each.what)
        case "case":
            kind = f"{kind} {each.key.split(':')[1]}"
            closed = each.what == "closed"
            what = say("settled", words.locale) if closed else words.reason(each.what, {})
        case "order":
            kind, (happened, _, count) = f"{kind} {each.order}", each.what.partition(" ")
            what = say(f"order_{happened}", words.locale, count=count)
    return f"{kind}: {what}{'  ' if each.text else ''}{each.text}"


@buyers_app.command("note")
def note(name: BuyerName, text: Words, config_file: ConfigFile = HERE, shop_name: ShopName = None) -> None:
    """Write a note about a buyer."""
    _write(name, config_file, shop_name, partial(buyer_file.add_note, text=text, who=by(), now=utc_now()))


@buyers_app.command("tag")
def tag(name: BuyerName, text: Words, config_file: ConfigFile = HERE, shop_name: ShopName = None) -> None:
    """Tag a buyer."""
    _write(name, config_file, shop_name, partial(buyer_file.add_tag, text=text, who=by(), now=utc_now()))


@buyers_app.command("untag")
def untag(name: BuyerName, text: Words, config_file: ConfigFile = HERE, shop_name: ShopName = None) -> None:
    """Take a tag off a buyer."""
    _write(name, config_file, shop_name, partial(buyer_file.remove_tag, text=text))


@buyers_app.command("set")
def set_detail(
    name: BuyerName,
    detail: Annotated[
        str, typer.Argument(metavar="NAME=VALUE", help="city, occupation, taste, profiling=off")
    ],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
) -> None:
    """Note a detail of a buyer; without a value it is taken back."""
    kind, equals, value = detail.partition("=")
    if not equals or kind not in buyer_file.NAMES:
        reader = reader_of(read_config(config_file))
        raise WrongUse(say("detail_unknown", reader, given=repr(detail), names=", ".join(buyer_file.NAMES)))
    change = partial(buyer_file.set_detail, name=kind, value=value.strip() or None, who=by(), now=utc_now())
    _write(name, config_file, shop_name, change)


@buyers_app.command("join")
def join(
    name: BuyerName, other: BuyerName, config_file: ConfigFile = HERE, shop_name: ShopName = None
) -> None:
    """Read two files as one person's from now on; each keeps its own addresses."""
    _join(name, other, config_file, shop_name, joined=True)


@buyers_app.command("part")
def part(
    name: BuyerName, other: BuyerName, config_file: ConfigFile = HERE, shop_name: ShopName = None
) -> None:
    """Read two joined files apart again."""
    _join(name, other, config_file, shop_name, joined=False)


def _join(name: str, other: str, config_file: Path, shop_name: str | None, joined: bool) -> None:
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        one, two = (_chosen(database, shop_id, each, words, as_json=False) for each in (name, other))
        if one == two:
            raise WrongUse(say("join_same", words.locale, id=one))
        change = partial(buyer_scope.join, shop=shop_id, one=one, other=two, joined=joined)
        database.write_now(partial(change, who=by(), now=utc_now()))
    tell(say("joined_now" if joined else "parted_now", words.locale, one=one, other=two))


def _write(name: str, config_file: Path, shop_name: str | None, change: Callable[..., object]) -> None:
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        id = _chosen(database, shop_id, name, words, as_json=False)
        database.write_now(lambda connection: change(connection, shop_id, id))
    tell(say("buyer_noted", words.locale, id=id))


def by() -> str:
    """Who does it, as it stands in the trail."""
    return f"command:{user()}"


@buyers_app.command("export")
def export_buyer(
    name: BuyerName, config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Show all that is stored about a buyer, to hand it over to them."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        id = _chosen(database, shop_id, name, words, as_json)
        archive = config.retention.archive if config.retention else None
        found = export(database, shop_id, id, archive, by(), utc_now())
        if found is not None and not as_json:
            scope = database.read_now(partial(buyer_scope.scope_of, shop=shop_id, id=found.buyer))
            file = database.read_now(partial(buyer_file.read, shop=shop_id, scope=scope))
            orders = database.read_now(partial(buyer_file.orders_of, shop=shop_id, scope=scope))
            line = partial(buyer_file.time_line, shop=shop_id, scope=scope, before=None, limit=None)
            moments = database.read_now(line)
    if found is None:
        raise WrongUse(say("buyer_unknown", words.locale, name=name))
    if as_json:
        show_json(found)
        return
    tell(
        say(
            "export_head",
            words.locale,
            shop=shop.name,
            buyer=file.name or file.id,
            at=words.moment(utc_now()),
        )
    )
    _show_file(file, words)
    for order in orders:
        tell("- " + _of_order(order, words))
    tell("")
    for each in reversed(moments):
        tell(f"{words.moment(each.at)}  {_of_time_line(each, words)}")
    _show_counts(found, words)


@buyers_app.command("erase")
def erase_buyer(
    name: BuyerName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show what would be erased of a buyer, ask, and take them out of everything within reach."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        eraser = eraser_of(config, database)
        _finish_others(eraser, shop_id, words)
        id = _chosen(database, shop_id, name, words, as_json)
        preview = eraser.preview(shop_id, id)
        if preview is None:
            raise WrongUse(say("buyer_unknown", words.locale, name=name))
        if not as_json:
            _show_preview(preview, id, bool(config.ingest), words)
        if not (
            yes or (not as_json and sys.stdin.isatty() and typer.confirm(say("erase_ask", words.locale)))
        ):
            if as_json:
                show_json({"buyer": id, "would_erase": preview.scope, "erased": False})
            else:
                remark(say("erase_how", words.locale))
            raise typer.Exit(FOUND)
        begun = eraser.begin(shop_id, id, by())
        if begun is None:
            raise WrongUse(say("buyer_unknown", words.locale, name=name))
        with counting(say("erasing", words.locale)) as count:
            receipt = eraser.finish(begun, count)
    if as_json:
        show_json(receipt)
        return
    tell(say("erased_now", words.locale, erasure=receipt.id, rows=sum(receipt.counts.values())))


@buyers_app.command("compact")
def compact(config_file: ConfigFile = HERE) -> None:
    """Finish erasures that were broken off, and write the database's file anew, without deleted rows."""
    config = read_config(config_file)
    reader = reader_of(config)
    with opened(config) as database, counting(say("erasing", reader)) as count:
        eraser = eraser_of(config, database)
        for shop_id in config.shops:
            for erasure in eraser.under_way(shop_id):
                eraser.finish(erasure, count)
        eraser.compact()
    tell(say("compacted", reader))


def eraser_of(config: Config, database: Database) -> Eraser:
    archive = config.retention.archive if config.retention else None
    reach = reach_of(config.database, config.erasures, archive)
    return Eraser(database, config.secret.get_secret_value(), reach, utc_now)


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "?"


def _finish_others(eraser: Eraser, shop_id: str, words: SellerWords) -> None:
    with counting(say("erasing", words.locale)) as count:
        for erasure in eraser.under_way(shop_id):
            eraser.finish(erasure, count)


def _chosen(database: Database, shop_id: str, name: str, words: SellerWords, as_json: bool) -> str:
    """Our id of the one buyer whom a name means by what is proved; else shows whom it may mean, and ends."""
    found = database.read_now(partial(buyer_scope.candidates, shop=shop_id, name=name))
    proved = [each for each in found if not each.said]
    if len(proved) == 1 and (len(found) == 1 or proved[0].id == name or ":" in name):
        return proved[0].id
    if not found:
        raise WrongUse(say("buyer_unknown", words.locale, name=name))
    if as_json:
        show_json({"which": found})
    else:
        _show_candidates(found, words)
    raise typer.Exit(FOUND)


def _show_candidates(found: list[Candidate], words: SellerWords) -> None:
    reader = words.locale
    for said, head in ((False, "buyers_proved"), (True, "buyers_said")):
        those = [each for each in found if each.said is said]
        if not those:
            continue
        tell(say(head, reader))
        shown = table(
            *(say(head, reader) for head in ("buyer_id", "buyer_name", "addresses", "orders_count"))
        )
        for each in those:
            addresses = ", ".join(f"{kind}:{value}" for kind, value in each.addresses)
            shown.add_row(each.id, each.name or "", addresses, str(each.orders))
        show(shown)
    remark(say("buyers_choose", reader))


def _show_preview(preview: Preview, id: str, log_in_front: bool, words: SellerWords) -> None:
    reader, scope = words.locale, preview.scope
    tell(say("erase_whom", reader, id=id, names=", ".join(scope.names) or say("mixed_nameless", reader)))
    own = ", ".join(f"{kind}:{value}" for kind, value in scope.addresses) or say("mixed_no_orders", reader)
    tell(say("erase_addresses", reader, addresses=own))
    orders = ", ".join(scope.orders) or say("mixed_no_orders", reader)
    tell(say("erase_orders", reader, orders=orders, cases=len(scope.cases), waiting=preview.waiting))
    if scope.shared:
        shared = ", ".join(value for _, value in scope.shared)
        tell(say("erase_shared", reader, addresses=shared))
    if preview.removed:
        tell(say("erase_removes", reader, files=", ".join(preview.removed)))
    if preview.out_of_reach:
        tell(say("erase_leaves", reader, files=", ".join(preview.out_of_reach)))
    if log_in_front:
        tell(say("erase_log", reader))
    tell(say("erase_beyond", reader))


def _show_file(file: BuyerFile, words: SellerWords) -> None:
    reader = words.locale
    money = ", ".join(
        say(
            "file_spent",
            reader,
            sum=formats.money(Money(each.minor, each.currency), words.reader),
            orders=each.orders,
            average=formats.money(Money(each.average, each.currency), words.reader),
        )
        for each in file.spent
    )
    lines = {
        "buyer_id": file.id,
        "buyer_name": file.name,
        "addresses": ", ".join(f"{kind}:{value}" for kind, value in file.addresses),
        "file_known": file.known_since and words.moment(file.known_since),
        "file_last": file.last_contact and words.moment(file.last_contact),
        "orders_count": str(file.orders),
        "file_money": money,
        "file_bought": ", ".join(f"{title} x{count:g}" for title, count in file.bought),
        "tags": ", ".join(each.text for each in file.tags),
        "file_details": ", ".join(f"{each.name}: {each.text}" for each in file.details),
        "file_joined": ", ".join(file.joined),
        "file_perhaps": ", ".join(file.perhaps),
    }
    shown = table("", "")
    shown.show_header = False
    for code, value in lines.items():
        if value:
            shown.add_row(say(code, reader), value)
    show(shown)
    tell("")


# What is exported, for people


def _of_order(order: Order, words: SellerWords) -> str:
    """An order with all that its buyer told for it and did about it."""
    contacts = order.contacts or Contacts()
    told = (contacts.known("name"), contacts.known("email"), contacts.proving_phone, order.postcode)
    paid = (_of_payment(each, words) for each in order.payments)
    sent = (" ".join(part for part in (each.carrier, each.tracking) if part) for each in order.shipped)
    parts = (
        ", ".join(f"{line.title} x{line.quantity:g}" for line in order.lines),
        order.total and formats.money(order.total, words.reader),
        ", ".join(part for part in told if part),
        *paid,
        *sent,
    )
    head = f"{say('line_order', words.locale)} {order.shown_number} ({words.order_state(order.state)})"
    return f"{head}: " + " · ".join(part for part in parts if part)


def _of_payment(paid: Paid, words: SellerWords) -> str:
    amount = formats.money(paid.amount, words.reader) if paid.amount else None
    told = (say("order_paid", words.locale), amount, paid.method, paid.reference)
    return " ".join(part for part in told if part)


def _show_counts(found: Export, words: SellerWords) -> None:
    """How much is stored; each row as it is stored is for programs."""
    reader = words.locale
    tell("")
    for head, tables in (("export_stored", found.records), ("export_archived", found.archived)):
        if tables:
            rows = ", ".join(f"{say(f'export_{name}', reader)} {len(rows)}" for name, rows in tables.items())
            tell(say(head, reader, rows=rows))
    if found.said_elsewhere:
        tell(say("export_elsewhere", reader, count=len(found.said_elsewhere)))
    remark(say("export_all", reader))
