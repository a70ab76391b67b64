"""The sandbox that templates run in: text with a few plain constructs, bounded in time and size.

A template reads plain dicts, Parts, lists, texts and numbers; it can call nothing and reach no Python object.
What it may be made of is a list of what is allowed, not of what is forbidden.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, cast

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.environment import Template
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from bot.texts.faults import TemplateFault, recognise
from bot.texts.filters import NUMBER_MAX, TEXT_MAX, filters, shown
from bot.texts.formats import joined
from bot.texts.parts import Parts

SOURCE_MAX = 16_000  # characters of a template
KEPT = 1024  # compiled templates; waiting messages may still need older versions
STEPS = 20_000  # parts of the template that loops may pass through in one rendering

_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem),
    *(nodes.Filter, nodes.Keyword, nodes.Test, nodes.CondExpr, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
)
_TAG_OF = {  # the parts whose tags have other names
    "scope": "autoescape",
    "scopedevalcontextmodifier": "autoescape",
    "filterblock": "filter",
    "assignblock": "set",
    "callblock": "call",
    "fromimport": "from",
}
_TAGS_OF_JINJA = frozenset({*_TAG_OF.values(), "block", "extends", "import", "include", "macro", "with"})
_LOOP = frozenset({"index", "index0", "first", "last", "length"})
_TESTS = ("defined", "undefined", "none", "number", "string", "even", "odd", "in")
_TAGS = re.compile(r"\{%.*?%\}|\{#.*?#\}")
_STRANGE = (SyntaxError, RecursionError, MemoryError, OverflowError)  # of Python's own compiler


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """One language's environment. `getattr` and `getitem` know dicts, Parts, lists and `loop` alone."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self, locale: str) -> None:
        self.locale = locale
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            finalize=shown,
            autoescape=False,  # plain text; the mail channel escapes when it makes HTML
            cache_size=0,
        )
        self.globals.clear()
        self.filters = filters(locale)
        self.tests = {name: self.tests[name] for name in _TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict or type(obj) is Parts:
            try:
                return obj[attribute]
            except KeyError:
                if attribute in obj:
                    raise  # it could not be made
                return self.undefined(f"there is no {attribute!r} here", obj=obj, name=attribute)
        if type(obj) is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            str(obj)  # raises, naming what was missing first
        if obj is None:
            return self.undefined(f"{attribute!r} was asked of something empty; ask {{% if %}} first")
        return self.undefined(f"there is no {attribute!r} here")

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) in (list, tuple) and type(argument) is int and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.getattr(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for number in (left, right):
            if isinstance(number, Undefined):
                str(number)  # raises, naming it
            if type(number) not in (int, float):
                raise TemplateFault("numbers_only", {"sign": operator})
        result = super().call_binop(context, operator, left, right)
        if abs(result) > NUMBER_MAX:
            raise TemplateFault("number_grows")
        return result


class Compiled:
    """A template ready to be filled in. `where` names it for people, as "zh-CN/shipped.txt"."""

    def __init__(self, cage: TemplateEnvironment, where: str, source: str) -> None:
        self.where = where
        self._template = _compile(cage, where, source)
        self._locale = cage.locale

    def fill(self, variables: Mapping[str, Any], at_most: int = TEXT_MAX) -> str:
        """Raises TemplateFault, with file and line, if it cannot be filled in within the bounds."""
        template, parts, size = self._template, [], 0
        context = template.new_context(cast(dict[str, Any], variables), shared=True)  # it is only read
        context.vars["_steps"] = [STEPS]
        try:
            for part in template.root_render_func(context):
                parts.append(part)
                size += len(part)
                if size > at_most:
                    raise TemplateFault("text_grows", {"most": at_most})
        except Exception as error:  # whatever a seller's words provoke, it is a fault of that template alone
            raise _fault_of(error).placed(self.where, _line(template, error)) from error
        return joined(parts, self._locale)


def parse(cage: TemplateEnvironment, where: str, source: str) -> nodes.Template:
    """The template as a tree of allowed parts. Raises TemplateFault with file and line."""
    if len(source) > SOURCE_MAX:
        raise TemplateFault("file_long", {"most": SOURCE_MAX}, where)
    try:
        tree = cage.parse(_keep_line_ends(source), filename=where)
        _check(tree, where)
    except TemplateSyntaxError as error:
        raise recognise(error.message or "").placed(where, error.lineno) from error
    except (*_STRANGE, ValueError) as error:
        raise TemplateFault("too_deep", where=where) from error
    return tree


def _keep_line_ends(source: str) -> str:
    """A line of tags alone leaves no line behind; a tag at the end of a sentence leaves the line's end."""
    return "\n".join(map(_keep_line_end, source.split("\n")))


def _keep_line_end(line: str) -> str:
    if not line.endswith(("%}", "#}")) or line[-3:-2] in ("-", "+") or not _TAGS.sub("", line).strip():
        return line
    return f"{line[:-2]}+{line[-2:]}"


def _compile(cage: TemplateEnvironment, where: str, source: str) -> Template:
    return Template.from_code(cage, _code(cage.locale, where, source), {})


@lru_cache(maxsize=KEPT)
def _code(locale: str, where: str, source: str) -> CodeType:
    """The same for every catalogue of this program: the API and the workers read the same files."""
    cage = TemplateEnvironment(locale)
    tree = parse(cage, where, source)
    try:
        tree = cast(nodes.Template, _Bounds().visit(tree))
        tree.set_environment(cage)
        return cage.compile(tree, filename=where)
    except TemplateSyntaxError as error:
        raise recognise(error.message or "").placed(where, error.lineno) from error
    except (*_STRANGE, ValueError) as error:
        raise TemplateFault("too_deep", where=where) from error


def _check(tree: nodes.Node, where: str) -> None:
    todo: list[nodes.Node] = [tree]
    while todo:
        node = todo.pop()
        fault = _fault(node)
        if fault:
            raise fault.placed(where, node.lineno or _first_line(node))
        todo.extend(node.iter_child_nodes())


def _first_line(node: nodes.Node) -> int | None:
    """The line of the first part of a node that has none itself."""
    return min((inner.lineno for inner in node.find_all(nodes.Node) if inner.lineno), default=None)


def _fault(node: nodes.Node) -> TemplateFault | None:
    match node:
        case nodes.Call():
            return TemplateFault("no_calls")
        case nodes.Pow():
            return TemplateFault("not_known", {"part": "**"})
        case nodes.Name(name=str(name)) | nodes.Filter(name=str(name)) | nodes.Getattr(attr=name) if (
            name.startswith("_")
        ):
            return TemplateFault("underscore", {"name": repr(name)})
        case nodes.For(recursive=True):
            return TemplateFault("recursive_loop")
        case nodes.For(target=target) | nodes.Assign(target=target) if not isinstance(target, nodes.Name):
            return TemplateFault("one_name")
        case nodes.List(items=items) | nodes.Tuple(items=items) if not _all_plain(items):
            return TemplateFault("plain_list")
        case nodes.Filter(dyn_args=args, dyn_kwargs=kwargs) if args is not None or kwargs is not None:
            return TemplateFault("not_known", {"part": "*"})
        case _ if not isinstance(node, _ALLOWED):
            part = type(node).__name__.lower()
            tag = _TAG_OF.get(part, part)
            return TemplateFault("not_known", {"part": f"{{% {tag} %}}" if tag in _TAGS_OF_JINJA else part})
    return None


def _all_plain(items: list[nodes.Expr]) -> bool:
    # Lists of lists could be made to double with every line and be compared for ever.
    return all(isinstance(item, nodes.Const) for item in items)


class _Bounds(NodeTransformer):
    """Let loops count their steps, and `~` watch the length of what it makes."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - the visitor's own naming
        weight = sum(1 for _ in node.find_all(nodes.Node))
        self.generic_visit(node)
        steps = nodes.Name("_steps", "load", lineno=node.lineno)
        arguments = [steps, nodes.Const(weight, lineno=node.lineno)]
        node.iter = nodes.Filter(node.iter, "_counted", arguments, [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - the visitor's own naming
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "join", [], [], None, None, lineno=node.lineno)


def _line(template: Template, error: BaseException) -> int:
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code is template.root_render_func.__code__ or (
            trace.tb_frame.f_code.co_filename == template.filename
        ):
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _fault_of(error: Exception) -> TemplateFault:
    match error:
        case TemplateFault():
            return error
        case ZeroDivisionError():
            return TemplateFault("zero_division")
        case TypeError():
            return TemplateFault("wrong_types", {"problem": str(error)})
    return recognise(str(error))
