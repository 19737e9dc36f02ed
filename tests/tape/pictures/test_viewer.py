"""The page in a browser: from a file, without a network, by keyboard and by mouse."""

import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import ops
from models import demo
from tape import Tape, Tensor, scope
from tape.pictures.lesson import ATTENTION, read_lesson
from tape.pictures.timeline import timeline
from tape.views.graph import describe
from tape.views.scopes import scopes_of

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("Debian's chromium is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Where screenshots are kept."""
    folder = os.environ.get("TAPEGRAD_SCREENSHOTS")
    folder = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def visit_file(browser):
    """Open a file; at the end there must be no error, and no request but for the file."""
    complaints, contexts = [], []

    def visit_file(path, *, dark=False):
        context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith(path.as_uri()) or complaints.append(request.url),
        )
        page.goto(path.as_uri())
        return page

    yield visit_file
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def visit(visit_file, tmp_path):
    """Open a tape's page."""

    def visit(tape, *, dark=False, **options):
        return visit_file(tape.to_html(tmp_path / "tape.html", **options), dark=dark)

    return visit


@pytest.fixture(scope="module")
def tape():
    return demo.record()


@pytest.fixture(scope="module")
def graph(tape):
    return describe(tape)


# Everything a card tells in numbers: {"cotangent": {"norm": ..., "mean": ...}, "": {"flops": ...}}
READ_CARD = """() => {
  const found = {};
  for (const datum of document.querySelectorAll("#card data")) {
    const of = datum.closest("[data-of]")?.dataset.of ?? "";
    (found[of] ??= {})[datum.dataset.key] = [Number(datum.value), datum.textContent];
  }
  for (const bars of document.querySelectorAll("#card [data-counts]")) {
    found[bars.closest("[data-of]").dataset.of].histogram = bars.dataset.counts;
  }
  return found;
}"""


def expected_card(graph, moment):
    """The same of a description."""
    op = graph.ops[moment.op]
    output = graph.tensors[op.output]
    portraits = {"result": output.portrait}
    if moment.back:
        portraits["cotangent"] = output.gradient
        read = [x for x in op.operands if x.tensor is not None]
        portraits |= {f"operand {i}": x.cotangent for i, x in enumerate(read) if x.wanted}
    numbers = ("low", "high", "mean", "deviation", "norm")
    found = {
        of: {key: getattr(p, key) for key in numbers}
        | {"histogram": " ".join(map(str, p.histogram))}
        for of, p in portraits.items()
    }
    found[""] = {"milliseconds": op.milliseconds, "flops": op.flops}
    if op.walked:
        found[""]["back_milliseconds"] = op.back_milliseconds
    if op.saved and op.saved_bytes:
        found[""]["saved_bytes"] = op.saved_bytes
    return found


def test_a_walk_forward_and_back_by_key_shows_every_number_of_the_description(visit, tape, graph):
    page = visit(tape)
    moments = timeline(graph)
    for i, moment in enumerate(moments):
        assert page.get_attribute("#card h2", "data-op") == str(moment.op)
        assert page.text_content("#card h2") == graph.ops[moment.op].name
        found, expected = page.evaluate(READ_CARD), expected_card(graph, moment)
        assert found.keys() == expected.keys()
        for of, values in expected.items():
            assert found[of].keys() == values.keys()
            for key, value in values.items():
                if key == "histogram":
                    assert found[of][key] == value
                else:
                    number, text = found[of][key]
                    assert math.isclose(number, value, rel_tol=1e-5)
                    if of:
                        assert math.isclose(float(text), value, rel_tol=1e-3)
        held = page.eval_on_selector_all("#held data", "all => all.map(x => Number(x.value))")
        assert held == [
            *(moment.parameters, moment.inputs, moment.saved),
            *(moment.cotangents, moment.gradients),
        ]
        assert page.locator("#rows .current").get_attribute("data-op") == str(moment.op)
        assert page.locator("#stage .box.current").count() == 1
        assert page.text_content("#place") == f"{i + 1} / {len(moments)}"
        page.keyboard.press("ArrowRight")
    assert page.text_content("#place") == f"{len(moments)} / {len(moments)}"
    page.keyboard.press("ArrowLeft")
    assert page.text_content("#place") == f"{len(moments) - 1} / {len(moments)}"


def test_formulas_source_and_what_was_saved(visit, tape, graph, shots):
    page = visit(tape)
    attention = next(op for op in graph.ops if op.name == "causal_attention")
    rule = graph.rules[attention.rule]
    walk_to(page, attention.number)
    assert page.text_content("#card pre") == rule.source
    assert " ".join(page.text_content("#card .vjp").split()) == " ".join(rule.back.split())
    assert "held until this op is walked" in page.text_content("#card .status")
    page.screenshot(path=shots / "forward.png")
    page.keyboard.press("b")
    assert page.text_content("#facing") == "← walking back"
    assert "let go" in page.text_content("#card .status")
    page.screenshot(path=shots / "back.png")
    page.keyboard.press("b")
    assert page.text_content("#facing") == "forward →"


