"""Whether proxy/_core.pyi says what the built module is: mypy's stubtest, and what it leaves out for native classes.

stubtest compares names in both directions and the signatures it can see. A native class hides its constructor's
signature behind `__text_signature__` and its attributes behind descriptors, so those are compared here.
"""

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

STUB = Path(__file__).parents[1] / "proxy" / "_core.pyi"
Parameters = list[tuple[str, str, str]]
"""Name, kind and default as Python text (empty: none; `...`: one that is not told), in order; without self."""


def problems(stub: str, module: ModuleType) -> list[str]:
    """Each way in which the stub and the module differ."""
    tree = ast.parse(stub)
    found: list[str] = []
    declared: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            declared.add(node.name)
            built = getattr(module, node.name, None)
            if not isinstance(built, type):
                found.append(f"{node.name}: in the stub, not a class in the module")
            else:
                found += _class_problems(node, built)
        elif isinstance(node, ast.FunctionDef):
            declared.add(node.name)
            function = getattr(module, node.name, None)
            if not callable(function):
                found.append(f"{node.name}: in the stub, not a function in the module")
            else:
                found += _signature_problems(node.name, _declared(node, method=False), function, method=False)
    public = {name for name in vars(module) if not name.startswith("_")}
    found += [f"{name}: in the module, not in the stub" for name in sorted(public - declared)]
    return found


def _class_problems(node: ast.ClassDef, built: type) -> Iterator[str]:
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    attributes = {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    members = vars(built)
    for name, method in methods.items():
        where = f"{node.name}.{name}"
        if name == "__init__":
            # PyO3 puts the constructor's signature on the class itself.
            yield from _signature_problems(where, _declared(method, method=True), built, method=False)
        elif name not in members:
            yield f"{where}: in the stub, not in the module"
        else:
            yield from _signature_problems(where, _declared(method, method=True), members[name], method=True)
    if "__init__" not in methods and "__new__" in members:
        yield f"{node.name}: the module lets it be made, the stub does not say how"
    for name in sorted(attributes):
        if not inspect.isdatadescriptor(members.get(name)):
            yield f"{node.name}.{name}: in the stub, not an attribute in the module"
    for name in sorted(set(members) - attributes - set(methods)):
        if not name.startswith("_"):
            yield f"{node.name}.{name}: in the module, not in the stub"


def _signature_problems(where: str, declared: Parameters, built: object, *, method: bool) -> Iterator[str]:
    if not callable(built):
        yield f"{where}: a function in the stub, not in the module"
        return
    try:
        found = _built(inspect.signature(built), method=method)
    except (TypeError, ValueError):
        yield f"{where}: the module shows no signature"
        return
    if len(found) != len(declared) or not all(map(_agree, declared, found)):
        yield f"{where}: the stub says ({_show(declared)}), the module ({_show(found)})"


def _agree(declared: tuple[str, str, str], built: tuple[str, str, str]) -> bool:
    told, is_so = declared[2], built[2]
    untold = "..." in (told, is_so) and bool(told) and bool(is_so)
    return declared[:2] == built[:2] and (told == is_so or untold)


def _declared(function: ast.FunctionDef, *, method: bool) -> Parameters:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    without = [None] * (len(positional) - len(arguments.defaults))
    listed = [
        (item.arg, "positional", _text(default))
        for item, default in zip(positional, [*without, *arguments.defaults], strict=True)
    ]
    keywords = [
        (item.arg, "keyword", _text(default))
        for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return [*(listed[1:] if method else listed), *keywords]


def _text(default: ast.expr | None) -> str:
    return "" if default is None else ast.unparse(default)


def _built(signature: inspect.Signature, *, method: bool) -> Parameters:
    listed = [
        (
            item.name,
            "keyword" if item.kind is item.KEYWORD_ONLY else "positional",
            "" if item.default is item.empty else "..." if item.default is ... else repr(item.default),
        )
        for item in signature.parameters.values()
    ]
    return listed[1:] if method else listed


def _show(parameters: Parameters) -> str:
    return ", ".join(
        f"{name}{f' = {default}' if default else ''}{' [keyword]' if kind == 'keyword' else ''}"
        for name, kind, default in parameters
    )


def main() -> int:
    """Print every difference; 1 when there is one."""
    try:
        module = importlib.import_module("proxy._core")
    except ImportError as error:
        print(f"proxy._core cannot be imported: {error}. Build it with: make core-dev")
        return 1
    found = problems(STUB.read_text(), module)
    for line in found:
        print(f"proxy/_core.pyi: {line}")
    allow = ["--allowlist", str(Path(__file__).with_name("stubtest.allow")), "--ignore-unused-allowlist"]
    stubtest = [
        sys.executable,
        "-m",
        "mypy.stubtest",
        "proxy._core",
        "--concise",
        "--ignore-disjoint-bases",
        *allow,
    ]
    checked = subprocess.run(stubtest, check=False).returncode
    return 1 if found or checked else 0


if __name__ == "__main__":
    sys.exit(main())
