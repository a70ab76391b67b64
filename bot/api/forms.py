"""Forms of the JSON API: each once, for requests, responses and the OpenAPI description."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bot.domain.context import Category
from bot.domain.forecast import Change, Figures, Forecast, Foreseen, by_hour, figures
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.segments import Told
from bot.operations.buyer_export import Export
from bot.seller import explanation as explanations
from bot.seller.campaigning import LONGEST_CODE, Standing
from bot.seller.knowing import BuyerTier, Membership, Preview, Size, TierSizes, told_value
from bot.seller.promised import Promised
from bot.seller.words import SellerWords
from storage.buyer_file import Found, Moment
from storage.buyer_scope import Candidate
from storage.erasures import Erasure
from storage.lookup import LARGEST_ID
from storage.profiles import BuyerProfile, OrderProfile
from storage.promise_records import PromiseRow
from storage.read_models import CaseView, EventView, Message, UnreadableView
from storage.tier_records import TierRow

LONGEST_NAME = 200
FAULTS_SHOWN = 100  # of a statement
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


class Statement(Form, frozen=True, kw_only=True):
    content: Annotated[str, Meta(min_length=1, description="the text of the file: CSV, CAMT.053 or MT940")]
    bank: Annotated[Name, Meta(description="whose form it has; found out, if not given")] | None = None
    dry_run: Annotated[bool, Meta(description="true: only say what would be matched")] = False


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


class CandidateForm(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a name may mean. said: the name was only said of it, and proves nothing."""

    id: str
    name: str | None
    addresses: list[AddressForm]
    orders: int
    said: bool


class ExportForm(msgspec.Struct, frozen=True, kw_only=True):
    """All that is stored about a buyer: rows by table. `archived`: of the archive's files, likewise."""

    shop: str
    buyer: str
    exported_at: datetime
    records: dict[str, list[dict[str, Any]]]
    archived: dict[str, list[dict[str, Any]]]
    said_elsewhere: Annotated[
        list[CandidateForm], Meta(description="others' files in which an address of theirs was only said")
    ]


