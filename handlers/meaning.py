"""Recognises what a buyer's message means by rules: wishes, politeness, and phrases that say one thing."""

import re
import unicodedata
from collections.abc import Iterator

from bot.domain.meanings import Meaning, Reason
from handlers.no_claim import FAILED_AFTER, NO_CLAIM, OF_REMINDING, NoClaim
from handlers.normalise import LONGEST, normalise, words_only
from handlers.phrases import found_in
from handlers.pressing import without_pressing, without_pressing_who_paid
from handlers.stop import wants_no_offers, wants_resume, wants_stop
from handlers.taken_back import names_wish
from handlers.together import LONGEST_WISH

THRESHOLD = 0.5  # below it we do not know

MEANINGS = (
    *("where_is_order", "when_ship", "payment_status", "i_paid", "person"),
    *("stop", "resume", "no_offers", "no_reminders"),
    *("hello", "thanks", "acknowledged", "unknown"),
)
EMPTY = "empty"  # the reason for a text without words
ENDS_TALK = ("thanks", "acknowledged", "stop", "resume")  # after which nobody waits for a person's answer


_THANKS = re.compile(
    r"谢谢|感谢|多谢|谢了|谢啦|3q|蟹蟹|\bthanks?(?: a (?:lot|million|bunch))?\b"
    r"|\bmany thanks\b|\bcheers\b|\bappreciate\b|🙏"
)
_HELLO = re.compile(
    r"你好|您好|哈喽|哈啰|嗨|在吗|在么|在不在|在不|早上好|上午好|下午好|中午好"
    r"|晚上好|晚安|早安|午安|哈罗|"
    r"\bhello+\b|\bhi+\b|\bhey+\b|\bgood (?:morning|afternoon|evening|day)\b|\bgreetings\b"
    r"|\bhiya\b|\byo\b|"
    r"\bhowdy\b|👋|^/start$"
)
_CALLS = re.compile(
    r"^(?:亲+|老板娘?|掌柜的?|店家|店主|小二|小姐姐|喂+|请问|sir|madam)(?:一下)?[ ~!?,。啊呀哦]*$"
)
_FILLER = re.compile(
    r"亲+|老板娘?|掌柜|客服|店家|店主|小二|小姐姐|[你您]们?"
    r"|[啊哈呀哦喔噢嗯额呃啦咯哟呢吧呵嘿的了]|非常|十分|万分|太|很|好|帮助|帮忙|"
    r"解答|回复|耐心|热情|知道|明白|了解|清楚|收到|辛苦|麻烦|可以|没事|再见|拜拜|行|ok|不客气"
    r"|没问题|祝|生意兴隆|请问|"
    r"\b(?:you|so|very|much|a|lot|for|your|the|help|helping|helpful|all|okay|great|good|nice"
    r"|got it|again|everything|really|"
    r"that is|that was|quick|fast|kind|answer|reply|response|information|info|dear|guys|team"
    r"|sir|madam|friend|bye|goodbye|"
    r"perfect|wonderful|cool|alright|all right|right|well|fine|understood|noted|awesome"
    r"|excellent|there|have|day|i|"
    r"yes|yep|yeah|sure|support|letting me know|and)\b|👍|❤️?|😊|😀|😄|🌹|💐|👌|🥰|😘|☺️?"
)
# Where a sentence of Chinese goes on in the next message: "别再", "给我发消息了".
_GOES_ON = re.compile(r"(?<=[别別勿再续續])\s*\n\s*|(?<=[给給向跟]我)\s*\n\s*")
_OF_PAYING = re.compile(
    r"pay|paid|transfer|wire|remit|deposit|money|funds|cash|checkout|card|[付转轉汇匯款]|打钱|打錢|刷卡|结账"
)
# Where one thing that is said ends and the next begins.
_ENDS = re.compile(
    r"(?<=[。，、；！？])\s*|(?<=[.!?;,])\s*(?!\d)|\n|\b(?:and|but|so|also)\b|另外|[还還]有|[顺順]便|麻[烦煩]|[请請]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[\W\d]+")
