"""JMESPath for mappings: compiled and checked when read, and never quoting what it is asked about.

https://jmespath.org/specification.html, with four functions of our own; docs/mappings.md has them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from warnings import catch_warnings

from jmespath import Options, compile, exceptions  # noqa: A004 - The library's word.
from jmespath.functions import TYPES_MAP, Functions, signature

_LONGEST = 1000

# Currencies whose minor unit is not a hundredth, as Stripe counts: ISO 4217 has a few otherwise.
# https://docs.stripe.com/currencies#zero-decimal
_WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD JOD KWD OMR TND"


class ExpressionError(ValueError):
    """An expression that can't be read, or not be answered. Never shows the expression or a value."""


class _OwnFunctions(Functions):
    @signature({"types": ["number", "null"]})
    def _func_from_unix(self, seconds: float | None) -> str | None:
        if seconds is None:
            return None
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            raise ExpressionError("from_unix() takes seconds since 1970") from None

    @signature({"types": ["number", "null"]}, {"types": ["string", "null"]})
    def _func_from_minor_units(self, amount: float | None, currency: str | None) -> str | None:
        if amount is None:
            return None
        if currency is None or not isinstance(amount, int):
            raise ExpressionError("from_minor_units() takes a whole number and a currency")
        return str(Decimal(f"{amount}E-{_digits(currency.upper())}"))

    @signature({"types": ["number", "string"]}, {"types": ["number", "string"]})
    def _func_is_partial(self, refunded: float | str, total: float | str) -> bool:
        return _amount(refunded) < _amount(total)

    @signature({"types": ["string", "number", "null"]})
    def _func_as_text(self, value: str | float | None) -> str | None:
        if isinstance(value, float):
            raise ExpressionError("as_text() takes a text or a whole number")
        return None if value is None else str(value)


_OPTIONS = Options(custom_functions=_OwnFunctions())


class Expression:
    """A JMESPath expression.

    Args:
        text: The expression.

    Raises:
        ExpressionError: It is none; the message says where.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ExpressionError(f"it should have at most {_LONGEST} characters")
        try:
            with catch_warnings(action="error", category=PendingDeprecationWarning):
                self._compiled = compile(text)
        except PendingDeprecationWarning:
            # Backticks hold JSON; the library also takes other texts there, and their quotes with them.
            raise ExpressionError("write a text as 'text', and JSON in backticks") from None
        except exceptions.IncompleteExpressionError:
            raise ExpressionError("no JMESPath: it ends too early") from None
        except exceptions.ParseError as error:
            raise ExpressionError(f"no JMESPath: character {error.lex_position + 1}") from None
        except (exceptions.JMESPathError, RecursionError):
            raise ExpressionError("no JMESPath") from None
        for node in _nodes(self._compiled.parsed):
            _check(node)

    def __call__(self, about: object) -> Any:  # noqa: ANN401 - Whatever JSON it finds.
        """Ask the expression about a JSON value.

        Raises:
            ExpressionError: It can't be answered, such as for a function that gets another type.
        """
        try:
            return self._compiled.search(about, _OPTIONS)
        except ExpressionError:
            raise
        except exceptions.JMESPathTypeError as error:
            kind = TYPES_MAP.get(error.actual_type, error.actual_type)
            raise ExpressionError(f"{error.function_name}() can't take: {kind}") from None
        except Exception as error:  # noqa: BLE001 - A comparison of a text and a number is a bare TypeError.
            raise ExpressionError(f"it can't be answered: {type(error).__name__}") from None


def holds(answer: object) -> bool:
    """Whether an answer is true as JMESPath has it: not null, false, or empty. Zero is true."""
    return not (answer is None or answer is False or answer in ("", [], {}))


def _digits(currency: str) -> int:
    if currency in _WHOLE.split():
        return 0
    return 3 if currency in _THOUSANDTHS.split() else 2


def _amount(value: float | str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ExpressionError("is_partial() takes two amounts")
    return amount


def _nodes(node: Any) -> Iterator[Any]:  # noqa: ANN401 - A tree of dicts, by the library.
    yield node
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _nodes(child)


def _check(node: Any) -> None:  # noqa: ANN401 - As above.
    """Refuse what the library takes and nobody means."""
    if node["type"] == "function_expression":
        _check_function(node["value"], len(node["children"]))
    # "!a.b" would be "(!a).b", which is null whatever there is.
    steps = node["type"] in {"subexpression", "value_projection"}
    if steps and node["children"][0]["type"] == "not_expression":
        raise ExpressionError("put what follows ! in parentheses, as in !(a.b)")


def _check_function(name: str, given: int) -> None:
    # The library itself would only find out when asked.
    known = _OwnFunctions.FUNCTION_TABLE.get(name)
    if known is None:
        raise ExpressionError(f"no JMESPath: there is no function {name}()")
    takes = known["signature"]
    variadic = bool(takes) and takes[-1].get("variadic", False)
    if given < len(takes) or (given > len(takes) and not variadic):
        raise ExpressionError(f"no JMESPath: {name}() takes {len(takes)} arguments")
