"""Tables as spreadsheets, LabVIEW and European instruments write them."""

from __future__ import annotations

import csv
import os
import re
import shlex
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.cli.main import main
from app.importing.preview import preview
from app.importing.reading import numeric, read_all
from app.operations.events import Note
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = "n,H (mT),X (V)\n0,0.5,1.25\n1,0.25,-2.5\n2,0.125,1e-3\n"


def found(tmp_path: Path, text: str | bytes, name: str = "a.csv"):
    raw = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(raw)
    return read_all(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace(",", "\t").replace(".", ","),
        "n;H [mT];X [V]\n0;0,5;1,25\n1;0,25;-2,5\n2;0,125;1e-3\n",
        "# LabVIEW\nn,H,X\n,mT,V\n0,0.5,1.25\n1,0.25,-2.5\n2,0.125,1e-3\n",
        "n H X\n- (mT) (V)\n0 0.5 1.25\n1 0.25  -2.5\n2 0.125 1e-3\n",
        "n H X\n- (mT) (V)\n0 5.0D-01 1.25d0\n1 .25D0  -2.5D+00\n2 0.125 1.D-3\n",
        PLAIN.replace("\n", "\r\n").encode("utf-16"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
    ],
)
def test_one_table_in_nine_hands(tmp_path, text):
    read = found(tmp_path, text)
    assert read["H"].values.tolist() == [0.5, 0.25, 0.125]
    assert read["X"].values.tolist() == [1.25, -2.5, 1e-3]
    assert (read["H"].unit, read["X"].unit) == ("mT", "V")
    assert read["values"].values.shape == (3, 3)


def test_names_in_the_encoding_of_windows_are_read(tmp_path):
    assert found(tmp_path, "n;H [µT]\n0;0,5\n1;1,5\n".encode("latin-1"))["H"].unit == "µT"


def test_an_ellipsis_of_windows_ends_no_line(tmp_path):
    text = "# by Müller … don't touch\nn;H\n0;0,5\n1;1,5\n"
    assert found(tmp_path, text.encode("cp1252"))["H"].values.tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    "marks", [{30: '"bad touch'}, {30: '"bad', 40: '"2" disc'}, {30: '"', 31: '"'}]
)
def test_a_stray_quotation_mark_never_takes_the_rows_below_it(tmp_path, marks):
    rows = [f"{t / 50},{t},{marks.get(t, 'ok')}" for t in range(50)]
    with pytest.raises(InputError, match="line 32 has a quotation mark at a cell's begin"):
        found(tmp_path, "\n".join(["H,X,remark", *rows]))


def test_a_stray_quotation_mark_makes_no_number_of_two(tmp_path):
    with pytest.raises(InputError, match="line 3 has a quotation mark"):
        found(tmp_path, 'X\n1\n"2\n3\n4\n')  # had been 1, 234


def test_a_remark_of_several_lines_is_one_cell_and_marks_in_comments_are_none(tmp_path):
    rows = [f"{t / 50},{t},ok" for t in range(50)]
    rows[30] = '0.6,30,"touched it,\nthen waited"'
    assert found(tmp_path, "\n".join(["H,X,remark", *rows]))["X"].values.shape == (50,)
    heads = '"H\n(mT)","X\n(V)",remark'
    assert found(tmp_path, "\n".join([heads, *rows]))["X"].unit == "V"
    disc = '# a disc of 2 "\n'
    text = "H X\n" + disc + "0 1\n" * 3 + disc + "1 2\n" * 3
    assert found(tmp_path, text)["X"].values.tolist() == [1, 1, 1, 2, 2, 2]


def test_names_that_are_numbers_are_names_where_one_is_a_word(tmp_path):
    assert found(tmp_path, "time,1,2\n0,5,6\n")["2"].values.tolist() == [6]


def test_of_three_decimals_one_below_one_tells_what_the_comma_is(tmp_path):
    assert found(tmp_path, "n;X\n0;12,345\n1;-0,512\n")["X"].values.tolist() == [12.345, -0.512]


