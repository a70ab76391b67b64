"""Reads what a buyer wants done about what they got: which way, for what cause, used or not, which items."""

import re

from bot.domain.events import Line
from bot.domain.orders import Order
from bot.domain.return_policy import Cause, Way, Wish
from handlers.normalise import normalise

_EITHER = re.compile(
    r"退换|return(?:s|ing)? (?:or|and|/) (?:an )?exchang|退(?:货|款)?(?:还是|或者?|或|跟|和)换"
)
_NOT = re.compile(
    r"(?:不(?:要|想|用|需要)?(?:换货?|退款|退货?|修))|\b(?:not?|do not want|rather than|instead of) (?:a "
    r"|an |the )?"
    r"(?:refund|replacement|exchange|repair)\w*"
)
# Each way with the words that ask for it and for nothing else.
_WAYS: tuple[tuple[Way, re.Pattern[str]], ...] = (
    (
        "repair",
        re.compile(
            r"\brepair|\bmend(?:ed|ing)?\b|\bfix(?:ed|ing)? it\b|\bget it fixed\b|维修|維修"
            r"|返修|送修|修一下|修理|能修|修好"
        ),
    ),
    (
        "size",
        re.compile(
            r"\b(?:other|another|different|right|wrong|bigger|smaller|larger|next) size|\bsizes? (?:up"
            r"|down)\b"
            r"|\btoo (?:big|small|tight|loose|long|short|large|wide|narrow)\b|\b(?:bigger|smaller"
            r"|larger) one\b"
            r"|尺码|尺碼|码数|大一[号号號码碼]|小一[号號码碼]|[大小](?:了|号|號)?(?:想|能|可以)?换"
            r"|换个?[大小]"
            r"|太[大小紧松緊鬆长短長]|偏[大小]|有点[大小]|换个?尺|换尺|尺寸不[合对對]|大小不合"
        ),
    ),
    (
        "replacement",
        re.compile(
            r"\breplac|\bexchang|\bswap|\b(?:send|want|need|get|have) (?:me )?(?:an?other|a new)\b"
            r"|\bnew one\b"
            r"|换货|换一|换个|换新|换掉|想换|能换|可以换|要换|给换|包换|补发|補發|补寄|補寄|重发|重發|重寄"
            r"|再寄一|再发一|调换"
        ),
    ),
    ("refund", re.compile(r"\brefund|\bmoney back\b|\bmy money\b|退款|退钱|退錢|退费|退費|退现|钱退|刷退")),
)
_BACK = re.compile(
    r"\breturn|\bsen[dt] (?:it|this|that|them|one|\w+) back\b|\b(?:go|give|hand|take|bring|post) (?:it "
    r"|this |them )?back\b"
    r"|退货|退掉|退回|[要想能以请]退|退一|退了|退不|退吗|寄回"
)
_ASKS = re.compile(
    r"\?|[吗嗎]|怎么|怎麼|能不能|可不可以|能退不|可以退不|[谁誰]|多久|几天|流程|地址|规则|規定"
    r"|\b(?:how|who|what|where|policy|address|label|can i|may i|could i|do (?:i|you)|is it|are)\b"
)

