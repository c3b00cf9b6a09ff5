import pytest

from cli.output import Output


def test_a_line_bears_its_program_s_name_without_colour_where_no_terminal_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output().line("auth", "serving")
    assert capsys.readouterr().out == "auth      | serving\n"


def test_a_line_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    Output().line("auth", "x" * 100_000)
    assert len(capsys.readouterr().out) < 10_000
