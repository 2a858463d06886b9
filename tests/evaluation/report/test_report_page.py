"""The report page in a real browser: headless Chromium, opened from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pytest
from browser import needs_chromium
from PIL import Image

from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.evaluation.measurements import write_reports
from lgbpn_cli.evaluation.methods import Method
from lgbpn_cli.evaluation.pairs import pair_pictures
from lgbpn_cli.evaluation.report.denoise_page import DenoisePage
from lgbpn_cli.evaluation.run import evaluate_pairs
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.record import Record

# Worst first: the noise falls with the number. Names try to break out of the page.
NAMES = ("1 <!--<script>", "2 & <i>", "3")
LEVELS = {NAMES[0]: 40, NAMES[1]: 20, NAMES[2]: 10}

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on three photos and two methods."""
    folder = tmp_path_factory.mktemp("report")
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:100, :120]
    clean = 120 + 60 * np.sin(rows / 7)[..., None] + 40 * np.cos(columns / 9)[..., None] * [1.0, 0.3, -1.0]
    for name, sigma in LEVELS.items():
        for kind, pixels in (("noisy", clean + generator.normal(0, sigma, clean.shape)), ("clean", clean)):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / kind / f"{name}.png")
    methods = [Method("half", lambda image: image * 0.5 + 0.24), Method("dark", lambda image: image * 0.9)]
    return write_page(folder, methods, "report.html")


def write_page(folder: Path, methods: list[Method], name: str) -> Path:
    config = EvaluationConfig(noisy=folder / "noisy", reference=folder / "clean", html=folder / name)
    pairing = pair_pictures(config.noisy, config.reference)
    write_reports(evaluate_pairs(pairing, methods, config, command="lgbpn eval"), config)
    return folder / name


