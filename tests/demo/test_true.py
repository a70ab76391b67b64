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

from bot.demo.cast import load_cast
from bot.demo.script import STEPS, time_of
from bot.demo.transcript import ShownMessage, Transcript
from bot.domain.actions import CALLS
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
    "emma_order_gets_its_price": ("1004", ("repriced",)),
    "emma_pays_again": ("1004", ("paid",)),
    "emma_second_parcel_leaves": ("1004", ("left", "all left")),
    "emma_second_parcel_arrives": ("1004", ("arrived",)),
    "emma_gets_money_back": ("1004", ("refunded",)),
}


BUYERS = {"1000": "emma", "1001": "ann", "#1042": "clara", "727": "david", "1002": "ben", "1003": "hugo"}


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


def stands_still_since(now: Minute) -> bool:
    """Since the day on which it left, of which nothing else was told."""
    left = now.facts["left"]
    return on_its_way(now) and now.at >= left + 5 * DAY and now.named_day().date() == left.date()


def in_use(now: Minute) -> bool:
    return now.has("arrived") and now.at >= now.facts["arrived"] + 6 * DAY


def looked_after(now: Minute) -> bool:
    """A case is open, so that somebody was told."""
    waiting = [case for case in now.account.cases if case.opened_at <= now.at]
    return any(case.closed_at is None or case.closed_at >= now.at for case in waiting)


def in_the_case(now: Minute) -> bool:
    """The case that the sentence names is open, and about this order."""
    number = re.search(r"case (\d+)|，编号 (\d+)|案件編號 (\d+)", now.sentence)
    assert number, now.sentence
    named = [case for case in now.account.cases if str(case.number) in number.groups()]
    return looked_after(now) and [case.order for case in named] == [now.message.order]


def passed_on(now: Minute) -> bool:
    """To a person, who was told of this buyer's words and has answered nothing yet."""
    asked = [case for case in now.account.cases if case.kind in CALLS and case.opened_at == now.at]
    return len(asked) == 1


def written_before(now: Minute) -> bool:
    """About the same order, and by another way."""
    about = [each for each in now.before if each.order == now.message.order]
    return bool(about) and all(each.channel != now.message.channel for each in about)


def silent_from_now(now: Minute) -> bool:
    """Shipping notices too: nothing but answers."""
    mine = [each for each in now.account.messages if each.to == now.message.to and each.copies]
    return all(each.category == "answer" for each in mine if each.turn > now.message.turn)


def prices(now: Minute) -> list[float]:
    """The sums of money that the sentence names."""
    return [
        float(each.replace(",", "")) for each in re.findall(r"(?:NT\$|[$¥])([\d,]+(?:\.\d\d)?)", now.sentence)
    ]


def sums_told(now: Minute) -> set[float]:
    """The total of the order as it was last told, its postage, and what was paid back of it."""
    goods = load_cast(now.account.locale).values
    if now.message.order == "1004":
        totals = {float(goods["set"]["agreed" if now.has("repriced") else "price"])}
    else:
        totals = {float(goods[BUYERS[now.message.order or ""]]["total"])}
    back = (
        {float(goods["clara"]["refund"])} if now.message.order == "#1042" and now.has("refunded") else set()
    )
    return totals | back | {float(goods["postage"])}


def above_the_floor(now: Minute) -> bool:
    """Below the list price and no lower than 85 % of it, and no higher than what was told before."""
    listed = float(load_cast(now.account.locale).values["set"]["price"])
    (price,) = prices(now)
    before = [
        sum_
        for each in now.before
        if each.template.startswith("haggle_")
        for sum_ in prices(msgspec.structs.replace(now, sentence=each.text or ""))
    ]
    return listed * 0.85 <= price < listed and all(price <= each for each in before)


def agreed(now: Minute) -> bool:
    """The price that the buyer said yes to, which the order gets."""
    goods = load_cast(now.account.locale).values["set"]
    return prices(now) == [float(goods["agreed"])] and above_the_floor(now)


