"""The filters of templates: show a value as money, time, number or list in the reader's language."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from jinja2.runtime import Undefined

from bot.domain.money import Money
from bot.domain.working_days import WEEKDAYS
from bot.texts import formats
from bot.texts.faults import TemplateFault

TEXT_MAX = 16_000  # characters of any intermediate text, and of the whole by default
NUMBER_MAX = 10**15


def filters(locale: str) -> dict[str, Callable[..., Any]]:
    return {
        "money": partial(_money, locale=locale),
        "date": partial(_of_time, formats.date, "date", locale=locale),
        "day": partial(_of_time, formats.day, "day", locale=locale),
        "time": partial(_of_time, formats.time, "time", locale=locale),
        "moment": partial(_of_time, formats.moment, "moment", locale=locale),
        "duration": partial(_duration, formats.duration, locale=locale),
        "workdays": partial(_duration, formats.workdays, locale=locale),
        "plural": partial(_plural, locale=locale),
        "number": partial(_number, locale=locale),
        "weekdays": partial(_weekdays, locale=locale),
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
        raise TemplateFault("for_needs_list")
    steps[0] -= len(value) * weight
    if steps[0] < 0:
        raise TemplateFault("too_many_steps")
    return value


def shown(value: Any) -> Any:
    """Check what {{ }} shows. Raises TemplateError for None and for values that need a filter."""
    if type(value) in (str, int, float) or isinstance(value, Undefined):
        return value
    if value is None:
        raise TemplateFault("nothing_to_show")
    if isinstance(value, datetime):
        raise TemplateFault("show_time")
    if isinstance(value, Money):
        raise TemplateFault("show_money")
    if isinstance(value, timedelta):
        raise TemplateFault("show_duration")
    raise TemplateFault("show_parts")


def _money(amount: Any, currency: str | None = None, *, locale: str) -> str:
    if type(amount) is int and type(currency) is str and len(currency) == 3:
        amount = Money(amount, currency)
    if type(amount) is not Money:
        raise TemplateFault("no_money", {"given": _kind(amount)})
    return formats.money(amount, locale)


def _of_time(show: Callable[[datetime, str], str], name: str, at: Any, *, locale: str) -> str:
    if not isinstance(at, datetime):
        raise TemplateFault("no_time", {"filter": name, "given": _kind(at)})
    return show(at, locale)


def _duration(show: Callable[[int, str], str], wait: Any, *, locale: str) -> str:
    if isinstance(wait, timedelta):
        wait = int(wait.total_seconds())
    if type(wait) is not int or abs(wait) > NUMBER_MAX:
        raise TemplateFault("no_duration", {"given": _kind(wait)})
    return show(wait, locale)


def _plural(count: Any, *, locale: str, **forms: str) -> str:
    """{{ n | plural(one="# item", other="# items") }}; # is the number."""
    if type(count) not in (int, float) or abs(count) > NUMBER_MAX:
        raise TemplateFault("no_number", {"filter": "plural", "given": _kind(count)})
    form = forms.get(formats.plural_form(count, locale)) or forms.get("other")
    if form is None:
        raise TemplateFault("plural_other")
    return _bounded(_text(form).split("#"), formats.number(count, locale))


def _number(count: Any, *, locale: str) -> str:
    if type(count) not in (int, float) or abs(count) > NUMBER_MAX:
        raise TemplateFault("no_number", {"filter": "number", "given": _kind(count)})
    return formats.number(count, locale)


def _weekdays(days: Any, *, locale: str) -> str:
    if type(days) not in (list, tuple) or not set(days) <= set(WEEKDAYS):
        raise TemplateFault("no_list")
    return formats.weekdays(tuple(days), locale)


def _join_list(parts: Any, either: bool = False, *, locale: str) -> str:
    if type(parts) not in (list, tuple) or len(parts) > 100:
        raise TemplateFault("no_short_list")
    return formats.join_list([_text(part) for part in parts], locale, either)


def _join(parts: Any, between: str = "") -> str:
    if type(parts) not in (list, tuple):
        raise TemplateFault("no_list")
    return _bounded([_text(part) for part in parts], _text(between))


def _default(value: Any, other: Any) -> Any:
    return other if isinstance(value, Undefined) or value is None or value == "" else value


def _length(value: Any) -> int:
    if type(value) not in (str, list, tuple):
        raise TemplateFault("no_length", {"given": _kind(value)})
    return len(value)


def _end(index: int, value: Any) -> Any:
    if type(value) not in (str, list, tuple) or not value:
        raise TemplateFault("no_ends")
    return value[index]


def _text(value: Any) -> str:
    if isinstance(value, Undefined) or type(value) in (int, float):
        return str(value)
    if type(value) is not str:
        shown(value)
        raise TemplateFault("no_text", {"given": _kind(value)})
    return value


def _bounded(parts: list[str], between: str) -> str:
    if sum(map(len, parts)) + len(between) * len(parts) > TEXT_MAX:
        raise TemplateFault("text_grows", {"most": TEXT_MAX})
    return between.join(parts)


def _kind(value: Any) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises, naming it
    return "nothing" if value is None else f"{type(value).__name__}"
