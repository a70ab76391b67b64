"""The variables of templates: the table of their names, and their values for one message."""

from datetime import datetime

from bot.domain.messages import DueMessage, Facts, TemplateInput
from bot.texts.parts import Parts
from bot.texts.quote_values import QUOTE
from bot.texts.values import CARRIED, ITEMS_MAX, MESSAGE, About

# Every name that a template may use, as docs/templates.md lists them. "[]" is each one of a list.
# Where it says "may be empty", ask {% if %} first.
VARIABLES: dict[str, str] = {
    "buyer.name": "the buyer's name, cut and cleaned; empty if it is unknown or unfit for a greeting",
    "buyer.first_name": "the first name alone, where the name tells it, else the whole; may be empty",
    "buyer.called": "how Chinese texts address the buyer, as the setting greeting says: 亲",
    "shop.name": "the shop's name",
    "seller.name": "the person buyers reach; may be empty",
    "seller.contact": "how to reach a person, as in the settings; may be empty",
    "seller.hours": "when people answer, if the settings have working_hours; may be empty",
    "seller.hours.days": "the days of the week; show them with the filter weekdays",
    "seller.hours.days[]": "mon, tue, wed, thu, fri, sat or sun",
    "seller.hours.opens": "time",
    "seller.hours.closes": "time",
    "seller.back_at": "time when somebody is there again; empty while somebody is, or if nobody knows",
    "order": "the order the message is about; empty if it is about none",
    "order.number": "its number as the buyer sees it",
    "order.state": "unpaid, on_delivery, partly_paid, payment_unclear, authorised, paid, partly_shipped, "
    "shipped, delivered, completed, cancelled, refunded or unknown (also where something arrived that "
    "nobody sent)",
    "order.total": "amount with postage; may be empty",
    "order.postage": "amount; empty if it is free or not known",
    "order.tax": "amount that comes on top of the prices; empty if they hold it",
    "order.items": f"what was bought, at most {ITEMS_MAX} lines",
    "order.items[].title": "name of the item",
    "order.items[].quantity": "how many",
    "order.items[].price": "amount for one",
    "order.items[].sum": "amount for the whole line",
    "order.more_items": "how many lines are not listed; 0 if all are",
    "order.placed_at": "time; may be empty",
    "order.paid_at": "time of the newest payment; may be empty",
    "order.paid": "amount paid so far, without what had gone back before the newest payment; may be empty",
    "order.left": "amount still to be paid; empty if nothing is, or while `payment.waits`",
    "order.overpaid": "amount paid beyond the total and not paid back; empty if none was",
    "order.on_delivery": "true if it is paid to the carrier",
    "order.authorisation": "held while its payment is only set aside on the buyer's card, released if that "
    "was given up; empty if money was taken or nothing was set aside",
    "order.refunded": "amount paid back so far; empty if none was",
    "order.to_refund": "amount of a cancelled order that is still to be paid back; empty if none is",
    "order.cancelled_at": "time; may be empty",
    "order.paid_since_cancelled": "true if money came after it was cancelled",
    "order.delivered_at": "time when all of it had arrived; may be empty",
    "order.to_ship": "true while none of it has left and it is still to be sent",
    "order.pay_by": "the day by which it is to be paid, of a sale on account; empty for all others",
    "order.ships_by": "the day by which it leaves; empty unless it is paid and that is ahead",
    "order.silent_since": "the last news of a parcel that has been silent for too long",
    "order.cancel_asked": "true if the buyer asked to cancel it and nobody has decided yet",
    "order.late": "true if that day has passed and nothing has left",
    "order.rest_late": "true if that day has passed and a part of it has left",
    "order.part_off": "true if a parcel that had left was called off and nothing has left instead",
    "order.failed": "true if the carrier cannot deliver one of its parcels",
    "order.ready": "true while what has not been handed over waits for the buyer to fetch it",
    "order.parcels": "parcels that left",
    "order.parcels[].carrier": "the carrier's name; may be empty",
    "order.parcels[].tracking": "its number; may be empty",
    "order.parcels[].link": "page to follow it; may be empty",
    "order.parcels[].shipped_at": "time; may be empty",
    "order.parcels[].moved_at": "time of the carrier's last report; may be empty",
    "order.parcels[].delivered_at": "time; may be empty",
    "order.parcels[].failed": "true if the carrier cannot deliver it",
    "order.parcels[].ready": "true while it waits for the buyer to fetch it",
    "parcel": "the parcel the message is about; may be empty",
    "parcel.carrier": "the carrier's name; may be empty",
    "parcel.tracking": "its number; may be empty",
    "parcel.link": "page to follow it; may be empty",
    "parcel.shipped_at": "time; may be empty",
    "parcel.moved_at": "time of the carrier's last report; may be empty",
    "parcel.delivered_at": "time; may be empty",
    "parcel.failed": "true if the carrier cannot deliver it",
    "parcel.ready": "true while it waits for the buyer to fetch it",
    "parcel.part": "true if more of the order is still to be shipped",
    "parcel.more": "true if the buyer was told of another parcel of the order before",
    "parcel.last": "true if it is the last of several, as far as anybody says",
    "parcels": "the parcels the message is about, those of one hour together; an empty list if none",
    "parcels[].carrier": "the carrier's name; may be empty",
    "parcels[].tracking": "its number; may be empty",
    "parcels[].link": "page to follow it; may be empty",
    "parcels[].shipped_at": "time; may be empty",
    "parcels[].moved_at": "time of the carrier's last report; may be empty",
    "parcels[].delivered_at": "time; may be empty",
    "parcels[].failed": "true if the carrier cannot deliver it",
    "parcels[].ready": "true while it waits for the buyer to fetch it",
    "payment.accounts": "the accounts to pay to; an empty list if the shop has none",
    "payment.accounts[].bank": "name of the bank or wallet",
    "payment.accounts[].number": "account number",
    "payment.accounts[].name": "the account's owner; may be empty",
    "payment.link": "page to pay at; may be empty",
    "payment.memo": "what to write on the transfer; may be empty",
    "payment.closes_at": "time when the unpaid order is closed; empty if nothing is to be paid",
    "payment.waits": "true while the price is not yet what was agreed with the buyer: nothing is to be paid "
    "now",
    "payment.ships_within": "length of time, after payment; empty if the order has left, ended, is "
    "late or is not shipped",
    "returns": "what the shop takes back; empty if the settings have no returns",
    "returns.days": "number of days for what the buyer does not want; 0 for never",
    "returns.faulty_days": "the same for what is broken, faulty or wrong",
    "returns.exchange": "true if another piece or size may be had instead of the money",
    "returns.repair": "true if what is broken can be repaired",
    "returns.postage": "buyer or shop: who pays for sending back what is as it should be",
    "returns.satisfied": "true if also what was used is taken back within the days",
    "returns.conditions": "in what state it comes back, as in the settings; may be empty",
    "returns.address": "where to send it, as in the settings; may be empty",
    "returns.steps": "what to do, as in the settings; may be empty",
    "returns.until": "the last day for this order; empty if it has not arrived, or the day has passed",
    "now": "the time of sending",
    "locale": "the reader's language with region, in whose way times and amounts are shown",
    "stop.needed": "true for offers: the text of stop_line is added under the message",
    "stop.link": "page to stop offers; may be empty",
    "stop.reply": "true where a reply is read by the bot: in a chat, and not in a mail",
    **QUOTE,
    **CARRIED,
    "ways[]": "replacement, refund, repair or size",
    "choices[]": "the name of one item",
    "items[]": "the name of one",
    "claimed[]": "the number of one",
    "unsure[]": "the name of one",
}

# Parts of messages that have a template but no policy of their own.
PARTS: dict[str, TemplateInput] = {
    "stop_line": TemplateInput(about_order=False),
    "review_reply_draft": TemplateInput(
        variables=("rating",), samples=({"rating": 1, "text": "{{ bad }}" * 500}, {"rating": 2})
    ),
}


def variables(
    due: DueMessage,
    facts: Facts,
    now: datetime,
    stop_url: str | None = None,
    link: str | None = None,
    by_mail: bool = False,
) -> Parts:
    """The values of VARIABLES for one message, as of `now`, with times in the buyer's zone; each is made when
    a template asks for it.

    stop_url: the buyer's one-click page to stop messages, if the program has a public address.
    link: the page that opens a chat about the order, or that confirms offers, if the message carries one.
    by_mail: it is read in a mailbox.
    """
    return Parts(MESSAGE, About(due=due, facts=facts, now=now, stop_url=stop_url, link=link, by_mail=by_mail))
