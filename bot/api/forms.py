"""Forms of the JSON API: each once, for requests, responses and the OpenAPI description."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bot.domain.context import Category
from bot.domain.forecast import Change, Figures, Forecast, Foreseen, by_hour, figures
from bot.domain.orders import Order
from bot.seller import explanation as explanations
from bot.seller.words import SellerWords
from storage.lookup import LARGEST_ID
from storage.profiles import BuyerProfile, OrderProfile
from storage.read_models import CaseView, EventView, Message, UnreadableView

LONGEST_NAME = 200
BODY_SHOWN = 4000  # characters of an event or delivery that is shown; the whole stays in the database

State = Literal["queued", "sending", "sent", "skipped", "withdrawn", "failed", "unknown"]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Limit = Annotated[int, Meta(ge=1, le=200, description="how many at most")]
After = Annotated[int, Meta(ge=1, le=LARGEST_ID, description="`next` of the page before")]


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request. Unknown names are refused, since a misspelt filter would show too much."""


class NoQuery(Form, frozen=True, kw_only=True):
    pass


class MessagesQuery(Form, frozen=True, kw_only=True):
    order: Annotated[Name, Meta(description="an order's id or number")] | None = None
    buyer: Annotated[Name, Meta(description="our id of a buyer, or one of their addresses")] | None = None
    state: Annotated[tuple[State, ...], Meta(description="may be given several times")] = ()
    template: Name | None = None
    since: (
        Annotated[datetime, Meta(tz=True, description="decided on then or later; with its offset")] | None
    ) = None
    limit: Limit = 50
    after: After | None = None


class EventsQuery(Form, frozen=True, kw_only=True):
    state: Annotated[
        Literal["parked", "unreadable", "open"],
        Meta(description="put aside since they failed, deliveries not understood, or waiting"),
    ] = "parked"
    limit: Limit = 50
    after: After | None = None


class CasesQuery(Form, frozen=True, kw_only=True):
    state: Literal["open", "all"] = "open"
    limit: Limit = 50
    after: After | None = None


class Settlement(Form, frozen=True, kw_only=True):
    confirmed: Annotated[bool, Meta(description="true: the payment that a buyer claims was found")]


