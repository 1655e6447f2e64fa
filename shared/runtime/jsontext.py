"""Strict JSON: what a parser would silently mend is an error that says what is wrong."""

import json
from http import HTTPStatus
from typing import Any, NoReturn

from shared.runtime.problem import Fault, Invalid


class _Repeated(ValueError):
    """A key stands twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Repeated(name)
            seen.add(name)
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def parse(body: bytes) -> Any:
    """Return what a JSON text holds.

    Raises:
        Invalid: it is empty, not UTF-8, not JSON, nested too deep, or gives a key twice.
    """
    if not body.strip():
        raise _unusable("the body is empty; send one JSON object")
    try:
        return _decoder.decode(body.decode())
    except UnicodeDecodeError:
        raise _unusable("JSON must be in UTF-8") from None
    except _Repeated as error:
        fault = Fault(str(error), "stands twice in one JSON object; send it once")
        raise Invalid([fault], HTTPStatus.BAD_REQUEST) from None
    except RecursionError:
        raise _unusable("JSON is nested too deep") from None
    except json.JSONDecodeError as error:
        raise _unusable(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise _unusable("not JSON: a number cannot be read") from None


def _unusable(reason: str) -> Invalid:
    return Invalid([Fault("body", reason)], HTTPStatus.BAD_REQUEST)
