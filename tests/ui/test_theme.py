"""The looks: themes as data, contrast, fonts, icons and where their files are found."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QIcon, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from esviewer.ui import fonts, icons, resources, theme

UI = Path(theme.__file__).parent
THEMES: tuple[theme.Name, ...] = ("light", "dark")
ICONS = sorted(file.stem for file in resources.path("icons").glob("*.svg"))


@pytest.fixture(autouse=True)
def _light(qapp: QApplication) -> Iterator[None]:
    theme.apply(qapp, "light")
    yield
    theme.apply(qapp, "light")


def contrast(one: QColor, other: QColor) -> float:
    """The ratio of WCAG 2.1, from 1 to 21."""

    def channel(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else math.pow((part + 0.055) / 1.055, 2.4)

    def luminance(color: QColor) -> float:
        parts = [channel(part) for part in (color.redF(), color.greenF(), color.blueF())]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_that_both_themes_define_the_same_tokens() -> None:
    assert theme.load("light").tokens == theme.load("dark").tokens


@pytest.mark.parametrize("name", THEMES)
def test_that_the_style_sheet_of_each_theme_has_no_place_left_open(name: theme.Name) -> None:
    assert "$" not in theme.load(name).stylesheet()


def test_that_every_token_named_in_the_code_is_defined() -> None:
    named = {
        (file.name, token)
        for file in UI.rglob("*.py")
        for token in re.findall(r"""\bcolor\(\s*["']([^"']+)["']""", file.read_text(encoding="utf-8"))
    }
    assert {token for _, token in named} >= {"accent", "third"}
    assert [each for each in sorted(named) if each[1] not in theme.load("light").tokens] == []


def test_that_every_icon_named_in_the_code_is_there() -> None:
    call = r"""\b(?:icon|IconLabel|set_icon)\(\s*["']([^"']+)["']"""
    named = {
        (file.name, name) for file in UI.rglob("*.py") for name in re.findall(call, file.read_text(encoding="utf-8"))
    }
    assert {name for _, name in named} >= {"copy", "search"}
    assert [each for each in sorted(named) if each[1] not in ICONS] == []


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("behind", ["window", "panel", "raised", "sunken", "selected", "hover", "badge"])
def test_that_text_is_readable_on_every_ground(name: theme.Name, behind: str) -> None:
    worn = theme.load(name)
    ground = worn.color(behind)
    for token in ("text", "second"):
        assert contrast(worn.color(token), ground) >= 4.5, token
    assert contrast(worn.color("third"), ground) >= 3


@pytest.mark.parametrize("name", THEMES)
def test_that_meaning_is_readable_on_its_own_ground(name: theme.Name) -> None:
    worn = theme.load(name)
    for token in ("added", "removed", "changed"):
        assert contrast(worn.color(token), worn.color(f"{token}_behind")) >= 4.5, token
        assert contrast(worn.color(token), worn.color("panel")) >= 4.5, token
        assert contrast(worn.color("text"), worn.color(f"{token}_behind")) >= 4.5, token
    for token in ("json_key", "json_string", "json_number", "json_keyword"):
        for behind in ("panel", "sunken", "selected"):
            assert contrast(worn.color(token), worn.color(behind)) >= 4.5, (token, behind)
    for token in ("accent", "accent_hover", "accent_pressed"):
        assert contrast(worn.color("on_accent"), worn.color(token)) >= 4.5, token
    for behind in ("panel", "window", "sunken"):
        assert contrast(worn.color("focus"), worn.color(behind)) >= 3, behind


@pytest.mark.parametrize("name", THEMES)
def test_that_every_lane_stands_out_from_the_panel(name: theme.Name) -> None:
    worn = theme.load(name)
    for i in range(16):
        assert contrast(worn.lane(i), worn.color("panel")) >= 3, i


@pytest.mark.parametrize("name", THEMES)
def test_that_colour_and_shape_together_tell_128_lanes_apart(name: theme.Name) -> None:
    worn = theme.load(name)
    assert len({(worn.lane(i).name(), worn.lane_shape(i)) for i in range(128)}) == 128
    assert len({worn.lane_shape(i) for i in range(8)}) == 8


def test_that_a_colour_taken_from_a_theme_can_be_changed_without_changing_the_theme() -> None:
    taken = theme.theme().color("accent")
    taken.setAlpha(10)
    assert theme.theme().color("accent").alpha() == 255


def test_that_a_change_of_theme_is_told_once_and_only_if_it_is_one(qtbot: QtBot, qapp: QApplication) -> None:
    with qtbot.waitSignal(theme.signals().changed):
        theme.apply(qapp, "dark")
    assert theme.theme().name == "dark"
    assert qapp.palette().window().color() == theme.load("dark").color("window")
    with qtbot.assertNotEmitted(theme.signals().changed):
        theme.apply(qapp, "dark")


def test_that_an_unknown_scheme_of_the_system_means_light(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    theme.apply(qapp, "system")
    assert theme.theme().name == "light"


def test_that_the_system_is_not_followed_after_a_choice(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    theme.signals().follow_system()
    assert theme.theme().name == "dark"


def test_that_the_weights_are_different_faces_of_the_fonts_brought_along() -> None:
    for make, family in ((fonts.ui, fonts.SANS), (fonts.mono, fonts.MONO)):
        faces = [make(13, weight) for weight in (400, 500, 600)]
        assert {QFontInfo(face).family() for face in faces} == {family}
        assert [QFontInfo(face).weight() for face in faces] == [400, 500, 600]
    # The mono face has one width at every weight; the other shows that the weights are drawn and not only named.
    widths = [QFontMetricsF(fonts.ui(13, weight)).horizontalAdvance("Hamburg") for weight in (400, 500, 600)]
    assert widths == sorted(set(widths))


def test_that_digits_have_one_width() -> None:
    metrics = QFontMetricsF(fonts.ui())
    assert len({metrics.horizontalAdvance(digit * 8) for digit in "0123456789"}) == 1


def test_that_no_ligature_bends_what_is_written() -> None:
    for metrics in (QFontMetricsF(fonts.ui(16)), QFontMetricsF(fonts.mono(16))):
        for text in ("->", "!=", "=>", "www", "fi"):
            alone = sum(metrics.horizontalAdvance(letter) for letter in text)
            assert metrics.horizontalAdvance(text) == pytest.approx(alone, abs=0.75), text


def test_that_each_font_is_small_and_its_licence_lies_beside_it() -> None:
    folder = resources.path("fonts")
    files = list(folder.glob("*.ttf"))
    assert len(files) == 6
    assert max(file.stat().st_size for file in files) <= 200_000
    for licence in ("OFL-Inter.txt", "OFL-JetBrainsMono.txt"):
        assert "SIL OPEN FONT LICENSE" in (folder / licence).read_text(encoding="utf-8")
    assert "ISC License" in resources.text("icons/LICENSE.txt")


def is_painted_in(picture: QImage, color: QColor) -> bool:
    """Whether there are fully covered pixels, all in this colour (blending rounds by one)."""
    pixels = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
    ink = [pixel.getRgb() for pixel in pixels if pixel.alpha() == 255]
    return bool(ink) and all(each == pytest.approx(color.getRgb(), abs=2) for each in set(ink))


@pytest.mark.parametrize("name", ICONS)
def test_that_each_icon_is_valid_and_leaves_ink_in_its_colour(name: str) -> None:
    assert QSvgRenderer(str(resources.path(f"icons/{name}.svg"))).isValid()
    picture = icons.icon(name, "accent").pixmap(QSize(48, 48), 1.0).toImage()
    assert is_painted_in(picture, theme.theme().color("accent"))


def test_that_an_icon_is_as_sharp_as_the_screen() -> None:
    picture = icons.icon("layers").pixmap(QSize(16, 16), 2.0)
    assert (picture.width(), picture.devicePixelRatio()) == (32, 2.0)


def test_that_an_icon_follows_the_theme_and_is_quiet_when_disabled(qapp: QApplication) -> None:
    icon = icons.icon("layers")
    for name in THEMES:
        theme.apply(qapp, name)
        worn = theme.theme()
        for mode, state, token in (
            (QIcon.Mode.Normal, QIcon.State.Off, "second"),
            (QIcon.Mode.Disabled, QIcon.State.Off, "third"),
            (QIcon.Mode.Normal, QIcon.State.On, "accent"),
        ):
            picture = icon.pixmap(QSize(48, 48), 1.0, mode, state).toImage()
            assert is_painted_in(picture, worn.color(token)), (name, token)


def test_that_an_icon_or_token_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-icon"):
        icons.icon("no-such-icon")
    with pytest.raises(KeyError):
        icons.icon("layers", "no-such-token")


@pytest.mark.parametrize(
    "name",
    ["", "..", "../pyproject.toml", "icons/../../README.md", "/etc/passwd", "C:\\x", "\\\\host\\x", "icons\\..\\x"],
)
def test_that_names_leading_out_of_the_resources_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name inside resources"):
        resources.path(name)


def test_that_setters_of_qt_do_not_use_up_none(qtbot: QtBot) -> None:
    """PySide6 6.12.0 under Python 3.11 loses a reference in each void call and aborts the process in the end."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for i in range(2_000):
        label.setText(str(i))
    assert before - sys.getrefcount(None) < 500
