"""What CloudWatch does: it keeps metrics and looks at its alarms each minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.drill.alarms import Alarm, State, judge_rule
from local.drill.series import MINUTE, Series
from local.drill.template import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.drill.template import Node


@dataclass
class Watch:
    """The alarms of a template, and all that they have to look at.

    Attributes:
        document: The template.
        parameters: The stack's.
        series: All metrics.
        states: Each alarm's, by its logical id.
    """

    document: Node
    parameters: Mapping[str, str | int]
    series: Series = field(default_factory=Series)
    states: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the alarms."""
        resolver = Resolver(self.document, self.parameters)
        found = resolver.resources("AWS::CloudWatch::Alarm")
        composite = resolver.resources("AWS::CloudWatch::CompositeAlarm")
        self._alarms = {name: Alarm(each) for name, each in found.items()}
        self._rules: dict[str, str] = {name: each["AlarmRule"] for name, each in composite.items()}
        self.loud = {*self._rules, *(name for name in found if "AlarmActions" in found[name])}

    def forget(self) -> None:
        """Begin anew."""
        self.series, self.states = Series(), {}

    def take(self, printed: str, at: int) -> None:
        """Take the metrics out of what was printed at a time (Unix seconds)."""
        for line in printed.splitlines():
            self.series.take_line(line, at)

    def look(self, at: int) -> None:
        """Look at all alarms at the end of the minute of `at` (Unix seconds)."""
        end = at // MINUTE * MINUTE + MINUTE
        for name, alarm in self._alarms.items():
            self.states[name] = alarm.state(self.series, end, self.states.get(name, State.OK))
        for name, rule in self._rules.items():
            self.states[name] = judge_rule(rule, self.states)

    def ringing(self) -> set[str]:
        """Return the alarms that have told somebody and are not over."""
        return {name for name in self.loud if self.states.get(name) is State.ALARM}
