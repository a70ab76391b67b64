"""Proof that an order is the buyer's: its number together with the last four digits of the phone kept on it.

A wrong number and wrong digits get the same answer, so that guessing reveals nothing; a line offers one
pair, and the wrong tries of a day are counted for the chat and for the order, over all chats, also where
several messages are read as one. A proof opens that one order and gives no tries back.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache

import msgspec

from bot.domain.actions import Action, CallHuman, CountTry, OpenOrder, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies
from bot.domain.order_numbers import half_width, named
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.settling import MOST
from bot.domain.talks import NO_TALK, Talk
from handlers import message_policies as policy
from handlers.normalise import LONGEST, normalise, words_only
from handlers.replies import answer, human_called

NUMBERS = 5  # looked up for one line, which offers one pair all the same; a phone may be typed in four parts
LINES = MOST  # that are judged each for itself; more of them offer one pair together
Offer = tuple[str, tuple[str, ...]]  # a number, and the last four digits of phones beside it
A_DAY = timedelta(days=1)
ORDER_TRIES = 10  # wrong ones a day at one order, over all chats; then only a person opens it

# Groups of letters and digits; so many digits that "3pm", "2nd" or "500ml" is none.
_MIXED = (
    r"(?=[A-Za-z](?:[A-Za-z#./_-]{0,16}\d){3}|(?:[#./_-]?\d){4}"
    r"|(?:\d[#./_-]?){1,3}[A-Za-z](?:[A-Za-z#./_-]{0,16}\d){4})"
    r"[A-Za-z0-9]{1,30}(?:(?:[-/_#]|(?<=\d)\.(?=\d))[A-Za-z0-9]{1,10}){0,4}(?![A-Za-z0-9])"
)
_SHORT = (
    r"(?:[A-Za-z]{1,6}[-_#]?){0,2}\d{1,30}"
    r"(?:[-/_](?:\d{1,10}|[A-Za-z]{1,4})(?![A-Za-z0-9])){0,3}(?:\.\d{1,4})?"
)
_NUMBER = rf"({_MIXED}|{_SHORT})(?![A-Za-z0-9]|[.,]\d|\s?(?:元|块|塊|%))"
# What stands so without a mark is a sum of money, a size or a day; a day with more behind it is a number.
_AMOUNT = r"(?!\d{1,4}\.\d{1,4}\.\d{1,4}[-/_]\d)(?:\d{1,3}\.\d|\d{1,9}\.\d\d(?!\d))"
_MARKED = re.compile(
    r"(?:(?<![A-Za-z0-9])#|\border\b|\bn(?:o|r|um)(?:\.|(?=#))|订单|訂單|单号|單號|编号|編號)"
    rf"(?:号|號|编|編|碼|码|为|為|是|\bnumber\b|\bno\b|\bis\b|[\s:：.#]){{0,6}}#?{_NUMBER}",
    re.IGNORECASE | re.ASCII,
)
_PLAIN = re.compile(rf"(?<![A-Za-z0-9+¥$€£.\-])(?!{_AMOUNT}){_NUMBER}")
_PLAIN_ALONE = re.compile(rf"(?<![0-9+¥$€£.\-]){_NUMBER}")  # beside no word that makes it a sum
_WORDS = re.compile(r"[^\W\d_]")
_PART = r"(?:[A-Za-z]{1,6}[#._]?)?(?:\d[\w.#]{0,20}|[A-Za-z]{1,4}(?![A-Za-z0-9]))"
_SPACED = re.compile(rf"(?<![A-Za-z0-9]){_PART}(?:\s{{0,3}}[-/]\s{{0,3}}{_PART})+", re.ASCII)
_LOOSE_SIGN = re.compile(r"\s[-/]|[-/]\s")
_NO_PREFIX = "".join(  # words, and not the letters that a number begins with
    rf"(?<!\b{word})" for word in ("and", "with", "for", "of", "on", "is", "my", "the", "to", "it", "its")
)
_SPACED_MARK = re.compile(
    rf"(?<=[A-Za-z]){_NO_PREFIX}\s{{1,3}}#\s{{0,3}}(?=\d)"
    r"|(?<=[A-Za-z])#\s{1,3}(?=\d)"
    r"|(?<![A-Za-z0-9])#\s{0,3}(?=[A-Za-z]{1,6}\s{1,3}\d)(?!order|no|nr|num|is)([A-Za-z]{1,6})\s{1,3}",
    re.IGNORECASE,
)
# A comma that stands in no amount: 1,001 and 12,50 are amounts.
_COMMA_BETWEEN = re.compile(r"(?<=[A-Za-z0-9]),(?=\d{4}|\d{3}[\s.-]\d{3})|(?<=\d{4}),(?=\d{3})")
_WIDE_COMMA = str.maketrans({"，": ", ", "﹐": ", ", "、": ", "})
_DIGITS = re.compile(r"\d+")
_DIGITS_ALONE = re.compile(r"\W*(\d{4})\W*", re.ASCII)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LAST_FOUR = (
    r"(?:尾[号號数數码碼]|(?:最)?[后後末][四4](?:[位码碼]|个|個)?(?:[数數][字]?|号码|號碼)?)"
    r"|\b(?:last|final) (?:four|4)\b|\bend(?:s|ing)?\b"
)
_PHONE = (
    r"(?:联系|聯絡|联络|聯繫|预留|預留|收货|收貨|行动|行動)?(?:手机|手機|电话|電話|门号|門號)"
    r"|\b(?:tele|cell|mobile )?phone\b|\b(?:mobile|tel|cell|mob|ph|hp|whatsapp)\b"
)
# A phone as people part it, +44 (0)7700 900-321 or 06.12.34.56.78; one sign stands between its parts, and it
# ends with its line.
_GAP = r"[^\S\n]"
_PARTS = (
    rf"(?:(?:\+{_GAP}?)?\(?\d{{1,5}}(?:(?:{_GAP}?[()-]{_GAP}?|\){_GAP}?\(|{_GAP})\(?\d{{1,7}}){{1,6}}"
    r"|\+?\d{2,5}(?:\.\d{2,4}){2,5})(?!\.?\d|[-/_#][A-Za-z]{1,4}(?!\s?[A-Za-z.:#]|\s\d))"  # 100-DE
)
_IN_PARTS = re.compile(rf"(?<![A-Za-z0-9.\-/#]){_PARTS}")
_BEFORE_PHONE = (
    rf"(?:{_LAST_FOUR}|{_PHONE})"
    rf"(?:{_LAST_FOUR}|号码?|號碼?|是|为|為|的|\b(?:no|nr|number|digits|is|are|of|my|in|with|phone)\b|[\s:：.#(])"
    r"{0,8}"
)
_CALLED = re.compile(
    rf"{_BEFORE_PHONE}({_PARTS}|\+?\d{{8,15}}(?!\d)|\d{{4}}(?!\d))", re.IGNORECASE | re.ASCII
)
_PHONE_LINE = re.compile(
    rf"[^\w+(]*(?:my )?(?:{_BEFORE_PHONE}|(?=[+(0])){_PARTS}\W*", re.IGNORECASE | re.ASCII
)
_TAKEN = "|"  # in the place of a number, so that what stood around it stays apart
# What stands around a number and digits that are a proof, after `normalise`; simplified, since that folds.
_AROUND = re.compile(
    r"[a-z]{1,5}\s?[.:#]+(?=\s*[(+#]?\d)"  # an abbreviation, whatever it is
    r"|订单|单号|编号|号码?|手[机機]|电话|[门門]号|联系|联[络絡]|[预預]留|收货|行动|下单|[购購][买買]"
    r"|\bname\s?[:：]\s?[a-z' -]{1,30}|(?:姓名|名字)\s?[:：]?\s?[\u4e00-\u9fff]{1,6}"
    r"|尾[号数码]|最?[后末][\s0]{0,4}四?\s?(?:[位码]|个)?(?:数字?)?"
    r"|这个|这是|就是|我的|您的|是|的|为|和|呢|查|看|一下|[帮幫]我|请问?|麻烦|谢谢|亲|你好|您好"
    r"|\b(?:(?:sales |purchase )?ord(?:er)?|num(?:ber)?s?|no|nr|ref(?:erence)?|code|id"
    r"|(?:tele|cell|mobile )?phone|tel|cell|mobile|mob|ph|hp|whatsapp|contact"
    r"|last|final|four|digits?|end(?:s|ing)?(?: in| with)?|my|the|is|are|was|and|its?|here|this|that|these|of"
    r"|with|please|thanks|hello|hi|hey|yes|ok|okay|sure|4)\b",
    re.ASCII,
)
_PHONE_ALONE = re.compile(r"[^0-9+]*\+(?:[\s().-]{0,3}\d){9,13}(?![-/_#][A-Za-z])\D*")
# An order's number of few signs with its digits and nothing else; among other words it may be anything.
_FEW_SIGNS = re.compile(
    r"\A\s{0,9}(?!(?:at|by|for|hp|is|mob|my|no|nr|of|ok|ph|tel|the|to)(?![a-z]))([A-Za-z]{0,3})[\s_#-]{0,2}(\d{1,2})"
    r"(?=[\s,;:|/-]{1,4}(?:\d{4}|\+?\d[\d\s()-]{6,22}\d)\s{0,9}\Z)",
    re.IGNORECASE,
)


def numbers_in(text: str) -> tuple[str, ...]:
    """Find what may be an order's number, as it was typed, likeliest first; at most 2 * NUMBERS.

    Spaces around - and / may belong to the number, or part it from the digits: both are found.
    """
    return _both_ways(text[:LONGEST])


def numbers_to_look_up(text: str, talk: Talk = NO_TALK) -> tuple[str, ...]:
    """Those of the whole and those of each line, so that each message of a reading is judged for itself; and
    where digits alone answer a question, those of the words that it was about."""
    every = (text, *_lines(text))
    if talk.asked and _DIGITS_ALONE.fullmatch(text):
        every += tuple(str(words) for name, words in talk.asked.about.items() if name.startswith("text"))
    return tuple(dict.fromkeys(number for part in every for number in numbers_in(part)))


def _lines(text: str) -> list[str]:
    lines = text.splitlines()
    return lines if 1 < len(lines) <= LINES else []


@lru_cache(maxsize=512)  # asked when a batch is read, and again for each of its messages
def _both_ways(text: str) -> tuple[str, ...]:
    ways = dict.fromkeys(_ways(text))  # one, where no number has a space in it
    return tuple(dict.fromkeys(number for way in ways for number in _numbers_in(way)))


def _numbers_in(plain: str) -> tuple[str, ...]:
    """First what is called an order's number, last what is called a phone's."""
    marked = [found[1] for found in _MARKED.finditer(plain)]
    rest = _CALLED.sub(_TAKEN, plain)
    pattern = _PLAIN if _WORDS.search(rest) else _PLAIN_ALONE
    others = [found[1] for part in (rest, plain) for found in pattern.finditer(part)]
    long = [each for each in others if len(_DIGITS.sub("", each)) <= len(each) - 3]
    return tuple(dict.fromkeys((*marked, *long)))[:NUMBERS]


def uncalled_numbers_in(text: str) -> tuple[str, ...]:
    """Find what may be an order's number, and is not called the last digits of a phone, card or account."""
    return numbers_in(_CALLED.sub(_TAKEN, text[:LONGEST]))


