"""A number on a logarithmic scale that a reader turns while a loop runs."""

import math


class Dial:
    """`dial()` is the number now; `turned()` is called when it has been turned.

    low, value, high: 0 < low <= value <= high, else ValueError. In the page the dial is a slider
    from 0 (low) to 1 (high); the number it gives has three digits that count.
    """

    def __init__(self, name, value, low, high, turned=lambda: None):
        if not 0 < low <= value <= high or low == high:
            raise ValueError(f"a dial needs 0 < low <= value <= high, not {low}, {value}, {high}")
        self.name, self.value = name, float(value)
        self.low, self.high = float(low), float(high)
        self._turned = turned

    def __call__(self):
        return self.value

    def turn(self, at):
        """Turn it to a place of the scale, 0 to 1; what is no such place is left aside."""
        if isinstance(at, (int, float)) and 0 <= at <= 1:
            self.value = float(f"{self.low * (self.high / self.low) ** at:.3g}")
            self._turned()

    @property
    def at(self):
        """Where the number stands on the scale."""
        return math.log(self.value / self.low) / math.log(self.high / self.low)

    def as_data(self):
        return {"name": self.name, "at": round(min(1.0, max(0.0, self.at)), 6),
                "text": f"{self.value:.3g}"}

    def __repr__(self):
        return f"Dial({self.name!r}, {self.value:g})"
