"""Whether every template says something sensible to every buyer: what `xiaoer check` reports."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import msgspec
from jinja2 import nodes

from bot.domain.errors import TemplateError
from bot.domain.messages import MessagePolicies
from bot.domain.shop import Shop
from bot.texts.catalogue import CHAT_MAX, STOP_LINE, STOP_WORDS, Catalogue, Version, split_subject
from bot.texts.samples import samples
from bot.texts.template_engine import TemplateEnvironment, parse
from bot.texts.variables import PARTS, VARIABLES

_WHERE = re.compile(r"(?P<file>\S+\.txt)(?:, line (?P<line>\d+))?: (?P<what>.*)", re.DOTALL)
_KNOWN = frozenset(
    ".".join(path.split(".")[: end + 1]).removesuffix("[]")
    for path in VARIABLES
    for end in range(path.count(".") + 1)
) | {path.rpartition(".")[0] for path in VARIABLES if "[]" in path}


class Finding(msgspec.Struct, frozen=True, order=True):
    """One thing to mend, in words for the seller. `own`: it is in her file, not in ours."""

    file: str
    line: int | None
    what: str
    own: bool


def check_templates(texts: Catalogue, shop: Shop, policies: MessagePolicies) -> list[Finding]:
    """Try every template in every language on the worst buyers; one finding for each fault."""
    found = {_finding(fault, own=True) for fault in texts.faults}
    broken = {finding.file for finding in found}
    for version in texts.versions:
        found |= set(_unused(version, shop, policies))
        if version.where not in broken:
            found |= set(_unknown_names(version)) or set(_tried(version, texts, shop, policies))
    return sorted(found, key=lambda finding: (finding.file, finding.line or 0, finding.what))


def _tried(version: Version, texts: Catalogue, shop: Shop, policies: MessagePolicies) -> Iterator[Finding]:
    told: set[str] = set()
    for label, variables in samples(version.name, shop, policies):
        fault = _fault(version, texts, variables)
        if fault and fault not in told:
            told.add(fault)
            finding = _finding(fault, version.own)
            yield msgspec.structs.replace(finding, what=f"{finding.what} (tried with {label})")


def _fault(version: Version, texts: Catalogue, variables: dict[str, Any]) -> str | None:
    try:
        rendered = texts.render(version, variables)
    except TemplateError as error:
        return str(error)
    if rendered.fault:
        return rendered.fault.removesuffix("; the default words were used")
    text = split_subject(rendered.text)[1]
    if len(text) > CHAT_MAX:
        return f"{version.where}: a chat takes at most {CHAT_MAX} characters, and this can grow longer"
    if not text:
        return f"{version.where}: below its subject it says nothing"
    if version.name == STOP_LINE and not STOP_WORDS.search(text):
        return f"{version.where}: it must name a word that stops offers: 退订 or STOP"
    return None


def _unused(version: Version, shop: Shop, policies: MessagePolicies) -> Iterator[Finding]:
    known = {*policies, *PARTS}
    promoted = {promotion.template for promotion in shop.promotions.values()}
    if version.name in known or version.name in promoted:
        return
    near = get_close_matches(version.name, known, 1)
    hint = f"; did you mean {near[0]}.txt?" if near else ""
    yield Finding(version.where, None, f"no message uses this file{hint}", version.own)


def _unknown_names(version: Version) -> Iterator[Finding]:
    tree = parse(TemplateEnvironment(version.locale), version.where, version.source)
    for line, path in _names(tree, {}):
        if path not in _KNOWN:
            near = get_close_matches(path, _KNOWN, 1)
            hint = f"; did you mean {near[0].replace('[]', '')}?" if near else ""
            yield Finding(version.where, line, f"{path.replace('[]', '')} is not known{hint}", version.own)


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


def _finding(fault: str, own: bool) -> Finding:
    found = _WHERE.match(fault)
    if not found:
        return Finding("", None, fault, own)
    return Finding(found["file"], int(found["line"]) if found["line"] else None, found["what"], own)
