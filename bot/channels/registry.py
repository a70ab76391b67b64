"""The platforms: from the settings of a shop to its channels."""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Annotated

import aiohttp
from pydantic import Field

from bot.channels import ReceivingChannel, SendingChannel
from bot.channels.email import EmailChannel, EmailSettings
from bot.channels.shopify import ShopifyChannel, ShopifySettings
from bot.channels.telegram import TelegramChannel, TelegramSettings
from bot.channels.webhook import WebhookChannel, WebhookSettings
from bot.channels.woocommerce import WooCommerceChannel, WooCommerceSettings
from bot.domain.shop import Settings

PLATFORMS: dict[str, type[Settings]] = {
    "webhook": WebhookSettings,
    "shopify": ShopifySettings,
    "woocommerce": WooCommerceSettings,
    "telegram": TelegramSettings,
    "email": EmailSettings,
}


ChannelSettings = Annotated[
    WebhookSettings | ShopifySettings | WooCommerceSettings | TelegramSettings | EmailSettings,
    Field(discriminator="kind"),
]


def open_channels(
    channels: Mapping[str, ChannelSettings],
    region: str,
    currency: str,
    http: aiohttp.ClientSession,
    desk: str | None = None,
) -> tuple[dict[str, ReceivingChannel], dict[str, SendingChannel]]:
    """Build a shop's channels: those that receive and those that send, by their names in the settings.

    region: the country (ISO 3166) of phone numbers that are written without one. currency: of prices that
    name none. desk: the webhook channel in which the seller answers cases.
    """
    receiving: dict[str, ReceivingChannel] = {}
    sending: dict[str, SendingChannel] = {}
    for name, settings in channels.items():
        match settings:
            case WebhookSettings():
                webhook = WebhookChannel(name, region, settings, http, desk=name == desk)
                receiving[name] = webhook
                if settings.url:
                    sending[name] = webhook
            case ShopifySettings():
                receiving[name] = ShopifyChannel(name, region, settings, currency)
            case WooCommerceSettings():
                receiving[name] = WooCommerceChannel(name, region, settings, currency)
            case TelegramSettings():
                telegram = TelegramChannel(name, region, settings, http)
                receiving[name] = telegram
                sending[name] = telegram
            case EmailSettings():
                sending[name] = EmailChannel(name, region, settings)
    return receiving, sending


@cache
def _trust() -> ssl.SSLContext:
    """aiohttp makes its own on import, before SSL_CERT_FILE is set. Reading all authorities takes a while."""
    return ssl.create_default_context()


def open_http() -> aiohttp.ClientSession:
    """One client for all channels; each sets its own timeouts."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,
            limit_per_host=256,
            ssl=_trust(),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Xiaoer"},
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )
