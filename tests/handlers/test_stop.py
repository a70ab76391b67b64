"""Opting out, in every way buyers write it, and what only looks like it."""

from importlib.resources import files

import pytest

from bot.domain.actions import CallHuman, Consent, OpenCase, Say
from bot.domain.context import Conversation
from bot.domain.events import BuyerOptedOut, BuyerRef, OffersConfirmed
from bot.domain.wishes import EMAIL, Standing
from handlers.normalise import normalise
from handlers.stop import wants_no_offers, wants_resume, wants_stop
from tests.handlers.world import PLACED, Desk, answers, chat_context, days, decide, hours, placed, wrote

SAID = PLACED + hours(1)  # when `wrote` writes

STOPS = (
    *("停止", "停止！", "請停止", "请停止。"),
    *("TD", "td", "TD。", "T", "回TD", "退订", "退訂", "我要退订", "请帮我取消订阅", "取消訂閱"),
    *(
        "不要再发了",
        "别再给我发消息",
        "请不要再给我发短信了",
        "別再傳訊息給我",
        "別再打擾我",
        "停止发送",
        "不想再收到你们的短信",
        "不要发了",
        "別再寄信給我",
        "不要再寄这些广告给我",
    ),
    *("stop", "STOP!", "Stop.", "please stop", "please stop texting me", "Stop sending me these messages"),
    *(
        "OK, stop it now",
        "I asked you to stop",
        "unsubscribe",
        "Please unsubscribe me",
        "opt out",
        "leave me alone",
    ),
    *("don't text me anymore", "no more messages", "no more emails please", "remove me from your list"),
    *("cancel my subscription", "ＳＴＯＰ"),
)
NOT_STOPS = (
    *(
        "don't stop",
        "Please don't stop",
        "never stop",
        "a non-stop flight",
        "the bus stop",
        "I will stop by tomorrow",
    ),
    *(
        "one-stop shop",
        "my mixer does not stop",
        "it will stop working",
        "stop my order",
        "stop the delivery please",
    ),
    *(
        "不要退订",
        "T恤有吗",
        "先别发，地址错了",
        "不要寄了，我不要了",
        "别寄了 退钱吧",
        "不要发了，我不要了",
        "别发错货了",
        "不要发顺丰",
        "分别发两个地址",
        "特别发货快",
        "不用找零",
        "TDK耳机有吗",
    ),
    *("stopper for a bottle", "unstoppable", "nonstop", "how do I stop the alarm"),
)


@pytest.mark.parametrize("text", STOPS)
def test_a_stop_is_obeyed(text: str) -> None:
    assert wants_stop(normalise(text))


@pytest.mark.parametrize("text", NOT_STOPS)
def test_what_only_looks_like_stop_is_none(text: str) -> None:
    assert not wants_stop(normalise(text))


def test_a_stop_in_the_chat_is_recorded_and_confirmed() -> None:
    consent, said = decide(wrote("谢谢，请不要再给我发消息了"), chat_context())

    assert consent == Consent(stop=True, at=SAID)
    assert isinstance(said, Say)
    assert (said.template, said.to) == ("stopped", "telegram:42")


def test_a_stop_and_a_claim_of_payment_in_one_message_both_count() -> None:
    order = Desk().take(placed()).order
    assert order is not None
    context = chat_context(order)

    consent, said, case = decide(wrote("Stop! I already paid"), context)

    assert consent == Consent(stop=True, at=SAID)
    assert isinstance(said, Say)
    assert isinstance(case, OpenCase)
    assert (said.template, case.kind, case.order) == ("stopped", "payment_claim", "1001")


def test_a_stop_is_obeyed_without_a_reply_while_a_person_talks() -> None:
    busy = Conversation(channel="telegram", address="42", buyer="ann", human_until=PLACED + days(1))

    assert decide(wrote("stop"), chat_context(conversation=busy)) == [Consent(stop=True, at=SAID)]


