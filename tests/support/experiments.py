"""Experiments that are valid, to be spoiled."""

SINGLE = """\
project_name: p
experiment_name: e
work_dir: w
probe_job_configs:
- hook: ProbeViaAnalyzerHook
  meta_name: probe
  dj_configs: configs/process.yaml
  extra_configs:
    type: lab_analyzer
execution_job_configs:
- hook: Echo
  meta_name: first
  output: mine
  extra_configs:
    text: a
    train:
      max_epochs: 2
      optimizer:
        lr: 0.1
- hook: TrainModelHook
  meta_name: second
  input:
    extra_configs.train_dataset: anonymous.first.mine
  extra_configs:
    type: lab_trainer
    model_name: tiny
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: third
  timeout: 90s
  retries: 1
  cache: false
  extra_configs:
    type: lab_lengths
    dataset_path: data.jsonl
"""
SEVERAL = """\
work_dir: w
max_iter_num: 3
iter_targets:
- two.score.text >= 0.8
iter_targets_mode: any
iter_updater:
  two.score.text: one.start.extra_configs.text
pipelines:
- one:
    execution_job_configs:
    - hook: Echo
      meta_name: start
      extra_configs:
        text: a
        number: 3
- two:
    evaluation_job_configs:
    - hook: Echo
      meta_name: score
      input:
        extra_configs.text: one.start.text
      local:
        extra_configs.number: 1
"""
BASES = (SINGLE, SEVERAL)

SCORING = """
work_dir: w
project_name: p
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: eval
  extra_configs:
    type: mse
    predicted_dataset_path: data.jsonl
    ground_truth_dataset_path: data.jsonl
    predicted_value_key: a
    ground_truth_value_key: b
"""
"""One evaluation of two columns of ``data.jsonl``."""
