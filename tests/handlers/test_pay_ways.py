"""Ways to pay by name: those that no setting names are unknown, and denied by nobody."""

import pytest

from bot.domain.shop import Account, Payment
from handlers.pay_ways import not_told

BANK = Payment(accounts=(Account(bank="Harbour Bank", number="00124578"),))
ALIPAY = Payment(accounts=(Account(bank="支付宝", number="shop@example.com"),))

LINK = Payment(link="https://pay.example/{order}")


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
        ("can I pay by card?", LINK, ["cards"]),
        ("can I pay cash on delivery?", LINK, ["cash on delivery"]),
        ("can I pay cash on delivery or in cash?", BANK, ["cash on delivery", "cash"]),
        ("can I pay by bank transfer?", LINK, ["bank transfers"]),
        ("can I pay by bank transfer?", BANK, []),
        ("可以匯款嗎", LINK, ["匯款"]),
        ("能转账吗", BANK, []),
        ("可以超商付款嗎", BANK, ["超商付款"]),
        ("可以超商繳費嗎", BANK, ["超商付款"]),
        ("how do I pay?", LINK, []),
        ("有没有微信群", BANK, []),
    ],
)
def test_only_what_no_setting_names_is_unknown(text: str, payment: Payment, names: list[str]) -> None:
    assert not_told(text, payment) == names
