"""Draws the ten days: a conversation with times, what was held back and why, and the sums at the end."""

from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from rich.console import Console
from rich.text import Text

from bot.demo.script import FIRST_DAY
from bot.demo.timeline import Settled, TimelineEntry, Unsaid, entries
from bot.demo.transcript import Remark, ShownCase, ShownDelivery, ShownEvent, ShownMessage, Transcript
from bot.demo.wrapping import wrap
from bot.seller.words import SellerWords
from bot.texts.formats import language

BUYER, BOT, PERSON, HELD, SELLER, FACT, REFUSED = (
    *("cyan", "green", "magenta", "yellow", "bright_blue", "dim", "bold red"),
)
INDENT = 7  # cells: a time and the space behind it
LONGEST = 100  # cells of a line, however wide the screen is: longer ones are hard to read


class View:
    """One drawing on one console."""

    def __init__(self, transcript: Transcript, words: dict[str, Any], console: Console) -> None:
        self.transcript = transcript
        self.words = words
        self.console = console
        self.zone = ZoneInfo(transcript.timezone)
        self.names = SellerWords(transcript.locale, self.zone)
        self.width = min(console.width, LONGEST)

    def draw(self) -> None:
        transcript = self.transcript
        self._line(self.words["title"].format(shop=transcript.shop), "bold")
        for line in wrap(self.words["intro"].format(zone=transcript.timezone), self.width):
            self._line(line, FACT)
        self._legend()
        for day, of_day in groupby(entries(transcript), lambda entry: self._local(entry.at).date()):
            self._heading(day)
            clock = ""
            for entry in of_day:
                now = f"{self._local(entry.at):%H:%M}"
                self._entry(entry, now if now != clock or isinstance(entry.what, Remark) else "")
                clock = "" if isinstance(entry.what, Remark) else now
        self._sums()
        self._try_next()

    def _legend(self) -> None:
        legend = self.words["legend"]
        colours = (("buyer", BUYER), ("bot", BOT), ("person", PERSON), ("seller", SELLER))
        marks = (("delivered", "▸", FACT), ("waits", "‖", HELD), ("unsaid", "✗", HELD))
        spoken = [Text(legend[name], style=style) for name, style in colours]
        drawn = [Text(f"{mark} {legend[name]}", style=style) for name, mark, style in marks]
        self._print("")
        self._print(Text(" · ").join(spoken))
        self._print(Text(" · ").join(drawn))

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def _heading(self, day: date) -> None:
        number = (day - FIRST_DAY).days + 1
        shown = format_skeleton("MMMEd", day, locale=language(self.transcript.locale))
        self._part(f"{self.words['day'].format(number=number)} · {shown}")

    def _entry(self, entry: TimelineEntry, clock: str) -> None:
        match entry.what:
            case Remark(text=text):
                self._print("")
                self._item("", "»", text, "italic")
            case ShownDelivery() as delivery:
                self._fact(clock, delivery)
            case ShownEvent() as event:
                self._spoken(clock, event)
            case Unsaid() as unsaid:
                self._unsaid(clock, unsaid)
            case ShownMessage() as message:
                self._said(clock, message)
            case ShownCase() as case:
                self._case(clock, case)
            case Settled(case=case):
                number = self.words["case"].format(number=case.number)
                how = self.words["decided" if case.outcome else "settled"]
                self._item(clock, "✓", how.format(case=number), SELLER)

    def _fact(self, clock: str, delivery: ShownDelivery) -> None:
        what = f"{self.words['kinds'][delivery.kind]} {delivery.order or ''}".rstrip()
        source = f"{self.words['sources'][delivery.channel]} {delivery.kind}"
        if delivery.status != 200:
            self._item(clock, "✗", f"{what} · {source} · {self.words['refused']}", REFUSED)
        elif delivery.repeat:
            self._item(clock, "▸", f"{self.words['again']} · 200", FACT)
        else:
            self._item(clock, "▸", f"{what} · {source} · 200", FACT)

    def _spoken(self, clock: str, event: ShownEvent) -> None:
        way = self.words["kinds"].get(event.type) or self.words["ways"][event.channel]
        if event.order:
            way = f"{way} {event.order}"
        if event.agent:
            self._head(clock, f"{event.agent} → {event.who} · {way}", PERSON)
            self._quoted(event.text or "", PERSON)
            return
        self._head(clock, f"{event.who} · {way}", BUYER)
        self._quoted(event.text or "", BUYER)
        if event.silent:
            self._item("", "‖", event.silent, HELD)

    def _said(self, clock: str, message: ShownMessage) -> None:
        way = self.words["ways"].get(message.channel, message.channel)
        template = self.names.template(message.template)
        self._head(clock, f"{self.words['bot']} → {message.to} · {way} · {template}", BOT)
        if message.subject:
            self._quoted(self.words["subject"].format(subject=message.subject), BOT, "bold")
        self._quoted(message.text or "", BOT)

    def _unsaid(self, clock: str, unsaid: Unsaid) -> None:
        told = [
            self.names.template(name) + (f" ×{count}" if count > 1 else "")
            for name, count in unsaid.templates
        ]
        listed = self.words["comma"].join(told)
        text = self.words["unsaid"].format(what=listed, to=unsaid.to, reason=unsaid.reason)
        self._item(clock, "‖" if unsaid.waits else "✗", text, HELD)

    def _case(self, clock: str, case: ShownCase) -> None:
        number = self.words["case"].format(number=case.number)
        about = f"{self.words['seller']} · {number} · {self.names.case(case.kind)}"
        self._head(clock, about, SELLER)
        self._quoted(case.reason, SELLER)
        if case.draft:
            self._quoted(f"{self.words['draft']}\n{case.draft}", SELLER)

    def _sums(self) -> None:
        self._part(self.words["sums"])
        for name, label in self.words["counts"].items():
            count = getattr(self.transcript.counts, name)
            wrong = name == "doubled" and count
            self._print(Text(f"{count:>5}", style=REFUSED if wrong else "bold"), f"  {label}")

    def _try_next(self) -> None:
        self._part(self.words["next"]["title"])
        for command, what in self.words["next"]["lines"]:
            self._print(Text.assemble("  ", (command, "bold"), "  ", (what, FACT)))

    # Lines

    def _part(self, title: str) -> None:
        head = Text(f"── {title} ", style="bold")
        self._print("")
        self._print(head, Text("─" * (self.width - head.cell_len), style="dim"))

    def _head(self, clock: str, text: str, style: str) -> None:
        for place, line in enumerate(wrap(text, self.width - INDENT)):
            self._print(f"{clock if place == 0 else '':<{INDENT}}", Text(line, style=f"bold {style}"))

    def _quoted(self, text: str, style: str, words: str = "") -> None:
        for line in wrap(text, self.width - INDENT - 2):
            self._print(" " * INDENT, Text("│", style=style), Text(f" {line}" if line else "", style=words))

    def _item(self, clock: str, mark: str, text: str, style: str) -> None:
        for place, line in enumerate(wrap(text, self.width - INDENT - 2)):
            front = f"{clock:<{INDENT}}{mark} " if place == 0 else " " * (INDENT + 2)
            self._print(Text(front + line, style=style))

    def _line(self, text: str, style: str) -> None:
        self._print(Text(text, style=style))

    def _print(self, *parts: Text | str) -> None:
        self.console.print(Text.assemble(*parts), soft_wrap=True, highlight=False)
