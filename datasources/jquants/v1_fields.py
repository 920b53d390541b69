"""What J-Quants V1 calls the fields that V2 shortened: one table for each dataset that both have."""

from __future__ import annotations

from collections.abc import Mapping


def _table(text: str) -> Mapping[str, str]:
    """`V1=V2` words as a map from one to the other."""
    pairs = (word.partition("=")[::2] for word in text.split())
    return dict(pairs)


LISTED_ISSUES_NAMES = _table(
    """
    Date=Date Code=Code CompanyName=CoName CompanyNameEnglish=CoNameEn Sector17Code=S17 Sector17CodeName=S17Nm
    Sector33Code=S33 Sector33CodeName=S33Nm ScaleCategory=ScaleCat MarketCode=Mkt MarketCodeName=MktNm
    MarginCode=Mrgn MarginCodeName=MrgnNm
    """
)
DAILY_BARS_NAMES = _table(
    """
    Date=Date Code=Code Open=O High=H Low=L Close=C UpperLimit=UL LowerLimit=LL Volume=Vo TurnoverValue=Va
    AdjustmentFactor=AdjFactor AdjustmentOpen=AdjO AdjustmentHigh=AdjH AdjustmentLow=AdjL AdjustmentClose=AdjC
    AdjustmentVolume=AdjVo MorningOpen=MO MorningHigh=MH MorningLow=ML MorningClose=MC MorningUpperLimit=MUL
    MorningLowerLimit=MLL MorningVolume=MVo MorningTurnoverValue=MVa MorningAdjustmentOpen=MAdjO
    MorningAdjustmentHigh=MAdjH MorningAdjustmentLow=MAdjL MorningAdjustmentClose=MAdjC
    MorningAdjustmentVolume=MAdjVo AfternoonOpen=AO AfternoonHigh=AH AfternoonLow=AL AfternoonClose=AC
    AfternoonUpperLimit=AUL AfternoonLowerLimit=ALL AfternoonVolume=AVo AfternoonTurnoverValue=AVa
    AfternoonAdjustmentOpen=AAdjO AfternoonAdjustmentHigh=AAdjH AfternoonAdjustmentLow=AAdjL
    AfternoonAdjustmentClose=AAdjC AfternoonAdjustmentVolume=AAdjVo
    """
)
MORNING_BARS_NAMES = _table(
    """
    Date=Date Code=Code MorningOpen=MO MorningHigh=MH MorningLow=ML MorningClose=MC MorningVolume=MVo
    MorningTurnoverValue=MVa
    """
)
TRADING_CALENDAR_NAMES = _table(
    """
    Date=Date HolidayDivision=HolDiv
    """
)
INDEX_BARS_NAMES = _table(
    """
    Date=Date Code=Code Open=O High=H Low=L Close=C
    """
)
TOPIX_BARS_NAMES = _table(
    """
    Date=Date Open=O High=H Low=L Close=C
    """
)
FINANCIAL_SUMMARIES_NAMES = _table(
    """
    DisclosedDate=DiscDate DisclosedTime=DiscTime LocalCode=Code DisclosureNumber=DiscNo TypeOfDocument=DocType
    TypeOfCurrentPeriod=CurPerType CurrentPeriodStartDate=CurPerSt CurrentPeriodEndDate=CurPerEn
    CurrentFiscalYearStartDate=CurFYSt CurrentFiscalYearEndDate=CurFYEn NextFiscalYearStartDate=NxtFYSt
    NextFiscalYearEndDate=NxtFYEn NetSales=Sales OperatingProfit=OP OrdinaryProfit=OdP Profit=NP
    EarningsPerShare=EPS DilutedEarningsPerShare=DEPS TotalAssets=TA Equity=Eq EquityToAssetRatio=EqAR
    BookValuePerShare=BPS CashFlowsFromOperatingActivities=CFO CashFlowsFromInvestingActivities=CFI
    CashFlowsFromFinancingActivities=CFF CashAndEquivalents=CashEq ResultDividendPerShare1stQuarter=Div1Q
    ResultDividendPerShare2ndQuarter=Div2Q ResultDividendPerShare3rdQuarter=Div3Q
    ResultDividendPerShareFiscalYearEnd=DivFY ResultDividendPerShareAnnual=DivAnn DistributionsPerUnit(REIT)=DivUnit
    ResultTotalDividendPaidAnnual=DivTotalAnn ResultPayoutRatioAnnual=PayoutRatioAnn
    ForecastDividendPerShare1stQuarter=FDiv1Q ForecastDividendPerShare2ndQuarter=FDiv2Q
    ForecastDividendPerShare3rdQuarter=FDiv3Q ForecastDividendPerShareFiscalYearEnd=FDivFY
    ForecastDividendPerShareAnnual=FDivAnn ForecastDistributionsPerUnit(REIT)=FDivUnit
    ForecastTotalDividendPaidAnnual=FDivTotalAnn ForecastPayoutRatioAnnual=FPayoutRatioAnn
    NextYearForecastDividendPerShare1stQuarter=NxFDiv1Q NextYearForecastDividendPerShare2ndQuarter=NxFDiv2Q
    NextYearForecastDividendPerShare3rdQuarter=NxFDiv3Q NextYearForecastDividendPerShareFiscalYearEnd=NxFDivFY
    NextYearForecastDividendPerShareAnnual=NxFDivAnn NextYearForecastDistributionsPerUnit(REIT)=NxFDivUnit
    NextYearForecastPayoutRatioAnnual=NxFPayoutRatioAnn ForecastNetSales2ndQuarter=FSales2Q
    ForecastOperatingProfit2ndQuarter=FOP2Q ForecastOrdinaryProfit2ndQuarter=FOdP2Q ForecastProfit2ndQuarter=FNP2Q
    ForecastEarningsPerShare2ndQuarter=FEPS2Q NextYearForecastNetSales2ndQuarter=NxFSales2Q
    NextYearForecastOperatingProfit2ndQuarter=NxFOP2Q NextYearForecastOrdinaryProfit2ndQuarter=NxFOdP2Q
    NextYearForecastProfit2ndQuarter=NxFNp2Q NextYearForecastEarningsPerShare2ndQuarter=NxFEPS2Q
    ForecastNetSales=FSales ForecastOperatingProfit=FOP ForecastOrdinaryProfit=FOdP ForecastProfit=FNP
    ForecastEarningsPerShare=FEPS NextYearForecastNetSales=NxFSales NextYearForecastOperatingProfit=NxFOP
    NextYearForecastOrdinaryProfit=NxFOdP NextYearForecastProfit=NxFNp NextYearForecastEarningsPerShare=NxFEPS
    MaterialChangesInSubsidiaries=MatChgSub SignificantChangesInTheScopeOfConsolidation=SigChgInC
    ChangesBasedOnRevisionsOfAccountingStandard=ChgByASRev
    ChangesOtherThanOnesBasedOnRevisionsOfAccountingStandard=ChgNoASRev ChangesInAccountingEstimates=ChgAcEst
    RetrospectiveRestatement=RetroRst
    NumberOfIssuedAndOutstandingSharesAtTheEndOfFiscalYearIncludingTreasuryStock=ShOutFY
    NumberOfTreasuryStockAtTheEndOfFiscalYear=TrShFY AverageNumberOfShares=AvgSh NonConsolidatedNetSales=NCSales
    NonConsolidatedOperatingProfit=NCOP NonConsolidatedOrdinaryProfit=NCOdP NonConsolidatedProfit=NCNP
    NonConsolidatedEarningsPerShare=NCEPS NonConsolidatedTotalAssets=NCTA NonConsolidatedEquity=NCEq
    NonConsolidatedEquityToAssetRatio=NCEqAR NonConsolidatedBookValuePerShare=NCBPS
    ForecastNonConsolidatedNetSales2ndQuarter=FNCSales2Q ForecastNonConsolidatedOperatingProfit2ndQuarter=FNCOP2Q
    ForecastNonConsolidatedOrdinaryProfit2ndQuarter=FNCOdP2Q ForecastNonConsolidatedProfit2ndQuarter=FNCNP2Q
    ForecastNonConsolidatedEarningsPerShare2ndQuarter=FNCEPS2Q
    NextYearForecastNonConsolidatedNetSales2ndQuarter=NxFNCSales2Q
    NextYearForecastNonConsolidatedOperatingProfit2ndQuarter=NxFNCOP2Q
    NextYearForecastNonConsolidatedOrdinaryProfit2ndQuarter=NxFNCOdP2Q
    NextYearForecastNonConsolidatedProfit2ndQuarter=NxFNCNP2Q
    NextYearForecastNonConsolidatedEarningsPerShare2ndQuarter=NxFNCEPS2Q ForecastNonConsolidatedNetSales=FNCSales
    ForecastNonConsolidatedOperatingProfit=FNCOP ForecastNonConsolidatedOrdinaryProfit=FNCOdP
    ForecastNonConsolidatedProfit=FNCNP ForecastNonConsolidatedEarningsPerShare=FNCEPS
    NextYearForecastNonConsolidatedNetSales=NxFNCSales NextYearForecastNonConsolidatedOperatingProfit=NxFNCOP
    NextYearForecastNonConsolidatedOrdinaryProfit=NxFNCOdP NextYearForecastNonConsolidatedProfit=NxFNCNP
    NextYearForecastNonConsolidatedEarningsPerShare=NxFNCEPS
    """
)
FINANCIAL_DETAILS_NAMES = _table(
    """
    DisclosedDate=DiscDate DisclosedTime=DiscTime LocalCode=Code DisclosureNumber=DiscNo TypeOfDocument=DocType
    FinancialStatement=FS
    """
)
EARNINGS_CALENDAR_NAMES = _table(
    """
    Code=Code Date=Date CompanyName=CoName FiscalYear=FY SectorName=SectorNm FiscalQuarter=FQ Section=Section
    """
)
DIVIDENDS_NAMES = _table(
    """
    AnnouncementDate=PubDate AnnouncementTime=PubTime Code=Code ReferenceNumber=RefNo StatusCode=StatCode
    BoardMeetingDate=BoardDate InterimFinalCode=IFCode ForecastResultCode=FRCode InterimFinalTerm=IFTerm
    GrossDividendRate=DivRate RecordDate=RecDate ExDate=ExDate ActualRecordDate=ActRecDate PayableDate=PayDate
    CAReferenceNumber=CARefNo DistributionAmount=DistAmt RetainedEarnings=RetEarn DeemedDividend=DeemDiv
    DeemedCapitalGains=DeemCapGains NetAssetDecreaseRatio=NetAssetDecRatio CommemorativeSpecialCode=CommSpecCode
    CommemorativeDividendRate=CommDivRate SpecialDividendRate=SpecDivRate
    """
)
MARGIN_INTEREST_NAMES = _table(
    """
    Date=Date Code=Code ShortMarginTradeVolume=ShrtVol LongMarginTradeVolume=LongVol
    ShortNegotiableMarginTradeVolume=ShrtNegVol LongNegotiableMarginTradeVolume=LongNegVol
    ShortStandardizedMarginTradeVolume=ShrtStdVol LongStandardizedMarginTradeVolume=LongStdVol IssueType=IssType
    """
)
SHORT_RATIOS_NAMES = _table(
    """
    Date=Date Sector33Code=S33 SellingExcludingShortSellingTurnoverValue=SellExShortVa
    ShortSellingWithRestrictionsTurnoverValue=ShrtWithResVa ShortSellingWithoutRestrictionsTurnoverValue=ShrtNoResVa
    """
)
BREAKDOWNS_NAMES = _table(
    """
    Date=Date Code=Code LongSellValue=LongSellVa ShortSellWithoutMarginValue=ShrtNoMrgnVa
    MarginSellNewValue=MrgnSellNewVa MarginSellCloseValue=MrgnSellCloseVa LongBuyValue=LongBuyVa
    MarginBuyNewValue=MrgnBuyNewVa MarginBuyCloseValue=MrgnBuyCloseVa LongSellVolume=LongSellVo
    ShortSellWithoutMarginVolume=ShrtNoMrgnVo MarginSellNewVolume=MrgnSellNewVo
    MarginSellCloseVolume=MrgnSellCloseVo LongBuyVolume=LongBuyVo MarginBuyNewVolume=MrgnBuyNewVo
    MarginBuyCloseVolume=MrgnBuyCloseVo
    """
)
