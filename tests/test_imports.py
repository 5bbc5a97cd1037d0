"""What may import what, and what an import loads."""

import ast
import subprocess
import sys

_GROUND_FLOOR = {"apart", "errors", "config", "tables", "engine", "privacy", "snapshot", "tablefile", "wording"}
_GROUND_FLOOR |= {"frames", "naming", "sparkengine", "stages"}
_ORDER = [
    "ingest",
    "link",
    "detect",
    "store",
    "show",
    "export",
    "lab",
    "manifest",
    "analysis",
    "refresh",
    "demo",
    "cli",
    "__main__",
]
_HELP = """
import sys, graphkit.cli
sys.argv[0] = "graphkit"
assert graphkit.cli.run_to_end(graphkit.cli.app) == 0
"""
_HEAVY = ["pandas", "duckdb", "igraph", "plotly", "sklearn", "pyarrow", "scipy", "leidenalg"]


def _imports(path):
    """Parts of graphkit that a file imports, at its top or inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            whole = node.module == "graphkit"
            names = [alias.name for alias in node.names if alias.name != "__version__"]
            modules = [f"graphkit.{name}" for name in names] if whole else [node.module]
        yield from (module.split(".")[1] for module in modules if module.startswith("graphkit."))


def _level(part):
    """Rank of a part; what is no part of the order ranks last, so that nothing may import it."""
    return 0 if part in _GROUND_FLOOR else _ORDER.index(part) + 1 if part in _ORDER else len(_ORDER) + 1


def test_imports_point_one_way(root):
    package = root / "graphkit"
    names = [path.relative_to(package) for path in sorted(package.rglob("*.py"))]
    assert len(names) > 20
    against = []
    for name in names:
        part = name.parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        assert part in _GROUND_FLOOR or part in _ORDER, f"{name} has no place in the order"
        if part not in _GROUND_FLOOR:
            used = set(_imports(package / name)) - {part}
            against += [f"{name} imports {other}" for other in sorted(used) if _level(other) >= _level(part)]
    assert not against


def test_the_ground_floor_has_no_circles(root):
    names = sorted(_GROUND_FLOOR)
    uses = {name: set(_imports(root / "graphkit" / f"{name}.py")) - {name} for name in names}
    assert set().union(*uses.values()) <= _GROUND_FLOOR
    while free := [name for name in uses if not uses[name] & uses.keys()]:
        for name in free:
            del uses[name]
    assert not uses


def _loaded_by(code, *arguments):
    script = f"{code}\nimport sys; print([name for name in {_HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return ast.literal_eval(run.stdout.splitlines()[-1])


def test_importing_graphkit_loads_nothing_heavy():
    assert _loaded_by("import graphkit; dir(graphkit)") == []
    assert "pandas" in _loaded_by("import pandas"), "the check itself sees what is loaded"


def test_the_command_line_s_help_loads_nothing_heavy():
    assert _loaded_by(_HELP, "--help") == []
