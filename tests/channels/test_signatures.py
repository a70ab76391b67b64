"""Which signatures are believed."""

import pytest

from bot.channels.signatures import any_matches

OLD, NEW = b"made with the old secret", b"made with the new secret"


@pytest.mark.parametrize("given", [OLD, NEW])
def test_a_signature_of_any_secret_matches(given: bytes) -> None:
    assert any_matches([OLD, NEW], given.decode())


def test_one_good_signature_among_several_is_enough() -> None:
    assert any_matches([OLD, NEW], "made by a stranger", NEW.decode(), "")


@pytest.mark.parametrize(
    "given", ["made by a stranger", OLD.decode()[:-1], OLD.decode() + "x", OLD.decode().upper()]
)
def test_a_signature_of_no_secret_does_not_match(given: str) -> None:
    assert not any_matches([OLD, NEW], given)


@pytest.mark.parametrize("given", [(), ("",), ("anything",)])
def test_without_a_secret_nothing_matches(given: tuple[str, ...]) -> None:
    assert not any_matches([], *given)
    assert not any_matches([b""], *given)


@pytest.mark.parametrize("given", [(), ("",)])
def test_a_missing_or_empty_signature_does_not_match(given: tuple[str, ...]) -> None:
    assert not any_matches([OLD, NEW], *given)


@pytest.mark.parametrize("given", ["密钥", "\udcff", "\0"])
def test_any_characters_may_be_given(given: str) -> None:
    assert not any_matches([OLD], given)
