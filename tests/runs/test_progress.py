"""The progress bar says what is done."""

from dexjax.runs.records.progress import Progress


def test_progress_shows_success_and_total(capsys):
    bar = Progress(total=2000, done=500, label="mug")
    bar.update(1000, success=0.625)
    bar.update(2000, success=0.9)
    bar.say("a line")
    bar.close()
    shown = capsys.readouterr().err
    assert "mug" in shown and "2.00k/2.00k" in shown and "success 90.0 %" in shown
    assert "a line\n" in shown
