"""The JSON API of the running program: its token, its answers, and what a fuzzer makes of it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs
from yarl import URL

from storage import trail
from storage.tables import inbox, unreadable
from storage.trail import Trace
from tests.fuzzing import complaints, of_one_shop
from tests.world import NOON, World, world

TOKEN = "a token that is only for tests"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EXAMPLES = 18  # of a fuzzer, for each operation and phase
FEWER = 8  # where the same is asked of a second kind of database


class Asking:
    """A program that shows a token."""

    def __init__(self, shop: World, token: str | None = TOKEN, of: str = "shop") -> None:
        self.shop = shop
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.of = of

    async def get(self, path: str, status: int = 200) -> Any:
        return await self._ask("GET", path, status)

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        return await self._ask("POST", path, status, json=body)

    async def _ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        url = f"{self.shop.url}/api/v1/shops/{self.of}/{path}"
        async with self.shop.http.request(
            method, URL(url, encoded=True), headers=self.headers, **more
        ) as answer:
            assert answer.status == status, await answer.text()
            assert answer.content_type == "application/json"
            return await answer.json()


@asynccontextmanager
async def asked_world(database_url: str, **shop: Any) -> AsyncIterator[tuple[World, Asking]]:
    async with world(database_url, api_tokens=[TOKEN], **shop) as living:
        yield living, Asking(living)


async def test_messages_are_listed_newest_first_and_page_by_page(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        for order in ("1001", "1002", "1003"):
            await shop.place(order, buyer=f"buyer-{order}")
        await shop.settle()

        whole = await ask.get("messages?limit=200")
        ids, after = [], ""
        while True:
            page = await ask.get(f"messages?limit=4{after}")
            ids += [message["id"] for message in page["messages"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"

        assert ids == [message["id"] for message in whole["messages"]]
        assert ids == sorted(ids, reverse=True)
        assert len(ids) > 12


STATEMENT = "Date,Type,Description,Paid out,Paid in,Balance\n21 Nov 2026,CR,{text},,128.00,9.00\n"


async def test_a_statement_is_matched_and_what_is_doubtful_is_a_case(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place()
        await shop.place("1002")
        await shop.settle()
        await shop.forward(HOUR)
        right, bare = (STATEMENT.format(text=text) for text in ("tea 1001-4", "tea 1002"))

        trial = await ask.post("statements", {"content": right, "dry_run": True})
        found = await ask.post("statements", {"content": right})
        again = await ask.post("statements", {"content": right, "bank": "hsbc"})
        await shop.place("1003")
        await shop.settle()
        left = await ask.post("statements", {"content": bare})

        assert trial["certain"] == found["certain"] == {"memo": {"count": 1, "minor": {"CNY": 12800}}}
        assert (again["known"], again["certain"]) == (1, {})
        assert shop.receiver.templates.count("payment_received") == 1
        (doubt,) = left["doubts"]
        assert [each["number"] for each in doubt["candidates"]] == ["1002", "1003"]
        (case,) = (await ask.get("cases"))["cases"]
        assert (case["number"], case["kind"]) == (doubt["case"], "transfer")


async def test_a_statement_that_cannot_be_read_is_told_by_line_and_column(database_url: str) -> None:
    async with asked_world(database_url) as (_, ask):
        wrong = STATEMENT.format(text="tea").replace("128.00", "12x")

        (fault,) = (await ask.post("statements", {"content": wrong}))["bad"]
        assert (fault["line"], fault["column"], fault["code"]) == (2, "Paid in", "amount")
        (fault,) = (await ask.post("statements", {"content": wrong, "bank": "moon"}))["bad"]
        assert fault["code"] == "no_such_bank"


async def test_messages_are_found_by_order_buyer_state_and_template(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place("1001", buyer="ann", number="A/1")
        await shop.place("1002", buyer="bob")
        await shop.settle()

        async def keys(query: str) -> set[str]:
            return {message["key"] for message in (await ask.get(f"messages?{query}"))["messages"]}

        assert await keys("order=1002&state=sent") == {"order_confirmation:1002"}
        assert await keys("buyer=bob&state=sent") == {"order_confirmation:1002"}
        assert await keys("buyer=webhook:bob&state=sent") == {"order_confirmation:1002"}
        assert await keys("template=order_confirmation") == {
            "order_confirmation:1001",
            "order_confirmation:1002",
        }
        assert await keys("state=sent&state=queued&order=1001") == await keys("order=1001")
        assert await keys("since=2026-11-21T12:00:00%2B08:00") == await keys("")
        assert await keys("since=2026-11-21T12:00:01+08:00") == set()
        assert await keys("buyer=nobody") == set()
        assert await keys(f"order={quote(chr(0))}x") == set()


async def test_a_message_is_explained_by_id_name_or_key(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place()
        await shop.forward(30 * MINUTE)
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.settle()

        by_key = await ask.get(f"messages/{quote('payment_reminder:1001:2')}/explanation")
        message = by_key["message"]
        by_id = await ask.get(f"messages/{message['id']}/explanation")
        by_name = await ask.get(f"messages/{message['name']}/explanation")

        assert by_key == by_id == by_name
        assert message["state"] == "withdrawn"
        assert message["reason"]["code"] == "order_paid"
        assert "已付款" in message["reason"]["text"]
        assert by_key["event"]["type"] == "order.placed"
        assert message["reason"]["text"] in by_key["story"]


async def test_an_order_is_shown_with_what_was_said_about_it(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place("gid://shop/Order/7 号", number="A/1")
        await shop.settle()

        order = await ask.get(f"orders/{quote('gid://shop/Order/7 号', safe='')}")

        assert order == await ask.get(f"orders/{quote('A/1', safe='')}")
        assert order["state"] == "unpaid"
        assert order["record"]["total"] == {"minor": 12800, "currency": "CNY"}
        assert "order_confirmation" in {message["template"] for message in order["messages"]}


async def test_a_buyer_is_found_by_any_address_of_theirs(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place(buyer="ann", at=NOON)
        await shop.say("找人工", buyer="ann")
        await shop.settle()

        buyer = await ask.get("buyers/ann")

        assert buyer == await ask.get(f"buyers/{buyer['id']}")
        assert buyer["name"] == "安娜"
        assert {"kind": "webhook", "value": "ann"} in buyer["addresses"]
        assert [order["id"] for order in buyer["orders"]] == ["1001"]
        assert buyer["conversations"][0]["address"] == "ann"


@pytest.mark.parametrize(
    "path",
    [
        *("messages/999999/explanation", "messages/99999999999999999999/explanation", "orders/nope"),
        *(f"orders/{'9' * 400}", "buyers/nope", "buyers/%00", "orders/%00", "messages/%00/explanation"),
        *("messages/shop-9223372036854775808/explanation", "orders/%F0%9F%90%B1%2F%2e", "nothing/here"),
    ],
)
async def test_what_is_not_there_is_not_found(path: str, database_url: str) -> None:
    async with asked_world(database_url) as (_, ask):
        answer = await ask.get(path, status=404)

        assert answer["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("limit=201", "limit"),
        ("after=99999999999999999999", "after"),
        ("state=lost", "state"),
        ("since=yesterday", "since"),
        ("since=2026-11-21T10:00:00", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("order=", "order"),
        ("limit=1&limit=2", "limit"),
        ("odrer=1001", "did you mean order?"),
    ],
)
async def test_a_wrong_query_is_told_where_it_is_wrong(query: str, place: str, tmp_path: Path) -> None:
    async with asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (_, ask):
        answer = await ask.get(f"messages?{query}", status=400)

        assert place in answer["error"]["message"]


async def test_only_the_shops_own_token_opens_it(tmp_path: Path) -> None:
    async with asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (shop, ask):
        await ask.get("messages")
        strangers = [
            Asking(shop, token=None),
            Asking(shop, token="a token of somebody else"),
            Asking(shop, token="令牌"),
            Asking(shop, token=""),
            Asking(shop, of="no-such-shop"),
        ]

        answers = [await stranger.get("messages", status=401) for stranger in strangers]

        assert all(answer == answers[0] for answer in answers)


async def test_a_shop_without_tokens_opens_to_nobody(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path / 'shop.db'}") as shop:
        for token in (None, "", TOKEN):
            await Asking(shop, token=token).get("messages", status=401)


async def test_a_refusal_says_how_to_come_in(tmp_path: Path) -> None:
    async with (
        asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (shop, _),
        shop.http.get(f"{shop.url}/api/v1/shops/shop/messages") as answer,
    ):
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="xiaoer"'
        assert TOKEN not in await answer.text()


async def test_a_confirmed_claim_is_a_payment_and_closes_its_case(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place()
        await shop.settle()
        await shop.say("我已经付款了")
        await shop.settle()
        [case] = (await ask.get("cases"))["cases"]
        assert case["kind"] == "payment_claim"

        path = f"cases/{case['number']}/settle"
        assert await ask.post(path, {"confirmed": True}) == {"case": case["number"], "confirmed": True}
        await ask.post(path, {"confirmed": True})
        await shop.settle()

        assert (await ask.get("cases"))["cases"] == []
        assert [each["number"] for each in (await ask.get("cases?state=all"))["cases"]] == [case["number"]]
        assert (await ask.get("orders/1001"))["state"] == "paid"
        assert shop.receiver.templates.count("payment_received") == 1
        await ask.post(path, {"confirmed": False}, status=409)


async def test_wrong_tokens_are_counted_and_leave_one_line_and_one_row(tmp_path: Path) -> None:
    async with asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (shop, ask):
        await ask.get("messages")
        with capture_logs() as lines:
            for guess in range(30):
                await Asking(shop, token=f"guess {guess}").get("messages", status=401)
                await Asking(shop, token=TOKEN, of=f"made-up-{guess}").get("messages", status=401)
            await asyncio.sleep(0.1)  # the rows are written beside the answers

        assert [(line["event"], line["shop"]) for line in lines] == [
            ("api token refused", "shop"),
            ("api token refused", ""),
        ]
        sample = shop.program.parts.metrics.registry.get_sample_value
        assert [sample("xiaoer_api_refused_total", {"shop": name}) for name in ("shop", "")] == [30, 30]
        assert sorted((trace.shop, trace.what, trace.times) for trace in await trail_of(shop)) == [
            ("", "token_refused", 1),
            ("shop", "token_refused", 1),
        ]


async def test_who_settled_a_case_stands_in_the_log_the_numbers_and_the_trail(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.say("找人工")
        await shop.settle()
        by = f"api:{hashlib.sha256(TOKEN.encode()).hexdigest()[:8]}"
        with capture_logs() as lines:
            await ask.post("cases/1/settle", {"confirmed": False})
            await ask.post("cases/1/settle", {"confirmed": False})  # changes nothing
            await shop.settle()

        (line,) = (line for line in lines if line["event"] == "case settled")
        assert (line["shop"], line["case"], line["by"], line["confirmed"]) == ("shop", 1, by, False)
        settled = {"shop": "shop", "way": "api"}
        assert (
            shop.program.parts.metrics.registry.get_sample_value("xiaoer_cases_settled_total", settled) == 1
        )
        (trace,) = await trail_of(shop)
        assert (trace.what, trace.who, trace.about) == ("case_settled", by, "1")


async def trail_of(shop: World) -> list[Trace]:
    return await shop.program.parts.database.read(lambda link: trail.newest(link, ("shop", ""), 10))


async def test_a_case_that_claims_nothing_cannot_be_confirmed(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.say("找人工")
        await shop.settle()
        [case] = (await ask.get("cases"))["cases"]
        path = f"cases/{case['number']}/settle"

        await ask.post(path, {"confirmed": True}, status=409)
        await ask.post(path, {"confirmed": "yes"}, status=422)
        await ask.post(path, {}, status=422)
        await ask.post("cases/999/settle", {"confirmed": False}, status=404)
        await ask.post(f"cases/{2**40}/settle", {"confirmed": False}, status=404)
        await ask.post(path, {"confirmed": False})
        await shop.settle()

        assert (await ask.get("cases"))["cases"] == []


async def test_a_parked_event_is_shown_and_tried_again(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place()
        await shop.settle()
        await shop.program.parts.database.write(
            lambda link: link.execute(inbox.update().values(state="parked", error="ValueError: odd"))
        )

        [event] = (await ask.get("events"))["events"]
        assert (event["type"], event["error"]) == ("order.placed", "ValueError: odd")
        assert await ask.post(f"events/{event['id']}/retry") == {"event": event["id"], "state": "open"}
        assert [each["id"] for each in (await ask.get("events?state=open"))["events"]] == [event["id"]]
        await shop.settle()

        assert (await ask.get("events?state=open"))["events"] == []
        await ask.post(f"events/{event['id']}/retry", status=409)
        await ask.post("events/999999/retry", status=404)
        await ask.post(f"events/{2**63}/retry", status=404)


async def test_a_delivery_that_was_not_understood_is_shown_whole(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        assert await shop.post("order.placed", {"order": {"id": "1001"}}) == 200

        [event] = (await ask.get("events?state=unreadable"))["events"]

        assert event["state"] == "unreadable"
        assert '"1001"' in event["body"]
        assert event["error"]


async def test_a_database_that_is_away_is_503_and_not_a_secret(tmp_path: Path) -> None:
    async with asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (shop, ask):
        await shop.program.parts.database.write(lambda link: link.execute(unreadable.delete()))
        await shop.program.parts.database.write(lambda link: unreadable.drop(link))

        answer = await ask.get("events?state=unreadable", status=503)

        assert answer["error"]["code"] == "unavailable"
        assert "unreadable" not in answer["error"]["message"]


async def test_a_fuzzer_that_guesses_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    async with asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (shop, _):
        await shop.place()
        await shop.settle()

        assert await fuzzed(shop, tmp_path, "--mode", "all") == ""


async def test_a_fuzzer_that_knows_ids_finds_nothing_to_complain_of(
    tmp_path: Path, database_url: str
) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place()
        await shop.say("我已经付款了")
        await shop.say("找人工", buyer="bob")
        await shop.settle()
        [number, *_] = [case["number"] for case in (await ask.get("cases"))["cases"]]
        known = {"order": "1001", "buyer": "ann", "case": number, "message": "order_confirmation:1001"}

        most = FEWER if database_url.startswith("postgresql") else EXAMPLES
        assert await fuzzed(shop, tmp_path, "--mode", "positive", most=most, **known) == ""


async def fuzzed(shop: World, folder: Path, *options: str, most: int = EXAMPLES, **known: Any) -> str:
    """What a fuzzer says of the running program, shown this shop's token; empty if it has no complaint."""
    async with shop.http.get(f"{shop.url}/api/v1/openapi.json") as answer:
        described = of_one_shop(await answer.json())
    return await complaints(
        described, shop.url, TOKEN, folder, "--max-examples", str(most), *options, **known
    )