def test_a_stop_is_obeyed_in_an_edited_message_and_under_a_photo() -> None:
    assert decide(wrote("stop", kind="edit"), chat_context())[0] == Consent(stop=True, at=SAID)
    assert decide(wrote("stop", kind="other"), chat_context())[0] == Consent(stop=True, at=SAID)


def test_a_stop_outside_the_chat_is_recorded_in_silence() -> None:
    event = BuyerOptedOut(
        channel="mail", external_id="u1", at=PLACED, buyer=BuyerRef(email="ann@example.com")
    )

    assert decide(event, chat_context()) == []


def test_an_address_that_confirms_offers_is_recorded_in_silence() -> None:
    event = OffersConfirmed(channel="link", external_id="o1", at=PLACED, address=(EMAIL, "ann@example.com"))

    assert decide(event, chat_context()) == []


def test_who_stopped_may_come_back_with_a_word() -> None:
    consent, said = decide(wrote("恢復"), chat_context(standing=Standing(stopped_at=PLACED)))

    assert consent == Consent(stop=False, at=SAID)
    assert isinstance(said, Say)
    assert said.template == "resumed"


def test_a_word_that_is_older_than_the_one_that_stands_is_recorded_and_answered_by_nothing() -> None:
    later = SAID + hours(1)
    stopped, resumed = Standing(stopped_at=later), Standing(resumed_at=later)

    for text, standing in (("START", stopped), ("stop", stopped), ("stop", resumed), ("no offers", stopped)):
        (only,) = decide(wrote(text), chat_context(standing=standing))
        assert isinstance(only, Consent)
    assert answers(wrote("START"), chat_context(standing=Standing(stopped_at=SAID))) == ["stopped"]


def test_start_from_one_who_never_stopped_is_recorded_and_greeted() -> None:
    """An older stop may still be under way: it must find the newer wish."""
    assert wants_resume(normalise("START"))
    assert answers(wrote("START"), chat_context()) == ["hello"]
    assert decide(wrote("START"), chat_context())[0] == Consent(stop=False, at=SAID)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("stop", Consent(stop=True, at=SAID)),
        ("START", Consent(stop=False, at=SAID)),
        ("no offers", Consent(stop=False, promotions=False, at=SAID)),
    ],
)
def test_every_wish_is_recorded_in_an_edit_under_a_photo_and_while_a_person_talks(
    text: str, wish: Consent
) -> None:
    busy = Conversation(channel="telegram", address="42", buyer="ann", human_until=PLACED + days(1))

    assert decide(wrote(text, kind="edit"), chat_context())[0] == wish
    assert decide(wrote(text, kind="other"), chat_context())[0] == wish
    assert decide(wrote(text), chat_context(conversation=busy)) == [wish]


@pytest.mark.parametrize(
    "text",
    [
        *("NO OFFERS", "no offers.", "No offers, please", "不要优惠", "不要優惠", "“不要优惠”", "不要优惠了"),
    ],
)
def test_the_smaller_wish_ends_offers_alone(text: str) -> None:
    assert wants_no_offers(normalise(text))
    assert not wants_stop(normalise(text))

    consent, said = decide(wrote(text), chat_context())

    assert consent == Consent(stop=False, promotions=False, at=SAID)
    assert isinstance(said, Say)
    assert (said.template, said.to) == ("offers_ended", "telegram:42")


