"""The engine `vllm`: a model on this machine's GPU. How it is supervised stands in `pipeline.generating`."""
