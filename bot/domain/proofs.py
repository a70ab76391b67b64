"""What a proof rests on: a chat sees an order as long as the order still goes to the address it proved."""

from bot.domain.contacts import Contacts
from bot.domain.orders import Order
from bot.domain.signed_tokens import address_mark
from bot.domain.wishes import EMAIL, PHONE, mailbox

ANYWAY = ""  # the mark of what was opened before marks were kept, or has no address


def mark_of(order: Order, kind: str) -> str:
    """The mark of the order's mailbox, phone or buyer's id; ANYWAY if it has none. kind: a channel's name
    means the id."""
    contacts = order.contacts or Contacts()
    if kind == EMAIL:
        value = mailbox(contacts.known("email"))
    else:
        value = (contacts.proving_phone if kind == PHONE else contacts.known("id")) or ""
    return address_mark(kind, value) if value else ANYWAY


def marks_of(order: Order) -> frozenset[str]:
    """The marks of all addresses that an order goes to."""
    return frozenset(mark_of(order, kind) for kind in (EMAIL, PHONE, order.channel)) - {ANYWAY}


def holds(mark: str, order: Order) -> bool:
    """False once an order was corrected or given to another buyer: the proof was of the earlier address."""
    return mark == ANYWAY or mark in marks_of(order)
