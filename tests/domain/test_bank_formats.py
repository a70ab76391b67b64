"""Forms of statements in the settings: columns by name or place, and what cannot be."""

import pytest
from pydantic import ValidationError

from bot.domain.bank_formats import BankFormat, each, load_formats


def test_a_column_is_one_name_or_several() -> None:
    assert (each(None), each("Date"), each(("Date", "Day")), each(3)) == (
        (),
        ("Date",),
        ("Date", "Day"),
        (3,),
    )


def test_a_form_with_places_looks_for_no_names() -> None:
    forms = load_formats(
        {"named": {"columns": {"date": "D", "amount": "A"}}, "placed": {"columns": {"date": 1, "amount": 2}}}
    )

    assert (forms["named"].named, forms["placed"].named) == (True, False)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"columns": {"date": "D"}}, "bank_amount"),
        ({"columns": {"date": "D", "amount": "A"}, "encoding": "klingon"}, "encoding"),
        ({"columns": {"date": "D", "amount": "A"}, "currency": "XYZ"}, "currency"),
        ({"columns": {"date": "D", "amount": "A"}, "dates": "ymd"}, "literal_error"),
        ({"columns": {"date": "D", "amount": "A", "memo": "M"}}, "extra_forbidden"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], code: str) -> None:
    with pytest.raises(ValidationError) as error:
        BankFormat.model_validate(given)

    assert [each["type"] for each in error.value.errors()] == [code]
