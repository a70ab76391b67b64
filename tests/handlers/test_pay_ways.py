"""Ways to pay by name: refused only where the settings show that they are not there."""

import pytest

from bot.domain.shop import Account, Payment
from handlers.pay_ways import refused

BANK = Payment(accounts=(Account(bank="Harbour Bank", number="00124578"),))
ALIPAY = Payment(accounts=(Account(bank="支付宝", number="shop@example.com"),))


@pytest.mark.parametrize(
    ("text", "payment", "name"),
    [
        ("can I pay with paypal?", BANK, "PayPal"),
        ("能用支付宝吗", BANK, "支付宝"),
        ("可以用支付寶嗎", BANK, "支付寶"),
        ("能用支付宝吗", ALIPAY, None),
        ("花呗可以吗", ALIPAY, "花呗"),
        ("how do I pay?", BANK, None),
        ("can I pay by card?", Payment(link="https://pay.example/{order}"), None),
        ("有没有微信群", BANK, None),
    ],
)
def test_only_what_is_not_there_is_refused(text: str, payment: Payment, name: str | None) -> None:
    assert refused(text, payment) == name
