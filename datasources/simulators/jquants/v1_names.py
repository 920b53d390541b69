"""The names that J-Quants V1 had for the fields of V2."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from datasources.simulators.jquants.fields import FIELDS

# Path of V2, and the names of V1 in the order of V2's fields; `-` is what V1 did not have.
_TABLE = """
/equities/master
    Date Code CompanyName CompanyNameEnglish Sector17Code Sector17CodeName Sector33Code Sector33CodeName
    ScaleCategory MarketCode MarketCodeName MarginCode MarginCodeName -
/equities/bars/daily/am
    Date Code MorningOpen MorningHigh MorningLow MorningClose MorningVolume MorningTurnoverValue
/equities/earnings-calendar
    Date Code CompanyName FiscalYear SectorName FiscalQuarter Section
/fins/summary
    DisclosedDate DisclosedTime LocalCode DisclosureNumber TypeOfDocument TypeOfCurrentPeriod
    CurrentPeriodStartDate CurrentPeriodEndDate CurrentFiscalYearStartDate CurrentFiscalYearEndDate
    NextFiscalYearStartDate NextFiscalYearEndDate NetSales OperatingProfit OrdinaryProfit Profit
    EarningsPerShare DilutedEarningsPerShare TotalAssets Equity EquityToAssetRatio BookValuePerShare
    CashFlowsFromOperatingActivities CashFlowsFromInvestingActivities CashFlowsFromFinancingActivities
    CashAndEquivalents ResultDividendPerShare1stQuarter ResultDividendPerShare2ndQuarter
    ResultDividendPerShare3rdQuarter ResultDividendPerShareFiscalYearEnd ResultDividendPerShareAnnual
    DistributionsPerUnit(REIT) ResultTotalDividendPaidAnnual ResultPayoutRatioAnnual
    ForecastDividendPerShare1stQuarter ForecastDividendPerShare2ndQuarter ForecastDividendPerShare3rdQuarter
    ForecastDividendPerShareFiscalYearEnd ForecastDividendPerShareAnnual ForecastDistributionsPerUnit(REIT)
    ForecastTotalDividendPaidAnnual ForecastPayoutRatioAnnual NextYearForecastDividendPerShare1stQuarter
    NextYearForecastDividendPerShare2ndQuarter NextYearForecastDividendPerShare3rdQuarter
    NextYearForecastDividendPerShareFiscalYearEnd NextYearForecastDividendPerShareAnnual
    NextYearForecastDistributionsPerUnit(REIT) NextYearForecastPayoutRatioAnnual ForecastNetSales2ndQuarter
    ForecastOperatingProfit2ndQuarter ForecastOrdinaryProfit2ndQuarter ForecastProfit2ndQuarter
    ForecastEarningsPerShare2ndQuarter NextYearForecastNetSales2ndQuarter
    NextYearForecastOperatingProfit2ndQuarter NextYearForecastOrdinaryProfit2ndQuarter
    NextYearForecastProfit2ndQuarter NextYearForecastEarningsPerShare2ndQuarter ForecastNetSales
    ForecastOperatingProfit ForecastOrdinaryProfit ForecastProfit ForecastEarningsPerShare
    NextYearForecastNetSales NextYearForecastOperatingProfit NextYearForecastOrdinaryProfit
    NextYearForecastProfit NextYearForecastEarningsPerShare MaterialChangesInSubsidiaries
    SignificantChangesInTheScopeOfConsolidation ChangesBasedOnRevisionsOfAccountingStandard
    ChangesOtherThanOnesBasedOnRevisionsOfAccountingStandard ChangesInAccountingEstimates
    RetrospectiveRestatement NumberOfIssuedAndOutstandingSharesAtTheEndOfFiscalYearIncludingTreasuryStock
    NumberOfTreasuryStockAtTheEndOfFiscalYear AverageNumberOfShares NonConsolidatedNetSales
    NonConsolidatedOperatingProfit NonConsolidatedOrdinaryProfit NonConsolidatedProfit
    NonConsolidatedEarningsPerShare NonConsolidatedTotalAssets NonConsolidatedEquity
    NonConsolidatedEquityToAssetRatio NonConsolidatedBookValuePerShare
    ForecastNonConsolidatedNetSales2ndQuarter ForecastNonConsolidatedOperatingProfit2ndQuarter
    ForecastNonConsolidatedOrdinaryProfit2ndQuarter ForecastNonConsolidatedProfit2ndQuarter
    ForecastNonConsolidatedEarningsPerShare2ndQuarter NextYearForecastNonConsolidatedNetSales2ndQuarter
    NextYearForecastNonConsolidatedOperatingProfit2ndQuarter
    NextYearForecastNonConsolidatedOrdinaryProfit2ndQuarter NextYearForecastNonConsolidatedProfit2ndQuarter
    NextYearForecastNonConsolidatedEarningsPerShare2ndQuarter ForecastNonConsolidatedNetSales
    ForecastNonConsolidatedOperatingProfit ForecastNonConsolidatedOrdinaryProfit ForecastNonConsolidatedProfit
    ForecastNonConsolidatedEarningsPerShare NextYearForecastNonConsolidatedNetSales
    NextYearForecastNonConsolidatedOperatingProfit NextYearForecastNonConsolidatedOrdinaryProfit
    NextYearForecastNonConsolidatedProfit NextYearForecastNonConsolidatedEarningsPerShare
    - - - -