def for_a_day(now: Minute) -> bool:
    ends = now.named_day()
    return (ends.date() - now.at.date()).days == 1 and "Q101" in now.sentence


def price_to_change(now: Minute) -> bool:
    """The order is there, at the price of the list, and the seller was shown the quote."""
    cases = [case for case in now.account.cases if case.kind == "quote" and case.opened_at <= now.at]
    return unpaid(now) and not now.has("repriced") and len(cases) == 1


def fourteen_days(now: Minute) -> bool:
    """The last day on which what arrived is taken back."""
    last = (now.facts["arrived"].astimezone(now.at.tzinfo) + 14 * DAY).date()
    return f"April {last.day}" in now.sentence or f"{last.month}月{last.day}日" in now.sentence


def taken_back(now: Minute) -> bool:
    return now.has("arrived", "paid") and not now.has("refunded")


def kept_waiting(now: Minute) -> bool:
    return any(each.template == "delayed" for each in now.before)


def answered_by(now: Minute) -> bool:
    """The third working day from now, under the number of the complaint."""
    day, left = now.at, 3
    while left:
        day += DAY
        left -= day.weekday() < 5
    complaint = next(case for case in now.account.cases if case.kind == "complaint")
    return now.named_day().date() == day.date() and str(complaint.number) in now.sentence


def decided(now: Minute) -> bool:
    """The complaint was decided by a person, in this minute."""
    complaint = next(case for case in now.account.cases if case.kind == "complaint")
    return bool(complaint.outcome) and complaint.closed_at == now.message.settled_at


def persons_word(now: Minute) -> bool:
    """What a person wrote for the buyer in that minute, sums too."""
    told = [
        event.text or "" for event in now.account.events if event.agent and event.at == now.message.settled_at
    ]
    sums = [f"{price:g}" for price in prices(now)]
    return any(now.sentence in text or (sums and sums[0] in text) for text in told)


def comes_back(now: Minute) -> bool:
    return len({each.order for each in now.before if each.order}) > 1


def weekend(now: Minute) -> bool:
    return now.at.weekday() >= 5


Rule = Callable[[Minute], bool]

