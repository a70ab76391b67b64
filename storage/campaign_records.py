"""The tables of campaigns: how far each is, whose turn came in it, and its codes."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, case, delete, func, insert, select, update

from bot.domain.messages import Reason
from storage.bulk import insert_new, update_rows
from storage.outbox import dump
from storage.sql_in import is_in
from storage.tables import (
    buyers,
    campaign_codes,
    campaign_members,
    campaigns,
    in_state,
    orders,
    outbox,
)

STOPPED = "campaign_stopped"  # why messages were withdrawn that a campaign, once resumed, says again
_LIKE_STOPPED = f'{{"code":"{STOPPED}"'


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer whose turn came."""

    buyer: str
    held_out: bool
    wording: str | None = None


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a group bought in the time after their turn. total, squares: of what each paid, in minor
    units and their squares, refunds subtracted."""

    held_out: bool
    wording: str | None
    buyers: int
    bought: int
    total: int
    squares: float


def rule_of(name: str) -> str:
    """The rule of a campaign's messages."""
    return f"promotions.{name}"


def key_of(name: str, buyer: str) -> str:
    """The key of the one message that a campaign has for a buyer."""
    return f"promotion:{name}:{buyer}"


def test_key_of(name: str, buyer: str, wording: str | None, now: datetime) -> str:
    return f"{_tests_of(name)}{now:%Y%m%dT%H%M%S}:{wording or ''}:{buyer}"


def _tests_of(name: str) -> str:
    return f"promotion_test:{name}:"


def latest(connection: Connection, shop: str, name: str) -> Row[Any] | None:
    """How far a campaign is."""
    here = select(campaigns).where(campaigns.c.shop == shop, campaigns.c.promotion == name)
    return connection.execute(here.order_by(campaigns.c.slot.desc()).limit(1)).one_or_none()


def all_of(connection: Connection, shop: str) -> dict[str, Row[Any]]:
    """The newest run of every campaign that ever began, by its name."""
    here = select(campaigns).where(campaigns.c.shop == shop).order_by(campaigns.c.slot)
    return {row.promotion: row for row in connection.execute(here)}


def begin(
    connection: Connection, shop: str, name: str, now: datetime, who: str, rules: str, state: str
) -> None:
    row = {"shop": shop, "promotion": name, "slot": now, "cursor": "", "queued": 0}
    connection.execute(insert(campaigns).values(**row, who=who, rules=rules, state=state))


def change(connection: Connection, run: Row[Any], **values: object) -> bool:
    """Change a run, if its state is still what it was; False if another was first."""
    here = update(campaigns).where(
        campaigns.c.shop == run.shop,
        campaigns.c.promotion == run.promotion,
        campaigns.c.slot == run.slot,
        campaigns.c.state == run.state,
    )
    return connection.execute(here.values(**values)).rowcount == 1


def withdraw(connection: Connection, shop: str, name: str, now: datetime) -> int:
    """Withdraw what still waits of a stopped campaign; returns how much."""
    here = update(outbox).where(
        outbox.c.shop == shop,
        outbox.c.category == "promotion",
        outbox.c.rule == rule_of(name),
        outbox.c.settled_at.is_(None),
        in_state(outbox, "queued"),
    )
    news = {"state": "withdrawn", "reason": dump(Reason(STOPPED, {})), "settled_at": now}
    return connection.execute(here.values(news)).rowcount


def put_back(connection: Connection, shop: str, name: str, now: datetime) -> int:
    """Queue again what `withdraw` withdrew, under the same keys; tests are made anew."""
    here = update(outbox).where(
        outbox.c.shop == shop,
        outbox.c.category == "promotion",
        outbox.c.rule == rule_of(name),
        outbox.c.state == "withdrawn",
        outbox.c.reason.startswith(_LIKE_STOPPED, autoescape=True),
        outbox.c.key.startswith(key_of(name, ""), autoescape=True),
    )
    later = case((outbox.c.due_at > now, outbox.c.due_at), else_=now)
    news = {"state": "queued", "reason": None, "settled_at": None, "try_at": later}
    return connection.execute(here.values(news)).rowcount


