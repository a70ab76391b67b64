"""Read the money of a Shopify order: what it costs, what is paid, what was given back.

Shopify keeps two currencies apart: the shop's, and the one in which the buyer sees prices and pays
(presentment). Buyers are told theirs; where the two differ, the shop's total stands beside it.
"""

from typing import Any

from bot.channels import shopify_forms as forms
from bot.channels.json_reading import Amount, currency, identity, money
from bot.domain.errors import Unreadable
from bot.domain.events import Line
from bot.domain.money import Money
from bot.domain.payments import Balance

# The sum is set aside on the buyer's card, and none of it is the shop's before it is captured.
_AUTHORISED = ("authorized", "partially_authorized")
_REFUNDED = ("partially_refunded", "refunded")
_NOT_PAID = ("pending", "expired", "unpaid")


def of_order(order: forms.Order) -> dict[str, Any]:
    """The fields of an `OrderPlaced` that are about money."""
    refunded = any(moved(refund) for refund in order.refunds or ())
    shop = currency(order.currency, "currency")
    shown = _shown_in(order, shop)
    emptied = bool(order.cancelled_at) and _total(order, shop, refunded=False).minor == 0
    total, shop_total = (_total(order, code, refunded or emptied) for code in (shown, shop))
    paid = _paid(order, total, shop_total)
    balance = _balance(order, shop) if refunded and paid and paid.currency == shop else None
    if refunded and paid and paid.currency == shop:
        total, paid = _edited_after_refund(order, total, paid)
    postage, tax = _postage(order, shown), _tax(order, shown, refunded)
    asked = sum(each.minor for each in (postage, tax) if each)
    return {
        "total": total,
        "shop_total": shop_total if shown != shop else None,
        "paid": paid,
        "authorised": order.financial_status in _AUTHORISED,
        "asked": not refunded or (balance is not None and balance.owed > 0),
        "balance": balance,
        "postage": postage,
        "tax": tax,
        "lines": _with_discount(_lines(order, shown), order, Money(total.minor - asked, shown)),
    }


def _shown_in(order: forms.Order, shop: str) -> str:
    """The currency that the buyer sees; the shop's where the body does not tell the total in another."""
    seen = order.presentment_currency
    if not seen or order.total_price_set is None or order.total_price_set.presentment_money is None:
        return shop
    return currency(seen, "presentment_currency")


def _total(order: forms.Order, code: str, refunded: bool) -> Money:
    """What the buyer is asked for, with later edits; as first asked where refunds are taken off the current
    total, which then says nothing of what was asked."""
    first = _first(order, code)
    if code == currency(order.currency, "currency"):
        current = order.current_total_price
        now = money(current, code, "current_total_price") if current is not None else first
    else:
        now = _seen(order.current_total_price_set, code, "current_total_price_set") or first
    return max(first, now) if refunded else now


def _first(order: forms.Order, code: str) -> Money:
    """What was asked for before any edit."""
    seen = code != currency(order.currency, "currency") and _seen(
        order.total_price_set, code, "total_price_set"
    )
    return seen or money(order.total_price, code, "total_price")


def _paid(order: forms.Order, total: Money, shop_total: Money) -> Money | None:
    """What is paid so far, refunds not taken off. A part is known in the shop's currency alone; after an edit
    that made a paid order cheaper, less than nothing is outstanding."""
    state = order.financial_status or ""
    nothing = Money(0, total.currency)
    owed = _owed(order, shop_total.currency)
    told = state != "voided" and (state != "paid" or (owed is not None and owed.minor > 0))
    if told and (gross := _before_refunds(order, shop_total)):
        return min(gross, total if gross.currency == total.currency else shop_total)
    asked = _total(order, shop_total.currency, refunded=False) if order.cancelled_at else shop_total
    part = asked - owed if owed else None
    if state == "paid" and part is not None and part > shop_total:
        return _first(order, total.currency) if part == _first(order, part.currency) else part
    if state == "paid":
        return total
    if state == "voided":
        return nothing
    if part is not None and 0 < part.minor < shop_total.minor:
        return part
    return total if state in _REFUNDED else nothing if state in (*_NOT_PAID, *_AUTHORISED) else None


def _edited_after_refund(order: forms.Order, total: Money, paid: Money) -> tuple[Money, Money]:
    """The total and what is paid, by what is outstanding: an edit after a refund asks for more, or leaves
    less than nothing to pay, which is to be given back."""
    code = total.currency
    owed = _owed(order, code) or Money(0, code)
    if owed.minor < 0:
        now = _total(order, code, refunded=False)
        all_of_it = max(_first(order, code), now - owed)
        paid = min(_before_refunds(order, now) or all_of_it, all_of_it)
        return paid + owed, paid
    return (_total(order, code, refunded=False) if owed.minor else total), paid


