"""How messages are understood: `python -m tests.understanding.judge [file.yaml] [--all] [--vectors]`."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from bot.domain.meanings import TO_A_PERSON, Understanding
from bot.understanding.examples import starters
from bot.understanding.outcomes import Thresholds, thresholds_for
from bot.understanding.training import train
from bot.understanding.understand import understand
from bot.understanding.vectors import encoder

Verdict = Literal["settled", "half", "asked", "handed over", "missed", "wrong"]
VERDICTS: dict[Verdict, str] = {
    "settled": "answered, and as meant",
    "half": "one of two things answered",
    "asked": "asked back, with the right meaning offered",
    "handed over": "a person's matter, and handed to a person",
    "missed": "handed to a person, though an answer was wanted",
    "wrong": "answered or asked, and not as meant",
}
ALIKE = ({"complaint", "damaged_item"},)  # both are told sorry, and both reach a person


class Message(msgspec.Struct, frozen=True):
    """`meant`: one set of meanings for each thing that is said, any of which is right."""

    language: str
    text: str
    meant: tuple[frozenset[str], ...]


def messages(name: str = "messages.yaml") -> Iterator[Message]:
    """Read the messages with what they mean."""
    written = yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
    for language, by_meaning in written.items():
        for meaning, texts in by_meaning.items():
            meant = tuple(_alike(frozenset(each.split("|"))) for each in meaning.split("+"))
            yield from (Message(language, text, meant) for text in texts)


def verdict_on(message: Message, found: Understanding) -> Verdict:
    """Judge as an assistant in the shop would."""
    intents = [each.intent for each in found.meanings]
    if message.meant[0] & TO_A_PERSON and found.outcome == "hand_over":
        return "handed over"
    right = [bool(each & set(intents)) for each in message.meant]
    if found.outcome == "hand_over":
        sure = bool(intents) and intents[0] in TO_A_PERSON and bool(message.meant[0] & {intents[0]})
        return "handed over" if sure else "missed"
    if message.meant[0] == {"other"} or not any(right):
        return "wrong"
    if found.outcome == "ask":
        return "asked"
    if set(intents) - frozenset[str]().union(*message.meant) and not all(right):
        return "wrong"
    return "settled" if all(right) else "half"


def _alike(meant: frozenset[str]) -> frozenset[str]:
    return meant.union(*(group for group in ALIKE if group & meant))


def main() -> None:
    """Print a table by language, and what went wrong."""
    model = train(starters(), encoder() if "--vectors" in sys.argv else None)
    limits = thresholds_for(model)
    for option in sys.argv[1:]:
        if option.replace(".", "").isdigit():
            limits = Thresholds(float(option), min(float(option), 0.6))
    table: dict[str, Counter[Verdict]] = {}
    shown = sys.argv[1:].count("--all")
    for message in messages(next((each for each in sys.argv if each.endswith(".yaml")), "messages.yaml")):
        found = understand(model, message.text, message.language, thresholds=limits)
        verdict = verdict_on(message, found)
        table.setdefault(message.language, Counter())[verdict] += 1
        if shown or verdict in ("wrong", "half"):
            likely = ", ".join(f"{each.intent} {each.probability:.2f}" for each in found.meanings)
            wanted = "+".join("|".join(sorted(each)) for each in message.meant)
            print(f"{verdict:12} {message.text}  [{wanted}] {found.outcome}: {likely}")
    print(f"\nthresholds: answer {limits.answer:.2f}, ask {limits.ask:.2f}")
    print(f"{'':10}" + "".join(f"{verdict:>13}" for verdict in VERDICTS))
    total = sum(table.values(), Counter[Verdict]())
    for language, counts in [*table.items(), ("all", total)]:
        print(f"{language:10}" + "".join(f"{counts[verdict]:13}" for verdict in VERDICTS))


if __name__ == "__main__":
    main()
