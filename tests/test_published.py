from djsb_core.discovery import COMMANDS, REPORTERS
from djsb_core.interfaces.kinds import Kind
from djsb_core.published import CORE, PACKAGES, TRACKER_SIGNS, advise


def test_every_group_is_one_of_a_kind():
    assert set(PACKAGES) <= {COMMANDS, REPORTERS, *(kind.group for kind in Kind)}


def test_signs_are_of_known_trackers():
    assert set(TRACKER_SIGNS) <= set(PACKAGES[Kind.TRACKER.group])


def test_what_is_absent_is_to_be_installed():
    assert advise("djsb.data_evaluators", "vbench_video_evaluator") == (
        "it comes with djsb-vbench: pip install djsb-vbench"
    )


def test_what_the_installed_version_lacks_is_to_be_upgraded():
    assert CORE in advise("djsb.hooks", "ProbeViaModelInferHook")
    assert advise("djsb.hooks", "ProbeViaModelInferHook").endswith(
        "a later version does: pip install --upgrade djsb-core"
    )


def test_what_no_package_has_yet():
    assert advise("djsb.model_infer_executors", "vllm").startswith("no package provides it yet")


def test_other_names_are_left_to_the_spelling_hint():
    assert advise("djsb.data_evaluators", "vbench") is None
    assert advise("djsb.data_evaluators", ["vbench_video_evaluator"]) is None
    assert advise("djsb.no_group", "vllm") is None