def walk_to(page, number):
    for _ in range(number):
        page.keyboard.press("ArrowRight")


def test_axes_that_broadcasting_made_are_marked(visit):
    x, b = (Tensor(np.ones(shape), requires_grad=True, name="b") for shape in ((4, 3), (3,)))
    with Tape(trace=True) as tape:
        loss = (x + b).sum()
    tape.backward(loss, into={})
    page = visit(tape)
    walk_to(page, 3)
    assert page.text_content("#card .summed") == "4 × 3 → 3"
    assert page.text_content("#card .summed s") == "4"


def test_scopes_open_by_double_click_and_close_by_escape(visit, tape, graph, shots):
    page = visit(tape)
    crumbs = lambda: page.locator("#breadcrumb .crumb").all_text_contents()  # noqa: E731
    assert crumbs() == ["Tape"]
    page.dblclick('#stage .box[data-scope="blocks.1"]')
    page.dblclick('#stage .box[data-scope="blocks.1.attention"]')
    assert crumbs() == ["Tape", "blocks.1", "attention"]
    inside = scopes_of(graph).find("blocks.1.attention").ops
    shown = page.eval_on_selector_all(
        "#stage .box", "all => all.flatMap(x => x.dataset.ops.split(' '))"
    )
    assert sorted(int(n) for n in shown if n) == [op.number for op in inside]
    page.screenshot(path=shots / "scope.png")
    page.keyboard.press("Escape")
    assert crumbs() == ["Tape", "blocks.1"]
    page.click("#breadcrumb .crumb >> nth=0")
    assert crumbs() == ["Tape"]


def test_edges_are_inked_as_the_walk_comes_along_and_turned_on_the_way_back(visit, tape, graph):
    page = visit(tape)
    edges = page.locator("#stage .edge")
    assert page.locator("#stage .edge.inked").count() < edges.count()
    assert page.locator("#stage .edge .tip-back >> visible=true").count() == 0
    page.keyboard.press("b")
    backward = page.locator('#stage .edge[data-back="1"]').count()
    assert page.locator("#stage .edge.inked").count() == edges.count()
    assert page.locator("#stage .edge .tip-back >> visible=true").count() == backward
    assert page.locator("#stage .meets >> visible=true").count() >= 1
    for _ in range(len(graph.ops)):
        page.keyboard.press("ArrowRight")
    assert page.locator("#stage .edge.walked").count() == backward


def test_blocks_that_repeat_are_folded_and_open(visit, tape):
    page = visit(tape)
    run = page.locator("#rows .fold", has_text="blocks.0 … blocks.1 × 2")
    assert run.get_attribute("aria-expanded") == "false"
    block = page.locator('#rows [data-key="blocks.1"]')
    assert not block.is_visible()
    run.click()
    assert run.get_attribute("aria-expanded") == "true"
    assert block.is_visible()


@pytest.fixture(scope="module")
def long_tape():
    """3,001 ops outside all scopes, which read one weight; walked, and not traced."""
    w = Tensor(np.ones(3, np.float32), requires_grad=True, name="w")
    h = np.ones(3, np.float32)
    with Tape() as tape:
        for _ in range(1500):
            h = ops.tanh(h * w)
        loss = h.sum()
    tape.backward(loss, into={})
    return tape


def test_a_long_flat_tape_walks_through_its_parts(visit, long_tape, shots):
    page = visit(long_tape)
    crumbs = page.locator("#breadcrumb .crumb")
    assert page.locator("#stage .box.scope").count() == 30  # and the last op
    assert page.locator("#rows .row.op").count() < 150
    page.dblclick('#stage .box[data-scope="#0 … #99"]')
    page.click("#rows .row.op >> nth=98")
    for op in (99, 100):
        page.keyboard.press("ArrowRight")
        assert page.get_attribute("#card h2", "data-op") == str(op)
        assert page.get_attribute("#stage .box.current", "data-ops") == str(op)
        assert page.get_attribute("#rows .current", "data-op") == str(op)
    assert crumbs.all_text_contents() == ["Tape", "#100 … #199"]
    assert page.locator("#rows .row.op").count() < 150
    page.dblclick("#stage .box.from")
    assert crumbs.all_text_contents() == ["Tape", "#0 … #99"]
    page.keyboard.press("End")
    assert page.text_content("#place") == "6002 / 6002"
    page.keyboard.press("ArrowLeft")
    assert page.text_content("#place") == "6001 / 6002"
    assert page.get_attribute("#card h2", "data-op") == "1"
    page.screenshot(path=shots / "long.png")
    points = page.get_attribute("#timeline polygon.saved", "points").split()
    assert len(points) == 4 * 2000


