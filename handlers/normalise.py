"""Normalises text for comparing: one script, one case, whole words, common typing errors corrected."""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

LONGEST = 1000  # characters read, which bounds the time; a question stands at the beginning

_TRADITIONAL = (
    "訂單貨發運費裡裏麼嗎沒還點時間會個給這兩錢賬帳轉匯過經剛謝請問關於務員複復後從開為無達遞們與誰幾號碼電話實"
    "銀網東寶貝現臺灣說該著動態況總確認顯準備離遲專訊簡擾傳閱繼續煩見趕緊對聯繫繳妳囉處進樣題讓麵條"
    "別郵區編戶額註飛壞舊將寫尋蹤詢嚴幹單擇換緣帶辦業絕餘長繫將訴寄係嘛斷線優"
    "損壓變劃錯顏齊煙亂補償刪資數據價貴漲質異黴圖傷醫燙臉紅腫觸燒師協護監場報違體記聞書爛來絡講買賣邊應覺歡機廣銷營夠滿決簽"
)
_SIMPLIFIED = (
    "订单货发运费里里么吗没还点时间会个给这两钱账账转汇过经刚谢请问关于务员复复后从开为无达递们与谁几号码电话实"
    "银网东宝贝现台湾说该着动态况总确认显准备离迟专讯简扰传阅继续烦见赶紧对联系缴你啰处进样题让面条"
    "别邮区编户额注飞坏旧将写寻踪询严干单择换缘带办业绝余长系将诉寄系嘛断线优"
    "损压变划错颜齐烟乱补偿删资数据价贵涨质异霉图伤医烫脸红肿触烧师协护监场报违体记闻书烂来络讲买卖边应觉欢机广销营够满决签"
)
FOLD = str.maketrans(_TRADITIONAL, _SIMPLIFIED) | str.maketrans("甚帐", "什账")

_SHORT_FORMS = (
    (re.compile(r"[’‘`´]"), "'"),
    (re.compile(r"\b(wo|ca|do|does|did|has|have|is|are|was|were|could|should|would)n'?t\b"), r"\1 not"),
    (re.compile(r"\b(i|you|we|they)'?ve\b"), r"\1 have"),
    (re.compile(r"\b(it|that|what|where|when|who|how)'?s\b"), r"\1 is"),
    (re.compile(r"\bi'?m\b"), "i am"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"\b(?:pls|plz|plss)\b"), "please"),
    (re.compile(r"\b(?:thx|tks|thks|tnx|ty|tysm|thank u|thank you)\b"), "thanks"),
    (re.compile(r"\bu\b"), "you"),
    (re.compile(r"\bur\b"), "your"),
    (re.compile(r"\br\b"), "are"),
    (re.compile(r"\brecieve"), "receive"),
)
_KEYWORDS = (
    *("order", "parcel", "package", "delivery", "delivered", "shipping", "shipped", "shipment", "tracking"),
    *("payment", "received", "transfer", "unsubscribe", "representative", "arrived", "arrive", "thanks"),
    *("agent", "person", "human", "where", "transferred", "operator", "already"),
)
_NOT_MISTYPED = frozenset(  # ordinary words one stroke away from a keyword
    (
        *("orders", "parcels", "packages", "packaged", "payments", "transfers", "agents", "persons"),
        *("humane", "humans", "thank", "deliver", "delivers", "receive", "receives", "arrives"),
        *("wherever", "shopping", "stopping"),
    )
)
_LATIN = re.compile(r"[a-z]")
_WORD = re.compile(r"[a-z]{4,14}")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Make text half-width, lower case, simplified, one space between words. Reads LONGEST characters."""
    return _normalised(text[:LONGEST])


@lru_cache(maxsize=512)  # asked when a message is received, and again when it is read
def _normalised(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)[:LONGEST].casefold().translate(FOLD)
    if _LATIN.search(plain):
        for pattern, written_out in _SHORT_FORMS:
            plain = pattern.sub(written_out, plain)
        plain = _WORD.sub(_corrected, plain)
    return _SPACE.sub(" ", plain).strip()


def words_only(text: str) -> str:
    """Remove punctuation, emoji and spaces, for messages that are one word."""
    return "".join(sign for sign in text if sign.isalnum())


def _corrected(found: re.Match[str]) -> str:
    """Correct a keyword with one typing error, if its first letter is right."""
    word = found[0]
    if word in _NOT_MISTYPED or word in _KEYWORDS:
        return word
    likely = [keyword for keyword in _KEYWORDS if keyword[0] == word[0] and len(keyword) > 4]
    near = process.extractOne(word, likely, scorer=OSA.distance, score_cutoff=1)
    return near[0] if near else word
