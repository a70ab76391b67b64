"""Words of who waits for a person's answer: what silence would not do for, and what is said then.

Patterns over normalised text, Chinese first.
"""

import re

import msgspec

from bot.domain.actions import Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from handlers.normalise import normalise
from handlers.replies import answer

_WAITS = re.compile(
    r"^[?!.。…~ ]*\?[?!.。…~ ]*$"
    r"|^\W*(?:还|一直|都|我|在线)*(?:在)?等(?:着|[你您](?:们)?|了?(?:很久|好久|半天|老半天|多久)"
    r"|回复)?(?:了|呢|啊|呀)*\W*$"
    r"|^\W*(?:还|到底)?(?:要|得)等?(?:到)?(?:什么时候|多久|几时)\W*$|^\W*有(?:消息|结果|回复"
    r"|进展)了?(?:吗|没有?|么)?\W*$"
    r"|^\W*(?:i am |we are |i have been |and )?(?:still )?wait(?:ing|ed)(?: (?:for )?(?:you|an answer"
    r"|a reply|ages|hours|here))?\W*$"
    r"|^\W*(?:so |and )?any (?:news|reply|answer|update)s?(?: yet)?\W*$"
)
_WANTS = re.compile(
    r"[?吗么呢]|怎么|什么|啥|为何|能不能|可不可以|是不是|有没有|多久|几时|哪|谁|能否|请|麻烦|帮"
    r"|急|马上|立刻|立即|赶紧|赶快|尽快|快点|必须|来不及|今天|今晚|明天|现在"
    r"|\b(?:can|could|would|will|should|do|does|did|is|are|may|when|what|where|why|how|who|which)\b"
    r"|\b(?:please|need|must|urgent\w*|asap|emergency|immediately|right away|now|today|tonight"
    r"|tomorrow|help|hurry)\b"
)


def only_waits(text: str) -> bool:
    """True for what says nothing but that an answer is awaited."""
    return _WAITS.search(normalise(text)) is not None


def wants_answer(text: str) -> bool:
    """True for a question, and for what is urgent."""
    return _WANTS.search(normalise(text)) is not None


def noted(key: str, event: MessageReceived, context: Context) -> Say:
    """Say that this stands in the open case of that key too: to what asks or presses each time, else once a
    day."""
    said = answer("noted", event)
    if wants_answer(event.text):
        return said
    day = context.now.astimezone(context.shop.zone()).date().isoformat()
    return msgspec.structs.replace(said, key=f"noted:{key}:{day}")