@pytest.mark.parametrize(
    "text",
    [
        *("no more offers please", "stop offers", "unsubscribe from marketing only", "stop sending me ads"),
        *("don't send me any more promotional emails", "opt out of marketing", "please stop the newsletter"),
        *("只是不要广告", "别发广告了", "不想再收到你们的广告", "广告短信不要再发了"),
        *("不要再傳廣告", "不要再傳行銷簡訊", "請別再寄促銷郵件給我", "拒收廣告"),
    ],
)
def test_the_smaller_wish_in_ones_own_words_ends_offers_and_takes_no_stop_back(text: str) -> None:
    consent, said = decide(wrote(text), chat_context())

    assert consent == Consent(promotions=False, at=SAID)
    assert isinstance(said, Say)
    assert said.template == "offers_ended"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("STOP and where is my order?", "stopped"),
        ("no more ads, when do you ship?", "offers_ended"),
        ("stop. Is the blue mug in stock?", "stopped"),
        ("退订。蓝色的杯子还有吗？", "stopped"),
        ("別再傳簡訊了，藍色的杯子還有嗎？", "stopped"),
        ("STOP. cancel my order", "stopped"),
        ("STOP, the mug arrived broken", "stopped"),
        ("停止，我的訂單到哪了", "stopped"),
        ("退订，取消订单", "stopped"),
    ],
)
def test_what_is_asked_or_wished_beside_a_wish_to_hear_no_more_stands_in_a_case(text: str, said: str) -> None:
    order = Desk().take(placed()).order
    assert order is not None

    assert answers(wrote(text), chat_context(order)) == [said]
    call = CallHuman(reason="not_understood", details={"text": text})
    assert decide(wrote(text), chat_context(order))[-1] == call


def test_a_wish_to_hear_no_more_alone_is_no_case() -> None:
    for text in ("can you stop texting me?", "stop texting me, ok?"):
        assert len(decide(wrote(text), chat_context())) == 2


@pytest.mark.parametrize("text", ["how do I get off your mailing list", "I want to leave the newsletter"])
def test_who_wants_to_be_off_a_list_gets_no_offers_and_takes_no_stop_back(text: str) -> None:
    assert wants_no_offers(normalise(text))
    stopped = chat_context(standing=Standing(stopped_at=PLACED))
    for context, template in ((chat_context(), "offers_ended"), (stopped, "stopped")):
        consent, said = decide(wrote(text), context)

        assert consent == Consent(promotions=False, at=SAID)
        assert isinstance(said, Say)
        assert said.template == template


def test_the_smaller_wish_in_answer_to_a_stop_takes_the_stop_back() -> None:
    """The answer to STOP offers it instead; shipping notices come again."""
    consent, said = decide(wrote("不要优惠"), chat_context(standing=Standing(stopped_at=PLACED)))

    assert consent == Consent(stop=False, promotions=False, at=SAID)
    assert isinstance(said, Say)
    assert said.template == "offers_ended"


@pytest.mark.parametrize(
    "text",
    [
        "any offers?",
        "no offers today?? what is the price",
        "有优惠吗",
        "不要优惠券可以便宜吗",
        "no more offers, and no more texts",
        "stop the ads and the texts",
        "不要广告，短信也别发了",
        "you do not offer express?",
        "I don't want the promo code",
        "the code from your newsletter does not work",
        "take me off your mailing list",
    ],
)
def test_what_only_speaks_of_offers_is_not_the_smaller_wish(text: str) -> None:
    assert not wants_no_offers(normalise(text))


@pytest.mark.parametrize(
    ("locale", "shipping", "words"),
    [
        ("en", "delivery updates", ("in this chat", "NO OFFERS", "START")),
        ("zh-CN", "发货通知", ("这个聊天", "不要优惠", "恢复")),
        ("zh-TW", "出貨通知", ("這個聊天", "不要優惠", "恢復")),
    ],
)
def test_the_answer_to_a_stop_says_what_ends_and_offers_words_that_are_understood(
    locale: str, shipping: str, words: tuple[str, ...]
) -> None:
    text = files("templates").joinpath(locale, "stopped.txt").read_text("utf-8")

    assert shipping in text
    assert all(word in text for word in words)
    assert wants_no_offers(normalise(words[1]))
    assert wants_resume(normalise(words[2]))


def test_a_stopped_buyers_own_question_is_answered() -> None:
    stopped = Standing(stopped_at=PLACED - days(1))

    assert answers(wrote("什么时候发货"), chat_context(standing=stopped)) == ["when_ship"]
