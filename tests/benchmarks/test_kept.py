"""Records that are kept survive a kill in the middle of a line."""

from benchmarks.kept import add_record, read_records


def test_records_come_back_in_order(tmp_path):
    path = tmp_path / "runs.jsonl"
    assert read_records(path) == []
    for number in range(3):
        add_record(path, {"number": number, "ccc": 0.5})
    assert [record["number"] for record in read_records(path)] == [0, 1, 2]


def test_a_line_cut_off_is_left_out_and_spoils_no_other(tmp_path):
    path = tmp_path / "runs.jsonl"
    add_record(path, {"number": 0})
    add_record(path, {"number": 1, "text": "long enough to be cut"})
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:-9], encoding="utf-8")
    add_record(path, {"number": 2})
    assert [record["number"] for record in read_records(path)] == [0, 2]
