"""A few sentences of four intents, from which a model is learned in no time."""

SMALL = {
    "where_is_order": (
        *("where is my order", "where is my parcel", "my parcel has not come", "has my parcel come"),
        *("我的快递到哪了", "快递到哪里了", "包裹到哪了", "快递怎么还没到"),
    ),
    "price": (
        *("how much is it", "how much is this cup", "what is the price", "how much is the pot"),
        *("多少钱", "这个多少钱", "多少钱一个", "那个多少钱"),
    ),
    "person": (
        *("I want a person", "a real person please", "talk to a person", "give me a person"),
        *("转人工", "我要人工", "人工客服", "找人工"),
    ),
    "hello": ("hello", "hello there", "hi", "hi there", "你好", "您好", "你好呀", "在吗你好"),
    "other": ("tell me a joke", "sing a song", "讲个笑话", "唱首歌"),
}