# About the rules, and about no order.
_ASKS_RULES = re.compile(
    r"\b(?:returns?|refunds?|exchanges?) (?:policy|polic(?:ies|y)|rules?|terms|conditions)\b"
    r"|\b(?:policy|rules?|terms) (?:on|for|about) (?:returns?|refunds?|exchanges?|sending)\b"
    r"|\b(?:what|how) (?:are|is|do|does|about)(?: your| the)? (?:returns?|exchanges?|refunds?)\b"
    r"|\bdo you (?:take|accept|do|offer|allow|have)(?: any)? (?:returns?|exchanges?|refunds?|things back)\b"
    r"|\b(?:are|is) (?:the )?(?:returns?|exchanges?|refunds?) (?:free|possible|allowed|accepted)\b"
    r"|\bhow (?:long|many days) (?:do|have|can) (?:i|we)\b.{0,20}\breturn"
    r"|\bhow (?:(?:do|does|are|is|can) )?(?:the |your )?(?:returns?|exchanges?|returning"
    r"|sending back) (?:work|made|done"
    r"|handled)|\bdo you (?:do|offer|have|give|take) (?:\w+ )?(?:free )?(?:returns?|exchanges?)\b"
    r"|\bwho (?:pays|covers|bears)\b.{0,30}\b(?:return|sending|postage|shipping)|\bcooling.off\b"
    r"|\b(?:return|exchange) (?:period|window|deadline)\b"
    r"|退[换換]?[货貨]?的?(?:运费|運費|邮费|郵費|快递费).{0,6}(?:[谁誰]|[吗嗎么麼]|多少|怎)"
    r"|[鉴鑑][赏賞]期|冷静期|猶豫期"
    r"|退[换換]?[货貨]?(?:政策|[规規][则則定]|流程|[条條]件)|(?:支持|接受|有没有|可以有)(?:\d+"
    r"|七)?天?[无無]理由"
    r"|(?:[几幾]|多少)天之?[内內]?(?:都|还)?(?:可以|能|可|包)?[退換换]"
    r"|(?:支持|接受|给)(?:退|[换換])[换換货貨款]{0,3}[吗嗎么麼不]"
    r"|(?:你们|你們|店里|店裡|这里|這裡)(?:能|可以|包)退[换換货貨款]{0,3}[吗嗎么麼不]"
)

# Of what may be sent back, and of no money: who asks for that wishes it.
_GOING_BACK = re.compile(
    r"\breturn(?!ing (?:your|the) (?:call|message))|\bsen[dt] (?:it|this|that|them|things?|one|\w+) back\b"
    r"|\b(?:give|take|bring|go) (?:it |this |them |things )?back\b|退(?!款|钱|费)|寄回"
)
_EXCHANGED = re.compile(r"\bexchang|\bswap|换")
_MONEY = re.compile(r"\brefund|\bmoney\b")
_QUESTION = re.compile(
    r"[?？]|[吗嗎]|么(?=\W|$)|怎[么麼样樣]|如何|[能可退换換]不[能可退换換]|能否|是否|可否|[谁誰]|多久"
    r"|[几幾多][天少日]"
    r"|\b(?:how|who|what|when|which|whether)\b|\bif (?:i|we|it) (?:can|could|may)\b"
    r"|^\W*(?:\w+ ){0,2}(?:can|may|could|do|does|is|are|will|would|am) (?:i|we|you|it|they|there|the"
    r"|this|returns?)\b"
)
_SUPPOSES = re.compile(
    r"\b(?:if|in case|unless)\b|如果|要是|假如|万一|萬一|不(?:喜[欢歡]|合适|合適|合身|满意|滿意"
    r"|想要)(?:的?[话話])?.{0,3}"
    r"(?:可以|能|给|包|怎|可不)"
)
_ASKS_TO_KNOW = re.compile(
    r"\b(?:want(?:ed)?|like|need|please|just) (?:to )?(?:know|ask|check|tell me|find out)\b|(?:想|要)?[请請]?"
    r"(?:问|問|知道|了解|[咨諮][询詢])(?:一?下)?"
)
_WISHES = re.compile(
    r"(?<!if )\b(?:i|we) (?:(?:do|not|really|just|still|have) ){0,3}(?:want(?:ed)?|need|would like|like|wish"
    r"|decided|have to"
    r"|am (?:going|sending|returning))\b|\bi'd like\b|\bplease\b"
    r"|[我俺](?:[们們])?(?:就|还是|還是|现在|現在)?(?:[要想得]|需要)|申[请請]|[帮幫]我|[给給]我|麻[烦煩]"
    r"|[请請]"
    r"|直接退|退了吧|要求|必[须須]|[没沒不](?:是)?[我]?想?要(?:了)"
)

