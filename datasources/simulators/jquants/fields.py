"""The fields of every data set of J-Quants V2, in the order in which its answers and files have them."""

from __future__ import annotations

from collections.abc import Mapping

_TABLE = """
/equities/master
    Date Code CoName CoNameEn S17 S17Nm S33 S33Nm ScaleCat Mkt MktNm Mrgn MrgnNm ProdCat
/equities/bars/daily
    Date Code O H L C UL LL Vo Va AdjFactor AdjO AdjH AdjL AdjC AdjVo MO MH ML MC MUL MLL MVo MVa MAdjO MAdjH
    MAdjL MAdjC MAdjVo AO AH AL AC AUL ALL AVo AVa AAdjO AAdjH AAdjL AAdjC AAdjVo
/equities/bars/daily/am
    Date Code MO MH ML MC MVo MVa
/equities/bars/minute
    Date Time Code O H L C Vo Va
/equities/trades
    Date Code Time SessionDistinction Price TradingVolume TransactionId
/equities/valuation
    Date Code EPS FwdEPS BPS ROE FwdROE PER FwdPER PBR MktCap
/equities/investor-types
    PubDate StDate EnDate Section PropSell PropBuy PropTot PropBal BrkSell BrkBuy BrkTot BrkBal TotSell TotBuy
    TotTot TotBal IndSell IndBuy IndTot IndBal FrgnSell FrgnBuy FrgnTot FrgnBal SecCoSell SecCoBuy SecCoTot
    SecCoBal InvTrSell InvTrBuy InvTrTot InvTrBal BusCoSell BusCoBuy BusCoTot BusCoBal OthCoSell OthCoBuy
    OthCoTot OthCoBal InsCoSell InsCoBuy InsCoTot InsCoBal BankSell BankBuy BankTot BankBal TrstBnkSell
    TrstBnkBuy TrstBnkTot TrstBnkBal OthFinSell OthFinBuy OthFinTot OthFinBal
/equities/earnings-calendar
    Date Code CoName FY SectorNm FQ Section
/fins/earnings-date
    PubDate SchDate FQName FYE Code CoName CoNameEn
/fins/summary
    DiscDate DiscTime Code DiscNo DocType CurPerType CurPerSt CurPerEn CurFYSt CurFYEn NxtFYSt NxtFYEn Sales OP
    OdP NP EPS DEPS TA Eq EqAR BPS CFO CFI CFF CashEq Div1Q Div2Q Div3Q DivFY DivAnn DivUnit DivTotalAnn
    PayoutRatioAnn FDiv1Q FDiv2Q FDiv3Q FDivFY FDivAnn FDivUnit FDivTotalAnn FPayoutRatioAnn NxFDiv1Q NxFDiv2Q
    NxFDiv3Q NxFDivFY NxFDivAnn NxFDivUnit NxFPayoutRatioAnn FSales2Q FOP2Q FOdP2Q FNP2Q FEPS2Q NxFSales2Q
    NxFOP2Q NxFOdP2Q NxFNp2Q NxFEPS2Q FSales FOP FOdP FNP FEPS NxFSales NxFOP NxFOdP NxFNp NxFEPS MatChgSub
    SigChgInC ChgByASRev ChgNoASRev ChgAcEst RetroRst ShOutFY TrShFY AvgSh NCSales NCOP NCOdP NCNP NCEPS NCTA
    NCEq NCEqAR NCBPS FNCSales2Q FNCOP2Q FNCOdP2Q FNCNP2Q FNCEPS2Q NxFNCSales2Q NxFNCOP2Q NxFNCOdP2Q NxFNCNP2Q
    NxFNCEPS2Q FNCSales FNCOP FNCOdP FNCNP FNCEPS NxFNCSales NxFNCOP NxFNCOdP NxFNCNP NxFNCEPS ShEq NCShEq ROE
    NCROE
/fins/details
    DiscDate DiscTime Code DiscNo DocType FS
/fins/dividend
    PubDate PubTime Code RefNo StatCode BoardDate IFCode FRCode IFTerm DivRate RecDate ExDate ActRecDate
    PayDate CARefNo DistAmt RetEarn DeemDiv DeemCapGains NetAssetDecRatio CommSpecCode CommDivRate SpecDivRate
/markets/calendar
    Date HolDiv
/markets/margin-interest
    PubDate Date Code IssType ShrtVol LongVol ShrtNegVol LongNegVol ShrtStdVol LongStdVol ShrtVal LongVal
    ShrtNegVal LongNegVal ShrtStdVal LongStdVal
/markets/margin-alert
    PubDate Code AppDate PubReason ShrtOut ShrtOutChg ShrtOutRatio LongOut LongOutChg LongOutRatio SLRatio
    ShrtNegOut ShrtNegOutChg ShrtStdOut ShrtStdOutChg LongNegOut LongNegOutChg LongStdOut LongStdOutChg
    TSEMrgnRegCls
/markets/short-ratio
    Date S33 SellExShortVa ShrtWithResVa ShrtNoResVa
/markets/short-sale-report
    DiscDate CalcDate Code SSName SSAddr DICName DICAddr FundName ShrtPosToSO ShrtPosShares ShrtPosUnits
    PrevRptDate PrevRptRatio Notes
/markets/breakdown
    Date Code LongSellVa ShrtNoMrgnVa MrgnSellNewVa MrgnSellCloseVa LongBuyVa MrgnBuyNewVa MrgnBuyCloseVa
    LongSellVo ShrtNoMrgnVo MrgnSellNewVo MrgnSellCloseVo LongBuyVo MrgnBuyNewVo MrgnBuyCloseVo
/indices/bars/daily
    Date Code O H L C
/indices/bars/daily/topix
    Date O H L C
/derivatives/bars/daily/futures
    Code ProdCat Date O H L C MO MH ML MC EO EH EL EC AO AH AL AC Vo OI Va CM VoOA EmMrgnTrgDiv LTD SQD Settle
    CCMFlag
/derivatives/bars/daily/options
    Code ProdCat UndSSO Date O H L C MO MH ML MC EO EH EL EC AO AH AL AC Vo OI Va CM Strike VoOA EmMrgnTrgDiv
    PCDiv LTD SQD Settle Theo BaseVol UnderPx IV IR CCMFlag
/derivatives/bars/daily/options/225
    Date Code O H L C EO EH EL EC AO AH AL AC Vo OI Va CM Strike VoOA EmMrgnTrgDiv PCDiv LTD SQD Settle Theo
    BaseVol UnderPx IV IR
/edinet/major-shareholders
    DocId Code EdinetCode FilerName FilerNameEn DocTypeCode SubDate SubTime PerSt PerEn Hldrs
/edinet/cross-shareholdings
    DocId Code EdinetCode FilerName FilerNameEn DocTypeCode SubDate SubTime PerSt PerEn Report Largest
    SecondLargest
/edinet/large-volume-shareholders
    DocId Code EdinetCode IsrName DocTypeCode SubDate SubTime LargeHldgTypeCode DocTitle ChgRsn TotalShsHeld
    TotalShsRatio TotalShsRatioLast TotalOutStks Hldrs
/td/list
    DiscNo Code Name DiscDate DiscTime Title DiscStatus RevNo DiscItems Docs
/bulk/list
    Key Size LastModified
"""
BASE_BARS = 16
"""So many of the fields of daily bars come with every plan; the others, of half days, with Premium only."""


def _read(table: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    path = ""
    for line in table.strip().splitlines():
        if line.startswith("/"):
            path = line
            found[path] = ()
        else:
            found[path] += tuple(line.split())
    return found


FIELDS: Mapping[str, tuple[str, ...]] = _read(_TABLE)
"""Path of a data set to its fields."""