def test_a_point_among_decimal_commas_may_be_of_thousands(tmp_path):
    """`1.234` beside `0,5` had been 1.234."""
    with pytest.raises(InputError, match=r"line 2, column H: '1\.234' has a point where other"):
        found(tmp_path, "n;H;X\n0;1.234;0,5\n1;900;0,25\n")
    read = found(tmp_path, "n;H;X\n0;0.234;0,5\n1;1.25e-3;0,25\n")
    assert read["H"].values.tolist() == [0.234, 1.25e-3]


@pytest.mark.parametrize(
    "text",
    [
        "n,X\n0,5,\n1,,\n", "n,X,\n0,5\n1,\n", "n,X,\n0,5,\n1,,\n", "# n,X\n0,5,\n1,,\n",
        "# n,X,\n0,5,\n1,6,\n",
    ],
)  # fmt: skip
def test_delimiters_that_end_the_lines_are_no_column(tmp_path, text):
    read = found(tmp_path, text)
    assert read["values"].values.shape == (2, 2)
    assert read["n"].values.tolist() == [0, 1]
    assert found(tmp_path, "0,5,\n1,6,\n")["values"].values.tolist() == [[0, 5], [1, 6]]


def test_a_first_row_of_nothing_but_gaps_is_a_row(tmp_path):
    """Taken for units, it would move each later step one up."""
    assert len(found(tmp_path, "H,X\nNA,NA\n1,2\n3,4\n")["values"].values) == 3
    assert len(found(tmp_path, "H,X\n#N/A,\n1,2\n#N/A,4\n")["values"].values) == 3
    with pytest.raises(InputError, match="line 2, column H: '#DIV/0!' is no number"):
        found(tmp_path, "H,X\n#DIV/0!,3\n1,2\n")
    units = found(tmp_path, "s,H,X\nn/a,mT,-\n0,1,2\n1,3,4\n")
    assert len(units["values"].values) == 2
    assert units["H"].unit == "mT"


