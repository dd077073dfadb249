"""Metric math, as far as the template uses it: numbers, series, + - * /, comparisons, IF and FILL.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Value = float | None

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


class ExpressionError(Exception):
    """An expression goes beyond what is known here."""


def evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """Return what an expression comes to in one period.

    Args:
        expression: Metric math.
        values: Each metric's value in that period by its id; None: it has none.

    Returns:
        The value; None if a value that it needs is missing, or for a division by zero.

    Raises:
        ExpressionError: It uses what is not known here.
    """
    try:
        return _of(ast.parse(expression, mode="eval").body, values)
    except SyntaxError:
        raise ExpressionError(f"not understood: {expression}") from None


def _of(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Call(func=ast.Name(id="FILL"), args=[of, otherwise]):
            found = _of(of, values)
            return _of(otherwise, values) if found is None else found
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            found = _of(condition, values)
            return None if found is None else _of(then if found else otherwise, values)
        case _:
            return _of_two(node, values)


def _of_two(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
            work: Callable[[float, float], float] = _ARITHMETIC[type(sign)]
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _COMPARISONS:
            work = _COMPARISONS[type(sign)]
        case _:
            raise ExpressionError(f"not known: {ast.unparse(node)}")
    one, other = _of(left, values), _of(right, values)
    if one is None or other is None:
        return None
    try:
        return float(work(one, other))
    except ZeroDivisionError:
        return None
