"""Templates that try to get out, to run for ever or to grow: each ends soon, with words or with a fault."""

import resource
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import TemplateError
from bot.texts.catalogue import Catalogue, make_version
from bot.texts.filters import TEXT_MAX

VARIABLES = {
    "buyer": {"name": "Ann", "__class__": "x"},
    "many": list(range(200)),
    "long": "x" * 1000,
    "sharp": "\ufb03" * 5000,
    "nothing": None,
}
WAYS_OUT = {
    "an attribute by a filter": "{{ buyer | attr('__class__') }}",
    "an attribute by a mapping": "{{ [buyer] | map(attribute='__class__') | first }}",
    "an attribute by sorting": "{{ many | sort(attribute='__class__') }}",
    "an attribute by grouping": "{{ many | groupby('__class__') }}",
    "an attribute by choosing": "{{ many | selectattr('__class__') | list }}",
    "a name in pieces": "{{ buyer['__cl' ~ 'ass__']['__mro__'] }}",
    "a name in hexadecimal": "{{ many['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "a method of a number": "{{ (1).bit_length }}",
    "a method of a list": "{{ many.append }}",
    "a method of the undefined": "{{ nowhere.__class__ }}",
    "the inside of the undefined": "{{ nowhere._undefined_exception }}",
    "a format string": "{{ '{0.__class__.__mro__}' | format(buyer) }}",
    "a format of percents": "{{ '%(name)999999999s' | format(**buyer) }}",
    "a format by a sign": "{{ '%999999999d' % 1 }}",
    "a namespace": "{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns.a }}",
    "a slice": "{{ many[::0] }}",
    "a dictionary": "{{ {'a': 1} }}",
    "a translation": "{% trans %}{{ buyer }}{% endtrans %}",
    "a translation by name": "{{ _('x') }}{{ gettext('x') }}",
    "a filter block": "{% filter upper %}x{% endfilter %}",
    "a with block": "{% with a = 1 %}{{ a }}{% endwith %}",
    "autoescape": "{% autoescape true %}{{ long }}{% endautoescape %}",
    "debug": "{% debug %}",
    "do": "{% do many.append(1) %}",
    "a break": "{% for a in many %}{% break %}{% endfor %}",
    "a block": "{% block a %}{{ self.a() }}{% endblock %}",
    "itself": "{{ self.__init__.__globals__ }}",
    "an include of itself": "{% include 'fuzzed' %}",
    "an import of itself": "{% from 'fuzzed' import a %}",
    "the caller": "{{ caller() }}",
    "the context": "{{ context.vars }}",
    "the environment": "{{ environment }}{{ request }}{{ config }}",
    "a test that calls": "{{ 1 is callable }}{{ 1 is sameas(2) }}",
    "a filter made up": "{{ 1 | eval }}",
}
HUNGER = {
    "a centred text": "{{ 'x' | center(10**9) }}",
    "a wrapped text": "{{ long | wordwrap(1) }}",
    "batches": "{{ many | batch(10**9, 'x') | list }}",
    "a range": "{% for a in range(10**9) %}{{ a }}{% endfor %}",
    "a product of texts": "{{ long * 100000 }}",
    "a product of lists": "{{ many * 100000 }}",
    "a power": "{{ 10 ** 10 ** 10 }}",
    "a shift": "{{ 1 << 10 ** 10 }}",
    "letters that grow": "{{ sharp | upper | upper }}{{ sharp | upper }}",
    "letters that grow again": "{% set a = sharp %}" + "{% set a = a ~ a | upper %}" * 20 + "{{ a }}",
    "a join of joins": "{{ many | join(many | join(many | join(long))) }}",
    "a plural of hashes": "{{ 10**14 | plural(other=long) }}{{ 1 | plural(other='#' * 9) }}",
    "thousand million rounds": "{% for a in many %}" * 4 + "{{ a }}" + "{% endfor %}" * 4,
    "quiet rounds": "{% for a in many %}" * 5 + "{% if a in many %}{% endif %}" + "{% endfor %}" * 5,
    "rounds in a condition": "{% for a in many if a in many and a in many %}" * 5 + "{% endfor %}" * 5,
    "openings": "{{" * 8000,
    "openings of remarks": "{#" * 7999 + "%}",
    "openings of blocks": "{%" * 7999 + "%}",
    "openings of raw": "{% raw %}" * 1700,
    "quotation marks": "{{ " + "'" * 15_000 + " }}",
    "escapes": "{{ '" + "\\" * 15_001 + "' }}",
    "blanks": "{{ 1" + " " * 15_000 + "-",
    "empty lines": "\n" * 15_990 + "{{-",
    "signs": "{{ " + "-" * 15_000 + "1 }}",
    "dots": "{{ " + "1." * 7000 + " }}",
    "brackets of all kinds": "{{ " + "([{" * 5000,
    "commas": "{{ [" + "1," * 7900 + "] | join }}" * 1,
    "choices": "{{ " + "a if b else " * 1300 + "c }}",
    "names": "{{ " + "a" * 15_000 + " }}",
    "letters of other kinds": "{{ " + "\u0391" * 7000 + "\U0001f600" * 100 + " }}",
    "half letters": "{{ '\ud800' }}\udfff",
    "nothing at all": "\0" * 100,
}


def fill(source: str) -> str:
    """The words, or what is wrong with them; never anything else."""
    try:
        return Catalogue().render(make_version("en", "fuzzed", source), VARIABLES).text
    except TemplateError as fault:
        return str(fault)


@pytest.mark.parametrize("source", WAYS_OUT.values(), ids=WAYS_OUT.keys())
def test_there_is_no_way_out_by(source: str) -> None:
    assert fill(source).startswith("en/fuzzed.txt")


@pytest.mark.parametrize("source", HUNGER.values(), ids=HUNGER.keys())
def test_neither_time_nor_memory_is_eaten_by(source: str) -> None:
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    text = fill(source)

    assert len(text) <= TEXT_MAX + 200
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


PIECES = st.sampled_from(
    [
        *(
            "{{ ",
            " }}",
            "{% ",
            " %}",
            "{# ",
            " #}",
            "for a in many",
            "endfor",
            "if a",
            "endif",
            "else",
            "set a = ",
        ),
        *(
            "many",
            "long",
            "buyer",
            ".name",
            "['name']",
            "| join(long)",
            "| upper",
            "| length",
            "| plural(other='#')",
        ),
        *(
            "~",
            "*",
            "**",
            "in",
            "not ",
            "loop.",
            "index",
            "(",
            ")",
            "[",
            "]",
            "1",
            "10**9",
            "'x'",
            "__class__",
            "|",
            "\n",
        ),
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=40).map(" ".join))
def test_any_pieces_end_in_words_or_in_a_fault(source: str) -> None:
    assert len(fill(source)) <= TEXT_MAX + 200
