"""Who decides what a message means: buttons, commands and wishes by rules, the rest what was learned."""

from datetime import date

import pytest

from bot.domain.meanings import Before, Meaning, Slots, Understanding
from handlers.reading import read
from tests.handlers.world import wrote

COMPLAINT = Understanding("hand_over", (Meaning("complaint", 0.95),))
UNSURE = Understanding("hand_over", (Meaning("price", 0.3),), guessed=True)


def learned(found: Understanding) -> list[str]:
    """What `read` finds where what was learned says so, with whether it was asked."""
    asked: list[str] = []

    def understand(text: str, locale: str, before: Before, today: date | None) -> Understanding:
        asked.append(text)
        return found

    texts = ("STOP", "hello", "where is my order?", "it is all a big joke, isn't it")
    return [read(wrote(text), "en", understand=understand).meanings[0].intent for text in texts] + asked


def test_rules_decide_wishes_and_politeness_and_what_was_learned_decides_the_rest() -> None:
    assert learned(COMPLAINT)[:4] == ["stop", "hello", "complaint", "complaint"]
    assert learned(COMPLAINT)[4:] == ["where is my order?", "it is all a big joke, isn't it"]


def test_who_asks_not_to_stop_is_not_stopped() -> None:
    stop = Understanding("answer", (Meaning("stop", 0.95),))

    for text in ("don't stop", "please never stop writing to me", "不要停"):
        assert read(wrote(text), "en", understand=lambda *_: stop).meanings[0].intent == "unknown"


def test_phrases_decide_where_what_was_learned_is_not_sure() -> None:
    assert learned(UNSURE)[2:4] == ["where_is_order", "price"]


@pytest.mark.parametrize(
    ("text", "kind", "intent"),
    [
        ("menu:where_is_order", "button", "where_is_order"),
        ("menu:how_to_pay", "button", "how_to_pay"),
        ("/human", "text", "person"),
        ("/start " + "a" * 40, "text", "where_is_order"),
        ("/start hi", "text", "hello"),
        ("/whatever", "text", "hello"),
    ],
)
def test_buttons_and_commands_mean_one_thing(text: str, kind: str, intent: str) -> None:
    assert read(wrote(text, kind=kind), "en").meanings[0].intent == intent


def test_numbers_alone_are_like_no_sentence_and_keep_what_they_name() -> None:
    slots = Slots(orders=("1042", "9999"))
    praise = Understanding("answer", (Meaning("praise", 0.9, slots=slots),))

    found = read(wrote("1042 9999"), "en", understand=lambda *_: praise)

    assert (found.outcome, found.meanings[0].intent, found.meanings[0].slots) == (
        "hand_over",
        "unknown",
        slots,
    )
    assert read(wrote("1042 is lovely"), "en", understand=lambda *_: praise) == praise


def test_without_anything_learned_phrases_decide() -> None:
    assert read(wrote("where is my order?"), "en").outcome == "answer"
    assert read(wrote("colourless green ideas"), "en").outcome == "hand_over"


def by_words(text: str, locale: str, before: Before, today: date | None) -> Understanding:
    """Stands for what was learned: it hears words, and none of their negation."""
    for word, intent in (("cancel", "cancel_order"), ("取消", "cancel_order"), ("where", "where_is_order")):
        if word in text:
            return Understanding("answer", (Meaning(intent, 0.95),))
    sure = "到哪" in text or "换货" in text
    meant = Meaning("where_is_order" if "到哪" in text else "return_exchange", 0.95 if sure else 0.3)
    return Understanding("answer" if sure else "hand_over", (meant,), guessed=not sure)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I don't want to cancel, just where is it?", "where_is_order"),
        ("cancel my order, no sorry, where is it?", "where_is_order"),
        ("cancel my order, no sorry, 1 of them", "cancel_order"),
        ("不要取消訂單，到哪了", "where_is_order"),
        ("取消訂單，不對，是問到哪了", "where_is_order"),
        ("打錯了，是換貨", "return_exchange"),
        ("please don't cancel my order", "unknown"),
        ("cancel my order, actually no", "unknown"),
        ("please cancel my order", "cancel_order"),
    ],
)
def test_what_is_denied_taken_back_or_corrected_is_not_meant(text: str, intent: str) -> None:
    assert read(wrote(text), "en", understand=by_words).meanings[0].intent == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I haven't paid yet", "how_to_pay"),
        ("沒匯款", "how_to_pay"),
        ("have I paid?", "payment_status"),
        ("who paid?", "payment_status"),
        ("if I've paid, when does it ship?", "when_ship"),
        ("如果我付款了几天发货", "when_ship"),
        ("I couldn't pay, the page is broken", "payment_failed"),
        ("my card was declined", "payment_failed"),
        ("付款失敗", "payment_failed"),
        ("I have paid", "i_paid"),
        ("我付款了", "i_paid"),
    ],
)
def test_words_of_paying_that_claim_nothing_are_no_claim_whatever_was_learned(text: str, intent: str) -> None:
    learned = Understanding("answer", (Meaning("i_paid", 0.9),))

    assert [each.intent for each in read(wrote(text), "en", understand=lambda *_: learned).meanings] == [
        intent
    ]


@pytest.mark.parametrize("text", ["我真的付不了", "my card was declined"])
def test_no_choice_is_left_of_what_the_words_themselves_say(text: str) -> None:
    between = Understanding("ask", (Meaning("i_paid", 0.5), Meaning("cancel_order", 0.4)), guessed=True)
    found = read(wrote(text), "en", understand=lambda *_: between)
    assert (found.outcome, [each.intent for each in found.meanings]) == ("answer", ["payment_failed"])


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I never got it", "where_is_order"),
        ("好的，但是没收到", "where_is_order"),
        ("it's ok", "acknowledged"),
    ],
)
def test_an_assent_that_is_denied_ends_no_talk(text: str, intent: str) -> None:
    assent = Understanding("answer", (Meaning("acknowledged", 0.9),))

    assert [each.intent for each in read(wrote(text), "en", understand=lambda *_: assent).meanings] == [
        intent
    ]
