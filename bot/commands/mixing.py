"""Commands for files of buyers that may hold several people's things: mixed, mixed part."""

from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

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
    words_of,
)
from bot.commands.screen import say, show_json, tell
from bot.domain.clock import utc_now
from bot.operations import mixed_files
from bot.operations.mixed_files import MixedFile
from storage.database import lock

mixed_app = typer.Typer(
    help="Buyers' files in which several people's things may be.", invoke_without_command=True
)


@mixed_app.callback()
def mixed(
    context: typer.Context,
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show the files that may hold several people's things; exit code 1 if there are any."""
    if context.invoked_subcommand:
        return
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    reader = words_of(shop).locale
    with opened(config) as database:
        found = database.read_now(partial(mixed_files.mixed, shop=shop_id, limit=limit))
    if as_json:
        show_json([_form(each) for each in found])
    elif found:
        for each in found:
            orders = ", ".join(order.shown_number for order in each.orders) or say("mixed_no_orders", reader)
            tell(say("mixed_file", reader, number=each.number, who=_who(each, reader), orders=orders))
        tell(say("mixed_next", reader))
    else:
        tell(say("mixed_none", reader))
    raise typer.Exit(FOUND if found else 0)


@mixed_app.command("part")
def part(
    number: Annotated[str, typer.Argument(help="The file's number, as `xiaoer mixed` shows it.")],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Give each order and chat of such a file a file of its own, by what each platform itself told."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    reader = words_of(shop).locale

    def parted(connection: Connection) -> int | None:
        lock(connection, f"react:{shop_id}")
        return mixed_files.part(connection, shop_id, number, utc_now())

    with opened(config) as database:
        files = database.write_now(parted)
    if files is None:
        raise WrongUse(say("mixed_unknown", reader, number=number))
    if as_json:
        show_json({"file": number, "files": files})
        return
    tell(say("mixed_parted", reader, number=number, files=files))


def _who(file: MixedFile, reader: str) -> str:
    """The name, and every way in which platforms and checkouts named them."""
    named = [value for _, value in file.identities]
    for order in file.orders:
        named += [
            value
            for name in ("name", "email", "phone")
            if order.contacts and (value := order.contacts.known(name))
        ]
    return ", ".join(dict.fromkeys([file.buyer.name or say("mixed_nameless", reader), *named]))


def _form(file: MixedFile) -> dict[str, object]:
    return {
        "number": file.number,
        "name": file.buyer.name,
        "identities": [{"channel": kind, "id": value} for kind, value in file.identities],
        "orders": [
            {
                "id": order.id,
                "number": order.shown_number,
                "channel": order.channel,
                "email": order.contacts.known("email") if order.contacts else None,
                "phone": order.contacts.known("phone") if order.contacts else None,
            }
            for order in file.orders
        ],
    }
