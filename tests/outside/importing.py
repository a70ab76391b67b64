"""Imports a file of orders into a running simulation, as `xiaoer import orders` does."""

from pathlib import Path

from bot.csv_import.faults import BadLine
from bot.csv_import.importing import CHANNEL, KINDS, Staging, examine
from bot.csv_import.importing import take_in as store
from bot.csv_import.rows import ImportContext
from bot.simulation import Simulation
from tests.outside.shop import NAME


def take_in(simulation: Simulation, path: Path, text: str) -> None:
    """Raises RuntimeError if a line is not understood."""
    path.write_text(text)
    parts = simulation.program.parts
    shop = parts.config.shops[NAME]
    context = ImportContext(
        channel=CHANNEL,
        currency=shop.currency,
        region=shop.region,
        zone=shop.zone(),
        now=simulation.clock.now,
    )
    staging = Staging()
    try:
        examine(path, KINDS["orders"], NAME, context, staging, _refuse)
        parts.database.write_now(lambda connection: store(connection, NAME, context, staging))
    finally:
        staging.close()


def _refuse(fault: BadLine) -> None:
    raise RuntimeError(f"line {fault.line} of an import is refused: {fault}")