def test_a_search_that_finds_much_shows_the_first(visit, long_tape):
    page = visit(long_tape)
    page.fill("#search", "tanh")
    assert page.text_content("#hits") == "1,500 of 3,001 ops, the first 200 are shown"
    assert page.locator("#rows .row.op").count() == 200
    page.press("#search", "Enter")
    assert page.get_attribute("#card h2", "data-op") == "1"
    page.fill("#search", "2998")
    assert page.locator("#rows .row.op").all_text_contents() == ["2998multiply3"]


def test_a_leaf_that_many_ops_read_names_the_first_of_them(visit, long_tape):
    page = visit(long_tape)
    page.click("#stage .box.leaf")
    assert page.locator("#card .tensor .number").count() == 100
    assert "and 1,400 more" in page.text_content("#card")


def test_search_finds_ops_scopes_and_parameters(visit, tape, graph, shots):
    page = visit(tape)
    page.keyboard.press("/")
    page.keyboard.type("mlp.up.bias")
    rows = page.locator("#rows .row.op >> visible=true")
    assert rows.evaluate_all("all => all.map(x => Number(x.dataset.op))") == [
        op.number for op in graph.ops if op.scope.endswith("mlp.up")
    ]
    assert page.text_content("#hits") == f"2 of {len(graph.ops)} ops"
    page.screenshot(path=shots / "search.png")
    page.keyboard.press("Enter")
    assert page.text_content("#card .where >> nth=0") == "blocks.0.mlp.up"
    page.keyboard.press("Enter")
    assert page.text_content("#card .where >> nth=0") == "blocks.1.mlp.up"
    page.keyboard.press("Escape")
    assert page.input_value("#search") == ""


@pytest.mark.parametrize("overlay", ["time", "flops", "saved", "gradient", "ratio"])
def test_overlays_colour_what_they_measure(visit, tape, graph, overlay, shots):
    page = visit(tape)
    page.select_option("#overlay", overlay)
    texts = page.locator("#stage .heated .value").all_text_contents()
    assert texts and all(texts)
    heats = page.eval_on_selector_all(
        "#stage .heated", "all => all.map(x => Number(x.style.getPropertyValue('--heat')))"
    )
    assert max(heats) == 1 and min(heats) > 0
    if overlay == "saved":
        most = max(sum(op.saved_bytes for op in child.ops) for child in scopes_of(graph).children)
        assert page.text_content("#scale") == f"strongest colour: {most / 1024:.3g} KiB"
    page.screenshot(path=shots / f"overlay-{overlay}.png")


def test_gradient_flow_has_a_bar_for_each_parameter_in_the_order_of_reading(
    visit, tape, graph, shots
):
    page = visit(tape)
    page.click("#tab-flow")
    parameters = [t for t in graph.tensors if t.role == "parameter"]
    assert page.locator("#flow .name").all_text_contents() == [t.name for t in parameters]
    norms = page.eval_on_selector_all(
        '#flow [data-key="norm"]', "all => all.map(x => Number(x.value))"
    )
    np.testing.assert_allclose(norms, [t.gradient.norm for t in parameters], rtol=1e-5)
    page.screenshot(path=shots / "flow.png")
    page.click("#flow .flow-row >> nth=1")
    assert page.text_content("#card h2") == parameters[1].name


def test_the_timeline_is_dragged_and_its_peak_marked(visit, tape, graph):
    page = visit(tape)
    moments = timeline(graph)
    box = page.locator("#timeline").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], middle, steps=3)
    page.mouse.up()
    at = int(0.75 * len(moments))
    assert page.text_content("#place") in {f"{at + i} / {len(moments)}" for i in (0, 1, 2)}
    assert page.get_attribute("#timeline", "aria-valuemax") == str(len(moments) - 1)
    held = [m.parameters + m.inputs + m.saved + m.cotangents + m.gradients for m in moments]
    assert page.text_content("#timeline .peak") == f"peak {max(held) / 2**10:.3g} KiB"


def test_scopes_are_stepped_over_and_the_tape_plays_by_itself(visit, tape, graph):
    page = visit(tape)
    page.keyboard.press("Shift+ArrowRight")
    first = graph.ops[0].scope
    next_scope = next(op.number for op in graph.ops if op.scope != first)
    assert page.get_attribute("#card h2", "data-op") == str(next_scope)
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.wait_for_function(f"Number(document.querySelector('#card h2').dataset.op) > {next_scope}")
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Play"


