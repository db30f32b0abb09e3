"""The kinds of component by name, importing nothing: for listings that must be quick."""

KINDS = (
    "hooks",
    "data_executors",
    "data_analyzers",
    "recipe_refiners",
    "data_evaluators",
    "data_pool_manipulators",
    "general_probes",
    "general_data_executors",
    "model_train_executors",
    "model_infer_executors",
    "model_evaluators",
)
"""The entry-point groups without ``djsb.``, in the order in which they are listed."""
