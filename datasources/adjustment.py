"""Adjusted prices, computed from raw ones and the factors of the days on which an issue went ex."""

from __future__ import annotations

from collections.abc import Sequence


def cumulative_factors(factors: Sequence[float | None]) -> list[float]:
    """For each day of one issue, oldest first, the product of the factors of all *later* days.

    A factor sits on its ex-date and does not touch that day's own prices; None and 0 count as 1.

    Example:
        >>> cumulative_factors([1.0, None, 0.5, 1.0])
        [0.5, 0.5, 1.0, 1.0]
    """
    product, cumulative = 1.0, []
    for factor in reversed(factors):
        cumulative.append(product)
        product *= factor or 1.0
    return cumulative[::-1]


def adjusted_prices(prices: Sequence[float | None], cumulative: Sequence[float]) -> list[float | None]:
    """Raw prices made comparable with today's, to one decimal as the provider publishes them.

    Example:
        >>> adjusted_prices([1063.6, None, 722.7], [0.5, 0.5, 1.0])
        [531.8, None, 722.7]
    """
    return [
        None if price is None else round(price * factor, 1) for price, factor in zip(prices, cumulative, strict=True)
    ]


def adjusted_volumes(volumes: Sequence[float | None], cumulative: Sequence[float]) -> list[float | None]:
    """Raw volumes in today's shares; turnover in money is never adjusted.

    Example:
        >>> adjusted_volumes([209700.0, None], [0.5, 0.5])
        [419400.0, None]
    """
    return [None if volume is None else volume / factor for volume, factor in zip(volumes, cumulative, strict=True)]
