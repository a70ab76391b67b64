"""Undo what came of an order's facts that turned out to be about another order of that id."""

from bot.domain.messages import Reason
from bot.react.unit_of_work import TakenBack
from bot.seller.cases import Cases
from storage import case_records, inbox, outbox
from storage.unit import Unit


def take_back(unit: Unit, cases: Cases, taken: TakenBack) -> None:
    """Let these facts be handled again, about the order of their own channel; after all else of the batch.

    What was to be said because of them is withdrawn, and what was opened is closed; neither keeps a key from
    the order's own news. What was given up or closed with them waits again: each message is judged once more.
    """
    link, shop, now = unit.connection, unit.shop_id, unit.now
    mark = f"{outbox.MARK}{taken.channel}:"
    for key in case_records.opened_by(link, shop, taken.order, taken.handled):
        cases.close(key)
        case_records.rename(link, shop, key, mark + key)
    case_records.reopen_closed(link, shop, taken.order, set(taken.handled.values()))
    why = Reason("anothers_fact", {"channel": taken.channel})
    outbox.take_back(link, shop, taken.order, taken.handled, mark, why, now)
    inbox.reopen_all(link, shop, taken.handled)
