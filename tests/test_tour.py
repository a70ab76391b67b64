"""The tour walks through the code as it is: every file and every name on it exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOUR = (ROOT / "docs" / "tour.md").read_text("utf-8")
PACKAGES = {"bot", "handlers", "storage", "templates"}
QUESTIONS = ("Who is this buyer?", "Which address?", "Is it still true?", "What is due?")

STEP = re.compile(r"^\d+\. (.*?)(?=^\d+\. |^#|^\S|\Z)", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`]+)`")
QUESTION = re.compile(r"^- \*\*(.+?)\*\* (.*?)(?=^- |\Z)", re.MULTILINE | re.DOTALL)


def stops(text: str) -> list[tuple[str, list[str]]]:
    """Every file that a step names, each with the names that follow it up to the next file."""
    found: list[tuple[str, list[str]]] = []
    for quoted in QUOTED.findall(text):
        if "/" in quoted:
            found.append((quoted, []))
        elif found:
            found[-1][1].append(quoted)
    return found


def defined(body: list[ast.stmt]) -> set[str]:
    """What a module or a class defines, what a class defines as Class.name."""
    names: set[str] = set()
    for node in body:
        match node:
            case ast.ClassDef():
                names |= {node.name, *(f"{node.name}.{inner}" for inner in defined(node.body))}
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names.add(node.name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def names_in(file: str) -> set[str]:
    return defined(ast.parse((ROOT / file).read_text("utf-8")).body)


def test_the_tour_has_twelve_to_twenty_steps_and_each_names_a_file_and_what_to_read_there() -> None:
    steps = [stops(step) for step in STEP.findall(TOUR)]

    assert 12 <= len(steps) <= 20
    assert [stop for stop in steps if not stop or not any(names for _, names in stop)] == []


def test_every_step_stays_within_the_four_packages() -> None:
    files = [file for step in STEP.findall(TOUR) for file, _ in stops(step)]

    assert {file.split("/")[0] for file in files} <= PACKAGES
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_name_on_the_tour_is_defined_in_its_file() -> None:
    named = [(file, name) for step in STEP.findall(TOUR) for file, names in stops(step) for name in names]

    assert len(named) > 20
    assert [(file, name) for file, name in named if name not in names_in(file)] == []


def test_each_of_the_four_questions_is_answered_by_one_module() -> None:
    answers = dict(QUESTION.findall(TOUR))
    modules = [[quoted for quoted in QUOTED.findall(answer) if "/" in quoted] for answer in answers.values()]

    assert tuple(answers) == QUESTIONS
    assert [len(of_one) for of_one in modules] == [1, 1, 1, 1]
    assert [module for (module,) in modules if not (ROOT / module).is_file()] == []
