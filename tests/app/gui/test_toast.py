from __future__ import annotations

from PyQt6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QWidget

from app.gui.actions import PAGES
from app.gui.widgets.basic import Tick
from app.gui.widgets.form import PrimaryButton
from app.gui.widgets.toast import AskBar, Toasts

LONG = "far too many words for one line of it " * 6


def placed(widget: QWidget, window):
    """Its rectangle in the window."""
    return widget.rect().translated(widget.mapTo(window, widget.rect().topLeft()))


def shown_in_a_window(qtbot, asked=lambda _: None) -> Toasts:
    """The toasts of an empty window."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1200, 800)
    window.show()
    return Toasts(window, 100, asked)


def test_a_toast_is_as_high_as_its_words_and_grows_with_its_traceback(qtbot) -> None:
    asked = []
    toasts = shown_in_a_window(qtbot, asked.append)
    short = toasts.show("done", "error")
    assert short.height() < 90
    assert asked[-1] > short.height()
    long = toasts.show(LONG, "error", "Traceback …")
    assert long.height() > short.height()
    assert short.geometry().bottom() < long.geometry().top()  # the newest next to the button
    before, width = long.height(), long.width()
    long.show_details()
    assert long.height() >= before + 120
    assert long.width() > width
    for toast in (short, long):
        toast.dismiss()
    assert asked[-1] == 0


def test_of_many_toasts_the_latest_three_stand_in_the_form(qtbot) -> None:
    toasts = shown_in_a_window(qtbot)
    made = [toasts.show(f"can't be written, {at}", "error", "Traceback …") for at in range(5)]
    assert toasts.shown == made[2:]
    assert all(toast.isHidden() for toast in made[:2])
    for toast in made[2:]:
        assert toast.x() == 116
        assert toast.height() < 120
    assert made[3].geometry().bottom() < made[4].geometry().top()


def test_one_that_says_the_same_takes_its_place_and_pushes_no_other_out(qtbot) -> None:
    """A note on a share that is closed is tried again with each word: three alike hid the rest."""
    toasts = shown_in_a_window(qtbot)
    other = toasts.show("the report failed", "error")
    made = [toasts.show("the note can't be written", "error") for _ in range(4)]
    assert toasts.shown == [other, made[-1]]
    assert all(toast.isHidden() for toast in made[:-1])


def test_a_reason_behind_a_long_path_is_read_and_the_path_is_in_the_details(qtbot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    toasts = Toasts(window, 100, lambda _: None)
    path = "/home/ann/" + "measurements/" * 20 + "twin"
    toast = toasts.show(f"{path} can't be written: the disk is full", "error")
    assert "the disk is full" in toast.findChild(QLabel).text()
    assert path in toast.findChild(QPlainTextEdit).toPlainText()


def test_toasts_lie_over_no_plot_and_no_button(window, qtbot) -> None:
    for size in ((1440, 900), (1280, 720)):
        window.resize(*size)
        looked_at(window, qtbot)


def looked_at(window, qtbot) -> None:
    """Two toasts over every page, and none."""
    window.toast("steps: one every 27.2 ms (median); 3 of 600 late by more than 20 ms", "warning")
    window.toast(LONG, "error", "Traceback …")
    for key in (key for key, _ in PAGES):
        window.open_page(key)
        page = window.page()
        QApplication.processEvents()  # it is laid out
        for toast in window.toasts.shown:
            place = placed(toast, window)
            assert placed(page.form, window).contains(place), key
            assert not place.intersects(placed(page.content, window)), key
            assert not place.intersects(placed(page.form.primary, window)), key
            assert not place.intersects(placed(page.form.rows, window)), key
    for toast in tuple(window.toasts.shown):
        toast.dismiss()
    qtbot.waitUntil(
        lambda: (
            placed(page.form.rows, window).bottom() > placed(page.form.primary, window).top() - 12
        ),
        timeout=60_000,
    )  # the rows have their room back


def test_a_name_with_an_ampersand_is_read_whole_and_is_no_key(qtbot, theme) -> None:
    bar, tick, primary = AskBar(), Tick(theme, "rec-R&D"), PrimaryButton(theme)
    for widget in (bar, tick, primary):
        qtbot.addWidget(widget)
    bar.ask("Close R&D rig?", [("Keep R&D rig", bar.hide)], "Keep R&D rig")
    assert bar.buttons[0].text() == "Keep R&&D rig"  # as Qt shows R&D
    assert bar.harmless is bar.buttons[0]
    primary.say("Go on with R&D", "3 s")
    for words, button in (("rec-R&D", tick), ("Go on with R&D", primary)):
        assert button.text() == words  # these paint it as it stands
        assert button.shortcut().isEmpty()
    assert bar.buttons[0].shortcut().isEmpty()
    tick.setText("rec-R&D, gone")  # as of a recording that was moved away
    assert tick.shortcut().isEmpty()
    assert tick.accessibleName() == "rec-R&D, gone"
