"""A figure: what was measured, and the bar it is held against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of the table. Without a bar it is only told."""

    name: str
    measured: float
    unit: str
    bar: float | None = None
    more_is_better: bool = False
    details: dict[str, object] = field(default_factory=dict)

    @property
    def meets(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if self.bar is None:
            return None
        return self.measured >= self.bar if self.more_is_better else self.measured <= self.bar


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * percent / 100) - 1, 0)]