_PARTS = 20  # that are read for it
_CLAUSES = re.compile(r"(?<=[.!?;,。，；！？])\s*|\n|\band\b")
_ASKS = re.compile(r"[?？]|吗|哪|几时|多久|什么")
_TOO_SHORT = 5  # characters, to be a question of its own
# Whatever was said to be paid, it is not as it should be.
_WENT_WRONG = re.compile(
    r"退|失败|重复|两次|多付|扣"
    r"|\b(?:refund\w*|return\w*|twice|double|fail\w*|declined|error|wrong|too much)\b"
)
# A wish for money back says nothing against the payment.
_WANTS_BACK = re.compile(
    r"\b(?:want|need|like|please|request|get|give me|have)\b[^.;!?]{0,20}\brefund(?:ed)?\b"
    r"|(?:要|想|请|申请|帮我|给我|麻烦)[^,。!?]{0,4}退(?:款|钱|货|掉)"
)
_TWICE = re.compile(
    r"(?:付|扣|转|打|支付)了?(?:两|二|2)(?:次|遍|笔)|[付扣转汇]了?(?:[两二]|好几)[次遍]|重复(?:付|扣|支付|转|汇)"
    r"|(?:付|转|打|扣)重(?:复)?了|多(?:付|扣|转|打|汇)了|[付转汇]多了"
    r"|\b(?:paid|payed|charged|transferred|debited|billed)(?: me| you| us| it| for it| by mistake)?"
    r" (?:twice|two times|double|2 times|2x)\b"
    r"|\b(?:double|twice) (?:paid|charged?|payment|billed)\b|\baccidentally paid (?:twice|again)\b"
    r"|\b(?:overpaid|paid too much)\b"
)
_PAGE = re.compile(
    r"\b(?:link|page|site|website|button|checkout)\b.{0,15}"
    r"\b(?:not (?:work|load|open)\w*|broken|dead|down|expired|error)\b"
    r"|(?:链接|连结|連結|网页|页面|网站|按钮).{0,8}(?:打不[开開]|失效|坏|過期|过期|没反应|不能用)"
)
_UNHAPPY = re.compile(r"[😠😡😤😢😭😞😔😟😣😖😫😩😰😱😨🙁☹😕😒🙄🤬🤮🤢💔👎❓❔⁉❗]")
_DOUBT = re.compile(r"[?？]|但|不过|可是|然而|\bbut\b|\bhowever\b|\bnothing\b|\bnot\b")


def recognise(text: str) -> Meaning:
    """Find the most specific meaning; `unknown` if no rule matches. Takes bounded time for any text.

    The rules read every language at once.
    """
    plain = normalise(text)
    if not plain:
        return _by("unknown", 0.0, EMPTY)
    parts = [plain, *map(normalise, _parts(text))]
    # "Stop it, I've paid" is no wish to hear nothing of what was bought.
    without = without_pressing_who_paid if says_paid(text) else without_pressing
    left = [without(part) for part in parts]
    pressed, parts, plain = left != parts, left, left[0]
    found = sorted(found_in(plain), key=lambda phrase: -phrase.score)
    stops = any(map(wants_stop, parts))
    beside = tuple(dict.fromkeys(phrase.meaning for phrase in found))
    if any(map(wants_no_offers, parts)) and not stops:
        return _by("no_offers", 1.0, "no more offers", beside)
    if stops:
        return _by("stop", 1.0, "stop word", beside)
    if any(map(wants_resume, parts)):
        return _by("resume", 1.0, "resume word")
    if not found:
        return _by("no_reminders", 0.9, "does not want to be pressed") if pressed else _politeness(plain)
    best = found[0]
    others = dict.fromkeys(phrase.meaning for phrase in found if phrase.meaning != best.meaning)
    also = (*others, "no_reminders") if pressed else tuple(others)
    return _by(best.meaning, best.score, best.name, also)


def says_paid(text: str) -> bool:
    """True if it is said that the money was sent, whatever else is said beside it."""
    plain = normalise(text)
    if not _OF_PAYING.search(plain) or _WENT_WRONG.search(_WANTS_BACK.sub(" ", plain)):
        return False
    return any("i_paid" in meant and "payment_status" not in meant for meant in _of_parts(text))


def says_paid_twice(text: str) -> bool:
    return bool(_TWICE.search(normalise(text)))


