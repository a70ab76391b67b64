"""Read a segment's condition as a seller wrote it: a small language, with mistakes by line and column.

orders >= 3 and last_order in the last 90 days and not open_case
spent >= 500.00 or (tier in [gold, silver] and bought "green tea")
segment regulars and city = Berlin
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple, NoReturn, cast

from rapidfuzz import process

from bot.domain.money import parse_money, precision
from bot.domain.segments import (
    FIELDS,
    Ago,
    Amount,
    Either,
    Every,
    Flag,
    Known,
    Not,
    OnDay,
    OneOf,
    Operator,
    Segment,
    SegmentFault,
    Tree,
    Unit,
    as_written,
    leaves,
    look_up,
)

LONGEST = 2000  # characters
DEEPEST = 20  # brackets and nots within each other
MOST = 100  # conditions in one text, and words in one list
LARGEST = 10**15
LONGEST_AGO = 36_500  # of any unit, less than the calendar has
ALIKE = 60  # of 100; below it a guess would be misleading

_OPERATORS: dict[str, Operator] = {
    "=": "=", "==": "=", "＝": "=", "!=": "!=", "<>": "!=", "≠": "!=", ">": ">", "＞": ">",
    "<": "<", "＜": "<", ">=": ">=", "≥": ">=", "<=": "<=", "≤": "<=",
}  # fmt: skip
_UNITS: dict[str, Unit] = {
    "day": "days", "days": "days", "week": "weeks", "weeks": "weeks",
    "month": "months", "months": "months", "year": "years", "years": "years",
}  # fmt: skip
_YES = {"yes": True, "true": True, "no": False, "false": False}
_KEYWORDS = ("and", "or", "not", "segment")
_AFTER = {  # what may stand behind a field of each kind, as it is shown to the seller
    "number": "= != > >= < <=",
    "money": "= != > >= < <=",
    "moment": "in the last, more than ... ago, = != > >= < <=",
    "word": "= != in",
    "set": "has, in",
}

_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<quoted>"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’|「[^」]*」)
    |(?P<open>[(（])|(?P<close>[)）])|(?P<first>[\[［【])|(?P<final>[\]］】])|(?P<comma>[,，、])
    |(?P<operator>>=|<=|!=|==|<>|[=＝≠≥≤<>＜＞])
    |(?P<date>\d{4}-\d{2}-\d{2}(?![\w-]))
    |(?P<number>-?\d+(?:\.\d+)?(?!\w))
    |(?P<word>\w+(?:-\w+)*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    line: int
    column: int

    @property
    def value(self) -> str:
        return self.text[1:-1].strip() if self.kind == "quoted" else self.text


Condition = str | tuple[str, ...]


@lru_cache(maxsize=1024)
def read_segment(condition: Condition, currency: str) -> Tree:
    """The tree of a condition, or of several of which every one must hold. Raises SegmentFault.

    The segments that it names are not looked up.
    """
    if isinstance(condition, str):
        return _Reader(condition, currency, 1).read()
    if not condition:
        raise SegmentFault("segment_empty")
    if sum(map(len, condition)) > LONGEST:
        raise SegmentFault("segment_long", most=LONGEST)
    parts = tuple(_Reader(each, currency, line).read() for line, each in enumerate(condition, start=1))
    return parts[0] if len(parts) == 1 else Every(parts)


Faults = list[tuple[str, SegmentFault]]


def read_segments(
    written: Mapping[str, Condition], currency: str, tiers: Sequence[str] = ()
) -> tuple[dict[str, Tree], Faults]:
    """The trees of a shop's segments, with those that they name, and what is wrong, each with its segment.

    tiers: the names that there are.
    """
    trees: dict[str, Tree] = {}
    faults: Faults = []
    for name, condition in written.items():
        try:
            trees[name] = read_segment(condition, currency)
        except SegmentFault as fault:
            faults.append((name, fault))
    wrong = {name for name, _ in faults}
    found: dict[str, Tree] = {}
    for name, tree in trees.items():
        try:
            found[name] = named(tree, trees, tiers, within=(name,))
        except SegmentFault as fault:
            if fault.values.get("name") not in wrong:  # said already
                faults.append((name, fault))
    return found, faults


def named(tree: Tree, trees: Mapping[str, Tree], tiers: Sequence[str], within: tuple[str, ...] = ()) -> Tree:
    """A tree with the segments that it names. within: the names of the segments around it.

    Raises SegmentFault for a segment or a tier that there is not.
    """
    try:
        found = look_up(tree, trees, within)
    except SegmentFault as fault:
        raise _with_nearest(fault, tuple(trees)) from None
    for leaf in leaves(found):
        unknown = (
            set(leaf.values).difference(tiers) if isinstance(leaf, OneOf) and leaf.field == "tier" else ()
        )
        for given in sorted(unknown):
            raise _with_nearest(SegmentFault("segment_tier", name=given, given=repr(given)), tiers)
    return found


def _with_nearest(fault: SegmentFault, known: Sequence[str]) -> SegmentFault:
    near = nearest(str(fault.values.get("name", "")), known)
    if near is None or fault.code not in ("segment_unknown", "segment_tier"):
        return fault
    return SegmentFault(f"{fault.code}_near", nearest=near, **fault.values)


def nearest(given: str, known: Sequence[str]) -> str | None:
    found = process.extractOne(given, known, score_cutoff=ALIKE)
    return str(found[0]) if found else None


class _Reader:
    """One text. line: that of its first character, as it is told to the seller."""

    def __init__(self, text: str, currency: str, line: int) -> None:
        if len(text) > LONGEST:
            raise SegmentFault("segment_long", most=LONGEST)
        if not _can_be_kept(text):
            raise SegmentFault("segment_sign", line=line, column=1, given=repr(ascii(text)[1:41]))
        self._text = text
        self._currency = currency
        self._tokens = [token for token in _tokens(text, line) if token.kind != "space"]
        self._place = 0
        self._count = 0

    def read(self) -> Tree:
        if len(self._tokens) == 1:
            raise SegmentFault("segment_empty")
        tree = self._either(0)
        token = self._peek()
        if token.kind == "close":
            self._wrong(token, "segment_no_open")
        if token.kind != "end":
            self._wrong(token, "segment_rest")
        return tree

    # and, or, not, brackets

    def _either(self, depth: int) -> Tree:
        parts = [self._every(depth)]
        while self._takes("or"):
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _every(self, depth: int) -> Tree:
        parts = [self._part(depth)]
        while self._takes("and"):
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _part(self, depth: int) -> Tree:
        token = self._peek()
        if depth > DEEPEST:
            self._wrong(token, "segment_deep", most=DEEPEST)
        if self._takes("not"):
            return Not(self._part(depth + 1))
        if token.kind != "open":
            return self._condition()
        self._next()
        inner = self._either(depth + 1)
        if self._peek().kind != "close":
            self._wrong(token, "segment_bracket")
        self._next()
        return inner

    # Conditions

    def _condition(self) -> Tree:
        token = self._next()
        self._count += 1
        if self._count > MOST:
            self._wrong(token, "segment_many", most=MOST)
        if token.kind == "end":
            self._wrong(token, "segment_end")
        if token.kind != "word":
            self._wrong(token, "segment_field", known=", ".join(FIELDS))
        name = token.text.lower()
        if name == "segment":
            named = self._next()
            if named.kind not in ("word", "quoted"):
                self._wrong(named, "segment_name")
            return Segment(name=named.value)
        if name not in FIELDS:
            near = nearest(name, (*FIELDS, *_KEYWORDS))
            if near:
                self._wrong(token, "segment_field_near", nearest=near)
            self._wrong(token, "segment_field", known=", ".join(FIELDS))
        negated = self._peek().text.lower() == "not" and self._peek(1).text.lower() == "in"
        if negated:
            self._next()
        leaf = self._of(name, token)
        return Not(leaf) if negated else leaf

    def _of(self, name: str, field: _Token) -> Tree:
        kind = FIELDS[name]
        if kind == "flag":
            return self._flag(name, field)
        if self._takes("is"):
            return self._known(name, field)
        match kind:
            case "number" | "money":
                operator = self._operator(field, kind)
                value = self._amount(kind)
                return Amount(field=name, text=self._since(field), operator=operator, value=value)
            case "moment":
                return self._moment(name, field)
            case _:
                return self._words(name, field, kind)

    def _flag(self, name: str, field: _Token) -> Flag:
        token = self._peek()
        if token.kind != "operator" and token.text.lower() != "is":
            return Flag(field=name, text=self._since(field))
        self._next()
        said = self._next()
        value = _YES.get(said.text.lower())
        if value is None or _OPERATORS.get(token.text, "=") not in ("=", "!="):
            self._wrong(said, "segment_flag", field=name)
        return Flag(field=name, text=self._since(field), value=value is not (token.text in ("!=", "<>", "≠")))

    def _known(self, name: str, field: _Token) -> Known:
        token = self._next()
        if token.text.lower() not in ("known", "unknown"):
            self._wrong(token, "segment_known", field=name)
        return Known(field=name, text=self._since(field), known=token.text.lower() == "known")

    def _moment(self, name: str, field: _Token) -> Tree:
        if self._takes("in"):
            for word in ("the", "last"):
                if not self._takes(word):
                    self._wrong(self._peek(), "segment_lately", field=name)
            count, unit = self._time(name)
            return Ago(field=name, text=self._since(field), count=count, unit=unit, lately=True)
        token = self._peek()
        if token.text.lower() in ("more", "less"):
            self._next()
            if not self._takes("than"):
                self._wrong(self._peek(), "segment_lately", field=name)
            count, unit = self._time(name)
            if not self._takes("ago"):
                self._wrong(self._peek(), "segment_lately", field=name)
            lately = token.text.lower() == "less"
            return Ago(field=name, text=self._since(field), count=count, unit=unit, lately=lately)
        operator = self._operator(field, "moment")
        token = self._next()
        try:
            day = date.fromisoformat(token.text)
            if token.kind != "date" or not 1900 <= day.year <= 9000:
                raise ValueError
        except ValueError:
            self._wrong(token, "segment_date")
        return OnDay(field=name, text=self._since(field), operator=operator, day=day)

    def _time(self, name: str) -> tuple[int, Unit]:
        number, word = self._next(), self._next()
        unit = _UNITS.get(word.text.lower())
        if number.kind != "number" or not number.text.isascii() or not number.text.isdecimal():
            self._wrong(number, "segment_lately", field=name)
        if unit is None:
            self._wrong(word, "segment_lately", field=name)
        if int(number.text[:9]) > LONGEST_AGO // (1 if unit == "days" else 400 if unit == "years" else 31):
            self._wrong(number, "segment_large")
        return int(number.text), unit

    def _words(self, name: str, field: _Token, kind: str) -> OneOf:
        token = self._peek()
        negated = False
        if self._takes("in"):
            values = self._list(name, field)
        else:
            shorthand = name == "bought" and (token.kind == "quoted" or token.text.lower() != "has")
            if kind == "set" and (self._takes("has") or (shorthand and token.kind in ("quoted", "word"))):
                pass
            else:
                operator = self._operator(field, kind)
                if operator not in ("=", "!="):
                    self._wrong(token, "segment_operator", field=name, known=_AFTER[kind])
                negated = operator == "!="
            values = (self._word(name),)
        return OneOf(field=name, text=self._since(field), values=values, negated=negated)

    def _list(self, name: str, field: _Token) -> tuple[str, ...]:
        opening = self._next()
        if opening.kind != "first":
            self._wrong(opening, "segment_list", field=name)
        values = [self._word(name)]
        while self._peek().kind == "comma":
            self._next()
            values.append(self._word(name))
        if len(values) > MOST:
            self._wrong(opening, "segment_many", most=MOST)
        if self._next().kind != "final":
            self._wrong(opening, "segment_list", field=name)
        return tuple(dict.fromkeys(values))

    def _word(self, name: str) -> str:
        token = self._next()
        value = as_written(name, token.value)
        if token.kind not in ("word", "quoted", "number", "date") or not value:
            self._wrong(token, "segment_word", field=name)
        return value

    def _amount(self, kind: Literal["number", "money"]) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isascii():
            self._wrong(token, "segment_number")
        try:
            if abs(Decimal(token.text)) >= LARGEST:
                self._wrong(token, "segment_large")
            if kind == "money":
                return parse_money(token.text, self._currency).minor
            return int(token.text)
        except ValueError:
            if kind == "money":
                places = precision(self._currency)
                self._wrong(token, "segment_decimals", currency=self._currency, places=places)
            self._wrong(token, "segment_whole")

    # Tokens

    def _operator(self, field: _Token, kind: str) -> Operator:
        token = self._next()
        operator = _OPERATORS.get(token.text) if token.kind == "operator" else None
        if operator is None:
            self._wrong(token, "segment_operator", field=field.text.lower(), known=_AFTER[kind])
        return operator

    def _peek(self, ahead: int = 0) -> _Token:
        return self._tokens[min(self._place + ahead, len(self._tokens) - 1)]

    def _next(self) -> _Token:
        token = self._peek()
        self._place += token.kind != "end"
        return token

    def _takes(self, word: str) -> bool:
        token = self._peek()
        if token.kind != "word" or token.text.lower() != word:
            return False
        self._next()
        return True

    def _since(self, field: _Token) -> str:
        """What was read from this token on, in one line."""
        last = self._tokens[self._place - 1]
        return " ".join(self._text[field.start : last.start + len(last.text)].split())

    def _wrong(self, token: _Token, code: str, **values: object) -> NoReturn:
        given = " ".join(token.text.split())[:40]
        if token.kind == "sign":
            code = "segment_quote" if token.text in "\"'“‘「" else "segment_sign"
        elif token.kind == "end" and code in _AT_THE_END:
            code = "segment_end"
        raise SegmentFault(code, line=token.line, column=token.column, given=repr(given), **values)


# Faults that say no more than that something is missing, where the text is over.
_AT_THE_END = {"segment_field", "segment_name", "segment_word", "segment_number", "segment_date"}


def _can_be_kept(text: str) -> bool:
    """True if a database could store it: PostgreSQL stores no NUL, and UTF-8 no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _tokens(text: str, line: int) -> list[_Token]:
    found = []
    begins = 0  # of the line
    for match in _TOKENS.finditer(text):
        kind, words = cast(str, match.lastgroup), match[0]
        found.append(_Token(kind, words, match.start(), line, match.start() - begins + 1))
        if "\n" in words:
            line += words.count("\n")
            begins = match.start() + words.rindex("\n") + 1
    found.append(_Token("end", "", len(text), line, len(text) - begins + 1))
    return found