class Why(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    values: dict[str, Any]
    text: Annotated[str, Meta(description="in the seller's language")]


class MessageForm(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: Annotated[str, Meta(description="as receivers see it")]
    key: Annotated[str, Meta(description="what it says, once for ever")]
    state: State
    template: str
    category: Category
    locale: str | None
    own_words: bool
    buyer: str
    order: str | None
    created_at: datetime
    due_at: datetime
    try_at: datetime
    settled_at: datetime | None
    channel: str | None
    address: str | None
    attempts: int
    reason: Why | None
    text: str | None


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    messages: list[MessageForm]
    next: int | None


class ForeseenForm(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a forecast. at: when it is said or left out; null: it still waits at the end."""

    key: str
    state: State
    template: str
    category: Category
    buyer: str
    order: str | None
    due_at: datetime
    at: datetime | None
    reason: Why | None
    held: Annotated[Why | None, Meta(description="why it does not go when it is due")]
    channel: str | None
    text: str | None


class HourForm(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    messages: int


class ForecastForm(msgspec.Struct, frozen=True, kw_only=True):
    began_at: datetime
    until: datetime
    messages: list[ForeseenForm]
    figures: Figures
    by_hour: list[HourForm]


class ChangeForm(msgspec.Struct, frozen=True, kw_only=True):
    """What is otherwise under other settings; null: it does not exist there."""

    before: ForeseenForm | None
    after: ForeseenForm | None


class ComparedForm(msgspec.Struct, frozen=True, kw_only=True):
    forecast: ForecastForm
    changes: list[ChangeForm]


class ChapterForm(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    lines: list[str]


class AttemptForm(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at: datetime
    channel: str
    outcome: str
    why: str | None


class EventForm(msgspec.Struct, frozen=True, kw_only=True):
    """`body` is cut to the first few thousand characters."""

    id: int
    channel: str
    state: str
    type: str | None
    external_id: str | None
    received_at: datetime
    handled_at: datetime | None
    rule: str | None
    error: str | None
    body: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`story` is `chapters` as one text; `preview` is what a waiting message would say now."""

    message: MessageForm
    title: str
    chapters: list[ChapterForm]
    story: str
    event: EventForm | None
    attempts: list[AttemptForm]
    preview: str | None


class Events(msgspec.Struct, frozen=True, kw_only=True):
    events: list[EventForm]
    next: int | None


class WordForm(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    who: Literal["buyer", "person"]
    kind: Annotated[
        str, Meta(description="text, button, edit, sticker or other: a picture, with its caption")
    ]
    text: str


class CaseForm(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    kind: str
    reason: Why
    order: str | None
    buyer: str | None
    who: str | None
    draft: str | None
    opened_at: datetime
    closed_at: datetime | None
    asked_at: Annotated[datetime | None, Meta(description="the buyer's last words that want an answer")]
    answered_at: Annotated[datetime | None, Meta(description="the last reply of a person")]
    waits: Annotated[bool, Meta(description="false once it is closed, or a person answered the last words")]
    words: Annotated[list[WordForm], Meta(description="said in the chat since it was opened")]


class Cases(msgspec.Struct, frozen=True, kw_only=True):
    cases: list[CaseForm]
    next: int | None


class OrderForm(msgspec.Struct, frozen=True, kw_only=True):
    """`record` holds all facts, merged. Amounts are whole minor units: 12800 is CNY 128.00."""

    id: str
    number: str
    state: str
    buyer: str | None
    record: Order
    messages: list[MessageForm]
    cases: list[CaseForm]


class AddressForm(msgspec.Struct, frozen=True, kw_only=True):
    kind: Annotated[str, Meta(description="email, phone, or a channel's name")]
    value: str


class ChatForm(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    address: str
    last_in_at: datetime | None
    human_until: datetime | None
    blocked_at: datetime | None


class NoteForm(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    text: str
    at: datetime


class BuyerForm(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None
    locale: str | None
    timezone: str | None
    agrees: Annotated[bool | None, Meta(description="to offers; null: never said")]
    stopped: bool
    addresses: list[AddressForm]
    conversations: list[ChatForm]
    notes: list[NoteForm]
    orders: list[Order]


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    event: int
    state: Literal["open"]


class SettledForm(msgspec.Struct, frozen=True, kw_only=True):
    case: int
    confirmed: bool


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    message: str


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    error: Problem


def message_form(message: Message, words: SellerWords) -> MessageForm:
    reason = message.reason
    named = {
        name: getattr(message, name)
        for name in MessageForm.__struct_fields__
        if name not in ("own_words", "reason")
    }
    why = Why(code=reason.code, values=reason.values, text=_why(reason, words)) if reason else None
    return MessageForm(**named, own_words=message.own, reason=why)


def forecast_form(found: Forecast, words: SellerWords) -> ForecastForm:
    return ForecastForm(
        began_at=found.began_at,
        until=found.until,
        messages=[foreseen_form(each, words) for each in found.messages],
        figures=figures(found),
        by_hour=[HourForm(at=at, messages=count) for at, count in by_hour(found)],
    )


def foreseen_form(each: Foreseen, words: SellerWords) -> ForeseenForm:
    named = {
        name: getattr(each, name) for name in ForeseenForm.__struct_fields__ if name not in ("reason", "held")
    }
    reason, held = (
        Why(code=why.code, values=why.values, text=_why(why, words)) if why else None
        for why in (each.reason, each.held)
    )
    return ForeseenForm(**named, reason=reason, held=held)


def change_form(change: Change, words: SellerWords) -> ChangeForm:
    before, after = (foreseen_form(each, words) if each else None for each in (change.before, change.after))
    return ChangeForm(before=before, after=after)


def case_form(case: CaseView, words: SellerWords) -> CaseForm:
    named = {
        name: getattr(case, name) for name in CaseForm.__struct_fields__ if name not in ("reason", "words")
    }
    why = Why(code=case.reason.code, values=case.reason.values, text=_why(case.reason, words))
    words_said = [
        WordForm(**{name: getattr(word, name) for name in WordForm.__struct_fields__}) for word in case.words
    ]
    return CaseForm(**named, reason=why, words=words_said)


def event_form(event: EventView) -> EventForm:
    named = {name: getattr(event, name) for name in EventForm.__struct_fields__ if name != "body"}
    return EventForm(**named, body=event.body[:BODY_SHOWN])


def unread_form(unread: UnreadableView) -> EventForm:
    return EventForm(
        id=unread.id,
        channel=unread.channel,
        state="unreadable",
        type=None,
        external_id=None,
        received_at=unread.received_at,
        handled_at=None,
        rule=None,
        error=unread.error,
        body=unread.body[: 4 * BODY_SHOWN].decode(errors="replace")[:BODY_SHOWN],
    )


def explanation_form(explained: explanations.Explanation, words: SellerWords) -> Explanation:
    return Explanation(
        message=message_form(explained.message, words),
        title=explained.title,
        chapters=[ChapterForm(title=each.title, lines=list(each.lines)) for each in explained.sections],
        story=explanations.as_text(explained),
        event=event_form(explained.event) if explained.event else None,
        attempts=[AttemptForm(**msgspec.structs.asdict(attempt)) for attempt in explained.attempts],
        preview=explained.preview,
    )


def order_form(file: OrderProfile, words: SellerWords) -> OrderForm:
    order = file.order
    return OrderForm(
        id=order.id,
        number=order.shown_number,
        state=order.state,
        buyer=order.buyer,
        record=order,
        messages=[message_form(message, words) for message in file.messages],
        cases=[case_form(case, words) for case in file.cases],
    )


def buyer_form(file: BuyerProfile) -> BuyerForm:
    buyer = file.buyer
    return BuyerForm(
        id=buyer.id,
        name=buyer.name,
        locale=buyer.locale,
        timezone=buyer.timezone,
        agrees=file.agrees,
        stopped=file.stopped,
        addresses=[AddressForm(kind=kind, value=value) for kind, value in file.addresses],
        conversations=[
            ChatForm(**{name: getattr(chat, name) for name in ChatForm.__struct_fields__})
            for chat in file.conversations
        ],
        notes=[NoteForm(kind=note.kind, text=note.text, at=note.at) for note in file.notes],
        orders=list(file.orders),
    )


def _why(reason: Any, words: SellerWords) -> str:
    return words.reason(reason.code, reason.values)
