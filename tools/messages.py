"""List the messages that users and operators see, and write them to tests/unit/messages.txt for review.

    .venv/bin/python -m tools.messages

The messages are found in the source of the services and of cli/door by the calls that take them, so a new one is listed
without an entry here. An expression inside a message is shown by its last name: `{limit}`.
"""

import ast
import keyword
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "tests" / "unit" / "messages.txt"
SOURCES = ("services", "cli/door")

STATUS = "status messages: sentences"
VIOLATION = "violations: phrases that follow the name of the field"
PROBE = "probe messages: phrases"
REASON = "state reasons: phrases"
LOG = "log events: phrases"
METRIC = "metrics: sentences"
START = "operator errors: phrases that follow `sentinel: ` or the name of the setting"
OTHER = "parts of messages"
ORDER = (STATUS, VIOLATION, PROBE, REASON, LOG, METRIC, START, OTHER)

# The argument of a call that is a message: its position, or its name.
_CALLS: Mapping[str, tuple[str, int | str]] = {
    **dict.fromkeys(
        ("Aborted", "AlreadyExists", "FailedPrecondition", "NotFound", "PermissionDenied", "ResourceExhausted"),
        (STATUS, 1),
    ),
    **dict.fromkeys(("Unauthenticated", "Unimplemented"), (STATUS, 1)),
    **dict.fromkeys(("InvalidArgument", "Unavailable", "malformed_error"), (STATUS, 0)),
    "Reply": (STATUS, "message"),
    **dict.fromkeys(("FieldViolation", "InvalidArgument.field", "_refused", "self.add_violation"), (VIOLATION, 1)),
    "ProbeFailure": (PROBE, 1),
    **dict.fromkeys(
        ("LookupFailedError", "NoNameServer", "InternalProbeError", "Note", "_broken", "refusal"), (PROBE, 0)
    ),
    "Verdict": (PROBE, "message"),
    **dict.fromkeys(("UndecryptableSpec", "as_error"), (PROBE, 1)),
    "DecryptionError": (PROBE, 0),
    "self._failure": (PROBE, 0),
    **dict.fromkeys(("counter", "gauge", "seconds", "sizes", "Counter", "Gauge"), (METRIC, 1)),
    **dict.fromkeys(("OperatorError", "SettingError", "SystemExit"), (START, 0)),
    **{f"_log.{level}": (LOG, 0) for level in ("debug", "info", "warning", "error", "exception")},
}
# A ValueError there is a violation: its message is shown after the name of the field.
_SPECS = ("services/checks/specs/", "services/checks/json_path.py")
_REASONS = "services/monitor/state_reason.py"
_ERRORS = "services/platform/errors.py"
# Files and folders in which every text is shown to users.
_SHOWN = (
    *_SPECS,
    _REASONS,
    "services/platform/rest/",
    "services/platform/rpc/field_rules.py",
    "services/worker/heartbeats/",
    "services/worker/judging/",
    "services/worker/kinds/",
    "services/worker/error_message.py",
    "services/worker/probe.py",
    "services/wire/",
)
# Files and folders in which every text is shown to operators.
_SHOWN_TO_OPERATORS = (
    "services/auth/signing.py",
    "services/platform/address.py",
    "services/platform/postgres/connection.py",
    "services/platform/egress/policy.py",
    "services/platform/file_descriptors.py",
    "services/platform/file_limit.py",
    "services/platform/security/key_file.py",
    "services/platform/security/key_text.py",
    "services/platform/postgres/migrate.py",
    "services/platform/security/registration.py",
    "services/platform/security/secret_keys.py",
    "services/platform/configuration/setting_names.py",
    "services/platform/configuration/parsers.py",
    "services/platform/configuration/setting.py",
    "services/platform/configuration/settings.py",
)
# Exceptions: files with tables, or with texts of protocols.
_NOT_SHOWN = frozenset({"charset.py", "codec.py", "http_auth.py", "http_request.py", "body_check_server.py"})
PLACES = (*_SPECS, _REASONS, _ERRORS, *_SHOWN, *_SHOWN_TO_OPERATORS)
"""All files and folders that are named in this module."""
_PROSE = re.compile(r"[a-z]{2,} ?[^a-z]* [\w{']*[a-z]|[a-z]{3,} \{|\} [a-z]{2,}")
_TYPE = re.compile(r"[\w.\[\], |\"]*\[[\w.\[\], |\"]*\]( \| [\w.\[\]]+)*|[\w.]+( \| [\w.]+)+")
_SQL = re.compile(r"\bSELECT\b")
_CONTRACT = re.compile(r'^ *message: "((?:[^"\\]|\\.)*)"', re.MULTILINE)


