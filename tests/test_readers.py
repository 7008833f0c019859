from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framelens import DataError, FramelensError
from framelens.readers import BadRow, Row, decode, read_rows


def read(path, content: bytes | str, encoding: str = "utf-8") -> list[Row | BadRow]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, encoding))


def test_a_broken_header_is_named(tmp_path):
    with pytest.raises(DataError, match=r"rows\.csv:1: the header is not readable as CSV"):
        read(tmp_path / "rows.csv", '"a""b"x,c\n1,2\n')


def test_a_number_of_5000_digits_spoils_its_row_only(tmp_path):
    rows = read(tmp_path / "rows.jsonl", '{"text": ' + "7" * 5000 + '}\n{"text": "fine"}\n')
    assert isinstance(rows[0], BadRow)
    assert rows[0].where.endswith("rows.jsonl:1")
    assert rows[1].values == {"text": "fine"}


def test_absurd_nesting_spoils_its_row_only(tmp_path):
    rows = read(tmp_path / "rows.jsonl", "[" * 100_000 + '\n{"text": "fine"}\n')
    assert [type(row) for row in rows] == [BadRow, Row]


@pytest.mark.parametrize(("encoding", "data"), [("utf-16", b"\xff"), ("undefined", b"a"), ("base64", b"a"), ("no", b"a")])
def test_an_encoding_that_does_not_fit_is_named(encoding, data):
    with pytest.raises(DataError, match=encoding):
        decode(data, "file", encoding)


def test_a_parquet_file_damaged_within_is_reported_with_its_place(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [f"row {i} " * 20 for i in range(500)]}), path, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[4:200] = b"\xff" * 196
    rows = read(path, bytes(data))
    assert [type(row) for row in rows] == [BadRow]
    assert "rows 1 to 500 are not readable as Parquet" in rows[0].reason


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([".csv", ".tsv", ".jsonl"]), st.text(alphabet='a,"\t\n\r\\{}[]:1é\0\ufeff', max_size=60))
def test_any_content_gives_rows_or_a_named_error(tmp_path_factory, suffix, content):
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    try:
        rows = read(path, content)
    except FramelensError as error:
        said = [str(error)]
    else:
        said = [row.where for row in rows]
    assert all(text.startswith(str(path)) for text in said)
