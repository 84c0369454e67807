"""A digest of Python code that changes with what the code does, and not with how it is written down.

Comments, formatting, docstrings, other statements that are only a string, and `pass` do not count: none of them
can change a number. A docstring could if code read it at run time; no signal, rule or fill does.
"""

import ast
from functools import lru_cache
from hashlib import sha256
from threading import Lock

# Of a constant the prefix u"", and a comment about types.
NOT_CODE = {"kind", "type_comment"}
# Python 3.11 counts the depth of a tree for all threads together, and raises a SystemError when two threads parse
# at the same time (python/cpython#106905).
_one_parser = Lock()


@lru_cache(maxsize=256)
def code_digest(source: bytes) -> bytes:
    """The SHA-256 of the syntax tree of a file; of its bytes if they cannot be parsed."""
    try:
        with _one_parser:
            tree = ast.parse(source)
        return sha256(_text_of(tree).encode()).digest()
    except (SyntaxError, ValueError, RecursionError):
        return sha256(source).digest()


def _text_of(value: object) -> str:
    """The tree as text, without positions and empty fields.

    Not ast.dump, which writes empty fields too: newer versions of Python have more of them, and the digest must
    not depend on the version.
    """
    if isinstance(value, ast.AST):
        fields = ((name, _without_no_ops(field)) for name, field in ast.iter_fields(value) if name not in NOT_CODE)
        texts = (f"{name}={_text_of(field)}" for name, field in fields if field is not None and field != [])
        return f"{type(value).__name__}({','.join(texts)})"
    if isinstance(value, list):
        return f"[{','.join(map(_text_of, value))}]"
    return ascii(value)


def _without_no_ops(field: object) -> object:
    return [item for item in field if not _is_no_op(item)] if isinstance(field, list) else field


def _is_no_op(node: object) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Pass)
