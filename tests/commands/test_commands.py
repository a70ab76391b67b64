"""The commands as a seller runs them: plain words, exit codes, JSON for programs, one program on one file."""

import getpass
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from pydantic import SecretStr
from rich.cells import cell_len
from sqlalchemy import select, update

from bot.channels import standard_webhooks
from bot.cli import app, main
from bot.commands.cases import LIKE_A_NAME
from bot.domain.actions import OpenCase
from bot.domain.context import Buyer
from bot.domain.errors import StorageError
from bot.domain.events import BuyerRef, OrderPlaced
from bot.domain.messages import Reason
from bot.domain.money import Money
from bot.domain.orders import merge
from bot.operations.single_instance import exclusive
from storage import buyer_records, case_records, inbox, order_records, outbox, schema, tables
from storage import trail as storage_trail
from storage.asking import ask
from storage.case_records import CaseWord
from storage.database import Database
from storage.inbox import UnreadableDelivery, inbox_event

DOCS = Path(__file__).parents[2] / "docs"
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
STARTS_WITHIN = 240  # seconds, on a machine that is busy with other tests
ORDERS = "order,placed_at,total,buyer,state\n1001,2026-11-01 10:00,128.00,ann,completed\n"


class Shop:
    """A seller's folder, made by `xiaoer init`, and their prompt in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self._capsys = capsys
        self.out = self.err = ""

    def run(self, *arguments: str | Path) -> int:
        """One command; what it printed is in `out` and `err`."""
        self._capsys.readouterr()
        code = main([*map(str, arguments), "--config", str(self.config)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str | Path) -> Any:
        self.run(*arguments, "--json")
        return json.loads(self.out)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text("utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), "utf-8")

    def keep(self, work: Callable[[Any], None]) -> None:
        """As the running program would have left it."""
        database = Database(f"sqlite:///{self.folder / 'xiaoer.db'}")
        schema.migrate(database.engine)
        database.write_now(work)
        database.close()

    @property
    def secret(self) -> str:
        env = (self.folder / ".env").read_text("utf-8")
        return re.findall(r"TEAHOUSE_WEBHOOK_SECRET=(\S+)", env)[0]


@pytest.fixture(params=["zh-CN"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    assert main(["init", str(tmp_path / "myshop"), "--locale", request.param]) == 0
    made = Shop(tmp_path / "myshop", capsys)
    with socket.create_server(("127.0.0.1", 0)) as server:
        made.change("127.0.0.1:8080", f"127.0.0.1:{server.getsockname()[1]}")
    made.change("start: 22:00", "start: 08:00")  # equal to its end: tests run at night as well
    return made


def waiting_message(
    key: str = "payment_reminder:1001:1", template: str = "payment_reminder"
) -> Callable[[Any], None]:
    draft = outbox.Draft(
        key=key, buyer="ann", order="1001", template=template, version="v", category="payment",
        rule="journey.follow", due_at=NOW, lateness=timedelta(hours=12),
    )  # fmt: skip
    return lambda link: ask(link, "teahouse", outbox.queue([draft], NOW))


# Plain words and exit codes


def test_without_settings_a_command_says_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["outbox", "--config", str(tmp_path / "config.yaml")])

    told = capsys.readouterr()
    assert code == 2
    assert "xiaoer init DIR" in told.err
    assert told.out == ""


@pytest.mark.parametrize("command", ["outbox", "cases", "events", "audit"])
def test_without_a_database_a_command_says_what_makes_it(shop: Shop, command: str) -> None:
    assert shop.run(command) == 2
    assert "xiaoer serve" in shop.err
    assert not (shop.folder / "xiaoer.db").exists()


def test_a_shop_that_is_not_there_is_refused_with_those_that_are(shop: Shop) -> None:
    assert shop.run("outbox", "--shop", "bakery") == 2
    assert "teahouse" in shop.err


def test_of_several_shops_one_must_be_named(shop: Shop) -> None:
    text = shop.config.read_text("utf-8")
    shop.config.write_text(text + "\n  bakery:\n    name: Bakery\n", "utf-8")
    shop.keep(lambda link: None)

    assert shop.run("outbox") == 2
    assert "teahouse, bakery" in shop.err
    assert shop.run("outbox", "--shop", "bakery") == 0


def test_an_unknown_option_is_wrong_use(shop: Shop) -> None:
    assert shop.run("outbox", "--everything") == 2


def test_a_folder_with_a_shop_in_it_is_not_written_over(shop: Shop) -> None:
    before = shop.config.read_text("utf-8")

    assert main(["init", str(shop.folder)]) == 2
    assert shop.config.read_text("utf-8") == before


# JSON


@pytest.mark.parametrize(
    "command",
    [
        ["outbox", "--all"],
        ["explain", "payment_reminder:1001:1"],
        ["cases"],
        ["events"],
        ["audit"],
        ["check"],
        ["preview", "shipped"],
        ["migrate"],
        ["import", "orders", "orders.csv"],
    ],
    ids=lambda command: command[0],
)
def test_with_json_nothing_else_is_on_stdout(shop: Shop, command: list[str]) -> None:
    shop.keep(waiting_message())
    shop.write("orders.csv", ORDERS.replace("128.00", "much"))
    arguments = [str(shop.folder / part) if part.endswith(".csv") else part for part in command]

    told = shop.json(*arguments)

    assert isinstance(told, dict | list)


def test_the_schema_of_the_settings_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["shops"]


# Messages


def test_the_outbox_shows_what_waits_in_the_sellers_language(shop: Shop) -> None:
    shop.keep(waiting_message())

    assert shop.run("outbox") == 0
    assert "催付提醒" in shop.out
    assert "1001" in shop.out


@pytest.mark.parametrize("shop", ["zh-CN", "zh-TW", "en"], indirect=True)
def test_the_outbox_fits_eighty_columns(shop: Shop) -> None:
    shop.keep(waiting_message())
    shop.keep(waiting_message("payment_reminder:a-rather-long-number-of-an-order-20261121:1"))

    shop.run("outbox", "--all")

    assert max(cell_len(line) for line in shop.out.splitlines()) <= 80


def test_an_order_without_a_buyer_says_why_nothing_is_said(shop: Shop) -> None:
    order = OrderPlaced(
        channel="webhook", external_id="e1", at=NOW, order="1001", placed_at=NOW,
        total=Money(900, "CNY"), buyer=BuyerRef(name="小美"),
    )  # fmt: skip
    shop.keep(lambda link: ask(link, "teahouse", order_records.save([merge(None, order)])))

    assert shop.run("outbox", "--order", "1001") == 0
    assert "不知道该发给谁" in shop.out
    assert shop.json("outbox", "--order", "1001") == []


def test_what_was_withdrawn_is_shown_when_asked_for(shop: Shop) -> None:
    shop.keep(waiting_message())
    why = Reason("order_paid", {"order": "1001", "paid_at": NOW.isoformat()})
    shop.keep(lambda link: ask(link, "teahouse", outbox.withdraw({"payment_reminder:1001:1": why}, NOW)))

    assert shop.json("outbox") == []
    assert [message["state"] for message in shop.json("outbox", "--all")] == ["withdrawn"]
    assert [message["state"] for message in shop.json("outbox", "--order", "1001")] == ["withdrawn"]
    assert shop.json("outbox", "--all", "--state", "sent") == []


def test_a_state_that_is_not_there_is_refused_with_those_that_are(shop: Shop) -> None:
    shop.keep(lambda link: None)

    assert shop.run("outbox", "--state", "gone") == 2
    assert "withdrawn" in shop.err


def test_a_message_is_explained_by_its_key_and_by_its_id(shop: Shop) -> None:
    shop.keep(waiting_message())
    id = shop.json("outbox")[0]["id"]

    by_key, by_id = shop.json("explain", "payment_reminder:1001:1"), shop.json("explain", str(id))

    assert by_key["message"]["id"] == id
    assert by_key["chapters"] == by_id["chapters"]
    assert shop.run("explain", "payment_reminder:1001:1") == 0
    assert "payment_reminder:1001:1" in shop.out


def test_a_message_that_is_not_there_cannot_be_explained(shop: Shop) -> None:
    shop.keep(lambda link: None)

    assert shop.run("explain", "nothing:1") == 2
    assert "nothing:1" in shop.err


# Settings and words


def test_a_new_shop_is_in_order(shop: Shop) -> None:
    assert shop.run("check") == 0


def test_mistakes_in_the_settings_are_found_with_their_lines(shop: Shop) -> None:
    shop.change("per_day: 6", "per_day: none")

    assert shop.run("check") == 1
    line = next(
        n for n, text in enumerate(shop.config.read_text("utf-8").splitlines(), 1) if "per_day: none" in text
    )
    assert f":{line}" in shop.out or str(line) in shop.out
    assert [mistake["line"] for mistake in shop.json("check")["settings"]] == [line]


def test_a_mistake_in_an_own_template_is_found(shop: Shop) -> None:
    shop.write("templates/zh-CN/shipped.txt", "您的包裹 {{ order.trackin }}")

    assert shop.run("check") == 1
    assert "shipped.txt" in shop.out
    assert shop.json("check")["templates"][0]["own"] is True


def test_a_preview_shows_the_sellers_own_words(shop: Shop) -> None:
    shop.write("templates/zh-CN/shipped.txt", "包裹已在路上：{{ order.number }}")

    assert shop.run("preview", "shipped") == 0
    assert shop.out == "包裹已在路上：1001\n"


def test_a_broken_template_is_shown_in_our_words_and_told(shop: Shop) -> None:
    shop.write("templates/zh-CN/shipped.txt", "{{ nobody.knows }}")

    assert shop.run("preview", "shipped") == 1
    assert "shipped.txt" in shop.err
    assert shop.out


def test_a_template_that_is_not_there_is_named_with_the_nearest(shop: Shop) -> None:
    assert shop.run("preview", "shiped") == 2
    assert "是不是想写 shipped？" in shop.err


def test_a_preview_takes_the_facts_of_a_real_order(shop: Shop) -> None:
    shop.write("orders.csv", ORDERS)
    shop.keep(lambda link: _an_order(link, "X-77"))

    assert shop.run("preview", "order_confirmation", "--order", "X-77", "--locale", "en") == 0
    assert "X-77" in shop.out
    assert shop.run("preview", "order_confirmation", "--order", "X-78") == 2


def test_a_preview_of_what_would_not_be_sent_about_that_order_says_so(shop: Shop) -> None:
    shop.write("orders.csv", ORDERS)
    shop.keep(lambda link: _an_order(link, "X-77"))

    assert shop.json("preview", "order_confirmation", "--order", "X-77")["unsaid"] is None
    assert shop.json("preview", "payment_received", "--order", "X-77")["unsaid"]["code"] == "order_not_paid"
    assert shop.run("preview", "payment_received", "--order", "X-77") == 0
    assert shop.err.startswith("! ")


def _an_order(link: Any, id: str) -> None:
    ask(link, "teahouse", order_records.save([merge(None, _placed(id))]))


def _placed(id: str) -> OrderPlaced:
    return OrderPlaced(
        channel="webhook",
        external_id=f"d#{id}",
        at=NOW,
        order=id,
        placed_at=NOW,
        total=Money(12800, "CNY"),
        buyer=BuyerRef(id="ann"),
    )


# Events and cases


def unreadable(body: bytes) -> Callable[[Any], None]:
    delivery = UnreadableDelivery(
        shop="teahouse", channel="webhook", external_id="hash", headers='{"webhook-id": "d1"}', body=body,
        error="data.order.total is missing", received_at=NOW,
    )  # fmt: skip
    return lambda link: inbox.add_unreadable(link, [delivery])


PLACED = (
    b'{"type":"order.placed","data":{"order":{"id":"1001","placed_at":"2026-11-21T10:00:00+08:00",'
    b'"total":"128.00","currency":"CNY","buyer":{"id":"ann"}}}}'
)


def test_with_nothing_put_aside_all_is_well(shop: Shop) -> None:
    shop.keep(lambda link: None)

    assert shop.run("events") == 0


def test_a_delivery_that_can_be_read_by_now_becomes_its_event(shop: Shop) -> None:
    shop.keep(unreadable(PLACED))
    id = shop.json("events")["unreadable"][0]["id"]

    assert shop.run("events") == 1
    assert "data.order.total is missing" in shop.out
    assert shop.run("events", "--retry", str(id)) == 0
    assert shop.run("events") == 0
    assert shop.run("events", "--retry", str(id)) == 2
    arrived: list[str] = []
    shop.keep(lambda link: arrived.extend(link.scalars(select(tables.inbox.c.external_id))))
    assert arrived == ["d1#order.placed"]


def test_a_delivery_that_still_cannot_be_read_stays(shop: Shop) -> None:
    shop.keep(unreadable(b'{"type":"order.placed","data":{}}'))

    assert shop.run("events", "--retry-all") == 1
    assert len(shop.json("events", "--unreadable")["unreadable"]) == 1


def test_an_event_that_was_put_aside_is_given_another_try(shop: Shop) -> None:
    def park(link: Any) -> None:
        inbox.add(link, [inbox_event("teahouse", _placed("1001"), NOW)])
        ask(
            link,
            "teahouse",
            inbox.settle(
                [(ask(link, "teahouse", inbox.open_events(1, NOW))[0].id, None, "KeyError: x")], NOW
            ),
        )

    shop.keep(park)

    assert shop.run("events") == 1
    assert "KeyError: x" in shop.out
    assert shop.json("events", "--retry-all")["events"] == 1
    assert shop.run("events") == 0


def test_a_case_is_shown_and_settled_once(shop: Shop) -> None:
    opened = OpenCase(kind="human", key="human:1", reason="asked_for_person", details={"text": "人呢"})
    shop.keep(lambda link: case_records.open_case(link, "teahouse", opened, None, NOW))

    assert shop.run("cases") == 1
    assert "人呢" in shop.out
    assert shop.run("cases", "settle", "1") == 0
    assert shop.run("cases", "settle", "2") == 2
    assert "2" in shop.err


def test_what_was_not_understood_is_called_so_and_not_a_wish_for_a_person(shop: Shop) -> None:
    opened = OpenCase(
        kind="not_understood", key="human:1", reason="not_understood", details={"text": "红的?"}
    )
    shop.keep(lambda link: case_records.open_case(link, "teahouse", opened, None, NOW))

    assert shop.run("cases") == 1
    assert "没看懂" in shop.out
    assert "找人工" not in shop.out


def test_a_case_shows_what_the_buyer_and_the_team_said_since(shop: Shop) -> None:
    opened = OpenCase(kind="human", key="human:1", reason="asked_for_person", details={})
    talk = [
        CaseWord(number=1, channel="webhook", event=str(n), at=NOW, who=who, kind="text", text=text)
        for n, (who, text) in enumerate((("buyer", "有人吗"), ("person", "您好，我是小林")))
    ]

    def keep(link: Any) -> None:
        case_records.open_case(link, "teahouse", opened, None, NOW)
        ask(link, "teahouse", case_records.add_words(talk))

    shop.keep(keep)

    assert shop.run("cases") == 1
    assert "买家: 有人吗" in " ".join(shop.out.split())
    assert "店里的人: 您好，我是小林" in " ".join(shop.out.split())


def test_messages_and_cases_show_an_order_by_the_number_that_its_buyer_sees(shop: Shop) -> None:
    opened = OpenCase(kind="human", key="human:1", reason="asked_for_late", details={}, order="1001")
    placed = msgspec.structs.replace(_placed("1001"), number="#EU-7")

    def keep(link: Any) -> None:
        ask(link, "teahouse", order_records.save([merge(None, placed)]))
        waiting_message()(link)
        case_records.open_case(link, "teahouse", opened, None, NOW)

    shop.keep(keep)
    for command in ("outbox", "cases"):
        shop.run(command)

        assert "#EU-7" in shop.out
        assert "1001" not in shop.out
    assert shop.json("outbox")[0]["order"] == "1001"


def test_the_trail_names_who_settled_a_case_and_counts_wrong_tokens(shop: Shop) -> None:
    opened = OpenCase(kind="human", key="human:1", reason="asked_for_person", details={"text": "人呢"})
    shop.keep(lambda link: case_records.open_case(link, "teahouse", opened, None, NOW))
    assert shop.run("trail") == 0
    assert "还没有记录" in shop.out

    assert shop.run("cases", "settle", "1") == 0
    shop.keep(lambda link: storage_trail.count_refused(link, storage_trail.UNKNOWN_SHOP, NOW, 40))

    (settled, refused) = shop.json("trail")
    assert (settled["what"], settled["who"], settled["about"]) == (
        "case_settled",
        f"command:{getpass.getuser()}",
        "1",
    )
    assert (refused["what"], refused["shop"], refused["times"]) == ("token_refused", "", 40)
    assert shop.run("trail") == 0
    assert "待办已处理" in shop.out
    assert "40" in shop.out


def test_a_claim_can_only_be_confirmed_where_there_is_one(shop: Shop) -> None:
    opened = OpenCase(kind="human", key="human:1", reason="asked_for_person", details={"text": "?"})
    shop.keep(lambda link: case_records.open_case(link, "teahouse", opened, None, NOW))

    assert shop.run("cases", "settle", "1", "--confirmed") == 2
    assert "--confirmed" in shop.err


def test_a_file_with_several_peoples_things_is_named_shown_and_parted(shop: Shop) -> None:
    def mix(link: Any) -> None:
        order = merge(None, _placed("1001"))
        ask(link, "teahouse", order_records.save([msgspec.structs.replace(order, buyer="ann")]))
        ask(link, "teahouse", buyer_records.save([Buyer(id="ann", name="安娜", created_at=NOW)]))
        link.execute(update(tables.buyers).values(mixed=True))

    shop.keep(lambda link: None)
    assert shop.run("mixed") == 0
    shop.keep(mix)

    assert shop.run("audit") == 1
    assert "xiaoer mixed" in shop.out
    assert shop.run("mixed") == 1
    assert "安娜" in shop.out
    assert "1001" in shop.out
    assert shop.run("mixed", "part", "bob") == 2
    assert "bob" in shop.err
    assert shop.run("mixed", "part", "ann") == 0
    assert shop.run("mixed") == 0
    assert shop.run("audit") == 0


def test_an_order_that_a_channel_has_told_is_not_imported_as_a_second_one(shop: Shop) -> None:
    def know(link: Any) -> None:
        ask(
            link,
            "teahouse",
            order_records.save([msgspec.structs.replace(merge(None, _placed("1001")), buyer="ann")]),
        )

    shop.keep(know)
    (shop.folder / "orders.csv").write_text(ORDERS, "utf-8")

    assert shop.run("import", "orders", shop.folder / "orders.csv") == 2
    assert "--channel" in shop.err
    assert shop.run("import", "orders", shop.folder / "orders.csv", "--channel", "webhook") == 0


def test_an_empty_database_keeps_every_promise(shop: Shop) -> None:
    shop.keep(lambda link: None)

    assert shop.run("audit") == 0


# Import


def test_a_file_with_a_mistake_imports_nothing_unless_asked_to_skip(shop: Shop) -> None:
    file = shop.write("orders.csv", ORDERS + "1002,yesterday,1,ben,paid\n")

    assert shop.run("import", "orders", file) == 1
    assert "第 3 行" in shop.out
    assert "placed_at" in shop.out
    assert not (shop.folder / "xiaoer.db").exists()
    assert shop.run("import", "orders", file, "--skip-bad") == 1
    assert shop.json("import", "orders", file, "--skip-bad")["new_events"] == 0  # it is all there


def test_a_dry_run_imports_nothing(shop: Shop) -> None:
    file = shop.write("orders.csv", ORDERS)

    assert shop.run("import", "orders", file, "--dry-run") == 0
    assert shop.json("import", "orders", file)["new_events"] == 2  # placed, and how far it came


@pytest.mark.parametrize("arguments", [["nothing.csv"], ["orders.csv", "--channel", "taobao"]])
def test_an_import_of_what_is_not_there_is_wrong_use(shop: Shop, arguments: list[str]) -> None:
    shop.write("orders.csv", ORDERS)

    assert shop.run("import", "orders", shop.folder / arguments[0], *arguments[1:]) == 2


# One program on one file


def test_a_file_is_held_by_one_program_and_free_when_that_ends(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with exclusive(url), pytest.raises(StorageError, match=str(os.getpid())), exclusive(url):
        pass

    with exclusive(url):
        pass


def test_postgresql_is_made_for_several(tmp_path: Path) -> None:
    with exclusive("postgresql://somebody@somewhere/shop"), exclusive("postgresql://somebody@somewhere/shop"):
        pass


class Served:
    """`xiaoer serve` as a process of its own."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.log = shop.folder / "serve.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--config", str(shop.config)],
                stdout=log,
                stderr=log,
            )
        self.wait_for(lambda: "Ctrl-C" in self.told)
        self.address = re.findall(r"http://[\d.:]+", self.told)[0]

    @property
    def told(self) -> str:
        return self.log.read_text("utf-8")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while not condition():
            assert self.process.poll() is None, self.told
            assert time.monotonic() < deadline, self.told
            time.sleep(0.05)

    def post(self, body: bytes) -> None:
        key = standard_webhooks.key(SecretStr(self.shop.secret))
        headers = standard_webhooks.sign(key, "d1", datetime.now(UTC), body)
        request = urllib.request.Request(
            f"{self.address}/hooks/teahouse/webhook", body, headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=STARTS_WITHIN) as answer:
            assert answer.status == 200

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STARTS_WITHIN)


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    program = Served(shop)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.wait()


