"""Learn: a network trains before the eyes, led from the page; it outlives the page."""

import itertools
import json
import re

from ardoise.files import load_model
from ardoise.slate.packets import unpack
from browser.asking import ask
from browser.driving import (
    DIGITS,
    draw,
    expect,
    expect_read,
    go,
    numbers_in,
    pad_of,
    press,
    ready,
    say,
    saying,
    state,
    step_of,
    violations,
    wait_until,
    width_of,
)
from browser.latency import LISTENER, measure

# Three times the budget: CI's machines are slow, and others run on them.
WHILE_IT_TRAINS = 3 * 50  # milliseconds
POINTS, PACKETS = 10 / 3, 20  # a second: no fewer, no more


def expect_state(page, key, **values):
    expect(page.locator("#device")).to_have_text(say(f"frame.state.{key}", **values))


def choose(page, preset):
    name = say(f"learn.preset.{preset}")
    page.locator("#learn").get_by_role("radio", name=name).check()


def set_to(page, name, value):
    """Set what the recipe has, in the field of this name."""
    details = page.locator("#learn .settings details")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    field = details.get_by_label(say(f"learn.setting.{name}"))
    field.fill(str(value))
    field.blur()


def start(page):
    """Start a training, and wait until it made some steps."""
    press(page, "learn.start")
    wait_until(lambda: state(page) == "running" and step_of(page) > 20)


def trained(slate):
    """Have a small network trained, without the page, unless one is."""
    if len(ask(slate, "learn.moments")["steps"]) > 2:
        return
    ask(slate, "learn.start", preset="tiny", epochs=1, batch_size=128)
    wait_until(lambda: ask(slate, "hello", lang="en")["learning"] == "idle")


def test_a_preset_trains_to_its_accuracy(lab, visit):
    page = visit(lab, "learn")
    choose(page, "tiny")
    start(page)
    press(page, "learn.pause")
    expect(page.locator("#device")).to_have_text(saying("frame.state.paused"))
    # It waits, then makes one step for a click, and one for a key.
    step = paused_at(page)
    press(page, "learn.batch")
    expect_state(page, "paused", step=f"{step + 1:,}")
    page.locator("#learn-title").click()
    page.keyboard.press(".")
    expect_state(page, "paused", step=f"{step + 2:,}")
    press(page, "learn.resume")
    expect_state(page, "idle")
    digits = page.locator("#learn .digits .digit")
    expect(digits).to_have_count(12)
    assert page.locator("#learn .digits .digit.right").count() >= 11
    # Every step is in the curves, as their table says.
    steps = page.locator("#learn progress").evaluate("bar => [bar.value, bar.max]")
    assert steps[0] == steps[1] == 8440
    page.get_by_text(say("chart.table")).first.click()
    rows = page.locator("#learn figure ~ details tbody tr, #learn details tbody tr")
    assert numbers_in(rows.last.locator("th").inner_text()) == [8440]
    # "More than 97 digits in a hundred", the preset says.
    mistakes = go(page, "mistakes")
    score = mistakes.locator(".score-card .big")
    expect(score).to_have_text(saying("mistakes.accuracy"))
    assert numbers_in(score.inner_text())[0] > 97


def paused_at(page):
    """Return the step at which it waits: that in progress is finished first."""
    page.wait_for_timeout(100)
    step = numbers_in(page.locator("#device").inner_text())[0]
    page.wait_for_timeout(200)
    expect_state(page, "paused", step=f"{int(step):,}")
    return int(step)


def test_the_rate_changes_while_it_learns(lab, visit):
    page = visit(lab, "learn")
    choose(page, "classic")
    start(page)
    name = say("learn.setting.learning_rate")
    slider = page.locator("#learn .drive").get_by_role("slider", name=name)
    for _ in range(6):  # each a twentieth of a power of ten
        slider.press("ArrowLeft")
    told = say("learn.place", epoch="", epochs="", step="", steps="", rate="0.05")
    rate = told.rsplit("·", 1)[1].strip()
    expect(page.locator("#learn .progress")).to_contain_text(rate)
    press(page, "learn.stop")
    expect_state(page, "idle")


