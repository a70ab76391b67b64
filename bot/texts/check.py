"""Check every template on sample buyers and orders, for `xiaoer check`."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import nodes

from bot.domain.errors import TemplateError
from bot.domain.messages import MessagePolicies
from bot.domain.shop import LOCALES, Shop
from bot.texts.catalogue import (
    CHAT_MAX,
    STOP_LINE,
    STOP_WORDS,
    Catalogue,
    Version,
    locale_chain,
    split_subject,
)
from bot.texts.faults import TemplateFault, as_fault, recognise
from bot.texts.operator_words import say
from bot.texts.parts import Parts
from bot.texts.samples import samples
from bot.texts.situations import JOINT
from bot.texts.template_engine import Compiled, TemplateEnvironment, parse
from bot.texts.unread import unread
from bot.texts.variables import PARTS, VARIABLES

_KNOWN = (
    frozenset(
        ".".join(path.split(".")[: end + 1]).removesuffix("[]")
        for path in VARIABLES
        for end in range(path.count(".") + 1)
    )
    | {path.rpartition(".")[0] for path in VARIABLES if "[]" in path}
    | {path for path in VARIABLES if path.endswith("[]")}
)

_BOUNDS = frozenset({"too_many_steps", "text_grows", "number_grows"})  # what costs the most to meet
_ABOUT_ORDERS = re.compile(r"\b(order|parcel|payment)\b")  # names whose values hang on an order's situation


class Finding(msgspec.Struct, frozen=True, order=True):
    """One fault, with its sentence in the reader's language. `own`: in the seller's file, not in ours."""

    file: str
    line: int | None
    code: str
    what: str
    own: bool


def check_templates(
    texts: Catalogue, shop: Shop, policies: MessagePolicies, reader: str = "en", ours_too: bool = True
) -> list[Finding]:
    """Try every template in every language on the worst samples; one finding for each fault.

    reader: the language of the findings, one of LOCALES. ours_too: try our own words in every situation as
    well, as our tests do; else in the ordinary ones and in the languages of the shop's settings, which is
    where those meet our words.
    """
    check = _Check(texts, shop, policies, reader)
    found = {check.finding(fault, own=True) for fault in _unreadable(texts)}
    broken = {finding.file for finding in found}
    spoken = _spoken(shop)
    for version in texts.versions:
        found |= set(check.unused(version))
        if version.where not in broken:
            thoroughly = ours_too or version.own
            if not thoroughly and version.locale not in spoken:
                continue
            wrong = set(check.unknown_names(version)) if thoroughly else set()  # no setting adds one to ours
            found |= wrong or set(check.tried(version, thoroughly))
    return sorted(found, key=lambda finding: (finding.file, finding.line or 0, finding.what))


def _spoken(shop: Shop) -> frozenset[str]:
    """English, the shop's language, and each that words of its settings are for."""
    own = next((each for each in locale_chain(shop.locale) if each in LOCALES), "en")
    named = {key[:2] for key in _keys(shop.model_dump())}
    return frozenset({"en", own, *(each for each in LOCALES if each[:2] in named)})


def _keys(settings: Any) -> Iterator[str]:
    match settings:
        case dict():
            yield from (key for key in settings if isinstance(key, str))
            yield from _keys(tuple(settings.values()))
        case list() | tuple():
            for each in settings:
                yield from _keys(each)


def check_words(
    words: Version, texts: Catalogue, shop: Shop, policies: MessagePolicies, reader: str = "en"
) -> list[Finding]:
    """Try one text that is no file of the catalogue, as `check_templates` tries those."""
    check = _Check(texts, shop, policies, reader)
    fault = why_unparsed(words)
    if fault is not None:
        return [check.finding(fault, own=True)]
    return sorted(set(check.unknown_names(words)) or set(check.tried(words)))


def check_folder(folder: Path, texts: Catalogue, reader: str = "en") -> list[Finding]:
    """Find what the seller's folder has that nothing reads, or that reads otherwise than it was meant."""
    return sorted(
        Finding(fault.where, fault.line, fault.code, fault.said(reader), own=True)
        for fault in unread(folder, texts)
    )


