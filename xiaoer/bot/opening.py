"""From settings to what speaks: a shop's channels, the ways they offer, and the client they call with."""

from collections.abc import Mapping

import aiohttp

from xiaoer.bot.channels import Channel, Speaker
from xiaoer.bot.channels.email import EmailChannel, EmailSettings
from xiaoer.bot.channels.shopify import ShopifyChannel, ShopifySettings
from xiaoer.bot.channels.telegram import TelegramChannel, TelegramSettings
from xiaoer.bot.channels.webhook import WebhookChannel, WebhookSettings
from xiaoer.bot.channels.woocommerce import WooCommerceChannel, WooCommerceSettings
from xiaoer.bot.config import Config, ShopSettings
from xiaoer.bot.facts import Desk, Speaking
from xiaoer.bot.links import Links


def open_channels(
    name: str, shop: ShopSettings, http: aiohttp.ClientSession
) -> tuple[dict[str, Channel], dict[str, Speaker]]:
    """What a shop listens to, and what it can speak through, by the names in its settings."""
    doors: dict[str, Channel] = {}
    speakers: dict[str, Speaker] = {}
    for channel_name, settings in shop.channels.items():
        match settings:
            case WebhookSettings():
                webhook = WebhookChannel(channel_name, shop.region, settings)
                doors[channel_name] = webhook
                if settings.url:
                    speakers[channel_name] = webhook
            case ShopifySettings():
                doors[channel_name] = ShopifyChannel(channel_name, shop.region, settings)
            case WooCommerceSettings():
                doors[channel_name] = WooCommerceChannel(channel_name, shop.region, settings)
            case TelegramSettings():
                telegram = TelegramChannel(channel_name, shop.region, settings, http)
                doors[channel_name] = telegram
                speakers[channel_name] = telegram
            case EmailSettings():
                speakers[channel_name] = EmailChannel(channel_name, shop.region, settings)
    return doors, speakers


def speaking_of(shop: ShopSettings, speakers: Mapping[str, Speaker]) -> Speaking:
    kinds = {name: settings.kind for name, settings in shop.channels.items() if name in speakers}
    return Speaking(
        speaks=kinds,
        doors=[name for name, kind in kinds.items() if kind == "webhook"],
        mail=next((name for name, kind in kinds.items() if kind == "email"), None),
    )


def desk_of(config: Config, links: Links, speakers: Mapping[tuple[str, str], Speaker]) -> Desk:
    def stop_url(shop: str, buyer: str) -> str | None:
        token = links.token("stop", shop, buyer) if config.public_url else None
        return f"{config.public_url}/stop/{token}" if token else None

    def chat_link(shop: str, order: str) -> str | None:
        chats = [
            c for c in config.shops[shop].channels.values() if isinstance(c, TelegramSettings) and c.username
        ]
        token = links.token("chat", shop, order) if chats else None
        # A start link carries 64 characters at most; a longer id has to be typed instead.
        return f"https://t.me/{chats[0].username}?start={token}" if token and len(token) <= 64 else None

    speaking = {
        shop_id: speaking_of(shop, {name: s for (of, name), s in speakers.items() if of == shop_id})
        for shop_id, shop in config.shops.items()
    }
    return Desk(speaking, stop_url, chat_link)


def open_http() -> aiohttp.ClientSession:
    """One client for all channels; each sets its own timeouts."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=256),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Xiaoer"},
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )
