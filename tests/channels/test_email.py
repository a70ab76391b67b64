"""Mail: how a letter looks, and what each answer of a post office means."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.channels import Outgoing, SendingChannel
from bot.channels.email import EmailChannel, EmailSettings
from bot.channels.email_letter import Letter, write
from bot.domain.errors import (
    BuyerUnreachable,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUnknown,
)
from tests.channels.messages import reminder
from tests.channels.post_office import HANG_UP, NEVER, PostOffice, open_post_office, self_signed
from tests.channels.recorded import NOW

STOP = "https://bot.example/stop/b1.c2lnbmVk"
ANNS = "ann@example.com"


def letter(**changes: Any) -> Letter:
    message = reminder(**{"address": ANNS, "buyer_name": "安娜", "stop_url": STOP, **changes})
    return write(message, "service@mugs.example", None, None)


def opened(written: bytes) -> EmailMessage:
    mail = message_from_bytes(written, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def words(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


# --- how a letter looks


def test_a_letter_is_plain_text_and_html_with_the_headers_of_machine_mail() -> None:
    mail = opened(
        letter(text="您好，安娜：\n\n请付款 <128 元>。\nhttps://pay.example/1001?a=1&b=2。谢谢").data
    )

    assert mail.get_content_type() == "multipart/alternative"
    assert str(mail["From"]) == "Mug Shop <service@mugs.example>"
    assert str(mail["To"]) == "安娜 <ann@example.com>"
    assert mail["Message-ID"] == "<msg-1@mugs.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == f"<{STOP}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert words(mail, "plain").startswith("您好，安娜：\n\n请付款 <128 元>。")
    html = words(mail, "html")
    assert '<html lang="zh-CN">' in html
    assert '<p dir="auto">您好，安娜：</p>' in html
    assert "请付款 &lt;128 元&gt;。<br>" in html
    link = "https://pay.example/1001?a=1&amp;b=2"
    assert f'<a href="{link}">{link}</a>。谢谢' in html


def test_a_letter_goes_through_servers_that_know_only_ascii() -> None:
    assert letter(text="马克杯 ☕ " * 300).data.isascii()
    assert max(map(len, letter(text="x" * 5000).data.split(b"\r\n"))) <= 998


def test_a_very_long_stop_link_stays_whole_on_its_line() -> None:
    url = "https://bot.example/stop/" + "a" * 300

    assert f"List-Unsubscribe: <{url}>\r\n".encode() in letter(stop_url=url).data


def test_without_a_stop_link_there_is_no_header_for_it() -> None:
    assert opened(letter(stop_url=None).data)["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("text", "subject", "body"),
    [
        ("Subject: 您的订单 1001\n\n您好", "您的订单 1001", "您好"),
        ("subject:  Your order\n\nHello", "Your order", "Hello"),
        ("Subject:\n\nHello", "Mug Shop", "Hello"),
        (
            "Your order has shipped.\nMore below.",
            "Your order has shipped.",
            "Your order has shipped.\nMore below.",
        ),
        ("x" * 79, "x" * 77 + "…", "x" * 79),
        ("", "Mug Shop", ""),
    ],
)
def test_the_first_line_is_the_subject(text: str, subject: str, body: str) -> None:
    mail = opened(letter(text=text).data)

    assert mail["Subject"] == subject
    assert words(mail, "plain").strip() == body


def test_the_id_is_the_same_on_every_attempt_and_differs_between_messages() -> None:
    ids = [letter(id=id).message_id for id in ("a:1", "a:1", "a.1", "a 1", "订单", "x" * 500)]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 5
    assert all(id.isascii() and len(id) < 100 and " " not in id for id in ids)


@pytest.mark.parametrize(
    ("name", "shown"), [("安娜", "安娜"), ("Refund: evil.example/r", ""), ("www evil com", ""), ("", "")]
)
def test_an_address_in_a_buyers_name_is_not_printed_beside_their_own(name: str, shown: str) -> None:
    assert opened(letter(buyer_name=name).data)["To"].addresses[0].display_name == shown


@given(
    name=st.text(max_size=40),
    shop=st.text(max_size=40),
    subject=st.text(max_size=60),
    stop=st.text(max_size=20).map(lambda tail: f"https://bot.example/{tail}"),
)
def test_nobody_slips_a_header_in(name: str, shop: str, subject: str, stop: str) -> None:
    evil = "\r\nBcc: eve@example.com\r\n"
    written = letter(
        buyer_name=f"{name}\r\nBcc: eve\r\n{name}",
        shop_name=shop + evil,
        text=f"Subject: {subject}\u2028Bcc: eve@example.com\x0bBcc: eve\r\n\r\nhello",
        stop_url=stop + evil,
        id=name + evil,
    )
    mail = opened(written.data)

    assert mail["Bcc"] is None
    assert mail["To"].addresses[0].addr_spec == ANNS
    assert len(mail["To"].addresses) == len(mail["From"].addresses) == 1
    assert mail.is_multipart()


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b@c", "ann@ex ample.com", "a\r\nb@example.com", "@x.com"]
)
def test_what_is_no_address_cannot_be_reached(address: str) -> None:
    with pytest.raises(BuyerUnreachable):
        letter(address=address)


def test_international_domains_are_written_as_servers_know_them() -> None:
    written = letter(address="ann@bücher.example")

    assert written.recipient == "ann@xn--bcher-kva.example"
    assert not written.utf8


# --- at the post office


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("post"))


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with open_post_office() as office:
        yield office


def channel(office: PostOffice, **more: Any) -> EmailChannel:
    chosen = {
        "host": "localhost",
        "port": office.port,
        "tls": "none",
        "sender": "service@mugs.example",
        **more,
    }
    return EmailChannel("mail", "CN", EmailSettings.model_validate(chosen))


def message(number: int = 1, **changes: Any) -> Outgoing:
    return reminder(**{"id": f"msg-{number}", "address": ANNS, **changes})


async def test_a_letter_is_handed_over_by_starttls_and_login(certificate: Path) -> None:
    async with open_post_office(certificate, ("mugs", "s3cret")) as office:
        secure = {"tls": "starttls", "ca_file": str(certificate), "username": "mugs", "password": "s3cret"}
        sent = await channel(office, **secure, sender_name="马克杯店", reply_to="ask@mugs.example").send(
            message()
        )

    (taken,) = office.letters
    assert sent == "<msg-1@mugs.example>"
    assert (taken.sender, taken.recipients) == ("service@mugs.example", [ANNS])
    assert (taken.encrypted, taken.login) == (True, "mugs")
    mail = opened(taken.content)
    assert str(mail["From"]) == "马克杯店 <service@mugs.example>"
    assert str(mail["Reply-To"]) == "ask@mugs.example"


async def test_a_letter_is_handed_over_by_tls_from_the_first_byte(certificate: Path) -> None:
    async with open_post_office(certificate, wrapped=True) as office:
        await channel(office, tls="tls", ca_file=str(certificate)).send(message())

    assert office.letters[0].encrypted


async def test_a_certificate_nobody_vouches_for_is_not_trusted(certificate: Path) -> None:
    async with open_post_office(certificate) as office:
        with pytest.raises(DeliveryDelayed, match="cannot reach the mail server"):
            await channel(office, tls="starttls").send(message())

    assert office.letters == []


async def test_a_server_without_starttls_gets_nothing_in_the_clear(office: PostOffice) -> None:
    with pytest.raises(DeliveryDelayed):
        await channel(office, tls="starttls", username="mugs", password="s3cret").send(message())

    assert office.letters == []


async def test_a_wrong_password_can_be_mended_and_is_never_shown(certificate: Path) -> None:
    async with open_post_office(certificate, ("mugs", "s3cret")) as office:
        wrong = {"tls": "starttls", "ca_file": str(certificate), "username": "mugs", "password": "wr0ng"}
        with pytest.raises(DeliveryDelayed, match="refused our login") as failure:
            await channel(office, **wrong).send(message())

    assert "wr0ng" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("stage", "said", "error"),
    [
        ("MAIL", "451 try later", DeliveryDelayed),
        ("MAIL", "550 who are you", DeliveryRefused),
        ("RCPT", "450 4.2.1 greylisted", DeliveryDelayed),
        ("RCPT", "550 5.1.1 no such user ann@example.com", BuyerUnreachable),
        ("RCPT", "553 no such user", BuyerUnreachable),
        ("RCPT", "550 5.7.1 relaying denied", DeliveryRefused),
        ("RCPT", "552 5.2.2 mailbox full", DeliveryRefused),
        ("RCPT", "530 log in first", DeliveryRefused),
        ("DATA", "451 4.3.0 disk full", DeliveryDelayed),
        ("DATA", "554 5.6.0 looks like spam", DeliveryRefused),
        ("MAIL", HANG_UP, DeliveryDelayed),
        ("RCPT", HANG_UP, DeliveryDelayed),
        ("DATA", HANG_UP, DeliveryUnknown),
        ("RCPT", NEVER, DeliveryDelayed),
        ("DATA", NEVER, DeliveryUnknown),
    ],
)
async def test_every_answer_says_what_to_do_next(
    stage: str, said: str, error: type[DeliveryError], office: PostOffice
) -> None:
    office.answers[stage] = said

    with pytest.raises(error) as failure:
        await channel(office, timeout="3s" if said == NEVER else "60s").send(message())

    assert type(failure.value) is error
    assert ANNS not in "".join(traceback.format_exception(failure.value))


async def test_nobody_at_home_is_tried_again() -> None:
    async with open_post_office() as gone:
        closed = channel(gone)

    with pytest.raises(DeliveryDelayed, match="cannot reach the mail server"):
        await closed.send(message())


async def test_one_visit_serves_many_letters(office: PostOffice) -> None:
    mail = channel(office)
    for number in range(5):
        await mail.send(message(number))

    assert (len(office.letters), office.visits) == (5, 1)
    await mail.close()


async def test_a_line_that_went_dead_meanwhile_is_opened_anew(office: PostOffice) -> None:
    mail = channel(office)
    await mail.send(message(1))
    office.hang_up()
    await mail.send(message(2))

    assert (len(office.letters), office.visits) == (2, 2)


async def test_after_a_refusal_the_next_letter_goes_out(office: PostOffice) -> None:
    mail = channel(office)
    office.answers["RCPT"] = "550 5.1.1 no such user"
    with pytest.raises(BuyerUnreachable):
        await mail.send(message(1))
    office.answers.clear()

    assert await mail.send(message(2)) == "<msg-2@mugs.example>"


async def test_no_more_lines_are_open_than_set(office: PostOffice) -> None:
    office.slow = 0.2
    mail = channel(office, connections=2)
    await asyncio.gather(*(mail.send(message(number)) for number in range(8)))

    assert len(office.letters) == 8
    assert (office.most_inside, office.visits) == (2, 2)


async def test_a_send_that_was_called_off_leaves_no_half_spoken_line(office: PostOffice) -> None:
    mail = channel(office, connections=1)
    office.answers["RCPT"] = NEVER
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(mail.send(message(1)), 0.3)
    office.answers.clear()

    await mail.send(message(2))
    assert [opened(taken.content)["Message-ID"] for taken in office.letters] == ["<msg-2@mugs.example>"]


async def test_an_address_that_is_not_ascii_reaches_a_server_that_knows_how(office: PostOffice) -> None:
    await channel(office).send(message(address="安娜@example.com"))

    assert office.letters[0].recipients == ["安娜@example.com"]


async def test_mail_only_goes_out(office: PostOffice) -> None:
    contract: SendingChannel = channel(office)

    assert not contract.drops_repeats
    assert not hasattr(contract, "parse")


@pytest.mark.parametrize("wrong", [{"sender": "nobody"}, {"reply_to": "x"}, {"ca_file": "no/such.pem"}])
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        EmailSettings.model_validate({"host": "mail", "sender": "a@mugs.example", **wrong})


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")

    with pytest.raises(ValidationError, match="certificates"):
        EmailSettings.model_validate({"host": "m", "sender": "a@b.example", "ca_file": tmp_path / "ca.pem"})


def test_the_password_hides_in_repr() -> None:
    chosen = {"host": "m", "sender": "a@b.example", "password": "s3cret"}

    assert "s3cret" not in repr(EmailSettings.model_validate(chosen))