def test_what_is_broken_is_found_and_put_right(lab, visit):
    page = visit(lab, "learn")
    choose(page, "broken")
    set_to(page, "epochs", 1)
    press(page, "learn.start")
    what = f"{say('learn.setting.start')} {say('learn.start.usual')}"
    fix = page.get_by_role("button", name=say("learn.apply", what=what))
    expect(fix).to_have_count(1)
    expect_state(page, "idle")
    fix.click()
    expect(fix).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_label(say("learn.setting.start"))).to_have_value("usual")
    # After a training, too, axe finds nothing, and a phone is wide enough.
    assert violations(page) == []
    page.locator("#theme").click()
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert width_of(page) == 360


def test_a_reload_and_a_second_page_find_the_training(lab, visit):
    page = visit(lab, "learn")
    choose(page, "tiny")
    set_to(page, "epochs", 50)
    start(page)
    before = step_of(page)
    page.reload()
    ready(page, "learn")
    assert state(page) == "running"
    curve = page.locator("#learn canvas.live").first
    expect(curve).to_have_attribute("aria-label", saying("learn.chart"))
    assert numbers_in(curve.get_attribute("aria-label"))[0] >= before
    # The curve begins at its first steps, not where the page came back.
    page.get_by_text(say("chart.table")).first.click()
    earliest = page.locator("#learn details tbody th").first
    wait_until(lambda: numbers_in(earliest.inner_text())[0] <= 10)
    assert page.get_by_label(say("learn.setting.epochs")).input_value() == "50"
    # Another page leads the same training.
    other = visit(lab, "learn", context=page.context)
    press(other, "learn.pause")
    expect(page.locator("#device")).to_have_text(saying("frame.state.paused"))
    wait_until(lambda: step_of(page) == step_of(other))
    press(page, "learn.resume")
    expect(other.locator("#device")).to_have_text(saying("frame.state.running"))
    # When both are closed, it goes on.
    step = step_of(other)
    page.close()
    other.close()
    again = visit(lab, "learn")
    assert state(again) == "running"
    wait_until(lambda: step_of(again) > step)
    press(again, "learn.stop")
    expect_state(again, "idle")


def test_a_drawing_is_judged_by_the_network_of_each_moment(lab, visit):
    trained(lab)
    page = visit(lab)
    draw(page, DIGITS[3])
    expect_read(page, 3)
    pad_of(page).blur()
    page.keyboard.press(",")
    slider = page.get_by_role("slider", name=say("rewind.slider"))
    now = page.locator("#draw-rewind .big")
    sentence = page.locator("#draw-rewind .sentence")
    expect_read(page, 3, "#draw-rewind .sentence")
    last = now.inner_text()
    slider.press("Home")
    expect(now).to_have_text(say("rewind.step", n=0))
    # Before it learned anything, it is sure of nothing.
    expect(sentence).to_have_text(saying("draw.unsure"))
    expect(page.locator("#draw-rewind")).to_contain_text("0 → ")
    slider.press("End")
    expect(now).to_have_text(last)
    expect_read(page, 3, "#draw-rewind .sentence")
    assert "step=" in page.url  # so that the moment can be shared


def test_a_network_of_an_earlier_step_draws_and_is_saved(lab, visit):
    trained(lab)
    page = visit(lab, "learn")
    slider = page.get_by_role("slider", name=say("learn.timeline"))
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d"))
    slider.press("ArrowLeft")
    [step] = numbers_in(slider.get_attribute("aria-valuetext"))
    press(page, "learn.use")
    used = say("learn.used", n=f"{int(step):,}")
    expect(page.locator("#learn").get_by_text(used)).to_be_visible()
    page.get_by_label(say("learn.name")).fill("of-my-page")
    page.get_by_label(say("learn.replace")).check()
    press(page, "learn.save")
    saved = page.locator("#learn .path")
    expect(saved).to_have_text(saying("learn.saved"))
    path = saved.inner_text().removeprefix(say("learn.saved", path=""))
    assert load_model(path).details["step"] == step


def test_a_cell_that_the_next_network_does_not_have_is_let_go(lab, visit):
    page = visit(lab)
    draw(page, DIGITS[0])
    expect_read(page, 0)
    cells = page.locator("#draw .cells").first
    cells.press("End")
    cells.press("Enter")
    expect(page.locator("#draw .closer .primary")).to_be_visible()
    ask(lab, "learn.start", preset="classic", epochs=1, batch_size=512)
    expect(page.locator("#network")).to_contain_text("16 – 10")
    expect(page.locator("#draw .closer")).to_have_text(
        say("cell.title") + say("cell.invitation")
    )
    expect(page.get_by_role("alert")).to_have_count(0)


