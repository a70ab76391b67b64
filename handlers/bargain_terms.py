"""A shop's terms for bargaining over goods, from its settings and its list."""

from datetime import date

from bot.domain.bargain import Terms
from bot.domain.money import Money, parse_money
from bot.domain.quotes import Goods
from bot.domain.shop import Shop


def terms_of(goods: Goods, shop: Shop, today: date) -> Terms:
    """today: in the shop's zone."""
    haggling = shop.haggling
    coupon = haggling.coupon_on(today)
    return Terms(
        price=goods.price.minor,
        floor=_floor(goods, shop),
        rounds=haggling.rounds if haggling.on else 0,
        postage=_same_money(goods.postage, goods),
        free_postage=haggling.free_postage,
        from_quantity=tuple(sorted(haggling.from_quantity.items())),
        coupon=coupon.percent if coupon else 0,
        in_return=haggling.in_return,
        valid=haggling.valid,
        remembered=haggling.remember,
    )


def _floor(goods: Goods, shop: Shop) -> int:
    """The highest of the floors that are named for the goods and the share of its price; a floor in other
    money than the price cannot be compared with it, so there the price is fixed."""
    price, of_sku = goods.price, shop.haggling.floors.get(goods.sku)
    named = [goods.floor] if goods.floor else []
    if of_sku is not None:
        named.append(parse_money(of_sku, shop.currency, rounded=True))
    if any(floor.currency != price.currency for floor in named):
        return price.minor
    share = -(-price.minor * shop.haggling.floor // 100)
    return max(share, *(floor.minor for floor in named), 0)


def _same_money(money: Money | None, goods: Goods) -> int | None:
    return money.minor if money and money.currency == goods.price.currency else None
