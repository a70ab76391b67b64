"""How buyers' names, phones, mail addresses, locales and time zones are normalised."""

from typing import Any

import pytest

from bot.channels import contacts


@pytest.mark.parametrize(
    ("first", "last", "whole"),
    [
        ("可欣", "陈", "陈可欣"),
        ("怡君", "陳", "陳怡君"),
        ("太郎", "山田", "山田太郎"),
        ("민지", "김", "김민지"),
        ("Clara", "Hughes", "Clara Hughes"),
        ("Amy", "陳", "Amy 陳"),
        (" Ann ", None, "Ann"),
        (None, "陈", "陈"),
        ("", " ", None),
    ],
)
def test_a_name_is_written_as_its_owner_writes_it(
    first: str | None, last: str | None, whole: str | None
) -> None:
    assert contacts.full_name(first, last) == whole


@pytest.mark.parametrize("text", ["+8613800138000", "13800138000", "138 0013 8000", 13800138000])
def test_a_phone_is_written_in_e164_and_without_a_country_it_is_of_the_region(text: Any) -> None:
    assert contacts.phone(text, "CN") == "+8613800138000"


def test_the_same_digits_are_another_phone_in_another_region() -> None:
    assert contacts.phone("020 7946 0000", "GB") == "+442079460000"
    assert contacts.phone("020 7946 0000", "CN") == "+862079460000"


@pytest.mark.parametrize(
    ("text", "region", "kept"),
    [
        ("07700 900321", "GB", "+447700900321"),
        ("+44 (0)7700 900556", "GB", "+447700900556"),
        ("0912-345-678", "GB", "+44912345678"),
        ("138 0013 8000", "GB", "13800138000"),
        ("07700 900321", "US", "07700900321"),
    ],
)
def test_a_phone_that_no_directory_knows_keeps_its_digits(text: str, region: str, kept: str) -> None:
    assert contacts.phone(text, region) == kept


@pytest.mark.parametrize(
    "text", [None, "", True, 1.5, [], "no phone", "123", "+0123456789", "1" * 41, "000 000 0000"]
)
def test_what_is_no_phone_is_none(text: Any) -> None:
    assert contacts.phone(text, "CN") is None


@pytest.mark.parametrize("text", ["ann@example.com", " ann@example.com ", "安娜@example.com", "a.b+c@x"])
def test_an_email_is_stripped_and_otherwise_kept_as_it_was_written(text: str) -> None:
    assert contacts.email(text) == text.strip()


TOO_LONG = ("a" * 65 + "@example.com", "ann@" + "x" * 251)


@pytest.mark.parametrize(
    "text",
    [None, 5, "", "ann", "@x.example", "ann@", "a@b@c", "Ann <ann@x.example>", "ann@x\nBcc: b@y", *TOO_LONG],
)
def test_what_is_no_email_is_none(text: Any) -> None:
    assert contacts.email(text) is None


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("zh", "zh-CN"),
        ("zh_CN", "zh-CN"),
        ("zh-Hans", "zh-CN"),
        ("zh-Hant", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-mo", "zh-TW"),
        ("zh-Hans-HK", "zh-CN"),
        ("EN", "en"),
        ("en_gb", "en-GB"),
        ("pt-br", "pt-BR"),
        ("sr-latn-rs", "sr-Latn-RS"),
        ("es-419", "es-419"),
    ],
)
def test_a_locale_is_written_as_our_templates_are_named(text: str, locale: str) -> None:
    assert contacts.locale(text) == locale


@pytest.mark.parametrize("text", [None, 7, "", "e", "english", "zh-", "../zh", "en-GB-x-something-long"])
def test_what_is_no_locale_is_none(text: Any) -> None:
    assert contacts.locale(text) is None


@pytest.mark.parametrize("text", ["Asia/Taipei", "UTC"])
def test_a_time_zone_of_the_database_is_kept(text: str) -> None:
    assert contacts.timezone(text) == text


@pytest.mark.parametrize(
    "text", [None, 8, "", "Asia/Nowhere", "+08:00", "../etc/passwd", "/etc/passwd", "\0", "A" * 65]
)
def test_what_is_no_time_zone_is_none(text: Any) -> None:
    assert contacts.timezone(text) is None
