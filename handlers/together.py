"""Which messages are obeyed at once, by themselves, and which are half a sentence that will go on."""

import re

from handlers.normalise import normalise
from handlers.pressing import presses
from handlers.stop import wants_no_offers, wants_resume, wants_stop

LONGEST_WISH = 200  # characters; in more words it waits with the others, and is obeyed then
END = 80  # characters at the end of a message that tell whether it goes on

_BEGINS = r"(?:^|[\W亲好呀啊哈喽嗨吗呢吧了])"  # what stands before the beginning of a sentence
_ASKING = r"(?:问问?|[咨諮]询|请教|打听)"
_HALVES = (
    re.compile(r"[,、;:—\[{【「『“《<]$|(?<![:;=8'-])\($"),  # ":(" is a face
    # "I would like to ask"
    re.compile(
        rf"{_BEGINS}(?:老板|那|对了|就|然后|还)?(?:我|俺|偶)?(?:就|还|只|也)?(?:想|要|来)?(?:请|先)?{_ASKING}"
        r"(?:一下|一声|下|[你您]们?|一?个问题|一?个事儿?|一?件事){0,3}(?:就是|啊|哈|呀|哦|喔)?$"
    ),
    re.compile(rf"{_BEGINS}(?:[你您]们?|我们?)?(?:能不能|可不可以|是不是|有没有)$"),
    re.compile(
        r"(?:因为|由于|所以|但是|可是|只是|不过|然后|而且|并且|或者|还是说|以及|还有|另外|此外|如果|要是|假如|万一"
        r"|比如说?|例如|就是说?|也就是|关于|至于|[虽雖]然|除了|我们?想|我们?要|(?<!是)我的|你们的"
        r"|(?<![暖随柔平温缓总共饱])和|跟|与|(?:别|不要|勿)再)$"
    ),
    re.compile(
        r"^(?:[那这]个|嗯+|额+|呃+|对了|话说|是这样的?|我?有一?个问题"
        r"|请|麻烦(?:[你您]们?)?|拜托|以后|今后|从今以后|please|from now on)$"
    ),
    re.compile(
        r"\b(?:and|or|but|because|since|if|while|without|the|an?|my|your|our|their|also|plus|than|whether"
        r"|that is|i am|i was|i have|is there|are there|do you have"
        r"|(?:want|wanted|like|need|trying|going|able|wish|hoping) to"
        r"|(?:can|could|would|will|may|do|did) (?:i|you|we)(?: please| just)?|how (?:long|much) is"
        r"|(?:question|ask|asking|wondering|know|what|how)(?: you)? about|i was wondering|just wondering"
        r"|(?:can|may|could) i ask(?: you)?(?: something| a question)?|by the way)$"
    ),
    # "What is it made of" is whole.
    re.compile(r"^(?!.*\b(?:what|where|who|which)\b).*\b(?:from|of|for|with)$"),
    re.compile(
        r"(?:^|\W)(?:i )?(?:just |have |had |got )*(?:a |one |another |quick |small |more ){0,3}"
        r"(?:question|thing)(?: for you)?$|^(?:so|btw|well|actually)$"
    ),
)


def reads_alone(text: str) -> bool:
    """True for a wish about being written to, and for the command of a chat program."""
    if len(text) > LONGEST_WISH:
        return False
    if text.lstrip().startswith("/"):
        return True
    plain = normalise(text)
    return presses(plain) or wants_no_offers(plain) or wants_stop(plain) or wants_resume(plain)


def unfinished(text: str) -> bool:
    """True for half a sentence, in any of our languages."""
    end = normalise(text[-END:]).rstrip(" ~。.")
    return any(half.search(end) for half in _HALVES)
