"""Puts defects that the program once had back, one by one, and sees in how many runs the judge names each.

`make defects` prints a row for each; the exit code is 1 if one was
not named. The edits are made in a copy, so that nothing of this folder changes.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "bench", "mutants")
_PLAYER = "import sys; from tests.outside.defects import play; play(int(sys.argv[1]), int(sys.argv[2]))"


class Defect(msgspec.Struct, frozen=True):
    """file: where `sound` is replaced by `broken`, which occurs once there."""

    file: str
    sound: str
    broken: str


DEFECTS = {
    "the contact that was told first counts": Defect(
        "bot/domain/contacts.py", "_age(new) > _age(known)", "_age(new) < _age(known)"
    ),
    "a link opens for every chat": Defect(
        "bot/react/proofs.py",
        "return order if user in (None, (chat.channel, chat.address)) else None",
        "return order",
    ),
    "any four digits prove an order": Defect(
        "handlers/order_proof.py", "if fours == (last_four_of(order),)]", "]"
    ),
    "nobody is told who guesses": Defect("handlers/order_proof.py", "+ now >= ORDER_TRIES]", "+ now >= 99]"),
    "the arrival of a stop decides, not its time": Defect(
        "bot/react/unit_of_work.py",
        "return heard_at(at, min(self.arrived_at, self.now))",
        "return min(self.arrived_at, self.now)",
    ),
    "no case opens at the promised day": Defect(
        "handlers/late_shipping.py", "return [_deadline(order, at) for at in sorted(times)]", "return []"
    ),
    "nothing is owed once a part is paid": Defect(
        "bot/domain/orders.py",
        "rest = self.total - counted if self.total and counted else None",
        "rest = None",
    ),
    "money of any currency is like the order's": Defect(
        "bot/domain/balance.py",
        "if self.total is None or amount.currency == self.total.currency:",
        "if True:",
    ),
    "a parcel that was taken back is on its way": Defect(
        "bot/domain/parcel_names.py", "taken_back=_taken_back(whole)", "taken_back=False"
    ),
    "each parcel has a notice of its own": Defect(
        "bot/domain/parcel_news.py", "if not waiting or order.surely_all_shipped:", "if True:"
    ),
    "orders of the shop's own tests are spoken of": Defect(
        "handlers/validity.py", "said = shop.say_test_orders or not order.test", "said = True"
    ),
    "a number that is told later is kept silent": Defect(
        "handlers/leaving.py", "for name, begun in _later(", "for name, begun in ()[:0] and _later("
    ),
    "an order that is on again has no word": Defect(
        "handlers/refunds.py", "for at in order.restored_times if gone and gone <= at]", "for at in ()]"
    ),
    "tidying up is cancelling": Defect(
        "bot/domain/orders.py",
        "None if self.deleted_at is None or self.done else self.deleted_at",
        "self.deleted_at",
    ),
    "the payment is thanked for before the order is confirmed": Defect(
        "bot/domain/arbiter.py", "if due.order and now < limit and _is_ahead(", "if False and _is_ahead("
    ),
}


def main() -> int:
    """Exit code 0 if each defect was named."""
    wanted = _arguments()
    missed = 0
    for name in wanted.names or DEFECTS:
        row = found(name, wanted.seed, wanted.runs)
        missed += row is None
        print("|", name, "|", row or f"not in {wanted.runs} runs |", flush=True)
    return 1 if missed else 0


def found(name: str, seed: int, runs: int) -> str | None:
    """How many runs it took, and the rules that named the defect; None if none did."""
    with tempfile.TemporaryDirectory(prefix="xiaoer-defect-") as place:
        copy = Path(place) / "xiaoer"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        put_back(DEFECTS[name], copy)
        command = [sys.executable, "-c", _PLAYER, str(seed), str(runs)]
        played = subprocess.run(command, cwd=copy, stdout=subprocess.PIPE, text=True, check=True)
    return played.stdout.strip() or None


def put_back(defect: Defect, folder: Path) -> None:
    file = folder / defect.file
    text = file.read_text()
    if text.count(defect.sound) != 1:
        raise ValueError(
            f"{defect.sound!r} is not once in {defect.file}: say anew how this defect is put back"
        )
    file.write_text(text.replace(defect.sound, defect.broken))


def play(seed: int, runs: int) -> None:
    """In the copy: play runs until one shows something, and print the row about it."""
    from tests.outside.__main__ import one
    from tests.outside.judge import RULES

    for count, at in enumerate(range(seed, seed + runs), start=1):
        if rules := one(at, list(RULES)):
            print(count, "|", ", ".join(rule for rule, *_ in rules), "|")
            return


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.outside.defects", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *DEFECTS], help="these only")
    parser.add_argument("--runs", type=int, default=100, help="at most, for each")
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