def messages() -> Mapping[str, Sequence[str]]:
    """Return all messages by their kind, each once, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for kind, text in messages_in(path.read_text(), path.relative_to(ROOT).as_posix()):
                found[kind].add(text)
    for path in (ROOT / "proto").rglob("*.proto"):
        found[VIOLATION].update(_CONTRACT.findall(path.read_text()))
    for kind in ORDER[:-1]:
        found[OTHER] -= found[kind]
    return {kind: sorted(found[kind]) for kind in ORDER}


def messages_in(source: str, path: str) -> Iterator[tuple[str, str]]:
    """Yield the messages in a file, each with its kind.

    Args:
        source: the text of the file.
        path: its path, relative to the root of the repository.
    """
    tree = ast.parse(source)
    scopes = [tree, *(each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))]
    seen: set[ast.AST] = set()
    everywhere = _assigned(tree)
    for scope in scopes:
        known = {**everywhere, **_assigned(scope)}
        for node in ast.walk(scope):
            for kind, value in _carried(node, path):
                for text, nodes in _texts(value, known):
                    seen.update(nodes)
                    if re.search(r"[a-zA-Z]{2}", text):
                        yield kind, text.strip()
    rest = START if path in _SHOWN_TO_OPERATORS else OTHER
    if path.startswith((*_SHOWN, *_SHOWN_TO_OPERATORS)) and Path(path).name not in _NOT_SHOWN:
        documented = {each.value for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for node in _whole_texts(tree):
            if node in seen or node in documented:
                continue
            text = _shown(node)
            if _PROSE.search(text) and _TYPE.fullmatch(text) is None and _SQL.search(text) is None:
                yield rest, text.strip()


def _carried(node: ast.AST, path: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield the expressions in a node that are messages, each with its kind."""
    if isinstance(node, ast.FunctionDef):
        names = node.args.args[len(node.args.args) - len(node.args.defaults) :]
        yield from (
            (STATUS, value)
            for name, value in zip(names, node.args.defaults, strict=True)
            if name.arg == "message" and path == _ERRORS
        )
    if isinstance(node, ast.Return) and node.value is not None and path == _REASONS:
        yield REASON, node.value
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func)
    carried = _CALLS.get(name)
    if carried is None and name == "ValueError" and path.startswith(_SPECS):
        carried = (VIOLATION, 0)
    if name == "super().__init__" and path == _ERRORS:
        yield from ((STATUS, each) for each in node.args[:2])
    if name == "replace":
        carried = (PROBE, "error_message")
    if carried is None:
        return
    kind, place = carried
    if isinstance(place, int) and len(node.args) > place:
        yield kind, node.args[place]
    yield from (
        (kind, each.value) for each in node.keywords if each.arg in {place, "message", "error_message"} - {None}
    )


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """Return the values that are assigned to names in a module or a function, including the values of mappings."""
    found: dict[str, list[ast.expr]] = defaultdict(list)
    body = scope.body if isinstance(scope, ast.Module) else list(ast.walk(scope))
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _assign(target, node.value, found)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _assign(node.target, node.value, found)
    return found


def _assign(target: ast.expr, value: ast.expr, found: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Name):
        found[target.id] += value.values if isinstance(value, ast.Dict) else [value]
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for each, its in zip(target.elts, value.elts, strict=True):
            _assign(each, its, found)


def _texts(
    node: ast.expr, known: Mapping[str, Sequence[ast.expr]], depth: int = 0
) -> Iterator[tuple[str, tuple[ast.AST, ...]]]:
    """Yield the texts to which an expression can evaluate, each with the nodes of its parts."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield _shown(node), (node,)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, known, depth)
        yield from _texts(node.orelse, known, depth)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _texts(each, known, depth)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = list(_texts(node.left, known, depth)) or [(_hole(node.left), ())]
        right = list(_texts(node.right, known, depth)) or [(_hole(node.right), ())]
        for (before, first), (after, second) in product(left, right):
            yield before + after, (*first, *second)
    elif (name := _named(node)) is not None and depth <= 1:
        for value in known.get(name, ()):
            yield from _texts(value, known, depth + 1)


def _named(node: ast.expr) -> str | None:
    """Return the name in an expression that is a name or a lookup in one: `WHY`, `WHY[code]`, `WHY.get(code)`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        node = node.func.value
    elif isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _whole_texts(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the texts in a file, except the parts of f-strings."""
    parts = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if node in parts or not isinstance(node, ast.JoinedStr | ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr) or isinstance(node.value, str):
            yield node


def _shown(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value).replace("\n", "\\n").replace("\r", "\\r")
    if isinstance(node, ast.JoinedStr):
        return "".join(_shown(each) for each in node.values)
    return _hole(node)


def _hole(node: ast.expr) -> str:
    """Return the representation of an expression inside a message: the last name in it."""
    source = ast.unparse(node.value if isinstance(node, ast.FormattedValue) else node)
    names = [each for each in re.findall(r"[A-Za-z_]\w*", source) if not keyword.iskeyword(each)]
    return f"{{{names[-1] if names else ''}}}"


def text_of(found: Mapping[str, Sequence[str]]) -> str:
    """Return the content of the file."""
    parts = ["# Written by `.venv/bin/python -m tools.messages`: the messages that users and operators see.\n"]
    for kind, texts in found.items():
        parts += [f"\n## {kind[0].upper()}{kind[1:]}\n\n", *(f"{each}\n" for each in texts)]
    return "".join(parts)


def main() -> None:
    """Write the file."""
    FILE.write_text(text_of(messages()))


if __name__ == "__main__":
    main()
