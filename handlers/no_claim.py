"""Words of paying that claim no payment: it is denied, failed, is yet to come, or is asked or supposed.

Patterns over normalised text. They are asked only where no part of the words claims a payment by itself.
"""

import re

import msgspec


class NoClaim(msgspec.Struct, frozen=True):
    """intent: what is meant instead of a claim. denies: nothing was paid."""

    intent: str
    pattern: re.Pattern[str]
    denies: bool = False


_SENT = (
    r"(?:pa(?:y|ys|id|yed|ying)|transfer(?:r?ed|r?ing)?|wir(?:e|ed|ing)|remit(?:ted)?|deposit(?:ed)?"
    r"|se(?:nd|nt|nding) (?:\w+ ){0,3}(?:money|payment|transfer|funds)"
    r"|ma(?:ke|de|king) (?:\w+ ){0,3}(?:payment|transfer|deposit)"
    r"|do(?:ne|ing)? (?:the |a |my )?(?:payment|transfer))\b"
)
_MADE = r"(?:made|sent|done|paid|transferred|wired|completed|finished)\b"
# Between a "not" and the paying that it denies; "do not remind me, I paid" denies none.
_STILL_NOT = (
    r"(?:yet|even|actually|really|been|fully|ever|already|still|think|say|said|claim|sure|remember|know"
    r"|that|if"
    r"|whether|i|we|have|has|had|to|able|managed|it|anything|just|going|gonna|want|get|got|so) "
)

# A moment that is still to come, at which they say that they pay.
_LATER = (
    r"(?:[马馬]上|立[刻马即]|赶紧|赶快|这就|现在|等(?:一?下|等|会儿?|一会儿?)|[待一]会儿?|过一?会儿?|稍后|稍候|稍等"
    r"|晚一?[点些]|回头|到时候?|改天|明[天早晚后]|明儿|后天|今天|今儿|今晚|晚上|今夜|下午|傍晚|睡前|下[周週个]"
    r"|(?:[周週]|星期|[礼禮]拜)[一二三四五六日天末]|[这过]两天|过几天|月[底初]|[发發]了?(?:工[资資]|薪水?)"
    r"|[领領]薪水?|下了?班|[到回]家|[周週]末)"
)
_TO_PAY = (
    r"(?:(?:后|了|一|我|就|再|才|去|来|会|要|能|把钱|给[你您]们?|之?前|[天晚上午早]){0,3})"
    r"(?:[付转汇](?!成功)|打款|打钱|支付|交钱|刷卡)(?![款账帐钱给你您们过去来]{0,4}(?:[了的好完]|成功|失败))"
)

