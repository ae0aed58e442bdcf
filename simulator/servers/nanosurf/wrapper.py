"""What the official package asks for: the tree as a Python file in its own folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from spm_auto.wire.nanosurf import Value

from .nodes import Folder, Node, Property, ScriptFailure

_PREFIX, _SUFFIX = "cmd_tree_", ".py"
_TYPES = {float: "float", int: "int", str: "str", bool: "bool"}


def write_wrapper(tree: Folder, root: str, path: str, folder: Path | None) -> Value:
    """Write the tree as classes of the official package.

    Args:
        tree: What to write.
        root: Name of its root in scripts.
        path: The file that the client wants.
        folder: The only folder where that is allowed.

    Raises:
        ScriptFailure: It is another folder, or no such file.
    """
    wanted = Path(path).resolve()
    name = wanted.name
    is_theirs = name.startswith(_PREFIX) and name.endswith(_SUFFIX)
    if folder is None or wanted.parent != folder.resolve() or not is_theirs:
        raise ScriptFailure(
            f"'{path}' is not written: the emulator writes {_PREFIX}*{_SUFFIX} only, and only in "
            f"its wrapper_folder ({folder or 'none is set'})"
        )
    lines = [
        '"""The tree of an emulated Studio."""',
        "",
        "import enum",
        "from typing import Any",
        "",
        "import nanosurf.studio.wrapper as wrap",
        "",
        "g_compiler_version = '0.1'",
        "",
        *_classes(tree, root, "Root"),
    ]
    half = wanted.with_suffix(".part")
    half.write_text("\n".join(lines) + "\n", encoding="utf-8")
    half.replace(wanted)
    return True


def _classes(folder: Mapping[str, Node], place: str, name: str) -> Iterator[str]:
    """Yield the classes of what lies in a folder, then the folder's own."""
    inside = {key: node for key, node in folder.items() if isinstance(node, Mapping)}
    for key, below in inside.items():
        yield from _classes(below, f"{place}.{key}", f"{name}_{key}")
    yield f"class {name}(wrap.CmdTreeNode):"
    yield "    def __init__(self, context):"
    yield "        super().__init__()"
    yield "        self._context = context"
    yield f"        self._lua_tree_name = '{place}'"
    for key in inside:
        yield f"        self.{key} = {name}_{key}(context)"
    yield ""
    for key, node in folder.items():
        if isinstance(node, Property):
            yield from _property(key, node, f"{place}.{key}")
        elif not isinstance(node, Mapping):
            yield f"    def {key}(self, *args, **kwargs):"
            yield f"        return self._context.call('{place}.{key}', *args, **kwargs)"
            yield ""
    yield ""


def _property(key: str, node: Property, place: str) -> Iterator[str]:
    kind = _TYPES.get(type(node.get()), "str")
    raw = "_raw" if node.options else ""
    if node.options:
        kind = f"self.{key}_enum"
        yield f"    class {key}_enum(enum.Enum):"
        for option, number in node.options.items():
            yield f"        {option} = {number}"
        yield ""
    yield "    @property"
    yield f"    def {key}(self):"
    yield f"        return {kind}(self._context.call('{place}.value{raw}_get'))"
    yield ""
    if node.set is not None:
        given = "new.value" if node.options else f"{kind}(new)"
        yield f"    @{key}.setter"
        yield f"    def {key}(self, new):"
        yield f"        self._context.call('{place}.value{raw}_set', {given})"
        yield ""
    for field in ("unit", "min", "max", "units"):
        if f"{field}_get" in node.functions():
            yield "    @property"
            yield f"    def {key}_{field}(self) -> Any:"
            yield f"        return self._context.call('{place}.{field}_get')"
            yield ""
