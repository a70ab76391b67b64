"""Which columns a seller's CSV file may have, and by which names: two tables."""

import re
import unicodedata
from collections.abc import Mapping

import msgspec

from bot.domain.events import CANCELLED, COMPLETED, DELIVERED

PAID, SHIPPED, REFUNDED = "paid", "shipped", "refunded"


class Column(msgspec.Struct, frozen=True):
    """`name` is what we call it; `also`: what shop systems call it, the likeliest first."""

    name: str
    also: str
    means: str
    required: bool = False
    of_item: bool = False  # may differ from line to line of one order

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.also.split(", "))


_PERSON = (
    Column("name", "buyer name, 姓名, 收货人姓名, 收货人, 收件人, 收貨人", "the buyer's name"),
    Column("email", "mail, 邮箱, 电子邮件, 信箱, 電子郵件, 郵箱", "their mail address"),
    Column(
        "phone",
        "mobile, 手机, 手机号, 联系手机, 联系电话, 电话, 手機, 手機號碼, 電話",
        "with its country, or as dialled in the shop's region",
    ),
    Column("locale", "language, 语言, 語言", "zh-CN, zh-TW, en, ..."),
    Column("timezone", "zone, 时区, 時區", "Asia/Shanghai, ..."),
)
_BUYER_ALSO = "buyer id, customer id, 买家, 买家ID, 买家会员名, 会员名, 买家昵称, 買家, 買家帳號, 買家ID"

BUYERS: tuple[Column, ...] = (
    Column("buyer", f"id, {_BUYER_ALSO}, 客户编号, 會員編號", "the buyer's id in your shop"),
    *_PERSON,
    Column(
        "agrees", "accepts marketing, 同意推广, 接受推广, 同意推廣, 接受推廣", "to offers: yes or no (是, 否)"
    ),
    Column("stopped", "unsubscribed, 退订, 已退订, 退訂, 已退訂", "yes: they want no messages at all"),
    Column("updated_at", "更新时间, 修改时间, 更新時間", "when the line was true; now, if not given"),
)

ORDERS: tuple[Column, ...] = (
    Column("order", "id, order id, order number, 订单号, 订单编号, 訂單號, 訂單編號", "its number", True),
    Column(
        "placed_at",
        "created at, order date, 下单时间, 订单创建时间, 创建时间, 下單時間, 訂單成立時間, 訂單建立時間",
        "when it was placed",
        True,
    ),
    Column(
        "total",
        "amount, 金额, 总金额, 订单金额, 实付金额, 买家实际支付金额, 金額, 總金額, 訂單金額, 訂單總金額",
        "with postage and tax",
        True,
    ),
    Column("postage", "shipping, 运费, 邮费, 买家应付邮费, 運費", "part of the total"),
    Column("tax", "sales tax, 外加税费, 外加稅額", "part of the total; not where the prices hold it"),
    Column("currency", "币种, 货币, 幣別", "CNY, TWD, ...; the shop's, if not given"),
    Column("buyer", _BUYER_ALSO, "the buyer's id in your shop"),
    *_PERSON,
    Column("postcode", "zip, 邮编, 邮政编码, 郵遞區號", "where it goes"),
    Column(
        "item",
        "title, lineitem name, 商品, 商品名称, 宝贝标题, 标题, 商品名稱",
        "what was bought; a line for each item",
        of_item=True,
    ),
    Column("sku", "lineitem sku, 货号, 商家编码, 貨號, 商品貨號", "the item's own number", of_item=True),
    Column(
        "quantity",
        "lineitem quantity, 数量, 购买数量, 宝贝总数量, 數量",
        "how many, also 0.5; 1, if not given",
        of_item=True,
    ),
    Column(
        "price",
        "lineitem price, 单价, 价格, 單價, 價格",
        "of one piece; below zero for a discount",
        of_item=True,
    ),
    Column(
        "state",
        "status, 状态, 订单状态, 狀態, 訂單狀態",
        "unpaid, paid, shipped, delivered, completed, cancelled, refunded, or as your shop says it",
    ),
    Column("paid_at", "付款时间, 订单付款时间, 支付时间, 付款時間", "when the money came"),
    Column("paid", "paid amount, 已付, 已付金额, 已付金額", "how much came so far; the whole, if not given"),
    Column("method", "payment method, 支付方式, 付款方式", "how it was paid"),
    Column("shipped_at", "fulfilled at, 发货时间, 出貨時間, 發貨時間", "when it left", of_item=True),
    Column("carrier", "快递公司, 物流公司, 物流, 快遞公司, 物流商", "who brings it", of_item=True),
    Column(
        "tracking",
        "tracking number, 运单号, 快递单号, 物流单号, 運單號, 快遞單號, 物流單號, 包裹查詢號碼",
        "the parcel's number; another number is another parcel",
        of_item=True,
    ),
    Column("tracking_url", "tracking link, 物流链接, 物流連結", "page to follow it", of_item=True),
    Column("delivered_at", "签收时间, 送达时间, 簽收時間, 送達時間", "when it arrived"),
    Column(
        "completed_at", "确认收货时间, 完成时间, 确认时间, 完成時間, 訂單完成時間", "when the deal was closed"
    ),
    Column("cancelled_at", "canceled at, 取消时间, 关闭时间, 取消時間", "when it was given up"),
    Column("refunded_at", "退款时间, 退款時間", "when the money went back"),
    Column(
        "refunded",
        "refunded amount, 退款金额, 退款金額",
        "how much went back so far; the whole, if not given",
    ),
    Column("updated_at", "更新时间, 修改时间, 更新時間", "when the line was true; it replaces older lines"),
)

