"""Nothing that the demo says is untrue: every sentence is read against the facts of its minute.

The facts are those that the script tells, and the rules are written here, apart from the handlers. A sentence
that no row below reads fails: whoever adds one says what has to be true where it stands.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.demo.script import STEPS, time_of
from bot.demo.transcript import ShownMessage, Transcript
from bot.domain.shop import LOCALES
from tests.demo.test_demo import played

DAY = timedelta(days=1)

# What each delivery of the script tells about which order.
TOLD: dict[str, tuple[str, tuple[str, ...]]] = {
    "emma_orders": ("1000", ("placed",)),
    "emma_pays": ("1000", ("paid",)),
    "emma_parcel_leaves": ("1000", ("left", "all left")),
    "emma_parcel_arrives": ("1000", ("arrived",)),
    "emma_praises": ("1000", ("reviewed",)),
    "ann_orders": ("1001", ("placed",)),
    "ann_pays": ("1001", ("paid",)),
    "ann_parcel_leaves": ("1001", ("left", "all left")),
    "clara_orders": ("#1042", ("placed", "paid", "several parcels")),
    "clara_first_parcel_leaves": ("#1042", ("left",)),
    "clara_last_parcel_leaves": ("#1042", ("all left",)),
    "clara_last_parcel_arrives": ("#1042", ("arrived",)),
    "clara_gets_money_back": ("#1042", ("refunded",)),
    "david_orders": ("727", ("placed", "paid")),
    "david_parcel_leaves": ("727", ("left", "all left")),
    "david_parcel_arrives": ("727", ("arrived",)),
    "david_complains": ("727", ("reviewed",)),
    "ben_orders": ("1002", ("placed",)),
    "hugo_orders": ("1003", ("placed",)),
    "hugo_pays": ("1003", ("paid",)),
    "hugo_parcel_leaves": ("1003", ("left", "all left")),
    "hugo_parcel_arrives": ("1003", ("arrived",)),
    "emma_orders_again": ("1004", ("placed",)),
    "emma_pays_again": ("1004", ("paid",)),
    "emma_second_parcel_leaves": ("1004", ("left", "all left")),
    "emma_second_parcel_arrives": ("1004", ("arrived",)),
}


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when one sentence is said. facts: of its order, with the times when they were told."""

    sentence: str
    message: ShownMessage
    account: Transcript
    facts: dict[str, datetime]

    @property
    def at(self) -> datetime:
        assert self.message.settled_at
        return self.message.settled_at.astimezone(ZoneInfo(self.account.timezone))

    @property
    def before(self) -> list[ShownMessage]:
        """What the same buyer had been sent."""
        mine = [each for each in self.account.messages if each.to == self.message.to and each.copies]
        return [each for each in mine if each.turn < self.message.turn]

    def has(self, *facts: str) -> bool:
        return all(fact in self.facts for fact in facts)

    def named_day(self) -> datetime:
        """The day of March that the sentence names, at its end."""
        found = re.search(r"March (\d+)|3月(\d+)日", self.sentence)
        assert found, self.sentence
        return self.at.replace(day=int(found[1] or found[2]), hour=23, minute=59, second=59)


def known(account: Transcript, message: ShownMessage) -> dict[str, datetime]:
    zone, facts = ZoneInfo(account.timezone), dict[str, datetime]()
    for step in STEPS:
        order, told = TOLD.get(step.delivery or "", (None, ()))
        at = time_of(step.day, step.clock, zone)
        if order == message.order and not step.forged and message.settled_at and at <= message.settled_at:
            facts |= {fact: facts.get(fact, at) for fact in told}
    return facts


# What has to be true


def anything(now: Minute) -> bool:
    return True


def unpaid(now: Minute) -> bool:
    return now.has("placed") and not now.has("paid")


def paid(now: Minute) -> bool:
    return now.has("paid")


def not_left(now: Minute) -> bool:
    return not now.has("left")


def leaves_by(now: Minute) -> bool:
    """Two working days after the payment, ahead, and nothing has left."""
    day, left = now.facts["paid"].astimezone(now.at.tzinfo), 2
    while left:
        day += DAY
        left -= day.weekday() < 5
    named = now.named_day()
    weekday = f"{named:%A}", f"星期{'一二三四五六日'[named.weekday()]}"
    right_weekday = any(name in now.sentence for name in weekday)
    return paid(now) and not_left(now) and named.date() == day.date() and named >= now.at and right_weekday


