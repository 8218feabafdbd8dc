"""The HTTP status of a coded refusal, the same wherever it is told."""

_BY_CODE = {
    "package.unknown": 404,
    "package.recalled": 410,
    "package.superseded": 410,
    "package.not-yours": 404,
    "drop.unknown": 404,
    "receipt.too-large": 413,
    "token.scope": 403,
    "worker.busy": 503,
    "worker.absent": 503,
    "database.locked": 503,
    "disk.full": 507,
    "disk.low": 507,
    "drop.broken-off": 400,
    "drop.empty": 422,
    "drop.too-large": 413,
    "drop.too-many-waiting": 429,
}
_BY_KIND = {"token": 401, "receipt": 422, "password": 409, "drop": 409, "move": 409}
_CONFLICTS = frozenset({"replayed", "out-of-order", "never-served", "recalled", "superseded"})


def status_of(code: str) -> int | None:
    """The status of a refusal with that code; None: it is none that callers are told of."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    kind, _, what = code.partition(".")
    return 409 if kind == "receipt" and what in _CONFLICTS else _BY_KIND.get(kind)
