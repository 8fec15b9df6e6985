"""What ended early is opened on its page with itself chosen to go on."""

from __future__ import annotations

from pathlib import Path

from app.gui.begun_bench import DEPLOY, BegunRun
from app.gui.pages.deploy_form import DeployForm
from app.gui.widgets.form import Form

ONE = BegunRun(Path("/library/dep-1"), DEPLOY, Path("/library/net-1"), "1 of 6 runs measured")
OTHER = BegunRun(Path("/library/dep-2"), DEPLOY, Path("/library/net-2"), "2 of 6 runs measured")


def test_a_deployment_that_the_library_has_not_told_yet_is_chosen_once_it_has(theme, qtbot) -> None:
    form = Form(theme, "Deploy", "")
    qtbot.addWidget(form)
    rows = DeployForm(theme, form)
    rows.go_on_with(OTHER.path)
    assert rows.goes_on is None
    rows.offer_unfinished([ONE, OTHER])
    assert rows.goes_on == OTHER
    rows.which.setCurrentIndex(0)  # somebody wants a new run after all
    rows.offer_unfinished([ONE, OTHER])
    assert rows.goes_on is None
    rows.go_on_with(ONE.path)
    assert rows.goes_on == ONE
    rows.go_on_with(None)
    assert rows.goes_on is None


def test_a_training_is_chosen_under_go_on(make_window, qtbot) -> None:
    window = make_window(connected=False)
    window.open_page("network")
    rows = window.pages["network"].rows
    folder = window.session.library.folder / "net-1"
    rows.go_on_with(folder)
    rows.offer_networks((), [BegunRun(folder.with_name("net-0"), "", folder, ""),
                             BegunRun(folder, "", folder, "")])  # fmt: skip
    assert rows.kind.value == "begun"
    assert rows.which.currentData() == folder