def time_left(now: Minute) -> bool:
    return unpaid(now) and now.named_day() > now.at


def still_kept(now: Minute) -> bool:
    return unpaid(now) and now.at < now.facts["placed"] + 3 * DAY


def on_its_way(now: Minute) -> bool:
    return now.has("left") and not now.has("arrived")


def partly_on_its_way(now: Minute) -> bool:
    return on_its_way(now) and not now.has("all left")


def last_of_several(now: Minute) -> bool:
    """The whole has left, and the buyer has heard of an earlier parcel."""
    told = [each for each in now.before if each.template == "shipped" and each.order == now.message.order]
    return on_its_way(now) and now.has("all left", "several parcels") and bool(told)


def stands_still(now: Minute) -> bool:
    return on_its_way(now) and now.at >= now.facts["left"] + 5 * DAY


def in_use(now: Minute) -> bool:
    return now.has("arrived") and now.at >= now.facts["arrived"] + 6 * DAY


def looked_after(now: Minute) -> bool:
    """A case is open, so that somebody was told."""
    waiting = [case for case in now.account.cases if case.opened_at <= now.at]
    return any(case.closed_at is None or case.closed_at >= now.at for case in waiting)


def in_the_case(now: Minute) -> bool:
    """The case that the sentence names is open, and about this order."""
    number = re.search(r"case (\d+)|编号 (\d+)|編號 (\d+)", now.sentence)
    assert number, now.sentence
    named = [case for case in now.account.cases if str(case.number) in number.groups()]
    return looked_after(now) and [case.order for case in named] == [now.message.order]


def passed_on(now: Minute) -> bool:
    """To a person, who was told of this buyer's words and has answered nothing yet."""
    asked = [case for case in now.account.cases if case.kind == "human" and case.opened_at == now.at]
    return len(asked) == 1


def written_before(now: Minute) -> bool:
    """About the same order, and by another way."""
    about = [each for each in now.before if each.order == now.message.order]
    return bool(about) and all(each.channel != now.message.channel for each in about)


def silent_from_now(now: Minute) -> bool:
    """Shipping notices too: nothing but answers."""
    mine = [each for each in now.account.messages if each.to == now.message.to and each.copies]
    return all(each.category == "answer" for each in mine if each.turn > now.message.turn)


def comes_back(now: Minute) -> bool:
    return len({each.order for each in now.before if each.order}) > 1


def weekend(now: Minute) -> bool:
    return now.at.weekday() >= 5


Rule = Callable[[Minute], bool]

CLAIMS: tuple[tuple[str, Rule], ...] = (
    (r"^We'll send it by|最晚.*[发出][货貨]", leaves_by),
    (r"within \d+ business days|\d+ 个工作日内发货|\d+ 個工作天內出貨", not_left),
    (r"payment has arrived|^Your payment of .* has arrived|款已收到|的付款收到了|的款項已收到", paid),
    (r"isn't paid yet|not paid yet|还没有收到付款|還沒收到款項。$|订单还没付款|這筆訂單尚未付款", unpaid),
    (r"have not seen a payment|still have no payment|还没收到付款|還沒收到款項，", unpaid),
    (r"^Please transfer|^请转账到|^請匯款至|^Once you have paid|^转好以后|^匯款完成後", unpaid),
    (r"on the transfer|附言|備註", unpaid),
    (r"keep the order for you until|pay before|为您保留到|前付款|為您保留到|前完成付款", time_left),
    (r"set aside for you|还为您留着|還為您保留著|^After that the order is closed", still_kept),
    (r"travels in several parcels|分几个包裹|分成幾個包裹", one_of_several),
    (r"^Part of order|已经发出一部分|已寄出一部分", partly_on_its_way),
    (r"is on its way\.|已经发货|已經出貨", on_its_way),
    (r"^Parcel: |^快递：|^貨件：|^Follow it|^查看物流|^查詢配送|track\.example", on_its_way),
    (r"^When it arrives|^收到后|^收到後", on_its_way),
    (r"has been delivered|已经送达|已經送達", lambda now: now.has("arrived")),
    (r"not moved for some days|有几天没有新的|已經好幾天沒有", stands_still),
    (r"looking into it|已经在跟进|已經在追蹤|asked a colleague|请同事来看|請專人來看", looked_after),
    (r"checking the account|马上核对账户|馬上對帳", looked_after),
    (r"have refunded|已退给您|已退還", lambda now: now.has("refunded")),
    (r"enjoying your order|用着还满意|用起來還滿意", in_use),
    (r"thank you for taking the time|您的评价我们看到了|看到您的評價了", lambda now: now.has("reviewed")),
    (r"^We wrote to you|之前给您发过|先前通知過您", written_before),
    (r"will not write to you on our own|以后不再主动|以後不會再主動", silent_from_now),
    (
        r"thank you for coming back|一直光顾|一直以來支持|regular buyers only|只给老顾客|專為老主顧",
        comes_back,
    ),
    (r"this weekend|这个周末|這個週末", weekend),
    (r"digits do not match|没有对上|末四碼不符", lambda now: now.message.template == "not_matched"),
)

