"""DynamoDB's condition, key condition and update expressions: parsed once, then called.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html

Of the grammar, paths into lists and maps are missing, and reserved words are not refused. What is not known here is an
error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Value = dict[str, Any]
type Item = dict[str, Value]
type Texts = Mapping[str, str]
type Values = Mapping[str, Value]
# Of an item, the names and the values of a request.
type Operand = Callable[[Item, Texts, Values], Value | None]
type Test = Callable[[Item, Texts, Values], bool]
type Change = Callable[[Item, Item, Texts, Values], None]

_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),+-])|([#:]?[A-Za-z0-9_]+))")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_ORDERED = {"S", "N", "B"}


class ExpressionError(Exception):
    """An expression that DynamoDB would refuse, or that this stand-in does not know."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key condition asks for: the partition, and how its sort key compares with up to two values."""

    partition: str
    value: str
    sort: str | None = None
    compared: str | None = None
    bounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression[Meaning]:
    """A parsed expression, and the aliases that it uses: a request must define just these."""

    meaning: Meaning
    aliases: frozenset[str]


@cache
def condition(text: str) -> Expression[Test]:
    """Parse a condition or filter expression."""
    parser = _Parser(text)
    return parser.done(parser.disjunction())


@cache
def key_condition(text: str) -> Expression[Key]:
    """Parse a key condition expression: the partition first, as everybody writes it."""
    parser = _Parser(text)
    return parser.done(parser.key())


@cache
def update(text: str) -> Expression[tuple[Change, ...]]:
    """Parse an update expression into changes, each of which reads the old item and writes the new one."""
    parser = _Parser(text)
    return parser.done(tuple(parser.clauses()))


def number(text: str) -> int | Decimal:
    """Return a number, exactly."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def plain(value: Value) -> Any:  # noqa: ANN401 -- a string, a number …
    """Return what compares as DynamoDB compares."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return number(content)
        case "SS" | "BS":
            return frozenset(content)
        case "NS":
            return frozenset(map(number, content))
        case "L":
            return [(next(iter(each)), plain(each)) for each in content]
        case "M":
            return {name: (next(iter(each)), plain(each)) for name, each in content.items()}
        case _:
            return content


