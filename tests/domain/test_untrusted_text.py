"""Other people's words, made fit to stand inside ours. See tests/texts for how they look in a message."""

import pytest

from bot.domain.untrusted_text import ADDRESS_MAX, MARKS_MAX, NAME_MAX, called, friendly_name, quote

ACUTE = "\u0301"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann", "Ann"),
        ("  Ann\t\r\n Lee ", "Ann Lee"),
        ("Ann\u2003Lee", "Ann Lee"),
        ("A\x00n\x1bn\u202e", "Ann"),
        ("A\ud800nn", "Ann"),
        ("e" + MARKS_MAX * ACUTE, "e" + MARKS_MAX * ACUTE),
        ("e" + 9 * ACUTE + "f" + ACUTE, "e" + MARKS_MAX * ACUTE + "f" + ACUTE),
        ("\u05d0\u05d1", "\u2068\u05d0\u05d1\u2069"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("", None),
        (None, None),
        (" \u200d ", None),
        (ACUTE, None),
    ],
)
def test_one_line_of_visible_characters_is_quoted(text: str | None, shown: str | None) -> None:
    assert quote(text, 40) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("x" * 8 + " yyy", "x" * 8 + "…"),
        ("x" * 8 + "e" + ACUTE + "yy", "x" * 8 + "…"),
        ("x" * 7 + "👩\u200d👩\u200d👧", "x" * 7 + "…"),
        ("x" * 8 + "🇨🇳🇨🇳", "x" * 8 + "…"),
        ("x" * 7 + "🇨🇳🇨🇳", "x" * 7 + "🇨🇳…"),
        ("👍🏽" * 9, "👍🏽" * 4 + "…"),
    ],
)
def test_no_character_is_torn_where_a_text_is_cut(text: str, shown: str) -> None:
    assert quote(text, 10) == shown


@pytest.mark.parametrize(
    "name",
    [
        "see https://x.example",
        "HTTP:x",
        "www.x.example",
        "ann@example.com",
        "x://y",
        "+86 138-0000 (1)",
        "",
        None,
    ],
)
def test_a_name_that_is_an_address_or_a_number_greets_nobody(name: str | None) -> None:
    assert friendly_name(name) is None


def test_a_long_name_is_cut() -> None:
    assert friendly_name("Ann 2") == "Ann 2"
    assert friendly_name("n" * 41) == "n" * (NAME_MAX - 1) + "…"


@pytest.mark.parametrize(
    ("name", "addresses", "shown"),
    [
        ("Ann", (None, "ann@example.com", "1"), "Ann · ann@example.com"),
        (None, ("", "telegram:42"), "telegram:42"),
        ("Ann", (), "Ann"),
        (None, (None,), None),
        (None, ("a" * 90,), "a" * (ADDRESS_MAX - 1) + "…"),
    ],
)
def test_a_case_names_its_buyer_by_name_and_first_address(
    name: str | None, addresses: tuple[str | None, ...], shown: str | None
) -> None:
    assert called(name, *addresses) == shown