def _balance(order: forms.Order, shop: str) -> Balance | None:
    """What Shopify says is outstanding, once money went back; None if refunds are in another currency, or
    nothing is said."""
    gross, owed = _before_refunds(order, Money(0, shop)), _owed(order, shop)
    if gross is None or owed is None:
        return None
    net = _total(order, shop, refunded=False).minor - owed.minor
    asks, off = order.financial_status == "partially_paid", bool(order.cancelled_at)
    return Balance(net, gross.minor - net, owed.minor, asks, off)


def _owed(order: forms.Order, code: str) -> Money | None:
    """What is outstanding, refunds taken off; less than nothing where too much is there, None if not told."""
    left = order.total_outstanding
    return None if left in (None, "") else money(left, code, "total_outstanding", below_zero=True)


def _before_refunds(order: forms.Order, shop_total: Money) -> Money | None:
    """What was paid before any of it was given back: what is outstanding is told with refunds taken off. None
    without refunds, or where they are told in another currency."""
    code = shop_total.currency
    owed, back = _owed(order, code), [amount for refund in order.refunds or () if (amount := moved(refund))]
    if owed is None or not back or any(amount.currency != code for amount in back):
        return None
    gross = _total(order, code, refunded=False).minor - owed.minor + sum(each.minor for each in back)
    return Money(gross, code) if gross > 0 else None


def _postage(order: forms.Order, code: str) -> Money | None:
    both = order.total_shipping_price_set
    if both is None or both.shop_money is None:
        return None
    if (both.shop_money.currency_code or code).strip().upper() == code:
        return money(both.shop_money.amount, code, "total_shipping_price_set.shop_money.amount")
    return _seen(both, code, "total_shipping_price_set")


def _tax(order: forms.Order, code: str, refunded: bool) -> Money | None:
    """What comes on top of the prices, as the total has it; None where they hold it, or nobody says."""
    edited = not refunded and order.current_total_tax is not None
    name = "current_total_tax" if edited else "total_tax"
    told: Amount | None = getattr(order, name)
    if order.taxes_included is not False or told is None:
        return None
    shops = code == currency(order.currency, "currency")
    tax = money(told, code, name) if shops else _seen(getattr(order, f"{name}_set"), code, f"{name}_set")
    return tax if tax and tax.minor else None


def _seen(both: forms.MoneySet | None, code: str, place: str) -> Money | None:
    """The amount that the buyer sees, if it is in this currency."""
    seen = both.presentment_money if both else None
    if seen is None or (seen.currency_code or "").strip().upper() != code:
        return None
    return money(seen.amount, code, f"{place}.presentment_money.amount")


def _lines(order: forms.Order, code: str) -> tuple[Line, ...]:
    return tuple(
        Line(
            title=line.name or line.title or line.sku or "",
            quantity=line.quantity,
            price=_price(line, code, f"line_items[{place}]"),
            sku=line.sku or None,
            id=identity(line.id, f"line_items[{place}].id") if line.id is not None else None,
            to_ship=_to_ship(line),
        )
        for place, line in enumerate(order.line_items or ())
        if 0 < line.quantity < 1_000_000
    )


def _with_discount(lines: tuple[Line, ...], order: forms.Order, of_lines: Money) -> tuple[Line, ...]:
    """The lines, whose prices are told without what is taken off, and the discount by its name as one more
    where that makes them add up."""
    code, told = of_lines.currency, order.total_discounts
    names = (each.code or each.title for each in order.discount_applications or ())
    name = ", ".join(filter(None, names))
    shops = code == currency(order.currency, "currency")
    off = money(told, code, "total_discounts") if shops and told else None
    off = off if shops else _seen(order.total_discounts_set, code, "total_discounts_set")
    dearer = sum((line.price * line.quantity).minor for line in lines) - of_lines.minor
    if not name or off is None or not 0 < off.minor == dearer:
        return lines
    return (*lines, Line(title=name, quantity=1, price=Money(-off.minor, code), to_ship=0))


def _to_ship(line: forms.LineItem) -> int | None:
    """None for all of it; nothing of a gift card or a download, and what was removed does not count."""
    if line.requires_shipping is False or line.gift_card:
        return 0
    current = line.current_quantity
    return None if current is None or current >= line.quantity else max(0, current)


def _price(line: forms.LineItem, code: str, place: str) -> Money:
    seen = line.price_set and line.price_set.presentment_money
    amount: Amount = seen.amount if seen and seen.currency_code == code else line.price
    return money(amount, code, f"{place}.price", below_zero=True)


def moved(refund: forms.Refund) -> Money | None:
    """The money that a refund gave back; None without a successful transaction, because returned goods alone
    move none. Raises Unreadable for two currencies, which cannot be summed."""
    sums = [
        money(
            paid.amount,
            currency(paid.currency or refund.shop_currency, "transactions.currency"),
            "transactions.amount",
        )
        for paid in refund.transactions or ()
        if paid.kind == "refund" and paid.status == "success"
    ]
    if len({amount.currency for amount in sums}) > 1:
        raise Unreadable("transactions: a refund in two currencies cannot be summed")
    total = sum(amount.minor for amount in sums)
    return Money(total, sums[0].currency) if total else None
