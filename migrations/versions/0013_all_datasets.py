"""The tables of all datasets that J-Quants offers, with their views."""

from __future__ import annotations

from typing import NamedTuple

from alembic import op

revision = "0013"
down_revision = "0012"

TYPES = {"text": "text", "date": "date", "number": "double precision", "jsonb": "jsonb"}


class Table(NamedTuple):
    """A dataset: its name, the columns of its key and that of its date, and all columns, each line those of a type."""

    name: str
    key: str
    date: str
    columns: str


# fmt: off
TABLES = (
    Table("morning_bars", "code on_date", "on_date", """
        text: code
        date: on_date
        number: open high low close volume turnover
    """),
    Table("minute_bars", "code on_date at_time", "on_date", """
        text: code
        date: on_date
        text: at_time
        number: open high low close volume turnover
    """),
    Table("trades", "code on_date transaction_id", "on_date", """
        date: on_date
        text: code at_time trading_session
        number: price volume
        text: transaction_id
    """),
    Table("valuations", "code on_date", "on_date", """
        date: on_date
        text: code
        number: eps forward_eps bps roe forward_roe per forward_per pbr market_cap
    """),
    Table("investor_types", "section start_on end_on published_on", "published_on", """
        date: published_on start_on end_on
        text: section
        number: proprietary_sales proprietary_purchases proprietary_total proprietary_balance
            brokerage_sales brokerage_purchases brokerage_total brokerage_balance total_sales
            total_purchases total_total total_balance individuals_sales individuals_purchases
            individuals_total individuals_balance foreigners_sales foreigners_purchases foreigners_total
            foreigners_balance securities_companies_sales securities_companies_purchases
            securities_companies_total securities_companies_balance investment_trusts_sales
            investment_trusts_purchases investment_trusts_total investment_trusts_balance
            business_companies_sales business_companies_purchases business_companies_total
            business_companies_balance other_companies_sales other_companies_purchases other_companies_total
            other_companies_balance insurance_companies_sales insurance_companies_purchases
            insurance_companies_total insurance_companies_balance banks_sales banks_purchases banks_total
            banks_balance trust_banks_sales trust_banks_purchases trust_banks_total trust_banks_balance
            other_financials_sales other_financials_purchases other_financials_total
            other_financials_balance
    """),
    Table("earnings_calendar", "code fiscal_year quarter", "on_date", """
        date: on_date
        text: code name fiscal_year sector quarter section
    """),
    Table("earnings_dates", "code published_on fiscal_year_end quarter", "published_on", """
        date: published_on scheduled_on
        text: quarter fiscal_year_end code name name_en
    """),
    Table("financial_summaries", "code disclosure_number", "disclosed_on", """
        date: disclosed_on
        text: disclosed_time code disclosure_number document_type period_type
        date: period_start_on period_end_on fiscal_year_start_on fiscal_year_end_on
            next_fiscal_year_start_on next_fiscal_year_end_on
        number: net_sales operating_profit ordinary_profit profit earnings_per_share
            diluted_earnings_per_share total_assets equity equity_to_asset_ratio book_value_per_share
            cash_flows_from_operating_activities cash_flows_from_investing_activities
            cash_flows_from_financing_activities cash_and_equivalents dividend_per_share_1st_quarter
            dividend_per_share_2nd_quarter dividend_per_share_3rd_quarter dividend_per_share_fiscal_year_end
            dividend_per_share_annual distributions_per_unit total_dividend_paid_annual payout_ratio_annual
            forecast_dividend_per_share_1st_quarter forecast_dividend_per_share_2nd_quarter
            forecast_dividend_per_share_3rd_quarter forecast_dividend_per_share_fiscal_year_end
            forecast_dividend_per_share_annual forecast_distributions_per_unit
            forecast_total_dividend_paid_annual forecast_payout_ratio_annual
            next_year_dividend_per_share_1st_quarter next_year_dividend_per_share_2nd_quarter
            next_year_dividend_per_share_3rd_quarter next_year_dividend_per_share_fiscal_year_end
            next_year_dividend_per_share_annual next_year_distributions_per_unit
            next_year_payout_ratio_annual forecast_net_sales_2nd_quarter
            forecast_operating_profit_2nd_quarter forecast_ordinary_profit_2nd_quarter
            forecast_profit_2nd_quarter forecast_earnings_per_share_2nd_quarter
            next_year_net_sales_2nd_quarter next_year_operating_profit_2nd_quarter
            next_year_ordinary_profit_2nd_quarter next_year_profit_2nd_quarter
            next_year_earnings_per_share_2nd_quarter forecast_net_sales forecast_operating_profit
            forecast_ordinary_profit forecast_profit forecast_earnings_per_share next_year_net_sales
            next_year_operating_profit next_year_ordinary_profit next_year_profit
            next_year_earnings_per_share
        text: material_changes_in_subsidiaries significant_changes_in_consolidation
            changes_by_revised_standards other_accounting_changes changes_in_accounting_estimates
            retrospective_restatement
        number: shares_outstanding treasury_shares average_shares non_consolidated_net_sales
            non_consolidated_operating_profit non_consolidated_ordinary_profit non_consolidated_profit
            non_consolidated_earnings_per_share non_consolidated_total_assets non_consolidated_equity
            non_consolidated_equity_to_asset_ratio non_consolidated_book_value_per_share
            forecast_non_consolidated_net_sales_2nd_quarter
            forecast_non_consolidated_operating_profit_2nd_quarter
            forecast_non_consolidated_ordinary_profit_2nd_quarter
            forecast_non_consolidated_profit_2nd_quarter
            forecast_non_consolidated_earnings_per_share_2nd_quarter
            next_year_non_consolidated_net_sales_2nd_quarter
            next_year_non_consolidated_operating_profit_2nd_quarter
            next_year_non_consolidated_ordinary_profit_2nd_quarter
            next_year_non_consolidated_profit_2nd_quarter
            next_year_non_consolidated_earnings_per_share_2nd_quarter forecast_non_consolidated_net_sales
            forecast_non_consolidated_operating_profit forecast_non_consolidated_ordinary_profit
            forecast_non_consolidated_profit forecast_non_consolidated_earnings_per_share
            next_year_non_consolidated_net_sales next_year_non_consolidated_operating_profit
            next_year_non_consolidated_ordinary_profit next_year_non_consolidated_profit
            next_year_non_consolidated_earnings_per_share shareholders_equity
            non_consolidated_shareholders_equity return_on_equity non_consolidated_return_on_equity
    """),
    Table("financial_details", "code disclosure_number", "disclosed_on", """
        date: disclosed_on
        text: disclosed_time code disclosure_number document_type
        jsonb: statements
    """),
    Table("dividends", "code reference_number", "published_on", """
        date: published_on
        text: published_time code reference_number status
        date: board_meeting_on
        text: interim_or_final forecast_or_result term
        number: dividend_rate
        date: record_on ex_on actual_record_on
        text: payable_on action_reference_number distribution_amount retained_earnings deemed_dividend
            deemed_capital_gains net_asset_decrease_ratio commemorative_or_special commemorative_rate
            special_rate
    """),
    Table("margin_interest", "code on_date", "on_date", """
        date: published_on on_date
        text: code issue_type
        number: short_volume long_volume short_negotiable_volume long_negotiable_volume
            short_standardized_volume long_standardized_volume short_value long_value short_negotiable_value
            long_negotiable_value short_standardized_value long_standardized_value
    """),
    Table("margin_alerts", "code published_on applied_on", "published_on", """
        date: published_on
        text: code
        date: applied_on
        jsonb: publish_reason
        number: short_outstanding short_change
        text: short_ratio
        number: long_outstanding long_change
        text: long_ratio
        number: short_long_ratio short_negotiable short_negotiable_change short_standardized
            short_standardized_change long_negotiable long_negotiable_change long_standardized
            long_standardized_change
        text: regulation_class
    """),
    Table("short_ratios", "sector33 on_date", "on_date", """
        date: on_date
        text: sector33
        number: other_sales restricted_short_sales unrestricted_short_sales
    """),
    Table("short_sale_reports", "code disclosed_on calculated_on seller contractor fund", "disclosed_on", """
        date: disclosed_on calculated_on
        text: code seller seller_address contractor contractor_address fund
        number: position_ratio position_shares position_units
        date: previous_on
        number: previous_ratio
        text: notes
    """),
    Table("breakdowns", "code on_date", "on_date", """
        date: on_date
        text: code
        number: long_sell_value short_sell_value margin_sell_new_value margin_sell_close_value
            long_buy_value margin_buy_new_value margin_buy_close_value long_sell_volume short_sell_volume
            margin_sell_new_volume margin_sell_close_volume long_buy_volume margin_buy_new_volume
            margin_buy_close_volume
    """),
    Table("index_bars", "code on_date", "on_date", """
        date: on_date
        text: code
        number: open high low close
    """),
    Table("topix_bars", "on_date", "on_date", """
        date: on_date
        number: open high low close
    """),
    Table("futures_bars", "code on_date emergency_division", "on_date", """
        text: code product_category
        date: on_date
        number: open high low close morning_open morning_high morning_low morning_close night_open
            night_high night_low night_close day_open day_high day_low day_close volume open_interest
            turnover
        text: contract_month
        number: off_auction_volume
        text: emergency_division
        date: last_trading_on special_quotation_on
        number: settlement
        text: is_central_month
    """),
    Table("options_bars", "code on_date emergency_division", "on_date", """
        text: code product_category underlying_code
        date: on_date
        number: open high low close morning_open morning_high morning_low morning_close night_open
            night_high night_low night_close day_open day_high day_low day_close volume open_interest
            turnover
        text: contract_month
        number: strike off_auction_volume
        text: emergency_division put_or_call
        date: last_trading_on special_quotation_on
        number: settlement theoretical base_volatility underlying implied_volatility interest_rate
        text: is_central_month
    """),
    Table("index_option_bars", "code on_date emergency_division", "on_date", """
        date: on_date
        text: code
        number: open high low close night_open night_high night_low night_close day_open day_high day_low
            day_close volume open_interest turnover
        text: contract_month
        number: strike off_auction_volume
        text: emergency_division put_or_call
        date: last_trading_on special_quotation_on
        number: settlement theoretical base_volatility underlying implied_volatility interest_rate
    """),
    Table("major_shareholders", "document_id", "submitted_on", """
        text: document_id code edinet_code filer filer_en document_type
        date: submitted_on
        text: submitted_time
        date: period_start_on period_end_on
        jsonb: holders
    """),
    Table("cross_shareholdings", "document_id", "submitted_on", """
        text: document_id code edinet_code filer filer_en document_type
        date: submitted_on
        text: submitted_time
        date: period_start_on period_end_on
        jsonb: report largest second_largest
    """),
    Table("large_shareholdings", "document_id", "submitted_on", """
        text: document_id code edinet_code issuer document_type
        date: submitted_on
        text: submitted_time holding_type title change_reason
        number: shares_held held_ratio previous_ratio shares_outstanding
        jsonb: holders
    """),
    Table("disclosures", "disclosure_number", "disclosed_on", """
        text: disclosure_number code name
        date: disclosed_on
        text: disclosed_time title status revision
        jsonb: items documents
    """),
)
# fmt: on


