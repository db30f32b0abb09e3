import logging
import sys

import pluggy
import pytest

from djsb_core import discovery, hookspecs
from djsb_core.discovery import (
    create_listeners,
    find_component,
    list_components,
    load_command,
    load_component,
    notify,
)
from djsb_core.errors import PluginLoadError, UnknownComponentError
from djsb_core.hookspecs import JobInfo, hookimpl
from djsb_core.identity import JobId
from djsb_core.interfaces.kinds import Kind

GOOD = """
    import click
    from djsb_core.api import ComponentConfig, DataEvaluator, hookimpl

    class Good(DataEvaluator):
        config_type = ComponentConfig

        def evaluate(self):
            return {"good": 1.0}

    @hookimpl
    def djsb_component_remarks(kind, name):
        return "heard"

    @click.command()
    def hello():
        pass
"""
BROKEN = ["import no_such_module", "1 / 0", "raise SystemExit(1)", "assert False", "x = ("]


def remarks(listeners):
    return notify(listeners, "djsb_component_remarks", kind="hooks", name="x")


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
def test_a_broken_package_breaks_only_itself(install, at_import):
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
    assert "heard" in remarks(create_listeners())


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
    with pytest.raises(PluginLoadError, match="apkg and zpkg both offer it; uninstall one"):
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
    "implementation",
    [
        "djsb_no_such_moment(job)",
        "djsb_job_started(no_such_argument)",
        "djsb_job_started(job, more)",
    ],
)
def test_a_wrong_listener_is_skipped_with_one_warning(install, caplog, implementation):
    source = f"from djsb_core.api import hookimpl\n@hookimpl\ndef {implementation}: pass\n"
    install("wrongpkg", source, "[djsb.listeners]\nwrong = wrongpkg\n")
    install("goodpkg", GOOD, "[djsb.listeners]\ngood = goodpkg\n")
    listeners = create_listeners()
    warnings = [one.getMessage() for one in caplog.records if "wrongpkg" in one.getMessage()]
    assert len(warnings) == 1
    assert warnings[0].startswith("skipped listener 'wrong' of wrongpkg: ")
    assert "goodpkg" not in caplog.text
    assert "heard" in remarks(listeners)


def test_two_listeners_of_one_name_are_both_heard(install, caplog):
    for package in ("apkg", "bpkg"):
        install(package, GOOD.replace("heard", package), f"[djsb.listeners]\nsame = {package}\n")
    assert {"apkg", "bpkg"} <= set(remarks(create_listeners()))
    assert "apkg" not in caplog.text
    assert "bpkg" not in caplog.text


def test_a_listener_that_fails_is_dropped_with_one_warning_and_others_still_hear(listeners, caplog):
    class Good:
        calls = 0

        @hookimpl
        def djsb_component_remarks(self, name):
            Good.calls += 1
            return name

    class Bad:
        @hookimpl(tryfirst=True)
        def djsb_component_remarks(self):
            raise SystemExit("bad")

        @hookimpl
        def djsb_job_started(self):
            raise AssertionError("never called")

    listeners.register(Good())
    listeners.register(Bad(), name="bad")
    listeners.register(Good())
    assert len(remarks(listeners)) == 2
    assert len(remarks(listeners)) == 2
    assert Good.calls == 4
    warnings = [one for one in caplog.records if "dropped listener 'bad'" in one.getMessage()]
    assert [one.levelno for one in warnings] == [logging.WARNING]
    assert "djsb_component_remarks: SystemExit: bad" in warnings[0].getMessage()
    job = JobInfo("r", JobId("p", "s", 0, "m"), "h", None, None)
    assert notify(listeners, "djsb_job_started", job=job) == []


def test_a_listener_that_fails_while_its_answer_is_read_is_dropped(listeners, caplog):
    class Generator:
        @hookimpl
        def djsb_doctor_checks(self):
            yield 1
            raise ValueError("half way")

    listeners.register(Generator(), name="half")
    notify(listeners, "djsb_doctor_checks")
    assert "dropped listener 'half': djsb_doctor_checks: ValueError: half way" in caplog.text


def test_an_interruption_in_a_listener_is_no_failure(listeners):
    class Slow:
        @hookimpl
        def djsb_component_remarks(self):
            raise KeyboardInterrupt

    listeners.register(Slow())
    with pytest.raises(KeyboardInterrupt):
        remarks(listeners)


def test_nothing_to_say_is_left_out(listeners):
    class Silent:
        @hookimpl
        def djsb_component_remarks(self):
            return None

    class Zero:
        @hookimpl
        def djsb_component_remarks(self):
            return ""

    listeners.register(Silent())
    listeners.register(Zero())
    assert remarks(listeners) == [""]


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