CLAIMS: tuple[tuple[str, Rule], ...] = (
    (r"^We'll send it by|最晚.*[发出][货貨]", leaves_by),
    (r"within \d+ business days|\d+ 个工作日内发货|\d+ 個工作天內出貨", not_left),
    (r"We've received your payment|款已收到|的付款收到了|的款項已收到", paid),
    (r"isn't paid yet|还没有收到付款|還沒收到款項。$|订单还没付款|這筆訂單尚未付款", unpaid),
    (r"haven't seen a payment|还没收到付款|還沒收到款項，", unpaid),
    (r"^Please transfer|^请转账到|^請匯款至|^Once you've paid|^转账后|^匯款完成後|^匯款後請回傳", unpaid),
    (r"as your payment reference|附言|帳號末五碼", unpaid),
    (r"keep the order for you until|pay before|为您保留到|前付款|為您保留到|前完成付款", time_left),
    (r"set aside for you|还为您留着|還為您保留著|^After that the order is closed", still_kept),
    (r"last parcel of order|最后一个包裹|最後一件包裹", lambda now: on_its_way(now) and now.has("all left")),
    (r"^Part of (your )?order|^The rest will follow|已经发出一部分|已寄出一部分", partly_on_its_way),
    (r"is on its way( with|\.)|已经发货|已經出貨", on_its_way),
    (
        r"^Parcel: |^快递：|^物流：|^Track(ing| it)|快递单号|物流單號|^查看物流|^查詢配送|track\.example",
        on_its_way,
    ),
    (r"when it arrives, just reply|^签收时|^收到後請先", on_its_way),
    (r"has been delivered|已经送达|已經送達", lambda now: now.has("arrived")),
    (
        r"hasn't moved since|no news of it from the carrier since|起就没有新的|起就沒有新的",
        stands_still_since,
    ),
    (
        r"looking into it|已经在跟进|已經在追蹤|passed this to|转给客服|轉給客服|is looking after it",
        looked_after,
    ),
    (r"asked the team to find out|请同事向快递|請同事向物流", looked_after),
    (
        r"交给专人|交由專人|They'll reply here|尽快回复您|儘快回覆您",
        looked_after,
    ),
    (r"checking the payment|^资料收到了|^資料收到了", looked_after),
    (r"have refunded|We've refunded|已为您退款|已為您退款|已退还|已退還", lambda now: now.has("refunded")),
    (r"enjoying your order|用着还满意|用起來還滿意", in_use),
    (
        r"for your review|your review, and|谢谢您的评价|看到了您的评价|感謝您的評價|看到您的評價",
        lambda now: now.has("reviewed"),
    ),
    (r"glad you like it|看到您喜欢|您喜歡", lambda now: now.message.template == "review_thanks"),
    (r"^We messaged you|之前给您发过|先前通知過您", written_before),
    (r"won't hear from us in this chat|以后不在这个聊天|以後不會再主動", silent_from_now),
    (r"being a regular|just for you|一直光顾|一直以來支持|只给老顾客|專為老主顧", comes_back),
    (r"this weekend|这个周末|這個週末", weekend),
    (r"^I can do .* for \$|^.*，给您 ¥|^.*，算您 NT", above_the_floor),
    (r"^It's a deal|^成交：", agreed),
    (r"^Your quote is|^报价号|^議價編號", for_a_day),
    (
        r"^We've seen your order|的报价.*看到|看到.*订单.*报价|看到.*訂單.*議價|^We're changing the price"
        r"|^价格正在改成|^價格正在調整",
        price_to_change,
    ),
    (r"^The total of your order|^It's now \$|金额有变动|金額有異動", lambda now: now.has("repriced")),
    (r"back for a refund|办退货退款|辦理退貨退款", taken_back),
    (r"^Please send it off by|^寄回截止|^寄回期限", fourteen_days),
    (r"once it's back with us|^收到退货后|^收到退回的商品", taken_back),
    (r"kept waiting|让您久等|讓您久等", kept_waiting),
    (r"^It's now case|^已为您登记|^已為您立案", answered_by),
    (r"^We've looked into this|我们处理好了|已處理完成", decided),
    (r"^We're refunding you|^给您退款|^我們會退您|^USPS has|^中通已经|^7-ELEVEN 已經", persons_word),
    (r"passed you to|已为您转接|已為您轉接", passed_on),
    (r"digits don't match|没对上|末四碼不符", lambda now: now.message.template == "not_matched"),
)

# Greetings, questions, what to do, whom to ask, and what was bought: nothing that a fact could make untrue.
NOTHING_CLAIMED = (
    r"^Hi |^亲，您好！|^[\w ]+您好：$|^Thank(s for| you)|^谢谢您(的消息|在)|^感謝您在|^謝謝您的訊息",
    r"^(Your order:|您选购的商品|您訂購的商品|Total|合计|總金額)|^[-·・] ?(\d+ x|.* × \d)",
    r"^[-·・] ?(First Bank|中国工商|臺灣)",
    r"^(付款人|付款银行|转账时间|尾号后四位|匯款人|匯款銀行|匯款時間)：$",
    r"^Need a hand|^Contact us|^You can also reach|^If it's urgent|^需要人工客服",
    r"^需要專人協助|^着急的话|^若您急著要",
    r"^您也可以直接联系|^您也可以直接聯絡|^If it still|^还是不行|^若還是不行",
    r"^Please (check|give|send|pay whenever)|^麻烦看看|^請確認|^If it isn't, or",
    r"^没收到，或者|^若沒收到，或",
    r"^Did something go wrong|^Let us know and|^告诉我们卡|^歡迎告訴我們",
    r"^Already paid|^Just reply|^已经付过|^若您已經付款",
    r"^(The money goes back|If it doesn't arrive)|^原路退回|^没收到的话|^退款會退回|^若沒收到，請告",
    r"^How is it|^An honest review|^If something's wrong|^方便的话",
    r"^有任何问题|^方便的話|^如果有問題",
    r"^以后有什么|^以後有任何|^This is |^这里是|^這裡是",
    r"^If you no longer|^如果不需要|^若您已不需要|^Any questions",
    r"^Done\.$|^If it's only offers|^To undo this|^您来问|^您有問題|^只是不想收|^如果只是不想",
    r"^There's nothing you",
    r"^All I'd ask|^How does that|^今天下单|^今天下單|^用着喜欢|^用得喜歡|^您看可以",
    r"^Just order as usual|^您照常下单|^請照常下單",
    r"^我们这就改价|^我們正在修改金額|^若您比較急|^有疑问请直接|^有任何疑問，",
    r"^If you've paid|^Please wait for the new|^Something not right|^Of course",
    r"^You pay for|^Send it to|^寄回地址",
    r"^If that doesn't settle|^要是还有不满意|^若您仍有疑問",
    r"^If there's a code|^下单时就能用|^下單時即可|^To stop these offers|^不想再收到",
    r"^请把订单号|^核对上了|^請提供訂單|^核對無誤",
    r"^I'd rather not|^资料收到了|^資料收到了",
)


