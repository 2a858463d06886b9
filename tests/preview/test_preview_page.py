"""The preview's page in a real browser: headless Chromium, opened from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import needs_chromium

from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.preview.page import ShownPlace, Way, as_page, picture_url

WAYS = (
    Way("noisy", "noisy", None),
    Way("fast auto", "fast, auto", ()),
    Way("fast 40%", "fast, 40%", ("--strength", "0.4")),
)
NAME = "</script><b>it's.jpg"
SIDE = 64

pytestmark = needs_chromium


def url_of(level: int) -> str:
    pixels = np.full((SIDE, SIDE, 3), level, np.uint8)
    return picture_url(Photo(Path("a.png"), pixels, alpha=None, format="png", orientation=1))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three places and three ways; each picture has a level of its own."""
    places = [
        ShownPlace(
            name,
            (10 * number, 20),
            (SIDE, SIDE),
            {way.key: url_of(60 * number + 20 * k) for k, way in enumerate(WAYS)},
        )
        for number, name in enumerate(("most texture", "noisiest even area", "brightest area"))
    ]
    path = tmp_path_factory.mktemp("preview") / "page.html"
    path.write_text(as_page(NAME, "1.0 megapixels", ["lgbpn", "denoise", NAME], WAYS, places), "utf-8")
    return path


@pytest.fixture
def browser(chromium: Any, page: Path) -> Iterator[Any]:
    """The browser with the page freshly loaded; the page has not complained when the test is over."""
    chromium.get(page.as_uri())
    yield chromium
    assert chromium.get_log("browser") == []


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def level_shown(browser: Any, selector: str) -> int:
    """The level of the picture that an element of the page shows."""
    script = """const picture = document.querySelector(arguments[0]), canvas = document.createElement('canvas');
        await picture.decode();
        canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
        const context = canvas.getContext('2d');
        context.drawImage(picture, 0, 0);
        return context.getImageData(5, 5, 1, 1).data[0]"""
    return int(
        browser.execute_script(f"return (async (...arguments) => {{{script}}})(...arguments)", selector)
    )


def test_every_place_shows_the_photo_and_the_default_result_side_by_side(browser: Any) -> None:
    names = [title.text for title in browser.find_elements("css selector", ".place h2")]
    assert [name.split(" at ")[0] for name in names] == [
        "most texture",
        "noisiest even area",
        "brightest area",
    ]
    assert names[1].endswith("at 10,20")
    for number in range(3):
        place = f".place:nth-child({number + 1})"
        assert level_shown(browser, f"{place} .left img") == 60 * number
        assert level_shown(browser, f"{place} .right img") == 60 * number + 20
    assert find(browser, "h1").text == NAME


def test_a_click_on_a_small_picture_shows_it_everywhere_with_its_command(browser: Any) -> None:
    find(browser, ".place:nth-child(2) figure:nth-child(3) .show").click()
    assert [level_shown(browser, f".place:nth-child({n}) .right img") for n in (1, 2, 3)] == [40, 100, 160]
    assert find(browser, "#command").text == "lgbpn denoise '</script><b>it'\"'\"'s.jpg' --strength 0.4"
    assert find(browser, "#right").get_attribute("value") == "fast 40%"
    find(browser, ".place:nth-child(1) figure:nth-child(1) .show").click()
    assert find(browser, "#command").text == "the photo as it is"
    assert not find(browser, "#copy").is_displayed()


def test_either_side_can_show_any_way(browser: Any) -> None:
    find(browser, "#left").send_keys("fast, 40%")
    assert level_shown(browser, ".left img") == 40
    assert find(browser, ".captions").text.split("\n")[0].startswith("fast, 40%")


def test_the_slider_and_the_mouse_move_all_dividers(browser: Any) -> None:
    from selenium.webdriver import ActionChains

    def clips() -> list[str]:
        script = (
            "return [...document.querySelectorAll('.right')].map(side => getComputedStyle(side).clipPath)"
        )
        found: list[str] = browser.execute_script(script)
        return found

    assert clips() == ["inset(0px 0px 0px 50%)"] * 3
    find(browser, "#split").send_keys("\ue014" * 10)  # arrow to the right
    assert clips() == ["inset(0px 0px 0px 55%)"] * 3
    stage = find(browser, ".place:nth-child(2) .stage")
    move = ActionChains(browser).move_to_element(stage).click_and_hold()
    move.move_by_offset(-stage.size["width"] // 4, 0).release().perform()
    assert float(find(browser, "#split").get_attribute("value")) == pytest.approx(25, abs=1)


def test_the_zoom_shows_pixels_once_twice_or_four_times_as_large(browser: Any) -> None:
    for zoom in ("4", "1", "2"):
        find(browser, f"#zoom option[value='{zoom}']").click()
        widths = {picture.size["width"] for picture in browser.find_elements("css selector", ".stage img")}
        assert widths == {int(zoom) * SIDE}


def test_the_flags_copy_the_whole_command(browser: Any) -> None:
    origin = {"origin": "file://", "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", origin)
    button = find(browser, ".place:nth-child(1) figure:nth-child(3) .flags")
    assert button.text == "--strength 0.4"
    button.click()
    copied = browser.execute_async_script(
        "const done = arguments[0]; setTimeout(() => navigator.clipboard.readText().then(done, done), 200)"
    )
    assert copied == find(browser, ".place figure:nth-child(3) .flags").get_attribute("title")
    assert copied.endswith("--strength 0.4")


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any) -> None:
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        widths = browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert widths == [360, 360]


def test_the_page_asks_no_network_for_anything(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "http" not in text
    assert "</script><b>" not in text