def test_words_for_nothing_are_gaps(tmp_path):
    read = found(tmp_path, "n,X\n0,n/a\n1,\n2,--\n3,NaN\n4,7\n")
    assert np.isnan(read["X"].values).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n,X\n0,1\n1,broken\n", r"line 3, column X: 'broken' is no number"),
        ("n,X\n0,1\n1,2,3\n", r"line 3 has 3 columns, its names 2"),
        ("0,1\n1,2\n1,2,3\n", r"line 3 has 3 columns, line 1 2"),
        ("n;X\n0;12,345\n1;1,500\n", r"'12,345' is a thousand times as large without its comma"),
        ('n,X\n0,"1,071.40"\n', r"line 2, column X: '1,071.40' is no number"),
        ("n,X\n", "there are no numbers"),
    ],
)
def test_what_is_no_table_of_numbers_is_named_with_its_line(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        found(tmp_path, text)


def test_columns_of_one_name_are_kept_apart(tmp_path):
    read = found(tmp_path, "n,X,X (V)\n0,1,2\n")
    assert read["X.1"].values.tolist() == [1]
    assert (read["X.2"].values.tolist(), read["X.2"].unit) == ([2], "V")
    assert "X" not in read


def test_of_runs_and_trials_runs_are_the_sequences(tmp_path):
    rows = [f"{s},{r},{t},0.{s}{t},{t}" for s in range(3) for r in range(2) for t in range(4)]
    (tmp_path / "a.csv").write_text("run,trial,n,H,X\n" + "\n".join(rows))
    assert (
        preview(tmp_path / "a.csv").guess == "response=X repeat=trial step=n sequence=run drive=H"
    )


def test_complex_numbers_of_an_npz_are_two_arrays_and_objects_are_left_out(tmp_path):
    objects = np.empty(2, dtype=object)
    np.savez(tmp_path / "a.npz", s21=np.array([1 + 2j, 3 - 1j]), u=np.ones(2), meta=objects)
    read = numeric(read_all(tmp_path / "a.npz"))
    assert set(read) == {"s21.real", "s21.imag", "u"}
    assert read["s21.imag"].values.tolist() == [2, -1]
    np.savez(tmp_path / "b.npz", meta=objects)
    with pytest.raises(InputError, match=r"there is: meta .Python objects"):
        read_all(tmp_path / "b.npz")


def test_a_drive_in_the_files_own_field_unit_is_never_taken_for_a_share(tmp_path):
    rows = [
        f"{s};{r};{t};0,{s + 1}{t};{t + r},5" for s in range(3) for r in range(2) for t in range(4)
    ]
    (tmp_path / "a.csv").write_text("run;trial;n;H [mT];X\n" + "\n".join(rows))
    guess = preview(tmp_path / "a.csv").guess
    assert guess.endswith("drive=H field=auto,mT")
    without = guess.replace(" field=auto,mT", "")
    with pytest.raises(InputError, match="the drive 'H' is in mT"):
        list(import_measured(tmp_path / "a.csv", without, tmp_path / "none"))
    for k, field in enumerate(("field=auto,mT", "field=auto", "field=0.1,0.33")):
        list(import_measured(tmp_path / "a.csv", f"{without} {field}", tmp_path / str(k)))
        window = read_recording(tmp_path / str(k)).window
        assert (window.low_T, window.high_T) == pytest.approx((1e-4, 3.3e-4))


def test_comments_of_matlab_are_comments(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("% 3 May, sample A\nu;x\n0;1,5\n1;2,5\n")
    assert read_all(tmp_path / "a.csv")["x"].values.tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    "above",
    [
        "Messprotokoll\n\n",
        "Keithley 2400, S/N 12\nDate: 01.03.2026, by Müller\nGain;100;x;y\n\n",
        'Sample A\n"two\nlines"\n',
    ],
)
def test_an_instruments_own_lines_above_the_names_are_no_part_of_the_table_and_told(
    tmp_path: Path, above: str
) -> None:
    (tmp_path / "a.csv").write_text(above + "u;x [V]\n0;1,5\n1;2,5\n")
    read = read_all(tmp_path / "a.csv")
    assert read["values"].values.tolist() == [[0.0, 1.5], [1.0, 2.5]]
    assert read["x"].unit == "V"
    left_out = preview(tmp_path / "a.csv").left_out["lines_above"]
    assert left_out.startswith(f"text: {above.splitlines()[0]}")
    events = import_measured(tmp_path / "a.csv", "response=x:step drive=u", tmp_path / "made")
    said = [e.text for e in events if isinstance(e, Note)]
    assert f"lines above the columns' names are not applied to the numbers ({left_out})" in said
    (tmp_path / "a.csv").write_text(above + "u;x\n0;1,5\n1;broken\n")
    with pytest.raises(InputError, match=f"line {above.count(chr(10)) + 3}, column x: 'broken'"):
        read_all(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "table",
    [
        "Messprotokoll;;\nDate: 01.03.2026;Müller;\nu;x [V];y\n0;1,5;3\n1;2,5;4\n",
        "Messprotokoll;;;\n;;;\nu;x [V];y;\ns;V;mV;\n0;1,5;3;\n1;2,5;4;\n",
    ],
)
def test_lines_that_a_spreadsheet_filled_up_with_empty_cells_are_no_names(
    tmp_path: Path, table: str
) -> None:
    (tmp_path / "a.csv").write_text(table)
    read = read_all(tmp_path / "a.csv")
    assert read["values"].values.tolist() == [[0.0, 1.5, 3.0], [1.0, 2.5, 4.0]]
    assert read["x"].unit == "V"
    assert read["lines_above"].values[0] == "Messprotokoll"


@pytest.mark.parametrize("table", ["u;x;y\ns;V;\n0;1,5;3\n", "u;x;\n0;1,5;3\n", "u;x;\n0;1,5;\n"])
def test_names_and_units_with_an_empty_cell_at_their_end_stay_the_tables(
    tmp_path: Path, table: str
) -> None:
    (tmp_path / "a.csv").write_text(table)
    assert read_all(tmp_path / "a.csv")["x"].values.tolist() == [1.5]


@pytest.mark.parametrize("above", ["1;2;3\n", "a;b;c\n1;2;3\n", "Run 7\n1.5\n"])
def test_numbers_above_the_names_may_be_the_tables_and_what_to_do_is_said(
    tmp_path: Path, above: str
) -> None:
    (tmp_path / "a.csv").write_text(above + "u;x\n0;1,5\n1;2,5\n")
    with pytest.raises(InputError, match="put # before lines that are no part of the table"):
        read_all(tmp_path / "a.csv")


def test_a_long_table_takes_a_few_times_its_own_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savetxt(
        tmp_path / "a.csv", rng.random((30_000, 4)), "%.5f", ";", header="a;b;c;d", comments=""
    )
    tracemalloc.start()
    found = read_all(tmp_path / "a.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["d"].values.shape == (30_000,)
    assert peak < 15 * (tmp_path / "a.csv").stat().st_size  # it was 40


def test_a_column_of_dates_is_left_out_and_one_of_words_and_numbers_is_refused(
    tmp_path: Path,
) -> None:
    rows = [f"2026-05-03 12:00:{t:02d};{22 + t};0,{t}5;ok\n" for t in range(30)]
    (tmp_path / "a.csv").write_text("date;H (mT);X;remark\n" + "".join(rows))
    found = numeric(read_all(tmp_path / "a.csv"))
    assert sorted(found) == ["H", "X", "values"]
    assert found["values"].values.shape == (30, 2)
    assert (found["H"].unit, found["X"].values[1]) == ("mT", 0.15)
    (tmp_path / "b.csv").write_text("date;H;X;remark\n" + "".join([*rows, "12;1;0,5;ok\n"]))
    with pytest.raises(InputError, match="line 32, column 1: '12', and above it are words"):
        read_all(tmp_path / "b.csv")


def test_numbers_with_their_unit_in_each_cell_are_no_remarks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,X\n0,5 mV\n1,6 mV\n")
    with pytest.raises(InputError, match="column X: '5 mV' is no number"):
        read_all(tmp_path / "a.csv")


def test_words_for_an_overload_leave_the_repeat_out(tmp_path: Path) -> None:
    rows = [f"{r},{t},{0.1 * r + t}\n" for r in range(3) for t in range(5)]
    rows[7] = "1,2,-OVLD\n"
    (tmp_path / "a.csv").write_text("rep,step,X\n" + "".join(rows))
    events = list(
        import_measured(tmp_path / "a.csv", "response=X repeat=rep step=step", tmp_path / "r")
    )
    assert any("1 repeat holds overloads" in getattr(e, "text", "") for e in events)
    assert read_recording(tmp_path / "r").complete.tolist() == [[True, False, True]]


def test_a_third_line_of_words_is_told_as_one(tmp_path: Path) -> None:
    lines = ["H\tX", "mT\tV", "Field\tLock-in", "22\t0.5", "23\t0.6"]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"line 3 has words below the names .* put # before"):
        read_all(tmp_path / "a.txt")
    lines[2] = "# " + lines[2]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    assert read_all(tmp_path / "a.txt")["H"].unit == "mT"


END = "***End_of_Header***"
LVM = """LabVIEW Measurement
Separator\tTab
Date\t2026/03/01
***End_of_Header***

Channels\t2
Delta_X\t0.1\t0.1
***End_of_Header***
X_Value\tX\tY\tComment
0.0\t1,5\t2,5\t
0.1\t1,6\t2,6\t
"""


def test_labviews_measurement_file(tmp_path: Path) -> None:
    (tmp_path / "a.lvm").write_text(LVM)
    seen = preview(tmp_path / "a.lvm")
    assert seen.guess == "response=X+Y:step,channel"
    assert read_all(tmp_path / "a.lvm")["Y"].values.tolist() == [2.5, 2.6]
    again = LVM + LVM[LVM.index("Channels") :]
    (tmp_path / "b.lvm").write_text(again)
    with pytest.raises(InputError, match="it has 2 segments: save each in a file of its own"):
        read_all(tmp_path / "b.lvm")
    (tmp_path / "c.lvm").write_text(LVM.replace("2,6", "x"))
    with pytest.raises(InputError, match="line 11, column Y: 'x' is no number"):
        read_all(tmp_path / "c.lvm")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it has no rows: 0 bytes"),
        (b"PK\x03\x04" + bytes(40), "no text but a ZIP archive: name it .npz if NumPy made it"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "no text but HDF5: name it .h5"),
        (b"MATLAB 5.0 MAT-file" + bytes(200), "MATLAB's own format: name it .mat"),
        (b"\x93NUMPY" + bytes(40), "name it .npy"),
        (b"\x1f\x8b" + bytes(40), "compressed by gzip: unpack it first"),
        (b"\xd0\xcf\x11\xe0" + bytes(40), "an old workbook: save it as CSV"),
    ],
)
def test_a_file_whose_ending_lies_is_told_as_what_it_is(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_all(tmp_path / "a.csv")
    (tmp_path / "a.h5").write_bytes(b"")
    with pytest.raises(InputError, match="is empty: 0 bytes"):
        read_all(tmp_path / "a.h5")


@pytest.mark.parametrize("x_columns", ["One", "No", "Multi"])
@pytest.mark.parametrize("comments", ["", "\tlost", "\t"])
def test_rows_of_labview_end_before_its_comment_and_units_stand_in_its_header(
    tmp_path: Path, x_columns: str, comments: str
) -> None:
    """As LabVIEW writes them: the last name is Comment, and most rows have none."""
    multi = x_columns == "Multi"
    cells = [["H", "V_x (mV)"], ["22,5", "0,25"], ["23,5", "0,5"], ["24,5", "0,75"]]
    names, *rows = [
        "\t".join([f"{x}\t{a}", f"{x}\t{b}" if multi else b])
        for x, (a, b) in zip(
            ["X_Value", *(["", "", ""] if x_columns == "No" else "123")], cells, strict=True
        )
    ]
    units = "Y_Unit_Label\tmT\t\tV" if multi else "Y_Unit_Label\tmT\tV"
    head = f"LabVIEW Measurement\nX_Columns\t{x_columns}\n{END}\t\n\t\nChannels\t2\t\n"
    head = f"{head}{units}\n{END}\t\n"
    rows[0] += comments
    (tmp_path / "a.lvm").write_text("\n".join([f"{head}{names}\tComment", *rows, ""]))
    found = read_all(tmp_path / "a.lvm")
    assert found["H"].values.tolist() == [22.5, 23.5, 24.5]
    assert found["V_x"].values.tolist() == [0.25, 0.5, 0.75]
    assert (found["H"].unit, found["V_x"].unit) == ("mT", "mV")
    seen = preview(tmp_path / "a.lvm")
    assert seen.guess == "response=V_x:step drive=H field=auto,mT"
    assert not any("begins anew" in note for note in seen.notes)
    (tmp_path / "a.lvm").rename(tmp_path / "run_1.lvm")
    (tmp_path / "run_2.lvm").write_bytes((tmp_path / "run_1.lvm").read_bytes())
    assert "Comment" not in preview(tmp_path).guess


def test_german_names_make_a_map(tmp_path: Path) -> None:
    rows = [
        f"{s};{r};{t};{22 + t},5;0,{s + t}\n" for s in range(2) for r in range(2) for t in range(4)
    ]
    head = "Sequenz;Wiederholung;Schritt;Feld (mT);Spannung (V)\n"
    (tmp_path / "a.csv").write_text(head + "".join(rows), encoding="latin-1")
    assert preview(tmp_path / "a.csv").guess == (
        "response=Spannung sequence=Sequenz repeat=Wiederholung step=Schritt drive=Feld "
        "field=auto,mT"
    )


def test_excels_word_for_its_separator_is_no_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\nH (mT);X\n22,5;0,25\n23,5;0,5\n")
    found = read_all(tmp_path / "a.csv")
    assert (found["H"].unit, found["X"].values.tolist()) == ("mT", [0.25, 0.5])
    (tmp_path / "b.csv").write_text("sep=;\nH;X\n22,5;0,25\n23,5;zero\n")
    with pytest.raises(InputError, match="line 4, column X"):
        read_all(tmp_path / "b.csv")


def test_a_column_of_decimal_commas_without_a_name_is_no_two_columns(tmp_path: Path) -> None:
    """Its 600 numbers had been 600 repeats of two steps."""
    values = np.random.default_rng(0).uniform(-3, 3, 600)
    (tmp_path / "x.csv").write_text("\n".join(f"{v:.4f}".replace(".", ",") for v in values))
    with pytest.raises(InputError, match=r"line \d+: '-?\d,0\d+' is a number with a decimal comma"):
        read_all(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("# X\n-2,557E-3\n1,977E+0\n2,719E-1\n")
    with pytest.raises(InputError, match="line 2: '-2,557E-3' is a number with a decimal comma"):
        read_all(tmp_path / "x.csv")  # had been -2 beside 557E-3
    counted = found(tmp_path, "2,5e-05\n3,0.25\n4,0.5\n")["values"].values  # as %g writes it
    assert counted.tolist() == [[2, 5e-5], [3, 0.25], [4, 0.5]]
    np.savetxt(tmp_path / "n.csv", np.arange(30).reshape(10, 3), fmt="%d", delimiter=",")
    assert read_all(tmp_path / "n.csv")["values"].values.shape == (10, 3)


@pytest.mark.parametrize("name", ["|S21|", "U/mV", "Ch1: X", "I+", 'V "in"', "$V; (a) b", "it's"])
def test_the_map_that_is_shown_goes_through_the_shell_whatever_a_column_is_called(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.csv"
    with file.open("w", newline="") as opened:
        rows = [(r, t, 0.1 * t, t + 0.1 * r) for r in range(3) for t in range(5)]
        csv.writer(opened).writerows([("run", "step", "u", name), *rows])
    assert main(["import", str(file)]) == 0
    line = next(text for text in capsys.readouterr().out.splitlines() if text.startswith("map "))
    assert main(["import", str(file), "--out", str(tmp_path / "r")]) == 2
    words = line[3:].strip()
    assert words in capsys.readouterr().err
    mapping = shlex.split(words, posix=os.name != "nt")
    assert main(["import", str(file), "--map", *mapping, "--out", str(tmp_path / "r")]) == 0
    (channel,) = read_recording(tmp_path / "r").channels
    assert channel == re.sub(r"[:+]", "_", "_".join(name.split()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2\n3 4\n5\n", "line 3 has 1 column, line 1 2"),
        ("x y\n1 2\n3\n", "line 3 has 1 column, its names 2"),
        ("field_mT V\n1.0 2.0\n2.0 3.0\n3.0\n", "line 4 has 1 column, its names 2"),
        ("V\n12 000\n3\n4\n", "line 2 has 2 columns, its names 1"),
    ],
)
def test_numbers_with_blanks_between_them_are_no_names_and_no_units(
    text: str, words: str, tmp_path: Path
) -> None:
    """Where a later line had fewer, the first rows were taken for a head, and lost."""
    with pytest.raises(InputError, match=words):
        found(tmp_path, text, "a.txt")


def test_a_table_of_one_row_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("field,X,sequence,repeat,step\n20,1,0,0,0\n")
    words = "response=X sequence=sequence repeat=repeat step=step drive=field field=20,30,Oe"
    list(import_measured(tmp_path / "a.csv", words, tmp_path / "out"))
    assert read_recording(tmp_path / "out").response.tolist() == [[[[1.0]]]]
