"""The filters of templates: show a value as money, time, number or list in the reader's language."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from jinja2.runtime import Undefined

from bot.domain.errors import TemplateError
from bot.domain.money import Money
from bot.texts import formats

TEXT_MAX = 16_000  # characters of any intermediate text, and of the whole by default
NUMBER_MAX = 10**15


def filters(locale: str) -> dict[str, Callable[..., Any]]:
    return {
        "money": partial(_money, locale=locale),
        "date": partial(_of_time, formats.date, "date", locale=locale),
        "time": partial(_of_time, formats.time, "time", locale=locale),
        "moment": partial(_of_time, formats.moment, "moment", locale=locale),
        "duration": partial(_duration, locale=locale),
        "plural": partial(_plural, locale=locale),
        "number": partial(_number, locale=locale),
        "join_list": partial(_join_list, locale=locale),
        "join": _join,
        "default": _default,
        "length": _length,
        "first": partial(_end, 0),
        "last": partial(_end, -1),
        "upper": lambda text: _text(text).upper(),
        "lower": lambda text: _text(text).lower(),
        "trim": lambda text: _text(text).strip(),
        "_counted": _counted,
    }


def _counted(value: Any, steps: list[int], weight: int) -> Any:
    if type(value) not in (list, tuple):
        raise TemplateError("{% for %} needs a list here")
    steps[0] -= len(value) * weight
    if steps[0] < 0:
        raise TemplateError("its loops take too many steps")
    return value


def shown(value: Any) -> Any:
    """Check what {{ }} shows. Raises TemplateError for None and for values that need a filter."""
    if type(value) in (str, int, float) or isinstance(value, Undefined):
        return value
    if value is None:
        raise TemplateError("there is nothing to show here; put it between {% if %} and {% endif %}")
    if isinstance(value, datetime):
        raise TemplateError("say how a time shall be shown: | date, | time or | moment")
    if isinstance(value, Money):
        raise TemplateError("say how an amount shall be shown: | money")
    if isinstance(value, timedelta):
        raise TemplateError("say how a length of time shall be shown: | duration")
    raise TemplateError("this is not a text or a number; pick one of its parts")


def _money(amount: Any, currency: str | None = None, *, locale: str) -> str:
    if type(amount) is int and type(currency) is str and len(currency) == 3:
        amount = Money(amount, currency)
    if type(amount) is not Money:
        raise TemplateError(f"money: {_named(amount)} is no amount of money")
    return formats.money(amount, locale)


def _of_time(show: Callable[[datetime, str], str], name: str, at: Any, *, locale: str) -> str:
    if not isinstance(at, datetime):
        raise TemplateError(f"{name}: {_named(at)} is no time")
    return show(at, locale)


def _duration(wait: Any, *, locale: str) -> str:
    if isinstance(wait, timedelta):
        wait = int(wait.total_seconds())
    if type(wait) is not int or abs(wait) > NUMBER_MAX:
        raise TemplateError(f"duration: {_named(wait)} is no length of time")
    return formats.duration(wait, locale)


def _plural(count: Any, *, locale: str, **forms: str) -> str:
    """{{ n | plural(one="# item", other="# items") }}; # is the number."""
    if type(count) not in (int, float) or abs(count) > NUMBER_MAX:
        raise TemplateError(f"plural: {_named(count)} is no number")
    form = forms.get(formats.plural_form(count, locale)) or forms.get("other")
    if form is None:
        raise TemplateError('plural: give at least other="..."')
    return _bounded(_text(form).split("#"), formats.number(count, locale))


def _number(count: Any, *, locale: str) -> str:
    if type(count) not in (int, float) or abs(count) > NUMBER_MAX:
        raise TemplateError(f"number: {_named(count)} is no number")
    return formats.number(count, locale)


def _join_list(parts: Any, *, locale: str) -> str:
    if type(parts) not in (list, tuple) or len(parts) > 100:
        raise TemplateError("join_list: this is no list, or a very long one")
    return formats.join_list([_text(part) for part in parts], locale)


def _join(parts: Any, between: str = "") -> str:
    if type(parts) not in (list, tuple):
        raise TemplateError("join: this is no list")
    return _bounded([_text(part) for part in parts], _text(between))


def _default(value: Any, other: Any) -> Any:
    return other if isinstance(value, Undefined) or value is None or value == "" else value


def _length(value: Any) -> int:
    if type(value) not in (str, list, tuple):
        raise TemplateError(f"length: {_named(value)} has none")
    return len(value)


def _end(index: int, value: Any) -> Any:
    if type(value) not in (str, list, tuple) or not value:
        raise TemplateError("first and last need a list that is not empty")
    return value[index]


def _text(value: Any) -> str:
    if isinstance(value, Undefined) or type(value) in (int, float):
        return str(value)
    if type(value) is not str:
        shown(value)
        raise TemplateError(f"{_named(value)} is no text")
    return value


def _bounded(parts: list[str], between: str) -> str:
    if sum(map(len, parts)) + len(between) * len(parts) > TEXT_MAX:
        raise TemplateError(f"a text grows longer than {TEXT_MAX} characters")
    return between.join(parts)


def _named(value: Any) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises, naming it
    return "nothing" if value is None else f"{type(value).__name__}"
