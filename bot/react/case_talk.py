"""What is said in the chat while a case is open: it stands in the case, which is answered, and asked anew.

Both are times of the platform's, and the later one of each wins, so that the order of arrival does not
matter.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from bot.domain.actions import TALKED_ABOUT
from bot.domain.context import Case
from bot.domain.events import AgentReplied, AnswerOutdated, AnyEvent, MessageReceived
from bot.react.merge import Subject
from bot.react.unit_of_work import UnitOfWork
from bot.seller.cases import Cases
from storage.case_records import CaseWord

LONGEST = 5000  # characters of one message that are kept in a case
_replace = msgspec.structs.replace


class CaseTalk:
    """Adds what one batch's chats say to the open cases of their buyers.

    asks_nothing: True for words that end a talk, such as thanks.
    """

    def __init__(self, work: UnitOfWork, cases: Cases, asks_nothing: Callable[[str], bool]) -> None:
        self._work = work
        self._cases = cases
        self._asks_nothing = asks_nothing

    def hear(self, event: AnyEvent, subject: Subject) -> None:
        """Add a message of the buyer, or the reply of a person, to each open case of the buyer."""
        cases = [case for case in self._work.cases.get(subject.buyer or "", ()) if case.open]
        if not cases or subject.desk:
            return
        if isinstance(event, AnswerOutdated):
            return  # its words stand there already
        if isinstance(event, MessageReceived):
            for case in cases:
                self._add(case, event, "buyer", event.kind)
                if case.kind in TALKED_ABOUT and self._wants_answer(event):
                    self._asked(case, event, subject)
        elif isinstance(event, AgentReplied) and subject.replied:
            for case in cases:
                self._add(case, event, "person", "text")
                if case.kind in TALKED_ABOUT:
                    at = _latest(case.answered_at, self._work.heard_at(event.at))
                    self._work.change_case(_replace(case, answered_at=at))

    def _wants_answer(self, event: MessageReceived) -> bool:
        """A picture wants one whatever its caption is; a sticker never does."""
        if event.kind in ("other", "sticker"):
            return event.kind == "other"
        return not self._asks_nothing(event.text)

    def _asked(self, case: Case, event: MessageReceived, subject: Subject) -> None:
        at = self._work.heard_at(event.at)
        again = _replace(
            case,
            asked_at=_latest(case.asked_at, at),
            waits_since=min(case.waits_since or at, at) if case.waits else at,
        )
        self._work.change_case(again)
        if again.waits and not case.waits:
            chat = subject.chat.name if subject.chat else None
            self._cases.reopen(again, event, self._work.buyer(subject.buyer), chat)

    def _add(self, case: Case, event: MessageReceived | AgentReplied, who: str, kind: str) -> None:
        word = CaseWord(
            number=case.number,
            channel=event.channel,
            event=event.external_id,
            at=event.at,
            who=who,
            kind=kind,
            text=_said(event),
        )
        self._work.put_word(word)


def _said(event: MessageReceived | AgentReplied) -> str:
    """The words, and a line for each file beside them, by which it can be found again."""
    media = event.media if isinstance(event, MessageReceived) else ()
    files = "\n".join(f"[{each.type or 'file'}] {each.ref}" for each in media)[: LONGEST - 1]
    return "\n".join(part for part in (event.text[: LONGEST - 1 - len(files)], files) if part)


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