def states(connection: Connection, shop: str, name: str) -> dict[str, int]:
    """How many messages of a campaign are in each state."""
    here = select(outbox.c.state, func.count()).where(
        outbox.c.shop == shop, outbox.c.category == "promotion", outbox.c.rule == rule_of(name)
    )
    return dict(tuple(row) for row in connection.execute(here.group_by(outbox.c.state)))


def told_among(
    connection: Connection, shop: str, name: str, of_buyers: Collection[str], before: datetime
) -> set[str]:
    """Those of these buyers who were told of a campaign by then."""
    here = select(outbox.c.buyer).where(
        outbox.c.shop == shop,
        is_in(connection, outbox.c.buyer, of_buyers),
        outbox.c.rule == rule_of(name),
        outbox.c.state.in_(("sent", "unknown")),
        outbox.c.settled_at <= before,
        outbox.c.key.startswith(key_of(name, ""), autoescape=True),
    )
    return set(connection.scalars(here)) if of_buyers else set()


def tests_wait(connection: Connection, shop: str, name: str) -> bool:
    """Whether a tester is still to be told."""
    here = select(outbox.c.id).where(
        outbox.c.shop == shop,
        outbox.c.category == "promotion",
        outbox.c.rule == rule_of(name),
        outbox.c.settled_at.is_(None),
        outbox.c.key.startswith(_tests_of(name), autoescape=True),
    )
    return connection.execute(here.limit(1)).first() is not None


# Members


def members_among(connection: Connection, shop: str, name: str, of_buyers: Collection[str]) -> set[str]:
    here = select(campaign_members.c.buyer).where(
        campaign_members.c.shop == shop,
        campaign_members.c.campaign == name,
        is_in(connection, campaign_members.c.buyer, of_buyers),
    )
    return set(connection.scalars(here)) if of_buyers else set()


def turns(connection: Connection, shop: str, name: str) -> tuple[int, int]:
    """How many were to be told, and how many are held out."""
    held = func.coalesce(func.sum(case((campaign_members.c.held_out, 1), else_=0)), 0)
    here = select(func.count() - held, held).where(
        campaign_members.c.shop == shop, campaign_members.c.campaign == name
    )
    told, held_out = connection.execute(here).one()
    return int(told), int(held_out)


def add_members(
    connection: Connection, shop: str, name: str, new: Iterable[Member], at: datetime, until: datetime
) -> None:
    """until: what they buy before it counts as the result."""
    times = {"at": at, "until": until}
    rows = [{"shop": shop, "campaign": name, **msgspec.structs.asdict(each), **times} for each in new]
    insert_new(connection, campaign_members, rows)


def member(connection: Connection, shop: str, name: str, buyer: str) -> Row[Any] | None:
    here = select(campaign_members).where(
        campaign_members.c.shop == shop,
        campaign_members.c.campaign == name,
        campaign_members.c.buyer == buyer,
    )
    return connection.execute(here).one_or_none()