def test_a_program_that_is_told_to_stop_ends_well(served: Served) -> None:
    assert "/hooks/teahouse/webhook" in served.told
    assert served.stop() == 0
    assert "Traceback" not in served.told


def test_a_second_program_on_the_same_file_is_refused_in_plain_words(served: Served) -> None:
    assert served.shop.run("serve") == 2
    assert str(served.process.pid) in served.shop.err
    assert served.shop.run("migrate") == 2


def test_an_address_that_is_taken_is_told(shop: Shop) -> None:
    port = int(re.findall(r"listen: 127.0.0.1:(\d+)", shop.config.read_text("utf-8"))[0])
    with socket.create_server(("127.0.0.1", port)):
        assert shop.run("serve") == 2

    assert str(port) in shop.err
    assert "Traceback" not in shop.err


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_what_the_program_and_its_backup_write_is_the_owners_alone(shop: Shop) -> None:
    before = os.umask(0o022)
    program = Served(shop)
    try:
        assert shop.run("backup", str(shop.folder / "copy.db")) == 0
        written = {
            "xiaoer.db",
            "xiaoer.db-wal",
            "xiaoer.db-shm",
            "xiaoer.db-home",
            "xiaoer.db-lock",
            "copy.db",
        }
        modes = {name: (shop.folder / name).stat().st_mode & 0o777 for name in written}
    finally:
        program.process.kill()
        program.process.wait()
        os.umask(before)

    assert modes == dict.fromkeys(written, 0o600)
    assert "chmod" not in program.told


