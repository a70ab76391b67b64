"""Puts into words how a text was understood: what would be done, each meaning and why, and what it names."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.screen import say, tell
from bot.domain.meanings import BASE, SENTENCE_VECTOR, Meaning, Part, Reason, Slots, Understanding
from bot.seller.words import SellerWords
from bot.settings import yaml_with_lines
from bot.settings.faults import say as say_of_settings
from bot.texts import formats, operator_words
from bot.understanding.folding import NAMES, simplified_of

if TYPE_CHECKING:
    from bot.understanding.examples import FaultyExamples

OF_THE_FORM = ("not_yaml", "not_intents", "no_list")  # faults that YAML may have a better word for


def show_understood(found: Understanding, text: str, words: SellerWords) -> None:
    """Print it on stdout, in the seller's language and the text's own script."""
    reader, written = words.locale, _as_written(text)
    tell(say(f"would_{found.outcome}", reader))
    if not found.meanings or found.meanings[0].intent == "unknown":
        tell(say("nothing_known", reader))
        return
    for meaning in found.meanings:
        tell("\n" + _headline(meaning, reader))
        for line in _why(meaning.reason, written, reader):
            tell(f"  {line}")
    named = list(_named(found.meanings[0].slots, words))
    if named:
        tell("\n" + say("names_it", reader))
        for line in named:
            tell(f"  {line}")


def why_left_out(fault: "FaultyExamples", file: Path, reader: str) -> str:
    """Why a seller's file is not used, with its line and the mend."""
    line, what = fault.line, operator_words.say("examples", fault.code, reader, fault.values)
    if fault.code in OF_THE_FORM:
        faults = yaml_with_lines.read(file.read_text("utf-8-sig")).faults
        complaint = next((each for each in faults if each.line and each.code != "duplicate"), None)
        if complaint:
            line, what = complaint.line, say_of_settings(complaint, reader)
    place = f"{file.name}:{line}" if line else file.name
    return say("examples_left_out", reader, place=place, what=what)


def meaning_named(intent: str, reader: str) -> str:
    """A meaning in words, and by its name; by its name alone where the seller added it."""
    if not operator_words.has("intents", intent):
        return intent
    ours = operator_words.say("intents", intent, reader, {})
    return say("meaning", reader, meaning=ours, intent=intent)


def _headline(meaning: Meaning, reader: str) -> str:
    percent = round(meaning.probability * 100)
    return say("likely", reader, meaning=meaning_named(meaning.intent, reader), percent=percent)


def _as_written(text: str) -> dict[int, str]:
    """The traditional characters of a text by the simplified ones that it is compared by."""
    simplified = simplified_of()
    return {ord(simplified[ord(sign)]): sign for sign in text if ord(sign) in simplified}


def _why(reason: Reason, written: Mapping[int, str], reader: str) -> Iterator[str]:
    if reason.rule:
        yield say("by_phrase", reader)
    if reason.similarity > 0:
        alike = round(reason.similarity * 100)
        yield say("nearest", reader, sentence=reason.nearest, percent=alike)
    pulling = [part for part in reason.parts if part.feature != BASE]
    for code, parts in (
        ("speaks_for", [part for part in pulling if part.weight > 0]),
        ("speaks_against", [part for part in pulling if part.weight < 0]),
    ):
        if parts:
            spoken = dict.fromkeys(_spoken(part, written, reader) for part in _without_pieces(parts))
            yield say(code, reader, words=" · ".join(spoken))


def _without_pieces(parts: list[Part]) -> list[Part]:
    """The parts without those that are a piece of another one, as 东 of 东西."""
    words = {part.feature for part in parts if not part.feature.startswith("(")}
    return [part for part in parts if not any(part.feature in word for word in words - {part.feature})]


def _spoken(part: Part, written: Mapping[int, str], reader: str) -> str:
    if part.feature == SENTENCE_VECTOR:
        return say("whole_sentence", reader)
    feature = part.feature.translate(written)
    for name in NAMES.values():
        kind = name.strip("()")
        feature = feature.replace(name, say(f"feature_{kind}", reader))
    return feature


def _named(slots: Slots, words: SellerWords) -> Iterator[str]:
    reader = words.locale
    for order in slots.orders:
        yield say("names_order", reader, order=order)
    for number in slots.tracking:
        yield say("names_tracking", reader, number=number)
    if slots.amount is not None:
        amount = f"{slots.amount:f} {slots.currency or ''}".strip()
        yield say("names_offer" if slots.offer else "names_amount", reader, amount=amount)
    if slots.quantity is not None:
        yield say("names_quantity", reader, quantity=slots.quantity)
    if slots.postage_free:
        yield say("names_postage_free", reader)
    for phone in slots.phones:
        yield say("names_phone", reader, phone=phone)
    if slots.day is not None:
        day = datetime.combine(slots.day, time(), words.zone)
        yield say("names_day", reader, day=formats.day(day, words.reader))
