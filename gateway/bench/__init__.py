"""How fast are the parts, each beside something simpler that was measured in the same run?

``measure`` says what a figure is, ``truckload`` what is measured with, ``peers`` what else does the same job;
``parts``, ``wire`` and ``store`` hold the figures, ``streamed`` those of memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.bench.measure import SECONDS, Figure, Memory

__all__ = ["SECONDS", "Figure", "Memory", "figures", "memories"]


def figures(seconds: float = SECONDS) -> Iterator[Figure]:
    """Every figure, each as soon as it is measured."""
    from gateway.bench.parts import decision_figures, shipment_figures, signing_figures
    from gateway.bench.store import store_figures
    from gateway.bench.truckload import Truckload
    from gateway.bench.wire import catair_figures, x12_figures

    load = Truckload()
    for measured in (shipment_figures, decision_figures, x12_figures, catair_figures, signing_figures):
        yield from measured(load, seconds)
    yield from store_figures(seconds)


def memories() -> Iterator[Memory]:
    """The memory that streaming takes, small file and large."""
    from gateway.bench.streamed import memories as measured

    yield from measured()