NO_CLAIM: tuple[NoClaim, ...] = (
    NoClaim(
        "payment_failed",
        re.compile(
            r"\b(?:payment|card|transfer|checkout|paypal|pay(?:ment)? (?:page|link))\b.{0,20}"
            r"\b(?:fail\w*|declined|rejected|broken|errors?|stuck|not (?:work|load|open|go)\w*)\b"
            r"|\b(?:tried|trying) to pay\b.{0,40}\b(?:but|fail\w*|error|not|no)\b"
            r"|\b(?:cannot|can not|could not|unable to|not able to) (?:\w+ ){0,2}pay\b"
            r"(?!.{0,20}\b(?:until|till|before|today|yet|now)\b)"
            r"|(?:付款?|支付|刷卡|转账|汇款|结账|扣款)(?:页面?)?(?:一直|总是|老是|都|会)?"
            r"(?:失[败敗]|不了|不成功|不上|打不开|出错|报错|卡住)|(?:付款|支付|结账)页.{0,4}(?:坏|空白)"
            r"|无法(?:付款|支付|转账)"
        ),
    ),
    # denied
    NoClaim(
        "how_to_pay",
        re.compile(
            rf"\b(?:not|never|havent|hadn'?t|ain'?t|cannot)(?: |\b ?)(?:{_STILL_NOT}){{0,5}}{_SENT}"
            rf"|\b(?:nobody|no one|noone|none of us) (?:has |have |had )?(?:\w+ )?{_SENT}"
            rf"|\b(?:payment|money|transfer|order|it|that|this)(?: has| have| had| was| is)?(?: been)? not"
            rf" (?:yet |been ){{0,2}}{_MADE}"
            rf"|\bno (?:payment|money|transfer|deposit) (?:has been |was |is )?(?:yet )?{_MADE}"
            rf"|\bpaid (?:you )?nothing\b"
            rf"|\byet to {_SENT}|\bforg[eo]t(?:ten)? (?:all about )?(?:to {_SENT}|the payment)"
            r"|^\W*(?:it is |still )*unpaid\b|^\W*paid\W+(?:no|not)\b"
            r"|(?<!不是)(?:没有?|未)(?:来得及|空|时间)?[付转汇](?!到|过吧|过吗)|忘(?:记|了|掉)?(?:去|要)?[付转汇]"
            r"|(?:付款?|支付|转账?|汇款?|扣款)没(?:有)?(?:成功|成|上)"
        ),
        denies=True,
    ),
    # of a condition, or supposed
    NoClaim(
        "when_ship",
        re.compile(
            r"\bif (?:i|we)\b.{0,14}\bpa(?:y|id)\b|(?:如果|要是|假如|若).{0,6}[付转汇]"
            r"|\b(?:when|how (?:soon|long|fast|quickly)|do|does|will|can)\b.{0,40}"
            r"\b(?:once|after|when|as soon as) (?:i|we)\b.{0,10}\bpaid\b"
            r"|\b(?:once|after|when|as soon as) (?:i|we)\b.{0,10}\bpaid\b.{0,4}\b(?:when|how|will|do|does"
            r"|can)\b"
            r"|[付转汇](?:款|账|钱)?[了完好](?:款|账|钱)?(?:[你您]们?)?就(?:能|可以|会|发|给)"
        ),
    ),
    NoClaim(
        "payment_status",
        re.compile(
            r"\b(?:have|had|did|should|do|was|were) (?:i|we)\b.{0,12}\b(?:pay|paid|payed)\b"
            r"|\bwho (?:has |have )?paid\b|^\W*(?:i|we) (?:have )?paid ?\?|\b(?:thought|assumed"
            r"|supposed) (?:that )?(?:i|we) (?:had |have )?paid\b"
            rf"|^\W*(?:so )?(?:has|have|is|was|were|did)\b.{{0,20}}\b(?:payment|money|transfer|order"
            rf"|it)\b.{{0,12}}\b{_MADE}"
            r"|以为.{0,6}[付转汇]|是不是(?:我|真的|已经?|早就?){0,3}[付转汇]|谁[付转汇]|是否(?:已经?)?[付转汇]|[付转汇]了?多少"
            r"|[付转汇]过?(?:款|账|钱)?了?(?:吗|么|没有?)(?:\W|$)"
        ),
    ),
    # to come
    NoClaim(
        "how_to_pay",
        re.compile(
            r"(?<!managed )(?<!able )(?<!remembered )\b(?:will|shall|would|gonna|wanna|gotta|to|let me"
            r"|can|could|may"
            rf"|might|must|should|cannot) (?:\w+ ){{0,3}}?(?:{_SENT}|(?:be|get) (?:\w+ )?{_MADE}"
            r"|have (?:it |this |that )?(?:all )?paid)"
            rf"|\b(?:am|are|is) (?:\w+ )?(?:about to|being {_MADE}|(?:pay|transferr?|wir|send)ing)"
            r"|^\W*(?:just )?paying\b|\bwhen i get paid\b|\b(?:i|we) get paid\b|\b(?:tomorrow|tonight"
            r"|later) (?:i|we) pay\b"
            rf"|\b(?:pays?|transfers?) (?:\w+ ){{0,2}}(?:tomorrow|tonight|later|soon|next|on \w+day)\b"
            r"|\b(?:once|until|till|before|as soon as|when) (?:i|we)\b.{0,10}\bpaid\b"
            rf"|{_LATER}{_TO_PAY}|等[我他她].{{0,4}}[付转汇]|(?:尽快|尽早|一定|肯定){_TO_PAY}"
            r"|(?:[去来会要想]|打算|准备|正在?|(?<!现)在|快|让我先?|先去?)"
            r"[付转汇](?:款|账|钱)?(?:[的吧呢]|$|[,。!~ ])"
            r"|(?:会|要|准备|打算|正在?|(?<!现)(?<!实)在|快要?)[付转汇](?:款|账|钱)?(?:给[你您]们?)?[了的]"
            r"|[付转汇](?:款|账|钱)?[了完好]{1,2}(?:款|账|钱)?(?:之?后)?(?:再|就)?"
            r"(?:告[诉知]|通知|[跟和]|联系|发截图给|回[复覆]?)(?:一?下|一声)?[你您]"
            r"|[付转汇](?:款|账|钱)?[了完好](?:款|账|钱)?再[发寄说告联通跟和给下买聊]"
        ),
    ),
    # They will not pay at all: a person has to hear whether that cancels it.
    NoClaim(
        "unknown",
        re.compile(
            r"(?:(?<!能)(?<!可以)不(?:想|要|会|愿意?)?|拒绝|懒得)(?:再)?[付转汇](?:款|账|钱)?(?:了|$)"
        ),
    ),
)

# A payment that was tried and did not come about; "it failed, now I have paid" ends with one that did.
FAILED_AFTER = re.compile(
    r"\b(?:paid|payed|transferred|wired|sent)\b.{0,30}\b(?:but|yet|and|then|however)\b.{0,20}"
    r"\b(?:fail(?:ed|s)|declined|rejected|bounced(?: back)?|not (?:go|went|gone|come|get) through|not work)\b"
    r"(?!.*\b(?:paid|again|second|then|now|worked|refund\w*)\b)"
    r"|[付转汇](?:款|账|钱)?了?(?:款|账|钱)?[,。 ]*(?:但是?|可是?|不[过過]|[结結]果|[却卻]|然[后後])"
    r"[^。!?]{0,8}(?:失[败敗]|没成功|不成功|被拒|没付成|没转成)(?!.*(?:又|再|重新|现在|[后後]来|第二|退))"
)
# Words about being asked for the money; whoever says none of them has not asked to hear less.
OF_REMINDING = re.compile(
    r"\b(?:remind\w*|press\w*|push\w*|chas\w*|nag\w*|hurry\w*|rush\w*|bother\w*|pester\w*|spam\w*|hassl\w*"
    r"|ask(?:ing|ed)?|messag\w*|writ\w*|text\w*|e?mails?|notif\w*|stop|leave|enough|quit|cease|relax"
    r"|patien\w*|calm|wait)\b"
    r"|催|提醒|通知|消息|短信|邮件|烦|打扰|别|不要|不用|停|急|等不及|啰嗦|知道了|追"
)
