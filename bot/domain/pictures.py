"""Which files beside a message are pictures that a person can look at."""

from collections.abc import Iterable

from bot.domain.events import Media

TYPES = frozenset(
    f"image/{name}" for name in ("jpeg", "jpg", "png", "webp", "heic", "heif", "gif", "avif", "bmp", "tiff")
)
LARGEST = 20 * 2**20  # bytes: more no bot may fetch from Telegram


def pictures_in(media: Iterable[Media]) -> tuple[Media, ...]:
    """Leave out what is known to be none, empty, or too large; what nobody describes may be one."""
    return tuple(each for each in media if _may_be(each))


def _may_be(media: Media) -> bool:
    fits = media.size is None or 0 < media.size <= LARGEST
    return fits and (media.type is None or media.type.partition(";")[0].strip().casefold() in TYPES)
