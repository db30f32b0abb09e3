"""Evaluate causal language models in Hugging Face format, and run inference with them."""