async def test_the_description_names_every_answer_and_no_secret(tmp_path: Path) -> None:
    async with asked_world(f"sqlite:///{tmp_path / 'shop.db'}") as (shop, _):
        async with shop.http.get(f"{shop.url}/api/v1/openapi.json") as answer:
            text = await answer.text()
        described = json.loads(text)

        assert described["openapi"] == "3.1.0"
        assert TOKEN not in text
        for path in described["paths"].values():
            for operation in path.values():
                assert {"200", "400", "401", "503"} <= set(operation["responses"])


async def test_segments_and_tiers_are_asked_for_and_tiers_given(database_url: str) -> None:
    rules = {
        "vip": {"tiers": [{"name": "gold", "orders": 1}]},
        "segments": {"bought": "orders >= 1", "none": "not segment bought"},
    }
    async with asked_world(database_url, **rules) as (shop, ask):
        await shop.place("1001", buyer="ann")
        await shop.place("1002", buyer="bob")
        await shop.fact("paid", order="1001", paid_at=NOON, amount="128.00", currency="CNY")
        await shop.settle()
        shop.clock.now += timedelta(days=1)
        await shop.settle()

        found = await ask.get("segments")
        assert {each["name"]: each["buyers"] for each in found["segments"]} == {"bought": 1, "none": 1}
        preview = await ask.get("segments/bought")
        assert (preview["buyers"], preview["known"]) == (1, 2)
        ann = preview["examples"][0]["buyer"]
        assert preview["examples"][0]["because"][0] == {
            "condition": "orders >= 1",
            "holds": True,
            "known": "1",
        }
        tried = await ask.get(f"try-segment?condition={quote('spent > 100 and segment bought')}")
        assert [each["buyer"] for each in tried["examples"]] == [ann]
        wrong = await ask.get("try-segment?condition=spnt", status=409)
        assert "spent" in wrong["error"]["message"]
        assert (await ask.get(f"segments/none/buyers/{ann}"))["holds"] is False
        await ask.get("segments/nothing", status=404)
        await ask.get("segments/none/buyers/nobody", status=404)

        assert (await ask.get("tiers"))["tiers"] == [{"name": "gold", "buyers": 1}]
        assert (await ask.get(f"buyers/{ann}/tier"))["tier"] == "gold"
        given = await ask.post(f"buyers/{ann}/tier/give", {"tier": None, "because": "asked"})
        assert (given["tier"], given["given"]["by"][:4]) == (None, "api:")
        assert (await ask.post(f"buyers/{ann}/tier/end"))["tier"] == "gold"
        await ask.post(f"buyers/{ann}/tier/end", status=409)
        await ask.post(f"buyers/{ann}/tier/give", {"tier": "tin", "because": "x"}, status=404)
        over = {"tier": "gold", "because": "x", "until": "2020-01-01T00:00:00Z"}
        await ask.post(f"buyers/{ann}/tier/give", over, status=409)
        await ask.post("buyers/nobody/tier/give", {"tier": "gold", "because": "x"}, status=404)


