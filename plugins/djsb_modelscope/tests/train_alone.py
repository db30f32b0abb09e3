"""Train in this new process: ``python train_alone.py SETTINGS.json JOB_FOLDER``."""

import json
import sys
from pathlib import Path

from djsb_core.api import ComponentError, Workspace
from djsb_core.testing import RecordingWatcher
from djsb_modelscope.executor import ModelscopeTrainConfig, ModelscopeTrainExecutor

settings, folder = sys.argv[1:]
watcher = RecordingWatcher()
config = ModelscopeTrainConfig(**json.loads(Path(settings).read_text()))
try:
    final = ModelscopeTrainExecutor(config, Workspace(Path(folder), watcher)).train()
except ComponentError as error:
    sys.exit(str(error))
Path(folder, "reported.json").write_text(json.dumps([str(final), watcher.metrics]))
