"""The rules of every dataset that has some: what its good answers look like."""

from __future__ import annotations

from collections.abc import Mapping

from moomarkets.domain.quality import Bars, Jump, Rules, Severity

_PRICES = ("open", "high", "low", "close")
_TRADED = Bars(volume="volume", turnover="turnover")
_CODES = (5,)

# Listings come and go by the handful, but once a whole exchange moved in: 2,300 issues became 3,400 in July 2013.
_MARKET = (0.6, 1.8)
_WIDE = (0.3, 3.0)

_DERIVATIVES = Rules(
    always_has_rows=True,
    row_band=_WIDE,
    keeps_to_dates=True,
    not_negative=("volume", "open_interest", "turnover"),
)
_EVENTS = Rules(keeps_to_dates=True, code_lengths=_CODES)
_FILES = Rules(keeps_to_dates=True)

QUALITY: Mapping[str, Rules] = {
    "listed_issues": Rules(always_has_rows=True, row_band=_MARKET, code_lengths=_CODES, twins=Severity.REJECT),
    "trading_calendar": Rules(always_has_rows=True, varied=("holiday_division",), twins=Severity.REJECT),
    "daily_bars": Rules(
        always_has_rows=True,
        row_band=_MARKET,
        keeps_to_dates=True,
        code_lengths=_CODES,
        bars=(_TRADED,),
        positive=_PRICES,
        not_negative=("volume", "turnover", "adjustment_factor"),
        varied=("close", "volume"),
        jump=Jump(factor="adjustment_factor"),
        sound_numbers=True,
        twins=Severity.REJECT,
    ),
    "morning_bars": Rules(
        code_lengths=_CODES,
        bars=(_TRADED,),
        positive=_PRICES,
        not_negative=("volume", "turnover"),
        sound_numbers=True,
        twins=Severity.REJECT,
    ),
    "minute_bars": Rules(
        always_has_rows=True,
        row_band=_WIDE,
        keeps_to_dates=True,
        code_lengths=_CODES,
        bars=(_TRADED,),
        positive=_PRICES,
        not_negative=("volume", "turnover"),
        sound_numbers=True,
        twins=Severity.REJECT,
    ),
    "trades": Rules(code_lengths=_CODES, positive=("price", "volume"), sound_numbers=True),
    "valuations": Rules(
        always_has_rows=True,
        row_band=_MARKET,
        keeps_to_dates=True,
        code_lengths=_CODES,
        not_negative=("market_cap",),
        twins=Severity.REJECT,
    ),
    "investor_types": Rules(),
    "earnings_calendar": Rules(code_lengths=_CODES),
    "earnings_dates": _EVENTS,
    "financial_summaries": _EVENTS,
    "financial_details": _EVENTS,
    "dividends": _EVENTS,
    "margin_interest": Rules(
        always_has_rows=True,
        row_band=_MARKET,
        keeps_to_dates=True,
        code_lengths=_CODES,
        not_negative=("short_volume", "long_volume"),
        twins=Severity.REJECT,
    ),
    "margin_alerts": Rules(code_lengths=_CODES),
    "short_ratios": Rules(
        always_has_rows=True,
        row_band=(0.8, 1.25),
        keeps_to_dates=True,
        not_negative=("other_sales", "restricted_short_sales", "unrestricted_short_sales"),
        twins=Severity.REJECT,
    ),
    "short_sale_reports": _EVENTS,
    "breakdowns": Rules(
        always_has_rows=True,
        row_band=_MARKET,
        keeps_to_dates=True,
        code_lengths=_CODES,
        not_negative=("long_sell_value", "long_buy_value", "long_sell_volume", "long_buy_volume"),
        twins=Severity.REJECT,
    ),
    "index_bars": Rules(
        always_has_rows=True,
        row_band=_MARKET,
        keeps_to_dates=True,
        code_lengths=(4,),
        bars=(Bars(),),
        positive=_PRICES,
        varied=("close",),
        jump=Jump(times=1.5, least=1.0),
        sound_numbers=True,
        twins=Severity.REJECT,
    ),
    "topix_bars": Rules(
        always_has_rows=True,
        keeps_to_dates=True,
        bars=(Bars(),),
        positive=_PRICES,
        sound_numbers=True,
        twins=Severity.REJECT,
    ),
    "futures_bars": _DERIVATIVES,
    "options_bars": _DERIVATIVES,
    "index_option_bars": _DERIVATIVES,
    "major_shareholders": _FILES,
    "cross_shareholdings": _FILES,
    "large_shareholdings": _FILES,
    "disclosures": _FILES,
    "yahoo_intraday_bars": Rules(bars=(Bars(is_whole=False),), positive=("close",), not_negative=("volume",)),
    "yahoo_daily_bars": Rules(
        keeps_to_dates=True,
        bars=(Bars(is_whole=False),),
        positive=("close",),
        not_negative=("volume",),
        jump=Jump(times=10.0, least=1.0),
    ),
}
"""By the name of the dataset; one without an entry is stored as it comes."""