@pytest.fixture(scope="module")
def page_of_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of `lgbpn denoise` with two photos: no references."""
    folder = tmp_path_factory.mktemp("run")
    page = DenoisePage(folder / "page.html", 1_000_000, command="lgbpn denoise")
    sources = [folder / "a.jpg", folder / "b.jpg"]
    page.begin("half", {}, sources)
    record = Record("1", "half", "{}")
    run = page.watch(lambda photo, on_tile: Denoised(replace(photo, pixels=photo.pixels // 2), record))
    write = page.keep(lambda denoised, target: target.touch())
    for number, source in enumerate(sources):
        pixels = np.random.default_rng(number).integers(0, 256, (90, 120, 3), np.uint8)
        photo = Photo(source, pixels, alpha=None, format="jpeg", orientation=6)
        source.touch()
        write(run(photo, lambda done, total: None), folder / f"{source.stem}_denoised.jpg")
    page.write()
    return folder / "page.html"


@pytest.fixture
def browser(chromium: Any, page: Path) -> Iterator[Any]:
    """The browser with the page freshly loaded; the page has not complained when the test is over."""
    yield load(chromium, page)
    assert chromium.get_log("browser") == []


@pytest.fixture
def browser_after_a_run(chromium: Any, page_of_a_run: Path) -> Iterator[Any]:
    """The same with the page of a run."""
    yield load(chromium, page_of_a_run)
    assert chromium.get_log("browser") == []


def load(chromium: Any, page: Path) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    chromium.get(page.as_uri())
    WebDriverWait(chromium, 20).until(
        lambda here: here.find_elements("css selector", "#difference[data-ready]")
    )
    return chromium


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def texts(browser: Any, selector: str) -> list[str]:
    return [found.text for found in browser.find_elements("css selector", selector)]


def keys(browser: Any, selector: str, *pressed: str) -> None:
    from selenium.webdriver.common.keys import Keys

    find(browser, selector).send_keys(*(getattr(Keys, key, key) for key in pressed))


def scales(browser: Any) -> set[str]:
    """The zoom of all pictures."""
    script = """return [...document.querySelectorAll('.stage img[src], .stage canvas')].map(
        picture => new DOMMatrix(getComputedStyle(picture).transform).a.toFixed(3));"""
    return set(browser.execute_script(script))


def centres(browser: Any) -> set[tuple[float, float]]:
    """The point of the photo in the middle of each stage."""
    script = """return [...document.querySelectorAll('.stage')].flatMap(stage =>
        [...stage.querySelectorAll('img[src], canvas')].map(picture => {
            const place = new DOMMatrix(getComputedStyle(picture).transform);
            return [(stage.clientWidth / 2 - place.e) / place.a, (stage.clientHeight / 2 - place.f) / place.a];
        }));"""
    return {(round(x, 1), round(y, 1)) for x, y in browser.execute_script(script)}


def test_the_worst_photo_comes_first_and_is_shown(browser: Any) -> None:
    assert [name[0] for name in texts(browser, "#files tbody td:first-child")] == ["1", "2", "3"]
    assert find(browser, "#photo-name").text.startswith("1 <")


def test_all_methods_are_in_the_summary(browser: Any) -> None:
    assert texts(browser, "#summary tbody td:first-child") == ["noisy", "half", "dark"]
    assert "SSIM skimage7" in texts(browser, "#summary th")


def test_a_click_on_a_title_sorts_and_another_turns_the_order(browser: Any) -> None:
    find(browser, "#files [data-key='before']").click()
    assert find(browser, "#files th[aria-sort='ascending']").text.startswith("noisy dB")
    upwards = [float(value) for value in texts(browser, "#files tbody td:nth-child(2)")]
    find(browser, "#files [data-key='before']").click()
    downwards = [float(value) for value in texts(browser, "#files tbody td:nth-child(2)")]
    assert upwards == sorted(upwards)
    assert downwards == upwards[::-1]


def test_the_keyboard_sorts_too(browser: Any) -> None:
    keys(browser, "#files [data-key='photo']", "ENTER")
    keys(browser, "#files [data-key='photo']", "ENTER")
    assert [name[0] for name in texts(browser, "#files tbody td:first-child")] == ["3", "2", "1"]


def test_the_slider_moves_the_divider(browser: Any) -> None:
    def clip() -> str:
        return browser.execute_script(
            "return getComputedStyle(document.getElementById('right-side')).clipPath"
        )

    assert "50%" in clip()
    keys(browser, "#split", *["ARROW_RIGHT"] * 10)
    assert "55%" in clip()


def test_the_divider_can_be_dragged(browser: Any) -> None:
    from selenium.webdriver import ActionChains

    stage = find(browser, "#compare")
    divider = find(browser, "#divider")
    ActionChains(browser).drag_and_drop_by_offset(divider, -stage.size["width"] // 4, 0).perform()
    assert float(find(browser, "#split").get_attribute("value")) == pytest.approx(25, abs=1)


def test_every_picture_zooms_from_100_to_800_percent(browser: Any) -> None:
    find(browser, "#zoom-reset").click()
    assert (scales(browser), find(browser, "#zoom").text) == ({"1.000"}, "100 %")
    find(browser, "#zoom-in").click()
    assert scales(browser) == {"1.250"}
    keys(browser, "body", *"+" * 12)
    assert (scales(browser), find(browser, "#zoom").text) == ({"8.000"}, "800 %")
    keys(browser, "body", "0", "-")
    assert scales(browser) == {"1.000"}


def test_every_picture_moves_with_the_arrow_keys(browser: Any) -> None:
    find(browser, "#zoom-reset").click()
    assert centres(browser) == {(60, 50)}
    keys(browser, "#compare", "ARROW_RIGHT", "ARROW_UP")
    assert centres(browser) == {(100, 10)}


def test_every_picture_moves_with_the_mouse(browser: Any) -> None:
    from selenium.webdriver import ActionChains

    find(browser, "#zoom-reset").click()
    stage = find(browser, "#compare")
    drag = ActionChains(browser).move_to_element_with_offset(stage, 100, 50).click_and_hold()
    drag.move_by_offset(20, 10).release().perform()
    assert centres(browser) == {(40, 40)}


def test_a_name_in_the_table_opens_its_photo(browser: Any) -> None:
    find(browser, "#files tbody tr:nth-child(3) button").click()
    assert find(browser, "#photo-name").text == "3"
    assert find(browser, "#files tr.chosen").text.startswith("3")


def test_n_and_p_go_through_the_photos(browser: Any) -> None:
    keys(browser, "body", "n", "n", "p")
    assert find(browser, "#photo-name").text.startswith("2 & <i>")


def test_a_point_in_the_plot_opens_its_photo(browser: Any) -> None:
    assert len(browser.find_elements("css selector", "#scatter circle")) == 6
    find(browser, "#scatter circle[data-photo='3']").click()
    assert find(browser, "#photo-name").text == "3"


def test_the_right_side_can_show_another_method(browser: Any) -> None:
    before = find(browser, "#right-picture").get_attribute("src")
    keys(browser, "#right", "ARROW_DOWN")
    assert find(browser, "#right-picture").get_attribute("src") != before
    assert find(browser, "#right-caption").text.startswith("dark, ")


def test_the_difference_map_is_the_difference_eight_times(browser: Any, page: Path) -> None:
    noisy, clean = (
        np.asarray(Image.open(page.parent / kind / f"{NAMES[0]}.png")).astype(float)
        for kind in ("noisy", "clean")
    )
    expected = np.clip(8 * np.abs(noisy * 0.5 + 0.24 * 255 - clean), 0, 255)

    script = """return [...document.getElementById('difference').getContext('2d')
        .getImageData(0, 0, 120, 100).data].filter((value, index) => index % 4 < 3)"""
    shown = np.array(browser.execute_script(script)).reshape(expected.shape)
    assert np.abs(shown - expected).mean() < 30  # the page's copies are JPEGs
    assert np.corrcoef(shown.ravel(), expected.ravel())[0, 1] > 0.85


def test_the_noise_correlation_is_drawn(browser: Any) -> None:
    assert texts(browser, "#correlation .legend span") == ["noise", "removed by half", "removed by dark"]
    assert len(browser.find_elements("css selector", "#correlation path:not(.axis)")) == 6


def test_the_whole_files_are_linked(browser: Any) -> None:
    links = [link.get_attribute("href") for link in browser.find_elements("css selector", "#photo-facts a")]
    assert [Path(unquote(urlparse(link).path)).exists() for link in links] == [True, True]


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any) -> None:
    assert widths_on_a_phone(browser) == [360, 360]


def widths_on_a_phone(browser: Any) -> list[int]:
    """The width of the screen, and of the page on it."""
    return on_a_phone(browser, "return [innerWidth, document.documentElement.scrollWidth]")


def on_a_phone(browser: Any, script: str) -> Any:
    """What a script returns on a screen of a phone's size."""
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        return browser.execute_script(script)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_buttons_of_the_zoom_stay_together_however_narrow_their_bar_is(browser: Any) -> None:
    script = """const bar = document.querySelector('.bar'), tops = new Set();
        for (let width = 240; width <= 400; width += 10) {
            bar.style.width = `${width}px`;
            const [first, last] = ['zoom-out', 'zoom-reset'].map(id => document.getElementById(id));
            tops.add(last.getBoundingClientRect().top - first.getBoundingClientRect().top);
        }
        return [...tops]"""
    assert browser.execute_script(script) == [0]


