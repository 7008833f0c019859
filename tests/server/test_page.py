"""The page in Chromium, driven by Playwright. Skipped where there is no Chromium (see conftest)."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from framelens import Document

pytest.importorskip("fastapi")
sync_api = pytest.importorskip("playwright.sync_api")
from framelens.server import Limits, create_app  # noqa: E402

from .conftest import LiveServer  # noqa: E402
from .fakes import FakeClassifier  # noqa: E402

expect = sync_api.expect
expect.set_options(timeout=30_000)
ARTICLE = (Path(__file__).parent / "article.txt").read_text(encoding="utf-8")
NAMES = {"weather": "weather", "public money": "public_money", "old songs": "old_songs", "no frame": "none"}
HOSTILE = (
    "<script>window.hit = 1</script> rain. <img src=x onerror='window.hit = 2'> The mayor said <b>budget</b> for Arvenia. "
    "</span><svg onload=window.hit=3> song &amp; choir."
)


@pytest.fixture
def page(browser, live):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.complaints = []
    page.foreign = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("request", lambda r: page.foreign.append(r.url) if not r.url.startswith((live.url, "blob:", "data:")) else None)
    page.goto(live.url)
    expect(page.locator("#model")).not_to_be_empty()
    yield page
    assert page.foreign == []
    context.close()


def read(page, text: str) -> None:
    page.fill("#text", text)
    page.click("#read")
    expect(page.locator("#read")).to_be_enabled(timeout=120_000)


def expected(text: str = ARTICLE) -> Document:
    return FakeClassifier().classify([text])[0]


def test_a_pasted_article_is_shown_sentence_by_sentence(page):
    read(page, ARTICLE)
    document = expected()
    assert page.locator(".s").all_inner_texts() == [" ".join(s.text.split()) for s in document.sentences]
    shown = page.evaluate("document.getElementById('article').textContent")
    assert shown == ARTICLE  # characters beyond 16 bits included
    framed = page.locator(".s.framed")
    assert framed.count() == sum(s.frame is not None for s in document.sentences)
    first = framed.nth(0)
    assert first.get_attribute("data-number") == "1+2"
    looks = {page.locator(f"#frame-{i}").evaluate("e => getComputedStyle(e).textDecorationStyle") for i in range(3)}
    assert len(looks) == 3  # not colour alone
    assert page.locator("#status").inner_text() == f"{len(document)} sentences read."
    assert page.complaints == []


def test_the_strength_of_a_colour_follows_the_score(page):
    read(page, "Rain. Rain and storm and snow.")
    alphas = page.locator(".s").evaluate_all(
        "nodes => nodes.map((n) => getComputedStyle(n).backgroundColor.match(/([\\d.]+)\\)$/)[1])"
    )
    assert float(alphas[0]) < float(alphas[1])


def test_pointing_at_a_sentence_shows_scores_source_and_stance(page):
    read(page, ARTICLE)
    page.locator(".s").nth(2).hover()
    details = page.locator("#details-body").inner_text()
    assert "Minister Oda" in details
    assert "against Arvenia (0.81)" in details
    score = expected().sentences[2].scores["public_money"]
    assert f"{score:.2f}" in details
    page.locator(".s").nth(7).click()  # "She", resolved
    assert "Minister Oda (“She”)" in page.locator("#details-body").inner_text()
    page.locator(".s").nth(1).hover()  # a chosen sentence stays
    assert "storm would pass" in page.locator("#details-body").inner_text()


def test_the_keyboard_reaches_everything(page):
    page.locator("#text").focus()
    page.keyboard.insert_text(ARTICLE)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".s")
    expect(page.locator("#article-heading")).to_be_focused()
    assert page.locator(".s[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.index") == "0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.index") == "2"
    assert "Minister Oda" in page.locator("#details-body").inner_text()
    described = page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ')[0]).textContent"
    )
    assert described == "public money"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.index") == str(len(expected()) - 1)
    page.keyboard.press("Escape")
    assert page.locator(".s.chosen").count() == 0
    page.locator("#frames button").nth(1).focus()
    page.keyboard.press("Space")
    assert page.locator("#frames button").nth(1).get_attribute("aria-pressed") == "true"


def test_filters_by_frame_and_by_source(page):
    read(page, ARTICLE)
    document = expected()
    page.click("#frames button[data-frame=weather]")
    weather = sum("weather" in s.frames for s in document.sentences)
    assert page.locator(".s:not(.off)").count() == weather
    assert page.locator("#matches").inner_text() == f"{weather} of {len(document)} sentences match."
    page.click("#frames button[data-frame=old_songs]")  # either
    assert page.locator(".s:not(.off)").count() == weather + sum("old_songs" in s.frames for s in document.sentences)
    page.click("#clear")
    assert page.locator(".s.off").count() == 0
    page.select_option("#source", "Minister Oda")
    assert page.locator(".s:not(.off)").count() == 2
    page.check("#only")
    assert page.locator(".s:visible").count() == 2
    page.locator(".s:visible").nth(0).click()
    page.keyboard.press("ArrowDown")  # moves among the matching ones
    assert "She said" in page.evaluate("document.activeElement.textContent")
    page.click("#clear")
    page.click("#who button[data-source='The union']")
    assert page.locator(".s:not(.off)").count() == 1
    page.click("#clear")
    page.locator("#frames button").last.click()
    assert page.locator(".s:not(.off)").count() == sum(not s.frames for s in document.sentences)


def test_details_of_a_sentence_that_is_filtered_away_are_closed(page):
    read(page, ARTICLE)
    page.locator(".s.framed").first.click()
    expect(page.locator("#details-body blockquote")).to_be_visible()
    frame = page.locator(".s.framed").first.get_attribute("aria-describedby").split()[0]
    page.locator("#frames button", has=page.locator(f"#{frame}")).click()
    expect(page.locator("#details-body blockquote")).to_be_visible()  # it matches
    page.click("#clear")
    page.locator('#frames button[data-frame$="none"]').click()
    expect(page.locator("#details-body")).to_have_text("None chosen.")


def test_what_the_frames_mean_can_be_read_without_a_mouse(page):
    read(page, ARTICLE)
    page.locator("#meanings summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#meanings dt").count() == 2  # old songs has no description
    assert page.locator("#meanings dd").first.inner_text() == "rain & the <like>"
    expect(page.locator("#unframed")).to_be_hidden()


def test_an_article_without_any_frame_says_why(page):
    read(page, "Gulls sat on the crane.")
    expect(page.locator("#unframed")).to_contain_text("No sentence reaches the threshold of a frame")
    read(page, ARTICLE)
    expect(page.locator("#unframed")).to_be_hidden()


def test_who_frames_what_toward_whom(page):
    read(page, ARTICLE)
    rows = [
        [" ".join(cell.split()) for cell in row.locator("th, td").all_inner_texts()] for row in page.locator("#who tr").all()
    ]
    assert rows[0][0] == "(author)"
    assert ["Minister Oda", "2", "2 public money 1 1 weather 1", "Arvenia: against 1 the harbour board: against 1"] in rows
    assert ["The union", "1", "3 old songs 1", "Arvenia: favor 1"] in rows
    assert sum(int(row[1]) for row in rows) == len(expected())


def test_the_bar_of_shares(page):
    read(page, ARTICLE)
    shares = expected().frame_shares(primary=True)
    label = page.locator("#bar").get_attribute("aria-label")
    assert label.endswith(", ".join(f"{name} {shares[key]:.0%}" for name, key in NAMES.items()))
    widths = page.locator("#bar span").evaluate_all("nodes => nodes.map((n) => n.getBoundingClientRect().width)")
    assert widths[0] / sum(widths) == pytest.approx(shares["weather"], abs=0.02)


def saved(page, button: str) -> bytes:
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path()).read_bytes()


def test_downloads(page):
    read(page, ARTICLE + '\n\n=HYPERLINK(1) rain, "quoted"\n\n-2 degrees and snow.')
    document = expected(page.input_value("#text"))
    assert Document.from_json(saved(page, "#json").decode()).frame_shares() == document.frame_shares()
    table = saved(page, "#csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert len(rows) == len(document)
    for row, own in zip(rows, document.to_rows(), strict=True):
        assert row["text"].removeprefix("'") == own["text"]
        assert row["text"][0] not in "=-"
        assert row["frames"] == own["frames"]
        assert float(row["score_weather"]) == own["score_weather"]
        assert row["stances"] == own["stances"]
    assert list(rows[0]) == list(document.to_rows()[0])


def test_a_file_is_opened_or_dropped(page, tmp_path):
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8-sig")
    page.set_input_files("#file", path)
    expect(page.locator("#status")).to_have_text("article.txt is open.")
    assert page.input_value("#text") == ARTICLE
    path.write_bytes("Der Sturm – “rain” in München".encode("cp1252"))
    page.set_input_files("#file", path)
    expect(page.locator("#status")).to_contain_text("Windows-1252")
    assert page.input_value("#text") == "Der Sturm – “rain” in München"
    path.write_bytes(b"\x89PNG\0\0\xff")
    page.set_input_files("#file", path)
    page.wait_for_selector("#error:visible")
    assert page.locator("#error").inner_text() == "article.txt is not a text file"
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["Dropped rain."], "dropped.txt", { type: "text/plain" }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator("#text")).to_have_value("Dropped rain.")
    assert page.locator("#error").is_hidden()


def test_a_downloaded_result_opens_again_without_the_server_reading_it(page, tmp_path):
    result = tmp_path / "result.json"
    result.write_text(expected().to_json(), encoding="utf-8")
    requests = []
    page.on("request", lambda r: requests.append(r.url) if "classify" in r.url else None)
    page.set_input_files("#file", result)
    page.wait_for_selector(".s")
    assert page.evaluate("document.getElementById('article').textContent") == ARTICLE
    assert "From the file result.json" in page.locator("#origin").inner_text()
    assert requests == []
    data = json.loads(result.read_text())
    data["sentences"][0]["end"] = 10**9
    result.write_text(json.dumps(data))
    page.set_input_files("#file", result)
    page.wait_for_selector("#error:visible")
    assert "sentence 1 ends beyond the text" in page.locator("#error").inner_text()


def test_a_link_holds_the_whole_result_and_the_server_never_sees_it(page, live):
    read(page, ARTICLE)
    table = page.locator("#who").inner_text()
    page.click("#link")
    page.wait_for_selector("#link-row:visible")
    link = page.input_value("#link-out")
    assert re.fullmatch(re.escape(live.url) + r"#z=[\w-]+", link)
    assert len(link) < len(ARTICLE) * 3
    requests = []
    page.on("request", lambda r: requests.append((r.url, r.post_data)))
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".s")
    assert page.evaluate("document.getElementById('article').textContent") == ARTICLE
    assert page.locator("#who").inner_text() == table
    assert "From a link" in page.locator("#origin").inner_text()
    assert not any("classify" in url or body or "z=" in url.partition("#")[0] for url, body in requests)


@pytest.mark.parametrize(
    "fragment",
    [
        "z=AAAA",
        "z=" + "A" * 5000,
        "j=e30",
        "j=bm90IGpzb24",
        "z=%20",
        "j=" + "eyJ2IjoxLCJ0ZXh0IjoiYSIsImxhYmVscyI6W10sInMiOltbMCw5OSxbXSwtMSxbXSwwLFtdXV19",
    ],
)
def test_a_damaged_link_is_reported(page, live, fragment):
    page.goto(f"{live.url}#{fragment}")
    page.wait_for_selector("#error:visible")
    assert "This link holds no result" in page.locator("#error").inner_text()
    assert page.locator("#result").is_hidden()


def test_a_link_that_unpacks_to_too_much_is_refused(page, live):
    bomb = page.evaluate(
        """async () => {
          const { pack } = await import("./link.js");
          return pack({ text: " ".repeat(64 * 2 ** 20), labels: [], model: "", sentences: [] });
        }"""
    )
    assert len(bomb) < 200_000
    page.evaluate("(fragment) => { location.hash = fragment; }", bomb)
    page.wait_for_selector("#error:visible")
    assert "it is too large" in page.locator("#error").inner_text()


def test_without_compression_in_the_browser_links_still_work(page, live):
    page.evaluate("delete globalThis.CompressionStream")
    read(page, "It rained 🎶 in Lom.")
    page.click("#link")
    page.wait_for_selector("#link-row:visible")
    link = page.input_value("#link-out")
    assert "#j=" in link
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".s")
    assert page.evaluate("document.getElementById('article').textContent") == "It rained 🎶 in Lom."


def test_scripts_in_text_targets_and_links_stay_text(page, live):
    read(page, HOSTILE)
    assert page.evaluate("document.getElementById('article').textContent") == HOSTILE
    assert page.locator("#article script, #article img, #article svg, #article b").count() == 0
    page.locator(".s").nth(0).click()
    fragment = page.evaluate(
        """async (text) => {
          const { pack } = await import("./link.js");
          const labels = ["<img src=x onerror=window.hit=4>", "constructor", "__proto__"];
          const span = { start: 0, end: 8, name: "<script>window.hit = 5</script>" };
          return pack({ text, labels, model: "<script>window.hit = 6</script>", sentences: [{
            start: 0, end: text.length, frame: labels[0], frames: labels, scores: { [labels[0]]: 1 }, source: span,
            stances: [{ target: span, label: "<script>window.hit = 7</script>", score: 1 }] }] });
        }""",
        HOSTILE,
    )
    page.goto("about:blank")
    page.goto(live.url + fragment)
    page.wait_for_selector(".s")
    page.locator(".s").nth(0).click()
    assert "<script>window.hit = 5</script>" in page.locator("#details-body").inner_text()
    assert page.evaluate("window.hit") is None
    assert page.locator("#result script, #result img, #result svg").count() == 0


def test_an_inline_script_would_not_run_either(page):
    add = "const s = document.createElement('script'); s.append('window.hit = 8'); document.body.append(s);"
    assert page.evaluate(f"() => {{ try {{ {add} }} catch {{}} return window.hit; }}") is None


def test_an_article_of_50000_words(page):
    sentence = "The mayor said the budget for new walls would not survive another storm. "
    text = "\n\n".join(sentence * 8 for _ in range(481))
    assert len(text.split()) >= 50_000
    read(page, text)
    assert page.locator(".s").count() == 481 * 8
    assert page.locator("#error").is_hidden()
    page.locator("#frames button").nth(0).click()
    assert page.locator("#matches").inner_text().startswith("3848 of 3,848")
    page.click("#link")
    expect(page.locator("#kept")).not_to_be_empty()
    assert page.complaints == []


def test_a_result_too_long_for_a_link_is_offered_as_a_file(page):
    import random

    letters = random.Random(3)
    text = " ".join(
        "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=7)) + ("." if i % 12 == 11 else "") for i in range(20_000)
    )
    read(page, text)
    page.click("#link")
    expect(page.locator("#kept")).not_to_be_empty()
    assert "Download it as JSON instead" in page.locator("#kept").inner_text()
    assert page.locator("#link-row").is_hidden()


def test_too_much_text_is_said_before_it_is_sent(page):
    read(page, "rain " * 300_000)
    assert page.locator("#error").inner_text() == "The text has 1,465 KiB; this server accepts 1,024 KiB at once."


def test_nothing_to_read(page):
    read(page, "  \n ")
    assert "There is no text yet" in page.locator("#error").inner_text()


def test_a_server_that_is_down_is_named_the_text_kept_and_the_next_try_works(browser):
    app = create_app(FakeClassifier())
    server = LiveServer(app)
    port = server.socket.getsockname()[1]
    page = browser.new_context().new_page()
    page.goto(server.url)
    expect(page.locator("#model")).not_to_be_empty()
    server.stop()
    read(page, ARTICLE)
    assert "The server does not answer" in page.locator("#error").inner_text()
    assert page.input_value("#text") == ARTICLE
    assert page.locator("#result").is_hidden()
    again = LiveServer(create_app(FakeClassifier()), port)
    page.click("#read")
    page.wait_for_selector(".s")
    assert page.locator("#error").is_hidden()
    again.stop()


def test_what_the_server_refuses_is_shown(browser):
    server = LiveServer(create_app(FakeClassifier(), Limits(sentences=3)))
    page = browser.new_context().new_page()
    page.goto(server.url)
    read(page, "Rain. " * 4)
    assert page.locator("#error").inner_text() == "The server refused: 4 sentences; accepted: at most 3 in one request."
    server.stop()


def test_cancelling(browser):
    server = LiveServer(create_app(FakeClassifier(seconds=3)))
    page = browser.new_context().new_page()
    page.goto(server.url)
    page.fill("#text", "Rain.")
    page.click("#read")
    page.click("#cancel")
    expect(page.locator("#status")).to_have_text("Cancelled.")
    assert page.locator("#read").is_enabled()
    server.stop()


def test_a_server_with_a_key_asks_for_it(browser):
    server = LiveServer(create_app(FakeClassifier(), api_key="correct-horse-battery"))
    page = browser.new_context().new_page()
    page.goto(server.url)
    page.wait_for_selector("#key:visible")
    page.fill("#key", "wrong")
    read(page, "It rained.")
    assert page.locator("#error").inner_text() == "The API key is not the server's."
    page.fill("#key", "correct-horse-battery")
    read(page, "It rained.")
    assert page.locator(".s.framed").count() == 1
    server.stop()


def test_a_model_without_sources_and_stances(browser):
    class Frames(FakeClassifier):
        tasks = ("frames",)

        def classify(self, texts, *, targets=None):
            from dataclasses import replace

            return [
                replace(d, sentences=tuple(replace(s, source=None, stances=()) for s in d.sentences))
                for d in super().classify(texts)
            ]

    server = LiveServer(create_app(Frames()))
    page = browser.new_context().new_page()
    page.goto(server.url)
    read(page, ARTICLE)
    assert page.locator("#targets-row").is_hidden()
    page.locator(".s").nth(2).click()
    assert "(author)" in page.locator("#details-body").inner_text()
    assert "none found" in page.locator("#details-body").inner_text()
    assert page.locator("#who tr").count() == 1
    server.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(browser, live, scheme):
    page = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, color_scheme=scheme
    ).new_page()
    page.goto(live.url)
    read(page, ARTICLE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".s").nth(2).tap()
    assert page.locator("#details").is_visible()
    sentence, panel = (page.locator(x).bounding_box() for x in (".s.chosen", "#details"))
    assert sentence["y"] + sentence["height"] <= panel["y"]  # the panel does not cover what it speaks of
    page.click("#close")
    assert page.locator("#details").is_hidden()
    small = page.locator("button:visible, select:visible").evaluate_all(
        "nodes => nodes.filter((n) => n.getBoundingClientRect().height < 24).length"
    )
    assert small == 0  # WCAG 2.2, 2.5.8


CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (...colours) => {
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const backgrounds = (node) => node ? [...backgrounds(node.parentElement), getComputedStyle(node).backgroundColor] : [];
  const found = [];
  for (const node of document.querySelectorAll(".s, .badge, #bar span, .quiet, button, label, #details dd, th, td, h2, p")) {
    if (!node.checkVisibility() || !node.textContent.trim()) continue;
    const ground = backgrounds(node);
    const [a, b] = [paint(...ground), paint(...ground, getComputedStyle(node).color)].map(luminance).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${node.tagName}.${node.className} ${node.textContent.slice(0, 20)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser, live, scheme):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1, for every colour of the palette."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme).new_page()
    page.goto(live.url)
    fragment = page.evaluate(
        """async () => {
          const { pack } = await import("./link.js");
          const labels = [..."abcdefgh"];
          return pack({ text: labels.join(""), labels, model: "m", sentences: labels.map((frame, i) => ({
            start: i, end: i + 1, frame, frames: [frame], scores: { [frame]: 1 }, source: null, stances: [] })) });
        }"""
    )
    page.goto("about:blank")
    page.goto(live.url + fragment)
    page.wait_for_selector(".s")
    assert page.locator(".s.framed").count() == 8
    assert page.evaluate(CONTRAST) == []


def test_what_a_screen_reader_is_told(page):
    read(page, ARTICLE)
    tree = page.locator("main").aria_snapshot()
    for expected_line in (
        'textbox "Paste an article',
        'button "Read"',
        'combobox "Source"',
        "table",
        'group "Filter by frame"',
        'img "Share of sentences by primary frame',
    ):
        assert expected_line in tree, tree
    assert page.locator("#matches").get_attribute("role") == "status"
    assert page.locator("#error").get_attribute("role") == "alert"
    unnamed = page.locator("button:visible, input:visible, select:visible, textarea:visible").evaluate_all(
        "nodes => nodes.filter((n) => !(n.textContent.trim() || n.getAttribute('aria-label') || n.labels?.length)).length"
    )
    assert unnamed == 0