/fins/details
    DisclosedDate DisclosedTime LocalCode DisclosureNumber TypeOfDocument FinancialStatement
/fins/dividend
    AnnouncementDate AnnouncementTime Code ReferenceNumber StatusCode BoardMeetingDate InterimFinalCode
    ForecastResultCode InterimFinalTerm GrossDividendRate RecordDate ExDate ActualRecordDate PayableDate
    CAReferenceNumber DistributionAmount RetainedEarnings DeemedDividend DeemedCapitalGains NetAssetDecreaseRatio
    CommemorativeSpecialCode CommemorativeDividendRate SpecialDividendRate
/markets/calendar
    Date HolidayDivision
/markets/margin-interest
    - Date Code IssueType ShortMarginTradeVolume LongMarginTradeVolume ShortNegotiableMarginTradeVolume
    LongNegotiableMarginTradeVolume ShortStandardizedMarginTradeVolume LongStandardizedMarginTradeVolume
    - - - - - -
/markets/margin-alert
    PublishedDate Code ApplicationDate PublishReason ShortMarginOutstanding DailyChangeShortMarginOutstanding
    ShortMarginOutstandingListedShareRatio LongMarginOutstanding DailyChangeLongMarginOutstanding
    LongMarginOutstandingListedShareRatio ShortLongRatio ShortNegotiableMarginOutstanding
    DailyChangeShortNegotiableMarginOutstanding ShortStandardizedMarginOutstanding
    DailyChangeShortStandardizedMarginOutstanding LongNegotiableMarginOutstanding
    DailyChangeLongNegotiableMarginOutstanding LongStandardizedMarginOutstanding
    DailyChangeLongStandardizedMarginOutstanding TSEMarginBorrowingAndLendingRegulationClassification
/markets/short-ratio
    Date Sector33Code SellingExcludingShortSellingTurnoverValue ShortSellingWithRestrictionsTurnoverValue
    ShortSellingWithoutRestrictionsTurnoverValue
/markets/short-sale-report
    DisclosedDate CalculatedDate Code ShortSellerName ShortSellerAddress DiscretionaryInvestmentContractorName
    DiscretionaryInvestmentContractorAddress InvestmentFundName ShortPositionsToSharesOutstandingRatio
    ShortPositionsInSharesNumber ShortPositionsInTradingUnitsNumber CalculationInPreviousReportingDate
    ShortPositionsInPreviousReportingRatio Notes
/markets/breakdown
    Date Code LongSellValue ShortSellWithoutMarginValue MarginSellNewValue MarginSellCloseValue LongBuyValue
    MarginBuyNewValue MarginBuyCloseValue LongSellVolume ShortSellWithoutMarginVolume MarginSellNewVolume
    MarginSellCloseVolume LongBuyVolume MarginBuyNewVolume MarginBuyCloseVolume
