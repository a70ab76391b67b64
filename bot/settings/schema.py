"""The settings as a JSON Schema, for editors and to know which keys are allowed where."""

from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from bot.domain.shop import write_duration

Schema = dict[str, Any]

FROM_ENVIRONMENT = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"


class _AsWritten(GenerateJsonSchema):
    """Defaults in the form a seller writes them: 20m, not PT20M."""

    def encode_default(self, dft: Any) -> Any:
        match dft:
            case timedelta():
                return write_duration(dft)
            case time():
                return f"{dft:%H:%M}"
            case tuple():
                return [self.encode_default(entry) for entry in dft]
            case BaseModel():
                return dft.model_dump(mode="json")
            case _:
                return super().encode_default(dft)


def publish(config: type[BaseModel], platforms: Mapping[str, type[BaseModel]]) -> Schema:
    """The schema for editors: secrets are ${NAME} references, and a channel may leave out its kind."""
    schema = _tidy(config.model_json_schema(schema_generator=_AsWritten))
    channels = schema["$defs"]["ShopSettings"]["properties"]["channels"]
    channels["properties"] = {
        name: {"$ref": f"#/$defs/{settings.__name__}"} for name, settings in platforms.items()
    }
    any_other = channels["additionalProperties"]
    any_other["required"] = ["kind"]
    any_other.pop("discriminator", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _tidy(node: Any) -> Any:
    if isinstance(node, list):
        return [_tidy(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    for pattern, value in tidy.pop("patternProperties", {}).items():
        tidy |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
    if tidy.get("writeOnly"):
        return {"type": "string", "writeOnly": True, "pattern": FROM_ENVIRONMENT} | _described(tidy)
    return tidy


def _described(node: Schema) -> Schema:
    return {key: node[key] for key in ("description", "default") if key in node}


def choices(schema: Schema, root: Schema, given: Any = None) -> Iterator[Schema]:
    """The alternatives allowed here, without references and unions; `given` has the kind of a channel."""
    if "$ref" in schema:
        yield from choices(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root, given)
        return
    union = schema.get("anyOf") or schema.get("oneOf")
    if union is None:
        yield schema
        return
    found = [choice for branch in union for choice in choices(branch, root, given)]
    kind = given.get("kind") if isinstance(given, dict) else None
    fitting = [choice for choice in found if kind and _kind(choice) == kind]
    yield from fitting or found


def below(options: list[Schema], key: str | int, root: Schema, given: Any = None) -> list[Schema]:
    """The alternatives allowed under a key, or at a place of a list; empty for an unknown key."""
    return [
        choice
        for option in options
        for schema in _child(option, key)
        for choice in choices(schema, root, given)
    ]


def keys(options: list[Schema]) -> list[str]:
    return [key for option in options for key in option.get("properties", ())]


def _child(option: Schema, key: str | int) -> Iterator[Schema]:
    if isinstance(key, int):
        prefix = option.get("prefixItems", ())
        if key < len(prefix):
            yield prefix[key]
        elif isinstance(option.get("items"), dict):
            yield option["items"]
    elif key in option.get("properties", ()):
        yield option["properties"][key]
    elif isinstance(option.get("additionalProperties"), dict):
        yield option["additionalProperties"]


def _kind(option: Schema) -> Any:
    return option.get("properties", {}).get("kind", {}).get("const")
