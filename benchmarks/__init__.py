"""How fast is it, against peers at their best? One file a question; `python -m benchmarks.harness` asks them all."""
