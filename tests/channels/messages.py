"""The message that the tests send, and changes of it."""

from typing import Any

import msgspec

from bot.channels import Outgoing
from tests.channels.recorded import NOW

REMINDER = Outgoing(
    id="msg-1",
    shop="mugs",
    shop_name="Mug Shop",
    key="payment_reminder:1001:2",
    address="ann",
    text="安娜，请付款",
    locale="zh-CN",
    template="payment_reminder",
    category="service",
    buyer_id="ann",
    at=NOW,
    order="1001",
)


def reminder(**changes: Any) -> Outgoing:
    return msgspec.structs.replace(REMINDER, **changes)
