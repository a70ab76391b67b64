"""Settings: read whole, every mistake told at once, no secret ever shown."""

import json
import re
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config import Config, load_config
from bot.domain.errors import ConfigError, Mistake
from bot.domain.shop import Shop, parse_duration, write_duration
from bot.receive.log.jetstream import servers_of
from bot.settings import yaml_with_lines

SECRETS = {
    "XIAOER_SECRET": "a-secret-that-signs-links",
    "HOOK": "whsec_" + "c2VjcmV0LW9mLXRoZS10ZWEtaG91c2Uh",
    "TOKEN": "a-token-for-the-bookkeeper",
}

GOOD = """\
secret: ${XIAOER_SECRET}
shops:
  teahouse:
    name: 青花小铺
    payment:
      accounts:
        - {bank: 工商银行, number: "0012"}
    quiet_hours: {start: 22:00, end: 8:30}
    vip:
      tiers:
        - {name: gold, orders: 3, spent: 1000}
    promotions:
      double11:
        tier: gold
        cron: 0 10 * * sat
        start: 2026-11-01
        end: 2026-11-11
        offer: 满 200 减 30
    channels:
      webhook:
        secrets: ["${HOOK}"]
        url: http://127.0.0.1:9000/messages
      old-shop:
        kind: webhook
        secrets: ["${HOOK}"]
    api_tokens: ["${TOKEN}"]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, "utf-8")
    return file


def load(folder: Path, text: str, **environ: str) -> Config:
    return load_config(write(folder, text), {**SECRETS, **environ})


def mistakes(folder: Path, text: str, **environ: str) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **environ)
    return caught.value.mistakes


def mistake(folder: Path, text: str, **environ: str) -> Mistake:
    (one,) = mistakes(folder, text, **environ)
    return one


def test_good_settings_are_typed(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)

    shop = config.shops["teahouse"]
    assert shop.payment.accounts[0].number == "0012"
    assert (shop.quiet_hours.start.hour, shop.quiet_hours.end.minute) == (22, 30)
    assert shop.promotions["double11"].end.isoformat() == "2026-11-11"
    assert shop.channels["webhook"].kind == shop.channels["old-shop"].kind == "webhook"
    assert (config.host, config.port) == ("127.0.0.1", 8080)


def test_a_database_file_is_meant_beside_the_settings(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).database == f"sqlite:///{tmp_path}/xiaoer.db"
    assert load(tmp_path, GOOD + "database: sqlite:////srv/x.db\n").database == "sqlite:////srv/x.db"


def test_a_database_address_may_come_from_the_environment(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD + "database: ${DB}\n", DB="postgres://u:pass@host/shop")

    assert config.database == "postgresql://u:pass@host/shop"
    assert "pass@" not in repr(config)


def test_the_log_in_front_is_one_address_or_several_and_its_password_is_never_shown(tmp_path: Path) -> None:
    addresses = "nats://me:${PASSWORD}@one:4222,tls://two"
    config = load(tmp_path, GOOD + f"ingest: {addresses}\n", PASSWORD="no-one-knows")
    assert config.ingest == "nats://me:no-one-knows@one:4222,tls://two"
    assert "no-one-knows" not in repr(config)
    for wrong in (
        "one:4222",
        "nats://",
        "http://${PASSWORD}@one",
        "nats://one:port",
        "nats://one/${PASSWORD}",
    ):
        with pytest.raises(ConfigError, match="write nats://host:4222") as told:
            load(tmp_path, GOOD + f"ingest: {wrong}\n", PASSWORD="no-one-knows")
        assert "no-one-knows" not in str(told.value)


def test_the_log_is_asked_for_by_addresses_without_a_secret_in_them() -> None:
    servers, secret = servers_of("nats://me:a%40b@one:4222, tls://two:4223")
    assert servers == ["tls://one:4222", "tls://two:4223"]  # encryption is for all of them
    assert (secret.user, secret.password, secret.token) == ("me", "a@b", None)
    assert servers_of("nats://a-token@one")[1].token == "a-token"


def test_the_templates_folder_beside_the_settings_is_found(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).templates is None

    (tmp_path / "templates").mkdir()

    assert load(tmp_path, GOOD).templates == tmp_path / "templates"


def test_a_group_with_everything_commented_out_is_as_if_absent(tmp_path: Path) -> None:
    config = load(
        tmp_path, "secret: ${XIAOER_SECRET}\nshops:\n  a:\n    name: A\n    payment:\n    seller:\n"
    )

    assert config.shops["a"].payment.accounts == ()


MISTAKES = [
    ("shops:", "shop:", 2, "shop", "did you mean shops?"),
    ("quiet_hours:", "quiet_hour:", 8, "shops.teahouse.quiet_hour", "did you mean quiet_hours?"),
    ("    name: 青花小铺\n", "", 3, "shops.teahouse.name", "must be set"),
    ("start: 22:00", "start: 22", 8, "shops.teahouse.quiet_hours.start", "write 08:00"),
    ("end: 8:30", "end: 24:00", 8, "shops.teahouse.quiet_hours.end", "not a time of day"),
    ('number: "0012"', "number: 0012", 7, "shops.teahouse.payment.accounts[0].number", "in quotes"),
    ("orders: 3", "orders: three", 11, "shops.teahouse.vip.tiers[0].orders", "whole number"),
    ("spent: 1000", "spent: -1", 11, "shops.teahouse.vip.tiers[0].spent", "at least 0"),
    ("tier: gold", "tier: silver", 14, "shops.teahouse.promotions.double11.tier", "no tier 'silver'"),
    ("0 10 * * sat", "0 10 * * 6", 15, "shops.teahouse.promotions.double11.cron", "weekdays as mon"),
    ("0 10 * * sat", "every day", 15, "shops.teahouse.promotions.double11.cron", "not a cron line"),
    ("end: 2026-11-11", "end: 2026-10-11", 17, "shops.teahouse.promotions.double11.end", "before it starts"),
    ("start: 2026-11-01", "start: 1 Nov", 16, "shops.teahouse.promotions.double11.start", "is not a date"),
    ("kind: webhook", "kind: wechat", 24, "shops.teahouse.channels.old-shop.kind", "one of webhook, shopify"),
    ("kind: webhook\n", "url: http://x\n", 23, "shops.teahouse.channels.old-shop.kind", "which platform"),
    (
        "webhook:\n",
        "telegram:\n        kind: webhook\n",
        21,
        "shops.teahouse.channels.telegram.kind",
        "of kind",
    ),
    ("url: http", "ulr: http", 22, "shops.teahouse.channels.webhook.ulr", "did you mean url?"),
    ("  teahouse:", "  Tea House:", 3, "shops.Tea House", "small letters"),
    ('["${TOKEN}"]', '["${NOT_SET}"]', 26, "shops.teahouse.api_tokens[0]", "NOT_SET is not set"),
    ('["${TOKEN}"]', '["${a-b}"]', 26, "shops.teahouse.api_tokens[0]", "write ${NAME}"),
    ('["${TOKEN}"]', "yes", 26, "shops.teahouse.api_tokens", "must be a list"),
    ("secret: ${XIAOER_SECRET}\n", "secret:\n", 1, "secret", "must be set"),
    ("name: 青花小铺", "name: 青花小铺\n    name: 茶", 5, "shops.teahouse.name", "the first is in line 4"),
    ("    name:", "\tname:", 4, "", "use spaces"),
    ("name: 青花小铺", "name: 青花: 小铺", 4, "", "in quotes"),
    ("name: 青花小铺", "name: '青花小铺", 4, "", "not closed"),
    ("name: 青花小铺", "name: @青花小铺", 4, "", "in quotes"),
    ("name: 青花小铺", "name: [青花", 5, "", "bracket is not closed"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "path", "words"), MISTAKES)
def test_a_mistake_names_its_line_its_key_and_the_mend(
    tmp_path: Path, right: str, wrong: str, line: int, path: str, words: str
) -> None:
    assert right in GOOD

    found = mistakes(tmp_path, GOOD.replace(right, wrong, 1))

    assert any((m.line, m.path) == (line, path) and words in m.text for m in found), found


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD
    for right, wrong in [
        ("0 10 * * sat", "never"),
        ("name: 青花小铺", "nmae: 青花小铺"),
        ("tier: gold", "tier: silver"),
        ("orders: 3", "orders: three"),
        ('["${TOKEN}"]', '["${NOT_SET}"]'),
    ]:
        text = text.replace(right, wrong, 1)

    found = mistakes(tmp_path, text + "databse: x\n")

    assert [m.line for m in found] == sorted(m.line for m in found)
    assert {m.path.rsplit(".", 1)[-1] for m in found} == {
        "cron", "name", "nmae", "tier", "orders", "api_tokens[0]", "databse",
    }  # fmt: skip


def test_what_a_channel_finds_wrong_is_told_in_the_readers_language(tmp_path: Path) -> None:
    mail = "      email: {host: h, sender: nomail, ca_file: nowhere.pem}\n    api_tokens:"

    found = mistakes(tmp_path, GOOD.replace("    api_tokens:", mail), XIAOER_LANG="zh-CN", HOOK="whsec_$")

    assert len(found) == 4
    assert not any(re.search("is (not|written)", each.text) for each in found), found


def test_a_secret_written_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = GOOD.replace("${XIAOER_SECRET}", "hunter2hunter2hunter2").replace("${HOOK}", "whsec_hunter2", 1)

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    assert [m.path for m in caught.value.mistakes] == ["secret", "shops.teahouse.channels.webhook.secrets[0]"]
    assert "write ${NAME}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=30))
def test_no_mistake_shows_what_came_from_the_environment(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    secret = f"~{secret}~"
    text = (
        "secret: ${S}\ndatabase: ${S}\nlisten: ${S}\npublic_url: ${S}\nlog: ${S}\nbody_limit: ${S}\n"
        "shops:\n  a:\n    name: A\n    timezone: ${S}\n    takeover: ${S}\n    currency: ${S}\n"
        "    quiet_hours: {start: '${S}'}\n    promotions: {p: {tier: '${S}', cron: '${S}', start: '${S}'}}\n"
        "    channels: {webhook: {secrets: ['${S}'], url: '${S}', timeout: '${S}'}}\n"
    )

    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path_factory.mktemp("shop"), text), {"S": secret})

    assert secret not in str(caught.value)
    assert repr(secret)[1:-1] not in str(caught.value)
    assert "${S}" in str(caught.value)


def test_secrets_hide_in_what_is_printed(tmp_path: Path) -> None:
    shown = repr(load(tmp_path, GOOD))

    assert not [name for name, value in SECRETS.items() if value in shown]


def test_an_empty_secret_is_a_mistake(tmp_path: Path) -> None:
    assert mistake(tmp_path, GOOD, TOKEN=" ").text == "TOKEN is set, but empty"


def test_a_short_secret_is_a_mistake(tmp_path: Path) -> None:
    assert "16 characters" in mistake(tmp_path, GOOD, XIAOER_SECRET="hunter2").text


@pytest.mark.parametrize("kind", ["woocommerce", "shopify", "telegram, token: '${TOKEN}'"])
def test_a_short_secret_of_a_platform_is_a_mistake_named_by_its_place(tmp_path: Path, kind: str) -> None:
    door = f"      door: {{kind: {kind}, secrets: ['${{TOKEN}}', '${{SHORT}}']}}\n    api_tokens:"
    text = GOOD.replace("    api_tokens:", door)

    found = mistake(tmp_path, text, SHORT="fifteen signs!!")

    assert found.path == "shops.teahouse.channels.door.secrets[1]"
    assert "16 characters" in found.text
    assert load(tmp_path, text, SHORT="sixteen signs!!!")


def test_a_signing_secret_has_24_bytes(tmp_path: Path) -> None:
    short, enough = ("whsec_" + b64encode(b"k" * length).decode() for length in (23, 24))

    assert "24 bytes" in mistakes(tmp_path, GOOD, HOOK=short)[0].text
    assert load(tmp_path, GOOD, HOOK=enough)


@pytest.mark.parametrize(
    ("host", "good"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.9.9.9", True),
     ("smtp.shop.example", False), ("10.0.0.5", False),
     ("localhost.shop.example", False), ("0.0.0.0", False)],
)  # fmt: skip
def test_mail_goes_in_the_clear_on_this_machine_only(tmp_path: Path, host: str, good: bool) -> None:
    mail = f"      email: {{host: '{host}', tls: none, sender: a@shop.example}}\n    api_tokens:"
    text = GOOD.replace("    api_tokens:", mail)

    if good:
        assert load(tmp_path, text)
    else:
        found = mistake(tmp_path, text)
        assert found.path == "shops.teahouse.channels.email.tls"
        assert "starttls" in found.text


@pytest.mark.parametrize(
    "url", ["http:///x", "//127.0.0.1/x", "ftp://x/y", "http://x\\r\\nHost: evil/", "http://x:y/"]
)
def test_only_a_whole_web_address_is_one(tmp_path: Path, url: str) -> None:
    text = GOOD.replace("    api_tokens:", f'      out: {{kind: webhook, url: "{url}"}}\n    api_tokens:')

    assert mistake(tmp_path, text).path == "shops.teahouse.channels.out.url"


def test_what_tells_of_the_shops_listens_elsewhere_or_nowhere_apart(tmp_path: Path) -> None:
    text = GOOD + "listen: 127.0.0.1:8080\nmetrics_listen: 127.0.0.1:{port}\n"

    assert load(tmp_path, text.replace("{port}", "9090")).metrics_listen == "127.0.0.1:9090"
    assert mistake(tmp_path, text.replace("{port}", "8080")).path == "metrics_listen"


def test_the_env_file_adds_to_the_environment_and_does_not_override_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        '# by hand\nXIAOER_SECRET=from-the-file-beside-it\nexport TOKEN="quoted-in-the-file"\nHOOK=ignored\n'
    )

    config = load_config(write(tmp_path, GOOD), {"HOOK": SECRETS["HOOK"], "TOKEN": "from-the-environment"})

    assert config.secret.get_secret_value() == "from-the-file-beside-it"
    assert config.shops["teahouse"].api_tokens[0].get_secret_value() == "from-the-environment"


def test_a_line_of_the_env_file_that_sets_nothing_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nhunter2\n")

    assert mistake(tmp_path, GOOD) == Mistake(2, ".env", "write NAME=value")


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "name: value"), ("- a\n", "name: value"), ("a: \x00", "not text"), ("a: *b", "quotes")],
)
def test_a_file_without_settings_is_a_mistake(tmp_path: Path, text: str, words: str) -> None:
    assert words in mistake(tmp_path, text).text


def test_a_missing_file_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="xiaoer init"):
        load_config(tmp_path / "config.yaml", {})


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "没有这个设置；是不是想写 shops？"),
        ({"LANG": "zh_TW.UTF-8"}, "沒有這個設定；是不是想寫 shops？"),
        ({"LC_ALL": "zh_HK", "LANG": "en_US"}, "沒有這個設定；是不是想寫 shops？"),
        ({"XIAOER_LANG": "zh", "LC_ALL": "de_DE"}, "没有这个设置；是不是想写 shops？"),
        ({"LANG": "de_DE"}, "there is no such setting; did you mean shops?"),
        ({}, "there is no such setting; did you mean shops?"),
    ],
)
def test_mistakes_are_told_in_the_readers_language(
    tmp_path: Path, language: dict[str, str], words: str
) -> None:
    found = mistakes(tmp_path, GOOD.replace("shops:", "shosp:"), **language)

    assert words in [m.text for m in found]


@pytest.mark.parametrize(
    ("spoilt", "spoiled", "words"),
    [
        ("shops:", "shosp:", "没有这个设置；是不是想写 shops？"),
        ("name: ", "name: @", "值不能以这个符号开头；请加引号"),
    ],
    ids=["settings with a mistake", "settings that cannot be read"],
)
def test_mistakes_in_a_chinese_shop_are_told_in_chinese_on_any_system(
    tmp_path: Path, spoilt: str, spoiled: str, words: str
) -> None:
    chinese = re.sub("^( *name: .*)$", r"\1\n    locale: zh-CN", GOOD, count=1, flags=re.MULTILINE)
    broken = chinese.replace(spoilt, spoiled, 1)

    assert words in [mistake.text for mistake in mistakes(tmp_path, broken, LANG="en_GB.UTF-8")]


@given(st.timedeltas(min_value=parse_duration("0s"), max_value=parse_duration("3660d")))
def test_a_duration_reads_as_it_was_written(wait: object) -> None:
    whole = parse_duration(f"{int(wait.total_seconds())}s")  # type: ignore[attr-defined]  # drawn as timedelta

    assert parse_duration(write_duration(whole)) == whole


def test_the_error_reads_as_a_list_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace("url: http", "ulr: http") + "databse: x\n")

    assert str(caught.value).splitlines() == [
        "config.yaml:22: shops.teahouse.channels.webhook.ulr: there is no such setting; did you mean url?",
        "config.yaml:27: databse: there is no such setting; did you mean database?",
    ]


KEYS = ["shops", "a", "channels", "webhook", "kind", "vip", "tiers", "promotions", "p", "tier", "name"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_stands_in_the_file_ends_in_settings_or_in_mistakes(
    tmp_path_factory: pytest.TempPathFactory, data: object
) -> None:
    file = write(tmp_path_factory.mktemp("shop"), json.dumps({"shops": {"a": data}, "x": data}))

    with pytest.raises(ConfigError) as caught:
        load_config(file, {})

    assert caught.value.mistakes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("database：sqlite:///shop.db\nlisten: 127.0.0.1:8000\n", 1),
        ("listen: 127.0.0.1:8000\nshops:\n  tea:\n    name：茶馆\n    locale: zh-CN\n", 4),
        ("shops:\n  tea:\n    name: 茶馆\n    payment：\n      close: 24h\n", 4),
        ("shops:\n  tea:\n    name：茶馆\n", 3),
    ],
)
def test_a_full_width_colon_is_named_in_its_own_line(text: str, line: int, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(ConfigError) as caught:
        load_config(file, {})

    assert [mistake.line for mistake in caught.value.mistakes if "：" in mistake.text] == [line]


def test_a_full_width_colon_in_a_value_is_part_of_it() -> None:
    document = yaml_with_lines.read("contact: 微信：tea\nother: '微信：tea'\n")

    assert document.data == {"contact": "微信：tea", "other": "微信：tea"}
    assert document.faults == ()


def test_a_quotation_that_is_not_closed_is_named_where_it_opens() -> None:
    document = yaml_with_lines.read('a:\n  name: "Blue Teahouse\n  locale: en\n  other: "x"\n  more: y\n')

    assert [(fault.code, fault.line) for fault in document.faults] == [("open_quote", 2)]


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("timezone: Europe/Londn", "Europe/London"), ("region: UK", "GB"), ("region: gb", "GB")],
)
def test_a_zone_or_a_country_with_a_slip_is_answered_with_the_near_one(given: str, nearest: str) -> None:
    name, _, value = given.partition(": ")
    with pytest.raises(ValidationError) as raised:
        Shop(**{"name": "Tea", name: value})

    assert raised.value.errors()[0]["ctx"]["nearest"] == nearest


def test_tiers_that_are_no_list_are_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "shops:\n  a:\n    name: A\n    vip: {tiers: 1}\n")
