"""Tests and measurements use the program by its public names, so that its inside can be changed freely."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "handlers", "storage", "templates")
USERS = ("tests", "bench")
DOCUMENTED = {"_mapping"}  # public in SQLAlchemy for all its underscore


def trees(folders: tuple[str, ...]) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT), ast.parse(file.read_text("utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_attributes(tree: ast.Module) -> Iterator[str]:
    """Names of methods, of class attributes, and of what is assigned to an object's attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=body):
                methods = (each for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
                yield from (each.name for each in methods if is_private(each.name))
                fields = (each.target for each in body if isinstance(each, ast.AnnAssign))
                yield from (each.id for each in fields if isinstance(each, ast.Name) and is_private(each.id))
            case ast.Attribute(attr=name, ctx=ast.Store()) if is_private(name):
                yield name


def reached_for(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of each attribute of another object, and of each attribute that is patched by its name."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name) if is_private(name):
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr="setattr") | ast.Name(id="setattr" | "getattr"), args=args):
                named = (
                    str(each.value).rpartition(".")[2] for each in args if isinstance(each, ast.Constant)
                )
                yield from ((node.lineno, name) for name in named if is_private(name))


def private_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
            yield from ((node.lineno, alias.name) for alias in node.names if is_private(alias.name))


def test_no_test_or_measurement_reaches_for_a_private_name_of_ours() -> None:
    ours = {name for _, tree in trees(PACKAGES) for name in private_attributes(tree)}
    reached = []
    for file, tree in trees(USERS):
        own = set(private_attributes(tree))  # of a helper beside the test
        used = [(line, name) for line, name in reached_for(tree) if name in ours - own - DOCUMENTED]
        reached += [f"{file}:{line}: {name}" for line, name in [*used, *private_imports(tree)]]

    assert len(ours) > 100
    assert reached == []


def test_every_way_to_reach_for_a_private_name_is_found() -> None:
    tree = ast.parse(
        "from bot.app import _Builder\n"
        "program.parts._health\n"
        "monkeypatch.setattr(health, '_counting', 1)\n"
        "monkeypatch.setattr('bot.app.Health._leaving', True)\n"
        "self._own, program.parts\n"
    )

    assert sorted(reached_for(tree)) == [(2, "_health"), (3, "_counting"), (4, "_leaving")]
    assert list(private_imports(tree)) == [(1, "_Builder")]