PRODUCTS: tuple[Column, ...] = (
    Column(
        "sku",
        "id, variant sku, item number, 货号, 商家编码, 商品编码, 商品编号, 貨號, 商品貨號, 商品編號",
        "the item's own number, as in your orders",
        True,
    ),
    Column(
        "title",
        "name, product, 商品, 商品名称, 商品标题, 宝贝标题, 标题, 名称, 商品名稱, 商品標題, 名稱",
        "what buyers call it",
        True,
    ),
    Column("price", "variant price, 价格, 单价, 售价, 一口价, 價格, 單價, 售價", "of one piece"),
    Column("currency", "币种, 货币, 幣別", "CNY, TWD, ...; the shop's, if not given"),
    Column(
        "stock",
        "quantity, inventory, variant inventory qty, 库存, 数量, 库存数量, 庫存, 數量, 庫存數量",
        "how many are left, or yes or no (有货, 缺货); unknown, if not given",
    ),
    Column("floor", "lowest price, 底价, 最低价, 底價, 最低價", "never sold for less; no buyer sees it"),
    Column("materials", "material, fabric, 材质, 材料, 面料, 材質, 質料", "what it is made of"),
    Column("sizes", "size, 尺码, 尺寸, 规格, 尺碼, 規格", "the sizes, and whom they fit"),
    Column(
        "care",
        "care instructions, 保养, 洗涤, 洗护, 护理, 保養, 洗滌, 清潔方式",
        "how it is washed or looked after",
    ),
    Column("postage", "shipping, 运费, 邮费, 運費, 郵費", "for this item alone"),
    Column("url", "link, 链接, 网址, 商品链接, 連結, 網址, 商品連結", "its page"),
    Column("updated_at", "更新时间, 修改时间, 更新時間", "when the line was true; now, if not given"),
)

# The steps that a state implies: a completed order was paid for and has left, and may be on its way.
STATES: dict[str, tuple[str, ...]] = {
    "unpaid": (),
    "paid": (PAID,),
    "shipped": (PAID, SHIPPED),
    "delivered": (PAID, SHIPPED, DELIVERED),
    "completed": (PAID, SHIPPED, COMPLETED),
    "cancelled": (CANCELLED,),
    "refunded": (PAID, REFUNDED),
}
# The steps that a state denies, unless the line has a date or a sum for them.
NOT_YET: dict[str, tuple[str, ...]] = {
    "unpaid": (PAID, SHIPPED, DELIVERED, COMPLETED, CANCELLED, REFUNDED),
    "paid": (SHIPPED, DELIVERED, COMPLETED, CANCELLED, REFUNDED),
    "shipped": (DELIVERED, COMPLETED, CANCELLED, REFUNDED),
    "delivered": (COMPLETED, CANCELLED, REFUNDED),
    "completed": (CANCELLED, REFUNDED),
    "cancelled": (),
    "refunded": (),
}
STATES_ALSO: dict[str, str] = {
    "unpaid": "pending, 待付款, 未付款, 等待买家付款, 尚未付款",
    "paid": "processing, 已付款, 待发货, 部分发货, 买家已付款等待卖家发货, 待出貨",
    "shipped": "fulfilled, 已发货, 待收货, 卖家已发货等待买家确认, 已出貨, 待收貨, 運送中",
    "delivered": "已签收, 已送达, 已簽收, 已送達",
    "completed": "complete, closed, 已完成, 交易成功, 交易完成, 完成",
    "cancelled": "canceled, 已取消, 交易关闭, 已关闭, 取消, 不成立",
    "refunded": "已退款, 退款成功, 退款完成",
}


def normal(name: str) -> str:
    """Normalise a header or a state: without case, width, blanks, signs and a unit."""
    text = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())
    return text.removesuffix("元") or text


def by_header(columns: tuple[Column, ...]) -> dict[str, tuple[Column, int]]:
    """Map each known header to its column and its rank among that column's names (0 is the likeliest)."""
    return {normal(name): (column, rank) for column in columns for rank, name in enumerate(column.names)}


STATE_WORDS: Mapping[str, str] = {
    normal(word): state for state in STATES for word in (state, *STATES_ALSO[state].split(", "))
}
