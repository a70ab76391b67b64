"""Values that are made when a template asks for them."""

import pytest

from bot.domain.errors import TemplateError
from bot.texts.catalogue import Catalogue, make_version
from bot.texts.parts import Parts


def never(of: object) -> None:
    raise AssertionError("nobody reads this")


def fill(source: str, known: Parts) -> str:
    return Catalogue().render(make_version("en", "tried", source), known).text


def test_a_value_is_made_once_and_only_if_it_is_read() -> None:
    made: list[str] = []
    known = Parts({"name": lambda of: made.append(of) or of.upper(), "other": never}, "ann")

    assert made == []
    assert (known["name"], known["name"]) == ("ANN", "ANN")
    assert made == ["ann"]


def test_what_a_text_does_not_reach_is_not_computed() -> None:
    order = Parts({"number": lambda of: of, "paid": lambda of: None, "parcels": never}, "1001")
    known = Parts({"order": lambda of: of, "unnamed": never}, order)

    assert fill("{{ order.number }}{% if order.paid %}{{ order.parcels }}{% endif %}", known) == "1001"


def test_parts_are_known_by_their_names_before_any_value_is_made() -> None:
    known = Parts({"name": never}, None)

    assert (list(known), len(known), "name" in known, "title" in known) == (["name"], 1, True, False)
    assert fill("{% if order %}yes{% endif %}", Parts({"order": lambda of: known}, None)) == "yes"


def test_a_part_that_does_not_exist_is_named_with_its_line() -> None:
    known = Parts({"order": lambda of: Parts({}, None)}, None)

    with pytest.raises(TemplateError, match=r"tried.txt, line 2: there is no 'colour' here"):
        fill("Hi,\n{{ order.colour }}", known)
    with pytest.raises(TemplateError, match="'buyer'"):
        fill("{{ buyer }}", known)


def test_a_value_that_cannot_be_made_is_a_fault_of_that_text_alone() -> None:
    def late(of: object) -> None:
        raise KeyError("no such day")

    with pytest.raises(TemplateError, match="no such day"):
        fill("{{ order.at }}", Parts({"order": lambda of: Parts({"at": late}, None)}, None))


def test_some_values_may_be_replaced() -> None:
    known = Parts({"name": lambda of: of, "number": lambda of: 1}, "ann") | {"number": 2}

    assert known == {"name": "ann", "number": 2}
