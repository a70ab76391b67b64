"""Runs schemathesis against the API, with the token of one shop."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def of_one_shop(described: dict[str, Any]) -> dict[str, Any]:
    """The description with the shop written into its addresses: of others the token opens nothing."""
    for operations in described["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "shop"]
            for link in operation["responses"]["200"].get("links", {}).values():
                del link["parameters"]["shop"]
    paths = {path.replace("{shop}", "shop"): each for path, each in described["paths"].items()}
    return {**described, "paths": paths}


async def complaints(
    described: dict[str, Any], url: str, token: str, folder: Path, *options: str, **known: Any
) -> str:
    """Run the fuzzer; returns its output if it found anything, else "". known: values of path parameters."""
    (folder / "openapi.json").write_text(json.dumps(described))
    lines = [f'"path.{name}" = {json.dumps(value)}' for name, value in known.items()]
    (folder / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines]))
    process = await asyncio.create_subprocess_exec(
        *(str(SCHEMATHESIS), "--config-file", "schemathesis.toml", "run", "openapi.json"),
        *("--url", url, "--checks", "all", "--generation-deterministic"),
        *("--suppress-health-check", "too_slow", "--request-timeout", "60"),  # the machine may be busy
        *("--header", f"Authorization: Bearer {token}", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    output, _ = await process.communicate()
    return "" if process.returncode == 0 else output.decode(errors="replace")
