"""What a message means once it is known which item it is about: what the words alone left open."""

import re
from decimal import Decimal

import msgspec

from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import ABOUT_PRODUCTS, Meaning, Reason, Understanding
from bot.domain.quotes import ABOUT_PRICES, QUESTION
from handlers import knowledge, pay_ways
from handlers.for_people import for_people
from handlers.haggling_words import asked_for, number_in
from handlers.normalise import normalise
from handlers.order_proof import marked_numbers_in, numbers_in
from handlers.products import FACTS
from handlers.taken_back import corrected
from handlers.talk import open_question, talk_of
from handlers.which_meaning import settled
from handlers.which_order import BEFORE_SHIPPING, named_order

HOW_TO_ORDER, BEFORE_BUYING, OWN_SUM, TAX = "how_to_order", "delivery_time", "own_sum", "tax"
LIKELY, SURER = 0.45, 0.75  # probabilities from which on a question about an item that is known is answered
LONG = 120  # characters of a text that asks for more than when something arrives
SHORT = 40  # characters of a text that names an item and a sum, and so offers it
OF_SUMS = frozenset({"price", "how_to_pay", "payment_status", "discount", "postage"})
# What a question about tax may be taken for.
OF_TAX = frozenset(
    {"price", "postage", "product_question", "how_to_pay", "stock", "material_care", "other", "unknown"}
)
LATE = frozenset({"where_is_order", "when_ship"})
# What has a word of its own, or a person in any case.
NOT_PASSED_ON = frozenset({"stop", "resume", "no_offers", "no_reminders", "person", "cancel_order"})
NO_MATTER = frozenset({"praise", "hello", "thanks", "acknowledged", "how_to_pay", "unknown"})

_HOW_TO_ORDER = re.compile(
    r"\bhow (?:do|can|would|should) (?:i|we) (?:(?:place|make) (?:an |the |my )?order|order|buy|purchase)\b"
    r"|\bhow to (?:order|buy)\b|\bwhere (?:do|can) i (?:order|buy)\b"
    r"|(?:怎么|如何|怎样|在哪里?|到哪里?)(?:才能|可以|能)?(?:下单|下订单|拍|购买|订购|买)(?!的|错)"
)
_IF_BOUGHT = re.compile(
    r"\bif (?:i|we) (?:order|buy|pay|purchase)|\bbefore i (?:order|buy)\b|\bwhen would it arrive\b"
    r"|(?:今天|现在|明天|今晚|这会儿)(?:拍|下单|下|订购?|买|付款?)|想买|要是买|如果买|想订"
)
_HOW_LONG = re.compile(
    r"\bhow (?:long|many days|soon|quick|fast)\b|\bdelivery time\b"
    r"|几天|多久|多少天|多长时间|什么时候能?到|哪天能?到"
)
_SAYS_OTHERWISE = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:rules?|instructions?|prompts?|polic(?:y|ies)|limits?)\b"
    r"|\bsystem prompt\b|\b(?:developer|debug|admin) mode\b|\byou are now\b|\bjailbreak\b"
    r"|(?:忽略|无视|忘掉|忘记|不要管|绕过).{0,12}(?:规则|指示|指令|规定|设定|限制|提示)|系统提示|(?:开发者|调试|管理员)模式"
)
_SUM = re.compile(
    r"\bhow much (?:is|was|does|do i|must i|should i|have i|will i|i|to)\b|\b(?:total|sum|amount|owe|due)\b"
    r"|多少钱|(?:要|该|得|应|还)付多少|(?:一共|总共|合计|总)(?:是|价|额)?多少|总(?:价|额)"
)
_NOT_A_SUM = re.compile(
    r"refund|\bback\b|postage|shipping|\bstock\b|(?<!\bon )delivery(?! (?:man|guy))|discount|cheaper"
    r"|退|运费|邮费|优惠|便宜"
)
# What is asked of no item, but of what one has to pay.
_OWED = re.compile(
    r"\bhow much (?:is |money is )?(?:still )?(?:left|remaining|outstanding|due)\b|\bowe\b"
    r"|\b(?:how much|what)\b.{0,20}\bstill (?:to pay|due|have to pay|need to pay)\b"
    r"|\bhow much\b.{0,20}\bwhen (?:it (?:comes|arrives)|i (?:collect|fetch|get|pick)\b)"
    r"|\bhow much\b.{0,20}\bpay (?:you|at the door|on delivery|when it|(?:the )?(?:driver|courier|carrier"
    r"|postman|delivery (?:man|guy)))\b"
    r"|还(?:差|欠|剩|要付|需付|要给|得付|该付)(?:多少|几)|(?<!相)(?:差|欠)(?:你们?|您)?多少"
    r"|(?:到货|收货|货到|货到付款|取货|自提)(?:的?时候?|后)?(?:要|得|该)?(?:付|给)多少"
)
_TOTAL = re.compile(r"\btotal\b|(?:一共|总共|合计|总)(?:是|要|价|额)?(?:付)?多少")
# States of an order whose total may be asked for without naming it.
_WAITS = (*BEFORE_SHIPPING, "on_delivery")
_MY_ORDER = re.compile(r"\b(?:my|the|this|that) order\b|(?:我的?|这个?|那个?)(?:订单|单)")
_PRICE_AND_POSTAGE = re.compile(
    r"\b(?:how much|price|cost)\b.{2,80}\b(?:and|with|including|plus)\b"
    r".{0,30}\b(?:postage|delivery|shipping)\b"
    r"|多少钱?.{0,10}(?:运费|邮费|包邮|免运)"
)
# What no setting tells; a tax number or an invoice with it is another matter.
_TAX = re.compile(
    r"\b(?:vat|gst|sales tax|tax(?:es)?|duty|duties|customs)\b"
    r"(?! (?:number|no\b|id|invoice|receipt|free|code))"
    r"|[含加免][不了]?[稅税]|[稅税](?:金|款|费|怎么|多少|率|钱|要|吗|前|后)|[关關][稅税]|[要交付算]税"
)
_ON_PAPER = re.compile(r"invoice|receipt|发票|抬头|税号|统编")
_ASKS_PRICE = re.compile(r"\bhow much\b|\bprice of\b|多少钱|什么价")
_ARTICLE = re.compile(r"\b(?:an?|the|my|please|it is|for)\b")
_LETTER = re.compile(r"[^\W\d_]")