async def test_a_campaign_is_looked_at_started_by_one_and_approved_by_another(database_url: str) -> None:
    tea = {
        "segment": "bought",
        "start": "2026-11-01",
        "end": "2026-12-31",
        "offer": "九折：{code}",
        "codes": True,
        "approval": True,
        "quiet": "0d",
    }
    rules = {"segments": {"bought": "orders >= 1"}, "campaigns": {"tea": tea}}
    tokens = [TOKEN, "a token of somebody else"]
    async with world(database_url, api_tokens=tokens, **rules) as shop:
        ask, other = Asking(shop), Asking(shop, tokens[1])
        await shop.place("1001", buyer="ann")
        await shop.fact("paid", order="1001", paid_at=NOON, amount="128.00", currency="CNY")
        await shop.post("buyer.updated", {"buyer": {"id": "ann", "agrees": True}})
        await shop.settle()
        shop.clock.now += timedelta(days=1)
        await shop.settle()

        look = await ask.get("campaigns/tea/look")
        assert (look["told"], look["free_codes"], len(look["texts"])) == (1, 0, 1)
        codes = await ask.post("campaigns/tea/codes", {"codes": [" T-1", "T-1", "T-2"]})
        assert codes["codes"] == [2, 0]
        await ask.post("campaigns/tea/codes", {"codes": ["T\n1"]}, status=409)
        await ask.post("campaigns/tea/start", {"rules": "of another day"}, status=409)
        begun = await ask.post("campaigns/tea/start", {"rules": look["rules"]})
        assert (begun["state"], begun["who"][:4]) == ("waiting", "api:")
        same = await ask.post("campaigns/tea/approve", status=409)
        assert same["error"]["code"] == "same_person"
        assert (await other.post("campaigns/tea/approve"))["state"] == "running"
        assert (await ask.post("campaigns/tea/stop"))["state"] == "stopped"
        await ask.post("campaigns/tea/stop", status=409)
        assert (await ask.post("campaigns/tea/resume"))["state"] == "running"
        assert (await ask.get("campaigns/tea/buyers/ann"))["code"] == "to_come"
        await shop.forward(timedelta(days=2))

        assert (await ask.get("campaigns/tea/buyers/ann"))["code"] == "told"
        [known] = (await ask.get("campaigns"))["campaigns"]
        assert (known["state"], known["messages"], known["codes"]) == ("done", {"sent": 1}, [1, 1])
        result = await ask.get("campaigns/tea/result")
        assert (result["against"]["share"], result["currency"], result["early"]) == (None, "CNY", True)
        await ask.get("campaigns/coffee", status=404)
        await ask.get("campaigns/tea/buyers/nobody", status=404)