def test_on_a_phone_the_methods_stay_in_sight_beside_their_figures(browser: Any) -> None:
    moved, left = on_a_phone(
        browser,
        """const table = document.getElementById('summary'), box = table.parentElement;
        box.scrollLeft = 200;
        const cell = table.querySelector('tbody td');
        return [box.scrollLeft, cell.getBoundingClientRect().left - box.getBoundingClientRect().left]""",
    )
    assert moved == 200
    assert abs(left) < 1


def test_the_axes_are_marked_at_round_numbers(browser: Any) -> None:
    for plot in ("#scatter", "#correlation"):
        marks = [float(text) for text in texts(browser, f"{plot} .tick")]
        # One axis after the other: a step down begins the next.
        start = next(index for index in range(1, len(marks)) if marks[index] < marks[index - 1])
        for axis in (marks[:start], marks[start:]):
            steps = np.diff(axis)
            assert len(axis) >= 3
            assert steps == pytest.approx([steps[0]] * len(steps))
            assert axis[0] / steps[0] == pytest.approx(round(axis[0] / steps[0]))


def test_many_comparisons_are_folded_and_few_are_not(browser: Any, page: Path) -> None:
    def folded() -> bool:
        return not find(browser, "#comparisons").is_displayed()

    assert not folded()
    four = [Method(name, lambda image: image * 0.5) for name in ("a", "b", "c", "d")]
    load(browser, write_page(page.parent, four, "four.html"))
    assert folded()
    find(browser, "#comparisons-title").click()
    assert len(texts(browser, "#comparisons li")) == 6
    assert not folded()


def test_every_control_can_be_reached_with_the_tab_key(browser: Any) -> None:
    wanted = "#previous #next #left #right #zoom-out #zoom-in #zoom-reset #compare #split #method"
    script = """return [...document.querySelectorAll(arguments[0])].map(found => found.tabIndex)"""
    assert set(browser.execute_script(script, wanted.replace(" ", ","))) == {0}
    find(browser, "#previous").send_keys("\ue004")  # tab
    assert browser.switch_to.active_element.get_attribute("id") == "next"


def test_the_page_of_a_run_compares_without_a_reference(browser_after_a_run: Any) -> None:
    browser = browser_after_a_run
    assert texts(browser, "#left option") == texts(browser, "#right option") == ["noisy", "half"]
    assert not find(browser, "#reference-figure").is_displayed()
    assert not find(browser, "#scatter-section").is_displayed()
    assert texts(browser, "h2")[0].startswith("Before and after")
    assert find(browser, "#difference-caption").text.startswith("difference between half and noisy")
    assert texts(browser, "#correlation .legend span") == ["removed by half"]
    assert widths_on_a_phone(browser) == [360, 360]


def test_the_page_of_a_run_shows_turned_photos_upright_and_links_them(browser_after_a_run: Any) -> None:
    browser = browser_after_a_run
    picture = find(browser, "#right-picture")
    assert [picture.get_property(name) for name in ("naturalWidth", "naturalHeight")] == [90, 120]
    links = [link.get_attribute("href") for link in browser.find_elements("css selector", "#photo-facts a")]
    assert [Path(urlparse(link).path).exists() for link in links] == [True, True]


def test_the_slider_of_a_runs_page_moves_and_its_photos_can_be_gone_through(browser_after_a_run: Any) -> None:
    browser = browser_after_a_run
    keys(browser, "#split", *["ARROW_RIGHT"] * 10)
    assert find(browser, "#divider").get_attribute("style") == "left: 55%;"
    first = find(browser, "#photo-name").text
    keys(browser, "body", "n")
    assert {first, find(browser, "#photo-name").text} == {"a.jpg", "b.jpg"}