def upgrade() -> None:
    for table in TABLES:
        columns = _columns(table.columns)
        numbers = [name for name, type_ in columns if type_ == "number"]
        key = table.key.split()
        declared = ", ".join(f"{name} {TYPES[type_]}{' NOT NULL' if name in key else ''}" for name, type_ in columns)
        op.execute(
            f"""
            CREATE TABLE {table.name} (
                user_id bigint NOT NULL,
                data_source_id bigint NOT NULL,
                {declared},
                extra jsonb,
                execution_id bigint,
                fetched_at timestamptz NOT NULL,
                {_finite(numbers)}
                PRIMARY KEY (user_id, data_source_id, {", ".join(key)})
            )
            """
        )
        if key[0] != table.date:
            op.execute(f"CREATE INDEX {table.name}_of_date ON {table.name} ({table.date})")
        op.execute(f"CREATE VIEW v_data_{table.name} AS SELECT * FROM {table.name}")  # noqa: S608 - names from above


def _columns(text: str) -> list[tuple[str, str]]:
    """Name and type of each column, in order; a line that names no type goes on with that of the line before."""
    found, type_ = [], ""
    for word in text.split():
        if word.endswith(":"):
            type_ = word[:-1]
        else:
            found.append((word, type_))
    return found


def _finite(numbers: list[str]) -> str:
    """Not-a-number and infinity never get in: both are greater than any number, and nulls are left out."""
    if not numbers:
        return ""
    all_of = ", ".join(numbers)
    return f"CHECK (greatest({all_of}) < 'Infinity' AND least({all_of}) > '-Infinity'),"