def marked_numbers_in(text: str) -> tuple[str, ...]:
    """Find only the numbers that the buyer calls an order's number."""
    return tuple(
        found[1] for found in _MARKED.finditer(_ways(text)[0]) if len(found[1]) >= 3 or "#" in found[0]
    )


def last_fours_in(text: str, number: str | None) -> tuple[str, ...]:
    """Find the last four digits of phones that a message offers beside the order's `number`."""
    joined, apart = _ways(text)
    plain = joined if number is not None and number in _numbers_in(joined) else apart
    if number is None:
        return _beside(plain)
    alone = re.compile(rf"(?<![A-Za-z0-9]){re.escape(number)}(?![A-Za-z0-9])")
    rest = alone.sub(_TAKEN, plain, count=1) if alone.search(plain) else plain.replace(number, _TAKEN, 1)
    return _beside(alone.sub(_TAKEN, rest)) or _beside(rest)  # a number may also be its phone's last digits


def _beside(text: str) -> tuple[str, ...]:
    joined = _phones_joined(text)
    called = ["".join(_DIGITS.findall(found[1])) for found in _CALLED.finditer(joined)]
    runs = [run for run in called or _DIGITS.findall(joined) if len(run) == 4 or 8 <= len(run) <= 15]
    return tuple(dict.fromkeys(run[-4:] for run in runs))


