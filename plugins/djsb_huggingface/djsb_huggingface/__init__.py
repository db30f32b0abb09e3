"""Evaluate causal language models in Hugging Face format, and infer with them."""
