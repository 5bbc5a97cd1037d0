"""Rules that the whole project keeps: what its files say, and that they say the same."""

import json
import re
import runpy
import subprocess
import tomllib

import pytest
import yaml

from graphkit.config import load_config

_CONDA_NAMES = {"duckdb": "python-duckdb", "igraph": "python-igraph"}
_FOR_INSTALLING = {"pip", "hatchling>=1.27"}


@pytest.fixture(scope="module")
def tracked(root):
    """Text of each tracked file, by its path in the project."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs a git checkout")
    paths = [root / name for name in listed.stdout.split("\0") if name]
    texts = {}
    for path in paths:
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            texts[str(path.relative_to(root))] = data.decode(errors="replace")
    return texts


@pytest.fixture(scope="module")
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["tables", "config"])
def test_documents_made_from_code_are_current(root, name):
    made = runpy.run_path(str(root / "docs" / "make.py"))[f"render_{name}"]()
    assert (root / "docs" / f"{name}.md").read_text(encoding="utf-8") == made, "run `make docs`"


def test_settings_shown_in_the_document_are_valid(root, tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", (root / "docs" / "config.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "graphkit.toml").write_text(example, encoding="utf-8")
    assert list(load_config(tmp_path / "graphkit.toml").kinds) == ["ip", "payment_instrument", "device"]


def test_conda_and_pip_install_the_same(root, pyproject):
    project = pyproject["project"]
    wanted = {f"python{project['requires-python']}", *_FOR_INSTALLING}
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["notebook"]]:
        name, bound = re.fullmatch(r"([a-z0-9-]+)(.*)", requirement).groups()
        wanted.add(_CONDA_NAMES.get(name, name) + bound)
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    *packages, pip = environment["dependencies"]
    assert environment["channels"] == ["conda-forge"]
    assert pip == {"pip": ["-e ."]}
    assert len(packages) == len(set(packages))
    assert set(packages) == wanted


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("requirements.lock", ["dependencies"]),
        ("requirements-dev.lock", ["dependencies", "images", "notebook", "s3", "spark", "dev"]),
    ],
)
def test_locks_hold_every_dependency_with_hashes(root, pyproject, lock, groups):
    project = pyproject["project"]
    declared = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    names = {re.match(r"[a-z0-9-]+", requirement)[0] for group in groups for requirement in declared[group]}
    entries = re.split(r"\n(?=[a-z])", (root / lock).read_text(encoding="utf-8"))
    locked = {entry.split("==")[0] for entry in entries}
    assert names - locked <= {"graphkit"}
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_build_is_locked_too(root, pyproject):
    lock = (root / "requirements-build.lock").read_text(encoding="utf-8")
    assert pyproject["build-system"]["requires"] == ["hatchling>=1.27"]
    assert set(pyproject["build-system"]["requires"]) <= set(pyproject["dependency-groups"]["build"])
    assert re.search(r"^hatchling==", lock, re.MULTILINE)


def test_no_file_names_an_index_or_a_place_on_a_machine(tracked):
    machine = r"(?<![\w./~-])/(?:work|root|home|farm|Users|opt|mnt)/\w"
    index = r"--(?:extra-)?index" + r"-url [^\n]|(?:pypi|pythonhosted)\.org|/simple\b"
    told = {
        f"{name}: {found[0]!r}"
        for name, text in tracked.items()
        for found in re.finditer(f"{machine}|{index}", text)
        if name != "tests/test_project.py"
    }
    assert not told


def test_notebooks_are_kept_without_outputs(tracked):
    for name, text in tracked.items():
        if name.endswith(".ipynb"):
            code = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
            assert code, f"{name} has no code"
            assert not any(cell["outputs"] or cell["execution_count"] for cell in code), name