def test_the_tour_goes_through_its_lesson(visit, tape, graph, shots):
    steps = read_lesson(ATTENTION, graph).steps
    page = visit(tape, lesson=ATTENTION)
    page.click("#take-tour")
    for i, step in enumerate(steps):
        assert page.text_content("#tour-text") == step.text
        assert page.text_content("#tour-place") == f"{i + 1} of {len(steps)}"
        assert page.text_content("#place").startswith(f"{step.position + 1} /")
        if i == 7:
            page.screenshot(path=shots / "tour.png")
        page.click("#tour-next")
    assert not page.is_visible("#tour")


def test_the_address_keeps_where_one_was(visit, tape):
    page = visit(tape)
    page.dblclick('#stage .box[data-scope="blocks.0"]')
    page.click("#rows .row.op >> nth=4")  # which looks as far down as there are scopes
    page.select_option("#overlay", "saved")
    page.wait_for_function("location.hash.includes('overlay=saved')")
    before = page.text_content("#place"), page.text_content("#breadcrumb")
    page.reload()
    assert (page.text_content("#place"), page.text_content("#breadcrumb")) == before
    assert page.input_value("#overlay") == "saved"
    page.keyboard.press("ArrowRight")
    assert page.text_content("#breadcrumb").endswith("attention")


def test_dark_as_the_system_wishes_and_by_a_switch(visit, tape, shots):
    page = visit(tape, dark=True)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.screenshot(path=shots / "dark.png")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_the_first_value_that_is_not_finite_is_jumped_to(visit, shots):
    x = Tensor(np.array([1.0, 0.0, 2.0]), requires_grad=True, name="x")
    with np.errstate(all="ignore"), Tape(trace=True) as tape:
        with scope("good"):
            h = x * 2.0
        with scope("bad"):
            h = ops.log(h)
        loss = (h * h).sum()
    with np.errstate(all="ignore"):
        tape.backward(loss, into={})
    page = visit(tape)
    assert page.text_content("#card h2") == "log"
    assert "1 infinite" in page.text_content("#card .bad")
    assert page.locator("#stage .box.bad").count() == 1
    page.screenshot(path=shots / "nonfinite.png")
    page.keyboard.press("n")
    assert page.text_content("#card h2") == "multiply"


def test_a_name_that_looks_like_markup_is_text(visit):
    name = "</script><img src=x onerror=alert(1)>"
    w = Tensor(np.ones(2), requires_grad=True, name=name)
    with Tape() as tape:
        (w * w).sum()
    page = visit(tape, title=name)
    assert page.title() == name
    assert page.text_content("#title") == name
    assert name in page.text_content("#card")
    assert page.locator("img").count() == 0


def test_a_tape_that_was_neither_traced_nor_walked_says_what_is_missing(visit):
    w = Tensor(np.ones(2), requires_grad=True, name="w")
    with Tape() as tape:
        (w * w).sum()
    page = visit(tape)
    assert "Tape(trace=True)" in page.text_content("#card")
    page.keyboard.press("b")
    assert "call tape.backward(loss) first" in page.text_content("#notice")
    page.click("#tab-flow")
    how = "record with Tape(trace=True), and call tape.backward(loss)"
    assert how in page.text_content("#flow")


def test_an_empty_tape_says_so(visit):
    page = visit(Tape())
    assert "no op was recorded" in page.text_content("#stage")


def test_a_phone_shows_it_all_without_scrolling_sideways(visit, tape, shots):
    page = visit(tape)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.screenshot(path=shots / "phone.png", full_page=True)


def test_it_can_be_used_by_keyboard_alone(visit, tape):
    page = visit(tape)
    page.keyboard.press("End")
    assert page.text_content("#place") == f"{2 * len(tape)} / {2 * len(tape)}"
    page.keyboard.press("Home")
    page.focus("#tab-graph")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.is_visible("#flow")
    page.click("#tab-graph")
    page.focus("#stage .box[tabindex='0']")
    page.keyboard.press("ArrowDown")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label and page.evaluate("document.activeElement.getAttribute('role')") == "button"
    page.focus('#stage .box[data-scope="blocks.0"]')
    page.keyboard.press("Enter")
    assert "blocks.0" in page.text_content("#breadcrumb")
    assert "op" in page.text_content("#announce")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    assert "blocks.0" in page.text_content("#breadcrumb")


def test_a_notebook_without_graphviz_shows_the_page_in_a_frame(
    visit_file, tape, shots, tmp_path, no_graphviz
):
    cell = tmp_path / "cell.html"
    cell.write_text(tape.render()._repr_mimebundle_()["text/html"], encoding="utf-8")
    page = visit_file(cell)
    frame = page.frame_locator("iframe")
    frame.locator("#card").click()
    page.keyboard.press("ArrowRight")
    frame.locator("#card h2[data-op='1']").wait_for()
    page.wait_for_timeout(400)  # as long as the page waits before it would keep its address
    page.screenshot(path=shots / "notebook.png", full_page=True)
