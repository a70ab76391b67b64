"""Other people's words, made fit to stand inside ours. See tests/texts for how they look in a message."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.untrusted_text import (
    ADDRESS_MAX,
    MARKS_MAX,
    NAME_MAX,
    called,
    friendly_name,
    quote,
    quote_unlinked,
)

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
        "visit evil.com",
        "evil\uff0ecom",
        "evil\u3002com",
        "www evil com",
        "evil . com",
        "evil (.) com",
        "evil[.]net",
        "evil.\u200bcom",
        "ev\u00adil.c\u00adom",
        "\U0001d41e\U0001d42f\U0001d422\U0001d425.\U0001d41c\U0001d428\U0001d426",
        "evil\u2024com",
        "Refund: evil-shop.example/r",
        "t.me/evil",
        "1.2.3.4/x",
        "пример.рф",
        "例子.中国",
        "xn--a.xn--p1ai",
        "evil.xn--p1ai",
        "Call 0900 123 4567",
        "ann\uff20example",
        "x" * 60 + " evil.com",
        "",
        None,
    ],
)
def test_a_name_that_is_an_address_or_a_number_greets_nobody(name: str | None) -> None:
    assert friendly_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "J. R. R. Tolkien",
            "Martin Luther King Jr.",
            "Dr. Müller",
            "O'Neill",
            "Ann 2",
            "安娜",
            "Anne-Marie",
        ),
        *(
            "爱新觉罗·溥仪",
            "مريم",
            "C. O. M. Smith",
            "R.E. Lee",
            "Comfort Network",
            "Mr. Topaz",
            "user 123456",
        ),
    ],
)
def test_dots_of_initials_and_titles_are_no_addresses(name: str) -> None:
    assert (friendly_name(name) or "").strip("\u2068\u2069") == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/r?a=1", "see evil\u2024example/r?a=1"),
        ("EVIL.COM", "EVIL\u2024COM"),
        ("javascript://x.example", "x\u2024example"),
        ("evil\uff0ecom", "evil\u2024com"),
        ("ann@evil.example", "ann@evil\u2024example"),
        ("пример.рф", "пример\u2024рф"),
        ("Mug 1.5 l, No.5. Good. 很好。谢谢", "Mug 1.5 l, No.5. Good. 很好。谢谢"),
        (None, None),
        ("https://", None),
        ("://evil", "evil"),
        (" :/:////evil", ":/evil"),
    ],
)
def test_an_address_in_a_strangers_words_can_be_read_and_is_no_link(
    text: str | None, shown: str | None
) -> None:
    assert quote_unlinked(text, 80) == shown


LINK = re.compile(r"://|\w\.[^\W\d_]{2}")


@given(st.text("evil.comwww:/@ \uff0e\u200b()[]x-n1", max_size=60))
def test_no_program_finds_a_link_in_what_strangers_wrote(text: str) -> None:
    assert not LINK.search(unicodedata.normalize("NFKC", friendly_name(text) or ""))
    assert not LINK.search(quote_unlinked(text, 80) or "")


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
