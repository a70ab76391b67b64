"""Translate a Telegram update into events; only private chats with people count."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from bot.channels import contacts
from bot.channels.json_reading import read, timestamp
from bot.domain.errors import Unreadable
from bot.domain.events import BuyerRef, Event, Media, MessageReceived, MessageStatusChanged

REFERENCE_MAX = 512  # characters
_STATUS = {"kicked": "blocked", "member": "unblocked"}


class _Chat(msgspec.Struct, frozen=True):
    id: int
    type: str | None = None


class _User(msgspec.Struct, frozen=True):
    id: int
    is_bot: bool = False
    first_name: str | None = None
    last_name: str | None = None
    language_code: str | None = None


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    """Of photos, voices and so on we keep the reference, in whatever form. Service messages are skipped."""

    message_id: int
    date: int
    chat: _Chat
    sender: _User | None = msgspec.field(default=None, name="from")
    edit_date: int | None = None
    text: str | None = None
    caption: str | None = None
    photo: Any = None
    voice: Any = None
    audio: Any = None
    document: Any = None
    sticker: Any = None
    video: Any = None
    video_note: Any = None
    animation: Any = None
    contact: Any = None
    location: Any = None
    venue: Any = None
    poll: Any = None
    dice: Any = None
    story: Any = None
    paid_media: Any = None

    @property
    def other(self) -> bool:
        """True if something other than text and gestures was sent."""
        seen = (self.photo, self.voice, self.audio, self.document, self.video, self.video_note)
        rest = (self.animation, self.contact, self.location, self.venue, self.poll, self.story)
        return any(part is not None for part in (*seen, *rest, self.paid_media))

    @property
    def media(self) -> tuple[Media, ...]:
        """What can be fetched by its id; of the sizes of a photo the largest."""
        sizes = self.photo if isinstance(self.photo, list) else []
        photo = [_file(each, "image/jpeg") for each in sizes[-1:]]
        files = (self.document, self.video, self.animation, self.voice, self.audio, self.video_note)
        return tuple(each for each in (*photo, *map(_file, files)) if each)

    @property
    def played(self) -> bool:
        """True for what is a gesture and no question."""
        return self.sticker is not None or self.dice is not None

    @property
    def kind(self) -> str | None:
        if self.text is not None:
            return "text"
        return "sticker" if self.played else "other" if self.other else None


class _Origin(msgspec.Struct, frozen=True):
    """The message that a button belongs to; of an old one only the chat and the id are left."""

    message_id: int
    chat: _Chat


class _Press(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sender: _User = msgspec.field(name="from")
    message: _Origin | None = None
    data: str | None = None


class _Member(msgspec.Struct, frozen=True):
    status: str


class _Membership(msgspec.Struct, frozen=True, kw_only=True):
    chat: _Chat
    date: int
    new_chat_member: _Member


class _Update(msgspec.Struct, frozen=True, kw_only=True):
    update_id: int
    message: _Message | None = None
    edited_message: _Message | None = None
    callback_query: _Press | None = None
    my_chat_member: _Membership | None = None


_updates = msgspec.json.Decoder(_Update)


def events(body: bytes, channel: str, received_at: datetime) -> tuple[Event, ...]:
    """Translate an update. Its id is the event's, because Telegram repeats it until it is answered."""
    update = read(_updates, body)
    common = {"channel": channel, "external_id": str(update.update_id)}
    if update.message is not None:
        return _message(update.message, common)
    if update.edited_message is not None:
        return _edit(update.edited_message, common)
    if update.callback_query is not None:
        return _press(update.callback_query, common, received_at)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, common)
    return ()


def pressed_button(body: bytes) -> str | None:
    """The id of the press of a button, which the chat program waits to hear is taken."""
    try:
        update = _updates.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return update.callback_query.id if update.callback_query else None


def _message(message: _Message, common: dict[str, Any]) -> tuple[Event, ...]:
    kind = message.kind
    return () if kind is None else _received(message, common, kind, message.date, "message.date")


def _edit(message: _Message, common: dict[str, Any]) -> tuple[Event, ...]:
    edited = message.edit_date if message.edit_date is not None else message.date
    if message.text is None and message.caption is None:
        return ()
    return _received(message, common, "edit", edited, "edited_message.edit_date")


def _received(
    message: _Message, common: dict[str, Any], kind: str, date: int, place: str
) -> tuple[Event, ...]:
    if not _is_private(message.chat) or message.sender is None or message.sender.is_bot:
        return ()
    chat = str(message.chat.id)
    return (
        MessageReceived(
            **common,
            at=_at(date, place),
            conversation=chat,
            buyer=_buyer(message.sender, chat),
            message_id=f"{chat}:{message.message_id}",
            text=message.text or message.caption or "",
            kind=kind,
            media=message.media,
        ),
    )


def _file(found: Any, type: str | None = None) -> Media | None:
    if not isinstance(found, dict) or not isinstance(id := found.get("file_id"), str):
        return None
    told, size = found.get("mime_type"), found.get("file_size")
    return Media(
        ref=id[:REFERENCE_MAX],
        type=told if isinstance(told, str) else type,
        size=size if isinstance(size, int) else None,
    )


def _press(press: _Press, common: dict[str, Any], received_at: datetime) -> tuple[Event, ...]:
    """Date it by its arrival, because Telegram does not say when a button was pressed."""
    if press.sender.is_bot or not press.data or (press.message and not _is_private(press.message.chat)):
        return ()
    chat = str(press.message.chat.id if press.message else press.sender.id)
    return (
        MessageReceived(
            **common,
            at=received_at,
            conversation=chat,
            buyer=_buyer(press.sender, chat),
            message_id=f"{chat}:{press.message.message_id}" if press.message else f"{chat}:{press.id}",
            text=press.data,
            kind="button",
        ),
    )


def _membership(change: _Membership, common: dict[str, Any]) -> tuple[Event, ...]:
    status = _STATUS.get(change.new_chat_member.status)
    if status is None or not _is_private(change.chat):
        return ()
    chat = str(change.chat.id)
    at = _at(change.date, "my_chat_member.date")
    return (MessageStatusChanged(**common, at=at, conversation=chat, message_id="", status=status),)


def _is_private(chat: _Chat) -> bool:
    return chat.type == "private"


def _at(seconds: int, place: str) -> datetime:
    try:
        return timestamp(datetime.fromtimestamp(seconds, UTC), place)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{place}: {str(seconds)[:20]} is not a timestamp in seconds") from None


def _buyer(sender: _User, chat: str) -> BuyerRef:
    name = contacts.full_name(sender.first_name, sender.last_name)
    return BuyerRef(id=chat, name=name, locale=contacts.locale(sender.language_code))