class FoundForm(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None
    email: str | None
    phone: str | None
    tags: list[str]


class Buyers(msgspec.Struct, frozen=True, kw_only=True):
    buyers: list[FoundForm]
    next: str | None


class BuyersQuery(Form, frozen=True, kw_only=True):
    words: Annotated[
        str, Meta(max_length=LONGEST_NAME, description="in a name, address, order, tag, note")
    ] = ""
    limit: Limit = 50
    behind: Annotated[str, Meta(max_length=LONGEST_NAME, description="`next` of the page before")] = ""


class TimeLineQuery(Form, frozen=True, kw_only=True):
    limit: Limit = 50
    before: (
        Annotated[str, Meta(max_length=2 * LONGEST_NAME, description="`next` of the page before")] | None
    ) = None


class TimeLine(msgspec.Struct, frozen=True, kw_only=True):
    moments: list[Moment]
    next: str | None


class NoteText(Form, frozen=True, kw_only=True):
    text: Annotated[str, Meta(min_length=1, max_length=4000)]


class TagText(Form, frozen=True, kw_only=True):
    tag: Name
    on: Annotated[bool, Meta(description="false: take it off")] = True


class DetailText(Form, frozen=True, kw_only=True):
    name: Literal["city", "occupation", "taste", "profiling"]
    value: Annotated[str, Meta(max_length=LONGEST_NAME)] | None = None


class JoinText(Form, frozen=True, kw_only=True):
    other: Annotated[Name, Meta(description="our id of the other file")]
    joined: Annotated[bool, Meta(description="false: read them apart again")] = True


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    buyer: str


class ErasureForm(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure under way, or its receipt, which has no data of anybody. `counts`: rows by table."""

    id: str
    at: datetime
    who: str
    step: str
    counts: dict[str, int]
    done_at: datetime | None


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    event: int
    state: Literal["open"]


class SettledForm(msgspec.Struct, frozen=True, kw_only=True):
    case: int
    confirmed: bool


class SumForm(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    minor: Annotated[dict[str, int], Meta(description="by currency, in whole minor units")]


class CandidateOrder(msgspec.Struct, frozen=True, kw_only=True):
    order: str
    number: str
    hints: Annotated[list[str], Meta(description="what speaks for it, and against it")]


class DoubtForm(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    case: Annotated[int | None, Meta(description="null in a trial run")]
    booked_at: datetime
    amount: Money
    payer: str
    text: str
    candidates: list[CandidateOrder]
    says: Annotated[str, Meta(description="in the seller's language")]


class FaultForm(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    column: Annotated[str | None, Meta(description="in the file's own words")]
    code: str
    text: Annotated[str, Meta(description="in the seller's language")]


class StatementForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement came to: the certain matches by way and by bank, the doubtful ones, and the rest."""

    bad: Annotated[list[FaultForm], Meta(description="if there are any, nothing was counted")]
    dry_run: bool
    lines: int
    known: Annotated[int, Meta(description="counted before")]
    ignored: Annotated[dict[str, int], Meta(description="lines by which no money came, by why")]
    certain: dict[str, SumForm]
    banks: dict[str, SumForm]
    doubtful: SumForm
    nothing: SumForm
    doubts: list[DoubtForm]


class ConditionForm(msgspec.Struct, frozen=True, kw_only=True):
    condition: str
    holds: bool
    known: Annotated[str | None, Meta(description="of this buyer: a number, an amount, a time, words")]


class MemberForm(msgspec.Struct, frozen=True, kw_only=True):
    buyer: str
    who: str | None
    because: Annotated[list[ConditionForm], Meta(description="the conditions that decide")]


class SegmentSize(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    condition: str
    buyers: int


class Segments(msgspec.Struct, frozen=True, kw_only=True):
    """`as_of`: when the figures were summed up whole; what arrives since follows within minutes."""

    segments: list[SegmentSize]
    as_of: datetime | None


class SegmentQuery(Form, frozen=True, kw_only=True):
    condition: Annotated[str, Meta(max_length=600, description="as it would stand in the settings")] = ""


class SegmentPreview(msgspec.Struct, frozen=True, kw_only=True):
    condition: str
    buyers: int
    known: Annotated[int, Meta(description="of how many buyers figures are kept")]
    as_of: datetime | None
    examples: list[MemberForm]


class SegmentWhy(msgspec.Struct, frozen=True, kw_only=True):
    """`profiled`: false for a buyer of whom no figures are kept; they are in no segment."""

    buyer: str
    who: str | None
    holds: bool
    profiled: bool
    because: list[ConditionForm]


class TierRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`r`, `f`, `m`: points for how lately, how often, for how much; null where thresholds decided."""

    kind: Annotated[str, Meta(description="kept: decided at night; given: by the seller")]
    tier: str | None
    since: datetime
    until: datetime | None
    r: int | None
    f: int | None
    m: int | None
    orders: int | None
    spent: Annotated[str | None, Meta(description="within vip.period, in the shop's currency")]
    last_order_at: datetime | None
    by: str | None
    because: str | None


class TierSize(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    buyers: int


class GivenForm(msgspec.Struct, frozen=True, kw_only=True):
    buyer: str
    who: str | None
    record: TierRecord


class Tiers(msgspec.Struct, frozen=True, kw_only=True):
    tiers: list[TierSize]
    bought_lately: Annotated[int, Meta(description="buyers, within vip.period")]
    by_points: Annotated[bool, Meta(description="false: too few buyers for fifths; thresholds decide")]
    as_of: datetime | None
    given: list[GivenForm]


class PromiseShare(msgspec.Struct, frozen=True, kw_only=True):
    """`low` and `high`: of the share kept among kept and missed, Wilson's interval at 95 percent; `verdict`:
    few (under 30), met, missed, or unclear while the goal lies within the interval."""

    name: str
    since: str
    until: str
    goal: float
    open: int
    kept: int
    missed: int
    excused: int
    withdrawn: int
    low: float | None
    high: float | None
    verdict: str


class PromiseForm(msgspec.Struct, frozen=True, kw_only=True):
    """`about`: order: and its id, or case: and its number. `number`: of the order, as buyers see it."""

    name: str
    about: str
    number: str | None
    given_at: datetime
    due_at: datetime
    done_at: datetime | None


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """Of 90 days. `due_soon`: open, and due within 7 days."""

    from_at: datetime
    as_of: datetime
    promises: list[PromiseShare]
    due_soon: list[PromiseForm]
    missed: list[PromiseForm]


class BuyerTierForm(msgspec.Struct, frozen=True, kw_only=True):
    buyer: str
    who: str | None
    tier: str | None
    given: TierRecord | None
    history: list[TierRecord]


class TierGift(Form, frozen=True, kw_only=True):
    tier: Annotated[str | None, Meta(description="one of vip.tiers; null: none, whatever they bought")]
    because: Annotated[str, Meta(min_length=1, max_length=500)]
    until: Annotated[datetime, Meta(tz=True)] | None = None


class CampaignList(msgspec.Struct, frozen=True, kw_only=True):
    campaigns: list[Standing]


class CampaignWhy(msgspec.Struct, frozen=True, kw_only=True):
    buyer: str
    code: str
    text: Annotated[str, Meta(description="in the seller's language")]


class CampaignStart(Form, frozen=True, kw_only=True):
    rules: Annotated[Name, Meta(description="as the look has them, so that nothing was changed since")]


class CampaignCodes(Form, frozen=True, kw_only=True):
    codes: Annotated[list[Annotated[str, Meta(min_length=1, max_length=LONGEST_CODE)]], Meta(min_length=1)]


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


def preview_form(found: Preview, currency: str) -> SegmentPreview:
    return SegmentPreview(
        condition=found.condition,
        buyers=found.buyers,
        known=found.known,
        as_of=found.as_of,
        examples=[
            MemberForm(buyer=each.buyer, who=each.who, because=_conditions(each.because, currency))
            for each in found.examples
        ],
    )


def segment_why_form(found: Membership, currency: str) -> SegmentWhy:
    return SegmentWhy(
        buyer=found.buyer,
        who=found.who,
        holds=found.holds,
        profiled=found.profiled,
        because=_conditions(found.because, currency),
    )


def segments_form(found: Sequence[Size], as_of: datetime | None) -> Segments:
    sizes = [SegmentSize(name=each.name, condition=each.condition, buyers=each.buyers) for each in found]
    return Segments(segments=sizes, as_of=as_of)


def tiers_form(found: TierSizes, currency: str) -> Tiers:
    return Tiers(
        tiers=[TierSize(name=name, buyers=buyers) for name, buyers in found.sizes],
        bought_lately=found.lately,
        by_points=found.points,
        as_of=found.as_of,
        given=[
            GivenForm(buyer=buyer, who=who, record=_tier_record(row, currency))
            for buyer, who, row in found.given
        ],
    )


def promises_form(found: Promised) -> Promises:
    return Promises(
        from_at=found.from_at,
        as_of=found.as_of,
        promises=[
            PromiseShare(**{name: getattr(each, name) for name in PromiseShare.__struct_fields__})
            for each in found.shares
        ],
        due_soon=[_promise(row) for row in found.due_soon],
        missed=[_promise(row) for row in found.missed],
    )


def _promise(row: PromiseRow) -> PromiseForm:
    return PromiseForm(**{name: getattr(row, name) for name in PromiseForm.__struct_fields__})


def buyer_tier_form(found: BuyerTier, currency: str) -> BuyerTierForm:
    return BuyerTierForm(
        buyer=found.buyer,
        who=found.who,
        tier=found.tier,
        given=_tier_record(found.given, currency) if found.given else None,
        history=[_tier_record(row, currency) for row in found.history],
    )


def _tier_record(row: TierRow, currency: str) -> TierRecord:
    same = ("kind", "tier", "since", "until", "r", "f", "m", "orders", "last_order_at")
    spent = None if row.spent_minor is None else str(Money(row.spent_minor, currency).decimal)
    known = {name: getattr(row, name) for name in same}
    return TierRecord(**known, spent=spent, by=row.who, because=row.reason)


def _conditions(those: Iterable[Told], currency: str) -> list[ConditionForm]:
    return [
        ConditionForm(condition=each.text, holds=each.holds, known=told_value(each, currency))
        for each in those
    ]


def found_form(found: Found) -> FoundForm:
    named = {name: getattr(found, name) for name in ("id", "name", "email", "phone")}
    return FoundForm(**named, tags=list(found.tags))


def candidate_form(found: Candidate) -> CandidateForm:
    return CandidateForm(
        id=found.id,
        name=found.name,
        addresses=[AddressForm(kind=kind, value=value) for kind, value in found.addresses],
        orders=found.orders,
        said=found.said,
    )


def export_form(found: Export) -> ExportForm:
    said = [candidate_form(each) for each in found.said_elsewhere]
    named = {name: getattr(found, name) for name in ("shop", "buyer", "exported_at", "records", "archived")}
    return ExportForm(**named, said_elsewhere=said)


def erasure_form(erasure: Erasure) -> ErasureForm:
    return ErasureForm(**{name: getattr(erasure, name) for name in ErasureForm.__struct_fields__})


def _why(reason: Any, words: SellerWords) -> str:
    return words.reason(reason.code, reason.values)
