"""Carrying out scripts on the tree: looking up, calling, assigning, returning. Nothing else."""

from collections.abc import Callable, Iterator, Mapping

from spm_auto.errors import SpmError
from spm_auto.wire.nanosurf import (
    Assign,
    Call,
    Expression,
    Function,
    LuaError,
    Path,
    Return,
    Statement,
    Table,
    Value,
    error_reply,
    read_script,
    write_reply,
)

from .nodes import Folder, Node, Property, ScriptFailure, child, written

Interfere = Callable[[str], None]  # what a fault does before a command is carried out


def commands(script: tuple[Statement, ...]) -> Iterator[str]:
    """Return the places in the tree that a script uses, without ``root``."""
    for statement in script:
        match statement:
            case Return(values=values):
                for value in values:
                    yield from _places(value)
            case Assign(path=path):
                yield _said(path)
            case Call():
                yield from _places(statement)


def reply_to(text: str, root: Folder, interfere: Interfere) -> str:
    """Carry out a script and return the reply to it.

    Args:
        text: The script.
        root: The tree.
        interfere: Called with each place that is called or set, before it is.
    """
    try:
        return write_reply(_run(read_script(text), root, interfere))
    except (LuaError, ScriptFailure, SpmError, ValueError) as error:
        return error_reply(f"{error}")
    except TypeError as error:  # the wrong number of arguments
        return error_reply(f"bad arguments: {error}")


def _run(script: tuple[Statement, ...], root: Folder, interfere: Interfere) -> tuple[Value, ...]:
    for statement in script:
        match statement:
            case Return(values=values):
                return tuple(_value(value, root, interfere) for value in values)
            case Assign(path=path, value=value):
                _assign(path, _value(value, root, interfere), root, interfere)
            case Call():
                _value(statement, root, interfere)
    return ()


def _value(expression: Expression, root: Folder, interfere: Interfere) -> Value:
    match expression:
        case Call(path=path, arguments=arguments):
            given = [_value(argument, root, interfere) for argument in arguments]
            return _call(path, given, root, interfere)
        case Path():
            found = _found(expression, root)
            return written(found) if _is_node(found) else found  # type: ignore[arg-type,return-value]
        case Table(items=items, named=named):
            values = [_value(item, root, interfere) for item in items]
            if not named:
                return values
            table: dict[str | int, Value] = dict(enumerate(values, start=1))
            return table | {key: _value(value, root, interfere) for key, value in named}
        case _:
            return expression


def _call(path: Path, given: list[Value], root: Folder, interfere: Interfere) -> Value:
    found = _found(path, root)
    if found is None:
        raise ScriptFailure(f"attempt to call a nil value (field '{path.parts[-1]}')")
    if not callable(found) or isinstance(found, Property | Function):
        raise ScriptFailure(f"attempt to call a table value (field '{path.parts[-1]}')")
    interfere(_said(path))
    result: Value = found(*given)
    return result


def _assign(path: Path, value: Value, root: Folder, interfere: Interfere) -> None:
    *above, name = path.parts
    owner = _found(Path(tuple(above)), root)
    if not isinstance(owner, Property) or name not in ("value", "value_raw", "unit"):
        raise ScriptFailure(f"'{path}' cannot be assigned")
    setter = owner.functions().get(f"{name}_set")
    if setter is None:
        raise ScriptFailure("property is read only")
    interfere(_said(path))
    setter(value)


def _found(path: Path, root: Folder) -> "Node | Value":
    found: Node | Value = root
    for part in path.parts[1:]:
        if found is None:
            raise ScriptFailure(f"attempt to index a nil value (field '{part}')")
        if isinstance(found, list | tuple) and isinstance(part, int):
            found = found[part - 1] if 1 <= part <= len(found) else None
        elif isinstance(found, Mapping | Property):
            found = child(found, str(part))  # type: ignore[arg-type]
        else:
            raise ScriptFailure(f"attempt to index a {type(found).__name__} value")
    return found


def _is_node(found: object) -> bool:
    return isinstance(found, Mapping | Property) or callable(found)


def _places(expression: Expression) -> Iterator[str]:
    match expression:
        case Call(path=path, arguments=arguments):
            yield _said(path)
            for argument in arguments:
                yield from _places(argument)
        case Path():
            yield _said(expression)
        case Table(items=items, named=named):
            for item in (*items, *(value for _, value in named)):
                yield from _places(item)


def _said(path: Path) -> str:
    return str(path).removeprefix("root.")
