"""A new shop starts from files that explain themselves, in three languages, with nothing left out."""

import itertools
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import jsonschema
import pytest

from bot.channels.registry import PLATFORMS
from bot.config import load_config, schema
from bot.domain.errors import ConfigError
from bot.settings.schema import below, choices
from bot.settings.yaml_with_lines import read
from bot.starters.create import create_shop

ROOT = Path(__file__).parents[2]
LOCALES = ("en", "zh-CN", "zh-TW")


def counting() -> Callable[[int], bytes]:
    """Bytes that are never the same twice."""
    numbers = itertools.count(1)
    return lambda length: next(numbers).to_bytes(length, "big")


def starter(locale: str) -> str:
    return (ROOT / "bot" / "starters" / locale / "config.yaml").read_text("utf-8")


def everything_on(text: str) -> str:
    """With the settings that are switched off, which have no space after their sign."""
    return re.sub(r"(?m)^( *)#(?=[a-z_])", r"\1", text)


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value that holds no others, with the way to it."""
    if not isinstance(data, dict | list):
        yield path, data
        return
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield from leaves(value, (*path, key))


def general(path: tuple[Any, ...]) -> tuple[str, ...]:
    """The way without the names that a seller chose."""
    chosen = (
        {1, 3}
        if path[2:3] in (("promotions",), ("campaigns",), ("banks",), ("promises",))
        else {1}
        if path[:1] == ("shops",)
        else set()
    )
    return tuple("*" if place in chosen or isinstance(key, int) else key for place, key in enumerate(path))


def known(node: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every setting that the schema knows."""
    for choice in choices(node, schema()):
        inside = choice.get("properties", {})
        for key, below_it in inside.items():
            yield (*path, key)
            yield from known(below_it, (*path, key))
        many = choice.get("items") or (not inside and choice.get("additionalProperties"))
        if isinstance(many, dict):
            yield from known(many, (*path, "*"))


def default(path: tuple[Any, ...]) -> Any:
    options = [schema()]
    for key in path:
        options = below(options, key, schema())
    return options[0].get("default")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_new_shop_loads_as_it_is(tmp_path: Path, locale: str) -> None:
    create_shop(tmp_path / "myshop", counting(), locale)

    config = load_config(tmp_path / "myshop" / "config.yaml", {})

    shop = config.shops["teahouse"]
    assert (shop.locale, len(shop.api_tokens)) == (locale, 1)
    assert config.templates == tmp_path / "myshop" / "templates"


def test_every_shop_gets_secrets_of_its_own(tmp_path: Path) -> None:
    random = counting()
    create_shop(tmp_path / "one", random)
    create_shop(tmp_path / "two", random)

    values = [
        line.split("=", 1)[1]
        for folder in ("one", "two")
        for line in (tmp_path / folder / ".env").read_text().splitlines()
        if not line.startswith("#")
    ]

    assert len(set(values)) == len(values) == 6


def test_the_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_shop(tmp_path, counting())
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert ".env" in (tmp_path / ".gitignore").read_text().splitlines()


def test_files_that_are_there_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")

    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "config.yaml"))):
        create_shop(tmp_path, counting())

    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_it_returns_what_it_wrote(tmp_path: Path) -> None:
    written = create_shop(tmp_path, counting())

    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("locale", LOCALES)
def test_every_setting_that_is_switched_off_works_when_switched_on(tmp_path: Path, locale: str) -> None:
    create_shop(tmp_path, counting(), locale)
    text = everything_on(starter(locale)).replace("ca_file: ca.pem", f"ca_file: {certifi.where()}")
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    names = dict.fromkeys(re.findall(r"\$\{([A-Z_]+)\}", text), "123456:a-secret-long-enough-for-all")
    del names["TEAHOUSE_WEBHOOK_SECRET"]  # it has a form, and stands in .env

    config = load_config(tmp_path / "config.yaml", names)

    assert set(config.shops["teahouse"].channels) == set(PLATFORMS)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_setting_that_is_switched_off_shows_its_default(locale: str) -> None:
    off, on = (
        dict(leaves(read(starter(locale)).data)),
        dict(leaves(read(everything_on(starter(locale))).data)),
    )

    shown = {path: value for path, value in on.items() if path not in off}
    defaults = {path: default(path) for path in shown}

    assert len([value for value in defaults.values() if value]) > 5
    assert {path: shown[path] for path, value in defaults.items() if value} == {
        path: value for path, value in defaults.items() if value
    }


def test_every_setting_there_is_stands_in_the_starter() -> None:
    on = read(everything_on(starter("en"))).data
    written = {general(path[:length]) for path, _ in leaves(on) for length in range(1, len(path) + 1)}

    alike = {"promotions", "campaigns"}  # what stands under promotions is a campaign too
    of_both = [path for path in written if alike.intersection(path[2:3])]
    written |= {(*path[:2], kind, *path[3:]) for path in of_both for kind in alike}
    missing = set(known(schema())) - written

    assert {path for path in missing if path[-1] != "kind"} == set()


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_the_starters_have_the_same_settings_in_every_language(locale: str) -> None:
    ours, theirs = read(everything_on(starter("en"))).data, read(everything_on(starter(locale))).data

    assert [path for path, _ in leaves(ours)] == [path for path, _ in leaves(theirs)]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_schema_for_editors_takes_the_starter(locale: str) -> None:
    for text in (starter(locale), everything_on(starter(locale))):
        jsonschema.validate(read(text).data, schema(), format_checker=jsonschema.FormatChecker())


def test_the_schema_for_editors_refuses_what_the_program_refuses() -> None:
    mistakes = [
        ("close: 3d", "close: soon"),
        ("start: 22:00", "start: late"),
        ("per_day: 6", "per_day: 0"),
        ("quiet_hours:", "quiet_hour:"),
        ("secret: ${XIAOER_SECRET}", "secret: hunter2hunter2hunter2"),
        ("url: http:", "ulr: http:"),
        ("teahouse:", "Tea House:"),
        ("webhook:\n", "wechat:\n"),
    ]

    for right, wrong in mistakes:
        text = starter("en").replace(right, wrong, 1)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(read(text).data, schema())


def test_the_sample_at_the_root_is_the_starter() -> None:
    assert (ROOT / "config.yaml").read_text("utf-8") == starter("en")
