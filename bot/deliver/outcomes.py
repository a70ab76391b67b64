"""Decide a message's next state after a sending, or after its lease was abandoned."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from bot.channels import SendingChannel
from bot.deliver.claim import Claim
from bot.domain.errors import BuyerUnreachable, DeliveryDelayed, DeliveryUnknown
from bot.domain.messages import Reason
from bot.domain.retry import wait_before
from bot.domain.shop import Shop
from bot.operations.metrics import Metrics
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue
from storage import conversation_records, due_messages, history, outbox
from storage.database import lease_clock
from storage.outbox import Attempt, Outcome
from storage.unit import Unit

RESENDS = 1  # of a message that may have arrived, so that a platform that loses every answer gets few repeats
RESEND_WAIT = timedelta(seconds=30)
WHY_LENGTH = 300  # characters kept of an error


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a sending ended; `error` None: sent."""

    claim: Claim
    at: datetime
    receipt: str | None = None
    error: Exception | None = None


class OutcomeWriter:
    """Decides and records what becomes of the messages of some shops.

    jitter: between 0 and 1, for the waits between attempts.
    """

    def __init__(
        self,
        shops: Mapping[str, Shop],
        channels: Mapping[tuple[str, str], SendingChannel],
        catalogue: Catalogue,
        metrics: Metrics,
        jitter: Callable[[], float],
    ) -> None:
        self._shops = shops
        self._channels = channels
        self._catalogue = catalogue
        self._metrics = metrics
        self._jitter = jitter

    def record(self, connection: Connection, results: Sequence[Result], now: datetime) -> None:
        """Record how sendings ended, and open a case for each message that failed for good.

        Must run in a writing transaction. Raises what the database raises.
        """
        sent, failed, attempts = list[dict[str, Any]](), list[Outcome](), list[Attempt]()
        for result in results:
            claim = result.claim
            if result.error is None:
                sent.append(
                    {"shop": claim.shop, "id": claim.id, "receipt": result.receipt, "settled_at": result.at}
                )
                self._metrics.messages.labels(claim.shop, "sent").inc()
                continue
            outcome = self._after_error(connection, claim, result.error, result.at)
            failed.append(outcome)
            attempts.append(
                _attempt(claim.shop, claim.id, claim.attempts, result.at, claim.channel, result.error)
            )
            self._metrics.messages.labels(claim.shop, outcome.state).inc()
            if isinstance(result.error, BuyerUnreachable):
                conversation_records.block(
                    connection, claim.shop, claim.buyer, claim.channel, claim.message.address, result.at
                )
        outbox.mark_sent(connection, sent)
        outbox.mark_failed(connection, failed, attempts)
        for outcome in failed:
            if outcome.state == "failed":
                unit = Unit(connection, outcome.shop, self._shops[outcome.shop], now)
                Cases(unit, self._catalogue).open_for_unsent(
                    unit.ask(due_messages.messages([outcome.id])), [outcome]
                )

    def settle_abandoned(
        self,
        connection: Connection,
        in_hand: Collection[tuple[str, int]],
        lease: timedelta,
        now: datetime,
    ) -> int:
        """Settle what a dead program had in hand; returns how many. Must run in a writing transaction.

        A message is queued again where the channel drops repeats, else the seller's rule decides.
        in_hand: the (shop, id) of messages that this program is sending.
        """
        found = outbox.abandoned(connection, self._shops.keys(), lease_clock(connection, now), lease)
        rows = [row for row in found if (row.shop, row.id) not in in_hand]
        error = DeliveryUnknown("the program stopped while it was sending")
        outbox.mark_failed(
            connection,
            [self._after_death(connection, row, now) for row in rows],
            [_attempt(row.shop, row.id, row.attempts, now, row.channel, error) for row in rows],
        )
        return len(rows)

    def _after_error(self, connection: Connection, claim: Claim, error: Exception, at: datetime) -> Outcome:
        why = str(error)[:WHY_LENGTH] or type(error).__name__
        match error:
            case BuyerUnreachable():  # the next round takes another address if there is one
                return _again(claim.shop, claim.id, Reason("unreachable", {"why": why}), at)
            case DeliveryDelayed():
                # Counts only delays by the platform, not attempts that a stopped program broke off.
                attempts = 1 + history.ended_as(
                    connection, claim.shop, claim.id, claim.channel, DeliveryDelayed
                )
                wait = wait_before(attempts, self._jitter(), error.retry_after)
                if wait is None:
                    gave_up = Reason("gave_up", {"attempts": attempts, "why": why})
                    return _over(claim.shop, claim.id, "failed", gave_up, at)
                later = Reason("try_again", {"why": why, "attempts": attempts, "until": at + wait})
                return _again(claim.shop, claim.id, later, at + wait)
            case DeliveryUnknown():
                return self._unknown(connection, claim.shop, claim.id, claim.category, claim.channel, at)
            case _:
                return _over(claim.shop, claim.id, "failed", Reason("refused", {"why": why}), at)

    def _after_death(self, connection: Connection, row: Row[Any], now: datetime) -> Outcome:
        channel = self._channels.get((row.shop, row.channel))
        if channel is not None and not channel.drops_repeats:
            return self._unknown(connection, row.shop, row.id, row.category, row.channel, now)
        why = Reason("try_again", {"why": "the program stopped", "attempts": row.attempts + 1, "until": now})
        # Keeps its place: with `now`, a round that read the clock just before would take the next one first.
        return _again(row.shop, row.id, why, min(row.try_at, now))

    def _unknown(
        self, connection: Connection, shop_id: str, id: int, category: str, channel: str, at: datetime
    ) -> Outcome:
        """The outcome of a message that may have arrived, by the seller's rule (promise 8)."""
        rule = self._shops[shop_id].unknown
        choice = rule.promotion if category == "promotion" else rule.service
        self._metrics.messages.labels(shop_id, "unknown").inc()
        lost = history.ended_as(connection, shop_id, id, channel, DeliveryUnknown)
        if choice == "leave" or lost >= RESENDS:
            return _over(shop_id, id, "unknown", Reason("unknown_left", {"channel": channel}), at)
        return _again(shop_id, id, Reason("unknown_resend", {"channel": channel}), at + RESEND_WAIT)


def _again(shop: str, id: int, why: Reason, try_at: datetime) -> Outcome:
    return Outcome(shop=shop, id=id, state="queued", why=why, try_at=try_at)


def _over(shop: str, id: int, state: str, why: Reason, at: datetime) -> Outcome:
    return Outcome(shop=shop, id=id, state=state, why=why, try_at=at, settled_at=at)


def _attempt(shop: str, message: int, before: int, at: datetime, channel: str, error: Exception) -> Attempt:
    return Attempt(
        shop=shop,
        message=message,
        number=before + 1,
        at=at,
        channel=channel,
        outcome=type(error).__name__,
        why=str(error)[:WHY_LENGTH],
    )