def equal(one: Value | None, other: Value | None) -> bool:
    """Tell whether two values are the same; what is not there equals nothing."""
    if one is None or other is None:
        return False
    return one == other or (one.keys() == other.keys() and plain(one) == plain(other))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _split(text)
        self._at = 0
        self._aliases: set[str] = set()

    def done[Meaning](self, meaning: Meaning) -> Expression[Meaning]:
        if self._at < len(self._tokens):
            raise self._unknown()
        return Expression(meaning, frozenset(self._aliases))

    # Conditions.

    def disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self._takes("OR"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda *at: any(test(*at) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._negation()]
        while self._takes("AND"):
            tests.append(self._negation())
        return tests[0] if len(tests) == 1 else lambda *at: all(test(*at) for test in tests)

    def _negation(self) -> Test:
        if self._takes("NOT"):
            test = self._negation()
            return lambda *at: not test(*at)
        if self._takes("("):
            test = self.disjunction()
            self._must(")")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        if (known := _FUNCTIONS.get(self._peek())) and self._peek(1) == "(":
            self._at += 2
            arguments = self._list(self._operand)
            self._must(")")
            count, make = known
            if len(arguments) != count:
                raise self._unknown()
            return make(*arguments)
        left = self._operand()
        if self._takes("BETWEEN"):
            low = self._operand()
            self._must("AND")
            high = self._operand()
            above, below = _compare(">=", left, low), _compare("<=", left, high)
            return lambda *at: above(*at) and below(*at)
        if self._takes("IN"):
            self._must("(")
            tests = [_compare("=", left, each) for each in self._list(self._operand)]
            self._must(")")
            return lambda *at: any(test(*at) for test in tests)
        return _compare(self._comparator(), left, self._operand())

    def _comparator(self) -> str:
        token = self._peek()
        if token not in {"=", "<>", *_COMPARED}:
            raise self._unknown()
        self._at += 1
        return token

    def _operand(self) -> Operand:
        if self._peek() == "size" and self._peek(1) == "(":
            self._at += 2
            measured = self._operand()
            self._must(")")
            return lambda *at: _size(measured(*at))
        if self._peek().startswith(":"):
            return _of_value(self._value())
        return _of_path(self._path())

    # Key conditions.

    def key(self) -> Key:
        partition = self._path()
        self._must("=")
        value = self._value()
        if not self._takes("AND"):
            return Key(partition, value)
        if self._takes("begins_with"):
            self._must("(")
            sort = self._path()
            self._must(",")
            prefix = self._value()
            self._must(")")
            return Key(partition, value, sort, "begins_with", (prefix,))
        sort = self._path()
        if self._takes("BETWEEN"):
            low = self._value()
            self._must("AND")
            return Key(partition, value, sort, "BETWEEN", (low, self._value()))
        compared = self._comparator()
        if compared == "<>":
            raise self._unknown()
        return Key(partition, value, sort, compared, (self._value(),))

    # Updates.

    def clauses(self) -> list[Change]:
        changes: list[Change] = []
        kinds = {"SET": self._set, "REMOVE": self._remove, "ADD": self._add, "DELETE": self._delete}
        while make := kinds.pop(self._peek().upper(), None):
            self._at += 1
            changes += self._list(make)
        if not changes:
            raise self._unknown()
        return changes

    def _set(self) -> Change:
        path = self._path()
        self._must("=")
        source = self._sum()

        def change(old: Item, new: Item, names: Texts, values: Values) -> None:
            value = source(old, names, values)
            if value is None:
                raise ExpressionError(
                    "The provided expression refers to an attribute that does not exist in the item"
                )
            new[_name(path, names)] = value

        return change

    def _sum(self) -> Operand:
        left = self._source()
        if self._peek() not in {"+", "-"}:
            return left
        sign = 1 if self._peek() == "+" else -1
        self._at += 1
        right = self._source()
        return lambda *at: _add(left(*at), right(*at), sign)

    def _source(self) -> Operand:
        if self._peek() == "if_not_exists" and self._peek(1) == "(":
            self._at += 2
            known = self._operand()
            self._must(",")
            otherwise = self._source()
            self._must(")")
            return lambda *at: otherwise(*at) if (found := known(*at)) is None else found
        if self._peek() == "list_append" and self._peek(1) == "(":
            self._at += 2
            first = self._source()
            self._must(",")
            second = self._source()
            self._must(")")
            return lambda *at: _append(first(*at), second(*at))
        return self._operand()

    def _remove(self) -> Change:
        path = self._path()

        def change(old: Item, new: Item, names: Texts, values: Values) -> None:
            del old, values
            new.pop(_name(path, names), None)

        return change

    def _add(self) -> Change:
        path, alias = self._path(), self._value()

        def change(old: Item, new: Item, names: Texts, values: Values) -> None:
            name = _name(path, names)
            new[name] = _unite(old.get(name), values[alias])

        return change

    def _delete(self) -> Change:
        path, alias = self._path(), self._value()

        def change(old: Item, new: Item, names: Texts, values: Values) -> None:
            name = _name(path, names)
            ((kind, gone),) = values[alias].items()
            left = [each for each in old.get(name, {}).get(kind, ()) if each not in gone]
            if left:
                new[name] = {kind: left}
            else:
                new.pop(name, None)

        return change

    # Tokens.

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _takes(self, token: str) -> bool:
        # Keywords go by any case, functions by one.
        found = self._peek().upper() if token.isupper() else self._peek()
        if found != token:
            return False
        self._at += 1
        return True

    def _must(self, token: str) -> None:
        if not self._takes(token):
            raise self._unknown()

    def _list[Part](self, one: Callable[[], Part]) -> list[Part]:
        parts = [one()]
        while self._takes(","):
            parts.append(one())
        return parts

    def _path(self) -> str:
        token = self._peek()
        if not re.fullmatch(r"#?[A-Za-z0-9_]+", token):
            raise self._unknown()
        return self._word()

    def _value(self) -> str:
        if not self._peek().startswith(":"):
            raise self._unknown()
        return self._word()

    def _word(self) -> str:
        token = self._peek()
        self._at += 1
        if token[0] in "#:":
            self._aliases.add(token)
        return token

    def _unknown(self) -> ExpressionError:
        where = f"at {self._peek()!r}" if self._peek() else "at its end"
        return ExpressionError(f"this expression is not understood {where}: {self._text}")


def _split(text: str) -> list[str]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionError(f"this expression is not understood at {text[at:]!r}: {text}")
        tokens.append(found[1] or found[2])
        at = found.end()
    return tokens


def _name(path: str, names: Texts) -> str:
    return names[path] if path.startswith("#") else path


def _of_path(path: str) -> Operand:
    if path.startswith("#"):
        return lambda item, names, _: item.get(names[path])
    return lambda item, _names, _values: item.get(path)


def _of_value(alias: str) -> Operand:
    return lambda _item, _names, values: values[alias]


def _compare(how: str, left: Operand, right: Operand) -> Test:
    if how == "=":
        return lambda *at: equal(left(*at), right(*at))
    if how == "<>":
        return lambda *at: not equal(left(*at), right(*at))
    compared = _COMPARED[how]

    def test(item: Item, names: Texts, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None or one.keys() != other.keys():
            return False
        if not one.keys() <= _ORDERED:
            raise ExpressionError(f"{how} does not go with {next(iter(one))}")
        return compared(plain(one), plain(other))

    return test


def _exists(path: Operand) -> Test:
    return lambda *at: path(*at) is not None


def _is_missing(path: Operand) -> Test:
    return lambda *at: path(*at) is None


def _begins(path: Operand, prefix: Operand) -> Test:
    def test(item: Item, names: Texts, values: Values) -> bool:
        whole, start = path(item, names, values) or {}, prefix(item, names, values) or {}
        return "S" in whole and "S" in start and bool(whole["S"].startswith(start["S"]))

    return test


def _contains(path: Operand, part: Operand) -> Test:
    def test(item: Item, names: Texts, values: Values) -> bool:
        whole, wanted = path(item, names, values), part(item, names, values)
        if not whole or not wanted:
            return False
        ((kind, content),) = whole.items()
        if kind == "L":
            return any(equal(each, wanted) for each in content)
        ((part_kind, sought),) = wanted.items()
        return kind in {part_kind, f"{part_kind}S"} and sought in content

    return test


def _has_type(path: Operand, kind: Operand) -> Test:
    return lambda *at: (path(*at) or {}).keys() == {(kind(*at) or {}).get("S")}


_FUNCTIONS: dict[str, tuple[int, Callable[..., Test]]] = {
    "attribute_exists": (1, _exists),
    "attribute_not_exists": (1, _is_missing),
    "attribute_type": (2, _has_type),
    "begins_with": (2, _begins),
    "contains": (2, _contains),
}


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind not in {"S", "L", "M", "SS", "NS", "BS"}:
        raise ExpressionError(f"size does not go with {kind}")
    return {"N": str(len(content.encode() if kind == "S" else content))}


def _add(left: Value | None, right: Value | None, sign: int) -> Value | None:
    if left is None or right is None:
        return None
    if left.keys() != {"N"} or right.keys() != {"N"}:
        raise ExpressionError("an operand of + or - is no number")
    return {"N": str(number(left["N"]) + sign * number(right["N"]))}


def _append(first: Value | None, second: Value | None) -> Value | None:
    if first is None or second is None:
        return None
    if first.keys() != {"L"} or second.keys() != {"L"}:
        raise ExpressionError("an operand of list_append is no list")
    return {"L": [*first["L"], *second["L"]]}


def _unite(old: Value | None, added: Value) -> Value:
    """Add to a number or to a set, from nothing if there is none."""
    ((kind, content),) = added.items()
    if kind == "N":
        return _add(old or {"N": "0"}, added, 1) or added
    if kind not in {"SS", "NS", "BS"} or (old and old.keys() != {kind}):
        raise ExpressionError(f"ADD does not go with {kind}")
    return {kind: list(dict.fromkeys([*(old or {}).get(kind, ()), *content]))}
