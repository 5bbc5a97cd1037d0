import inspect

import graphkit


def test_public_names_resolve_are_sorted_and_documented():
    names = graphkit.__all__
    assert len(set(names)) == len(names) > 0
    assert names == sorted(names)
    assert set(names) <= set(dir(graphkit))
    undocumented = [name for name in names if not _is_documented(getattr(graphkit, name))]
    assert not undocumented


def test_no_public_name_is_a_modules(root):
    """Importing a module would put it in the name's place."""
    assert not set(graphkit.__all__) & {path.stem for path in (root / "graphkit").iterdir()}


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(graphkit, "no_such_name")


def _is_documented(value):
    """Whether a function or class has a docstring of its own; other values cannot have one."""
    return not (inspect.isclass(value) or callable(value)) or bool(inspect.getdoc(value))
