import logging
import signal
import sys

import pluggy
import pytest

from djsb_core import discovery, hookspecs
from djsb_core.discovery import (
    add_trackers,
    create_listeners,
    find_broken_listeners,
    find_component,
    list_components,
    load_checks,
    load_command,
    load_component,
    load_reporter,
    new_listeners,
    notify,
)
from djsb_core.errors import PluginLoadError, UnknownComponentError
from djsb_core.hookspecs import JobInfo, hookimpl
from djsb_core.identity import JobId
from djsb_core.interfaces.kinds import Kind

GOOD = r"""
    import click
    from djsb_core.api import ComponentConfig, DataEvaluator, hookimpl

    class Good(DataEvaluator):
        config_type = ComponentConfig

        def evaluate(self):
            return {"good": 1.0}

    @hookimpl
    def djsb_preparing(text):
        with open(text, "a") as heard:
            heard.write("heard\n")

    @click.command()
    def hello():
        pass
"""
BROKEN = ["import no_such_module", "1 / 0", "raise SystemExit(1)", "assert False", "x = ("]


@pytest.fixture
def heard(tmp_path):
    """Notify listeners; return what those of ``GOOD`` have heard."""

    def tell(listeners):
        path = tmp_path / "heard.txt"
        path.write_text("")
        notify(listeners, "djsb_preparing", text=str(path))
        return path.read_text().split()

    return tell


@pytest.fixture
def listeners():
    """No listener yet."""
    manager = pluggy.PluginManager(hookspecs.NAMESPACE)
    manager.add_hookspecs(hookspecs)
    return manager


# -- components ------------------------------------------------------------------------------------


def test_listing_imports_nothing(install):
    install("goodpkg", "raise SystemExit(1)", "[djsb.data_evaluators]\ngood = goodpkg:Good\n")
    infos = {info.name: info for info in list_components("djsb.data_evaluators")}
    assert (infos["good"].package, infos["good"].version) == ("goodpkg", "1.0")
    assert infos["good"].target == "goodpkg:Good"
    assert "goodpkg" not in sys.modules


def test_offers_are_listed_by_name(install):
    install("pkg", GOOD, "[djsb.data_evaluators]\nzz = pkg:Good\naa = pkg:Good\nmm = pkg:Good\n")
    names = [info.name for info in list_components("djsb.data_evaluators")]
    assert names == sorted(names)


def test_load_by_name(install):
    install("goodpkg", GOOD, "[djsb.data_evaluators]\ngood = goodpkg:Good\n")
    assert load_component(Kind.DATA_EVALUATOR, "good").__name__ == "Good"


def test_an_unknown_name_suggests_the_nearest(install):
    install("goodpkg", GOOD, "[djsb.data_evaluators]\ngood = goodpkg:Good\n")
    with pytest.raises(UnknownComponentError, match="data evaluator 'goood'; did you mean 'good'"):
        load_component(Kind.DATA_EVALUATOR, "goood")


def test_an_unknown_name_far_from_all_lists_them(install):
    install("goodpkg", GOOD, "[djsb.data_evaluators]\ngood = goodpkg:Good\n")
    with pytest.raises(UnknownComponentError, match=r"'zzzz'; known: .*good"):
        find_component(Kind.DATA_EVALUATOR, "zzzz")


@pytest.mark.parametrize("at_import", BROKEN)
def test_a_broken_package_breaks_only_itself(install, heard, at_import):
    install(
        "brokenpkg",
        at_import,
        "[djsb.data_evaluators]\nbad = brokenpkg:X\n[djsb.listeners]\nbad = brokenpkg\n",
    )
    install(
        "goodpkg",
        GOOD,
        "[djsb.data_evaluators]\ngood = goodpkg:Good\n[djsb.listeners]\ngood = goodpkg\n",
    )
    with pytest.raises(PluginLoadError) as caught:
        load_component(Kind.DATA_EVALUATOR, "bad")
    assert str(caught.value).startswith("cannot load data evaluator 'bad' of brokenpkg 1.0: ")
    assert caught.value.exit_code == 2
    assert load_component(Kind.DATA_EVALUATOR, "good").__name__ == "Good"
    assert "heard" in heard(create_listeners())


def test_the_reason_of_a_failed_import_is_named(install):
    install("brokenpkg", "import no_such_module", "[djsb.data_evaluators]\nbad = brokenpkg:X\n")
    with pytest.raises(
        PluginLoadError, match="ModuleNotFoundError: No module named 'no_such_module'"
    ):
        load_component(Kind.DATA_EVALUATOR, "bad")


