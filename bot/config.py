"""The settings of the whole program, read and checked as a whole before anything starts."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot.channels.registry import PLATFORMS, ChannelSettings
from bot.domain.desk import SELLERS_SYSTEM
from bot.domain.errors import wrong
from bot.domain.secrets import Secret
from bot.domain.segment_reading import read_segments
from bot.domain.shop import LOCALES, Duration, Name, Settings, Shop, WebAddress
from bot.receive.connection_limits import DoorSettings
from bot.settings import schema as settings_schema
from bot.settings import yaml_with_lines
from bot.settings.environment import read_env
from bot.settings.faults import Fault, config_error, from_pydantic
from bot.settings.faults import Path as SettingPath
from bot.settings.reader import SettingsReader
from bot.texts.languages import system_language

_LOCALE = re.compile(r"^\s*locale:\s*[\"']?([A-Za-z-]+)", re.MULTILINE)


def _database(url: str, info: ValidationInfo) -> str:
    """A relative path of an SQLite file is relative to the settings file; an absolute one stays."""
    scheme, separator, rest = url.partition("://")
    if scheme == "sqlite" and rest.strip("/") and rest.startswith("/"):
        return f"sqlite:///{_beside(info) / rest[1:]}"
    if scheme not in ("postgresql", "postgres") or not separator:
        raise wrong("database")
    try:
        make_url(f"postgresql://{rest}")
    except (ArgumentError, ValueError):
        raise wrong("database") from None
    return f"postgresql://{rest}"


def _ingest(text: str) -> str:
    """One or several addresses of one log. Errors never contain them, since they may hold a secret."""
    for address in text.split(","):
        try:
            parts = urlsplit(address.strip())
            whole = parts.scheme in ("nats", "tls") and parts.hostname and (parts.port or True)
        except ValueError:
            raise wrong("ingest") from None
        if not whole or parts.path or parts.query or parts.fragment:
            raise wrong("ingest")
    return text


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise wrong("listen")
    return text


def _apart(text: str, others: ValidationInfo) -> str:
    if text == others.data.get("listen"):
        raise wrong("listen_twice")
    return text


def _folder(path: Path, info: ValidationInfo) -> Path:
    folder = _beside(info) / path
    if not folder.is_dir():
        raise wrong("no_folder")
    return folder


def _beside(info: ValidationInfo) -> Path:
    beside: Path = (info.context or {}).get("beside", Path())
    return beside


def _place(path: Path, info: ValidationInfo) -> Path:
    return _beside(info) / path


def _long_kept(keep: timedelta) -> timedelta:
    if keep < SHORTEST_KEEP:
        raise wrong("keep_short", days=SHORTEST_KEEP.days)
    return keep


SHORTEST_KEEP = timedelta(days=60)  # an order's whole life, and all that the caps look back at


class ShopSettings(Shop):
    """A shop, and how it is reached."""

    channels: dict[Name, ChannelSettings] = Field({}, description="by a name of yours, or the platform's")
    api_tokens: tuple[Secret, ...] = Field((), description="whoever sends one of these may read the shop")

    @cached_property
    def platforms(self) -> frozenset[str]:
        own = (name for name, each in self.channels.items() if each.kind in ("shopify", "woocommerce"))
        return frozenset(own)

    @cached_property
    def desks(self) -> frozenset[tuple[str, str]]:
        own, system = self.seller.telegram, self.seller.webhook
        bot = next((name for name, each in self.channels.items() if each.kind == "telegram"), None)
        found = {(bot, own)} if bot and own else set()
        return frozenset(found | {(system, SELLERS_SYSTEM)} if system else found)


class Retention(Settings):
    """What is over longer than `keep` goes to files in `archive`."""

    keep: Annotated[Duration, AfterValidator(_long_kept)] = Field(
        timedelta(days=400), description="how long finished messages and events stay in the database"
    )
    archive: Annotated[Path, AfterValidator(_place)] = Field(
        Path("archive"), validate_default=True, description="the folder, made where it is missing"
    )


Kept = Annotated[Duration, AfterValidator(_long_kept)]
A_YEAR_AND_MORE = timedelta(days=400)


class Forget(Settings):
    """How long words are kept. What is counted and added up stays; null keeps the words for good."""

    deliveries: Kept | None = Field(
        A_YEAR_AND_MORE, description="words of buyers and their contacts in what platforms delivered"
    )
    messages: Kept | None = Field(A_YEAR_AND_MORE, description="texts of messages that were sent")
    cases: Kept | None = Field(
        A_YEAR_AND_MORE,
        description="what was said while a case was open, and how it was settled; since its end",
    )
    unreadable: Kept | None = Field(
        A_YEAR_AND_MORE, description="deliveries that could not be read, also where nobody looked at them"
    )
    archive: Kept | None = Field(None, description="files of `retention.archive`, by their month")


class UnderstandingSettings(Settings):
    """What buyers' words are understood by."""

    examples: Annotated[Path, AfterValidator(_place)] = Field(
        Path("understanding.yaml"),
        validate_default=True,
        description="sentences of your own, by what they mean; used if the file is there",
    )
    knowledge: Annotated[Path, AfterValidator(_place)] = Field(
        Path("knowledge.yaml"),
        validate_default=True,
        description="questions with your answers to them; used if the file is there, and beside it "
        "knowledge.SHOP.yaml for one shop",
    )
    learned: Annotated[Path, AfterValidator(_place)] = Field(
        Path("learned"),
        validate_default=True,
        description="the folder in which what is learned from them is kept",
    )


