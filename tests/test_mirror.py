"""The tests lie as the program does: a module's rules are stated in the test file of its name."""

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = (
    *("bot/domain", "bot/react", "bot/deliver", "bot/receive", "bot/operations", "bot/understanding"),
    *("storage", "handlers"),
)
SMALL = 30  # lines of code, without docstrings and comments, up to which a module needs no file of its own

# Modules whose rules are stated elsewhere, and where.
ELSEWHERE = {
    # declarations, without a line that could be wrong
    "bot/domain/actions.py": "tests/react/test_decisions.py applies each of them",
    "bot/domain/reasons.py": "tests/seller/test_words.py says each of them",
    "storage/foreseen.py": "tests/test_forecast.py compares it with what then happens",
    "storage/tables.py": "tests/storage/test_schema.py compares them with the migrations",
    "bot/domain/meanings.py": "tests/understanding/test_understand.py returns each of them",
    "handlers/which_meaning.py": "tests/handlers/test_talk.py asks, and takes each answer",
    "handlers/claimed_orders.py": "tests/handlers/test_claims.py claims for each of them",
    "handlers/haggling_words.py": "tests/handlers/test_heard_offer.py reads by each of them",
    "handlers/about_items.py": "tests/test_product_talks.py talks with each of them",
    "bot/deliver/outdated_answers.py": "tests/test_product_talks.py changes what was to be answered",
    "handlers/item_news.py": "tests/test_product_talks.py changes what was told",
    "handlers/quote_values.py": "tests/handlers/test_haggling.py and test_quotes.py read them",
    "storage/erasing.py": "tests/operations/test_erasure.py takes each step of it",
    "storage/erasures.py": "tests/operations/test_erasure.py and tests/react/test_forgetting.py read them",
    "storage/promise_records.py": "tests/seller/test_promised.py and tests/test_service_promise_journeys.py",
    "storage/forgetting.py": "tests/operations/test_forgetting.py takes each kind",
    "storage/buyer_export.py": "tests/operations/test_buyer_export.py reads each table",
    "bot/understanding/slot_patterns.py": "tests/understanding/test_slots.py reads by each of them",
}


def lines_of_code(source: str) -> int:
    documented = set[int]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if ast.get_docstring(node) is not None and isinstance(first, ast.Expr):
                documented.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    empty = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    tokens = [
        token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in empty
    ]
    return len({line for token in tokens for line in range(token.start[0], token.end[0] + 1)} - documented)


def mirror_of(module: str) -> str:
    path = Path(module)
    folders = path.parent.parts[1:] if path.parts[0] == "bot" else path.parent.parts
    return Path("tests", *folders, f"test_{path.stem}.py").as_posix()


def modules() -> list[str]:
    """Every module of these rooms that is not small."""
    found = [
        file
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in file.parts
    ]
    return [
        file.relative_to(ROOT).as_posix() for file in found if lines_of_code(file.read_text("utf-8")) > SMALL
    ]


def test_each_module_has_a_test_file_of_its_name_or_is_tried_elsewhere() -> None:
    large = modules()
    assert {module.rsplit("/", 1)[0] for module in large} >= set(ROOMS)
    missing = {module: mirror_of(module) for module in large if not (ROOT / mirror_of(module)).exists()}
    assert set(missing) - set(ELSEWHERE) == set()


def test_who_has_a_test_file_by_now_is_not_named_as_tried_elsewhere() -> None:
    large = modules()
    assert ELSEWHERE
    assert [
        module for module in ELSEWHERE if (ROOT / mirror_of(module)).exists() or module not in large
    ] == []


def test_where_a_module_is_tried_instead_there_are_tests() -> None:
    for where in ELSEWHERE.values():
        named = [word.strip(",") for word in where.split() if word.strip(",").endswith(".py")]
        folder = Path()
        for name in named:
            folder = Path(name).parent if "/" in name else folder
            assert (ROOT / folder / Path(name).name).is_file(), name


def test_lines_of_code_are_counted_without_what_explains_them() -> None:
    explained = (
        '"""One."""\n\n# two\n\n\ndef three() -> None:\n    """Four.\n\n    Five.\n    """\n    return\n'
    )
    assert lines_of_code(explained) == 2
    assert lines_of_code('x = """a\nb"""\n') == 2