def test_an_entry_point_that_names_nothing_is_one_message(install):
    install("goodpkg", GOOD, "[djsb.data_evaluators]\nbad = goodpkg:NotThere\nworse = nopkg:X\n")
    for name in ("bad", "worse"):
        with pytest.raises(
            PluginLoadError, match=f"cannot load data evaluator '{name}' of goodpkg"
        ):
            load_component(Kind.DATA_EVALUATOR, name)


@pytest.mark.parametrize("order", [("apkg", "zpkg"), ("zpkg", "apkg")])
def test_two_packages_with_one_name(install, order):
    for package in (*order, "mpkg"):
        name = "other" if package == "mpkg" else "same"
        install(package, GOOD, f"[djsb.data_evaluators]\n{name} = {package}:Good\n")
    with pytest.raises(PluginLoadError, match="apkg and zpkg both provide it; uninstall one"):
        load_component(Kind.DATA_EVALUATOR, "same")
    assert load_component(Kind.DATA_EVALUATOR, "other").__name__ == "Good"


@pytest.mark.parametrize("odd", ["class Odd: pass", "Odd = 3", "Odd = None", "def Odd(): pass"])
def test_what_is_no_component_of_the_kind_is_refused(install, odd):
    install("oddpkg", odd, "[djsb.data_evaluators]\nodd = oddpkg:Odd\n")
    with pytest.raises(PluginLoadError, match="oddpkg:Odd is not a DataEvaluator"):
        load_component(Kind.DATA_EVALUATOR, "odd")


def test_a_component_of_another_kind_is_refused(install):
    install("goodpkg", GOOD, "[djsb.hooks]\nGood = goodpkg:Good\n")
    with pytest.raises(PluginLoadError, match="goodpkg:Good is not a Hook"):
        load_component(Kind.HOOK, "Good")


def test_every_component_of_the_core_loads():
    for kind in Kind:
        for info in list_components(kind.group):
            if info.package == "djsb-core":
                assert issubclass(load_component(kind, info.name), kind.interface)


# -- listeners -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("implementation", "reason"),
    [
        ("djsb_job_begun(job)", "djsb_job_begun is no hookspec; did you mean 'djsb_job_"),
        (
            "djsb_job_startd(job)",
            "djsb_job_startd is no hookspec; did you mean 'djsb_job_started'?",
        ),
        (
            "djsb_job_started(no_such_argument)",
            "djsb_job_started takes no_such_argument; its hookspec has only: job",
        ),
        ("djsb_job_started(job, more)", "djsb_job_started takes more; its hookspec has only: job"),
    ],
)
def test_a_wrong_listener_is_skipped_with_one_warning(
    install, caplog, heard, implementation, reason
):
    source = f"from djsb_core.api import hookimpl\n@hookimpl\ndef {implementation}: pass\n"
    install("wrongpkg", source, "[djsb.listeners]\nwrong = wrongpkg\n")
    install("goodpkg", GOOD, "[djsb.listeners]\ngood = goodpkg\n")
    listeners = create_listeners()
    warnings = [one.getMessage() for one in caplog.records if "wrongpkg" in one.getMessage()]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"skipped listener 'wrong' of wrongpkg: {reason}")
    assert warnings[0].endswith("; mend or uninstall wrongpkg")
    assert "\n" not in warnings[0]
    assert "goodpkg" not in caplog.text
    assert "heard" in heard(listeners)
    ((package, error),) = find_broken_listeners(["wrongpkg", "goodpkg"])
    assert package == "wrongpkg"
    assert str(error).startswith(f"cannot load listener 'wrong' of wrongpkg 1.0: {reason}")


def test_two_listeners_of_one_name_are_both_heard(install, caplog, heard):
    for package in ("apkg", "bpkg"):
        install(package, GOOD.replace("heard", package), f"[djsb.listeners]\nsame = {package}\n")
    assert {"apkg", "bpkg"} <= set(heard(create_listeners()))
    assert "apkg" not in caplog.text
    assert "bpkg" not in caplog.text


def test_a_listener_that_fails_is_dropped_with_one_warning_and_others_still_hear(listeners, caplog):
    class Good:
        calls = 0

        @hookimpl
        def djsb_preparing(self, text):
            Good.calls += 1

    class Bad:
        @hookimpl(tryfirst=True)
        def djsb_preparing(self):
            raise SystemExit("bad")

        @hookimpl
        def djsb_job_started(self):
            raise AssertionError("never called")

    listeners.register(Good())
    listeners.register(Bad(), name="bad")
    listeners.register(Good())
    notify(listeners, "djsb_preparing", text="x")
    notify(listeners, "djsb_preparing", text="x")
    assert Good.calls == 4
    warnings = [one for one in caplog.records if "dropped listener 'bad'" in one.getMessage()]
    assert [one.levelno for one in warnings] == [logging.WARNING]
    assert f"djsb_preparing: SystemExit: bad ({__file__}:" in warnings[0].getMessage()
    job = JobInfo("r", JobId("p", "s", 0, "m"), "h", None, None)
    notify(listeners, "djsb_job_started", job=job)


