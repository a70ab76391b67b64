"""How a bank writes its statements: which columns there are, and in what form dates and sums stand."""

import codecs
from typing import Annotated, Any, Literal

from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.domain.errors import wrong


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise wrong("encoding", given=repr(name)) from None
    return name


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise wrong("currency", given=repr(code))
    return code


Column = str | int  # by its name in the file, or by its place from 1 on
Columns = Column | tuple[Column, ...]


def each(columns: Columns | None) -> tuple[Column, ...]:
    if columns is None:
        return ()
    return columns if isinstance(columns, tuple) else (columns,)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BankColumns(_Model):
    """By the file's own words, or by their place if it has no line of names; of several the first that is
    there counts, of texts all of them."""

    date: Columns
    time: Columns | None = Field(None, description="where it stands apart from the date")
    amount: Columns | None = Field(None, description="money that came, and below zero what went")
    received: Columns | None = Field(None, description="money that came, where it has a column of its own")
    direction: Columns | None = Field(None, description="whether it came or went, in words: see incoming")
    currency: Columns | None = None
    payer: Columns | None = Field(None, description="the name of who paid")
    account: Columns | None = Field(None, description="of who paid")
    text: Columns | None = Field(None, description="where memo numbers may stand: all of these")
    id: Columns | None = Field(None, description="the bank's own number of the booking")
    state: Columns | None = Field(None, description="how far it is, in words: see states")


class BankFormat(_Model):
    """The form of a bank's CSV file."""

    columns: BankColumns
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = Field(
        None, description="utf-8, gb18030, big5, ...; found out, if not given"
    )
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="found out, if not given")
    skip: int = Field(0, ge=0, le=1000, description="lines above the first booking, if columns have no names")
    dates: Literal["dmy", "mdy"] = Field("dmy", description="what comes first, where the year does not")
    decimal: Literal[".", ","] = Field(".", description="before the cents")
    currency: Annotated[str, AfterValidator(_known_currency)] | None = Field(
        None, description="where no column tells it; the shop's, if not given"
    )
    incoming: tuple[str, ...] = Field((), description="words of the column direction for money that came")
    states: tuple[str, ...] = Field((), description="words of the column state for money that is there")
    ignore: tuple[str, ...] = Field((), description="how lines begin that are no bookings, such as sums")

    @model_validator(mode="after")
    def _has_amount(self) -> "BankFormat":
        if self.columns.amount is None and self.columns.received is None:
            raise wrong("bank_amount")
        return self

    @property
    def named(self) -> bool:
        """Whether a line of names is looked for in the file."""
        return any(isinstance(column, str) for column in each(self.columns.date))


def load_formats(described: dict[str, Any]) -> dict[str, BankFormat]:
    return {name: BankFormat.model_validate(given) for name, given in described.items()}
