"""Ways to pay by name: those that no setting names are unknown, and denied by nobody."""

import pytest

from bot.domain.shop import Account, Payment
from handlers.pay_ways import not_told

BANK = Payment(accounts=(Account(bank="Harbour Bank", number="00124578"),))
ALIPAY = Payment(accounts=(Account(bank="支付宝", number="shop@example.com"),))


@pytest.mark.parametrize(
    ("text", "payment", "names"),
    [
        ("can I pay with paypal?", BANK, ["PayPal"]),
        ("能用支付宝吗", BANK, ["支付宝"]),
        ("可以用支付寶嗎", BANK, ["支付寶"]),
        ("支持微信支付宝吗", BANK, ["支付宝", "微信"]),
        ("支持微信支付宝吗", ALIPAY, ["微信"]),
        ("可以用LINE Pay嗎", BANK, ["LINE Pay"]),
        ("能用支付宝吗", ALIPAY, []),
        ("花呗可以吗", ALIPAY, ["花呗"]),
        ("how do I pay?", BANK, []),
        ("can I pay by card?", Payment(link="https://pay.example/{order}"), []),
        ("有没有微信群", BANK, []),
    ],
)
def test_only_what_no_setting_names_is_unknown(text: str, payment: Payment, names: list[str]) -> None:
    assert not_told(text, payment) == names
