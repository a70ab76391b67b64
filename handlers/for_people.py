"""What looks like a question about an item, or like a wish to return one, and yet only a person can answer:
which of two is better, an item put aside, paying in parts, offers to work together.

Patterns over normalised text, Chinese first.
"""

import re

_COMPARES = (
    r"为(?:什么|啥|何).{0,16}(?:贵|便宜)|[哪那](?:个|款|件|种|一个|一款)(?:更|比[较較])?(?:大|小|好|厚|重|耐用|结实|适合|划算)"
    r"|(?:和|跟|与).{1,12}(?:有)?(?:什么|啥)?(?:区别|差别|不同|不一样)"
    r"|\bwhy (?:is|are|does|do)\b.{0,60}\b(?:expensive|cheaper|dearer|cost more|cost less)\b"
    r"|\bwhich (?:one |of \w{1,10} )?(?:is|are) (?:the )?(?:\w{2,12}er|best|more \w{2,14}|most \w{2,14})\b"
    r"|\b(?:difference|compare) between\b"
)
_KEPT_ASIDE = (
    r"(?:帮|给|替)?我(?:先)?(?:预留|保留|留(?:一|个|件|着))|(?:可以|能)(?:帮我|先)?(?:预留|保留)"
    r"|\b(?:can|could|would|will|please|pls) (?:you )?(?:please )?"
    r"(?:hold|reserve|put aside|set aside|save|keep) (?!my order\b|it\b(?! (?:for|till|until|aside)))"
    r"(?:\w{1,12} ){1,5}(?:for me|till|until|aside)\b"
    r"|\bput \w{1,10} aside for me\b"
)
_IN_PARTS = (
    r"分期|分(?:两|2|三|3|几)次付|先付一半|订金|定金"
    r"|\bin ?stal(?:l)?ments?\b|\bpay (?:only )?(?:half|part|a deposit)\b|\bhalf now\b"
)
_WORKS_TOGETHER = (
    r"博主|达人|网红|(?:合作|商务)(?:推广|洽谈|意向)|合作吗|刷单|代[运運][营營]|引流|涨粉|提升(?:店铺)?(?:销量|排名)|加盟"
    r"|\b(?:blogger|influencer|youtuber|tiktoker|ugc creator)s?\b|\bcollab(?:s|oration|orate)?\b"
    r"|\b(?:sponsor(?:ed|ship)?|affiliate|backlinks?|marketing agency)\b|\bseo\b"
    r"|\b\d+k (?:followers|subscribers)\b"
    r"|\bwe (?:offer|supply|manufacture|provide) (?:wholesale|\w{2,16} (?:packaging|services?|solutions?))\b"
)
_FOR_PEOPLE = re.compile("|".join((_COMPARES, _KEPT_ASIDE, _IN_PARTS, _WORKS_TOGETHER)))


def for_people(plain: str) -> bool:
    """Whether normalised text asks for what no list and no setting tells."""
    return _FOR_PEOPLE.search(plain) is not None