class Config(Settings):
    """The settings in config.yaml."""

    database: Annotated[str, AfterValidator(_database)] = Field(
        "sqlite:///xiaoer.db",
        repr=False,
        validate_default=True,
        description="sqlite:///file.db or postgresql://user@host/name",
    )
    ingest: Annotated[str, AfterValidator(_ingest)] | None = Field(
        None,
        repr=False,
        description="nats://host:4222 or tls://host:4222, several with commas: "
        "a JetStream cluster in front, for rushes",
    )
    listen: Annotated[str, AfterValidator(_listen)] = Field("127.0.0.1:8080", description="address:port")
    metrics_listen: Annotated[str, AfterValidator(_listen), AfterValidator(_apart)] | None = Field(
        None, description="address:port of /metrics and /readyz, which `listen` then does not answer"
    )
    public_url: WebAddress | None = Field(
        None, description="where buyers reach this program, for links in messages"
    )
    secret: Secret = Field(description="signs the links in messages")
    templates: Annotated[Path, AfterValidator(_folder)] | None = Field(
        None, description="your own words, laid over ours; `templates` beside this file if it is there"
    )
    understanding: UnderstandingSettings = Field(
        UnderstandingSettings(), description="what buyers' words are understood by"
    )
    log: Literal["debug", "info", "warning"] = "info"
    body_limit: int = Field(1024 * 1024, ge=1024, description="bytes; a longer delivery is answered 413")
    door: DoorSettings = DoorSettings()
    retention: Retention | None = Field(
        None, description="without it everything stays in the database for good"
    )
    forget: Forget = Field(Forget(), description="how long words are kept")
    erasures: Annotated[Path, AfterValidator(_place)] = Field(
        Path("erasures.jsonl"),
        validate_default=True,
        description="receipts of erased buyers, outside the database: a restored one is cleaned by them",
    )
    shops: dict[Name, ShopSettings] = Field(min_length=1)

    @property
    def host(self) -> str:
        return host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        return host_and_port(self.listen)[1]