def _phones_joined(text: str) -> str:
    """The text with each phone in one piece. Three fours and more in a row are as many guesses."""
    return _IN_PARTS.sub(_phone_joined, text)


def _phone_joined(found: re.Match[str]) -> str:
    parts = _DIGITS.findall(found[0])
    phone = "".join(parts)
    guesses = len(parts) > 2 and all(len(part) == 4 for part in parts)
    if guesses or not 8 <= len(phone) <= 15:
        return found[0]
    return f"+{phone}" if found[0].startswith("+") else phone


def only_numbers(text: str) -> bool:
    """True for an order's number, with digits of a phone or without, and no question of its own."""
    numbers = numbers_in(text)
    return bool(numbers) and not all(_has_more(way, numbers) for way in dict.fromkeys(_ways(text)))


def _has_more(way: str, numbers: tuple[str, ...]) -> bool:
    plain = normalise(way)
    for number in sorted(numbers, key=len, reverse=True):  # one may be a part of another
        plain = plain.replace(number.casefold(), " 0 ")
    return bool(words_only(_DIGITS.sub(" ", _AROUND.sub("", _DIGITS.sub(" 0 ", plain)))))


def with_number_before(event: MessageReceived, words: str) -> MessageReceived:
    """The message, with the words before it where it offers no more than the digits of a phone for the number
    that is named in them."""
    numbers = numbers_in(words)
    digits = _DIGITS_ALONE.fullmatch(event.text)
    if not digits or not numbers or digits[1] in numbers:
        return event
    return msgspec.structs.replace(event, text=f"{words}\n{event.text}")


