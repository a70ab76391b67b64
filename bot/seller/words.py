"""Words for the seller, from seller.yaml: reasons as sentences, names of states, kinds and templates."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2.meta import find_undeclared_variables

from bot.domain.errors import TemplateError
from bot.domain.money import parse_money
from bot.domain.shop import LOCALES, Shop
from bot.domain.untrusted_text import quote
from bot.texts import formats
from bot.texts.languages import nearest_language
from bot.texts.template_engine import Compiled, TemplateEnvironment, parse
from bot.texts.word_files import load_words

QUOTED_MAX = 120  # characters of a buyer's words, or of an error, in one sentence

_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})\b")


class SellerWords:
    """Words in one language, times in one zone. What has no words is shown as its code and values.

    locale: of the words. reader: the seller's own, in whose way times and sums are written.
    at_most: characters of what others wrote.
    """

    def __init__(self, locale: str, zone: ZoneInfo | None = None, at_most: int = QUOTED_MAX) -> None:
        self._at_most = at_most
        self.locale = nearest_language(locale)
        self.reader = formats.nearest(self.locale, locale)
        self.zone = zone or ZoneInfo("UTC")
        self._words = load_words(self.locale, "seller.yaml")

    @classmethod
    def of(cls, shop: Shop) -> "SellerWords":
        """The words of a shop's seller, who reads dates as people do in the shop's region."""
        locale = shop.seller.locale or shop.locale
        return cls(formats.regional(locale, shop.locale, shop.region), shop.zone())

    def whole(self, at_most: int) -> "SellerWords":
        """The same words, with more of what others wrote."""
        return SellerWords(self.reader, self.zone, at_most)

    def reason(self, code: str, values: Mapping[str, Any]) -> str:
        """The reason as a sentence, its times in the seller's zone."""
        return self._sentence("reasons", code, values)

    def phrase(self, code: str, values: Mapping[str, Any]) -> str:
        """A sentence of a page, such as the one behind an unsubscribe link."""
        return self._sentence("phrases", code, values)

    def desk(self, code: str, values: Mapping[str, Any]) -> str:
        """An answer to the seller in their own chat."""
        return self._sentence("desk", code, values)

    def summary(self, code: str, values: Mapping[str, Any]) -> str:
        """A line of what a person needs to know of a case."""
        return self._sentence("summary", code, values)

    def _sentence(self, table: str, code: str, values: Mapping[str, Any]) -> str:
        known = _sentences(self.locale, self.reader, table).get(code)
        if known is None:
            return _bare(code, values)
        sentence, names = known
        try:
            return sentence.fill(
                {
                    **dict.fromkeys(names),
                    **{name: self._shown(name, value) for name, value in values.items()},
                }
            )
        except (TemplateError, ValueError):  # an old record may carry values of another shape
            return _bare(code, values)

    def state(self, name: str) -> str:
        """Of a message or an event."""
        return self._name("states", name)

    def order_state(self, name: str) -> str:
        return self._name("orders", name)

    def category(self, name: str) -> str:
        return self._name("categories", name)

    def case(self, kind: str) -> str:
        return self._name("cases", kind)

    def cause(self, name: str) -> str:
        """Of a complaint."""
        return self._name("causes", name)

    def template(self, name: str) -> str:
        return self._name("templates", name)

    def moment(self, at: datetime) -> str:
        return formats.moment(at.astimezone(self.zone), self.reader)

    def _name(self, table: str, name: str) -> str:
        return str(self._words[table].get(name, name))

    def _shown(self, name: str, value: Any) -> Any:
        match value:
            case datetime():
                return value.astimezone(self.zone)
            case date():
                return datetime.combine(value, time(), UTC)
            case int() if name == "lateness":
                return timedelta(seconds=value)
            case list():
                return [self._line(str(line)) for line in value]
            case str() if name.endswith("_at") or name in ("until", "end"):
                return _parsed(value, self.zone)
            case str() if name == "day":
                return datetime.combine(date.fromisoformat(value), time(), UTC)
            case str() if name in ("amount", "total", "paid", "refunded"):
                return quote(_AMOUNT.sub(self._money, value), self._at_most)
            case str() if name == "template":
                return self.template(value)
            case str() if name in ("cause", "concern"):
                return self._name(f"{name}s", value)
            case str():
                return quote(value, self._at_most)
        return value

    def _money(self, amount: re.Match[str]) -> str:
        return formats.money(parse_money(amount[1], amount[2]), self.reader)

    def _line(self, line: str) -> str:
        """One line of an order's history: template, state, time."""
        template, _, rest = line.partition(" ")
        state, _, at = rest.partition(" ")
        named = f"{self.template(template)} {self.state(state)}".strip()
        try:
            return f"{named} {self.moment(datetime.fromisoformat(at))}" if at else named
        except ValueError:
            return line


def _parsed(text: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(zone)


def _bare(code: str, values: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{name}={value}" for name, value in values.items())
    return f"{code} ({shown})" if shown else code


@lru_cache(maxsize=8 * len(LOCALES))
def _sentences(locale: str, reader: str, table: str) -> dict[str, tuple[Compiled, frozenset[str]]]:
    """Every sentence of a table with the names in it, which are empty where no value is given."""
    environment = TemplateEnvironment(reader)
    sentences = {}
    for code, sentence in load_words(locale, "seller.yaml")[table].items():
        where = f"{locale}/seller.yaml {code}"
        names = find_undeclared_variables(parse(environment, where, sentence))
        sentences[code] = Compiled(environment, where, sentence), frozenset(names)
    return sentences
