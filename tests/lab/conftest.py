"""What hears the runs of scripts."""

import pytest

LISTENER = """
    from djsb_core.api import hookimpl

    heard = []

    @hookimpl
    def djsb_run_started(run_id, settings, folder, group):
        heard.append(("started", dict(settings), folder.name == run_id, group))

    @hookimpl
    def djsb_settings_added(run_id, settings):
        heard.append(("added", settings))

    @hookimpl
    def djsb_job_started(job):
        heard.append(("job", job.meta_name, job.folder.is_dir()))

    @hookimpl
    def djsb_metric_logged(job, name, value, step, seconds):
        heard.append((name, value, step))

    @hookimpl
    def djsb_artifact_logged(job, name, kind, path, step):
        heard.append((name, kind, step))

    @hookimpl
    def djsb_job_finished(job, outputs, seconds, cached):
        heard.append(("job finished", job.meta_name, outputs, cached))

    @hookimpl
    def djsb_job_failed(job, error, seconds):
        heard.append(("job failed", job.meta_name, type(error).__name__))

    @hookimpl
    def djsb_run_finished(run_id, seconds):
        heard.append(("finished", seconds > 0))

    @hookimpl
    def djsb_run_failed(run_id, seconds, error):
        heard.append(("failed", type(error).__name__))
"""


@pytest.fixture
def no_trackers(monkeypatch, tmp_path):
    monkeypatch.setenv("DJSB_TRACKERS", "")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def heard(install):
    """Return what a listener hears that is installed as a plugin is."""
    install("djsb_ear", LISTENER, "[djsb.listeners]\near = djsb_ear\n")
    import djsb_ear

    return djsb_ear.heard