def is_pair(text: str) -> bool:
    """True for a number beside four digits and nothing else: a proof, whatever else the chat knows, and
    whether or not there is such an order, so that guessing reveals nothing."""
    return only_numbers(text) and bool(_offers(text))


def offers_digits_of(order: Order, text: str) -> bool:
    """True if its number stands there with the digits of this order."""
    every = (offer for part in (text, *_lines(text)) for offer in _offers(part))
    return any(fours == (last_four_of(order),) and named(number, (order,)) for number, fours in every)


def with_number_as_word(text: str) -> str:
    """Replace an order's number by the word "order": "where is 1001?" becomes "where is order?"."""
    plain = _ways(text)[1]
    word = " 订单 " if _CHINESE.search(plain) else " order "
    return _DIGITS.sub(" ", _PLAIN.sub(word, plain, count=1))


def prove(event: MessageReceived, context: Context, then: Callable[[Order], list[Action]]) -> list[Action]:
    """Ask for the proof, or check each one offered, until there were too many wrong ones; `then` answers for
    each order that is proved to be theirs."""
    offers, together = _meant(event.text, context)
    if not offers:
        return [answer("which_order", event)]
    proved: dict[str, Order] = {}
    wrong: list[list[Order]] = []
    opened: list[Action] = []
    for offer in offers:
        if too_many_tries(context, len(wrong)):
            opened += [] if proved else _give_up(event, context)
            break
        if proved and offer == together:
            break
        right = _proved(offer, context)
        opened += [OpenOrder(order=order.id, how="digits") for order in right]
        proved |= {order.id: order for order in right[:1]}
        wrong += [] if right else [_unseen(offer[0], context)]
    else:
        opened += [] if proved else [answer("not_matched", event)]
    told = [action for order in proved.values() for action in then(order)]
    return [*_counts(wrong), *_warn(wrong, context), *opened, *told]


def _meant(text: str, context: Context) -> tuple[list[Offer], Offer | None]:
    """What each line offers, and last what they offer together, which is judged if none of them proves
    anything: one line may have the number, and another the digits."""
    lines = (line for line in _lines(text) if not _is_phone(line))
    apart = dict.fromkeys(offer for line in lines if (offer := _offer(line, context)))
    whole = _offer(text, context)
    if whole is None or whole in apart or (apart and len(whole[1]) > 1):
        return list(apart), None
    return [*apart, whole], whole