def test_a_nameless_listener_is_named_by_its_class(caplog):
    class Bad:
        @hookimpl
        def djsb_preparing(self):
            raise RuntimeError

    notify(new_listeners([Bad()]), "djsb_preparing", text="x")
    assert "Bad': djsb_preparing: RuntimeError" in caplog.text


def test_an_interruption_in_a_listener_is_no_failure(listeners):
    class Slow:
        @hookimpl
        def djsb_preparing(self):
            signal.raise_signal(signal.SIGINT)

    listeners.register(Slow())
    with pytest.raises(KeyboardInterrupt):
        notify(listeners, "djsb_preparing", text="x")


# -- trackers --------------------------------------------------------------------------------------

TRACKER = """
    from djsb_core.api import Tracker, hookimpl

    class Board(Tracker):
        heard = []

        @hookimpl
        def djsb_preparing(self, text):
            self.heard.append(text)

    class Wrong(Tracker):
        @hookimpl
        def djsb_no_such_moment(self): pass

    class Failing(Tracker):
        def __init__(self, *args): raise SystemExit(3)
"""


def test_a_tracker_hears_the_runs_that_ask_for_it(install, listeners):
    install("boardpkg", TRACKER, "[djsb.trackers]\nboard = boardpkg:Board\n")
    add_trackers(listeners, [])
    assert "boardpkg" not in sys.modules
    with_board = add_trackers(new_listeners(), ["board"])
    notify(with_board, "djsb_preparing", text="one")
    notify(listeners, "djsb_preparing", text="other")
    assert sys.modules["boardpkg"].Board.heard == ["one"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("Wrong", "djsb_no_such_moment is no hookspec"),
        ("Failing", "SystemExit: 3"),
        ("heard", "cannot load tracker"),
    ],
)
def test_a_broken_tracker_is_skipped_with_one_warning(install, listeners, caplog, target, reason):
    entries = f"[djsb.trackers]\nbad = boardpkg:{target}\nboard = boardpkg:Board\n"
    install("boardpkg", TRACKER, entries)
    found = add_trackers(listeners, ["bad", "board"])
    assert len(found.get_plugins()) == 1
    (warning,) = [one.getMessage() for one in caplog.records]
    assert warning.startswith(f"skipped tracker 'bad': {reason}")


# -- checks and reporters --------------------------------------------------------------------------


def test_checks_are_loaded_for_the_packages_in_use(install):
    install("onepkg", "def ask(): return []", "[djsb.checks]\none = onepkg:ask\n")
    install("twopkg", "raise SystemExit(1)", "[djsb.checks]\ntwo = twopkg:ask\n")
    (found,) = load_checks(["onepkg"])
    assert found == ("onepkg", sys.modules["onepkg"].ask)
    assert "twopkg" not in sys.modules
    ((package, error),) = load_checks(["twopkg"])
    assert package == "twopkg"
    assert str(error) == "cannot load checks 'two' of twopkg 1.0: SystemExit: 1"


def test_a_reporter_is_loaded_by_name(install):
    install("goodpkg", "hello = 3", "[djsb.reporters]\nlab-text = goodpkg:hello\n")
    assert load_reporter("lab-text") == 3
    with pytest.raises(UnknownComponentError, match="unknown reporter 'lab-txt'; did you mean"):
        load_reporter("lab-txt")


# -- commands --------------------------------------------------------------------------------------


def test_commands_are_loaded_by_name(install):
    install("goodpkg", GOOD, f"[{discovery.COMMANDS}]\nhello-lab = goodpkg:hello\n")
    assert load_command("hello-lab").name == "hello"
    assert load_command("no-such-command") is None


@pytest.mark.parametrize("at_import", BROKEN)
def test_a_broken_command_is_one_message(install, at_import):
    install("brokenpkg", at_import, f"[{discovery.COMMANDS}]\nbroken-lab = brokenpkg:x\n")
    with pytest.raises(PluginLoadError, match="cannot load command 'broken-lab' of brokenpkg"):
        load_command("broken-lab")