async def test_a_buyer_is_exported_and_erased(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place("1001", buyer={"id": "ann", "name": "Ann Zyzzyva"})
        await shop.settle()
        id = (await ask.get("buyers/ann"))["id"]

        export = await ask.get(f"buyers/{id}/export")
        assert "Ann Zyzzyva" in json.dumps(export["records"])
        await ask.get("buyers/ann/export", 404)  # by our id alone
        begun = await ask.post(f"buyers/{id}/erasure")
        assert begun["done_at"] is None
        await shop.program.erase()
        receipt = await ask.get(f"erasures/{begun['id']}")

        assert receipt["done_at"]
        assert receipt["who"].startswith("api:")
        assert receipt["counts"]["orders"] == 1
        assert "Zyzzyva" not in json.dumps(await ask.get("orders/1001"))
        await ask.get(f"buyers/{id}/export", 404)
        await ask.post(f"buyers/{id}/erasure", None, 404)
        await ask.get("erasures/none", 404)


async def test_a_buyers_file_is_searched_read_and_written(database_url: str) -> None:
    async with asked_world(database_url) as (shop, ask):
        await shop.place("1001", buyer={"id": "ann", "name": "Ann Zyzzyva"})
        await shop.place("1002", buyer={"id": "bob", "name": "Bob"})
        await shop.settle()
        (found,) = (await ask.get("buyers?words=zyzz"))["buyers"]
        id = found["id"]

        assert (await ask.post(f"buyers/{id}/notes", {"text": "likes blue"})) == {"buyer": id}
        await ask.post(f"buyers/{id}/tags", {"tag": "regular"})
        await ask.post(f"buyers/{id}/details", {"name": "profiling", "value": "off"})
        file = await ask.get(f"buyers/{id}/file")
        line = await ask.get(f"buyers/{id}/time_line?limit=2")

        assert (file["notes"][0]["text"], file["tags"][0]["text"]) == ("likes blue", "regular")
        assert file["notes"][0]["who"].startswith("api:")
        assert file["profiled"] is False
        assert len(line["moments"]) == 2
        after = await ask.get(f"buyers/{id}/time_line?before={quote(line['next'])}")
        assert after["moments"]
        page = await ask.get("buyers?limit=1")
        assert len((await ask.get(f"buyers?limit=1&behind={page['next']}"))["buyers"]) == 1
        bob = (await ask.get("buyers?words=bob"))["buyers"][0]["id"]
        await ask.post(f"buyers/{id}/joins", {"other": bob})
        assert (await ask.get(f"buyers/{id}/file"))["joined"] == [bob]
        await ask.post(f"buyers/{id}/joins", {"other": bob, "joined": False})
        await ask.post(f"buyers/{id}/joins", {"other": id}, 409)
        await ask.post(f"buyers/{id}/details", {"name": "shoe", "value": "42"}, 422)
        await ask.get("buyers/nobody/file", 404)
        await ask.get(f"buyers/{id}/time_line?before=yesterday", 400)