def _offer(text: str, context: Context) -> Offer | None:
    """The pair whose number is known, else the likeliest."""
    every = _offers(text)
    known = (offer for offer in every if named(offer[0], context.named_orders))
    return next(known, every[0] if every else None)


def _offers(text: str) -> list[Offer]:
    if _PHONE_ALONE.fullmatch(text[:LONGEST]):
        return []
    return [(number, fours) for number in numbers_in(text) if (fours := last_fours_in(text, number))]


def _is_phone(line: str) -> bool:
    """True for a line that may be a phone in several parts: other lines say of which order."""
    plain = _ways(line)[1]
    return bool(_PHONE_LINE.fullmatch(plain)) and 9 <= len("".join(_DIGITS.findall(plain))) <= 15


def _proved(offer: Offer, context: Context) -> list[Order]:
    number, fours = offer
    return [order for order in named(number, context.named_orders) if fours == (last_four_of(order),)]


def _unseen(number: str, context: Context) -> list[Order]:
    """The orders of a number that this chat would see by guessing: nobody guesses at what they may see."""
    seen = {order.id for order in context.orders}
    return [order for order in named(number, context.named_orders) if order.id not in seen]


def counted(proved: list[Action]) -> list[Action]:
    """What a failed proof leaves to do for one who answers it in other words."""
    return [
        action
        for action in proved
        if isinstance(action, CountTry) or (isinstance(action, Say) and action.template == "order_guessed")
    ]


def last_four_of(order: Order) -> str | None:
    """The last four digits of the phone that the order itself keeps."""
    phone = order.contacts.proving_phone if order.contacts else None
    return "".join(_DIGITS.findall(phone))[-4:] if phone else None


def _counts(wrong: list[list[Order]]) -> list[Action]:
    return [
        CountTry(orders=tuple(order.id for order in meant), place=place) for place, meant in enumerate(wrong)
    ]


def _warn(wrong: list[list[Order]], context: Context) -> list[Action]:
    """Tell the order's own contacts once a day that somebody guesses."""
    today = context.now.date().isoformat()
    tries = Counter(order.id for meant in wrong for order in meant)
    guessed = [id for id, now in tries.items() if context.wrong_tries.get(id, 0) + now >= ORDER_TRIES]
    return [
        Say(template="order_guessed", key=f"order_guessed:{id}:{today}", order=id) for id in sorted(guessed)
    ]


def too_many_tries(context: Context, more: int = 0) -> bool:
    """more: wrong ones of the message that is being read."""
    if max(context.wrong_tries.values(), default=0) + more >= ORDER_TRIES:
        return True
    chat = context.conversation
    if chat is None:
        return False
    counts = chat.tries_since is not None and context.now - chat.tries_since <= A_DAY
    return (chat.tries if counts else 0) + more >= context.shop.limits.tries


def _give_up(event: MessageReceived, context: Context) -> list[Action]:
    """Call a person. After too many tries even right digits are not accepted, and nothing is revealed."""
    if human_called(context):
        return []
    tries = context.conversation.tries if context.conversation else 0
    return [answer("human_coming", event), CallHuman(reason="proof_failed", details={"tries": tries})]


def _ways(text: str) -> tuple[str, str]:
    """The text without the spaces that may belong to numbers, and without those alone that surely do."""
    apart = text[:LONGEST].translate(_WIDE_COMMA)
    plain = _SPACED_MARK.sub(r"#\1", half_width(_COMMA_BETWEEN.sub(", ", apart))[:LONGEST])
    plain = _FEW_SIGNS.sub(r"#\1\2", plain)
    return _SPACED.sub(_joined, plain), _SPACED.sub(_joined_if_many, plain)


def _joined(found: re.Match[str]) -> str:
    return "".join(found[0].split())


def _joined_if_many(found: re.Match[str]) -> str:
    """One sign with spaces around it may stand between a number and its digits; several do not."""
    return _joined(found) if len(_LOOSE_SIGN.findall(found[0])) > 1 else found[0]


POLICIES: MessagePolicies = {
    "which_order": policy.answer(samples=({}, {"again": True})),
    "not_matched": policy.answer(samples=({}, {"again": True})),
    "order_guessed": policy.service(lambda due, order, facts, now: None),
}

REASONS: Reasons = {"proof_failed": ("tries",), "many_wrong_tries": ("tries",)}