# Greetings, questions, what to do, whom to ask, and what was bought: nothing that a fact could make untrue.
NOTHING_CLAIMED = (
    r"^Hello |^[\w ]+(，您好！|您好：)$|^Thank you|^谢谢您(的消息|在)|^感謝您在|^謝謝您的訊息",
    r"^(You chose|您选购的商品|您訂購的商品|Total|合计|總金額)|^[-·・] ?(\d+ x|.* × \d)",
    r"^[-·・] ?(First Bank|中国工商|臺灣)",
    r"^(User name|Real name|Phone|Items|Address|Postcode|Bank|Time of transfer)",
    r"^(用户名|姓名|电话|商品|地址|邮编|付款银行|转账时间|會員帳號|電話|郵遞區號|匯款銀行|匯款時間)",
    r"^To reach a person|^If it is urgent|^需要找人|^需要專人協助|^着急的话|^若您急著要",
    r"^If it still|^还是不行|^若還是不行",
    r"^Please (check|give|send|pay whenever)|^请打开看看|^請確認|^If it is not there",
    r"^没收到，或者|^若沒收到，或",
    r"^Did something go wrong|^Tell us where|^告诉我们卡|^歡迎告訴我們",
    r"^If you have already paid|^已经付过|^若您已經付款",
    r"^(The money goes back|Depending on)|^退款按原路|^没收到的话|^退款會退回|^若沒收到，請告訴",
    r"^How do you like|^If you have a minute|^Say what is good|^If something is wrong|^方便的话",
    r"^要是有问题|^方便的話|^如果有問題",
    r"^If you need anything|^以后有什么|^以後有任何|^This is |^这里是|^這裡是",
    r"^If you no longer|^如果不想要|^若您已不需要",
    r"^If you have a question|^If you ask|^您来问|^您有問題|^To hear from us|^想恢复",
    r"^想重新|^There is nothing you",
    r"^If you would like|^需要的话|^有興趣|^No more offers|^Reply STOP|^不想再收到",
    r"^请把订单号|^核对上了|^請提供訂單|^核對無誤",
    r"^I would rather not|^资料收到了|^資料收到了",
)


def sentences(text: str) -> list[str]:
    parts = [re.split(r"(?<=[.!?])\s+(?=[A-Z])|(?<=[。！？])", line) for line in text.split("\n")]
    return [part.strip() for line in parts for part in line if part.strip()]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_true_in_its_minute(locale: str) -> None:
    account, unread, untrue = played(locale), set[str](), list[tuple[str, str]]()
    for message in account.messages:
        for sentence in sentences(message.text or "") if message.copies else ():
            now = Minute(sentence=sentence, message=message, account=account, facts=known(account, message))
            rules = [rule for words, rule in CLAIMS if re.search(words, sentence)]
            if not rules and not any(re.search(words, sentence) for words in NOTHING_CLAIMED):
                unread.add(sentence)
            untrue += [(message.key, sentence) for rule in rules if not rule(now)]

    assert untrue == []
    assert unread == set()


def test_the_reader_knows_every_delivery_that_tells_of_an_order() -> None:
    silent = ("writes", "answers", "wants_no_offers", "claims", "first_parcel_arrives")
    deliveries = {step.delivery for step in STEPS if step.delivery}

    assert deliveries - TOLD.keys() == {name for name in deliveries if any(word in name for word in silent)}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_confirmation_of_each_order_is_what_is_heard_of_it_first(locale: str) -> None:
    first: dict[str | None, ShownMessage] = {}
    for message in sorted(played(locale).messages, key=lambda each: each.turn):
        if message.turn and message.order and message.category != "answer":
            first.setdefault(message.order, message)

    assert {message.template for message in first.values()} == {"order_confirmation"}