def host_and_port(address: str) -> tuple[str, int]:
    """The two halves of `listen` or `metrics_listen`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of config.yaml."""
    return settings_schema.publish(Config, PLATFORMS)


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read everything, or raise ConfigError with every mistake in it.

    A .env file beside the settings adds to `environ` and does not override it.
    """
    from_file, faults = read_env(path.parent / ".env")
    environ = {**from_file, **environ}
    text = ""
    try:
        text = path.read_text("utf-8-sig")
        document = yaml_with_lines.read(text)
    except FileNotFoundError:
        document = yaml_with_lines.Document(None, {}, (Fault((), "no_file"),))
    except (OSError, UnicodeDecodeError):
        document = yaml_with_lines.Document(None, {}, (Fault((), "not_text"),))
    config, found = _check(document, path.absolute().parent, environ)
    faults += found
    if config is None or faults:
        raise config_error(path, faults, document.lines, _language_of(text, environ))
    return config


def _language_of(text: str, environ: Mapping[str, str]) -> str:
    """XIAOER_LANG, else the first shop's language, even of unreadable settings, else the system's."""
    locale = _LOCALE.search(text)
    if locale and locale[1] in LOCALES and not environ.get("XIAOER_LANG"):
        return locale[1]
    return system_language(environ)


def _check(
    document: yaml_with_lines.Document, beside: Path, environ: Mapping[str, str]
) -> tuple[Config | None, list[Fault]]:
    if not isinstance(document.data, dict):
        return None, list(document.faults) or [Fault((), "not_settings", line=1)]
    faults = [*document.faults, *_named_kinds(document.data)]
    reader = SettingsReader(schema(), environ)
    data = reader.read(document.data)
    if "templates" not in data and (beside / "templates").is_dir():
        data["templates"] = "templates"
    data.setdefault("understanding", {})  # whose places are beside the file as well
    faults += reader.faults
    faults += _tiers_that_are_not(data, reader)
    faults += _segments_that_are_not(data, reader)
    try:
        return Config.model_validate(data, context={"beside": beside}), faults
    except ValidationError as error:
        return None, faults + _news(error, data, reader, {fault.path for fault in faults})


def _news(error: ValidationError, data: Any, reader: SettingsReader, known: set[SettingPath]) -> list[Fault]:
    """Faults that pydantic found, one for each place that has none yet."""
    news: dict[SettingPath, Fault] = {}
    for detail in error.errors(include_url=False):
        fault = from_pydantic(detail, data, reader.mask, PLATFORMS)
        if fault.path not in known and fault.code not in REPORTED:
            news.setdefault(fault.path, fault)
    return list(news.values())


REPORTED = {  # found here, so that they are named where they stand and with all others
    *("unknown_tier", "segment_unknown", "segment_unknown_near", "segment_circle"),
    *("segment_tier", "segment_tier_near"),
}


def _channels(data: Any) -> Iterable[tuple[SettingPath, dict[str, Any]]]:
    for shop, settings in _groups(data, "shops"):
        channels = settings.get("channels")
        if isinstance(channels, dict):
            yield ("shops", shop, "channels"), channels


def _groups(data: Any, key: str) -> list[tuple[str, dict[str, Any]]]:
    """The groups under a key; whatever is not a group is left out."""
    group = data.get(key)
    if not isinstance(group, dict):
        return []
    return [(name, value) for name, value in group.items() if isinstance(value, dict)]


def _named_kinds(data: dict[str, Any]) -> Iterable[Fault]:
    """Fill in the kind of channels named after a platform; yields a fault where another kind is given."""
    for path, channels in _channels(data):
        for name in set(channels) & set(PLATFORMS):
            if channels[name] is None:
                channels[name] = {}
            if not isinstance(channels[name], dict):
                continue
            if channels[name].setdefault("kind", name) != name:
                channels[name]["kind"] = name
                yield Fault((*path, name, "kind"), "kind_differs", {"name": name})


def _tiers_that_are_not(data: Any, reader: SettingsReader) -> Iterable[Fault]:
    """Find unknown tiers here as well, so that they are reported together with other mistakes."""
    for shop, settings in _groups(data, "shops"):
        vip = settings.get("vip")
        tiers = vip.get("tiers") if isinstance(vip, dict) else None
        known = (
            [tier.get("name") for tier in tiers if isinstance(tier, dict)] if isinstance(tiers, list) else []
        )
        for kind in ("promotions", "campaigns"):
            for name, offer in _groups(settings, kind):
                if "tier" in offer and offer["tier"] not in known:
                    path = ("shops", shop, kind, name, "tier")
                    tier = reader.mask(path, repr(offer["tier"]))
                    yield Fault(path, "unknown_tier", {"tier": tier})


def _segments_that_are_not(data: Any, reader: SettingsReader) -> Iterable[Fault]:
    """Find segments that name others or tiers which there are not, for the same reason."""
    for shop, settings in _groups(data, "shops"):
        written = settings.get("segments")
        vip = settings.get("vip")
        tiers = vip.get("tiers") if isinstance(vip, dict) else None
        names = [str(tier.get("name")) for tier in tiers or () if isinstance(tier, dict)]
        conditions = {
            name: tuple(condition) if isinstance(condition, list) else condition
            for name, condition in (written.items() if isinstance(written, dict) else ())
            if isinstance(condition, str)
            or (isinstance(condition, list) and all(isinstance(line, str) for line in condition))
        }
        for name, fault in read_segments(conditions, "CNY", names)[1]:
            if fault.code in REPORTED:
                path = ("shops", shop, "segments", name)
                values = {key: reader.mask(path, str(value)) for key, value in fault.values.items()}
                yield Fault(path, fault.code, values)
        for name, offer in _groups(settings, "campaigns"):
            if "segment" in offer and offer["segment"] not in conditions:
                at = ("shops", shop, "campaigns", name, "segment")
                yield Fault(at, "segment_unknown", {"given": reader.mask(at, repr(offer["segment"]))})