_OWN_MISTAKE = re.compile(
    r"\b(?:i|we) (?:have )?(?:ordered|bought|chose|picked|got) (?:myself )?the wrong|\bby mistake\b"
    r"|[买買拍选選下订訂]错|[买買拍选選下订訂]錯|买多|拍多"
)
_SOUND = re.compile(
    r"没(?:有)?(?:坏|破|碎|质量问题|问题|毛病)|沒(?:有)?(?:坏|破|碎|質量問題|问题)|完好"
    r"|\b(?:not|is not|nothing) (?:is )?(?:broken|damaged|faulty|wrong)\b|\bnothing (?:is )?wrong\b"
)
_SINCE = re.compile(
    r"\bstopped working|\bno longer works?\b|\bfell apart\b|\bshr[au]nk|\bfaded\b|\bworn out\b"
    r"|\b(?:broke|came apart|came off|failed|died) (?:after|when i|while)|\bafter (?:\w+ ){0,3}(?:use|days?"
    r"|weeks?|months?|wash\w*)\b"
    r"|[用穿洗戴].{0,6}[了过過次天].{0,8}(?:坏|破|裂|断|掉|缩|褪|开胶|不能用)|突然.{0,4}(?:坏|不)|褪色|缩水"
    r"|縮水|起球|开胶|開膠"
)
_FAULT = re.compile(
    r"\bbroken?\b|\bcrack|\bsmash|\bdamag|\bfault|\bdefect|\bchipped\b|\btorn\b|\bripped\b|\bscratch|\bleak"
    r"|\bstain"
    r"|\bdent|\bbent\b|\bmissing\b|\bwrong (?:item|colour|color|size|one|product|thing|order|model)\b"
    r"|\bmould|\bmold"
    r"|\bnot (?:work|what i ordered|as described)|\bdoes not (?:work|turn on|charge|close)|\bin (?:pieces"
    r"|bits)\b|\bexpired\b"
    r"|\bcounterfeit\b|\bfake\b|\bempty (?:box|parcel|packet)\b|\bdead on arrival\b"
    r"|坏|破|碎|裂|瑕疵|质量|質量|品質|[发發寄送][错錯]|[少漏缺](?:了|发|發|寄|配件|一)|划痕|刮痕|污渍"
    r"|有问题|有洞|漏[水气氣]"
    r"|变形|變形|异味|異味|发霉|發霉|过期|過期|假货|假貨|不符|不是我(?:买|買|要|订|訂|拍)|空包|空盒|用不了"
    r"|开不了|没反应|不能用|压烂|磕|掉漆"
)

