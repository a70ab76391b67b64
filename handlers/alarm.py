"""Words that are the owner's at once, in whatever talk they fall: harm that was done, the law, the press.

Patterns over normalised text, Chinese first. Questions before buying ("can it overheat?") are no alarm.
"""

import re

from handlers.causes import HOTLINE

_WHO = (
    r"(?:me|us|him|her|them|myself|my|our|his|i|we|he|she|baby|kid|child|son|daughter|wife|husband|mum|mom"
    r"|dad|dog|cat)"
)

_HARM: dict[str, tuple[str, ...]] = {
    "safety": (
        r"(?:着|起|失)火",
        r"烧(?:起来|着了|坏了)",
        r"冒(?:着)?烟|冒火花",
        r"爆炸|炸(?:了|开|伤|裂)",
        r"焦(?:糊)?味|烧焦|[糊胡]味",
        r"漏电|触电|短路|被(?:它)?电(?:了|到|击)",
        r"\bcaught (?:on )?fire\b|\bup in flames\b|\bset \w{1,10} on fire\b",
        r"\b(?!delivery|service|staff|team|you)\w{2,20} (?:is|was|went) on fire\b",
        r"\bexplo(?:ded?|sion|ding)\b|\bblew up\b",
        r"\bshock(?:ed)? (?:from|by|off|when)\b|\belectrocut",
        r"\b(?:got|gave|gets?|had) (?:\w{1,10} ){0,2}(?:electric |electrical )?shock(?:ed)?\b",
        r"\b(?:started|began|is|was|keeps) (?:smok|spark|burn)ing\b",
        r"\bsmoke (?:is |was )?(?:coming|came|started|from)\b|\bsmoking (?:when|after|badly|now)\b",
        r"\bsmells? (?:like |of )?(?:something )?(?:is )?(?:burn(?:t|ed|ing)|smoke)\b",
        r"\bburn(?:t|ing) smell\b",
        r"\bsparks? (?:came|come|coming|flew|from)\b|\bsmoke and sparks\b",
    ),
    "health": (
        r"受伤|[烫割划刺扎砸夹](?:伤|破|到)(?!价)|流血|出血",
        r"过敏了|(?:皮肤|全身|脸上?).{0,4}(?:过敏|红肿|起疹|起泡)",
        r"中毒|[拉闹](?:肚子|稀)|上吐下泻|腹泻|呕吐|吐了|一直(?:在)?吐",
        r"(?:进|去|送|上|在).{0,3}(?:医院|急诊)|就医|吞(?:下|了)|噎(?:住|到)",
        rf"\b(?:burn(?:t|ed)|cut|hurt|injured|scalded|shocked|poisoned|scratched|stabbed) {_WHO}\b",
        rf"\b{_WHO}(?: \w{{1,10}}){{0,3}} (?:bled|injured|hospital|chok(?:ed|ing)|swallowed|vomited)\b",
        r"\bbleed(?:s|ing)\b|\bfood poisoning\b",
        rf"\b{_WHO}(?: \w{{1,10}}){{0,2}} (?:was|were|got|am|is|been|felt|feel)"
        r"(?: \w{1,10})? (?:ill|sick) (?:after|from)\b",
        rf"\b(?:made|making|makes) {_WHO}(?: \w{{1,10}}){{0,2}} (?:ill|sick|vomit|throw up)\b",
        r"\b(?:had|got|having|getting|have|broke out in|gave \w{2,10}(?: \w{1,10})?) (?:an? |this )?"
        r"(?:\w{1,10} )?(?:allergic reaction|rash)\b",
        r"\ba&e\b|\bemergency room\b|\b(?:to the|to|in) hospital\b",
    ),
}
_OTHERS: dict[str, tuple[str, ...]] = {
    "law": (
        r"律师|起诉|告(?:上)?法院|法院见|法庭|报警",
        HOTLINE + r"|消协|消基会|消保(?:会|官)|消费者(?:协会|保护)|市场监管|工商(?:局|投诉)",
        r"\b(?:my|a|our) (?:lawyer|solicitor|attorney)s?\b|\bsue (?:you|your|the)\b|\bsuing\b",
        r"\bsee you in court\b|\btake (?:you|this) to court\b|\bsmall claims\b|\blegal action\b",
        r"\btrading standards\b|\bombudsman\b|\bcall(?:ing)? the police\b",
        r"\breport(?:ed|ing)? (?:you|this|it) to the police\b",
    ),
    "press": (
        r"曝光(?:你|这|给)|找(?:媒体|记者)|(?:媒体|记者).{0,6}(?:联系|曝光|爆料)|上新闻|爆料",
        r"(?:发|挂)(?:到)?(?:微博|抖音|小红书|网上|脸书|dcard)",
        r"\bthe newspapers?\b|\ba journalist\b|\bthe press\b|\bgo(?:ing)? (?:public|viral)\b",
        r"\bpost(?:ing)? (?:this|it|about (?:this|you)) (?:on|all over)\b",
    ),
}

# Whoever asks before buying asks what might happen.
_ASKS = re.compile(
    r"会不会|会.{0,12}[吗么嘛]|容易.{0,8}[吗么嘛]|能不能|怕不怕|防(?:漏电|触电|烫|割|火)|不会|如果|万一"
    r"|^\W*(?:(?:hi|hello|hey|so|and|but)\W+){0,2}"
    r"(?:is|are|does|do|can|could|will|would|might|what if|if|has it ever)\b"
    r"(?!.*\b(?:caught|bleeding|burnt|burned|hurt|hospital|sue)\b)"
)

_PATTERNS = {name: re.compile("|".join(rows)) for name, rows in (_HARM | _OTHERS).items()}


def alarm_in(plain: str) -> str | None:
    """The concern in normalised text that the owner must hear of at once."""
    found = next((name for name, pattern in _PATTERNS.items() if pattern.search(plain)), None)
    return None if found is None or _ASKS.search(plain) else found


def is_harm(concern: str) -> bool:
    return concern in _HARM
