import math
import re
from itertools import pairwise

import pytest
from matplotlib.image import imread

from train.config import Config
from train.report import write_report

CONFIG = Config(steps=400, batch_size=16, micro_batch=8, context=64, prompt="Once | upon")

FACTS = {
    "parameters": 1071872,
    "data": {
        "name": "my_stories",
        "identity": {"files": [{"name": "train.txt", "sha256": "ab12"}, {"name": "valid.txt"}]},
        "train_tokens": 204_800,
        "train_bytes": 800_000,
        "train_stories": 1234,
        "valid_tokens": 10_241,
        "valid_bytes": 40_000,
        "valid_stories": 61,
    },
    "machine": {"processor": "Abacus", "cores": 2, "memory_gib": 24},
}

STORY = """\
Once | upon a time, there was a *snail*.
# 3 snails_and_whales

- "Is <b>this</b> it?" [it](asked) `softly` & 1 < 2 \\ ~~3~~ $4$
12. The end."""

QUOTE = r"""> Once \| upon a time, there was a \*snail\*.
>
> \# 3 snails\_and\_whales
>
> \- "Is \<b\>this\</b\> it?" \[it\](asked) \`softly\` \& 1 \< 2 \\ \~\~3\~\~ \$4\$
>
> 12\. The end.
"""


def scores(nats):
    return {
        "nats": nats,
        "perplexity": math.exp(nats),
        "bits_per_byte": nats / math.log(2) / 3.9,
        "tokens": 1000,
        "bytes": 3900,
    }


def events_until(end):
    """What a run logs in its first `end` steps."""
    events = []
    for step in range(1, end + 1):
        loss, speed = 1 + 6 / step, 9000 + step
        events.append({"event": "train", "step": step, "loss": loss, "lr": 0.003 * step / 400})
        events[-1] |= {"grad_norm": 0.5, "tokens_per_second": speed}
        if step % 10 == 0:
            events.append({"event": "valid", "step": step, **scores(loss)})
        if step % 50 == 0:
            events.append({"event": "sample", "step": step, "text": f"Sample {step}"})
    return events


ENDING = [
    {"event": "final", "step": 400, **scores(1.25), "seconds": 3723.4},
    {"event": "story", "step": 400, "text": STORY},
    {"event": "story", "step": 400, "text": "Another story."},
]


def report(folder, events):
    """The page and the picture, (height, width, RGBA), of a run, which leaves no other file."""
    write_report(folder, CONFIG, FACTS, events)
    assert {path.name for path in folder.iterdir()} == {"report.md", "loss.png"}
    return (folder / "report.md").read_text("utf-8"), imread(folder / "loss.png")


def rows(page, heading):
    """The cells of the tables below a heading."""
    section = re.split(r"^#+ ", page.partition(f"# {heading}\n")[2], flags=re.M)[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]


def test_page_of_a_complete_run(tmp_path):
    folder = tmp_path / "my_run"
    folder.mkdir()
    page, _ = report(folder, events_until(400) + ENDING)
    assert page.startswith(r"# my\_run")
    assert "1,071,872 parameters" in page
    assert r"1,234 stories (my\_stories)" in page
    assert "stopped early" not in page
    assert "on the whole validation text (1,000 tokens)" in page
    assert rows(page, r"my\_run")[2:] == [
        ["bits per byte", "0.462"],
        ["nats per token", "1.250"],
        ["perplexity", "3.49"],
        ["tokens seen", "409,600"],  # 400 steps of 16 windows of 64 tokens
        ["epochs", "2.00"],
        ["wall clock (h:mm:ss)", "1:02:03"],
        ["tokens per second (median)", "9,200"],
    ]
    assert f"\n\n    {CONFIG.command()}\n\n" in page
    assert "](loss.png)" in page


def test_validations_are_thinned_between_the_first_and_the_last(tmp_path):
    page, _ = report(tmp_path, events_until(400) + ENDING)
    header, _, *validations = rows(page, "Loss")
    assert header == ["step", "tokens seen", "bits per byte", "nats per token", "perplexity"]
    assert validations[0] == ["10", "10,240", "0.592", "1.600", "4.95"]
    assert validations[-1] == ["400", "409,600", "0.462", "1.250", "3.49"]
    steps = [int(step) for step, *_ in validations]
    assert len(steps) == 12
    assert all(30 <= b - a <= 40 for a, b in pairwise(steps))


def test_stories_read_as_they_were_told(tmp_path):
    page, _ = report(tmp_path, events_until(400) + ENDING)
    assert r"from the prompt “Once \| upon”; unedited." in page
    assert f"### Story 1\n\n{QUOTE}\n### Story 2\n\n> Another story.\n" in page
    samples = re.findall(r"### After (\d+) steps\n\n> Sample (\d+)\n", page)
    assert samples == [("50", "50"), ("200", "200"), ("400", "400")]


def test_settings_data_and_machine_are_named(tmp_path):
    page, _ = report(tmp_path, events_until(10))
    settings = rows(page, "Configuration")
    assert settings[2] == ["model", r"d\_model", "128"]
    assert ["training", "preset", "quick"] in settings
    assert ["recompute", "no"] in settings
    assert ["data", "data", "toy"] in settings
    assert [cells[-1] for cells in settings if cells[-2] == "prompt"] == [r"Once \| upon"]
    data = rows(page, "Data")
    assert ["train", "1,234", "204,800", "800,000"] in data
    assert ["files 1 sha256", "ab12"] in data
    assert ["files 2 name", "valid.txt"] in data
    assert rows(page, "Machine")[2:] == [
        ["processor", "Abacus"],
        ["cores", "2"],
        [r"memory\_gib", "24"],
    ]


@pytest.mark.parametrize("steps", [0, 1, 15, 55])
def test_run_stopped_early_shows_what_there_is(tmp_path, steps):
    page, picture = report(tmp_path, events_until(steps))
    assert f"stopped early, after {steps} of 400 steps" in page
    assert f"| tokens seen | {steps * 16 * 64:,} |" in page
    assert "wall clock" not in page
    assert "## Stories" not in page
    assert ("on a fixed sample of the validation text (1,000 tokens)" in page) == (steps >= 10)
    assert ("> Sample 50" in page) == (steps >= 50)
    assert picture.shape == (840, 1200, 4)


def test_picture_shows_the_losses_there_are(tmp_path):
    def drawn(events):
        _, picture = report(tmp_path, events)
        blueness = picture[..., 2] - picture[..., 0]
        return {"training": (blueness > 0.2).sum(), "validation": (blueness < -0.2).sum()}

    nothing, stopped, complete = map(drawn, ([], events_until(400), events_until(400) + ENDING))
    assert stopped["training"] > 5 * nothing["training"] > 0  # the legend
    assert nothing["validation"] == 0 < stopped["validation"] < complete["validation"]
