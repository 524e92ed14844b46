"""What streams say of themselves."""

from agents.live import Event, StreamInfo


def test_names_of_the_network_do_nothing_to_a_terminal():
    info = StreamInfo(
        "a\x1b]0;x\x07", ("C\x1b[2JZ", "FZ\u202e"), 200.0, "uV", {"C\x1b[2JZ": (0, 0, 1)}
    )
    for text in (info.name, *info.channels, *info.positions):
        assert text.isprintable()
    assert set(info.positions) == {info.channels[0]}
    assert Event("note", 1.0, "door \x1b[31m").detail.isprintable()
    assert StreamInfo("µV – Bühne", ("CZ",), 200.0).name == "µV – Bühne"
