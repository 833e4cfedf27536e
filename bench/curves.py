"""Curves of seconds over resources, as an SVG of two pictures side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["draw"]

_SIZE = (14, 6.5)
"""Inches."""


def draw(path: Path, pictures: Mapping[str, Mapping[str, Mapping[int, float]]]) -> None:
    """Draw each picture's lines: seconds by number of resources, both by powers of ten."""
    import matplotlib as mpl  # noqa: PLC0415 - script/bench-scale brings it; nothing else needs it
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pacewright"  # the same picture from the same figures
    mpl.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(1, len(pictures), figsize=_SIZE)
    for axis, (title, lines) in zip(axes, pictures.items(), strict=True):
        for label, line in lines.items():
            counts = sorted(line)
            axis.plot(counts, [line[count] for count in counts], marker="o", markersize=3, linewidth=1.2, label=label)
        axis.set(title=title, xlabel="resources", ylabel="seconds", xscale="log", yscale="log")
        axis.grid(visible=True, which="major", alpha=0.3)
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