def revised(understood: Understanding, event: MessageReceived, context: Context) -> Understanding:
    """A meaning that fits the item which is named or talked of, where the words alone were not sure."""
    if event.kind == "button" or not understood.meanings:
        return understood
    plain, meanings = normalise(event.text), understood.meanings
    intents = {each.intent for each in meanings}
    first = meanings[0]
    sure = understood.outcome == "answer" and not understood.guessed
    if for_people(plain) and not intents & NOT_PASSED_ON:
        return Understanding("hand_over", (_as("unknown", first),), guessed=True)
    if intents & ABOUT_PRICES and _is_no_bargain(event.text, plain):
        return Understanding("hand_over", (_as("unknown", first),), guessed=True)
    if not sure and "how_to_pay" in intents and pay_ways.names_one(event.text):
        return _answer("how_to_pay", first)
    if first.intent == "change_order" and _is_title(plain, context):
        return Understanding("hand_over", (_as("unknown", first),), guessed=True)
    if (not sure or intents & OF_SUMS) and _asks_own_sum(plain, event, context):
        return _answer(OWN_SUM, first)
    if _TAX.search(plain) and not intents - OF_TAX and not _ON_PAPER.search(plain):
        priced = first.intent == "price" and context.shelf.named and _ASKS_PRICE.search(plain)
        return Understanding("answer", (*meanings[:1],) * bool(priced) + (_as(TAX, first),))
    if _HOW_TO_ORDER.search(plain) and not marked_numbers_in(event.text):
        return _answer(HOW_TO_ORDER, first)
    if first.intent in LATE and len(plain) <= LONG and _before_buying(plain, event, context):
        rest = tuple(each for each in meanings if sure and each.intent not in LATE)
        return Understanding("answer", (*rest, _as(BEFORE_BUYING, first)))
    if not sure and not first.slots.offer and knowledge.else_likely(event, context):
        return understood  # which the seller's own words answer
    if sure and intents == {"postage"} and context.shelf.named and _PRICE_AND_POSTAGE.search(plain):
        return Understanding("answer", (_as("price", first), first))
    if offered := _offered(first, sure, event, context):
        return offered
    return _of_an_item(understood, sure, event, context)