"""
_PRICES = {"O": "Open", "H": "High", "L": "Low", "C": "Close"}
_BARS = {**_PRICES, "UL": "UpperLimit", "LL": "LowerLimit", "Vo": "Volume", "Va": "TurnoverValue"}
_HALVES = {"M": "Morning", "A": "Afternoon"}
_SESSIONS = {"": "WholeDay", "M": "MorningSession", "E": "NightSession", "A": "DaySession"}
_SIDES = {"Sell": "Sales", "Buy": "Purchases", "Tot": "Total", "Bal": "Balance"}
_INVESTORS = {
    "Prop": "Proprietary",
    "Brk": "Brokerage",
    "Tot": "Total",
    "Ind": "Individuals",
    "Frgn": "Foreigners",
    "SecCo": "SecuritiesCos",
    "InvTr": "InvestmentTrusts",
    "BusCo": "BusinessCos",
    "OthCo": "OtherCos",
    "InsCo": "InsuranceCos",
    "Bank": "CityBKsRegionalBKsEtc",
    "TrstBnk": "TrustBanks",
    "OthFin": "OtherFinancialInstitutions",
}
_CONTRACTS = {
    "ProdCat": "DerivativesProductCategory",
    "UndSSO": "UnderlyingSSO",
    "Vo": "Volume",
    "OI": "OpenInterest",
    "Va": "TurnoverValue",
    "CM": "ContractMonth",
    "Strike": "StrikePrice",
    "VoOA": "Volume(OnlyAuction)",
    "EmMrgnTrgDiv": "EmergencyMarginTriggerDivision",
    "PCDiv": "PutCallDivision",
    "LTD": "LastTradingDay",
    "SQD": "SpecialQuotationDay",
    "Settle": "SettlementPrice",
    "Theo": "TheoreticalPrice",
    "BaseVol": "BaseVolatility",
    "UnderPx": "UnderlyingPrice",
    "IV": "ImpliedVolatility",
    "IR": "InterestRate",
    "CCMFlag": "CentralContractMonthFlag",
}
_KEPT = {"Date": "Date", "Code": "Code", "Section": "Section"}


def _of_bars() -> dict[str, str]:
    names = {**_KEPT, **_BARS, "AdjFactor": "AdjustmentFactor"}
    adjusted = {f"Adj{name}": f"Adjustment{_BARS[name]}" for name in ("O", "H", "L", "C", "Vo")}
    for half, said in _HALVES.items():
        names |= {f"{half}{name}": f"{said}{told}" for name, told in (_BARS | adjusted).items()}
    return names | adjusted


def _of_contracts() -> dict[str, str]:
    prices = {f"{part}{name}": f"{said}{_PRICES[name]}" for part, said in _SESSIONS.items() for name in _PRICES}
    return {**_KEPT, **prices, **_CONTRACTS}


def _of_investors() -> dict[str, str]:
    names = {**_KEPT, "PubDate": "PublishedDate", "StDate": "StartDate", "EnDate": "EndDate"}
    for who, said in _INVESTORS.items():
        names |= {f"{who}{side}": f"{said}{told}" for side, told in _SIDES.items()}
    return names


def _read(table: str) -> dict[str, Mapping[str, str]]:
    told: dict[str, list[str]] = {}
    path = ""
    for line in table.strip().splitlines():
        if line.startswith("/"):
            path = line
            told[path] = []
        else:
            told[path] += line.split()
    return {path: dict(zip(FIELDS[path], names, strict=True)) for path, names in told.items()}


NAMES: Mapping[str, Mapping[str, str]] = {
    **_read(_TABLE),
    "/equities/bars/daily": _of_bars(),
    "/equities/investor-types": _of_investors(),
    "/indices/bars/daily": {**_KEPT, **_PRICES},
    "/indices/bars/daily/topix": {**_KEPT, **_PRICES},
    **dict.fromkeys(
        (f"/derivatives/bars/daily/{kind}" for kind in ("futures", "options", "options/225")), _of_contracts()
    ),
}
"""Path of V2 to its fields with their names in V1; `-` for none."""


def renamed(path: str, rows: Sequence[str], without: frozenset[str] = frozenset()) -> list[str]:
    """Rows of V2 as V1 had them, without what V1 did not have and without those of `without`."""
    names = {field: name for field, name in NAMES[path].items() if name != "-" and name not in without}
    return [_renamed(names, json.loads(row)) for row in rows]


def _renamed(names: Mapping[str, str], row: Mapping[str, Any]) -> str:
    told = {names[field]: value for field, value in row.items() if field in names}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
