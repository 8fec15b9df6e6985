from __future__ import annotations

import pytest

from app.gui.theme import Theme
from app.gui.widgets.channels import MANY, Channels

FEW = ("X", "Y", "R")
SPECTRUM = tuple(f"S21[{k}]" for k in range(60))


@pytest.fixture
def channels(qtbot):
    made = Channels(Theme("light"))
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize("names", [FEW, SPECTRUM])
def test_every_channel_can_be_chosen_and_is_told_once(channels, names) -> None:
    told = []
    channels.chosen.connect(told.append)
    channels.offer(names)
    assert (channels.count, channels.value, told) == (len(names), 0, [])
    assert channels.few.isVisible() is (len(names) <= MANY)
    assert channels.many.isVisible() is (len(names) > MANY)
    for number in range(1, len(names)):
        channels.choose(number)
        assert channels.value == number
    assert told == list(range(1, len(names)))
    channels.choose(len(names))  # there is none
    assert channels.value == len(names) - 1


def test_another_devices_channels_keep_the_chosen_number_where_it_is_there(channels) -> None:
    told = []
    channels.offer(SPECTRUM)
    channels.choose(2)
    channels.chosen.connect(told.append)
    channels.offer(FEW)
    assert channels.value == 2
    channels.offer(FEW[:2])
    assert channels.value == 0
    channels.offer(())
    assert (channels.value, channels.count, told) == (0, 0, [])


def test_names_side_by_side_have_room_for_their_letters(channels) -> None:
    channels.offer(FEW)
    assert channels.few.width() == 36 * 3
    narrow = channels.many.width()
    channels.offer([f"{name} at 4.25 GHz" for name in SPECTRUM])
    assert channels.many.width() > narrow  # whole
    channels.offer(("ellipticity", "S21[0]"))
    assert channels.few.width() >= 2 * 9 * len("ellipticity")
    channels.offer(("a rather long name of a channel",) * MANY)
    assert channels.few.width() == 300


def test_the_list_shows_the_channel_by_name(channels) -> None:
    channels.offer(SPECTRUM)
    channels.choose(41)
    assert channels.many.currentText() == "S21[41]"
    assert channels.many.accessibleName() == "Channel"
