"""Write a message as a mail: subject, plain text, simple HTML, and the headers of automatic mail."""

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

import msgspec

from bot.channels import Outgoing, contacts
from bot.domain.errors import BuyerUnreachable
from bot.domain.untrusted_text import friendly_name

_SUBJECT = re.compile(r"subject:[ \t]*(.*)", re.IGNORECASE)
_LONGEST_SUBJECT = 78
_LONGEST_NAME = 100
_LONGEST_ID = 64
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")  # what any program takes for a new line
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Chinese is written without spaces, so a link ends at the first character that no URL holds.
_LINK = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[A-Za-z0-9\-_~/#=&%+]")
_URL = re.compile(r"https?://[!-;=?-~]+")
_POLICY = SMTP.clone(cte_type="7bit")  # every mail server takes it


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """utf8: the address is not ASCII, so the server must support SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    message_id: str
    data: bytes
    utf8: bool


def write(message: Outgoing, sender: str, sender_name: str | None, reply_to: str | None) -> Letter:
    """Write the mail. Raises BuyerUnreachable if `message.address` is not a mail address."""
    local, domain = _split(message.address)
    utf8 = not local.isascii()
    origin, origin_domain = _split(sender)
    subject, text = _subject(message.text, message.shop_name)
    mail = EmailMessage(policy=_POLICY.clone(utf8=True) if utf8 else _POLICY)
    mail["From"] = Address(_one_line(sender_name or message.shop_name)[:_LONGEST_NAME], origin, origin_domain)
    mail["To"] = Address(_one_line(friendly_name(message.buyer_name) or ""), local, domain)
    mail["Subject"] = subject
    mail["Date"] = message.at
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834, against out-of-office replies
    if reply_to:
        mail["Reply-To"] = Address("", *_split(reply_to))
    mail.set_content(text)
    mail.add_alternative(_html(text, message.locale), subtype="html")
    message_id = f"<{_plain_id(message.id)}@{origin_domain}>"
    # Not through EmailMessage, because it folds lines, which breaks a long id or link.
    lines = [f"Message-ID: {message_id}"]
    if message.stop_url and _URL.fullmatch(message.stop_url):
        lines.append(f"List-Unsubscribe: <{message.stop_url}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")  # RFC 8058
    head = "".join(f"{line}\r\n" for line in lines).encode()
    return Letter(
        sender=f"{origin}@{origin_domain}",
        recipient=f"{local}@{domain}",
        message_id=message_id,
        data=head + mail.as_bytes(),
        utf8=utf8,
    )


def _split(address: str) -> tuple[str, str]:
    """Split into local part and domain, the latter in ASCII (IDNA)."""
    known = contacts.email(address)
    if known is None:
        raise BuyerUnreachable("the address is not a mail address")
    local, _, domain = known.rpartition("@")
    try:
        return local, domain.encode("idna").decode()
    except UnicodeError:
        raise BuyerUnreachable("the address is not a mail address") from None


def _subject(text: str, shop_name: str) -> tuple[str, str]:
    """Take the first line as the subject; it stays in the text unless it begins with "Subject:"."""
    text = _CONTROL.sub("", text.encode("utf-8", "replace").decode()).strip()
    first, _, rest = text.partition("\n")
    if named := _SUBJECT.fullmatch(first.strip()):
        return _cut(_one_line(named[1]) or shop_name), rest.strip()
    return _cut(_one_line(first) or shop_name), text


def _cut(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1].rstrip() + "…"


def _one_line(text: str) -> str:
    """Remove line breaks, so that no name can add a header."""
    return _BREAKS.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def _plain_id(id: str) -> str:
    """The id itself if it is plain; otherwise one with a fingerprint, the same on every attempt."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", ".", id).strip(".")
    plain = re.sub(r"\.{2,}", ".", plain)
    if plain == id and len(id) <= _LONGEST_ID:
        return id
    fingerprint = hashlib.blake2b(id.encode("utf-8", "replace"), digest_size=10).hexdigest()
    return f"{plain[: _LONGEST_ID - 24]}.{fingerprint}".lstrip(".")


def _html(text: str, locale: str) -> str:
    paragraphs = (part for part in re.split(r"\n\s*\n", text.replace("\r", "")) if part.strip())
    body = "\n".join(f'<p dir="auto">{_linked(part.strip())}</p>' for part in paragraphs)
    return (
        f'<!doctype html>\n<html lang="{escape(locale)}">\n<head><meta charset="utf-8"></head>\n'
        f'<body style="font-family: sans-serif; line-height: 1.5">\n{body}\n</body>\n</html>\n'
    )


def _linked(text: str) -> str:
    parts, end = [], 0
    for link in _LINK.finditer(text):
        url = escape(link[0])
        parts += [escape(text[end : link.start()]), f'<a href="{url}">{url}</a>']
        end = link.end()
    return "".join((*parts, escape(text[end:]))).replace("\n", "<br>\n")
