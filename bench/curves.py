"""Curves of seconds over resources, as an SVG of two pictures side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["draw"]

_SIZE = (14, 6.5)
"""Inches."""
_ON = " on "
"""Stands in a label between what is done, which has a colour, and on how much, which has a style."""
_STYLES = ("-", "--", ":")


def draw(path: Path, pictures: Mapping[str, Mapping[str, Mapping[int, float]]]) -> None:
    """Draw each picture's lines: seconds by number of resources, both by powers of ten."""
    import matplotlib as mpl  # noqa: PLC0415 - script/bench-scale brings it; nothing else needs it
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pacewright"  # the same picture from the same figures
    mpl.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(1, len(pictures), figsize=_SIZE)
    for axis, (title, lines) in zip(axes, pictures.items(), strict=True):
        parts = {label: label.rpartition(_ON) if _ON in label else (label, "", "") for label in lines}
        whats, wheres = (list(dict.fromkeys(part[at] for part in parts.values())) for at in (0, 2))
        for label, line in lines.items():
            what, _, where = parts[label]
            counts = sorted(line)
            axis.plot(
                counts,
                [line[count] for count in counts],
                color=f"C{whats.index(what)}",
                linestyle=_STYLES[wheres.index(where)],
                marker="o",
                markersize=3,
                linewidth=1.2,
                label=label,
            )
        axis.set(title=title, xlabel="resources", ylabel="seconds", xscale="log", yscale="log")
        axis.grid(visible=True, which="major", alpha=0.3)
        axis.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=max(len(wheres), 2))
    figure.tight_layout()
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