def results(connection: Connection, shop: str, name: str, currency: str, now: datetime) -> list[Bought]:
    """What the members bought after their turn, by group; of those alone whose time is over."""
    owner = func.coalesce(buyers.c.joined_to, campaign_members.c.buyer)
    joined = campaign_members.outerjoin(
        buyers, and_(buyers.c.shop == campaign_members.c.shop, buyers.c.id == campaign_members.c.buyer)
    ).outerjoin(
        orders,
        and_(
            orders.c.shop == campaign_members.c.shop,
            orders.c.buyer == owner,
            orders.c.placed_at >= campaign_members.c.at,
            orders.c.placed_at < campaign_members.c.until,
            orders.c.currency == currency,
            orders.c.paid_minor > 0,
            orders.c.state.not_in(("cancelled", "refunded")),
        ),
    )
    paid = func.coalesce(func.sum(orders.c.paid_minor - orders.c.refunded_minor), 0)
    each = (
        select(
            campaign_members.c.held_out,
            campaign_members.c.wording,
            func.count(orders.c.id).label("orders"),
            paid.label("paid"),
        )
        .select_from(joined)
        .where(campaign_members.c.shop == shop, campaign_members.c.campaign == name)
        .where(campaign_members.c.until <= now)
        .group_by(campaign_members.c.buyer, campaign_members.c.held_out, campaign_members.c.wording)
    ).subquery()
    sums = select(
        each.c.held_out,
        each.c.wording,
        func.count().label("buyers"),
        func.sum(case((each.c.orders > 0, 1), else_=0)).label("bought"),
        func.sum(each.c.paid).label("total"),
        func.sum(each.c.paid * 1.0 * each.c.paid).label("squares"),
    ).group_by(each.c.held_out, each.c.wording)
    return [
        Bought(
            held_out=row.held_out,
            wording=row.wording,
            buyers=row.buyers,
            bought=int(row.bought),
            total=int(row.total),
            squares=float(row.squares),
        )
        for row in connection.execute(sums.order_by(each.c.held_out, each.c.wording))
    ]


# Codes


def add_codes(connection: Connection, shop: str, name: str, codes: Sequence[str]) -> int:
    """Add codes; those that are there stay as they are, and a campaign that waits for some goes on. Returns
    how many are new."""
    before = code_counts(connection, shop, name)
    insert_new(connection, campaign_codes, [{"shop": shop, "campaign": name, "code": each} for each in codes])
    if before[0] == 0:
        run = latest(connection, shop, name)
        if run is not None and run.state == "running":
            change(connection, run, next_at=None)
    return sum(code_counts(connection, shop, name)) - sum(before)


def code_counts(connection: Connection, shop: str, name: str) -> tuple[int, int]:
    """How many codes are free, and how many were given."""
    here = select(campaign_codes.c.given_at.is_(None), func.count()).where(
        campaign_codes.c.shop == shop, campaign_codes.c.campaign == name
    )
    found = {
        bool(free): count
        for free, count in connection.execute(here.group_by(campaign_codes.c.given_at.is_(None)))
    }
    return found.get(True, 0), found.get(False, 0)


def free_codes(connection: Connection, shop: str, name: str, count: int) -> list[str]:
    """Some codes that nobody has, locked until the transaction ends."""
    here = select(campaign_codes.c.code).where(
        campaign_codes.c.shop == shop, campaign_codes.c.campaign == name, campaign_codes.c.given_at.is_(None)
    )
    page = here.order_by(campaign_codes.c.code).limit(count).with_for_update(skip_locked=True)
    return list(connection.scalars(page))


def give_codes(connection: Connection, shop: str, name: str, given: dict[str, str], now: datetime) -> None:
    """Note who got which code: code -> buyer."""
    rows = [
        {"shop": shop, "campaign": name, "code": code, "buyer": buyer, "given_at": now}
        for code, buyer in given.items()
    ]
    update_rows(connection, campaign_codes, rows, where="campaign_codes.given_at IS NULL")


# A buyer who is erased


def forget(connection: Connection, shop: str, of_buyers: Collection[str], to: str) -> dict[str, int]:
    """Let the file `to` stand for buyers among the members, so that results stay; nobody knows any more whose
    their codes were."""
    theirs = (campaign_members.c.shop == shop, is_in(connection, campaign_members.c.buyer, of_buyers))
    rows = connection.execute(select(campaign_members).where(*theirs)).all()
    connection.execute(delete(campaign_members).where(*theirs))
    insert_new(connection, campaign_members, [{**row._mapping, "buyer": to} for row in rows])
    codes = update(campaign_codes).where(
        campaign_codes.c.shop == shop, is_in(connection, campaign_codes.c.buyer, of_buyers)
    )
    blanked = connection.execute(codes.values(buyer=None)).rowcount
    return {"campaign_members": len(rows), "campaign_codes": blanked}