class _Check:
    def __init__(self, texts: Catalogue, shop: Shop, policies: MessagePolicies, reader: str) -> None:
        self._texts = texts
        self._shop = shop
        self._policies = policies
        self._reader = reader
        self._samples = cache(self._tried_with)

    def _tried_with(self, name: str, every_situation: bool) -> list[tuple[str, Parts]]:
        return list(samples(name, self._shop, self._policies, every_situation))

    def finding(self, fault: TemplateFault, own: bool, label: str | None = None) -> Finding:
        """label: of the sample that the template fails on."""
        what = fault.said(self._reader)
        if label:
            parts = (say("samples", part, self._reader, {}) for part in label.split(JOINT))
            sample = ", ".join(parts) if self._reader == "en" else "，".join(parts)
            what = say("templates", "tried_with", self._reader, {"what": what, "sample": sample})
        return Finding(fault.where, fault.line, fault.code, what, own)

    def tried(self, version: Version, thoroughly: bool = True) -> Iterator[Finding]:
        seen: set[str] = set()
        every_situation = thoroughly and bool(_ABOUT_ORDERS.search(version.source))
        for label, variables in self._samples(version.name, every_situation):
            fault = _fault(version, self._texts, variables)
            if fault and str(fault) not in seen:
                seen.add(str(fault))
                yield self.finding(fault, version.own, label)
            if fault and fault.code in _BOUNDS:
                return  # a text that eats time or memory is told of once, and not tried again

    def unused(self, version: Version) -> Iterator[Finding]:
        promoted = {offer.template for offer in self._shop.offers.values()}
        known = {*self._policies, *PARTS}
        if version.name in known or version.name in promoted:
            return
        near = get_close_matches(version.name, known, 1)
        fault = (
            TemplateFault("unused_near", {"nearest": f"{near[0]}.txt"}) if near else TemplateFault("unused")
        )
        yield self.finding(fault.placed(version.where), version.own)

    def unknown_names(self, version: Version) -> Iterator[Finding]:
        tree = parse(TemplateEnvironment(version.locale), version.where, version.source)
        for line, path in _names(tree, {}):
            if path not in _KNOWN:
                yield self.finding(_unknown(path).placed(version.where, line), version.own)


def _unreadable(texts: Catalogue) -> Iterator[TemplateFault]:
    """What the catalogue could not read or compile of the seller's files."""
    own = {version.where: version for version in texts.versions if version.own}
    for text in texts.faults:
        fault = recognise(text)
        yield why_broken(own[fault.where], {}) if fault.where in own else fault


def why_unparsed(version: Version) -> TemplateFault | None:
    """Why a text is no template; None if it is one."""
    try:
        Compiled(TemplateEnvironment(version.locale), version.where, version.source)
    except TemplateFault as fault:
        return fault
    except TemplateError as error:
        return as_fault(error)
    return None


def why_broken(version: Version, variables: Mapping[str, Any]) -> TemplateFault:
    """Why a template cannot be filled in, found by doing so, since a catalogue reports texts only."""
    try:
        Compiled(TemplateEnvironment(version.locale), version.where, version.source).fill(variables)
    except TemplateFault as fault:
        return fault
    return TemplateFault("says_nothing", where=version.where)


def _fault(version: Version, texts: Catalogue, variables: Mapping[str, Any]) -> TemplateFault | None:
    try:
        rendered = texts.render(version, variables)
    except TemplateError as error:
        return as_fault(error)
    if rendered.fault:
        return why_broken(version, variables)
    text, where = split_subject(rendered.text)[1], version.where
    if len(text) > CHAT_MAX:
        return TemplateFault("chat_long", {"most": CHAT_MAX}, where)
    if not text:
        return TemplateFault("subject_only", where=where)
    if version.name == STOP_LINE and not STOP_WORDS.search(text):
        return TemplateFault("no_stop_word", where=where)
    return None


def _unknown(path: str) -> TemplateFault:
    near = get_close_matches(path, _KNOWN, 1)
    name = path.replace("[]", "")
    if not near:
        return TemplateFault("unknown_name", {"name": name})
    return TemplateFault("unknown_name_near", {"name": name, "nearest": near[0].replace("[]", "")})


def _names(node: nodes.Node, local: dict[str, str | None]) -> Iterator[tuple[int, str]]:
    """Every path of names that is read, with its line. `local` are the template's own names."""
    match node:
        case nodes.For(target=nodes.Name(name=target), iter=things):
            yield from _names(things, local)
            path = _path(things, local)
            inside = {**local, target: f"{path}[]" if path else None, "loop": None}
            for child in (node.test, *node.body, *node.else_):
                yield from _names(child, inside) if child else ()
        case nodes.Assign(target=nodes.Name(name=target), node=value):
            yield from _names(value, local)
            local[target] = _path(value, local)
        case nodes.Name() | nodes.Getattr() | nodes.Getitem() if (path := _path(node, local)) is not None:
            yield node.lineno, path
        case nodes.Name():
            return
        case _:
            for child in node.iter_child_nodes():
                yield from _names(child, local)


def _path(node: nodes.Node, local: dict[str, str | None]) -> str | None:
    """ "order.items[].title" for a chain of names; None for anything else and what grows from it."""
    match node:
        case nodes.Name(name=name):
            return local[name] if name in local else str(name)
        case (
            nodes.Getattr(node=inner, attr=part) | nodes.Getitem(node=inner, arg=nodes.Const(value=str(part)))
        ):
            path = _path(inner, local)
            return f"{path}.{part}" if path else None
        case nodes.Getitem(node=inner):
            path = _path(inner, local)
            return f"{path}[]" if path else None
        case nodes.Filter(node=inner, name="first" | "last") if inner is not None:
            path = _path(inner, local)
            return f"{path}[]" if path else None
    return None