def test_what_others_can_read_is_told_at_the_start(shop: Shop) -> None:
    (shop.folder / ".env").chmod(0o644)
    program = Served(shop)
    try:
        program.wait_for(lambda: f"chmod 600 {shop.folder / '.env'}" in program.told)
    finally:
        program.process.kill()
        program.process.wait()


def test_what_tells_of_the_shops_can_listen_apart(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        apart = f"127.0.0.1:{server.getsockname()[1]}"
    shop.config.write_text(f"metrics_listen: {apart}\n" + shop.config.read_text("utf-8"), "utf-8")
    program = Served(shop)
    try:
        paths = ("/metrics", "/readyz", "/healthz")
        public = [status_of(program.address + path) for path in paths]
        inner = [status_of(f"http://{apart}{path}") for path in (*paths, "/stop/x", "/api/v1/openapi.json")]
        ended = program.stop()
    finally:
        program.process.kill()

    assert public == [404, 404, 200]
    assert inner == [200, 200, 200, 404, 404]
    assert ended == 0


def status_of(address: str) -> int:
    answer: Any
    try:
        answer = urllib.request.urlopen(address, timeout=STARTS_WITHIN)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return int(answer.status)


def test_a_newcomer_sees_what_their_buyer_reads(served: Served) -> None:
    assert served.shop.run("try") == 0
    assert "谢谢您" in served.shop.out
    assert "催付提醒" in served.shop.out


def test_without_a_running_program_the_newcomer_is_told_to_start_it(shop: Shop) -> None:
    shop.keep(lambda link: None)

    assert shop.run("try") == 2
    assert "xiaoer serve" in shop.err


def test_the_running_program_takes_an_import_up_by_itself(served: Served) -> None:
    file = served.shop.write("orders.csv", ORDERS)
    assert served.shop.run("import", "orders", file) == 0

    served.wait_for(lambda: len(served.shop.json("outbox", "--order", "1001")) > 0)
    served.wait_for(lambda: served.shop.json("outbox", "--order", "1001", "--state", "queued") == [])

    assert served.shop.json("outbox", "--order", "1001", "--state", "sent") == []


def test_a_second_signal_stops_at_once(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a message and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/messages"
        shop.change("http://127.0.0.1:9000/messages", f"{address}\n        timeout: 10m")
        program = Served(shop)
        try:
            placed_at = datetime.now(UTC).isoformat()
            program.post(PLACED.replace(b"2026-11-21T10:00:00+08:00", placed_at.encode()))
            silent.settimeout(STARTS_WITHIN)
            taken, _ = silent.accept()
            with taken:
                program.process.send_signal(signal.SIGTERM)
                program.wait_for(lambda: "再按一次" in program.told)
                program.process.send_signal(signal.SIGTERM)
                ended = program.process.wait(STARTS_WITHIN)
        finally:
            program.process.kill()

    assert ended == 128 + signal.SIGTERM


# What is written about it


COMMON = {"--config", "--shop", "--json", "--help"}


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")


def test_the_page_of_commands_names_every_command_with_every_option() -> None:
    page = (DOCS / "commands.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `xiaoer ([^`]+)`\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    missing = []
    for name, command in commands(typer.main.get_command(app)):
        section = sections.get(name.split(" ")[0], "")
        options = {option for parameter in command.params for option in parameter.opts if option[:2] == "--"}
        missing += [f"{name} {option}" for option in options - COMMON if option not in section]
        missing += [name] if name not in sections and f"xiaoer {name}" not in section else []

    assert missing == []
    assert [name for name in sections if name not in dict(commands(typer.main.get_command(app)))] == []


def test_a_sentence_of_chinese_is_no_name_of_a_reply() -> None:
    for name in ("wrap", "late-1", "包装"):
        assert LIKE_A_NAME.fullmatch(name)
    for words in ("已经给您发货了", "it left", "明天就發貨喔"):
        assert not LIKE_A_NAME.fullmatch(words)
