"""Makes the page of datasets from what the code declares of them."""

from __future__ import annotations

from datasources.registry import SPECS
from moomarkets.domain.dataset import ColumnType, Dataset
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.source import Endpoint
from tests.arch.modules import ROOT

PAGE = ROOT / "docs/datasets.md"
OPENING = """# Datasets

Each dataset is a typed table that an endpoint of a source fills; `v_data_<name>` is its view for programs. Beside the
columns below every row has its owner (`user_id`, `data_source_id`: vendors' terms are personal), its provenance
(`execution_id`, `fetched_at`), and `extra`, a map of the fields that the provider sent and that are not known here.

Codes are text. Dates are dates of the exchange, instants are UTC. Prices are raw, as traded. Empty texts that the
provider sends for numbers and dates are null here. This page is made by `python -m tests.arch.datasets_page`.
"""
OWNED = ("user_id", "data_source_id", "extra", "execution_id", "fetched_at")
_TYPES = {ColumnType.NUMBER: "number", ColumnType.JSON: "json", ColumnType.INSTANT: "instant"}


def page() -> str:
    """The whole text of the page."""
    by_dataset = {e.dataset.name: (spec.name, e) for spec in SPECS for e in spec.endpoints}
    return OPENING + "".join(_chapter(dataset, *by_dataset[name]) for name, dataset in DATASETS.items())


def _chapter(dataset: Dataset, source: str, endpoint: Endpoint) -> str:
    key = ", ".join(f"`{name}`" for name in dataset.key)
    lines = [f"\n## {dataset.name}\n", f"{dataset.doc} From {source}'s `{endpoint.path}`.\n", f"Key: {key}.\n"]
    lines += ["| column | type | provider's field | meaning |", "|---|---|---|---|"]
    for column in dataset.columns[:-1]:
        type_ = _TYPES.get(column.type, column.type.value)
        field = f"`{column.field}`" if column.field else ""
        lines.append(f"| `{column.name}` | {type_} | {field} | {column.doc} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
