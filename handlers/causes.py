"""What a complaint is about, and what takes it straight to the owner: patterns over normalised text.

The first row that matches counts. Chinese is simplified by then, whatever it was written in.
"""

import re

OTHER = "other"
# The consumers' telephone of mainland China, and no part of a phone's or an order's number.
HOTLINE = r"(?<![\d#+./-])(?<!订单)(?<!单号)12315(?!\s?[\d./-])"

_NOT_HERE = re.compile(
    r"(?:没有?|未)(?:收到|拿到|见到|见着|看到|到货)|收不到"
    r"|\b(?:never|not|nothing|nobody)(?: (?:\w{2,8})){0,2}"
    r" (?:got|get|gotten|receiv\w{1,3}|arriv\w{1,3}|c[ao]me|(?:turn|show)\w{2,3} up|here|have (?:it|them))\b"
)

Row = tuple[str, str, str]  # a name, what stands for it in Chinese, and how a word of English begins

_CAUSES: tuple[Row, ...] = (
    (
        "damaged",
        r"碎|破了|破损|裂|坏了|坏的|压扁|漏了|变形|有洞|划痕|磕碰|瑕疵",
        r"broke|smash|crack|damag|dent|leak|torn|tear|scratch|shatter|chipped|faulty|defect|stopped working",
    ),
    (
        "wrong_item",
        r"发错|寄错|错货|不是我(?:要|买|订|点)的|颜色不对|尺寸不对|尺码不对|型号不对|货不对",
        r"wrong (?:item|one|thing|size|colou?r|product|order|parcel|model)|not what i (?:order|bought)",
    ),
    (
        "missing",
        r"少了|少发|漏发|缺了|少寄|缺件|没有收齐|不齐",
        r"missing|incomplete|only (?:got|received)|not in the (?:box|parcel|package)|empty box",
    ),
    (
        "late",
        r"还没(?:到|收到|发)|没收到|太慢|迟|拖了|好久|几天了|等了|不发货|[天周]没动|一直不动|没有?动静",
        r"late\b|delay|still (?:waiting|not|haven)|never (?:arriv|came|turned)|not (?:here|arrived|received)"
        r"|not moved|too long|weeks",
    ),
    (
        "price",
        r"乱收|多收|多扣|降价|差价|太贵|价格|涨价",
        r"overcharg|charged (?:me )?(?:twice|too|more)|price|expensive|hidden (?:fee|cost)",
    ),
    (
        "quality",
        r"质量|假货|假的|掉色|褪色|粗糙|味道|异味|发霉|劣质|不像|图片不符|描述不符",
        r"quality|fake|counterfeit|falls? apart|fell apart|smell|mou?ld|stale|nothing like|not as described"
        r"|poor|flimsy",
    ),
    (
        "service",
        r"态度|服务|客服|不理|没人(?:理|回)|敷衍|推脱|踢皮球",
        r"rude|service|ignor|nobody (?:answer|repl|help)|no (?:answer|reply|response)|staff|unhelpful",
    ),
)

_CONCERNS: tuple[Row, ...] = (
    (
        "health",
        r"过敏|中毒|受伤|拉肚子|腹泻|呕吐|吐了|医院|就医|烫伤|割伤|划伤(?:我|手|脸|孩子)|流血|皮疹|红肿",
        r"allerg|poison|hospital|injur|hurt (?:my|me|her|him)|burn(?:t|ed) (?:my|me|her|him)|rash\b|bleed"
        r"|vomit|chok(?:ed|ing)|swallowed|made (?:me|us|her|him|my \w+) (?:ill|sick)|doctor",
    ),
    (
        "safety",
        r"爆炸|炸了|起火|着火|冒烟|漏电|触电|短路|烧起来",
        r"explod|caught fire|on fire|smok(?:e|ing)\b|electric shock|electrocut|overheat|melted|unsafe"
        r"|dangerous",
    ),
    (
        "law",
        r"律师|起诉|法院|法庭|" + HOTLINE + r"|消协|消费者(?:协会|保护)|消保|市场监管|工商局|报警|警察|违法",
        r"(?:lawyers?|solicitors?|attorney|sue|suing|in court|small claims|legal action|trading standards"
        r"|police|ombudsman|consumer (?:protection|rights)|illegal)\b",
    ),
    (
        "press",
        r"曝光|媒体|记者|上新闻|发(?:微博|抖音|小红书)|网上发|爆料",
        r"(?:journalist|reporter|newspaper|the press|go public|on the news|bbc|itv|cnn|watchdog|go viral"
        r"|post(?:ing)? (?:this|it) (?:on|all over))\b",
    ),
)

CAUSES = (*(cause for cause, *_ in _CAUSES), OTHER)
CONCERNS = (*(concern for concern, *_ in _CONCERNS), "large_sum", "vip", "again")


def _patterns(rows: tuple[Row, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(rf"{chinese}|\b(?:{english})")) for name, chinese, english in rows)


_OF_CAUSES, _OF_CONCERNS = _patterns(_CAUSES), _patterns(_CONCERNS)


def not_here(plain: str) -> bool:
    """Whether the words say that something did not come."""
    return _NOT_HERE.search(plain) is not None


def cause_of(plain: str) -> str:
    """What normalised text complains about."""
    return next((cause for cause, pattern in _OF_CAUSES if pattern.search(plain)), OTHER)


def concern_of(plain: str) -> str | None:
    """What in normalised text is more than the seller's staff should settle."""
    return next((concern for concern, pattern in _OF_CONCERNS if pattern.search(plain)), None)