def instead_of_claim(text: str) -> str | None:
    """What is meant by words of paying that claim no payment: that it failed, is to come, or is asked."""
    return next((row.intent for row in _no_claim(text)), None)


def says_payment_failed(text: str) -> bool:
    """True if it is said of a payment that it was tried and has failed."""
    return bool(FAILED_AFTER.search(normalise(text)))


def only_promises(text: str) -> bool:
    """True for words of paying that are yet to come true, and none about being asked for the money."""
    return instead_of_claim(text) == "how_to_pay" and not OF_REMINDING.search(normalise(text))


def denies_payment(text: str) -> bool:
    """True if it is said that nothing was paid. Who will pay denies nothing that they have said before."""
    return any(row.denies for row in _no_claim(text))


def _no_claim(text: str) -> Iterator[NoClaim]:
    plain = normalise(text)
    if not _OF_PAYING.search(plain) or any(map(says_paid, parts_of(text))):
        return iter(())
    return (row for row in NO_CLAIM if row.pattern.search(plain))


def names_broken_page(text: str) -> bool:
    """True for a link or a page of the shop that does not open."""
    return bool(_PAGE.search(normalise(text)))


def asks_when(text: str) -> bool:
    """True if it is asked when something is sent or comes, whatever else is said beside it."""
    return any({"when_ship", "where_is_order"} & meant for meant in _of_parts(text))


def asks_beside_wish(text: str) -> bool:
    """True if something is asked or wished beside a wish to hear no more, whatever it is about."""
    parts = map(normalise, _CLAUSES.split(text[:LONGEST])[:_PARTS])
    rest = (part for part in parts if not wants_stop(part) and not wants_no_offers(part))
    return any(names_wish(part) or (_ASKS.search(part) and len(part) > _TOO_SHORT) for part in rest)


def parts_of(text: str) -> list[str]:
    return _ENDS.split(text[:LONGEST])[:_PARTS]


def _of_parts(text: str) -> Iterator[set[str]]:
    """What the whole means by its words, and each part of it by itself, whatever number stands before it."""
    for part in (normalise(text), *(_NUMBER.sub("", normalise(part)) for part in parts_of(text))):
        yield {phrase.meaning for phrase in found_in(part)}


def _parts(text: str) -> list[str]:
    """What has a wish of its own, whatever is read beside it: the end of a text that is not read to its end,
    each message that was too long to be obeyed at once, the last one, which half a sentence may stand before,
    and what goes on in the next."""
    parts = [text[-LONGEST:]] if len(text) > LONGEST else []
    if "\n" in text:
        *before, last = text.split("\n")
        parts += [line for line in before if len(line) > LONGEST_WISH]
        parts += [last, _GOES_ON.sub("", text)]
    return parts


def _by(intent: str, probability: float, rule: str, also: tuple[str, ...] = ()) -> Meaning:
    return Meaning(intent, probability, reason=Reason(rule=rule), also=also)


def asks_nothing(text: str) -> bool:
    """True for words that end a talk."""
    return recognise(text).intent in ENDS_TALK


def _politeness(plain: str) -> Meaning:
    """Recognise greetings and thanks, if nothing else is said: what follows a greeting is the question."""
    if _CALLS.search(plain):
        return _by("hello", 0.7, "calls us and says nothing yet")
    thanks, hello = bool(_THANKS.search(plain)), bool(_HELLO.search(plain))
    rest = words_only(_FILLER.sub("", _HELLO.sub("", _THANKS.sub("", plain))))
    if rest or (thanks and _DOUBT.search(plain)):
        return _by("unknown", 0.0, "no rule matched")
    if thanks:
        return _by("thanks", 0.8, "thanks and nothing else")
    if hello:
        return _by("hello", 0.8, "a greeting and nothing else")
    if _FILLER.search(plain) and not _DOUBT.search(plain):
        return _by("acknowledged", 0.6, "agreement and nothing else")
    if _is_picture(plain):
        return _by("acknowledged", 0.6, "a face and nothing else")
    return _by("unknown", 0.0, "no words")


def _is_picture(plain: str) -> bool:
    """True for emoji alone, but for those that ask or are unhappy."""
    pictures = any(unicodedata.category(sign) == "So" for sign in plain)
    return pictures and not _UNHAPPY.search(plain) and not _DOUBT.search(plain)
