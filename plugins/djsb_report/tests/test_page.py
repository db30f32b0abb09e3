"""The whole page: its sections, and that it holds nothing but text and shapes."""

import re
from pathlib import Path

SECTIONS = (
    "verdict", "pipeline", "distributions", "funnel", "samples", "curves", "scores", "media",
    "environment",
)  # fmt: skip
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&$x_1$\x07'
LEADING = re.compile(r"(src|href|action|data|poster|srcset|background|xlink:href|formaction)$")


def test_every_section_is_there_in_order(full):
    page = full().page()
    assert page.sections == list(SECTIONS)
    assert [one["href"] for one in page.all("a")][:8] == [f"#{name}" for name in SECTIONS[1:]]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    titles = {one["aria-labelledby"] for one in page.all("section")}
    assert titles <= set(ids)


def test_the_verdict_stands_first_and_says_how_sure_it_is(full):
    text = full().page().text
    verdict = text[text.index("Verdict") : text.index("What ran")]
    assert "eval_refined is better than eval_raw on score." in verdict
    assert "score of eval_refined against eval_raw" in verdict
    assert "95 % interval +0.2" in verdict
    assert "the same 50 samples" in verdict
    assert "Each side is a single training" in verdict
    assert "process kept 21 of 40 rows (52.5 %)" in verdict
    assert "train_raw and train_refined differ only in data; both saw 4,096 tokens" in verdict


def test_a_run_without_results_has_only_what_it_can_say(new_run):
    run = new_run()
    run.end()
    page = run.page()
    assert page.sections == ["verdict", "pipeline", "environment"]
    assert "Nothing was evaluated" in page.text


def test_text_from_data_names_and_settings_stays_text(full):
    page = full(EVIL).page()
    assert page.all("script") == []
    assert [one for one in page.all("img") if not one["src"].startswith("data:image/jpeg")] == []
    handlers = [name for _, attributes in page.elements for name in attributes if name[:2] == "on"]
    assert handlers == []
    shown = EVIL.replace("\x07", "")
    for place in ("project", "experiment", "probe", "train_raw", "sample", "painter", "still"):
        assert re.search(rf"{place}.{{0,4}}{re.escape('<script>alert(1)</script>')}", page.text)
    assert shown[:40] in page.text


def test_nothing_is_loaded_from_anywhere(full):
    page = full().page()
    assert {tag for tag, _ in page.elements} & {
        "script",
        "link",
        "iframe",
        "object",
        "base",
    } == set()
    for _, attributes in page.elements:
        for name, value in attributes.items():
            if LEADING.match(name):
                assert value.startswith(("#", "data:image/jpeg;base64,", "file:///"))
    style = re.search(r"<style>(.*?)</style>", page.source, re.DOTALL)[1]
    assert "@import" not in style
    assert re.findall(r"url\((?!#)", page.source) == []
    (policy,) = (
        one["content"]
        for one in page.all("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_charts_take_their_colours_from_the_page(full):
    page = full().page()
    svg = "".join(re.findall(r"<svg.*?</svg>", page.source, re.DOTALL))
    assert svg.count("<svg") == 3  # one statistic, and the curves twice: wide and narrow
    assert re.findall(r"#[0-9a-f]{6}", svg) == []
    assert {"var(--before)", "var(--after)", "var(--bound)", "var(--s1)"} <= set(
        re.findall(r"var\(--\w+\)", svg)
    )


def test_what_is_confidential_is_masked(new_run, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "environment-secret")
    settings = {"api_key": "plain-secret<&>", "note": "environment-secret"}
    run = new_run(settings=settings)
    run.add(
        "infer plain-secret<&>", "InferModelHook", "execution", status="failed",
        error="401 for environment-secret", settings={"extra_configs": {"token": "third-secret"}},
    )  # fmt: skip
    run.end("failed", "job failed: third-secret")
    page = run.page()
    assert "secret" not in page.source
    assert "401 for ***" in page.text
    assert "infer ***" in page.text


def test_a_thousand_jobs_are_bounded(new_run):
    run = new_run()
    for i in range(100):
        for j in range(5):
            pipeline = f"p{i}"
            series = {"loss": [1.0, 0.5, 0.2]}
            run.train(f"train{j}", pipeline=pipeline, series=series, directions={"loss": False})
            run.score(f"eval{j}", j / 7, 0.1 if i < 3 else 0, pipeline=pipeline)
    run.end()
    page = run.page()
    assert len(page.source) < 600_000
    assert len([one for one in page.all("li") if one.get("class", "").startswith("job ")]) == 150
    assert "The first 12 of 400 comparisons" in page.text
    assert "476 more training runs are not drawn" in page.text
    assert "p99, iteration 1: 10 finished" in page.text


def test_the_style_and_the_templates_are_part_of_the_package():
    import djsb_report as package

    folder = Path(package.__file__).parent / "templates"
    assert (folder / "style.css").is_file()
    sections = {path.stem for path in folder.glob("sections/*.html")}
    assert sections == {*SECTIONS[1:], "against", "losses"}


def test_the_author_has_the_first_words(new_run):
    words = "Does removing <b>boilerplate</b> help?\n\nBudget: 2 h."
    run = new_run(settings={"description": words})
    run.end()
    page = run.page(note="Ship it & tell <everyone>.")
    assert [one["class"] for one in page.all("p") if one.get("class") == "words"] == ["words"] * 2
    before, _, after = page.text.partition("Verdict")
    assert "Does removing <b>boilerplate</b> help?" in before
    assert "Ship it & tell <everyone>." in after
    assert "<everyone>" not in page.source