_UNUSED = re.compile(
    r"\bun(?:used|opened|worn|washed)\b|\b(?:never|not|have not|has not been|not been) (?:been )?(?:used"
    r"|opened|worn|washed)\b"
    r"|\bstill (?:sealed|in (?:its|the))\b|\bbrand new\b|[没沒](?:有)?(?:拆|用|穿|洗|开封|動|动)|未(?:拆|用"
    r"|穿|洗|使用|开封)|全新"
)
_USED = re.compile(
    r"\bused (?:it|them|this|once|twice|a few|for)\b|\b(?:have|been|was|already|if|is) used\b|\bworn\b"
    r"|\bwore\b|\bwashed\b"
    r"|\bate\b|\bdrank\b|[用穿洗吃喝](?:过|過|了(?!吗|不))"
)
_YES = re.compile(
    r"^\W*(?:yes|yep|yeah|ok|okay|sure|fine|please|all right|that is fine|好|可以|行|嗯|对|對|是)"
)
_DROPPED = re.compile(
    r"\b(?:never ?mind|no thanks|keep (?:it|them|this)|forget it|do not worry|leave it)\b"
    r"|算了|不退了|不换了|先不[退换]|不用[退换]了?|留着"
)
_ALL = re.compile(
    r"\b(?:all|both|everything|the whole|every)\b|全部|全都|都(?:要)?[退换]|所有|两个都|兩個都|^都"
)
_PLACES = (
    re.compile(r"^\W*(?:the )?(?:1|1st|first|no\.? ?1|一|第一)(?!\d)(?:[个個件样樣款]| one| item)?\W*"),
    re.compile(r"^\W*(?:the )?(?:2|2nd|second|no\.? ?2|二|第二)(?!\d)(?:[个個件样樣款]| one| item)?\W*"),
    re.compile(r"^\W*(?:the )?(?:3|3rd|third|no\.? ?3|三|第三)(?!\d)(?:[个個件样樣款]| one| item)?\W*"),
    re.compile(r"^\W*(?:the )?(?:4|4th|fourth|no\.? ?4|四|第四)(?!\d)(?:[个個件样樣款]| one| item)?\W*"),
)
_LATIN = re.compile(r"[a-z]{3,}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def wish_in(text: str) -> Wish:
    """What the words ask for; items are read apart, because they depend on the order.

    Who only asks whether and how something goes back has not chosen a way yet.
    """
    plain = normalise(text)
    way = None if _ASKS.search(plain) and not _strong(plain) else way_in(plain)
    return Wish(way=way, cause=cause_in(plain), used=used_in(plain))


def way_in(plain: str) -> Way | None:
    """The one way that is asked for; None if none is, or more than one. plain: as `normalise` makes it."""
    if _EITHER.search(plain):
        return None
    asked = _NOT.sub(" ", plain)
    ways = _strong(plain)
    if ways == ["size", "replacement"]:
        return "size"
    if len(ways) == 1:
        sent_back = ways == ["size"] and _BACK.search(asked)
        return "refund" if sent_back and not re.search(r"换|exchang|swap", asked) else ways[0]
    return "refund" if not ways and _BACK.search(asked) else None


def _strong(plain: str) -> list[Way]:
    """The ways that are named, and not only meant."""
    asked = _NOT.sub(" ", plain)
    return [way for way, words in _WAYS if words.search(asked)]


def cause_in(plain: str) -> Cause:
    """Whose fault the words say it is; that of nobody, where they tell of no fault."""
    told = _SOUND.sub(" ", plain)
    if _OWN_MISTAKE.search(told):
        return "mind"
    if _SINCE.search(told):
        return "unclear"
    return "fault" if _FAULT.search(told) else "mind"


def used_in(plain: str) -> bool | None:
    """Whether they say that it was used; None if they do not say. To unpack it is not to use it."""
    if _UNUSED.search(plain):
        return False
    return True if _USED.search(plain) else None


def drops(text: str) -> bool:
    """True if they want no return after all."""
    return _DROPPED.search(normalise(text)) is not None


def says_yes(plain: str) -> bool:
    """True for words that begin by agreeing."""
    return _YES.match(plain) is not None


def items_in(text: str, order: Order, listed: bool = False) -> tuple[Line, ...]:
    """The items of an order that the words mean: all, those whose names they use, or that they count.

    listed: the buyer was shown a list, so "2" or "the second" is an item of it.
    """
    lines = things_of(order)
    plain = normalise(text)
    if len(lines) == 1 or _ALL.search(plain):
        return lines
    named = [line for line in lines if _distinctive(line, lines) & _parts(plain) or _has_sku(line, text)]
    if named or not listed:
        return tuple(named)
    counted = [line for line, words in zip(lines, _PLACES, strict=False) if words.match(plain)]
    return tuple(counted[:1])


def things_of(order: Order) -> tuple[Line, ...]:
    """What was bought, discounts left out."""
    return tuple(line for line in order.lines if line.price.minor >= 0)


def _has_sku(line: Line, text: str) -> bool:
    whole = rf"(?<![a-z0-9]){re.escape(line.sku.casefold())}(?![a-z0-9])" if line.sku else ""
    return bool(line.sku and len(line.sku) > 2 and re.search(whole, text.casefold()))


def _distinctive(line: Line, lines: tuple[Line, ...]) -> set[str]:
    """The parts of its name that no other item of the order has."""
    others = {part for each in lines if each is not line for part in _parts(normalise(each.title))}
    return _parts(normalise(line.title)) - others


def _parts(plain: str) -> set[str]:
    """Words of Latin script without their plural, and pairs of Chinese characters."""
    words = {word.removesuffix("s") for word in _LATIN.findall(plain)}
    runs = _CHINESE.findall(plain)
    return words | {run[at : at + 2] for run in runs for at in range(len(run) - 1)}


def asks_rules(text: str) -> bool:
    """True for a question about what the shop takes back, which wishes nothing of an order."""
    return bool(_ASKS_RULES.search(normalise(text)))


def only_asks(text: str) -> bool:
    """True for a question whether or how something goes back, or whether it would be exchanged in some case,
    beside which nothing is wished."""
    plain = _ASKS_TO_KNOW.sub(" ", normalise(text))
    if not _QUESTION.search(plain) or _WISHES.search(plain):
        return False
    if _SUPPOSES.search(plain):
        return bool(_GOING_BACK.search(plain) or _EXCHANGED.search(plain))
    return bool(_GOING_BACK.search(plain)) and not _MONEY.search(plain)