def _is_title(plain: str, context: Context) -> bool:
    """Whether these words name an item that was ordered, and say nothing else."""
    words = set(re.findall(r"\w+", _ARTICLE.sub("", plain)))
    titles = (normalise(line.title) for order in context.orders for line in order.lines)
    return bool(words) and any(words <= set(re.findall(r"\w+", title)) for title in titles)


def _as(intent: str, meaning: Meaning) -> Meaning:
    return msgspec.structs.replace(meaning, intent=intent, reason=Reason(rule="item"))


def _answer(intent: str, meaning: Meaning) -> Understanding:
    return Understanding("answer", (_as(intent, meaning),))


def _is_no_bargain(text: str, plain: str) -> bool:
    """Orders to the bot, and what has neither a word nor a number to offer."""
    nothing = not _LETTER.search(text) and number_in(text) is None and not re.search(r"[?？]", text)
    return bool(_SAYS_OTHERWISE.search(plain)) or nothing


def _asks_own_sum(plain: str, event: MessageReceived, context: Context) -> bool:
    """Whether the question is how much an order comes to, and not an item."""
    owed = _OWED.search(plain)
    if context.shelf.named or not (owed or _SUM.search(plain)) or _NOT_A_SUM.search(plain):
        return False
    named = marked_numbers_in(event.text) or named_order(numbers_in(event.text), context)
    if named or not context.orders:
        return bool(named)
    waits = any(order.state in _WAITS for order in context.orders) and not context.shelf.products
    return bool(owed or _MY_ORDER.search(plain) or (waits and _TOTAL.search(plain)))


def _before_buying(plain: str, event: MessageReceived, context: Context) -> bool:
    """Whether the question is when something would arrive that is not ordered yet."""
    if marked_numbers_in(event.text) or context.linked_order:
        return False
    return bool(_IF_BOUGHT.search(plain)) or (not context.orders and bool(_HOW_LONG.search(plain)))


def _offered(first: Meaning, sure: bool, event: MessageReceived, context: Context) -> Understanding | None:
    """An offer for an item that is named, or in a talk about a price."""
    asked, shelf = open_question(context), context.shelf
    haggles = asked is not None and asked.question.startswith(QUESTION)
    in_hand = bool(shelf.products) or haggles
    if first.slots.offer and in_hand and (not sure or first.intent in NO_MATTER):
        return _answer("discount", first)
    if not sure and in_hand and (first.intent == "discount" or (shelf.named and asked_for(event.text))):
        return _answer("discount", first)
    if not shelf.named or len(event.text) > SHORT or (sure and first.intent != "price"):
        return None
    amount = first.slots.amount or (number_in(event.text) if shelf.bare else None)
    price = shelf.products[0].price
    if amount is None or price is None or first.slots.quantity:
        return None
    near = price.decimal / 10 <= amount <= price.decimal * 2 or first.slots.amount is not None
    slots = msgspec.structs.replace(first.slots, amount=Decimal(amount), offer=True, orders=())
    return _answer("discount", msgspec.structs.replace(first, slots=slots)) if near else None


def _of_an_item(
    understood: Understanding, sure: bool, event: MessageReceived, context: Context
) -> Understanding:
    """A question about an item that is known is answered where it is likely, and of two likely ones both; the
    name of an item alone asks what was asked before."""
    shelf, meanings = context.shelf, understood.meanings
    if not shelf.products:
        return understood
    first = meanings[0]
    last = talk_of(context).last
    names_it = not sure or (last in FACTS and first.intent not in ABOUT_PRODUCTS)
    bare = shelf.bare or (shelf.named and not sure and corrected(event.text) is not None)
    if bare and names_it and open_question(context) is None and last in (None, *ABOUT_PRODUCTS):
        return _answer(last if last in FACTS else "price", first)
    second = meanings[1] if len(meanings) > 1 else None
    least = LIKELY if understood.outcome == "ask" else SURER
    if (
        sure
        or first.intent not in FACTS
        or first.probability < least
        or (second and settled((first, second), shelf))
    ):
        return understood
    both = second is not None and second.intent in FACTS and 2 * second.probability > first.probability
    return Understanding("answer", meanings[: 2 if both else 1])