def sentences(text: str) -> list[str]:
    parts = [re.split(r"(?<=[.!?])\s+(?=[A-Z])|(?<=[。！？])", line) for line in text.split("\n")]
    return [part.strip() for line in parts for part in line if part.strip()]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_true_in_its_minute(locale: str) -> None:
    account, unread, untrue = played(locale), set[str](), list[tuple[str, str]]()
    for message in account.messages:
        if message.template == "from_person":
            assert any((message.text or "-") in (event.text or "") for event in account.events if event.agent)
            continue
        for sentence in sentences(message.text or "") if message.copies else ():
            now = Minute(sentence=sentence, message=message, account=account, facts=known(account, message))
            rules = [rule for words, rule in CLAIMS if re.search(words, sentence)]
            if not rules and not any(re.search(words, sentence) for words in NOTHING_CLAIMED):
                unread.add(sentence)
            untrue += [(message.key, sentence) for rule in rules if not rule(now)]

    assert untrue == []
    assert unread == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sum_is_what_was_told_of_the_order_until_its_minute(locale: str) -> None:
    """But the prices of goods, which add up to the totals, and what is agreed on in a chat or by a person."""
    account, named, wrong = played(locale), 0, list[tuple[str, str]]()
    for message in account.messages:
        told = message.copies and message.order and message.template not in ("from_person", "quote_seen")
        for sentence in sentences(message.text or "") if told else ():
            now = Minute(sentence=sentence, message=message, account=account, facts=known(account, message))
            if re.match(r"[-·・]", sentence) or persons_word(now):
                continue
            named += len(prices(now))
            wrong += [(message.key, sentence) for price in prices(now) if price not in sums_told(now)]

    assert wrong == []
    assert named > 20


def test_every_row_of_the_reader_reads_something() -> None:
    """A row whose words nobody says any more reads nothing, however true it is."""
    spoken = {
        sentence
        for locale in LOCALES
        for message in played(locale).messages
        if message.copies and message.template != "from_person"
        for sentence in sentences(message.text or "")
    }
    rows = [words for words, _ in CLAIMS] + list(NOTHING_CLAIMED)

    assert [row for row in rows if not any(re.search(row, sentence) for sentence in spoken)] == []


def test_the_reader_knows_every_delivery_that_tells_of_an_order() -> None:
    silent = ("writes", "lists", "wants_no_offers", "claims", "first_parcel_arrives")
    deliveries = {step.delivery for step in STEPS if step.delivery}

    assert deliveries - TOLD.keys() == {name for name in deliveries if any(word in name for word in silent)}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_confirmation_of_each_order_is_what_is_heard_of_it_first(locale: str) -> None:
    first: dict[str | None, ShownMessage] = {}
    for message in sorted(played(locale).messages, key=lambda each: each.turn):
        if message.turn and message.order and message.category != "answer":
            first.setdefault(message.order, message)

    assert {message.template for message in first.values()} == {"order_confirmation"}
