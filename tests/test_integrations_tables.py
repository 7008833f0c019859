"""The pandas accessor and the Polars namespace."""

from __future__ import annotations

import subprocess
import sys

import pytest

from framelens import InputError, classify

pytest.importorskip("pandas")
pytest.importorskip("polars")
import pandas as pd
import polars as pl

import framelens.integrations.pandas
import framelens.integrations.polars  # noqa: F401

TEXTS = ["Both sides agreed to keep talking. It rained.", "", "The duty shuts foreign mills out of the market."]
SHARES = [document.frame_shares() for document in classify(TEXTS)]


def test_pandas_rows_and_shares():
    frame = pd.DataFrame({"text": TEXTS, "outlet": ["x", "y", "z"]}, index=[10, 20, 30])
    rows = frame["text"].framelens.classify()
    assert rows["row"].tolist() == [10, 10, 30]
    assert rows["text"].tolist() == ["Both sides agreed to keep talking.", "It rained.", TEXTS[2]]
    joined = frame.join(frame["text"].framelens.frame_shares())
    assert joined.loc[10, "outlet"] == "x"
    assert joined[list(SHARES[0])].to_dict("records") == SHARES
    assert frame["text"].framelens.frame_shares(primary=True).sum(axis=1).tolist() == [1, 0, 1]
    assert [d.text for d in frame["text"].framelens.documents()] == TEXTS


def test_polars_rows_and_shares():
    frame = pl.DataFrame({"text": TEXTS})
    rows = frame["text"].framelens.classify()
    assert rows["row"].to_list() == [0, 0, 2]
    assert rows["frame"].to_list()[0] == "cooperation_appeal"
    assert frame["text"].framelens.frame_shares().to_dicts() == SHARES


def test_no_text_is_named_with_its_place():
    with pytest.raises(InputError, match=r"index 'b' is 3 .*accepted: str"):
        pd.Series({"a": "Rain.", "b": 3}).framelens.classify()
    with pytest.raises(InputError, match="text 1 of 2 is None"):
        pl.Series(["Rain.", None]).framelens.classify()
    with pytest.raises(InputError, match="has the type Int64"):
        pl.Series("n", [1, 2]).framelens.frame_shares()


def test_another_model(toy_run):
    shares = pd.Series(["Rain fell on the harbour."]).framelens.frame_shares(model=toy_run.checkpoint)
    assert list(shares.columns) == ["weather", "economy"]


def test_the_core_imports_no_integration():
    code = (
        "import sys, framelens; framelens.classify('Rain fell.'); "
        "print([m for m in sys.modules if m.split('.')[0] in ('pandas', 'polars', 'spacy', 'sklearn', 'matplotlib', 'torch') "
        "or m.startswith('framelens.integrations')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