def test_after_each_epoch_another_network_draws(lab, visit):
    page = visit(lab)  # the section Learn is never opened
    version = "import('/page/state.js').then(({ shared }) => shared.get().version)"
    before = page.evaluate(version)
    ask(lab, "learn.start", preset="tiny")
    wait_until(lambda: page.evaluate(version) >= before + 2)


def test_answers_and_points_come_quickly_while_a_convolution_trains(lab, visit):
    page = visit(lab, script=LISTENER)
    ask(lab, "learn.start", preset="conv")
    wait_until(lambda: page.evaluate("points.length") > 3)
    page.evaluate("points.length = 0")
    since = page.evaluate("performance.now()")
    found = measure(page)
    assert state(page) == "running"
    seconds = (page.evaluate("performance.now()") - since) / 1000
    points, packets = page.evaluate("[points.flat().length, points.length]")
    print(found, f"{points / seconds:.0f} points/s, {packets / seconds:.0f} packets/s")
    assert found.round_trip < WHILE_IT_TRAINS
    assert points / seconds >= POINTS
    assert packets / seconds <= PACKETS


def test_a_page_shows_what_another_one_started(lab, visit):
    page = visit(lab, "learn")
    ask(lab, "learn.start", preset="classic", epochs=40, dropout=0.1)
    card = page.get_by_role("radio", name=say("learn.preset.classic"))
    expect(card).to_be_checked()
    expect(page.get_by_label(say("learn.setting.epochs"))).to_have_value("40")
    # A page that comes later does not give the training its first dropout back.
    ask(lab, "learn.dropout", value=0.5)
    sent = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda text: sent.append(text)))
    page.reload()
    ready(page, "learn")
    expect(card).to_be_checked()
    expect(page.locator("#learn canvas.live").first).to_have_attribute(
        "aria-label", saying("learn.chart")
    )
    asked = [json.loads(text)["type"] for text in sent if isinstance(text, str)]
    assert "learn.state" in asked
    assert not {"learn.dropout", "learn.rate"} & set(asked)
    press(page, "learn.stop")
    expect_state(page, "idle")


def test_a_lost_connection_comes_back(lab, visit):
    """The training goes on meanwhile; the curve has no gap, the page no complaint."""
    page = visit(lab, "draw")
    sockets, is_down = [], False

    def between(socket):
        if is_down:
            socket.close(code=1012)
            return
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/ws?*", between)
    page.reload()
    ready(page, "draw")
    go(page, "learn")
    choose(page, "tiny")
    set_to(page, "epochs", 50)
    start(page)
    is_down = True
    sockets.pop().close(code=1012)
    expect_state(page, "lost")
    expect(page.get_by_role("alert")).to_have_text(say("socket.lost"))
    step = step_of(page)
    page.wait_for_timeout(700)
    assert step_of(page) == step
    is_down = False
    expect(page.locator("#device")).to_have_text(saying("frame.state.running"))
    expect(page.get_by_role("alert")).to_be_hidden()
    wait_until(lambda: step_of(page) > step)
    page.get_by_text(say("chart.table")).first.click()
    rows = page.locator("#learn .graphs tbody th")
    expect(rows.first).to_be_visible()
    steps = [numbers_in(row)[0] for row in rows.all_inner_texts()]
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert max(gaps) < 4 * sorted(gaps)[len(gaps) // 2]
    press(page, "learn.stop")
    expect_state(page, "idle")


def test_a_cell_that_is_gone_when_it_is_asked_about(lab, visit):
    """The network may be another by then, before the page has heard of it."""
    page = visit(lab)
    page.route_web_socket("**/ws?*", changed_at_once)
    page.reload()
    ready(page, "draw")
    draw(page, DIGITS[0])
    expect_read(page, 0)
    cells = page.locator("#draw .cells").first
    cells.press("End")
    expect(page.locator("#draw .closer")).to_have_text(
        say("cell.title") + say("cell.invitation")
    )
    expect(page.get_by_role("alert")).to_have_count(0)


def changed_at_once(socket):
    """Answer as a slate whose network has just become another, when asked of a cell."""
    server = socket.connect_to_server()

    def hear(message):
        header = unpack(message)[0]
        if header["type"] != "cell":
            server.send(message)
            return
        socket.send(json.dumps({"id": header["id"], "type": "error", "sentence": "No"}))
        row = {"weights": [], "dead": [], "validation_loss": None}
        socket.send(json.dumps({"type": "epoch", "step": 1, "epoch": 1, **row}))

    socket.on_message(hear)
