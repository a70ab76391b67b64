"""How a reason is stored beside its message: as few bytes as it needs, and readable for good."""

import msgspec

from bot.domain.messages import Reason


def test_a_reason_is_stored_as_its_code_with_values_only_where_it_has_some() -> None:
    assert msgspec.json.encode(Reason("stopped")) == b'{"code":"stopped"}'
    assert msgspec.json.encode(Reason("paid", {"order": "1"})) == b'{"code":"paid","values":{"order":"1"}}'


def test_a_stored_reason_is_read_with_or_without_values() -> None:
    assert msgspec.json.decode(b'{"code":"stopped"}', type=Reason) == Reason("stopped", {})
    assert msgspec.json.decode(b'{"code":"paid","values":{"order":"1"}}', type=Reason) == Reason(
        "paid", {"order": "1"}
    )
