"""What settings leave undone: no mistake in a line, and yet somebody waits for what will never come."""

from collections.abc import Iterator

from bot.config import ShopSettings

# Refused by `check`; `serve` only says so.
REFUSED = ("no_secret", "seller_no_mail", "owner_no_mail", "seller_no_telegram", "seller_no_webhook")


def gaps(shop: ShopSettings) -> Iterator[tuple[str, dict[str, str]]]:
    """The code of each gap, as the operator's words name it, with its values."""
    channels = shop.channels
    for name, settings in channels.items():
        if settings.kind != "email" and not any(
            secret.get_secret_value().strip() for secret in settings.secrets
        ):
            yield "no_secret", {"channel": name}
    kinds = [settings.kind for settings in channels.values()]
    if shop.seller.email and "email" not in kinds:
        yield "seller_no_mail", {}
    if shop.seller.owner and "email" not in kinds:
        yield "owner_no_mail", {}
    if shop.seller.telegram and "telegram" not in kinds:
        yield "seller_no_telegram", {}
    own = channels.get(shop.seller.webhook or "")
    if shop.seller.webhook and not (own and own.kind == "webhook" and own.url):
        yield "seller_no_webhook", {"name": shop.seller.webhook}
    if not any(_speaks(settings) for settings in channels.values()):
        yield "no_speaker", {}


def _speaks(settings: object) -> bool:
    kind = getattr(settings, "kind", None)
    return kind in ("email", "telegram") or (kind == "webhook" and bool(getattr(settings, "url", None)))
