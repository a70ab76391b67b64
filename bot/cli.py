"""The command line: joins all commands, and prints errors as plain sentences."""

import sys
from collections.abc import Sequence

import typer
from sqlalchemy.exc import DBAPIError

from bot.commands import (
    archiving,
    auditing,
    backup,
    checking,
    demo,
    events,
    holding,
    outbox,
    promises,
    reconciling,
    serving,
    setup,
    simulating,
    trail,
    trying,
    understand,
    unknown,
)
from bot.commands.buyers import buyers_app
from bot.commands.campaigns import campaigns_app
from bot.commands.cases import cases_app
from bot.commands.importing import import_app
from bot.commands.mixing import mixed_app
from bot.commands.options import WRONG_USE
from bot.commands.segments import segments_app
from bot.commands.tiers import tiers_app
from bot.commands.visible import visible
from bot.domain.errors import XiaoerError
from bot.operations.logs import only

app = typer.Typer(
    name="xiaoer",
    help="A customer-service bot for online sellers. Exit codes: 0 good, 1 found something, 2 wrong use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

# In the order of their first use.
app.command("demo")(demo.demo)
app.command("init")(setup.init)
app.command("serve")(serving.serve)
app.command("try")(trying.try_out)
app.command("check")(checking.check)
app.command("preview")(checking.preview)
app.command("understand")(understand.understand)
app.command("unknown")(unknown.unknown)
app.command("outbox")(outbox.outbox)
app.command("explain")(outbox.explain)
app.add_typer(cases_app, name="cases")
app.add_typer(segments_app, name="segments")
app.add_typer(tiers_app, name="tiers")
app.add_typer(campaigns_app, name="campaign")
app.command("promises")(promises.promises)
app.command("events")(events.events)
app.command("simulate")(simulating.simulate)
app.command("audit")(auditing.audit)
app.add_typer(buyers_app, name="buyers")
app.add_typer(mixed_app, name="mixed")
app.command("trail")(trail.trail)
app.add_typer(import_app, name="import")
app.command("reconcile")(reconciling.reconcile)
app.add_typer(reconciling.transfers_app, name="transfers")
app.command("backup")(backup.backup)
app.command("hold")(holding.hold)
app.command("release")(holding.release)
app.command("archive")(archiving.archive)
app.command("migrate")(setup.migrate)
app.command("schema")(setup.print_schema)
app.command("version")(setup.version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        with only("warning"):  # `serve` decides for itself
            app(args=arguments, prog_name="xiaoer")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else WRONG_USE
    except XiaoerError as error:
        sys.stderr.write(visible(f"{error}\n"))
        return WRONG_USE
    except DBAPIError as error:
        sys.stderr.write(visible(f"database: {error.orig}\n"))
        return WRONG_USE
    return 0


if __name__ == "__main__":
    sys.exit(main())
